// The agent in all kinds of processes: environment, launchers, ESM, worker threads, permissions.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import fs from 'node:fs';
import { BUILD, NODES, agentEnv, end, front, get, node, script, supervisor } from './helpers/agent_run.mjs';

const AGENT = path.join(BUILD, 'agent.js');

for (const [major, file] of NODES) {
  test(`node ${major}: the user's NODE_OPTIONS and LD_PRELOAD stay, ours go`, async (t) => {
    const sup = await supervisor(t);
    const seen = `console.log(JSON.stringify([process.env.NODE_OPTIONS, process.env.LD_PRELOAD, Object.keys(process.env)
      .filter((k) => k.startsWith('FETTLE')), process.execArgv, process.version === require('child_process')
      .execFileSync(process.execPath, ['-p', 'process.version']).toString().trim()]))`;
    const cases = [
      [`--require ${AGENT}`, undefined],
      [`--max-old-space-size=300 --require ${AGENT}`, '--max-old-space-size=300'],
      [`--require "${AGENT}" --title="a b"`, '--title="a b"'],
      [`--no-warnings -r ${AGENT} --title=x`, '--no-warnings --title=x'],
      [`--require=${AGENT} --stack-trace-limit=20`, '--stack-trace-limit=20'],
    ];
    for (const [options, left] of cases) {
      const run = node(t, file, ['-e', seen], { sup, env: { NODE_OPTIONS: options } });
      assert.equal((await end(run)).code, 0, run.errors);
      assert.deepEqual(JSON.parse(run.out.list[0]), [left ?? null, null, [], ['-e', seen].slice(0, run.out.list[0].includes('"-e"') ? 2 : 0), true]);
    }
    const libc = fs.existsSync('/lib/x86_64-linux-gnu/libdl.so.2') ? '/lib/x86_64-linux-gnu/libdl.so.2' : null;
    if (libc) {
      const run = node(t, file, ['-p', 'process.env.LD_PRELOAD'], { sup, env: { LD_PRELOAD: `${BUILD}/fettle-loop.so:${libc}` } });
      await end(run);
      assert.deepEqual(run.out.list, [libc]);
    }
  });

  test(`node ${major}: a process behind a shell keeps the environment until it listens`, async (t) => {
    const sup = await supervisor(t);
    const run = node(t, file, [script(t, `
      const { execFileSync } = require('child_process');
      console.log('before', !!process.env.FETTLE_DIR);
      const server = require('http').createServer().listen(0, () => {
        console.log('after', process.env.FETTLE_DIR, process.env.NODE_OPTIONS, process.env.LD_PRELOAD);
        server.close();
      });`)], { sup, spawned: false });
    await end(run);
    assert.deepEqual(run.out.list, ['before true', 'after undefined undefined undefined']);
  });

  test(`node ${major}: launchers are left alone`, async (t) => {
    const sup = await supervisor(t);
    const text = 'console.log(!!process.env.FETTLE_DIR, !!process.env.LD_PRELOAD, process.env.NODE_OPTIONS.length > 0)';
    for (const name of ['npm', 'npm-cli.js', 'npx-cli.js', 'yarn.js', 'yarn-4.5.0.cjs', 'pnpm.cjs', 'corepack.js', 'pnpm.mjs']) {
      const run = node(t, file, [script(t, text, name)], { sup });
      assert.equal((await end(run)).code, 0, run.errors);
      assert.deepEqual(run.out.list, ['true true true'], name);
    }
    assert.deepEqual(sup.events.map((e) => e.event), ['up'], 'none of them said hello');
    const run = node(t, file, [script(t, '', 'npmish.js')], { sup });
    await end(run);
    await sup.wait('hello', { pid: run.pid });
  });

  test(`node ${major}: an ES module with top-level await`, async (t) => {
    const sup = await supervisor(t);
    const run = node(t, file, [script(t, `
      import http, { createServer } from 'node:http';
      import { setTimeout as sleep } from 'node:timers/promises';
      await sleep(30);
      const server = createServer((req, res) => res.end(req.socket.remoteAddress));
      await new Promise((done) => server.listen(0, '127.0.0.1', done));
      console.log(server.address().address);
      `, 'app.mjs')], { sup });
    const { unix } = await sup.wait('listen');
    await sup.wait('ready');
    assert.equal(await run.line('127'), '127.0.0.1');
    const port = await front(t, sup, unix, { peer: '9.8.7.6 5 ::1 4' });
    assert.match(await get(port), /\r\n\r\n9\.8\.7\.6$/);
    run.stop();
  });

  test(`node ${major}: worker threads listen through the supervisor, too, and publish no loop`, async (t) => {
    const sup = await supervisor(t);
    const run = node(t, file, [script(t, `
      const { Worker, isMainThread, threadId } = require('worker_threads');
      const http = require('http');
      if (isMainThread) {
        console.log('execArgv', JSON.stringify(process.execArgv));
        const worker = new Worker(__filename);
        worker.on('message', (m) => {
          console.log('worker', JSON.stringify(m));
          const taken = http.createServer().on('error', (err) => console.log(err.code)).listen(m.port);
          taken.on('error', () => worker.terminate().then(() => {
            console.log('terminated');
            http.createServer((q, r) => r.end('main')).listen(0, () => console.log('main listens'));
          }));
        });
      } else {
        const server = http.createServer((req, res) => res.end(req.socket.remoteAddress + ' thread ' + threadId));
        server.listen(0, () => setTimeout(() => require('worker_threads').parentPort.postMessage({ ...server.address(),
          argv: process.execArgv, env: process.env.FETTLE_DIR }), 300));
      }`)], { sup });
    const listen = await sup.wait('listen');
    await sup.wait('ready');
    assert.equal(await run.line('execArgv'), 'execArgv []');
    const port = await front(t, sup, listen.unix, { peer: '9.8.7.6 5 ::1 4' });
    assert.match(await get(port), /9\.8\.7\.6 thread 1$/);
    const message = JSON.parse((await run.line('worker')).slice(7));
    assert.deepEqual(message, { address: '::', family: 'IPv6', port: listen.bound, argv: [] });
    await run.line('EADDRINUSE');
    await run.line('terminated');
    await run.line('main listens');
    assert.equal(sup.events.filter((e) => e.event === 'hello').length, 1);
    await sup.wait('unlisten');
    run.stop();
  });

  test(`node ${major}: threads that come and go, listening`, async (t) => {
    const sup = await supervisor(t);
    const run = node(t, file, [script(t, `
      const { Worker, isMainThread } = require('worker_threads');
      if (isMainThread) (async () => {
        for (let i = 0; i < 8; i++)
          await Promise.all([1, 2].map(() => new Promise((done) => new Worker(__filename).on('exit', done))));
        console.log('done');
      })();
      else require('http').createServer().listen(0, () => process.exit());
      `)], { sup });
    assert.deepEqual(await end(run), { code: 0, signal: null }, run.errors);
    assert.deepEqual(run.out.list, ['done']);
  });

  test(`node ${major}: without the addon the process runs, and says why it is not watched`, async (t) => {
    const sup = await supervisor(t);
    const bare = path.join(sup.dir, 'agent.js');
    fs.copyFileSync(AGENT, bare);
    const run = node(t, file, ['-p', '1+1'], { sup, env: { NODE_OPTIONS: `--require ${bare}` } });
    assert.deepEqual(await end(run), { code: 0, signal: null });
    assert.deepEqual(run.out.list, ['2']);
    assert.match(run.errors, /^fettle: process \d+ runs unwatched and listens by itself: .*agent\.node could not be loaded \(.*\)\n$/);
  });

  if (major >= 20)
    test(`node ${major}: --permission without --allow-addons: unwatched, with one warning`, async (t) => {
      const sup = await supervisor(t);
      const flag = major >= 22 ? '--permission' : '--experimental-permission';
      const run = node(t, file, ['--no-warnings', flag, '--allow-fs-read=*', '-p', '1+1'], { sup });
      assert.deepEqual(await end(run), { code: 0, signal: null }, run.errors);
      assert.deepEqual(run.out.list, ['2']);
      assert.match(run.errors, /^fettle: .*--allow-addons.*\n$/);
      const with_ = node(t, file, ['--no-warnings', flag, '--allow-fs-read=*', '--allow-addons', '-p', '1+1'], { sup });
      assert.deepEqual(await end(with_), { code: 0, signal: null });
      await sup.wait('hello', { pid: with_.pid });
      assert.equal(with_.errors, '');
    });

  test(`node ${major}: a supervisor that is not there is said once`, async (t) => {
    const run = node(t, file, ['-p', '1+1'], { env: { ...agentEnv({ dir: '/nowhere' }), FETTLE_DIR: '/nowhere' } });
    await end(run);
    assert.deepEqual(run.out.list, ['2']);
    const sup = await supervisor(t);
    const second = node(t, file, ['-p', '1+1'], { sup, env: { FETTLE_DIR: '/nowhere' } });
    await end(second);
    assert.match(second.errors, /^fettle: process \d+ runs unwatched and listens by itself: the supervisor does not answer at \/nowhere\/agent\.sock \(ENOENT\)\n$/);
  });

  test(`node ${major}: without FETTLE_DIR the agent does nothing`, async (t) => {
    const sup = await supervisor(t);
    const run = node(t, file, ['-e', 'const s = require("net").createServer().listen(0, () => { console.log(s._handle.constructor.name); s.close(); })'],
      { sup, env: { FETTLE_DIR: undefined } });
    await end(run);
    assert.deepEqual(run.out.list, ['TCP']);
  });

  test(`node ${major}: a path named after the process stays private`, async (t) => {
    const sup = await supervisor(t);
    const run = node(t, file, ['-e', `const s = require("net").createServer().listen("${sup.dir}/" + process.pid + ".pipe",
      () => { console.log(process.env.FETTLE_DIR !== undefined, s.address().endsWith(process.pid + ".pipe")); s.close(); })`], { sup, spawned: false });
    await end(run);
    assert.deepEqual(run.out.list, ['true true']);
    assert.equal(sup.events.some((e) => e.event === 'listen'), false);
  });
}
