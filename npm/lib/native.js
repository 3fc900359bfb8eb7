'use strict';
/* lib/native.js -- the addon, and the memory that this process shares
 *
 * A worker of fettle's has the memory that fettle handed down; elsewhere a process has one of its
 * own, or that of a name (share(), FETTLE_SHARE), which all processes of one user have in common.
 */

const fs = require('node:fs');
const path = require('node:path');
const util = require('node:util');
const { failure, badType, badValue } = require('./errors.js');

/* A program's libc is among what it has mapped. */
function libc() {
  try {
    return fs.readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-') ? 'musl' : 'glibc';
  } catch {
    return 'glibc';
  }
}

function load() {
  const target = `${process.platform}-${process.arch}-${process.platform === 'linux' ? libc() : ''}`;
  const file = path.join(__dirname, '..', 'prebuilds', target, 'shared.node');
  try {
    return require(file);
  } catch (error) {
    const why = fs.existsSync(file) ? error.message : `this package is not built for ${target}`;
    throw failure('ERR_FETTLE_ADDON', `fettle: ${why}`);
  }
}

let addon; /* once it is needed: require('fettle') alone opens nothing */
let name; /* of the memory to share; undefined: nothing was said */

const errorName = (errno) => util.getSystemErrorName(errno);

/* What fettle has handed down: its agent says so (addon/agent.js). */
const handedDown = () => {
  const fd = process[Symbol.for('fettle.memory')];
  return Number.isInteger(fd) && fd >= 0 ? fd : -1;
};

const REASONS = {
  EINVAL: 'a name has letters, digits, ".", "_" and "-", at most 63 of them',
  EPERM: 'its folder (/dev/shm/fettle-UID) can be read by other users, or is theirs; remove it, or give it mode 0700',
};

function open() {
  if (addon) return addon;
  const loaded = load();
  const fd = handedDown();
  const shared = name ?? (fd < 0 ? process.env.FETTLE_SHARE : undefined) ?? '';
  const errno = shared ? loaded.memory(-1, shared) : loaded.memory(fd, '');
  if (errno === -114 /* EALREADY: another thread has said otherwise */)
    throw failure('ERR_FETTLE_MEMORY', 'fettle: this process shares another memory already: call share() before anything else, with the same name in each thread');
  if (errno < 0) {
    const code = errorName(errno);
    throw failure('ERR_FETTLE_MEMORY', `fettle: no shared memory '${shared}': ${REASONS[code] ?? code}`);
  }
  addon = loaded;
  return addon;
}

/**
 * The memory of this name is this process's: all processes of the same user that say the same name
 * share what they keep. Before anything else of the package is used.
 */
function share(wanted) {
  if (typeof wanted !== 'string') throw badType('name', 'a string', wanted);
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}$/.test(wanted)) throw badValue('name', REASONS.EINVAL.replace('a name has', 'of'), wanted);
  if (addon && name !== wanted)
    throw failure('ERR_FETTLE_MEMORY', 'fettle: share() comes too late: something has been opened already');
  name = wanted;
}

module.exports = { open, share, errorName };
