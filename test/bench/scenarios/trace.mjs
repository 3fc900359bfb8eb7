/* What traces cost: the same app bare, under fettle with none, some and all of its requests traced, and with the agents of others.
 *
 * All contenders of one app run beside each other and get their load in turns, in bursts, there and back: what the machine does otherwise
 * meets all of them. Of each burst counts the CPU time of the app's process for a request; of the bursts their median. */
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { FETTLE, NODE, ROOT } from '../contenders.mjs';
import { asRatio, median, short, table, target } from '../numbers.mjs';
import { end, freePort, launch, run as finish, until } from '../processes.mjs';

export const name = 'trace';
export const title = 'Traces';
const APM = path.join(ROOT, 'test/bench/apm');
const CONNECTIONS = 16;
const WARM_S = 2;
const BURST_MS = 1000; /* an agent that does some things once a second does them for the first requests of each burst as well: in short ones too often */

/* CPU time of all threads of a process, ns. */
const cpuOf = (pid) => readdirSync(`/proc/${pid}/task`).reduce((sum, tid) => sum + Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ')[0]), 0);
const otel = (arg) => ({ url }) => ({
  args: ['--require', '@opentelemetry/auto-instrumentations-node/register'],
  env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: arg, OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' },
});
const fettle = (...flags) => ({ url }) => ({ fettle: flags.length ? ['--otlp', url, ...flags] : [] });

const CONTENDERS = {
  bare: ['node alone', () => ({})],
  unwatched: ['fettle, no request watched', () => ({ fettle: ['--watch-requests', 'off'] })],
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

const nodeOf = (major) => path.join(ROOT, 'build/nodes', major, 'node');
const FEW = ['bare', 'unwatched', 'fettle', 'fettle10', 'fettle100'];
/* The other apps ask a database three times in each request. OpenTelemetry has no instrumentation of node:sqlite. */
const APPS = {
  hello: { title: 'one route, no database', file: 'app.js', node: NODE, which: Object.keys(CONTENDERS) },
  sqlite22: { title: 'three statements of node:sqlite, Node 22', file: 'queries.js', node: nodeOf('22'), which: FEW },
  sqlite24: { title: 'three statements of node:sqlite, Node 24', file: 'queries.js', node: nodeOf('24'), which: FEW },
  pg20: { title: 'three statements of pg, Node 20', file: 'pg.js', node: nodeOf('20'), which: FEW },
  pg22: { title: 'three statements of pg, Node 22', file: 'pg.js', node: nodeOf('22'), which: [...FEW, 'otel10', 'otel100'] },
  pg24: { title: 'three statements of pg, Node 24', file: 'pg.js', node: nodeOf('24'), which: FEW },
};

const answers = (port) => fetch(`http://127.0.0.1:${port}/users/1`).then((r) => r.ok, () => false);

async function start(ctx, app, which, url) {
  const how = CONTENDERS[which][1]({ url });
  const file = path.join(APM, app.file);
  const port = await freePort(), admin = await freePort();
  const runtime = path.join(ctx.folder, `trace-${app.file}-${which}`);
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const argv = how.fettle
    ? [FETTLE, ['run', '-w', '1', '--admin', `127.0.0.1:${admin}`, '--node', app.node, ...how.fettle, file]]
    : [app.node, [...(how.args ?? []), file]];
  const child = launch(...argv, { log: `${runtime}.log`, cwd: APM, env: { PORT: String(port), FETTLE_RUNTIME_DIR: runtime, PG_URL: ctx.pg, ...how.env } });
  return { which, port, admin: how.fettle ? admin : 0, child, bursts: [] };
}

async function load({ which, port }, ms) {
  const { requests, seconds, failed } = JSON.parse((await finish(FETTLE, ['bench', `http://127.0.0.1:${port}/users/42`, '-c', String(CONNECTIONS), '-d', `${ms}ms`, '--warmup', '1ms', '--json'])).out);
  if (failed) throw new Error(`${which}: ${failed} requests failed`);
  return { requests, rate: requests / seconds };
}

/* By contender: µs of CPU that the app's process takes for a request, and requests a second. */
async function measure(ctx, app, url) {
  const contenders = [];
  try {
    for (const which of app.which) contenders.push(await start(ctx, app, which, url));
    for (const one of contenders) {
      await until(() => answers(one.port), `${one.which} answers`);
      one.pid = one.admin ? (await (await fetch(`http://127.0.0.1:${one.admin}/api/workers`)).json())[0].pid : one.child.pid;
      await load(one, WARM_S * 1000);
    }
    for (let i = 0; i < (ctx.seconds * 1000) / BURST_MS; i++)
      for (const one of i % 2 ? [...contenders].reverse() : contenders) {
        const before = cpuOf(one.pid);
        const { requests, rate } = await load(one, BURST_MS);
        one.bursts.push({ cpu_us: (cpuOf(one.pid) - before) / 1000 / requests, rate });
      }
    const middle = (one, what) => median(one.bursts.map((burst) => burst[what]));
    return Object.fromEntries(contenders.map((one) => [one.which, { cpu_us: middle(one, 'cpu_us'), rate: middle(one, 'rate') }]));
  } finally {
    await end(contenders.map(({ child }) => child.pid));
  }
}

/* APPS_ONLY=hello,pg24: these; the others keep their results. */
export async function run(ctx) {
  const only = (process.env.APPS_ONLY ?? Object.keys(APPS).join()).split(',');
  const port = await freePort();
  const sink = launch(NODE, [path.join(APM, 'sink.js')], { log: path.join(ctx.folder, 'sink.log'), env: { PORT: String(port) } });
  const { startPostgresql } = await import(path.join(ROOT, 'test/e2e/helpers/databases.mjs'));
  const pg = only.some((key) => key.startsWith('pg')) ? await startPostgresql() : null;
  const apps = { ...ctx.before?.apps };
  try {
    for (const key of only) {
      const rounds = (apps[key] = []);
      for (let round = 0; round < ctx.rounds; round++) {
        rounds.push(await measure({ ...ctx, pg: pg?.url() ?? '' }, APPS[key], `http://127.0.0.1:${port}`));
        for (const [which, { cpu_us, rate }] of Object.entries(rounds.at(-1)))
          ctx.log(`${APPS[key].title}, ${CONTENDERS[which][0]}: ${short(cpu_us)} µs a request, ${short(rate)}/s, ${asRatio(rounds.at(-1).bare.cpu_us / cpu_us)} of bare`);
      }
    }
  } finally {
    await end([sink.pid]);
    await pg?.stop();
  }
  return { apps };
}

const of = (rounds, which, than) => median(rounds.map((r) => r[than].cpu_us / r[which].cpu_us));
const kept = (rounds, which) => of(rounds, which, 'bare');
const there = ({ apps }) => Object.keys(APPS).filter((key) => apps[key]);
/* The app that keeps least. */
const least = (data, which) => Math.min(...there(data).map((key) => kept(data.apps[key], which)));

export const targets = (data) => [
  target('of its throughput an app keeps, with nothing traced', '≥ 0.99', least(data, 'fettle'), (r) => r >= 0.99, asRatio),
  target('with 10 % of the requests traced, that of these apps that keeps least', '≥ 0.95', least(data, 'fettle10'), (r) => r >= 0.95, asRatio),
  target('with all of them traced', '≥ 0.85', least(data, 'fettle100'), (r) => r >= 0.85, asRatio),
];

const rows = (rounds, which) => which.filter((one) => rounds[0][one]).map((one) => [CONTENDERS[one][0], short(median(rounds.map((r) => r[one].cpu_us))), asRatio(kept(rounds, one)),
  /^(fettle|unwatched)/.test(one) && rounds[0].fettle ? asRatio(of(rounds, one, 'fettle')) : '–', short(median(rounds.map((r) => r[one].rate)))]);

export const render = (data) => `
Express, one process, ${CONNECTIONS} connections; a local sink takes what is sent. A core is full with so many requests as the CPU time of the app's
process allows, all of its threads counted, so bare Node's time divided by the other's is what is kept of its throughput. fettle's proxy and monitor use other cores; a worker's
unix socket is cheaper than bare Node's TCP, so what fettle keeps of its own figure with nothing traced stands beside it. Nothing traced: routes, counts, allocations and the
statements of watched requests are on, as without any setting; no request watched: \`--watch-requests off\`, routes and counts only. Contenders run beside each other and are asked in
turns, in bursts of ${BURST_MS / 1000} s.
${there(data).map((key) => `
${APPS[key].title[0].toUpperCase()}${APPS[key].title.slice(1)}:

${table(['', 'CPU of the app, µs a request', 'kept of bare throughput', 'of fettle’s with nothing traced', 'requests a second, as measured'], rows(data.apps[key], APPS[key].which))}
`).join('')}`;
