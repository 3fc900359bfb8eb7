// helpers/inspect.mjs -- a Node to look into, fettle that looks, and what is left open

import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BUILD, NODE, nodeOf } from './fettle.mjs';

export const PATIENCE_MS = 60000;

/** A folder of the test's own. */
export function folder(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-heap-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Runs fettle; resolves to { code, stdout, stderr, child }. */
export function fettle(args, { cwd, env = {}, started } = {}) {
  return new Promise((done) => {
    const child = execFile(path.join(BUILD, 'fettle'), args, { cwd, encoding: 'buffer', maxBuffer: 1 << 30, timeout: PATIENCE_MS, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      done({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr: stderr.toString() }));
    started?.(child);
  });
}

/** Starts a Node with a program; ready when it has written a line. */
export async function node(t, program, { major, esm = false, flags = [] } = {}) {
  const dir = folder(t);
  const file = path.join(dir, esm ? 'app.mjs' : 'app.cjs');
  fs.writeFileSync(file, program);
  const child = spawn(major ? nodeOf(major) : NODE, [...flags, file], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
  t.after(() => child.kill('SIGKILL'));
  child.lines = '';
  child.stderr.on('data', (text) => (child.lines += text));
  await new Promise((done, fail) => {
    child.stdout.once('data', done);
    child.once('exit', () => fail(new Error(`it has ended: ${child.lines}`)));
  });
  return child;
}

/** The ports of 127.0.0.1 on which a process listens. */
export function ports(pid) {
  const sockets = new Set();
  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    try {
      sockets.add(/^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]);
    } catch {}
  }
  return fs.readFileSync(`/proc/${pid}/net/tcp`, 'latin1').split('\n').slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((word) => word[3] === '0A' && sockets.has(word[9]))
    .map((word) => parseInt(word[1].split(':')[1], 16));
}
