/* Random heaps, small and odd: the same seed makes the same. Names and kinds are those for which DevTools has rules, so that each rule is met often. */
import { Heap, metaOf } from './craft.mjs';

/** Numbers from a seed: mulberry32. next() is in [0, 1). */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(next() * n);
  return { next, below, chance: (p) => next() < p, of: (list) => list[below(list.length)] };
}

const NAMES = {
  hidden: ['system / Context', 'system / NativeContext', 'system / Map', 'system / Context / f', '(hidden)', ''],
  array: ['', '(map descriptors)', '(object elements)', 'system / DescriptorArray'],
  string: ['a', 'first', '', 'long '.repeat(30), 'Detached a', '<div>', '\u00e4\u{1f600}\ud800', 'bool'],
  object: ['Array', 'Session', 'Map', 'system / Context', '<div id="a">', 'Detached <div class="b c">', 'V8EventListener', 'global', '__proto__', 'a,b'],
  code: ['(code)', ''],
  closure: ['f', '', 'Object'],
  regexp: ['/a/', 'x'],
  number: ['heap number', 'int'],
  native: ['system / JSArrayBufferData', 'system / ExternalStringData', 'HTMLDivElement', '<p id="x">', 'Detached <a href="#">', 'Detached HTMLElement', 'Object', 'V8EventListener', 'true'],
  synthetic: ['(GC roots)', '(Document DOM trees)', '(Global handles)', ''],
  'concatenated string': ['ab', '', '(concatenated string)'],
  'sliced string': ['(sliced string)', 'slice'],
  symbol: ['iterator'],
  bigint: ['bigint'],
  'object shape': ['system / Map', 'Object'],
};
const TYPES = Object.keys(NAMES);
const PROPERTIES = ['a', 'b', 'c', 'd', '__proto__', 'id', 'na,me', '"q"', '{', 'x'.repeat(70), 'y'.repeat(60), '\u00e9', '\u{1f600}', '\ue000', '10', '', 'constructor'];
const SHAPES = [['a', 'b'], ['b', 'a'], ['id', '__proto__'], ['a', 'b', 'c'], ['x'.repeat(70), 'y'.repeat(60), 'a'], ['y'.repeat(60), 'x'.repeat(70)], ['\u{1f600}', '\ue000', 'na,me'],
  ['z'.repeat(117)], ['z'.repeat(118)], ['z'.repeat(119)], ['z'.repeat(114), 'q'], ['\u00e9'.repeat(57), '"q"', 'r'], ['10', '9', '{'], ['']];
const INTERNAL = ['elements', 'map', 'code', 'first', 'second', 'native_context', 'table', 'sloppy_function_map', 'properties', '1'];

/** A heap of up to `most` nodes. */
export function randomHeap(seed, { most = 120 } = {}) {
  const { below, chance, of } = random(seed);
  const major = of([18, 20, 22, 24, 26]);
  const meta = metaOf(major);
  if (chance(0.1)) meta.node_fields = meta.node_fields.filter((f) => f !== 'detachedness');
  if (chance(0.2)) { /* in another order than V8's */
    const cut = 1 + below(meta.node_fields.length - 1);
    meta.node_fields = [...meta.node_fields.slice(cut), ...meta.node_fields.slice(0, cut)];
    const types = meta.node_types[0];
    meta.node_types = meta.node_fields.map((f) => (f === 'type' ? types : f === 'name' ? 'string' : 'number'));
  }
  const heap = new Heap({ major, meta, header: major < 24 ? {} : { extra_native_bytes: below(2) * below(5000) } });
  const types = meta.node_types[meta.node_fields.indexOf('type')];
  const usual = TYPES.filter((type) => types.includes(type));
  const count = 3 + below(most);
  const dom = chance(0.4), plain = chance(0.3) ? 0.7 : 0.1;
  const shapes = [of(SHAPES), of(SHAPES), of(SHAPES)];
  heap.node('object', 'Map', { size: 24 });
  for (let i = 2; i < count; i++) {
    const object = chance(plain), type = object || chance(0.25) ? 'object' : of(usual);
    heap.node(type, object ? 'Object' : of(NAMES[type]), {
      id: chance(0.1) ? 2 ** 30 + i * 2 : undefined, size: chance(0.3) ? 0 : chance(0.01) ? 2 ** 24 : 8 * below(100),
      detachedness: dom && chance(0.3) ? 1 + below(2) : 0,
    });
  }
  const userRoots = chance(0.85);
  const edge = (from) => {
    const to = chance(0.7) ? Math.min(count - 1, from + 1 + below(8)) : below(count);
    const kind = below(100);
    if (kind < 22) heap.edge(from, 'property', of(PROPERTIES), to);
    else if (kind < 40) heap.edge(from, 'internal', of(INTERNAL), to);
    else if (kind < 55) heap.edge(from, 'element', below(12), to);
    else if (kind < 68) heap.edge(from, 'context', of(['x', 'this', 'sessions']), to);
    else if (kind < 80) heap.edge(from, 'hidden', below(6), to);
    else if (kind < 88) heap.edge(from, 'weak', of(['next', 'x']), to);
    else if (kind < 91) heap.edge(from, 'shortcut', 'x', to);
    else ephemeron(to);
  };
  /* V8 has no such edges from the root or from map descriptors. */
  const holder = () => {
    for (;;) {
      const node = 1 + below(count - 1);
      if (heap.nodes[node].name !== '(map descriptors)') return node;
    }
  };
  const ephemeron = (value) => {
    const key = holder(), table = holder();
    const name = `${below(20)} / part of key (k @${heap.nodes[key].id}) -> value (v @${heap.nodes[value].id}) pair in WeakMap (table @${heap.nodes[table].id})`;
    heap.edge(key, 'internal', name, value);
    if (chance(0.9)) heap.edge(table, 'internal', name.replace(/^\d+/, String(below(9))), value);
  };
  /* The root's children decide what is the user's; DevTools cannot read a file in which it has one of them twice. */
  const children = new Set();
  for (let i = below(7); i > 0; i--) {
    const to = 1 + below(count - 1);
    if (children.has(to) || (!userRoots && heap.nodes[to].type !== 'synthetic')) continue;
    children.add(to);
    const type = of(userRoots ? ['element', 'element', 'shortcut', 'internal', 'hidden', 'weak'] : ['element', 'internal']);
    heap.edge(0, type, type === 'element' || type === 'hidden' ? i : `root ${i}`, to);
  }
  for (let i = 1; i < count; i++)
    if (heap.nodes[i].name === 'Object' && chance(0.8)) of(shapes).forEach((name) => chance(0.95) && heap.edge(i, 'property', name, below(count)));
  for (let i = below(count * 4); i > 0; i--) edge(1 + below(count - 1));
  for (let i = below(10); i > 0; i--) heap.location(below(count), below(3), below(4), below(3));
  return heap;
}
