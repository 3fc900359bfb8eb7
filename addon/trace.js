'use strict';
/* addon/trace.js -- which request issues which statement, how often, and for how long
 *
 * A part of agent.node (addon/part.c), loaded when the app loads a library that asks something of
 * somebody else (trace_libraries.js wraps those), or makes its first outgoing call.
 *
 * To know the request of a query takes an asynchronous context, and on Node before 24 each promise
 * costs more while there is one. So not all requests are watched: the first 100 of each second are (the
 * setting watch-requests), or fewer where they take long; then contexts are switched off. What is said
 * of a route is said of those. A process that serves less is watched as a whole. A request that the
 * proxy has sampled for a trace has a context in any case; of those beyond the 100 only spans are made.
 */

const { AsyncLocalStorage } = require('async_hooks');
const channels = require('diagnostics_channel');

const REST = 10; /* of the time in which contexts are on, so many times that they are off */
const TALLIES_MAX = 512; /* statements of one request that are told apart */
const ROUTES_MAX = 256; /* told of at once */
const ROWS_MAX = 1024; /* pairs of route and statement, likewise */
const ROWS_AT_ONCE = 24;
const ROUTES_AT_ONCE = 64;
const FINDINGS_AT_ONCE = 8;
const TEXTS_MAX = 1000; /* texts of statements whose number is remembered */
const TEXT_MAX = 4096; /* of longer ones it is not */
const FRAMES_MAX = 4;
const TRACED_MAX = 60000; /* ms: a request that takes longer has no further spans */

const now = performance.now.bind(performance);

let addon; /* the native functions (calls.c) */
let rules; /* { requests, repeats, together: ms } */
let routeTexts; /* by number, of agent.js */
let sequence; /* trace_sequence.js */
let slow; /* trace_slow.js */
let spans = null; /* trace_spans.js; null: no traces are sent */
const als = new AsyncLocalStorage();

/* ---- Places in the app's code ---- */

const outside = /[\\/]node_modules[\\/]|^node:|^internal[\\/]/;
const own = `${__dirname}/trace`; /* this file and its kin */

function sitesTake() {
  const { prepareStackTrace: prepare, stackTraceLimit: limit } = Error;
  const holder = {};
  try {
    Error.stackTraceLimit = 50;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, sitesTake);
    return holder.stack;
  } catch {
    return []; /* the app has frozen Error */
  } finally {
    Error.stackTraceLimit = limit;
    Error.prepareStackTrace = prepare;
  }
}

function packageOf(file) {
  const at = file.lastIndexOf('node_modules/');
  const words = file.slice(at + 13).split('/');
  return at < 0 ? '' : words[0].startsWith('@') ? `${words[0]}/${words[1]}` : words[0];
}

const lines = new Map(); /* `file:line` -> its text */

/* A file is read once for each of its lines that is told of. */
function lineOf(file, line) {
  const key = `${file}:${line}`;
  let text = lines.get(key);
  if (text !== undefined) return text;
  try {
    const fs = require('fs');
    text = fs.statSync(file).size > 4e6 ? '' : (fs.readFileSync(file, 'utf8').split('\n')[line - 1] ?? '').trim();
  } catch {
    text = '';
  }
  if (lines.size >= 200) lines.clear();
  lines.set(key, text);
  return text;
}

/* Where the app is: its own frames, the innermost first, and the packages in between; or
 * graphql, if that is what calls it. */
function placeTake() {
  const frames = [];
  const via = [];
  for (const site of sitesTake()) {
    const name = site.getFileName();
    if (!name) continue;
    const file = name.startsWith('file://') ? decodeURIComponent(name.slice(7)) : name;
    if (file.startsWith(own)) continue;
    if (!outside.test(file)) {
      frames.push({
        name: site.getFunctionName() ?? '',
        file,
        line: site.getLineNumber() ?? 0,
        column: site.getColumnNumber() ?? 0,
        start: `${site.getEnclosingLineNumber?.()}:${site.getEnclosingColumnNumber?.()}`,
      });
      if (frames.length === FRAMES_MAX) break;
    } else if (file.includes('node_modules')) {
      const found = packageOf(file);
      if (found && !via.includes(found) && (frames.length === 0 || found === 'graphql')) via.push(found);
    }
  }
  const key = frames.map((f) => `${f.file}:${f.line}:${f.column}`).join(' ');
  return { frames, via, key };
}

