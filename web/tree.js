// tree.js -- a tree that is read as it is opened, for mouse, keyboard and screen reader (WAI-ARIA APG, tree view)

import { h } from './dom.js';
import { count } from './format.js';

const PAGE = 50;

/**
 * load(row, offset, limit) gives { total, rows }, of the top with row undefined; line(row) the elements of a line;
 * size(row) how many it has below; open(row) what Enter does; key(row) tells what stands in a circle.
 */
export function tree({ title, load, line, size, open, key }) {
  const root = h('ul', { role: 'tree', 'aria-label': title });
  const rows = new WeakMap();
  let current;

  function focus(item) {
    current?.setAttribute('tabindex', '-1');
    current = item;
    item.setAttribute('tabindex', '0');
    item.focus();
    item.firstElementChild.scrollIntoView({ block: 'nearest' });
  }

  function keysAbove(group) {
    const keys = new Set();
    for (let item = group.closest('[role=treeitem]'); item; item = item.parentElement.closest('[role=treeitem]')) keys.add(key(rows.get(item)));
    return keys;
  }

  function itemOf(row, level, above) {
    const circle = above.has(key(row));
    const item = h('li', { role: 'treeitem', tabindex: '-1', 'aria-level': level },
      h('div', { class: 'line' }, h('span', { class: 'twist', 'aria-hidden': 'true' }), line(row), circle && h('span', { class: 'note' }, 'again')));
    if (!circle && size(row) > 0) item.setAttribute('aria-expanded', 'false');
    rows.set(item, row);
    return item;
  }

  async function fill(group, row, level, offset = 0) {
    const button = h('li', { role: 'treeitem', tabindex: '-1', 'aria-level': level, class: 'more' }, h('div', { class: 'line' }, 'Loading …'));
    const last = group.lastElementChild?.classList.contains('more') ? group.lastElementChild : undefined;
    const hadFocus = last && last === document.activeElement;
    last?.remove();
    group.append(button);
    let answer;
    try {
      answer = await load(row, offset, PAGE);
    } catch (error) {
      button.firstElementChild.textContent = error.message;
      return;
    }
    const above = keysAbove(group);
    const items = answer.rows.map((child) => itemOf(child, level, above));
    const wasHere = hadFocus || button === document.activeElement;
    button.remove();
    group.append(...items);
    if (!answer.total) group.append(h('li', { role: 'treeitem', tabindex: '-1', 'aria-level': level }, h('div', { class: 'line note' }, 'nothing')));
    const shown = offset + answer.rows.length;
    if (shown < answer.total) {
      button.firstElementChild.textContent = `${count(answer.total - shown)} more …`;
      button.more = () => fill(group, row, level, shown);
      group.append(button);
    }
    if (wasHere) focus(items[0] ?? group.lastElementChild);
    if (!root.querySelector('[tabindex="0"]')) {
      current = root.querySelector('[role=treeitem]');
      current?.setAttribute('tabindex', '0');
    }
  }

  function toggle(item, want) {
    const state = item.getAttribute('aria-expanded');
    if (state === null || (want !== undefined && String(want) === state)) return;
    const opens = state === 'false';
    item.setAttribute('aria-expanded', String(opens));
    const group = item.querySelector(':scope > ul');
    if (group) group.hidden = !opens;
    else if (opens) {
      const made = h('ul', { role: 'group' });
      item.append(made);
      fill(made, rows.get(item), Number(item.getAttribute('aria-level')) + 1);
    }
  }

  const visible = () => [...root.querySelectorAll('[role=treeitem]')].filter((item) => item.offsetParent);

  function step(item, by) {
    const list = visible();
    const next = list[list.indexOf(item) + by];
    if (next) focus(next);
  }

  const keys = {
    ArrowDown: (item) => step(item, 1),
    ArrowUp: (item) => step(item, -1),
    ArrowRight: (item) => (item.getAttribute('aria-expanded') === 'false' ? toggle(item, true) : item.querySelector('[role=treeitem]') && step(item, 1)),
    ArrowLeft: (item) => {
      if (item.getAttribute('aria-expanded') === 'true') toggle(item, false);
      else {
        const parent = item.parentElement.closest('[role=treeitem]');
        if (parent) focus(parent);
      }
    },
    Home: () => focus(visible()[0]),
    End: () => focus(visible().at(-1)),
    Enter: (item) => (item.more ? item.more() : rows.has(item) && open(rows.get(item))),
    ' ': (item) => (item.more ? item.more() : toggle(item)),
  };

  root.addEventListener('keydown', (event) => {
    const item = event.target.closest('[role=treeitem]');
    if (!item || !keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key](item);
  });
  root.addEventListener('click', (event) => {
    const item = event.target.closest('[role=treeitem]');
    if (!item || event.target.closest('a')) return;
    focus(item);
    if (item.more) item.more();
    else toggle(item);
  });
  fill(root, undefined, 1);
  return root;
}
