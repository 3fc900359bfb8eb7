// helpers/wire.mjs -- a client that speaks HTTP/1 byte by byte, and forgives nothing
//
// Node's own client hides what the proxy really sent. This one shows it: framing, order, interim
// responses, trailers, and whether the connection stayed. Every wait has a deadline.

import net from 'node:net';
import { after } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';

const DEADLINE_MS = Number(process.env.E2E_PATIENCE_MS ?? 30000);

class Response {
  constructor(head) {
    const lines = head.split('\r\n');
    const found = /^HTTP\/(1\.[01]) (\d{3}) (.*)$/.exec(lines[0]);
    if (!found) throw new Error(`not a status line: ${JSON.stringify(lines[0])}`);
    [, this.version, , this.reason] = found;
    this.status = Number(found[2]);
    this.fields = lines.slice(1).map((line) => {
      const at = line.indexOf(': ');
      if (at <= 0) throw new Error(`not a field: ${JSON.stringify(line)}`);
      return [line.slice(0, at).toLowerCase(), line.slice(at + 2)];
    });
    this.interim = [];
    this.trailers = '';
    this.body = Buffer.alloc(0);
  }
  all(name) {
    return this.fields.filter(([n]) => n === name).map(([, value]) => value);
  }
  get(name) {
    return this.all(name)[0];
  }
  get text() {
    return this.body.toString('latin1');
  }
  json() {
    return JSON.parse(this.body.toString());
  }
}

// What a test that fails has left open must not keep its file from ending.
const open = new Set();
after(() => open.forEach((wire) => wire.destroy()));

export class Wire {
  #waiting = null;
  #list = []; // what has come and was not taken
  #size = 0;
  constructor(options) {
    this.parts = []; // [{ ms, bytes }]
    this.ended = false; // the other side said its end
    this.closed = false;
    this.error = null;
    this.began = performance.now();
    this.socket = net.connect({ host: '127.0.0.1', allowHalfOpen: true, ...options });
    this.socket.setNoDelay(true);
    const stir = () => this.#waiting?.();
    this.socket.on('data', (data) => {
      this.parts.push({ ms: performance.now() - this.began, bytes: data.length });
      this.#list.push(data);
      this.#size += data.length;
      stir();
    });
    this.socket.on('end', () => ((this.ended = true), stir()));
    this.socket.on('error', (error) => ((this.error = error), stir()));
    this.socket.on('close', () => ((this.ended = this.closed = true), open.delete(this), stir()));
    open.add(this);
  }

