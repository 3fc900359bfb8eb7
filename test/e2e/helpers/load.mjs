// helpers/load.mjs -- constant requests while something happens to fettle

import http from 'node:http';
import { request, sleep } from './net.mjs';

/**
 * Keeps `clients` clients asking one request after the other, by kept-alive connections, until
 * stop() is called, which gives { count, failures, slowest_ms }; a failure is whatever is not a 200.
 */
export function load({ port, path = '/', clients = 8, pause = 5, headers }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  const result = { count: 0, failures: [], slowest_ms: 0, pids: new Set() };
  let ended = false;
  const one = async () => {
    while (!ended) {
      const start = performance.now();
      try {
        const answer = await request({ port, path, agent, headers });
        if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text.slice(0, 200)}`);
        const { pid } = /"pid":(?<pid>\d+)/.exec(answer.text)?.groups ?? {};
        if (pid) result.pids.add(Number(pid));
      } catch (error) {
        const at = Math.round(performance.now() - start);
        if (result.failures.length < 100) result.failures.push(`${error.code ?? ''} ${error.message} (after ${at} ms)`);
      }
      result.count++;
      result.slowest_ms = Math.max(result.slowest_ms, performance.now() - start);
      await sleep(pause);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, one));
  return {
    result,
    async stop() {
      ended = true;
      await all;
      agent.destroy();
      return result;
    },
  };
}
