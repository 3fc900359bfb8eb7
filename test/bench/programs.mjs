/* Parts of the bench that are programs of their own and print JSON (hop/, agent/, failures/, …). */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { NODE, ROOT } from './contenders.mjs';
import { run } from './processes.mjs';

/** What such a program prints; its path is counted from test/bench/. Throws when it is not there or fails. */
export async function measured(ctx, program, ...args) {
  const file = path.join(ROOT, 'test/bench', program);
  if (!existsSync(file)) throw new Error(`there is no test/bench/${program}`);
  ctx.log(`node test/bench/${program} ${args.join(' ')}`);
  return JSON.parse((await run(NODE, [file, '--json', ...args], { cwd: ROOT })).out);
}
