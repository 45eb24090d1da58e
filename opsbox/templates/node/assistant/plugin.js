// Assistant my_plugin: puts first how many findings there are, and hands on everything else as it came.
'use strict';

const wire = require('./wire.js');

const DEFAULTS = { my_plugin_first: true }; // as in manifest.toml

// Returns a Result that says how many findings each Result has.
function count(results) {
  const found = new Map();
  for (const { result_name: name, details } of results) {
    const number = Array.isArray(details) ? details.length : Number(Object.keys(details).length > 0);
    found.set(name, (found.get(name) || 0) + number);
  }
  const formatted = [...found].map(([name, number]) => `${name}: ${number}`).join('\n') || 'no results';
  const details = { findings: Object.fromEntries(found) };
  return wire.result('my_plugin', 'how many findings there are', details, formatted, 'summary');
}

// Answers the list that takes the place of the given one.
function process_input(call) {
  const results = call.received('input');
  return call.config.my_plugin_first ? [count(results), ...results] : [...results, count(results)];
}

if (require.main === module) wire.serve('my_plugin', { process_input }, DEFAULTS);

module.exports = { count, process_input };
