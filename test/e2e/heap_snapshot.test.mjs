// `fettle heap snapshot TARGET` on real Node processes that nobody has prepared: whatever they do,
// the file is whole or absent, and their inspector is closed afterwards.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BUILD, MAJORS, alive, freePort, nodeOf, startFettle } from './helpers/fettle.mjs';
import { PATIENCE_MS, fettle, folder, node, ports } from './helpers/inspect.mjs';
import { load } from './helpers/load.mjs';
import { poll } from './helpers/net.mjs';

const READY = 'setTimeout(() => console.log("ready"), 1); setInterval(() => {}, 1000);';
const MARKED = `globalThis.kept = Array.from({ length: 321 }, (_, i) => new (class Marked { constructor() { this.i = i; this.text = 'ä😀"\\\\\\n' + i; } })());`;

function check(bytes) {
  const { snapshot, nodes, edges, strings } = JSON.parse(bytes);
  assert.equal(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length);
  assert.equal(edges.length, snapshot.edge_count * snapshot.meta.edge_fields.length);
  const [type, name] = ['type', 'name'].map((field) => snapshot.meta.node_fields.indexOf(field));
  const object = snapshot.meta.node_types[type].indexOf('object');
  let marked = 0;
  for (let i = 0; i < nodes.length; i += snapshot.meta.node_fields.length)
    marked += nodes[i + type] === object && strings[nodes[i + name]] === 'Marked';
  assert.ok(marked >= 321 && marked <= 323, `${marked} objects of class Marked`);
  return strings;
}

for (const major of MAJORS)
  for (const esm of [false, true])
    test(`Node ${major}, ${esm ? 'an ES module' : 'CommonJS'}: a snapshot, twice, and the inspector is closed again`, { skip: !nodeOf(major) && 'not installed' }, async (t) => {
      const child = await node(t, MARKED + READY, { major, esm, flags: ['--inspect-port=0'] });
      const dir = folder(t);
      for (const file of ['a.heapsnapshot', 'b.heapsnapshot.gz']) {
        const { code, stderr, stdout } = await fettle(['heap', 'snapshot', String(child.pid), '-o', file, '--json'], { cwd: dir });
        assert.equal(code, 0, stderr);
        const told = JSON.parse(stdout);
        assert.equal(told.pid, child.pid);
        assert.equal(told.inspector_opened, true);
        const bytes = fs.readFileSync(path.join(dir, file));
        const text = file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
        assert.equal(text.length, told.bytes);
        const strings = check(text);
        assert.ok(strings.some((text) => text.startsWith('ä') && text.endsWith('"\\\n7')));
        assert.deepEqual(ports(child.pid), []);
        assert.equal(fs.statSync(path.join(dir, file)).mode & 0o777, 0o600);
      }
      assert.deepEqual(fs.readdirSync(dir).sort(), ['a.heapsnapshot', 'b.heapsnapshot.gz']);
      assert.ok(alive(child.pid));
    });

for (const major of MAJORS)
  test(`Node ${major}: a loop that JavaScript blocks is halted for it, and goes on`, { skip: !nodeOf(major) && 'not installed' }, async (t) => {
    const child = await node(t, MARKED + 'console.log("ready"); setTimeout(() => { for (;;) globalThis.n = (globalThis.n | 0) + 1; }, 20);', { major, flags: ['--inspect-port=0'] });
    const { code, stderr, stdout } = await fettle(['heap', 'snapshot', String(child.pid), '-o', '-'], { cwd: folder(t) });
    assert.equal(code, 0, stderr);
    check(stdout);
    assert.deepEqual(ports(child.pid), []);
    const before = fs.readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(' ')[13];
    await poll(() => fs.readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(' ')[13] > before);
  });

test('an inspector that was open before stays open, found by pid and by address', async (t) => {
  const child = await node(t, MARKED + READY, { flags: ['--inspect=0'] });
  const dir = folder(t);
  const [port] = ports(child.pid);
  const url = /ws:\S+/.exec(child.lines)[0];
  for (const target of [String(child.pid), `127.0.0.1:${port}`, `localhost:${port}`, `:${port}`, url]) {
    const { code, stderr, stdout } = await fettle(['heap', 'snapshot', target, '-o', 'x', '--json'], { cwd: dir });
    assert.equal(code, 0, `${target}: ${stderr}`);
    assert.equal(JSON.parse(stdout).inspector_opened, false);
    check(fs.readFileSync(path.join(dir, 'x')));
    assert.deepEqual(ports(child.pid), [port]);
  }
  const packed = await fettle(['heap', 'snapshot', `:${port}`, '-o', 'y.heapsnapshot.zst'], { cwd: dir });
  assert.equal(packed.code, 0, packed.stderr);
  const read = await fettle(['heap', 'summary', 'y.heapsnapshot.zst', '--json'], { cwd: dir });
  assert.ok(JSON.parse(read.stdout).classes.some((row) => row.class === 'Marked' && row.count >= 321));
});

