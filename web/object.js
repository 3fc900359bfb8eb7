// object.js -- one object: sizes, why it is still there, what it refers to, what refers to it

import { get } from './api.js';
import { h } from './dom.js';
import * as format from './format.js';
import { tree } from './tree.js';
import { link, objectLink } from './views.js';

function facts(object, file, total) {
  const fact = (name, ...value) => [h('dt', {}, name), h('dd', {}, value)];
  const exact = (bytes) => `${format.bytes(bytes)} (${format.count(bytes)} bytes, ${format.percent(bytes, total)})`;
  return h('dl', {},
    fact('Class', h('a', { href: link('class', { file, class: String(object.class_id) }) }, object.class)),
    fact('Retained', exact(object.retained_bytes)),
    fact('Shallow', exact(object.shallow_bytes)),
    fact('Distance', format.distance(object.distance)),
    object.place && fact('Declared in', h('code', {}, format.place(object.place))),
    object.dominator && fact('Held by', objectLink(object.dominator, file)),
    object.type === 'string' && fact('Text', h('code', { class: 'text' }, object.text)));
}

function path(answer, file) {
  if (!answer.rows.length) return h('p', {}, 'Nothing but weak references leads to it: it is garbage, or V8’s own.');
  return h('ol', { class: 'path' },
    answer.complete ? h('li', {}, objectLink(answer.from, file)) : h('li', { class: 'note' }, '… (its beginning is left out)'),
    answer.rows.map((row) => h('li', {}, h('span', { class: 'edge' }, format.edge(row.edge)), ' ', objectLink(row, file), row.place && h('span', { class: 'note' }, ` ${format.place(row.place)}`))));
}

const treeOf = (title, page, field, { file, node }, go) => tree({
  title,
  load: (row, offset, limit) => get(page, { file, node: row ? row.node : node, offset, limit }),
  size: (row) => row[field],
  key: (row) => row?.node ?? node,
  open: (row) => go(link('object', { file, node: row.node })),
  line: (row) => [
    h('span', { class: 'edge' }, format.edge(row.edge)), ' ',
    h('a', { href: link('object', { file, node: row.node }), tabindex: '-1' }, format.label(row), ' ', h('span', { class: 'id' }, `@${row.id}`)),
    h('span', { class: 'numbers' }, page === 'retainers' ? `distance ${format.distance(row.distance)}` : format.bytes(row.retained_bytes)),
  ],
});

export async function objectView(params, go, files) {
  const { file } = params;
  const object = await get('object', params);
  const at = { file, node: object.node };
  const way = await get('path', at);
  const part = (title, hint, content) => h('section', { class: 'part' }, h('h3', {}, title), h('p', { class: 'note' }, hint), content);
  return [
    h('h2', {}, format.label(object), ' ', h('span', { class: 'id' }, `@${object.id}`)),
    h('p', { class: 'facts' }, h('a', { href: link('map', at) }, 'show in the map')),
    facts(object, file, files[file].total_bytes),
    part('Why it is still there', 'A shortest way from the roots down to it.', path(way, file)),
    h('div', { class: 'parts' },
      part('Fields', 'What it refers to, the largest first. Arrow keys open and close, Enter goes there.', treeOf('Fields', 'fields', 'fields', at, go)),
      part('Retainers', 'What refers to it, the nearest to the roots first.', treeOf('Retainers', 'retainers', 'retainers', at, go))),
  ];
}
