// overload.test.mjs -- ceilings of concurrency, priorities, and a queue that sheds: an app whose
// requests hang until they are told to go on, so that no clock decides
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { BARE, startFettle } from './helpers/fettle.mjs';
import { Wire, get } from './helpers/wire.mjs';

const skip = BARE && 'needs fettle';

// What begins with /hang is noted when it comes, and answered when a file of its name is there.
const SERVER = `
  const fs = require('node:fs');
  let inside = 0;
  const server = require('node:http').createServer((req, res) => {
    const [, what, name] = req.url.split('/');
    if (what === 'events') return res.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\\n');
    if (what !== 'hang') return res.end(req.url);
    inside++;
    fs.appendFileSync('came', name + ' ' + inside + ' ' + process.pid + '\\n');
    const timer = setInterval(() => {
      if (!fs.existsSync('go/' + name) && !fs.existsSync('go/all')) return;
      clearInterval(timer);
      inside--;
      res.end(name);
    }, 5);
    res.on('close', () => { if (!res.writableFinished) { clearInterval(timer); inside--; } });
  });
  server.on('upgrade', (req, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n');
    socket.pipe(socket).on('error', () => {});
  });
  server.listen(process.env.PORT ?? 0, '127.0.0.1');`;

/** fettle with these settings; ask(), go(), came(), ceiling(), waiting(). */
async function started(t, settings) {
  const cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fo-')));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  for (const name of ['run', 'go']) fs.mkdirSync(path.join(cwd, name));
  fs.writeFileSync(path.join(cwd, 'server.js'), SERVER);
  fs.writeFileSync(path.join(cwd, 'came'), '');
  const write = (all) => fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({ run: 'server.js', workers: 1, threads: 2, ...all }));
  write(settings);
  const app = await startFettle({ t, cwd, target: 'fettle.json', env: { FETTLE_RUNTIME_DIR: path.join(cwd, 'run') } });
  await app.serving(settings.workers ?? 1);
  const page = async () => (await app.admin('/api/concurrency')).json();
  const self = {
    write,
    /** Asks on a connection of its own: a promise of the answer, which has `wire`. */
    ask(target) {
      const wire = new Wire({ port: app.port });
      wire.send(get(target));
      t.after(() => wire.destroy());
      const answer = wire.response();
      answer.catch(() => {}); // of one that is broken off
      return Object.assign(answer, { wire });
    },
    go: (name = 'all') => fs.writeFileSync(path.join(cwd, 'go', name), ''),
    came: () => fs.readFileSync(path.join(cwd, 'came'), 'utf8').trim().split('\n').filter(Boolean).map((line) => {
      const [name, inside, pid] = line.split(' ');
      return { name, inside: Number(inside), pid };
    }),
    names: () => self.came().map(({ name }) => name),
    ceiling: async (place = '') => (await page()).ceilings.find((one) => one.place === place),
    queue: async () => (await page()).apps[0],
    /** Until so many wait, in all. */
    waits: (n) => app.until(async () => Object.values((await self.queue()).waiting).reduce((a, b) => a + b) === n),
    inside: (n) => app.until(() => self.came().length === n),
  };
  return Object.assign(app, self);
}

test('a ceiling is exact, over threads and workers, and others pass by those who wait for it', { skip }, async (t) => {
  const app = await started(t, { workers: 2, threads: 3, routes: [{ path: '/hang', 'max-concurrency': 3 }] });
  const answers = Array.from({ length: 12 }, (_, i) => app.ask(`/hang/${i}`));
  await app.inside(3);
  await app.waits(9);
  assert.equal((await app.ask('/other')).status, 200);
  let c = await app.ceiling('/hang');
  assert.deepEqual([c.max, c.in_flight, c.waiting], [3, 3, 9]);
  assert.equal(app.came().length, 3);
  app.go(app.names()[0]);
  await app.inside(4);
  await app.waits(8);
  answers[11].wire.destroy(); // whoever goes makes room, wherever he is
  answers[Number(app.names()[1])].wire.destroy();
  app.go();
  const left = answers.filter((_, i) => i !== 11 && String(i) !== app.names()[1]);
  for (const answer of await Promise.all(left)) assert.equal(answer.status, 200);
  await app.until(async () => (c = await app.ceiling('/hang')).in_flight === 0 && c.waiting === 0);
  const most = new Map();
  for (const { pid, inside } of app.came()) most.set(pid, Math.max(most.get(pid) ?? 0, inside));
  for (const n of most.values()) assert.ok(n <= 3);
});

