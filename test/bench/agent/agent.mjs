/* What the agent costs: the same app with and without it, side by side in one run.
 *
 *   node test/bench/agent/agent.mjs [--json] [--seconds N] [--node FILE] [--app hello|json] [--only request|instructions|memory|start]
 *
 * Both sides are Node processes that listen on a unix socket and get the same requests from the same
 * client: with the agent under the supervisor of the tests (test/e2e/helpers/agent_supervisor.c).
 * Measured is CPU time, user and system, of all
 * threads (/proc/PID/task/…/schedstat), per request, in short bursts that alternate (A B B A), of which
 * the median counts; over several pairs of processes, since two processes of one program differ by
 * their layout in memory and by what V8 compiles when. The server has CPU 0 to itself, the client CPU 1.
 * A start lasts until the app says that it listens: what the supervisor prints later is not in it.
 *
 * --only instructions counts them instead, under callgrind: neighbours on the machine do not matter.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { agentEnv, supervisor } from '../../e2e/helpers/agent_run.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean' },
    seconds: { type: 'string', default: '40' }, /* of bursts, for each app */
    node: { type: 'string', default: process.execPath },
    app: { type: 'string', multiple: true, default: ['hello', 'json'] },
    only: { type: 'string', multiple: true, default: ['request', 'memory', 'start'] },
    warm: { type: 'string', default: '12000' },
    seed: { type: 'string', default: '1' },
    pairs: { type: 'string', default: '8' },
  },
});
const CONNECTIONS = 16;
const BURST_MS = 60;
const WARM_MS = 1500;
const STARTS = 100;
const PORTIONS = 9, PORTION = 200;

const cleanups = [];
const scope = { after: (fn) => cleanups.push(fn) };
process.on('exit', () => cleanups.forEach((fn) => fn()));
const say = (text) => options.json || process.stdout.write(`${text}\n`);

/* ---- Numbers ---- */

const sum = (list) => list.reduce((a, b) => a + b, 0);
const mean = (list) => sum(list) / list.length;
/** Median and its 95 % confidence interval (the sign test's), which a disturbed measurement does not move. */
function middle(list) {
  const sorted = [...list].sort((a, b) => a - b), n = sorted.length;
  const rank = Math.max(0, Math.floor(n / 2 - 0.98 * Math.sqrt(n)));
  return { value: (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2, low: sorted[rank], high: sorted[n - 1 - rank] };
}
const median = (list) => middle(list).value;

/* ---- Processes ---- */

const file = (pid, name) => fs.readFileSync(`/proc/${pid}/${name}`, 'latin1');

/** CPU time of all threads so far, ns; those that have ended are not in it. */
function cpuOf(pid) {
  return sum(fs.readdirSync(`/proc/${pid}/task`).map((tid) => Number(file(pid, `task/${tid}/schedstat`).split(' ')[0])));
}

function memoryOf(pid) {
  const text = file(pid, 'smaps_rollup');
  const kb = (name) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)[1]);
  return { rss: kb('Rss') / 1024, pss: kb('Pss') / 1024, private: (kb('Private_Clean') + kb('Private_Dirty')) / 1024 };
}

