// flame.js -- draws the tree that `fettle cpu flame` has put into the page; only what is wide enough to be seen is an element

const $ = (id) => document.getElementById(id);
const data = JSON.parse($('data').textContent);
const { texts, kinds } = data;
const ROW = 19, LEAST_PX = 1, LABEL_PX = 26, TABLE_ROWS = 100;
const KIND_TITLES = { app: 'the app', package: 'node_modules', node: 'Node', native: 'native code, V8', gc: 'garbage collection', program: 'outside of JavaScript', idle: 'idle', small: 'too small to be shown' };

// ---- the tree: a caller before what it calls ----

const count = data.calls.length / 4;
const depth = new Uint32Array(count), frame = new Int32Array(count), self = new Float64Array(count), total = new Float64Array(count);
const parent = new Int32Array(count).fill(-1), end = new Uint32Array(count);
const shown = new Float64Array(count), begin = new Float64Array(count); // hits, without what is not shown

{
  const way = [];
  for (let i = 0; i < count; i++) {
    [depth[i], frame[i], self[i], total[i]] = data.calls.slice(4 * i, 4 * i + 4);
    for (; way.length > depth[i];) end[way.pop()] = i;
    if (way.length) parent[i] = way.at(-1);
    way.push(i);
  }
  for (const i of way) end[i] = count;
}

