// Apps that are not one HTTP server on one port, and the ways to name an app.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, address, alive, fixture, freePort, request, start, startFettle, statOf } from './helpers/fettle.mjs';

const needsFettle = { skip: BARE && 'needs fettle' };

const temporary = (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-e2e-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
};

test('an app that uses cluster itself', async (t) => {
  // It multiplies itself, so fettle runs one of it, whatever -w says.
  for (const workers of [1, 2])
    await t.test(`-w ${workers}`, { skip: BARE && workers > 1 && 'needs fettle' }, async (t) => {
      const app = await start({ t, target: fixture('cluster/server.js'), args: ['-w', String(workers)], env: { FORKS: '3' } });
      const pids = await app.pids(3, '/');
      assert.equal(new Set(pids.map((pid) => statOf(pid).ppid)).size, 1);
      const seen = (await app.get('/', { localAddress: '127.0.0.4' })).json();
      assert.equal(seen.address.port, app.port);
      assert.equal(address(seen.remoteAddress), '127.0.0.4');

      // Its own supervision goes on: a child that dies is forked anew by the app.
      process.kill(pids[0], 'SIGKILL');
      await app.line(new RegExp(`child ${pids[0]} ended \\(SIGKILL\\)`));
      await app.until(async () => {
        const now = await app.pids(3, '/');
        return !now.includes(pids[0]);
      });
      await app.stop();
      assert.deepEqual(app.processes(), []);
    });
});

test('a worker that never listens', async (t) => {
  const folder = temporary(t);
  const app = await start({
    t,
    target: fixture('queue/consumer.js'),
    env: { JOBS: folder },
    port: 0,
    ...(BARE ? {} : { args: ['-w', '2'] }),
  });
  const give = (name) => fs.writeFileSync(path.join(folder, name), '');
  const doneBy = (name) =>
    app.until(() => fs.readdirSync(folder).find((file) => file.startsWith(`${name}.done.`))?.split('.').at(-1), {
      what: `job ${name} to be done`,
    });
  await app.line(/consumer ready/);
  for (let n = 0; n < 20; n++) give(`job${n}`);
  for (let n = 0; n < 20; n++) await doneBy(`job${n}`);

  if (!BARE) {
    assert.equal((await app.admin('/readyz')).status, 200);
    const rows = await app.serving(2);

    await t.test('is replaced when it is killed', async () => {
      process.kill(rows[0].pid, 'SIGKILL');
      await app.until(async () => {
        const now = await app.serving(2);
        return now.every((row) => row.pid !== rows[0].pid) && now;
      });
      give('after');
      await doneBy('after');
    });

    await t.test('is replaced when it ends with an error', async () => {
      give('die');
      const pid = Number(await doneBy('die'));
      await app.until(() => !alive(pid));
      await app.until(async () => (await app.serving(2)).every((row) => row.pid !== pid));
    });
  }
  await app.stop();
  assert.ok(app.lines.some((line) => line.endsWith('consumer ends')), 'it heard SIGTERM');
  assert.deepEqual(app.processes(), []);
});

test('a script that ends has ended', needsFettle, async (t) => {
  const folder = temporary(t);
  const file = path.join(folder, 'once.js');
  fs.writeFileSync(file, 'console.log("did it");');
  const app = await startFettle({ t, target: file, args: ['-w', '1'], port: 0, ready: false });
  assert.deepEqual(await app.exit(), { code: 0, signal: null });
  assert.ok(app.stdout.some((line) => line.includes('did it')));
});

test('an app on two ports', async (t) => {
  const PORT2 = await freePort();
  const app = await start({ t, target: fixture('two-ports/server.js'), env: { PORT2: String(PORT2) } });
  for (const [name, port] of [
    ['app', app.port],
    ['side', PORT2],
  ]) {
    const pids = new Set();
    await app.until(async () => {
      const seen = (await request({ port, path: '/' })).json();
      assert.equal(seen.name, name);
      assert.equal(seen.address.port, port);
      assert.equal(seen.headers.host, `127.0.0.1:${port}`);
      pids.add(seen.pid);
      return BARE || pids.size === 2;
    });
  }
});

