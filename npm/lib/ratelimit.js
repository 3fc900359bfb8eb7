'use strict';
/* lib/ratelimit.js -- how often a client may ask: one count for all workers
 *
 * The options are express-rate-limit's. What is counted lies in shared memory; a window begins with
 * a client's first request, as there. As long as no option gives a promise, nothing waits.
 */

const { createHash } = require('node:crypto');
const net = require('node:net');
const { storeOf } = require('./stores.js');
const { typeError, failure, badType, badValue, numberOf, functionOf, booleanOf, nameOf, optionsOf } = require('./errors.js');

const WINDOW_MS = 60000;
const LIMIT = 5;
const CLIENTS = 100000;
const BYTES_OF_CLIENT = 192;
const LEFT_MS = 3;

const isPromise = (value) => typeof value === 'object' && value !== null && typeof value.then === 'function';
/* fn of it, now or when it has come. */
const then = (value, fn) => (isPromise(value) ? value.then(fn) : fn(value));

/* ---- the counts ---- */

/* { totalHits, resetTime }; a Date is made for who asks for it. */
class Count {
  #resetMs;
  constructor(totalHits, resetMs) {
    this.totalHits = totalHits;
    this.#resetMs = resetMs;
  }
  get resetTime() {
    return new Date(this.#resetMs);
  }
}

const STORE_OPTIONS = ['name', 'prefix', 'maxClients', 'windowMs'];

/** A Store of express-rate-limit's that counts for all workers: `store: new RateLimitStore({ name: 'login' })`. */
class RateLimitStore {
  #native;
  #left;

  constructor(options) {
    const { name = 'default', prefix = '' } = optionsOf(options, STORE_OPTIONS, 'RateLimitStore');
    nameOf(name);
    if (typeof prefix !== 'string') throw badType('options.prefix', 'a string', prefix);
    const clients = numberOf(options ?? {}, 'maxClients', { least: 1000, most: 1e9 }) ?? CLIENTS;
    this.windowMs = numberOf(options ?? {}, 'windowMs', { least: 1, most: 1e12 }) ?? WINDOW_MS;
    this.prefix = prefix;
    this.localKeys = false;
    this.#native = storeOf(`rate:${name}`, Math.max(clients * BYTES_OF_CLIENT, 1024 * 1024), clients);
    this.#left = new Float64Array(this.#native.out);
  }

  /** express-rate-limit says what the middleware was told. */
  init(options) {
    this.windowMs = numberOf(options, 'windowMs', { least: 1, most: 1e12 }) ?? this.windowMs;
  }

  #add(key, isMore) {
    if (typeof key !== 'string') throw badType('key', 'a string', key);
    const n = this.#native.add(this.prefix + key, isMore, this.windowMs);
    if (n === -2) throw failure('ERR_FETTLE_BUSY', 'fettle: a process that has part of the counts locked stands still');
    if (n < 0) throw typeError('ERR_INVALID_ARG_VALUE', 'key must be at most 4095 bytes long');
    return n;
  }


