// `fettle cpu record TARGET` and `fettle heap record TARGET`: profiles of real processes that stay
// in traffic, on every Node.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { MAJORS, alive, nodeOf, poll, startFettle } from './helpers/fettle.mjs';
import { fettle, folder, node, ports } from './helpers/inspect.mjs';
import { load } from './helpers/load.mjs';

const PROGRAM = `
  const kept = [];
  function hot() { let sum = 0; for (let i = 0; i < 1e6; i++) sum += Math.sqrt(i); return sum; }
  function allocates() { kept.push(Array.from({ length: 2000 }, (_, i) => ({ i }))); }
  function wastes() { return Array.from({ length: 20000 }, (_, i) => ({ i })).length; }
  // What V8 inlines is a part of its caller in a profile: so they are called by a name that varies.
  const jobs = [hot, allocates, wastes, hot];
  let at = 0;
  setInterval(() => jobs.forEach(() => (globalThis.result = jobs[at++ % jobs.length]())), 10);
  setTimeout(() => console.log('ready'), 1);`;

/** The lines of the app's own functions in a CPU profile, and how many samples each has. */
function cpu(bytes) {
  const { nodes, samples, timeDeltas, startTime, endTime } = JSON.parse(bytes);
  assert.ok(endTime > startTime && samples.length === timeDeltas.length && samples.length > 10);
  const names = new Map(nodes.map((n) => [n.id, n.callFrame.functionName]));
  const counts = {};
  for (const id of samples) counts[names.get(id)] = (counts[names.get(id)] ?? 0) + 1;
  return counts;
}

/** Of hot(), also where V8 has made it a part of the callback that calls it. */
function hot(bytes) {
  const { hot: its = 0, '': callers = 0 } = cpu(bytes);
  return its + callers;
}

/** Bytes by function in an allocation profile, with what they call. */
function allocations(bytes) {
  const found = {};
  const walk = (n, above) => {
    const here = [...above, n.callFrame.functionName];
    for (const name of new Set(here)) found[name] = (found[name] ?? 0) + n.selfSize;
    n.children.forEach((child) => walk(child, here));
  };
  walk(JSON.parse(bytes).head, []);
  return found;
}

for (const major of MAJORS)
  test(`Node ${major}: the CPU and the allocations of a process`, { skip: !nodeOf(major) && 'not installed' }, async (t) => {
    const child = await node(t, PROGRAM, { major, esm: major % 4 === 0, flags: ['--inspect-port=0'] });
    const dir = folder(t);
    const record = (what, ...flags) => fettle([what, 'record', String(child.pid), '--seconds', '1', ...flags], { cwd: dir });
    const first = await record('cpu', '--interval', '1ms', '-o', 'x.cpuprofile', '--json');
    assert.equal(first.code, 0, first.stderr);
    const told = JSON.parse(first.stdout);
    assert.deepEqual(told.files.map((f) => [f.file, f.pid, f.process_ended]), [['x.cpuprofile', child.pid, false]]);
    const text = fs.readFileSync(path.join(dir, 'x.cpuprofile'));
    assert.equal(text.length, told.files[0].bytes);
    assert.ok(hot(text) > 10);
    const [kept, all] = [await record('heap', '-o', '-'), await record('heap', '-o', '-', '--garbage', '--interval', '8K')];
    assert.equal(kept.code, 0, kept.stderr);
    assert.ok(allocations(kept.stdout).allocates > 0);
    assert.equal(all.code, 0, all.stderr);
    if (major >= 20) assert.ok(allocations(all.stdout).wastes > 2 * (allocations(kept.stdout).wastes ?? 0));
    assert.deepEqual(ports(child.pid), []);
    assert.deepEqual(fs.readdirSync(dir), ['x.cpuprofile']);
    assert.ok(alive(child.pid));
  });

test('a loop that JavaScript blocks is recorded, too', async (t) => {
  const child = await node(t, 'function spins() { for (;;) globalThis.n = (globalThis.n | 0) + 1; } console.log("ready"); setTimeout(spins, 20);', { flags: ['--inspect-port=0'] });
  const { code, stdout, stderr } = await fettle(['cpu', 'record', String(child.pid), '-s', '1', '-o', '-'], { cwd: folder(t) });
  assert.equal(code, 0, stderr);
  const counts = cpu(stdout);
  assert.ok(Object.entries(counts).every(([name, n]) => /spins|listOnTimeout/.test(name) || n < 5), JSON.stringify(counts));
  assert.deepEqual(ports(child.pid), []);
});

