// Handler my_plugin: runs plugins of the type my_plugin_type, whose hook `look` answers findings.
'use strict';

const wire = require('./wire.js');

// Answers the Results of the plugin that the host names.
async function process_plugin(call) {
  const { name } = call.params.plugin;
  const found = await call.callHook(name, 'look', {});
  if (!Array.isArray(found)) throw new wire.Failed(`\`look\` of \`${name}\` answered no list of findings`);
  return [wire.result(name, `what ${name} found`, found, `findings: ${found.length}`, 'my_plugin')];
}

// Answers the findings of my_plugin_example, a plugin for this handler to run.
function look() {
  return [{ resource: 'example', message: 'the handler has asked', severity: 'info' }];
}

if (require.main === module) {
  if (process.argv[2] === 'example') wire.serve('my_plugin_example', { look });
  else wire.serve('my_plugin', { process_plugin });
}

module.exports = { process_plugin };
