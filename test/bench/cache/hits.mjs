/* What an answer from the cache costs: CPU time of the proxy's processes for a hit of 1 KB.
 *
 *     node test/bench/cache/hits.mjs [--json] [--seconds N] [--rounds N] [--peers nginx,haproxy,varnish,fettle]
 *
 * wrk with 64 connections and the app have the first CPU, the proxy the second one for itself: the same for everyone. Contenders take
 * turns; medians of user and system time from /proc/PID/stat. The app is asked once; everything that wrk asks for is a hit. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const { values: option } = parseArgs({ options: {
  json: { type: 'boolean' }, seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '3' },
  peers: { type: 'string', default: 'nginx,haproxy,varnish,fettle' } } });
const folder = mkdtempSync(path.join(tmpdir(), 'hits-'));
const cpus = execFileSync('taskset', ['-pc', String(process.pid)]).toString().replace(/.*: /, '').trim()
  .split(',').flatMap((r) => { const [a, b = a] = r.split('-').map(Number); return Array.from({ length: b - a + 1 }, (_, i) => a + i); });
const [loadCpu, proxyCpu = loadCpu] = cpus;
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const has = (name) => { try { return execFileSync('which', [name], { stdio: 'pipe' }).length > 0; } catch { return false; } };
const freePort = () => new Promise((done) => {
  const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});

const APP = `require('http').createServer((req, res) => {
  res.setHeader('Cache-Control', 'public, max-age=3600'); res.end('x'.repeat(1024));
}).listen(Number(process.env.PORT), '127.0.0.1');`;
writeFileSync(path.join(folder, 'app.js'), APP);

const children = new Set();
function start(cpu, argv, env = {}) {
  const child = spawn('taskset', ['-c', String(cpu), ...argv], { stdio: process.env.VERBOSE ? 'inherit' : 'ignore', env: { ...process.env, ...env } });
  children.add(child.on('exit', () => children.delete(child)));
  return child;
}
const stop = (child) => new Promise((done) => { child.on('exit', done); child.kill('SIGTERM'); });
process.on('exit', () => { for (const c of children) c.kill('SIGKILL'); rmSync(folder, { recursive: true, force: true }); });

const stat = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
/** A process and all below it. */
function tree(pid) {
  const below = readdirSync('/proc').filter((p) => /^\d+$/.test(p) && (() => { try { return Number(stat(p)[1]) === pid; } catch { return false; } })());
  return [pid, ...below.flatMap((p) => tree(Number(p)))];
}
const configured = (name, text) => { const file = path.join(folder, name); writeFileSync(file, text); return file; };

const peers = {
  nginx: (port, app) => start(proxyCpu, ['nginx', '-e', `${folder}/nginx.err`, '-c', configured('nginx.conf', `
    ${process.getuid() === 0 ? 'user root;' : ''} worker_processes 1; daemon off; pid ${folder}/nginx.pid;
    events { worker_connections 1024; }
    http { access_log off; keepalive_requests 1000000000; proxy_temp_path ${folder}/temp;
    proxy_cache_path ${folder}/cache keys_zone=c:10m max_size=64m;
    server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${app}; proxy_cache c; } } }`)]),
  haproxy: (port, app) => start(proxyCpu, ['haproxy', '-db', '-q', '-f', configured('haproxy.cfg', `
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
cache c
  total-max-size 64
  max-object-size 100000
  max-age 3600
listen l
  bind 127.0.0.1:${port}
  http-request cache-use c
  http-response cache-store c
  server s 127.0.0.1:${app}
`)]),
  varnish: (port, app) => start(proxyCpu, ['varnishd', '-F', '-n', path.join(folder, 'varnish'), '-a', `127.0.0.1:${port}`,
    '-b', `127.0.0.1:${app}`, '-s', 'malloc,64m', '-t', '3600']),
  fettle: (port) => start(loadCpu, [path.join(root, 'build/fettle'), 'run', '-w', '1', '--threads', '1', '--admin', 'off', '--cache=on',
    path.join(folder, 'app.js')], { PORT: String(port) }),
};
const PROGRAM = { nginx: 'nginx', haproxy: 'haproxy', varnish: 'varnishd' };
const names = option.peers.split(',').filter((n) => !PROGRAM[n] || has(PROGRAM[n]));

const get = (port) => new Promise((done, failed) => http.get({ port, host: '127.0.0.1', agent: false }, (res) => {
  res.resume().on('end', () => done(res.statusCode));
}).on('error', failed));

/** The proxy's processes, once it serves; what is fettle's besides stays on the CPU of the load. */
async function serving(name, child, port) {
  for (let i = 0; (await get(port).catch(() => 0)) !== 200; i++) {
    if (i > 400) throw new Error(`${name} does not answer`);
    await sleep(25);
  }
  await get(port);
  const all = tree(child.pid);
  if (name !== 'fettle') return all;
  const proxy = all.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('__proxy'));
  for (const pid of proxy) execFileSync('taskset', ['-apc', String(proxyCpu), String(pid)], { stdio: 'pipe' });
  return proxy;
}

const tick = 1e6 / Number(execFileSync('getconf', ['CLK_TCK']));
const used = (pids) => pids.map(stat).reduce((sum, f) => [sum[0] + Number(f[11]) * tick, sum[1] + Number(f[12]) * tick], [0, 0]);

async function cost(name, app) {
  const port = await freePort(), child = peers[name](port, app), pids = await serving(name, child, port);
  const before = used(pids);
  const { stdout } = await run('taskset', ['-c', String(loadCpu), 'wrk', '-t1', '-c64', `-d${option.seconds}s`, `http://127.0.0.1:${port}/`]);
  const after = used(pids), requests = Number(/(\d+) requests in/.exec(stdout)[1]);
  await stop(child);
  return { user_us: (after[0] - before[0]) / requests, system_us: (after[1] - before[1]) / requests };
}

const appPort = await freePort();
const app = start(loadCpu, [process.execPath, path.join(folder, 'app.js')], { PORT: String(appPort) });
for (let i = 0; i < 400 && (await get(appPort).catch(() => 0)) !== 200; i++) await sleep(25);
const seen = Object.fromEntries(names.map((n) => [n, []]));
for (let round = 0; round < Number(option.rounds); round++)
  for (let i = 0; i < names.length; i++) {
    const name = names[(round + i) % names.length];
    seen[name].push(await cost(name, appPort));
  }
await stop(app);
const total = (c) => c.user_us + c.system_us;
const result = Object.fromEntries(names.map((n) => [n, seen[n].sort((a, b) => total(a) - total(b))[seen[n].length >> 1]]));
if (option.json) console.log(JSON.stringify({ hits: result }));
else for (const n of names) console.log(`${n}: ${result[n].user_us.toFixed(2)} + ${result[n].system_us.toFixed(2)} = ${total(result[n]).toFixed(2)} µs`);
process.exit(0);
