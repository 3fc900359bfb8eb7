// cpu_devtools.test.mjs -- fettle cpu report and Chrome DevTools' own code say the same of a CPU profile
//
// test/profile/devtools.mjs runs DevTools' model of it (from npm, bundled for Node). DevTools moves samples when it draws them over time
// (sorted by their time; a lonely "(program)" between two samples of one stack becomes the one before it): self and total times are from
// hit counts in both, and untouched by that.

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import inspector from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { BUILD, MAJORS, ROOT, nodeOf } from './helpers/fettle.mjs';
import { keyOf, modelOf, totalsOf } from '../profile/devtools.mjs';
import { randomProfile } from '../profile/random.mjs';

const RANDOM = 200;
const FETTLE = path.join(BUILD, 'fettle');
const SAMPLES = path.join(ROOT, 'test/profile/samples');
const folder = mkdtempSync(path.join(tmpdir(), 'fettle-cpu-'));
const file = path.join(folder, 'a.cpuprofile');
after(() => rmSync(folder, { recursive: true }));

const reportOf = (name) => JSON.parse(execFileSync(FETTLE, ['cpu', 'report', '--json', name], { encoding: 'utf8', maxBuffer: 1 << 28 }));
const plain = (url) => (url.startsWith('file://') ? url.slice(7) : url);
/* To the microsecond, which is what fettle writes. */
const near = (a, b) => Math.abs(a - b) <= 0.001 + 1e-9 * Math.abs(b);

const META = { '(garbage collector)': 'gc', '(idle)': 'idle', '(program)': 'program' };

function assertSame(report, devtools, what) {
  assert.ok(near(report.duration_ms, devtools.duration_ms), `${what}: ${report.duration_ms} ms, and ${devtools.duration_ms}`);
  assert.equal(report.samples, devtools.samples, `${what}: samples`);
  const theirs = new Map();
  for (const [key, { self_ms, total_ms }] of Object.entries(devtools.functions)) {
    const [name, url, line, column] = JSON.parse(key), own = keyOf(name, plain(url), line, column);
    assert.ok(!theirs.has(own));
    if (total_ms) theirs.set(own, { self_ms, total_ms });
  }
  for (const { function: name, file: url, line, column, self_ms, total_ms } of report.functions) {
    const key = keyOf(name, url, line, column), want = theirs.get(key);
    assert.ok(want, `${what}: ${key} is not in DevTools`);
    assert.ok(near(self_ms, want.self_ms) && near(total_ms, want.total_ms), `${what}: ${key}: ${self_ms}, ${total_ms}, and ${JSON.stringify(want)}`);
    theirs.delete(key);
  }
  assert.deepEqual([...theirs.keys()], [], `${what}: in DevTools only`);
  for (const [name, kind] of Object.entries(META))
    assert.ok(near(report.self_ms[kind], devtools.functions[keyOf(name, '', 0, 0)]?.self_ms ?? 0), `${what}: ${name}`);
}

function check(profile, what) {
  const text = JSON.stringify(profile);
  writeFileSync(file, text);
  assertSame(reportOf(file), totalsOf(profile), what);
}

/* What every kind of function does: recursion, natives, garbage, other threads' time. */
const WORK = `
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function sorted(n) { return Array.from({ length: n }, (_, i) => (i * 7919) % n).sort((a, b) => a - b).length; }
const garbage = () => JSON.parse(JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ i })))).length;
const user = () => process.cpuUsage().user; // what others leave of the CPUs decides nothing
const until = user() + 150e3;
let sum = 0;
while (user() < until) sum += fib(18) + sorted(500) + garbage();
`;

for (const major of MAJORS)
  test(`node --cpu-prof of Node ${major}`, () => {
    writeFileSync(path.join(folder, 'work.js'), WORK);
    execFileSync(nodeOf(major), ['--cpu-prof', '--cpu-prof-name=a.cpuprofile', '--cpu-prof-interval=500', 'work.js'], { cwd: folder });
    const profile = JSON.parse(readFileSync(file, 'utf8')), report = reportOf(file);
    assert.ok(report.functions.some(({ function: name, self_ms }) => name === 'fib' && self_ms > 0));
    assertSame(report, totalsOf(profile), `Node ${major}`);
  });

