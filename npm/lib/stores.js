'use strict';
/* lib/stores.js -- what was opened in shared memory, once for each context */

const { open, errorName } = require('./native.js');
const { typeError, failure } = require('./errors.js');

const opened = new Map(); /* name and shape → what the addon made of them */

function storeOf(name, bytes, entries) {
  const id = `${name} ${bytes} ${entries}`;
  let native = opened.get(id);
  if (!native) {
    native = open().store(name, bytes, entries);
    if (typeof native === 'number') throw memoryFailure(native, name, bytes, entries);
    opened.set(id, native);
  }
  return native;
}

function memoryFailure(errno, name, bytes, entries) {
  const code = errorName(errno);
  if (code === 'EINVAL') return typeError('ERR_INVALID_ARG_VALUE', `options.maxBytes: ${bytes} bytes have no room for ${entries} entries`);
  return failure('ERR_FETTLE_MEMORY', `fettle: no memory for '${name}': ${code}`);
}

module.exports = { storeOf };
