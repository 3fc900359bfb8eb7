/* What most parts do: contenders take turns under a load of `fettle bench … --json`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { FETTLE, contenders, missing } from './contenders.mjs';
import { run } from './processes.mjs';

/* The generator may be of another build than the contender. */
export const GENERATOR = process.env.FETTLE_BENCH ?? FETTLE;

/** A mix of 98 % of one route and 2 % of another, as `--mix` reads it. */
export const beside = (usual, rare) => [
  { name: usual, weight: 98, method: 'GET', path: usual },
  { name: rare, weight: 2, method: 'GET', path: rare },
];

/** The command line of a load; pure, so that the report can show how to repeat it. */
export function loadArgs({ url, mix, rate, connections = 64, seconds, warmup = 1, timeout = 30, seed = 1 }) {
  const ms = (s) => (s ? `${Math.round(s * 1000)}ms` : 'off');
  return ['bench', '--json', ...(rate ? ['--rate', String(rate)] : []), '-c', String(connections), '-d', ms(seconds), '--warmup', ms(warmup),
    '--timeout', ms(timeout), '--seed', String(seed), ...(mix ? ['--mix', mix] : []), url];
}

/** Loads a port and returns what the generator says; `mix` is a list of requests, `route` a single one. */
export async function load({ folder, port, route = '/', mix, ...more }) {
  const file = mix && path.join(folder, 'mix.json');
  if (mix) writeFileSync(file, JSON.stringify(mix));
  const { out } = await run(GENERATOR, loadArgs({ url: `http://127.0.0.1:${port}${route}`, mix: file, ...more }));
  return JSON.parse(out);
}

/** One kind of a mix, in what the generator said. */
export const kindOf = (result, name) => result.kinds.find((kind) => kind.name === name);

/**
 * Starts these contenders, one after the other, `rounds` times, each time from another one on; visits each with
 * visit(it, round) and ends it. Returns { NAME: [what the visits returned] }; who is not installed is left out.
 */
export async function inTurns({ log, work, workers, rounds }, names, visit) {
  const there = names.filter((name) => {
    const without = missing(contenders[name]);
    if (without) log(`${contenders[name].label} is left out: there is no ${without}`);
    return !without;
  });
  const results = Object.fromEntries(there.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (let i = 0; i < there.length; i++) {
      const name = there[(i + round - 1) % there.length];
      const it = await contenders[name].start({ workers, env: { BENCH_WORK: String(work) } });
      try {
        results[name].push(await visit(it, round));
      } finally {
        await it.stop();
      }
    }
  }
  return results;
}
