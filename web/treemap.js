// treemap.js -- who holds what, as areas: each is a link, arrow keys go from one to the next

import { h } from './dom.js';
import { squarify } from './squarify.js';

const TITLE = 18, GAP = 1, NESTED_WIDTH = 90, NESTED_HEIGHT = 60, LABEL_WIDTH = 34, LABEL_HEIGHT = 15;

/**
 * tiles: [{ label, size, share, kind, href, name, tiles }], the largest first; `name` is what a screen reader says. `up` is
 * called for Escape. With data-focus its first area gets the focus. The element lays itself out anew when its width changes.
 */
export function treemap({ title, tiles, up }) {
  const element = h('div', { class: 'treemap', role: 'group', 'aria-label': title });
  let links = [];

  function draw(list, into, rect, depth) {
    const shown = list.filter(({ bytes }) => bytes > 0);
    squarify(shown.map(({ bytes }) => bytes), rect).forEach((at, i) => {
      const tile = shown[i];
      const width = at.width - GAP, height = at.height - GAP;
      if (width < 3 || height < 3) return;
      const labelled = width >= LABEL_WIDTH && height >= LABEL_HEIGHT;
      const link = h('a', { href: tile.href, 'aria-label': tile.name, title: tile.name, tabindex: '-1', 'data-kind': tile.kind, class: depth ? 'inner' : undefined,
        style: { left: `${at.x}px`, top: `${at.y}px`, width: `${width}px`, height: `${height}px` } },
        labelled && [h('b', {}, tile.label), ' '], labelled && height >= 2 * LABEL_HEIGHT + 4 && !nests(tile, width, height) && h('span', {}, tile.size));
      into.append(link);
      links.push({ link, ...at });
      if (nests(tile, width, height)) {
        const inside = tile.bytes ? tile.tiles.reduce((sum, { bytes }) => sum + bytes, 0) / tile.bytes : 0;
        /* What is inside has its true share of the area. */
        const room = { x: at.x + 3, y: at.y + TITLE, width: width - 6, height: (height - TITLE - 3) * Math.min(1, inside) };
        draw(tile.tiles, into, room, depth + 1);
      }
    });
  }

  const nests = (tile, width, height) => tile.tiles?.length && width >= NESTED_WIDTH && height >= NESTED_HEIGHT;

  function layout() {
    const { clientWidth: width, clientHeight: height } = element;
    const at = links.findIndex(({ link }) => link === document.activeElement);
    if (!width || !height) return;
    links = [];
    element.replaceChildren();
    draw(tiles, element, { x: 0, y: 0, width, height }, 0);
    links[Math.max(0, at)]?.link.setAttribute('tabindex', '0');
    if (at >= 0 || element.dataset.focus) links[Math.max(0, at)]?.link.focus({ preventScroll: true });
    delete element.dataset.focus;
  }

  /* The nearest one in that direction, by the centres; what is straight ahead is nearer. */
  function neighbour(from, dx, dy) {
    const centre = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
    const [cx, cy] = centre(from);
    let best, least = Infinity;
    for (const one of links) {
      const [x, y] = centre(one);
      const ahead = (x - cx) * dx + (y - cy) * dy, aside = Math.abs((x - cx) * dy) + Math.abs((y - cy) * dx);
      if (one !== from && ahead > 1 && ahead + 2 * aside < least) [best, least] = [one, ahead + 2 * aside];
    }
    return best;
  }

  const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  element.addEventListener('keydown', (event) => {
    const from = links.find(({ link }) => link === event.target);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape' || event.key === 'Backspace') {
      event.preventDefault();
      up();
    } else if (from && directions[event.key]) {
      event.preventDefault();
      const next = neighbour(from, ...directions[event.key]);
      if (!next) return;
      from.link.setAttribute('tabindex', '-1');
      next.link.setAttribute('tabindex', '0');
      next.link.focus();
    }
  });
  let width = 0;
  const watch = new ResizeObserver(() => {
    if (!element.isConnected) watch.disconnect();
    else if (element.clientWidth !== width) {
      width = element.clientWidth;
      layout();
    }
  });
  watch.observe(element);
  return element;
}
