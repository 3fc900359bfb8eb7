'use strict';
/* addon/allocations.js -- how many bytes a request allocates, from where the app gets it to its answer
 *
 * A part of agent.node (addon/part.c), loaded once the app has an HTTP server. Of each second the first
 * requests are measured, one at a time, and of these only those count during which nothing else can have
 * run: answered in the turn of the loop in which they came, or alone in the process. The rest of the second
 * Node knows no listener, and a request costs nothing.
 */

const channels = require('diagnostics_channel');
const { getHeapStatistics } = require('v8');

const REQUESTS = 50; /* of a second */

/* native: allocated_node.c. routeTexts: by number, of agent.js. null: it cannot be told. */
module.exports = function allocations(native, routeTexts) {
  if (native === null) return null;
  const heap = getHeapStatistics();
  if (!native.ready(heap.total_heap_size, heap.used_heap_size, heap.heap_size_limit)) return null;
  const rows = new Map();
  let current = null; /* the request that is measured */
  let number = 0; /* of its route, once the framework has found it */
  let taken = 0;
  let listening = false;

  /* Node 18 does not bear that a channel loses its last listener while it calls it: that is for later. */
  function onStart({ request }) {
    if (taken >= REQUESTS) {
      if (taken++ === REQUESTS) process.nextTick(close);
      return;
    }
    taken++;
    current = request;
    number = 0;
    native.begin();
  }

  function onFinish({ request }) {
    if (request !== current) return;
    current = null;
    const bytes = native.end();
    if (bytes >= 0) add(request, bytes);
    if (!listening) process.nextTick(finishClose);
  }

  function finishClose() {
    if (!listening && current === null) channels.unsubscribe('http.server.response.finish', onFinish);
  }

  function add({ method, url }, bytes) {
    const route = routeTexts[number];
    const key = `${method} ${route ?? url}`;
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { method, route: route ?? url, path: route === undefined ? 1 : 0, requests: 1, bytes });
    else {
      row.requests++;
      row.bytes += bytes;
    }
  }

  function open() {
    listening = true;
    channels.subscribe('http.server.request.start', onStart);
    channels.subscribe('http.server.response.finish', onFinish);
  }

  function close() {
    listening = false;
    channels.unsubscribe('http.server.request.start', onStart);
    finishClose();
  }

  function tick() {
    taken = 0;
    if (!listening) {
      if (current !== null) channels.unsubscribe('http.server.response.finish', onFinish);
      current = null;
      open();
    }
    for (const row of rows.values()) native.tell(row.method, row.route, row.path, row.requests, row.bytes);
    rows.clear();
  }

  open();
  setInterval(tick, 1000).unref();
  return {
    /* The framework has found the route of a request. */
    route(request, found) {
      if (request === current) number = found;
    },
  };
};
