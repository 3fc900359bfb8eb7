// The real input: examples/shop under its own load, and each of its faults.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, NODE, ROOT, start } from './helpers/fettle.mjs';

const shop = path.join(ROOT, 'examples/shop');

async function open(t, env = {}, args = []) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-shop-'));
  let app;
  t.after(async () => {
    await app?.stop().catch(() => {});
    fs.rmSync(folder, { recursive: true, force: true });
  });
  app = await start({ t, target: shop, env: { SHOP_DATA: folder, ...env }, args });
  return app;
}

const visit = (app, args) =>
  new Promise((done) => {
    execFile(
      NODE,
      [path.join(shop, 'load.js'), '--url', app.url, '--json', ...args],
      { timeout: 120000, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        let result = null;
        try {
          result = JSON.parse(stdout);
        } catch {
          // Told by `problem`.
        }
        done({ code: error ? error.code : 0, result, problem: `${error?.message ?? ''} ${stderr}` });
      },
    );
  });

/** What fettle has found in the statements of the app. */
const repeats = async (app) =>
  (await app.admin('/api/findings')).json().findings.filter((f) => /^(n-plus-one|sequential-awaits)$/.test(f.kind));

test('the shop serves its whole mix of requests', { timeout: 180000 }, async (t) => {
  const app = await open(t);
  const { code, result, problem } = await visit(app, ['--rate', '60', '--seconds', '8']);
  assert.ok(result, problem);
  assert.deepEqual(result.reasons, {}, problem);
  assert.equal(code, 0, problem);
  assert.ok(result.rows.at(-1).count > 400);
  assert.equal(result.live.dropped, 0);
  assert.equal(result.live.refused, 0);
  assert.ok(result.live.news > 0, 'open pages heard of orders');
  const made = app.lines.filter((line) => line.includes('made '));
  assert.equal(made.length, 1, 'one worker made the database, the others waited');
  if (!BARE) assert.deepEqual(await repeats(app), []);
});

test('a person buys something, whoever serves the page', async (t) => {
  const app = await open(t);
  const first = await app.get('/');
  assert.match(first.text, /The General Store/);
  const cookie = first.headers['set-cookie'][0].split(';')[0];
  const headers = { cookie };
  const form = (target, fields) =>
    app.get(target, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
  assert.match((await app.get('/products/alder-kettle', { headers })).text, /Alder kettle/);
  const added = await form('/cart', { product: '1', quantity: '2' });
  assert.equal(added.status, 303);
  assert.equal(added.headers.location, '/cart');
  for (let n = 0; n < 6; n++) assert.match((await app.get('/cart', { headers })).text, /Alder kettle/);
  const placed = await form('/checkout', { name: 'Ada <b>Lovelace', email: 'ada@example.org' });
  assert.equal(placed.status, 303, placed.text);
  const page = (await app.get(placed.headers.location, { headers })).text;
  assert.match(page, /Thank you, Ada &lt;b&gt;Lovelace/);
  assert.match((await app.get('/orders', { headers })).text, /Alder kettle/);
  assert.equal((await app.get(placed.headers.location)).status, 404, 'an order is its buyer\'s');
  assert.match((await app.get('/cart', { headers })).text, /Nothing in it/);
  const report = (await app.get('/api/report')).json();
  assert.equal(report.orders, 6001);
});

test('uploads are limited and checked', async (t) => {
  const app = await open(t);
  const upload = (bytes) => {
    const boundary = 'fettle-e2e';
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n`;
    return app.get('/api/products/7/picture', {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
    });
  };
  const png = (size) => Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), Buffer.alloc(size - 8, 7)]);
  const good = await upload(png(1 << 20));
  assert.equal(good.status, 201, good.text);
  assert.ok((await app.get('/pictures/7.png')).bytes.equals(png(1 << 20)));
  assert.equal((await upload(png(5 << 20))).status, 413);
  assert.equal((await upload(Buffer.from('#!/bin/sh\n'))).status, 415);
  assert.ok((await app.get('/pictures/7.png')).bytes.equals(png(1 << 20)), 'a refused one changes nothing');
});

test('each fault does what it says', { timeout: 180000 }, async (t) => {
  await t.test('an unknown one is refused', async (t) => {
    await assert.rejects(open(t, { FAULTS: 'leek' }), /leek/);
  });
  await t.test('block: the loop stands still', async (t) => {
    const app = await open(t, { FAULTS: 'block' }, ['-w', '2']);
    const slow = await app.get('/search?q=kettlekettlekettlekett!');
    assert.equal(slow.status, 400);
    const { took_ms } = (await app.get('/api/report')).json();
    assert.ok(took_ms > 500, `the report took ${took_ms} ms`);
  });
  await t.test('all together, under load: slow, but nothing fails', async (t) => {
    const app = await open(t, { FAULTS: 'leak,nplus1,listeners' });
    const { result, problem } = await visit(app, ['--rate', '40', '--seconds', '5']);
    assert.ok(result, problem);
    assert.deepEqual(result.reasons, {});
    if (BARE) return;
    await app.get('/api/office/orders');
    const found = await app.until(async () => {
      const list = await repeats(app);
      return list.length && list;
    }, { what: 'the fault nplus1 to be found' });
    for (const f of found) {
      assert.match(f.route, /orders$/);
      assert.match(f.text, /src\/orders\.js:/);
    }
  });
});
