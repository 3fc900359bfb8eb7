'use strict';
/* addon/opened.js -- who opens so many sockets, timers, descriptors or child processes
 *
 * A part of agent.node (addon/part.c), loaded only when the monitor suspects that this process leaks
 * such (shm/opened.h). For so many seconds it takes a stack where one of that kind is opened, of every Nth
 * when there are many; then all is as before, and it says which places those come from that are still there.
 * Resources are held weakly: what is dropped is collected as ever.
 */

const SAMPLES_MAX = 512;
const STACKS_EACH_SECOND = 50; /* 5 us each */
const FRAMES = 24;
const PLACES = 5;
const BLAMED = 4; /* frames of the app that tell places from each other */
const TEXT_MAX = 11000;

/* Whether it is still open. A closed handle has no descriptor; a process ends by itself. */
const socketIs = (handle) => !(handle.fd < 0);
const timerIs = (timer) => timer._destroyed !== true && timer.hasRef?.() !== false;
const childIs = (child) => {
  if (!child.pid) return false;
  try {
    return process.kill(child.pid, 0);
  } catch {
    return false;
  }
};
const KINDS = {
  1: { types: ['TCPWRAP', 'PIPEWRAP', 'UDPWRAP'], is: socketIs },
  2: { types: ['Timeout'], is: timerIs },
  3: { types: [] },
  4: { types: ['PROCESSWRAP'], is: childIs },
};

