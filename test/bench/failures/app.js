'use strict';
/* The app of failures.mjs: answers quickly or after 20 ms of waiting; blocks or grows when asked to.
 * PORT and BENCH_READY as in apps/app.js. */
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { threadId } = require('node:worker_threads');
const express = require('express');

const app = express();
const kept = [];

app.get('/json', (req, res) => res.json({ ok: true })); /* contenders.mjs asks for it */
app.get('/quick', (req, res) => res.json({ ok: true }));
app.get('/wait', (req, res) => setTimeout(() => res.json({ ok: true }), 20));
app.get('/block', (req, res) => {
  writeFileSync(process.env.FAILURES_BLOCKED, String(process.pid));
  for (;;);
});
app.get('/grow', (req, res) => {
  kept.push(Buffer.alloc(Number(req.query.mb) << 20, 1));
  res.json({ pid: process.pid });
});

const at = process.env.PORT;
app.listen(...(isNaN(at) ? [at] : [Number(at), '127.0.0.1']), () => {
  if (process.env.BENCH_READY) writeFileSync(path.join(process.env.BENCH_READY, `${process.pid}.${threadId}`), '');
});
