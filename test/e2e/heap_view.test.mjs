// `fettle heap view FILE [FILE2]`: who may ask, what the pages say, and the page itself in a real
// browser: by mouse, by keyboard alone, at a phone's width, in both themes.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { BUILD, NODE, ROOT, freePort } from './helpers/fettle.mjs';
import { accessible, browserStart, pageOpen } from './helpers/browser.mjs';
import { squarify } from '../../web/squarify.js';

const PROGRAM = `
class Session { constructor(i) { this.name = 'session ' + i; this.cart = Array.from({ length: 20 }, (_, k) => ({ sku: 'sku ' + k, price: k + i + 0.5 })); } }
const sessions = new Map();
globalThis.shop = { sessions };
globalThis.texts = Array.from({ length: 90 }, (_, i) => ('<b>text</b> & ' + i + ' ').repeat(60).split('').join(''));
const add = (from, to) => { for (let i = from; i < to; i++) sessions.set('key ' + i, new Session(i)); };
add(0, 800);
require('v8').writeHeapSnapshot('before.heapsnapshot');
add(800, 1300);
require('v8').writeHeapSnapshot('after.heapsnapshot');
`;
const PATIENCE_MS = 30000;
const FETTLE = path.join(BUILD, 'fettle');
const SHOTS = process.env.FETTLE_SCREENSHOTS;

let dir;
before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-view-'));
  fs.writeFileSync(path.join(dir, 'app.cjs'), PROGRAM);
  execFileSync(NODE, ['app.cjs'], { cwd: dir });
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const BEFORE = () => path.join(dir, 'before.heapsnapshot'), AFTER = () => path.join(dir, 'after.heapsnapshot');

/** Starts a view; resolves when its address is known: { url, port, child, ended, stderr }. */
async function view(args, env = {}) {
  const child = spawn(FETTLE, ['heap', 'view', '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, DISPLAY: '', WAYLAND_DISPLAY: '', ...env } });
  const v = { child, stderr: '' };
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS * 4);
  child.stderr.on('data', (text) => (v.stderr += text));
  v.ended = new Promise((done) => child.once('close', (code, signal) => {
    clearTimeout(late);
    done({ code, signal });
  }));
  const first = await Promise.race([new Promise((done) => child.stdout.once('data', done)), v.ended]);
  if (Buffer.isBuffer(first)) Object.assign(v, JSON.parse(first));
  v.stop = async () => {
    child.kill('SIGINT');
    const end = await v.ended;
    assert.doesNotMatch(v.stderr, /Sanitizer|runtime error/);
    return end;
  };
  return v;
}

/** { status, headers, body } of a request whose head is all the caller's. */
const ask = (url, { method = 'GET', headers = {} } = {}) => new Promise((done, fail) => {
  const request = http.request(url, { method, headers, timeout: PATIENCE_MS }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => done({ status: response.statusCode, headers: response.headers, body }));
  });
  request.on('error', fail).end();
});

