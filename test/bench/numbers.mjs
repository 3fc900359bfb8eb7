/* Numbers and tables, as the report writes them. */

/** The middle one; of an even number, the lower of the two in the middle. Undefined for none. */
export const median = (list) => [...list].sort((a, b) => a - b)[(list.length - 1) >> 1];

/** 0.53, 5.3, 53, 533, 5,333: what an eye takes in, never more digits than were measured. */
export function short(value) {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2);
}

export const ms = (us) => (us === undefined ? '–' : `${short(us / 1000)} ms`);
export const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
export const times = (ratio) => `${ratio.toFixed(2)} ×`;

/** A table of Markdown: heads, and rows of as many cells. */
export const table = (heads, rows) =>
  [heads, heads.map((_, i) => (i ? '---:' : '---')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/**
 * A target: what is measured, the bound as people read it, the value, and whether that is met.
 * A value that is not there (a contender that was left out) is neither met nor missed.
 */
export const target = (what, bound, value, met, show = short) => ({
  what, bound, measured: value === undefined || Number.isNaN(value) ? '–' : show(value),
  met: value === undefined || Number.isNaN(value) ? undefined : met(value),
});
