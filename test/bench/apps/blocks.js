/* An Express app whose handlers keep the event loop for `ms`, each in its own way, and then tell when that began: CLOCK_MONOTONIC, in nanoseconds.
 * BLOCKED_AT=30: blocked-at watches it, and what it told last is at /blocked-at. */
'use strict';
const fs = require('node:fs');
const express = require('express');

const rows = Array.from({ length: 2000 }, (_, i) => ({ i, name: `name ${i}` }));
const steps = {
  loop: () => { let x = 0; for (let i = 0; i < 1e5; i++) x = (x * 31 + i) % 65521; return x; },
  json: () => JSON.stringify(rows).length,
  files: () => fs.statSync(__filename).size,
  regexp: () => /^(a+)+$/.test('aaaaaaaaaaaaaaaaa!'),
};
let told = null;
if (process.env.BLOCKED_AT) {
  require('blocked-at')((ms, stack, { type, resource }) => {
    told = { at: String(process.hrtime.bigint()), ms, stack, type, method: resource?.constructor?.name };
  }, { threshold: Number(process.env.BLOCKED_AT) });
}

const app = express();
app.get('/block/:kind/:ms', function block(req, res) {
  const step = steps[req.params.kind], at = process.hrtime.bigint(), until = at + BigInt(req.params.ms) * 1000000n;
  told = null;
  while (process.hrtime.bigint() < until) step();
  res.json({ at: String(at), end: String(process.hrtime.bigint()) });
});
app.get('/blocked-at', (req, res) => res.json(told));
app.get('/', (req, res) => res.send('hello'));
app.listen(process.env.PORT);
