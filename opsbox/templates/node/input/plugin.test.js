// Tests of plugin.js: `node --test`.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const plugin = require('./plugin.js');

test('a load below the bound is clean', () => {
  assert.deepStrictEqual(plugin.findings('9.00 3.99 9.00 1/234 5678\n', 4), []);
});

test('the bound itself is a finding', () => {
  const found = plugin.findings('0.00 4.00 0.00 1/234 5678\n', 4);
  assert.deepStrictEqual(found.map(({ resource, load }) => [resource, load]), [['load', 4]]);
});

test('a load that cannot be read is an error', () => {
  assert.throws(() => plugin.process({ config: plugin.DEFAULTS }, '/no/such/folder'), { code: 'ENOENT' });
  assert.throws(() => plugin.findings('', 4), /no load/);
});
