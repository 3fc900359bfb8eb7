/* Small heaps made by hand, each for some of DevTools' rules: { NAME: (heap, text) }. What DevTools says of them is in corpus/. */
import { Heap, metaOf } from './craft.mjs';

/* The root's children as V8 has them: (GC roots), and the global object as a user's root. */
function roots(heap) {
  const gc = heap.node('synthetic', '(GC roots)');
  const global = heap.node('object', 'global', { size: 24 });
  heap.edge(0, 'element', 1, gc);
  heap.edge(0, 'shortcut', 'global', global);
  return { gc, global };
}

/* A child of a node: its ordinal. */
function child(heap, from, edge, name, type, text, options) {
  const node = heap.node(type, text, options);
  heap.edge(from, edge, name, node);
  return node;
}

/* A page: a document whose tree is attached, a detached tree that a variable and a listener hold, and what the console holds. */
function page() {
  const heap = new Heap({ major: 24, header: { extra_native_bytes: 4096 } });
  const { gc, global: window } = roots(heap);
  const trees = heap.node('synthetic', '(Document DOM trees)');
  heap.edge(0, 'element', 2, trees);
  const document = child(heap, trees, 'element', 1, 'native', 'HTMLDocument', { size: 400, detachedness: 1 });
  const body = child(heap, document, 'property', 'body', 'native', '<body class="dark wide">', { size: 96 });
  const button = child(heap, body, 'element', 0, 'native', '<button id="go">', { size: 96 });
  const list = child(heap, body, 'element', 1, 'native', '<ul>', { size: 96 });
  heap.edge(list, 'internal', 'parent', body);
  const cache = child(heap, window, 'property', 'cache', 'object', 'Array', { size: 16 });
  const elements = child(heap, cache, 'internal', 'elements', 'array', '(object elements)', { size: 80 });
  for (let i = 0; i < 3; i++) {
    const row = child(heap, cache, 'element', i, 'native', i === 2 ? '<tr>' : '<tr class="odd row">', { size: 120, detachedness: 2 });
    heap.edge(elements, 'internal', String(i), row);
    const cell = child(heap, row, 'element', 0, 'native', '<td colspan="2">', { size: 64 });
    heap.edge(cell, 'internal', 'parentNode', row);
    child(heap, cell, 'internal', 'text', 'native', 'Text', { size: 40 });
    heap.edge(cell, 'weak', 'owner', button);
  }
  const listener = child(heap, button, 'internal', 'listener', 'native', 'V8EventListener', { size: 48 });
  const callback = child(heap, listener, 'element', 1, 'closure', 'onclick', { size: 32 });
  child(heap, callback, 'internal', 'code', 'code', 'onclick', { size: 200 });
  const context = child(heap, callback, 'internal', 'context', 'object', 'system / Context', { size: 40 });
  const old = child(heap, context, 'context', 'old', 'native', '<form action="/">', { size: 300, detachedness: 2 });
  /* What goes by its name has another one when it is detached. */
  child(heap, old, 'internal', 'text', 'native', 'system / ExternalStringData', { size: 7000 });
  child(heap, old, 'internal', 'bytes', 'native', 'system / JSArrayBufferData', { size: 900 });
  child(heap, context, 'internal', 'text', 'native', 'system / ExternalStringData', { size: 5000 });
  child(heap, old, 'internal', 'wrapper', 'object', '<form action="/">', { size: 20 });
  const framework = child(heap, list, 'internal', 'listener', 'native', 'V8EventListener', { size: 48 });
  const wrapper = child(heap, framework, 'element', 1, 'object', 'Handler', { size: 28 });
  const handler = child(heap, wrapper, 'property', 'handle', 'closure', 'handle', { size: 32 });
  child(heap, handler, 'internal', 'code', 'code', 'handle', { size: 120 });
  child(heap, handler, 'context', 'state', 'object', 'State', { size: 1000 });
  const console = child(heap, gc, 'element', 5, 'synthetic', '(Global handles)');
  const shown = child(heap, console, 'internal', '17 / DevTools console', 'object', 'Shown', { size: 500 });
  child(heap, shown, 'property', 'data', 'string', 'shown in the console', { size: 60 });
  /* Not of the page, though it points into it: no edge of the dominator tree. */
  const debuggers = child(heap, gc, 'element', 6, 'hidden', 'system / Debugger', { size: 80 });
  heap.edge(debuggers, 'internal', 'watched', cache);
  child(heap, debuggers, 'internal', 'own', 'native', 'Detached InternalNode', { size: 24 });
  return heap;
}

