// cpu_scale.test.mjs -- `fettle cpu scale`: functions that are known to be n, n log n, n² and n³ are told apart

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BUILD, NODE } from './helpers/fettle.mjs';

const FETTLE = path.join(BUILD, 'fettle');
const SIZES = [1000, 2000, 4000, 8000];
const folder = mkdtempSync(path.join(tmpdir(), 'fettle-scale-'));
const files = SIZES.map((n) => `grow-${n}.cpuprofile`);
after(() => rmSync(folder, { recursive: true }));

/* In small turns, so that whatever else the machine does is the same for all. */
const PROGRAM = `
const n = Number(process.env.N), TURNS = 20;
function linear(n) { let s = 0; for (let r = 0; r < 200; r++) for (let i = 0; i < n; i++) s = (s * 31 + i % 7) | 0; return s; }
function linearithmic(n) { let s = 0; for (let r = 0; r < 15; r++) for (let i = 0; i < n; i++) for (let k = n; k > 1; k = k >> 1) s = (s + k * i) | 0; return s; }
function square(n) { let s = 0; for (let i = 0; i < n / TURNS * 3; i++) for (let k = 0; k < n; k++) s = (s * 31 + k % 7) | 0; return s; }
function cube(n) { const m = n / 10 | 0; let s = 0; for (let i = 0; i < m / TURNS; i++) for (let k = 0; k < m; k++) for (let l = 0; l < m; l++) s = (s * 31 + l % 7) | 0; return s; }
let sum = 0;
for (let turn = 0; turn < TURNS; turn++) sum += linear(n) + linearithmic(n) + square(n) + cube(n);
console.log(sum);
`;

before(() => {
  writeFileSync(path.join(folder, 'grow.js'), PROGRAM);
  SIZES.forEach((n, i) => execFileSync(NODE, ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-name=${files[i]}`, 'grow.js'], { cwd: folder, env: { ...process.env, N: String(n), NODE_OPTIONS: '' } }));
});

const scale = (...args) => spawnSync(FETTLE, ['cpu', 'scale', ...args], { cwd: folder, encoding: 'utf8' });

test('each function has its exponent, and what is steep is said to be', () => {
  const said = JSON.parse(scale('--json', ...files).stdout);
  assert.deepEqual([said.sizes, said.next], [SIZES, 16000]);
  const of = (name) => said.functions.find((f) => f.function === name);
  for (const name of ['linear', 'linearithmic', 'square', 'cube']) {
    const { exponent, exponent_low, exponent_high, exponent_robust, sizes_fitted } = of(name);
    assert.ok(exponent_low < exponent && exponent < exponent_high);
    assert.ok(Math.abs(exponent_robust - exponent) < 0.7, JSON.stringify(of(name)));
    assert.ok(sizes_fitted >= 3);
  }
  // On a machine that is busy, all become slower at one size or another: what counts is that one grows faster than the other. That the
  // exponent is right is for the unit tests, which have no clock.
  const steeper = (name, than, by) => {
    const more = of(name).exponent - of(than).exponent;
    assert.ok(more > by / 2, `${name} over ${than}: ${more}`);
  };
  steeper('square', 'linear', 1);
  steeper('cube', 'linear', 2);
  assert.ok(of('cube').faster_than_linear);
  assert.ok(of('cube').next_ms > of('cube').self_ms.at(-1) * 2);
  const fitted = said.functions.filter((f) => !f.too_little);
  assert.ok(fitted.every((f, i) => !i || fitted[i - 1].next_ms >= f.next_ms), 'what would cost most comes first');
  assert.ok(said.functions.some((f) => f.too_little && f.exponent === undefined));
});

test('as text', () => {
  const { stdout, status } = scale(...files);
  assert.equal(status, 0);
  assert.match(stdout, /^all functions: \S+ at 1000, \S+ at 2000, \S+ at 4000, \S+ at 8000: like n\^\d\.\d\d \(.* to .*\); \S+ at 16000, the next$/m);
  assert.match(stdout, /faster than linearly:\n.*exponent[^]* cube +.*grow\.js:6:14\n/);
  assert.match(stdout, / linear +.*grow\.js:3:16$/m);
  assert.match(stdout, /^too little of \d+ functions: fewer than 5 samples at all sizes but one$/m);
});

test('sizes by flag, two only, and mistakes', () => {
  const [a, b] = files;
  const two = scale('--sizes', '1k,2k', a, b);
  assert.match(two.stdout, /^Two sizes give an exponent, and not how sure it is: take three or more\.$/m);
  for (const [args, wanted] of [
    [[a], /cpu scale needs two or more FILEs of growing work/],
    [['grow.js', 'grow.js'], /names have no number that tells their sizes apart; say how large the work was/],
    [['--sizes', '1,2', a], /cpu scale needs two or more FILEs/],
    [['--sizes', '1', a, b], /--sizes has 1 sizes for 2 files/],
    [[a, a], /no number that tells their sizes apart/],
  ]) {
    const { status, stderr } = scale(...args);
    assert.equal(status, 2);
    assert.match(stderr, wanted);
  }
});
