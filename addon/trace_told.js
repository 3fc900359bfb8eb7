'use strict';
/* addon/trace_told.js -- sums of the requests that were watched, and findings: told once a second
 *
 * A part of agent.node (addon/part.c), loaded with trace.js. Everything is bounded: what finds no room is not
 * told of, and few records go at a time, since the journal holds 64 KB until the monitor has read them.
 */

const ROUTES_MAX = 256; /* told of at once */
const ROWS_MAX = 1024; /* pairs of route and statement, likewise */
const ROWS_AT_ONCE = 24;
const ROUTES_AT_ONCE = 64;
const FINDINGS_AT_ONCE = 8;
const PAUSE_MS = 60;

/* /users/42 is /users/:id, where no framework says it. */
function pathClean(url) {
  const end = url.search(/[?#]/);
  return (end < 0 ? url : url.slice(0, end))
    .replace(/\/(?:\d+|[^/]*[@%][^/]*|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?=[^/]*\d)[0-9a-fA-F]{12,}|(?=[^/]*\d)[\w-]{20,})(?=\/|$)/g, '/:id');
}

/* Of one route. */
class Sums {
  constructor() {
    this.requests = 0;
    this.queries = 0;
    this.queriesTime = 0;
    this.calls = 0;
    this.callsTime = 0;
    this.rows = new Map(); /* number of a statement -> Row */
  }
}

/* Of one statement of a route. */
class Row {
  constructor(number, buckets) {
    this.number = number;
    this.count = 0;
    this.errors = 0;
    this.time = 0;
    this.max = 0;
    this.rows = 0;
    this.rowsOf = 0;
    this.lasted = 0;
    this.times = new Uint32Array(buckets);
  }
}

function bounded(map, max, key, make) {
  let value = map.get(key);
  if (value === undefined) {
    if (map.size >= max) return null;
    map.set(key, (value = make()));
  }
  return value;
}

/* The others of a map wait for the next second. */
function some(map, most, tell) {
  let n = 0;
  for (const [key, value] of map) {
    if (n++ === most) break;
    map.delete(key);
    tell(value, key);
  }
}

/* trace: { addon, rules, routeTexts, slow, placeText, lineOf, shapeOf, forget }, of trace.js */
module.exports = function told({ addon, rules, routeTexts, slow, placeText, lineOf, shapeOf, forget }) {
  const routes = new Map(); /* by name */
  let rowsCount = 0;
  const findings = new Map();
  const sequences = new Map();
  const queue = []; /* of [route, Row] */
  let draining = false;

  /* The bucket of shm/calls.h for a time in ms. */
  function bucketOf(ms) {
    return ms <= 0.01 ? 0 : Math.min(addon.BUCKETS - 1, Math.ceil(2 * Math.log2(100 * ms)));
  }

  const names = new Map(); /* method -> names by number of the route: a text that is made anew is hashed anew */

  function routeName({ request: { method, url }, route }) {
    const text = routeTexts[route];
    if (text === undefined) return `${method} ${pathClean(url ?? '/')}`;
    let list = names.get(method);
    if (list === undefined) {
      if (names.size >= 64) names.clear();
      names.set(method, (list = []));
    }
    return (list[route] ??= `${method} ${text}`);
  }

  /* A statement of a request that lasted so long. */
  function rowAdd({ rows }, tally, lasted) {
    let row = rows.get(tally.number);
    if (row === undefined) {
      if (rowsCount >= ROWS_MAX) return;
      rowsCount++;
      rows.set(tally.number, (row = new Row(tally.number, addon.BUCKETS)));
    }
    row.count += tally.count;
    row.errors += tally.begun - tally.open - tally.count;
    row.time += tally.time;
    if (tally.max > row.max) row.max = tally.max;
    row.rows += tally.rows;
    row.rowsOf += tally.rowsOf;
    row.lasted += lasted;
    if (tally.times === null) row.times[bucketOf(tally.time)] += tally.count;
    else for (let i = 0; i < row.times.length; i++) row.times[i] += tally.times[i];
  }

  function isRepetition(tally) {
    if (tally.count < rules.repeats || !tally.varies || tally.moves || tally.many || tally.time < rules.together) return false;
    const shape = shapeOf(tally.number);
    if (shape & addon.DELIBERATE && (!(shape & addon.PAGE) || tally.pages)) return false; /* batches, pages, cursors, what is no work */
    if (tally.overlaps > 0 && shape & addon.PIPELINED) return false; /* went out together */
    if (tally.apart * 2 >= tally.count) return false; /* each in a transaction of its own */
    return tally.overlaps > 0 || tally.gap < 5; /* or somebody lets it wait on purpose */
  }

  function repetitionAdd(route, tally) {
    const key = `${tally.number} ${route} ${tally.place?.key}`;
    const found = bounded(findings, ROUTES_MAX, key, () => ({ tally, route, requests: 0, count: 0, time: 0, max: 0, most: 0 }));
    if (found === null) return;
    found.requests++;
    found.count += tally.count;
    found.time += tally.time;
    if (tally.time > found.max) found.max = tally.time;
    if (tally.count > found.most) found.most = tally.count;
  }

  /* A request that was watched is over. */
  function add(request, lasted) {
    const name = routeName(request);
    const sums = bounded(routes, ROUTES_MAX, name, () => new Sums());
    if (sums !== null) {
      sums.requests++;
      sums.queries += request.queries;
      sums.queriesTime += request.queriesTime;
      sums.calls += request.calls;
      sums.callsTime += request.callsTime;
    }
    if (request.tallies === null) return;
    for (const tally of request.tallies.values()) {
      if (tally.begun === 0) continue;
      if (sums !== null) rowAdd(sums, tally, lasted);
      if (tally.slow !== null) slow.add(name, tally);
      if (tally.count >= rules.repeats && isRepetition(tally)) repetitionAdd(name, tally);
    }
  }

  /* The second of two that could have run together. */
  function sequenceAdd(request, second, shown) {
    if (shown === null || shown.saved < rules.together) return;
    const name = routeName(request);
    const found = bounded(sequences, ROUTES_MAX, `${shown.first} ${second} ${name}`, () => ({ shown, second, route: name, requests: 0, saved: 0, most: 0 }));
    if (found === null) return;
    found.requests++;
    found.saved += shown.saved;
    if (shown.saved > found.most) found.most = shown.saved;
  }

  function drain() {
    let gone = false;
    for (const [route, row] of queue.splice(0, ROWS_AT_ONCE))
      if (!addon.row(row.number, route, row.count, row.errors, row.time, row.max, row.rows, row.rowsOf, row.lasted, row.times)) gone = true;
    if (gone) forget();
    draining = queue.length > 0;
    if (draining) setTimeout(drain, PAUSE_MS).unref();
    else slow.tell(); /* the monitor knows their sums by now */
  }

  function rowsTake() {
    for (const [name, sums] of routes) {
      if (queue.length < ROWS_MAX) for (const row of sums.rows.values()) queue.push([name, row]);
      sums.rows.clear();
    }
    rowsCount = 0;
  }

  function repetitionTell({ tally, route, requests, count, time, max, most }) {
    const frame = tally.place?.frames[0];
    addon.repeated(tally.number, route, requests, count, most, time, max, tally.overlaps > 0 ? 1 : 0,
      frame?.name ?? '', frame?.file ?? '', frame?.line ?? 0, frame?.column ?? 0, frame ? lineOf(frame.file, frame.line) : '',
      placeText(tally.place), tally.place?.via.join(' ') ?? '');
  }

  function sequenceTell({ shown, second, route, requests, saved, most }) {
    const { first: a, second: b } = shown.verdict;
    addon.sequential(shown.first, second, route, requests, saved, most, b.name, b.file, b.line, b.column,
      lineOf(b.file, b.line), a.line, lineOf(a.file, a.line));
  }

  /* Once a second. */
  function flush() {
    some(sequences, FINDINGS_AT_ONCE, sequenceTell);
    rowsTake();
    some(routes, ROUTES_AT_ONCE, (r, name) => addon.route(name, r.requests, r.queries, r.queriesTime, r.calls, r.callsTime));
    if (!draining) drain();
    some(findings, FINDINGS_AT_ONCE, repetitionTell);
  }

  return { add, sequenceAdd, flush, bucketOf };
};
module.exports.pathClean = pathClean;