  /** All that has come and was not taken. */
  get got() {
    if (this.#list.length !== 1) this.#list = [Buffer.concat(this.#list)];
    return this.#list[0];
  }
  set got(bytes) {
    this.#list = [bytes];
    this.#size = bytes.length;
  }

  static async open(port, options = {}) {
    const wire = new Wire({ port, ...options });
    await wire.until(() => wire.closed || !wire.socket.connecting || null, 'the connection', true);
    return wire;
  }

  send(bytes) {
    if (!this.socket.destroyed) this.socket.write(bytes, 'latin1');
    return this;
  }

  /** Sends one byte a turn of the loop, each in its own packet as far as that can be had. */
  async sendSlowly(bytes, pause = 0) {
    for (const byte of Buffer.from(bytes, 'latin1')) {
      if (this.socket.destroyed) return;
      this.socket.write(Buffer.from([byte]));
      await (pause ? wait(pause) : new Promise(setImmediate));
    }
  }

  finish() {
    this.socket.end();
    return this;
  }
  destroy() {
    this.socket.destroy();
  }
  /** Ends with a reset, as a process that is killed does. */
  reset() {
    this.socket.resetAndDestroy();
  }

  /** Waits until `check` gives something else than null; asked again whenever something happens. */
  async until(check, what, connecting = false, timeout = DEADLINE_MS) {
    const deadline = performance.now() + timeout;
    for (;;) {
      const value = check();
      if (value !== null && value !== undefined) return value;
      if (this.ended && !connecting)
        throw new Error(`the connection ended before ${what}${this.error ? ` (${this.error.code})` : ''}: ${this.shown()}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`${what} did not come within ${timeout} ms: ${this.shown()}`);
      await new Promise((done) => {
        const timer = setTimeout(done, connecting ? 5 : left + 1);
        this.#waiting = () => {
          clearTimeout(timer);
          done();
        };
      });
      this.#waiting = null;
    }
  }

  shown() {
    return JSON.stringify(this.got.subarray(0, 600).toString('latin1'));
  }

  take(n) {
    const bytes = this.got.subarray(0, n);
    this.got = this.got.subarray(n);
    return bytes;
  }

  /** Exactly so many bytes. */
  bytes(n) {
    return this.until(() => (this.#size >= n ? this.take(n) : null), `${n} bytes`);
  }

  line() {
    return this.until(() => {
      const at = this.got.indexOf('\r\n');
      return at < 0 ? null : this.take(at + 2).subarray(0, at).toString('latin1');
    }, 'a line');
  }

  async head() {
    const head = await this.until(() => {
      const at = this.got.indexOf('\r\n\r\n');
      return at < 0 ? null : this.take(at + 4).subarray(0, at).toString('latin1');
    }, "a response's head");
    return new Response(head);
  }

  /** The end of the connection: true when it was an orderly one. */
  async end(timeout = DEADLINE_MS) {
    await this.until(() => (this.ended ? true : null), 'the end', false, timeout);
    return this.error === null;
  }

  /** A whole response to `method`; interim ones (but 101) are in its `interim`. */
  async response(method = 'GET') {
    const interim = [];
    let r = await this.head();
    while (r.status < 200 && r.status !== 101) {
      interim.push(r);
      r = await this.head();
    }
    r.interim = interim;
    const length = r.all('content-length');
    const coding = r.all('transfer-encoding');
    if (length.length + coding.length > 1) throw new Error(`framed twice: ${JSON.stringify(r.fields)}`);
    if (method === 'HEAD' || r.status === 101 || r.status === 204 || r.status === 304) return r;
    if (coding.length) await this.#chunks(r);
    else if (length.length) r.body = await this.bytes(Number(length[0]));
    else {
      await this.until(() => (this.ended ? true : null), 'the end of a body without a length').catch(() => {});
      r.body = this.take(this.got.length);
      r.closeDelimited = true;
    }
    return r;
  }

  async #chunks(r) {
    const parts = [];
    r.chunks = 0;
    for (;;) {
      const line = await this.line();
      const found = /^([0-9a-fA-F]+)(;.*)?$/.exec(line);
      if (!found) throw new Error(`not a chunk's size: ${JSON.stringify(line)}`);
      const size = parseInt(found[1], 16);
      if (size === 0) break;
      parts.push(await this.bytes(size));
      if ((await this.bytes(2)).toString() !== '\r\n') throw new Error('a chunk does not end');
      r.chunks++;
    }
    for (let line = await this.line(); line !== ''; line = await this.line()) r.trailers += `${line}\n`;
    r.body = Buffer.concat(parts);
  }
}

/** Sends `bytes` on a new connection and gives the first response; `wire` is in it. */
export async function ask(port, bytes, { method = 'GET', ...options } = {}) {
  const wire = await Wire.open(port, options);
  wire.send(bytes);
  const response = await wire.response(method);
  response.wire = wire;
  return response;
}

/** A request's bytes: get('/x', { 'x-a': 'b' }). Host is there unless the fields have it. */
export function get(path, fields = {}, { method = 'GET', version = '1.1', body } = {}) {
  const all = { host: 'app.test', ...fields };
  if (body !== undefined) all['content-length'] = Buffer.byteLength(body, 'latin1');
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** What the app has seen: { requests, events, pid }. */
export async function seen(port) {
  const response = await ask(port, get('/seen', { connection: 'close' }));
  response.wire.destroy();
  return response.json();
}
