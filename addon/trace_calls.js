'use strict';
/* addon/trace_calls.js -- the calls of one request: each as it begins and ends, and what they come to
 *
 * A part of agent.node (addon/part.c), loaded with trace.js. A request that is traced but not watched has
 * calls without tallies: only spans are made of them.
 */

const TALLIES_MAX = 512; /* statements of one request that are told apart */

const now = performance.now.bind(performance);

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

/* One execution. All fields are here, so that V8 finds them in one place. */
class Call {
  constructor(request, system, statement, started) {
    this.request = request;
    this.system = system;
    this.statement = statement;
    this.shape = statement.shape; /* bits of calls.h */
    this.tally = null;
    this.issued = started;
    this.started = started; /* later, where it had to wait for a connection */
    this.ended = 0;
    this.connection = undefined; /* trace_libraries.js; it works on one statement at a time */
    this.slowAt = undefined; /* its place, if it is one that takes long */
    this.kept = false; /* for trace_sequence.js: */
    this.place = undefined;
    this.values = undefined;
    this.result = undefined;
    this.pair = undefined;
    this.after = undefined;
    this.span = undefined; /* for trace_spans.js: its id, or ''; undefined: it gets none */
    this.to = undefined; /* a Server */
    this.method = undefined; /* ... of an outgoing request */
    this.url = undefined;
    this.status = undefined;
  }
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

/* Whoever asks for one row by LIMIT and OFFSET, as Prisma does, has the offset last. */
function isFirstPage(values) {
  return Array.isArray(values) && Number(values[values.length - 1]) === 0;
}

/* It has waited for a connection until now. */
function restart(call) {
  call.started = now();
}

/* It never got as far as its server. */
function abandon(call) {
  if (!call.request.watched) return;
  call.request.open--;
  if (call.tally !== null) call.tally.open--;
}

/* A connection's next statement begins when the one before has ended. */
function startMove(call, ended) {
  const { connection } = call;
  if (connection.busyUntil > call.started) call.started = connection.busyUntil;
  connection.busyUntil = ended;
}

/* trace: { addon, rules, spans, places, statements, sequence, slow, told, servers }, of trace.js */
module.exports = function calls({ addon, rules, spans, places, statements, sequence, slow, told, servers }) {
  const { placeTake } = places;
  const { statementOf, numberOf, nothing } = statements;
  const { HTTP, SQLITE, TRANSACTION_BEGIN, TRANSACTION_END, PAGE, BUCKETS } = addon;

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

  /* Of a request that is watched. */
  function watch(call, text, target, values) {
    const { request, system, shape, started, statement: { number } } = call;
    if (shape & TRANSACTION_BEGIN) request.transactions++;
    if (shape & TRANSACTION_END) {
      request.commits++;
      if (request.transactions > 0) request.transactions--;
    }
    if (system === HTTP) request.calls++;
    else request.queries++;
    const { open: others, last } = request;
    request.open++;
    const tally = tallyOf(request, number, target);
    if (tally === null) return;
    call.tally = tally;
    call.slowAt = slow.begins(number);
    if (++tally.begun > 1) again(request, tally, text, values, started);
    else tally.text = text;
    if (shape & PAGE && !isFirstPage(values)) tally.pages = true;
    tally.open++;
    tally.commits = request.commits;
    if (system === SQLITE || request.transactions > 0) return;
    if (last !== null && others === 0) sequence.follows(last, call, values);
    const wanted = sequence.wants(number);
    if (wanted === undefined) return;
    call.kept = true;
    call.values = values;
    if (sequence.wantsPlace(wanted)) call.place = placeTake();
  }

  return {
    Request,
    restart,
    abandon,

    /* A statement or call begins. `target`: a small number of the server it goes to. */
    begin(request, system, text, target, values, shaped = 0) {
      const call = new Call(request, system, request.watched || system !== HTTP ? statementOf(system, text, shaped) : nothing, now());
      if (request.trace !== null) {
        call.span = '';
        call.to = servers[target];
      }
      if (request.watched) watch(call, text, target, values);
      return call;
    },

    /* `rows`: how many it gave or changed; undefined: it is not known. */
    end(call, error, result, rows) {
      const { request, tally, system } = call;
      const ended = now();
      if (call.connection !== undefined) startMove(call, ended);
      if (call.span !== undefined) spans.tell(call, numberOf(call.statement), ended, error);
      if (!request.watched) return;
      const took = ended - call.started;
      request.open--;
      if (system === HTTP) request.callsTime += took;
      else request.queriesTime += took;
      if (tally === null) return;
      tally.open--;
      tally.ended = ended;
      tally.othersTime = request.queriesTime + request.callsTime;
      if (took >= slow.from && system !== HTTP) slow.ended(tally, took, call.slowAt);
      if (error) return; /* a retry is no repetition */
      if (++tally.count > 1) {
        if (tally.count === 2) (tally.times = new Uint32Array(BUCKETS))[told.bucketOf(tally.time)]++;
        tally.times[told.bucketOf(took)]++;
      }
      if (rows !== undefined) {
        tally.rows += rows;
        tally.rowsOf++;
      }
      tally.time += took;
      if (took > tally.max) tally.max = took;
      if (system === SQLITE) return;
      call.ended = ended;
      if (call.kept) call.result = result;
      request.last = call;
      if (call.pair !== undefined) told.sequenceAdd(request, tally.number, sequence.ended(call));
    },

    /* A statement that began at `started` and is over, of a request that is traced and not watched. */
    timed(request, system, text, server, started, error) {
      const ended = now();
      const statement = statementOf(system, text, 0);
      if (!error) return spans.row(request.trace, statement.number, server, started, ended);
      const call = new Call(request, system, statement, started);
      call.span = '';
      call.to = server;
      return spans.tell(call, statement.number, ended, error);
    },
  };
};
