// redis_cache.test.mjs -- the second tier of the cache: what one host has stored another one finds, and purges reach both
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { BARE, BUILD, PATIENCE_MS, startFettle } from './helpers/fettle.mjs';
import { startRedis } from './helpers/databases.mjs';
import { poll } from './helpers/net.mjs';
import { Wire, get } from './helpers/wire.mjs';

const skip = BARE && 'needs fettle';
// Answers say which host's app has made them, and how many it had made before.
const SERVER = `
  let n = 0;
  require('node:http').createServer((req, res) => {
    res.setHeader('Cache-Control', req.url.startsWith('/private') ? 'private' : 'public, max-age=3600');
    res.setHeader('Surrogate-Key', 'all ' + req.url.split('/')[1]);
    if (req.url.startsWith('/lang')) res.setHeader('Vary', 'Accept-Language');
    const body = process.env.HOST_NAME + ' ' + n++ + ' ' + (req.headers['accept-language'] ?? '');
    res.end(req.url.startsWith('/large') ? body + 'x'.repeat(300000) : body);
  }).listen(process.env.PORT, '127.0.0.1');`;

async function host(t, redis, name, settings = {}) {
  const cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fc-')));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  const run = path.join(cwd, 'run');
  fs.mkdirSync(run);
  fs.writeFileSync(path.join(cwd, 'server.js'), SERVER);
  fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({
    run: 'server.js', name: 'shop', workers: 1, threads: 2, redis, 'redis-timeout': '10s', cache: true, 'cache-redis': true, ...settings,
  }));
  const app = await startFettle({ t, cwd, target: 'fettle.json', env: { FETTLE_RUNTIME_DIR: run, HOST_NAME: name } });
  app.metric = async (metric) => Number((await app.admin('/metrics')).text.match(new RegExp(`^fettle_redis_${metric.replace(/[{}]/g, '\\$&')} (.+)$`, 'm'))?.[1]);
  app.has = (metric, check) => poll(async () => check(await app.metric(metric)), { timeout: PATIENCE_MS });
  /** So many responses were sent to Redis, and it has them. */
  app.stored = (count) => poll(async () =>
    await app.metric('cache_stored_total') === count && await app.metric('commands_total{use="cache"}') === await app.metric('answers_total{use="cache"}'),
  { timeout: PATIENCE_MS });
  app.up = () => poll(async () => {
    const { text } = await app.admin('/metrics');
    return ['up{use="limits"} 1', 'up{use="cache"} 1', 'up{use="purges"} 1'].every((line) => text.includes(`fettle_redis_${line}\n`))
      && Number(text.match(/^fettle_redis_connected_total\{use="cache"\} (\d+)$/m)[1]) >= 2;
  }, { timeout: PATIENCE_MS });
  await app.up();
  app.purge = (...args) => {
    const { status, stderr } = spawnSync(path.join(BUILD, 'fettle'), ['cache', 'purge', ...args], { env: { ...process.env, FETTLE_RUNTIME_DIR: run }, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  app.get = async (target, headers = {}) => {
    const wire = new Wire({ port: app.port });
    await wire.send(get(target, { host: 'shop.example', ...headers }));
    const answer = await wire.response();
    wire.destroy();
    assert.equal(answer.status, 200);
    return answer.body.toString();
  };
  return app;
}

test('what one host has stored another one finds, each variant too, and neither what is private', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [a, b] = await Promise.all([host(t, redis.url(), 'a'), host(t, redis.url(), 'b')]);

  assert.equal(await a.get('/page'), 'a 0 ');
  await a.stored(1);
  assert.equal(await b.get('/page'), 'a 0 ');
  // From then on it is b's own: Redis is not asked.
  const hits = await b.metric('cache_hits_total');
  assert.equal(await b.get('/page'), 'a 0 ');
  assert.equal(await b.metric('cache_hits_total'), hits);

  assert.match(await a.get('/lang', { 'accept-language': 'de' }), /^a \d+ de$/);
  const english = await a.get('/lang', { 'accept-language': 'en' });
  await a.stored(3);
  assert.equal(await b.get('/lang', { 'accept-language': 'en' }), english);
  assert.match(await b.get('/lang', { 'accept-language': 'de' }), /^a \d+ de$/);
  assert.match(await b.get('/lang', { 'accept-language': 'fr' }), /^b \d+ fr$/);

  const large = await a.get('/large');
  await a.stored(4);
  assert.equal(await b.get('/large'), large);

  assert.match(await a.get('/private'), /^a /);
  assert.match(await b.get('/private'), /^b /);
  for (const key of (await redis.cli('--scan', '--pattern', 'fettle:cache:*')).split('\n'))
    assert.ok(Number(await redis.cli('PTTL', key)) > 0, key);
});

test('a purge by path or tag reaches every host and what lies in Redis, also when a host was away', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [a, b] = await Promise.all([host(t, redis.url(), 'a'), host(t, redis.url(), 'b')]);
  let stored = 0;
  const both = async (target) => {
    const first = await a.get(target);
    stored++;
    await a.stored(stored);
    assert.equal(await b.get(target), first);
    return first;
  };
  const renewed = (app, target, old) => poll(async () => (await app.get(target)) !== old, { timeout: PATIENCE_MS });

  const page = await both('/page/1');
  const other = await both('/other/1');
  b.purge('--tag', 'page');
  await renewed(a, '/page/1', page);
  await renewed(b, '/page/1', page);
  assert.equal(await a.get('/other/1'), other);
  a.purge('/other/1');
  await renewed(b, '/other/1', other);
  await b.has('purges_taken_total', (n) => n >= 1);

  // A host that starts later knows what was purged before.
  const c = await host(t, redis.url(), 'c');
  assert.notEqual(await c.get('/other/1'), other);
  assert.notEqual(await c.get('/page/1'), page);
});

test('garbage in Redis, and a Redis that is killed or stopped, are misses', { skip }, async (t) => {
  const redis = await startRedis(t);
  const url = `unix://${redis.socket}`;
  const a = await host(t, url, 'a');

  await a.get('/page');
  await a.stored(1);
  const [key] = (await redis.cli('--scan', '--pattern', 'fettle:cache:*')).split('\n');
  const value = 'FTLC\u0001\u0001and then nothing of the kind'.padEnd(200, 'x');
  await redis.cli('SET', key, value);
  const b = await host(t, url, 'b', { 'redis-timeout': '50ms' });
  assert.equal(await b.get('/page'), 'b 0 ');
  await poll(async () => (await b.metric('cache_bad_total')) === 1 || (await b.metric('cache_misses_total')) > 0, { timeout: PATIENCE_MS });
  redis.signal('SIGSTOP');
  assert.equal(await b.get('/two'), 'b 1 ');
  redis.signal('SIGCONT');
  await redis.kill();
  assert.equal(await b.get('/three'), 'b 2 ');
  assert.equal(await b.get('/two'), 'b 1 ');
  await redis.again();
  await b.up();
});

test('of many requests for one page at two hosts, one goes to each app at the most', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [a, b] = await Promise.all([host(t, redis.url(), 'a'), host(t, redis.url(), 'b')]);
  const all = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? a : b).get('/page')));

  assert.ok(new Set(all).size <= 2, [...new Set(all)].join());
  for (const body of new Set(all)) assert.match(body, /^[ab] 0 $/);
});
