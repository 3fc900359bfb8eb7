'use strict';
/* lib/cache.js -- one cache for all workers
 *
 * Values lie in shared memory (src/shared/kvstore.h). What has been parsed of them is kept in this
 * worker's heap as well, and is good as long as the key's version word in shared memory is what it
 * was when the value was read: a completed set(), delete() or clear() in any worker changes it.
 */

const { performance } = require('node:perf_hooks');
const { storeOf } = require('./stores.js');
const { TEXT, JSON_TEXT, BUFFER, CLONE, isPlain, serialize, deserialize } = require('./values.js');
const { typeError, failure, badType, numberOf, functionOf, booleanOf, nameOf, optionsOf } = require('./errors.js');

const OPTIONS = ['name', 'max', 'maxBytes', 'ttl', 'allowStale', 'fetchMethod', 'heapMax'];
const BYTES_LEAST = 256 * 1024;
const BYTES_MOST = 2 ** 40;
const BYTES_USUAL = 64 * 1024 * 1024;
const BYTES_OF_ENTRY = 4096; /* where `max` is said and `maxBytes` is not; memory is taken as it is used */
const HEAP_MAX = 10000;
const HEAP_BYTES = 16 * 1024 * 1024; /* of what the first tier holds, as it is stored */
const HEAP_TEXT_LEAST = 64; /* a shorter string is made anew as fast */
const HEAP_TEXT_EVERY = 4; /* one miss in so many: what is asked for often gets in soon, a scan does not */
const TOUCH_EVERY = 32; /* hits of the first tier, then the shared memory is told */

/* enum status of npm/native/cache_node.c; words of its struct out */
const [MISSING, FOUND, STALE, BAD_KEY, LONG_KEY] = [0, 1, 2, 3, 4];
const [STATUS, KIND, WORD, VERSION, LEN] = [0, 1, 2, 3, 4];
const LEFT_MS = 3;
const [STORED, TOO_LARGE, BUSY] = [0, 1, 2];
const [CLAIMED, AWAITED] = [0, 1];
const STATS = ['size', 'bytes', 'maxBytes', 'maxEntryBytes', 'hits', 'misses', 'sets', 'evictions', 'deletes', 'tooLarge', 'repaired'];

const WAIT_FIRST_MS = 1;
const WAIT_MOST_MS = 16;

/* The time in ms, looked up once in a millisecond: for each get of a hot key it would cost more than all
 * the rest. */
let clock = 0;
const clockForget = () => { clock = 0; };
function now() {
  if (clock === 0) {
    clock = performance.now();
    setTimeout(clockForget, 1).unref();
  }
  return clock;
}

class Parsed {
  constructor(value, len, word, version, staleAt) {
    this.value = value;
    this.len = len;
    this.word = word;
    this.version = version;
    this.staleAt = staleAt; /* of performance.now(); Infinity: never */
    this.hits = 0;
  }
}

class Cache {
  #native;
  #out; /* what native functions answer beside their value */
  #left;
  #versions;
  #heapMax;
  #young = new Map(); /* two generations: what was asked for lately, and before */
  #old = new Map();
  #youngBytes = 0;
  #misses = 0;
  #ttl;
  #allowStale;
  #fetchMethod;
  #fetching = new Map(); /* key → promise */
  #name;

  constructor(native, options) {
    this.#native = native;
    this.#out = new Uint32Array(native.out);
    this.#left = new Float64Array(native.out);
    this.#versions = native.versions;
    this.#heapMax = native.versions ? options.heapMax : 0;
    this.#ttl = options.ttl;
    this.#allowStale = options.allowStale;
    this.#fetchMethod = options.fetchMethod;
    this.#name = options.name;
  }

  get name() {
    return this.#name;
  }

  /** The value; undefined: there is none. What is parsed is this worker's own copy, and the same one each time. */
  get(key) {
    if (this.#young.size !== 0) {
      const parsed = this.#young.get(key) ?? this.#renew(key);
      if (parsed !== undefined && this.#versions[parsed.word] === parsed.version &&
          (parsed.staleAt === Infinity || now() < parsed.staleAt)) {
        if (++parsed.hits % TOUCH_EVERY === 0) this.#native.touch(key, TOUCH_EVERY);
        return parsed.value;
      }
    }
    return this.#read(key);
  }

