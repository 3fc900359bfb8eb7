/* What an answer from the cache of responses costs the proxy. */
import { measured } from '../programs.mjs';
import { short, table, target, times } from '../numbers.mjs';

export const name = 'hits';
export const title = 'CPU per cache hit';

export const run = (ctx) => measured(ctx, 'cache/hits.mjs', '--rounds', String(ctx.rounds));

const LABELS = { nginx: 'nginx, proxy_cache', haproxy: 'HAProxy, cache', varnish: 'Varnish', fettle: 'fettle' };
const total = (cost) => cost && cost.user_us + cost.system_us;

export const targets = ({ hits }) => [
  target('the proxy’s CPU for a cache hit of 1 KB', '≤ 6 µs', total(hits.fettle), (us) => us <= 6, (us) => `${short(us)} µs`),
];

export const render = ({ hits }) => `
The proxy alone, on a CPU of its own; generator and app have the other one. 64 connections; the app has been asked once. User and system
time of the proxy's processes, per request.

${table(['a hit of 1 KB', 'user', 'system', 'µs in all', 'fettle’s, of it'], Object.keys(LABELS).filter((n) => hits[n]).map((n) =>
    [LABELS[n], short(hits[n].user_us), short(hits[n].system_us), short(total(hits[n])), times(total(hits.fettle) / total(hits[n]))]))}
`;
