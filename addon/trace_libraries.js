'use strict';
/* addon/trace_libraries.js -- where the calls of each library begin and end
 *
 * A part of agent.node (addon/part.c). A wrap changes nothing that an app can see but the text of
 * the function: name, length, own properties, what is returned and thrown, and in which order things
 * happen stay the library's. So nothing is chained to a promise, which would count as handled then;
 * the library's own callback is what is wrapped. Where nobody is watched, a wrap is one comparison.
 */

const channels = require('diagnostics_channel');

let t; /* of trace.js: `libraries`, and what trace_calls.js gives */

/* `make` gives a method, which as the library's own is no constructor. */
function replace(object, name, make) {
  const slot = object && Object.getOwnPropertyDescriptor(object, name);
  if (typeof slot?.value !== 'function' || !slot.configurable) return;
  const made = make(slot.value);
  Object.defineProperties(made, Object.getOwnPropertyDescriptors(slot.value));
  Object.defineProperty(object, name, { ...slot, value: made });
}

/* How many rows pg or mysql2 say that there were; undefined: they do not, or there are several results. */
function rowsOf(result) {
  if (typeof result !== 'object' || result === null) return undefined;
  if (!Array.isArray(result)) return result.rowCount ?? result.affectedRows;
  const first = result[0];
  return Array.isArray(first) || first?.rowCount !== undefined || first?.affectedRows !== undefined ? undefined : result.length;
}

/* `callback`, as what ends `call`, in the context of its request. */
function ending(call, callback) {
  return function () {
    t.end(call, arguments[0], arguments[1]?.rows ?? arguments[1], rowsOf(arguments[1]));
    return t.run(call.request, callback, this, arguments);
  };
}

/* A connection works on one statement at a time, and goes to one server. */
class Connection {
  constructor(name, database) {
    this.database = database; /* undefined: it stays the same */
    this.era = t.era;
    this.target = t.targetOf(name);
    this.busyUntil = 0;
  }
}

const connections = new WeakMap(); /* of the libraries, and their pools -> Connection */

/* `nameOf(object)`: of what it goes to; `database`: if that can change. */
function connectionOf(object, nameOf, database) {
  let connection = connections.get(object);
  if (connection === undefined || connection.era !== t.era || connection.database !== database)
    connections.set(object, (connection = new Connection(nameOf(object), database)));
  return connection;
}

/* ---- pg ---- */

/* A client that is given back goes to the next who waits, in the context of who gives it back: so it is said
 * whose it is now, of those as well who are not watched. */
const NOBODYS = { request: undefined };
let handed = null; /* the call of pool.query for which the pool now has a client */
let asking = null; /* ... for which it now looks for one */

const clientName = (client) => `pg ${client.host}:${client.port}/${client.database}`;
const poolName = ({ options = {} }) => `pg ${options.host ?? options.connectionString ?? ''}:${options.port ?? ''}/${options.database ?? ''}`;

/* The newest query of a client's. */
function pgNewest(client) {
  const own = Object.hasOwn(client, '_queryQueue');
  for (const queue of own ? [client._queryQueue, client._sentQueryQueue] : [client.queryQueue])
    if (Array.isArray(queue) && queue.length > 0) return queue[queue.length - 1];
  return own ? client._activeQuery : client.activeQuery;
}

/* What client.query has just made of `text`, if its end can be seen. */
function pgQueryOf(client, text, before) {
  const made = pgNewest(client);
  return made && made !== before && made.text === text && typeof made.callback === 'function' ? made : null;
}

/* `query.callback` ends the call as well. What waits for a promise has its context from there, and the pool
 * works for others in its callbacks: only in one of the app's it is that of the request. */
function pgEnding(call, query, isOfApp) {
  const { callback } = query;
  query.callback = isOfApp ? ending(call, callback) : function (error, result) {
    t.end(call, error, result?.rows ?? result, rowsOf(result));
    return callback.apply(this, arguments);
  };
}