  increment(key) {
    return new Count(this.#add(key, true), Date.now() + this.#left[LEFT_MS]);
  }

  decrement(key) {
    this.#add(key, false);
  }

  get(key) {
    const totalHits = this.#native.number(this.prefix + key);
    return totalHits === undefined ? undefined : { totalHits, resetTime: new Date(Date.now() + this.#left[LEFT_MS]) };
  }

  resetKey(key) {
    this.#native.delete(this.prefix + key);
  }

  resetAll() {
    this.#native.clear();
  }

  shutdown() {}
}

/* ---- keys ---- */

const groups = (text) => (text === '' ? [] : text.split(':').flatMap((group) => {
  if (!group.includes('.')) return [parseInt(group, 16)];
  const [a, b, c, d] = group.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}));

/** An IPv4 address as it is; of an IPv6 one the network of this many bits, since a stranger has all of it. */
function ipKeyGenerator(ip, ipv6Subnet = 56) {
  if (typeof ip !== 'string') throw badType('ip', 'a string', ip);
  if (ipv6Subnet === false || !net.isIPv6(ip)) return ip;
  const [head, tail] = ip.replace(/%.*/, '').split('::');
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...Array(8 - first.length - last.length).fill(0), ...last];
  if (all.slice(0, 5).every((word) => word === 0) && all[5] === 0xffff)
    return `${all[6] >> 8}.${all[6] & 255}.${all[7] >> 8}.${all[7] & 255}`;
  const kept = all.map((word, i) => word & (0xffff << Math.max(0, 16 - Math.max(0, ipv6Subnet - i * 16))) & 0xffff);
  return `${kept.map((word) => word.toString(16)).join(':')}/${ipv6Subnet}`;
}

/* ---- fields of the response ---- */

const SECONDS = [[86400, 'day'], [3600, 'hr'], [60, 'min'], [1, 'sec']];
function duration(ms) {
  const seconds = Math.ceil(ms / 1000);
  const [unit, name] = SECONDS.find(([n]) => seconds >= n && seconds % n === 0) ?? [1, 'sec'];
  return `${seconds / unit}${name}`;
}

const set = (res, name, value) => res.setHeader(name, String(value));

const partition = (key) => Buffer.from(createHash('sha256').update(key).digest('hex').slice(0, 12)).toString('base64');

const standard = {
  'draft-6'(res, { limit, remaining, seconds }, { windowMs }) {
    set(res, 'RateLimit-Policy', `${limit};w=${Math.ceil(windowMs / 1000)}`);
    set(res, 'RateLimit-Limit', limit);
    set(res, 'RateLimit-Remaining', remaining);
    set(res, 'RateLimit-Reset', seconds);
  },
  'draft-7'(res, { limit, remaining, seconds }, { windowMs }) {
    set(res, 'RateLimit-Policy', `${limit};w=${Math.ceil(windowMs / 1000)}`);
    set(res, 'RateLimit', `limit=${limit}, remaining=${remaining}, reset=${seconds}`);
  },
  'draft-8'(res, { limit, remaining, seconds, key }, { windowMs }, name) {
    res.appendHeader?.('RateLimit-Policy', `"${name}"; q=${limit}; w=${Math.ceil(windowMs / 1000)}; pk=:${partition(key)}:`);
    res.appendHeader?.('RateLimit', `"${name}"; r=${remaining}; t=${seconds}`);
  },
};

function legacy(res, { limit, remaining, resetTime }) {
  set(res, 'X-RateLimit-Limit', limit);
  set(res, 'X-RateLimit-Remaining', remaining);
  set(res, 'Date', new Date().toUTCString());
  set(res, 'X-RateLimit-Reset', Math.ceil(resetTime.getTime() / 1000));
}

/* ---- the middleware ---- */

const OPTIONS = ['name', 'windowMs', 'limit', 'max', 'message', 'statusCode', 'legacyHeaders', 'standardHeaders', 'identifier',
  'requestPropertyName', 'skipFailedRequests', 'skipSuccessfulRequests', 'keyGenerator', 'ipv6Subnet', 'handler', 'skip', 'requestWasSuccessful',
  'store', 'passOnStoreError', 'validate', 'logger', 'maxClients'];

const addressOf = (req) => req.ip ?? req.socket?.remoteAddress ?? '';

/* As Express's res.send would; elsewhere by hand. */
function send(res, statusCode, message) {
  res.statusCode = statusCode;
  if (typeof res.send === 'function') {
    res.send(message);
    return;
  }
  const isText = typeof message === 'string';
  if (!res.hasHeader('Content-Type')) set(res, 'Content-Type', isText ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8');
  res.end(isText || Buffer.isBuffer(message) ? message : JSON.stringify(message));
}

function handle(req, res, next, options) {
  then(typeof options.message === 'function' ? options.message(req, res) : options.message, (message) => {
    if (!res.writableEnded) send(res, options.statusCode, message);
  });
}

/* What workers have in common without being told: the limits, and which of those that have the same it is. */
const made = new Map();
function nameMake(windowMs, limit) {
  const common = `${windowMs}/${typeof limit === 'number' ? limit : 'f'}`;
  const number = (made.get(common) ?? 0) + 1;
  made.set(common, number);
  return `${common}/${number}`;
}

function headersOf(options) {
  const wanted = options.standardHeaders ?? false;
  if (wanted === true) return 'draft-6';
  if (wanted !== false && !Object.hasOwn(standard, wanted))
    throw badValue('options.standardHeaders', "true, false, 'draft-6', 'draft-7' or 'draft-8'", wanted);
  return wanted;
}

function subnetOf({ ipv6Subnet = 56 }) {
  if (ipv6Subnet === false || typeof ipv6Subnet === 'function') return ipv6Subnet;
  return numberOf({ ipv6Subnet }, 'ipv6Subnet', { least: 32, most: 64 });
}

function settle(given) {
  const options = optionsOf(given, OPTIONS, 'rateLimit');
  const limit = options.limit ?? options.max ?? LIMIT;
  if (typeof limit !== 'function') numberOf({ limit }, 'limit');
  const windowMs = numberOf(options, 'windowMs', { least: 1, most: 1e12 }) ?? WINDOW_MS;
  const subnet = subnetOf(options);
  const { store } = options;
  if (store !== undefined && (typeof store !== 'object' || store === null || typeof store.increment !== 'function'))
    throw badType('options.store', 'a Store, with a function increment', store);
  return {
    windowMs,
    limit,
    message: options.message ?? 'Too many requests, please try again later.',
    statusCode: numberOf(options, 'statusCode', { least: 100, most: 599 }) ?? 429,
    legacyHeaders: options.legacyHeaders === undefined ? true : booleanOf(options, 'legacyHeaders'),
    standardHeaders: headersOf(options),
    identifier: options.identifier,
    requestPropertyName: options.requestPropertyName ?? 'rateLimit',
    skipFailedRequests: booleanOf(options, 'skipFailedRequests'),
    skipSuccessfulRequests: booleanOf(options, 'skipSuccessfulRequests'),
    keyGenerator: functionOf(options, 'keyGenerator') ??
      ((req, res) => ipKeyGenerator(addressOf(req), typeof subnet === 'function' ? subnet(req, res) : subnet)),
    handler: functionOf(options, 'handler') ?? handle,
    skip: functionOf(options, 'skip') ?? (() => false),
    requestWasSuccessful: functionOf(options, 'requestWasSuccessful') ?? ((req, res) => res.statusCode < 400),
    passOnStoreError: booleanOf(options, 'passOnStoreError'),
    store: store ?? new RateLimitStore({ name: options.name ?? nameMake(windowMs, limit), maxClients: options.maxClients, windowMs }),
  };
}

/* A client's count after this request. */
function infoOf(key, limit, { totalHits, resetTime }, now, windowMs) {
  const left = resetTime ? resetTime.getTime() - now : windowMs;
  return {
    limit, used: totalHits, remaining: Math.max(limit - totalHits, 0), key,
    resetTime: resetTime ?? new Date(now + windowMs), seconds: Math.max(0, Math.ceil(left / 1000)),
  };
}

function fields(req, res, info, options) {
  if (res.headersSent) return;
  if (options.legacyHeaders) legacy(res, info);
  if (!options.standardHeaders) return;
  const { identifier } = options;
  const name = typeof identifier === 'function' ? identifier(req, res) : identifier;
  standard[options.standardHeaders](res, info, options, name ?? `${info.limit}-in-${duration(options.windowMs)}`);
}

/* What did not count after all is taken away again. */
function uncount(req, res, key, options) {
  if (!options.skipFailedRequests && !options.skipSuccessfulRequests) return;
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    Promise.resolve(options.store.decrement(key)).catch(() => {});
  };
  const judge = () => then(options.requestWasSuccessful(req, res), (ok) => {
    if (ok ? options.skipSuccessfulRequests : options.skipFailedRequests) once();
  });
  res.on('finish', judge);
  if (options.skipFailedRequests) {
    res.on('close', () => { if (!res.writableEnded) once(); });
    res.on('error', once);
  }
}

function decide(req, res, next, options, key, limit, counted) {
  const info = infoOf(key, limit, counted, Date.now(), options.windowMs);
  const { seconds, ...shown } = info;
  req[options.requestPropertyName] = shown;
  fields(req, res, info, options);
  uncount(req, res, key, options);
  if (info.used <= limit) return next();
  if ((options.legacyHeaders || options.standardHeaders) && !res.headersSent) set(res, 'Retry-After', seconds);
  return options.handler(req, res, next, options);
}

function counted(store, key, options) {
  try {
    const answer = store.increment(key);
    if (!isPromise(answer) || !options.passOnStoreError) return answer;
    return answer.catch(() => null);
  } catch (error) {
    if (options.passOnStoreError) return null;
    throw error;
  }
}

/**
 * Middleware for Express, and for whatever calls (req, res, next): `limit` requests of a client in `windowMs`
 * are let through, by all workers together.
 */
function rateLimit(given) {
  const options = settle(given);
  const { store } = options;
  store.init?.(options);

  const middleware = (req, res, next) => {
    try {
      const result = then(options.skip(req, res), (skipped) => {
        if (skipped) return next();
        return then(options.keyGenerator(req, res), (key) =>
          then(typeof options.limit === 'function' ? options.limit(req, res) : options.limit, (limit) =>
            then(counted(store, key, options), (count) => (count === null ? next() : decide(req, res, next, options, key, limit, count)))));
      });
      return isPromise(result) ? result.catch(next) : result;
    } catch (error) {
      return next(error);
    }
  };
  middleware.resetKey = (key) => store.resetKey(key);
  middleware.getKey = (key) => store.get?.(key);
  return middleware;
}

module.exports = { rateLimit, RateLimitStore, ipKeyGenerator };
