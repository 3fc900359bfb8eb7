// redis.test.mjs -- one budget for several hosts over a real Redis, which is killed, stopped, emptied and refuses
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { BARE, PATIENCE_MS, startFettle } from './helpers/fettle.mjs';
import { startRedis } from './helpers/databases.mjs';
import { poll } from './helpers/net.mjs';
import { Wire, get } from './helpers/wire.mjs';

const skip = BARE && 'needs fettle';
const SERVER = "require('node:http').createServer((req, res) => res.end('app')).listen(process.env.PORT ?? 0, '127.0.0.1');";
// No answer is late on a loaded machine; where lateness is the subject, it is shorter.
const NEVER_LATE = '10s';

/** A host: fettle with a worker and two threads. */
async function host(t, settings, { env = {}, ready = true } = {}) {
  const cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fr-')));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  fs.mkdirSync(path.join(cwd, 'run'));
  fs.writeFileSync(path.join(cwd, 'server.js'), SERVER);
  fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({
    run: 'server.js', name: 'shop', workers: 1, threads: 2, 'trust-proxy': ['loopback'], 'redis-timeout': NEVER_LATE, ...settings,
  }));
  const app = await startFettle({ t, cwd, target: 'fettle.json', env: { FETTLE_RUNTIME_DIR: path.join(cwd, 'run'), ...env } });
  app.metric = async (name) => Number((await app.admin('/metrics')).text.match(new RegExp(`^fettle_redis_${name}(?:\\{[^}]*\\})? (.+)$`, 'm'))?.[1]);
  app.has = (name, check) => poll(async () => check(await app.metric(name)), { timeout: PATIENCE_MS });
  if (ready) await app.has('up', (n) => n === 1);
  return app;
}

async function status(port, ip, target = '/') {
  const wire = new Wire({ port });
  await wire.send(get(target, { 'x-forwarded-for': ip }));
  const answer = await wire.response();
  wire.destroy();
  return answer.status;
}

async function admitted(ports, n, ip, target) {
  const all = await Promise.all(Array.from({ length: n }, (_, i) => status(ports[i % ports.length], ip, target)));
  assert.deepEqual(all.filter((s) => s !== 200 && s !== 429), []);
  return all.filter((s) => s === 200).length;
}

test('two hosts admit exactly what one may, by every way of counting; other clients, routes and prefixes have their own', { skip }, async (t) => {
  const redis = await startRedis(t);
  const settings = {
    redis: redis.url(),
    'rate-limit': '30/1h',
    routes: [
      { path: '/window', 'rate-limit': ['25/1h', '500/1h'], 'rate-limit-algorithm': 'sliding-window' },
      { path: '/alone', 'rate-limit': '10/1h', 'rate-limit-redis': false },
    ],
  };
  const hosts = await Promise.all([host(t, settings), host(t, settings), host(t, { ...settings, redis: `unix://${redis.socket}?db=3`, 'redis-prefix': 'other:' })]);
  const [a, b, other] = hosts.map((h) => h.port);

  assert.equal(await admitted([a, b], 80, '10.0.0.1'), 30);
  assert.equal(await admitted([a, b], 60, '10.0.0.1', '/window'), 25);
  assert.equal(await admitted([a, b], 40, '10.0.0.1', '/alone'), 20);
  assert.equal(await admitted([a, b], 10, '10.0.0.2'), 10);
  assert.equal(await admitted([other], 40, '10.0.0.1'), 30);
  await hosts[0].has('decided_total', (n) => n > 0);
  await hosts[0].has('decided_alone_total', (n) => n === 0);
  // Keys are hashes under the prefix, and expire.
  const keys = (await redis.cli('--scan')).split('\n');
  assert.equal(keys.length, 4);
  for (const key of keys) {
    assert.match(key, /^fettle:limit:\{[0-9a-f]{16}\}:[0-9a-f]{32}$/);
    assert.ok(Number(await redis.cli('PTTL', key)) > 0);
  }
  assert.match(await redis.cli('-n', '3', '--scan'), /^other:limit:/);
  assert.match(await redis.cli('CLIENT', 'LIST'), /name=fettle/);
});

test('a script that is forgotten is sent again; what was refused is refused without asking again', { skip }, async (t) => {
  const redis = await startRedis(t);
  const app = await host(t, { redis: redis.url(), threads: 1, 'rate-limit': '3/1h' });

  assert.equal(await status(app.port, '10.0.0.1'), 200);
  await redis.cli('SCRIPT', 'FLUSH');
  assert.equal(await status(app.port, '10.0.0.1'), 200);
  assert.equal(await admitted([app.port], 4, '10.0.0.1'), 1);
  const before = await app.metric('commands_total');
  assert.equal(await admitted([app.port], 20, '10.0.0.1'), 0);
  await app.has('remembered_total', (n) => n >= 20);
  assert.equal(await app.metric('commands_total'), before);
  assert.equal(await app.metric('decided_alone_total'), 0);
});

