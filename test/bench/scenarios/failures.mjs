/* What users notice when a worker dies, hangs or grows, and of a reload: failures/failures.mjs measures, this shows.
 *
 * It prints { rate, kill: { NAME: r, … }, reload: { … }, block: { … }, memory: { … } }, NAME as in contenders.mjs, r being
 *   { requests, failed, hung, elsewhere_ms, begun_ms, replaced_ms }
 * without what does not apply: `hung` are those with no answer at all, elsewhere_ms is how long new requests still went to a
 * blocked worker, begun_ms and replaced_ms the time until a replacement was begun and was there (null: never, while watched). */
import { contenders } from '../contenders.mjs';
import { count, short, table, target } from '../numbers.mjs';
import { measured } from '../programs.mjs';

export const name = 'failures';
export const title = 'Failures';

export const run = (ctx) => measured(ctx, 'failures/failures.mjs', '--seconds', String(Math.max(8, ctx.seconds)));

const EVENTS = {
  kill: 'A worker is killed with -9',
  reload: 'All workers are replaced (reload)',
  block: 'A worker blocks for ever',
  memory: 'A worker exceeds its memory limit',
};
const time = (ms) => (ms === undefined ? '' : ms === null ? 'never' : ms >= 1000 ? `${short(ms / 1000)} s` : `${short(ms)} ms`);
const none = (n) => n === 0;

export const targets = ({ kill, reload, block, memory }) => [
  target('kill -9 of a worker: failed requests', '0', kill?.fettle?.failed, none, count),
  target('reload: failed requests', '0', reload?.fettle?.failed, none, count),
  target('a blocked worker gets no new request after', '≤ 250 ms', block?.fettle?.elsewhere_ms, (t) => t <= 250, time),
  target('replacement for memory is begun after', '≤ 1 s', memory?.fettle?.begun_ms, (t) => t <= 1000, time),
  target('… and its failed requests', '0', memory?.fettle?.failed, none, count),
];

const event = (what, by) => `${EVENTS[what]}:

${table(['', 'requests', 'failed', 'of them without any answer', 'others get the new ones after', 'replacement begun after', 'replaced after'],
    Object.entries(by).map(([who, r]) => [contenders[who]?.label ?? who, count(r.requests), count(r.failed), r.hung === undefined ? '' : count(r.hung),
      ...[r.elsewhere_ms, r.begun_ms, r.replaced_ms].map(time)]))}
`;

export const render = (data) => `
A constant rate of ${count(data.rate ?? 500)} requests a second, of a route that waits 20 ms; a request has failed when it has no good answer.

${Object.keys(EVENTS).filter((what) => data[what]).map((what) => event(what, data[what])).join('\n')}`;
