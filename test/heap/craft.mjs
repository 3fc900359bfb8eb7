/* Heap snapshots made by hand, node by node, in the form of any V8. */

const NODE_TYPES = ['hidden', 'array', 'string', 'object', 'code', 'closure', 'regexp', 'number', 'native', 'synthetic', 'concatenated string', 'sliced string',
  'symbol', 'bigint', 'object shape'];
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'hidden', 'shortcut', 'weak'];

/** What a snapshot says of itself, as a Node of this major version writes it. */
export function metaOf(major) {
  const traced = major < 24;
  return {
    node_fields: ['type', 'name', 'id', 'self_size', 'edge_count', ...(traced ? ['trace_node_id'] : []), 'detachedness'],
    node_types: [NODE_TYPES.slice(0, major < 20 ? 14 : 15), 'string', 'number', 'number', 'number', 'number', ...(major < 26 ? ['number'] : [])],
    edge_fields: ['type', 'name_or_index', 'to_node'],
    edge_types: [EDGE_TYPES, 'string_or_number', 'node'],
    trace_function_info_fields: ['function_id', 'name', 'script_name', 'script_id', 'line', 'column'],
    trace_node_fields: ['id', 'function_info_index', 'count', 'size', 'children'],
    sample_fields: ['timestamp_us', 'last_assigned_id'],
    location_fields: ['object_index', 'script_id', 'line', 'column'],
  };
}

/** A heap under construction. Node 0 is the root; nodes are named by their ordinals. */
export class Heap {
  constructor({ major = 22, meta = metaOf(major), header = major < 24 ? {} : { extra_native_bytes: 0 } } = {}) {
    Object.assign(this, { meta, header, lines: major < 24, strings: ['<dummy>'], indexes: new Map(), nodes: [], edges: [], locations: [], traces: {} });
    this.node('synthetic', '');
  }

  string(text) {
    let index = this.indexes.get(text);
    if (index === undefined) {
      this.indexes.set(text, (index = this.strings.length));
      this.strings.push(text);
    }
    return index;
  }

  /** Its ordinal. Ids are odd and grow, as V8's do, unless one is given. */
  node(type, name, { size = 0, id = this.nodes.length * 2 + 1, detachedness = 0, trace = 0 } = {}) {
    this.nodes.push({ type, name, id, self_size: size, trace_node_id: trace, detachedness });
    this.edges.push([]);
    return this.nodes.length - 1;
  }

  /** Elements and hidden edges have a number for a name. */
  edge(from, type, name, to) {
    this.edges[from].push({ type, name, to });
  }

  location(node, script, line, column) {
    this.locations.push({ node, script, line, column });
  }

  /** The file. `root`: the root's ordinal, written only when it is not 0. */
  text({ root = 0, spaces = false } = {}) {
    const { meta } = this;
    const types = meta.node_types[meta.node_fields.indexOf('type')], edgeTypes = meta.edge_types[meta.edge_fields.indexOf('type')];
    const width = meta.node_fields.length;
    const row = (fields, value) => fields.map((field) => value[field] ?? 0).join(spaces ? ' , ' : ',');
    const typeOf = (list, name) => {
      if (!list.includes(name)) throw new Error(`no type ${name}`);
      return list.indexOf(name);
    };
    const nodes = this.nodes.map((node, i) => row(meta.node_fields, { ...node, type: typeOf(types, node.type), name: this.string(node.name), edge_count: this.edges[i].length }));
    const edges = this.edges.flat().map(({ type, name, to }) =>
      row(meta.edge_fields, { type: typeOf(edgeTypes, type), name_or_index: typeof name === 'number' ? name : this.string(name), to_node: to * width }));
    const locations = this.locations.map(({ node, script, line, column }) => row(meta.location_fields, { object_index: node * width, script_id: script, line, column }));
    const between = this.lines ? '\n,' : ',';
    const header = { meta, node_count: nodes.length, edge_count: edges.length, trace_function_count: 0, ...this.header, ...(root && { root_index: root * width }) };
    const parts = [`"snapshot":${JSON.stringify(header)}`, `"nodes":[${nodes.join(between)}]`, `"edges":[${edges.join(between)}]`,
      `"trace_function_infos":[${this.traces.infos ?? ''}]`, `"trace_tree":[${this.traces.tree ?? ''}]`];
    if (meta.sample_fields) parts.push(`"samples":[${this.traces.samples ?? ''}]`);
    if (meta.location_fields) parts.push(`"locations":[${locations.join(between)}]`);
    /* V8 writes what is not ASCII as \\u and four digits. */
    const strings = this.strings.map((s) => JSON.stringify(s).replace(/[\x7f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`));
    parts.push(`"strings":[${strings.join(this.lines ? ',\n' : ',')}]`);
    return `{${parts.join(',\n')}}\n`;
  }
}

/** A snapshot's text as a Heap, to be changed and written again. */
export function parse(text) {
  const { snapshot, nodes, edges, locations = [], samples = [], trace_function_infos, trace_tree, strings } = JSON.parse(text);
  const { meta, node_count, edge_count, root_index, ...header } = snapshot;
  const heap = new Heap({ meta, header });
  Object.assign(heap, { nodes: [], edges: [], strings: ['<dummy>'], indexes: new Map(), lines: /"nodes":\[[\d,]+\n/.test(text) });
  const fields = meta.node_fields, types = meta.node_types[fields.indexOf('type')];
  const edgeFields = meta.edge_fields, edgeTypes = meta.edge_types[edgeFields.indexOf('type')];
  const numbered = new Set(['element', 'hidden']);
  for (let i = 0, e = 0; i < nodes.length; i += fields.length) {
    const node = Object.fromEntries(fields.map((field, k) => [field, nodes[i + k]]));
    const list = [];
    for (let k = 0; k < node.edge_count; k++, e += edgeFields.length) {
      const edge = Object.fromEntries(edgeFields.map((field, j) => [field, edges[e + j]]));
      const type = edgeTypes[edge.type];
      list.push({ type, name: numbered.has(type) ? edge.name_or_index : strings[edge.name_or_index], to: edge.to_node / fields.length });
    }
    heap.nodes.push({ ...node, type: types[node.type], name: strings[node.name] });
    heap.edges.push(list);
  }
  const width = (meta.location_fields ?? []).length;
  for (let i = 0; i < locations.length; i += width) {
    const it = Object.fromEntries(meta.location_fields.map((field, k) => [field, locations[i + k]]));
    heap.location(it.object_index / fields.length, it.script_id, it.line, it.column);
  }
  heap.traces = { infos: trace_function_infos?.join() ?? '', tree: JSON.stringify(trace_tree ?? []).slice(1, -1), samples: samples.join(), strings };
  heap.root = (root_index ?? 0) / fields.length;
  return heap;
}