function pgClient(Client) {
  replace(Client.prototype, 'connect', (connect) => ({ made(callback) {
    if (t.isIdle()) return connect.apply(this, arguments);
    return t.outside(connect, this, typeof callback === 'function' ? [inContext(t.current(), callback)] : arguments);
  } }).made);
  replace(Client.prototype, 'query', (query) => ({ made(config, values, callback) {
    const given = handed;
    const request = given === null ? t.current() : given.request;
    if (request === undefined) return query.apply(this, arguments);
    const text = typeof config === 'string' ? config : config?.text;
    if (typeof text !== 'string' || typeof config.submit === 'function') return query.apply(this, arguments);
    handed = null;
    const connection = connectionOf(this, clientName);
    const call = given ?? t.begin(request, t.addon.POSTGRESQL, text, connection.target, Array.isArray(values) ? values : config.values);
    if (given === null) call.connection = connection;
    else {
      t.restart(call);
      if (call.span !== undefined) call.to = t.serverAt(connection.target);
    }
    const before = pgNewest(this);
    let result;
    try {
      result = query.apply(this, arguments);
    } catch (error) {
      t.abandon(call);
      throw error;
    }
    const made = pgQueryOf(this, text, before);
    if (made === null) t.abandon(call);
    else pgEnding(call, made, given === null && (typeof values === 'function' || typeof callback === 'function' || typeof config.callback === 'function'));
    return result;
  } }).made);
}

/* The arguments of pool.query, with the app's callback in the context of its request; null: there is none. */
function pgPoolArgs(request, args) {
  for (let i = 1; i < args.length && i < 3; i++)
    if (typeof args[i] === 'function') {
      const made = [...args];
      made[i] = inContext(request, args[i]);
      return made;
    }
  return null;
}

/* `request`: undefined for one that is not watched. */
function inContext(request, fn) {
  return function () {
    return request === undefined ? t.outside(fn, this, arguments) : t.run(request, fn, this, arguments);
  };
}

function pgPool(Pool) {
  replace(Pool.prototype, 'query', (query) => ({ made(text, values, cb) {
    if (t.isIdle()) return query.apply(this, arguments);
    const request = t.current();
    const words = typeof text === 'string' ? text : text?.text;
    const isWatched = request !== undefined && typeof words === 'string' && typeof text.submit !== 'function';
    const args = pgPoolArgs(request, arguments);
    asking = isWatched
      ? t.begin(request, t.addon.POSTGRESQL, words, connectionOf(this, poolName).target, Array.isArray(values) ? values : text.values)
      : NOBODYS;
    try {
      return query.apply(this, args ?? arguments);
    } finally {
      asking = null;
    }
  } }).made);
  replace(Pool.prototype, 'connect', (connect) => ({ made(cb) {
    const call = asking;
    asking = null;
    if (typeof cb !== 'function' || t.isIdle()) return connect.apply(this, arguments);
    return connect.call(this, call === null ? inContext(t.current(), cb) : handing(call, cb, true));
  } }).made);
}

/* The pool's own callback, which asks the client at once. `ends`: nobody else hears that there is no client. */
function handing(call, cb, ends) {
  return function (error) {
    if (error && ends && call !== NOBODYS) t.end(call, error);
    handed = error ? null : call;
    try {
      return cb.apply(this, arguments);
    } finally {
      handed = null;
    }
  };
}

/* ---- SQLite: better-sqlite3, libsql, node:sqlite ---- */

const sources = new WeakMap(); /* statement -> its text; asked for, it would be made anew each time */
const databases = new WeakMap(); /* statement -> its database */

const wrapped = new WeakSet(); /* prototypes of statements */

/* undefined: it does not say. */
function sourceTake(statement, sourceOf) {
  let text = sources.get(statement);
  if (text === undefined && typeof (text = sourceOf(statement)) === 'string') sources.set(statement, text);
  return text;
}

