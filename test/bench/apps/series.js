/* An app with 500 histograms of 17 bounds, 10,000 series with their sums and counts: by perf_hooks (METRICS=perf_hooks), or by prom-client with
 * a cluster of its own, whose primary adds them up for /metrics as prom-client advises (METRICS=prom-client, WORKERS, PORT).
 * /block?ms=N blocks the worker that gets it; /observed says how many were observed in it. */
'use strict';
const http = require('node:http');

const NAMES = 500;
const BOUNDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const name = (i) => `checkout/step-${i}`;

function serve(port) {
  http.createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url, 'http://x');
    if (pathname === '/block') {
      res.end('blocks');
      const until = Date.now() + Number(searchParams.get('ms'));
      setTimeout(() => { while (Date.now() < until); }, 20);
      return;
    }
    res.end(String(process.pid));
  }).listen(port, '127.0.0.1');
}

if (process.env.METRICS === 'perf_hooks') {
  const { performance } = require('node:perf_hooks');
  for (let round = 0; round < 3; round++)
    for (let i = 0; i < NAMES; i++) performance.measure(name(i), { start: 0, duration: (i * 7919 + round * 104729) % 12000 });
  serve(process.env.PORT);
} else {
  const cluster = require('node:cluster');
  const { AggregatorRegistry, Histogram } = require('prom-client');
  const registry = new AggregatorRegistry();
  if (cluster.isPrimary) {
    for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork();
    http.createServer((req, res) => {
      registry.clusterMetrics().then((text) => res.end(text), (err) => {
        res.statusCode = 500;
        res.end(err.message);
      });
    }).listen(Number(process.env.PORT) + 1, '127.0.0.1');
  } else {
    const histogram = new Histogram({ name: 'app_measure_seconds', help: 'Durations.', labelNames: ['name'], buckets: BOUNDS });
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < NAMES; i++) histogram.observe({ name: name(i) }, ((i * 7919 + round * 104729) % 12000) / 1000);
    serve(Number(process.env.PORT));
  }
}
