/* What one hop through a proxy costs: its CPU time, instructions and system calls a request.
 *
 *     node test/bench/hop/hop.mjs [--json] [--seconds N] [--rounds N] [--peers nginx,fettle] [--only SECTIONS] [--sizes 1k,64k,1m]
 *
 * The back end answers at once on a unix socket (backend.c); under fettle it takes Node's place. Load generator, back end and
 * fettle's supervisor and monitor share the first CPU, the proxy has the second one for itself: the same for everyone. Peers take
 * turns, N seconds (2) each and round (3); medians. User and system time are /proc/PID/stat's, of the proxy's processes alone.
 *
 *   sizes          GET of 1 KB, 64 KB, 1 MB by wrk, 64 connections kept alive
 *   uploads        POST of 64 KB and 1 MB
 *   websocket      echo of 125-byte messages, 64 connections; µs a message there and back
 *   instructions   user space, a 1 KB request: callgrind, the difference of two runs      (only when valgrind is installed)
 *   syscalls       a 1 KB request: strace -c                                              (only when strace is installed)
 *   idle           bytes of user memory an idle client connection takes
 *
 * `relay` is relay.c, which parses nothing: the floor; relay-batch, relay-splice and relay-uring (only where liburing is) are other ways
 * to do the same, for --peers. doc/performance.md has what came of them. The binaries are build/fettle and build/test/bench/hop/ (`make hop`). */