/* A snapshot from before there was detachedness: the names tell. */
function oldPage() {
  const meta = metaOf(18);
  meta.node_fields = meta.node_fields.filter((field) => field !== 'detachedness');
  meta.node_types.pop();
  delete meta.sample_fields;
  const heap = new Heap({ major: 18, meta });
  const { global } = roots(heap);
  const kept = child(heap, global, 'property', 'kept', 'native', 'Detached HTMLDivElement', { size: 100 });
  child(heap, kept, 'element', 0, 'native', 'Detached <span id="a">', { size: 40 });
  child(heap, kept, 'element', 1, 'native', 'Text', { size: 30 });
  return heap;
}

/* Values of WeakMaps: held by key and table together; the distance is that of the later of the two. */
function weakmaps() {
  const heap = new Heap({ major: 26 });
  const { gc, global } = roots(heap);
  const table = child(heap, global, 'property', 'map', 'object', 'WeakMap', { size: 16 });
  const store = child(heap, table, 'internal', 'table', 'array', '', { size: 200 });
  const far = child(heap, global, 'property', 'far', 'object', 'Far', { size: 8 });
  const farther = child(heap, far, 'property', 'next', 'object', 'Far', { size: 8 });
  const keys = [child(heap, global, 'property', 'key', 'object', 'Key', { size: 8 }), child(heap, farther, 'property', 'key', 'object', 'Key', { size: 8 }), child(heap, gc, 'element', 0, 'object', 'Key', { size: 8 })];
  keys.forEach((key, i) => {
    const value = heap.node('object', 'Value', { size: 100 + i });
    child(heap, value, 'property', 'more', 'string', `value ${i}`, { size: 24 });
    const name = (n) => `${n} / part of key (Key @${heap.nodes[key].id}) -> value (Value @${heap.nodes[value].id}) pair in WeakMap (table @${heap.nodes[store].id})`;
    heap.edge(key, 'internal', name(1), value);
    heap.edge(store, 'internal', name(i + 2), value);
    heap.edge(store, 'weak', String(i), key);
  });
  /* Almost such names, which are none. */
  const other = child(heap, store, 'internal', `x / part of key (Key @1) -> value (Value @2) pair in WeakMap (table @${heap.nodes[store].id})`, 'object', 'Other', { size: 64 });
  heap.edge(store, 'internal', `3 / part of key (Key @1) -> value (Value @2) pair in WeakMap (table @${heap.nodes[store].id}) `, other);
  const value = child(heap, store, 'property', `3 / part of key (Key @1) -> value (Value @2) pair in WeakMap (table @${heap.nodes[store].id})`, 'object', 'Other', { size: 65 });
  heap.edge(value, 'internal', `4 / part of key (a (b @7) @1) -> value (c -> d @2) pair in WeakMap (table @${heap.nodes[value].id})`, other);
  return heap;
}

/* With exposed internals there is no user's root, and sizes stay where they are. */
function internals() {
  const heap = new Heap({ major: 22 });
  const gc = heap.node('synthetic', '(GC roots)');
  heap.edge(0, 'element', 1, gc);
  const strong = child(heap, gc, 'element', 0, 'synthetic', '(Strong roots)');
  const map = child(heap, strong, 'internal', 'map', 'object shape', 'system / Map', { size: 80 });
  child(heap, map, 'internal', 'descriptors', 'array', '(map descriptors)', { size: 48 });
  const list = child(heap, strong, 'element', 3, 'object', 'Array', { size: 16 });
  child(heap, list, 'internal', 'elements', 'array', '(object elements)', { size: 160 });
  child(heap, list, 'hidden', 3, 'hidden', 'system / Cell', { size: 24 });
  return heap;
}

