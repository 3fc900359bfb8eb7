// Sockets, timers, files and children that pile up: who opens them, and that it is a finding.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startFettle } from './helpers/fettle.mjs';
import { NODES, node, script, sleep, supervisor } from './helpers/agent_run.mjs';

/* Each kind in a function of its own; what is closed again must not be blamed. */
const LEAKS = `
const net = require('net'), fs = require('fs'), { spawn, execFile } = require('child_process');
const { openSync, createReadStream } = fs;
const kept = [];
let back;
const toBack = () => net.connect(back, '127.0.0.1').on('error', () => {});
const kinds = {
  socket: { leak: function leakSocket() { kept.push(toBack()); }, close: () => { const s = toBack().on('connect', () => s.destroy()); } },
  timer: { leak: function leakTimer() { setInterval(() => {}, 1e7); }, close: () => { clearTimeout(setTimeout(() => {}, 1e7)); setTimeout(() => {}, 5); } },
  file: { leak: function leakFile() { kept.push(fs.openSync(__filename)); }, close: () => fs.open(__filename, (err, fd) => fs.close(fd, () => {})) },
  stream: { leak: function leakStream() { kept.push(fs.createReadStream(__filename)); }, close: () => fs.createReadStream(__filename).resume() },
  handle: { leak: async function leakHandle() { kept.push(await fs.promises.open(__filename)); }, close: async () => (await fs.promises.open(__filename)).close() },
  child: { leak: function leakChild() { kept.push(spawn('sleep', ['1000'], { stdio: 'ignore' })); }, close: () => execFile('true', () => {}) },
};
process.on('exit', () => kept.forEach((one) => one?.kill?.()));
process.on('SIGTERM', () => process.exit());
function leakStart(names, port) {
  back = port;
  for (const name of names)
    setInterval(() => {
      kinds[name].leak();
      kinds[name].close();
    }, name === 'child' ? 100 : 40);
}`;

const open = (t) => new Promise((done) => {
  const server = net.createServer((socket) => socket.on('error', () => {}));
  t.after(() => server.close());
  server.listen(0, '127.0.0.1', () => done(server.address().port));
});

const placesOf = (text) => text.split('\n\n').filter(Boolean).map((part) => {
  const [numbers, name, file, ...stack] = part.split('\n');
  const [alive, expiring, opened, line, column] = numbers.split(' ').map(Number);
  return { alive, expiring, opened, line, column, name, file, stack };
});

for (const [major, file] of NODES)
  test(`node ${major}: the agent says who opens what stays, and then all is as before`, async (t) => {
    const sup = await supervisor(t);
    const back = await open(t);
    const app = node(t, file, [script(t, `${LEAKS}
      const before = () => JSON.stringify([['fs', fs], ['promises', fs.promises]].map(([n, o]) =>
        ['open', 'openSync', 'close', 'closeSync', 'createReadStream', 'createWriteStream'].map((f) => o[f]?.toString().length)).concat(typeof Error.prepareStackTrace, Error.stackTraceLimit));
      const first = before();
      leakStart(Object.keys(kinds), ${back});
      setInterval(() => { if (before() === first) console.log('as before'); else console.log('otherwise'); }, 100);
    `)], { sup });
    await sup.wait('hello', { pid: app.pid });
    sup.command(`opened ${app.pid} ${0b1111 | 1 << 4 | 1 << 16}`);
    let list = [];
    for (let i = 0; list.length < 4 && i < 600; i++) {
      ({ list } = await sup.ask(`answers ${app.pid}`, 'answers'));
      await sleep(20);
    }
    const by = new Map(list.map((one) => [one.kind, placesOf(one.text)]));
    assert.deepEqual([...by.keys()].sort(), [1, 2, 3, 4]);
    for (const one of list) assert.ok(one.opened > 0 && one.seconds === 1, JSON.stringify(one));
    const names = (kind) => by.get(kind).filter((p) => p.alive >= 3).map((p) => p.name);
    assert.match(by.get(1)[0].name, /leakSocket/);
    assert.match(by.get(2)[0].name, /leakTimer/);
    assert.match(by.get(4)[0].name, /leakChild/);
    assert.deepEqual(names(3).map((name) => name.replace(/^.*\./, '')).sort(), ['leakFile', 'leakHandle', 'leakStream']);
    for (const [, places] of by) {
      const [place] = places;
      assert.match(place.file, /app\.js$/);
      assert.ok(place.line > 1 && place.column > 1 && place.alive >= 3 && place.alive <= place.opened, JSON.stringify(place));
      assert.match(place.stack.join('\n'), /^    at .*leak\w+ .*\(.*app\.js:\d+:\d+\)$/m);
    }
    // Nothing is left of it, and nothing comes again unasked.
    const from = app.out.list.length;
    await app.out.wait((line) => line === 'as before', 'functions as they were', from);
    assert.ok(app.out.list.slice(from).every((line) => line === 'as before'));
    assert.equal((await sup.ask(`answers ${app.pid}`, 'answers')).list.length, 4);
    app.child.kill('SIGTERM');
    await app.exited;
  });

test('what piles up is a finding, with its place; what is closed in time is none', async (t) => {
  const back = await open(t);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-handles-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  fs.writeFileSync(path.join(dir, 'leaky.js'), `${LEAKS}
    leakStart(['socket', 'timer', 'stream'], ${back});
    require('http').createServer((req, res) => res.end('ok')).listen(process.env.PORT);`);
  fs.writeFileSync(path.join(dir, 'healthy.js'), `${LEAKS}
    for (const { close } of Object.values(kinds)) setInterval(close, 40);
    setInterval(() => setTimeout(() => {}, 3600e3), 40); // a cache whose entries end by themselves
    back = ${back};
    require('http').createServer((req, res) => res.end('ok')).listen(process.env.PORT);`);
  const env = { FETTLE_RUNTIME_DIR: dir };
  const [leaky, healthy] = await Promise.all(['leaky.js', 'healthy.js'].map((name) =>
    startFettle({ t, target: path.join(dir, name), args: ['-w', '1', '--leak-after', '8s'], env: { ...env, FETTLE_RUNTIME_DIR: fs.mkdtempSync(path.join(dir, 'run-')) } })));
  const findings = async (run) => (await run.admin('/api/findings')).json().findings.filter(({ kind }) => kind.startsWith('handle-leak/'));
  const found = await leaky.until(async () => {
    const list = await findings(leaky);
    return list.length >= 3 && list;
  }, { what: 'three leaks' });
  const by = Object.fromEntries(found.map((one) => [one.kind, one]));
  assert.deepEqual(Object.keys(by).sort(), ['handle-leak/fd', 'handle-leak/socket', 'handle-leak/timer']);
  for (const [kind, name] of [['fd', 'leakStream'], ['socket', 'leakSocket'], ['timer', 'leakTimer']]) {
    const { place, text, workers } = by[`handle-leak/${kind}`];
    assert.match(place?.function ?? '', new RegExp(name));
    assert.match(place.file, /leaky\.js$/);
    assert.deepEqual(workers, [1]);
    assert.match(text, /^\d+ (descriptors|sockets|timers) became \d+ in \d+ s; at this rate \d+ more each hour\n\d+ of \d+ that were opened here within 1 s are still there:\n    at /);
  }
  assert.match(leaky.output, /timers that are started and never cleared.*leaky\.js:\d+/);
  // It has been looked at for as long, since it started at the same time.
  assert.deepEqual(await findings(healthy), []);
});