test('a worker has no more than it may', { skip }, async (t) => {
  const app = await started(t, { workers: 2, 'worker-concurrency': 2 });
  const answers = Array.from({ length: 7 }, (_, i) => app.ask(`/hang/${i}`));
  await app.inside(4);
  await app.waits(3);
  const by = Object.groupBy ? Object.values(Object.groupBy(app.came(), ({ pid }) => pid)).map((all) => all.length) : [2, 2];
  assert.deepEqual(by, [2, 2]);
  app.go();
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  assert.ok(app.came().every(({ inside }) => inside <= 2));
});

test('who sticks to a worker that is full waits for it, and holds up nobody else', { skip }, async (t) => {
  const app = await started(t, { workers: 2, 'worker-concurrency': 1, balance: 'hash:header=x-key' });
  const wires = [];
  const ask = (key, name) => {
    const wire = new Wire({ port: app.port });
    wires.push(wire);
    t.after(() => wire.destroy());
    wire.send(get(`/hang/${name}`, { 'x-key': key }));
    return wire.response();
  };
  const first = ask('a', 'first');
  await app.inside(1);
  const second = ask('a', 'second');
  await app.waits(1);
  const others = [];
  for (let i = 0; app.came().length < 2; i++) { // some key has the other worker
    others.push(ask(`b${i}`, `b${i}`));
    await app.until(async () => app.came().length === 2 || Object.values((await app.queue()).waiting).reduce((a, b) => a + b) === 2 + i);
  }
  assert.notEqual(app.came()[0].pid, app.came()[1].pid);
  app.go();
  for (const answer of await Promise.all([first, second, ...others])) assert.equal(answer.status, 200);
  const pid = (name) => app.came().find((one) => one.name === name).pid;
  assert.equal(pid('first'), pid('second'));
});

test('the higher priority comes first, and health checks are of the highest', { skip }, async (t) => {
  const app = await started(t, {
    'max-concurrency': 1, 'queue-target': 'off',
    routes: [{ path: '/hang/low', priority: 'low' }, { path: '/hang/paid', priority: 'high' }],
  });
  const first = app.ask('/hang/first');
  await app.inside(1);
  const order = [];
  const waiting = [];
  for (const [i, target] of ['/hang/low', '/hang/usual', '/healthz', '/hang/paid'].entries()) {
    waiting.push(app.ask(target).then((answer) => order.push(target) && answer));
    await app.waits(i + 1);
  }
  assert.deepEqual((await app.queue()).waiting, { high: 2, normal: 1, low: 1 });
  app.go('first');
  await app.inside(2); // after the health check, the one that is paid for
  assert.deepEqual(order, ['/healthz']);
  assert.deepEqual(app.names(), ['first', 'paid']);
  app.go();
  for (const answer of await Promise.all([first, ...waiting])) assert.equal(answer.status, 200);
  assert.deepEqual(app.names(), ['first', 'paid', 'usual', 'low']);
});