/* Plain objects get the name of what most of them look like. */
function interfaces() {
  const heap = new Heap({ major: 22 });
  const { global } = roots(heap);
  const value = child(heap, global, 'property', 'value', 'number', 'heap number', { size: 16 });
  const all = child(heap, global, 'property', 'all', 'object', 'Array', { size: 16 });
  let count = 0;
  const objects = (times, ...properties) => {
    for (let i = 0; i < times; i++) {
      const object = child(heap, all, 'element', count++, 'object', 'Object', { size: 12 + 4 * properties.length });
      properties.forEach((name) => heap.edge(object, 'property', name, value));
      heap.edge(object, 'internal', 'map', value);
    }
  };
  objects(5, 'id', 'name');
  objects(5, 'name', 'id');
  objects(3, 'id', 'name', 'mail');
  objects(1, 'id', 'name', 'mail', 'phone');
  objects(1, 'alone');
  objects(2);
  objects(2, '__proto__');
  objects(2, '__proto__', 'id', 'only');
  objects(2, 'x'.repeat(200), 'never shown');
  objects(2, 'a'.repeat(60), 'b'.repeat(59), 'c');
  objects(2, 'a'.repeat(61), 'b'.repeat(59), 'c');
  objects(2, 'with, comma', 'with "quotes"', '{', '}', '\u00e4\u{1f600}\n');
  objects(3, '\u{1f600}', '\uffee');
  objects(2, '10', '9', '');
  objects(2, 'Object');
  objects(1, 'only', 'id');
  /* A property without a name does not show at the beginning: these are of one interface, the first's. */
  objects(2, '', '', 'blank');
  objects(3, 'blank');
  objects(1, '', 'blank');
  objects(2, 'late', '', 'blank');
  objects(2, '', '');
  return heap;
}

/* Hidden nodes and arrays belong to whom alone has them. */
function owners() {
  const heap = new Heap({ major: 20 });
  const { gc, global } = roots(heap);
  const a = child(heap, global, 'property', 'a', 'object', 'A', { size: 100 });
  const b = child(heap, global, 'property', 'b', 'object', 'B', { size: 200 });
  const store = child(heap, a, 'internal', 'properties', 'array', '(object properties)', { size: 1000 });
  const cell = child(heap, store, 'hidden', 1, 'hidden', 'system / PropertyCell', { size: 10 });
  child(heap, cell, 'weak', 'next', 'hidden', 'system / Weak', { size: 7 });
  heap.edge(cell, 'internal', 'back', store);
  const both = child(heap, a, 'internal', 'shared', 'array', '(shared)', { size: 500 });
  heap.edge(b, 'internal', 'shared', both);
  const below = child(heap, both, 'hidden', 1, 'hidden', 'system / Below', { size: 5 });
  child(heap, below, 'hidden', 1, 'hidden', 'system / Deep', { size: 3 });
  const synthetic = child(heap, gc, 'element', 1, 'hidden', 'system / OfRoots', { size: 11 });
  child(heap, synthetic, 'hidden', 1, 'array', '(of roots)', { size: 13 });
  child(heap, b, 'internal', 'external', 'native', 'system / ExternalStringData', { size: 4000 });
  child(heap, b, 'internal', 'native', 'native', 'system / JSArrayBufferData', { size: 300 });
  heap.node('hidden', 'system / Nobody', { size: 17 });
  /* Two ways to the same owner. */
  const twice = child(heap, b, 'internal', 'one', 'array', '(twice)', { size: 77 });
  heap.edge(child(heap, b, 'internal', 'two', 'hidden', 'system / Way', { size: 1 }), 'internal', 'too', twice);
  return heap;
}

