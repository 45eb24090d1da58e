// Tests of plugin.js: `node --test`.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const plugin = require('./plugin.js');

function handle(answer) {
  const asked = [];
  const callHook = async (...what) => { asked.push(what); return answer; };
  const params = { plugin: { name: 'certificates' }, prior_results: [] };
  return { asked, results: plugin.process_plugin({ params, callHook }) };
}

test('findings become a result of the plugin', async () => {
  const { asked, results } = handle([{ resource: 'a' }]);
  const [result] = await results;
  assert.deepStrictEqual([result.result_name, result.details], ['certificates', [{ resource: 'a' }]]);
  assert.deepStrictEqual(asked, [['certificates', 'look', {}]]);
});

test('an answer that is no list is an error that names the plugin', async () => {
  await assert.rejects(handle({}).results, /certificates/);
});