class Lines {
  #waiting = null;
  #list = [];
  constructor(stream) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop();
      this.#list.push(...parts);
      this.#waiting?.();
    });
  }
  async next(what) {
    for (;;) {
      const i = this.#list.indexOf(what);
      if (i >= 0) return this.#list.splice(0, i + 1);
      await new Promise((done) => (this.#waiting = done));
    }
  }
}

function start(cpu, args, env) {
  const child = spawn('taskset', ['-c', String(cpu), ...args], {
    env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  const ended = new Promise((done) => child.once('exit', done));
  const run = { child, pid: child.pid, lines: new Lines(child.stdout) };
  run.end = () => {
    run.client?.child.kill('SIGKILL');
    child.kill('SIGKILL');
    return ended;
  };
  return run;
}

const dir = fs.mkdtempSync('/tmp/fettle-agent-bench-');
cleanups.push(() => fs.rmSync(dir, { recursive: true, force: true }));
let number = 0;

const startedNow = (run) => ({ at: performance.now(), cpu: cpuOf(run.pid) });

/** One process of an app, listening; `unix` is where. */
async function serverStart(app, sup, { cpu = 0, under = [] } = {}) {
  const args = [...under, options.node, '--expose-gc', path.join(HERE, 'app.js')];
  if (under.length) args.splice(-1, 0, '--single-threaded', `--hash-seed=${options.seed}`, `--random-seed=${options.seed}`);
  if (!sup) {
    const unix = `${dir}/${number++}`;
    const run = start(cpu, args, { APP: app, LISTEN: unix });
    await run.lines.next('listening');
    return Object.assign(run, { unix, started: startedNow(run) });
  }
  const run = start(cpu, args, { APP: app, ...agentEnv(sup) });
  await run.lines.next('listening');
  const started = startedNow(run);
  const { unix } = await sup.wait('listen', { pid: run.pid });
  await sup.wait('ready', { pid: run.pid });
  return Object.assign(run, { unix, started });
}

/** What the proxy sends for a request of wrk's. */
const request = (target) =>
  `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n` +
  'x-forwarded-host: 127.0.0.1:3000\r\nx-request-id: 0f8fad5b-d9cb-469f-a165-70867728950e\r\n\r\n';

async function burst(server, app, requests, connections = CONNECTIONS) {
  const head = request(app === 'json' ? '/json' : '/');
  const before = cpuOf(server.pid);
  const client = (server.client ??= start(1, [process.execPath, path.join(HERE, 'client.mjs')], {}));
  client.child.stdin.write(`${JSON.stringify([server.unix, connections, requests, head])}\n`);
  await client.lines.next('done');
  return (cpuOf(server.pid) - before) / requests;
}

/* ---- CPU per request ---- */

async function pair(app, sup, order, rounds) {
  const servers = [];
  for (const under of order) servers[under] = await serverStart(app, under ? sup : null);
  let requests = 500;
  for (const server of servers) { /* warm, and see how many requests fill a burst */
    const begun = performance.now();
    let done = 0;
    for (; performance.now() - begun < WARM_MS; done += requests) await burst(server, app, requests);
    server.rate = done / (performance.now() - begun);
  }
  requests = Math.round(servers[0].rate * BURST_MS);
  const costs = [[], []];
  for (let i = 0; i < rounds; i++)
    for (const under of i % 2 ? [1, 0] : [0, 1]) costs[under].push(await burst(servers[under], app, requests));
  for (const server of servers) await server.end();
  const [bare, agent] = costs.map(median);
  return { bare_us: bare / 1000, agent_us: agent / 1000, ratio: agent / bare };
}

async function requestCost(app, sup) {
  const pairs = [];
  const rounds = Math.max(2, Math.round((options.seconds * 1000) / BURST_MS / 2 / options.pairs));
  for (let i = 0; i < options.pairs; i++) {
    pairs.push(await pair(app, sup, i % 2 ? [1, 0] : [0, 1], rounds));
    say(`  pair ${i + 1}: bare ${pairs[i].bare_us.toFixed(2)} µs, agent ${pairs[i].agent_us.toFixed(2)} µs, ratio ${pairs[i].ratio.toFixed(4)}`);
  }
  return {
    bare_us: median(pairs.map((p) => p.bare_us)), agent_us: median(pairs.map((p) => p.agent_us)),
    ratio: middle(pairs.map((p) => p.ratio)), pairs,
  };
}

/* ---- Instructions per request, in user space: callgrind, which noise does not reach ---- */

function command(name, args) {
  return new Promise((done, fail) => {
    spawn(name, args, { stdio: 'ignore' }).on('exit', (code) => (code ? fail(new Error(`${name} ${args}: ${code}`)) : done()));
  });
}

/** Instructions since the last call. */
async function instructionsTake(server) {
  server.dumps = (server.dumps ?? 0) + 1;
  await command('callgrind_control', ['-d', String(server.pid)]);
  const dump = `${server.out}.${server.dumps}`;
  while (!fs.existsSync(dump) || !/^totals: /m.test(fs.readFileSync(dump, 'latin1'))) await new Promise((done) => setTimeout(done, 20));
  return Number(/^totals: (\d+)/m.exec(fs.readFileSync(dump, 'latin1'))[1]);
}

/* Of a warm server, in portions: the lowest third has no collection and no compilation in it. */
async function instructions(app, sup, cpu, load) {
  const out = `${dir}/callgrind.${number++}`;
  const under = ['valgrind', '-q', '--tool=callgrind', '--smc-check=all-non-file', '--instr-atstart=no', `--callgrind-out-file=${out}`];
  const server = Object.assign(await serverStart(app, sup, { cpu, under }), { out });
  const counts = {};
  for (const connections of load) {
    await command('callgrind_control', ['-i', 'off', String(server.pid)]);
    await burst(server, app, Number(options.warm), connections);
    await command('callgrind_control', ['-i', 'on', String(server.pid)]);
    const portions = [];
    for (let i = -1; i < PORTIONS; i++) {
      await burst(server, app, PORTION, connections);
      const count = (await instructionsTake(server)) / PORTION;
      if (i >= 0) portions.push(count); /* the first one translates code */
    }
    counts[connections] = mean(portions.sort((a, b) => a - b).slice(0, PORTIONS / 3));
  }
  await server.end();
  return counts;
}

async function instructionCost(app, sup) {
  const load = [1, 16];
  const [bare, agent] = await Promise.all([instructions(app, null, 0, load), instructions(app, sup, 1, load)]);
  return Object.fromEntries(load.map((c) => [c, { bare: bare[c], agent: agent[c], ratio: agent[c] / bare[c] }]));
}

/* ---- Memory after the same load and a collection ---- */

async function memoryCost(app, sup) {
  const seen = { bare: [], agent: [] };
  for (let i = 0; i < 6; i++)
    for (const under of i % 2 ? [1, 0] : [0, 1]) {
      const server = await serverStart(app, under ? sup : null);
      await burst(server, app, 5000);
      server.child.kill('SIGUSR2');
      await server.lines.next('collected');
      seen[under ? 'agent' : 'bare'].push(memoryOf(server.pid));
      await server.end();
    }
  const of = (key) => {
    const bare = mean(seen.bare.map((m) => m[key]));
    return { bare, more: middle(seen.agent.map((m) => m[key] - bare)) };
  };
  return { rss_mb: of('rss'), pss_mb: of('pss'), private_mb: of('private') };
}

/* ---- Start-up: from spawn to listening ---- */

async function startCost(app, sup) {
  const took = { bare: [], agent: [] };
  for (let i = 0; i < STARTS; i++)
    for (const under of i % 2 ? [1, 0] : [0, 1]) {
      const begun = performance.now();
      const server = await serverStart(app, under ? sup : null);
      took[under ? 'agent' : 'bare'].push({ ms: server.started.at - begun, cpu: server.started.cpu / 1e6 });
      await server.end();
    }
  const of = (key) => {
    const differences = took.bare.map((bare, i) => took.agent[i][key] - bare[key]);
    return { bare: median(took.bare.map((t) => t[key])), more: middle(differences) };
  };
  return { wall_ms: of('ms'), cpu_ms: of('cpu') };
}

/* ---- */

const text = ({ value, low, high }, digits) => `${value.toFixed(digits)} (${low.toFixed(digits)} … ${high.toFixed(digits)})`;
const sup = await supervisor(scope);
const result = { node: options.node, request: {}, memory: {}, start: {} };
for (const app of options.app) {
  say(`${app}:`);
  if (options.only.includes('request')) {
    const cost = (result.request[app] = await requestCost(app, sup));
    say(`  CPU per request: bare ${cost.bare_us.toFixed(2)} µs, with the agent ${cost.agent_us.toFixed(2)} µs, ratio ${text(cost.ratio, 4)}`);
  }
  if (options.only.includes('instructions')) console.log(await instructionCost(app, sup));
  if (options.only.includes('memory')) {
    const cost = (result.memory[app] = await memoryCost(app, sup));
    for (const key of ['rss_mb', 'pss_mb', 'private_mb'])
      say(`  ${key}: bare ${cost[key].bare.toFixed(1)}, with the agent + ${text(cost[key].more, 2)}`);
  }
  if (options.only.includes('start')) {
    const cost = (result.start[app] = await startCost(app, sup));
    for (const key of ['wall_ms', 'cpu_ms'])
      say(`  start, ${key}: bare ${cost[key].bare.toFixed(1)}, with the agent + ${text(cost[key].more, 2)}`);
  }
}
if (options.json) console.log(JSON.stringify(result, null, 1));
process.exit(0);