/* Stack frames as objects; none of the app's code runs for them. `under`: leave out what it calls. */
function sitesTake(under) {
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const { stackTraceLimit } = Error;
  const into = {};
  try {
    Object.defineProperty(Error, 'prepareStackTrace', { value: (error, sites) => sites, configurable: true, writable: true });
    Error.stackTraceLimit = FRAMES;
    Error.captureStackTrace(into, under);
    return Array.isArray(into.stack) ? into.stack : [];
  } catch {
    return []; /* Error is frozen */
  } finally {
    if (own) Object.defineProperty(Error, 'prepareStackTrace', own);
    else delete Error.prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const fileOf = (site) => {
  const file = site.getFileName() ?? '';
  return file.startsWith('file:') ? require('url').fileURLToPath(file) : file;
};
const isNode = (file) => file === '' || file.startsWith('node:');
const isPackage = (file) => /[\\/]node_modules[\\/]/.test(file);

/* The frames to blame, from where it was opened outwards: the app's own, else a package's, else Node's. */
function placeOf(sites) {
  const files = sites.map(fileOf);
  const all = sites.map((site, i) => ({
    file: files[i], name: site.getFunctionName() ?? '', line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0,
  }));
  const own = all.filter(({ file }) => !isNode(file) && !isPackage(file));
  const user = own.length > 0 ? own : all.filter(({ file }) => !isNode(file));
  const frames = (user.length > 0 ? user : all).slice(0, BLAMED);
  const first = files.findIndex((file) => file !== 'node:internal/async_hooks'); /* what calls the hook */
  return {
    frames, isApp: user.length > 0,
    stack: sites.slice(Math.max(first, 0)).map((one) => `    at ${one}`.replace(/[\r\n]/g, ' ')).join('\n'),
  };
}

const keyOf = ({ file, line, column }) => `${file}:${line}:${column}`;

/* A helper that others use as well, who close what it opens for them, is not to blame: who calls it is. */
function blamed(place, places) {
  const closed = new Set();
  for (const other of places) if (other !== place && other.alive * 2 < other.opened) other.frames.forEach((frame) => closed.add(keyOf(frame)));
  return place.frames.find((frame) => !closed.has(keyOf(frame))) ?? place.frames[0] ?? { file: '', name: '', line: 0, column: 0 };
}

/* Objects of the app's may have getters of their own. */
function safely(ask) {
  try {
    return ask();
  } catch {
    return false;
  }
}

class Sampling {
  opened = 0;
  every = 1;
  taken = 0; /* stacks in this second */
  samples = new Set(); /* { place, weight, is() } */
  places = new Map();
  constructor(kind, seconds) {
    this.kind = kind;
    this.seconds = seconds;
  }
  /* Whether the one that is being opened gets a stack. */
  due() {
    return this.opened++ % this.every === 0 && this.taken < 2 * STACKS_EACH_SECOND && this.room();
  }
  room() {
    if (this.samples.size < SAMPLES_MAX) return true;
    for (const sample of this.samples) if (!sample.is()) this.samples.delete(sample);
    return this.samples.size < SAMPLES_MAX;
  }
  place(under) {
    this.taken++;
    let made;
    try {
      made = placeOf(sitesTake(under));
    } catch {
      made = { frames: [], isApp: false, stack: '' }; /* Error is frozen, or a file has a name that is none */
    }
    const key = made.frames.map(keyOf).join();
    let place = this.places.get(key);
    if (place) return place;
    place = { ...made, alive: 0, expiring: 0, opened: 0 };
    if (this.places.size < SAMPLES_MAX) this.places.set(key, place);
    return place;
  }
  add(place, is, expires = () => false) {
    const sample = { weight: this.every, place, is: () => safely(is), expires: () => safely(expires) };
    place.opened += this.every;
    this.samples.add(sample);
    return sample;
  }
  second() {
    if (this.taken > STACKS_EACH_SECOND) this.every *= 2;
    this.taken = 0;
  }
  /* As shm/opened.h has it. */
  text() {
    for (const { is, expires, place, weight } of this.samples) {
      if (!is()) continue;
      place.alive += weight;
      if (expires()) place.expiring += weight;
    }
    const list = [...this.places.values()].filter((place) => place.alive > 0).sort((a, b) => b.isApp - a.isApp || b.alive - a.alive);
    let text = '';
    for (const p of list.slice(0, PLACES)) {
      const { file, name, line, column } = blamed(p, this.places.values());
      const one = `${p.alive} ${p.expiring} ${p.opened} ${line} ${column}\n${name.replace(/\s+/g, ' ')}\n` +
        `${file.replace(/[\r\n]/g, ' ')}\n${p.stack}\n\n`;
      if (text.length + one.length > TEXT_MAX) break;
      text += one;
    }
    return text;
  }
}

/* Handles and timers tell of themselves when they are made. */
function hookStart(sampling) {
  const { types, is } = KINDS[sampling.kind];
  const hook = require('async_hooks').createHook({
    trackPromises: false, /* where Node knows it, promises cost nothing */
    init: function init(id, type, trigger, resource) {
      if (!types.includes(type) || !sampling.due()) return; /* what is thrown here would end the process */
      const weak = new WeakRef(resource);
      const still = () => {
        const one = weak.deref();
        return one !== undefined && is(one);
      };
      const expires = () => {
        const one = weak.deref();
        return type === 'Timeout' && one !== undefined && !one._repeat && one._idleTimeout >= sampling.seconds * 1000;
      };
      sampling.add(sampling.place(init), still, expires);
    },
  }).enable();
  return () => hook.disable();
}

/* Descriptors of files are no handles of libuv's: while it lasts, the functions that open and close
 * them are wrapped. */
function filesStart(sampling) {
  const fs = require('fs');
  const { syncBuiltinESMExports } = require('module');
  const byFd = new Map(); /* those that are numbers */
  const undo = [];

  function wrap(of, name, make) {
    const real = of[name];
    if (typeof real !== 'function') return;
    const made = make(real);
    Object.defineProperties(made, Object.getOwnPropertyDescriptors(real));
    of[name] = made;
    undo.push(() => {
      if (of[name] === made) of[name] = real; /* somebody else's wrapper keeps ours, which then only passes on */
    });
  }
  let on = true;
  const due = () => on && sampling.due();
  function numberAdd(fd, place) {
    const sample = sampling.add(place, () => byFd.get(fd) === sample);
    byFd.set(fd, sample);
  }
  const streams = (real) => function opened(...args) {
    const place = due() ? sampling.place(opened) : null;
    const stream = Reflect.apply(real, this, args);
    if (place) {
      const weak = new WeakRef(stream);
      sampling.add(place, () => typeof weak.deref()?.fd === 'number' && weak.deref().closed !== true);
    }
    return stream;
  };
  wrap(fs, 'openSync', (real) => function opened(...args) {
    const fd = Reflect.apply(real, this, args);
    byFd.delete(fd);
    if (due()) numberAdd(fd, sampling.place(opened));
    return fd;
  });
  wrap(fs, 'open', (real) => function opened(...args) {
    const done = args[args.length - 1];
    if (typeof done !== 'function' || !due()) return Reflect.apply(real, this, args);
    const place = sampling.place(opened);
    if (!place.isApp) return Reflect.apply(real, this, args); /* a stream, which was noted where it was made */
    args[args.length - 1] = function (err, fd) {
      if (!err && on) numberAdd(fd, place);
      return Reflect.apply(done, this, arguments);
    };
    return Reflect.apply(real, this, args);
  });
  const closes = (real) => function (...args) {
    byFd.delete(args[0]);
    return Reflect.apply(real, this, args);
  };
  wrap(fs, 'close', closes);
  wrap(fs, 'closeSync', closes);
  wrap(fs, 'createReadStream', streams);
  wrap(fs, 'createWriteStream', streams);
  wrap(fs.promises, 'open', (real) => async function opened(...args) {
    const place = due() ? sampling.place(opened) : null;
    const handle = await Reflect.apply(real, this, args);
    if (place) {
      const weak = new WeakRef(handle);
      sampling.add(place, () => weak.deref()?.fd >= 0);
    }
    return handle;
  });
  syncBuiltinESMExports();
  return () => {
    on = false;
    undo.forEach((one) => one());
    syncBuiltinESMExports();
  };
}

const running = new Set();

function start(addon, kind, seconds) {
  const sampling = new Sampling(kind, seconds);
  const each = setInterval(() => sampling.second(), 1000).unref();
  setTimeout(() => {
    running.delete(kind);
    clearInterval(each);
    end();
    addon.opened(kind, seconds, sampling.opened, sampling.text());
  }, seconds * 1000).unref();
  const end = kind === 3 ? filesStart(sampling) : hookStart(sampling);
  running.add(kind);
}

module.exports = function openedWatch(addon, wanted) {
  const seconds = (wanted >>> 4) & 4095;
  for (const kind of [1, 2, 3, 4]) if (wanted & (1 << (kind - 1)) && !running.has(kind)) start(addon, kind, seconds);
};
