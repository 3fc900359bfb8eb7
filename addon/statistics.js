'use strict';
/* addon/statistics.js -- once a second: memory, heap spaces, resources; whether the app measures
 *
 * A part of agent.node (addon/part.c), loaded when the main script has run.
 */

const v8 = require('v8');

const REQUEST = /Req|ConnectWrap|WriteWrap|ShutdownWrap|SendWrap|Job|Random|Scrypt|PBKDF2/;
const RESOURCES_SLOW = 20000; /* so many of them take a millisecond to list */

/* `measured`: measures.js, seen */
module.exports = function statsWatch(addon, timed, part, measured) {
  const numbers = new Float64Array(addon.NUMBERS);
  const resources = new Map();
  let spaces = 0;
  let skip = 0;
  let measures = false;
  let wanted = 0;

  function spacesTake() {
    const list = v8.getHeapSpaceStatistics();
    const count = Math.min(list.length, addon.SPACES_MAX);
    for (; spaces < count; spaces++) addon.spaceName(spaces, list[spaces].space_name);
    for (let i = 0, at = addon.FIRST_SPACE; i < count; i++) {
      const space = list[i];
      numbers[at++] = space.space_size;
      numbers[at++] = space.space_used_size;
      numbers[at++] = space.space_available_size;
      numbers[at++] = space.physical_space_size;
    }
    numbers[6] = count;
  }

  function resourcesTake() {
    if (skip-- > 0) return;
    const list = process.getActiveResourcesInfo();
    skip = list.length > RESOURCES_SLOW ? 10 : 0;
    numbers.fill(0, addon.FIRST_RESOURCE);
    for (const type of list) {
      let i = resources.get(type);
      if (i === undefined) {
        i = resources.size;
        if (i >= addon.RESOURCES_MAX || !addon.resourceName(i, type, REQUEST.test(type) ? 1 : 0)) continue;
        resources.set(type, i);
      }
      numbers[addon.FIRST_RESOURCE + i]++;
    }
    numbers[7] = resources.size;
  }

  /* Entries of an app that never loads perf_hooks need no observer; this look takes 0.5 us. */
  function measuresLook() {
    if (measures || !process.moduleLoadList?.includes('NativeModule perf_hooks')) return;
    measures = true;
    try {
      part('measures')(addon, measured);
    } catch {
      /* the app has put something else in its place */
    }
  }

  /* The monitor suspects a leak, and wants to know who opens so many. */
  function openedLook(now) {
    wanted = now;
    if (now !== 0) part('opened')(addon, now);
  }

  function sample() {
    const heap = v8.getHeapStatistics();
    numbers[0] = heap.total_heap_size;
    numbers[1] = heap.used_heap_size;
    numbers[2] = heap.heap_size_limit;
    numbers[3] = heap.external_memory;
    numbers[4] = process.memoryUsage().arrayBuffers;
    numbers[5] = heap.malloced_memory;
    spacesTake();
    resourcesTake();
    const now = addon.publish(numbers);
    if (now !== wanted) openedLook(now);
    measuresLook();
  }

  measuresLook();
  if (timed) collectionsTime(addon);
  setTimeout(sample, 20).unref();
  setInterval(sample, 1000).unref();
};

/* Where V8's callbacks cannot be had. Kinds: 1 minor, 4 major, 8 incremental, 16 weak. */
function collectionsTime(addon) {
  const { PerformanceObserver } = require('perf_hooks');
  const kinds = { 1: 0, 2: 0, 4: 1, 8: 2, 16: 3 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
      addon.collected(kinds[entry.detail?.kind] ?? 1, entry.duration);
  }).observe({ entryTypes: ['gc'] });
}
