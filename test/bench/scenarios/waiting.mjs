/* Requests that wait, as for a database, beside some that block: many are in one worker at the same time. */
import { contenders } from '../contenders.mjs';
import { beside, inTurns, kindOf, load } from '../turns.mjs';
import { median, ms, short, table, target, times, asRatio } from '../numbers.mjs';

export const name = 'waiting';
export const title = 'Waiting requests beside blocking ones';
const RATE = 520, CONNECTIONS = 256, TIMEOUT = 15;

export async function run(ctx) {
  return inTurns(ctx, ['cluster', 'nginx', 'haproxy', 'haproxy1', 'fettle'], async (it, round) => {
    const to = { folder: ctx.folder, port: it.port, connections: CONNECTIONS, timeout: TIMEOUT };
    const alone = await load({ ...to, route: '/wait', seconds: ctx.seconds / 2, warmup: 1 });
    const mixed = await load({ ...to, mix: beside('/wait', '/slow'), rate: RATE, seconds: ctx.seconds, warmup: 3, seed: round });
    ctx.log(`round ${round} ${it.name}: p99 ${ms(kindOf(mixed, '/wait').latency_us.p99)}, ${mixed.failed} failed; alone ${short(alone.rate)}/s`);
    return { mixed, alone };
  });
}

const of = (list = [], kind, quantile) => median(list.map((r) => kindOf(r.mixed, kind)?.latency_us[quantile]));
const rate = (list = []) => median(list.map((r) => r.alone.rate));
const failed = (list) => list.reduce((n, r) => n + r.mixed.failed, 0);

export const targets = ({ fettle, nginx }) => [
  target('p99 of requests that wait 20 ms, beside 2 % that block, of nginx’s', '≤ 0.20 ×', of(fettle, '/wait', 'p99') / of(nginx, '/wait', 'p99'), (r) => r <= 0.2, asRatio),
  target('requests a second when all only wait, of nginx’s', '≥ 0.98 ×', rate(fettle) / rate(nginx), (r) => r >= 0.98, asRatio),
];

export const render = (data, { workers }) => `
The same app, but the usual request waits 20 ms without using the CPU; 2 % block for 100 ms. ${RATE} requests a second, ${CONNECTIONS} connections,
${workers} workers; no answer within ${TIMEOUT} s is a failure. The last columns: only waiting requests, as fast as the answers come.

${table(['', 'p50', 'p90', 'p99', 'fettle’s p99 is', 'slow p99', 'failed', 'alone, requests/s', 'fettle’s rate is'],
    Object.entries(data).map(([who, list]) => {
      const us = who === 'fettle';
      return [contenders[who].label, ...['p50', 'p90', 'p99'].map((q) => ms(of(list, '/wait', q))), us ? '' : times(of(data.fettle, '/wait', 'p99') / of(list, '/wait', 'p99')),
        ms(of(list, '/slow', 'p99')), failed(list), short(rate(list)), us ? '' : times(rate(data.fettle) / rate(list))];
    }))}
`;