test('Ctrl-C ends a recording with what there is', async (t) => {
  const child = await node(t, PROGRAM, { flags: ['--inspect-port=0'] });
  const dir = folder(t);
  const { code, stdout, stderr } = await fettle(['cpu', 'record', String(child.pid), '-s', '1000', '--interval', '1ms', '-o', 'x', '--json'], {
    cwd: dir,
    started: (running) => poll(() => fs.readdirSync(dir).length > 0).then(() => setTimeout(() => running.kill('SIGINT'), 500)),
  });
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).stopped_early, true);
  assert.ok(hot(fs.readFileSync(path.join(dir, 'x'))) > 5);
  assert.deepEqual(ports(child.pid), []);
});

test('a process that ends is not held up, and its profile is there', async (t) => {
  const child = await node(t, PROGRAM + 'process.on("SIGTERM", () => process.exit(3));', { flags: ['--inspect-port=0'] });
  const ended = new Promise((done) => child.once('exit', done));
  const dir = folder(t);
  const { code, stdout, stderr } = await fettle(['cpu', 'record', String(child.pid), '-s', '1000', '--interval', '1ms', '-o', 'x', '--json'], {
    cwd: dir,
    started: () => poll(() => fs.readdirSync(dir).length > 0).then(() => setTimeout(() => child.kill('SIGTERM'), 500)),
  });
  assert.equal(await ended, 3);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).files[0].process_ended, true);
  assert.ok(hot(fs.readFileSync(path.join(dir, 'x'))) > 5);
});

const SERVER = `
  function answers(res) { let sum = 0; for (let i = 0; i < 1e6; i++) sum += Math.sqrt(i); res.end(JSON.stringify({ pid: process.pid, sum })); }
  require('node:http').createServer((req, res) => answers(res)).listen(process.env.PORT);`;

test('all workers of an app are recorded side by side, in traffic, without a failed request', async (t) => {
  const dir = folder(t);
  fs.writeFileSync(path.join(dir, 'shop.js'), SERVER);
  fs.mkdirSync(path.join(dir, 'run'), { mode: 0o700 });
  const env = { FETTLE_RUNTIME_DIR: path.join(dir, 'run') };
  const running = await startFettle({ t, target: 'shop.js', cwd: dir, args: ['-w', '3'], env });
  const rows = await running.serving(3);
  const clients = load({ port: running.port, clients: 6 });
  t.after(() => clients.stop());
  const { code, stdout, stderr } = await fettle(['cpu', 'record', 'shop', '-s', '2', '-o', 'p.cpuprofile.gz', '--json'], { cwd: dir, env });
  assert.equal(code, 0, stderr);
  const { files } = JSON.parse(stdout);
  assert.deepEqual(files.map((f) => [f.file, f.app, f.worker]), [1, 2, 3].map((n) => [`p-${n}.cpuprofile.gz`, 'shop', n]));
  assert.deepEqual(files.map((f) => f.pid).sort(), rows.map((row) => row.pid).sort());
  const { gunzipSync } = await import('node:zlib');
  for (const { file } of files) {
    const text = gunzipSync(fs.readFileSync(path.join(dir, file))).toString();
    assert.ok(text.includes('shop.js'), file);
    assert.ok(Object.entries(cpu(text)).some(([name, n]) => name !== '(idle)' && n > 5), file);
  }
  const { failures } = await clients.stop();
  assert.deepEqual(failures, []);
  for (const { pid } of files) assert.deepEqual(ports(pid), []);
  // Again, so that a port that was taken once is no matter.
  const again = await fettle(['heap', 'record', 'shop', '-s', '1', '--json'], { cwd: dir, env });
  assert.equal(again.code, 0, again.stderr);
  for (const { file, bytes } of JSON.parse(again.stdout).files) {
    assert.match(file, /^shop-[123]-\d{8}-\d{6}\.heapprofile$/);
    assert.equal(fs.statSync(path.join(dir, file)).size, bytes);
  }
  const several = await fettle(['cpu', 'record', 'shop', '-o', '-'], { cwd: dir, env });
  assert.equal(several.code, 2);
  assert.match(several.stderr, /-o -: shop has 3 workers, and a profile is of one; name it: shop\/1/);
});