test('a recording over the DevTools protocol', async () => {
  const session = new inspector.Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  new Function(WORK)();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  check(profile, 'recorded');
});

test(`${RANDOM} random profiles, of every form`, () => {
  for (let seed = 1; seed <= RANDOM; seed++) check(randomProfile(seed), `random profile ${seed}`);
});

test('samples that DevTools moves when it draws them leave its sums as they are', () => {
  const at = (name) => ({ functionName: name, scriptId: '1', url: '/app.js', lineNumber: 1, columnNumber: 1 });
  const nowhere = (functionName) => ({ functionName, scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 });
  const nodes = [
    { id: 1, callFrame: nowhere('(root)'), hitCount: 0, children: [2, 3] }, { id: 2, callFrame: nowhere('(program)'), hitCount: 1 },
    { id: 3, callFrame: at('main'), hitCount: 1, children: [4] }, { id: 4, callFrame: at('inner'), hitCount: 1 },
  ];
  const profile = { nodes, startTime: 1000, endTime: 4000, samples: [3, 2, 4], timeDeltas: [100, 900, 1000] };
  const model = modelOf(structuredClone(profile));
  assert.deepEqual(model.samples, [3, 3, 4], 'DevTools takes main for (program)');
  check(profile, 'a lonely (program)');
  check({ ...profile, timeDeltas: [100, 900, -950] }, 'time that goes backwards');
});

test('what is committed of v8-profiler-next, both of its forms', () => {
  const names = readdirSync(SAMPLES).filter((name) => name.startsWith('v8-profiler'));
  assert.ok(names.length >= 2);
  for (const name of names) {
    const text = zlib.gunzipSync(readFileSync(path.join(SAMPLES, name))), profile = JSON.parse(text);
    writeFileSync(file, text);
    const report = reportOf(file);
    /* Its lines count from 1, which DevTools does not know. */
    if (profile.nodes)
      for (const { callFrame } of profile.nodes) {
        callFrame.lineNumber--;
        callFrame.columnNumber--;
      }
    assertSame(report, totalsOf(profile), name);
    assert.ok(report.lines.some(({ function: name }) => name === 'fib'), `${name}: lines`);
  }
});

test('where DevTools guesses or gives up', () => {
  const callFrame = { functionName: 'f', scriptId: '1', url: '/app.js', lineNumber: 1, columnNumber: 1 };
  const root = { id: 1, callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 } };
  const said = (profile) => {
    writeFileSync(file, JSON.stringify(profile));
    return spawnSync(FETTLE, ['cpu', 'report', file], { encoding: 'utf8' }).stderr;
  };
  const times = { startTime: 0, endTime: 1000 };
  // Counts that are not in the first node: DevTools wants samples.
  const late = { nodes: [{ ...root, children: [2] }, { id: 2, callFrame, hitCount: 3 }], ...times };
  assert.throws(() => totalsOf(structuredClone(late)), /Neither hitCount nor samples/);
  writeFileSync(file, JSON.stringify(late));
  assert.equal(reportOf(file).samples, 3);
  // A child that is not there: DevTools leaves it out; here the file is said to be broken.
  assert.equal(totalsOf({ nodes: [{ ...root, hitCount: 1, children: [9] }], ...times }).samples, 1);
  assert.match(said({ nodes: [{ ...root, hitCount: 1, children: [9] }], ...times }), /node 1 refers to node 9, which is not there/);
  // A node that nobody calls: DevTools counts its samples and shows it nowhere.
  const lost = { nodes: [{ ...root, hitCount: 1, children: [] }, { id: 2, callFrame, hitCount: 1 }], ...times };
  assert.equal(totalsOf(structuredClone(lost)).functions[keyOf('f', '/app.js', 2, 2)], undefined);
  writeFileSync(file, JSON.stringify(lost));
  assert.equal(reportOf(file).functions.find(({ function: name }) => name === 'f').self_ms, 0.5);
});
