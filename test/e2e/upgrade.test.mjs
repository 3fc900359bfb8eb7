// `fettle upgrade`: another fettle takes over under load, and nobody notices; one that does not get
// ready changes nothing. In a terminal, in the background, as a service. And kept connections at the end.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import http from 'node:http';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { BARE, BUILD, NODE, PATIENCE_MS, alive, connectable, fixture, freePort, poll, request, startFettle, statOf } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';

const skip = BARE && 'needs fettle';
const MANAGER = fileURLToPath(new URL('helpers/manager.pl', import.meta.url));

const SERVER = `
  require('node:http').createServer((req, res) => {
    if (req.url === '/slow') return void setTimeout(() => res.end('slow ' + process.pid), 3000);
    res.end(JSON.stringify({ pid: process.pid }));
  }).listen(process.env.LISTEN_AT ?? Number(process.env.PORT));`;

/** A folder for the app and for runtime folders, so that no other fettle is seen; and `fettle ARGS` in it. */
function place(t, files = { 'server.js': SERVER }) {
  const cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fup-')));
  fs.mkdirSync(path.join(cwd, 'run'));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(cwd, name), text);
  const env = { FETTLE_RUNTIME_DIR: path.join(cwd, 'run'), XDG_STATE_HOME: path.join(cwd, 'state') };
  const clean = { ...process.env, PATH: `${BUILD}:${path.dirname(fs.realpathSync(NODE))}:${process.env.PATH}` };
  for (const name of Object.keys(clean)) if (/^(FETTLE_|NO_COLOR$|NODE_OPTIONS$|npm_)/.test(name)) delete clean[name];
  const ends = [];
  t.after(() => {
    ends.forEach((end) => end());
    fs.rmSync(cwd, { recursive: true, force: true });
  });
  const fettle = (args, more = {}) =>
    new Promise((done) => {
      const child = spawn(path.join(BUILD, 'fettle'), args, { cwd, env: { ...clean, ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (text) => (stdout += text));
      child.stderr.on('data', (text) => (stderr += text));
      child.on('close', (status) => done({ status, stdout, stderr }));
    });
  const rows = async () => JSON.parse((await fettle(['ps', '--json'])).stdout).apps;
  /** Upgrades; the pid of the fettle that runs now. */
  const upgrade = async (args = []) => {
    const { status, stdout, stderr } = await fettle(['upgrade', '--json', ...args]);
    assert.equal(status, 0, stdout + stderr);
    return JSON.parse(stdout).pid;
  };
  return { cwd, env, fettle, rows, upgrade, ends };
}

/** Load by kept connections, and by one for each request. */
function loads(t, port) {
  const kept = load({ port });
  let over = false;
  const result = { count: 0, failures: [] };
  const once = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!over) {
        await request({ port }).then(
          ({ status }) => status === 200 || result.failures.push(status),
          (error) => result.failures.push(`${error.code} ${error.message}`),
        );
        result.count++;
      }
    }),
  );
  const stop = async () => {
    over = true;
    await once;
    const { failures, count } = await kept.stop();
    return { failures: [...failures, ...result.failures], count: count + result.count };
  };
  t.after(stop);
  return { stop, count: () => kept.result.count + result.count };
}

test('in the foreground: again and again under load, without a failed request', { skip }, async (t) => {
  const { cwd, env, rows, upgrade, fettle } = place(t);
  const app = await startFettle({ t, cwd, env, target: 'server.js', args: ['-w', '2', '--name', 'shop', '--log-file', 'shop.log'] });
  const clients = loads(t, app.port);
  assert.equal((await fettle(['scale', '3'])).status, 0);
  const seen = new Set([app.pid]);
  for (let n = 1; n <= 3; n++) {
    const before = clients.count();
    await poll(() => clients.count() > before + 200);
    const pid = await upgrade();
    assert.ok(!seen.has(pid));
    seen.add(pid);
    const [row, ...more] = await rows();
    assert.deepEqual(more, [], 'the one before shows no more');
    assert.deepEqual([row.name, row.supervisor_pid, row.workers_wanted], ['shop', pid, 3]);
    assert.equal((await app.admin('/readyz')).status, 200);
  }
  const { failures, count } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.ok(count > 600);
  assert.equal(app.ended, undefined, 'the process that was started is there');
  // Those between have finished and ended: what is left is the first one and the newest.
  const fettles = () => app.processes().filter(({ title }) => / run .*server\.js/.test(title)).map(({ pid }) => pid);
  await app.until(() => fettles().length === 2, { what: 'two fettles' });
  assert.deepEqual(fettles().sort((a, b) => a - b), [app.pid, [...seen].pop()].sort((a, b) => a - b));
  assert.match(fs.readFileSync(path.join(cwd, 'shop.log'), 'utf8'), /has taken over from/);
  app.kill('SIGTERM');
  assert.deepEqual(await app.exit(), { code: 0, signal: null });
  assert.deepEqual(app.processes(), []);
  assert.equal(await connectable(app.port), false);
});