  #renew(key) {
    const parsed = this.#old.get(key);
    if (parsed === undefined) return undefined;
    this.#old.delete(key);
    this.#keep(key, parsed);
    return parsed;
  }

  #read(key) {
    const text = this.#native.get(key);
    const status = this.#out[STATUS];
    if (status === FOUND || (status === STALE && this.#allowStale)) {
      if (this.#out[KIND] !== TEXT) return this.#parse(key, text, status === FOUND);
      if (text.length >= HEAP_TEXT_LEAST && ++this.#misses % HEAP_TEXT_EVERY === 0 && status === FOUND) this.#keepNow(key, text);
      return text;
    }
    return status <= STALE ? undefined : this.#refuse(key, (k) => this.get(k));
  }

  /* Numbers are the strings that they read as; anything else is no key. */
  #refuse(key, again) {
    const status = this.#out[STATUS];
    if (status === BAD_KEY && typeof key === 'number') return again(String(key));
    if (status === BAD_KEY) throw badType('key', 'a string or a number', key);
    if (status === LONG_KEY) throw typeError('ERR_INVALID_ARG_VALUE', 'key must be at most 4095 bytes long');
    throw failure('ERR_MEMORY_ALLOCATION_FAILED', 'fettle: out of memory');
  }

  #parse(key, text, isFresh) {
    const kind = this.#out[KIND];
    if (kind === JSON_TEXT) {
      const value = JSON.parse(text);
      if (isFresh) this.#keepNow(key, value);
      return value;
    }
    const bytes = Buffer.allocUnsafeSlow(this.#out[LEN]);
    this.#native.take(bytes);
    if (kind === BUFFER) return bytes;
    const value = deserialize(bytes);
    if (isFresh) this.#keepNow(key, value);
    return value;
  }

  /* What get() has just found: `out` still says of which version it is. */
  #keepNow(key, value) {
    const len = this.#out[LEN];
    if (this.#heapMax === 0 || len > HEAP_BYTES / 16) return;
    const left = this.#left[LEFT_MS];
    this.#keep(key, new Parsed(value, len, this.#out[WORD], this.#out[VERSION], left === Infinity ? left : now() + left));
  }

  /* Half of them are thrown away at once, when they are many: those that were not asked for since. */
  #keep(key, parsed) {
    if (this.#young.size >= this.#heapMax / 2 || this.#youngBytes > HEAP_BYTES / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, parsed);
    this.#youngBytes += parsed.len;
  }

  has(key) {
    this.#native.has(key);
    const status = this.#out[STATUS];
    if (status > STALE) return this.#refuse(key, (k) => this.has(k));
    return status === FOUND;
  }

  /** Whether it is stored: what is too large for the cache is not. */
  set(key, value, options) {
    const ttl = options === undefined ? this.#ttl : this.#ttlOf(options);
    let result;
    if (typeof value === 'string') result = this.#native.setText(key, value, TEXT, ttl);
    else if (value === undefined) return this.delete(key), false;
    else if (Buffer.isBuffer(value)) result = this.#native.setBytes(key, value, BUFFER, ttl);
    else if (isPlain(value)) result = this.#native.setText(key, JSON.stringify(value), JSON_TEXT, ttl);
    else result = this.#native.setBytes(key, serialize(value), CLONE, ttl);
    if (result === STORED) return true;
    if (result === TOO_LARGE) return false;
    if (result === BUSY) throw this.#busy();
    return this.#refuse(key, (k) => this.set(k, value, options));
  }

  #ttlOf(options) {
    if (typeof options !== 'object' || options === null) throw badType('options of set', 'an object', options);
    const ttl = numberOf(options, 'ttl', { most: 1e12, whole: false });
    return ttl === undefined ? this.#ttl : ttl;
  }

  #busy() {
    return failure('ERR_FETTLE_BUSY', `fettle: cache '${this.#name}': a process that has part of it locked stands still`);
  }

  /** Whether it was there. */
  delete(key) {
    const result = this.#native.delete(key);
    if (result === BUSY) throw this.#busy();
    return result < 0 ? this.#refuse(key, (k) => this.delete(k)) : result === 1;
  }

  clear() {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
    if (!this.#native.clear()) throw this.#busy();
  }

  /** How many entries there are, those that are stale and not yet removed among them. */
  get size() {
    return this.#native.stats()[0];
  }

  /** Of all workers. */
  stats() {
    const numbers = this.#native.stats();
    return Object.fromEntries(STATS.map((name, i) => [name, numbers[i]]));
  }

  /**
   * The value; if there is none, what fetchMethod(key, { signal }) gives, which is stored. All who ask for
   * a key meanwhile, in all workers, wait for that one call. A stale value is given at once, with
   * allowStale, and fetched anew beside that.
   */
  async fetch(key, options = {}) {
    const { signal, forceRefresh = false } = optionsOf(options, ['signal', 'forceRefresh', 'context'], 'fetch');
    if (!this.#fetchMethod) throw typeError('ERR_INVALID_ARG_VALUE', `cache '${this.#name}' has no fetchMethod`);
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw badType('options.signal', 'an AbortSignal', signal);
    signal?.throwIfAborted();
    if (!forceRefresh) {
      const value = this.get(key);
      if (value !== undefined) {
        if (this.#out[STATUS] === STALE && this.#allowStale && !this.has(key)) this.#fetchOnce(key, options).catch(() => {});
        return value;
      }
    }
    return until(this.#fetchOnce(key, options), signal);
  }

  /* One for this worker. */
  #fetchOnce(key, options) {
    const name = String(key);
    let promise = this.#fetching.get(name);
    if (!promise) {
      promise = this.#fetchAmongAll(name, options).finally(() => this.#fetching.delete(name));
      this.#fetching.set(name, promise);
    }
    return promise;
  }

  /* One for all workers: who has the claim calls, the others look until it is given back or its owner is dead. */
  async #fetchAmongAll(key, { forceRefresh = false, context }) {
    for (let wait = WAIT_FIRST_MS; ; wait = Math.min(wait * 2, WAIT_MOST_MS)) {
      const claim = this.#native.claim(key);
      if (claim !== AWAITED) {
        try {
          /* It may have come between the look and the claim. */
          const there = forceRefresh || !this.has(key) ? undefined : this.get(key);
          if (there !== undefined) return there;
          const value = await this.#fetchMethod(key, { context });
          if (value !== undefined) this.set(key, value);
          return value;
        } finally {
          if (claim === CLAIMED) this.#native.unclaim(key);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.has(key)) {
        const value = this.get(key);
        if (value !== undefined) return value;
      }
    }
  }
}

function until(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The cache of this name. All workers that give it the same name, max and maxBytes have the same one. */
function cache(options) {
  optionsOf(options, OPTIONS, 'cache');
  const given = options ?? {};
  const name = nameOf(given.name ?? 'default');
  return cacheOf(given, name, name);
}

function cacheOf(given, name, region) {
  const max = numberOf(given, 'max', { least: 1, most: 4e9 }) ?? 0;
  const maxBytes = numberOf(given, 'maxBytes', { least: BYTES_LEAST, most: BYTES_MOST }) ??
    (max ? Math.min(Math.max(max * BYTES_OF_ENTRY, BYTES_LEAST * 16), 16 * BYTES_USUAL) : BYTES_USUAL);
  return new Cache(storeOf(region, maxBytes, max), {
    name,
    ttl: numberOf(given, 'ttl', { most: 1e12, whole: false }) ?? 0,
    allowStale: booleanOf(given, 'allowStale'),
    fetchMethod: functionOf(given, 'fetchMethod'),
    heapMax: numberOf(given, 'heapMax', { most: 1e9 }) ?? HEAP_MAX,
  });
}

const MEMOIZE_OPTIONS = ['name', 'key', 'ttl', 'max', 'maxBytes', 'allowStale', 'heapMax'];
const byArguments = (...args) => JSON.stringify(args);

/**
 * fn(...args), whose results are shared by all workers, for `ttl` milliseconds: called once for each key.
 * `name` has to be different for each function; key(...args) is a string, JSON of the arguments if it is not said.
 */
function memoize(fn, options) {
  if (typeof fn !== 'function') throw badType('fn', 'a function', fn);
  const { key = byArguments, name = fn.name, ...rest } = optionsOf(options, MEMOIZE_OPTIONS, 'memoize');
  if (typeof key !== 'function') throw badType('options.key', 'a function', key);
  if (!name) throw typeError('ERR_INVALID_ARG_VALUE', 'options.name must be said for a function without a name: it is by that that workers share');
  nameOf(name);
  const calls = new Map(); /* key → arguments of who asked first */
  const results = cacheOf({ ...rest, fetchMethod: (k) => fn(...calls.get(k)) }, name, `memoize:${name}`);
  async function memoized(...args) {
    const k = key(...args);
    const hit = results.get(k);
    if (hit !== undefined) return hit;
    const name = String(k);
    if (!calls.has(name)) calls.set(name, args);
    try {
      return await results.fetch(k);
    } finally {
      calls.delete(name);
    }
  }
  memoized.cache = results;
  return memoized;
}

module.exports = { cache, memoize, Cache };
