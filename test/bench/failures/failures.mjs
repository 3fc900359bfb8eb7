/* What users notice of a failure: a constant 500 requests/s while a worker is killed, blocks or
 * grows, and while all are reloaded.
 *
 *   node test/bench/failures/failures.mjs [--json] [--seconds N] [--server NAME]… [--failure NAME]…
 *
 * NAME of a server: as in ../contenders.mjs (all of them); of a failure: kill reload block memory.
 * The load is `fettle bench` (FETTLE_BENCH: another build of it): half of the requests wait for
 * 20 ms, half are quick; the failure comes after two fifths of the time. Prints what
 * ../scenarios/failures.mjs reads:
 *   { rate, kill: { NAME: { requests, failed, hung, elsewhere_ms, begun_ms, replaced_ms } }, … } */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { contenders, missing } from '../contenders.mjs';
import { alive, until } from '../processes.mjs';
import { load } from '../turns.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean' },
    seconds: { type: 'string', default: '10' },
    server: { type: 'string', multiple: true, default: Object.keys(contenders) },
    failure: { type: 'string', multiple: true, default: ['kill', 'reload', 'block', 'memory'] },
  },
});
const RATE = 500, WORKERS = 4;
const SECONDS = Number(options.seconds);
const MAX_BLOCK_S = 2; /* fettle's default is 30 s: nobody wants to wait for that */
const MEMORY_MB = 256;
const STUCK_MS = 1000; /* a probe without an answer for so long is in the blocked worker */
const PROBE_EVERY_MS = 10;
const mix = [
  { name: '/wait', weight: 50, method: 'GET', path: '/wait' },
  { name: '/quick', weight: 50, method: 'GET', path: '/quick' },
];
const folder = mkdtempSync(path.join(tmpdir(), 'fettle-failures-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const say = (text) => options.json || console.error(text);

function get(port, target) {
  return new Promise((done) => {
    const request = http.get({ port, host: '127.0.0.1', path: target, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (data) => (text += data)).on('end', () => done({ status: res.statusCode, text }));
      res.on('error', () => done(null));
    });
    request.on('error', () => done(null));
  });
}

/** Milliseconds until ask() is true; null: not while the load runs. */
async function msUntil(ask, since, deadline) {
  while (performance.now() < deadline) {
    if (await ask()) return Math.max(0, performance.now() - since);
    await sleep(5);
  }
  return null;
}

/** Asks on new connections, one after the other, and returns how long after `since` the last one was sent that got stuck. */
async function elsewhere(port, since, deadline) {
  const asked = [];
  while (performance.now() < deadline - STUCK_MS) {
    const probe = { at: performance.now(), took: Infinity };
    asked.push(probe);
    get(port, '/quick').then((answer) => (probe.took = answer?.status === 200 ? performance.now() - probe.at : Infinity));
    await sleep(PROBE_EVERY_MS);
  }
  await sleep(STUCK_MS);
  const stuck = asked.filter((probe) => probe.took > STUCK_MS);
  if (stuck.length === 0) return 0;
  const last = stuck.at(-1).at;
  return last > asked.at(-1).at - STUCK_MS ? null : last - since;
}

/* Each breaks something of `it` and says what can be said beyond the counts of the load. */
const failures = {
  kill: {
    async happens(it, deadline) {
      const old = it.workers();
      const since = performance.now();
      process.kill(old[0], 'SIGKILL');
      const fresh = () => it.workers().filter((pid) => !old.includes(pid));
      return { replaced_ms: await msUntil(() => fresh().length > 0, since, deadline) };
    },
  },

  reload: {
    can: (it) => it.reload,
    async happens(it, deadline) {
      const old = it.workers();
      const since = performance.now();
      await it.reload();
      return { replaced_ms: await msUntil(() => it.workers().length >= WORKERS && !old.some(alive), since, deadline) };
    },
  },

  block: {
    env: { FETTLE_MAX_BLOCK: `${MAX_BLOCK_S}s` },
    async happens(it, deadline) {
      const file = path.join(folder, 'blocked');
      const blocked = () => { try { return Number(readFileSync(file, 'utf8')); } catch { return 0; } };
      writeFileSync(file, '');
      const old = it.workers();
      get(it.port, '/block');
      const pid = await until(blocked, 'a blocked worker');
      const since = performance.now();
      const [elsewhere_ms, replaced_ms] = await Promise.all([
        elsewhere(it.port, since, deadline),
        msUntil(() => it.workers().some((worker) => !old.includes(worker)) && !alive(pid), since, deadline),
      ]);
      return { elsewhere_ms, replaced_ms };
    },
  },

  memory: {
    env: { FETTLE_MAX_MEMORY: `${MEMORY_MB}M` },
    only: ['fettle'], /* the others have no such limit, or must be told by a file of their own */
    async happens(it, deadline) {
      const before = it.pids();
      const old = it.workers();
      const { pid } = JSON.parse((await get(it.port, `/grow?mb=${MEMORY_MB}`)).text);
      const since = performance.now();
      const begun_ms = await msUntil(() => it.pids().some((other) => !before.includes(other)), since, deadline);
      const replaced_ms = await msUntil(() => it.workers().some((other) => !old.includes(other)) && !alive(pid), since, deadline);
      return { begun_ms, replaced_ms };
    },
  },
};

async function measure(failure, name) {
  const { env, happens, can } = failures[failure];
  const it = await contenders[name].start({
    workers: WORKERS, app: path.join(HERE, 'app.js'), env: { ...env, FAILURES_BLOCKED: path.join(folder, 'blocked') },
  });
  try {
    if (can && !can(it)) return null;
    const warmup = 1;
    const begun = performance.now();
    const loading = load({ folder, port: it.port, mix, rate: RATE, seconds: SECONDS, warmup, timeout: Math.max(3, SECONDS / 2) });
    await sleep((warmup + SECONDS * 0.4) * 1000);
    const more = await happens(it, begun + (warmup + SECONDS) * 1000);
    const { requests, failed, failures: how, latency_us } = await loading;
    return { requests, failed, hung: how.timeout + how.unsent, how, p50_us: latency_us.p50, p99_us: latency_us.p99, max_us: latency_us.max, ...more };
  } finally {
    await it.stop();
  }
}

const result = { rate: RATE };
for (const failure of options.failure) {
  result[failure] = {};
  for (const name of options.server) {
    const { only } = failures[failure];
    if ((only && !only.includes(name)) || missing(contenders[name])) continue;
    const measured = await measure(failure, name);
    if (!measured) continue;
    result[failure][name] = measured;
    say(`${failure} ${name}: ${JSON.stringify(measured)}`);
  }
}
if (options.json) console.log(JSON.stringify(result));
process.exit(0);