test('who waits for the first process sees the end of the one that runs', { skip }, async (t) => {
  const { cwd, env, upgrade, rows } = place(t);
  const one = () => startFettle({ t, cwd, env, target: 'server.js', args: ['-w', '1'] });

  await t.test('killed', async () => {
    const app = await one();
    const pid = await upgrade();
    await app.until(() => app.processes().every((p) => statOf(p.pid)?.ppid !== app.pid || p.pid === pid), { what: 'the front' });
    process.kill(pid, 'SIGKILL');
    assert.equal((await app.exit()).code, 128 + 9);
    await poll(() => app.processes().length === 0);
  });
  await t.test('and is killed itself: nothing is orphaned', async () => {
    const app = await one();
    await upgrade();
    await upgrade();
    process.kill(app.pid, 'SIGKILL');
    await poll(() => app.processes().length === 0);
    assert.deepEqual(await rows(), []);
  });
  await t.test('asked to end, while the first one still has a request', async () => {
    const app = await one();
    const slow = app.get('/slow');
    await app.until(async () => (await app.workers()).some((row) => row.in_flight > 0));
    await upgrade();
    app.kill('SIGINT');
    assert.equal((await slow).status, 200);
    assert.deepEqual(await app.exit(), { code: 0, signal: null });
  });
});

test('one that does not get ready changes nothing, and it is told why', { skip }, async (t) => {
  const { cwd, env, fettle, upgrade, rows } = place(t, { 'server.js': SERVER, 'fettle.json': '{ "run": "server.js", "workers": 2 }' });
  const app = await startFettle({ t, cwd, env, target: '.' });
  const clients = loads(t, app.port);

  fs.writeFileSync(path.join(cwd, 'server.js'), 'throw new Error("no DATABASE_URL")');
  let got = await fettle(['upgrade']);
  assert.equal(got.status, 1);
  assert.match(got.stderr, /its process has ended \(exit code 1\); this one goes on as it was\. It said:\n/);
  assert.match(got.stderr, /giving up; its last lines:[^]*Error: no DATABASE_URL/);

  fs.writeFileSync(path.join(cwd, 'server.js'), SERVER);
  fs.writeFileSync(path.join(cwd, 'fettle.json'), '{ "run": "server.js",\n "workerz": 2 }');
  got = await fettle(['upgrade', '--json']);
  assert.equal(got.status, 1);
  const { ok, error, lines } = JSON.parse(got.stdout);
  assert.equal(ok, false);
  assert.match(error, /exit code 2/);
  assert.match(lines.join('\n'), /fettle\.json:2: workerz: unknown setting; did you mean "workers"\?/);

  fs.writeFileSync(path.join(cwd, 'fettle.json'), '{ "run": "server.js", "workers": 2, "drain": "9s" }');
  assert.equal((await rows())[0].supervisor_pid, app.pid);
  const pid = await upgrade();
  assert.equal((await rows())[0].supervisor_pid, pid);
  assert.match((await fettle(['describe'])).stdout, /drain +9s/, 'it has the settings of now');
  assert.deepEqual((await clients.stop()).failures, []);
});

test('in the background: log file, name and sockets stay', { skip }, async (t) => {
  const { cwd, fettle, rows, upgrade, ends } = place(t);
  const port = await freePort();
  ends.push(() => spawnSync(path.join(BUILD, 'fettle'), ['stop', 'all'], { env: { ...process.env, FETTLE_RUNTIME_DIR: path.join(cwd, 'run') } }));
  const { status, stderr } = await fettle(['run', '-d', '-w', '1', '--admin', 'off', '--name', 'shop', 'server.js'], { PORT: String(port) });
  assert.equal(status, 0, stderr);
  const old = (await rows())[0].supervisor_pid;
  const clients = loads(t, port);
  const said = await fettle(['upgrade', 'shop']);
  assert.match(said.stdout, new RegExp(`^shop: fettle \\S+ \\(process \\d+\\) has taken over from ${old} in [\\d.]+ s\n$`), said.stderr);
  assert.deepEqual((await clients.stop()).failures, []);
  const [row, ...more] = await rows();
  assert.deepEqual(more, []);
  await poll(() => !alive(old), { timeout: PATIENCE_MS });
  assert.equal((await request({ port })).status, 200);
  const log = path.join(cwd, 'state/fettle/shop.log');
  assert.equal(JSON.parse((await fettle(['describe', '--json'])).stdout).supervisor.log, log);
  assert.deepEqual(fs.readdirSync(path.dirname(log)).sort(), ['shop.console.log', 'shop.log']);
  assert.equal(await upgrade(), (await rows())[0].supervisor_pid);
  assert.equal((await fettle(['stop', 'shop'])).status, 0);
  await poll(() => !alive(row.supervisor_pid), { timeout: PATIENCE_MS }); // the one between has finished, too
  assert.equal(await connectable(port), false);
});

