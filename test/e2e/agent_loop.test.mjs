// What other processes see of the loop, the stack that blocks it, and its memory.
import assert from 'node:assert/strict';
import test from 'node:test';
import { NODES, end, front, get, node, script, sleep, supervisor } from './helpers/agent_run.mjs';

/* Asks until `is` accepts: a busy machine may be late, never wrong. */
async function until(sup, command, event, is) {
  let seen;
  for (let i = 0; i < 400; i++) {
    seen = await sup.ask(command, event);
    if (is(seen)) return seen;
    await sleep(10);
  }
  assert.fail(`never: ${is}; last: ${JSON.stringify(seen)}`);
}

const APP = `
const { execFileSync } = require('child_process');
const fs = require('fs');
function spinInside(ms) { const end = Date.now() + ms; while (Date.now() < end); }
class Model { constructor(ms) { spinInside(ms); } }
require('http').createServer((req, res) => {
  const [, what, ms] = req.url.split('/');
  if (what === 'spin') spinInside(Number(ms));
  if (what === 'new') new Model(Number(ms));
  if (what === 'eval') new Function('const end = Date.now() + ' + Number(ms) + '; while (Date.now() < end);')();
  if (what === 'micro') { const end = Date.now() + Number(ms); (function tick() { if (Date.now() < end) Promise.resolve().then(tick); })(); }
  if (what === 'regexp') /^(a+)+$/.test('a'.repeat(25) + 'b');
  if (what === 'exec') execFileSync('sleep', [String(ms / 1000)]);
  if (what === 'pbkdf2') require('crypto').pbkdf2Sync('a', 'b', Number(ms) * 1000, 64, 'sha512');
  res.end('ok');
}).listen(0);
setInterval(() => {}, 250);
`;

