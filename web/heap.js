// heap.js -- the page of `fettle heap view`: which view the address asks for, and what stands around it

import { get } from './api.js';
import { h, say } from './dom.js';
import * as format from './format.js';
import { objectView } from './object.js';
import { classView, classesView, diffView, link, mapView } from './views.js';

const PING_MS = 30000;
const VIEWS = { map: { title: 'Map', view: mapView }, classes: { title: 'Classes', view: classesView }, class: { view: classView }, object: { view: objectView }, diff: { title: 'Diff', view: diffView, files: 2 } };
const main = document.getElementById('main');
let files, turn = 0;

/* ---- theme ---- */

function themes() {
  const button = document.getElementById('theme');
  const names = ['auto', 'light', 'dark'];
  const show = (name) => {
    document.documentElement.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
  };
  let now = localStorage.getItem('theme');
  if (!names.includes(now)) now = 'auto';
  show(now);
  button.addEventListener('click', () => {
    now = names[(names.indexOf(now) + 1) % names.length];
    localStorage.setItem('theme', now);
    show(now);
  });
}

/* ---- what the memory is made of ---- */

function statistics({ statistics: s, total_bytes: total }) {
  const parts = [['Strings', 'string', s.strings], ['Arrays', 'array', s.js_arrays], ['Code', 'code', s.code], ['Buffers', 'native', s.typed_arrays],
    ['Other native', 'native2', s.native - s.typed_arrays], ['V8’s own', 'system', s.system]];
  parts.push(['Other objects', 'object', Math.max(0, total - parts.reduce((sum, [, , n]) => sum + n, 0))]);
  const shown = parts.filter(([, , n]) => n > 0).sort((a, b) => b[2] - a[2]);
  document.getElementById('statistics').replaceChildren(
    h('div', { class: 'bar', 'aria-hidden': 'true' }, shown.map(([name, kind, n]) => h('span', { 'data-kind': kind, title: name, style: { flexGrow: n / total } }))),
    h('ul', {}, shown.map(([name, kind, n]) => h('li', {}, h('i', { 'data-kind': kind, 'aria-hidden': 'true' }), `${name} ${format.bytes(n)} `, h('span', { class: 'note' }, format.percent(n, total))))));
}

/* ---- around the view ---- */

function around(view, file) {
  const one = files[file];
  const name = document.getElementById('file');
  const select = files.length > 1 && h('select', { 'aria-label': 'Snapshot', onchange: (event) => go(link(VIEWS[view].title ? view : 'map', { file: event.target.value })) },
    files.map((f, i) => h('option', { value: String(i), selected: i === file }, f.name)));
  name.replaceChildren(select || h('b', {}, one.name), ` ${format.bytes(one.total_bytes)} in ${format.count(one.nodes)} objects`);
  document.getElementById('views').replaceChildren(...Object.entries(VIEWS).filter(([, { title, files: least = 1 }]) => title && files.length >= least).map(([id, { title }]) =>
    h('a', { href: link(id, { file }), 'aria-current': id === view ? 'page' : undefined }, title)));
  statistics(one);
}

function go(address) {
  location.hash = address;
}

/** #map?file=1&node=12 */
function address() {
  const [view, query] = location.hash.slice(1).split('?');
  const params = Object.fromEntries(new URLSearchParams(query));
  const file = Number(params.file ?? 0);
  return { view: VIEWS[view] ? view : 'map', params: { ...params, file: files[file] ? file : 0 } };
}

async function show() {
  const mine = ++turn, { view, params } = address();
  let content;
  main.setAttribute('aria-busy', 'true');
  say('Loading …');
  try {
    content = await VIEWS[view].view(params, go, files);
  } catch (error) {
    content = [h('h2', {}, 'That cannot be shown'), h('p', { class: 'problem', role: 'alert' }, error.message), h('p', {}, h('a', { href: link('map') }, 'Back to the map'))];
  }
  if (mine !== turn) return;
  const inMap = document.activeElement?.closest('.treemap');
  around(view, params.file);
  main.replaceChildren(...content.filter(Boolean));
  main.removeAttribute('aria-busy');
  const heading = main.querySelector('h2');
  document.title = `${heading.textContent} – ${files[params.file].name}`;
  say(heading.textContent);
  if (mine > 1) {
    scrollTo(0, 0);
    const map = main.querySelector('.treemap');
    if (inMap && map) {
      map.dataset.focus = 'first'; /* who goes through the map goes on in it */
    } else {
      heading.setAttribute('tabindex', '-1');
      heading.focus({ preventScroll: true });
    }
  }
}

async function start() {
  themes();
  try {
    ({ files } = await get('files'));
  } catch (error) {
    main.replaceChildren(h('p', { class: 'problem', role: 'alert' }, error.message));
    return;
  }
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
  });
  document.getElementById('find').addEventListener('submit', (event) => {
    event.preventDefault();
    const id = event.target.elements.id.value.trim().replace(/^@/, '');
    if (id) go(link('object', { file: address().params.file, id }));
  });
  addEventListener('hashchange', show);
  await show();
  /* fettle ends when nobody looks any more. */
  setInterval(() => fetch('api/files', { method: 'HEAD' }).catch(() => say('fettle heap view has ended: what is shown stays, but nothing more can be asked.')), PING_MS);
}

await start();
