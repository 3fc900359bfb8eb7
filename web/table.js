// table.js -- a table whose rows come page by page, sorted by whoever has them

import { h, say } from './dom.js';
import { count } from './format.js';

const PAGE = 100;

/**
 * columns: [{ title, sort, right, drop, cell(row) }]; `sort` is the server's word for it, `drop` leaves on narrow screens.
 * load({ sort, order, offset, limit }) gives { total, rows }. Returns { element, reload }.
 */
export function table({ caption, columns, load, sort, reversed = false, what }) {
  const body = h('tbody');
  const more = h('button', { type: 'button', class: 'more', hidden: true, onclick: () => page(true) });
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  const heads = columns.map((column) =>
    h('th', { scope: 'col', class: classOf(column) },
      column.sort ? h('button', { type: 'button', onclick: () => by(column) }, column.title) : column.title));
  let turn = 0, shown = 0;

  function classOf({ right, drop }) {
    return [right && 'right', drop && 'drop'].filter(Boolean).join(' ') || undefined;
  }

  function by(column) {
    reversed = column.sort === sort && !reversed;
    sort = column.sort;
    reload();
  }

  /* What is usual is the largest first; texts begin with A. */
  function headsUpdate() {
    columns.forEach((column, i) => {
      const ascending = Boolean(column.ascending) !== reversed;
      if (column.sort && column.sort === sort) heads[i].setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
      else heads[i].removeAttribute('aria-sort');
    });
  }

  async function page(focus) {
    const mine = ++turn, offset = shown;
    let answer;
    try {
      answer = await load({ sort, order: reversed ? 'reversed' : undefined, offset, limit: PAGE });
    } catch (error) {
      if (mine !== turn) return;
      problem.textContent = error.message;
      problem.hidden = false;
      return;
    }
    if (mine !== turn) return;
    if (!offset) body.replaceChildren();
    problem.hidden = true;
    const rows = answer.rows.map((row) => h('tr', {}, columns.map((column, i) => h(i ? 'td' : 'th', { scope: i ? undefined : 'row', class: classOf(column) }, column.cell(row)))));
    body.append(...rows);
    shown += answer.rows.length;
    more.hidden = shown >= answer.total;
    more.textContent = `Show more (${count(shown)} of ${count(answer.total)})`;
    say(answer.total ? `${count(shown)} of ${count(answer.total)} ${what}` : `no ${what}`);
    if (!answer.total) body.append(h('tr', {}, h('td', { colspan: columns.length }, `No ${what}.`)));
    if (focus) rows[0]?.querySelector('a, button')?.focus();
  }

  function reload() {
    shown = 0;
    headsUpdate();
    return page(false);
  }

  headsUpdate();
  const element = h('div', { class: 'table' }, h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, heads)), body), problem, more);
  return { element, reload };
}