const root = 0;
const frameOf = (f) => {
  const [name, file, line, column, kind] = data.frames.slice(5 * f, 5 * f + 5);
  const url = texts[file].replace(/^file:\/\//, '');
  return { name: texts[name] || `(anonymous)${url && ` ${url.replace(/^.*\//, '')}:${line}`}`, file: url, place: url && line ? `${url}:${line}:${column}` : url, kind: kinds[kind], package: packageOf(url) };
};

function packageOf(file) {
  const at = file.lastIndexOf('node_modules/');
  const words = at < 0 ? [] : file.slice(at + 'node_modules/'.length).split('/');
  return words.slice(0, words[0]?.startsWith('@') ? 2 : 1).join('/');
}

const frames = Array.from({ length: data.frames.length / 5 }, (_, f) => frameOf(f));
const of = (i) => (frame[i] >= 0 ? frames[frame[i]] : { name: `… ${-frame[i]} more`, file: '', place: '', kind: 'small', package: '' });

// ---- numbers ----

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];
function amount(hits) {
  let n = hits * data.each;
  if (data.unit === 'ms') return n < 100 ? `${n.toFixed(1)} ms` : n < 10000 ? `${n.toFixed(0)} ms` : `${(n / 1000).toFixed(1)} s`;
  let unit = 0;
  for (; n >= 1000 && unit < UNITS.length - 1; unit++) n /= 1024;
  return `${n.toFixed(unit && n < 100 ? 1 : 0)} ${UNITS[unit]}`;
}
const percent = (part, whole) => `${(whole ? (100 * part) / whole : 0).toFixed(2)} %`;

// ---- what is shown ----

let zoomed = root, found = new Set(), pattern = null, focused = root;
const elements = new Map();

function measure(withIdle) {
  shown.set(total);
  for (let i = 0; !withIdle && i < count; i++) {
    if (of(i).kind !== 'idle') continue;
    for (let above = parent[i]; above >= 0; above = parent[above]) shown[above] -= total[i];
    shown[i] = 0;
  }
  const next = [];
  for (let i = 0; i < count; i++) {
    const at = next[depth[i]] ?? 0;
    begin[i] = at;
    next[depth[i]] = at + shown[i];
    next[depth[i] + 1] = at;
  }
}

function element(i, left, width, above) {
  const call = of(i), button = document.createElement('button');
  button.type = 'button';
  button.className = `${call.kind}${above ? ' above' : ''}${found.has(i) ? ' found' : ''}${width < LABEL_PX ? ' narrow' : ''}`;
  button.tabIndex = -1;
  button.dataset.call = i;
  button.textContent = width < LABEL_PX ? '' : call.name;
  button.setAttribute('aria-label', `${call.name}, ${percent(shown[i], shown[root])}`);
  Object.assign(button.style, { left: `${left}px`, width: `${Math.max(width, LEAST_PX)}px` });
  elements.set(i, button);
  return button;
}

function draw() {
  const width = $('graph').clientWidth, scale = shown[zoomed] ? width / shown[zoomed] : 0;
  const keep = $('graph').contains(document.activeElement);
  const parts = document.createDocumentFragment();
  let deepest = depth[zoomed];
  elements.clear();
  for (let i = parent[zoomed]; i >= 0; i = parent[i]) parts.append(element(i, 0, width, true));
  for (let i = zoomed; i < end[zoomed];) {
    const px = shown[i] * scale;
    if (px < LEAST_PX && i !== zoomed) {
      i = end[i];
      continue;
    }
    parts.append(element(i, (begin[i] - begin[zoomed]) * scale, px, false));
    deepest = Math.max(deepest, depth[i]);
    i++;
  }
  for (const [i, button] of elements) button.style.top = `${($('flip').checked ? deepest - depth[i] : depth[i]) * ROW}px`;
  $('graph').style.height = `${(deepest + 1) * ROW}px`;
  $('graph').replaceChildren(parts);
  $('reset').disabled = zoomed === root;
  if (!elements.has(focused)) focused = zoomed;
  elements.get(focused).tabIndex = 0;
  if (keep) elements.get(focused).focus({ preventScroll: true });
}

function describe(i) {
  const call = of(i), whole = shown[root];
  const strong = document.createElement('b'), quiet = document.createElement('span');
  strong.textContent = call.name;
  quiet.textContent = ` ${call.place}${call.package ? ` (${call.package})` : ''}`;
  $('details').replaceChildren(strong, quiet, document.createElement('br'), `${amount(shown[i])}, ${percent(shown[i], whole)}`,
    frame[i] < 0 ? '' : `; itself ${amount(self[i])}, ${percent(self[i], whole)}`, zoomed === root ? '' : `; of what is shown ${percent(shown[i], shown[zoomed])}`);
}

function focus(i) {
  if (i === undefined || i < 0) return;
  if (!elements.has(i)) zoom(parent[i] < 0 ? root : parent[i]);
  if (!elements.has(i)) zoom(i);
  elements.get(focused)?.setAttribute('tabindex', '-1');
  focused = i;
  elements.get(i).tabIndex = 0;
  elements.get(i).focus();
}

function zoom(i) {
  zoomed = shown[i] ? i : root;
  focused = zoomed;
  draw();
  describe(zoomed);
  if (pattern) share();
  $('status').textContent = zoomed === root ? 'All is shown' : `${of(zoomed).name} is shown`;
}

// ---- search ----

/** A function that says whether a text matches; null: nothing is searched for. Throws for what is no regular expression. */
function matcher(text) {
  const regex = /^\/(.+)\/([a-z]*)$/.exec(text);
  if (text === '') return null;
  if (regex) {
    const compiled = new RegExp(regex[1], regex[2].replace(/[gy]/g, ''));
    return (s) => compiled.test(s);
  }
  const low = text.toLowerCase();
  return (s) => s.toLowerCase().includes(low);
}

/** What is found counts once, however often it is on a stack. */
function share() {
  let sum = 0, calls = 0;
  for (let i = zoomed; i < end[zoomed];) {
    if (!found.has(i)) {
      i++;
      continue;
    }
    sum += shown[i];
    calls++;
    i = end[i];
  }
  $('matched').textContent = `${percent(sum, shown[zoomed])} matched${calls ? '' : ': nothing'}`;
}

function search() {
  const input = $('search');
  input.removeAttribute('aria-invalid');
  try {
    pattern = matcher(input.value.trim());
  } catch (error) {
    pattern = null;
    input.setAttribute('aria-invalid', 'true');
    $('matched').textContent = error.message;
  }
  const hits = pattern && frames.map((f) => f.kind !== 'root' && (pattern(f.name) || pattern(f.place) || (f.package !== '' && pattern(f.package))));
  found = new Set();
  for (let i = 0; hits && i < count; i++) if (frame[i] >= 0 && hits[frame[i]] && shown[i]) found.add(i);
  for (const [i, button] of elements) button.classList.toggle('found', found.has(i));
  if (pattern) share();
  else if (!input.hasAttribute('aria-invalid')) $('matched').textContent = '';
}

/** The next match that can be seen, or the one before. */
function next(step) {
  const all = [...elements.keys()].filter((i) => found.has(i)).sort((a, b) => a - b);
  const at = all.findIndex((i) => i >= focused + (step > 0 ? 1 : 0));
  if (all.length) focus(all[((at < 0 ? (step > 0 ? 0 : all.length) : at) + (step < 0 ? all.length - 1 : 0)) % all.length]);
}

// ---- keys and pointer ----

/** The drawn neighbour in the same row. */
function neighbour(i, step) {
  const row = [...elements.keys()].filter((k) => depth[k] === depth[i]).sort((a, b) => begin[a] - begin[b]);
  return row[row.indexOf(i) + step];
}

const callee = (i) => [...elements.keys()].find((k) => parent[k] === i && depth[k] === depth[i] + 1);
const up = () => parent[focused], down = () => callee(focused);
const keys = {
  ArrowUp: () => focus($('flip').checked ? down() : up()),
  ArrowDown: () => focus($('flip').checked ? up() : down()),
  ArrowLeft: () => focus(neighbour(focused, -1)),
  ArrowRight: () => focus(neighbour(focused, 1)),
  Escape: () => zoom(Math.max(root, parent[zoomed])),
  Home: () => zoom(root),
};

document.addEventListener('keydown', (event) => {
  const typing = event.target.matches('input[type=search]');
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing && event.key !== 'Escape') return;
  if (event.key === 'Escape' && $('search').value && typing) {
    $('search').value = '';
    search();
  } else if (event.key === '/') {
    $('search').select();
  } else if (event.key === 'n' || event.key === 'N') {
    next(event.key === 'n' ? 1 : -1);
  } else if (keys[event.key] && ($('graph').contains(event.target) || event.key === 'Escape')) {
    keys[event.key]();
  } else {
    return;
  }
  event.preventDefault();
});
const callAt = (event) => event.target.closest('[data-call]')?.dataset.call;
$('graph').addEventListener('click', (event) => callAt(event) && zoom(Number(callAt(event))));
$('graph').addEventListener('mouseover', (event) => callAt(event) && describe(Number(callAt(event))));
$('graph').addEventListener('focusin', (event) => {
  focused = Number(callAt(event) ?? focused);
  describe(focused);
});
$('tools').addEventListener('submit', (event) => {
  event.preventDefault();
  next(1);
});
$('search').addEventListener('input', search);
$('reset').addEventListener('click', () => zoom(root));
$('flip').addEventListener('change', draw);
$('idle').addEventListener('change', () => {
  measure($('idle').checked);
  zoom(zoomed);
  summarise();
});

// ---- what is around it ----

function summarise() {
  const idle = total[root] - shown[root];
  $('summary').textContent = data.unit === 'ms' ? `${amount(shown[root])}${$('idle').checked ? '' : ' busy'}, ${shown[root].toLocaleString('en-US')} samples${idle ? `; ${amount(idle)} idle time is left out` : ''}` : `${amount(shown[root])} were allocated and stayed`;
  const sums = {};
  for (let i = 0; i < count; i++) if (shown[i]) sums[of(i).kind] = (sums[of(i).kind] ?? 0) + (frame[i] < 0 ? shown[i] : self[i]);
  $('legend').replaceChildren(...Object.entries(KIND_TITLES).filter(([kind]) => sums[kind]).map(([kind, title]) => {
    const item = document.createElement('li'), colour = document.createElement('i');
    colour.className = kind;
    item.append(colour, `${title} ${percent(sums[kind], shown[root])}`);
    return item;
  }));
}

/** Functions by self time: what the picture shows, for whoever does not see it. */
function table() {
  const own = new Float64Array(frames.length), all = new Float64Array(frames.length), on = new Uint32Array(frames.length), way = [];
  for (let i = 0; i < count; i++) {
    while (way.length > depth[i]) {
      const left = way.pop();
      if (frame[left] >= 0) on[frame[left]]--;
    }
    way.push(i);
    if (frame[i] < 0) continue;
    own[frame[i]] += self[i];
    if (on[frame[i]]++ === 0) all[frame[i]] += total[i];
  }
  const order = [...frames.keys()].filter((f) => own[f] && frames[f].kind !== 'idle').sort((a, b) => own[b] - own[a]).slice(0, TABLE_ROWS);
  const cell = (tag, content, right) => {
    const made = document.createElement(tag);
    made.append(content);
    if (right) made.className = 'right';
    if (tag === 'th') made.scope = 'row';
    return made;
  };
  const body = document.createElement('tbody'), head = document.createElement('thead'), titles = document.createElement('tr'), made = document.createElement('table'), around = document.createElement('div');
  for (const f of order) {
    const row = document.createElement('tr'), button = document.createElement('button');
    button.type = 'button';
    button.textContent = frames[f].name;
    button.addEventListener('click', () => {
      $('search').value = frames[f].place || frames[f].name;
      search();
      next(1);
    });
    row.append(cell('td', amount(own[f]), true), cell('td', percent(own[f], shown[root]), true), cell('td', amount(all[f]), true), cell('th', button), cell('td', frames[f].place));
    body.append(row);
  }
  for (const title of ['self', 'share', 'total', 'function', 'declared in']) {
    const th = cell('th', title, title.length < 6);
    th.scope = 'col';
    titles.append(th);
  }
  head.append(titles);
  made.append(head, body);
  around.className = 'table';
  around.append(made);
  $('functions').append(around);
}

measure(false);
$('idle-label').hidden = total[root] === shown[root];
if (!shown[root]) {
  $('idle').checked = true;
  measure(true);
}
if (data.left_out) $('note').textContent = `${data.left_out.toLocaleString('en-US')} calls are too small to be here by themselves: those below ${amount(data.least)}.`;
summarise();
draw();
describe(root);
$('functions').addEventListener('toggle', table, { once: true });
new ResizeObserver(draw).observe($('graph'));
