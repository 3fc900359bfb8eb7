// views.js -- the map, the classes, and the objects of a class

import { get } from './api.js';
import { h } from './dom.js';
import * as format from './format.js';
import { table } from './table.js';
import { treemap } from './treemap.js';

/** The address of a view: link('object', { file: 0, node: 12 }). */
export function link(view, params = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value));
  return `#${view}${query.size ? `?${query}` : ''}`;
}

const size = (bytes) => h('span', { title: `${format.count(bytes)} bytes` }, format.bytes(bytes));

/** A bar behind a share: how much of all it is. */
export function share(bytes, total) {
  const part = total ? Math.min(1, bytes / total) : 0;
  return h('span', { class: 'share', style: { backgroundSize: `${100 * part}% 100%` } }, format.percent(bytes, total));
}

export function objectLink(row, file) {
  return h('a', { href: link('object', { file, node: row.node }) }, format.label(row), ' ', h('span', { class: 'id' }, `@${row.id}`));
}

/* ---- map ---- */

const countOf = (group) => `${format.count(group.count)} × ${group.class}`;

function tilesOf(answer, file) {
  const { retained_bytes: total } = answer;
  const tile = (row) => ({
    label: format.titled(row), bytes: row.retained_bytes, size: format.bytes(row.retained_bytes), kind: format.kind(row),
    href: link(row.fields ? 'map' : 'object', { file, node: row.node }),
    name: `${format.titled(row)} ${format.bytes(row.retained_bytes)}, ${format.percent(row.retained_bytes, total)}, @${row.id}`,
    tiles: row.children?.map(tile),
  });
  const group = (one) => ({
    label: countOf(one), bytes: one.retained_bytes, size: format.bytes(one.retained_bytes), kind: format.kind(one),
    href: link('class', { file, class: String(one.class_id) }),
    name: `${countOf(one)} ${format.bytes(one.retained_bytes)} together, ${format.percent(one.retained_bytes, total)}`,
  });
  const own = answer.shallow_bytes && { label: 'itself', bytes: answer.shallow_bytes, size: format.bytes(answer.shallow_bytes), kind: 'other', href: link('object', { file, node: answer.node }), name: `itself ${format.bytes(answer.shallow_bytes)}` };
  return [...answer.children.map(tile), ...answer.groups.map(group), ...(own ? [own] : [])].sort((a, b) => b.bytes - a.bytes);
}

function crumbs(answer, file) {
  const part = (row) => h('li', {}, h('a', { href: link('map', { file, node: row.node }) }, format.label(row)));
  return h('nav', { 'aria-label': 'Held by' }, h('ol', { class: 'crumbs' },
    !answer.ancestors_complete && h('li', {}, h('a', { href: link('map', { file }) }, '(root)')), !answer.ancestors_complete && h('li', {}, '…'),
    answer.ancestors.map(part), h('li', { 'aria-current': 'page' }, format.label(answer), ' ', h('span', { class: 'id' }, `@${answer.id}`))));
}

function listed(answer, file) {
  const line = (name, row) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'right' }, size(row.retained_bytes)), h('td', { class: 'right' }, share(row.retained_bytes, answer.retained_bytes)));
  const rows = [
    ...answer.children.map((row) => ({ row, name: [h('a', { href: link('map', { file, node: row.node }) }, format.titled(row)), ' ', h('span', { class: 'id' }, `@${row.id}`)] })),
    ...answer.groups.map((row) => ({ row, name: h('a', { href: link('class', { file, class: String(row.class_id) }) }, countOf(row)) })),
  ].sort((a, b) => b.row.retained_bytes - a.row.retained_bytes);
  if (answer.rest.count) rows.push({ row: answer.rest, name: `${format.count(answer.rest.count)} more` });
  if (!rows.length) return h('p', {}, 'It holds nothing but itself.');
  return h('div', { class: 'table' }, h('table', {}, h('caption', {}, 'What it holds'),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Object'), h('th', { scope: 'col', class: 'right' }, 'Retained'), h('th', { scope: 'col', class: 'right' }, 'Share'))),
    h('tbody', {}, rows.map(({ name, row }) => line(name, row)))));
}

export async function mapView({ file, node }, go) {
  const answer = await get('treemap', { file, node });
  const parent = answer.ancestors.at(-1);
  const up = () => parent && go(link('map', { file, node: parent.node }));
  return [
    h('h2', {}, 'What holds the memory'),
    crumbs(answer, file),
    h('p', { class: 'facts' }, `${format.bytes(answer.retained_bytes)} held, `, h('a', { href: link('object', { file, node: answer.node }) }, 'details of this object')),
    treemap({ title: 'Memory by what holds it. Arrow keys move, Enter goes in, Escape goes out', tiles: tilesOf(answer, file), up }),
    listed(answer, file),
  ];
}

/* ---- classes ---- */

const script = (row) => row.script && h('span', { class: 'note', title: `script ${row.script}, line ${row.line}, column ${row.column}` }, ` line ${row.line}`);

