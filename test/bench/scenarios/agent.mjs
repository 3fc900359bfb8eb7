/* What fettle's agent costs inside Node: the same app with it and without. */
import { measured } from '../programs.mjs';
import { target, table } from '../numbers.mjs';

export const name = 'agent';
export const title = 'The agent inside the app';

export const run = (ctx) => measured(ctx, 'agent/agent.mjs', '--seconds', String(ctx.seconds * 2));

const LABELS = { hello: 'hello world, `node:http`', json: 'JSON, Express' };
const percent = (ratio) => `${((ratio - 1) * 100).toFixed(2)} %`;
const between = ({ value, low, high }, show) => `${show(value)} (${show(low)} to ${show(high)})`;
const two = (n) => n.toFixed(2);
const worst = (values) => Math.max(...values);

export const targets = ({ request, memory, start }) => [
  target('CPU that the agent adds to a request', '≤ 1 %', worst(Object.values(request).map((r) => r.ratio.value)), (r) => r <= 1.01, percent),
  target('memory that it takes in a worker', '≤ 2 MB', worst(Object.values(memory).map((m) => m.rss_mb.more.value)), (n) => n <= 2, (n) => `${two(n)} MB`),
  target('time that it adds to a worker’s start', '≤ 2 ms', worst(Object.values(start).map((s) => s.wall_ms.more.value)), (n) => n <= 2, (n) => `${two(n)} ms`),
];

export const render = ({ request, memory, start }) => `
Pairs of the same app, with the agent and without, in turns: medians; in brackets the 95 % confidence interval.

${table(['', 'CPU of a request without', 'with', 'more CPU', 'more memory, MB', 'later ready, ms'], Object.keys(request).map((app) => [LABELS[app] ?? app,
    `${two(request[app].bare_us)} µs`, `${two(request[app].agent_us)} µs`, between(request[app].ratio, percent), between(memory[app].rss_mb.more, two), between(start[app].wall_ms.more, two)]))}
`;
