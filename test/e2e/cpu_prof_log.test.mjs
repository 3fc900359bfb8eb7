// cpu_prof_log.test.mjs -- logs of `node --prof`: the same sums as `node --prof-process` of the same Node has
//
// Compared is what it makes of each tick (--preprocess). Where addresses of the program itself are asked for, it takes the library, or the
// symbol that nm names; fettle takes the builtin that is there (Node 18 has them in the program) and else the library. So what is not
// JavaScript is compared as a sum.

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BUILD, MAJORS, NODE, nodeOf } from './helpers/fettle.mjs';

const FETTLE = path.join(BUILD, 'fettle');
/* A tick or two where one of both sees a library and the other knows of no code. */
const ODD = 2;
const folder = fs.mkdtempSync(path.join(tmpdir(), 'fettle-prof-'));
after(() => fs.rmSync(folder, { recursive: true }));

fs.writeFileSync(path.join(folder, 'work.mjs'), `
import { pbkdf2Sync } from 'node:crypto';
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function sorted(n) { return Array.from({ length: n }, (_, i) => (i * 7919) % n).sort((a, b) => a - b).length; }
const shop = { 'all, of it'(n) { return fib(n); }, get garbage() { return JSON.parse(JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ i })))).length; } };
const slow = /(a+)+b/;
let sum = 0;
for (let turn = 0; turn < 60; turn++) { sum += shop['all, of it'](23) + sorted(400) + shop.garbage; slow.test('aaaaaaaaaaaaaaaaa'); }
pbkdf2Sync('a', 'b', 20000, 32, 'sha1');
setTimeout(() => (0, eval)('(function inEval() { for (const end = Date.now() + 30; Date.now() < end;); })()'), 150);
`);

function logOf(major) {
  const cwd = path.join(folder, String(major));
  fs.mkdirSync(cwd);
  execFileSync(nodeOf(major), ['--prof', '../work.mjs'], { cwd, env: { ...process.env, NODE_OPTIONS: '' } });
  const [name] = fs.readdirSync(cwd);
  assert.match(name, /^isolate-0x[0-9a-f]+-.*v8\.log$/);
  return path.join(cwd, name);
}

/* "name /file:3:18" of each JavaScript function: { self, total } in ticks, and how many ticks were in what else. */
function processed(major, log) {
  const bin = path.join(folder, `bin${major}`);
  // Symbols of C++ are not compared; without nm it is done in a moment.
  fs.mkdirSync(bin);
  for (const tool of ['nm', 'c++filt']) fs.writeFileSync(path.join(bin, tool), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const { code, ticks } = JSON.parse(execFileSync(nodeOf(major), ['--prof-process', '--preprocess', log],
    { maxBuffer: 1 << 28, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, NODE_OPTIONS: '' } }));
  const functions = new Map();
  const other = { gc: 0, idle: 0, rest: 0, all: ticks.length };
  for (const { vm, s } of ticks) {
    const stack = [];
    for (let i = 0; i < s.length; i += 2) stack.push(s[i] >= 0 ? code[s[i]] : null);
    if (vm === 1) other.gc++;
    else if (vm === 8) other.idle++;
    else {
      const [top] = stack[0]?.kind === 'BytecodeHandler' ? stack.slice(1).filter((entry) => entry) : stack;
      const names = new Set(stack.filter((entry) => entry?.type === 'JS').map(({ name }) => name));
      for (const name of names) {
        if (!functions.has(name)) functions.set(name, { self: 0, total: 0, below: 0 });
        functions.get(name).total++;
      }
      const caller = stack.find((entry) => entry?.type === 'JS');
      if (top?.type === 'JS') functions.get(top.name).self++;
      else if (caller) functions.get(caller.name).below++;
      if (top?.type !== 'JS') other.rest++;
    }
  }
  return { functions, other };
}

const nameOf = ({ function: name, file, line, column }) => `${name} ${file}:${line}:${column}`;
/* V8's names, as fettle has them; names with commas are cut by --prof-process. */
const plain = (name) => name.replace('file://', '').replace(/^<anonymous> /, ' ');

