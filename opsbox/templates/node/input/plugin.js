// Input my_plugin: finds a machine with too much work.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const wire = require('./wire.js');

const DEFAULTS = { my_plugin_max_load: 4 }; // as in manifest.toml

// Returns what is wrong with the load in the text of /proc/loadavg.
function findings(text, threshold) {
  const load = Number(text.split(' ')[1]);
  if (Number.isNaN(load)) throw new Error('there is no load in this file');
  if (load < threshold) return [];
  const remediation = 'Find the busiest processes (`top`), or add processors.';
  const message = `the load over 5 minutes is ${load}`;
  return [{ resource: 'load', message, load, threshold, severity: 'medium', remediation }];
}

// Answers one Result; a load that cannot be read is an error, and not "nothing found".
function process_(call, proc = '/proc') {
  const found = findings(fs.readFileSync(path.join(proc, 'loadavg'), 'utf8'), call.config.my_plugin_max_load);
  const formatted = found.map((finding) => finding.message).join('\n') || 'not busy';
  return [wire.result('my_plugin', 'machines with too much work', found, formatted)];
}

if (require.main === module) wire.serve('my_plugin', { process: process_ }, DEFAULTS);

module.exports = { DEFAULTS, findings, process: process_ };
