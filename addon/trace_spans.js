'use strict';
/* addon/trace_spans.js -- calls of traced requests as spans, and their trace in what goes out
 *
 * A part of agent.node (addon/part.c), loaded with trace.js while traces are sent. Which request is
 * traced the proxy decides (shm/trace.h); its span is the parent of the calls. None of their values
 * leaves the process: statements are those without values, of a URL's query only the names are told.
 *
 * What a call costs is a row of five numbers (spans.h), which C makes a record of when there are many,
 * or DRAIN_MS later. Only what is no number goes to C by itself: errors, and outgoing requests.
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

/* What calls go to. */
class Server {
  constructor(address = '', port = 0, namespace = '') {
    this.address = address;
    this.port = port;
    this.namespace = namespace;
    this.number = 0; /* of spans.h; 0: none yet */
  }
}

/* "pg host:5432/shop", as trace_libraries.js names what statements go to. A URL of a database may
 * have a password in it: whatever looks like one is not looked at. */
function serverOf(target) {
  const rest = target.slice(target.indexOf(' ') + 1).replace(/^https?:\/\//, '');
  if (rest.includes('://') || rest.includes('@')) return new Server();
  const [, address, port, name] = /^(\[[^\]]*\]|\/.*(?=\/)|[^:/]*)(?::(\d*))?(?:\/(.*))?/.exec(rest);
  const known = (word) => (word === undefined || word === 'undefined' || word === 'null' ? '' : word);
  return new Server(known(address).replace(/^\[|\]$/g, ''), Number(port) || 0, known(name));
}

/* What performance.now() begins with, in ns of CLOCK_MONOTONIC. Whoever is interrupted between the two
 * looks finds too little. */
function originOf() {
  let origin = 0;
  for (let i = 0; i < 5; i++) origin = Math.max(origin, Number(process.hrtime.bigint()) - performance.now() * 1e6);
  return origin;
}

/* Of one traced request. */
class Context {
  constructor() {
    this.parent = ''; /* the proxy's field of its head */
    this.state = '';
    this.number = 0; /* of its parent, spans.h; 0: none yet */
    this.inner = 0; /* spans of trace_measures.js */
  }
}

/* Out of the head. `headers` would be made of all fields, and many an app never looks at it. */
function contextRead(fields) {
  const context = new Context();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i];
    switch (name.length) {
      case 10:
        if (name.toLowerCase() === 'tracestate') context.state += (context.state && ',') + fields[i + 1];
        break;
      case 11:
        if (name.toLowerCase() === 'traceparent') context.parent = fields[i + 1];
        break;
      default:
    }
  }
  return context.parent.length === 55 ? context : null;
}

/* agent: { native: the functions of spans.h, sampled, placeOf } */
module.exports = function spans({ native, sampled, placeOf }) {
  const { rows, ROW, ROWS_MAX, PARENTS_MAX, TARGETS_MAX } = native;
  const timer = setTimeout(drain, DRAIN_MS).unref();
  let waits = true; /* for the timer */
  let parents = 0; /* the newest number */
  let parentsTaken = 0; /* ... when the rows were taken */
  let targets = 0;
  let targetsTaken = 0;

  native.origin(originOf());

  function take() {
    parentsTaken = parents;
    targetsTaken = targets;
    return native.take();
  }

  function drain() {
    waits = take() > 0;
    if (waits) timer.refresh();
  }

  function wait() {
    if (waits) return;
    waits = true;
    timer.refresh();
  }

  /* So many of the newest numbers are known that those in rows that wait are, too. */
  function parentOf(context) {
    if (context.number !== 0 && parents - context.number < PARENTS_MAX / 2) return context.number;
    if (parents - parentsTaken >= PARENTS_MAX / 2) take();
    const number = native.parent(context.parent);
    if (number > parents) parents = number;
    return (context.number = number);
  }

  function numberOf(server) {
    if (server === undefined) return 0;
    if (server.number !== 0 && targets - server.number < TARGETS_MAX / 2) return server.number;
    if (targets - targetsTaken >= TARGETS_MAX / 2) take();
    return (server.number = targets = native.target(server.address, server.port, server.namespace));
  }

  /* A statement that went well, between `begun` and `ended`. */
  function row(context, statement, server, begun, ended) {
    const parent = parentOf(context);
    const target = numberOf(server);
    const count = rows[0];
    let at = 1 + count * ROW;
    rows[at++] = parent;
    rows[at++] = statement;
    rows[at++] = target;
    rows[at++] = begun;
    rows[at] = ended;
    rows[0] = count + 1;
    if (count + 1 >= ROWS_MAX) take();
    wait();
  }

  return {
    Server,
    serverOf,
    urlClean,
    native,
    row,
    wait,
    /* The trace of a request that has just begun; null: it is not traced. */
    contextOf(message) {
      const place = placeOf(message);
      return place > 0 && sampled[place] === 1 ? contextRead(message.rawHeaders) : null;
    },
    /* A call has ended. `statement`: its number, 0 if that has gone. */
    tell(call, statement, ended, error) {
      const { trace } = call.request;
      if (!error && call.method === undefined) return row(trace, statement, call.to, call.started, ended);
      const { address = '', port = 0, namespace = '' } = call.to ?? {};
      native.call(trace.parent, call.span, call.system, statement, call.started, ended, errorWord(error), [address, port, namespace],
        call.method, call.url, call.status);
      return wait();
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