/* Edges that count for no distance, and nodes that only the roots reach. */
function distances() {
  const heap = new Heap({ major: 24 });
  const { gc, global } = roots(heap);
  const native = child(heap, global, 'internal', 'native_context', 'hidden', 'system / NativeContext', { size: 40 });
  const map = child(heap, native, 'internal', 'sloppy_function_map', 'object shape', 'system / Map', { size: 80 });
  const descriptors = child(heap, map, 'internal', 'descriptors', 'array', '(map descriptors)', { size: 80 });
  for (let i = 0; i < 9; i++) child(heap, descriptors, i === 7 ? 'internal' : 'element', i === 7 ? '7' : i, 'string', `descriptor ${i}`, { size: 16 });
  child(heap, descriptors, 'internal', 'map', 'hidden', 'system / Map', { size: 8 });
  heap.edge(gc, 'element', 3, map);
  child(heap, gc, 'element', 4, 'object', 'OfRoots', { size: 32 });
  const other = child(heap, 0, 'hidden', 9, 'object', 'Another', { size: 8 });
  child(heap, other, 'weak', 'w', 'object', 'Weak', { size: 8 });
  return heap;
}

/* What no root reaches: chains, rings, what only weak edges hold. */
function islands() {
  const heap = new Heap({ major: 22 });
  const { global } = roots(heap);
  const island = (size) => heap.node('object', 'Island', { size });
  const [a, b, c] = [island(1), island(2), island(4)];
  heap.edge(a, 'property', 'b', b);
  heap.edge(b, 'property', 'c', c);
  const ring = [island(8), island(16), island(32)];
  ring.forEach((node, i) => heap.edge(node, 'property', 'next', ring[(i + 1) % 3]));
  heap.edge(ring[1], 'property', 'out', c);
  const weak = island(64);
  heap.edge(global, 'weak', 'cache', weak);
  heap.edge(weak, 'property', 'self', weak);
  heap.edge(weak, 'property', 'kept', child(heap, weak, 'property', 'other', 'string', 'text', { size: 20 }));
  heap.edge(island(128), 'shortcut', 'global', global);
  return heap;
}

/* Equal strings, joined strings, strings that were cut. */
function strings() {
  const heap = new Heap({ major: 22 });
  const { global } = roots(heap);
  const all = child(heap, global, 'property', 'all', 'object', 'Array', { size: 16 });
  let count = 0;
  const string = (text, size, type = 'string') => child(heap, all, 'element', count++, type, text, { size });
  const joined = (first, second, size) => {
    const node = string('(concatenated string)', size, 'concatenated string');
    heap.edge(node, 'internal', 'first', first);
    heap.edge(node, 'internal', 'second', second);
    return node;
  };
  const hello = string('hello', 24), world = string(' world', 24), empty = string('', 16);
  string('hello', 24);
  string('hello world', 32);
  const both = joined(hello, world, 20);
  joined(both, both, 20);
  joined(joined(hello, world, 20), string('hello world', 32), 20);
  joined(both, empty, 20); /* flat */
  string('42', 0);
  string('42', 0);
  ['\u00e4\u{1f600}', '\u00e4\u{1f600}', '\ud800', '\ud800', 'line\nline\t"quoted" \\', 'line\nline\t"quoted" \\', '\u0000', '\u0000'].forEach((text) => string(text, 20));
  let long = string('ten chars ', 24);
  for (let i = 0; i < 8; i++) long = joined(long, long, 20); /* 2560 characters, of which 1024 are looked at */
  const truth = heap.node('number', 'bool');
  heap.edge(truth, 'internal', 'value', heap.node('string', 'true'));
  const cut = (length, hash) => {
    const node = string('x'.repeat(100), length + 16);
    const number = (value) => {
      const it = heap.node('number', 'int');
      heap.edge(it, 'internal', 'value', heap.node('string', String(value)));
      return it;
    };
    heap.edge(node, 'internal', 'truncated', truth);
    heap.edge(node, 'internal', 'length', number(length));
    heap.edge(node, 'internal', 'hash', number(hash));
  };
  cut(5000, 1);
  cut(5000, 1);
  cut(5000, 2);
  cut(6000, 1);
  string('x'.repeat(100), 116);
  string('slice', 20, 'sliced string');
  string('slice', 20, 'sliced string');
  return heap;
}

