'use strict';
/* One contender at one piece of work, in a process of its own: prints a line of JSON.
 *
 *   node --expose-gc contender.cjs CONTENDER get100|get1k|object|memory|gc|limit */
const { readFileSync } = require('node:fs');
const path = require('node:path');

const [, , who, what] = process.argv;
const KEYS = 100000;
const SECONDS = Number(process.env.SECONDS || 1);
const SHARED = process.env.FETTLE_PACKAGE || path.join(__dirname, '../../../build/package');

/* One string in memory, not a rope: as they come out of a request's parser. */
const flat = (text) => Buffer.from(text).toString('latin1');
const keys = Array.from({ length: KEYS }, (_, i) => flat(`user:profile:${String(i).padStart(7, '0')}`));

/* Zipf with exponent 1, by its inverse: some keys are asked for much more often than the others. */
function zipf(count) {
  let state = 12345;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const order = keys.map((_, i) => i);
  for (let i = KEYS - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return Uint32Array.from({ length: count }, () => order[Math.min(KEYS - 1, Math.floor(KEYS ** next()) - 1)]);
}

const makers = {
  fettle(max) {
    const { cache } = require(SHARED);
    return cache({ name: `bench${max}`, max, maxBytes: max > KEYS ? 512 << 20 : 160 << 20, ttl: 3600000 });
  },
  'lru-cache'(max) {
    const { LRUCache } = require('lru-cache');
    return new LRUCache({ max, ttl: 3600000 });
  },
  'node-cache'() {
    const NodeCache = require('node-cache');
    return new NodeCache({ stdTTL: 3600, useClones: false, checkperiod: 0 });
  },
};

/* Millions a second: the best second of some. */
function rate(act) {
  let best = 0;
  for (let round = 0; round < 4; round++) {
    let done = 0;
    const begun = performance.now();
    do { act(); done += TRACE; } while (performance.now() - begun < SECONDS * 250);
    best = Math.max(best, done / (performance.now() - begun) / 1000);
  }
  return best;
}

const TRACE = 100000;
const text = (length, i) => flat(String(i).padEnd(length, 'abcdefghij'));
const object = (i) => ({ id: i, name: 'Ada Lovelace', tags: ['a', 'b'], active: true, score: i / 7 });

function speed(valueOf) {
  const cache = makers[who](KEYS);
  const trace = zipf(TRACE);
  for (let i = 0; i < KEYS; i++) cache.set(keys[i], valueOf(i));
  let sum = 0;
  const get = rate(() => {
    for (let i = 0; i < TRACE; i++) sum += cache.get(keys[trace[i]]) !== undefined;
  });
  const values = Array.from({ length: 1000 }, (_, i) => valueOf(i));
  const set = rate(() => {
    for (let i = 0; i < TRACE; i++) cache.set(keys[trace[i]], values[i % 1000]);
  });
  return { get, set, sum };
}

const pss = () => Number(/^Pss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'latin1'))[1]) * 1024;

/* Filled, or read once, and then it waits for all others: memory is shared while they live. */
async function memory() {
  const before = pss();
  const cache = makers[who](KEYS);
  if (who !== 'fettle' || process.env.FILLS) for (let i = 0; i < KEYS; i++) cache.set(keys[i], text(1024, i));
  process.send('filled');
  await new Promise((done) => process.once('message', done));
  if (who === 'fettle') for (let i = 0; i < KEYS; i++) cache.get(keys[i]);
  globalThis.gc();
  process.send('read');
  await new Promise((done) => process.once('message', done));
  process.send({ bytes: pss() - before });
  process.disconnect();
}

function collection() {
  const cache = makers[who](1000000);
  for (let i = 0; i < 1000000; i++) cache.set(flat(`user:${i}`), `value ${i}`);
  keys.length = 0;
  const took = [];
  for (let i = 0; i < 6; i++) {
    const begun = performance.now();
    globalThis.gc();
    took.push(performance.now() - begun);
  }
  return { ms: took.slice(1).sort((a, b) => a - b)[2], size: cache.size ?? cache.keys().length };
}

const limiters = {
  fettle: () => new (require(SHARED).RateLimitStore)({ name: 'bench', windowMs: 3600000 }),
  'express-rate-limit'() {
    const { MemoryStore } = require('express-rate-limit');
    const store = new MemoryStore();
    store.init({ windowMs: 3600000 });
    return store;
  },
};

async function limit() {
  const store = limiters[who]();
  const trace = zipf(TRACE);
  const best = rate(() => { for (let i = 0; i < TRACE; i++) store.increment(keys[trace[i]]); });
  store.shutdown?.();
  return { ns: 1000 / best };
}

(async () => {
  const act = {
    get100: () => speed((i) => text(100, i)),
    get1k: () => speed((i) => text(1024, i)),
    object: () => speed(object),
    memory, gc: collection, limit,
  }[what];
  const seen = await act();
  if (seen) console.log(JSON.stringify(seen));
})();