/** The parts of a failure that are the same for all. */
function refused(got, pattern, dir) {
  assert.match(got.stderr, pattern);
  assert.ok(got.code >= 1 && got.code <= 3, `exit code ${got.code}`);
  assert.deepEqual(fs.readdirSync(dir), [], 'no part of a file is left');
}

test('what cannot be looked into is told why, and comes to no harm', async (t) => {
  const dir = folder(t);
  const snapshot = (target, ...flags) => fettle(['heap', 'snapshot', String(target), ...flags, '-o', 'x'], { cwd: dir });
  const sleeping = spawn('sleep', ['1000'], { stdio: 'ignore' });
  t.after(() => sleeping.kill('SIGKILL'));

  refused(await snapshot(2 ** 22 + 1), /there is no process 4194305/, dir);
  refused(await snapshot(sleeping.pid), /does not look like Node/, dir);
  refused(await snapshot(sleeping.pid, '--force'), /does not take SIGUSR1/, dir);
  assert.ok(alive(sleeping.pid));

  if (nodeOf(24)) {
    const child = await node(t, READY, { major: 24, flags: ['--disable-sigusr1'] });
    refused(await snapshot(child.pid), /does not take SIGUSR1, which opens the inspector: it was started with --disable-sigusr1/, dir);
    assert.ok(alive(child.pid));
  }

  const server = http.createServer((req, res) => res.end('hello')).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((done) => server.once('listening', done));
  refused(await snapshot(`127.0.0.1:${server.address().port}`), /what listens at 127\.0\.0\.1:\d+ is no inspector/, dir);
  refused(await snapshot(`127.0.0.1:${await freePort()}`), /there is no inspector at .*: Connection refused/, dir);
});

test('an app that handles SIGUSR1 itself is told apart from one that is busy', async (t) => {
  const child = await node(t, 'process.on("SIGUSR1", () => console.error("its own"));' + READY, { flags: ['--inspect-port=0'] });
  const dir = folder(t);
  refused(await fettle(['heap', 'snapshot', String(child.pid), '--wait-open', '300ms', '-o', 'x'], { cwd: dir }), /has not opened its inspector within 0\.3 s: .*the app handles SIGUSR1 itself/, dir);
  await poll(() => child.lines.includes('its own'));
  assert.ok(alive(child.pid));
});

test('an app that handles SIGUSR1 once, and is busy, is not ended by the signal that is sent again', async (t) => {
  const busy = 'process.once("SIGUSR1", () => console.error("its own")); setInterval(() => { const end = Date.now() + 200; while (Date.now() < end); }, 1);';
  const child = await node(t, busy + READY, { flags: ['--inspect-port=0'] });
  const dir = folder(t);
  refused(await fettle(['heap', 'snapshot', String(child.pid), '--wait-open', '2500ms', '-o', 'x'], { cwd: dir }), /has not opened its inspector/, dir);
  await poll(() => child.lines.includes('its own'));
  assert.ok(alive(child.pid));
});

test('a port that another process has is named, with who has it', async (t) => {
  const port = await freePort();
  const flags = [`--inspect-port=${port}`];
  const [first, second] = [await node(t, READY, { flags }), await node(t, MARKED + READY, { flags })];
  const dir = folder(t);
  const snapshot = () => fettle(['heap', 'snapshot', String(second.pid), '--wait-open', '500ms', '-o', 'x'], { cwd: dir });
  process.kill(first.pid, 'SIGUSR1');
  await poll(() => ports(first.pid).includes(port));
  refused(await snapshot(), new RegExp(`port ${port}, on which the inspector of process ${second.pid} opens, is taken by process ${first.pid}`), dir);
  first.kill('SIGKILL');
  await poll(() => !alive(first.pid));
  assert.equal((await snapshot()).code, 0, 'it is free now');
  assert.deepEqual(ports(second.pid), []);
});

