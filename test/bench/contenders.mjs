/* The contenders: ways to serve a Node app on several workers, each started, found and ended in the same manner.
 *
 *   contenders[NAME] = { label, needs, start }
 *   start({ workers, app, port, env }) → { name, port, pids(), workers(), others(), reload, stop() }
 *     app        (apps/app.js) a file that listens on PORT (a port, or the path of a unix socket) and then leaves a file in BENCH_READY
 *                named PID.THREAD (apps/app.js shows how); start returns when all workers have
 *     pids()     every process there is of it now; workers(): those that run the app; others(): the rest
 *     reload()   makes new workers of the same app without ending the service; missing where there is no such thing
 *     stop()     ends them all, by pid, and removes what was written
 *
 * nginx and HAProxy reach their workers over unix sockets, as fettle does: that is the cheapest for them. */
import { existsSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { alive, end, familyOf, freePort, launch, run, until } from './processes.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
export const ROOT = path.resolve(here, '../..');
export const APP = path.join(here, 'apps/app.js');
/* Everybody's workers run on this Node. */
export const NODE = process.execPath;
export const FETTLE = process.env.FETTLE ?? path.join(ROOT, 'build/fettle');
const modules = path.join(here, 'node_modules');
export const PM2 = path.join(modules, 'pm2/bin/pm2');
const wattpm = path.join(modules, 'wattpm/bin/cli.js');

/** The program or file that a contender needs and that is not there; undefined when all is. */
export const missing = ({ needs }) => (!needs || [needs, ...process.env.PATH.split(':').map((p) => path.join(p, needs))].some(existsSync) ? undefined : needs);

/** nginx's configuration: all it needs to be fast, and nothing that would be unusual. */
export function nginxConf({ folder, port, backs, user }) {
  return `${user ? `user ${user};\n` : ''}worker_processes auto;
worker_rlimit_nofile 20000;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/log;
events { worker_connections 10000; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  upstream app {
    least_conn;
${backs.map((b) => `    server unix:${b};`).join('\n')}
    keepalive 256;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;
}

/** HAProxy's; with maxconn 1, each worker is given one request at a time, out of one queue. */
export function haproxyConf({ port, backs, one }) {
  return `global
  maxconn 8000${one ? '\n  nbthread 1' : ''}
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  timeout queue 120s
listen app
  bind 127.0.0.1:${port}
  balance leastconn
  http-reuse always
${backs.map((b, i) => `  server w${i} unix@${b}${one ? ' maxconn 1' : ''}`).join('\n')}
`;
}

/** What `pm2 start` reads. */
export const pm2Conf = ({ app, workers, env, folder }) => ({
  apps: [{ name: 'app', script: app, exec_mode: 'cluster', instances: workers, interpreter: 'node', env, out_file: `${folder}/out`, error_file: `${folder}/out` }],
});

/** What Watt reads: the app as a Node application on so many threads. */
export const wattConf = ({ app, workers, port }) => ({
  module: '@platformatic/node',
  node: { main: app },
  runtime: { workers, server: { hostname: '127.0.0.1', port }, logger: { level: 'error' }, managementApi: false },
});

/* A contender's own folder, its roots (the processes it was started as), and what all have in common. */
async function begin(name, { workers, app = APP, port, env }, make) {
  const folder = mkdtempSync(path.join(tmpdir(), `fettle-bench-${name}-`));
  const ready = path.join(folder, 'ready');
  mkdirSync(ready);
  const log = path.join(folder, 'log');
  port ??= await freePort();
  const roots = [];
  const readyPids = () => readdirSync(ready).map((file) => parseInt(file, 10));
  const it = {
    name, port, folder, log,
    pids: () => familyOf(roots),
    workers: () => [...new Set(readyPids())].filter(alive),
    others: () => { const w = it.workers(); return it.pids().filter((pid) => !w.includes(pid)); },
    stop: async () => {
      await end(roots);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const environment = { ...env, PORT: String(port), BENCH_READY: ready };
  try {
    await make({ it, folder, port, workers, app, env: environment, roots, start: (command, args, more = {}) => {
      const child = launch(command, args, { log, cwd: folder, ...more, env: { ...environment, ...more.env } });
      roots.push(child.pid);
      return child;
    } });
    await until(() => readyPids().filter(alive).length >= workers, `${workers} workers of ${name}`, 90);
    await until(() => fetch(`http://127.0.0.1:${port}/json`).then(async (r) => (await r.arrayBuffer(), r.ok), () => false), `an answer of ${name}`);
  } catch (e) {
    const said = readFileSync(log, { encoding: 'utf8', flag: 'a+' }).slice(-2000);
    await it.stop();
    throw new Error(`${e.message}\n${said}`);
  }
  return it;
}