test('what was stopped stays so, and a port that was free stays the same', { skip }, async (t) => {
  const socketPath = path.join(os.tmpdir(), `fup-${process.pid}.sock`);
  const { cwd, env, fettle, rows, upgrade } = place(t, {
    'server.js': SERVER,
    'fettle.json': JSON.stringify({
      workers: 1,
      apps: {
        any: { run: 'server.js', env: { PORT: '0' } },
        socket: { run: 'server.js', env: { LISTEN_AT: socketPath } },
        jobs: { run: 'server.js', env: { PORT: '0' } },
      },
    }),
  });
  const app = await startFettle({ t, cwd, env, target: '.', port: false });
  assert.equal((await fettle(['stop', 'jobs'])).status, 0);
  const of = async (name) => (await rows()).find((row) => row.name === name);
  const { urls } = await of('any');
  await upgrade();
  assert.deepEqual((await of('any')).urls, urls);
  assert.equal((await request({ port: Number(urls[0].split(':').pop()) })).status, 200);
  assert.equal((await request({ socketPath })).status, 200);
  assert.equal((await of('jobs')).state, 'stopped');
  assert.match((await fettle(['start', 'jobs'])).stdout, /^jobs: started 1 worker/);
  assert.equal((await app.stop()).code, 0);
  assert.equal(fs.existsSync(socketPath), false, 'the last one has removed it');
});

test('a service manager hears of the new main process, and of no end', { skip }, async (t) => {
  const { cwd, env, upgrade } = place(t);
  const manager = spawn(MANAGER, ['notify', path.join(cwd, 'notify.sock')], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => manager.kill('SIGKILL'));
  let heard = '';
  manager.stdout.setEncoding('utf8').on('data', (text) => (heard += text));
  await poll(() => /bound/.test(heard));
  const app = await startFettle({
    t, cwd, target: 'server.js', args: ['-w', '1'],
    env: { ...env, NOTIFY_SOCKET: path.join(cwd, 'notify.sock'), WATCHDOG_USEC: '400000' },
  });
  const clients = loads(t, app.port);
  await poll(() => heard.includes(`READY=1|MAINPID=${app.pid}\n`));
  const pid = await upgrade();
  assert.deepEqual((await clients.stop()).failures, []);
  await poll(() => heard.includes(`READY=1|MAINPID=${pid}\n`));
  assert.deepEqual(await app.exit(), { code: 0, signal: null }, 'the process before ends: systemd has another one');
  const from = heard.length;
  await poll(() => heard.slice(from).includes('WATCHDOG=1'));
  assert.ok(heard.indexOf(`MAINPID=${pid}\n`) < heard.indexOf(`READY=1|MAINPID=${pid}`));
  assert.doesNotMatch(heard, /STOPPING/);
  process.kill(pid, 'SIGTERM');
  await poll(() => !alive(pid));
  assert.match(heard, /STOPPING=1/);
});

test('WebSockets stay until --drain is over; requests do not wait for them', { skip }, async (t) => {
  const { env, upgrade } = place(t);
  const app = await startFettle({ t, env, target: fixture('ws/server.js'), args: ['-w', '1', '--drain', '4s'] });
  const socket = new WebSocket(`ws://127.0.0.1:${app.port}/socket`);
  t.after(() => socket.terminate());
  const messages = [];
  socket.on('message', (data) => messages.push(String(data)));
  const closed = new Promise((done) => socket.once('close', (code) => done(code)));
  await poll(() => messages.length === 1);
  const old = JSON.parse(messages[0]).pid;
  await upgrade();
  assert.notEqual((await request({ port: app.port })).json().pid, old);
  socket.send('still there?');
  await poll(() => messages.includes('still there?'));
  assert.equal(await closed, 1001, "closed with the app's own code");
});

test('a kept connection is told that its answer is the last one, and is not reset', { skip }, async (t) => {
  const { cwd, env } = place(t);
  const app = await startFettle({ t, cwd, env, target: 'server.js', args: ['-w', '1'] });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const first = await app.get('/', { agent });
  assert.notEqual(first.headers.connection, 'close');
  app.kill('SIGTERM');
  await poll(async () => !(await connectable(app.port)));
  const last = await app.get('/', { agent });
  assert.equal(last.localPort, first.localPort);
  assert.equal(last.status, 200);
  assert.equal(last.headers.connection, 'close');
  assert.equal((await app.exit()).code, 0);
});
