// faults.test.mjs -- every call of fettle's to the system fails once, one at a time
//
// Sites are the places that make such calls (test/fault/faults.c). Those that a start reaches fail
// in starts of their own, those that requests reach while requests come. Here each fails with the likeliest error; FETTLE_FAULTS=all takes every error
// that the man pages allow, and the first calls of each site one by one (about half an hour).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { BARE, PATIENCE_MS, fixture, freePort, startFettle } from './helpers/fettle.mjs';
import { Faults, errorsOf, name, SHORT } from './helpers/faults.mjs';
import { traffic } from './helpers/traffic.mjs';

const ALL = process.env.FETTLE_FAULTS === 'all';
const ONLY = process.env.FETTLE_FAULTS_ONLY && new RegExp(process.env.FETTLE_FAULTS_ONLY);
const skip = BARE && 'needs fettle';
const CALLS_OF_A_SITE = 4; // of which each fails once

const isMemory = ({ call }) => /alloc$|^strdup$/.test(call);

/** A fettle whose calls can fail; { run, faults, ports }. */
async function begun(t, { arm, ...options } = {}) {
  const faults = new Faults(t);
  const port2 = await freePort();
  if (arm) faults.arm(...arm);
  const run = await startFettle({
    t,
    target: fixture('faults/server.js'),
    args: ['-w', '1', '--drain', '2s', '--cache', '--access-log', path.join(faults.folder, 'access.log')],
    env: { ...faults.env, PORT2: String(port2), FETTLE_RUNTIME_DIR: faults.folder },
    ...options,
  });
  return { run, faults, ports: { port: run.port, port2 } };
}

const id = ({ role, call, offset }) => `${role} ${call} ${offset}`;
const counts = (faults) => new Map(faults.sites().map((site) => [id(site), site.count]));

/** The sites that are reached while `act` runs, with how often. */
async function reached(faults, act) {
  const before = counts(faults);
  await act();
  return name(faults.sites()
    .map((site) => ({ ...site, count: site.count - (before.get(id(site)) ?? 0) }))
    .filter(({ count }) => count > 0));
}

/** What is to fail: [site, error, after so many of its calls]. */
function cases(sites) {
  const list = [];
  for (const site of sites)
    for (const error of ALL ? errorsOf(site.call) : errorsOf(site.call).slice(0, 1))
      for (let skipped = 0; skipped < (ALL ? Math.min(site.count, CALLS_OF_A_SITE) : 1); skipped++)
        if (!ONLY || ONLY.test(`${site.at} ${error}`)) list.push([site, error, skipped]);
  return list;
}

const told = ([site, error, skipped]) => `${site.at}: ${error}${skipped ? ` at call ${skipped + 1}` : ''}`;

/** Calls whose failure no client shall notice: another way is taken, or the same again. */
const UNNOTICED = new Set(['accept4', 'close', 'setsockopt', 'getsockname', 'pipe2', 'epoll_wait', 'open',
  'stat', 'fstat', 'writev', 'write', 'read', 'timerfd_settime', 'opendir']);
const mayFail = ([site, error]) =>
  (site.role !== 'proxy' || UNNOTICED.has(site.call) || ['EINTR', 'EAGAIN', SHORT].includes(error) ? 0 : 1);

const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

/** Runs `one` for each of the list, so many at a time; what they throw is thrown together. */
async function each(list, width, one) {
  const problems = [];
  const rest = [...list];
  await Promise.all(Array.from({ length: width }, async () => {
    for (let item = rest.shift(); item; item = rest.shift())
      await one(item).catch((error) => problems.push(`${told(item)}: ${error.message}`));
  }));
  assert.deepEqual(problems, []);
}

test('while requests come', { skip, timeout: ALL ? 3600000 : 240000 }, async (t) => {
  const { run, faults, ports } = await begun(t);
  const pids = () => [run.pid, run.helper('__proxy'), run.helper('__monitor')].join(' ');
  const all = () => traffic(ports, PATIENCE_MS);

  for (let i = 0; i < 2; i++) assert.deepEqual(await all(), []); // what is made once is there
  const sites = (await reached(faults, all)).filter((site) => site.role === 'proxy' || !isMemory(site));
  const before = pids();
  const proxy = run.helper('__proxy');
  let open = 0;
  await run.until(() => {
    const was = open;
    open = descriptors(proxy);
    return was === open;
  });
  let fired = 0;
  const problems = [];
  for (const item of cases(sites)) {
    const from = run.lines.length;
    const problem = (text) => problems.push(`${told(item)}: ${text}; ${run.lines.slice(from).join(' | ')}`);
    faults.arm(...item);
    const began = performance.now();
    const failures = await all();
    if (process.env.FETTLE_FAULTS_TIMES) t.diagnostic(`${told(item)}: ${Math.round(performance.now() - began)} ms`);
    fired += faults.fired ? 1 : 0;
    faults.disarm();
    if (failures.length > mayFail(item) || failures.some((text) => text.endsWith('it hangs'))) problem(`failed: ${failures.join('; ')}`);
    const later = failures.length ? await all() : [];
    if (later.length) problem(`failed later: ${later.join('; ')}`);
    if (pids() !== before) problem('a process has ended');
    if (problems.length > 5) break;
    if (!ALL) continue;
    await run.until(() => descriptors(proxy) <= open).catch(() => problem(`${descriptors(proxy)} descriptors, there were ${open}`));
  }
  assert.deepEqual(problems, []);
  assert.ok(ONLY || fired >= sites.length * 0.5, `${fired} of ${sites.length} have failed`);
  await run.until(() => descriptors(proxy) <= open, { what: `no more than ${open} descriptors` });
  t.diagnostic(`${fired} faults at ${sites.length} sites`);
});

test('while fettle starts', { skip, timeout: ALL ? 3600000 : 240000 }, async (t) => {
  let sites;
  await t.test('without a fault', async (t2) => {
    const { run, faults, ports } = await begun(t2);
    const starts = name(faults.sites());
    const later = new Set((await reached(faults, () => traffic(ports, PATIENCE_MS))).map(id));
    sites = starts.filter((site) => !later.has(id(site)) && (ALL || /^(io|proxy|worker|shm|logs)\//.test(site.file)) && !isMemory(site));
    assert.deepEqual(await run.stop(), { code: 0, signal: null });
  });
  await t.test('with each', async (t2) => {
    await each(cases(sites), 4, async (item) => {
      const { run, faults, ports } = await begun(t2, { arm: item, ready: false });
      await run.until(async () => run.ended || (await run.admin('/readyz')).status === 200, { what: '/readyz, or the end', evenEnded: true });
      if (!run.ended) {
        const failures = await traffic(ports, PATIENCE_MS);
        assert.deepEqual(failures, [], run.output);
        assert.deepEqual(await run.stop(), { code: 0, signal: null }, run.output);
      } else {
        await run.exit(); // all of its output
        assert.ok(run.ended.code > 0 && /^(fettle: |error: )/m.test(run.output), `${JSON.stringify(run.ended)}: ${run.output}`);
        assert.ok(['supervisor', 'child'].includes(item[0].role), run.output);
        await run.until(() => run.processes().length === 0, { evenEnded: true });
      }
      assert.ok(faults.fired, 'it has not failed');
    });
  });
  t.diagnostic(`${cases(sites).length} starts`);
});
