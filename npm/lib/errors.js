'use strict';
/* lib/errors.js -- errors with codes: Node's own where it has one that fits */

function typeError(code, message) {
  const error = new TypeError(message);
  error.code = code;
  return error;
}

function failure(code, message) {
  const error = new Error(message);
  error.code = code;
  return error;
}

const shown = (value) => {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return String(typeof value === 'bigint' ? `${value}n` : value);
};

/** What `name` must be was not given. */
const badType = (name, wanted, value) =>
  typeError('ERR_INVALID_ARG_TYPE', `${name} must be ${wanted}; it is ${shown(value)}`);

const badValue = (name, wanted, value) =>
  typeError('ERR_INVALID_ARG_VALUE', `${name} must be ${wanted}; it is ${shown(value)}`);

/* A number of options: undefined stays so. */
function numberOf(options, name, { least = 0, most = Number.MAX_SAFE_INTEGER, whole = true } = {}) {
  const value = options[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw badType(`options.${name}`, 'a number', value);
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value)))
    throw badValue(`options.${name}`, `${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`, value);
  return value;
}

function functionOf(options, name) {
  const value = options[name];
  if (value !== undefined && typeof value !== 'function') throw badType(`options.${name}`, 'a function', value);
  return value;
}

function booleanOf(options, name) {
  const value = options[name];
  if (value !== undefined && typeof value !== 'boolean') throw badType(`options.${name}`, 'true or false', value);
  return value === true;
}

/* By a name workers share: it is part of that of a region (memfile.h). */
const NAME_BYTES_MAX = 50;
function nameOf(name, of = 'options.name') {
  if (typeof name !== 'string') throw badType(of, 'a string', name);
  if (name === '' || Buffer.byteLength(name) > NAME_BYTES_MAX) throw badValue(of, `of 1 to ${NAME_BYTES_MAX} bytes`, name);
  return name;
}

/* An options object, of which all names are known: a misspelt one would be an option that is not set. */
function optionsOf(options, known, of) {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw badType(`options of ${of}`, 'an object', options);
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw typeError('ERR_INVALID_ARG_VALUE', `${of} has no option '${name}'; it has ${known.join(', ')}`);
  return options;
}

module.exports = { typeError, failure, badType, badValue, numberOf, functionOf, booleanOf, nameOf, optionsOf };
