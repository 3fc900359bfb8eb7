/* make bench: fettle and its peers side by side, in one run. Results go to build/bench/results.json, and from there to doc/BENCHMARKS.md.
 *
 *   ONLY=blocking,waiting   these parts (all); the others stay as they were
 *   ROUNDS=3 SECONDS=8      how often, and how long each time
 *   WORKERS=4 */
import { pbkdf2Sync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { machine } from './machine.mjs';
import { RESULTS, parts, readResults, writePage } from './report.mjs';

const { env } = process;
const options = { rounds: Number(env.ROUNDS || 3), seconds: Number(env.SECONDS || 8), workers: Number(env.WORKERS || 4) };
const only = (env.ONLY || parts.map((part) => part.name).join()).split(',');
const unknown = only.find((name) => !parts.some((part) => part.name === name));
if (unknown) {
  console.error(`there is no part "${unknown}"; there are: ${parts.map((part) => part.name).join(', ')}`);
  process.exit(2);
}

/* Rounds of PBKDF2 in a millisecond of this CPU: the best of some, since whatever disturbs only makes it less. */
function calibrated() {
  const rounds = 100000;
  let best = 0;
  for (let i = 0; i < 10; i++) {
    const begun = performance.now();
    pbkdf2Sync('a', 'b', rounds, 32, 'sha256');
    best = Math.max(best, rounds / (performance.now() - begun));
  }
  return Math.round(best);
}

const folder = mkdtempSync(path.join(tmpdir(), 'fettle-bench-'));
const begun = performance.now();
const log = (text) => console.error(`${((performance.now() - begun) / 60000).toFixed(1).padStart(5)} min  ${text}`);
const ctx = { ...options, folder, work: calibrated(), log };
const results = readResults();
results.machine = machine();
mkdirSync(path.dirname(RESULTS), { recursive: true });

for (const part of parts.filter(({ name }) => only.includes(name))) {
  log(`${part.name}: ${part.title}`);
  const from = performance.now();
  try {
    const data = await part.run({ ...ctx, before: results.parts[part.name]?.data });
    results.parts[part.name] = { at: new Date().toISOString().slice(0, 10), seconds: (performance.now() - from) / 1000, options, data };
    writeFileSync(RESULTS, JSON.stringify(results, null, 1));
    writePage(results);
    for (const { what, measured, bound, met } of part.targets(data)) log(`  ${met ? 'met   ' : 'MISSED'} ${what}: ${measured} (${bound})`);
  } catch (e) {
    log(`${part.name} failed, its results stay as they were: ${e.message}`);
    process.exitCode = 1;
  }
}
rmSync(folder, { recursive: true });
