// proxy_cache.test.mjs -- the cache of responses, with a real Express app and several threads of the proxy
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test, before, after } from 'node:test';
import { BUILD, fixture, startFettle } from './helpers/fettle.mjs';
import { Wire, ask, get } from './helpers/wire.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-cache-'));
const runtime = path.join(dir, 'run');
fs.mkdirSync(runtime, { mode: 0o700 });
const fettle = (args) => spawnSync(path.join(BUILD, 'fettle'), args, { encoding: 'utf8' });
const SEEN = path.join(dir, 'seen');
const settings = path.join(dir, 'fettle.json');
const write = (more = {}) => fs.writeFileSync(settings, JSON.stringify({
  cache: true,
  'cache-stale-error': '1h',
  routes: [{ path: '/item/ttl', 'cache-ttl': '60s', 'cache-key': '-query:utm_*,header:x-shop' }, { path: '/item/off', cache: false }],
  ...more,
}));

let run;
before(async () => {
  fs.writeFileSync(SEEN, '');
  write();
  run = await startFettle({
    target: fixture('cache'),
    args: ['-w', '2', '--threads', '3', '--config', settings, '--access-log', path.join(dir, 'access.log'), '--runtime-dir', runtime],
    env: { SEEN },
  });
});
after(async () => {
  await run?.finish();
  fs.rmSync(dir, { recursive: true });
});

let number = 0;
/** A path that no other test has. */
const item = (query = {}, name = `n${++number}`) => `/item/${name}?${new URLSearchParams({ n: ++number, ...query })}`;
/** What the app was asked for it, a line each. */
const asked = (target) => fs.readFileSync(SEEN, 'utf8').split('\n').filter((line) => line.split(' ')[1] === target);

async function once(target, fields = {}, options = {}) {
  const response = await ask(run.port, get(target, fields, options), options);
  response.wire.destroy();
  return response;
}
const status = (response) => response.get('cache-status');
const HIT = /^fettle; hit; ttl=-?\d+/;

test('what the app lets be stored is asked for once', async () => {
  const target = item({ cc: 'max-age=60', size: 1000 });
  const first = await once(target);
  assert.equal(status(first), 'fettle; fwd=uri-miss; stored');
  for (let i = 0; i < 5; i++) {
    const again = await once(target);
    assert.match(status(again), HIT);
    assert.equal(again.text, first.text);
    assert.match(again.get('age'), /^\d+$/);
    assert.equal(again.get('content-type'), first.get('content-type'));
    assert.equal(again.get('date'), first.get('date'));
  }
  assert.equal(asked(target).length, 1);
});

for (const [what, query, fields] of [
  ['no-store', { cc: 'no-store, max-age=60' }],
  ['private', { cc: 'private, max-age=60' }],
  ['a response that sets a cookie', { cc: 'public, max-age=60', cookie: 'a' }],
  ['a response without a lifetime', {}],
  ['Vary: *', { cc: 'max-age=60', vary: '*' }],
  ['what was asked for with Authorization', { cc: 'max-age=60' }, { authorization: 'Basic YTpi' }],
  ['no-store of a request', { cc: 'max-age=60' }, { 'cache-control': 'no-store' }],
]) {
  test(`${what} is never stored`, async () => {
    const target = item(query);
    for (let i = 1; i <= 3; i++) {
      const response = await once(target, fields);
      assert.equal(response.status, 200);
      assert.doesNotMatch(status(response), /hit|stored/);
      assert.equal(asked(target).length, i);
    }
  });
}

test('a hundred requests at once are one for the app', async () => {
  const target = item({ cc: 'max-age=60', delay: 300, size: 50000 });
  const all = await Promise.all(Array.from({ length: 100 }, () => once(target)));
  assert.equal(new Set(all.map((r) => r.text)).size, 1);
  assert.ok(all.every((r) => r.status === 200 && r.text.length > 50000));
  assert.equal(asked(target).length, 1);
});

test('requests for what cannot be stored do not wait for each other', async () => {
  const target = item({ cc: 'no-store', delay: 400 });
  const began = performance.now();
  const all = await Promise.all(Array.from({ length: 20 }, () => once(target)));
  assert.ok(all.every((r) => r.status === 200));
  assert.equal(asked(target).length, 20);
  // One after the other they would take eight seconds.
  assert.ok(performance.now() - began < 6000);
});

test('conditions are answered by the cache', async () => {
  const target = item({ cc: 'max-age=60', etag: 'v1', size: 100 });
  await once(target);
  const same = await once(target, { 'if-none-match': '"x", W/"v1"' });
  assert.equal(same.status, 304);
  assert.equal(same.get('etag'), '"v1"');
  assert.equal(same.get('content-type'), undefined);
  assert.equal((await once(target, { 'if-none-match': '"v2"' })).status, 200);
  const date = (await once(target)).get('date');
  assert.equal((await once(target, { 'if-modified-since': date })).status, 304);
  assert.equal(asked(target).length, 1);
});

