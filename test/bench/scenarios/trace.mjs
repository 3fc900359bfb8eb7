/* What traces cost: the same Express app bare, under fettle with none, 10 % and all of its requests traced, and with the agents of others. */
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { FETTLE, NODE, ROOT } from '../contenders.mjs';
import { asRatio, median, short, table, target } from '../numbers.mjs';
import { end, freePort, launch, run as finish, until } from '../processes.mjs';

export const name = 'trace';
export const title = 'Traces';
const APM = path.join(ROOT, 'test/bench/apm');
const CONNECTIONS = 16;

/* CPU time of all threads of a process, ns. */
const cpuOf = (pid) => readdirSync(`/proc/${pid}/task`).reduce((sum, tid) => sum + Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ')[0]), 0);
const otel = (arg) => ({ url }) => ({
  args: ['--require', '@opentelemetry/auto-instrumentations-node/register'],
  env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: arg, OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' },
});
const fettle = (...flags) => ({ url }) => ({ fettle: flags.length ? ['--otlp', url, ...flags] : [] });

const CONTENDERS = {
  bare: ['node alone', () => ({})],
  fettle: ['fettle, nothing traced', fettle()],
  fettle1: ['fettle, 1 % traced', fettle('--trace-sample', '1%')],
  fettle10: ['fettle, 10 % traced', fettle('--trace-sample', '10%')],
  fettle100: ['fettle, all traced', fettle('--trace-sample', '100%')],
  otel10: ['OpenTelemetry, 10 %', otel('0.1')],
  otel100: ['OpenTelemetry, all', otel('1')],
  dd: ['dd-trace', ({ url }) => ({ args: ['--require', 'dd-trace/init'], env: { DD_TRACE_AGENT_URL: url, DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false', DD_REMOTE_CONFIGURATION_ENABLED: 'false', DD_TRACE_STARTUP_LOGS: 'false' } })],
  newrelic: ['newrelic', () => ({ args: ['--require', 'newrelic'], env: { NEW_RELIC_LICENSE_KEY: '0'.repeat(40), NEW_RELIC_APP_NAME: 'bench', NEW_RELIC_HOST: '127.0.0.1', NEW_RELIC_LOG_ENABLED: 'false', NEW_RELIC_NO_CONFIG_FILE: 'true' } })],
  elastic: ['elastic-apm-node', ({ url }) => ({ args: ['--require', 'elastic-apm-node/start'], env: { ELASTIC_APM_SERVER_URL: url, ELASTIC_APM_SERVICE_NAME: 'bench', ELASTIC_APM_LOG_LEVEL: 'off' } })],
};

/* The same with an app that asks a database: [of which contender, its file]. */
const QUERIES = { bareQueries: 'bare', fettleQueries: 'fettle', fettle10Queries: 'fettle10', fettle100Queries: 'fettle100' };

const answers = (port) => fetch(`http://127.0.0.1:${port}/users/1`).then((r) => r.ok, () => false);

/* µs of CPU that the app's process and fettle's take for a request. */
async function measure(ctx, which, url) {
  const how = CONTENDERS[QUERIES[which] ?? which][1]({ url });
  const app = path.join(APM, QUERIES[which] ? 'queries.js' : 'app.js');
  const port = await freePort(), admin = await freePort();
  const runtime = path.join(ctx.folder, `trace-${which}`);
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const argv = how.fettle
    ? [FETTLE, ['run', '-w', '1', '--admin', `127.0.0.1:${admin}`, '--node', NODE, ...how.fettle, app]]
    : [NODE, [...(how.args ?? []), app]];
  const child = launch(...argv, { log: path.join(ctx.folder, `trace-${which}.log`), cwd: APM, env: { PORT: String(port), FETTLE_RUNTIME_DIR: runtime, ...how.env } });
  try {
    await until(() => answers(port), `${which} answers`);
    const pid = how.fettle ? (await (await fetch(`http://127.0.0.1:${admin}/api/workers`)).json())[0].pid : child.pid;
    const load = async (seconds) => JSON.parse((await finish(FETTLE, ['bench', `http://127.0.0.1:${port}/users/42`, '-c', String(CONNECTIONS), '-d', `${seconds}s`, '--warmup', '1ms', '--json'])).out);
    await load(2);
    const before = cpuOf(pid);
    const { requests, seconds, failed } = await load(ctx.seconds);
    if (failed) throw new Error(`${which}: ${failed} requests failed`);
    return { cpu_us: (cpuOf(pid) - before) / 1000 / requests, rate: requests / seconds };
  } finally {
    await end([child.pid]);
  }
}

export async function run(ctx) {
  const port = await freePort();
  const sink = launch(NODE, [path.join(APM, 'sink.js')], { log: path.join(ctx.folder, 'sink.log'), env: { PORT: String(port) } });
  const rounds = [];
  try {
    for (let round = 0; round < ctx.rounds; round++) {
      const one = {};
      for (const which of [...Object.keys(CONTENDERS), ...Object.keys(QUERIES)]) {
        one[which] = await measure(ctx, which, `http://127.0.0.1:${port}`);
        ctx.log(`round ${round + 1}: ${nameOf(which)}: ${short(one[which].cpu_us)} µs a request, ${short(one[which].rate)}/s, ${asRatio(one[bareOf(which)].cpu_us / one[which].cpu_us)} of bare`);
      }
      rounds.push(one);
    }
  } finally {
    await end([sink.pid]);
  }
  return { rounds };
}

const nameOf = (which) => (QUERIES[which] ? `${CONTENDERS[QUERIES[which]][0]}, three statements` : CONTENDERS[which][0]);
const bareOf = (which) => (QUERIES[which] ? 'bareQueries' : 'bare');
const kept = (rounds, which) => median(rounds.map((r) => r[bareOf(which)].cpu_us / r[which].cpu_us));
/* Of what it does under fettle with nothing traced: stricter, as the way through the proxy costs the app less than TCP. */
const keptOf = (rounds, which) => median(rounds.map((r) => r[QUERIES[which] ? 'fettleQueries' : 'fettle'].cpu_us / r[which].cpu_us));
const best = (rounds, list) => Math.max(...list.map((which) => kept(rounds, which)));

export const targets = ({ rounds }) => [
  target('what one core of the app keeps of its throughput with nothing traced', '≥ 0.99', kept(rounds, 'fettle'), (r) => r >= 0.99, asRatio),
  target('what is left of that with 10 % of the requests traced', '≥ 0.95', keptOf(rounds, 'fettle10'), (r) => r >= 0.95, asRatio),
  target('what is left of that with all of them traced', '≥ 0.85', keptOf(rounds, 'fettle100'), (r) => r >= 0.85, asRatio),
  ...(rounds[0].bareQueries ? [
    target('of bare throughput, with a span for each of three statements in 10 % of the requests', '≥ 0.95', kept(rounds, 'fettle10Queries'), (r) => r >= 0.95, asRatio),
    target('… in all of them', '≥ 0.85', kept(rounds, 'fettle100Queries'), (r) => r >= 0.85, asRatio),
  ] : []),
];

export const render = ({ rounds }) => `
Express with one route, one process, ${CONNECTIONS} connections; a local sink takes what is sent. A core is full with so many requests as the CPU time of the app's
process allows, all of its threads counted, so bare Node's time divided by the other's is what is kept of its throughput. fettle's proxy and monitor use other cores; a worker's
unix socket is cheaper than bare Node's TCP, so fettle's own figures stand beside it. The best agent of
others that traces all keeps ${asRatio(best(rounds, ['otel100', 'dd', 'newrelic', 'elastic']))}.

${table(['', 'CPU of the app, µs a request', 'kept of bare throughput', 'of fettle’s with nothing traced', 'requests a second, as measured'], [...Object.keys(CONTENDERS), ...Object.keys(QUERIES)].filter((which) => rounds[0][which]).map((which) => [nameOf(which),
    short(median(rounds.map((r) => r[which].cpu_us))), asRatio(kept(rounds, which)), which.startsWith('fettle') ? asRatio(keptOf(rounds, which)) : '–', short(median(rounds.map((r) => r[which].rate)))]))}
`;
