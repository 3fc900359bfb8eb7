// limits.test.mjs -- rate limits: one budget for all workers and threads, and what refused clients are told
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, PATIENCE_MS, startFettle } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';
import { Wire, get } from './helpers/wire.mjs';

const skip = BARE && 'needs fettle';

const SERVER = `
  require('node:http').createServer((req, res) => {
    if (req.url === '/own') res.setHeader('RateLimit-Limit', '7');
    res.end(process.env.APP ?? 'app');
  }).listen(process.env.PORT ?? 0, '127.0.0.1');`;

/** fettle with these settings, two workers and three threads; { port, admin }. */
async function started(t, settings, args = []) {
  const cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fl-')));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  fs.mkdirSync(path.join(cwd, 'run'));
  fs.writeFileSync(path.join(cwd, 'server.js'), SERVER);
  const write = (all) => fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({ run: 'server.js', workers: 2, threads: 3, 'trust-proxy': ['loopback'], ...all }));
  write(settings);
  const app = await startFettle({ t, cwd, target: 'fettle.json', args, env: { FETTLE_RUNTIME_DIR: path.join(cwd, 'run') } });
  return Object.assign(app, { write });
}

/** Requests of a client whose address a trusted proxy tells, on connections of their own or on one. */
const of = (ip, more = {}) => ({ 'x-forwarded-for': ip, ...more });

async function answer(port, target, headers, wire = new Wire({ port })) {
  await wire.send(get(target, headers));
  return Object.assign(await wire.response(), { wire });
}

async function statuses(port, n, target, headers) {
  const all = await Promise.all(Array.from({ length: n }, async () => {
    const { status, wire } = await answer(port, target, headers);
    wire.destroy();
    return status;
  }));
  return { ok: all.filter((s) => s === 200).length, refused: all.filter((s) => s === 429).length };
}

test('a client gets his budget once, whatever worker, thread and connection he comes to', { skip }, async (t) => {
  const { port } = await started(t, { 'rate-limit': '20/1h' });
  assert.deepEqual(await statuses(port, 60, '/', of('10.0.0.1')), { ok: 20, refused: 40 });
  assert.deepEqual(await statuses(port, 5, '/', of('10.0.0.2')), { ok: 5, refused: 0 });
});

test('answers tell what is left; a refusal says when to come back and keeps the connection', { skip }, async (t) => {
  const { port } = await started(t, { 'rate-limit': ['2/1m', '100/1h'], 'rate-limit-headers': 'both' });
  let r = await answer(port, '/', of('10.0.0.1'));
  const { wire } = r;
  assert.equal(r.get('ratelimit-policy'), '"2/1m";q=2;w=60, "100/1h";q=100;w=3600');
  assert.match(r.get('ratelimit'), /^"2\/1m";r=1;t=30, "100\/1h";r=99;t=36$/);
  assert.deepEqual([r.get('x-ratelimit-limit'), r.get('x-ratelimit-remaining')], ['2', '1']);
  assert.ok(Math.abs(Number(r.get('x-ratelimit-reset')) - Date.now() / 1000 - 30) < 5);
  r = await answer(port, '/', of('10.0.0.1'), wire);
  assert.equal(r.status, 200);
  r = await answer(port, '/', of('10.0.0.1'), wire);
  assert.equal(r.status, 429);
  assert.ok(Number(r.get('retry-after')) >= 29 && Number(r.get('retry-after')) <= 30);
  assert.match(r.get('ratelimit'), /^"2\/1m";r=0;/);
  assert.match(r.text, /^Too many requests: 2\/1m is the limit/);
  r = await answer(port, '/', of('10.0.0.1', { accept: 'application/json, */*' }), wire);
  assert.equal(r.get('content-type'), 'application/problem+json');
  assert.deepEqual(r.json()['violated-policies'], ['2/1m']);
  assert.equal((await answer(port, '/', of('10.0.0.9'), wire)).status, 200); // the same connection goes on
  wire.destroy();
});

test('of two limits, one that refuses leaves the budget of the other alone', { skip }, async (t) => {
  const { port } = await started(t, { 'rate-limit': ['10/1h by route', '3/1h'] });
  assert.deepEqual(await statuses(port, 9, '/', of('10.0.0.1')), { ok: 3, refused: 6 });
  assert.deepEqual(await statuses(port, 9, '/', of('10.0.0.2')), { ok: 3, refused: 6 });
  assert.deepEqual(await statuses(port, 9, '/', of('10.0.0.3')), { ok: 3, refused: 6 });
  assert.deepEqual(await statuses(port, 9, '/', of('10.0.0.4')), { ok: 1, refused: 8 }); // the route's ten
});

test('an app that speaks of its limits itself is not contradicted', { skip }, async (t) => {
  const { port } = await started(t, { 'rate-limit': '9/1h' });
  const r = await answer(port, '/own', of('10.0.0.1'));
  r.wire.destroy();
  assert.deepEqual([r.get('ratelimit-limit'), r.get('ratelimit'), r.get('ratelimit-policy')], ['7', undefined, undefined]);
});