test('ranges are cut from what is stored', async () => {
  const target = item({ cc: 'max-age=60', etag: 'v1', size: 3000 }, 'range');
  const whole = await once(target);
  const part = await once(target, { range: 'bytes=2-6' });
  assert.equal(part.status, 206);
  assert.equal(part.text, whole.text.slice(2, 7));
  assert.equal(part.get('content-range'), `bytes 2-6/${whole.text.length}`);
  const last = await once(target, { range: 'bytes=-1000' });
  assert.equal(last.text, whole.text.slice(-1000));
  const none = await once(target, { range: 'bytes=99999-' });
  assert.equal(none.status, 416);
  assert.equal(none.get('content-range'), `bytes */${whole.text.length}`);
  assert.equal((await once(target, { range: 'bytes=0-1', 'if-range': '"v2"' })).status, 200);
  assert.equal((await once(target, { range: 'bytes=0-1', 'if-range': '"v1"' })).status, 206);
  assert.equal(asked(target).length, 1);
});

test('HEAD is answered from what GET has stored', async () => {
  const target = item({ cc: 'max-age=60', size: 100 });
  const whole = await once(target);
  const head = await once(target, {}, { method: 'HEAD' });
  assert.match(status(head), HIT);
  assert.equal(Number(head.get('content-length')), whole.text.length);
  assert.equal(asked(target).length, 1);
});

test('a chunked response is stored and sent with its length', async () => {
  const target = item({ cc: 'max-age=60', chunked: 1, size: 100000 });
  const first = await once(target);
  assert.equal(first.get('transfer-encoding'), 'chunked');
  const again = await once(target);
  assert.equal(Number(again.get('content-length')), first.text.length);
  assert.equal(again.text, first.text);
});

test('each has the variant that it asks for', async () => {
  const target = item({ cc: 'max-age=60', vary: 'Accept-Language', echo: 'accept-language' });
  for (const [language, count] of [['de', 1], ['en', 2], ['de', 2], ['en', 2], ['fr', 3]]) {
    assert.equal((await once(target, { 'accept-language': language })).text, language);
    assert.equal(asked(target).length, count);
  }
});

test('a worker that dies in the middle leaves nothing half', async () => {
  const target = item({ cc: 'max-age=60', chunked: 1, size: 2000, dies: 1 });
  await assert.rejects(once(target));
  await run.serving(2);
  await assert.rejects(once(target));
  assert.equal(asked(target).length, 2);
  await run.serving(2);
});

test('what is stale is sent while the app is asked behind it', async () => {
  const target = item({ cc: 'max-age=1, stale-while-revalidate=600', etag: 'v1' });
  await once(target);
  await run.until(async () => asked(target).length > 1 || (await once(target), false));
  // The app was asked with what we had, by nobody who waited; what it said is in force.
  assert.match(asked(target)[1], /"v1"$/);
  await run.until(async () => / ttl=1/.test(status(await once(target))));
  const all = await Promise.all(Array.from({ length: 10 }, () => once(target)));
  assert.ok(all.every((r) => HIT.test(status(r))));
});

test('what must be asked for first is asked for with its tag, and is true again', async () => {
  const target = item({ cc: 'max-age=1', etag: 'v1', size: 500, tag: 'kept' });
  const first = await once(target);
  await run.until(async () => /revalidated/.test(status(await once(target))));
  assert.match(asked(target).at(-1), /"v1"$/);
  const again = await once(target);
  assert.equal(again.text, first.text);
  assert.match(status(again), HIT);
});

test('a HEAD that makes sure of what is stored leaves it as it is', async () => {
  const target = item({ cc: 'max-age=1', etag: 'v1', size: 500 });
  const first = await once(target);
  await run.until(async () => /revalidated/.test(status(await once(target, {}, { method: 'HEAD' }))));
  const again = await once(target, { 'cache-control': 'only-if-cached, max-stale=60' });
  assert.equal(again.text, first.text);
});

test('what is stale is sent when the app fails', async () => {
  const target = item({ cc: 'max-age=1', size: 10 });
  const first = await once(target);
  fs.writeFileSync(`${SEEN}.fails`, '');
  try {
    await run.until(async () => /stale-if-error/.test(status(await once(target))));
    assert.equal((await once(target)).text, first.text);
    assert.equal((await once(item({ cc: 'max-age=1' }))).status, 503);
  } finally {
    fs.rmSync(`${SEEN}.fails`);
  }
});

