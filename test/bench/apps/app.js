'use strict';
/* The app of `make bench`: Express, with routes that answer at once, wait, and block.
 * With CLUSTER=n it forks n workers itself (Node's own cluster), else it is one process. */
const cluster = require('cluster');

const forks = Number(process.env.CLUSTER || 0);
if (forks && cluster.isPrimary) {
  for (let i = 0; i < forks; i++) cluster.fork();
} else {
  const express = require('express');
  const app = express();
  const spin = (ms) => {
    const end = process.hrtime.bigint() + BigInt(Math.round(ms * 1e6));
    while (process.hrtime.bigint() < end);
  };
  app.get('/json', (req, res) => res.json({ hello: 'world', at: 1, list: [1, 2, 3] }));
  app.get('/fast', (req, res) => { spin(0.2); res.json({ ok: true }); });
  app.get('/slow', (req, res) => { spin(100); res.json({ ok: true }); });
  app.get('/wait', (req, res) => setTimeout(() => res.json({ ok: true }), 20));
  app.listen(Number(process.env.PORT), '127.0.0.1');
}
