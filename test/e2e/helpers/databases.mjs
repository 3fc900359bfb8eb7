// helpers/databases.mjs -- real PostgreSQL, MariaDB and Redis for a test, each with its own folder and port
//
//   const db = await startPostgresql();        // or startMariadb(), startRedis()
//   db.url('shop')                             // postgresql://postgres@127.0.0.1:PORT/shop
//   db.sql('create table a (b int)', 'shop')   // runs a script, gives its rows as text
//   await db.stop();                           // or `await using`, or startPostgresql(t): when t ends
//
// Nothing of the machine's own services is touched: a data folder under the temporary folder, a free
// port of the loopback and a unix socket in it, ended by pid, and with this process should it die. They
// refuse to run as root, and are given to `nobody` then. A data folder is made once and copied for each
// server: 0.2 s instead of 3. What is written is not flushed to disk.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BUILD } from './fettle.mjs';

const run = promisify(execFile);
const NOBODY = 65534;
const DEADLINE_MS = Number(process.env.E2E_PATIENCE_MS ?? 30000);

/** The newest of Debian's PostgreSQLs: its programs are not in PATH. */
function postgresqlFolder() {
  const base = '/usr/lib/postgresql';
  const version = existsSync(base) && readdirSync(base).sort((a, b) => Number(b) - Number(a))
    .find((v) => existsSync(`${base}/${v}/bin/initdb`));
  if (!version) throw new Error('no PostgreSQL here: scripts/setup test installs it');
  return `${base}/${version}/bin`;
}

function program(name) {
  const found = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/usr/local/sbin'].map((dir) => `${dir}/${name}`)
    .find((file) => existsSync(file));
  if (!found) throw new Error(`no ${name} here: scripts/setup test installs it`);
  return found;
}

