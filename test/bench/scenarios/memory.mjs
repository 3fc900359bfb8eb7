/* What each takes besides the workers, at rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { contenders } from '../contenders.mjs';
import { inTurns } from '../turns.mjs';
import { count, median, mb, table, target } from '../numbers.mjs';
import { memoryOf } from '../processes.mjs';
import { measured } from '../programs.mjs';

export const name = 'memory';
export const title = 'Memory';
const REST_MS = 2000;

export async function run(ctx) {
  const idle = await inTurns(ctx, ['cluster', 'pm2', 'nginx', 'haproxy', 'watt', 'fettle'], async (it) => {
    await sleep(REST_MS);
    return { others: memoryOf(it.others()), all: memoryOf(it.pids()) };
  });
  return { idle, connections: (await measured(ctx, 'hop/hop.mjs', '--only', 'idle')).idle };
}

const of = (list = [], part, what) => median(list.map((r) => r[part][what]));

export const targets = ({ idle, connections }) => [
  target('supervisor, proxy and monitor together, idle', '≤ 12 MB', of(idle.fettle, 'others', 'rss'), (n) => n <= 12e6, mb),
  target('user memory of an idle connection', '≤ 1,024 bytes', connections?.fettle, (n) => n <= 1024, count),
];

export const render = ({ idle, connections }, { workers }) => `
What runs besides the ${workers} workers (pm2's daemon, cluster's primary process, a proxy's processes, fettle's supervisor, proxy and monitor), at rest
after the start. Resident (RSS) counts what processes share once for each of them, proportional (PSS) once for all. Watt's workers are threads
of one process.

${table(['', 'resident', 'proportional', 'with the workers, proportional', 'a connection at rest, bytes'],
    Object.entries(idle).map(([who, list]) => [contenders[who].label, ...(who === 'watt' ? ['–', '–'] : [mb(of(list, 'others', 'rss')), mb(of(list, 'others', 'pss'))]),
      mb(of(list, 'all', 'pss')), count(connections?.[who])]))}
`;
