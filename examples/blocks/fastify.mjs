// fastify.mjs -- the same as express.js: a Fastify app, as an ES module; blocks.json says what is wrong in it

import { exec, execSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import zlib from 'node:zlib';
import fastify from 'fastify';
import setup from './setup.js';

const { addon, bytes, countMany, notYetLoaded, orders, slowFile, subject, text } = setup;
const HERE = fileURLToPath(import.meta.url);
const require = createRequire(import.meta.url);
const app = fastify();

// ---- each of these keeps the event loop for some 300 ms ----

app.get('/callback', function readIt(req, reply) {
  fs.readFile(HERE, function onRead(err, data) {
    let sum = 0;
    for (let i = 0; i < 2e8; i++) sum += (data.length + i) % 7; // /callback
    reply.send({ sum });
  });
});

app.get('/promise', async function addUp(req, reply) {
  await fs.promises.stat(HERE);
  let sum = 0;
  for (let i = 0; i < 2e8; i++) sum += i % 7; // /promise
  reply.send({ sum });
});

app.get('/timer', function later(req, reply) {
  setTimeout(function onTimeout() {
    let sum = 0;
    for (let i = 0; i < 2e8; i++) sum += i % 7; // /timer
    reply.send({ sum });
  }, 1);
});

app.get('/microtasks', function storm(req, reply) {
  let left = 250_000;
  async function again() {
    while (left-- > 0) await null, crypto.createHash('sha256').update(subject).digest(); // /microtasks
    reply.send({ ok: true });
  }
  again();
});

app.get('/regexp', function check(req, reply) {
  const valid = /^(a+)+$/.test(subject); // /regexp
  reply.send({ valid });
});

app.get('/json-stringify', function exportAll(req, reply) {
  const text = JSON.stringify([orders, orders, orders]); // /json-stringify
  reply.send({ bytes: text.length });
});

app.get('/json-parse', function importAll(req, reply) {
  const value = JSON.parse(text); // /json-parse
  reply.send({ rows: value.length });
});

app.get('/read-file', function readConfig(req, reply) {
  const settings = fs.readFileSync(slowFile(), 'utf8'); // /read-file
  reply.send({ settings });
});

app.get('/pbkdf2', function signIn(req, reply) {
  const key = crypto.pbkdf2Sync('secret', 'salt', 800_000, 64, 'sha512'); // /pbkdf2
  reply.send({ key: key.toString('hex') });
});

app.get('/scrypt', function signUp(req, reply) {
  const key = crypto.scryptSync('secret', 'salt', 64, { N: 65536, maxmem: 256 << 20 }); // /scrypt
  reply.send({ key: key.toString('hex') });
});

app.get('/gzip', function pack(req, reply) {
  const packed = zlib.gzipSync(bytes, { level: 9 }); // /gzip
  reply.send({ bytes: packed.length });
});

app.get('/exec', function version(req, reply) {
  const out = execSync('sleep 0.3; echo 1.2'); // /exec
  reply.send({ version: String(out) });
});

app.get('/native', function simulate(req, reply) {
  const steps = addon().compute(300); // /native
  reply.send({ steps });
});

app.get('/native-long', function simulateLong(req, reply) {
  const steps = addon().compute(1500); // /native-long
  reply.send({ steps });
});

app.get('/native-closure', function simulateAll(req, reply) {
  const steps = addon().compute(400); // /native-closure
  const all = [1, 2].map((times) => {
    return steps * times;
  });
  reply.send({ all });
});

app.get('/sqlite', function countRows(req, reply) {
  const row = countMany().get(4e6); // /sqlite
  reply.send(row);
});

app.get('/gc', function collect(req, reply) {
  const kept = new Array(orders.length);
  for (let i = 0; i < 2e6; i++) kept[i % kept.length] = { ...orders[i % kept.length], tags: [i] }; // /gc
  reply.send({ kept: kept.length });
});

app.get('/require', function price(req, reply) {
  const prices = require(notYetLoaded('prices.js')); // /require
  reply.send({ count: prices.count });
});

// ---- and these do the same work beside it ----

app.get('/healthy/callback', function inPieces(req, reply) {
  const until = Date.now() + 300;
  (function piece() {
    for (const pause = Date.now() + 5; Date.now() < pause; );
    if (Date.now() < until) setImmediate(piece);
    else reply.send({ ok: true });
  })();
});

app.get('/healthy/promise', async function inTurns(req, reply) {
  for (const until = Date.now() + 300; Date.now() < until; await turn())
    for (const pause = Date.now() + 5; Date.now() < pause; );
  reply.send({ ok: true });
});

app.get('/healthy/thread', function inThread(req, reply) {
  const work = 'const until = Date.now() + 300; let n = 0; while (Date.now() < until) n++; require("node:worker_threads").parentPort.postMessage(n)';
  new Worker(work, { eval: true }).once('message', (steps) => reply.send({ steps }));
});

app.get('/healthy/read-file', function readLater(req, reply) {
  fs.readFile(slowFile(), 'utf8', (err, settings) => reply.send({ settings }));
});

app.get('/healthy/pbkdf2', function signInLater(req, reply) {
  crypto.pbkdf2('secret', 'salt', 200_000, 64, 'sha512', (err, key) => reply.send({ key: key.toString('hex') }));
});

app.get('/healthy/scrypt', function signUpLater(req, reply) {
  crypto.scrypt('secret', 'salt', 64, { N: 131072, maxmem: 256 << 20 }, (err, key) => reply.send({ key: key.toString('hex') }));
});

app.get('/healthy/gzip', function packLater(req, reply) {
  zlib.gzip(bytes, { level: 9 }, (err, packed) => reply.send({ bytes: packed.length }));
});

app.get('/healthy/exec', function versionLater(req, reply) {
  exec('sleep 0.3; echo 1.2', (err, out) => reply.send({ version: out }));
});

app.get('/healthy/regexp', function checkLinear(req, reply) {
  reply.send({ valid: /^a+$/.test(subject) });
});

app.get('/healthy/json', async function exportInPieces(req, reply) {
  let bytes = 0;
  for (let i = 0; i < orders.length; i += 5000) {
    bytes += JSON.stringify(orders.slice(i, i + 5000)).length;
    await new Promise(setImmediate);
  }
  reply.send({ bytes });
});

app.get('/', async () => 'fine');
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
