// What blocks beside the main loop is not put down to it: threads that compute, and what fettle itself has V8 do. What
// the main loop waits for in a thread is its own line.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { NODE, nodeOf, startFettle } from './helpers/fettle.mjs';
import { fettle, folder } from './helpers/inspect.mjs';

const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
function computes(until) { let n = 0; while (Date.now() < until) n++; return n; }
parentPort.on('message', ({ ms, shared }) => {
  const n = computes(Date.now() + ms);
  if (shared) { Atomics.store(shared, 0, 1); Atomics.notify(shared, 0); }
  parentPort.postMessage(n);
});
`;
const MAIN = `
const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
const http = require('node:http');
const pool = Array.from({ length: 2 }, () => new Worker(__dirname + '/thread.js'));

const compute = (ms) => Promise.all(pool.map((thread) => (thread.postMessage({ ms }), once(thread, 'message'))));

function spins(until) {
  while (true) if (Date.now() > until) return; // spins
}

function waits(ms) {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  pool[0].postMessage({ ms, shared });
  Atomics.wait(shared, 0, 0); // waits
}

http.createServer(async (req, res) => {
  if (req.url === '/compute') await compute(500);
  if (req.url === '/both') { const done = compute(900); spins(Date.now() + 400); await done; }
  if (req.url === '/waits') waits(400);
  res.end('done');
}).listen(process.env.PORT);
`;
const lineOf = (mark) => MAIN.split('\n').findIndex((line) => line.endsWith(`// ${mark}`)) + 1;

async function start(t, files, { major, block = '100ms' } = {}) {
  const dir = folder(t);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), text);
  const run = await startFettle({
    t,
    target: path.join(dir, 'app.js'),
    node: nodeOf(major) ?? NODE,
    args: ['-w', '1', '--block', block, '--warn-block', 'off', '--max-block', 'off'],
    env: { FETTLE_RUNTIME_DIR: dir },
  });
  await run.serving(1);
  await run.get('/'); // it has started
  const findings = async () => (await run.admin('/api/findings')).json().findings.filter(({ kind }) => kind.startsWith('blocked-loop/'));
  return { dir, run, file: path.join(dir, 'app.js'), findings };
}

for (const major of [18, 20, 22, 24, 26])
  test(`Node ${major}: threads that compute, and a main loop that spins meanwhile, or waits for them`, { skip: !nodeOf(major) && 'not installed' }, async (t) => {
    const { run, file, findings } = await start(t, { 'app.js': MAIN, 'thread.js': THREAD }, { major });
    await run.get('/compute');
    for (const [route, kind, name] of [['/both', 'javascript', 'spins'], ['/waits', 'wait', 'waits']]) {
      // A machine that is very busy may ask too late.
      const found = await run.until(async () => {
        await run.get(route);
        return (await findings()).find((f) => f.kind === `blocked-loop/${kind}` && f.place);
      }, { what: `the finding of ${route}` });
      assert.deepEqual([found.place?.file, found.place?.line, found.place?.function], [file, lineOf(name), name], JSON.stringify(found, null, 1));
      assert.doesNotMatch(found.text, /computes|thread\.js/);
    }
    // Nothing else; where the machine was too busy, there is no place.
    const places = (await findings()).filter(({ place }) => place).map(({ place }) => `${path.basename(place.file)} ${place.function}`);
    assert.deepEqual([...new Set(places)].sort(), ['app.js spins', 'app.js waits']);
  });

const LARGE = `
globalThis.kept = Array.from({ length: 3e6 }, (_, i) => ({ i, text: 'a' + i }));
require('node:http').createServer((req, res) => res.end('done')).listen(process.env.PORT);
`;

test('V8 begins and ends a profile of a large heap: that is fettle’s own doing', async (t) => {
  const { dir, run, findings } = await start(t, { 'app.js': LARGE }, { block: '50ms' });
  for (const what of ['cpu', 'heap']) {
    const { code, stderr } = await fettle([what, 'record', 'app', '--seconds', '1', '-o', `${what}.profile`], { cwd: dir, env: { FETTLE_RUNTIME_DIR: dir } });
    assert.equal(code, 0, stderr);
  }
  await run.get('/');
  // Of a machine that was too busy nothing is known.
  assert.deepEqual((await findings()).filter(({ kind }) => kind !== 'blocked-loop/unknown').map(({ kind, text, worst_ms }) => [kind, worst_ms, text]), []);
});
