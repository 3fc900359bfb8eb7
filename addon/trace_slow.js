'use strict';
/* addon/trace_slow.js -- statements that take long, and the line that issues them
 *
 * A part of agent.node (addon/part.c). What counts is an execution of a quarter of `slow-statement` or
 * longer: what of it is a finding, the monitor says (admin/slow_statement.h), which sees all processes.
 * A stack is taken when a statement begins that has been slow before, so one that is quick costs
 * a comparison.
 */

const AFTER = 2; /* slow executions before a stack is taken */
const STACKS_MAX = 5; /* of one statement in a second */
const KNOWN_MAX = 256; /* statements that have been slow */
const FOUND_MAX = 256; /* pairs of statement and route, told of at once */
const AT_ONCE = 8;

/* trace: { addon, placeTake, placeText, lineOf }, of trace.js */
module.exports = function slow({ addon, placeTake, placeText, lineOf }) {
  const limit = addon.SLOW_MS > 0 ? addon.SLOW_MS : Infinity;
  const from = limit / 4;
  const known = new Map(); /* number of a statement -> { seen, stacks }; the one that is known longest goes first */
  const found = new Map();

  function knownOf(number) {
    let of = known.get(number);
    if (of === undefined) {
      if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value);
      known.set(number, (of = { seen: 0, stacks: 0 }));
    }
    return of;
  }

  return {
    from,

    /* A statement begins: its place, if it is one of those; undefined: it is none. */
    begins(number) {
      if (known.size === 0) return undefined;
      const of = known.get(number);
      if (of === undefined || of.seen < AFTER || of.stacks >= STACKS_MAX) return undefined;
      of.stacks++;
      return placeTake();
    },

    /* One has taken `from` or longer. `place`: of begins(). */
    ended(tally, took, place) {
      knownOf(tally.number).seen++;
      const seen = (tally.slow ??= { count: 0, over: 0, time: 0, max: 0, place: undefined });
      seen.count++;
      if (took >= limit) seen.over++;
      seen.time += took;
      if (took > seen.max) seen.max = took;
      seen.place ??= place;
    },

    /* The request in which it was is over. */
    add(route, { number, slow: seen }) {
      const key = `${number} ${route}`;
      let to = found.get(key);
      if (to === undefined) {
        if (found.size >= FOUND_MAX) found.delete(found.keys().next().value); /* one whose place never came, most likely */
        found.set(key, (to = { number, route, count: 0, over: 0, time: 0, max: 0, place: undefined }));
      }
      to.count += seen.count;
      to.over += seen.over;
      to.time += seen.time;
      if (seen.max > to.max) to.max = seen.max;
      to.place = seen.place ?? to.place;
    },

    /* Once a second: those whose place is known, as far as it can be. */
    tell() {
      let told = 0;
      for (const of of known.values()) of.stacks = 0;
      for (const [key, { number, route, count, over, time, max, place }] of found) {
        if (place === undefined) continue;
        if (told++ === AT_ONCE) break;
        found.delete(key);
        const frame = place.frames[0];
        addon.slow(number, route, count, over, time, max, frame?.name ?? '', frame?.file ?? '', frame?.line ?? 0, frame?.column ?? 0,
          frame ? lineOf(frame.file, frame.line) : '', placeText(place));
      }
    },
  };
};
