// express.js -- an Express app in which every route does it wrong, each in its own way; blocks.json says how
//
// What is below /healthy does the same work and blocks nothing. Run it:  fettle run --block 100ms express.js

const { exec, execSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { Worker } = require('node:worker_threads');
const zlib = require('node:zlib');
const express = require('express');
const { addon, bytes, load, orders, slowFile, subject, text } = require('./setup.js');

const app = express();
const get = (route, handler) => app.get(route, (req, res) => handler(req, (value) => res.json(value)));

// ---- each of these keeps the event loop for some 300 ms ----

get('/callback', function readIt(req, done) {
  fs.readFile(__filename, function onRead(err, data) {
    let sum = 0;
    for (const until = Date.now() + 300; Date.now() < until; ) sum += data.length; // /callback
    done({ sum });
  });
});

get('/promise', async function addUp(req, done) {
  await fs.promises.stat(__filename);
  let sum = 0;
  for (const until = Date.now() + 300; Date.now() < until; ) sum++; // /promise
  done({ sum });
});

get('/timer', function later(req, done) {
  setTimeout(function onTimeout() {
    let sum = 0;
    for (const until = Date.now() + 300; Date.now() < until; ) sum++; // /timer
    done({ sum });
  }, 1);
});

get('/microtasks', function storm(req, done) {
  const until = Date.now() + 300;
  async function again() {
    while (Date.now() < until) await null; // /microtasks
    done({ ok: true });
  }
  again();
});

get('/regexp', function check(req, done) {
  const valid = /^(a+)+$/.test(subject); // /regexp
  done({ valid });
});

get('/json-stringify', function exportAll(req, done) {
  const text = JSON.stringify([orders, orders, orders]); // /json-stringify
  done({ bytes: text.length });
});

get('/json-parse', function importAll(req, done) {
  const value = JSON.parse(text); // /json-parse
  done({ rows: value.length });
});

get('/read-file', function readConfig(req, done) {
  const settings = fs.readFileSync(slowFile(), 'utf8'); // /read-file
  done({ settings });
});

get('/pbkdf2', function signIn(req, done) {
  const key = crypto.pbkdf2Sync('secret', 'salt', 500_000, 64, 'sha512'); // /pbkdf2
  done({ key: key.toString('hex') });
});

get('/scrypt', function signUp(req, done) {
  const key = crypto.scryptSync('secret', 'salt', 64, { N: 131072, maxmem: 256 << 20 }); // /scrypt
  done({ key: key.toString('hex') });
});

get('/gzip', function pack(req, done) {
  const packed = zlib.gzipSync(bytes, { level: 9 }); // /gzip
  done({ bytes: packed.length });
});

get('/exec', function version(req, done) {
  const out = execSync('sleep 0.3; echo 1.2'); // /exec
  done({ version: String(out) });
});

get('/native', function simulate(req, done) {
  const steps = addon().compute(300); // /native
  done({ steps });
});

get('/gc', function collect(req, done) {
  const kept = [];
  for (const until = Date.now() + 400; Date.now() < until; ) kept.push([{}, [kept.length]]); // /gc
  done({ kept: kept.length });
});

get('/require', function price(req, done) {
  done({ count: load('prices.js').count }); // /require
});

// ---- and these do the same work beside it ----

get('/healthy/callback', function inPieces(req, done) {
  const until = Date.now() + 300;
  (function piece() {
    for (const pause = Date.now() + 5; Date.now() < pause; );
    if (Date.now() < until) setImmediate(piece);
    else done({ ok: true });
  })();
});

get('/healthy/promise', async function inTurns(req, done) {
  const { setImmediate: turn } = require('node:timers/promises');
  for (const until = Date.now() + 300; Date.now() < until; await turn())
    for (const pause = Date.now() + 5; Date.now() < pause; );
  done({ ok: true });
});

get('/healthy/thread', function inThread(req, done) {
  const work = 'const until = Date.now() + 300; let n = 0; while (Date.now() < until) n++; require("node:worker_threads").parentPort.postMessage(n)';
  new Worker(work, { eval: true }).once('message', (steps) => done({ steps }));
});

get('/healthy/read-file', function readLater(req, done) {
  fs.readFile(slowFile(), 'utf8', (err, settings) => done({ settings }));
});

get('/healthy/pbkdf2', function signInLater(req, done) {
  crypto.pbkdf2('secret', 'salt', 500_000, 64, 'sha512', (err, key) => done({ key: key.toString('hex') }));
});

get('/healthy/scrypt', function signUpLater(req, done) {
  crypto.scrypt('secret', 'salt', 64, { N: 131072, maxmem: 256 << 20 }, (err, key) => done({ key: key.toString('hex') }));
});

get('/healthy/gzip', function packLater(req, done) {
  zlib.gzip(bytes, { level: 9 }, (err, packed) => done({ bytes: packed.length }));
});

get('/healthy/exec', function versionLater(req, done) {
  exec('sleep 0.3; echo 1.2', (err, out) => done({ version: out }));
});

get('/healthy/regexp', function checkLinear(req, done) {
  done({ valid: /^a+$/.test(subject) });
});

get('/healthy/json', async function exportInPieces(req, done) {
  let bytes = 0;
  for (let i = 0; i < orders.length; i += 5000) {
    bytes += JSON.stringify(orders.slice(i, i + 5000)).length;
    await new Promise(setImmediate);
  }
  done({ bytes });
});

app.get('/', (req, res) => res.send('fine'));
app.listen(process.env.PORT ?? 3000);
