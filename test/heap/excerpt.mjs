/* A small part of a real snapshot, which is a snapshot itself: some nodes, their ways from the root, and all edges between what is kept. */
import { Heap } from './craft.mjs';

/**
 * Keeps who is of one of these classes, every `every`th of the others, a few neighbours of each, and whoever is on the way to them.
 * Nodes stay in their order, and so do edges.
 */
export function excerpt(heap, { classes = [], every = 150, neighbours = 4 } = {}) {
  const { nodes, edges } = heap;
  const parent = new Int32Array(nodes.length).fill(-1);
  const queue = [heap.root];
  parent[heap.root] = heap.root;
  for (let i = 0; i < queue.length; i++)
    for (const { to } of edges[queue[i]])
      if (parent[to] === -1) {
        parent[to] = queue[i];
        queue.push(to);
      }
  const kept = new Set([heap.root]);
  const keep = (node) => {
    while (!kept.has(node) && node !== -1) {
      kept.add(node);
      node = parent[node];
    }
  };
  const wanted = new Set(classes);
  nodes.forEach((node, i) => {
    const ours = wanted.has(node.name) && node.type !== 'string';
    if (!ours && i % every) return;
    keep(i);
    edges[i].slice(0, ours ? 20 : neighbours).forEach(({ to }) => keep(to));
  });
  edges[heap.root].forEach(({ to }) => keep(to));

  const place = new Int32Array(nodes.length).fill(-1);
  /* Scopes (Chromium 150 and later) speak of nodes that are not kept. */
  const meta = Object.fromEntries(Object.entries(heap.meta).filter(([name]) => !name.startsWith('scope_')));
  const small = new Heap({ meta, header: heap.header });
  Object.assign(small, { nodes: [], edges: [], lines: heap.lines });
  nodes.forEach((node, i) => {
    if (!kept.has(i)) return;
    place[i] = small.nodes.length;
    small.nodes.push({ ...node, name: node.name.slice(0, 120) });
    small.edges.push([]);
  });
  edges.forEach((list, i) => kept.has(i) && list.forEach(({ type, name, to }) => kept.has(to) && small.edge(place[i], type, name, place[to])));
  heap.locations.forEach(({ node, script, line, column }) => kept.has(node) && small.location(place[node], script, line, column));
  small.traces = { ...heap.traces };
  if (heap.traces.infos) small.traces.infos = renamed(heap, small);
  small.root = place[heap.root];
  return small;
}

/* Functions of an allocation trace: their names are indexes of strings. */
function renamed(heap, small) {
  const fields = heap.meta.trace_function_info_fields, values = heap.traces.infos.split(',').map(Number);
  const named = new Set([fields.indexOf('name'), fields.indexOf('script_name')]);
  return values.map((value, i) => (named.has(i % fields.length) ? small.string(heap.traces.strings[value]) : value)).join();
}
