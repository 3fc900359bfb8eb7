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
const TRACED_MAX = 60000; /* ms: a request that takes longer has no further spans */
const TARGETS_MAX = 4000;

const now = performance.now.bind(performance);

let rules; /* { requests, repeats, together: ms } */
let calls; /* trace_calls.js */
let told; /* trace_told.js */
let sequence; /* trace_sequence.js */
let spans = null; /* trace_spans.js; null: no traces are sent */
const als = new AsyncLocalStorage();

/* ---- Requests ---- */

const active = new Map(); /* those that are watched or traced: IncomingMessage -> Request */
let watchedOpen = 0; /* of these, so many are watched */
let finishing = false; /* we hear of responses that are over */

/* The request to which what runs now belongs; undefined: none that is watched. */
function current() {
  if (active.size === 0) return undefined;
  const request = als.getStore();
  return request === undefined || request.request === null ? undefined : request;
}

function run(request, fn, self, args) {
  return request.request === null ? fn.apply(self, args) : als.run(request, () => fn.apply(self, args));
}

/* What is made here lives longer than the request, and works for others as well. */
function outside(fn, self, args) {
  return active.size === 0 ? fn.apply(self, args) : als.run(undefined, () => fn.apply(self, args));
}

/* It is over, whatever of it still comes. A connection's context may keep it for long. */
function forgetRequest(request) {
  active.delete(request.request);
  request.request = request.response = request.tallies = request.last = null;
  if (request.watched && --watchedOpen === 0 && !watching) restBegin();
}

function finish(request) {
  if (request.request === null) return;
  if (request.watched) told.add(request, now() - request.began);
  forgetRequest(request);
}

/* ---- When requests are watched ---- */

let watching = false;
let watched = 0; /* of this window */
let openedAt = 0;
let rest = 0; /* not before then */

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
  const request = new calls.Request(message, response, isWatched, trace);
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
  for (const request of active.values())
    if (request.trace !== null ? request.began < late : !watching && now() - openedAt > 2000) forgetRequest(request);
}

function tick() {
  for (const request of active.values())
    if (request.response.destroyed || request.response.writableFinished) finish(request);
  endLong();
  if (watching) {
    watched = 0;
    openedAt = now();
  } else if (watchedOpen === 0 && rules.requests > 0 && now() >= rest) open();
  if (!watching && active.size === 0 && finishing) off();
  taken = passed = 0;
  sequence.tick();
  told.flush();
}

/* ---- What calls go to ---- */

const servers = []; /* by number, for spans */
const targets = new Map(); /* name -> number */
const objects = new WeakMap();
let objectsCount = 0;

/* A small number. Those before `era` became more are others'. */
function targetOf(name) {
  let number = targets.get(name);
  if (number === undefined) {
    if (targets.size >= TARGETS_MAX) {
      targets.clear();
      libraries.era++;
    }
    targets.set(name, (number = targets.size + 1));
    if (spans !== null) servers[number] = spans.serverOf(name);
  }
  return number;
}

/* ... of an object that stands for one, from the other end. */
function targetOfObject(object) {
  let number = objects.get(object);
  if (number === undefined) objects.set(object, (number = 4095 - (objectsCount++ % 64)));
  return number;
}

const libraries = { era: 0, now, current, run, outside, isIdle: () => active.size === 0, targetOf, targetOfObject, serverAt: (target) => servers[target] };

/* agent: { addon, part, routeTexts, placeOf }, of agent.js */
module.exports = function trace({ addon: native, part, routeTexts, placeOf }) {
  const addon = native.calls();
  rules = { requests: addon.REQUESTS, repeats: addon.REPEATS > 0 ? Math.max(3, addon.REPEATS) : Infinity, together: addon.TOGETHER_MS };
  const places = part('trace_places')();
  const { placeTake, placeText, lineOf } = places;
  const statements = part('trace_statements')(addon);
  const { shapeOf, forget } = statements;
  sequence = part('trace_sequence')({ placeTake, READ: addon.READ, DELIBERATE: addon.DELIBERATE });
  const slow = part('trace_slow')({ addon, placeTake, placeText, lineOf });
  const makeTold = part('trace_told');
  told = makeTold({ addon, rules, routeTexts, slow, placeText, lineOf, shapeOf, forget });
  const sampled = addon.TRACED ? native.sampled() : null;
  if (sampled !== null) spans = part('trace_spans')({ native: native.spans(), sampled, placeOf });
  calls = part('trace_calls')({ addon, rules, spans, places, statements, sequence, slow, told, servers });
  const { begin, restart, end, abandon, timed } = calls;
  Object.assign(libraries, { addon, spans, begin, restart, end, abandon, timed, pathClean: makeTold.pathClean });
  const { loaded, replace } = part('trace_libraries')(libraries);
  open();
  setInterval(tick, 1000).unref();
  return {
    loaded,
    /* The app marks and measures. */
    measures(clean) {
      if (spans !== null) part('trace_measures')({ current, replace, now, spans }, clean);
    },
    /* The framework has found the route of a request. */
    route(message, number) {
      const request = active.size > 0 ? active.get(message) : undefined;
      if (request !== undefined) request.route = number;
    },
  };
};
