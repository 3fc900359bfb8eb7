// heap_query.test.mjs -- fettle heap diff, query and check: what they say is what Chrome DevTools' own code says of the same files
//
// The corpus and DevTools' code are in test/heap/; besides, two snapshots of a real Node, taken here.

import { before, after, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BUILD, MAJORS, nodeOf } from './helpers/fettle.mjs';
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

const COLLECTIONS = `
const all = {
  map: new Map(), set: new Set(), weakMap: new WeakMap(), weakSet: new WeakSet(), array: [], object: {}, cleared: new Map([[1, {}]]), cut: [{}, {}], bare: Object.create(null), emptied: { a: {} },
  _map: new Map([['a', {}]]), _set: new Set(['a']), _array: [{}], _numbers: [1, 2, 3], _doubles: [1.5], _counter: { count: 1 }, _object: { a: {} }, _indexed: { 5: 1 }, _bare: Object.create(null),
  _many: new Map(Array.from({ length: 100 }, (_, i) => [i, i])),
};
all.cleared.clear();
all.cut.length = 0;
delete all.emptied.a;
all._bare.n = 1;
class Ours { constructor(value) { this.value = value; } }
globalThis.ours = Object.entries(all).map(([name, value]) => Object.assign(new Ours(value), { name }));
const sparse = new Array(5000), dense = [];
sparse[0] = {};
for (let i = 0; i < 5000; i++) dense.push({ i });
globalThis.sparse = new Ours(sparse);
globalThis.dense = new Ours(dense);
require('v8').writeHeapSnapshot(process.argv[2]);
`;

test('query: collections without content and arrays with too much room, in every Node', () => {
  writeFileSync(at('collections.cjs'), COLLECTIONS);
  for (const major of MAJORS) {
    execFileSync(nodeOf(major), [at('collections.cjs'), at('collections.heapsnapshot')], { env: { ...process.env, NODE_OPTIONS: '' } });
    const heldBy = (...query) => {
      const { objects } = json('query', at('collections.heapsnapshot'), ...query, '--top', 'all');
      const values = new Set(objects.map(({ id }) => id));
      /* Who of ours has it. */
      const names = [];
      for (const { id } of json('query', at('collections.heapsnapshot'), 'class=Ours', '--top', 'all').objects) {
        const fields = json('show', at('collections.heapsnapshot'), `@${id}`, '--top', 'all').fields;
        const field = (name) => fields.find((f) => f.edge_name === name);
        if (values.has(field('value')?.id)) names.push(field('name')?.name ?? 'an array');
      }
      return names.sort();
    };
    assert.deepEqual(heldBy('empty-collections'), ['array', 'bare', 'cleared', 'cut', 'emptied', 'map', 'object', 'set', 'weakMap', 'weakSet'], `Node ${major}`);
    assert.deepEqual(heldBy('oversized-arrays', 'retained>20K'), ['an array'], `Node ${major}`);
  }
});

test('query: fields, wildcards, quotes and opposites', () => {
  const count = (...query) => json('query', at('after.heapsnapshot'), ...query, '--top', '1').count;
  assert.equal(count('class=Session'), 3000);
  assert.equal(count('class=Sess*', 'retained>1M'), 0);
  assert.equal(count('class="{name, tags}"'), count('class={name,?tags}'));
  assert.ok(count('class="{name, tags}"') >= 3000);
  assert.equal(count('text="key 77"'), 1);
  assert.equal(count('text=key?77'), 1);
  assert.ok(count('type=string', 'text=key*') >= 3000);
  assert.equal(count('@1'), 1);
  const all = count();
  assert.equal(count('retained>=100') + count('!retained>=100'), all);
  assert.equal(count('retained>10%') >= 1, true);
  const { out } = fettle('query', at('after.heapsnapshot'), 'class=Session', '--top', '2');
  assert.match(out, /^3000 objects: .* shallow, .* retained \(\d+\.\d %\)\n\nretained +shallow +distance +object +declared in\n.*Session @\d+ .*app\.cjs:3:/);
  assert.match(out, /… and 2998 more objects \(--top all\)\n$/);
});

test('query: what cannot be asked is one line and exit 2', () => {
  for (const [query, message] of [['retaind>1M', /did you mean retained\?/], ['class>a', /takes = and !=/], ['text="a', /does not end/], ['retained>x', /needs a size/]]) {
    const { code, err } = fettle('query', at('after.heapsnapshot'), query);
    assert.equal(code, 2);
    assert.match(err, message);
    assert.equal(err.trim().split('\n').length, 1, err);
  }
});

