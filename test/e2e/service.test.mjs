// Under a service manager: what it is told, the sockets that it hands over. And `fettle service`.
// helpers/manager.pl plays the manager: Node has neither datagram sockets nor a way to exec.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BARE, BUILD, connectable, freePort, poll, request, sleep, startFettle, statOf } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';
const MANAGER = fileURLToPath(new URL('helpers/manager.pl', import.meta.url));
const FETTLE = path.join(BUILD, 'fettle');

/** A folder with the app, which tells its environment, and listens after DELAY ms. */
function appFolder(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-service-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  fs.writeFileSync(
    path.join(folder, 'server.js'),
    `const http = require('node:http');
    const server = http.createServer((req, res) => res.end(JSON.stringify({ pid: process.pid, env: process.env })));
    setTimeout(() => server.listen(process.env.LISTEN_AT ?? Number(process.env.PORT)), Number(process.env.DELAY ?? 0));
    `,
  );
  return folder;
}

/** Listens at `name` as systemd does: { name, messages, until(check) }. */
async function manager(t, name) {
  const child = spawn(MANAGER, ['notify', name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const messages = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    messages.push(...lines);
  });
  t.after(() => child.kill('SIGKILL'));
  const until = (check, what) => poll(() => messages.find(check), { timeout: 30000 }).catch((error) => {
    throw new Error(`${error.message}: no message like ${what ?? check}: ${JSON.stringify(messages)}`);
  });
  await until((m) => m === 'bound');
  return { name, messages, until };
}

test('systemd is told what happens', { skip }, async (t) => {
  for (const kind of ['path', 'abstract']) {
    await t.test(`over a socket with ${kind === 'path' ? 'a path' : 'an abstract name'}`, async (t) => {
      const folder = appFolder(t);
      const systemd = await manager(t, kind === 'path' ? path.join(folder, 'notify.sock') : `@fettle-${randomUUID()}`);
      const app = await startFettle({
        t,
        target: 'server.js',
        cwd: folder,
        args: ['-w', '2'],
        env: { NOTIFY_SOCKET: systemd.name, WATCHDOG_USEC: '3000000', WATCHDOG_PID: '1' },
      });
      const ready = await systemd.until((m) => m.startsWith('READY=1'));
      assert.equal(ready, `READY=1|MAINPID=${app.pid}`);
      assert.equal((await app.serving(2)).length, 2);
      await systemd.until((m) => m === 'STATUS=2 of 2 workers ready');

      const { env } = (await app.get('/')).json();
      for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) assert.equal(env[name], undefined, name);

      const before = systemd.messages.length;
      app.kill('SIGHUP');
      const reloading = await systemd.until((m) => m.startsWith('RELOADING=1|MONOTONIC_USEC='));
      assert.ok(Number(reloading.split('=').pop()) <= Number(process.hrtime.bigint() / 1000n));
      await poll(() => systemd.messages.slice(before).some((m) => m.startsWith('READY=1')), { timeout: 30000 });
      assert.match(app.output, /reloaded 2 workers/);

      assert.equal((await app.stop()).code, 0);
      await systemd.until((m) => m.startsWith('STOPPING=1'));
      assert.ok(!systemd.messages.includes('WATCHDOG=1'), 'that watchdog was for another process');
    });
  }
});

test('the watchdog hears of a loop that runs, and of no other', { skip }, async (t) => {
  const folder = appFolder(t);
  const systemd = await manager(t, path.join(folder, 'notify.sock'));
  const app = await startFettle({
    t,
    target: 'server.js',
    cwd: folder,
    args: ['-w', '1'],
    env: { NOTIFY_SOCKET: systemd.name, WATCHDOG_USEC: '400000' },
  });
  const beats = () => systemd.messages.filter((m) => m === 'WATCHDOG=1').length;
  await poll(() => beats() >= 3, { timeout: 30000 });
  app.kill('SIGSTOP');
  await poll(() => statOf(app.pid).state === 'T', { timeout: 30000 });
  await sleep(100); // what was sent before is on its way
  const before = beats();
  await sleep(1000);
  assert.equal(beats(), before);
  app.kill('SIGCONT');
  await poll(() => beats() > before, { timeout: 30000 });
});

test('a socket that systemd opened is used where the app asks for it', { skip }, async (t) => {
  const folder = appFolder(t);
  const start = (more) =>
    startFettle({
      t,
      target: 'server.js',
      cwd: folder,
      command: MANAGER,
      ready: false,
      ...more,
      env: { ACTIVATE_RUN: FETTLE, ...more.env },
    });

  await t.test('clients that came before the app was ready are answered', async () => {
    const port = await freePort();
    const app = await start({ port, env: { ACTIVATE: `127.0.0.1:${port}`, DELAY: '700' } });
    await app.until(() => connectable(port));
    assert.ok(!/worker.* ready/.test(app.output), 'nobody is ready yet');
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => request({ port, path: '/', timeout: 20000 })));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200]);
    const { env } = answers[0].json();
    for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) assert.equal(env[name], undefined, name);
    await app.until(async () => (await app.admin('/readyz')).status === 200);
    assert.match(app.output, new RegExp(`http://127\\.0\\.0\\.1:${port} → `));
    assert.doesNotMatch(app.output, /handed over/);
    // A reload, and a proxy that comes back, use it on.
    process.kill(app.helper('proxy'), 'SIGKILL');
    app.kill('SIGHUP');
    await app.line(/reloaded \d+ worker/);
    await app.until(async () => (await request({ port, path: '/' })).status === 200);
    assert.equal((await app.stop()).code, 0);
  });

  await t.test('so is a unix socket, whose path is not removed', async () => {
    const at = path.join(folder, 'app.sock');
    const app = await start({ port: false, env: { ACTIVATE: at, LISTEN_AT: at } });
    await app.until(async () => (await request({ socketPath: at, path: '/' })).status === 200);
    assert.equal((await app.stop()).code, 0);
    assert.ok(fs.existsSync(at));
  });

  await t.test('one that is not wanted is named', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const app = await start({ port, env: { ACTIVATE: `127.0.0.1:${other},127.0.0.1:${port}` } });
    await app.line(new RegExp(`warning: the service manager handed over 127\\.0\\.0\\.1:${other} \\(test1\\.socket\\), on which no app listens`));
    assert.doesNotMatch(app.output, new RegExp(`handed over 127\\.0\\.0\\.1:${port}`));
    await app.stop();
  });
});
