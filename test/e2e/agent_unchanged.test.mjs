// Node's own http, https, http2 and net behave under the agent as they do without it: the same
// battery of cases runs bare and under the agent, and what they print must be the same.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { NODES, ROOT, end, front, node, supervisor } from './helpers/agent_run.mjs';

const BATTERY = path.join(ROOT, 'test/e2e/helpers/agent_battery.cjs');

/** Runs the battery and resolves to { case: transcript }. */
async function battery(t, file, sup) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-battery-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const run = node(t, file, ['--no-warnings', BATTERY], { sup, env: { BATTERY_DIR: dir } });
  run.child.stdout.on('data', () => {});
  let answered = 0;
  const answer = async () => {
    for (; answered < run.out.list.length; answered++) {
      const [word, port, kind] = run.out.list[answered].split(' ');
      if (word !== 'port') continue;
      const listen = sup && kind === 'http' && (await sup.wait('listen', { bound: Number(port), error: 0 }));
      run.child.stdin.write(`${listen ? await front(t, sup, listen.unix) : port}\n`);
    }
  };
  const timer = setInterval(() => void (busy ??= answer().finally(() => (busy = null))), 2);
  let busy = null;
  t.after(() => clearInterval(timer));
  await end(run);
  clearInterval(timer);
  assert.equal(run.errors, '');
  return Object.fromEntries(run.out.list.filter((l) => l.startsWith('case ')).map((l) => JSON.parse(l.slice(5))));
}

for (const [major, file] of NODES)
  test(`node ${major}: http, https, http2 and net behave the same with and without the agent`, async (t) => {
    const [bare, under] = await Promise.all([battery(t, file, null), battery(t, file, await supervisor(t))]);
    assert.ok(Object.keys(bare).length > (process.env.BATTERY_CASE ? 0 : 40));
    for (const name of Object.keys(bare)) {
      await t.test(name, () => {
        assert.ok(!bare[name].some((line) => line.startsWith('FAILED')), bare[name].join('\n'));
        assert.deepEqual(under[name], bare[name]);
      });
    }
  });
