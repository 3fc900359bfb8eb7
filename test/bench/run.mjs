/* make bench: fettle and its peers side by side, in turns, in one run; prints medians and ratios.
 *
 *   blocking   98 % /fast (0.2 ms) and 2 % /slow (100 ms of CPU), 200 requests/s, open loop, 64 connections
 *   waiting    /wait (20 ms of waiting), 256 connections, closed loop (wrk)
 *   json       a small Express answer, 64 connections, closed loop (wrk)
 *
 * Everyone gets the same number of workers on the same CPUs; nothing is pinned. ROUNDS=3 SECONDS=5. */
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { openLoop } from './openloop.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const app = path.join(here, 'apps/app.js');
const rounds = Number(process.env.ROUNDS || 3), seconds = Number(process.env.SECONDS || 5);
const workers = Number(process.env.WORKERS || 4);
const folder = mkdtempSync(path.join(tmpdir(), 'fettle-bench-'));

const freePort = () => new Promise((done) => {
  const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});
const has = (name) => { try { execFileSync('which', [name], { stdio: 'pipe' }); return true; } catch { return false; } };

async function answers(port) {
  for (let i = 0; i < 300; i++) {
    const ok = await fetch(`http://127.0.0.1:${port}/json`).then((r) => r.ok, () => false);
    if (ok) return;
    await new Promise((r) => setTimeout(r, 50));
  }
  throw new Error(`nobody answers on port ${port}`);
}

const env = (more) => ({ ...process.env, NODE_ENV: 'production', ...more });
const start = (cmd, args, more) => spawn(cmd, args, { stdio: ['ignore', 'ignore', process.env.VERBOSE ? 'inherit' : 'ignore'], env: env(more), cwd: root });

const contenders = {
  async cluster() {
    const port = await freePort();
    return { port, children: [start(process.execPath, [app], { PORT: port, CLUSTER: workers })] };
  },
  async 'nginx least_conn'() {
    if (!has('nginx')) return null;
    const port = await freePort(), backs = [];
    for (let i = 0; i < workers; i++) backs.push(await freePort());
    const conf = path.join(folder, 'nginx.conf');
    writeFileSync(conf, `worker_processes auto; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.err;
events { worker_connections 4096; }
http { access_log off; upstream u { least_conn; keepalive 256; ${backs.map((p) => `server 127.0.0.1:${p};`).join(' ')} }
server { listen 127.0.0.1:${port}; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`);
    return { port, children: [...backs.map((p) => start(process.execPath, [app], { PORT: p })), start('nginx', ['-c', conf, '-e', `${folder}/nginx.err`])] };
  },
  async 'HAProxy leastconn'() {
    if (!has('haproxy')) return null;
    const port = await freePort(), backs = [];
    for (let i = 0; i < workers; i++) backs.push(await freePort());
    const conf = path.join(folder, 'haproxy.cfg');
    writeFileSync(conf, `global
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen l
  bind 127.0.0.1:${port}
  balance leastconn
  http-reuse always
${backs.map((p, i) => `  server s${i} 127.0.0.1:${p}`).join('\n')}
`);
    return { port, children: [...backs.map((p) => start(process.execPath, [app], { PORT: p })), start('haproxy', ['-db', '-q', '-f', conf])] };
  },
  async fettle() {
    const port = await freePort();
    return { port, children: [start(path.join(root, 'build/fettle'), ['run', '-w', String(workers), '--admin', 'off', '--slow', '0', app], { PORT: port })] };
  },
};

function wrk(port, route, connections) {
  return new Promise((done, fail) => {
    const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', `http://127.0.0.1:${port}${route}`]);
    let out = '';
    child.stdout.on('data', (d) => (out += d));
    child.on('error', fail);
    child.on('close', () => {
      const ms = (t) => parseFloat(t) * (t.endsWith('us') ? 0.001 : t.endsWith('ms') ? 1 : 1000);
      done({ rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]), p50: ms(/50%\s+(\S+)/.exec(out)[1]), p99: ms(/99%\s+(\S+)/.exec(out)[1]), failed: Number(/Non-2xx[^:]*: (\d+)/.exec(out)?.[1] ?? 0) });
    });
  });
}

const scenarios = {
  'blocking: p99 of /fast, ms': async (port) => {
    const r = await openLoop({ port, rate: 200, seconds, connections: 64, pick: (i) => (i % 50 === 25 ? '/slow' : '/fast') });
    return { value: r['/fast'].p99, failed: r.failed };
  },
  'waiting: p99 of /wait, ms': async (port) => { const r = await wrk(port, '/wait', 256); return { value: r.p99, failed: r.failed, rps: r.rps }; },
  'waiting: requests/s': async (port, memo) => ({ value: memo['waiting: p99 of /wait, ms'].rps, failed: 0, more: true }),
  'json: requests/s': async (port) => { const r = await wrk(port, '/json', 64); return { value: r.rps, failed: r.failed, more: true }; },
};

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const results = {};
for (let round = 1; round <= rounds; round++) {
  for (const [name, make] of Object.entries(contenders)) {
    const it = await make();
    if (!it) { console.error(`${name}: not installed, left out`); delete contenders[name]; continue; }
    try {
      await answers(it.port);
      await wrk(it.port, '/json', 64);
      const memo = {};
      for (const [what, run] of Object.entries(scenarios)) {
        memo[what] = await run(it.port, memo);
        ((results[what] ??= {})[name] ??= []).push(memo[what]);
      }
      console.error(`round ${round}/${rounds} ${name}: ${Object.values(memo).map((m) => m.value.toFixed(1)).join('  ')}`);
    } finally {
      for (const c of it.children) c.kill('SIGTERM');
      await Promise.all(it.children.map((c) => c.exitCode !== null || new Promise((r) => { c.on('exit', r); setTimeout(() => { c.kill('SIGKILL'); r(); }, 15000).unref(); })));
    }
  }
}
console.log(`\nmedians of ${rounds} rounds, ${workers} workers, Node ${process.version}; ratio = fettle / peer`);
for (const [what, by] of Object.entries(results)) {
  console.log(`\n${what}`);
  const ours = median(by.fettle.map((r) => r.value));
  for (const [name, list] of Object.entries(by)) {
    const m = median(list.map((r) => r.value)), failed = list.reduce((n, r) => n + r.failed, 0);
    console.log(`  ${name.padEnd(18)} ${m.toFixed(1).padStart(10)}   ratio ${(ours / m).toFixed(2)}${failed ? `   ${failed} failed` : ''}`);
  }
}
process.exit(0);