describe('who may ask', () => {
  let v;
  before(async () => { v = await view([BEFORE()]); });
  after(() => v.stop());

  test('the address is of this machine only, with a token of 128 bits', () => {
    assert.match(v.url, /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/);
    const listening = fs.readFileSync('/proc/net/tcp', 'latin1').split('\n').map((line) => line.trim().split(/\s+/)).filter(([, local]) => local?.endsWith(`:${v.port.toString(16).toUpperCase().padStart(4, '0')}`) );
    assert.deepEqual([...new Set(listening.filter((word) => word[3] === '0A').map(([, local]) => local.split(':')[0]))], ['0100007F']);
  });

  test('whoever knows the address gets the page, which may load nothing from elsewhere', async () => {
    const { status, headers } = await ask(v.url);
    assert.equal(status, 200);
    assert.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
  });

  const refusals = [
    ['another token', (url) => url.replace(/[0-9a-f]{4}\/$/, '0000/'), {}, 404],
    ['no token', (url) => new URL('/', url), {}, 404],
    ['no token, the API', (url) => new URL('/api/files', url), {}, 404],
    ['a name that resolves to here', (url) => url, { headers: { Host: 'evil.example' } }, 403],
    ['that name with the port', (url) => `${url}api/files`, { headers: { Host: 'evil.example:80' } }, 403],
    ['another site', (url) => `${url}api/files`, { headers: { 'Sec-Fetch-Site': 'cross-site' } }, 403],
    ['another port of this machine', (url) => `${url}api/files`, { headers: { 'Sec-Fetch-Site': 'same-site' } }, 403],
    ['another origin', (url) => `${url}api/files`, { headers: { Origin: 'http://evil.example' } }, 403],
    ['no origin that can be named', (url) => `${url}heap.js`, { headers: { Origin: 'null' } }, 403],
    ['a method that changes things', (url) => `${url}api/files`, { method: 'POST' }, 405],
    ['a way out of the folder', (url) => `${url}../../etc/passwd`, {}, 404],
    ['a way out of the folder, encoded', (url) => `${url}%2e%2e/Makefile`, {}, 404],
    ['a file that is not there', (url) => `${url}nothing.js`, {}, 404],
  ];
  for (const [what, to, options, status] of refusals)
    test(`is refused: ${what}`, async () => {
      const answer = await ask(to(v.url), options);
      assert.equal(answer.status, status, answer.body);
      assert.ok(!answer.body.includes(v.url.split('/')[3]), 'the token is in no answer');
    });

  test('a link from another page may open it', async () => {
    assert.equal((await ask(v.url, { headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' } })).status, 200);
  });

  test('a tunnel to localhost may be used', async () => {
    assert.equal((await ask(`${v.url}api/files`, { headers: { Host: 'localhost:8080', Origin: 'http://localhost:8080', 'Sec-Fetch-Site': 'same-origin' } })).status, 200);
  });

  test('another user of this machine is refused, token or not', { skip: process.geteuid() !== 0 && 'only root can ask as somebody else' }, async () => {
    const said = execFileSync('curl', ['-s', '-w', ' %{http_code}', v.url], { uid: 65534, gid: 65534, encoding: 'utf8' });
    assert.match(said, /not of the user who started[^]* 403$/);
  });
});

describe('its pages', () => {
  let v, get, summary;
  before(async () => {
    v = await view([BEFORE(), AFTER()]);
    summary = JSON.parse(execFileSync(FETTLE, ['heap', 'summary', '--json', AFTER()], { maxBuffer: 1 << 26 }));
    get = async (page) => {
      const { status, body } = await ask(`${v.url}api/${page}`);
      assert.equal(status, 200, body);
      return JSON.parse(body);
    };
  });
  after(() => v.stop());

  test('say of the file what fettle heap summary says', async () => {
    const { files: [one, two] } = await get('files');
    const { nodes, edges, total_bytes, statistics } = summary;
    assert.deepEqual({ nodes: two.nodes, edges: two.edges, total_bytes: two.total_bytes, statistics: two.statistics }, { nodes, edges, total_bytes, statistics });
    assert.equal(one.name, 'before.heapsnapshot');
    assert.equal(two.name, 'after.heapsnapshot');
  });

  test('have all classes, page by page', async () => {
    const rows = [];
    for (let total = 1; rows.length < total;) {
      const page = await get(`classes?file=1&offset=${rows.length}&limit=40`);
      assert.ok(page.rows.length > 0 && page.rows.length <= 40);
      rows.push(...page.rows);
      total = page.total;
    }
    const plain = (list) => list.map(({ class: name, count, shallow_bytes, retained_bytes }) => `${name.slice(0, 100)} ${count} ${shallow_bytes} ${retained_bytes}`).sort();
    assert.deepEqual(plain(rows), plain(summary.classes));
  });

  test('lead from a class to an object, and from there to the root', async () => {
    const { rows: [session] } = await get('classes?filter=session&limit=1');
    assert.equal(session.class, 'Session');
    assert.equal(session.count, 800);
    const { total, rows: [first, second] } = await get(`objects?class=${session.class_id}`);
    assert.equal(total, 800);
    assert.ok(first.retained_bytes >= second.retained_bytes);
    const object = await get(`object?id=${first.id}`);
    assert.equal(object.node, first.node);
    assert.match(object.place.file, /app\.cjs$/);
    const { rows: fields } = await get(`fields?node=${first.node}`);
    assert.deepEqual(fields.map(({ edge }) => edge.name).filter((name) => ['name', 'cart'].includes(name)).sort(), ['cart', 'name']);
    const { rows: way, complete } = await get(`path?node=${first.node}`);
    assert.ok(complete);
    assert.deepEqual(way.slice(0, 2).map(({ edge }) => edge.name), ['shop', 'sessions']);
    assert.equal(way.at(-1).node, first.node);
    const { rows: [retainer] } = await get(`retainers?node=${first.node}`);
    assert.equal(retainer.node, way.at(-2).node);
  });

  test('have the same object in the later file, by its id', async () => {
    const { rows: [session] } = await get('classes?filter=session&limit=1');
    const { rows: [first] } = await get(`objects?class=${session.class_id}&limit=1`);
    const later = await get(`object?file=1&id=${first.id}`);
    assert.equal(later.class, 'Session');
  });

  test('say by class and by place what there is more of in the later file', async () => {
    const { rows: [session], same_process: same, growth_bytes: growth, clusters } = await get('diff?filter=session');
    assert.ok(same && growth > 100000);
    const { class: name, added, removed, count, growth_bytes } = session;
    assert.deepEqual({ name, added, removed, count }, { name: 'Session', added: 500, removed: 0, count: 1300 });
    const told = JSON.parse(execFileSync(FETTLE, ['heap', 'diff', '--json', BEFORE(), AFTER()], { maxBuffer: 1 << 26 }));
    assert.equal(growth, told.growth_bytes);
    assert.ok(growth_bytes > 0);
    const { total } = await get('diff?limit=0');
    assert.equal(total, told.classes.length);
    const place = clusters.find((cluster) => cluster.class === 'Session');
    assert.equal(place.added, 500);
    assert.match(place.holder.class, /^(Map|\(array\))$/);
    assert.equal((await ask(`${v.url}api/diff?sort=size`)).status, 400);
  });

  test('divide what an object holds among all that it holds', async () => {
    const look = async (node, depth) => {
      const map = await get(`treemap?node=${node}`);
      const parts = [...map.children, ...map.groups, map.rest].reduce((sum, { retained_bytes }) => sum + retained_bytes, 0);
      assert.equal(parts + map.shallow_bytes, map.retained_bytes);
      if (depth && map.children.length) await look(map.children[0].node, depth - 1);
    };
    await look((await get('files')).files[0].root, 5);
  });
});

describe('its end', () => {
  test('comes with Ctrl-C', async () => {
    const v = await view([BEFORE()]);
    assert.deepEqual(await v.stop(), { code: 0, signal: null });
    await assert.rejects(ask(v.url), { code: 'ECONNREFUSED' });
  });

  test('comes when nobody asks any more', async () => {
    const v = await view(['--idle', '300ms', BEFORE()]);
    assert.deepEqual(await v.ended, { code: 0, signal: null });
  });

  test('comes at once when the port is taken, or the file is none', async () => {
    const port = await freePort();
    const holder = http.createServer().listen(port, '127.0.0.1');
    await new Promise((done) => holder.once('listening', done));
    const v = await view(['--port', String(port), BEFORE()]);
    assert.equal((await v.ended).code, 1);
    assert.match(v.stderr, new RegExp(`port ${port} of 127.0.0.1 cannot be listened on: Address already in use; without --port any free one is taken`));
    holder.close();
    const none = await view([path.join(dir, 'app.cjs')]);
    assert.equal((await none.ended).code, 2);
    assert.match(none.stderr, /app\.cjs: /);
    const word = await view([]);
    assert.equal((await word.ended).code, 2);
    assert.match(word.stderr, /heap view needs a FILE/);
  });

  test('a free port can be named', async () => {
    const port = await freePort();
    const v = await view(['--port', String(port), BEFORE()]);
    assert.equal(v.port, port);
    await v.stop();
  });
});

test('the browser is opened where there is a display, and not with --no-open', async () => {
  const bin = path.join(dir, 'bin'), said = path.join(dir, 'opened');
  fs.mkdirSync(bin);
  fs.writeFileSync(path.join(bin, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" >${said}.new && mv ${said}.new ${said}\n`, { mode: 0o755 });
  const env = { DISPLAY: ':9', SSH_CONNECTION: '', SUDO_UID: String(process.geteuid()), PATH: `${bin}:${process.env.PATH}` };
  const quiet = await view(['--no-open', BEFORE()], env);
  await quiet.stop();
  const v = await view([BEFORE()], env);
  for (const until = Date.now() + PATIENCE_MS; !fs.existsSync(said) && Date.now() < until;) await new Promise((done) => setTimeout(done, 20));
  assert.equal(fs.readFileSync(said, 'utf8'), v.url, 'the second one, and only that');
  await v.stop();
});

test('all of web/ is in the program, and weighs no more than 60 kB compressed', async () => {
  const v = await view([BEFORE()]);
  let weight = 0;
  for (const name of fs.readdirSync(path.join(ROOT, 'web'))) {
    const text = fs.readFileSync(path.join(ROOT, 'web', name), 'utf8');
    const { status, body, headers } = await ask(v.url + name);
    assert.equal(status, 200, name);
    assert.equal(body, text, name);
    assert.match(headers['content-type'], { '.html': /^text\/html/, '.css': /^text\/css/, '.js': /^text\/javascript/ }[path.extname(name)]);
    weight += gzipSync(text).length;
  }
  assert.ok(weight <= 60000, `${weight} bytes`);
  await v.stop();
});

test('areas fill their rectangle, in proportion, and are not slivers', () => {
  const sizes = [600, 300, 300, 200, 100, 60, 40, 20, 10, 1];
  const rect = { x: 10, y: 20, width: 700, height: 400 };
  const total = sizes.reduce((sum, n) => sum + n, 0);
  const areas = squarify(sizes, rect);
  assert.equal(areas.length, sizes.length);
  areas.forEach(({ x, y, width, height }, i) => {
    assert.ok(Math.abs(width * height - (sizes[i] / total) * rect.width * rect.height) < 1e-6);
    assert.ok(x >= 10 - 1e-6 && y >= 20 - 1e-6 && x + width <= 710 + 1e-6 && y + height <= 420 + 1e-6);
    assert.ok(Math.max(width / height, height / width) < (sizes[i] > 1 ? 4 : 10), `${width} × ${height}`);
    for (const other of areas.slice(0, i)) {
      const wide = Math.min(x + width, other.x + other.width) - Math.max(x, other.x), high = Math.min(y + height, other.y + other.height) - Math.max(y, other.y);
      assert.ok(wide < 1e-6 || high < 1e-6, 'two areas overlap');
    }
  });
  assert.deepEqual(squarify([], rect), []);
  assert.equal(squarify([5], { x: 0, y: 0, width: 0, height: 0 }).length, 1);
});

describe('the page in a browser', () => {
  let v, browser;
  before(async () => {
    [v, browser] = await Promise.all([view([BEFORE(), AFTER()]), browserStart()]);
  });
  after(async () => {
    await browser?.close();
    await v.stop();
  });
  const CORNER = { position: { x: 12, y: 8 } }; /* of an area: others lie in its middle */
  const open = (t, hash = '', options) => pageOpen(browser, v.url + hash, options).then(({ page, done }) => {
    t.after(done);
    return page;
  });

  test('the map goes in by a click, and out by the way that stands above it', async (t) => {
    const page = await open(t);
    const map = page.getByRole('group', { name: /^Memory by what holds it/ });
    await map.getByRole('link', { name: /\.shop: Object/ }).click(CORNER);
    await page.getByRole('navigation', { name: 'Held by' }).getByText('Object @').waitFor();
    await map.getByRole('link', { name: /\.sessions: Map/ }).click(CORNER);
    await map.getByRole('link', { name: /\{table\}: \(array\)/ }).first().click(CORNER);
    await map.getByRole('link', { name: /^\d+ × Session .* together/ }).waitFor();
    await page.getByRole('table', { name: 'What it holds' }).getByRole('row', { name: /× Session/ }).waitFor();
    await page.getByRole('navigation', { name: 'Held by' }).getByRole('link').first().click();
    await map.getByRole('link', { name: /\.shop: Object/ }).waitFor();
    await page.goBack();
    await map.getByRole('link', { name: /^\d+ × Session/ }).waitFor();
    await map.getByRole('link', { name: /^\d+ × Session/ }).click();
    await page.getByRole('heading', { name: 'Session' }).waitFor();
  });

  test('classes are sorted, filtered and shown page by page', async (t) => {
    const page = await open(t);
    await page.getByRole('link', { name: 'Classes', exact: true }).click();
    const table = page.getByRole('table', { name: 'Classes' });
    const first = table.locator('tbody tr').first();
    assert.equal(await table.getByRole('columnheader', { name: 'Retained' }).getAttribute('aria-sort'), 'descending');
    await table.getByRole('button', { name: 'Count' }).click();
    const most = await page.evaluate(async () => (await (await fetch('api/classes?sort=count&limit=1')).json()).rows[0].class);
    await first.getByRole('link', { name: most, exact: true }).waitFor();
    await table.getByRole('button', { name: 'Count' }).click();
    await page.locator('th[aria-sort=ascending]').waitFor();
    await page.getByRole('button', { name: /^Show more \(100 of/ }).click();
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length > 100);
    await page.getByRole('searchbox', { name: 'Filter classes by name' }).fill('SESS');
    await page.getByRole('status').getByText('1 of 1 classes').waitFor();
    await first.getByRole('cell', { name: '800', exact: true }).waitFor();
    await page.getByRole('searchbox').fill('no such class');
    await page.getByText('No classes.').waitFor();
  });

  test('a class leads to its objects, an object to its fields, its path and its retainers', async (t) => {
    const page = await open(t, '#classes');
    await page.getByRole('link', { name: 'Session', exact: true }).click();
    await page.getByText('800 objects').waitFor();
    await page.getByRole('button', { name: 'Show more (100 of 800)' }).click();
    await page.getByRole('button', { name: 'Show more (200 of 800)' }).waitFor();
    await page.locator('tbody a').first().click();
    await page.getByRole('heading', { name: /^Session @\d+$/ }).waitFor();
    await page.getByText(/app\.cjs:2:/).first().waitFor();
    assert.match(await page.locator('.path').innerText(), /\.shop Object @\d+\s+\.sessions Map @\d+/);
    const cart = page.getByRole('tree', { name: 'Fields' }).getByRole('treeitem', { name: /\.cart Array/ });
    await cart.click(CORNER);
    await cart.getByRole('treeitem', { name: /^\[0\]/ }).waitFor();
    assert.equal(await cart.getAttribute('aria-expanded'), 'true');
    await page.getByRole('tree', { name: 'Retainers' }).getByRole('treeitem').first().click(CORNER);
    await page.getByRole('tree', { name: 'Retainers' }).getByRole('treeitem', { name: /\{table\} Map/ }).waitFor();
    await page.getByRole('link', { name: 'show in the map' }).click();
    await page.locator('.treemap a').first().waitFor();
  });

  test('two files are compared by class and by place, and lead to the objects', async (t) => {
    const page = await open(t);
    await page.getByRole('link', { name: 'Diff', exact: true }).click();
    await page.getByRole('heading', { name: 'What has changed' }).waitFor();
    const places = page.getByRole('table', { name: 'Where it grew' });
    await places.getByRole('row', { name: /Session/ }).getByRole('cell', { name: '500', exact: true }).waitFor();
    await accessible(page);
    const classes = page.getByRole('table', { name: 'By class' });
    await page.getByRole('searchbox').fill('session');
    await page.getByRole('status').getByText('1 of 1 classes').waitFor();
    await classes.getByRole('button', { name: 'New' }).click();
    await classes.getByRole('link', { name: 'Session', exact: true }).click();
    await page.getByText('1,300 objects').waitFor();
    assert.equal(await page.getByRole('combobox', { name: 'Snapshot' }).inputValue(), '1');
  });

  test('an object is found by its id, in either file, and one that is not there is said so', async (t) => {
    const page = await open(t, '', { expected: /404/ });
    await page.getByRole('textbox', { name: /Find an object/ }).fill('@1');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('heading', { name: '(root) @1' }).waitFor();
    await page.getByRole('combobox', { name: 'Snapshot' }).selectOption('after.heapsnapshot');
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Classes', exact: true }).click();
    await page.getByRole('searchbox').fill('session');
    await page.getByRole('cell', { name: '1,300', exact: true }).waitFor();
    await page.getByRole('textbox', { name: /Find an object/ }).fill('2');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('alert').getByText('no object of this snapshot is @2').waitFor();
  });

  test('text of the snapshot is text, whatever stands in it', async (t) => {
    const page = await open(t, '#classes');
    await page.getByRole('link', { name: '(string)', exact: true }).click();
    await page.getByRole('link', { name: /<b>text<\/b> & \d/ }).first().click();
    await page.getByText('<b>text</b>').first().waitFor();
    assert.equal(await page.locator('main b').count(), 0);
  });

  test('the keyboard alone reaches everything', async (t) => {
    const page = await open(t);
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? (document.activeElement.id || document.activeElement.textContent));
    await page.locator('.treemap a').first().waitFor();
    const press = async (key, times = 1) => { while (times--) await page.keyboard.press(key); };
    const tabTo = async (pattern) => {
      for (let i = 0; i < 60; i++) {
        if (pattern.test(await focused())) return;
        await press('Tab');
      }
      assert.fail(`no way to ${pattern} by the keyboard; at ${await focused()}`);
    };
    await press('Tab');
    assert.equal(await focused(), 'Skip to the content');
    await press('Enter');
    assert.equal(await focused(), 'main');
    await tabTo(/^global 5/);
    for (const key of ['ArrowDown', 'ArrowRight', 'ArrowLeft', 'ArrowUp']) await press(key);
    assert.match(await focused(), /, @\d+$|together|^itself/);
    await press('Enter');
    await page.waitForFunction(() => /#(map|object|class)\?/.test(location.hash));
    await page.locator('h2').waitFor();
    await page.goto(`${v.url}#classes`);
    await page.getByRole('link', { name: 'Session', exact: true }).waitFor();
    await tabTo(/^Classes$/);
    await tabTo(/^Session$/);
    await press('Enter');
    await page.getByText('800 objects').waitFor();
    await tabTo(/^Session @/);
    await press('Enter');
    await page.getByRole('tree', { name: 'Fields' }).getByRole('treeitem').first().waitFor();
    for (let i = 0; i < 60 && !(await page.evaluate(() => document.activeElement.closest('[role=tree]'))); i++) await press('Tab');
    assert.match(await focused(), /\.cart Array/);
    await press('ArrowRight');
    await page.getByRole('tree', { name: 'Fields' }).getByRole('treeitem', { name: /^\[0\]/ }).waitFor();
    await press('ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-level')), '2');
    await press('ArrowDown');
    await press('ArrowLeft');
    assert.match(await focused(), /\.cart Array/);
    await press('ArrowLeft');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'false');
    await press('Enter');
    await page.getByRole('heading', { name: /^Array @/ }).waitFor();
  });

  test('Escape goes out of the map by one', async (t) => {
    const page = await open(t);
    await page.getByRole('link', { name: /\.shop: Object/ }).first().focus();
    await page.keyboard.press('Enter');
    const here = page.getByRole('navigation', { name: 'Held by' }).locator('[aria-current]');
    await here.getByText('Object @').waitFor();
    await page.waitForFunction(() => /sessions: Map/.test(document.activeElement.getAttribute('aria-label')), undefined);
    await page.keyboard.press('Escape');
    await here.getByText('global @').waitFor();
    await page.waitForFunction(() => document.activeElement.closest('.treemap'));
    await page.keyboard.press('Escape');
    await here.getByText('(root) @').waitFor();
  });

  for (const colorScheme of ['light', 'dark'])
    test(`it is accessible in its ${colorScheme} theme`, async (t) => {
      const page = await open(t, '', { colorScheme, ...(SHOTS && { viewport: { width: 860, height: 600 } }) });
      await page.locator('.treemap a').first().waitFor();
      await accessible(page);
      if (SHOTS && colorScheme === 'light') await page.screenshot({ path: SHOTS });
      await page.getByRole('link', { name: 'Classes', exact: true }).click();
      await page.getByRole('link', { name: 'Session', exact: true }).waitFor();
      await accessible(page);
      await page.getByRole('link', { name: 'Session', exact: true }).click();
      await page.locator('tbody a').first().click();
      await page.getByRole('treeitem', { name: /\.cart/ }).click(CORNER);
      await page.locator('[role=group] [role=treeitem]').first().waitFor();
      await accessible(page);
    });

  test('the theme can be chosen, and stays', async (t) => {
    const page = await open(t, '', { colorScheme: 'light' });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole('button', { name: 'Theme: auto' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    assert.equal(await ground(), dark);
  });

  test('a phone shows all of it without scrolling sideways', async (t) => {
    const page = await open(t, '', { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const fits = async () => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'wider than the screen');
    await page.locator('.treemap a').first().waitFor();
    await fits();
    await page.getByRole('link', { name: /\.shop: Object/ }).first().tap(CORNER);
    await page.getByRole('navigation', { name: 'Held by' }).getByText('Object @').waitFor();
    await fits();
    await page.getByRole('link', { name: 'Classes', exact: true }).tap();
    await page.getByRole('link', { name: 'Session', exact: true }).tap();
    await page.getByText('800 objects').waitFor();
    await fits();
    await page.locator('tbody a').first().tap();
    await page.getByRole('treeitem', { name: /\.cart/ }).tap(CORNER);
    await page.locator('[role=group] [role=treeitem]').first().waitFor();
    await fits();
    await accessible(page);
  });

  test('when fettle has ended, the page says so', async (t) => {
    const other = await view([BEFORE()]);
    const { page } = await pageOpen(browser, other.url);
    t.after(() => page.close());
    await page.locator('.treemap a').first().waitFor();
    assert.equal(await page.getByRole('link', { name: 'Diff', exact: true }).count(), 0, 'one file is compared with nothing');
    await other.stop();
    await page.getByRole('link', { name: 'Classes', exact: true }).click();
    await page.getByText('fettle heap view does not answer any more: has it ended?').waitFor();
  });
});