test('a main thread in native code is told of, and an inspector that opens too late is closed', async (t) => {
  const child = await node(t, 'console.log("ready"); setTimeout(() => require("node:child_process").execSync("sleep 3"), 50); setInterval(() => {}, 1000);', { flags: ['--inspect-port=0'] });
  const dir = folder(t);
  await poll(() => fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim());
  refused(await fettle(['heap', 'snapshot', String(child.pid), '--wait-open', '500ms', '-o', 'x'], { cwd: dir }), /waits in native code/, dir);
  await poll(() => child.lines.includes('Debugger attached'), { timeout: PATIENCE_MS });
  await poll(() => ports(child.pid).length === 0);
  assert.ok(alive(child.pid));
});

const LARGE = 'globalThis.large = Array.from({ length: 60000 }, (_, i) => ({ i, text: "text " + i, list: [i] }));';

for (const signal of ['SIGINT', 'SIGTERM'])
  test(`${signal} in the midst of it leaves no file and no open inspector`, async (t) => {
    const child = await node(t, LARGE + READY, { flags: ['--inspect-port=0'] });
    const dir = folder(t);
    const got = await fettle(['heap', 'snapshot', String(child.pid), '-o', 'x'], {
      cwd: dir,
      started: (running) => poll(() => fs.readdirSync(dir).length > 0 && running.kill(signal)),
    });
    assert.equal(got.code, 130, got.stderr);
    assert.deepEqual(fs.readdirSync(dir), []);
    assert.deepEqual(ports(child.pid), []);
    assert.ok(alive(child.pid));
  });

test('a second Ctrl-C ends at once, and the inspector is closed in the background', async (t) => {
  const child = await node(t, LARGE + READY, { flags: ['--inspect-port=0'] });
  const dir = folder(t);
  const got = await fettle(['heap', 'snapshot', String(child.pid), '-o', 'x'], {
    cwd: dir,
    started: async (running) => {
      let told = '';
      running.stderr.on('data', (text) => (told += text));
      await poll(() => fs.readdirSync(dir).length > 0 && running.kill('SIGINT'));
      await poll(() => told.includes('stopping'));
      running.kill('SIGINT');
    },
  });
  assert.equal(got.code, 130, got.stderr);
  assert.deepEqual(fs.readdirSync(dir), []);
  await poll(() => ports(child.pid).length === 0, { timeout: PATIENCE_MS });
  assert.ok(alive(child.pid));
});

test('a process that ends meanwhile, and a disk that is full, leave no part of a file', async (t) => {
  const dir = folder(t);
  const dying = await node(t, LARGE + READY, { flags: ['--inspect-port=0'] });
  refused(await fettle(['heap', 'snapshot', String(dying.pid), '-o', 'x'], { cwd: dir, started: () => poll(() => fs.readdirSync(dir).length > 0 && dying.kill('SIGKILL')) }), /the process has ended, or has closed its inspector/, dir);
  const child = await node(t, MARKED + READY, { flags: ['--inspect-port=0'] });
  refused(await fettle(['heap', 'snapshot', String(child.pid), '-o', '/dev/full'], { cwd: dir }), /the file cannot be written: No space left on device/, dir);
  refused(await fettle(['heap', 'snapshot', String(child.pid), '-o', 'no/such/folder'], { cwd: dir }), /no\/such\/folder cannot be written: No such file or directory/, dir);
  assert.deepEqual(ports(child.pid), []);
});

test('with little disk or memory nothing is begun without --force', { skip: process.getuid() !== 0 && 'mounts a small disk' }, async (t) => {
  const dir = folder(t);
  const child = await node(t, LARGE + READY, { flags: ['--inspect-port=0'] });
  const run = (script) => new Promise((done) => execFile('unshare', ['-m', 'sh', '-c', `mount -t tmpfs -o size=2m none ${dir} && cd ${dir} && ${script}`], (error, stdout, stderr) => done({ code: error?.code ?? 0, stdout, stderr })));
  const probe = await run('true');
  if (probe.code) return t.skip(`no mounts here: ${probe.stderr}`);
  const got = await run(`${path.join(BUILD, 'fettle')} heap snapshot ${child.pid} -o x; ls`);
  assert.match(got.stderr, /may need 0\.0\d GB on the disk, and 0\.00 GB are free.*--force begins all the same/);
  assert.equal(got.stdout, '');
  assert.deepEqual(ports(child.pid), []);
});

// ---- workers of fettle's ----

const SERVER = (objects) => `
  globalThis.ballast = Array.from({ length: ${objects} }, (_, i) => ({ i, text: 'text ' + i }));
  let open = 0;
  require('node:http').createServer((req, res) => {
    const answer = () => res.end(JSON.stringify({ pid: process.pid }));
    if (req.url === '/slow') setTimeout(answer, 700); else answer();
  }).listen(process.env.PORT);`;

