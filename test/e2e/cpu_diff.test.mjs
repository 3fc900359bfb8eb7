// cpu_diff.test.mjs -- `fettle cpu diff` finds what a program's change made slower, and nothing else
//
// How often chance alone would be reported is simulated in test/unit/profile_significance_test.c; here, real runs are compared.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BUILD, NODE } from './helpers/fettle.mjs';

const FETTLE = path.join(BUILD, 'fettle');
const RUNS = 3;
const ATTEMPTS = 4;
const folder = mkdtempSync(path.join(tmpdir(), 'fettle-diff-'));
after(() => rmSync(folder, { recursive: true }));

/* Three functions of the same weight; MORE of 100 is what the first one does. A profile counts time in which the process waits for a CPU,
 * too, so each does its part in many small turns. */
const program = (lines) => `${'\n'.repeat(lines)}
function changed(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i % 7) | 0; return s; }
function alike(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 17 + i % 7) | 0; return s; }
class Shop { price(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 13 + i % 7) | 0; return s; } }
const shop = new Shop(), more = Number(process.env.MORE);
for (let turn = 0; turn < 300; turn++) { changed(1000 * more); alike(1e5); shop.price(1e5); }
`;

const fettle = (...args) => {
  const { status, stdout, stderr } = spawnSync(FETTLE, ['cpu', 'diff', ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, COLUMNS: '200' } });
  return { status, stdout, stderr };
};
const found = (out) => JSON.parse(out).functions.filter(({ significant }) => significant).map((f) => f.function);
const files = (name, from = 0, to = RUNS) => Array.from({ length: to - from }, (_, i) => `${name}${from + i}.cpuprofile`).join();

/* A set of runs of each side, in turns: a and c are of the same program, b is the slower one. */
function record() {
  for (let i = 0; i < RUNS; i++)
    for (const [name, more] of [['a', 100], ['b', 140], ['c', 100]]) {
      writeFileSync(path.join(folder, 'shop.js'), program(name === 'b' ? 12 : 0));
      execFileSync(NODE, ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-name=${name}${i}.cpuprofile`, 'shop.js'], { cwd: folder, env: { ...process.env, MORE: String(more), NODE_OPTIONS: '' } });
    }
}
before(record);

/* A machine that is busy with other things may hide a change: then it is measured once more. */
function attempted(look) {
  for (let left = ATTEMPTS; ; left--) {
    try {
      return look();
    } catch (e) {
      if (left === 1) throw e;
    }
    record();
  }
}

test('a function that is slower is found, though its line has moved, and it alone', () => attempted(() => {
  const { status, stdout, stderr } = fettle('--json', '--max-regression', '5%', '--per', 'busy', files('a'), files('b'));
  const said = JSON.parse(stdout), it = said.functions.find((f) => f.function === 'changed');
  assert.equal(said.per, 'busy');
  assert.deepEqual(said.runs, [RUNS, RUNS]);
  assert.ok(it.significant && it.ratio > 1.05, JSON.stringify(it));
  assert.equal(it.line - it.line_before, 12);
  assert.ok(it.file.endsWith('/shop.js'));
  // Of shares, the others' become smaller.
  for (const name of ['alike', 'price']) assert.ok(said.functions.find((f) => f.function === name).ratio < 1.02);
  assert.equal(status, 1, stderr);
  assert.match(stderr, /^fettle: changed .*shop\.js:14: .* of the busy time, \+\d+(\.\d)? %; --max-regression allows 5 %$/m);
}));

test('per run, it is slower by about what it does more', () => attempted(() => {
  const { stdout } = fettle('--json', files('a'), files('b'));
  const said = JSON.parse(stdout), it = said.functions.find((f) => f.function === 'changed');
  assert.equal(said.per, 'run', 'they saw their program start');
  const other = said.functions.find((f) => f.function === 'alike');
  assert.ok(it.ratio_low < it.ratio && it.ratio < it.ratio_high);
  assert.ok(it.ratio / other.ratio > 1.1 && it.ratio / other.ratio < 1.7, JSON.stringify([it, other]));
}));

test('two sets of runs of one program: nothing regressed', () => attempted(() => {
  const { status, stderr } = fettle('--json', '--max-regression', '50%', '--per', 'busy', '--before', files('a'), '--after', files('c'));
  assert.equal(status, 0, stderr);
}));

test('a profile compared with itself has not changed', () => {
  const { status, stdout } = fettle('--max-regression', '0%', 'a0.cpuprofile', 'a0.cpuprofile');
  assert.equal(status, 0);
  assert.match(stdout, /^all functions: .* a run, \+0\.0 % .*, which may be chance$/m);
  assert.match(stdout, /none has changed by more than chance \(runs scatter by 3\.0 %\)$/m);
  assert.deepEqual(found(fettle('--json', 'a0.cpuprofile', 'a0.cpuprofile').stdout), []);
});

test('what is new, gone and slower, by text', () => {
  const profile = JSON.parse(readFileSync(path.join(folder, 'a0.cpuprofile'), 'utf8'));
  for (const node of profile.nodes) {
    if (node.callFrame.functionName === 'changed') node.callFrame.functionName = 'renamed';
    if (node.callFrame.functionName === 'alike') node.hitCount *= 2;
  }
  profile.endTime += 0.5 * (profile.endTime - profile.startTime);
  writeFileSync(path.join(folder, 'd.cpuprofile'), JSON.stringify(profile));
  const { status, stdout, stderr } = fettle('a0.cpuprofile', 'd.cpuprofile', '--max-regression', '20%');
  assert.equal(status, 1);
  assert.match(stdout, /^slower:\n.*before.*after.*change.*function/m);
  assert.match(stdout, /\d+ms +new +renamed/);
  assert.match(stdout, /0ms +gone +changed/);
  assert.match(stderr, /^fettle: renamed .*: 0ms → .* a run, new; --max-regression allows 20 %$/m);
});

test('mistakes are said in one line', () => {
  for (const [args, wanted] of [
    [['a0.cpuprofile'], /cpu diff needs BEFORE and AFTER, such as/],
    [['a0.cpuprofile', 'b0.cpuprofile', 'c0.cpuprofile'], /cpu diff needs BEFORE and AFTER/],
    [['--before', 'a0.cpuprofile'], /either two words, BEFORE and AFTER, or both --before and --after/],
    [[',', 'a0.cpuprofile'], /BEFORE needs 1 to 64 files, and has 0/],
    [['--max-regression', 'much', 'a0.cpuprofile', 'b0.cpuprofile'], /--max-regression: "much" is no share; write per cents, such as 10%/],
    [['a0.cpuprofile', 'nowhere.cpuprofile'], /nowhere\.cpuprofile: /],
    [['a0.cpuprofile', 'shop.js'], /shop\.js: .*/],
  ]) {
    const { status, stderr } = fettle(...args);
    assert.ok(status > 0, args.join(' '));
    assert.match(stderr, wanted);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});
