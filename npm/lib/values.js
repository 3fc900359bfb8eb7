'use strict';
/* lib/values.js -- values as bytes: JSON where it says the same, V8's serializer elsewhere
 *
 * JSON is faster for small values and is a string in a hash table; but it loses what it has no
 * words for. plain() looks whether that is the case, and gives up on what is large: there V8's
 * serializer is faster.
 */

const v8 = require('node:v8');
const { typeError } = require('./errors.js');

/* enum value_kind, npm/native/value.h */
const TEXT = 0;
const JSON_TEXT = 1;
const BUFFER = 2;
const CLONE = 3;

const NODES_MAX = 200;
const DEPTH_MAX = 12;

let nodes = 0;

function plain(value, depth) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) {
    const { length } = value;
    if ((nodes += length + 1) > NODES_MAX || Object.keys(value).length !== length) return false;
    for (let i = 0; i < length; i++) if (!plain(value[i], depth - 1)) return false;
    return true;
  }
  const proto = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null) return false;
  for (const key in value) {
    if (++nodes > NODES_MAX || key === '__proto__' || !plain(value[key], depth - 1)) return false;
  }
  return true;
}

/* Objects of other contexts have other prototypes: those go V8's way. */
function isPlain(value) {
  nodes = 0;
  return plain(value, DEPTH_MAX);
}

function serialize(value) {
  try {
    return v8.serialize(value);
  } catch (error) {
    throw typeError('ERR_INVALID_ARG_VALUE', `value must be one that can be cloned: ${error.message}`);
  }
}

module.exports = { TEXT, JSON_TEXT, BUFFER, CLONE, isPlain, serialize, deserialize: v8.deserialize };
