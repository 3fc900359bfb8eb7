/* build/bench/results.json → doc/BENCHMARKS.md
 *
 *   node test/bench/report.mjs     writes the page anew from the results there are, without a measurement */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from './contenders.mjs';
import { table } from './numbers.mjs';
import * as blocking from './scenarios/blocking.mjs';
import * as waiting from './scenarios/waiting.mjs';
import * as stack from './scenarios/stack.mjs';
import * as hop from './scenarios/hop.mjs';
import * as hits from './scenarios/hits.mjs';
import * as memory from './scenarios/memory.mjs';
import * as agent from './scenarios/agent.mjs';
import * as failures from './scenarios/failures.mjs';
import * as everyday from './scenarios/everyday.mjs';
import * as logs from './scenarios/logs.mjs';
import * as generator from './scenarios/generator.mjs';
import * as heap from './scenarios/heap.mjs';
import * as cpu from './scenarios/cpu.mjs';
import * as scrape from './scenarios/scrape.mjs';
import * as trace from './scenarios/trace.mjs';
import * as block from './scenarios/block.mjs';
import * as shared from './scenarios/shared.mjs';

/** In the order of the page; each has name, title, run(ctx) → data, targets(data), render(data, options). */
export const parts = [blocking, waiting, stack, hop, hits, memory, agent, trace, failures, everyday, logs, scrape, block, shared, heap, cpu, generator];

export const RESULTS = path.join(ROOT, 'build/bench/results.json');
const PAGE = path.join(ROOT, 'doc/BENCHMARKS.md');

const verdict = ({ met }) => (met === undefined ? 'not measured' : met ? 'yes' : '**no**');
const anchor = (title) => title.toLowerCase().replace(/[^\w\- ]/g, '').replace(/ /g, '-');

function summary(there, results) {
  const rows = there.flatMap((part) => part.targets(results.parts[part.name].data).map((t) => [t.what, t.measured, t.bound, verdict(t), `[${part.name}](#${anchor(part.title)})`]));
  return table(['measured', 'fettle', 'target', 'met', 'part'], rows);
}

function section(part, { data, options, at, seconds }) {
  return `## ${part.title}
${part.render(data, options)}
Again: \`make bench ONLY=${part.name}\` (${Math.ceil(seconds / 60)} min). Measured ${at}, ${options.rounds} rounds of ${options.seconds} s.
`;
}

/** The page, as text. */
export function page(results) {
  const there = parts.filter((part) => results.parts[part.name]);
  const { cpu, memory: ram, system, versions } = results.machine;
  return `<!-- Written by \`make bench\` (test/bench/report.mjs); changes made by hand are lost. -->
# Benchmarks

fettle and other ways to serve a Node app, measured side by side by \`make bench\` in one run on one machine. The ratios are what counts: another
machine has other milliseconds.

${summary(there, results)}

| where | |
| --- | --- |
| machine | ${cpu}, ${ram} |
| system | ${system} |
| versions | ${Object.entries(versions).filter(([, v]) => v).map(([name, v]) => `${name} ${v}`).join(', ')} |

How it is measured:

- The contenders take turns, each round begins with another one, each time freshly started; figures are medians of the rounds, failures are sums.
- Nothing is pinned, unless a part says so: workers, proxy and load generator share all CPUs, the same for everyone.
- All contenders run the same app on the same Node. fettle runs with its default settings. nginx and HAProxy reach the workers over unix sockets with
  kept connections, which suits them best; their configurations are in \`test/bench/contenders.mjs\`.
- The load comes from \`fettle bench\`. At a constant rate, a latency counts from the moment at which the request was to be sent, so a server
  that stalls cannot hide it.
- *p99* is the time within which 99 of 100 requests had their answer.

${there.map((part) => section(part, results.parts[part.name])).join('\n')}`;
}

export const readResults = () => {
  try { return JSON.parse(readFileSync(RESULTS, 'utf8')); } catch { return { parts: {} }; }
};
export const writePage = (results) => writeFileSync(PAGE, `${page(results).replace(/\n{3,}/g, '\n\n').trimEnd()}\n`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const results = readResults();
  if (!Object.keys(results.parts).length) {
    console.error('there are no results yet: make bench');
    process.exit(1);
  }
  writePage(results);
}
