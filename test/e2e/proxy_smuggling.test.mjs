// proxy_smuggling.test.mjs -- what two servers could understand differently gets a 400 and a closed
// connection, and the app never sees it
import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import { fixture, startFettle } from './helpers/fettle.mjs';
import { Wire, ask, get, seen } from './helpers/wire.mjs';

let run;
before(async () => {
  run = await startFettle({ target: fixture('proxy'), args: ['-w', '1'] });
});
after(() => run?.stop());

const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (fields, body = '') => `POST /sink HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;

// Each with what is after it on the connection, which must never be taken for a request.
const heads = {
  'Content-Length and Transfer-Encoding': post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nX'),
  'Transfer-Encoding and Content-Length': post('Transfer-Encoding: chunked\r\nContent-Length: 6\r\n', '0\r\n\r\nX'),
  'two equal Content-Lengths': post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
  'two different Content-Lengths': post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'),
  'a list of Content-Lengths': post('Content-Length: 5, 5\r\n', 'hello'),
  'a Content-Length with a plus': post('Content-Length: +5\r\n', 'hello'),
  'a Content-Length with a minus': post('Content-Length: -1\r\n', 'hello'),
  'a Content-Length in hex': post('Content-Length: 0x5\r\n', 'hello'),
  'a Content-Length with a point': post('Content-Length: 5.0\r\n', 'hello'),
  'an empty Content-Length': post('Content-Length:\r\n', 'hello'),
  'a Content-Length with a space inside': post('Content-Length: 1 0\r\n', 'hello'),
  'a Content-Length above 63 bits': post('Content-Length: 9223372036854775808\r\n', 'hello'),
  'a Content-Length that wraps to 5': post('Content-Length: 18446744073709551621\r\n', 'hello'),
  'a Content-Length with a NUL': post('Content-Length: 5\0\r\n', 'hello'),
  'Transfer-Encoding: identity': post('Transfer-Encoding: identity\r\n', 'hello'),
  'Transfer-Encoding: xchunked': post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
  'Transfer-Encoding: chunked, identity': post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'),
  'Transfer-Encoding: chunked twice': post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'),
  'two Transfer-Encoding fields': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'Transfer-Encoding with a vertical tab': post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'),
  'Transfer-Encoding in quotes': post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'),
  'Transfer-Encoding with a parameter': post('Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n'),
  'an empty Transfer-Encoding': post('Transfer-Encoding:\r\n', '0\r\n\r\n'),
  'Transfer-Encoding in HTTP/1.0': 'POST /sink HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a space before the colon': post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
  'a tab before the colon': post('Content-Length\t: 5\r\n', 'hello'),
  'a folded field': post('X-A: b\r\n Content-Length: 5\r\n', 'hello'),
  'a folded field with a tab': post('X-A: b\r\n\tc\r\n'),
  'a space before the first field': 'GET /sink HTTP/1.1\r\n Host: a\r\n\r\n',
  'a bare line feed after a field': 'GET /sink HTTP/1.1\r\nHost: a\nX: b\r\n\r\n',
  'a bare line feed after the request line': 'GET /sink HTTP/1.1\nHost: a\r\n\r\n',
  'a bare line feed at the end of the head': 'GET /sink HTTP/1.1\r\nHost: a\r\n\n',
  'bare line feeds everywhere': 'GET /sink HTTP/1.1\nHost: a\n\n',
  'a bare carriage return in a value': 'GET /sink HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n',
  'a bare carriage return in a name': 'GET /sink HTTP/1.1\r\nHost: a\r\nX\ry: b\r\n\r\n',
  'a carriage return too many': 'GET /sink HTTP/1.1\r\r\nHost: a\r\n\r\n',
  'a NUL in a value': 'GET /sink HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n',
  'a NUL in a name': 'GET /sink HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n',
  'a NUL in the target': 'GET /sink\0 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a control character in a value': 'GET /sink HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n',
  'a line without a colon': 'GET /sink HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n',
  'an empty name': 'GET /sink HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n',
  'a name with a space': 'GET /sink HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n',
  'a name in brackets': 'GET /sink HTTP/1.1\r\nHost: a\r\n[X]: b\r\n\r\n',
  'a name that is not ASCII': 'GET /sink HTTP/1.1\r\nHost: a\r\nX\xe4: b\r\n\r\n',
  'no Host': 'GET /sink HTTP/1.1\r\n\r\n',
  'two Hosts': 'GET /sink HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'a Host with a path': 'GET /sink HTTP/1.1\r\nHost: a/b\r\n\r\n',
  'a Host with a user': 'GET /sink HTTP/1.1\r\nHost: user@a\r\n\r\n',
  'a Host with two ports': 'GET /sink HTTP/1.1\r\nHost: a:80:80\r\n\r\n',
  'a Host with a port that is none': 'GET /sink HTTP/1.1\r\nHost: a:http\r\n\r\n',
  'a Host with a space': 'GET /sink HTTP/1.1\r\nHost: a b\r\n\r\n',
  'a list of Hosts': 'GET /sink HTTP/1.1\r\nHost: a, b\r\n\r\n',
  'an absolute target with a user': 'GET http://u@a/sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'an absolute target without a host': 'GET http:///sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target of another scheme': 'GET ftp://a/sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target without a slash': 'GET sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target with a fragment': 'GET /sink#x HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target that is not ASCII': 'GET /s\xefnk HTTP/1.1\r\nHost: a\r\n\r\n',
  '* for another method': 'GET * HTTP/1.1\r\nHost: a\r\n\r\n',
  'CONNECT with a path': 'CONNECT /sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'CONNECT with a body': 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello',
  'two spaces in the request line': 'GET  /sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'two spaces before the version': 'GET /sink  HTTP/1.1\r\nHost: a\r\n\r\n',
  'a space behind the version': 'GET /sink HTTP/1.1 \r\nHost: a\r\n\r\n',
  'a tab in the request line': 'GET\t/sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'a space before the method': ' GET /sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'a method in brackets': 'G[T /sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'a lower-case version': 'GET /sink http/1.1\r\nHost: a\r\n\r\n',
  'a version of two digits': 'GET /sink HTTP/1.10\r\nHost: a\r\n\r\n',
  'empty lines without end': '\r\n\r\n\r\n\r\n\r\nGET /sink HTTP/1.1\r\nHost: a\r\n\r\n',
  'the start of a TLS handshake': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'Connection: Content-Length': post('Connection: Content-Length\r\nContent-Length: 5\r\n', 'hello'),
  'Connection: Host': 'GET /sink HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n',
};

// These begin with a good head; what is wrong comes in the body. The app may have seen the head, but
// never what follows, nor the end of the body.
const chunked = (body) => post('Transfer-Encoding: chunked\r\n', body);
const bodies = {
  'a chunk size that is not hex': chunked('xyz\r\nhello\r\n0\r\n\r\n'),
  'a chunk size with a sign': chunked('+5\r\nhello\r\n0\r\n\r\n'),
  'a chunk size with 0x': chunked('0x5\r\nhello\r\n0\r\n\r\n'),
  'a chunk size above 64 bits': chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'),
  'a chunk size of many digits': chunked(`${'0'.repeat(300)}5\r\nhello\r\n0\r\n\r\n`),
  'an empty chunk size': chunked('\r\nhello\r\n0\r\n\r\n'),
  'a space before a chunk size': chunked(' 5\r\nhello\r\n0\r\n\r\n'),
  'a bare line feed after a chunk size': chunked('5\nhello\r\n0\r\n\r\n'),
  'a bare carriage return after a chunk size': chunked('5\rhello\r\n0\r\n\r\n'),
  'a chunk longer than it says': chunked('5\r\nhelloX\r\n0\r\n\r\n'),
  'a bare line feed after a chunk': chunked('5\r\nhello\n0\r\n\r\n'),
  'a bare line feed in an extension': chunked('5;a\nb\r\nhello\r\n0\r\n\r\n'),
  'a bare carriage return in an extension': chunked('5;a\rb\r\nhello\r\n0\r\n\r\n'),
  'a NUL in an extension': chunked('5;a\0b\r\nhello\r\n0\r\n\r\n'),
  'an extension without bounds': chunked(`5;a=${'b'.repeat(100000)}\r\nhello\r\n0\r\n\r\n`),
  'extensions without number': chunked(`${`1;a=${'b'.repeat(200)}\r\nx\r\n`.repeat(1000)}0\r\n\r\n`),
  'a folded trailer': chunked('0\r\nX: a\r\n b\r\n\r\n'),
  'a trailer with a space before the colon': chunked('0\r\nX : a\r\n\r\n'),
  'a trailer that frames': chunked('0\r\nContent-Length: 5\r\n\r\n'),
  'a trailer that frames otherwise': chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  'a trailer that says who the client is': chunked('0\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n'),
  'a trailer for the agent': chunked('0\r\nfettle-peer: 1.1.1.1 1 2.2.2.2 2\r\n\r\n'),
  'trailers without end': chunked(`0\r\n${'X: a\r\n'.repeat(5000)}\r\n`),
  'a bare line feed after the last chunk': chunked('0\n\r\n'),
};

async function refused(bytes, statuses = [400]) {
  const wire = await Wire.open(run.port);
  wire.send(bytes).send(HIDDEN).send(HIDDEN);
  const response = await wire.response();
  assert.ok(statuses.includes(response.status), `status ${response.status}: ${response.text}`);
  assert.equal(response.get('connection'), 'close');
  assert.match(response.text, /^\d{3} .+: .+\n$/, 'it says what is wrong');
  await wire.end();
  assert.equal(wire.got.length, 0, `more than one answer: ${wire.shown()}`);
  wire.destroy();
}

for (const [name, bytes] of Object.entries(heads))
  test(`${name} is refused before the app sees it`, async () => {
    const before_ = await seen(run.port);
    // A version like 1.10 names another protocol.
    await refused(bytes, name.includes('version of') ? [400, 505] : [400]);
    assert.equal((await seen(run.port)).requests, before_.requests);
  });

for (const [name, bytes] of Object.entries(bodies))
  test(`${name} breaks the request off`, async () => {
    const wire = await Wire.open(run.port);
    wire.send(bytes).send(HIDDEN);
    const response = await wire.response();
    assert.equal(response.status, name.includes('without end') ? 431 : 400, response.text);
    assert.equal(response.get('connection'), 'close');
    await wire.end();
    assert.equal(wire.got.length, 0, wire.shown());
    wire.destroy();
    const { events } = await seen(run.port);
    assert.ok(!events.some((event) => event.includes('/hidden')), String(events));
    assert.ok(!events.some((event) => event.startsWith('clientError')), 'Node gets clean requests only');
  });

test('a request split at any byte is refused all the same', async () => {
  for (const name of ['Content-Length and Transfer-Encoding', 'a folded field', 'a bare line feed after a field']) {
    const wire = await Wire.open(run.port);
    await wire.sendSlowly(heads[name]);
    assert.equal((await wire.response()).status, 400, name);
    await wire.end();
    wire.destroy();
  }
});

test('codings that exist and are not served get a 501', async () => {
  for (const coding of ['gzip', 'gzip, chunked', 'deflate, chunked'])
    await refused(post(`Transfer-Encoding: ${coding}\r\n`, '0\r\n\r\n'), [501]);
});

test('other versions of HTTP get a 505', async () => {
  for (const version of ['HTTP/2.0', 'HTTP/1.2', 'HTTP/3.0'])
    await refused(`GET / ${version}\r\nHost: a\r\n\r\n`, [505]);
  await refused('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]);
});

test('a body that ends early is no request to the app', async () => {
  const wire = await Wire.open(run.port);
  wire.send(post('Content-Length: 100\r\n', 'hello').replace('/sink', '/sink?cut'));
  await run.until(async () => (await seen(run.port)).events.includes('POST /sink?cut'));
  wire.finish();
  await wire.end();
  wire.destroy();
  await run.until(async () => (await seen(run.port)).events.includes('aborted POST /sink?cut'));
});

test('the legal forms next to the refused ones are served', async () => {
  const legal = {
    'two empty lines before a request': `\r\n\r\n${get('/inspect')}`,
    'spaces around a value': 'GET /inspect HTTP/1.1\r\nHost:   a  \r\nX:\tb \t\r\n\r\n',
    'no space after the colon': 'GET /inspect HTTP/1.1\r\nhost:a\r\n\r\n',
    'chunk extensions': `POST /inspect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n`,
    'Chunked in capitals': `POST /inspect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'a chunk size with zeros': `POST /inspect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n000\r\n\r\n`,
    'bytes above 0x7f in a value': 'GET /inspect HTTP/1.1\r\nHost: a\r\nX: \xe4\xf6\r\n\r\n',
    'an IPv6 host': 'GET /inspect HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n',
    'a body with GET': get('/inspect', {}, { body: 'hello' }),
    'a method of its own': get('/inspect', {}, { method: 'PURGE' }),
  };
  for (const [name, bytes] of Object.entries(legal)) {
    const response = await ask(run.port, bytes);
    assert.ok(response.status === 200 || (name.includes('method') && response.status === 400), `${name}: ${response.text}`);
    if (bytes.includes('hello')) assert.equal(response.json().body, 'hello', name);
    response.wire.destroy();
  }
});

test('the proxy has survived all of it', async () => {
  assert.equal((await ask(run.port, get('/hello'))).text, 'hello\n');
  assert.ok(!/restarted|crash|AddressSanitizer|runtime error/i.test(run.output), run.output);
});
