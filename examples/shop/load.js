#!/usr/bin/env node
'use strict';
// Visitors for the shop: a realistic mix of requests at a fixed rate, and a table of how it went.
//
//   node load.js --url http://127.0.0.1:3000 --rate 100 --seconds 30
//
// The rate is kept whatever the shop does (an open loop), and a latency counts from the moment at
// which the request should have been sent: a shop that stalls cannot hide it by slowing us down.

const dns = require('node:dns/promises');
const http = require('node:http');
const { randomUUID } = require('node:crypto');
const { parseArgs } = require('node:util');
const WebSocket = require('ws');

const HELP = `Usage: node load.js [options]

  --url URL        the shop, on this machine (http://127.0.0.1:3000)
  --rate N         requests a second, 1 to 5000 (50)
  --seconds N      how long, 1 to 3600 (10)
  --live N         open pages: WebSockets, and a quarter as many event streams, 0 to 500 (8)
  --only KINDS     only these kinds of request, separated by commas
  --json           the result as JSON instead of a table

Exit code: 0 all requests succeeded, 1 some failed, 2 the options are wrong or nobody answers.`;

const IN_FLIGHT_MAX = 2000;
const TIMEOUT_MS = 30000;
const VISITORS = 200;

const options = {
  url: { type: 'string', default: 'http://127.0.0.1:3000' },
  rate: { type: 'string', default: '50' },
  seconds: { type: 'string', default: '10' },
  live: { type: 'string', default: '8' },
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

function wrong(text) {
  console.error(`load: ${text}`);
  process.exit(2);
}

// ---- measuring ---------------------------------------------------------------------------------

/** Counts latencies in buckets 2 % wide: as small after an hour as after a second. */
class Times {
  constructor() {
    this.count = 0;
    this.errors = 0;
    this.buckets = new Map();
    this.most = 0;
  }
  add(ms) {
    const bucket = Math.round(Math.log(Math.max(ms, 0.01)) * 50);
    this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + 1);
    this.count++;
    this.most = Math.max(this.most, ms);
  }
  at(share) {
    let left = Math.ceil(this.count * share);
    for (const [bucket, count] of [...this.buckets].sort((a, b) => a[0] - b[0])) {
      left -= count;
      if (left <= 0) return Math.min(Math.exp(bucket / 50), this.most);
    }
    return 0;
  }
  merge(other) {
    this.count += other.count;
    this.errors += other.errors;
    this.most = Math.max(this.most, other.most);
    for (const [bucket, count] of other.buckets) this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + count);
  }
}

const kindTimes = new Map();
const reasons = new Map();
let inFlight = 0;
let notSent = 0;

const timesOf = (kind) => {
  if (!kindTimes.has(kind)) kindTimes.set(kind, new Times());
  return kindTimes.get(kind);
};

// ---- requests ----------------------------------------------------------------------------------

let shop;
const agent = new http.Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX, maxFreeSockets: 256 });

