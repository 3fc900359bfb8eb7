/* An open-loop load: requests at a constant rate over kept connections, latencies counted from
 * the moment each was meant to be sent, so a stalled server cannot hide its stall. */
import http from 'node:http';

export async function openLoop({ port, rate, seconds, connections, pick }) {
  /* fifo: every connection takes its turn, as those of many clients would. */
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections, scheduling: 'fifo' });
  await Promise.all(Array.from({ length: connections }, () => new Promise((done, fail) => {
    http.get({ port, host: '127.0.0.1', path: '/wait', agent }, (res) => res.resume().on('end', done)).on('error', fail);
  })));
  const total = Math.round(rate * seconds), gapMs = 1000 / rate;
  const kinds = new Map();
  let open = 0, failed = 0;
  const begun = performance.now() + 50;

  await new Promise((done) => {
    let sent = 0, over = 0;
    const end = () => { if (++over === total) done(); };
    const send = (i) => {
      const path = pick(i), meant = begun + i * gapMs;
      open++;
      const req = http.get({ port, host: '127.0.0.1', path, agent }, (res) => {
        res.resume();
        res.on('end', () => {
          if (res.statusCode !== 200) failed++;
          if (!kinds.has(path)) kinds.set(path, []);
          kinds.get(path).push(performance.now() - meant);
          end();
        });
      });
      req.on('error', () => { failed++; end(); });
    };
    const tick = () => {
      while (sent < total && performance.now() >= begun + sent * gapMs) send(sent++);
      if (sent < total) setTimeout(tick, 1);
    };
    tick();
  });
  agent.destroy();
  const quantile = (list, q) => list[Math.min(list.length - 1, Math.floor(q * list.length))];
  const result = { failed };
  for (const [path, list] of kinds) {
    list.sort((a, b) => a - b);
    result[path] = { count: list.length, p50: quantile(list, 0.5), p99: quantile(list, 0.99) };
  }
  return result;
}
