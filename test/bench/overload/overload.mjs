// overload.mjs -- three times what an app can answer: what is answered, and how soon
//
// The capacity is measured with few connections (closed loop); then three times as many requests a
// second come at random moments (open loop), from clients that give up after two seconds. Beside
// them a probe asks for a health check and for a path of high priority, ten times a second each.
// As fettle is (`protected`), and with all of it off. Prints JSON.
//
//   node test/bench/overload/overload.mjs [--seconds N]
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = new URL('../../..', import.meta.url).pathname;
const FETTLE = path.join(ROOT, 'build/fettle');
const seconds = Number(process.argv[process.argv.indexOf('--seconds') + 1] || 10);
const run = promisify(execFile);

const freePort = () => new Promise((done) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const ask = (port, target) => new Promise((done) => {
  const began = performance.now();
  const over = (status) => done({ status, ms: performance.now() - began });
  http.get({ port, host: '127.0.0.1', path: target, timeout: 2000, agent: false }, (res) => res.resume().on('end', () => over(res.statusCode)))
    .on('timeout', function () { this.destroy(); }).on('error', () => over(0));
});

async function bench(port, target, ...args) {
  const all = ['bench', '--json', '--timeout', '2s', ...args, `http://127.0.0.1:${port}${target}`];
  const { stdout } = await run(FETTLE, all).catch((error) => error); // where nothing was answered it fails
  return JSON.parse(stdout);
}

async function started(settings) {
  const cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'fo-'));
  const [port, admin] = [await freePort(), await freePort()];
  fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({
    run: path.join(ROOT, 'test/bench/overload/app.cjs'), workers: 2, 'max-connections': 20000,
    routes: [{ path: '/cpu/paid', priority: 'high' }, { path: '/database/paid', priority: 'high' }], ...settings,
  }));
  const child = spawn(FETTLE, ['run', '--admin', `127.0.0.1:${admin}`, 'fettle.json'], { cwd, env: { ...process.env, PORT: port, FETTLE_RUNTIME_DIR: cwd }, stdio: 'ignore' });
  while ((await ask(admin, '/readyz')).status !== 200) await new Promise((done) => setTimeout(done, 50));
  process.on('exit', () => child.kill('SIGKILL'));
  return {
    port,
    end: () => new Promise((done) => {
      child.once('exit', () => done(fs.rmSync(cwd, { recursive: true, force: true })));
      child.kill('SIGTERM');
    }),
  };
}

async function probed(port, targets, task) {
  const found = Object.fromEntries(targets.map((target) => [target, []]));
  const asked = [];
  const timer = setInterval(() => {
    for (const target of targets) asked.push(ask(port, target).then((answer) => found[target].push(answer)));
  }, 100);
  const result = await task();
  clearInterval(timer);
  await Promise.all(asked);
  const probes = {};
  for (const [target, all] of Object.entries(found)) {
    const ok = all.filter(({ status }) => status === 200);
    const ms = ok.map((one) => one.ms).sort((a, b) => a - b);
    probes[target] = { asked: all.length, ok: ok.length, worst_ms: Math.round(ms.at(-1) ?? 0) };
  }
  return { result, probes };
}

const out = {};
for (const [how, settings] of Object.entries({ protected: {}, off: { 'queue-target': 'off', 'adaptive-concurrency': false } })) {
  for (const [target, few] of [['/cpu', 2], ['/database', 20]]) {
    const app = await started(settings);
    const capacity = (await bench(app.port, target, '-c', String(few), '-d', '3s')).rate;
    const { result, probes } = await probed(app.port, ['/healthz', `${target}/paid`], () =>
      bench(app.port, target, '--rate', String(Math.round(capacity * 3)), '--arrivals', 'poisson', '-c', '8000', '-d', `${seconds}s`, '--warmup', '3s'));
    await app.end();
    const { rate, statuses, failures, latency_us } = result;
    (out[how] ??= {})[target.slice(1)] = {
      capacity: Math.round(capacity), asked: result.rate_wanted, answered_200: Math.round((statuses[200] ?? 0) / result.seconds), rate, statuses, failures,
      p50_ms: Math.round(latency_us.p50 / 1000), p99_ms: Math.round(latency_us.p99 / 1000), probes,
    };
  }
}
console.log(JSON.stringify(out, null, 2));
