// Where V8's symbols are missing, the stack of a blocked loop comes by the inspector, which is opened
// for a moment; but not where SIGUSR1 does not open it.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { NODE, freePort, nodeOf, startFettle } from './helpers/fettle.mjs';
import { folder } from './helpers/inspect.mjs';

const PROGRAM = `
let signals = 0;
if (process.env.OWN_SIGUSR1) process.on('SIGUSR1', () => signals++);
function spin(until) {
  while (true) if (Date.now() > until) return; // spin
}
require('node:http').createServer((req, res) => {
  if (req.url === '/spin') spin(Date.now() + 2500);
  res.end(String(signals));
}).listen(process.env.PORT);
`;
const LINE = PROGRAM.split('\n').findIndex((line) => line.endsWith('// spin')) + 1;

async function app(t, major, { env = {}, options = '' } = {}) {
  const dir = folder(t);
  const file = path.join(dir, 'app.js');
  const port = await freePort();
  fs.writeFileSync(file, PROGRAM);
  const run = await startFettle({
    t,
    target: file,
    node: nodeOf(major) ?? NODE,
    args: ['-w', '1', '--block', '50ms', '--warn-block', 'off', '--max-block', 'off'],
    env: { FETTLE_RUNTIME_DIR: dir, TEST_FETTLE_NO_V8_SYMBOLS: '1', NODE_OPTIONS: `--inspect-port=${port} ${options}`, ...env },
  });
  await run.serving(1);
  await run.get('/'); // it has started
  const findings = async () => (await run.admin('/api/findings')).json().findings;
  // A machine that is very busy may be too late the first time.
  const spun = (kind) =>
    run.until(async () => {
      assert.equal((await run.get('/spin')).text, '0', 'no signal has come');
      await run.until(async () => (await findings()).length, { what: 'a finding' });
      return (await findings()).find((f) => f.kind === `blocked-loop/${kind}`);
    }, { what: `a finding of the kind ${kind}` });
  return { run, file, port, spun };
}

const isOpen = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket.destroy() && true));
    socket.on('error', () => resolve(false));
  });

for (const major of [20, 22, 24, 26])
  test(`Node ${major}: the line of a loop, and the inspector is closed again`, { skip: !nodeOf(major) && 'not installed' }, async (t) => {
    const { run, file, port, spun } = await app(t, major);
    const { place, text } = await spun('javascript');
    assert.deepEqual([place?.file, place?.line, place?.function], [file, LINE, 'spin'], text);
    assert.match(text, /at spin \(.*app\.js:\d+:\d+\)\n +at .*app\.js:/);
    await run.until(async () => !(await isOpen(port)), { what: 'the inspector to close' });
    assert.equal((await run.get('/')).text, '0');
  });

test('an app that handles SIGUSR1 itself gets no signal, and is told why there is no stack', async (t) => {
  const { spun, port } = await app(t, 22, { env: { OWN_SIGUSR1: '1' } });
  const { text } = await spun('unknown');
  assert.match(text, /no stack: .*the app handles SIGUSR1 itself/);
  assert.equal(await isOpen(port), false);
});

test('--disable-sigusr1: no signal is sent', { skip: !nodeOf(24) && 'not installed' }, async (t) => {
  const { spun } = await app(t, 24, { options: '--disable-sigusr1' });
  const { text } = await spun('unknown');
  assert.match(text, /no stack: .*SIGUSR1 is disabled/);
});

test('a port that another process has is left alone', async (t) => {
  const { spun, port } = await app(t, 22);
  const holder = net.createServer().listen(port, '127.0.0.1');
  t.after(() => holder.close());
  const { text } = await spun('unknown');
  assert.match(text, new RegExp(`no stack: port ${port}.*is taken`));
});
