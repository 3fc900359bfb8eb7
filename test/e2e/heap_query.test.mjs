// heap_query.test.mjs -- fettle heap diff, query and check: what they say is what Chrome DevTools' own code says of the same files
//
// The corpus and DevTools' code are in test/heap/; besides, two snapshots of a real Node, taken here.

import { before, after, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BUILD, nodeOf } from './helpers/fettle.mjs';
import { expected, names, snapshotOf } from '../heap/corpus.mjs';
import { diff, duplicates, filtered, load } from '../heap/devtools.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'fettle-query-'));
const at = (name) => path.join(folder, name);
const { warn } = console;

const PROGRAM = `
const v8 = require('v8');
class Session { constructor(i) { this.user = { name: 'user' + i, tags: ['a' + i], n: i }; } }
const sessions = new Map();
global.cache = { items: [] };
function more(n) { for (let i = 0; i < n; i++) { sessions.set('key ' + sessions.size, new Session(i)); cache.items.push({ at: 'moment ' + i, b: i }); } }
let gone = [];
for (let i = 0; i < 500; i++) gone.push({ temporary: 'thing ' + i });
more(1000);
v8.writeHeapSnapshot(process.argv[2]);
gone = null;
more(2000);
v8.writeHeapSnapshot(process.argv[3]);
`;

before(() => {
  console.warn = () => {}; // DevTools tells of nodes that nothing reaches
  writeFileSync(at('app.cjs'), PROGRAM);
  execFileSync(nodeOf(24), [at('app.cjs'), at('before.heapsnapshot'), at('after.heapsnapshot')], { env: { ...process.env, NODE_OPTIONS: '' } });
});
after(() => {
  console.warn = warn;
  rmSync(folder, { recursive: true });
});

/* { code, out, err } */
function fettle(...args) {
  const { status, stdout, stderr } = spawnSync(path.join(BUILD, 'fettle'), ['heap', ...args], { maxBuffer: 1 << 30, timeout: 60000, encoding: 'utf8', cwd: folder });
  return { code: status, out: stdout, err: stderr };
}

