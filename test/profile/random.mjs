/* Random CPU profiles, small and odd: the same seed makes the same. What writers of profiles differ in is met often: ids out of order, parents
 * instead of children, hit counts or samples only, samples of nodes that are not there, time that goes backwards, nodes of V8's own, recursion,
 * functions of one name, and the older form, which is a tree. */
import { random } from '../heap/random.mjs';

const NAMES = ['handle', 'render', 'a', '', '(anonymous)', 'get x', 'f\u00e4\u{1f600}', 'quote"\\', 'Object.<anonymous>'];
const URLS = ['file:///srv/app/server.js', '/srv/app/lib/db.js', '/srv/app/node_modules/express/lib/router.js', 'node:internal/fs', '', '/srv/app/node_modules/@s/p/i.js'];
const META = ['(program)', '(idle)', '(garbage collector)'];

const frame = (r) => {
  const url = r.of(URLS), nowhere = r.chance(0.1);
  return { functionName: r.of(NAMES), scriptId: String(URLS.indexOf(url)), url, lineNumber: nowhere ? -1 : r.below(4), columnNumber: nowhere ? -1 : r.below(3) };
};

const meta = (functionName) => ({ functionName, scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 });

/* A tree of calls: { id, callFrame, hits, children }. */
function tree(r) {
  const ids = Array.from({ length: 200 }, (_, i) => i + 1).sort(() => r.next() - 0.5);
  const nodes = [];
  const make = (callFrame, hits) => {
    const node = { id: ids.pop(), callFrame, hits, children: [] };
    nodes.push(node);
    return node;
  };
  const root = make(meta('(root)'), r.chance(0.2) ? r.below(5) : 0);
  for (const name of META) if (r.chance(0.7)) root.children.push(make(meta(name), r.below(30)));
  for (let left = 1 + r.below(60); left > 0; left--) {
    const parent = r.chance(0.3) ? root : r.of(nodes);
    if (META.includes(parent.callFrame.functionName)) continue;
    /* Recursion, often. */
    parent.children.push(make(parent !== root && r.chance(0.3) ? parent.callFrame : frame(r), r.chance(0.4) ? 0 : r.below(20)));
  }
  return { root, nodes };
}

/* Samples in an order of chance, as many as there are hits, and some of nodes that are not there. */
function samplesOf(r, nodes, strange) {
  const samples = nodes.flatMap(({ id, hits }) => Array(hits).fill(id));
  for (let i = samples.length - 1; i > 0; i--) {
    const j = r.below(i + 1);
    [samples[i], samples[j]] = [samples[j], samples[i]];
  }
  if (strange && r.chance(0.3)) samples.push(777, 888);
  return samples;
}

const ticksOf = (r, hits) => (hits && r.chance(0.5) ? [{ line: 1 + r.below(9), ticks: hits }] : undefined);

function oldForm(r, root) {
  const nodeOf = ({ id, callFrame: { functionName, scriptId, url, lineNumber, columnNumber }, hits, children }) =>
    ({ functionName, scriptId, url, lineNumber: lineNumber + 1, columnNumber: columnNumber + 1, id, hitCount: hits, children: children.map(nodeOf) });
  return { typeId: 'CPU', uid: '1', title: 'old', head: nodeOf(root), startTime: 100, endTime: 100 + r.below(50) };
}

/** A profile, as an object to be written as JSON. */
export function randomProfile(seed) {
  const r = random(seed);
  const { root, nodes } = tree(r);
  if (!nodes.some(({ hits }) => hits)) root.hits = 1;
  if (r.chance(0.15)) return oldForm(r, root);
  const counts = r.chance(0.7), parents = r.chance(0.2);
  const order = [root, ...(r.chance(0.5) ? nodes.slice(1).sort(() => r.next() - 0.5) : nodes.slice(1))];
  const parentOf = new Map(nodes.flatMap((node) => node.children.map((child) => [child, node.id])));
  const written = order.map((node) => ({
    id: node.id, callFrame: node.callFrame,
    ...(counts && { hitCount: node.hits }),
    ...(parents ? parentOf.has(node) && { parent: parentOf.get(node) } : (node === root || node.children.length || r.chance(0.5)) && { children: node.children.map(({ id }) => id) }),
    positionTicks: ticksOf(r, node.hits),
    ...(r.chance(0.1) && { deoptReason: 'no reason' }),
  }));
  const samples = counts && r.chance(0.3) ? undefined : samplesOf(r, nodes, !counts);
  const startTime = r.below(1e9), endTime = startTime + r.below(1e7);
  const timeDeltas = samples && r.chance(0.8) ? samples.map(() => r.below(2000) - (r.chance(0.1) ? 3000 : 0)) : undefined;
  const parts = Object.entries({ nodes: written, startTime, endTime, samples, timeDeltas });
  return Object.fromEntries(r.chance(0.3) ? parts.reverse() : parts);
}