test('by header, cookie and IPv6 prefix; exempt addresses; another status; a window', { skip }, async (t) => {
  const { port } = await started(t, {
    'rate-limit': '2/1h', 'rate-limit-by': 'header=X-Key', 'rate-limit-exempt': ['10.9.0.0/16'], 'rate-limit-algorithm': 'sliding-window',
    routes: [{ path: '/cookie', 'rate-limit': '1/1h by cookie=sid' }, { path: '/ip', 'rate-limit': '1/1h by ip', 'rate-limit-status': 503 }, { path: '/free', 'rate-limit': 'off' }],
  });
  const key = (k, ip = '10.0.0.1') => of(ip, k ? { 'x-key': k } : {});
  assert.deepEqual(await statuses(port, 4, '/', key('a')), { ok: 2, refused: 2 });
  assert.deepEqual(await statuses(port, 4, '/', key('a', '10.0.0.2')), { ok: 0, refused: 4 }); // the key counts, not the address
  assert.deepEqual(await statuses(port, 4, '/', key('b')), { ok: 2, refused: 2 });
  assert.deepEqual(await statuses(port, 4, '/', key(null)), { ok: 2, refused: 2 }); // without one: by address
  assert.deepEqual(await statuses(port, 4, '/', key('a', '10.9.3.4')), { ok: 4, refused: 0 });
  assert.deepEqual(await statuses(port, 4, '/free', key('a')), { ok: 4, refused: 0 });
  assert.deepEqual(await statuses(port, 3, '/cookie', of('10.0.0.1', { cookie: 'x=1; sid=alice' })), { ok: 1, refused: 2 });
  assert.deepEqual(await statuses(port, 3, '/cookie', of('10.0.0.1', { cookie: 'sid=bob' })), { ok: 1, refused: 2 });
  const v6 = async (ip) => { const r = await answer(port, '/ip', of(ip)); r.wire.destroy(); return r.status; };
  assert.deepEqual([await v6('2001:db8:1:2::1'), await v6('2001:db8:1:2:ffff::9'), await v6('2001:db8:1:3::1')], [200, 503, 200]);
});

test('a reload keeps budgets and connections; a new limit holds at once', { skip }, async (t) => {
  const app = await started(t, { 'rate-limit': '3/1h' });
  assert.deepEqual(await statuses(app.port, 3, '/', of('10.0.0.1')), { ok: 3, refused: 0 });
  const { wire } = await answer(app.port, '/', of('10.0.0.2'));
  app.write({ 'rate-limit': '3/1h', routes: [{ path: '/login', 'rate-limit': '1/1h' }] });
  app.kill('SIGHUP');
  await poll(async () => (await statuses(app.port, 2, '/login', of(`10.1.${Math.random() * 255 | 0}.${Math.random() * 255 | 0}`))).refused === 1, { timeout: PATIENCE_MS });
  assert.equal((await answer(app.port, '/', of('10.0.0.1'), wire)).status, 429); // what was used is still used
  assert.equal((await answer(app.port, '/', of('10.0.0.2'), wire)).status, 200);
  wire.destroy();
});

test('metrics, /api/limits and the log tell whom a limit refuses, and no secret', { skip }, async (t) => {
  const app = await started(t, { 'rate-limit': ['1/1h by header=X-Key', '5/1h by ip'] });
  await statuses(app.port, 3, '/', of('10.0.0.1', { 'x-key': 'very-secret' }));
  await statuses(app.port, 7, '/', of('10.0.0.3'));
  await app.until(async () => {
    const metrics = (await app.admin('/metrics')).text;
    assert.match(metrics, /^fettle_rate_limited_total\{limit="1\/1h by header=X-Key"\} 8$/m);
    assert.match(metrics, /^fettle_proxy_refused_total\{reason="rate_limited"\} 8$/m);
    return true;
  }, { what: 'eight refusals in the metrics' });
  const { limits, clients } = (await app.admin('/api/limits')).json();
  assert.deepEqual(limits.map((l) => [l.limit, l.place, l.refused]), [['1/1h by header=X-Key', '', 8], ['5/1h by ip', '', 0]]);
  assert.deepEqual([clients[0].client, clients[0].refused], ['10.0.0.3', 6]);
  assert.match(clients[1].client, /^X-Key #[0-9a-f]{8}$/);
  await app.line(/the rate limit 1\/1h by header=X-Key was exceeded by /);
  assert.ok(!app.lines.join('\n').includes('very-secret'));
});

test('what is no limit is named, with what would be one', { skip }, async (t) => {
  for (const [text, want] of [['100', /"100" is not a rate; write a number, a slash and a time/], ['5/s,5/s,5/s,5/s,5/s', /more than 4 limits/], ['5/s per ip', /"per" is not known in a rate limit/], ['5/s by cookie=', /nothing to count requests by/]]) {
    const app = await startFettle({ t, target: 'x.js', args: ['--rate-limit', text], port: false, ready: false });
    await app.line(want);
  }
});
