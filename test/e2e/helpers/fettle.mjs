// helpers/fettle.mjs -- starts fettle (or plain node) with an app, for a test
//
// Every process started here carries a mark in its environment, so that stop() and the end of the
// test find all of them (workers that a killed supervisor left behind, too) and end them, and so
// that a test can prove that nothing is left. Nothing waits without a deadline.

import { spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { request, poll, sleep, deadline } from './net.mjs';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
export const BUILD = path.resolve(ROOT, process.env.FETTLE_TEST_BUILD ?? 'build');
export const FIXTURES = path.join(ROOT, 'test/e2e/fixtures');
/** E2E_BARE=1 runs the apps with plain node: what the tests ask of fettle, Node must do as well. */
export const BARE = process.env.E2E_BARE === '1';
/** Deadlines are for finding out that something hangs; a busy machine never comes near them. */
export const PATIENCE_MS = Number(process.env.E2E_PATIENCE_MS ?? 30000);

export const fixture = (name) => path.join(FIXTURES, name);

/** The Node of this major version that scripts/nodes installed, or undefined. */
export function nodeOf(major) {
  const file = path.join(ROOT, 'build/nodes', String(major), 'node');
  return fs.existsSync(file) ? file : undefined;
}
export const MAJORS = [18, 20, 22, 24, 26];
/** The frameworks want a current one. */
export const NODE = process.env.E2E_NODE ?? nodeOf(22) ?? process.execPath;

const PORTS = { first: 10000, last: 32000, share: 100 };
let share;

const listens = (port, host) => new Promise((done) => {
  const server = net.createServer();
  server.once('error', () => done(null));
  server.listen({ port, host, exclusive: true }, () => done(server));
});

/**
 * A port that nobody has. Not from the range that the kernel gives to outgoing connections:
 * those would take it again before the app asks for it. Files of tests run beside each other: each
 * has a share of the ports, which it holds by its first one, and gives each of them once.
 */
export async function freePort() {
  for (;;) {
    while (!share || share.next === share.end) {
      const first = PORTS.first + PORTS.share * randomInt((PORTS.last - PORTS.first) / PORTS.share);
      const lock = await listens(first, '127.0.0.1');
      lock?.unref();
      if (lock) share = { lock, next: first + 1, end: first + PORTS.share };
    }
    const probe = await listens(share.next++);
    if (!probe) continue;
    const { port } = probe.address();
    await new Promise((done) => probe.close(done));
    return port;
  }
}

const running = new Set();
process.on('exit', () => running.forEach((run) => run.killAll()));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => process.exit(1));

/** /proc/PID/stat of a process: { ppid, state, ticks }, or null when it is gone. */
export function statOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const field = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: field[0], ppid: Number(field[1]), ticks: Number(field[11]) + Number(field[12]) };
  } catch {
    return null;
  }
}

/** Alive means: has not ended. A zombie has. */
export function alive(pid) {
  const stat = statOf(pid);
  return stat !== null && stat.state !== 'Z' && stat.state !== 'X';
}

export function rssOf(pid) {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  return found ? Number(found[1]) * 1024 : 0;
}

