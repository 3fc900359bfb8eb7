// squarify.js -- areas as rectangles that are nearly squares: Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000)

/** The worst ratio of sides in a row of such areas along a side. */
function worst(sum, least, most, side) {
  const s = sum * sum, d = side * side;
  return Math.max((d * most) / s, s / (d * least));
}

/**
 * sizes: positive numbers, the largest first. Returns for each { x, y, width, height } within the rectangle, in its order;
 * areas are in proportion to the sizes and fill it.
 */
export function squarify(sizes, { x, y, width, height }) {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const scale = total ? (width * height) / total : 0;
  const out = [];
  let from = 0;
  while (from < sizes.length) {
    const side = Math.min(width, height);
    let to = from + 1, sum = sizes[from] * scale;
    const most = sum;
    let ratio = worst(sum, most, most, side);
    for (; to < sizes.length; to++) {
      const next = sizes[to] * scale;
      const better = worst(sum + next, next, most, side);
      if (better > ratio) break;
      ratio = better;
      sum += next;
    }
    const thick = side ? sum / side : 0;
    let at = 0;
    for (let i = from; i < to; i++) {
      const length = thick ? (sizes[i] * scale) / thick : 0;
      out.push(width >= height ? { x, y: y + at, width: thick, height: length } : { x: x + at, y, width: length, height: thick });
      at += length;
    }
    if (width >= height) [x, width] = [x + thick, Math.max(0, width - thick)];
    else [y, height] = [y + thick, Math.max(0, height - thick)];
    from = to;
  }
  return out;
}