function send({ method, path, headers, body }) {
  return new Promise((done, failed) => {
    const req = http.request(
      { host: shop.hostname.replace(/^\[|\]$/g, ''), port: shop.port || 80, method, path, headers, agent, timeout: TIMEOUT_MS },
      (res) => {
        const parts = [];
        res.on('data', (part) => parts.push(part));
        res.on('error', failed);
        res.on('end', () => done({ status: res.statusCode, text: Buffer.concat(parts).toString() }));
      },
    );
    req.on('timeout', () => req.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    req.on('error', failed);
    req.end(body);
  });
}

/** Sends one request of this kind, due at `due`, and notes how it went. True: well. */
async function measured(kind, due, request) {
  const times = timesOf(kind);
  inFlight++;
  try {
    const { status, text } = await send(request);
    if (status >= 400) throw new Error(`${status} ${text.slice(0, 80)}`);
    return true;
  } catch (error) {
    times.errors++;
    const reason = `${kind}: ${error.message}`;
    if (reasons.size < 50 || reasons.has(reason)) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    return false;
  } finally {
    inFlight--;
    times.add(performance.now() - due);
  }
}

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const upTo = (n) => 1 + Math.floor(Math.random() * n);
const popular = () => 1 + Math.floor(Math.random() ** 2 * 240);
const words = ['steel', 'oak', 'kettle', 'light alder', 'map case', 'linen towel', 'brass', 'folding', 'kite', 'cedar pan'];
const categories = ['Kitchen', 'Desk', 'Garden', 'Bath', 'Travel', 'Play'];

// A visitor stays for a while; then another comes, with another session.
const visitors = Array.from({ length: VISITORS }, () => randomUUID());
function visitor() {
  const n = Math.floor(Math.random() * VISITORS);
  if (Math.random() < 0.08) visitors[n] = randomUUID();
  return { cookie: `session=${visitors[n]}` };
}
const json = (headers) => ({ ...headers, 'content-type': 'application/json' });

const get = (path) => (headers) => ({ method: 'GET', path: path(), headers });
const add = (headers) => ({
  method: 'POST',
  path: '/api/cart',
  headers: json(headers),
  body: JSON.stringify({ product: popular(), quantity: upTo(3) }),
});

function picture() {
  const boundary = `load${randomUUID()}`;
  const bytes = Buffer.alloc(8192 + upTo(100000), 'x');
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).copy(bytes);
  const body = Buffer.concat([
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n`,
    ),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

/** kind → [weight, what it sends]. */
const kinds = {
  front: [18, get(() => (Math.random() < 0.5 ? '/' : `/?category=${pick(categories)}`))],
  product: [24, get(() => `/api/products/${popular()}`)],
  image: [14, get(() => `/pictures/${popular()}.svg`)],
  search: [14, get(() => `/search?q=${encodeURIComponent(pick(words))}`)],
  'cart add': [9, add],
  'cart view': [7, get(() => '/cart')],
  checkout: [4, null],
  orders: [4, get(() => '/api/orders')],
  office: [4, get(() => '/api/office/orders')],
  upload: [
    1.5,
    (headers) => {
      const { body, type } = picture();
      // The last ten products: the disk keeps one picture for each.
      return { method: 'POST', path: `/api/products/${230 + upTo(10)}/picture`, headers: { ...headers, 'content-type': type }, body };
    },
  ],
  report: [0.5, get(() => '/api/report')],
};

async function one(kind, due) {
  if (kind !== 'checkout') return measured(kind, due, kinds[kind][1](visitor()));
  // An order wants a cart, so this is two requests, by somebody who does nothing else meanwhile.
  const headers = { cookie: `session=${randomUUID()}` };
  if (!(await measured('cart add', due, add(headers)))) return false;
  const buyer = JSON.stringify({ name: 'Lo Ad', email: 'lo.ad@example.org' });
  return measured('checkout', performance.now(), { method: 'POST', path: '/api/checkout', headers: json(headers), body: buyer });
}

// ---- open pages --------------------------------------------------------------------------------

const live = { opened: 0, dropped: 0, refused: 0, news: 0 };

/** A WebSocket that is open for some seconds, as a page is, then another; until `ended`. */
function openPage(ended) {
  if (ended.now) return;
  const socket = new WebSocket(`ws://${shop.host}/live`, { handshakeTimeout: TIMEOUT_MS });
  let leave;
  let wanted = false;
  const end = () => {
    wanted = true;
    socket.close();
  };
  socket.on('open', () => {
    live.opened++;
    leave = setTimeout(end, 2000 + Math.random() * 6000);
    ended.calls.add(end);
  });
  socket.on('message', () => live.news++);
  socket.on('error', () => {});
  socket.on('close', () => {
    clearTimeout(leave);
    ended.calls.delete(end);
    if (!wanted && leave) live.dropped++;
    if (!leave) live.refused++;
    if (!ended.now) setTimeout(openPage, wanted ? 0 : 250, ended);
  });
}

/** The same with an event stream. */
function openStream(ended) {
  if (ended.now) return;
  let wanted = false;
  let opened = false;
  const req = http.get({ host: shop.hostname.replace(/^\[|\]$/g, ''), port: shop.port || 80, path: '/api/events', agent: false }, (res) => {
    if (res.statusCode === 200) {
      opened = true;
      live.opened++;
    }
    res.on('data', () => live.news++);
    res.on('error', () => {});
  });
  const end = () => {
    wanted = true;
    req.destroy();
  };
  const leave = setTimeout(end, 2000 + Math.random() * 6000);
  ended.calls.add(end);
  req.on('error', () => {});
  req.on('close', () => {
    clearTimeout(leave);
    ended.calls.delete(end);
    if (!opened && !wanted) live.refused++;
    if (opened && !wanted) live.dropped++;
    if (!ended.now) setTimeout(openStream, wanted ? 0 : 250, ended);
  });
}

// ---- the run -----------------------------------------------------------------------------------

function number(values, name, least, most) {
  const value = Number(values[name]);
  if (!(value >= least && value <= most)) wrong(`--${name} is "${values[name]}", not a number from ${least} to ${most}`);
  return value;
}

async function loopback(url) {
  try {
    shop = new URL(url);
  } catch {
    wrong(`--url is "${url}", not a URL like http://127.0.0.1:3000`);
  }
  if (shop.protocol !== 'http:') wrong(`--url is "${url}"; only http: is possible`);
  const found = await dns.lookup(shop.hostname.replace(/^\[|\]$/g, ''), { all: true }).catch(() => []);
  if (found.length === 0 || !found.every(({ address }) => /^127\.|^::1$/.test(address)))
    wrong(`--url is "${url}", not on this machine: load goes to loopback addresses only`);
}

function table() {
  const all = new Times();
  const row = (kind, times) => ({
    kind,
    count: times.count,
    errors: times.errors,
    p50: times.at(0.5),
    p95: times.at(0.95),
    p99: times.at(0.99),
    max: times.most,
  });
  const rows = Object.keys(kinds).filter((kind) => kindTimes.has(kind)).map((kind) => {
    all.merge(kindTimes.get(kind));
    return row(kind, kindTimes.get(kind));
  });
  return [...rows, row('all', all)];
}

function print(rows, seconds) {
  const ms = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
  console.log(`${'kind'.padEnd(12)}${['count', 'errors', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'].map((head) => head.padStart(10)).join('')}`);
  for (const { kind, count, errors, p50, p95, p99, max } of rows)
    console.log(`${kind.padEnd(12)}${[count, errors, ms(p50), ms(p95), ms(p99), ms(max)].map((cell) => String(cell).padStart(10)).join('')}`);
  console.log(
    `\n${(rows.at(-1).count / seconds).toFixed(1)} requests a second; ${live.opened} pages opened, ` +
      `${live.dropped} dropped, ${live.refused} refused, ${live.news} news; ${notSent} requests not sent (over ${IN_FLIGHT_MAX} under way)`,
  );
  for (const [reason, count] of [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 10)) console.log(`${String(count).padStart(6)} × ${reason}`);
}

async function main() {
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    wrong(`${error.message} (--help shows what there is)`);
  }
  if (values.help) return console.log(HELP);
  const rate = number(values, 'rate', 1, 5000);
  const seconds = number(values, 'seconds', 1, 3600);
  const pages = number(values, 'live', 0, 500);
  await loopback(values.url);
  const wanted = values.only ? values.only.split(',').map((kind) => kind.trim()) : Object.keys(kinds);
  for (const kind of wanted) if (!(kind in kinds)) wrong(`--only names "${kind}"; there are: ${Object.keys(kinds).join(', ')}`);
  await send({ method: 'GET', path: '/healthz' }).catch((error) => wrong(`no shop at ${values.url}: ${error.message}`));

  const drawn = wanted.map((kind) => [kind, kinds[kind][0]]);
  const sum = drawn.reduce((total, [, weight]) => total + weight, 0);
  const draw = () => {
    let point = Math.random() * sum;
    for (const [kind, weight] of drawn) if ((point -= weight) < 0) return kind;
    return drawn[0][0];
  };

  const ended = { now: false, calls: new Set() };
  for (let n = 0; n < pages; n++) openPage(ended);
  for (let n = 0; n < Math.ceil(pages / 4); n++) openStream(ended);

  const start = performance.now();
  let sent = 0;
  process.once('SIGINT', () => {
    ended.now = true;
  });
  while (!ended.now && performance.now() - start < seconds * 1000) {
    for (let due; (due = start + (sent * 1000) / rate) <= performance.now() && due < start + seconds * 1000; sent++) {
      if (inFlight >= IN_FLIGHT_MAX) notSent++;
      else one(draw(), due);
    }
    await new Promise((next) => setTimeout(next, 2));
  }
  const took = (performance.now() - start) / 1000;
  ended.now = true;
  const late = performance.now() + TIMEOUT_MS + 1000;
  while (inFlight > 0 && performance.now() < late) await new Promise((next) => setTimeout(next, 10));
  ended.calls.forEach((end) => end());
  agent.destroy();

  const rows = table();
  if (values.json) console.log(JSON.stringify({ seconds: took, rows, live, notSent, reasons: Object.fromEntries(reasons) }));
  else print(rows, took);
  process.exitCode = rows.at(-1).errors > 0 || notSent > 0 ? 1 : 0;
}

main();
