/* What Chrome DevTools' own model of a CPU profile (CPUProfileDataModel, ProfileTreeModel) says of a file, as JSON.
 *
 *   build/nodes/24/node --max-old-space-size=16000 test/profile/devtools.mjs FILE     duration_ms, samples, functions
 *     --quiet             prints nothing: for measuring
 *
 * Self and total time of each call are DevTools'; here they are added up by function, a total once for each stack that the function is
 * on, as DevTools' tables do. */
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from '../heap/bundle.mjs';

const { CPUProfileDataModel } = await import(pathToFileURL(await bundle('cpu')));

/** The model of a profile, which is changed by it. */
export const modelOf = (profile) => new CPUProfileDataModel(profile);

/** What a function is called by in both: JSON of [name, url, line, column], line and column from 1. */
export const keyOf = (name, url, line, column) => JSON.stringify([name, url, ...(line > 0 ? [line, column] : [])]);

/** { KEY: { samples?, self_ms, total_ms } } of a model. */
export function functionsOf(model) {
  const functions = new Map(), onStack = new Map();
  const entry = ({ functionName, url, lineNumber, columnNumber }) => {
    const key = keyOf(functionName, url ?? '', (lineNumber ?? -1) + 1, (columnNumber ?? -1) + 1);
    if (!functions.has(key)) functions.set(key, { self_ms: 0, total_ms: 0 });
    return key;
  };
  const todo = [{ node: model.profileHead }];
  while (todo.length) {
    const { node, leave } = todo.pop();
    if (leave) {
      onStack.set(leave, onStack.get(leave) - 1);
      continue;
    }
    const key = entry(node.callFrame), sum = functions.get(key), depth = onStack.get(key) ?? 0;
    sum.self_ms += node.self;
    if (!depth) sum.total_ms += node.total;
    onStack.set(key, depth + 1);
    todo.push({ leave: key });
    for (const child of node.children) todo.push({ node: child });
  }
  return Object.fromEntries(functions);
}

/** All of it, of a profile as the file has it. */
export function totalsOf(profile) {
  const duration_ms = profile.head ? (profile.endTime - profile.startTime) * 1000 : (profile.endTime - profile.startTime) / 1000;
  const model = modelOf(profile);
  return { duration_ms, samples: model.totalHitCount, functions: functionsOf(model) };
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  const { values: { quiet }, positionals: [file, ...more] } = parseArgs({ allowPositionals: true, options: { quiet: { type: 'boolean' } } });
  if (!file || more.length) {
    console.error('devtools.mjs FILE [--quiet]');
    process.exit(2);
  }
  const answer = totalsOf(JSON.parse(readFileSync(file, 'utf8')));
  if (!quiet) process.stdout.write(`${JSON.stringify(answer, null, 1)}\n`);
}