export async function classesView({ file }, go, files) {
  const { total_bytes: total } = files[file];
  const filter = h('input', { type: 'search', 'aria-label': 'Filter classes by name', placeholder: 'Filter by name', autocomplete: 'off', maxlength: '100' });
  const columns = [
    { title: 'Class', sort: 'class', ascending: true, cell: (row) => [h('a', { href: link('class', { file, class: String(row.class_id) }) }, row.class), script(row)] },
    { title: 'Count', sort: 'count', right: true, cell: (row) => format.count(row.count) },
    { title: 'Shallow', sort: 'shallow', right: true, drop: true, cell: (row) => size(row.shallow_bytes) },
    { title: 'Retained', sort: 'retained', right: true, cell: (row) => size(row.retained_bytes) },
    { title: 'Share', right: true, cell: (row) => share(row.retained_bytes, total) },
    { title: 'Distance', sort: 'distance', ascending: true, right: true, drop: true, cell: (row) => format.distance(row.distance) },
  ];
  const list = table({ caption: 'Classes', columns, sort: 'retained', what: 'classes', load: (range) => get('classes', { file, filter: filter.value.trim(), ...range }) });
  let timer;
  filter.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(list.reload, 120);
  });
  await list.reload();
  return [h('h2', {}, 'Classes'), h('p', {}, filter), list.element];
}

export async function classView({ file, class: number }) {
  const params = { file, class: number };
  const head = await get('objects', { ...params, limit: 0 });
  const columns = [
    { title: 'Object', cell: (row) => objectLink(row, file) },
    { title: 'Shallow', sort: 'shallow', right: true, drop: true, cell: (row) => size(row.shallow_bytes) },
    { title: 'Retained', sort: 'retained', right: true, cell: (row) => size(row.retained_bytes) },
    { title: 'Share', right: true, cell: (row) => share(row.retained_bytes, head.retained_bytes) },
    { title: 'Distance', sort: 'distance', ascending: true, right: true, drop: true, cell: (row) => format.distance(row.distance) },
  ];
  const list = table({ caption: `Objects of class ${head.class}`, columns, sort: 'retained', what: 'objects', load: (range) => get('objects', { ...params, ...range }) });
  await list.reload();
  return [
    h('h2', {}, head.class),
    h('p', { class: 'facts' }, `${format.count(head.count)} objects, ${format.bytes(head.shallow_bytes)} themselves, ${format.bytes(head.retained_bytes)} with what they hold`),
    list.element,
  ];
}

/* ---- two files ---- */

const growth = (bytes) => h('span', { class: bytes > 0 ? 'plus' : undefined, title: `${format.count(bytes)} bytes` }, format.signedBytes(bytes));

function clusters(list) {
  if (!list.length) return undefined;
  const head = ['Held by', 'What', 'New', 'Gone', 'Growth'].map((title, i) => h('th', { scope: 'col', class: i > 1 ? 'right' : undefined }, title));
  return h('div', { class: 'table' }, h('table', {}, h('caption', {}, 'Where it grew'), h('thead', {}, h('tr', {}, head)),
    h('tbody', {}, list.map((one) => h('tr', {}, h('th', { scope: 'row' }, objectLink(one.holder, 1)), h('td', {}, one.class ?? 'its own size'),
      h('td', { class: 'right' }, format.count(one.added)), h('td', { class: 'right' }, format.count(one.removed)), h('td', { class: 'right' }, growth(one.growth_bytes)))))));
}

export async function diffView(params, go, files) {
  const filter = h('input', { type: 'search', 'aria-label': 'Filter classes by name', placeholder: 'Filter by name', autocomplete: 'off', maxlength: '100' });
  const head = await get('diff', { limit: 0 });
  const name = (row) => row.class_id !== undefined ? h('a', { href: link('class', { file: 1, class: String(row.class_id) }) }, row.class)
    : h('a', { href: link('class', { class: String(row.class_id_before) }) }, row.class);
  const columns = [
    { title: 'Class', sort: 'class', ascending: true, cell: name },
    { title: 'New', sort: 'added', right: true, cell: (row) => format.count(row.added) },
    { title: 'Gone', sort: 'removed', right: true, cell: (row) => format.count(row.removed) },
    { title: 'In all', right: true, drop: true, cell: (row) => format.count(row.count) },
    { title: 'Growth', sort: 'growth', right: true, cell: (row) => growth(row.growth_bytes) },
    { title: 'Retained', sort: 'retained', right: true, drop: true, cell: (row) => growth(row.retained_growth_bytes) },
  ];
  const list = table({ caption: 'By class', columns, sort: 'growth', what: 'classes', load: (range) => get('diff', { filter: filter.value.trim(), ...range }) });
  let timer;
  filter.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(list.reload, 120);
  });
  await list.reload();
  return [
    h('h2', {}, 'What has changed'),
    h('p', { class: 'facts' }, `From ${files[0].name} to ${files[1].name}: ${format.signedBytes(head.growth_bytes)}`),
    !head.same_process && h('p', { class: 'problem', role: 'note' }, 'These do not look like two snapshots of one process: objects are new and gone that only have other ids.'),
    clusters(head.clusters), h('p', {}, filter), list.element,
  ];
}
