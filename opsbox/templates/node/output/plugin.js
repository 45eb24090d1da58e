// Output my_plugin: writes all Results into one JSON file.
'use strict';

const fs = require('node:fs');
const wire = require('./wire.js');

const DEFAULTS = { my_plugin_file: 'my_plugin.json' }; // as in manifest.toml

// Writes a file under a temporary name and renames it, so that nobody sees half of it.
function writeWhole(file, text) {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    fs.writeFileSync(temporary, text, { flag: 'wx' });
    fs.renameSync(temporary, file);
  } catch (err) {
    fs.rmSync(temporary, { force: true });
    throw err;
  }
}

// Delivers the Results; where that fails it throws, and the run says that nothing was delivered.
function process_results(call) {
  const results = call.received('results');
  const file = call.config.my_plugin_file;
  writeWhole(file, `[${results.map(wire.toJson).join(',\n')}]\n`);
  call.output(`results in ${file}: ${results.length}\n`);
  return {};
}

if (require.main === module) wire.serve('my_plugin', { process_results }, DEFAULTS);

module.exports = { process_results };
