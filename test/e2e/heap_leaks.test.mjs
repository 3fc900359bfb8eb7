// `fettle heap leaks`: every program of examples/leaks under load, with real snapshots. The leaky one
// is found with kind, class, holder, file and line, and nothing else is; its healthy twin is silent.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BUILD, MAJORS, NODE, PATIENCE_MS, nodeOf, startFettle } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';
import { drive, healthy, start, table } from '../../examples/leaks/drive.mjs';

const REQUESTS = 30;
/** On other versions of Node, where the same leak looks different: roots, contexts, strings, promises. */
const EVERYWHERE = {
  18: ['map-module.js', 'stream.js', 'listener-emitter.js'],
  20: ['map-module.js', 'timer-interval.js', 'code.js'],
  24: ['map-module.js', 'promise-race.js', 'async-context.js'],
  26: ['map-module.js', 'set-global.js', 'module-require.js'],
};

const fettle = (...args) =>
  new Promise((done) => {
    execFile(path.join(BUILD, 'fettle'), args, { timeout: PATIENCE_MS, maxBuffer: 16 << 20 }, (error, stdout, stderr) =>
      done({ code: error ? error.code : 0, stdout, stderr }),
    );
  });

async function snapshots(t, program, node = NODE) {
  const out = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-leaks-'));
  t.after(() => fs.rmSync(out, { recursive: true, force: true }));
  return drive(program, { node, requests: REQUESTS, out });
}