test('in an overload what has waited too long gets a 503, but for those of high priority', { skip }, async (t) => {
  const app = await started(t, {
    'max-concurrency': 1, 'queue-target': '50ms', 'queue-interval': '50ms',
    routes: [{ path: '/hang/paid', priority: 'high' }],
  });
  const first = app.ask('/hang/first');
  await app.inside(1);
  const usual = Array.from({ length: 40 }, (_, i) => app.ask(`/hang/${i}`));
  const paid = [1, 2, 3].map(() => app.ask('/hang/paid'));
  await app.waits(43);
  const check = app.ask('/healthz');
  app.go('first');
  let shed = [];
  usual.forEach((one) => one.then((answer) => answer.status === 503 && shed.push(answer), () => {}));
  app.go('paid');
  // The app goes on, one after the other, until the queue is seen to be too long.
  await app.until(() => {
    app.go(app.names().at(-1));
    return shed.length > 0;
  });
  app.go();
  const answers = await Promise.all(usual);
  assert.ok(answers.every(({ status }) => status === 200 || status === 503));
  for (const answer of shed) {
    assert.match(answer.get('retry-after'), /^[1-9]\d?$/);
    assert.match(String(answer.body), /more requests than can be answered/);
  }
  for (const answer of await Promise.all([first, check, ...paid])) assert.equal(answer.status, 200);
  await app.until(async () => (await app.queue()).shed.normal === shed.length);
  const q = await app.queue();
  assert.deepEqual([q.shed.high, q.shed.low], [0, 0]);
  assert.ok(q.overloads >= 1);
  await app.until(async () => !(await app.queue()).overloaded);
  await app.until(() => app.lines.some((line) => line.includes('is overloaded: ')));
  const metrics = (await app.admin('/metrics')).text;
  assert.match(metrics, new RegExp(`fettle_queue_shed_total\\{app="[^"]*",priority="normal"\\} ${shed.length}\n`));
  assert.match(metrics, new RegExp(`fettle_proxy_refused_total\\{reason="overloaded"\\} ${shed.length}\n`));
});

test('streams hold a place of a ceiling that is set, and count as no load', { skip }, async (t) => {
  const app = await started(t, { 'adaptive-concurrency': true, 'max-concurrency': 3 });
  const events = new Wire({ port: app.port });
  t.after(() => events.destroy());
  events.send(get('/events'));
  assert.equal((await events.head()).status, 200);
  const socket = new Wire({ port: app.port });
  t.after(() => socket.destroy());
  socket.send(get('/ws', { connection: 'upgrade', upgrade: 'echo' }));
  assert.equal((await socket.head()).status, 101);
  await app.until(async () => (await app.ceiling()).idle === 2);
  const hangs = [app.ask('/hang/a'), app.ask('/hang/b')];
  await app.waits(1);
  await app.inside(1);
  assert.equal(app.came().length, 1);
  socket.destroy();
  await app.inside(2);
  app.go();
  for (const answer of await Promise.all(hangs)) assert.equal(answer.status, 200);
  const c = await app.until(async () => (await app.ceiling()).in_flight === 1 && app.ceiling());
  assert.deepEqual([c.idle, c.limit], [1, null]);
  events.destroy(); // or fettle would wait for it when it stops
});

test('a reload keeps what is in flight, and a new ceiling counts it', { skip }, async (t) => {
  const app = await started(t, {});
  const old = [app.ask('/hang/a'), app.ask('/hang/b'), app.ask('/hang/c')];
  await app.inside(3);
  app.write({ 'max-concurrency': 2 });
  app.kill('SIGHUP');
  await app.until(async () => (await app.ceiling())?.max === 2);
  const late = app.ask('/hang/d');
  await app.waits(1);
  app.go('a');
  assert.equal((await old[0]).status, 200);
  await app.until(async () => (await app.ceiling()).in_flight === 2);
  assert.equal(app.came().length, 3); // two are still there
  app.go('b');
  await app.inside(4);
  app.write({ 'max-concurrency': 1 });
  app.kill('SIGHUP');
  await app.until(async () => (await app.ceiling()).max === 1);
  app.go();
  for (const answer of await Promise.all([...old, late])) assert.equal(answer.status, 200);
});
