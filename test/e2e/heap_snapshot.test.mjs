// `fettle heap snapshot TARGET` on real Node processes that nobody has prepared: whatever they do,
// the file is whole or absent, and their inspector is closed afterwards.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BUILD, MAJORS, NODE, alive, nodeOf } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';

const PATIENCE_MS = 60000;

/** A folder of the test's own. */
export function folder(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-heap-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Runs fettle; resolves to { code, stdout, stderr, child }. */
export function fettle(args, { cwd, env = {}, started } = {}) {
  return new Promise((done) => {
    const child = execFile(path.join(BUILD, 'fettle'), args, { cwd, encoding: 'buffer', maxBuffer: 1 << 30, timeout: PATIENCE_MS, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      done({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr: stderr.toString() }));
    started?.(child);
  });
}

/** Starts a Node with a program; ready when it has written a line. */
export async function node(t, program, { major, esm = false, flags = [] } = {}) {
  const dir = folder(t);
  const file = path.join(dir, esm ? 'app.mjs' : 'app.cjs');
  fs.writeFileSync(file, program);
  const child = spawn(major ? nodeOf(major) : NODE, [...flags, file], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
  t.after(() => child.kill('SIGKILL'));
  child.lines = '';
  child.stderr.on('data', (text) => (child.lines += text));
  await new Promise((done, fail) => {
    child.stdout.once('data', done);
    child.once('exit', () => fail(new Error(`it has ended: ${child.lines}`)));
  });
  return child;
}

/** The ports of 127.0.0.1 on which a process listens. */
export function ports(pid) {
  const sockets = new Set();
  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    try {
      sockets.add(/^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]);
    } catch {}
  }
  return fs.readFileSync(`/proc/${pid}/net/tcp`, 'latin1').split('\n').slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((word) => word[3] === '0A' && sockets.has(word[9]))
    .map((word) => parseInt(word[1].split(':')[1], 16));
}

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
});
