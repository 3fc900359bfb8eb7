// Side processes: workers that are not Node, beside apps that are or alone.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, alive, startFettle } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';
const has = (program) => spawnSync(program, ['--version']).status === 0;

function folder(t, files) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-side-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(root, name), typeof text === 'string' ? text : JSON.stringify(text, null, 2));
  return root;
}

const LOOP = 'trap "echo told to end; exit 0" TERM; echo "up $KIND"; while :; do sleep 0.05; done';
const run = (t, config, files = {}, more = {}) => startFettle({ t, cwd: folder(t, { 'fettle.json': config, ...files }), target: '.', ...more });

test('a program that is not Node is ready, seen, started again and told to end', { skip }, async (t) => {
  const app = await run(t, { command: 'sh loop.sh', env: { KIND: 'side' } }, { 'loop.sh': LOOP });
  await app.line(/\d \| up side/);
  const [row] = await app.serving(1);
  await app.until(async () => (await app.workers())[0].rss_bytes > 0, { what: 'its memory' });
  assert.equal((await app.admin('/readyz')).status, 200);
  assert.match(app.output, /1 worker ready in \d+ ms; the app does not listen/);
  process.kill(row.pid, 'SIGKILL');
  const again = await app.until(async () => (await app.serving(1)).find(({ pid }) => pid !== row.pid));
  assert.equal(again.restarts, 1);
  assert.equal((await app.stop()).code, 0);
  assert.match(app.output, /told to end/);
  assert.equal(alive(again.pid), false);
});

test('a reload replaces it like any other', { skip }, async (t) => {
  const app = await run(t, { command: 'sh loop.sh' }, { 'loop.sh': LOOP });
  const [{ pid }] = await app.serving(1);
  app.kill('SIGHUP');
  await app.line(new RegExp(`has taken over from ${pid}`));
  await app.line(/reloaded 1 worker/);
});

test('one that does not start is given up like any other', { skip }, async (t) => {
  const app = await run(t, { command: "sh -c 'echo no database >&2; exit 7'" }, {}, { ready: false });
  assert.equal((await app.exit()).code, 1);
  assert.match(app.output, /the app does not start: 3 tries have failed \(worker 1: exit code 7\)/);
});

test('beside a Node app, with a worker of its own', { skip }, async (t) => {
  const app = await run(t, { apps: {
    web: { run: 'web.js', workers: 2 },
    jobs: { command: 'sh loop.sh' },
  } }, { 'web.js': "require('http').createServer((req, res) => res.end('web')).listen(process.env.PORT)", 'loop.sh': LOOP });
  await app.line(/fettle: web: 2 workers ready in/);
  await app.line(/fettle: jobs: 1 worker ready in \d+ ms; the app does not listen/);
  assert.match(app.output, /jobs 1 \| up/);
  assert.equal((await app.get('/')).text, 'web');
});

test("pm2's interpreter", { skip: skip || (!has('python3') && 'no python3') }, async (t) => {
  const cwd = folder(t, {
    'worker.py': 'import os, sys, time\nprint("python", sys.argv[1], os.environ["NODE_APP_INSTANCE"], flush=True)\ntime.sleep(1000)\n',
    'ecosystem.config.js': "module.exports = { apps: [{ name: 'py', script: 'worker.py', interpreter: 'python3', args: 'x' }] };",
  });
  const app = await startFettle({ t, cwd, target: 'ecosystem.config.js' });
  await app.serving(1);
  assert.match(app.output, /1 \| python x 0/);
});

test('it is replaced for its memory', { skip: skip || (!has('perl') && 'no perl') }, async (t) => {
  const app = await run(t, { command: `perl -e '$x = "a" x 150e6; sleep 1000'`, 'max-memory': '100M' }, {}, { ready: false });
  await app.line(/worker 1 \(pid \d+\) uses \d+ MB, more than 100: it is being replaced/);
  await app.line(/has taken over from/);
});

test('a program that is not there is named', { skip }, async (t) => {
  const app = await run(t, { command: 'no-such-program --now' }, {}, { ready: false });
  assert.equal((await app.exit()).code, 1);
  assert.match(app.output, /worker 1 cannot be started: no-such-program: No such file or directory/);
});

test('run and command are one too many', { skip }, (t) => {
  const cwd = folder(t, { 'fettle.json': { run: 'a.js', command: 'b' } });
  const done = spawnSync(path.join(BUILD, 'fettle'), ['run'], { cwd, encoding: 'utf8', timeout: 60000 });
  assert.match(done.stderr, /fettle\.json:3: command: stands beside run; only one of them can be started/);
  assert.equal(done.status, 2);
});