for (const major of MAJORS)
  test(`a log of Node ${major}: the ticks of each function are those of --prof-process`, () => {
    const log = logOf(major), { functions, other } = processed(major, log);
    const report = JSON.parse(execFileSync(FETTLE, ['cpu', 'report', '--json', log], { encoding: 'utf8', maxBuffer: 1 << 28 }));
    const tick_ms = report.duration_ms / report.samples, ticks = (ms) => Math.round(ms / tick_ms);
    assert.ok(other.all > 100);
    assert.equal(ticks(report.self_ms.gc), other.gc, 'ticks in a collection');
    const gap = ticks(report.self_ms.idle) - other.idle;
    assert.ok(gap > 0 && gap * tick_ms >= 50, `idle for ${gap * tick_ms} ms`);
    assert.equal(report.samples - gap, other.all, 'all ticks');

    const theirs = new Map([...functions].map(([name, sums]) => [plain(name), sums]));
    const handlers = major >= 22; // before, the handlers of bytecodes are in the program, and so are the program's to it
    let js = 0;
    for (const f of report.functions) {
      if (!f.line || f.function === '(root)') continue;
      const name = nameOf(f), want = theirs.get(name);
      js += f.samples;
      if (f.function.includes(',')) continue; // "all, of it": it takes what is behind the comma for a number
      assert.ok(want, `${name} is not there: ${[...theirs.keys()].join('\n')}`);
      assert.equal(ticks(f.total_ms), want.total, name);
      if (handlers) assert.ok(Math.abs(f.samples - want.self) <= ODD, `${name}: ${f.samples}, and ${want.self}`);
      else assert.ok(f.samples >= want.self && f.samples <= want.self + want.below, `${name}: ${f.samples}, and ${JSON.stringify(want)}`);
      theirs.delete(name);
    }
    assert.deepEqual([...theirs.keys()].filter((name) => !name.includes('all')), [], 'of --prof-process only');
    assert.ok(report.functions.some(({ function: name, samples }) => name === 'fib' && samples > 0));
    assert.ok(report.functions.some(({ function: name }) => name.startsWith('RegExp: (a+)+b')));
    const self = [...functions.values()].reduce((sum, f) => sum + f.self, 0);
    assert.equal(ticks(report.self_ms.app) + ticks(report.self_ms.node) + ticks(report.self_ms.packages) + ticks(report.self_ms.program), self + other.rest);
    if (handlers) assert.ok(Math.abs(js - self) <= ODD, `${js} ticks in JavaScript, and ${self}`);
    const handlersLeft = report.functions.filter((f) => /Handler$/.test(f.function) && f.function !== 'Handler' && !f.line);
    assert.deepEqual(handlersLeft, [], 'handlers of bytecodes are the function that they interpret');
  });

test('a log and a profile of one program can be compared', () => {
  const cwd = path.join(folder, 'both');
  fs.mkdirSync(cwd);
  execFileSync(NODE, ['--cpu-prof', '--cpu-prof-name=a.cpuprofile', '../work.mjs'], { cwd, env: { ...process.env, NODE_OPTIONS: '' } });
  const log = fs.readdirSync(path.join(folder, '22')).map((name) => path.join(folder, '22', name))[0];
  const said = JSON.parse(execFileSync(FETTLE, ['cpu', 'diff', '--json', 'a.cpuprofile', log], { cwd, encoding: 'utf8' }));
  assert.equal(said.per, 'run');
  const fib = said.functions.find(({ function: name }) => name === 'fib');
  assert.ok(fib.samples[0] > 0 && fib.samples[1] > 0 && fib.line === 3 && fib.line_before === 3, JSON.stringify(fib));
});

test('a log that is cut off is read as far as it goes; one without ticks is refused', () => {
  const log = path.join(folder, '24', fs.readdirSync(path.join(folder, '24'))[0]), text = fs.readFileSync(log);
  const file = path.join(folder, 'v8.log');
  fs.writeFileSync(file, text.subarray(0, Math.floor(text.length * 0.7)));
  assert.equal(spawnSync(FETTLE, ['cpu', 'report', file]).status, 0);
  fs.writeFileSync(file, text.subarray(0, 200));
  const { status, stderr } = spawnSync(FETTLE, ['cpu', 'report', file], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /^fettle: .*v8\.log: there is no tick in this log of V8's: was it written by node --prof\?\n$/);
});