/* ---- Numbers of statements ---- */

let texts = new Map(); /* text -> Statement */
let textsBefore = new Map(); /* those remembered before */
const statements = new Map(); /* number -> Statement; grows with those of calls.c only */
let newest = 0; /* number */

class Statement {
  constructor(system, number, shape) {
    this.system = system;
    this.number = number;
    this.shape = shape; /* bits of calls.h */
  }
}

/* calls.c still has it. */
function isKnown(statement) {
  return newest - statement.number < addon.STATEMENTS_MAX;
}

function statementOf(system, text, given) {
  const statement = texts.get(text);
  return statement !== undefined && statement.system === system && isKnown(statement) ? statement : statementFind(system, text, given);
}

function statementFind(system, text, given) {
  let statement = textsBefore.get(text);
  if (statement === undefined || statement.system !== system || !isKnown(statement)) {
    const made = addon.statement(system, text, given);
    const number = made % 2 ** 32;
    statement = statements.get(number);
    if (statement === undefined) {
      if (statements.size >= 4 * TEXTS_MAX) forget();
      statements.set(number, (statement = new Statement(system, number, Math.floor(made / 2 ** 32))));
      if (number > newest) newest = number;
    }
  }
  if (text.length > TEXT_MAX) return statement;
  if (texts.size >= TEXTS_MAX) {
    textsBefore = texts;
    texts = new Map();
  }
  texts.set(text, statement);
  return statement;
}

/* All of them: what still comes is found again. */
function forget() {
  texts = new Map();
  textsBefore = new Map();
  statements.clear();
}

/* Of outgoing requests that are not watched. */
const nothing = new Statement(0, 0, 0);

/* ---- One request ---- */

class Request {
  constructor(request, response, watched, trace) {
    this.request = request;
    this.response = response;
    this.watched = watched;
    this.trace = trace; /* trace_spans.js, contextOf; null: it is not traced */
    this.began = now();
    this.route = 0; /* a number of agent.js, once the framework has found it */
    this.queries = 0;
    this.queriesTime = 0;
    this.calls = 0; /* outgoing */
    this.callsTime = 0;
    this.open = 0; /* that have not ended */
    this.commits = 0;
    this.transactions = 0; /* open */
    this.tallies = null;
    this.last = null; /* the newest call that ended */
  }
}

/* Of one statement in one request. */
class Tally {
  constructor(number) {
    this.number = number;
    this.count = 0; /* that ended well */
    this.begun = 0;
    this.time = 0;
    this.max = 0;
    this.open = 0;
    this.overlaps = 0;
    this.values = undefined; /* of the newest, from the second on */
    this.varies = false; /* not always the same values */
    this.text = '';
    this.commits = 0;
    this.apart = 0; /* in transactions of their own */
    this.ended = 0;
    this.othersTime = 0;
    this.gap = Infinity; /* the shortest pause between two, without the time of other calls */
    this.place = null;
    this.moves = false; /* from different places */
    this.many = false; /* with lists of values */
    this.pages = false; /* with an OFFSET that is not always 0 */
    this.rows = 0; /* of rowsOf executions */
    this.rowsOf = 0;
    this.times = null; /* how many took how long (shm/calls.h), from the second on */
    this.slow = null; /* those that took long, of trace_slow.js */
  }
}

const active = new Map(); /* requests that are watched: IncomingMessage -> Request */
let finishing = false; /* we hear of responses that are over */

/* The request to which what runs now belongs; undefined: none that is watched. */
function current() {
  if (active.size === 0) return undefined;
  const request = als.getStore();
  return request === undefined || request.request === null ? undefined : request;
}

/* What tells whether the same was asked again. Never leaves this function's caller. */
function valuesKey(values) {
  try {
    return keyOf(values);
  } catch {
    return ''; /* an object of the app's that does not let itself be looked at */
  }
}

