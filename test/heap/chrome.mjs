/* The heap snapshot of shapes/page.html in Chromium, headless, by the DevTools protocol.
 *
 *   build/nodes/22/node test/heap/chrome.mjs OUT     with Debian's chromium, or what CHROME names */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PAGE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'shapes/page.html');
const PATIENCE_MS = 60000;

/* What the target says to a command, and what it tells by itself. */
async function connect(url) {
  const socket = new WebSocket(url);
  const waiting = new Map(), listeners = new Map();
  let last = 0;
  await new Promise((done, fail) => Object.assign(socket, { onopen: done, onerror: () => fail(new Error(`no connection to ${url}`)) }));
  socket.onmessage = ({ data }) => {
    const { id, method, params, result, error } = JSON.parse(data);
    if (id === undefined) return listeners.get(method)?.(params);
    const { done, fail } = waiting.get(id);
    waiting.delete(id);
    if (error) fail(new Error(error.message));
    else done(result);
  };
  return {
    on: (method, listener) => listeners.set(method, listener),
    close: () => socket.close(),
    send: (method, params = {}) => new Promise((done, fail) => {
      waiting.set(++last, { done, fail });
      socket.send(JSON.stringify({ id: last, method, params }));
    }),
  };
}

/** Writes the page's snapshot to a file. Throws when there is no Chromium. */
export async function snapshotOfPage(out) {
  const home = mkdtempSync(path.join(tmpdir(), 'fettle-chrome-'));
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-port=0', '--remote-debugging-address=127.0.0.1',
    '--js-flags=--hash-seed=1', `--user-data-dir=${home}`, pathToFileURL(PAGE).href];
  const chrome = spawn(process.env.CHROME ?? 'chromium', flags, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const ended = new Promise((done) => chrome.once('close', done));
  const late = setTimeout(() => process.kill(-chrome.pid, 'SIGKILL'), PATIENCE_MS);
  try {
    const port = await new Promise((done, fail) => {
      let said = '';
      chrome.once('error', fail);
      chrome.stderr.on('data', (data) => {
        said += data;
        const found = /DevTools listening on ws:\/\/[^:]+:(\d+)\//.exec(said);
        if (found) done(found[1]);
      });
      chrome.once('close', () => fail(new Error(`Chromium has ended: ${said.slice(-500)}`)));
    });
    let target;
    while (!target?.webSocketDebuggerUrl) target = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()).find(({ type }) => type === 'page');
    const page = await connect(target.webSocketDebuggerUrl);
    await page.send('Runtime.enable');
    const ready = "new Promise((done) => { const look = () => document.title === 'done' ? done(true) : setTimeout(look, 20); look(); })";
    await page.send('Runtime.evaluate', { expression: ready, awaitPromise: true });
    /* Gone from the page, though a variable has it still. */
    await page.send('Runtime.evaluate', { expression: "document.querySelector('iframe').remove()" });
    await page.send('Runtime.evaluate', { expression: 'console.log({ shown: removed }), removed.length' });
    const file = openSync(out, 'w');
    page.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => writeSync(file, chunk));
    await page.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
    closeSync(file);
    page.close();
  } finally {
    clearTimeout(late);
    if (chrome.pid) {
      try { process.kill(-chrome.pid, 'SIGTERM'); } catch { /* it has ended */ }
      await ended;
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await snapshotOfPage(process.argv[2]);
