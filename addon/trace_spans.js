'use strict';
/* addon/trace_spans.js -- calls of traced requests as spans, and their trace in what goes out
 *
 * A part of agent.node (addon/part.c), loaded with trace.js while traces are sent. Which request is
 * traced the proxy decides (shm/trace.h); its span is the parent of the calls. None of their values
 * leaves the process: statements are those without values, of a URL's query only the names are told.
 */

const FIELD = /\r\n(?:traceparent|tracestate):/i;
const DRAIN_MS = 4;

const hex = () => Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, '0');

/* No id is all zero. */
function idMake() {
  for (;;) {
    const id = hex() + hex();
    if (id !== '0000000000000000') return id;
  }
}

/* ?a=1&b as ?a=REDACTED&b; without name and password, and without what stands behind #. */
function urlClean(url) {
  const bare = url.replace(/#.*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?]*@/i, '$1');
  const at = bare.indexOf('?');
  return at < 0 ? bare : bare.slice(0, at) + bare.slice(at).replace(/=[^&]+/g, '=REDACTED');
}

/* What went wrong, in a word. */
function errorWord(error) {
  if (!error) return '';
  for (const word of [error.code, error.name])
    if ((typeof word === 'string' || typeof word === 'number') && /^[\w.:-]{1,64}$/.test(word)) return String(word);
  return '_OTHER';
}

/* "pg host:5432/shop", as trace_libraries.js names what statements go to: { address, port, namespace }.
 * A URL of a database may have a password in it: whatever looks like one is not looked at. */
function serverOf(target) {
  const rest = target.slice(target.indexOf(' ') + 1).replace(/^https?:\/\//, '');
  if (rest.includes('://') || rest.includes('@')) return {};
  const [, address, port, name] = /^(\[[^\]]*\]|\/.*(?=\/)|[^:/]*)(?::(\d*))?(?:\/(.*))?/.exec(rest);
  const known = (word) => (word === undefined || word === 'undefined' || word === 'null' ? '' : word);
  return { address: known(address).replace(/^\[|\]$/g, ''), port: Number(port) || 0, namespace: known(name) };
}

/* What performance.now() begins with, in ns of CLOCK_MONOTONIC. Whoever is interrupted between the two
 * looks finds too little. */
function originOf() {
  let origin = 0;
  for (let i = 0; i < 5; i++) origin = Math.max(origin, Number(process.hrtime.bigint()) - performance.now() * 1e6);
  return origin;
}

/* agent: { addon: the functions of calls.c, sampled, placeOf } */
module.exports = function spans({ addon, sampled, placeOf }) {
  const origin = originOf();
  const ns = (ms) => origin + ms * 1e6;
  let drains = false;

  function drain() {
    drains = addon.spansFlush() > 0;
    if (drains) setTimeout(drain, DRAIN_MS).unref();
  }

  function wait() {
    if (drains) return;
    drains = true;
    setTimeout(drain, DRAIN_MS).unref();
  }

  return {
    serverOf,
    urlClean,
    /* The trace of a request that has just begun: { parent, state }; null: it is not traced. */
    contextOf(message) {
      const place = placeOf(message);
      if (!(place > 0) || sampled[place] !== 1) return null;
      const { traceparent, tracestate } = message.headers; /* the proxy's own */
      return typeof traceparent === 'string' && traceparent.length === 55 ? { parent: traceparent, state: tracestate ?? '' } : null;
    },
    /* It has ended, at `ended`. False: its statement had no number any more, and was not told. */
    tell(call, ended, error) {
      const { request, to } = call;
      const left = addon.span(request.trace.parent, call.span, call.system, call.number, ns(call.started), ns(ended), errorWord(error),
        to?.address, to?.port, to?.namespace, call.method, call.url, call.status);
      if (left > 0) wait();
      return left >= 0;
    },
    /* What a request of its own has to say of the trace: [[name, value]]. */
    fields(call) {
      const { parent, state } = call.request.trace;
      call.span ||= idMake();
      const own = [['traceparent', `${parent.slice(0, 36)}${call.span}${parent.slice(52)}`]];
      return state ? [...own, ['tracestate', state]] : own;
    },
    /* The head of a request of node:http, with the trace in it, unless somebody has put one there. */
    headWith(head, call) {
      if (typeof head !== 'string' || !head.endsWith('\r\n\r\n') || FIELD.test(head)) return head;
      return `${head.slice(0, -2)}${this.fields(call).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    },
    /* The same for one of undici's. */
    requestAdd(request, call) {
      const { headers } = request;
      if (typeof request.addHeader !== 'function') return;
      const names = typeof headers === 'string' ? headers : `\r\n${(Array.isArray(headers) ? headers.filter((_, i) => i % 2 === 0) : []).join(':\r\n')}:`;
      if (FIELD.test(`\r\n${names}`)) return;
      for (const [name, value] of this.fields(call)) request.addHeader(name, value);
    },
  };
};
