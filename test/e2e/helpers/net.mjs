// helpers/net.mjs -- clients for the tests: HTTP by Node, and raw bytes; every one with a deadline

import http from 'node:http';
import net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const DEADLINE_MS = Number(process.env.E2E_PATIENCE_MS ?? 30000);

export const sleep = (ms) => wait(ms);

/** Resolves with `value` later, but keeps no process alive for it. */
export const deadline = (ms, value) => wait(ms, value, { ref: false });

/**
 * Polls until `check` gives something true, which it returns. Throws after `timeout`, or as soon as
 * `giveUp` names a reason why it will never come true.
 */
export async function poll(check, { timeout = DEADLINE_MS, every = 20, giveUp = () => false } = {}) {
  const end = performance.now() + timeout;
  for (;;) {
    const value = await check();
    if (value) return value;
    const why = giveUp();
    if (why) throw new Error(why);
    if (performance.now() > end) throw new Error(`it did not come true within ${timeout} ms`);
    await sleep(every);
  }
}

/** "::ffff:127.0.0.1" and "127.0.0.1" are the same client. */
export const address = (text) => text?.replace(/^::ffff:/, '');

/**
 * One request by Node's client, by default on a connection of its own. Gives
 * { status, headers, trailers, text, bytes, parts, localPort, json() }; `parts` are the pieces with the
 * time since the start at which each came.
 */
export function request({
  port,
  host = '127.0.0.1',
  socketPath,
  path = '/',
  method = 'GET',
  headers = {},
  body,
  agent = false,
  localAddress,
  timeout = DEADLINE_MS,
  transport = http,
  ...more
}) {
  return new Promise((done, failed) => {
    const start = performance.now();
    const to = socketPath ? { socketPath } : { port, host, localAddress };
    const req = transport.request({ ...to, path, method, headers, agent, ...more });
    const timer = setTimeout(
      () => req.destroy(new Error(`${method} ${path}: no whole answer within ${timeout} ms`)),
      timeout,
    );
    const over = (act) => (value) => {
      clearTimeout(timer);
      act(value);
    };
    const informational = [];
    req.once('error', over(failed));
    req.on('information', (info) => informational.push(info));
    req.once('response', (res) => {
      const parts = [];
      const { localPort } = res.socket;
      res.on('data', (data) => parts.push({ ms: performance.now() - start, data }));
      res.once('error', over(failed));
      res.once('end', over(() => {
        const bytes = Buffer.concat(parts.map((part) => part.data));
        done({
          status: res.statusCode,
          headers: res.headers,
          rawHeaders: res.rawHeaders,
          localPort,
          trailers: res.trailers,
          informational,
          parts,
          bytes,
          ms: performance.now() - start,
          text: bytes.toString(),
          json() {
            try {
              return JSON.parse(bytes.toString());
            } catch {
              throw new Error(`${method} ${path}: ${res.statusCode}, not JSON: ${bytes.toString().slice(0, 500)}`);
            }
          },
        });
      }));
    });
    if (typeof body?.pipe === 'function') body.pipe(req);
    else req.end(body);
  });
}

/**
 * Sends bytes (or several pieces with pauses: ['GET /', 50, ' HTTP/1.1…']) and collects what comes
 * back until the other side closes, `until(text)` is true, or the deadline passes. Gives { text,
 * closed, ms, error }; a deadline that passes is an answer, too: closed is false then.
 */
export function raw(port, pieces, { until, timeout = DEADLINE_MS, end = false, host = '127.0.0.1' } = {}) {
  return new Promise((done) => {
    const start = performance.now();
    const parts = [];
    let error = null;
    const socket = net.connect({ port, host, allowHalfOpen: true });
    const finish = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      done({ text: Buffer.concat(parts).toString('latin1'), closed, error, ms: performance.now() - start });
    };
    const timer = setTimeout(() => finish(false), timeout);
    socket.on('error', (why) => {
      error = why;
    });
    socket.on('close', () => finish(true));
    socket.on('end', () => finish(true));
    socket.on('data', (data) => {
      parts.push(data);
      if (until?.(Buffer.concat(parts).toString('latin1'))) finish(false);
    });
    socket.once('connect', async () => {
      for (const piece of Array.isArray(pieces) ? pieces : [pieces]) {
        if (typeof piece === 'number') await sleep(piece);
        else if (!socket.destroyed) socket.write(piece, 'latin1');
      }
      if (end) socket.end();
    });
  });
}
