// helpers/app.mjs -- what is asked of every HTTP app, whatever its framework

import assert from 'node:assert/strict';
import { address, BARE } from './fettle.mjs';

const CLIENT = '127.0.0.2'; // all of 127/8 is this machine: a client that is not the usual one

/**
 * GET and POST, who the client is, what the app knows of itself, and streaming.
 *   who, echo, stream   the paths
 *   socket: false       the framework hides the socket (Next.js)
 */
export async function checkApp(app, { who = '/who', echo = '/echo', stream = '/stream', socket = true } = {}) {
  const answer = await app.get(`${who}?a=1&b=%20`, {
    localAddress: CLIENT,
    headers: { 'X-Test': 'Grüße'.normalize('NFC').replace(/[^\x20-\x7e]/g, '?'), cookie: 'a=1; b=2' },
  });
  assert.equal(answer.status, 200, answer.text);
  const seen = answer.json();

  assert.equal(seen.headers['x-test'], 'Gr??e');
  assert.equal(seen.headers.cookie, 'a=1; b=2');
  assert.equal(seen.headers.host, `127.0.0.1:${app.port}`);
  if (socket) {
    assert.equal(seen.url, `${who}?a=1&b=%20`, 'the URL arrives as it was sent');
    assert.equal(seen.httpVersion, '1.1');
    assert.equal(address(seen.remoteAddress), CLIENT);
    assert.equal(seen.remotePort, answer.localPort);
    assert.equal(seen.remoteFamily, seen.remoteAddress.includes(':') ? 'IPv6' : 'IPv4');
    assert.equal(address(seen.localAddress), '127.0.0.1');
    assert.equal(seen.localPort, app.port);
    assert.equal(seen.encrypted, false);
    assert.equal(seen.address.port, app.port, 'server.address() is what the app asked for');
    assert.ok(['::', '127.0.0.1', '0.0.0.0'].includes(seen.address.address), seen.address.address);
    assert.equal(seen.listening, true);
    const names = seen.rawHeaders.filter((_, n) => n % 2 === 0).map((name) => name.toLowerCase());
    assert.ok(names.every((name) => !name.startsWith('fettle')), `the app sees ${names}`);
  }
  for (const name of Object.keys({ ...seen.headers, ...answer.headers }))
    assert.ok(!name.startsWith('fettle'), `${name} shows`);
  if (seen.ip !== undefined) assert.equal(address(seen.ip), CLIENT);
  if (seen.protocol !== undefined) assert.equal(seen.protocol, 'http');
  if (seen.hostname !== undefined) assert.equal(seen.hostname.split(':')[0], '127.0.0.1');
  if (seen.addresses !== undefined) assert.equal(seen.addresses[0].port, app.port);
  if (seen.urlOfApp !== undefined) assert.ok(seen.urlOfApp.endsWith(`:${app.port}`), seen.urlOfApp);
  if (!BARE) checkForwarded(seen, app, CLIENT);

  const value = { text: 'Grüße, 世界', list: Array.from({ length: 2000 }, (_, n) => n), nested: { ok: true } };
  const echoed = await app.post(echo, value);
  assert.ok([200, 201].includes(echoed.status), echoed.text);
  assert.deepEqual(echoed.json().got, value);

  await checkStream(app, stream);
  return seen;
}

function checkForwarded({ headers }, app, client) {
  assert.equal(address(headers['x-forwarded-for']), client);
  assert.equal(headers['x-forwarded-proto'], 'http');
  assert.equal(headers['x-forwarded-host'], `127.0.0.1:${app.port}`);
  assert.match(headers['x-request-id'], /^[\w-]{8,64}$/);
}

// Five lines that the app sends one by one come one by one. Once in a while a busy machine lets us
// sleep through all five: then again.
async function checkStream(app, path) {
  for (let turn = 1; ; turn++) {
    const { status, text, parts } = await app.get(path);
    assert.equal(status, 200, text);
    assert.equal(text, '0\n1\n2\n3\n4\n');
    if (parts.length >= 3) return;
    assert.ok(turn < 10, `the response came in ${parts.length} piece(s): something waits for its end`);
  }
}

const FORGED = {
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'shop.example',
  'x-forwarded-port': '443',
  'x-real-ip': '203.0.113.7',
  'x-request-id': 'forged-1234567890',
  forwarded: 'for=203.0.113.7;proto=https',
  'fettle-peer': '203.0.113.7 1 203.0.113.8 2',
};

/** What a client says of itself is worth nothing. */
export async function checkForged(app, { who = '/who' } = {}) {
  const first = (await app.get(who, { headers: FORGED })).json();
  const text = JSON.stringify(first);
  for (const lie of ['203.0.113', 'shop.example', 'forged-', '"443"'])
    assert.ok(!text.includes(lie), `the app sees ${lie}: ${text}`);
  assert.equal(address(first.headers['x-forwarded-for']), '127.0.0.1');
  assert.equal(first.headers['x-forwarded-proto'], 'http');
  const second = (await app.get(who, { headers: FORGED })).json();
  assert.notEqual(first.headers['x-request-id'], second.headers['x-request-id']);
}

/**
 * What a proxy in --trust-proxy says counts. `own`: the app itself trusts one hop, as an app behind
 * a proxy is set up; then its framework must come to the same answers.
 */
export async function checkTrusted(app, { who = '/who', own = false } = {}) {
  const seen = (await app.get(who, { headers: FORGED })).json();
  assert.equal(seen.headers['x-forwarded-for'].replace(/\s/g, '').split(',')[0], '203.0.113.7');
  assert.equal(seen.headers['x-forwarded-proto'], 'https');
  assert.equal(seen.headers['x-forwarded-host'], 'shop.example');
  assert.equal(seen.headers['x-request-id'], 'forged-1234567890');
  assert.equal(seen.headers['fettle-peer'], undefined);
  if (seen.remoteAddress !== undefined) assert.equal(address(seen.remoteAddress), '203.0.113.7');
  if (seen.ip !== undefined) assert.equal(address(seen.ip), '203.0.113.7');
  if (own) assert.equal(seen.protocol, 'https');
}
