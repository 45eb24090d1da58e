// Tests of plugin.js: `node --test`.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { afterEach, beforeEach, test } = require('node:test');
const plugin = require('./plugin.js');

const MEMINFO = 'MemTotal:       16000 kB\nMemFree:         100 kB\nMemAvailable:    4000 kB\n';
let proc, gaps, call;

beforeEach(() => {
  proc = fs.mkdtempSync(path.join(os.tmpdir(), 'proc-'));
  fs.writeFileSync(path.join(proc, 'loadavg'), '0.52 1.04 2.08 1/234 5678\n');
  gaps = [];
  call = { config: { ...plugin.DEFAULTS }, gap: (...what) => gaps.push(what) };
});
afterEach(() => fs.rmSync(proc, { recursive: true }));

test('load and memory are gathered', () => {
  fs.writeFileSync(path.join(proc, 'meminfo'), MEMINFO);
  const { details } = plugin.gather_data(call, proc);
  assert.deepStrictEqual(details.load, { one: 0.52, five: 1.04, fifteen: 2.08 });
  assert.deepStrictEqual(details.memory, { total_kib: 16000, available_kib: 4000 });
  assert.deepStrictEqual(gaps, []);
});

test('what cannot be read is a gap and not in the data', () => {
  assert.deepStrictEqual(Object.keys(plugin.gather_data(call, proc).details), ['load']);
  assert.deepStrictEqual(gaps, [[path.join(proc, 'meminfo'), 'ENOENT', { section: 'memory' }]]);
});

test('memory can be left out', () => {
  call.config.my_plugin_memory = false;
  assert.deepStrictEqual(Object.keys(plugin.gather_data(call, proc).details), ['load']);
  assert.deepStrictEqual(gaps, []);
});
