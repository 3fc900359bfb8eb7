// A worker that is interrupted for its stack again and again, under load, while its app overrides
// Error.prepareStackTrace and makes stacks itself: nothing crashes, and each answer is what it is without.
//
//   FETTLE_INTERRUPTS=10000   so many interrupts, on each version of Node (2000, on Node 22)
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { NODES, front, node, script, supervisor } from './helpers/agent_run.mjs';

const COUNT = Number(process.env.FETTLE_INTERRUPTS ?? 2000);
const MAJORS = process.env.FETTLE_INTERRUPTS ? NODES : NODES.filter(([major]) => major === 22);
const CLIENTS = 6, KINDS = 8;

// Each answer is a pure function of its path. `called` counts calls that the app itself did not cause.
const APP = `
const crypto = require('crypto');
let mine = 0, called = 0;
Error.prepareStackTrace = (error, frames) => {
  if (!mine) called++;
  return mine % 3 ? frames.map((f) => f.getFunctionName()).slice(0, 3).join() : String(error);
};
function stackOf(deep) {
  if (deep) return stackOf(deep - 1);
  mine++;
  try { return new Error('of the app').stack; } finally { mine--; }
}
class Shape { constructor(n) { this.list = Array.from({ length: n }, (_, i) => ({ i, at: [i] })); } get sum() { return this.list.reduce((a, b) => a + b.at[0], 0); } }
const kinds = [
  (n) => { let x = 1; for (let i = 0; i < 4e5; i++) x = (x * 31 + n) % 65521; return x; },
  (n) => JSON.stringify(JSON.parse(JSON.stringify(new Shape(3000 + n)))).length,
  (n) => [/^(a+)+$/.test('a'.repeat(16) + '!'), 'x'.repeat(20000 + n).replace(/x/g, 'yz').length],
  (n) => { let out = ''; for (let i = 0; i < 40; i++) out = crypto.createHash('sha256').update(out + n).digest('hex'); return out; },
  (n) => Array.from({ length: 60 }, () => stackOf(n % 20))[59],
  (n) => { mine++; try { (function f() { f(); })(); } catch (e) { return e instanceof RangeError; } finally { mine--; } },
  (n) => new Shape(5000 + n).sum,
  async (n) => { let sum = 0; for (let i = 0; i < 2000; i++) sum += await i; return sum + n; },
];
require('http').createServer(async (req, res) => {
  if (req.url === '/called') return res.end(String(called));
  const [, kind, n] = req.url.split('/');
  res.end(JSON.stringify(await kinds[kind](Number(n))));
}).listen(0);
`;

const agent = new http.Agent({ keepAlive: true });
const ask = (port, path) => new Promise((done, fail) => {
  http.get({ port, path, host: '127.0.0.1', agent }, (res) => {
    let text = '';
    res.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => done(`${res.statusCode} ${text}`)).on('error', fail);
  }).on('error', fail);
});
const paths = Array.from({ length: KINDS * 5 }, (_, i) => `/${i % KINDS}/${i}`);

/** Asks for all paths without an end, and stops at the first answer that is another than the first time. */
function loaded(port, expected) {
  let ended = false, answers = 0;
  const client = async (number) => {
    for (let i = number; !ended; i++) {
      const path = paths[i % paths.length];
      assert.equal(await ask(port, path), expected.get(path), path);
      answers++;
    }
  };
  const all = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number * 7)));
  all.catch(() => {});
  return { all, stop: async () => { ended = true; await all; return answers; } };
}

for (const [major, file] of MAJORS)
  test(`node ${major}: ${COUNT} interrupts under load change nothing`, { timeout: 60000 + COUNT * 100 }, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, ['--stack-size=400', script(t, APP)], { sup });
    const { unix } = await sup.wait('listen');
    await sup.wait('ready');
    const port = await front(t, sup, unix);
    const expected = new Map();
    for (const path of paths) expected.set(path, await ask(port, path).catch((e) => assert.fail(`${path}: ${e.message} ${app.errors}`)));
    assert.ok([...expected.values()].every((answer) => answer.startsWith('200 ')), JSON.stringify([...expected]));

    const load = loaded(port, expected);
    const dead = app.exited.then((how) => assert.fail(`it ended: ${JSON.stringify(how)} ${app.errors}`));
    dead.catch(() => {}); // nor when the test has ended
    let stacks = 0, asked = 0;
    while (stacks < COUNT) {
      asked++;
      sup.command(`record ${app.pid}`); // to the journal, as the monitor asks
      const { text } = await Promise.race([sup.ask(`stack ${app.pid}`, 'stack'), dead, load.all]);
      if (/^ {4}at /.test(text)) stacks++;
      if (sup.events.length > 200) sup.events.length = 0;
      assert.ok(asked < COUNT * 50, `${stacks} stacks of ${asked}; the last: ${text}`);
    }
    const answers = await load.stop();
    t.diagnostic(`${stacks} stacks for ${asked} questions, ${answers} answers`);
    assert.ok(answers > 0);
    assert.equal(await ask(port, '/called'), '200 0', 'no code of the app ran for them');
    assert.equal(app.errors, '');
    agent.destroy();
  });
