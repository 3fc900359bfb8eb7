// upstream_health.test.mjs -- hosts that are unwell: left alone, back with slow start, all of them at once;
// and what fettle hosts tell of their loops
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { BARE, freePort, startFettle } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';
import { request } from './helpers/net.mjs';

const skip = BARE && 'needs fettle';
const closers = [];
after(async () => {
  for (const close of closers.reverse()) await close();
});

/** { at, asked, checked, healthy, tells, open(), close() }: what is asked but for /healthz, and that. */
async function host(ip) {
  const port = await freePort();
  const self = { at: `${ip}:${port}`, asked: 0, checked: 0, healthy: true, tells: undefined, sockets: new Set() };
  self.open = async () => {
    self.server = http.createServer((req, res) => {
      if (self.tells) res.setHeader('fettle-load', self.tells);
      if (req.url === '/healthz') {
        self.checked++;
        self.headers = req.headers;
        res.statusCode = self.healthy ? 204 : 503;
        return res.end();
      }
      self.asked++;
      if (self.breaks) return res.socket.resetAndDestroy();
      res.statusCode = self.status ?? 200;
      res.end(JSON.stringify({ at: self.at }));
    });
    await new Promise((done, failed) => self.server.once('error', failed).listen(port, ip, done));
  };
  self.close = () => new Promise((done) => (self.server.close(done), self.server.closeAllConnections()));
  closers.push(() => self.server.listening && self.close());
  await self.open();
  return self;
}

const h = {};
let run, cwd, silent, backs;
const rows = async (route, of = run) => (await of.admin('/api/upstreams')).json().upstreams.filter((row) => row.route === route);
const row = async (route, { at }) => (await rows(route)).find(({ endpoint }) => endpoint === at);
const isState = (route, one, state) => run.until(async () => {
  const found = await row(route, one);
  return found?.state === state && found;
}, { what: `${one.at} of ${route} to be ${state}` });
const metric = async (name, ...labels) => {
  const line = (await run.admin('/metrics')).text.split('\n').find((one) => one.startsWith(`${name}{`) && labels.every((label) => one.includes(label)));
  return line && Number(line.split(' ').at(-1));
};

const APP = `const fs = require('fs');
require('http').createServer((req, res) => {
  if (req.url === '/block') while (!fs.existsSync(process.env.GO));
  res.end(JSON.stringify({ name: process.env.WHO }));
}).listen(process.env.PORT);`;

const folder = (prefix) => {
  const made = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), prefix)));
  fs.mkdirSync(path.join(made, 'run'));
  fs.writeFileSync(path.join(made, 'app.js'), APP);
  closers.push(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
};

/** A fettle that another one has in front of it. */
async function back(name, workers) {
  const dir = folder(`fb-${name}-`);
  const self = await startFettle({
    cwd: dir, target: 'app.js', args: ['-w', String(workers), '--trust-proxy', 'loopback', '--load-report'],
    env: { FETTLE_RUNTIME_DIR: path.join(dir, 'run'), GO: path.join(dir, 'go'), WHO: name },
  });
  closers.push(() => self.finish());
  self.at = `127.0.0.1:${self.port}`;
  self.go = () => fs.writeFileSync(path.join(dir, 'go'), '');
  return self;
}

before(async () => {
  if (skip) return;
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'idle', 'busy', 'out1', 'out2', 'r1', 'r2'];
  await Promise.all(names.map(async (name, i) => (h[name] = await host(`127.0.0.${2 + (i % 8)}`))));
  const port = await freePort();
  silent = { at: `127.0.0.9:${port}`, server: net.createServer((socket) => socket.on('error', () => {})) };
  await new Promise((done) => silent.server.listen(port, '127.0.0.9', done));
  closers.push(() => silent.server.close());
  backs = await Promise.all([back('left', 2), back('right', 2)]);
  cwd = folder('fh-');
  const check = { 'health-check': '/healthz', 'health-interval': '60ms', 'health-rise': 2, 'health-fall': 2 };
  const quick = { ...check, 'health-timeout': '10s' };
  fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({
    run: 'app.js',
    name: 'shop',
    routes: [
      { path: '/checked', upstream: [h.a.at, h.b.at], ...quick, 'slow-start': '1h' },
      { path: '/panic', upstream: [h.c.at, h.d.at], ...quick },
      { path: '/silent', upstream: [silent.at, h.e.at], ...check, 'health-timeout': '2s' },
      { path: '/tcp', upstream: [h.f.at, silent.at], ...check, 'health-check': 'tcp' },
      { path: '/failing', upstream: [h.r1.at, h.r2.at], 'eject-time': '300ms', 'slow-start': 'off' },
      { path: '/loops', upstream: [h.idle.at, h.busy.at], ...quick },
      { path: '/fettles', upstream: backs.map(({ at }) => at), ...check, 'health-check': '/', 'health-timeout': '2s', 'slow-start': 'off', 'upstream-timeout': '20s' },
    ],
  }));
  run = await startFettle({ cwd, target: 'fettle.json', args: ['-w', '1', '--threads', '2'], env: { FETTLE_RUNTIME_DIR: path.join(cwd, 'run') } });
  closers.push(() => run.finish());
});