function json(...args) {
  const { code, out, err } = fettle(...args, '--json');
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

const keyOf = (c) => `${c.script_id ?? ''},${c.line ?? ''},${c.column ?? ''},${c.class}`;
/* DevTools counts lines and columns from 0, and fettle from 1. */
const fromZero = (c) => (c.line === undefined ? c : { ...c, line: c.line - 1, column: c.column - 1 });

/* Class by class what the comparison says; only what DevTools counts. */
function changes(classes) {
  return classes.filter((c) => c.added_count || c.removed_count)
    .map((c) => `${keyOf(c)} +${c.added_count} -${c.removed_count} +${c.added_bytes} -${c.removed_bytes} = ${c.count_delta} ${c.bytes_delta}`).sort();
}

test('diff: what came and went by class is what DevTools’ comparison shows, on the corpus and on a real Node', async () => {
  const pairs = [['node18', 'node20'], ['node24', 'node24-traced'], ['node22', 'node26'], ['interfaces', 'locations'], ['locations', 'interfaces'], ['owners', 'statistics'], ['page', 'old-page'],
    ['strings', 'strings']].map((pair) => pair.map(snapshotOf));
  for (const [base, current] of [...pairs, [at('before.heapsnapshot'), at('after.heapsnapshot')]]) {
    const theirs = diff(await load(current, { threads: 1 }), await load(base, { threads: 1 }));
    const ours = json('diff', base, current).classes.map(fromZero);
    assert.deepEqual(changes(ours), changes(theirs), `${base} ${current}`);
  }
});

test('diff: each object that came is in one place, with the name by which the app knows its holder', () => {
  const answer = json('diff', at('before.heapsnapshot'), at('after.heapsnapshot'));
  const [first] = answer.clusters;
  assert.equal(answer.same_process, true);
  assert.equal(first.class, 'Session');
  assert.equal(first.added_count, 2000);
  assert.equal(first.removed_count, 0);
  assert.equal(first.holder.class, 'Map');
  assert.match(first.holder.path, /sessions$/);
  assert.ok(answer.clusters.some((c) => c.class === '{at}' && c.added_count === 2000 && /cache\.items$/.test(c.holder.path)));
  for (const c of answer.classes) assert.equal(c.growth_bytes, c.shallow_after_bytes - c.shallow_before_bytes, c.class);
  const { out } = fettle('diff', at('before.heapsnapshot'), at('after.heapsnapshot'));
  assert.match(out, /^before .*\nafter .*\ngrowth \+/);
  assert.match(out, /2000 +0 +Session +Map @\d+ +sessions\n/);
  assert.doesNotMatch(out, /do not look like/);
});

test('diff: files of two processes are compared, and it is said', () => {
  assert.equal(json('diff', snapshotOf('node18'), snapshotOf('node26')).same_process, false);
  assert.match(fettle('diff', snapshotOf('node18'), snapshotOf('node26')).out, /do not look like two snapshots of one process/);
});

test('diff: what cannot be compared is one line and exit 2', () => {
  writeFileSync(at('none.txt'), 'hello');
  for (const [args, message] of [
    [['before.heapsnapshot'], /fettle: heap diff needs two FILEs/],
    [['before.heapsnapshot', 'none.txt'], /fettle: none\.txt: /],
    [['none.txt', 'before.heapsnapshot'], /fettle: none\.txt: /],
    [['before.heapsnapshot', 'missing'], /fettle: missing: cannot be opened/],
  ]) {
    const { code, out, err } = fettle('diff', ...args);
    assert.equal(code, 2);
    assert.match(err, message);
    assert.equal(err.trim().split('\n').length, 1, err);
    assert.equal(out, '');
  }
});

/* DevTools' names of the filters. */
const FILTERS = {
  objectsRetainedByContexts: 'retained-by-contexts', objectsRetainedByDetachedDomNodes: 'retained-by-detached', objectsRetainedByConsole: 'retained-by-console',
  objectsRetainedByEventHandlers: 'retained-by-event-handlers', duplicatedStrings: 'duplicated-strings',
};
const sums = (classes) => classes.map((c) => `${keyOf(c)} ${c.count} ${c.shallow_bytes} ${c.retained_bytes} ${c.distance}`).sort();
/* JSON of fettle's has no lone halves of surrogate pairs. */
/* Of the ids of more than a hundred equal strings fettle says a hundred. */
const wellFormed = (text) => text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
const texts = (groups) => groups.map((g) => `${g.count} ${g.shallow_bytes} ${g.retained_bytes} ${g.truncated} ${g.length ?? ''} ${g.count > 100 ? '' : g.ids.toSorted((a, b) => a - b).slice(0, 20)} ${wellFormed(g.value)}`).sort();

/* Both say the same of every filter and of duplicated strings. */
function compare(file, filters, groups, name) {
  for (const [theirs, ours] of Object.entries(FILTERS)) assert.deepEqual(sums(json('query', file, ours, '--top', '1').classes.map(fromZero)), sums(filters[theirs]), `${name}: ${ours}`);
  const answer = json('query', file, 'duplicated-strings', '--top', 'all');
  assert.deepEqual(texts(answer.texts), texts(groups), `${name}: duplicated strings`);
  assert.equal(answer.count, groups.reduce((sum, { count }) => sum + count, 0));
}

test('query: DevTools’ named filters and duplicated strings, on the corpus', () => {
  for (const name of names()) compare(snapshotOf(name), expected(name).filters, expected(name).duplicates, name);
});

test('query: the same on a snapshot taken now', async () => {
  const snapshot = await load(at('after.heapsnapshot'), { threads: 1 });
  compare(at('after.heapsnapshot'), filtered(snapshot, Object.keys(FILTERS)), duplicates(snapshot), 'after');
});