function sqliteStatement(proto, sourceOf) {
  if (wrapped.has(proto)) return;
  wrapped.add(proto);
  for (const name of ['all', 'get', 'run'])
    replace(proto, name, (original) => ({ made() {
      const request = t.current();
      if (request === undefined) return original.apply(this, arguments);
      const text = sourceTake(this, sourceOf);
      if (typeof text !== 'string') return original.apply(this, arguments);
      if (!request.watched) return sqliteTimed(request, text, original, this, arguments);
      const call = t.begin(request, t.addon.SQLITE, text, t.targetOfObject(databases.get(this) ?? this),
        arguments.length === 1 ? arguments[0] : [...arguments]);
      try {
        const result = original.apply(this, arguments);
        t.end(call, null, undefined, sqliteRows(result));
        return result;
      } catch (error) {
        t.end(call, error ?? true);
        throw error;
      }
    } }).made);
}

/* What `all`, `get` and `run` give. */
function sqliteRows(result) {
  if (Array.isArray(result)) return result.length;
  if (typeof result?.changes === 'number' && result.lastInsertRowid !== undefined) return result.changes;
  return result === undefined ? 0 : 1;
}

/* It is over when it returns. */
function sqliteTimed(request, text, original, self, args) {
  const started = t.now();
  let result;
  try {
    result = original.apply(self, args);
  } catch (error) {
    t.timed(request, t.addon.SQLITE, text, undefined, started, error ?? true);
    throw error;
  }
  t.timed(request, t.addon.SQLITE, text, undefined, started, null);
  return result;
}

function sqliteDatabase(proto, sourceOf) {
  replace(proto, 'prepare', (prepare) => ({ made(sql) {
    const statement = prepare.apply(this, arguments);
    if (typeof statement !== 'object' || statement === null) return statement;
    sqliteStatement(Object.getPrototypeOf(statement), sourceOf);
    databases.set(statement, this);
    if (sourceOf === sourceKept) sources.set(statement, String(sql));
    return statement;
  } }).made);
  replace(proto, 'exec', (exec) => ({ made(sql) {
    const request = t.current();
    if (request === undefined || typeof sql !== 'string') return exec.apply(this, arguments);
    if (!request.watched) return sqliteTimed(request, sql, exec, this, arguments);
    const call = t.begin(request, t.addon.SQLITE, sql, t.targetOfObject(this), undefined);
    try {
      const result = exec.apply(this, arguments);
      t.end(call, null);
      return result;
    } catch (error) {
      t.end(call, error ?? true);
      throw error;
    }
  } }).made);
}

const sourceKept = (statement) => sources.get(statement);

/* ---- mysql2 ---- */

const mysqlName = ({ host, port, socketPath, database }) => `mysql ${socketPath ?? `${host}:${port}`}/${database}`;
const mysqlConnectionName = ({ config }) => mysqlName(config ?? {});
const mysqlPoolName = ({ config }) => mysqlName(config?.connectionConfig ?? {});

/* The arguments of `query` and `execute`, with what ends `call` around the callback; null: it has none. */
function mysqlEnding(call, args) {
  for (let i = 1; i < args.length; i++)
    if (typeof args[i] === 'function') {
      const made = [...args];
      made[i] = ending(call, args[i]);
      return made;
    }
  return null;
}

const mysqlValues = (sql, values) => (Array.isArray(values) || (values && typeof values === 'object') ? values : sql.values);

function mysqlConnection(Connection) {
  for (const name of ['query', 'execute'])
    replace(Connection.prototype, name, (original) => ({ made(sql, values, cb) {
      const call = handed;
      handed = null;
      if (call !== null) { /* of pool.query, which has a callback of its own */
        if (call !== NOBODYS) t.restart(call);
        return original.apply(this, arguments);
      }
      const request = t.current();
      const text = typeof sql === 'string' ? sql : sql?.sql;
      if (request === undefined || typeof text !== 'string' || typeof sql.onResult === 'function')
        return original.apply(this, arguments);
      const connection = connectionOf(this, mysqlConnectionName, this.config?.database);
      const made = t.begin(request, t.addon.MYSQL, text, connection.target, mysqlValues(sql, values));
      made.connection = connection;
      const args = mysqlEnding(made, arguments);
      if (args === null) t.abandon(made); /* a stream */
      try {
        return original.apply(this, args ?? arguments);
      } catch (error) {
        if (args !== null) t.abandon(made);
        throw error;
      }
    } }).made);
}