class Run {
  constructor({ command, argv, cwd, env, port, adminPort }) {
    this.mark = `E2E_MARK=${randomUUID()}`;
    this.port = port;
    this.adminPort = adminPort;
    this.command = [command, ...argv].join(' ');
    this.lines = [];
    this.seen = new Set(); // every pid that ever carried the mark, as far as we looked
    this.child = spawn(command, argv, {
      cwd,
      // Its own group: a signal to the tests' group (Ctrl-C, a time limit) goes through stop().
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, [this.mark.split('=')[0]]: this.mark.split('=')[1] },
    });
    this.pid = this.child.pid;
    running.add(this);
    for (const stream of ['stdout', 'stderr']) {
      let rest = '';
      this[stream] = [];
      this.child[stream].setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        this[stream].push(...lines);
        this.lines.push(...lines);
      });
    }
    // 'close' comes when the pipes are closed, too, so that all output is in.
    this.exited = new Promise((done) => {
      this.child.once('error', (error) => {
        this.lines.push(`(${this.command}: ${error.message})`);
        done({ code: null, signal: null, error });
      });
      this.child.once('exit', (code, signal) => {
        this.ended = { code, signal };
        setTimeout(done, 2000, this.ended).unref(); // somebody else holds a pipe open
      });
      this.child.once('close', () => done(this.ended));
    });
  }

  get output() {
    return this.lines.join('\n');
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The living processes of this run: [{ pid, title }]. */
  processes() {
    const found = [];
    for (const name of fs.readdirSync('/proc')) {
      if (!/^\d+$/.test(name) || !alive(Number(name))) continue;
      try {
        if (!fs.readFileSync(`/proc/${name}/environ`, 'latin1').includes(this.mark)) continue;
        const title = fs.readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
        this.seen.add(Number(name));
        found.push({ pid: Number(name), title });
      } catch {
        // Ended meanwhile, or not ours.
      }
    }
    return found;
  }

  /** The pid of fettle's proxy or monitor: a child of the supervisor that runs the same program. */
  helper(role) {
    return this.processes().find(
      ({ pid, title }) => pid !== this.pid && statOf(pid)?.ppid === this.pid && title.includes(role),
    )?.pid;
  }

  killAll() {
    running.delete(this);
    // What is killed may have just started something: look again until nothing is found.
    for (let round = 0; round < 20; round++) {
      const left = this.processes();
      if (left.length === 0) return;
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Gone already.
        }
      }
    }
  }

  kill(signal) {
    process.kill(this.pid, signal);
  }

  /** Waits for the end: { code, signal }. Throws when it does not come. */
  async exit(timeout = PATIENCE_MS) {
    const late = Symbol();
    const result = await Promise.race([this.exited, deadline(timeout, late)]);
    if (result === late) throw this.problem(`did not end within ${timeout} ms`);
    return result;
  }

  /** SIGTERM, waits, and makes sure that nothing is left. Gives { code, signal }. */
  async stop({ signal = 'SIGTERM', timeout = PATIENCE_MS } = {}) {
    try {
      if (!this.ended && this.pid) process.kill(this.pid, signal);
      return await this.exit(timeout);
    } finally {
      this.killAll();
    }
  }

  /** At the end of a test: stops, and speaks up for what a sanitizer has found meanwhile. */
  async finish() {
    await this.stop().catch(() => {});
    const at = this.lines.findIndex((line) => /(Address|Leak|Thread|UndefinedBehavior)Sanitizer|: runtime error: /.test(line));
    if (at !== -1) throw new Error(`a sanitizer has found:\n${this.lines.slice(at, at + 60).join('\n')}`);
  }

  problem(text) {
    const tail = this.lines.slice(-60).join('\n    ');
    return new Error(`${this.command}: ${text}; its last output:\n    ${tail}`);
  }

  /** Waits for a line of output that matches. */
  line(pattern, { timeout = PATIENCE_MS, from = 0 } = {}) {
    return this.until(() => this.lines.slice(from).find((line) => pattern.test(line)), {
      timeout,
      what: `a line like ${pattern}`,
      evenEnded: true,
    });
  }

  /** Polls until `check` gives something true; what it throws counts as "not yet". */
  async until(check, { timeout = PATIENCE_MS, what = String(check), evenEnded = false } = {}) {
    let last;
    const value = await poll(
      async () => {
        try {
          return await check();
        } catch (error) {
          last = error;
          return undefined;
        }
      },
      {
        timeout,
        giveUp: () => this.ended && !evenEnded && `ended with ${JSON.stringify(this.ended)}`,
      },
    ).catch((error) => {
      throw this.problem(`${error.message} (waiting for ${what})${last ? `: ${last.message}` : ''}`);
    });
    return value;
  }

  get(target, options = {}) {
    return request({ port: this.port, path: target, ...options });
  }

  post(target, value, options = {}) {
    return request({
      port: this.port,
      path: target,
      method: 'POST',
      body: JSON.stringify(value),
      ...options,
      headers: { 'content-type': 'application/json', ...options.headers },
    });
  }

  admin(target, options = {}) {
    return request({ port: this.adminPort, path: target, ...options });
  }

  /** /api/workers, as a list. */
  async workers() {
    const answer = await this.admin('/api/workers');
    if (answer.status !== 200) throw new Error(`/api/workers: ${answer.status} ${answer.text}`);
    const value = answer.json();
    return Array.isArray(value) ? value : value.workers;
  }

  /** Waits until there are `count` workers and all are ready; gives their rows. */
  serving(count, options = {}) {
    return this.until(
      async () => {
        const rows = (await this.workers()).filter((row) => row.is_main !== false);
        return rows.length === count && rows.every((row) => row.state === 'ready') && rows;
      },
      { what: `${count} workers that are ready`, ...options },
    );
  }

  /** Asks GET `target` until `count` different pids have answered; gives them, sorted. */
  async pids(count, target = '/who', options = {}) {
    const pids = new Set();
    await this.until(
      async () => {
        pids.add((await this.get(target, options)).json().pid);
        return pids.size >= count;
      },
      { what: `answers of ${count} workers` },
    );
    return [...pids].sort((a, b) => a - b);
  }
}

