// helpers/next.mjs -- builds the Next.js fixture once: `next build` takes half a minute

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { NODE, ROOT, fixture } from './fettle.mjs';

/** The folder of the built app; built anew when the fixture, Next or Node is another. */
export async function builtNext() {
  const from = fixture('next');
  const to = path.join(ROOT, 'build/e2e/next');
  const stamp = path.join(to, '.stamp');
  const next = createRequire(path.join(ROOT, 'package.json'))('next/package.json').version;
  const sum = createHash('sha256').update(`${next} ${path.resolve(to)} `);
  for (const name of fs.readdirSync(from, { recursive: true }).map(String).sort()) {
    const file = path.join(from, name);
    if (fs.statSync(file).isFile()) sum.update(`${name} `).update(fs.readFileSync(file));
  }
  const digest = sum.digest('hex');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === digest) return to;

  fs.rmSync(to, { recursive: true, force: true });
  fs.cpSync(from, to, { recursive: true });
  const bin = path.join(ROOT, 'node_modules/next/dist/bin/next');
  await promisify(execFile)(NODE, [bin, 'build'], {
    cwd: to,
    timeout: 300000,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', FIXTURE_ROOT: ROOT, NODE_OPTIONS: '' },
  }).catch((error) => {
    throw new Error(`next build failed: ${error.message}\n${error.stdout}\n${error.stderr}`);
  });
  fs.writeFileSync(stamp, digest);
  return to;
}