test('what a POST changes is no longer stored, unless it failed', async () => {
  const target = item({ cc: 'max-age=60' });
  await once(target);
  await once(target, {}, { method: 'POST', body: 'x' });
  await once(target);
  assert.equal(asked(target).filter((line) => line.startsWith('GET')).length, 2);
  const failing = `${item({ cc: 'max-age=60', status: 400 })}`;
  await once(failing);
  await once(failing, {}, { method: 'POST', body: 'x' });
  assert.match(status(await once(failing)), HIT);
});

test('clients may ask for what is new, and for nothing but what is stored', async () => {
  const target = item({ cc: 'max-age=60' });
  const nothing = await once(target, { 'cache-control': 'only-if-cached' });
  assert.equal(nothing.status, 504);
  await once(target);
  assert.match(status(await once(target, { 'cache-control': 'only-if-cached' })), HIT);
  await once(target, { 'cache-control': 'no-cache' });
  await once(target, { pragma: 'no-cache' });
  assert.equal(asked(target).length, 3);
});

test('a route has a lifetime of its own, and a key of its own', async () => {
  const target = (query) => `/item/ttl?${query}`;
  assert.match(status(await once(target('a=1&utm_source=x'))), /stored/);
  assert.match(status(await once(target('a=1&utm_source=y'))), HIT);
  assert.match(status(await once(target('a=2'))), /stored/);
  assert.match(status(await once(target('a=1'), { 'x-shop': '7' })), /stored/);
  // A cookie may mean that it is somebody's own.
  assert.doesNotMatch(status(await once(target('a=1'), { cookie: 'sid=1' })), /hit|stored/);
  assert.equal(status(await once('/item/off?cc=max-age%3D60')), undefined);
});

test('hits and misses are pipelined on one connection', async () => {
  const targets = [item({ cc: 'max-age=60', size: 70000 }), item({ cc: 'max-age=60' }), item({ cc: 'no-store' })];
  await Promise.all(targets.map((target) => once(target)));
  const wire = new Wire({ port: run.port });
  const order = [0, 1, 0, 2, 1, 0, 0, 2];
  wire.send(order.map((i) => get(targets[i])).join(''));
  for (const i of order) {
    const response = await wire.response();
    assert.equal(response.status, 200);
    assert.equal(response.text.split(' ')[0], targets[i].slice(6).split('?')[0]);
  }
  wire.destroy();
});

test('surrogate keys are not for clients', async () => {
  const target = item({ cc: 'max-age=60', tag: 'red blue' });
  assert.equal((await once(target)).get('surrogate-key'), undefined);
  assert.equal((await once(target)).get('surrogate-key'), undefined);
});

test('a slow reader of a large hit holds nobody up', async () => {
  const target = item({ cc: 'max-age=60', size: 900000 });
  await once(target);
  const slow = new Wire({ port: run.port });
  slow.socket.pause();
  slow.send(get(target));
  for (let i = 0; i < 5; i++) assert.match(status(await once(target)), HIT);
  slow.socket.resume();
  assert.ok((await slow.response()).text.length > 900000);
  slow.destroy();
});

test('what is purged is asked for again, by path, tag or as a whole', async () => {
  const one = item({ cc: 'max-age=60', tag: 'red' }, 'purged-1');
  const two = item({ cc: 'max-age=60', tag: 'red blue' }, 'purged-2');
  const purge = (...words) => fettle(['cache', 'purge', ...words, '--runtime-dir', runtime]);
  const stored = async (target) => HIT.test(status(await once(target)));
  await Promise.all([once(one), once(two)]);
  assert.equal(purge('/item/purged-1').status, 0);
  await run.until(async () => !(await stored(one)));
  assert.ok(await stored(two));
  assert.equal(purge('--tag', 'red').status, 0);
  await run.until(async () => asked(two).length === 1 && !(await stored(two)));
  assert.equal(purge('/item/purged-*', '--json').status, 0);
  assert.equal(purge().status, 2);
  assert.equal(purge('/a', '/b').status, 2);
  assert.equal(purge('--all').status, 0);
  const shown = JSON.parse(fettle(['cache', '--json', '--runtime-dir', runtime]).stdout);
  assert.ok(shown.apps[0].hits > 0 && shown.apps[0].misses > 0);
  assert.ok(shown.apps[0].routes.find(({ route }) => route === '/item/:name').hits > 0);
  await run.until(async () => /^fettle_cache_requests_total\{.*route="\/item\/:name",result="hit"\} \d+$/m.test((await run.admin('/metrics')).text), { what: 'hits in the metrics' });
});

test('a reload keeps what is stored, and what it says holds at once', async () => {
  const target = item({ cc: 'max-age=60' });
  await once(target);
  write({ 'cache-status': false });
  run.kill('SIGHUP');
  await run.until(async () => status(await once(target)) === undefined);
  assert.equal(asked(target).length, 1);
  assert.match((await once(target)).get('age'), /^\d+$/);
});