function mysqlPool(Pool) {
  for (const name of ['query', 'execute'])
    replace(Pool.prototype, name, (original) => ({ made(sql, values, cb) {
      const request = t.current();
      const text = typeof sql === 'string' ? sql : sql?.sql;
      if (request === undefined || typeof text !== 'string') return original.apply(this, arguments);
      const call = t.begin(request, t.addon.MYSQL, text, connectionOf(this, mysqlPoolName).target, mysqlValues(sql, values));
      const args = mysqlEnding(call, arguments);
      if (args === null) t.abandon(call);
      asking = args === null ? null : call;
      try {
        return original.apply(this, args ?? arguments);
      } finally {
        asking = null;
      }
    } }).made);
  replace(Pool.prototype, 'getConnection', (getConnection) => ({ made(cb) {
    const call = asking;
    asking = null;
    if (typeof cb !== 'function' || t.isIdle()) return getConnection.apply(this, arguments);
    const inner = inContext(call === null ? t.current() : call.request, cb);
    return t.outside(getConnection, this, [call === null ? inner : handing(call, inner, false)]);
  } }).made);
}

/* ---- Redis: ioredis, redis ---- */

/* Of a key its first part, if that is a word: user:42 is user:*. */
function redisText(name, key) {
  const text = typeof key === 'string' ? key : Buffer.isBuffer(key) ? key.toString('latin1', 0, 100) : '';
  const found = /^[A-Za-z][A-Za-z_-]{0,30}(?=:)/.exec(text);
  return `${name} ${found ? `${found[0]}:*` : '*'}`;
}

/* What works on one key, and could be sent together with others. */
const REDIS_ONE = /^(GET|SET|SETEX|PSETEX|SETNX|GETSET|GETDEL|GETEX|STRLEN|EXISTS|TYPE|TTL|PTTL|DEL|UNLINK|EXPIRE|PEXPIRE|INCR|INCRBY|INCRBYFLOAT|DECR|DECRBY|APPEND|HGET|HMGET|HGETALL|HSET|HMSET|HDEL|HEXISTS|HINCRBY|HLEN|SADD|SREM|SISMEMBER|SMEMBERS|SCARD|ZADD|ZREM|ZSCORE|ZRANK|ZCARD|LLEN|LINDEX|JSON\.GET|JSON\.SET)$/;
const REDIS_READ = /^(H?M?GET|HGETALL|STRLEN|EXISTS|TYPE|P?TTL|HEXISTS|HLEN|SISMEMBER|SMEMBERS|SCARD|ZSCORE|ZRANK|ZCARD|LLEN|LINDEX|JSON\.GET)$/;

function redisBegin(request, name, args, target) {
  const { addon } = t;
  const shape = REDIS_ONE.test(name) ? (REDIS_READ.test(name) ? addon.READ : addon.WRITE) | addon.PIPELINED : addon.DELIBERATE;
  return t.begin(request, addon.REDIS, redisText(name, args[0]), target, args, shape);
}

const seen = new WeakSet(); /* commands */
const ioredisName = ({ options: { host, port, path, db } = {} }) => `redis ${path ?? `${host}:${port}`}/${db}`;

function ioredis({ prototype }) {
  replace(prototype, 'sendCommand', (send) => ({ made(command, stream) {
    const request = t.current();
    if (request === undefined || typeof command?.resolve !== 'function' || seen.has(command) || command.pipelineIndex !== undefined)
      return send.apply(this, arguments);
    seen.add(command);
    const call = redisBegin(request, String(command.name).toUpperCase(), command.args ?? [], connectionOf(this, ioredisName).target);
    const { resolve, reject } = command;
    command.resolve = function (value) {
      t.end(call, null, value);
      return resolve.call(this, value);
    };
    command.reject = function (error) {
      t.end(call, error);
      return reject.call(this, error);
    };
    return send.apply(this, arguments);
  } }).made);
}

