/* The generator itself: requests for each second of its own CPU, beside wrk; and its quantiles beside those of a server that
 * measures by its own clock how long it had each request (delays.c). */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { ROOT } from '../contenders.mjs';
import { median, short, table, target, times, asRatio } from '../numbers.mjs';
import { cpuOfEnded, end, freePort, launch, run as runToEnd, until } from '../processes.mjs';
import { GENERATOR, loadArgs } from '../turns.mjs';

export const name = 'generator';
export const title = 'The load generator';
const DELAYS_US = ['50', '20000'], RATES = [500, 2000], QUANTILES = ['p50', 'p90', 'p99', 'p99_9'];

/* On a CPU of its own, where there are two. */
const on = (cpu, command, ...args) => (availableParallelism() > 1 ? ['taskset', ['-c', String(cpu), command, ...args]] : [command, args]);
const textOf = (url) => fetch(url).then((r) => r.text(), () => null);

/* Starts a server, visits it when it answers, and ends it. */
async function beside(ctx, [command, args], url, visit) {
  const server = launch(command, args, { log: path.join(ctx.folder, 'log') });
  try {
    await until(() => textOf(url), `an answer of ${command}`);
    return await visit();
  } finally {
    await end([server.pid]);
  }
}

async function perCpuSecond(command, args, requestsIn) {
  const before = cpuOfEnded();
  const { out } = await runToEnd(...on(0, command, ...args));
  return requestsIn(out) / (cpuOfEnded() - before);
}

async function cost(ctx, seconds) {
  const port = await freePort(), conf = path.join(ctx.folder, 'answer.conf'), url = `http://127.0.0.1:${port}/`;
  writeFileSync(conf, `worker_processes 1; daemon off; pid ${ctx.folder}/pid; error_log ${ctx.folder}/log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000;
  server { listen 127.0.0.1:${port}; location / { return 200 "${'x'.repeat(1024)}"; } } }
`);
  const rates = { wrk: [], fettle: [] };
  await beside(ctx, on(1, 'nginx', '-c', conf, '-e', `${ctx.folder}/log`), url, async () => {
    for (let i = 0; i < ctx.rounds; i++) {
      rates.wrk.push(await perCpuSecond('wrk', ['-t1', '-c64', `-d${seconds}s`, url], (out) => Number(/(\d+) requests in/.exec(out)[1])));
      rates.fettle.push(await perCpuSecond(GENERATOR, loadArgs({ url, seconds, warmup: 0 }), (out) => JSON.parse(out).requests));
      ctx.log(`round ${i + 1}: requests for a CPU second: wrk ${short(rates.wrk[i])}, fettle bench ${short(rates.fettle[i])}`);
    }
  });
  return rates;
}

async function accuracy(ctx, seconds) {
  const port = await freePort(), url = `http://127.0.0.1:${port}/`;
  const off = Object.fromEntries(RATES.map((rate) => [rate, []]));
  await beside(ctx, on(1, path.join(ROOT, 'build/test/bench/delays'), String(port), ...DELAYS_US), `${url}stats`, async () => {
    for (const rate of RATES) {
      for (let i = 0; i < ctx.rounds; i++) {
        const { out } = await runToEnd(...on(0, GENERATOR, ...loadArgs({ url, rate, seconds, warmup: 0 })));
        const saw = JSON.parse(out).latency_us, gave = JSON.parse(await textOf(`${url}stats`));
        off[rate].push(Object.fromEntries(QUANTILES.map((q) => [q, saw[q] - gave[q]])));
      }
      ctx.log(`${rate}/s: p99 off by ${off[rate].map((o) => short(o.p99)).join(', ')} µs`);
    }
  });
  return off;
}

export async function run(ctx) {
  const seconds = Math.max(1, Math.round(ctx.seconds / 3));
  return { cost: await cost(ctx, seconds), accuracy: await accuracy(ctx, seconds) };
}

/* Of each pair of neighbours in time. */
const ratio = ({ wrk, fettle }) => median(fettle.map((rate, i) => rate / wrk[i]));
const error = (list, quantile) => median(list.map((o) => o[quantile]));

export const targets = ({ cost, accuracy }) => [
  target('`fettle bench`: requests for a second of its CPU, of wrk’s', '≥ 1.00 ×', ratio(cost), (r) => r >= 1, asRatio),
  target('… and how far its p99 is off', '≤ 50 µs', Math.max(...Object.values(accuracy).map((list) => Math.abs(error(list, 'p99')))), (us) => us <= 50, (us) => `${short(us)} µs`),
];

export const render = ({ cost, accuracy }) => `
Requests for each second of CPU that the generator takes: 64 connections, as fast as nginx answers 1 KB from memory. Generator and server have a CPU
each.

${table(['', 'requests for a CPU second', 'of wrk’s'], [['wrk', short(median(cost.wrk)), ''], ['fettle bench', short(median(cost.fettle)), times(ratio(cost))]])}

How far its quantiles are off, beside what a server of known delays (50 µs to 20 ms) says of itself:

${table(['requests/s', ...QUANTILES.map((q) => `${q.replace('_', '.')}, µs`)], Object.entries(accuracy).map(([rate, list]) => [rate, ...QUANTILES.map((q) => short(error(list, q)))]))}
`;