import { spawn, execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const hop = (name) => path.join(root, 'build/test/bench/hop', name);
const { values: option } = parseArgs({ options: {
  json: { type: 'boolean' }, seconds: { type: 'string', default: '2' }, rounds: { type: 'string', default: '3' },
  peers: { type: 'string', default: 'relay,nginx,nginx-unbuffered,haproxy,fettle' },
  only: { type: 'string', default: 'sizes,uploads,websocket,instructions,syscalls,idle' },
  sizes: { type: 'string', default: '1k,64k,1m' },
  fettle: { type: 'string', default: path.join(root, 'build/fettle') } } });
const seconds = Number(option.seconds), rounds = Number(option.rounds), only = option.only.split(',');
const folder = mkdtempSync(path.join(tmpdir(), 'hop-'));
const CONNECTIONS = 64;

const cpus = execFileSync('taskset', ['-pc', String(process.pid)]).toString().replace(/.*: /, '').trim()
  .split(',').flatMap((r) => { const [a, b = a] = r.split('-').map(Number); return Array.from({ length: b - a + 1 }, (_, i) => a + i); });
const [loadCpu, proxyCpu = loadCpu] = cpus;
const on = (cpu, argv) => ['taskset', ['-c', String(cpu), ...argv]];

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const whereIs = (name) => { try { return execFileSync('which', [name], { stdio: 'pipe' }).toString().trim(); } catch { return ''; } };
const has = (name) => whereIs(name) !== '';
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const freePort = () => new Promise((done) => {
  const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});

const children = new Set();
function start(cpu, argv, env = {}) {
  const [cmd, args] = on(cpu, argv);
  const child = spawn(cmd, args, { stdio: ['pipe', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'], env: { ...process.env, ...env } });
  children.add(child.on('exit', () => children.delete(child)));
  return child;
}
const ended = (child) => child.exitCode !== null || child.signalCode !== null ? null : new Promise((r) => child.on('exit', r));
async function stop(child) { child.kill('SIGTERM'); await ended(child); }
process.on('exit', () => { for (const c of children) c.kill('SIGKILL'); rmSync(folder, { recursive: true, force: true }); });

const nginxConf = (port, socket, more) => `${process.getuid() === 0 ? "user root;" : ""} worker_processes 1; daemon off; pid ${folder}/nginx-${port}.pid; error_log ${folder}/nginx.err;
events { worker_connections 20000; }
http { access_log off; keepalive_requests 1000000000; client_max_body_size 0; client_body_buffer_size 2m;
client_body_temp_path ${folder}; proxy_temp_path ${folder};
upstream u { keepalive 256; keepalive_requests 1000000000; server unix:${socket}; }
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
server { listen 127.0.0.1:${port}; location / { proxy_pass http://u; proxy_http_version 1.1; ${more}
proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; } } }`;

const haproxyConf = (port, socket) => `global
  maxconn 8000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
listen l
  bind 127.0.0.1:${port}
  http-reuse always
  server s unix@${socket}
`;

const childrenOf = (pid) => readdirSync('/proc').filter((p) => /^\d+$/.test(p)).map(Number).filter((p) => {
  try { return Number(readFileSync(`/proc/${p}/stat`, 'utf8').replace(/.*\) /, '').split(' ')[1]) === pid; } catch { return false; }
});
const commandOf = (pid) => { try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { return ''; } };

/* { port, pids of the proxy, stop() } of a started peer. `under` goes before the proxy's own command. */
const nginx = (more) => async (socket, under) => {
  const port = await freePort(), conf = path.join(folder, `nginx-${port}.conf`);
  writeFileSync(conf, nginxConf(port, socket, more));
  const child = start(proxyCpu, [...under, 'nginx', '-c', conf, '-e', `${folder}/nginx.err`, ...(under.length ? ['-g', 'master_process off;'] : [])]);
  return { port, pids: () => under.length ? [child.pid] : childrenOf(child.pid), child };
};
const relay = (binary, ...mode) => async (socket, under) => {
  const port = await freePort(), child = start(proxyCpu, [...under, hop(binary), String(port), socket, ...mode]);
  return { port, pids: () => [child.pid], child };
};
const peers = {
  relay: relay('relay'), 'relay-batch': relay('relay', 'batch'), 'relay-splice': relay('relay', 'splice'), 'relay-uring': relay('relay-uring'),
  nginx: nginx(''),
  'nginx-unbuffered': nginx('proxy_buffering off; proxy_request_buffering off;'),
  async haproxy(socket, under) {
    const port = await freePort(), conf = path.join(folder, `haproxy-${port}.cfg`);
    writeFileSync(conf, haproxyConf(port, socket));
    const child = start(proxyCpu, [...under, 'haproxy', '-db', '-q', '-f', conf]);
    return { port, pids: () => [child.pid], child };
  },
  async fettle(_, under) {
    const port = await freePort(), app = path.join(folder, 'app.js');
    writeFileSync(app, '');
    const words = under.length ? { LD_PRELOAD: hop('under.so'), HOP_UNDER: [whereIs(under[0]), ...under.slice(1)].join(' ') } : {};
    const child = start(loadCpu, [option.fettle, 'run', '-w', '1', '--threads', '1', '--admin', 'off', '--max-connections', '20000',
      '--node', hop('backend'), app], { PORT: String(port), ...words });
    return { port, pids: () => childrenOf(child.pid).filter((p) => commandOf(p).split('\0').includes('__proxy')), child,
      pin: (pids) => pids.forEach((p) => execFileSync('taskset', ['-apc', String(proxyCpu), String(p)], { stdio: 'pipe' })) };
  },
};
const missing = { nginx: 'nginx', 'nginx-unbuffered': 'nginx', haproxy: 'haproxy', 'relay-uring': hop('relay-uring') };
const names = option.peers.split(',').filter((n) => !missing[n] || has(missing[n]));

async function begin(name, under = []) {
  const socket = path.join(folder, 'backend.sock');
  const backend = name === 'fettle' ? null : start(loadCpu, [hop('backend'), socket]);
  await sleep(100);
  const peer = await peers[name](socket, under);
  for (let i = 0; ; i++) {
    const ok = await run(hop('client'), [String(peer.port), '/1k', '1', '1', '5']).then((r) => r.stdout.trim() === '1', () => false);
    if (ok) break;
    if (i > 200) throw new Error(`${name} does not answer`);
    await sleep(50);
  }
  peer.pin?.(peer.pids());
  return { ...peer, name, end: async () => { await stop(peer.child); if (backend) await stop(backend); } };
}

const ticks = Number(execFileSync('getconf', ['CLK_TCK']));
function cpu(pids) {
  const sum = { user: 0, system: 0 };
  for (const p of pids) {
    const f = readFileSync(`/proc/${p}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
    sum.user += Number(f[11]) / ticks;
    sum.system += Number(f[12]) / ticks;
  }
  return sum;
}

async function wrk(port, target) {
  const [cmd, args] = on(loadCpu, ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, `http://127.0.0.1:${port}${target}`]);
  const { stdout } = await run(cmd, args);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  return Number(/(\d+) requests in/.exec(stdout)[1]);
}
async function client(port, target, count, limit = seconds, connections = CONNECTIONS) {
  const [cmd, args] = on(loadCpu, [hop('client'), String(port), target, String(connections), String(count), String(limit)]);
  return Number((await run(cmd, args)).stdout);
}

/* µs of CPU a request, once. */
async function cost(peer, load) {
  const pids = peer.pids(), before = cpu(pids), count = await load(peer.port), after = cpu(pids);
  const user = (after.user - before.user) * 1e6 / count, system = (after.system - before.system) * 1e6 / count;
  return { user_us: user, system_us: system, total_us: user + system, requests: count };
}

async function costs(load) {
  const seen = Object.fromEntries(names.map((n) => [n, []]));
  for (let r = 0; r < rounds; r++)
    for (const name of names) {
      const peer = await begin(name);
      await client(peer.port, '/1k', 30000);
      seen[name].push(await cost(peer, load));
      await peer.end();
    }
  const result = {};
  for (const name of names) {
    result[name] = {};
    for (const key of ['user_us', 'system_us', 'total_us']) result[name][key] = median(seen[name].map((s) => s[key]));
  }
  return result;
}

const measures = {
  async sizes() {
    const all = {};
    for (const size of option.sizes.split(',')) all[size] = await costs((port) => wrk(port, `/${size}`));
    return all;
  },
  async uploads() {
    const all = {};
    for (const [size, bytes] of [['64k', 65536], ['1m', 1048576]]) all[size] = await costs((port) => client(port, `put:${bytes}`, 1e9));
    return all;
  },
  websocket: () => costs((port) => client(port, 'ws', 1e9)),
  async instructions() {
    const result = {}, [few, many] = [2000, 12000];
    if (!has('valgrind')) return result;
    for (const name of names) {
      const total = async (count) => {
        const out = path.join(folder, `callgrind-${name}-${count}`);
        const peer = await begin(name, ['valgrind', '--tool=callgrind',
          `--callgrind-out-file=${out}.%p`]);
        const pids = peer.pids();
        await client(peer.port, '/1k', count, 300);
        await peer.end();
        return pids.reduce((sum, p) => sum + Number(/^(?:summary|totals): (\d+)/m.exec(readFileSync(`${out}.${p}`, 'utf8'))[1]), 0);
      };
      result[name] = Math.round((await total(many) - await total(few)) / (many - few));
    }
    return result;
  },
  async syscalls() {
    const result = {}, count = 20000;
    if (!has('strace')) return result;
    for (const name of names) {
      const peer = await begin(name), out = path.join(folder, `strace-${name}`);
      const strace = spawn('strace', ['-c', '-f', '-o', out, ...peer.pids().flatMap((p) => ['-p', String(p)])], { stdio: 'ignore' });
      await sleep(300);
      await client(peer.port, '/1k', count, 60);
      strace.kill('SIGINT');
      await ended(strace);
      await peer.end();
      result[name] = {};
      for (const line of readFileSync(out, 'utf8').split('\n')) {
        const m = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(\d+)?\s*(\w+)$/.exec(line);
        if (m && m[3] !== 'total' && Number(m[1]) / count >= 0.001) result[name][m[3]] = Number(m[1]) / count;
      }
    }
    return result;
  },
  async idle() {
    const result = {}, count = 5000;
    const anonymous = (pids) => pids.reduce((sum, p) => sum + Number(/^Private_Dirty:\s+(\d+)/m.exec(readFileSync(`/proc/${p}/smaps_rollup`, 'utf8'))[1]), 0);
    for (const name of names) {
      const peer = await begin(name), pids = peer.pids(), before = anonymous(pids);
      const child = start(loadCpu, [hop('client'), String(peer.port), 'idle', String(count), '0', '60']);
      await new Promise((done) => child.stdout.once('data', done));
      await sleep(2500);
      result[name] = Math.round((anonymous(pids) - before) * 1024 / count);
      child.stdin.end();
      await ended(child);
      await peer.end();
    }
    return result;
  },
};

const best = (row) => Math.min(...['nginx', 'nginx-unbuffered', 'haproxy'].filter((n) => row[n]).map((n) => row[n].total_us));
function table(title, row) {
  console.log(`\n${title}`);
  for (const [name, c] of Object.entries(row))
    console.log(`  ${name.padEnd(18)} ${c.total_us.toFixed(2).padStart(8)} µs  (${c.user_us.toFixed(2)} user, ${c.system_us.toFixed(2)} system)  ${(c.total_us / best(row)).toFixed(2)} × the better peer`);
}

const out = {};
for (const name of Object.keys(measures)) {
  if (!only.includes(name)) continue;
  out[name] = await measures[name]();
  if (option.json) continue;
  if (name === 'sizes' || name === 'uploads') for (const [size, row] of Object.entries(out[name])) table(`${name}: ${size}`, row);
  else if (name === 'websocket') table('websocket: 125 bytes, there and back', out[name]);
  else console.log(`\n${name} ${JSON.stringify(out[name], null, 1)}`);
}
if (option.json) console.log(JSON.stringify(out));
if (!existsSync(option.fettle)) process.exitCode = 1;
process.exit();
