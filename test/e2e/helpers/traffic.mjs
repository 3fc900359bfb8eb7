// helpers/traffic.mjs -- a fixed traffic that takes every way through the proxy (fixtures/faults)

import assert from 'node:assert/strict';
import { Wire, get } from './wire.mjs';

const LARGE = 600000;
const body = Buffer.alloc(300000, 'b').toString('latin1');

async function asked(wire, bytes, size, method) {
  wire.send(bytes);
  const response = await wire.response(method);
  assert.equal(response.status, 200);
  if (size !== undefined) assert.equal(response.body.length, size);
  return response;
}

/** Bytes to an echo and back, through what begins as `first` says. */
async function echoed(port, first) {
  const wire = await Wire.open(port);
  try {
    if (first) {
      wire.send(first);
      assert.equal((await wire.response()).status, 101);
    }
    wire.send('a'.repeat(70000)).finish();
    assert.equal((await wire.bytes(70000)).length, 70000);
    await wire.end();
  } finally {
    wire.destroy();
  }
}

const onWire = (act) => async ({ port }) => {
  const wire = await Wire.open(port);
  try {
    await act(wire);
  } finally {
    wire.destroy();
  }
};

/** By name; each has connections of its own. */
const WAYS = {
  'two requests on a connection': onWire(async (wire) => {
    await asked(wire, get('/small'), 5);
    await asked(wire, get('/small'), 5);
  }),
  'pipelined requests': onWire(async (wire) => {
    wire.send(get('/small') + get('/small'));
    await wire.response();
    await wire.response();
  }),
  'a large answer': onWire((wire) => asked(wire, get('/large'), LARGE)),
  'a large answer, read late': onWire(async (wire) => {
    wire.socket.pause();
    wire.send(get('/large'));
    await new Promise((done) => setTimeout(done, 5));
    wire.socket.resume();
    assert.equal((await wire.response()).body.length, LARGE);
  }),
  'an answer in chunks': onWire((wire) => asked(wire, get('/chunks'), 120000)),
  'an answer of the cache': onWire((wire) => asked(wire, get('/cached'), 100000)),
  'a small body': onWire((wire) => asked(wire, get('/echo', {}, { method: 'POST', body: 'small' }), 5)),
  'a large body': onWire((wire) => asked(wire, get('/echo', {}, { method: 'POST', body }), body.length)),
  'a body in chunks': onWire((wire) =>
    asked(wire, `${get('/echo', { 'transfer-encoding': 'chunked' }, { method: 'POST' })}5\r\nhello\r\n6\r\n there\r\n0\r\n\r\n`, 11)),
  'what is refused': onWire(async (wire) => {
    wire.send('GET /small HTTP/1.1\r\nno field\r\n\r\n');
    assert.equal((await wire.response()).status, 400);
    await wire.end();
  }),
  'an upgrade': ({ port }) => echoed(port, get('/echo', { connection: 'upgrade', upgrade: 'echo' })),
  'a raw stream': ({ port2 }) => echoed(port2),
};

/**
 * Goes all ways, one after the other: the failures, [] when there are none. A request that is not
 * answered at all within `patience` ms says so.
 */
export async function traffic(ports, patience) {
  const failures = [];
  for (const [name, way] of Object.entries(WAYS)) {
    let timer;
    const late = new Promise((_, failed) => {
      timer = setTimeout(() => failed(new Error('it hangs')), patience);
    });
    await Promise.race([way(ports), late]).catch((error) => failures.push(`${name}: ${error.message.slice(0, 200)}`));
    clearTimeout(timer);
    if (failures.at(-1)?.endsWith('it hangs')) break; // so will the others
  }
  return failures;
}
