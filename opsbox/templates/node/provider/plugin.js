// Provider my_plugin: gathers how busy this machine is.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const wire = require('./wire.js');

const DEFAULTS = { my_plugin_memory: true }; // as in manifest.toml

// Returns the load over 1, 5 and 15 minutes of the text of /proc/loadavg.
function load(text) {
  const [one, five, fifteen] = text.split(' ').map(Number);
  return { one, five, fifteen };
}

// Returns total and available KiB of the text of /proc/meminfo.
function memory(text) {
  const kib = (name) => Number(text.match(new RegExp(`^${name}: +(\\d+) kB$`, 'm'))[1]);
  return { total_kib: kib('MemTotal'), available_kib: kib('MemAvailable') };
}

// Answers the data; what cannot be read is a gap, never an empty value.
function gather_data(call, proc = '/proc') {
  const sections = { load: ['loadavg', load] };
  if (call.config.my_plugin_memory) sections.memory = ['meminfo', memory];
  const details = {};
  for (const [section, [name, read]] of Object.entries(sections)) {
    const file = path.join(proc, name);
    try {
      details[section] = read(fs.readFileSync(file, 'utf8'));
    } catch (err) {
      if (!err.syscall) throw err;
      call.gap(file, err.code, { section });
    }
  }
  return wire.result('my_plugin', 'how busy this machine is', details, `gathered: ${Object.keys(details).join(', ')}`);
}

if (require.main === module) wire.serve('my_plugin', { gather_data }, DEFAULTS);

module.exports = { DEFAULTS, gather_data };
