'use strict';
/* addon/measures.js -- the app's own marks, measures and timed functions become metrics
 *
 * A part of agent.node (addon/part.c), loaded once the app has loaded perf_hooks. An observer like
 * any that the app could make itself: nothing of `performance` is replaced, other observers see
 * what they would have seen, and entries are dropped as soon as they are counted.
 */

const NAMES_MAX = 2000; /* known by what the app calls them */
const KINDS = ['measure', 'mark', 'function']; /* enum shm_measure_kind */
/* What stands in a name for a value: an id in 4 digits or more, or in hex. */
const VALUE = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|\d{4,}/gi;

/* `seen`: is called once there is a mark or a measure, with what makes names of values; null: nobody
 * wants to know. */
module.exports = function measuresWatch(addon, seen) {
  const { PerformanceObserver, performance } = require('perf_hooks');
  const numbers = KINDS.map(() => new Map());

  const clean = (name) => name.replace(VALUE, ':id') || '(anonymous)';

  function numberOf(kind, name) {
    const known = numbers[kind];
    let number = known.get(name);
    if (number !== undefined) return number;
    if (known.size >= NAMES_MAX) known.clear();
    number = addon.measureNumber(kind, clean(name));
    known.set(name, number);
    return number;
  }

  function count(entry) {
    const kind = KINDS.indexOf(entry.entryType);
    if (kind < 0) return;
    addon.measured(numberOf(kind, String(entry.name)), entry.duration);
    if (seen !== null && entry.entryType !== 'function') {
      seen(clean);
      seen = null;
    }
  }

  /* What came before is still in Node's own list, unless the app has taken it out. */
  const before = [...performance.getEntriesByType('mark'), ...performance.getEntriesByType('measure')];
  new PerformanceObserver((list) => list.getEntries().forEach(count)).observe({ entryTypes: KINDS });
  before.forEach(count);
};
