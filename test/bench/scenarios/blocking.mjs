/* Fast requests beside some that block: who waits behind whom. */
import { contenders } from '../contenders.mjs';
import { beside, inTurns, kindOf, load } from '../load.mjs';
import { median, ms, table, target, times } from '../numbers.mjs';

export const name = 'blocking';
export const title = 'Fast requests beside blocking ones';
const mix = beside('/fast', '/slow');
const NORMAL = 520, HIGH = 720, COLD_SECONDS = 2, COLD_STARTS = 5;

export async function run(ctx) {
  const at = (rate, seconds, warmup) => (it, round) =>
    load({ folder: ctx.folder, port: it.port, mix, rate, seconds, warmup, seed: round });
  const phase = async (title, change, names, visit) => {
    ctx.log(`${title}: ${names.join(', ')}`);
    const results = await inTurns({ ...ctx, ...change }, names, visit);
    for (const [who, list] of Object.entries(results)) ctx.log(`  ${who}: p99 of /fast ${ms(of(list, '/fast', 'p99'))}, of /slow ${ms(of(list, '/slow', 'p99'))}`);
    return results;
  };
  return {
    normal: await phase('58 % load', {}, Object.keys(contenders), at(NORMAL, ctx.seconds, 3)),
    high: await phase('80 % load', {}, ['nginx', 'haproxy', 'haproxy1', 'fettle'], at(HIGH, ctx.seconds, 3)),
    two: await phase('2 workers', { workers: 2 }, ['pm2', 'haproxy1', 'fettle'], at(NORMAL, ctx.seconds, 3)),
    cold: await phase('fresh starts', { rounds: COLD_STARTS }, ['cluster', 'haproxy1', 'fettle'], at(NORMAL, COLD_SECONDS, 0)),
  };
}

const of = (list = [], kind, quantile) => median(list.map((r) => kindOf(r, kind)?.latency_us[quantile]));
const worst = (list = []) => Math.max(...list.map((r) => kindOf(r, '/slow').latency_us.max));
const failed = (list = []) => list.reduce((n, r) => n + r.failed, 0);

export function targets({ normal, high, two, cold }) {
  const below = (bound) => (us) => us <= bound * 1000;
  const slow = of(normal.fettle, '/slow', 'p99') / of(normal.haproxy, '/slow', 'p99');
  const longest = worst(high.fettle) / worst(high.haproxy);
  return [
    target('p99 of the fast requests beside 2 % that block for 100 ms', '≤ 3 ms', of(normal.fettle, '/fast', 'p99'), below(3), ms),
    target('p99 of those that block, of HAProxy’s', '≤ 1.00 ×', slow, (r) => r <= 1, times),
    target('none of them starves at 80 % load: failed', '0', failed(high.fettle), (n) => n === 0),
    target('… and the longest one, of HAProxy’s longest', '≤ 2.00 ×', longest, (r) => r <= 2, times),
    target('p99 of the fast ones with 2 workers', '≤ 160 ms', of(two.fettle, '/fast', 'p99'), below(160), ms),
    target('p99 of the fast ones just after the start', '≤ 130 ms', of(cold.fettle, '/fast', 'p99'), below(130), ms),
  ];
}

const label = (who) => contenders[who].label;

/* p50 … p99.9 of both kinds, for everybody who took part. */
function both(results) {
  const quantiles = ['p50', 'p90', 'p99', 'p99_9'];
  const ours = of(results.fettle, '/fast', 'p99');
  return table(['', ...quantiles.map((q) => `fast ${q.replace('_', '.')}`), 'fettle’s p99 is', ...quantiles.slice(0, 3).map((q) => `slow ${q}`), 'slowest', 'failed'],
    Object.entries(results).map(([who, list]) => [label(who), ...quantiles.map((q) => ms(of(list, '/fast', q))),
      who === 'fettle' || !ours ? '' : times(ours / of(list, '/fast', 'p99')), ...quantiles.slice(0, 3).map((q) => ms(of(list, '/slow', q))), ms(worst(list)), failed(list)]));
}

export const render = ({ normal, high, two, cold }, { workers }) => `
An Express app; 98 % of the requests go to \`/fast\` (about 0.3 ms of CPU), 2 % to \`/slow\` (100 ms of CPU, in which the worker's event
loop can do nothing else). ${NORMAL} requests a second, which is 58 % of what two cores can do, whether answers come or not; 64 connections;
${workers} workers.

${both(normal)}

At ${HIGH} requests a second, 80 % of what two cores can do:

${both(high)}

With 2 workers:

${both(two)}

Just after the start, nothing is known of any route: the first ${COLD_SECONDS} seconds of ${COLD_STARTS} starts.

${both(cold)}
`;