test('killed and started again under load: every request is answered, budgets hold here, and it comes back', { skip }, async (t) => {
  const redis = await startRedis(t);
  const app = await host(t, { redis: `unix://${redis.socket}`, 'rate-limit': '20/1h' });
  let over = false;
  const bad = [];
  const load = Promise.all(Array.from({ length: 4 }, async (_, i) => {
    for (let n = 0; !over; n++) {
      const s = await status(app.port, `10.${i}.${n >> 8 & 255}.${n & 255}`);
      if (s !== 200) bad.push(s);
    }
  }));

  assert.equal(await admitted([app.port], 15, '10.9.0.1'), 15);
  await redis.kill();
  await app.has('up', (n) => n === 0);
  // What Redis had let in was counted here.
  assert.equal(await admitted([app.port], 15, '10.9.0.1'), 5);
  await app.has('decided_alone_total', (n) => n >= 15);
  await redis.again();
  await app.has('up', (n) => n === 1);
  const decided = await app.metric('decided_total');
  await app.has('decided_total', (n) => n > decided + 10);
  over = true;
  await load;
  assert.deepEqual(bad, []);
  await app.until(() => /Redis at .*redis\.sock is away/.test(app.output) && /Redis at .* is back/.test(app.output), { what: 'both lines' });
});

test('stopped in its tracks: nobody waits longer than redis-timeout, and it is used again when it goes on', { skip }, async (t) => {
  const redis = await startRedis(t);
  const app = await host(t, { redis: redis.url(), 'redis-timeout': '30ms', 'rate-limit': '5/1h' }, { ready: false });

  await app.has('up', (n) => n === 1);
  redis.signal('SIGSTOP');
  t.after(() => redis.signal('SIGCONT'));
  // It never answers: that there are answers at all is the proof.
  assert.equal(await admitted([app.port], 40, '10.0.0.1'), 5);
  await app.has('late_total', (n) => n > 0);
  await app.has('decided_alone_total', (n) => n >= 40);
  await app.has('lost_total', (n) => n > 0);
  redis.signal('SIGCONT');
  await app.has('up', (n) => n === 1);
  const decided = await app.metric('decided_total');
  let n = 0;
  await poll(async () => {
    await status(app.port, `10.1.0.${n++ % 250}`);
    return (await app.metric('decided_total')) > decided;
  }, { timeout: PATIENCE_MS });
});

test('a wrong password is named and never shown; the right one, of an ACL user too, works', { skip }, async (t) => {
  const redis = await startRedis(t, { settings: ['--requirepass', 'open+sesame',
    '--user', 'fettle', 'on', '>s3cret+word', '~fettle:*', '+eval', '+evalsha', '+script|load', '+time', '+get', '+set', '+client|setname'] });
  const limits = { 'rate-limit': '3/1h' };
  const [wrong, right, acl] = await Promise.all([
    host(t, limits, { env: { FETTLE_REDIS: `redis://:hunter2hunter2@127.0.0.1:${redis.port}` }, ready: false }),
    host(t, limits, { env: { FETTLE_REDIS: `redis://:open%2Bsesame@127.0.0.1:${redis.port}` } }),
    host(t, limits, { env: { FETTLE_REDIS: `redis://fettle:s3cret+word@localhost:${redis.port}` } }),
  ]);

  await wrong.until(() => /is away \(WRONGPASS/.test(wrong.output), { what: 'the reason' });
  assert.equal(await admitted([wrong.port], 5, '10.0.0.1'), 3);
  assert.equal(await admitted([right.port, acl.port], 8, '10.0.0.1'), 3);
  for (const app of [wrong, right, acl]) assert.doesNotMatch(app.output, /hunter2|sesame|s3cret/);
});

test('what is no Redis, or answers nonsense, costs no request', { skip }, async (t) => {
  const answers = ['HTTP/1.1 400 Bad Request\r\n\r\n', '+OK\r\n'.repeat(3) + '*1\r\n$99999999\r\n', '*2147483647\r\n', '+OK\r\n$40\r\n0123456789012345678901234567890123456789\r\n:1\r\n:2\r\n'];
  let turn = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(answers[turn++ % answers.length]));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const app = await host(t, { redis: `redis://127.0.0.1:${server.address().port}`, 'redis-timeout': '20ms', 'rate-limit': '4/1h' }, { ready: false });

  await poll(() => turn >= answers.length, { timeout: PATIENCE_MS });
  assert.equal(await admitted([app.port], 8, '10.0.0.1'), 4);
  assert.equal(await app.metric('decided_total'), 0);
});
