// cpu_trace.test.mjs -- CPU profiles within traces: the sums are those of the samples in the file, as Node has written it

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { BUILD, MAJORS, nodeOf } from './helpers/fettle.mjs';

const FETTLE = path.join(BUILD, 'fettle');
const folder = fs.mkdtempSync(path.join(tmpdir(), 'fettle-trace-'));
after(() => fs.rmSync(folder, { recursive: true }));

fs.writeFileSync(path.join(folder, 'work.js'), `
const { Worker, isMainThread } = require('node:worker_threads');
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
if (isMainThread) new Worker(__filename);
for (const end = Date.now() + Number(process.env.WORK_MS); Date.now() < end;) fib(20);
`);

/** Self samples of each function, and on each of its lines, over all profiles in a trace. */
function sums({ traceEvents }) {
  const functions = new Map(), lines = new Map(), profiles = new Map();
  let took = 0, samples = 0;
  const add = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);
  for (const { name, pid, id, args } of traceEvents) {
    if (name !== 'ProfileChunk') continue;
    const key = `${pid} ${id}`;
    if (!profiles.has(key)) profiles.set(key, new Map());
    const nodes = profiles.get(key), { cpuProfile = {}, timeDeltas = [], lines: at = [] } = args.data;
    for (const node of cpuProfile.nodes ?? []) nodes.set(node.id, node.callFrame);
    cpuProfile.samples?.forEach((node, i) => {
      const { functionName, url = '' } = nodes.get(node);
      add(functions, `${functionName} ${url}`);
      if (at[i] && url) add(lines, `${url}:${at[i]}`);
      samples++;
    });
    took = timeDeltas.reduce((sum, us) => sum + us, took);
  }
  return { functions, lines, took, samples };
}

/* V8 begins to sample when the program has run for a while: on a busy machine, for long. */
function traceOf(major) {
  for (const ms of [400, 1600, 6400]) {
    const cwd = path.join(folder, `${major}-${ms}`);
    fs.mkdirSync(cwd);
    execFileSync(nodeOf(major), ['--trace-event-categories', 'v8.cpu_profiler,disabled-by-default-v8.cpu_profiler', '../work.js'], { cwd, env: { ...process.env, NODE_OPTIONS: '', WORK_MS: ms } });
    const [name] = fs.readdirSync(cwd), trace = JSON.parse(fs.readFileSync(path.join(cwd, name)));
    if ([...sums(trace).functions.keys()].some((key) => key.startsWith('fib '))) return { cwd, name, trace };
  }
  assert.fail('no samples');
}

for (const major of MAJORS)
  test(`Node ${major}: a trace is a profile`, { skip: !nodeOf(major) && 'not installed' }, () => {
    const { cwd, name, trace } = traceOf(major);
    const { functions, lines, took, samples } = sums(trace);
    fs.writeFileSync(path.join(cwd, 'list.json.gz'), gzipSync(JSON.stringify(trace.traceEvents)));
    for (const file of [name, 'list.json.gz']) {
      const told = JSON.parse(execFileSync(FETTLE, ['cpu', 'report', '--json', '--no-source-maps', file], { cwd, maxBuffer: 1 << 26 }));
      assert.equal(told.samples, samples);
      assert.ok(Math.abs(told.duration_ms - took / 1000) < 0.01, `${told.duration_ms} ${took}`);
      const self = new Map();
      for (const { function: of, file: url, samples: n } of told.functions) if (n) self.set(`${of} ${url}`, (self.get(`${of} ${url}`) ?? 0) + n);
      assert.deepEqual([...self].sort(), [...functions].sort());
      const here = ({ file: url, line }) => url.endsWith('work.js') && line === 3;
      const fibs = told.lines.filter(here).reduce((sum, { self_ms: ms }) => sum + (ms * samples) / told.duration_ms, 0);
      assert.equal(Math.round(fibs), [...lines].filter(([key]) => key.endsWith('work.js:3')).reduce((sum, [, n]) => sum + n, 0));
    }
  });

test('a trace without a profile says so', () => {
  fs.writeFileSync(path.join(folder, 'empty.json'), '{"traceEvents":[{"name":"Profile"}]}');
  assert.throws(() => execFileSync(FETTLE, ['cpu', 'report', path.join(folder, 'empty.json')], { stdio: 'pipe' }), /there is no CPU profile in this trace/);
});