function keyOf(values) {
  if (values === undefined || values === null) return '';
  if (typeof values !== 'object') return String(values);
  if (ArrayBuffer.isView(values)) return `${values.byteLength} bytes`;
  const list = Array.isArray(values) ? values : Object.values(values);
  let key = '';
  for (let i = 0; i < list.length && key.length < 200; i++) {
    const value = list[i];
    key += typeof value === 'object' && value !== null ? (Array.isArray(value) ? keyOf(value) : value.toISOString?.() ?? 'o') : String(value);
    key += '\u0001';
  }
  return key;
}

function tallyOf(request, number, target) {
  const tallies = (request.tallies ??= new Map());
  const key = number * 4096 + target;
  let tally = tallies.get(key);
  if (tally === undefined) {
    if (tallies.size >= TALLIES_MAX) return null;
    tallies.set(key, (tally = new Tally(number)));
  }
  return tally;
}

/* A statement or call begins. `target`: a small number of the server it goes to. */
function begin(request, system, text, target, values, shaped = 0) {
  const statement = request.watched || system !== addon.HTTP ? statementOf(system, text, shaped) : nothing;
  const { number, shape } = statement;
  const started = now();
  const call = { request, tally: null, shape, system, issued: started, started, ended: 0, statement, span: undefined, to: undefined };
  if (request.trace !== null) {
    call.span = '';
    call.to = servers[target];
  }
  if (!request.watched) return call;
  if (shape & addon.TRANSACTION_BEGIN) request.transactions++;
  if (shape & addon.TRANSACTION_END) {
    request.commits++;
    if (request.transactions > 0) request.transactions--;
  }
  if (system === addon.HTTP) request.calls++;
  else request.queries++;
  const { open: others, last } = request;
  request.open++;
  const tally = tallyOf(request, number, target);
  if (tally === null) return call;
  call.tally = tally;
  const place = slow.begins(number);
  if (place !== undefined) call.slowAt = place;
  if (++tally.begun > 1) again(request, tally, text, values, started);
  else tally.text = text;
  if (shape & addon.PAGE && !isFirstPage(values)) tally.pages = true;
  tally.open++;
  tally.commits = request.commits;
  if (system !== addon.SQLITE && request.transactions === 0) {
    if (last !== null && others === 0) sequence.follows(last, call, values);
    if (sequence.wants(number)) {
      call.place = placeTake();
      call.values = values;
    }
  }
  return call;
}

/* Whoever asks for one row by LIMIT and OFFSET, as Prisma does, has the offset last. */
function isFirstPage(values) {
  return Array.isArray(values) && Number(values[values.length - 1]) === 0;
}

/* The same statement once more in this request. */
function again(request, tally, text, values, started) {
  if (tally.open > 0) tally.overlaps++;
  else {
    const gap = started - tally.ended - (request.queriesTime + request.callsTime - tally.othersTime);
    if (gap < tally.gap) tally.gap = gap;
  }
  if (request.commits !== tally.commits) tally.apart++;
  if (Array.isArray(values) && values.some(Array.isArray)) tally.many = true;
  if (!tally.varies) {
    const key = valuesKey(values);
    if (tally.text !== text || (tally.values !== undefined && tally.values !== key)) tally.varies = true;
    tally.values = key;
    tally.text = text;
  }
  if (tally.begun === (rules.repeats > 3 ? 3 : 2)) tally.place = placeTake();
  else if (tally.begun === rules.repeats && tally.place !== null && placeTake().key !== tally.place.key) tally.moves = true;
}

/* It has waited for a connection until now. */
function restart(call) {
  call.started = now();
}

const numberNow = (statement) => (isKnown(statement) ? statement.number : 0);

/* A statement that began at `started` and is over, of a request that is traced and not watched. */
function timed(request, system, text, server, started, error) {
  const ended = now();
  const statement = statementOf(system, text, 0);
  if (!error) spans.row(request.trace, statement.number, server, started, ended);
  else spans.tell({ request, system, span: '', to: server, started }, statement.number, ended, error);
}

