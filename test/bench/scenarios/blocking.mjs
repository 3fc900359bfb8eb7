/* Fast requests beside some that block: who waits behind whom. */
import { contenders } from '../contenders.mjs';
import { beside, inTurns, kindOf, load } from '../turns.mjs';
import { count, median, ms, table, target, times, asRatio } from '../numbers.mjs';

export const name = 'blocking';
export const title = 'Fast requests beside blocking ones';
const mix = beside('/fast', '/slow');
const NORMAL = 520, HIGH = 720, COLD_SECONDS = 2, COLD_STARTS = 5;

export async function run(ctx) {
  const phase = (title, names, { rate = NORMAL, seconds = ctx.seconds, warmup = 3, ...change } = {}) => {
    ctx.log(title);
    return inTurns({ ...ctx, ...change }, names, async (it, round) => {
      const result = await load({ folder: ctx.folder, port: it.port, mix, rate, seconds, warmup, seed: round });
      const p99 = (kind) => ms(kindOf(result, kind).latency_us.p99);
      ctx.log(`  round ${round} ${it.name}: p99 ${p99('/fast')}, of those that block ${p99('/slow')}, ${result.failed} failed`);
      return result;
    });
  };
  return {
    normal: await phase('58 % load', Object.keys(contenders)),
    high: await phase('80 % load', ['nginx', 'haproxy', 'haproxy1', 'fettle'], { rate: HIGH }),
    two: await phase('2 workers', ['pm2', 'haproxy1', 'fettle'], { workers: 2 }),
    cold: await phase('fresh starts', ['cluster', 'haproxy1', 'fettle'], { rounds: COLD_STARTS, seconds: COLD_SECONDS, warmup: 0 }),
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
    target('p99 of those that block, of HAProxy’s', '≤ 1.00 ×', slow, (r) => r <= 1, asRatio),
    target('none of them starves at 80 % load: failed', '0', failed(high.fettle), (n) => n === 0, count),
    target('… and the longest one, of HAProxy’s longest', '≤ 2.00 ×', longest, (r) => r <= 2, asRatio),
    target('p99 of the fast ones with 2 workers', '≤ 160 ms', of(two.fettle, '/fast', 'p99'), below(160), ms),
    target('p99 of the fast ones just after the start', '≤ 130 ms', of(cold.fettle, '/fast', 'p99'), below(130), ms),
  ];
}

const label = (who) => contenders[who].label;

const QUANTILES = ['p50', 'p90', 'p99', 'p99_9'];

/* All quantiles of one kind, for everybody who took part. */
const one = (results, kind) => table([kind, ...QUANTILES.map((q) => q.replace('_', '.')), 'fettle’s p99 is'],
  Object.entries(results).map(([who, list]) => [label(who), ...QUANTILES.map((q) => ms(of(list, kind, q))),
    who === 'fettle' ? '' : times(of(results.fettle, kind, 'p99') / of(list, kind, 'p99'))]));

/* The most telling ones of both kinds. */
const both = (results) => table(['', 'fast p50', 'fast p99', 'slow p50', 'slow p99', 'slowest', 'failed'],
  Object.entries(results).map(([who, list]) => [label(who), ...['/fast', '/slow'].flatMap((kind) => ['p50', 'p99'].map((q) => ms(of(list, kind, q)))),
    ms(worst(list)), failed(list)]));

export const render = ({ normal, high, two, cold }, { workers }) => `
An Express app; 98 % of the requests go to \`/fast\` (about 0.3 ms of CPU), 2 % to \`/slow\` (100 ms of CPU, in which the worker's event
loop can do nothing else). ${NORMAL} requests a second, which is 58 % of what two cores can do, whether answers come or not; 64 connections;
${workers} workers.

${one(normal, '/fast')}

${one(normal, '/slow')}

At ${HIGH} requests a second, 80 % of what two cores can do:

${both(high)}

With 2 workers:

${both(two)}

Just after the start, nothing is known of any route: the first ${COLD_SECONDS} seconds of ${COLD_STARTS} starts.

${both(cold)}
`;
