'use strict';
/* The app of `make bench`: Express, with routes that answer at once, compute, wait and block.
 *
 * What computes does a fixed amount of work (BENCH_WORK: rounds of PBKDF2 that take one millisecond of CPU, measured once
 * for all), not a fixed time on the clock: else workers that share a CPU would do less than others.
 *
 * PORT is a port or the path of a unix socket. Each worker, process or thread, leaves a file in BENCH_READY when it listens. */
const { pbkdf2Sync } = require('node:crypto');
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { threadId } = require('node:worker_threads');
const express = require('express');

const app = express();
const msWork = Number(process.env.BENCH_WORK || 1000);
const compute = (ms) => pbkdf2Sync('a', 'b', Math.round(ms * msWork), 32, 'sha256');

app.get('/json', (req, res) => res.json({ hello: 'world', at: 1, list: [1, 2, 3] }));
app.get('/fast', (req, res) => { compute(0.1); res.json({ ok: true }); });
app.get('/slow', (req, res) => { compute(100); res.json({ ok: true }); });
app.get('/wait', (req, res) => setTimeout(() => res.json({ ok: true }), 20));

const at = process.env.PORT;
app.listen(...(isNaN(at) ? [at] : [Number(at), '127.0.0.1']), () => {
  const folder = process.env.BENCH_READY;
  if (folder) writeFileSync(path.join(folder, `${process.pid}.${threadId}`), '');
});
