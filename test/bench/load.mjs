/* make bench-load: how exact `fettle bench` is, and what it costs.
 *
 *   cost      requests for each CPU second of the generator, beside wrk, in turns; nginx answers 1 KB from memory
 *   accuracy  its quantiles beside those that a server of known delays measured itself (delays.c); the delays
 *             need a CPU of their own, so two are wanted
 *
 * ROUNDS=5 SECONDS=3. Prints medians over the rounds. */
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const fettle = path.join(root, 'build/fettle');
const rounds = Number(process.env.ROUNDS || 5), seconds = Number(process.env.SECONDS || 3);
const folder = mkdtempSync(path.join(tmpdir(), 'fettle-bench-load-'));
const children = [];

const freePort = () => new Promise((done) => {
  const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function answers(url) {
  for (let i = 0; i < 100; i++) {
    if (await fetch(url).then((r) => r.text(), () => null) !== null) return;
    await sleep(50);
  }
  throw new Error(`nobody answers at ${url}`);
}

function start(command, args) {
  const child = spawn(command, args, { stdio: 'ignore' });
  children.push(child);
  return child;
}

/** Runs a generator; what it printed, and the CPU seconds that it used in all. */
function run(command, args) {
  const before = childTimes();
  const out = execFileSync(command, args, { encoding: 'utf8' });
  return { out, cpu: childTimes() - before };
}

/** User and system seconds of this process's ended children: /proc/self/stat, fields 16 and 17. */
function childTimes() {
  const text = readFileSync('/proc/self/stat', 'latin1');
  const field = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(field[13]) + Number(field[14])) / 100;
}

async function cost() {
  const port = await freePort(), conf = path.join(folder, 'nginx.conf');
  writeFileSync(conf, `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 1000000000;
  server { listen 127.0.0.1:${port}; location / { return 200 "${'x'.repeat(1024)}"; } } }`);
  start('nginx', ['-c', conf, '-p', folder]);
  const url = `http://127.0.0.1:${port}/`;
  await answers(url);
  const rates = { wrk: [], fettle: [] };
  for (let i = 0; i < rounds; i++) {
    const wrk = run('wrk', ['-t1', '-c64', `-d${seconds}s`, url]);
    rates.wrk.push(Number(/(\d+) requests in/.exec(wrk.out)[1]) / wrk.cpu);
    const ours = run(fettle, ['bench', '--json', '--warmup', 'off', '-c', '64', '-d', `${seconds}s`, url]);
    rates.fettle.push(JSON.parse(ours.out).requests / ours.cpu);
  }
  const ratio = median(rates.fettle.map((rate, i) => rate / rates.wrk[i]));
  console.log('requests for each CPU second of the generator (64 connections, 1 KB, closed loop)');
  for (const [name, list] of Object.entries(rates)) console.log(`  ${name.padEnd(8)} ${Math.round(median(list))}`);
  console.log(`  fettle / wrk ${ratio.toFixed(2)}`);
}

async function accuracy() {
  const port = await freePort(), pinned = cpus().length > 1;
  const on = (cpu, command, args) => (pinned ? ['taskset', ['-c', `${cpu}`, command, ...args]] : [command, args]);
  start(...on(1, path.join(root, 'build/test/bench/delays'), [`${port}`, '50', '20000']));
  const url = `http://127.0.0.1:${port}/`;
  await answers(`${url}stats`);
  console.log('\nquantiles beside those of a server with known delays (50 us to 20 ms), difference in us');
  for (const rate of [500, 1000, 2000]) {
    const keys = ['p50', 'p90', 'p99', 'p99_9'], off = Object.fromEntries(keys.map((key) => [key, []]));
    for (let i = 0; i < rounds; i++) {
      const got = JSON.parse(execFileSync(...on(0, fettle, ['bench', '--json', '--warmup', 'off', '-c', '64', '-d', `${seconds}s`, '--rate', `${rate}`, url])));
      const gave = await fetch(`${url}stats`).then((r) => r.json());
      if (gave.requests !== got.requests) throw new Error(`${gave.requests} requests came of ${got.requests}`);
      for (const key of keys) off[key].push(got.latency_us[key] - gave[key]);
    }
    console.log(`  ${rate}/s:`.padEnd(10), keys.map((key) => `${key} +${median(off[key]).toFixed(0)} (${off[key].map((x) => x.toFixed(0)).join(' ')})`).join('  '));
  }
}

try {
  const only = process.argv[2];
  if (only !== 'accuracy') await cost();
  if (only !== 'cost') await accuracy();
} finally {
  children.forEach((child) => child.kill());
  await sleep(200);
  rmSync(folder, { recursive: true, force: true });
}