/* Arrays with elements of their own and with shared ones; code, typed arrays, native memory. */
function statistics() {
  const heap = new Heap({ major: 24, header: { extra_native_bytes: 123456789 } });
  const { global } = roots(heap);
  const shared = heap.node('array', '(object elements)', { size: 640 });
  for (const own of [true, false, false]) {
    const array = child(heap, global, 'property', 'list', 'object', 'Array', { size: 16 });
    if (own) child(heap, array, 'internal', 'elements', 'array', '(object elements)', { size: 320 });
    else heap.edge(array, 'internal', 'elements', shared);
    heap.edge(array, 'internal', 'map', shared);
  }
  child(heap, global, 'property', 'a', 'closure', 'Array', { size: 64 });
  const buffer = child(heap, global, 'property', 'b', 'object', 'ArrayBuffer', { size: 88 });
  child(heap, buffer, 'internal', 'backing_store', 'native', 'system / JSArrayBufferData', { size: 65536 });
  child(heap, global, 'property', 'c', 'code', '(bytecode)', { size: 500 });
  child(heap, global, 'property', 'd', 'hidden', 'system / Thing', { size: 60 });
  child(heap, global, 'property', 'big', 'bigint', 'bigint', { size: 32 });
  child(heap, global, 'property', 'sym', 'symbol', 'iterator', { size: 16 });
  child(heap, global, 'property', 're', 'regexp', '/x/', { size: 56 });
  return heap;
}

/* Classes of one name from several scripts; one inside another. */
function locations() {
  const heap = new Heap({ major: 22 });
  const { global } = roots(heap);
  const tree = child(heap, global, 'property', 'tree', 'object', 'Tree', { size: 10 });
  heap.location(tree, 7, 3, 4);
  let at = tree;
  for (let i = 0; i < 4; i++) {
    at = child(heap, at, 'property', 'left', 'object', 'Tree', { size: 10 });
    if (i % 2) heap.location(at, 7, 3, 4);
    else heap.location(at, 8, 0, 0);
    child(heap, at, 'property', 'other', 'object', 'Tree', { size: 5 });
    heap.location(child(heap, at, 'property', 'f', 'closure', `f${i}`, { size: 30 }), 8, i, 1);
  }
  child(heap, at, 'property', 'hollow', 'object', 'Tree', { size: 0 });
  return heap;
}

/* Fields in another order, some that nobody knows, the root at the end, blanks between numbers. */
function layout() {
  const meta = metaOf(22);
  meta.node_fields = ['name', 'edge_count', 'novelty', 'self_size', 'detachedness', 'type', 'id'];
  meta.node_types = ['string', 'number', 'number', 'number', 'number', meta.node_types[0], 'number'];
  meta.edge_fields = ['to_node', 'type', 'novelty', 'name_or_index'];
  meta.edge_types = ['node', meta.edge_types[0], 'number', 'string_or_number'];
  meta.location_fields = ['column', 'line', 'script_id', 'object_index', 'novelty'];
  const heap = new Heap({ major: 22, meta });
  heap.nodes[0] = { ...heap.nodes[0], type: 'object', name: 'First', id: 99, self_size: 7 };
  const a = heap.node('object', 'A', { size: 10, id: 4294967295 });
  const global = heap.node('object', 'global', { size: 24 });
  const gc = heap.node('synthetic', '(GC roots)');
  const root = heap.node('synthetic', '', { id: 1 });
  heap.edge(root, 'shortcut', 'global', global);
  heap.edge(root, 'element', 1, gc);
  heap.edge(global, 'property', 'a', a);
  heap.edge(a, 'property', 'first', 0);
  heap.location(a, 1, 2, 3);
  return [heap, heap.text({ root, spaces: true })];
}

const all = { page, 'old-page': oldPage, weakmaps, internals, interfaces, owners, distances, islands, strings, statistics, locations, layout };

export const crafted = Object.fromEntries(Object.entries(all).map(([name, make]) => {
  const made = make();
  return [name, Array.isArray(made) ? made[1] : made.text()];
}));