function redisServerOf(options) {
  const { host = 'localhost', port = 6379, path } = options?.socket ?? {};
  return new t.spans.Server(path ?? host, path ? 0 : port, String(options?.database ?? 0));
}

const redisServers = new WeakMap(); /* client -> where it goes */

function redisServer(client) {
  const { options } = client;
  const known = redisServers.get(client);
  if (known !== undefined && known.database === options?.database) return known.server;
  const server = redisServerOf(options);
  redisServers.set(client, { database: options?.database, server });
  return server;
}

/* Its promise is awaited in the library, but for commands that the app spells out itself. */
function redis({ prototype }) {
  replace(prototype, 'sendCommand', (send) => ({ made(args, options) {
    const request = t.current();
    if (request === undefined || !Array.isArray(args)) return send.apply(this, arguments);
    const call = redisBegin(request, String(args[0]).toUpperCase(), args.slice(1), t.targetOfObject(this._self ?? this));
    if (call.span !== undefined) call.to = redisServer(this._self ?? this);
    const sent = send.apply(this, arguments);
    if (typeof sent?.then !== 'function') return t.abandon(call), sent;
    return sent.then((value) => {
      t.end(call, null, value);
      return value;
    }, (error) => {
      t.end(call, error);
      throw error;
    });
  } }).made);
}

/* ---- MongoDB ---- */

const MONGODB = /^(find|aggregate|count|distinct|insert|update|delete|findAndModify|getMore)$/;

/* A command, by the fields that it looks for: "find users (id)". */
function mongodbCall(command) {
  const { addon } = t;
  const name = Object.keys(command)[0];
  const list = command.documents ?? command.updates ?? command.deletes;
  const filter = command.filter ?? command.query ?? list?.[0]?.q ?? {};
  const fields = Object.keys(filter);
  const many = name === 'getMore' || name === 'aggregate' || (Array.isArray(list) && list.length > 1) || typeof command.skip === 'number' ||
    fields.some((key) => key.startsWith('$') || (filter[key] !== null && typeof filter[key] === 'object' && ['$in', '$gt', '$lt', '$gte', '$lte'].some((word) => Object.hasOwn(filter[key], word))));
  const shape = (name === 'find' || name === 'count' || name === 'distinct' ? addon.READ : addon.WRITE) | (many ? addon.DELIBERATE : 0);
  const values = fields.map((key) => (typeof filter[key] === 'object' ? filter[key]?.toHexString?.() ?? JSON.stringify(filter[key]) : String(filter[key])));
  return { name, text: `${name} ${command[name]}${fields.length ? ` (${fields.join(', ')})` : ''}`, shape, values: name === 'insert' ? [list?.[0]?._id?.toHexString?.() ?? typeof list?.[0]?._id] : values };
}

function mongodb({ prototype }) {
  replace(prototype, 'command', (original) => ({ made(ns, command) {
    const request = t.current();
    if (request === undefined || typeof command !== 'object' || command === null || !MONGODB.test(Object.keys(command)[0]))
      return original.apply(this, arguments);
    let told;
    try {
      told = mongodbCall(command);
    } catch {
      return original.apply(this, arguments);
    }
    const { text, shape, values } = told;
    const call = t.begin(request, t.addon.MONGODB, text, t.targetOf(`mongodb ${this.address ?? ''}/${ns?.db ?? ''}`), values, shape);
    const sent = original.apply(this, arguments);
    if (typeof sent?.then !== 'function') return t.abandon(call), sent;
    sent.then(() => t.end(call, null), (error) => t.end(call, error)); /* the driver awaits it, too */
    return sent;
  } }).made);
}

/* ---- Outgoing HTTP: node:http, and undici with fetch ---- */