const clean = () => {
  // What the runner of the tests has set must not reach the apps.
  const env = { ...process.env };
  for (const name of Object.keys(env))
    if (/^(FETTLE_|E2E_|NODE_|npm_|PORT2?$|HOST$|NO_COLOR$|FORCE_COLOR$)/.test(name)) delete env[name];
  return env;
};

const environment = (node, port, env) => ({
  ...clean(),
  PATH: `${path.dirname(fs.realpathSync(node))}:${process.env.PATH}`,
  ...(port ? { PORT: String(port) } : {}),
  ...env,
});

/**
 * Starts `fettle run ARGS TARGET -- APP_ARGS` and waits until it serves.
 *   t        the test, which stops it at its end (or give it to stop() yourself)
 *   target   file, folder or npm:script; relative to `cwd`
 *   args     flags for `fettle run`; --admin comes with a free port unless given
 *   port     what the app listens on, as PORT; false: the app has none
 *   ready    false: do not wait
 *   command  another fettle than that of the build
 */
export async function startFettle({
  t,
  args = [],
  target,
  appArgs = [],
  env = {},
  node = NODE,
  cwd = ROOT,
  port,
  ready = true,
  command = path.join(BUILD, 'fettle'),
}) {
  const ownAdmin = args.some((arg) => /^--admin(=|$)/.test(arg));
  const adminPort = ownAdmin ? undefined : await freePort();
  port ??= await freePort();
  const run = new Run({
    command,
    argv: [
      'run',
      ...(ownAdmin ? [] : ['--admin', `127.0.0.1:${adminPort}`]),
      ...(node ? ['--node', node] : []),
      ...args,
      target,
      ...(appArgs.length ? ['--', ...appArgs] : []),
    ],
    cwd,
    env: environment(node, port, env),
    port,
    adminPort,
  });
  t?.after(() => run.finish());
  if (ready) {
    try {
      if (!ownAdmin)
        await run.until(async () => (await run.admin('/readyz')).status === 200, { what: '/readyz' });
      else if (port) await run.until(() => connectable(port), { what: `port ${port}` });
    } catch (error) {
      run.killAll();
      throw error;
    }
  }
  return run;
}

/** Starts `node TARGET`; the same object without an admin address. */
export async function startNode({ t, target, args = [], appArgs = [], env = {}, node = NODE, cwd = ROOT, port }) {
  port ??= await freePort();
  let argv = [...args, target, ...appArgs];
  let command = node;
  if (target.startsWith('npm:')) {
    command = 'npm';
    argv = ['run', '--silent', target.slice(4), ...appArgs];
  } else if (fs.existsSync(path.resolve(cwd, target, 'package.json'))) {
    const { main = 'index.js' } = JSON.parse(
      fs.readFileSync(path.resolve(cwd, target, 'package.json'), 'utf8'),
    );
    argv = [...args, path.resolve(cwd, target, main), ...appArgs];
  }
  const run = new Run({ command, argv, cwd, env: environment(node, port, env), port });
  t?.after(() => run.finish());
  if (port) await run.until(() => connectable(port), { what: `port ${port}` });
  return run;
}

/** By fettle, or with E2E_BARE=1 by plain node (then `args` is left aside). */
export function start({ args, ...options }) {
  return BARE ? startNode(options) : startFettle({ args: ['-w', '2', ...(args ?? [])], ...options });
}

/** Whether a connection is made; one that hangs for two seconds is none. */
export function connectable(port, host = '127.0.0.1') {
  return new Promise((done) => {
    const socket = net.connect({ port, host });
    const end = (answer) => () => {
      socket.destroy();
      done(answer);
    };
    socket.setTimeout(2000, end(false));
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}

export { request, poll, sleep };
export { raw, address } from './net.mjs';
