// express.js -- an Express app in which every route does it wrong, each in its own way; blocks.json says how
//
// What is below /healthy does the same work and blocks nothing. Run it:  fettle run --block 100ms express.js

const { exec, execSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { Worker } = require('node:worker_threads');
const zlib = require('node:zlib');
const express = require('express');
const { addon, bytes, countMany, notYetLoaded, orders, slowFile, subject, text } = require('./setup.js');

const app = express();

// ---- each of these keeps the event loop for some 300 ms ----

app.get('/callback', function readIt(req, res) {
  fs.readFile(__filename, function onRead(err, data) {
    let sum = 0;
    for (let i = 0; i < 2e8; i++) sum += (data.length + i) % 7; // /callback
    res.json({ sum });
  });
});

app.get('/promise', async function addUp(req, res) {
  await fs.promises.stat(__filename);
  let sum = 0;
  for (let i = 0; i < 2e8; i++) sum += i % 7; // /promise
  res.json({ sum });
});

app.get('/timer', function later(req, res) {
  setTimeout(function onTimeout() {
    let sum = 0;
    for (let i = 0; i < 2e8; i++) sum += i % 7; // /timer
    res.json({ sum });
  }, 1);
});

app.get('/microtasks', function storm(req, res) {
  let left = 250_000;
  async function again() {
    while (left-- > 0) await null, crypto.createHash('sha256').update(subject).digest(); // /microtasks
    res.json({ ok: true });
  }
  again();
});

app.get('/regexp', function check(req, res) {
  const valid = /^(a+)+$/.test(subject); // /regexp
  res.json({ valid });
});

app.get('/json-stringify', function exportAll(req, res) {
  const text = JSON.stringify([orders, orders, orders]); // /json-stringify
  res.json({ bytes: text.length });
});

app.get('/json-parse', function importAll(req, res) {
  const value = JSON.parse(text); // /json-parse
  res.json({ rows: value.length });
});

app.get('/read-file', function readConfig(req, res) {
  const settings = fs.readFileSync(slowFile(), 'utf8'); // /read-file
  res.json({ settings });
});

app.get('/pbkdf2', function signIn(req, res) {
  const key = crypto.pbkdf2Sync('secret', 'salt', 800_000, 64, 'sha512'); // /pbkdf2
  res.json({ key: key.toString('hex') });
});

app.get('/scrypt', function signUp(req, res) {
  const key = crypto.scryptSync('secret', 'salt', 64, { N: 65536, maxmem: 256 << 20 }); // /scrypt
  res.json({ key: key.toString('hex') });
});

app.get('/gzip', function pack(req, res) {
  const packed = zlib.gzipSync(bytes, { level: 9 }); // /gzip
  res.json({ bytes: packed.length });
});

app.get('/exec', function version(req, res) {
  const out = execSync('sleep 0.3; echo 1.2'); // /exec
  res.json({ version: String(out) });
});

app.get('/native', function simulate(req, res) {
  const steps = addon().compute(300); // /native
  res.json({ steps });
});

app.get('/native-long', function simulateLong(req, res) {
  const steps = addon().compute(1500); // /native-long
  res.json({ steps });
});

app.get('/native-closure', function simulateAll(req, res) {
  const steps = addon().compute(400); // /native-closure
  const all = [1, 2].map((times) => {
    return steps * times;
  });
  res.json({ all });
});

app.get('/sqlite', function countRows(req, res) {
  const row = countMany().get(4e6); // /sqlite
  res.json(row);
});

app.get('/gc', function collect(req, res) {
  const kept = new Array(orders.length);
  for (let i = 0; i < 2e6; i++) kept[i % kept.length] = { ...orders[i % kept.length], tags: [i] }; // /gc
  res.json({ kept: kept.length });
});

app.get('/require', function price(req, res) {
  const prices = require(notYetLoaded('prices.js')); // /require
  res.json({ count: prices.count });
});

// ---- and these do the same work beside it ----

app.get('/healthy/callback', function inPieces(req, res) {
  const until = Date.now() + 300;
  (function piece() {
    for (const pause = Date.now() + 5; Date.now() < pause; );
    if (Date.now() < until) setImmediate(piece);
    else res.json({ ok: true });
  })();
});

app.get('/healthy/promise', async function inTurns(req, res) {
  const { setImmediate: turn } = require('node:timers/promises');
  for (const until = Date.now() + 300; Date.now() < until; await turn())
    for (const pause = Date.now() + 5; Date.now() < pause; );
  res.json({ ok: true });
});

app.get('/healthy/thread', function inThread(req, res) {
  const work = 'const until = Date.now() + 300; let n = 0; while (Date.now() < until) n++; require("node:worker_threads").parentPort.postMessage(n)';
  new Worker(work, { eval: true }).once('message', (steps) => res.json({ steps }));
});

app.get('/healthy/read-file', function readLater(req, res) {
  fs.readFile(slowFile(), 'utf8', (err, settings) => res.json({ settings }));
});

app.get('/healthy/pbkdf2', function signInLater(req, res) {
  crypto.pbkdf2('secret', 'salt', 200_000, 64, 'sha512', (err, key) => res.json({ key: key.toString('hex') }));
});

app.get('/healthy/scrypt', function signUpLater(req, res) {
  crypto.scrypt('secret', 'salt', 64, { N: 131072, maxmem: 256 << 20 }, (err, key) => res.json({ key: key.toString('hex') }));
});

app.get('/healthy/gzip', function packLater(req, res) {
  zlib.gzip(bytes, { level: 9 }, (err, packed) => res.json({ bytes: packed.length }));
});

app.get('/healthy/exec', function versionLater(req, res) {
  exec('sleep 0.3; echo 1.2', (err, out) => res.json({ version: out }));
});

app.get('/healthy/regexp', function checkLinear(req, res) {
  res.json({ valid: /^a+$/.test(subject) });
});

app.get('/healthy/json', async function exportInPieces(req, res) {
  let bytes = 0;
  for (let i = 0; i < orders.length; i += 5000) {
    bytes += JSON.stringify(orders.slice(i, i + 5000)).length;
    await new Promise(setImmediate);
  }
  res.json({ bytes });
});

app.get('/', (req, res) => res.send('fine'));
app.listen(process.env.PORT ?? 3000);
