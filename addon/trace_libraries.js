'use strict';
/* addon/trace_libraries.js -- where the calls of each library begin and end
 *
 * A part of agent.node (addon/part.c). A wrap changes nothing that an app can see but the text of
 * the function: name, length, own properties, what is returned and thrown, and in which order things
 * happen stay the library's. So nothing is chained to a promise, which would count as handled then;
 * the library's own callback is what is wrapped. Where nobody is watched, a wrap is one comparison.
 */

const channels = require('diagnostics_channel');

let t; /* of trace.js: current, begin, end, abandon, run, targetOf, targetOfObject, addon */

function replace(object, name, make) {
  const slot = object && Object.getOwnPropertyDescriptor(object, name);
  if (typeof slot?.value !== 'function' || !slot.configurable) return;
  const made = make(slot.value);
  Object.defineProperties(made, Object.getOwnPropertyDescriptors(slot.value));
  Object.defineProperty(object, name, { ...slot, value: made });
}

/* `callback`, as what ends `call`, in the context of its request. */
function ending(call, callback) {
  return function (error, ...rest) {
    t.end(call, error);
    return t.run(call.request, callback, this, [error, ...rest]);
  };
}

/* ---- pg ---- */

let handed = null; /* the call of pool.query for which the pool now has a client */
let asking = null; /* ... for which it now looks for one */

/* The query that client.query has just made of `text`, if its end can be seen. */
function pgQueryOf(client, text) {
  const own = Object.hasOwn(client, '_queryQueue');
  const queue = own ? client._queryQueue : client.queryQueue;
  const running = own ? client._activeQuery : client.activeQuery;
  const last = Array.isArray(queue) && queue.length > 0 ? queue[queue.length - 1] : running;
  return last && last.text === text && typeof last.callback === 'function' && !seen.has(last) ? last : null;
}
const seen = new WeakSet();

function pgTarget(client) {
  return t.targetOf(`pg ${client.host}:${client.port}/${client.database}`);
}

function pgClient(Client) {
  replace(Client.prototype, 'query', (query) => function (config, values, callback) {
    const request = t.current();
    if (request === undefined) return query.apply(this, arguments);
    const text = typeof config === 'string' ? config : config?.text;
    if (typeof text !== 'string' || typeof config.submit === 'function') return query.apply(this, arguments);
    const given = handed;
    handed = null;
    const call = given ?? t.begin(request, t.addon.POSTGRESQL, text, pgTarget(this), Array.isArray(values) ? values : config.values);
    if (given === null) call.client = this;
    else t.restart(call);
    let result;
    try {
      result = query.apply(this, arguments);
    } catch (error) {
      t.abandon(call);
      throw error;
    }
    const made = pgQueryOf(this, text);
    if (made === null) t.abandon(call);
    else {
      seen.add(made);
      made.callback = ending(call, made.callback);
    }
    return result;
  });
}

function pgPool(Pool) {
  replace(Pool.prototype, 'query', (query) => function (text, values, cb) {
    const request = t.current();
    const words = typeof text === 'string' ? text : text?.text;
    if (request === undefined || typeof words !== 'string' || typeof text.submit === 'function') return query.apply(this, arguments);
    const { options = {} } = this;
    const call = t.begin(request, t.addon.POSTGRESQL, words,
      t.targetOf(`pg ${options.host ?? options.connectionString ?? ''}:${options.port ?? ''}/${options.database ?? ''}`),
      Array.isArray(values) ? values : text.values);
    asking = call;
    try {
      return query.apply(this, arguments);
    } finally {
      asking = null;
    }
  });
  replace(Pool.prototype, 'connect', (connect) => function (cb) {
    const call = asking;
    const request = call?.request ?? t.current();
    asking = null;
    if (request === undefined || typeof cb !== 'function') return connect.apply(this, arguments);
    return connect.call(this, function (error, ...rest) {
      if (error && call !== null) t.end(call, error);
      handed = error ? null : call;
      try {
        return t.run(request, cb, this, [error, ...rest]);
      } finally {
        handed = null;
      }
    });
  });
}

/* ---- SQLite: better-sqlite3, libsql, node:sqlite ---- */

const sources = new WeakMap(); /* statement -> its text; where it does not say it itself */
const databases = new WeakMap(); /* statement -> its database */

const wrapped = new WeakSet(); /* prototypes of statements */

function sqliteStatement(proto, sourceOf) {
  if (wrapped.has(proto)) return;
  wrapped.add(proto);
  for (const name of ['all', 'get', 'run'])
    replace(proto, name, (original) => function (...values) {
      const request = t.current();
      if (request === undefined) return original.apply(this, values);
      const text = sourceOf(this);
      if (typeof text !== 'string') return original.apply(this, values);
      const call = t.begin(request, t.addon.SQLITE, text, t.targetOfObject(databases.get(this) ?? this),
        values.length === 1 ? values[0] : values);
      let failed = true;
      try {
        const result = original.apply(this, values);
        failed = false;
        return result;
      } finally {
        t.end(call, failed);
      }
    });
}

function sqliteDatabase(proto, sourceOf) {
  replace(proto, 'prepare', (prepare) => function (sql) {
    const statement = prepare.apply(this, arguments);
    if (typeof statement !== 'object' || statement === null) return statement;
    sqliteStatement(Object.getPrototypeOf(statement), sourceOf);
    databases.set(statement, this);
    if (sourceOf === sourceKept) sources.set(statement, String(sql));
    return statement;
  });
  replace(proto, 'exec', (exec) => function (sql) {
    const request = t.current();
    if (request === undefined || typeof sql !== 'string') return exec.apply(this, arguments);
    const call = t.begin(request, t.addon.SQLITE, sql, t.targetOfObject(this), undefined);
    let failed = true;
    try {
      const result = exec.apply(this, arguments);
      failed = false;
      return result;
    } finally {
      t.end(call, failed);
    }
  });
}

const sourceKept = (statement) => sources.get(statement);

const wraps = {
  'pg/lib/client.js': pgClient,
  'pg-pool/index.js': pgPool,
  'better-sqlite3/lib/database.js': (Database) => sqliteDatabase(Database.prototype, (statement) => statement.source),
  'libsql/index.js': (Database) => sqliteDatabase(Database.prototype, sourceKept),
  'node:sqlite': ({ DatabaseSync, StatementSync }) => {
    const sourceOf = (statement) => statement.sourceSQL;
    sqliteStatement(StatementSync.prototype, sourceOf);
    sqliteDatabase(DatabaseSync.prototype, sourceOf);
  },
};

const done = new WeakSet();

module.exports = function libraries(trace) {
  t = trace;
  return {
    /* `name`: as in agent.js, LIBRARIES. What does not look as it should is left alone. */
    loaded(name, exports) {
      const made = exports?.default ?? exports;
      if ((typeof made !== 'function' && typeof made !== 'object') || made === null || done.has(made)) return;
      done.add(made);
      try {
        wraps[name]?.(made);
      } catch {
        /* another version: it goes unwatched */
      }
    },
  };
};