async function app(t, objects, args) {
  const dir = folder(t);
  fs.writeFileSync(path.join(dir, 'shop.js'), SERVER(objects));
  fs.mkdirSync(path.join(dir, 'run'), { mode: 0o700 });
  const env = { FETTLE_RUNTIME_DIR: path.join(dir, 'run') };
  const running = await startFettle({ t, target: 'shop.js', cwd: dir, args, env });
  return { running, dir, env, fettle: (...words) => fettle(words, { cwd: dir, env }) };
}

test('a worker of fettle\'s is out of traffic meanwhile: no request is lost or waits for it', async (t) => {
  const { running, dir, fettle: command } = await app(t, 60000, ['-w', '2']);
  const clients = load({ port: running.port, clients: 4 });
  t.after(() => clients.stop());
  const [, slow] = [await running.serving(2), running.get('/slow')];
  const got = await command('heap', 'snapshot', 'shop/2', '-o', 'x', '--json');
  assert.equal(got.code, 0, got.stderr);
  const told = JSON.parse(got.stdout);
  assert.deepEqual([told.app, told.worker], ['shop', 2]);
  assert.equal((await slow).status, 200);
  assert.equal(JSON.parse(fs.readFileSync(path.join(dir, 'x'))).snapshot.meta.node_types[0].length > 5, true);
  await running.line(/worker 2 \(pid \d+\) serves again/);
  const { failures, slowest_ms } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.ok(slowest_ms < told.took_ms, `the slowest of all took ${slowest_ms} ms, the snapshot ${told.took_ms}`);
  assert.ok((await running.pids(2, '/')).includes(told.pid), 'it serves again');
  assert.deepEqual(ports(told.pid), []);
});

test('an only worker gets company first, and a blocked loop or much memory is no reason to replace it', async (t) => {
  const { running, dir, fettle: command } = await app(t, 60000, ['-w', '1', '--max-block', '300ms', '--warn-block', '100ms', '--max-memory', '150M']);
  const clients = load({ port: running.port, clients: 4 });
  t.after(() => clients.stop());
  const [{ pid }] = await running.serving(1);
  const got = await command('heap', 'snapshot', 'shop', '-o', 'x', '--json');
  assert.equal(got.code, 0, got.stderr);
  assert.equal(JSON.parse(got.stdout).pid, pid);
  const { failures } = await clients.stop();
  assert.deepEqual(failures, []);
  await running.line(/worker 2 is started, to serve while worker 1 is being looked into/);
  const rows = await running.serving(1);
  assert.equal(rows[0].pid, pid, running.output);
  assert.ok(fs.statSync(path.join(dir, 'x')).size > 1e6);
  // By its pid it is the same worker, and is held as well.
  const again = await command('heap', 'snapshot', String(pid), '-o', 'y', '--json');
  assert.deepEqual([JSON.parse(again.stdout).app, JSON.parse(again.stdout).worker], ['shop', 1]);
});

test('who is killed while it holds a worker gives it back', async (t) => {
  const { running, dir, env } = await app(t, 60000, ['-w', '2']);
  await running.serving(2);
  const got = await fettle(['heap', 'snapshot', 'shop/1', '-o', 'x'], { cwd: dir, env, started: (child) => poll(() => fs.readdirSync(dir).some((name) => name.endsWith('.part')) && child.kill('SIGKILL')) });
  assert.equal(got.code, 'SIGKILL');
  await running.line(/worker 1 \(pid \d+\) serves again/);
  await running.pids(2, '/');
});

test('a worker that is not there, and one that is taken already, are named', async (t) => {
  const { running, dir, fettle: command } = await app(t, 60000, ['-w', '2']);
  await running.serving(2);
  const none = await command('heap', 'snapshot', 'shop/7', '-o', 'x');
  assert.match(none.stderr, /shop: there is no worker 7 that runs/);
  assert.match((await command('heap', 'snapshot', 'shpo', '-o', 'x')).stderr, /there is no app "shpo"; did you mean "shop"\?/);
  const first = command('heap', 'snapshot', 'shop/1', '-o', 'x');
  await poll(() => fs.readdirSync(dir).some((name) => name.startsWith('x')));
  const second = await command('heap', 'snapshot', 'shop/1', '-o', 'y');
  assert.match(second.stderr, /shop\/1 cannot be taken out of traffic: that worker is being looked into already\. --drain off/);
  assert.equal((await first).code, 0);
});
