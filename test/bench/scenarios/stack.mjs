/* The whole of it, at full speed: what the proxy costs beside a real, small app. */
import { contenders } from '../contenders.mjs';
import { inTurns, load } from '../turns.mjs';
import { median, ms, short, table, target, times, asRatio } from '../numbers.mjs';

export const name = 'stack';
export const title = 'A JSON app at full speed';

export async function run(ctx) {
  return inTurns(ctx, ['cluster', 'pm2', 'nginx', 'haproxy', 'watt', 'fettle'], async (it, round) => {
    const result = await load({ folder: ctx.folder, port: it.port, route: '/json', seconds: ctx.seconds * 0.75, warmup: 2 });
    ctx.log(`round ${round} ${it.name}: ${short(result.rate)}/s`);
    return result;
  });
}

const rate = (list = []) => median(list.map((r) => r.rate));

export const targets = ({ fettle, cluster }) => [
  target('requests a second of a JSON app, of cluster’s', '≥ 0.85 ×', rate(fettle) / rate(cluster), (r) => r >= 0.85, asRatio),
];

export const render = (data, { workers }) => `
An Express route that answers a small JSON object; 64 connections, each sends the next request when it has its answer; ${workers} workers. The
load generator, the proxy and the workers share the two cores, so whatever any of them uses, the others lack.

${table(['', 'requests/s', 'of cluster’s', 'p50', 'p99', 'failed'], Object.entries(data).map(([who, list]) => [contenders[who].label, short(rate(list)),
    times(rate(list) / rate(data.cluster)), ...['p50', 'p99'].map((q) => ms(median(list.map((r) => r.latency_us[q])))), list.reduce((n, r) => n + r.failed, 0)]))}
`;
