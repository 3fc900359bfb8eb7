'use strict';
/* addon/agent.js -- fettle inside a Node process; preloaded by NODE_OPTIONS=--require
 *
 * Connects to the supervisor, has every listen() answered by it, and gives sockets the addresses
 * of the real clients back. What it touches in Node, and why there, is in addon/README.md. It
 * keeps no process alive and does nothing where the environment has no FETTLE_DIR.
 *
 * The functions in parentheses are those that each start calls: V8 compiles these while it reads the
 * file. All others it compiles when they are called, and reads them twice for that.
 */

const { env } = process;

const ROLE_MAIN = 0;
const ROLE_CLUSTER_CHILD = 1;
const KIND_HTTP = 0;
const KIND_STREAM = 1;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const FLAG_V6ONLY = 1; /* UV_TCP_IPV6ONLY */
const PATH_MAX = 107;
const ROUTES_MAX = 1000;

/* Symbols, so that no key of an object changes. */
const kServed = Symbol('fettle.served'); /* of a listening handle */
const kUpstream = Symbol('fettle.upstream'); /* of a handle from the proxy: its place in `routes` */
const kClient = Symbol('fettle.client'); /* ... who is at its other end, once somebody has asked */
const kRoute = Symbol('fettle.route'); /* of a request or context: what the framework has set */

let addon;
let net;
let http;
let listen2; /* net.Server.prototype._listen2 as Node made it */

/* What few processes need, or need later, is in agent.node as text: Node would read and look
 * through it at each start. */
function part(name) {
  const made = new module.constructor(`${__dirname}/${name}.js`, null);
  made.filename = made.id;
  made._compile(addon.part(name), made.filename);
  return made.exports;
}

function warn(text) {
  try {
    require('fs').writeSync(2, `fettle: ${text}\n`);
  } catch {
    /* nobody reads stderr */
  }
}

/* ---- The environment: ours until the app runs, then hidden from it and its children ---- */

let hidden = null; /* what was taken out, for cluster.fork */

const take = (function take(name) {
  if (env[name] !== undefined) hidden[name] = env[name];
  delete env[name];
});

const hide = (function hide() {
  if (hidden) return;
  hidden = {};
  take('FETTLE_DIR');
  take('FETTLE_WORKER');
  delete env.FETTLE_SPAWNED;
  const { NODE_OPTIONS: options, LD_PRELOAD: preload } = env;
  if (options !== `--require ${__filename}` || (preload && preload !== `${__dirname}/fettle-loop.so`))
    return part('environment').take(env, hidden, __filename);
  take('NODE_OPTIONS');
  take('LD_PRELOAD');
});

/* ---- Addresses of clients ---- */

/* `text`: remote address, remote port, local address, local port (shm/wire.h); the words from
 * number `at` on. undefined: it has none. */
function addressOf(text, at) {
  const words = text.split(' ');
  const address = words[at];
  if (!address || address === '-') return undefined;
  return { address, family: address.includes(':') ? 'IPv6' : 'IPv4', port: Number(words[at + 1]) };
}

/* Who is at the other end of a connection. On one that carries requests of several clients, the
 * bytes that Node has read say which of them is being served, and the proxy has written in shared
 * memory who that one is. */
