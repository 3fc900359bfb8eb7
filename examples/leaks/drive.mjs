// drive.mjs -- runs one of these programs, sends it requests, and takes three heap snapshots
//
//   node drive.mjs leaky/map-module.js [--node FILE] [--requests 100] [--out DIR]
//
// The program is started with --heapsnapshot-signal, so it knows nothing of it: any Node app can be
// driven like this. The snapshots are DIR/a, b and c.heapsnapshot: after the first requests (warm),
// after as many more, and after as many more again. Then:  fettle heap leaks DIR/*.heapsnapshot

import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PATIENCE_MS = 30_000;
const AT_ONCE = 8;

/** The programs with what is to be found in them: leaks.json, with `line` looked up from `at`. */
export function table() {
  const { programs } = JSON.parse(fs.readFileSync(path.join(HERE, 'leaks.json'), 'utf8'));
  return programs.map((row) => {
    const file = path.join(HERE, row.program);
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes(row.at)) + 1;
    if (!line) throw new Error(`${row.program} has no line with ${row.at}`);
    return { ...row, file, line };
  });
}

/** The healthy programs: files of the folder of that name. */
export const healthy = () =>
  fs
    .readdirSync(path.join(HERE, 'healthy'))
    .sort()
    .map((name) => `healthy/${name}`);

/** A port that nobody has; not from the range that the kernel gives to outgoing connections. */
async function freePort() {
  for (;;) {
    const port = crypto.randomInt(10_000, 32_000);
    const server = net.createServer();
    const free = await new Promise((done) => server.on('error', () => done(false)).listen(port, () => done(true)));
    await new Promise((done) => server.close(done));
    if (free) return port;
  }
}

async function until(what, check) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await new Promise((done) => setTimeout(done, 10))) {
    const found = await check();
    if (found) return found;
  }
  throw new Error(`${what}: not in ${PATIENCE_MS} ms`);
}

/** One request on a connection of its own, which is closed after it. */
const get = (port) =>
  new Promise((done, fail) => {
    const request = http.get({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.resume().on('end', () => done(response.statusCode));
    });
    request.on('error', fail);
  });

/** Opens a WebSocket and closes it again by ending the connection. */
const upgrade = (port) =>
  new Promise((done, fail) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': crypto.randomBytes(16).toString('base64'),
    };
    const request = http.get({ host: '127.0.0.1', port, agent: false, headers });
    request.on('error', fail);
    request.on('upgrade', (response, socket) => {
      socket.on('error', () => {}).on('close', () => done(101));
      socket.end();
    });
    request.on('response', (response) => fail(new Error(`no WebSocket: ${response.statusCode}`)));
  });

async function many(count, one) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/**
 * Starts `program` (its path from this folder) on `node`: { child, requests(count), stop() }.
 * It listens when this returns, and has answered once.
 */
export async function start(program, { node = process.execPath, args = [], cwd }) {
  const port = await freePort();
  const child = spawn(node, [...args, path.resolve(HERE, program)], {
    env: { ...process.env, PORT: String(port), NODE_ENV: 'production', NODE_OPTIONS: '' },
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  const ended = new Promise((done) => child.on('close', done));
  const one = program.includes('websocket') ? () => upgrade(port) : () => get(port);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await until(`${program}: an answer`, () => {
      if (child.exitCode !== null) throw new Error(`${program} ended:\n${complaints}`);
      return get(port).catch(() => false);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { child, stop, get: () => get(port), requests: (count) => many(count, one) };
}

/** Runs `program` on `node` and leaves three snapshots in `out`. Returns their file names, in order. */
export async function drive(program, { node = process.execPath, requests = 100, out, signal = 'SIGUSR2' }) {
  fs.mkdirSync(out, { recursive: true });
  const spool = fs.mkdtempSync(path.join(path.resolve(out), 'spool-'));
  const args = [`--heapsnapshot-signal=${signal}`, `--diagnostic-dir=${spool}`];
  let app;

  /** Node writes the file in one turn of its loop: who is answered after it appeared, is so after it is complete. */
  async function snapshot(name) {
    app.child.kill(signal);
    const file = await until(`${program}: a snapshot`, () =>
      fs.readdirSync(spool).find((found) => found.endsWith('.heapsnapshot')),
    );
    await app.get();
    const to = path.join(out, `${name}.heapsnapshot`);
    fs.renameSync(path.join(spool, file), to);
    return to;
  }

  try {
    app = await start(program, { node, args, cwd: spool });
    const files = [];
    for (const name of ['a', 'b', 'c']) {
      await app.requests(requests);
      files.push(await snapshot(name));
    }
    return files;
  } finally {
    await app?.stop();
    fs.rmSync(spool, { recursive: true, force: true });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      node: { type: 'string', default: process.execPath },
      requests: { type: 'string', default: '100' },
      out: { type: 'string', default: '.' },
    },
  });
  if (positionals.length !== 1) {
    console.error('usage: node drive.mjs leaky/PROGRAM|healthy/PROGRAM [--node FILE] [--requests N] [--out DIR]');
    process.exit(2);
  }
  const program = path.relative(HERE, path.resolve(HERE, positionals[0]));
  const files = await drive(program, { ...values, requests: Number(values.requests) });
  console.log(files.join('\n'));
}