/* The bucket of shm/calls.h for a time in ms. */
function bucketOf(ms) {
  return ms <= 0.01 ? 0 : Math.min(addon.BUCKETS - 1, Math.ceil(2 * Math.log2(100 * ms)));
}

/* A connection works on one statement at a time: the next one's begins when this one's has ended. */
const busyUntil = new WeakMap();
function startMove(call, ended) {
  const before = busyUntil.get(call.client);
  if (before > call.started) call.started = before;
  busyUntil.set(call.client, ended);
}

/* `rows`: how many it gave or changed; undefined: it is not known. */
function end(call, error, result, rows) {
  const { request, tally } = call;
  const ended = now();
  if (call.client !== undefined) startMove(call, ended);
  const took = ended - call.started;
  if (call.span !== undefined) spans.tell(call, numberNow(call.statement), ended, error);
  if (!request.watched) return;
  request.open--;
  if (call.system === addon.HTTP) request.callsTime += took;
  else request.queriesTime += took;
  if (tally === null) return;
  tally.open--;
  tally.ended = ended;
  tally.othersTime = request.queriesTime + request.callsTime;
  if (took >= slow.from && call.system !== addon.HTTP) slow.ended(tally, took, call.slowAt);
  if (error) return; /* a retry is no repetition */
  if (++tally.count > 1) {
    if (tally.count === 2) (tally.times = new Uint32Array(addon.BUCKETS))[bucketOf(tally.time)]++;
    tally.times[bucketOf(took)]++;
  }
  if (rows !== undefined) {
    tally.rows += rows;
    tally.rowsOf++;
  }
  tally.time += took;
  if (took > tally.max) tally.max = took;
  if (call.system === addon.SQLITE) return;
  call.ended = ended;
  if (call.place !== undefined) call.result = result;
  request.last = call;
  if (call.pair !== undefined) sequenceAdd(request, tally.number, sequence.ended(call));
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

/* It never got as far as its server. */
function abandon(call) {
  if (!call.request.watched) return;
  call.request.open--;
  if (call.tally !== null) call.tally.open--;
}

/* ---- What is told of: once a second ---- */

const routes = new Map();
let rows = new Map();
const findings = new Map();
const sequences = new Map();

function bounded(map, max, key, make) {
  let value = map.get(key);
  if (value === undefined) {
    if (map.size >= max) return null;
    map.set(key, (value = make()));
  }
  return value;
}

/* /users/42 is /users/:id, where no framework says it. */
function pathClean(url) {
  const end = url.search(/[?#]/);
  return (end < 0 ? url : url.slice(0, end))
    .replace(/\/(?:\d+|[^/]*[@%][^/]*|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?=[^/]*\d)[0-9a-fA-F]{12,}|(?=[^/]*\d)[\w-]{20,})(?=\/|$)/g, '/:id');
}

function isRepetition(tally, shape) {
  if (tally.count < rules.repeats || !tally.varies || tally.moves || tally.many || tally.time < rules.together) return false;
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

function routeName(request) {
  const { request: message, route } = request;
  return `${message.method} ${routeTexts[route] ?? pathClean(message.url ?? '/')}`;
}

/* A statement of a request that lasted so long. */
function rowAdd(name, tally, lasted) {
  const row = bounded(rows, ROWS_MAX, `${tally.number} ${name}`, () => ({
    number: tally.number, route: name, count: 0, errors: 0, time: 0, max: 0, rows: 0, rowsOf: 0, lasted: 0, times: new Uint32Array(addon.BUCKETS),
  }));
  if (row === null) return;
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

/* It is over. */
function finish(request) {
  const { request: message } = request;
  if (message === null) return;
  active.delete(message);
  if (!request.watched) {
    request.request = request.response = null;
    return;
  }
  if (--watchedOpen === 0 && !watching) restBegin();
  const name = routeName(request);
  const route = bounded(routes, ROUTES_MAX, name, () => ({ requests: 0, queries: 0, queriesTime: 0, calls: 0, callsTime: 0 }));
  const lasted = now() - request.began;
  request.request = request.response = null;
  if (route !== null) {
    route.requests++;
    route.queries += request.queries;
    route.queriesTime += request.queriesTime;
    route.calls += request.calls;
    route.callsTime += request.callsTime;
  }
  if (request.tallies === null) return;
  for (const tally of request.tallies.values()) {
    if (tally.begun === 0) continue;
    rowAdd(name, tally, lasted);
    if (tally.slow !== null) slow.add(name, tally);
    if (tally.count >= rules.repeats && isRepetition(tally, statements.get(tally.number)?.shape ?? 0))
      repetitionAdd(name, tally);
  }
  request.tallies = null;
}

function placeText(place) {
  return place === null ? '' : place.frames.map((f) => `    at ${f.name || '<anonymous>'} (${f.file}:${f.line}:${f.column})`).join('\n');
}

/* Few at a time: the journal holds 64 KB until the monitor has read them. */
let queue = [];
let draining = false;

function drain() {
  let gone = false;
  for (const row of queue.splice(0, ROWS_AT_ONCE))
    if (!addon.row(row.number, row.route, row.count, row.errors, row.time, row.max, row.rows, row.rowsOf, row.lasted, row.times)) gone = true;
  if (gone) forget();
  draining = queue.length > 0;
  if (draining) setTimeout(drain, 60).unref();
  else slow.tell(); /* the monitor knows their sums by now */
}

function flush() {
  some(sequences, FINDINGS_AT_ONCE, sequenceTell);
  some(routes, ROUTES_AT_ONCE, (r, name) => addon.route(name, r.requests, r.queries, r.queriesTime, r.calls, r.callsTime));
  if (rows.size > 0) {
    if (queue.length < ROWS_MAX) queue.push(...rows.values());
    rows = new Map();
    if (!draining) drain();
  } else if (!draining) slow.tell();
  some(findings, FINDINGS_AT_ONCE, repetitionTell);
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

/* ---- When requests are watched ---- */

let watching = false;
let watched = 0; /* of this window */
let openedAt = 0;
let rest = 0; /* not before then */

let watchedOpen = 0; /* that have not ended */

function onStart({ request: message, response }) {
  const trace = spans === null ? null : spans.contextOf(message);
  let isWatched = watching;
  if (watching && watched >= rules.requests) {
    close();
    isWatched = false;
  }
  if (!isWatched && trace === null) {
    passed++;
    return;
  }
  if (isWatched) {
    watched++;
    watchedOpen++;
  }
  taken++;
  const request = new Request(message, response, isWatched, trace);
  active.set(message, request);
  als.enterWith(request);
  if (hasBody(message)) bodyBind(message, request);
}

const BODY = /^(?:content-length|transfer-encoding)$/i;

/* `headers` would be made of all fields, and many an app never looks at it. */
function hasBody({ rawHeaders }) {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const { length } = rawHeaders[i];
    if ((length === 14 || length === 17) && BODY.test(rawHeaders[i])) return true;
  }
  return false;
}

/* What comes of a request's body later comes out of its connection, whose context is another. */
function bodyBind(message, request) {
  const { emit } = message;
  Object.defineProperty(message, 'emit', {
    configurable: true,
    writable: true,
    enumerable: false,
    value: function (...args) {
      return run(request, emit, this, args);
    },
  });
}

function onFinish({ request: message }) {
  if (active.size === 0) return;
  const request = active.get(message);
  if (request === undefined) return;
  finish(request);
  if (active.size === 0 && !watching) off();
}

let hearing = false; /* of requests that begin */
let taken = 0; /* since the last look: requests that were traced or watched */
let passed = 0; /* ... and others */

function hear() {
  if (!hearing) channels.subscribe('http.server.request.start', onStart);
  hearing = true;
  if (!finishing) channels.subscribe('http.server.response.finish', onFinish);
  finishing = true;
}

function open() {
  watching = rules.requests > 0;
  watched = 0;
  openedAt = now();
  if (watching || spans !== null) hear();
}

function close() {
  watching = false;
  if (watchedOpen === 0) restBegin();
  process.nextTick(deaf);
  if (active.size === 0) off();
}

/* What is not listened to any more. At the next tick: Node 18 does not bear that a channel loses its last
 * listener while it calls it. */
function deaf() {
  if (watching || spans !== null) return;
  if (hearing) channels.unsubscribe('http.server.request.start', onStart);
  hearing = false;
  if (active.size > 0) return;
  if (finishing) channels.unsubscribe('http.server.response.finish', onFinish);
  finishing = false;
}

function restBegin() {
  rest = now() + Math.min(REST * (now() - openedAt), 10000);
}

/* Nobody is watched or traced at the moment. While traces are sent we go on listening. To switch contexts
 * off and on again takes 2 to 3 us before Node 24, which those pay back that are not traced: 0.1 us for
 * each promise and more for each socket and timer. */
function off() {
  if (spans !== null) {
    if (passed >= taken) als.disable();
    return;
  }
  process.nextTick(deaf);
  als.disable();
}

/* What takes long would keep contexts on for all. */
function endLong() {
  const late = now() - TRACED_MAX;
  for (const [message, request] of active) {
    const isOver = request.trace !== null ? request.began < late : !watching && now() - openedAt > 2000;
    if (!isOver) continue;
    request.request = null;
    active.delete(message);
    if (request.watched && --watchedOpen === 0 && !watching) restBegin();
  }
}

function tick() {
  for (const [, request] of active)
    if (request.response.destroyed || request.response.writableFinished) finish(request);
  endLong();
  if (watching) {
    watched = 0;
    openedAt = now();
  } else if (watchedOpen === 0 && rules.requests > 0 && now() >= rest) open();
  if (!watching && active.size === 0 && finishing) off();
  taken = passed = 0;
  flush();
}

/* ---- What trace_libraries.js uses ---- */

/* Small numbers for what statements go to. */
const targets = new Map();
const servers = []; /* by number, for spans */
function targetOf(name) {
  let number = targets.get(name);
  if (number === undefined) {
    if (targets.size >= 4000) targets.clear();
    targets.set(name, (number = targets.size + 1));
    if (spans !== null) servers[number] = spans.serverOf(name);
  }
  return number;
}

const objects = new WeakMap();
let objectsCount = 0;
/* ... of an object that stands for one, from the other end. */
function targetOfObject(object) {
  let number = objects.get(object);
  if (number === undefined) objects.set(object, (number = 4095 - (objectsCount++ % 64)));
  return number;
}

function run(request, fn, self, args) {
  return request.request === null ? fn.apply(self, args) : als.run(request, () => fn.apply(self, args));
}

/* agent: { addon, part, routeTexts, placeOf }, of agent.js */
module.exports = function trace(agent) {
  addon = agent.addon.calls();
  ({ routeTexts } = agent);
  rules = { requests: addon.REQUESTS, repeats: addon.REPEATS > 0 ? Math.max(3, addon.REPEATS) : Infinity, together: addon.TOGETHER_MS };
  sequence = agent.part('trace_sequence')({ placeTake, READ: addon.READ, DELIBERATE: addon.DELIBERATE });
  slow = agent.part('trace_slow')({ addon, placeTake, placeText, lineOf });
  const sampled = addon.TRACED ? agent.addon.sampled() : null;
  if (sampled !== null) spans = agent.part('trace_spans')({ native: agent.addon.spans(), sampled, placeOf: agent.placeOf });
  const libraries = agent.part('trace_libraries')({ addon, spans, serverAt: (target) => servers[target], now, timed, current, begin, restart, end, abandon, run, targetOf, targetOfObject, pathClean });
  const { replace } = libraries;
  open();
  setInterval(tick, 1000).unref();
  return {
    loaded: libraries.loaded,
    /* The app marks and measures. */
    measures(clean) {
      if (spans !== null) agent.part('trace_measures')({ current, replace, now, spans }, clean);
    },
    /* The framework has found the route of a request. */
    route(message, number) {
      const request = active.size > 0 ? active.get(message) : undefined;
      if (request !== undefined) request.route = number;
    },
  };
};