test('check: what fits is 0, what does not is 1 with the reason, and what cannot be asked is 2', () => {
  const files = ['before.heapsnapshot', 'after.heapsnapshot'];
  const { count, retained_bytes } = json('query', files[1], 'class=Session', '--top', '1');
  let run = fettle('check', files[1], '--max-count', `Session=${count}`, '--max-retained', `Session=${retained_bytes}`, '--max-total', '1G');
  assert.equal(run.code, 0, run.out);
  assert.match(run.out, /^ok {4}after\.heapsnapshot: the heap is /);
  run = fettle('check', files[1], '--max-count', `Session=${count - 1}`, '--max-retained', `Session=${retained_bytes - 1}`);
  assert.equal(run.code, 1);
  assert.match(run.out, /^FAIL {2}after\.heapsnapshot: Session retains .* more than /m);
  assert.match(run.out, /^FAIL {2}after\.heapsnapshot: Session occurs 3000 times, 1 more than 2999$/m);

  run = fettle('check', ...files, '--max-growth', '1%', '--max-growth', 'Session=100M', '--max-count', 'Sesion=0');
  assert.equal(run.code, 1);
  assert.match(run.out, /^FAIL {2}after\.heapsnapshot: the heap has grown by .* more than .* \(1 %\)$/m);
  assert.match(run.out, /^ok {4}after\.heapsnapshot: Session has grown by /m);
  assert.match(run.out, /Sesion occurs 0 times of 0; no file has such a class/);
  assert.equal(fettle('check', files[1], files[0], '--max-growth', '0').code, 0);
  /* An interface that only the later file knows is the same class in both. */
  const grown = JSON.parse(fettle('check', ...files, '--max-growth', '{at}=1', '--json').out);
  assert.equal(grown.ok, false);
  assert.ok(grown.checks[0].value > 2000 * 24 && grown.checks[0].value < 3000 * 200, JSON.stringify(grown));

  for (const [args, message] of [
    [[files[0]], /heap check needs a budget/],
    [[files[0], '--max-growth', '1%'], /needs two FILEs/],
    [[files[0], '--max-retained', '5M'], /max-retained needs a class and a size, such as Session=5M/],
    [['missing', '--max-total', '1G'], /missing: cannot be opened/],
    [['app.cjs', '--max-total', '1G'], /app\.cjs: /],
  ]) {
    const { code, err } = fettle('check', ...args);
    assert.equal(code, 2, err);
    assert.match(err, message);
  }
});

test('check: budgets from a file, and what is wrong in it with its line', () => {
  const ask = (text) => {
    writeFileSync(at('budgets.json'), text);
    const { code, out, err } = fettle('check', 'before.heapsnapshot', 'after.heapsnapshot', '--budgets', 'budgets.json', '--json');
    return { code, err, ...(out && JSON.parse(out)) };
  };
  const all = ask('{"max_total": "1G", "max_retained": {"Session": "1K", "Map": "1G"},\n"max_count": {"Session": 1000}, "max_growth": "1000%", "max_class_growth": {"Session": "1%"}}');
  assert.equal(all.code, 1);
  assert.equal(all.ok, false);
  assert.deepEqual(all.checks.map((c) => `${c.budget} ${c.class} ${c.file} ${c.ok}`), [
    'max-total null before.heapsnapshot true', 'max-total null after.heapsnapshot true',
    'max-retained Session before.heapsnapshot false', 'max-retained Session after.heapsnapshot false',
    'max-retained Map before.heapsnapshot true', 'max-retained Map after.heapsnapshot true',
    'max-count Session before.heapsnapshot true', 'max-count Session after.heapsnapshot false',
    'max-growth null after.heapsnapshot true', 'max-growth Session after.heapsnapshot false',
  ]);
  for (const [text, message] of [
    ['{"max_total": "1G",\n"max_heap": 1}', /budgets\.json:2: "max_heap" is no budget/],
    ['{"max_retained": "1G"}', /budgets\.json:1: max_retained needs classes/],
    ['{"max_retained": {\n"Session": "much"}}', /budgets\.json:2: max-retained needs a class and a size/],
    ['[]', /budgets\.json:1: budgets are an object/],
    ['{', /budgets\.json:1: /],
  ]) {
    const { code, err } = ask(text);
    assert.equal(code, 2);
    assert.match(err, message);
  }
});
