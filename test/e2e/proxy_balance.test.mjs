// proxy_balance.test.mjs -- which worker gets a request, and what waits in the central queue
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixture, sleep, startFettle } from './helpers/fettle.mjs';
import { Wire, ask, get } from './helpers/wire.mjs';

/** With all workers there: fettle is ready with the first one. */
async function start(t, args) {
  const run = await startFettle({ t, target: fixture('proxy'), args });
  await run.serving(Number(args[1]));
  return run;
}

async function once(run, path, fields = {}, options = {}) {
  const response = await ask(run.port, get(path, fields, { method: options.method }), options);
  response.wire.destroy();
  return response;
}

/** Begins a request and gives { done, over() }: a promise of its answer, and whether it has come. */
async function begin(run, path) {
  const wire = await Wire.open(run.port);
  let over = false;
  const done = wire.send(get(path)).response().then((response) => {
    over = true;
    wire.destroy();
    return response;
  });
  return { done, over: () => over };
}

/** Blocks the loops of `count` workers, one after the other: two at once may go to the same one, as nobody knows yet that they are long. */
async function block(run, count, ms) {
  const spins = [];
  while (spins.length < count) {
    spins.push(await begin(run, `/spin?ms=${ms}`));
    await run.until(async () => (await run.workers()).filter((w) => w.busy_ms > 20).length === spins.length, {
      what: `${spins.length} blocked loops`,
    });
  }
  return spins;
}

test('no request queues behind a blocked loop while another is free', async (t) => {
  const run = await start(t, ['-w', '2']);
  for (let round = 0; round < 2; round++) {
    const [spin] = await block(run, 1, 2500);
    const pids = new Set();
    for (let i = 0; i < 25; i++) pids.add((await once(run, '/pid')).text);
    const others = await Promise.all(Array.from({ length: 25 }, () => once(run, '/pid')));
    assert.ok(!spin.over(), 'all fifty were answered while the loop was blocked');
    others.forEach((response) => pids.add(response.text));
    assert.equal(pids.size, 1, 'by the other worker');
    assert.ok(!pids.has((await spin.done).text));
  }
});

test('on connections kept from before, too', async (t) => {
  const run = await start(t, ['-w', '2']);
  const wires = await Promise.all(Array.from({ length: 30 }, () => Wire.open(run.port)));
  for (const wire of wires) await wire.send(get('/pid')).response();
  const [spin] = await block(run, 1, 2500);
  const pids = new Set();
  for (const wire of wires) pids.add((await wire.send(get('/pid')).response()).text);
  assert.ok(!spin.over());
  assert.equal(pids.size, 1);
  wires.forEach((wire) => wire.destroy());
  await spin.done;
});

/** Waits until so many are in the central queue. */
const queued = (run, count) =>
  run.until(async () => new RegExp(`^fettle_proxy_queue_length ${count}$`, 'm').test((await run.admin('/metrics')).text), {
    what: `${count} in the queue`,
  });

test('when every loop is blocked, requests wait in their order and go to the first that comes free', async (t) => {
  const run = await start(t, ['-w', '1', '--threads', '2']);
  const [spin] = await block(run, 1, 4000);
  const waiting = [];
  for (let i = 0; i < 12; i++) {
    waiting.push((await begin(run, `/slow?ms=0&n=${i}`)).done);
    await queued(run, i + 1);
  }
  assert.ok(!spin.over());
  const answers = await Promise.all(waiting);
  assert.ok(spin.over());
  assert.ok(answers.every((response) => response.status === 200));
  const { events } = (await once(run, '/seen')).json();
  const order = events.filter((event) => event.includes('/slow')).map((event) => Number(event.split('n=')[1]));
  assert.deepEqual(order, Array.from({ length: 12 }, (_, i) => i));
});

test('a queue that is full gives a 503 at once', async (t) => {
  const run = await start(t, ['-w', '2', '--threads', '1', '--queue-max', '3']);
  const spins = await block(run, 2, 2000);
  const waiting = [];
  for (let i = 0; i < 3; i++) waiting.push(await begin(run, '/pid'));
  await queued(run, 3);
  for (let i = 0; i < 5; i++) {
    const response = await once(run, '/pid');
    assert.equal(response.status, 503);
    assert.match(response.get('retry-after'), /^\d+$/);
  }
  assert.ok(spins.every((spin) => !spin.over()), 'while all were blocked');
  for (const one of waiting) assert.equal((await one.done).status, 200);
});

