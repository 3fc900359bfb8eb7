// helpers/faults.mjs -- makes a call of fettle's fail (test/fault/faults.c), and what can fail how

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BUILD, ROOT } from './fettle.mjs';

const LIBRARY = path.join(BUILD, 'test/fault/faults.so');
const SITES_MAX = 4096;
const HEAD = 24;
const ROLES = ['', 'supervisor', 'proxy', 'monitor', 'child'];
const CALLS = [...fs.readFileSync(path.join(ROOT, 'test/fault/calls.h'), 'utf8').matchAll(/CALL\((\w+), \w+\)/g)]
  .map(([, name]) => name);

const { errno } = os.constants;
/** One byte is moved instead of all. */
export const SHORT = 'SHORT';

const RECEIVE = ['ENOMEM', 'EINTR', 'ECONNRESET', SHORT];
const SEND = ['ENOBUFS', 'EINTR', 'EAGAIN', 'ENOMEM', 'ECONNRESET', 'EPIPE', SHORT];
const DESCRIPTOR = ['EMFILE', 'ENFILE', 'ENOMEM'];
const FILE = ['EACCES', 'EIO', 'ENOSPC', 'ENOMEM'];
/**
 * What the man pages let each call say, the likeliest first; calls that are not here fail with
 * ENOMEM. EAGAIN is for calls of which it is true: a socket that has bytes never says so, and who
 * waits for the edge afterwards may wait for ever.
 */
const ERRORS = {
  socket: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EACCES'],
  socketpair: ['EMFILE', 'ENFILE'],
  bind: ['EADDRINUSE', 'EACCES', 'ENOMEM'],
  listen: ['EADDRINUSE'],
  connect: ['EAGAIN', 'ECONNREFUSED', 'ENOENT', 'EACCES', 'EINTR'],
  accept4: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ECONNABORTED', 'EINTR', 'EAGAIN', 'EPROTO', 'EPERM'],
  getsockname: ['ENOBUFS'],
  getpeername: ['ENOBUFS', 'ENOTCONN'],
  getsockopt: ['ENOPROTOOPT'],
  setsockopt: ['ENOPROTOOPT'],
  shutdown: ['ENOTCONN'],
  recv: RECEIVE,
  recvmsg: ['ENOMEM', 'EINTR'],
  send: SEND,
  sendto: ['ENOBUFS', 'EINTR', 'EAGAIN', 'ECONNREFUSED'],
  sendmsg: ['ENOBUFS', 'EINTR', 'EAGAIN', 'ENOMEM', 'EPIPE', SHORT],
  read: ['EINTR', 'EIO', SHORT],
  pread: ['EINTR', 'EIO', SHORT],
  write: ['EINTR', 'ENOSPC', 'EIO', 'EPIPE', SHORT],
  writev: ['EINTR', 'ENOSPC', 'EIO'],
  splice: ['ENOMEM', 'EINTR', SHORT],
  pipe2: ['EMFILE', 'ENFILE'],
  dup2: ['EMFILE', 'EINTR', 'EBUSY'],
  fcntl: ['EMFILE', 'EINTR', 'EAGAIN'],
  ioctl: ['ENOTTY', 'ENODEV'],
  close: ['EIO', 'EINTR', 'ENOSPC'],
  poll: ['EINTR', 'ENOMEM'],
  flock: ['EINTR', 'ENOLCK', 'EAGAIN'],
  lseek: ['ESPIPE'],
  eventfd: DESCRIPTOR,
  eventfd_read: ['EAGAIN', 'EINTR'],
  eventfd_write: ['EAGAIN', 'EINTR'],
  signalfd: DESCRIPTOR,
  timerfd_create: DESCRIPTOR,
  timerfd_settime: ['EINVAL'],
  epoll_create1: DESCRIPTOR,
  epoll_ctl: ['ENOMEM', 'ENOSPC'],
  epoll_wait: ['EINTR'],
  epoll_pwait2: ['EINTR'],
  inotify_init1: DESCRIPTOR,
  inotify_add_watch: ['ENOSPC', 'ENOMEM', 'ENOENT'],
  inotify_rm_watch: ['EINVAL'],
  open: ['EMFILE', 'ENFILE', 'EINTR', ...FILE],
  openat: ['EMFILE', 'ENFILE', 'EINTR', ...FILE],
  fopen: ['EMFILE', 'ENOMEM', 'EACCES'],
  opendir: ['EMFILE', 'ENOMEM', 'EACCES'],
  fdopendir: ['ENOMEM'],
  stat: ['ENOMEM', 'EACCES'],
  lstat: ['ENOMEM', 'EACCES'],
  fstat: ['ENOMEM'],
  fstatat: ['ENOMEM', 'EACCES'],
  statvfs: ['EIO', 'EINTR', 'ENOMEM'],
  access: ['EACCES', 'EIO', 'ENOMEM'],
  ftruncate: ['ENOSPC', 'EINTR', 'EIO'],
  fsync: ['EIO', 'ENOSPC', 'EINTR'],
  chmod: ['EPERM', 'EIO', 'EROFS'],
  fchmod: ['EPERM', 'EIO', 'EROFS'],
  fchown: ['EPERM', 'EIO'],
  fchownat: ['EPERM', 'EIO'],
  mkdir: ['ENOSPC', 'EACCES', 'EIO'],
  mkdirat: ['ENOSPC', 'EACCES'],
  mkdtemp: ['ENOSPC', 'EACCES'],
  unlink: ['EIO', 'EACCES', 'EROFS'],
  unlinkat: ['EIO', 'EACCES'],
  rmdir: ['EBUSY', 'EACCES'],
  rename: ['ENOSPC', 'EACCES', 'EIO'],
  renameat: ['ENOSPC', 'EACCES'],
  renameat2: ['ENOSPC', 'EINVAL'],
  symlink: ['ENOSPC', 'EACCES'],
  symlinkat: ['ENOSPC', 'EACCES'],
  readlink: ['EIO', 'EACCES', 'ENOMEM'],
  readlinkat: ['EIO', 'EACCES'],
  realpath: ['EIO', 'EACCES', 'ENOMEM'],
  getcwd: ['ENOENT', 'ENOMEM'],
  chdir: ['EACCES', 'EIO', 'ENOMEM'],
  memfd_create: DESCRIPTOR,
  mmap: ['ENOMEM', 'EAGAIN', 'ENFILE'],
  mremap: ['ENOMEM', 'EAGAIN'],
  madvise: ['EAGAIN', 'ENOMEM'],
  fork: ['EAGAIN', 'ENOMEM'],
  execve: ['ENOMEM', 'EMFILE', 'EIO', 'E2BIG'],
  waitpid: ['EINTR'],
  kill: ['EPERM'],
  setpgid: ['EPERM'],
  setsid: ['EPERM'],
  prctl: ['EINVAL'],
  setrlimit: ['EPERM'],
  getpriority: ['ESRCH'],
  setpriority: ['EACCES'],
  sched_getaffinity: ['EINVAL'],
  pthread_create: ['EAGAIN'],
  posix_spawn: ['EAGAIN', 'ENOMEM'],
  posix_spawnp: ['EAGAIN', 'ENOMEM'],
  getrandom: ['EAGAIN', 'EINTR'],
};
export const errorsOf = (call) => ERRORS[call] ?? ['ENOMEM'];

