// examples/blocks: a real Express and a real Fastify app (an ES module), in which every route blocks the
// event loop in its own way. Each is found with kind, function, file and line; what does the same
// work beside the loop gives no finding.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { BUILD, NODE, ROOT, nodeOf, startFettle } from './helpers/fettle.mjs';
import { fettle, folder } from './helpers/inspect.mjs';

const HERE = path.join(ROOT, 'examples/blocks');
const TABLE = JSON.parse(fs.readFileSync(path.join(HERE, 'blocks.json'), 'utf8'));
/** On other versions of Node. */
const SOME = { 18: ['express.js'], 20: ['express.js'], 24: ['express.js'], 26: ['fastify.mjs'] };
const SOME_ROUTES = ['/promise', '/native', '/json-parse', '/regexp', '/read-file', '/pbkdf2'];

const lineOf = (file, route) => fs.readFileSync(file, 'utf8').split('\n').findIndex((line) => line.endsWith(`// ${route}`)) + 1;

async function open(t, name, node) {
  const runtime = folder(t);
  const app = await startFettle({
    t,
    target: path.join(HERE, name),
    node,
    args: ['-w', '1', '--block', '100ms', '--warn-block', 'off', '--max-block', 'off'],
    env: { FETTLE_RUNTIME_DIR: runtime, BLOCKS_ADDON: path.join(BUILD, 'test/e2e/compute.node') },
  });
  await app.serving(1);
  await app.get('/');
  const findings = async () => {
    const got = await fettle(['findings', '--json'], { env: { FETTLE_RUNTIME_DIR: runtime } });
    assert.equal(got.code, 0, got.stderr);
    return JSON.parse(got.stdout).findings;
  };
  return { app, findings, file: path.join(HERE, name) };
}

async function eachIsNamed(t, name, node, rows) {
  const { app, findings, file } = await open(t, name, node);
  const seen = new Set();
  for (const row of rows)
    await t.test(row.route, async () => {
      let found;
      // Each has its route: one request at a time is served. A machine that is very busy may ask too late.
      for (let tries = 0; !found || (found.kind === 'blocked-loop/unknown' && tries < 5); tries++) {
        assert.equal((await app.get(row.route)).status, 200);
        found = await app.until(async () => (await findings()).find(({ id, route, count }) => route === row.route && !seen.has(`${id} ${count}`)), { what: `the finding of ${row.route}` });
        seen.add(`${found.id} ${found.count}`);
      }
      const { kind, place, worst_ms } = found;
      assert.deepEqual(
        { kind, file: place?.file, line: place?.line, function: place?.function?.split(/[. ]/).at(-1) },
        { kind: `blocked-loop/${row.kind}`, file, line: lineOf(file, row.route), function: row.function },
        JSON.stringify(found, null, 1),
      );
      assert.ok(place.source.endsWith(`// ${row.route}`), place.source);
      assert.ok(worst_ms >= 100 && found.text && found.advice, JSON.stringify(found));
    });
  const all = await findings();
  assert.equal(all.filter(({ kind, route }) => route !== null && kind !== 'blocked-loop/unknown').length, rows.length, 'one finding each');
}

for (const name of TABLE.apps)
  test(`${name}: each kind of block is named, with its line`, (t) => eachIsNamed(t, name, NODE, TABLE.blocks));

for (const [major, names] of Object.entries(SOME))
  for (const name of names)
    test(`${name} on Node ${major}`, { skip: !nodeOf(major) && 'not installed' }, (t) =>
      eachIsNamed(t, name, nodeOf(major), TABLE.blocks.filter(({ route }) => SOME_ROUTES.includes(route))));

for (const name of TABLE.apps)
  test(`${name}: the same work beside the loop is no finding`, async (t) => {
    const { app, findings } = await open(t, name, NODE);
    for (const what of TABLE.healthy) assert.equal((await app.get(`/healthy/${what}`)).status, 200);
    await Promise.all(['pbkdf2', 'callback', 'promise', 'thread'].map((what) => app.get(`/healthy/${what}`)));
    // What comes after it is found: the monitor has seen all that was before.
    await app.get('/exec');
    const found = await app.until(async () => (await findings()).length > 0 && findings());
    assert.deepEqual(found.map(({ kind, place }) => [kind, place?.function]), [['blocked-loop/child-process', 'version']]);
  });