test('an unwell host leaves, without a failed request, and comes back with slow start', { skip }, async () => {
  await run.until(async () => (await row('/checked', h.a))?.check?.result === 'ok');
  assert.equal(h.a.headers.host, h.a.at);
  assert.equal(h.a.headers['user-agent'], 'fettle-health-check');
  const running = load({ port: run.port, path: '/checked', clients: 4 });
  await run.until(() => h.a.asked > 5 && h.b.asked > 5);
  h.a.healthy = false;
  const down = await isState('/checked', h.a, 'down');
  assert.equal(down.reason, 'health check');
  assert.deepEqual([down.check.result, down.check.status], ['status', 503]);
  await run.until(() => String(run.stderr).includes(`${h.a.at} is down: health check: status 503`));
  await run.until(async () => (await row('/checked', h.a)).in_flight === 0);
  const before = h.a.asked, there = h.b.asked;
  await run.until(() => h.b.asked > there + 50);
  assert.equal(h.a.asked, before);
  h.a.healthy = true;
  await isState('/checked', h.a, 'up');
  // An hour of slow start has only begun: a tenth of the load, or twice that when the other one is busy.
  const [mine, others] = [h.a.asked, h.b.asked];
  await run.until(() => h.a.asked + h.b.asked > mine + others + 400 && h.a.asked > mine);
  const share = (h.a.asked - mine) / (h.a.asked - mine + h.b.asked - others);
  assert.ok(share < 0.35, `it got ${share} of the load`);
  const { failures } = await running.stop();
  assert.deepEqual(failures, []);
  assert.ok((await metric('fettle_upstream_checks_total', 'route="/checked"', `endpoint="${h.a.at}"`, 'result="status"')) >= 2);
});

test('when all are down, all are tried', { skip }, async () => {
  h.c.healthy = h.d.healthy = false;
  await isState('/panic', h.c, 'down');
  await isState('/panic', h.d, 'down');
  const [c, d] = [h.c.asked, h.d.asked];
  await run.until(async () => {
    assert.equal((await run.get('/panic')).status, 200);
    return h.c.asked > c && h.d.asked > d;
  });
  await run.until(async () => (await metric('fettle_upstream_panic_total', 'route="/panic"')) > 0);
  h.c.healthy = true;
  await isState('/panic', h.c, 'up');
  const before = h.d.asked;
  for (let i = 0; i < 20; i++) assert.equal((await run.get('/panic')).json().at, h.c.at);
  assert.equal(h.d.asked, before);
});

test('a host that does not answer checks in time is down, unless a connection is all that is wanted', { skip }, async () => {
  const found = await isState('/silent', silent, 'down');
  assert.equal(found.check.result, 'timeout');
  for (let i = 0; i < 10; i++) assert.equal((await run.get('/silent')).json().at, h.e.at);
  await run.until(async () => (await row('/tcp', silent)).check?.result === 'ok');
  assert.equal((await row('/tcp', silent)).state, 'up');
  await h.f.close();
  const gone = await isState('/tcp', h.f, 'down');
  assert.equal(gone.check.result, 'connect');
  await h.f.open();
  await isState('/tcp', h.f, 'up');
});

test('a host that fails requests is left alone for a while, without any checks', { skip }, async () => {
  h.r1.breaks = true;
  await run.until(async () => {
    assert.equal((await run.get('/failing')).status, 200); // it is repeated elsewhere
    return (await row('/failing', h.r1)).ejections > 0;
  });
  await run.until(() => /has failed too often and gets nothing for/.test(run.stderr));
  h.r1.breaks = false;
  await isState('/failing', h.r1, 'up');
  const before = h.r1.asked;
  await run.until(async () => (assert.equal((await run.get('/failing')).status, 200), h.r1.asked > before));
});

test('a host without a waiting loop gets nothing while another one has some', { skip }, async () => {
  h.idle.tells = 'idle=3, queue=0';
  h.busy.tells = 'idle=0, queue=5';
  const busy = await run.until(async () => {
    const found = await row('/loops', h.busy);
    return found.loops && (await row('/loops', h.idle)).loops && found;
  });
  assert.deepEqual([busy.loops.idle, busy.loops.queue], [0, 5]);
  const before = h.busy.asked;
  for (let i = 0; i < 40; i++) {
    const answer = await run.get('/loops');
    assert.equal(answer.json().at, h.idle.at);
    assert.equal(answer.headers['fettle-load'], undefined);
  }
  assert.equal(h.busy.asked, before);
  h.busy.tells = 'idle=2, queue=0';
  h.idle.tells = 'idle=0, queue=1';
  await run.until(async () => (await run.get('/loops')).json().at === h.busy.at);
});

test('fettle hosts tell of their loops: of two, the one whose loops are blocked gets nothing', { skip }, async () => {
  const [left, right] = backs;
  await run.until(async () => (await rows('/fettles')).every(({ loops }) => loops?.idle === 2));
  assert.match((await left.get('/')).headers['fettle-load'], /^idle=\d, queue=0$/);
  const first = request({ port: left.port, path: '/block', timeout: 60000 });
  await run.until(async () => (await row('/fettles', left)).loops.idle === 1);
  const second = request({ port: left.port, path: '/block', timeout: 60000 });
  await isState('/fettles', left, 'down');
  for (let i = 0; i < 30; i++) assert.equal((await run.get('/fettles')).json().name, 'right');
  assert.equal((await row('/fettles', right)).state, 'up');
  left.go();
  await Promise.all([first, second]);
  await isState('/fettles', left, 'up');
  await run.until(async () => (await run.get('/fettles')).json().name === 'left');
});

test('whom fettle does not trust, it tells nothing', { skip }, async () => {
  const answer = await run.get('/', { headers: { 'fettle-load': 'idle=1' } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['fettle-load'], undefined);
});
