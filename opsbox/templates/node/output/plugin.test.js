// Tests of plugin.js: `node --test`.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { afterEach, beforeEach, test } = require('node:test');
const plugin = require('./plugin.js');

const RESULTS = [{ result_name: 'a', details: [] }, { result_name: 'b', details: [] }];
let folder, said;

function deliver(file) {
  const call = { config: { my_plugin_file: file }, received: () => RESULTS, output: (text) => said.push(text) };
  return plugin.process_results(call);
}

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'output-'));
  said = [];
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

test('every result is in the file', () => {
  const file = path.join(folder, 'all.json');
  deliver(file);
  assert.deepStrictEqual(JSON.parse(fs.readFileSync(file, 'utf8')), RESULTS);
  assert.deepStrictEqual(said, [`results in ${file}: 2\n`]);
  assert.deepStrictEqual(fs.readdirSync(folder), ['all.json']);
});

test('a folder that is not there is an error', () => {
  assert.throws(() => deliver(path.join(folder, 'gone', 'all.json')), { code: 'ENOENT' });
});
