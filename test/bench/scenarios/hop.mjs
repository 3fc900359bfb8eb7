/* What one hop through a proxy costs, where it is spent. */
import { measured } from '../programs.mjs';
import { count, short, table, target, times, asRatio } from '../numbers.mjs';

export const name = 'hop';
export const title = 'CPU per proxied request';

export const run = (ctx) => measured(ctx, 'hop/hop.mjs', '--rounds', String(ctx.rounds), '--only', 'sizes,uploads,websocket,instructions,syscalls');

const LABELS = { nginx: 'nginx', 'nginx-unbuffered': 'nginx, buffering off', haproxy: 'HAProxy', fettle: 'fettle', relay: 'bytes passed on unread' };
const SIZES = { '1k': '1 KB', '64k': '64 KB', '1m': '1 MB' };
const PEERS = ['nginx', 'nginx-unbuffered', 'haproxy'];

const total = (cost) => cost && cost.user_us + cost.system_us;
const best = (row) => Math.min(...PEERS.filter((p) => row[p]).map((p) => total(row[p])));
const ratio = (row) => (row?.fettle ? total(row.fettle) / best(row) : undefined);

export const targets = ({ sizes, websocket, instructions }) => [
  ...Object.entries(sizes).map(([size, row]) =>
    target(`the proxy’s CPU for an answer of ${SIZES[size]}, of the better peer’s`, '≤ 0.70 ×', ratio(row), (r) => r <= 0.7, asRatio)),
  target('… and for a WebSocket message', '≤ 0.70 ×', ratio(websocket), (r) => r <= 0.7, asRatio),
  target('instructions of a request in user space', '≤ 8,000', instructions?.fettle, (n) => n <= 8000, count),
];

const costs = (columns) => {
  const who = Object.keys(LABELS).filter((n) => Object.values(columns)[0][n]);
  return table(['µs: user + system', ...Object.keys(columns)], [
    ...who.map((n) => [LABELS[n], ...Object.values(columns).map((row) => `${short(row[n].user_us)} + ${short(row[n].system_us)} = **${short(total(row[n]))}**`)]),
    ['fettle’s, of the better peer’s', ...Object.values(columns).map((row) => times(ratio(row)))],
  ]);
};

const calls = (seen) => Object.entries(seen).sort((a, b) => b[1] - a[1]).map(([call, n]) => `${call} ${n.toFixed(2)}`).join(', ');

export const render = ({ sizes, uploads, websocket, instructions, syscalls }) => `
The proxy alone, on a CPU of its own; generator and back end have the other one. The back end answers at once, over a unix socket; 64
connections. User and system time of the proxy's processes, per request. “Bytes passed on unread” is a relay that parses nothing: the floor.

${costs({ ...Object.fromEntries(Object.entries(sizes).map(([size, row]) => [`answer of ${SIZES[size]}`, row])), 'WebSocket echo, 125 B': websocket })}

${uploads ? `${costs(Object.fromEntries(Object.entries(uploads).map(([size, row]) => [`upload of ${SIZES[size]}`, row])))}\n` : ''}
${table(['a request of 1 KB', 'instructions in user space (callgrind)', 'system calls (strace -c)'],
    Object.keys(LABELS).filter((n) => instructions?.[n] || syscalls?.[n]).map((n) => [LABELS[n], count(instructions?.[n]), syscalls?.[n] ? calls(syscalls[n]) : '–']))}
`;
