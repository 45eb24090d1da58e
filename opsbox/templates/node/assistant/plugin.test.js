// Tests of plugin.js: `node --test`.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const plugin = require('./plugin.js');
const wire = require('./wire.js');

const TEXT = '{"result_name":"a","details":[{"bytes": 12345678901234567890},{"text":"]}\\","}],"x_mine":1.50}';

function received() {
  const params = { input: [JSON.parse(TEXT), JSON.parse(TEXT)] };
  const line = `{"jsonrpc":"2.0","id":1,"method":"process_input","params":{"input":[${TEXT},${TEXT}]}}`;
  return new wire.Call({ config: {} }, 1, params, line).received('input');
}

test('findings are counted by result', () => {
  const results = [['a', [{}]], ['b', []], ['a', { k: 1 }]].map(([result_name, details]) => ({ result_name, details }));
  assert.deepStrictEqual(plugin.count(results).details, { findings: { a: 2, b: 0 } });
});

test('the count stands where the configuration says', () => {
  for (const [first, names] of [[true, ['my_plugin', 'a', 'a']], [false, ['a', 'a', 'my_plugin']]]) {
    const answer = plugin.process_input({ config: { my_plugin_first: first }, received });
    assert.deepStrictEqual(answer.map((each) => each.result_name), names);
  }
});

test('a result is handed on as the text that it came in', () => {
  assert.strictEqual(wire.toJson(received()), `[${TEXT},${TEXT}]`);
});

test('a changed result is written anew', () => {
  const results = received();
  results[0].details = [];
  assert.strictEqual(wire.toJson(results), `[{"result_name":"a","details":[],"x_mine":1.5},${TEXT}]`);
});