const keyOf = ({ role, call, offset }) =>
  (BigInt(ROLES.indexOf(role)) << 56n) | (BigInt(CALLS.indexOf(call)) << 40n) | BigInt(offset);

/** The file that a fettle and its processes share with the test. */
export class Faults {
  constructor(t) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-faults-'));
    t.after(() => {
      fs.closeSync(this.fd);
      fs.rmSync(this.folder, { recursive: true, force: true });
    });
    this.file = path.join(this.folder, 'control');
    this.fd = fs.openSync(this.file, 'w+');
    fs.ftruncateSync(this.fd, HEAD + SITES_MAX * 12);
  }

  get env() {
    return { LD_PRELOAD: LIBRARY, FAULTS_FILE: this.file };
  }

  /** The site's next call fails: error is a name of errno's, or SHORT. */
  arm(site, error, skip = 0) {
    const head = Buffer.alloc(HEAD);
    head.writeUInt32LE(0, 16);
    fs.writeSync(this.fd, head, 16, 4, 16);
    head.writeBigUInt64LE(keyOf(site), 0);
    head.writeInt32LE(error === SHORT ? 0 : errno[error], 8);
    head.writeUInt32LE(skip, 12);
    fs.writeSync(this.fd, head, 0, 16, 0);
    head.writeUInt32LE(1, 16);
    fs.writeSync(this.fd, head, 16, 8, 16);
  }

  disarm() {
    fs.writeSync(this.fd, Buffer.alloc(4), 0, 4, 16);
  }

  /** The pid of the process in which it has failed; 0: it has not (yet). */
  get fired() {
    const head = Buffer.alloc(HEAD);
    fs.readSync(this.fd, head, 0, HEAD, 0);
    return head.readUInt32LE(16) === 2 ? head.readUInt32LE(20) : 0;
  }

  /** [{ role, call, offset, count }] of all that were reached so far. */
  sites() {
    const bytes = Buffer.alloc(HEAD + SITES_MAX * 12);
    const found = [];
    fs.readSync(this.fd, bytes, 0, bytes.length, 0);
    for (let i = 0; i < SITES_MAX; i++) {
      const key = bytes.readBigUInt64LE(HEAD + i * 8);
      if (!key) continue;
      found.push({
        role: ROLES[Number(key >> 56n)],
        call: CALLS[Number((key >> 40n) & 0xffffn)],
        offset: Number(key & 0xffffffffffn),
        count: bytes.readUInt32LE(HEAD + SITES_MAX * 8 + i * 4),
      });
    }
    return found;
  }
}

/** Adds to each site where that is: `at`, "proxy: read in errand_read (io/errand.c:110)"; `file`, "io/errand.c". */
export function name(sites) {
  if (!sites.length) return sites;
  const addresses = sites.map(({ offset }) => `0x${(offset - 1).toString(16)}`);
  const text = execFileSync('addr2line', ['-a', '-f', '-i', '-e', path.join(BUILD, 'fettle'), ...addresses], { encoding: 'utf8' });
  text.split(/^0x[0-9a-f]+\n/m).slice(1).forEach((frames, i) => {
    // What is inlined comes first; headers of the system are not where the call is.
    const found = /^(?<where>.+)\n.*\/src\/(?<file>[^:]+):(?<line>\d+)/m.exec(frames)?.groups ?? {};
    Object.assign(sites[i], { file: found.file ?? '?', at: `${sites[i].role}: ${sites[i].call} in ${found.where} (${found.file}:${found.line})` });
  });
  return sites;
}
