// slow_clients.test.mjs -- clients that read, write or ask slowly hold no more memory than they may,
// and honest ones do not notice them
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BARE, PATIENCE_MS, fixture, freePort, rssOf, startFettle } from './helpers/fettle.mjs';
import { Wire, ask, get } from './helpers/wire.mjs';

const skip = BARE && 'needs fettle';
const MB = 1 << 20;

async function started(t, args = []) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-slow-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return startFettle({
    t,
    target: fixture('faults/server.js'),
    args: ['-w', '1', '--threads', '2', ...args],
    env: { PORT2: String(await freePort()), FETTLE_RUNTIME_DIR: folder },
  });
}

async function metric(run, name) {
  const { text } = await run.admin('/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  if (!line) throw new Error(`no ${name}`);
  return Number(line.split(' ').at(-1));
}

const shed = (run) => metric(run, 'fettle_proxy_refused_total{reason="buffers_full"}');
const held = (run) => metric(run, 'fettle_proxy_buffer_bytes');

/** Honest requests, one after the other: all are answered. */
async function honest(run, n) {
  for (let i = 0; i < n; i++) {
    const response = await ask(run.port, get('/small'));
    assert.deepEqual([response.status, response.text], [200, 'small']);
    response.wire.destroy();
  }
}

/** Those who came all at once were on time for a moment, and others were turned away. */
const settled = (run) => run.until(() => honest(run, 20).then(() => true), { what: 'room for honest clients' });

const ATTACKS = {
  'answers that nobody reads': (wire) => {
    wire.socket.pause();
    wire.send(get('/huge'));
  },
  'bodies that do not come': (wire) => wire.send(`${get('/echo', { 'content-length': '100000' }, { method: 'POST' })}begun`),
  'heads that do not end': (wire) => wire.send('GET / HTTP/1.1\r\nhost: app.test\r\nx-slow: '),
};

for (const [name, attack] of Object.entries(ATTACKS))
  test(`${name} hold no more than buffer-memory`, { skip }, async (t) => {
    const run = await started(t, ['--buffer-memory', '4M']);
    const wires = await Promise.all(Array.from({ length: 300 }, () => Wire.open(run.port, {})));

    await run.until(async () => (await metric(run, 'fettle_proxy_buffer_limit_bytes')) === 4 * MB);
    wires.forEach(attack);
    await run.until(async () => (await shed(run)) > 0, { what: 'somebody who is closed' });
    await run.line(/clients that are slow held \d+ MB: the slowest are closed \(buffer-memory is 4 MB\)/);
    await settled(run);
    await run.until(async () => (await held(run)) <= 4.5 * MB, { what: 'no more than an eighth above 4 MB' });
    wires.forEach((wire) => wire.destroy());
    await run.until(async () => (await held(run)) === 0, { what: 'nothing that is held' });
  });

test('who goes on reading gets all of it while others are closed for not reading', { skip }, async (t) => {
  const run = await started(t, ['--buffer-memory', '4M']);
  const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.open(run.port, {})));
  wires.forEach(ATTACKS['answers that nobody reads']);
  await settled(run);
  for (let whole = 0, until = Date.now() + PATIENCE_MS; whole < 20; ) {
    const wire = await Wire.open(run.port);
    wire.send(get('/large'));
    const head = await wire.head().catch(() => null);
    if (head?.status === 200) {
      assert.equal((await wire.bytes(600000)).length, 600000, 'who is let in gets all of it');
      whole++;
    }
    wire.destroy();
    assert.ok(Date.now() < until, `${whole} of 20 were let in`);
  }
  await run.until(async () => (await shed(run)) > 0, { what: 'somebody who is closed' });
  wires.forEach((wire) => wire.destroy());
});

test('a reload takes another ceiling over', { skip }, async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-slow-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const write = (memory) =>
    fs.writeFileSync(path.join(folder, 'fettle.json'), JSON.stringify({ run: fixture('faults/server.js'), workers: 1, 'buffer-memory': memory }));
  write('32M');
  const run = await startFettle({ t, cwd: folder, target: 'fettle.json', env: { PORT2: String(await freePort()), FETTLE_RUNTIME_DIR: folder } });
  await run.until(async () => (await metric(run, 'fettle_proxy_buffer_limit_bytes')) === 32 * MB);
  write('8M');
  run.kill('SIGHUP');
  await run.until(async () => (await metric(run, 'fettle_proxy_buffer_limit_bytes')) === 8 * MB);
});

const slowhttptest = ['/usr/bin/slowhttptest', '/usr/local/bin/slowhttptest'].find((file) => fs.existsSync(file));

/** Slow header, body, read and range attacks of the tool that everybody tests with. */
for (const [name, flags] of Object.entries({
  'slow headers': ['-H', '-i', '1', '-x', '24'],
  'slow bodies': ['-B', '-i', '1', '-s', '8192', '-x', '10', '-u', '/echo'],
  'slow reading': ['-X', '-w', '10', '-y', '20', '-n', '1', '-z', '32', '-k', '3', '-u', '/large'],
  'ranges (killapache)': ['-R', '-a', '10', '-b', '3000'],
}))
  test(`slowhttptest: ${name}`, { skip: skip || (!slowhttptest && 'slowhttptest is not installed') }, async (t) => {
    // How long requests queue on a busy machine is not what this is about.
    const run = await started(t, ['--head-timeout', '2s', '--body-timeout', '2s', '--queue-target', 'off']);
    const proxy = run.helper('__proxy');
    const before = rssOf(proxy);
    const at = flags.indexOf('-u');
    const url = `${run.url}${at < 0 ? '/' : flags[at + 1]}`;
    const rest = at < 0 ? flags : flags.toSpliced(at, 2);
    const attack = promisify(execFile)(slowhttptest, ['-c', '400', '-r', '400', '-l', '4', '-p', '3', ...rest, '-u', url]);
    await run.until(async () => (await metric(run, 'fettle_proxy_connections_total')) > 200, { what: 'an attack' });
    await honest(run, 50);
    const { stdout } = await attack.catch((error) => error);
    // It looks by itself, too, whether the service answers meanwhile.
    assert.ok(!/service available:\s+NO/.test(stdout.replace(/\x1b\[[0-9;]*m/g, '')), stdout);
    await honest(run, 5);
    assert.ok(rssOf(proxy) - before < 40 * MB, `${rssOf(proxy) - before} bytes more`);
    assert.equal(run.helper('__proxy'), proxy);
  });
