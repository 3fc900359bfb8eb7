// package.test.mjs -- the npm package `fettle`: what workers share, inside fettle and outside of it
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test, before, after } from 'node:test';
import { BUILD, MAJORS, NODE, fixture, nodeOf, startFettle } from './helpers/fettle.mjs';

const PACKAGE = path.join(BUILD, 'package');
const DEADLINE_MS = 120000;
let dir;
before(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-package-')); });
after(() => fs.rmSync(dir, { recursive: true }));

/** Runs a program of the fixtures to its end: its output, and that it ended well. */
async function run(program, { node = NODE, args = [], env = {}, cwd = dir } = {}) {
  const child = spawn(node, [...args, program], {
    cwd, env: { PATH: process.env.PATH, PACKAGE, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: DEADLINE_MS, killSignal: 'SIGKILL',
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => { text += part; });
  const code = await new Promise((done) => child.once('close', done));
  assert.equal(code, 0, text);
  return text.trim();
}

for (const major of MAJORS)
  test(`Node ${major}: cache and rateLimit do what their page says`, { skip: !nodeOf(major) }, async () => {
    assert.equal(await run(fixture('package/cache.cjs'), { node: nodeOf(major) }), 'ok');
    assert.equal(await run(fixture('package/ratelimit.cjs'), { node: nodeOf(major) }), 'ok');
  });

// V8's young generation grows with what the machine has; with a small one it shows what does not.
test('heap and memory stay flat', async () => {
  assert.equal(await run(fixture('package/flat.cjs'), { args: ['--expose-gc', '--max-semi-space-size=1', '--single-threaded-gc'] }), 'ok');
});

test('it is imported, too, and says its types', async () => {
  const file = path.join(dir, 'app.mjs');
  fs.mkdirSync(path.join(dir, 'node_modules'));
  fs.symlinkSync(PACKAGE, path.join(dir, 'node_modules/fettle'));
  fs.writeFileSync(file, `
    import fettle, { cache, memoize, share } from 'fettle';
    import { createRequire } from 'node:module';
    const required = createRequire(import.meta.url)('fettle');
    console.log(required.cache === cache, fettle === required, Object.keys(required).join(' '), typeof memoize, typeof share);
  `);
  const exported = Object.keys((await import(path.join(PACKAGE, 'index.js'))).default);
  assert.equal(await run(file), `true true ${exported.join(' ')} function function`);
  const types = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8');
  for (const name of exported) assert.match(types, new RegExp(`export (function|class) ${name}\\b`));
});

test('nobody reads what was set before, in any process, once a set is complete', async () => {
  assert.equal(await run(fixture('package/stale.cjs')), 'ok');
});

test('a named memory is the user\'s alone, and empty when nobody has it any more', async () => {
  const name = `test-${process.pid}`;
  const file = path.join(dir, 'named.cjs');
  fs.writeFileSync(file, `
    const { cache } = require(process.env.PACKAGE);
    const c = cache();
    const before = c.get('k') ?? 'nothing';
    c.set('k', 'something');
    const fs = require('node:fs');
    const folder = '/dev/shm/fettle-' + process.geteuid();
    const modes = [folder, folder + '/' + process.env.FETTLE_SHARE + '.mem'].map((f) => (fs.statSync(f).mode & 0o777).toString(8));
    const mine = fs.readFileSync('/proc/self/maps', 'latin1').includes(process.env.FETTLE_SHARE + '.mem');
    console.log(before, ...modes, mine);
  `);
  for (let i = 0; i < 2; i++)
    assert.equal(await run(file, { env: { FETTLE_SHARE: name } }), 'nothing 700 600 true');
  await assert.rejects(run(file, { env: { FETTLE_SHARE: '../etc' } }), /ERR_FETTLE_MEMORY/);
  for (const end of ['mem', 'turn']) fs.rmSync(`/dev/shm/fettle-${process.geteuid()}/${name}.${end}`);
});

test('the children of node:cluster share what has a name', async () => {
  const file = path.join(dir, 'cluster.cjs');
  fs.writeFileSync(file, `
    const cluster = require('node:cluster');
    const { cache, share } = require(process.env.PACKAGE);
    share('cluster-' + process.env.NAME);
    const c = cache({ name: 'c' });
    if (cluster.isPrimary) {
      c.set('from primary', { n: 1 });
      const children = [cluster.fork(), cluster.fork()];
      let told = 0;
      for (const child of children)
        child.on('message', () => {
          if (++told < 2) return;
          console.log(c.size, children.every((x) => c.get('from ' + x.process.pid).seen === 1));
          children.forEach((x) => x.kill());
        });
    } else {
      c.set('from ' + process.pid, { seen: c.get('from primary').n });
      process.send('done');
    }
  `);
  const name = `cluster-${process.pid}`;
  assert.equal(await run(file, { env: { NAME: process.pid } }), '3 true');
  for (const end of ['mem', 'turn']) fs.rmSync(`/dev/shm/fettle-${process.geteuid()}/${name}.${end}`);
});

test('fettle\'s workers have one cache, and one of them calls for all', async (t) => {
  const app = await startFettle({ t, target: fixture('package/app.cjs'), args: ['-w', '3'], env: { PACKAGE } });
  const workers = await app.pids(3);
  const json = async (target) => (await app.get(target)).json();

  assert.equal(await json('/set?key=a&value=one'), true);
  const seen = new Map();
  await app.until(async () => {
    const { pid, value } = await json('/get?key=a');
    seen.set(pid, value);
    return seen.size === workers.length;
  });
  assert.deepEqual([...seen.values()], ['one', 'one', 'one']);
  assert.equal(await json('/set?key=a&value=two'), true);
  for (let i = 0; i < 10; i++) assert.equal((await json('/get?key=a')).value, 'two');

  // One fetch for all of them.
  const fetched = await Promise.all(Array.from({ length: 30 }, () => json('/fetch?key=b')));
  assert.equal(new Set(fetched.map(({ got }) => got.by)).size, 1);

  // Whoever fetches dies: another one does it, and dies as well.
  const waits = Array.from({ length: 6 }, () => json('/fetch?key=die').catch(() => 'failed'));
  const dead = new Set();
  await app.until(async () => {
    const { pid, called } = await json('/called?key=die');
    if (called > 0 && !dead.has(pid)) {
      dead.add(pid);
      process.kill(pid, 'SIGKILL');
    }
    return dead.size === 2;
  });
  assert.equal(await json('/set?key=die&value=at+last'), true);
  await Promise.all(waits);
  await app.serving(3);

  // A limit is that of all of them, in Express, and express-rate-limit's names.
  const limited = await Promise.all(Array.from({ length: 100 }, () => app.get('/limited')));
  assert.equal(limited.filter(({ status }) => status === 200).length, 20);
  assert.equal(limited.filter(({ status }) => status === 429).length, 80);
  assert.match((await app.get('/limited')).headers['ratelimit-policy'], /^"20-in-10min"; q=20; w=600; pk=:/);

  // What was set is there after all of that, and after a reload.
  assert.equal((await json('/get?key=a')).value, 'two');
  app.kill('SIGHUP');
  await app.until(async () => (await app.workers()).every(({ pid }) => !workers.includes(pid)) && (await app.serving(3)));
  assert.equal((await json('/get?key=a')).value, 'two');
  assert.equal((await json('/stats')).sets >= 4, true);
});