test('a wait of more than --queue-timeout ends with a 503', async (t) => {
  const run = await start(t, ['-w', '2', '--queue-timeout', '300ms']);
  const spins = await block(run, 2, 3000);
  const began = performance.now();
  const response = await once(run, '/pid');
  assert.equal(response.status, 503);
  assert.ok(performance.now() - began >= 300);
  assert.ok(spins.every((spin) => !spin.over()));
  for (const spin of spins) assert.equal((await spin.done).status, 200);
  assert.equal((await once(run, '/pid')).status, 200);
});

test('a client that gives up its place in the queue leaves nothing behind', async (t) => {
  const run = await start(t, ['-w', '1']);
  const [spin] = await block(run, 1, 3000);
  for (let i = 0; i < 20; i++) {
    const wire = await Wire.open(run.port);
    wire.send(get(`/never?${i}`));
    if (i % 2) await sleep(5); // else its request and its end are seen at once
    wire.reset();
  }
  assert.ok(!spin.over(), 'all had gone while the loop was blocked');
  await spin.done;
  assert.equal((await once(run, '/pid')).status, 200);
  const { events } = (await once(run, '/seen')).json();
  assert.ok(!events.some((event) => event.includes('/never')), String(events));
  await run.until(async () => (await run.workers()).every((w) => w.in_flight === 0));
});

test('an app that waits gets hundreds of requests at once', async (t) => {
  const run = await start(t, ['-w', '2']);
  const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.open(run.port)));
  const began = performance.now();
  const pids = new Map();
  await Promise.all(wires.map(async (wire) => {
    for (let i = 0; i < 3; i++) {
      const { text } = await wire.send(get('/slow?ms=300')).response();
      pids.set(text, (pids.get(text) ?? 0) + 1);
    }
    wire.destroy();
  }));
  const ms = performance.now() - began;
  // One at a time in each worker it would take 90 s.
  assert.ok(ms < 9000, `${ms}`);
  assert.equal(pids.size, 2);
  for (const count of pids.values()) assert.ok(count > 150, `${count} of 600`);
});

for (const how of ['round-robin', 'least-conn'])
  test(`${how} shares requests among all workers`, async (t) => {
    const run = await start(t, ['-w', '3', '--threads', '1', '--balance', how]);
    const pids = new Map();
    for (let i = 0; i < 60; i++) {
      const { text } = await once(run, '/pid');
      pids.set(text, (pids.get(text) ?? 0) + 1);
    }
    assert.deepEqual([...pids.values()], [20, 20, 20]);
  });

test('least-conn gives to the one with the fewest in flight', async (t) => {
  const run = await start(t, ['-w', '2', '--threads', '1', '--balance', 'least-conn']);
  const slow = [];
  for (let i = 0; i < 10; i++) slow.push((await begin(run, '/slow?ms=500')).done);
  const answers = await Promise.all(slow);
  const pids = answers.map((response) => response.text);
  assert.equal(pids.filter((pid) => pid === pids[0]).length, 5);
});

const keys = {
  'hash:cookie=sid': (key) => [{ cookie: `other=${Math.random()}; sid=${key}; last=x` }, {}],
  'hash:header=x-user': (key) => [{ 'X-USER': key }, {}],
  'hash:ip': (key) => [{}, { localAddress: `127.0.${1 + (key.charCodeAt(1) % 5)}.${key.charCodeAt(1)}` }],
};
for (const [policy, of] of Object.entries(keys))
  test(`${policy} sticks, spreads, and survives the death of a worker`, async (t) => {
    const run = await start(t, ['-w', '3', '--balance', policy]);
    const names = Array.from({ length: 40 }, (_, i) => `k${String.fromCharCode(48 + i)}`);
    const worker = async (name) => {
      const [fields, options] = of(name);
      return (await once(run, '/pid', fields, options)).text;
    };
    const home = new Map();
    for (const name of names) home.set(name, await worker(name));
    assert.equal(new Set(home.values()).size, 3);
    for (let round = 0; round < 3; round++)
      for (const name of names) assert.equal(await worker(name), home.get(name));
    const victim = home.get(names[0]);
    process.kill(Number(victim), 'SIGKILL');
    for (const name of names) {
      const now = await worker(name);
      assert.notEqual(now, victim);
      if (home.get(name) !== victim) assert.equal(now, home.get(name), `${name} had no reason to move`);
    }
    await run.until(async () => (await run.workers()).filter((w) => w.pid !== Number(victim)).length >= 3);
  });

test('without the cookie or the field, the address decides', async (t) => {
  const run = await start(t, ['-w', '3', '--balance', 'hash:cookie=sid']);
  const pids = new Set();
  for (let i = 0; i < 12; i++) pids.add((await once(run, '/pid', { cookie: `other=${i}` })).text);
  assert.equal(pids.size, 1);
});
