// Speaks the Opsbox protocol, version 1; what the plugin does is in plugin.js.
'use strict';

const fs = require('node:fs');

const FEATURES = ['progress', 'gap', 'output'];
const UNKNOWN_METHOD = -32601, INVALID_PARAMS = -32602;
const NO_VERSION = -33001, NOT_READY = -33002, CANCELLED = -33004, HOOK_FAILED = -33008;
const texts = new WeakMap(); // the text that a received Result came in

const WIRE = Number(process.env.WIRE || 1); // the host's descriptor, see run.sh
delete process.env.WIRE;

console.log = console.error; // Also without run.sh nothing is printed among the messages.
console.info = console.error;

class Failed extends Error {
  constructor(message, code = HOOK_FAILED, hint = '') {
    super(message);
    Object.assign(this, { code, hint });
  }
}

// Returns a value as JSON on one line; Results that were received and not changed keep their text, every digit of it.
function toJson(value) {
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  const text = value !== null && typeof value === 'object' ? texts.get(value) : undefined;
  const json = JSON.stringify(value ?? null);
  return text !== undefined && JSON.stringify(JSON.parse(text)) === json ? text : json;
}

// Returns the texts of a list's items, cut out of `line` from `at` on, which is behind its `[`.
function items(line, at) {
  const found = [];
  let depth = 0, quoted = false, begin = at;
  for (let i = at; i < line.length; i++) {
    const c = line[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '{' || c === '[') depth++;
    else if (depth === 0 && (c === ',' || c === ']')) {
      if (i > begin) found.push(line.slice(begin, i));
      begin = i + 1;
      if (c === ']') break;
    } else if (c === '}' || c === ']') depth--;
  }
  return found;
}

// Returns a Result with its five members.
function result(result_name, result_description, details, formatted, relates_to = 'host') {
  return { relates_to, result_name, result_description, details, formatted };
}

// One call of a hook: its parameters and configuration, and what the plugin may say meanwhile.
class Call {
  constructor(plugin, id, params, line = '') {
    Object.assign(this, { plugin, id, params, line, config: plugin.config });
  }

  // Returns the Results under a key of the parameters, each known with its own text.
  received(key) {
    const results = this.params[key];
    // The host writes no spaces and puts the list last, so the texts can be cut out of the line.
    const begin = `"params":{"${key}":[`, at = this.line.indexOf(begin);
    if (at >= 0) items(this.line, at + begin.length).forEach((text, i) => texts.set(results[i], text));
    return results;
  }

  // Reports that something could not be looked at; `more` may have `section` and `remedy`.
  gap(what, why, more = {}) {
    if (!this.plugin.features.includes('gap')) throw new Failed(`cannot look at ${what}: ${why}`);
    this.plugin.notify('gap', { id: this.id, what, why, ...more });
  }

  // Tells how far the work is; ends with an error where the call was cancelled.
  progress(done, total, unit) {
    if (this.plugin.cancelled.has(this.id)) throw new Failed('cancelled', CANCELLED);
    if (this.plugin.features.includes('progress')) this.plugin.notify('progress', { id: this.id, done, total, unit });
  }

  log(message, level = 'info') {
    this.plugin.notify('log', { level, message });
  }

  // Prints for the user; only outputs do that.
  output(text) {
    if (this.plugin.features.includes('output')) this.plugin.notify('output', { text });
    else this.log(text);
  }

  // Calls a hook of another plugin through the host; only handlers may. Returns a promise.
  callHook(plugin, hook, params) {
    return this.plugin.ask('host/call_hook', { id: this.id, plugin, hook, params });
  }
}

// Answers the host's lines; hooks may be async, and reading goes on while one waits.
class Plugin {
  constructor(name, hooks, defaults, write) {
    Object.assign(this, { name, hooks, write, config: { ...defaults }, features: [], ready: false, asked: 0 });
    this.cancelled = new Set();
    this.open = new Map();
  }

  notify(method, params) {
    this.write(`{"jsonrpc":"2.0","method":${toJson(method)},"params":${toJson(params)}}\n`);
  }

  ask(method, params) {
    const id = `p${++this.asked}`;
    this.write(`{"jsonrpc":"2.0","id":"${id}","method":${toJson(method)},"params":${toJson(params)}}\n`);
    return new Promise((resolve, reject) => this.open.set(id, { resolve, reject }));
  }

  async receive(line) {
    let message;
    try { message = JSON.parse(line); } catch { return; } // no message
    if (message === null || typeof message !== 'object' || message.jsonrpc !== '2.0') return;
    const { id, method, params = {} } = message;
    if (method === '$/cancel') this.cancelled.add(params?.id);
    if (!['number', 'string'].includes(typeof id)) return; // a notification
    if (typeof method !== 'string') return this.answered(message);
    try {
      this.write(`{"jsonrpc":"2.0","id":${toJson(id)},"result":${toJson(await this.answer(id, method, params, line))}}\n`);
    } catch (err) {
      const data = err instanceof Failed ? { hint: err.hint || undefined } : { traceback: err.stack };
      const error = { code: err.code < 0 ? err.code : HOOK_FAILED, message: err.message, data };
      this.write(`{"jsonrpc":"2.0","id":${toJson(id)},"error":${toJson(error)}}\n`);
    }
    this.cancelled.delete(id);
  }

  answered({ id, result, error }) {
    const waiting = this.open.get(id);
    this.open.delete(id);
    if (waiting && error) waiting.reject(new Failed(error.message));
    else if (waiting) waiting.resolve(result);
  }

  answer(id, method, params, line) {
    if (params === null || typeof params !== 'object' || Array.isArray(params)) {
      throw new Failed('`params` is no object', INVALID_PARAMS);
    }
    if (method === 'initialize') return this.initialize(params);
    if (method === 'shutdown') return {};
    if (method === 'set_data') {
      Object.assign(this.config, params.config);
      this.ready = true;
      return {};
    }
    if (!Object.hasOwn(this.hooks, method)) throw new Failed('unknown method', UNKNOWN_METHOD);
    if (!this.ready) throw new Failed(`\`${method}\` came before \`set_data\``, NOT_READY);
    return this.hooks[method](new Call(this, id, params, line));
  }

  initialize({ protocol, features = [] }) {
    if (protocol.min > 1) throw new Failed('this plugin speaks version 1 of the protocol', NO_VERSION);
    this.features = FEATURES.filter((each) => features.includes(each));
    const plugin = { name: this.name, version: '0.1.0' };
    return { protocol: 1, plugin, hooks: ['set_data', ...Object.keys(this.hooks)], features: FEATURES, cancel: 'cooperative' };
  }
}

// Writes a whole message, also where the pipe takes it in parts.
function write(text) {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) bytes = bytes.subarray(fs.writeSync(WIRE, bytes));
}

// Serves the host until it closes standard input.
function serve(name, hooks, defaults = {}) {
  const plugin = new Plugin(name, hooks, defaults, write);
  let rest = ''; // Not `readline`: it also ends lines at U+2028.
  process.stdin.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    lines.map((line) => line.trim()).filter(Boolean).forEach((line) => plugin.receive(line));
  });
  // The host is gone: what still runs has a second.
  process.stdin.on('end', () => setTimeout(() => process.exit(1), 1000).unref());
}

module.exports = { Call, Failed, Plugin, result, serve, toJson };
