// Input: what is wrong with the packages of a Node.js project, told from its files alone. Only the standard library.
const fs = require('fs');
const path = require('path');
console.log = console.error; // Standard output belongs to the protocol.
let folder = null; // Not configured yet; then the working directory, unless the user names another one.
const send = (message) => process.stdout.write(JSON.stringify(message) + '\n');
const notify = (method, params) => send({ jsonrpc: '2.0', method, params });

function readJson(file, gap) { // null where there is none, or where it cannot be read, which is a gap
  try { return JSON.parse(fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '')); } catch (err) {
    if (err.code !== 'ENOENT') gap(file, err.code || 'not JSON');
    return null;
  }
}

function installed(modules, gap) { // [name, package.json] of every package in node_modules, scopes included
  const list = (dir) => (fs.existsSync(dir) ? fs.readdirSync(dir).filter((name) => !name.startsWith('.')).sort() : []);
  const names = list(modules).flatMap((name) =>
    name.startsWith('@') ? list(path.join(modules, name)).map((sub) => `${name}/${sub}`) : [name]);
  return names.map((name) => [name, readJson(path.join(modules, name, 'package.json'), gap)]).filter(([, facts]) => facts);
}

function check(id) {
  if (folder === null) throw Object.assign(new Error('not configured yet'), { rpc: -33002 });
  const gap = (what, why) => notify('gap', { id, what, why });
  const at = (name) => path.join(folder, name);
  const project = readJson(at('package.json'), gap);
  if (!project && folder !== '.') throw new Error(`no package.json can be read in ${folder}`);
  const details = [];
  const find = (name, severity, problem, remediation) => details.push({ package: name, severity, problem, remediation });
  const declared = Object.entries(project ? { ...project.devDependencies, ...project.dependencies } : {});
  const packages = project ? installed(at('node_modules'), gap) : [];
  const locks = ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb'];
  const locked = !declared.length || locks.some((lock) => fs.existsSync(at(lock)));
  if (!locked) find(project.name || 'project', 'medium', 'no lock file, so installations may differ', 'commit the lock file');
  const above = require('module').createRequire(path.resolve(at('package.json'))).resolve.paths('any'); // and in this folder
  if (fs.existsSync(at('.pnp.cjs'))) gap(at('.pnp.cjs'), 'packages that are kept in archives are not looked into');
  const there = (name) => fs.existsSync(at('.pnp.cjs')) || above.some((dir) => fs.existsSync(path.join(dir, name)));
  for (const [name, range] of declared) {
    if (!there(name)) find(name, 'high', 'declared, but not installed', 'install the packages');
    if (['', '*', 'latest'].includes(range)) find(name, 'medium', 'any version will do', 'state a range');
    if (/^(git|http|github:)/.test(range)) find(name, 'medium', `comes from ${range}`, 'use a published version');
  }
  packages.forEach(([name, { scripts }], done) => {
    const run = ['preinstall', 'install', 'postinstall'].filter((script) => scripts && scripts[script]);
    if (run.length) find(name, 'low', `runs a script when it is installed: ${run.join(', ')}`, 'review the script');
    if (done % 500 === 499) notify('progress', { id, done: done + 1, total: packages.length, unit: 'packages' });
  });
  const formatted = [project ? `packages installed: ${packages.length}, findings: ${details.length}` : 'no package.json here',
    ...details.map((each) => `- ${each.package} (${each.severity}): ${each.problem}`)].join('\n');
  const result_description = 'installed packages of a Node.js project';
  return [{ relates_to: 'node', result_name: 'node_packages', result_description, details, formatted }];
}

const methods = { // Every other one is unknown. `grab_config` is not among the hooks: the manifest's [config] answers it.
  initialize: () => ({ protocol: 1, plugin: { name: 'node_packages', version: '1.0.0' }, hooks: ['set_data', 'process'],
    features: ['progress', 'gap'], cancel: 'none' }),
  set_data: (id, { config }) => { folder = config.node_project || '.'; return {}; },
  process: check, shutdown: () => ({}),
};

function receive(line) {
  let message = {};
  try { message = JSON.parse(line); } catch (err) { console.error(`no message: ${line.slice(0, 200)}`); }
  const { id, method, params = {} } = message || {};
  if (id === undefined || method === undefined) return; // A notification. Responses never come: it asks nothing.
  let answer = { error: { code: -32601, message: 'unknown method' } };
  if (Array.isArray(params) || Object(params) !== params) answer.error = { code: -32602, message: '`params` is no object' };
  else try {
    if (Object.keys(methods).includes(method)) answer = { result: methods[method](id, params) };
  } catch (err) { answer = { error: { code: err.rpc || -33008, message: err.message, data: { traceback: err.stack } } }; }
  send({ jsonrpc: '2.0', id, ...answer });
}

let rest = ''; // Not `readline`: it also ends lines at U+2028.
process.stdin.setEncoding('utf8').on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  lines.map((line) => line.trim()).filter(Boolean).forEach(receive);
}); // With the end of stdin nothing is left to wait for, and the process ends.
