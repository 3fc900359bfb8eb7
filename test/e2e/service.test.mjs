// Under a service manager: what it is told, the sockets that it hands over. And `fettle service`.
// helpers/manager.pl plays the manager: Node has neither datagram sockets nor a way to exec.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BARE, BUILD, connectable, freePort, poll, request, sleep, startFettle, startNode, statOf } from './helpers/fettle.mjs';

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

/** `fettle service …`: { status, stdout, stderr }. */
function service(args, { cwd, env = {} } = {}) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(FETTLE_|NODE_|E2E_|NOTIFY_|XDG_)/.test(name)));
  return spawnSync(FETTLE, ['service', ...args], { cwd, encoding: 'utf8', env: { ...clean, ...env } });
}

/** The words of ExecStart=, as systemd splits them. */
const wordsOf = (text) =>
  [.../^ExecStart=(.*)$/m.exec(text)[1].matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    (quoted ?? plain).replace(/\\x(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
      .replace(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$'));

const unitsOf = (args, options) => {
  const { status, stdout, stderr } = service(['show', '--json', ...args], options);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
};

test('the units are what systemd understands, and run what `fettle run` would', { skip }, async (t) => {
  const cwd = appFolder(t);
  const flags = ['-w', '1-2', '--drain', '20s', '--socket', '8080', 'server.js', '--', 'a b', '50%', '$HOME', '"', ';', "it's"];
  for (const scope of ['system', 'user'])
    await t.test(scope, (t) => {
      const { units, name } = unitsOf([`--${scope}`, '--name', 'my app', ...flags], { cwd, env: { XDG_CONFIG_HOME: cwd } });
      assert.equal(name, 'my-app');
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-units-'));
      t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
      const files = units.map(({ path: file, text }) => {
        const at = path.join(dir, path.basename(file));
        fs.writeFileSync(at, text);
        return at;
      });
      assert.deepEqual(files.map((file) => path.basename(file)), ['my-app.service', 'my-app.socket']);
      const verified = spawnSync('systemd-analyze', [`--${scope}`, 'verify', ...files], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: dir, XDG_RUNTIME_DIR: dir },
      });
      assert.equal(verified.error, undefined, 'systemd-analyze is there: scripts/setup test installs it');
      assert.equal(verified.stderr, '');
      assert.equal(verified.status, 0);
      assert.match(units[0].text, /^TimeoutStopSec=30$/m); // 20 s of --drain, 5 s of --kill-after, and some
      assert.match(units[0].text, /^Type=notify$/m);
      assert.match(units[0].text, /^NoNewPrivileges=yes$/m);
      assert.equal(/^ProtectSystem=/m.test(units[0].text), scope === 'system');
      assert.doesNotMatch(units[0].text, /^PrivateTmp=/m); // the app is in /tmp
      assert.match(units[1].text, /^ListenStream=8080$/m);
    });

  await t.test('paths are made absolute', () => {
    fs.writeFileSync(path.join(cwd, '.env'), '');
    const words = wordsOf(unitsOf(['--user', '--env-file', '.env', '--watch', '--access-log=a/b.log', 'server.js'], { cwd }).units[0].text);
    assert.ok(words.includes(`--env-file=${cwd}/.env`) && words.includes(`--access-log=${cwd}/a/b.log`) && words.at(-1) === `${cwd}/server.js`, words.join(' '));
    assert.ok(words.includes('--watch=on'), words.join(' '));
  });

  await t.test('the command line, word by word', async (t) => {
    const { units } = unitsOf(['--user', ...flags], { cwd });
    const words = wordsOf(units[0].text);
    assert.deepEqual(words.slice(words.indexOf('--') + 1), ['a b', '50%', '$HOME', '"', ';', "it's"]);
    assert.ok(words.includes('--port=8080') && words.includes('--workers=1-2'));
    const port = await freePort();
    const app = await startNode({
      t,
      node: words[0],
      target: words[1],
      appArgs: words.slice(2).map((word) => (word === '--port=8080' ? `--port=${port}` : word)),
      cwd: /^WorkingDirectory=(.*)$/m.exec(units[0].text)[1],
      port,
      env: { FETTLE_ADMIN: 'off' },
    });
    assert.equal((await app.get('/')).status, 200);
  });

  await t.test('what stands in files counts for the times, and a secret is refused', () => {
    fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({ run: 'server.js', drain: '60s', 'kill-after': '9s' }));
    const { units } = unitsOf(['--user'], { cwd });
    assert.match(units[0].text, /^TimeoutStopSec=74$/m);
    const { status, stderr } = service(['show', '--user'], { cwd, env: { FETTLE_ADMIN_TOKEN: 'hunter2hunter2' } });
    assert.equal(status, 2);
    assert.match(stderr, /a secret must not stand in a unit.*write FETTLE_ADMIN_TOKEN=… into .*\.env/);
    assert.doesNotMatch(stderr, /hunter2/);
    fs.rmSync(path.join(cwd, 'fettle.json'));
  });

  await t.test('with --uid fettle stays root, and its workers do not', { skip: process.getuid() !== 0 && 'needs root' }, () => {
    const { units } = unitsOf(['--system', '--uid', 'daemon', 'server.js'], { cwd });
    assert.doesNotMatch(units[0].text, /^User=|^RuntimeDirectory=/m);
    assert.ok(wordsOf(units[0].text).includes('--uid=daemon'));
  });
});

test('install and remove', { skip }, async (t) => {
  const cwd = appFolder(t);
  const bin = path.join(cwd, 'bin');
  const log = path.join(cwd, 'systemctl.log');
  const root = path.join(cwd, 'root');
  fs.mkdirSync(bin);
  fs.writeFileSync(path.join(bin, 'systemctl'), `#!/bin/sh\necho "$*" >>${log}\n[ "$1" != "$BREAKS" ]\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const run = (args, more = {}) => service([...args, '--system', '--as', 'daemon', '--root', root], { cwd, env: { ...env, ...more } });
  const commands = () => {
    const lines = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n') : [];
    fs.rmSync(log, { force: true });
    return lines;
  };
  const unit = path.join(root, 'etc/systemd/system/shop.service');

  await t.test('where systemd does not run, it says so, and writes nothing', () => {
    const { status, stderr } = run(['install', '--name', 'shop', 'server.js']);
    assert.equal(status, 1);
    assert.match(stderr, /systemd does not run here \(there is no .*\/run\/systemd\/system\)\. In a container/);
    assert.ok(!fs.existsSync(unit));
    assert.deepEqual(commands(), []);
  });
  fs.mkdirSync(path.join(root, 'run/systemd/system'), { recursive: true });

  await t.test('the unit is written, enabled and started, and each command is shown', () => {
    const { status, stderr } = run(['install', '--name', 'shop', 'server.js']);
    assert.equal(status, 0, stderr);
    assert.deepEqual(commands(), ['daemon-reload', 'enable shop.service', 'restart shop.service']);
    for (const line of ['written: ', 'systemctl daemon-reload', 'systemctl enable shop.service', 'systemctl restart shop.service'])
      assert.ok(stderr.includes(`fettle: ${line}`), stderr);
    const text = fs.readFileSync(unit, 'utf8');
    assert.match(text, /^User=daemon$/m);
    assert.match(text, /^RuntimeDirectory=fettle-shop$/m);
    assert.match(text, /^WantedBy=multi-user\.target$/m);
    assert.match(run(['show', '--name', 'shop', 'server.js']).stdout, /^# .*shop\.service: installed$/m);
    assert.match(run(['show', '--name', 'shop', '-w', '3', 'server.js']).stdout, /: installed as something else$/m);
  });

  await t.test('again, with a socket', () => {
    const { status, stdout } = run(['install', '--json', '--name', 'shop', '--socket', '80', 'server.js']);
    assert.equal(status, 0);
    assert.deepEqual(commands(), ['daemon-reload', 'enable shop.socket shop.service', 'stop shop.service', 'start shop.socket', 'restart shop.service']);
    assert.deepEqual(JSON.parse(stdout).units.map(({ installed }) => installed), ['same', 'same']);
  });

  await t.test('a command that fails is named', () => {
    const { status, stderr } = run(['install', '--name', 'shop', 'server.js'], { BREAKS: 'enable' });
    assert.equal(status, 1);
    assert.match(stderr, /`systemctl enable shop\.service` failed; `journalctl -u shop` tells more/);
    commands();
  });

  await t.test('removed by its name', () => {
    const { status, stderr } = run(['remove', 'shop']);
    assert.equal(status, 0, stderr);
    assert.deepEqual(commands(), ['disable --now shop.socket', 'disable --now shop.service', 'daemon-reload']);
    assert.ok(!fs.existsSync(unit));
    assert.equal(run(['remove', 'shop']).status, 3);
  });

  await t.test('a unit that fettle did not write is left alone, without --force', () => {
    fs.writeFileSync(unit, '[Service]\nExecStart=/bin/true\n');
    for (const verb of [['install', '--name', 'shop', 'server.js'], ['remove', '--name', 'shop']]) {
      const { status, stderr } = run(verb);
      assert.equal(status, 1);
      assert.match(stderr, /shop\.service was not written by fettle; choose another --name, or let --force do it/);
    }
    assert.equal(fs.readFileSync(unit, 'utf8'), '[Service]\nExecStart=/bin/true\n');
    assert.deepEqual(commands(), []);
    assert.equal(run(['install', '--force', '--name', 'shop', 'server.js']).status, 0);
    assert.match(fs.readFileSync(unit, 'utf8'), /^# Made by `fettle service install`/);
  });

  await t.test('mistakes', () => {
    for (const [args, wanted] of [
      [['frobnicate'], /write install, remove or show/],
      [['show', '--user'], /--user and --system together/],
      [['show', '--socket', 'nowhere', 'server.js'], /--socket: "nowhere" is no address/],
      [['show', 'sever.js'], /there is no file or folder "sever\.js"/],
      [['show', '--max-memry', '5', 'server.js'], /did you mean --max-memory/],
    ]) {
      const { status, stderr } = run(args);
      assert.ok(status === 2 || status === 3, stderr);
      assert.match(stderr, wanted);
    }
    assert.match(service(['show', '--system', '--as', 'nobody-at-all', 'server.js'], { cwd }).stderr, /there is no user "nobody-at-all"/);
  });
});