for (const [major, file] of NODES) {
  for (const preload of [true, false])
    test(`node ${major}: a blocked loop is seen as blocked, an idle one as idle, ${preload ? 'with' : 'without'} the preload`, async (t) => {
      const sup = await supervisor(t);
      const app = node(t, file, [script(t, APP)], { sup, preload });
      const { unix } = await sup.wait('listen');
      await sup.wait('ready');
      const port = await front(t, sup, unix);
      await get(port, '/');
      await until(sup, `loop ${app.pid}`, 'loop', (l) => l.waits && !l.busy && l.wait_sum_ms + l.waits_ms > 0);
      const held = get(port, '/spin/1500');
      const busy = await until(sup, `loop ${app.pid}`, 'loop', (l) => l.busy && l.busy_ms > 200);
      assert.equal(busy.waits, false);
      const later = await until(sup, `loop ${app.pid}`, 'loop', (l) => l.busy_ms > 600 || !l.busy);
      assert.ok(later.busy_ms > 600, 'the same turn still runs');
      await held;
      const after = await until(sup, `loop ${app.pid}`, 'loop', (l) => l.waits);
      assert.ok(after.busy_sum_ms > 1000, `busy for ${after.busy_sum_ms} ms in all`);
      assert.ok(after.slow >= 1, 'the turn stands in the histogram');
      if (preload) assert.ok(after.turns > busy.turns && after.delays >= after.turns / 2);
      app.stop();
    });

  test(`node ${major}: what the proxy has given is seen with the next turn, and a waiter is woken`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, [script(t, APP)], { sup });
    const { unix } = await sup.wait('listen');
    await sup.wait('ready');
    const port = await front(t, sup, unix);
    sup.command(`dispatch ${app.pid} 41`);
    await until(sup, `loop ${app.pid}`, 'loop', (l) => l.seen === 41 && l.waits);
    const held = get(port, '/spin/600');
    await until(sup, `loop ${app.pid}`, 'loop', (l) => l.busy_ms > 50);
    await sup.ask('woken', 'woken');
    sup.command('waiters 1');
    sup.command(`dispatch ${app.pid} 42`);
    assert.equal((await sup.ask(`loop ${app.pid}`, 'loop')).seen, 41, 'not while it is blocked');
    assert.equal((await sup.ask('woken', 'woken')).count, 0);
    await held;
    await until(sup, `loop ${app.pid}`, 'loop', (l) => l.seen === 42);
    await until(sup, 'woken', 'woken', (w) => w.count > 0);
    sup.command('waiters 0');
    app.stop();
  });

  test(`node ${major}: a loop that spins with setImmediate is busy, but never stuck`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, ['-e', `let n = 0; (function spin() { if (n++ === 0) console.log('on'); setImmediate(spin); })()`], { sup });
    await app.line('on');
    await sleep(400);
    const l = await until(sup, `loop ${app.pid}`, 'loop', (s) => s.busy && s.busy_ms < 100);
    assert.ok(l.busy_sum_ms > 100);
    app.stop();
  });

  test(`node ${major}: the stack of a blocked loop`, async (t) => {
    const sup = await supervisor(t);
    const file_ = script(t, APP);
    const app = node(t, file, [file_], { sup });
    const { unix } = await sup.wait('listen');
    await sup.wait('ready');
    const port = await front(t, sup, unix);
    const stackIn = async (target) => {
      await until(sup, `loop ${app.pid}`, 'loop', (l) => l.waits);
      const held = get(port, target);
      await until(sup, `loop ${app.pid}`, 'loop', (l) => l.busy_ms > 100);
      const { text } = await sup.ask(`stack ${app.pid}`, 'stack');
      return { text, held };
    };
    const spin = await stackIn('/spin/400');
    assert.match(spin.text, new RegExp(`^    at spinInside \\(${file_}:4:\\d+\\)\n    at ${file_}:8:\\d+\n    at .*emit \\(node:events:`));
    await spin.held;
    const made = await stackIn('/new/400');
    assert.match(made.text, new RegExp(`at spinInside .*\n    at new Model \\(${file_}:5:\\d+\\)\n`));
    await made.held;
    const evaluated = await stackIn('/eval/400');
    assert.match(evaluated.text, /^    at eval \(<anonymous>:\d+:\d+\)\n/);
    await evaluated.held;
    const micro = await stackIn('/micro/600');
    assert.match(micro.text, new RegExp(`at tick \\(${file_}:11:|processTicksAndRejections`));
    await micro.held;
    const regexp = await stackIn('/regexp');
    assert.match(regexp.text, /^    at .*app\.js:12:/);
    await regexp.held;

    const from = sup.events.length;
    const exec = await stackIn('/exec/1500');
    assert.match(exec.text, /^in native code: no JavaScript ran for 500 ms\n    the main thread (sits in system call \d+|is running on a CPU)/);
    await exec.held;
    const late = await sup.wait('stack', {}, sup.events.findIndex((e, i) => i >= from && e.event === 'stack') + 1);
    assert.match(late.text, /^in native code until now; it was called from\n(    at .*\n)+/);
    assert.match(late.text, /spawnSync|execFileSync|app\.js:13:/);

    await until(sup, `loop ${app.pid}`, 'loop', (l) => l.waits);
    const idle = await sup.ask(`stack ${app.pid}`, 'stack');
    assert.equal(idle.text, 'not blocked: the event loop waits for work\n');
    assert.match(await get(port, '/'), /ok$/);
    app.stop();
  });

  test(`node ${major}: many interrupts under load harm nothing`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, ['-e', `
      const rows = []; let n = 0;
      (function work() {
        for (let i = 0; i < 300; i++) rows.push({ i, text: 'x'.repeat(i) + n });
        JSON.parse(JSON.stringify(rows.slice(-200))); rows.length > 5000 && rows.splice(0, 4000);
        if (n++ === 0) console.log('on');
        setImmediate(work);
      })();`], { sup });
    await app.line('on');
    for (let i = 0; i < 300; i++) assert.match((await sup.ask(`stack ${app.pid}`, 'stack')).text, /^(    at |in native code|not blocked)/);
    assert.equal(app.child.exitCode, null);
    app.stop();
  });

  test(`node ${major}: memory, collections and resources`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, ['--expose-gc', '-e', `
      require('http').createServer().listen(0);
      const keep = Buffer.alloc(20e6);
      for (let i = 0; i < 3; i++) gc();
      let waste = []; for (let i = 0; i < 3e5; i++) waste.push({ i });
      setTimeout(() => console.log(keep.length), 1e8);
      console.log('done');`], { sup });
    await app.line('done');
    const s = await until(sup, `stats ${app.pid}`, 'stats', (x) => x.heap_used > 0 && x.array_buffers > 19e6 && x.resources.Timeout?.[0] > 0);
    assert.ok(s.gc[1].count >= 3 && s.gc[1].ms > 0 && s.gc[1].max_ms <= s.gc[1].ms, JSON.stringify(s.gc));
    assert.ok(s.gc[0].count >= 1);
    assert.ok(s.heap_total >= s.heap_used && s.heap_limit > 1e8 && s.malloced > 0);
    assert.ok('new_space' in s.spaces && 'old_space' in s.spaces && s.spaces.old_space[1] > 1e6);
    assert.ok(Object.keys(s.spaces).every((name) => /_(space|object)$/.test(name)), Object.keys(s.spaces).join());
    assert.equal(s.resources.Timeout[1], 0);
    app.stop();
  });

  test(`node ${major}: a child forked natively does not write into its parent's memory`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, ['-e', `
      const { spawnSync, spawn } = require('child_process');
      for (let i = 0; i < 20; i++) spawnSync('true');
      spawn('sleep', ['30']).unref();
      console.log('on'); setInterval(() => {}, 1e6);`], { sup });
    await app.line('on');
    const before = await until(sup, `loop ${app.pid}`, 'loop', (l) => l.waits);
    await sleep(60);
    const after = await sup.ask(`loop ${app.pid}`, 'loop');
    assert.ok(after.waits && after.waits_ms >= before.waits_ms);
    app.stop();
    assert.equal((await end(app)).signal, 'SIGKILL');
  });
}