/* A process of Node per worker, each behind a unix socket; and the proxy in front of them. */
async function proxied(name, options, proxy) {
  return begin(name, options, async ({ folder, port, workers, app, start }) => {
    const backs = Array.from({ length: workers }, (_, i) => path.join(folder, `${i}.sock`));
    for (const back of backs) start(NODE, [app], { env: { PORT: back } });
    proxy({ folder, port, backs, start });
  });
}

const haproxy = (name, one) => (options) => proxied(name, options, ({ folder, port, backs, start }) => {
  const conf = path.join(folder, 'haproxy.cfg');
  writeFileSync(conf, haproxyConf({ port, backs, one }));
  start('haproxy', ['-db', '-q', '-f', conf]);
});

export const contenders = {
  cluster: {
    label: 'node cluster',
    start: (options) => begin('cluster', options, async ({ workers, app, start }) => {
      start(NODE, [path.join(here, 'apps/cluster.js')], { env: { CLUSTER: String(workers), CLUSTER_APP: app } });
    }),
  },

  pm2: {
    label: 'pm2',
    needs: PM2,
    start: (options) => begin('pm2', options, async ({ it, folder, workers, app, env, roots }) => {
      const conf = path.join(folder, 'ecosystem.json');
      writeFileSync(conf, JSON.stringify(pm2Conf({ app, workers, env, folder })));
      /* Its daemon stays behind when the command ends: in a home of its own, and on the Node that all use. */
      const home = path.join(folder, 'home');
      const pm2Env = { ...process.env, NODE_ENV: 'production', ...env, PM2_HOME: home, PATH: `${path.dirname(NODE)}:${process.env.PATH}` };
      const say = (...args) => run(NODE, [PM2, ...args], { cwd: folder, env: pm2Env });
      await say('start', conf);
      roots.push(Number(readFileSync(path.join(home, 'pm2.pid'), 'utf8')));
      it.reload = () => say('reload', 'app');
      const { stop } = it;
      it.stop = async () => { await say('kill').catch(() => {}); await stop(); };
    }),
  },

  nginx: {
    label: 'nginx least_conn',
    needs: 'nginx',
    start: (options) => proxied('nginx', options, ({ folder, port, backs, start }) => {
      const conf = path.join(folder, 'nginx.conf');
      writeFileSync(conf, nginxConf({ folder, port, backs, user: process.getuid() === 0 ? 'root' : '' }));
      start('nginx', ['-c', conf, '-e', path.join(folder, 'log')]);
    }),
  },

  haproxy: { label: 'HAProxy leastconn', needs: 'haproxy', start: haproxy('haproxy', false) },
  haproxy1: { label: 'HAProxy, one request per worker', needs: 'haproxy', start: haproxy('haproxy1', true) },

  watt: {
    label: 'Watt',
    needs: wattpm,
    start: (options) => begin('watt', options, async ({ folder, port, workers, app, start }) => {
      writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true }));
      symlinkSync(modules, path.join(folder, 'node_modules'));
      writeFileSync(path.join(folder, 'watt.json'), JSON.stringify(wattConf({ app: path.relative(folder, app), workers, port })));
      start(NODE, [wattpm, 'start', folder]);
    }),
  },

  fettle: {
    label: 'fettle',
    needs: FETTLE,
    start: (options) => begin('fettle', options, async ({ it, port, workers, app, start }) => {
      const admin = await freePort();
      /* As it comes: nothing but the addresses is set. */
      const child = start(FETTLE, ['run', '-w', String(workers), '-p', String(port), '--admin', `127.0.0.1:${admin}`, '--node', NODE, app]);
      it.admin = admin;
      it.reload = () => child.kill('SIGHUP');
    }),
  },
};