test('listen(0): all workers share one port, and know it', async (t) => {
  const app = await start({ t, target: fixture('listen-zero/server.js'), port: 0 });
  const line = await app.line(/port=\d+/);
  const port = Number(/port=(\d+)/.exec(line)[1]);
  const pids = new Set();
  await app.until(async () => {
    const seen = (await request({ port })).json();
    assert.equal(seen.address.port, port);
    assert.equal(seen.localPort, port);
    pids.add(seen.pid);
    return BARE || pids.size === 2;
  });
  for (const told of app.lines.filter((one) => /port=\d+/.test(one))) assert.ok(told.endsWith(`port=${port}`), told);
});

test('listen on a path', async (t) => {
  const socketPath = path.join(temporary(t), 'app.sock');
  const app = await start({ t, target: fixture('unix-path/server.js'), env: { SOCKET: socketPath }, port: 0 });
  const pids = new Set();
  await app.until(async () => {
    const seen = (await request({ socketPath, path: '/x' })).json();
    assert.equal(seen.url, '/x');
    assert.equal(seen.address, socketPath);
    pids.add(seen.pid);
    return BARE || pids.size === 2;
  });
  await app.stop();
  if (!BARE) assert.ok(!fs.existsSync(socketPath), 'the socket is gone after the end');
});

test('--port listens there instead', needsFettle, async (t) => {
  const other = await freePort();
  const app = await startFettle({ t, target: fixture('http-cjs/server.js'), args: ['-w', '2', '--port', String(other)] });
  const seen = (await request({ port: other, path: '/who' })).json();
  assert.equal(seen.headers.host, `127.0.0.1:${other}`);
  await assert.rejects(app.get('/who'), { code: 'ECONNREFUSED' });
});

test('arguments, working directory and environment reach the app', needsFettle, async (t) => {
  const cwd = temporary(t);
  const app = await startFettle({
    t,
    cwd,
    target: fixture('http-cjs/server.js'),
    args: ['-w', '1'],
    appArgs: ['--app-arg', '-w', '9', 'two words'],
    env: { MY_OWN: 'value with spaces' },
  });
  const seen = (await app.get('/env')).json();
  assert.deepEqual(seen.argv, ['--app-arg', '-w', '9', 'two words']);
  assert.equal(seen.cwd, fs.realpathSync(cwd));
  assert.equal(seen.env.MY_OWN, 'value with spaces');
  assert.equal(seen.env.LD_PRELOAD, undefined, 'children of the app are untouched');
});

test('an address in use is an error that says so', needsFettle, async (t) => {
  const first = await startFettle({ t, target: fixture('http-cjs/server.js'), args: ['-w', '1'], env: { HOST: '127.0.0.1' } });
  const second = await startFettle({
    t,
    target: fixture('http-cjs/server.js'),
    args: ['-w', '1'],
    env: { HOST: '127.0.0.1' },
    port: first.port,
    ready: false,
  });
  const { code } = await second.exit();
  assert.equal(code, 1);
  assert.match(second.output, new RegExp(`${first.port}`));
  assert.match(second.output, /EADDRINUSE|in use/i);
  assert.equal((await first.get('/')).status, 200);
});

test('mistakes on the command line', needsFettle, async (t) => {
  for (const [args, target, status, says] of [
    [['-w', '2'], 'no-such-file.js', 3, /no-such-file\.js/],
    [['--workers', 'many'], 'x.js', 2, /workers.*many|many.*workers/],
    [['--max-memroy', '1G'], 'x.js', 2, /max-memory/],
    [['--balance', 'fair'], 'x.js', 2, /fair/],
  ])
    await t.test([...args, target].join(' '), async (t) => {
      const app = await startFettle({ t, args, target, port: 0, ready: false });
      const { code } = await app.exit();
      assert.equal(code, status);
      assert.match(app.stderr.join('\n'), says);
    });
});