class Client {
  #handle; /* null: the connection is over, and it is who it was */
  #place;
  #bytes = 0;
  #text = '';
  #found = null; /* #text in two */
  constructor(handle) {
    this.#handle = handle;
    this.#place = addon.upstream(handle.fd);
    if (typeof this.#place === 'number') this.#watch(handle, handle.close);
    else this.#text = this.#place ?? '';
  }
  #watch(handle, close) {
    handle.close = (...args) => {
      this.#look();
      this.#handle = null;
      return close.apply(handle, args);
    };
  }
  get place() {
    return typeof this.#place === 'number' ? Math.floor(this.#place / 2 ** 32) : 0;
  }
  /* of: 0 the remote address, 2 the local one */
  address(of) {
    this.#look();
    this.#found ??= { 0: addressOf(this.#text, 0), 2: addressOf(this.#text, 2) };
    return this.#found[of];
  }
  #look() {
    if (typeof this.#place !== 'number' || this.#handle === null) return;
    const bytes = this.#handle.bytesRead;
    if (bytes === this.#bytes) return; /* the same request as before */
    const text = addon.peer(this.#place, bytes) ?? '';
    this.#bytes = bytes;
    if (text === this.#text) return;
    this.#text = text;
    this.#found = null;
  }
}

function clientOf(handle) {
  return (handle[kClient] ??= new Client(handle));
}

/* net.Socket keeps the object that it is given, so that object goes on saying what is true. */
function addressGive(handle, of, out) {
  const client = clientOf(handle);
  for (const key of ['address', 'family', 'port'])
    Object.defineProperty(out, key, { get: () => client.address(of)?.[key], enumerable: true, configurable: true });
  return 0;
}

function getpeername(out) {
  return addressGive(this, 0, out);
}

function getsockname(out) {
  return addressGive(this, 2, out);
}

/* A connection that the proxy made. */
function clientMark(handle, served) {
  handle[kUpstream] = served.kind === KIND_HTTP ? -1 : 0; /* -1: to be looked up */
  if (served.family === AF_UNIX) return; /* such sockets have no addresses */
  handle.getpeername = getpeername;
  handle.getsockname = getsockname;
}

/* ---- Routes ---- */

let routes = null; /* by place: the number of the route of the request there; the proxy reads it */
const numbers = new Map(); /* route as the framework says it -> its number */
const routeTexts = []; /* by number */
const known = new WeakMap(); /* the app's object of a route -> what its last request led to */

function numberOf(route) {
  let number = numbers.get(route);
  if (number !== undefined) return number;
  number = addon.routeNumber(route);
  if (numbers.size >= ROUTES_MAX) numbers.clear();
  numbers.set(route, number);
  if (number > 0) routeTexts[number] ??= route;
  return number;
}

/* What stands in a mount path for a value: /users/42 and /users/43 are one route. */
function mountClean(base) {
  return base.replace(/\/(?=[^/]*\d)[0-9a-fA-F-]+(?=\/|$)/g, '/:id');
}

function routePath(path) {
  if (typeof path === 'string') return path;
  return Array.isArray(path) ? path.map(String).join('|') : String(path);
}

/* Express and its kin: the route's own path, below where its router is mounted. */
function routeNumber(route, base) {
  const { path } = route;
  if (path === undefined) return 0;
  const last = known.get(route);
  if (last !== undefined && last.base === base && last.path === path) return last.number;
  const number = numberOf((base ? mountClean(base) : '') + routePath(path));
  if (typeof route === 'object') known.set(route, { base, path, number });
  return number;
}

/* Express gives each req and res a hidden class of their own, so that V8 misses its caches with
 * each property that is read and learns one in vain: 1300 instructions. It learns nothing where
 * names vary as well, and then just looks the property up: 200. */
function read(object, name) {
  return object[name];
}

/* The place of the proxy's connection that a request came by; undefined: it is none. */
function placeOf(req) {
  const handle = read(req, 'socket')?._handle;
  const place = handle?.[kUpstream];
  return place < 0 ? (handle[kUpstream] = clientOf(handle).place) : place;
}

/* The request is of this route. */
function routeTell(req, number) {
  if (trace !== null) trace.route(req, number);
  if (measured !== null) measured.route(req, number);
  const place = placeOf(req);
  if (place !== undefined) routes[place] = number;
}

/* `object[name]`, which a framework sets once it knows the route; what it reads is what it set. */
const routeWatch = (function routeWatch(object, name, tell) {
  Object.defineProperty(object, name, {
    configurable: true,
    get() {
      return this[kRoute];
    },
    set(route) {
      this[kRoute] = route;
      tell(this, route);
    },
  });
});

const httpPatch = (function httpPatch() {
  routes = addon.routes();
  if (routes === null || 'route' in http.IncomingMessage.prototype) return;
  routeWatch(http.IncomingMessage.prototype, 'route', (req, route) =>
    routeTell(req, route === undefined || route === null ? 0 : routeNumber(route, read(req, 'baseUrl'))));
});

/* Fastify tells of each instance; its routes are known in its requests. */
function fastifyWatch({ fastify }) {
  fastify.addHook('onRequest', function (request, reply, done) {
    const url = request.routeOptions ? request.routeOptions.url : request.routerPath;
    if (url && routes !== null && request.raw.httpVersionMajor === 1) routeTell(request.raw, numberOf(url));
    done();
  });
}

/* Koa's router says it in the context. */
const koaPatch = (function koaPatch() {
  for (const name of Object.keys(require.cache)) {
    if (!name.endsWith('/node_modules/koa/lib/context.js')) continue;
    const proto = require.cache[name].exports;
    if (routes === null || typeof proto !== 'object' || proto === null || '_matchedRoute' in proto) continue;
    routeWatch(proto, '_matchedRoute', (context, path) =>
      routeTell(context.req, path === undefined || path === null ? 0 : numberOf(routePath(path))));
  }
});

/* ---- What requests allocate ---- */

let measured = null; /* addon/allocations.js, once the app has an HTTP server */

const allocationsWatch = (function allocationsWatch() {
  setTimeout(() => {
    measured = part('allocations')(addon.allocations(), routeTexts);
  }, 20).unref();
});

/* ---- Next.js, which loads its server when it listens already ---- */

let next = null; /* addon/next.js, once it does */

function nextLoad(made, name) {
  next ??= part('next')((req, route) => {
    if (routes !== null) routeTell(req, numberOf(route));
  });
  next(name, made);
}

/* ---- Libraries that ask others: databases, other servers ---- */

let watches = false; /* somebody wants to know */
let trace = null; /* addon/trace.js, once the app has loaded such a library */

/* By what stands after the last node_modules/ in a file's name. */
const LIBRARIES = new Set([
  'pg/lib/client.js', 'pg-pool/index.js', 'mysql2/lib/base/connection.js', 'mysql2/lib/base/pool.js',
  'mysql2/lib/connection.js', 'mysql2/lib/pool.js', 'better-sqlite3/lib/database.js', 'libsql/index.js',
  'ioredis/built/Redis.js', 'ioredis/built/redis/index.js', '@redis/client/dist/lib/client/index.js',
  'mongodb/lib/cmap/connection.js',
]);

function traceLoad() {
  return (trace ??= part('trace')({ addon, part, routeTexts, placeOf }));
}

/* A file's extension has one function that loads it, which is called once for each file. */
const librariesWatch = (function librariesWatch() {
  const extensions = module.constructor._extensions;
  const { '.js': load } = extensions;
  extensions['.js'] = (function (made, filename) {
    const loaded = load.apply(this, arguments);
    const at = filename.lastIndexOf('/node_modules/');
    if (at < 0) return loaded;
    const name = filename.slice(at + 14);
    if (LIBRARIES.has(name) && watches) traceLoad().loaded(name, made.exports);
    else if (name.startsWith('next/dist/server/')) nextLoad(made, name);
    return loaded;
  });
});

/* Node's own is in no file. */
const sqliteWatch = (function sqliteWatch() {
  if (process.moduleLoadList?.includes('NativeModule sqlite')) traceLoad().loaded('node:sqlite', require('node:sqlite'));
});

/* The first outgoing request of all. */
const callsWatch = (function callsWatch() {
  const channels = require('diagnostics_channel');
  const first = () => {
    // Node 18 does not bear that a channel loses its last listener while it calls it.
    process.nextTick(() => {
      channels.unsubscribe('http.client.request.start', first);
      channels.unsubscribe('undici:request:create', first);
    });
    traceLoad();
  };
  channels.subscribe('http.client.request.start', first);
  channels.subscribe('undici:request:create', first);
});

/* ---- listen() ---- */

let patched = false;
let httpPatched = false;

const listenPatches = (function listenPatches(kind) {
  if (kind === KIND_HTTP && !httpPatched) {
    httpPatched = true;
    httpPatch();
    if (!watches && Object.keys(require.cache).some((name) => name.includes('/node_modules/next/'))) librariesWatch();
    if (watches && addon.MAIN_THREAD) allocationsWatch();
  }
  if (patched) return;
  patched = true;
  const reset = net.Socket.prototype.resetAndDestroy;
  if (reset)
    net.Socket.prototype.resetAndDestroy = function resetAndDestroy() {
      return this._handle?.[kUpstream] === undefined ? reset.call(this) : this.destroy();
    };
});

/* A server that decides by the client's address whether to accept it gets byte streams. */
const kindOf = (function kindOf(server) {
  http ??= require('http');
  return server instanceof http.Server && !server.blockList ? KIND_HTTP : KIND_STREAM;
});

/* A path that the workers cannot share: not text, too long, or named after this process. */
function isPrivatePath(name) {
  return typeof name !== 'string' || name.includes('\0') || Buffer.byteLength(name) > PATH_MAX ||
    new RegExp(`(^|\\D)${process.pid}(\\D|$)`).test(name);
}

/* What the supervisor says: a number is the errno, null: Node shall listen by itself. The
 * supervisor works while this process gets ready. */
const ask = (function ask(server, address, port, type, backlog, flags) {
  const kind = kindOf(server);
  let asked;
  let full = '';
  if (port === -1 && type === -1) {
    full = typeof address === 'string' && address[0] !== '\0' ? require('path').resolve(address) : null;
    if (isPrivatePath(full)) return null;
    asked = addon.ask(kind, AF_UNIX, '', 0, full, backlog | 0, 0);
  } else {
    const family = !address ? 0 : type === 6 ? AF_INET6 : AF_INET;
    asked = addon.ask(kind, family, address || '', port, '', backlog | 0, flags & FLAG_V6ONLY);
  }
  if (!asked) return null; /* no supervisor, as in a forked process */
  let answer;
  try {
    listenPatches(kind);
    hide();
    koaPatch();
    if (watches) sqliteWatch();
  } finally {
    answer = addon.answer();
  }
  if (full && answer === 2) answer = 13; /* libuv says EACCES where a folder is missing */
  if (typeof answer === 'object') Object.assign(answer, { kind, asked: full });
  return answer;
});

/* Makes _listen2 fail the way Node's own handle would. */
function refusingHandle(errno) {
  return { listen: () => -errno, close() {}, ref() {}, unref() {} };
}

/* libuv reports an address in use when it listens, everything else when it binds, and Node
 * tries 0.0.0.0 once more when it cannot bind to ::. */
function refusedAddress(errno, address) {
  return address || (errno === 98 ? '::' : '0.0.0.0');
}

/* The unix socket, bound and listening; null when that failed. */
const pipeOpen = (function pipeOpen(server, answer, backlog) {
  listen2.call(server, answer.path, -1, -1, backlog, undefined, 0);
  const handle = server._handle;
  if (!handle) {
    addon.unlisten(answer.listener);
    return null;
  }
  const { close } = handle;
  handle[kServed] = answer;
  handle.close = function (...args) {
    if (this[kServed]) addon.unlisten(answer.listener);
    this[kServed] = null;
    return close.apply(this, args);
  };
  if (answer.family === AF_UNIX) {
    handle.fchmod = (bits) => chmodAdd(answer.asked, bits);
    return handle;
  }
  handle.getsockname = (out) => {
    out.address = answer.host;
    out.family = answer.family === AF_INET6 ? 'IPv6' : 'IPv4';
    out.port = answer.port;
    return 0;
  };
  return handle;
});

/* readableAll and writableAll: as uv_pipe_chmod does it, on the path that clients use. */
function chmodAdd(name, bits) {
  const fs = require('fs');
  try {
    const { mode } = fs.statSync(name);
    fs.chmodSync(name, mode | (bits & 1 ? 0o444 : 0) | (bits & 2 ? 0o222 : 0));
    return 0;
  } catch (err) {
    return err.errno ?? -22;
  }
}

/* Node has set up the handle: look at each client first, and say that it accepts. */
const serve = (function serve(server) {
  const handle = server._handle;
  const served = handle?.[kServed];
  if (!served) return;
  const { onconnection } = handle;
  handle.onconnection = function (status, client) {
    if (client) clientMark(client, served);
    onconnection.call(this, status, client);
  };
  process.nextTick(() => {
    if (handle[kServed]) addon.ready(served.listener);
  });
});

const listenPatch = (function listenPatch() {
  net ??= require('net');
  listen2 = net.Server.prototype._listen2;
  if (typeof listen2 !== 'function') {
    warn(`process ${process.pid} listens by itself: Node ${process.version} has no net.Server.prototype._listen2`);
    return;
  }
  net.Server.prototype._listen2 = (function setupListenHandle(address, port, type, backlog, fd, flags) {
    if (this._handle || (typeof fd === 'number' && fd >= 0)) {
      listen2.call(this, address, port, type, backlog, fd, flags);
      return serve(this);
    }
    const answer = ask(this, address, port, type, backlog, flags);
    if (answer === null) return listen2.call(this, address, port, type, backlog, fd, flags);
    if (typeof answer === 'number') {
      this._handle = refusingHandle(answer);
      return listen2.call(this, refusedAddress(answer, address), port, type, backlog, fd, flags);
    }
    if (!pipeOpen(this, answer, backlog)) return undefined;
    if (answer.family !== AF_UNIX)
      this._connectionKey = `${answer.family === AF_INET6 ? 6 : 4}:${address || answer.host}:${port}`;
    else this._connectionKey = `${type}:${address}:${port}`;
    return serve(this);
  });
});

/* ---- cluster ---- */

const clusterPrimaryPatch = (function clusterPrimaryPatch(cluster) {
  const { fork } = cluster;
  let forked = 0;

  cluster.fork = function (given) {
    addon.cluster(++forked);
    return fork.call(this, hidden ? part('environment').shown(env, hidden, given) : given);
  };
});

/* ---- Start ---- */

/* Loading worker_threads takes longer than all the rest of this file: only where nobody waits. */
function isMainThread() {
  return require('worker_threads').isMainThread;
}

/* What require('./agent.node') comes down to, without looking for it. */
const addonLoad = (function addonLoad() {
  const file = `${__dirname}/agent.node`;
  try {
    const made = { exports: {} };
    process.dlopen(made, file);
    return made.exports;
  } catch (err) {
    const hint = err.code === 'ERR_DLOPEN_DISABLED' ? '; with --permission, give --allow-addons as well' : '';
    if (isMainThread())
      warn(`process ${process.pid} runs unwatched and listens by itself: ${file} ` +
        `could not be loaded (${err.message.split('\n')[0]})${hint}`);
    return null;
  }
});

/* In a child of the app's own cluster, Node has set up the channel to the primary by now. */
const clusterOf = (function clusterOf() {
  try {
    return require('cluster');
  } catch {
    return null;
  }
});

function unwatched(dir, err) {
  const name = require('util').getSystemErrorName(-err);
  warn(`process ${process.pid} runs unwatched and listens by itself: the supervisor does not answer at ` +
    `${dir}/agent.sock (${name})`);
  return false;
}

/* SIGUSR1 opens Node's inspector on 9229, which one process has: workers that are looked into side
 * by side take any free port, unless the user has chosen one. */
function inspectPortChoose() {
  for (const text of [env.NODE_OPTIONS ?? '', ...process.execArgv])
    if (text.includes('--inspect') || text.includes('--debug-port')) return;
  process.debugPort = 0;
}

/* What the package `fettle` keeps for all workers lies there (npm/lib/native.js). */
const memoryShow = (function memoryShow() {
  Object.defineProperty(process, Symbol.for('fettle.memory'), { value: addon.memory(), configurable: true });
});

/* The supervisor answers while Node loads what any server needs. */
const mainStart = (function mainStart() {
  const dir = env.FETTLE_DIR;
  const child = process.channel !== undefined && clusterOf()?.isWorker === true;
  let err = addon.connect(dir, Number(env.FETTLE_WORKER) || 0, child ? ROLE_CLUSTER_CHILD : ROLE_MAIN, process.version);
  if (err) return unwatched(dir, err);
  const cluster = clusterOf();
  inspectPortChoose();
  net = require('net');
  err = addon.welcome();
  if (err) return unwatched(dir, err);
  if (child || env.FETTLE_SPAWNED === '1') hide();
  listenPatch();
  memoryShow();
  if (child && listen2) part('cluster')(cluster, { addon, ask, pipeOpen });
  else if (cluster && !child) clusterPrimaryPatch(cluster);
  const timed = addon.watch(); /* collections count from here on */
  watches = addon.watches();
  if (watches) librariesWatch();
  setImmediate(() => {
    addon.idle();
    Object.defineProperty(process, Symbol.for('fettle.inspected'), { value: addon.inspected });
    if (watches) {
      sqliteWatch();
      callsWatch();
    }
    if (timed !== null) part('statistics')(addon.statistics(), timed, part, watches ? (clean) => traceLoad().measures(clean) : null);
  });
  return true;
});

/* A regular expression that is compiled costs more than all of this. */
const isLauncher = (function isLauncher(script) {
  const name = script.slice(script.lastIndexOf('/') + 1);
  return 'npyc'.includes(name[0]) &&
    /^(npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack)(-cli)?(-\d[\w.-]*?)?(\.[cm]?js)?$/.test(name);
});

const start = (function start() {
  const meant = env.FETTLE_DIR && !isLauncher(process.argv[1] ?? '');
  if (!meant && isMainThread()) return;
  addon = addonLoad();
  if (!addon) return;
  if (addon.MAIN_THREAD) {
    if (!mainStart()) return;
  } else {
    if (!addon.connected()) return;
    listenPatch();
    memoryShow();
  }
  require('diagnostics_channel').subscribe('fastify.initialization', fastifyWatch);
});

start();