const outgoing = new WeakMap(); /* request -> its call */

function httpBegin(message, method, origin, path) {
  const request = t.current();
  if (request === undefined) return undefined;
  const { addon, spans } = t;
  const shape = (method === 'GET' || method === 'HEAD' ? addon.READ : addon.WRITE) | addon.PIPELINED;
  const call = t.begin(request, addon.HTTP, `${method} ${origin}${t.pathClean(path)}`, t.targetOf(`http ${origin}`), [path], shape);
  if (call.span !== undefined) {
    call.method = method;
    call.url = spans.urlClean(path.startsWith('/') ? origin + path : path);
    call.to = httpServerOf(origin, call.to);
  }
  outgoing.set(message, call);
  return call;
}

function httpServerOf(origin, server) {
  return server?.port ? server : { ...server, port: origin.startsWith('https:') ? 443 : 80 };
}

function httpEnd(message, error, status) {
  const call = outgoing.get(message);
  if (call === undefined) return;
  outgoing.delete(message);
  call.status ??= status;
  t.end(call, error || (call.span !== undefined && call.status >= 400 && { code: call.status }));
}

/* Fields that the app gives as a list are in the head only. */
const hostOf = (request) => request.getHeader('host') ?? /\r\nhost: *([^\r\n]+)/i.exec(request._header)?.[1] ?? request.host;

function clientBegin(request) {
  return outgoing.get(request) ?? httpBegin(request, request.method, `${request.protocol}//${hostOf(request)}`, request.path);
}

/* The head is made here, whoever has set which field how. */
function clientHeads({ ClientRequest, OutgoingMessage }) {
  const { _storeHeader: store } = OutgoingMessage.prototype;
  if (typeof store !== 'function' || Object.hasOwn(ClientRequest.prototype, '_storeHeader')) return;
  Object.defineProperty(ClientRequest.prototype, '_storeHeader', {
    configurable: true,
    writable: true,
    enumerable: false,
    value: ({ _storeHeader() {
      store.apply(this, arguments);
      const call = t.current() === undefined ? outgoing.get(this) : clientBegin(this);
      if (call?.span !== undefined) this._header = t.spans.headWith(this._header, call);
    } })._storeHeader,
  });
}

function undiciBegin({ request }) {
  const call = httpBegin(request, request.method, String(request.origin), String(request.path));
  if (call?.span !== undefined) t.spans.requestAdd(request, call);
}

function undiciAnswer({ request, response }) {
  const call = outgoing.get(request);
  if (call !== undefined) call.status = response?.statusCode;
}

const http = {
  /* Where the app is; older Nodes only have the next. */
  'http.client.request.created': ({ request }) => clientBegin(request),
  'http.client.request.start': ({ request }) => clientBegin(request),
  'http.client.response.finish': ({ request, response }) => httpEnd(request, response?.statusCode >= 500, response?.statusCode),
  'http.client.request.error': ({ request, error }) => httpEnd(request, error),
  'undici:request:create': undiciBegin,
  'undici:request:headers': undiciAnswer,
  'undici:request:trailers': ({ request }) => httpEnd(request, null),
  'undici:request:error': ({ request, error }) => httpEnd(request, error),
};

/* ---- */

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
  'mysql2/lib/base/connection.js': mysqlConnection,
  'mysql2/lib/base/pool.js': mysqlPool,
  'mysql2/lib/connection.js': mysqlConnection,
  'mysql2/lib/pool.js': mysqlPool,
  'ioredis/built/Redis.js': ioredis,
  'ioredis/built/redis/index.js': ioredis,
  '@redis/client/dist/lib/client/index.js': redis,
  'mongodb/lib/cmap/connection.js': ({ Connection }) => mongodb(Connection),
};

const done = new WeakSet();

module.exports = function libraries(trace) {
  t = trace;
  for (const [name, heard] of Object.entries(http)) channels.subscribe(name, heard);
  if (t.spans !== null) clientHeads(require('http'));
  return {
    replace,
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
