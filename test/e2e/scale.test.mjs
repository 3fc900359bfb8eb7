// Workers that become more under load, and fewer again after it. The periods are short, and CPUs are
// taken to be free: what else runs on the machine decides nothing.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, startFettle } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';

// Blocks its loop without a CPU, so that a machine with one shows the same.
const APP = `
const wait = new Int32Array(new SharedArrayBuffer(4));
require('node:http').createServer((req, res) => {
  Atomics.wait(wait, 0, 0, 20);
  res.end('done');
}).listen(process.env.PORT);
`;

test('load brings workers, and its end takes them away', { skip }, async (t) => {
  const cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-scale-'));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  fs.writeFileSync(path.join(cwd, 'server.js'), APP);
  fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({ run: 'server.js', workers: { least: 1, most: 4 } }));
  const app = await startFettle({ t, target: '.', cwd, args: ['--scale-period', '60ms', '--scale-cpus', '2'] });
  assert.equal((await app.serving(1)).length, 1);

  const bench = spawn(path.join(BUILD, 'fettle'), ['bench', '-c', '12', '-d', '60s', '--warmup', '0', '--json', `http://127.0.0.1:${app.port}/`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => bench.kill('SIGKILL'));
  let report = '';
  bench.stdout.on('data', (data) => (report += data));
  const ended = new Promise((done) => bench.once('close', done));
  await app.serving(4);
  await app.line(/^fettle: 1 → \d workers: (requests wait \(\d+\.\d at a time\)|the loops are busy for \d+ % of the time), and 2\.0 CPUs are free$/);

  bench.kill('SIGINT');
  await ended;
  assert.equal(JSON.parse(report).failed, 0, report);
  await app.serving(1);
  await app.line(/^fettle: 2 → 1 worker: the loops have been busy for \d+ % of the time: one less is enough$/);
  const numbers = app.lines.map((line) => /^fettle: (\d) → (\d) worker/.exec(line)).filter(Boolean).map(([, from, to]) => to - from);
  assert.ok(numbers.indexOf(-1) === numbers.filter((n) => n > 0).length, `up, then down: ${numbers}`);
  assert.equal((await app.get('/')).status, 200);
});

test('a number set by hand stays until `scale auto`', { skip }, async (t) => {
  const cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-scale-'));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  fs.writeFileSync(path.join(cwd, 'server.js'), APP);
  const scale = (app, amount) =>
    spawnSync(path.join(BUILD, 'fettle'), ['scale', '--pid', String(app.pid), amount], { encoding: 'utf8' });

  const app = await startFettle({ t, target: 'server.js', cwd, args: ['-w', '1-2', '--scale-period', '40ms'] });
  assert.match(scale(app, '4').stdout, /4 workers/);
  await app.serving(4);
  const reply = scale(app, 'auto');
  assert.match(reply.stdout, /from 1 to 2 workers, by load/, reply.stderr);
  await app.line(/^fettle: 4 → 2 workers: there are to be at most so many$/);
  assert.ok(!app.output.includes('4 → 3'), 'until then nothing was taken away');
  await app.serving(1); // … and then as the load, which there is none of, has it
  await app.stop();

  const fixed = await startFettle({ t, target: 'server.js', cwd, args: ['-w', '1'] });
  const { status, stderr } = scale(fixed, 'auto');
  assert.equal(status, 1);
  assert.match(stderr, /no least and most number of workers; `fettle run --workers 2-8` gives it both/);
});