/** Free at this moment; the server that is not quick enough finds it taken and is started again. */
const freePort = () => new Promise((done, failed) => {
  const server = net.createServer().once('error', failed).listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const isRoot = process.getuid() === 0;

/** `argv` as somebody who is not root, ended by `signal` when this process dies. */
const asUser = (argv, signal) => ['setpriv', ...(signal ? ['--pdeathsig', signal] : []),
  ...(isRoot ? ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'] : []), '--', ...argv].map(String);

const give = (folder) => isRoot && execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, folder]);

function temporaryFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fettle-db-'));
  give(folder);
  return folder;
}

/** A copy of the data folder that `make(folder)` once made for this version. */
async function dataFolder(kind, version, folder, make) {
  const template = path.join(BUILD.replace(/\/(asan|tsan)$/, ''), 'databases', `${kind}-${version}${isRoot ? '' : '-own'}`);
  if (!existsSync(template)) {
    const fresh = path.join(folder, 'fresh');
    await make(fresh);
    mkdirSync(path.dirname(template), { recursive: true });
    const part = `${template}.${process.pid}`;
    execFileSync('cp', ['-a', fresh, part]);
    rmSync(fresh, { recursive: true });
    try {
      renameSync(part, template);
    } catch {
      rmSync(part, { recursive: true }); // another test was quicker
    }
  }
  execFileSync('cp', ['-a', '--reflink=auto', template, path.join(folder, 'data')]);
}

/** Starts `argv(port)` and waits until it has written `ready`. */
async function start(name, argv, ready, { folder, signal, tries = 3 }) {
  const port = await freePort();
  const [command, ...args] = asUser(argv(port), signal);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' } });
  let text = '';
  const over = new Promise((done) => child.once('close', (code, why) => done(code ?? why)));
  const seen = new Promise((done) => {
    const see = (data) => {
      text = (text + data).slice(-20000);
      if (ready.test(text)) done(true);
    };
    child.stdout.on('data', see);
    child.stderr.on('data', see);
  });
  const late = wait(DEADLINE_MS, 'late', { ref: false });
  const first = await Promise.race([seen, over, late]);
  if (first === true) return { child, port, over, log: () => text };
  child.kill('SIGKILL');
  if (first !== 'late' && tries > 1 && /in use/i.test(text)) return start(name, argv, ready, { folder, signal, tries: tries - 1 });
  throw new Error(`${name} did not start (${first}):\n${text}`);
}

/** What the three have in common. */
function handle(t, server, folder, signal, more) {
  let stopping = null;
  const stop = () => {
    stopping ??= (async () => {
      server.child.kill(signal);
      const late = wait(5000, 'late', { ref: false });
      if (await Promise.race([server.over, late]) === 'late') server.child.kill('SIGKILL');
      await server.over;
      rmSync(folder, { recursive: true, force: true });
    })();
    return stopping;
  };
  t?.after(stop);
  return { pid: server.child.pid, host: '127.0.0.1', port: server.port, folder, log: server.log, stop, [Symbol.asyncDispose ?? 'dispose']: stop, ...more };
}

/** The superuser is postgres, without a password. `settings`: lines of postgresql.conf; `hba`: of pg_hba.conf, instead. */
export async function startPostgresql(t, { settings = [], hba } = {}) {
  const bin = postgresqlFolder();
  const folder = temporaryFolder();
  await dataFolder('postgresql', bin.split('/')[4], folder, (to) => {
    const [command, ...args] = asUser([`${bin}/initdb`, '-N', '-D', to, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions']);
    return run(command, args, { cwd: folder });
  });
  if (hba) writeFileSync(path.join(folder, 'data/pg_hba.conf'), `${hba.join('\n')}\n`);
  const set = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'shared_buffers=32MB', 'max_wal_senders=0', 'wal_level=minimal',
    'jit=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'max_connections=60', ...settings];
  const server = await start('PostgreSQL', (port) => [`${bin}/postgres`, '-D', path.join(folder, 'data'), '-p', port, ...set.flatMap((s) => ['-c', s])],
    /ready to accept connections/, { folder, signal: 'QUIT' });
  const url = (database = 'postgres', user = 'postgres') => `postgresql://${user}@127.0.0.1:${server.port}/${database}`;
  return handle(t, server, folder, 'SIGQUIT', {
    url,
    socketFolder: folder,
    /** Runs a script; its rows, without titles, columns separated by |. */
    async sql(script, database) {
      const child = run(`${bin}/psql`, ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', url(database), '-f', '-'], { maxBuffer: 1 << 26 });
      child.child.stdin.end(script);
      return (await child).stdout.trimEnd();
    },
  });
}

/** The users are root without and app with the password secret, who may do everything. */
export async function startMariadb(t, { settings = [] } = {}) {
  const daemon = program('mariadbd');
  const client = program('mariadb');
  const folder = temporaryFolder();
  const version = execFileSync(daemon, ['--no-defaults', '--version'], { encoding: 'utf8' }).match(/Ver ([\d.]+)/)[1];
  const quick = ['--innodb-flush-method=nosync', '--innodb-log-file-size=8M', '--skip-log-bin'];
  await dataFolder('mariadb', version, folder, (to) => {
    const [command, ...args] = asUser([program('mariadb-install-db'), '--no-defaults', `--datadir=${to}`, '--basedir=/usr',
      '--auth-root-authentication-method=normal', '--skip-test-db', ...quick]);
    return run(command, args, { cwd: folder });
  });
  const init = path.join(folder, 'init.sql');
  writeFileSync(init, "create user if not exists app@'%' identified by 'secret';\ngrant all on *.* to app@'%';\ncreate database if not exists test;\n");
  give(init);
  const socket = path.join(folder, 'mariadb.sock');
  const server = await start('MariaDB', (port) => [daemon, '--no-defaults', `--datadir=${path.join(folder, 'data')}`, `--port=${port}`, `--socket=${socket}`,
    '--bind-address=127.0.0.1', `--init-file=${init}`, '--innodb-buffer-pool-size=32M', '--innodb-flush-log-at-trx-commit=0', '--skip-name-resolve',
    `--pid-file=${path.join(folder, 'mariadb.pid')}`, `--tmpdir=${folder}`, ...quick, ...settings], /ready for connections/, { folder, signal: 'KILL' });
  return handle(t, server, folder, 'SIGKILL', {
    socket,
    url: (database = 'test', user = 'app:secret') => `mysql://${user}@127.0.0.1:${server.port}/${database}`,
    /** Runs a script; its rows, without titles, columns separated by a tab. */
    async sql(script, database = 'test') {
      const child = run(client, ['--no-defaults', `--socket=${socket}`, '-uroot', '-N', '-B', database], { maxBuffer: 1 << 26 });
      child.child.stdin.end(script);
      return (await child).stdout.trimEnd();
    },
  });
}

/** kill() and again() are for what has to bear that: the same folder and unix socket, maybe another port. */
export async function startRedis(t, { settings = [] } = {}) {
  const folder = temporaryFolder();
  const socket = path.join(folder, 'redis.sock');
  const begin = () => start('Redis', (port) => [program('redis-server'), '--port', port, '--bind', '127.0.0.1', '--unixsocket', socket, '--unixsocketperm', '777',
    '--dir', folder, '--save', '', '--appendonly', 'no', ...settings], /Ready to accept connections/i, { folder, signal: 'KILL' });
  const server = await begin();
  return handle(t, server, folder, 'SIGKILL', {
    socket,
    url: () => `redis://127.0.0.1:${server.port}`,
    signal: (name) => server.child.kill(name),
    async kill() {
      server.child.kill('SIGKILL');
      await server.over;
    },
    again: async () => void Object.assign(server, await begin()),
    /** What redis-cli prints, without a terminal. */
    cli: async (...args) => (await run(program('redis-cli'), ['-s', socket, ...args])).stdout.trimEnd(),
  });
}
