/* Numbers and tables, as the report writes them. */

/** The middle one; of an even number, the lower of the two in the middle. Undefined for none. */
export const median = (list) => [...list].sort((a, b) => a - b)[(list.length - 1) >> 1];

const absent = (value) => value === undefined || Number.isNaN(value);

/** 0.53, 5.3, 53, 533, 5,333: what an eye takes in, never more digits than were measured. */
export function short(value) {
  if (absent(value)) return '–';
  const size = Math.abs(value);
  return size >= 10 ? count(value) : value.toFixed(size >= 1 ? 1 : 2);
}
export const count = (n) => (absent(n) ? '–' : Math.round(n).toLocaleString('en'));

export const ms = (us) => (us === undefined ? '–' : `${short(us / 1000)} ms`);
export const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
export const times = (ratio) => (absent(ratio) ? '–' : `${ratio.toFixed(2)} ×`);
/** A ratio that is held against a bound: with a digit more than the bound has. */
export const asRatio = (value) => `${value.toFixed(3)} ×`;

/** A table of Markdown: heads, and rows of as many cells. */
export const table = (heads, rows) =>
  [heads, heads.map((_, i) => (i ? '---:' : '---')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/**
 * A target: what is measured, the bound as people read it, the value, and whether that is met.
 * A value that is not there (a contender that was left out) is neither met nor missed; null, what never came, is missed.
 */
export const target = (what, bound, value, met, show = short) => ({
  what, bound, measured: absent(value) ? '–' : show(value),
  met: absent(value) ? undefined : value !== null && met(value),
});