async function report(...args) {
  const { code, stdout, stderr } = await fettle('heap', 'leaks', '--json', ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

function assertIs(suspect, row) {
  const { kind, class: name, holder, file, line } = suspect;
  assert.deepEqual({ kind, class: name, file, line }, { kind: row.kind, class: row.class, file: row.file, line: row.line });
  assert.ok(holder.includes(row.holder), `${holder}: ${row.holder}`);
  assert.ok(suspect.source.includes(row.at), suspect.source);
  assert.ok(suspect.path.length > 0);
}

async function isFound(t, row, node) {
  const files = await snapshots(t, row.program, node);
  const { suspects, suspicion } = await report(...files);
  assert.equal(suspicion, false);
  assert.equal(suspects.length, 1, JSON.stringify(suspects, null, 1));
  assertIs(suspects[0], row);
  assert.ok(suspects[0].count >= REQUESTS * 2, `${suspects[0].count} more`);
  assert.ok(suspects[0].growth_bytes > 0);
  return files;
}

test('each leaky program has a row in the table, and a healthy twin', () => {
  const leaky = fs.readdirSync(new URL('../../examples/leaks/leaky', import.meta.url)).sort();
  assert.deepEqual(table().map((row) => path.basename(row.program)).sort(), leaky);
  const twins = healthy().map((name) => path.basename(name));
  assert.deepEqual(leaky.filter((name) => !twins.includes(name)), []);
});

test('every kind of leak is found', { concurrency: 3 }, async (t) => {
  await Promise.all(table().map((row) => t.test(row.program, (t) => isFound(t, row))));
});

test('nothing is found in what only looks like it', { concurrency: 3 }, async (t) => {
  const silent = (program) => async (t) => {
    const { suspects } = await report(...(await snapshots(t, program)));
    assert.deepEqual(suspects, []);
  };
  await Promise.all(healthy().map((program) => t.test(program, silent(program))));
});

test('on every version of Node', { concurrency: 3 }, async (t) => {
  const rows = (major) => table().filter((row) => EVERYWHERE[major]?.includes(path.basename(row.program)));
  const majors = MAJORS.filter((major) => nodeOf(major) && nodeOf(major) !== NODE);
  await Promise.all(
    majors.flatMap((major) =>
      rows(major).map((row) => t.test(`${row.program} on Node ${major}`, (t) => isFound(t, row, nodeOf(major)))),
    ),
  );
});

test('one snapshot gives a suspicion of the same kind', async (t) => {
  const row = table().find(({ program }) => program === 'leaky/listener-emitter.js');
  const files = await snapshots(t, row.program);
  const { suspects, suspicion } = await report(files[2]);
  assert.equal(suspicion, true);
  assert.equal(suspects[0].suspicion, true);
  assertIs(suspects[0], row);
  assert.ok(suspects[0].count >= REQUESTS * 3);
  assert.equal(suspects[0].growth_bytes, null);
});

test('the report for people names the line and the fix, and --check is for scripts', async (t) => {
  const row = table().find(({ program }) => program === 'leaky/array-static.js');
  const files = await snapshots(t, row.program);
  const { code, stdout } = await fettle('heap', 'leaks', '--check', ...files);
  assert.equal(code, 1);
  assert.match(stdout, /1 suspect$/m);
  assert.match(stdout, /1\. an array that only gets longer: AuditTrail\.entries, \+/);
  assert.match(stdout, new RegExp(`array-static\\.js:${row.line}:\\d+ {3}AuditTrail\\.entries\\.push`));
  assert.match(stdout, /fix {5}Write out what it collects/);
  const mixed = await fettle('heap', 'leaks', ...(await snapshots(t, 'healthy/array-static.js')).slice(0, 2), files[2]);
  assert.match(mixed.stdout, /number their objects differently/);
  const two = await fettle('heap', 'leaks', files[0], files[1]);
  assert.equal(two.code, 2);
  assert.match(two.stderr, /takes three snapshots of one process .* it was given 2/);
});

test('a running process is watched: three snapshots, and no file stays', async (t) => {
  const row = table().find(({ program }) => program === 'leaky/object-cache.js');
  const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-leaks-'));
  t.after(() => fs.rmSync(tmp, { recursive: true, force: true }));
  const program = await start(row.program, { node: NODE, cwd: tmp });
  t.after(() => program.stop());
  const load = setInterval(() => program.requests(2).catch(() => {}), 20);
  t.after(() => clearInterval(load));
  await program.requests(REQUESTS);
  const found = await new Promise((done) => {
    const args = ['heap', 'leaks', '--json', '--interval', '600ms', String(program.child.pid)];
    const env = { ...process.env, TMPDIR: tmp };
    execFile(path.join(BUILD, 'fettle'), args, { timeout: PATIENCE_MS, env }, (error, stdout, stderr) => done({ error, stdout, stderr }));
  });
  assert.equal(found.error, null, found.stderr);
  const { suspects, target } = JSON.parse(found.stdout);
  assert.equal(target, String(program.child.pid));
  assertIs(suspects[0], row);
  assert.deepEqual(fs.readdirSync(tmp), []);
});

test('snapshots that were taken in three visits, which number their objects differently, are compared by place', async (t) => {
  const row = table().find(({ program }) => program === 'leaky/promise-pending.js');
  const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-leaks-'));
  t.after(() => fs.rmSync(tmp, { recursive: true, force: true }));
  const program = await start(row.program, { node: NODE, cwd: tmp });
  t.after(() => program.stop());
  const files = [];
  for (const name of ['a', 'b', 'c']) {
    await program.requests(REQUESTS);
    files.push(path.join(tmp, `${name}.heapsnapshot`));
    const taken = await fettle('heap', 'snapshot', String(program.child.pid), '-o', files.at(-1));
    assert.equal(taken.code, 0, taken.stderr);
  }
  const { suspects, matched_by } = await report(...files);
  assert.equal(matched_by, 'place');
  assert.equal(suspects.length, 1);
  assertIs(suspects[0], row);
});

test('a worker of fettle is watched under load, and no request fails', async (t) => {
  const row = table().find(({ program }) => program === 'leaky/set-global.js');
  const runtime = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-leaks-'));
  t.after(() => fs.rmSync(runtime, { recursive: true, force: true }));
  const env = { FETTLE_RUNTIME_DIR: runtime };
  const app = await startFettle({ t, args: ['--workers', '2', '--name', 'counter'], env, target: row.file });
  const clients = load({ port: app.port, clients: 4 });
  t.after(() => clients.stop());
  const found = await fettle('heap', 'leaks', '--json', '--interval', '1s', '--runtime-dir', runtime, 'counter');
  assert.equal(found.code, 0, found.stderr);
  const { suspects, target } = JSON.parse(found.stdout);
  assert.match(target, /^counter\/[12]$/);
  assertIs(suspects[0], row);
  assert.deepEqual((await clients.stop()).failures, []);
});
