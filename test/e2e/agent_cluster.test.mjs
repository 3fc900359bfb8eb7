// An app that uses cluster itself: its children listen through the supervisor, Node's cluster
// still does what it documents.
import assert from 'node:assert/strict';
import test from 'node:test';
import { NODES, end, front, get, node, script, supervisor } from './helpers/agent_run.mjs';

for (const [major, file] of NODES) {
  test(`node ${major}: children of the app's cluster listen by themselves`, async (t) => {
    const sup = await supervisor(t);
    const run = node(t, file, [script(t, `
      const cluster = require('cluster'), http = require('http');
      if (cluster.isPrimary) {
        console.log('primary', process.env.FETTLE_DIR, process.env.NODE_OPTIONS);
        const a = cluster.fork({ MINE: 'a' }), b = cluster.fork({ NODE_OPTIONS: '--no-warnings' });
        cluster.on('online', (w) => console.log('online', w.id));
        cluster.on('listening', (w, info) => console.log('listening', w.id, w.state, JSON.stringify(info)));
        cluster.on('disconnect', (w) => console.log('disconnect', w.id, w.exitedAfterDisconnect));
        cluster.on('exit', (w, code, signal) => console.log('exit', w.id, code, signal));
        process.stdin.on('data', (d) => {
          if (String(d).includes('disconnect')) a.disconnect();
          else { b.kill(); process.stdin.destroy(); }
        });
        setInterval(() => { if (!Object.keys(cluster.workers).length) process.exit(); }, 20);
      } else {
        const server = http.createServer((req, res) => res.end('child ' + cluster.worker.id + ' ' + req.socket.remoteAddress + ' ' +
          [process.env.FETTLE_DIR, process.env.LD_PRELOAD, process.env.NODE_OPTIONS, process.env.MINE]));
        console.log('at once', JSON.stringify(server.listen(0).address()));
        server.on('listening', () => console.log('child listens', JSON.stringify(server.address()), cluster.worker.state));
        server.on('close', () => console.log('child closes', cluster.worker.id));
      }`)], { sup });
    assert.equal(await run.line('primary'), 'primary undefined undefined');
    await sup.wait('cluster', { pid: run.pid, value: 1 });
    await sup.wait('cluster', { pid: run.pid, value: 2 });
    await run.line('listening 1');
    await run.line('listening 2');
    await sup.ask('woken', 'woken'); // what was said before is there
    const hellos = sup.events.filter((e) => e.event === 'hello');
    assert.deepEqual(hellos.map((e) => e.role), [0, 1, 1]);
    const listens = sup.events.filter((e) => e.event === 'listen');
    assert.equal(listens.length, 2);
    assert.equal(listens[0].bound, listens[1].bound, 'port 0 is the same for both, as cluster has it');
    const address = JSON.stringify({ address: '::', family: 'IPv6', port: listens[0].bound });
    assert.equal(await run.line('at once'), 'at once null');
    assert.match(await run.line('child listens'), new RegExp(`^child listens ${address} `));
    assert.equal(await run.line('listening 1'), `listening 1 listening ${JSON.stringify({ addressType: 4, address: null, port: listens[0].bound })}`);
    const answers = [];
    for (const listen of listens) {
      await sup.wait('ready', { pid: listen.pid });
      const port = await front(t, sup, listen.unix, { peer: '5.5.5.5 1 ::1 2' });
      answers.push((await get(port)).split('\r\n\r\n')[1]);
    }
    assert.deepEqual(answers.sort(), ['child 1 5.5.5.5 ,,,a', 'child 2 5.5.5.5 ,,--no-warnings,']);
    run.child.stdin.write('disconnect\n');
    await run.line('child closes 1');
    assert.equal(await run.line('disconnect 1'), 'disconnect 1 true');
    assert.equal(await run.line('exit 1'), 'exit 1 0 null');
    await sup.wait('unlisten');
    run.child.stdin.write('kill\n');
    assert.match(await run.line('exit 2'), /^exit 2 (0 null|null SIGTERM)$/);
    assert.deepEqual(await end(run), { code: 0, signal: null }, run.errors);
    assert.equal(run.errors, '');
  });

  test(`node ${major}: a child whose listen fails gets Node's error`, async (t) => {
    const sup = await supervisor(t);
    sup.command('refuse 98');
    const run = node(t, file, [script(t, `
      const cluster = require('cluster');
      if (cluster.isPrimary) cluster.fork().on('exit', () => process.exit());
      else require('http').createServer().listen(45678).on('error', (err) => {
        console.log(err.message, err.code, err.errno, err.syscall, err.port);
        process.exit();
      });`)], { sup });
    await end(run);
    assert.deepEqual(run.out.list, ['bind EADDRINUSE null:45678 EADDRINUSE -98 bind 45678']);
  });

  test(`node ${major}: disconnect() in a child waits for its connections`, async (t) => {
    const sup = await supervisor(t);
    const run = node(t, file, [script(t, `
      const cluster = require('cluster');
      if (cluster.isPrimary) {
        cluster.fork().on('exit', (code) => { console.log('exit', code); process.exit(); });
      } else {
        const server = require('http').createServer((req, res) => {
          cluster.worker.disconnect();
          setTimeout(() => { console.log('answer', process.connected); res.end('last'); }, 100);
        }).listen(0);
        process.on('disconnect', () => console.log('disconnected', server.listening));
      }`)], { sup });
    const listen = await sup.wait('listen');
    await sup.wait('ready');
    const port = await front(t, sup, listen.unix);
    assert.match(await get(port), /last$/);
    await end(run);
    assert.deepEqual(run.out.list, ['answer true', 'disconnected false', 'exit 0']);
  });
}
