/* Processes: started, found, measured and ended; always by pid. */
import { spawn } from 'node:child_process';
import { openSync, closeSync, readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Calls ask() until it answers something true, and returns that; throws after the deadline. */
export async function until(ask, what, seconds = 30) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await sleep(20);
  }
}

export const freePort = () => new Promise((done, fail) => {
  const probe = net.createServer().on('error', fail).listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});

/** Starts a program; what it prints goes to the end of the file `log`. */
export function launch(command, args, { env = {}, cwd, log }) {
  const out = openSync(log, 'a');
  const child = spawn(command, args, { stdio: ['ignore', out, out], cwd, env: { ...process.env, NODE_ENV: 'production', ...env } });
  closeSync(out);
  child.on('error', (e) => console.error(`${command}: ${e.message}`));
  return child;
}

/** Runs a program to its end and returns what it printed; throws when it fails. */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let out = '', err = '';
    child.stdout.on('data', (d) => (out += d));
    child.stderr.on('data', (d) => (err += d));
    child.on('error', fail);
    child.on('close', (code) => (code === 0 ? done({ out, err }) : fail(new Error(`${command} ${args.join(' ')}: exit code ${code}\n${err || out}`))));
  });
}

/* /proc/PID/stat behind the name: state, parent, … */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch { return null; }
}

export const alive = (pid) => { const s = statOf(pid); return s !== null && s[0] !== 'Z'; };

/** These processes, as far as they live, and all that descend from them. */
export function familyOf(roots) {
  const parent = new Map();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) && statOf(name);
    if (stat && stat[0] !== 'Z') parent.set(Number(name), Number(stat[1]));
  }
  const family = new Set(roots.filter((pid) => parent.has(pid)));
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, above] of parent)
      if (family.has(above) && !family.has(pid)) grown = Boolean(family.add(pid));
  }
  return [...family];
}

/** Ends them and all that descends from them: SIGTERM to the roots, SIGKILL to who is still there after a while. */
export async function end(roots, patience = 5) {
  const pids = familyOf(roots);
  const signal = (pid, name) => { try { process.kill(pid, name); } catch { /* gone */ } };
  roots.filter(alive).forEach((pid) => signal(pid, 'SIGTERM'));
  await until(() => !pids.some(alive), 'the end', patience).catch(() => {});
  pids.filter(alive).forEach((pid) => signal(pid, 'SIGKILL'));
  await until(() => !pids.some(alive), `the end of ${pids}`);
}

/** Bytes of memory of these processes together: resident, its fair share of what is shared, private. */
export function memoryOf(pids) {
  const sum = { rss: 0, pss: 0, private: 0 };
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const kb = (field) => Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(text)[1]);
    sum.rss += kb('Rss') * 1024;
    sum.pss += kb('Pss') * 1024;
    sum.private += (kb('Private_Clean') + kb('Private_Dirty')) * 1024;
  }
  return sum;
}

/** User and system seconds of all programs that this process has run to their end. */
export function cpuOfEnded() {
  const stat = statOf('self');
  return (Number(stat[13]) + Number(stat[14])) / 100;
}
