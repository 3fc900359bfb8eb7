// Findings name the places of the sources, where a source map tells them.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { startFettle } from './helpers/fettle.mjs';
import { fettle, folder } from './helpers/inspect.mjs';

const BUILT = `require('node:http').createServer((req, res) => {
  if (req.url === '/slow')
    for (const until = Date.now() + 300; Date.now() < until;);
  res.end('done');
}).listen(process.env.PORT || 3000);
//# sourceMappingURL=app.js.map
`;

test('fettle findings shows the line of the source, and both as JSON', async (t) => {
  const dir = folder(t);
  const file = path.join(dir, 'app.js'), source = path.join(dir, 'app.ts');
  fs.writeFileSync(file, BUILT);
  // Two lines more stand before the same ones in the source.
  fs.writeFileSync(source, `interface Item {}\ntype Id = number;\n${BUILT}`);
  fs.writeFileSync(`${file}.map`, JSON.stringify({ version: 3, sources: ['app.ts'], names: [], mappings: `AAEA${';AACA'.repeat(5)}` }));
  const run = await startFettle({ t, target: file, args: ['-w', '1', '--block', '50ms', '--warn-block', 'off'], env: { FETTLE_RUNTIME_DIR: dir } });
  await run.serving(1);
  await run.get('/');
  const env = { FETTLE_RUNTIME_DIR: dir };
  const found = await run.until(async () => {
    await run.get('/slow');
    return JSON.parse((await fettle(['findings', '--json'], { env })).stdout).findings.find((f) => f.kind === 'blocked-loop/javascript');
  }, { what: 'the finding' });
  assert.deepEqual([found.place.file, found.place.line], [file, 3]);
  assert.deepEqual([found.written.file, found.written.line], [source, 5]);
  assert.match(found.written.source, /for \(const until/);
  const { stdout } = await fettle(['findings'], { env });
  assert.ok(String(stdout).includes(`at ${source}:5`), stdout);
  assert.doesNotMatch(String(stdout), /app\.js:3/);
});
