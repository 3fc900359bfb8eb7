/* conf/settings_table.c -- the table of settings
 *
 * A setting is one row here and one field in struct settings; nothing else
 * knows its name. In the order in which --help shows them.
 */
#include "conf/settings.h"

#define AT(field) offsetof(struct settings, field)
#define APP SETTINGS_GROUP_APP
#define BALANCE SETTINGS_GROUP_BALANCE
#define PROXY SETTINGS_GROUP_PROXY
#define WATCH SETTINGS_GROUP_WATCH
#define RELOAD SETTINGS_RELOADABLE
#define OFF SETTINGS_ZERO_OFF
#define PER_APP SETTINGS_PER_APP
#define KB 1024ull
#define MB (1024 * KB)
#define TB (1024 * 1024 * MB)
#define MS NS_PER_MS
#define DAY (86400 * NS_PER_S)

static const char *const group_title[SETTINGS_GROUPS] = {
    [SETTINGS_GROUP_APP] = "The app and its workers",
    [SETTINGS_GROUP_BALANCE] = "Balancing",
    [SETTINGS_GROUP_PROXY] = "The proxy and its limits",
    [SETTINGS_GROUP_WATCH] = "What is watched and told",
};

/* clang-format off */
const struct settings_row settings_rows[] = {
{ .name = "workers", .short_flag = 'w', .type = SETTINGS_COUNT, .group = APP, .flags = RELOAD, .offset = AT(workers),
  .default_text = "auto", .least = 1, .most = 128, .words = "auto", .placeholder = "N",
  .help = "Node processes that run the app",
  .more = "auto is the number of CPUs that fettle may use: its CPU affinity and its cgroup's CPU quota (rounded up) are respected." },
{ .name = "port", .short_flag = 'p', .type = SETTINGS_COUNT, .group = APP, .offset = AT(port),
  .default_text = "app", .least = 1, .most = 65535, .words = "app", .placeholder = "PORT",
  .help = "listen on this port instead of the app's",
  .more = "app means: wherever the app asked to listen. With a number, the first port that the app asks for is replaced by it." },
{ .name = "name", .type = SETTINGS_TEXT, .group = APP, .offset = AT(name),
  .default_text = "", .most = 47, .placeholder = "NAME",
  .help = "the app's name, in logs and metrics",
  .more = "Without it, the name in package.json, else the name of the file or folder." },
{ .name = "detach", .short_flag = 'd', .type = SETTINGS_BOOL, .group = APP, .flags = SETTINGS_START, .offset = AT(detach),
  .default_text = "off",
  .help = "go on in the background once the app is ready",
  .more = "Returns when every worker is ready, or has failed: then with exit code 1 and its last lines. The log goes to NAME.log in $XDG_STATE_HOME/fettle, else in /var/log/fettle for root, else in ~/.local/state/fettle." },
{ .name = "config", .type = SETTINGS_PATH, .group = APP, .flags = SETTINGS_START, .offset = AT(config),
  .default_text = "", .placeholder = "FILE",
  .help = "read settings from this file",
  .more = "Without it, fettle.json or fettle.config.js, .cjs, .mjs or .ts in the app's folder. Also the ecosystem file of pm2, or a Procfile." },
{ .name = "app", .type = SETTINGS_TEXT, .group = APP, .flags = SETTINGS_START, .offset = AT(app),
  .default_text = "", .placeholder = "NAME",
  .help = "which apps of a file that has several: NAME or NAME,NAME",
  .more = "Without it, all of them run, each with its own workers, behind one proxy and with one monitor." },
{ .name = "only", .type = SETTINGS_TEXT, .group = APP, .flags = SETTINGS_START | SETTINGS_HIDDEN, .offset = AT(only),
  .default_text = "", .placeholder = "NAME",
  .help = "the same, as pm2 names it" },
{ .name = "env", .type = SETTINGS_TEXT, .group = APP, .flags = SETTINGS_START, .offset = AT(env_name),
  .default_text = "", .placeholder = "NAME",
  .help = "take env_NAME of pm2's ecosystem file too" },
{ .name = "cwd", .type = SETTINGS_PATH, .group = APP, .offset = AT(cwd),
  .default_text = "", .placeholder = "DIR",
  .help = "the folder in which the app runs",
  .more = "Without it, the package's folder for a folder or an npm script, and the folder in which fettle was started for a file." },
{ .name = "node", .type = SETTINGS_PATH, .group = APP, .flags = RELOAD | SETTINGS_IN_PATH, .offset = AT(node),
  .default_text = "node", .placeholder = "FILE",
  .help = "the node program, a path or a name in PATH" },
{ .name = "node-args", .type = SETTINGS_TEXT, .group = APP, .flags = RELOAD | SETTINGS_WORDS, .offset = AT(node_args),
  .default_text = "", .placeholder = "ARGS",
  .help = "flags for node itself, before the app's file",
  .more = "They are split into words as a shell does, for example --node-args \"--max-old-space-size=512 --enable-source-maps\"." },
{ .name = "env-file", .type = SETTINGS_LIST, .group = APP, .flags = RELOAD | SETTINGS_EMPTY_OFF | SETTINGS_PATHS, .offset = AT(env_file),
  .default_text = "off", .placeholder = "FILE,…",
  .help = "take the app's variables from this .env file too",
  .more = "What the environment has already wins over the file, and of several files the last one. The rules are those of Node's --env-file; see doc/development.md." },
{ .name = "max-memory", .type = SETTINGS_SIZE, .group = APP, .flags = RELOAD | OFF, .offset = AT(max_memory_bytes),
  .default_text = "off", .least = 16 * MB, .most = 64 * TB, .placeholder = "SIZE",
  .help = "replace a worker whose resident memory exceeds this",
  .more = "The replacement serves before the old worker is drained, so no request fails." },
{ .name = "max-block", .type = SETTINGS_DURATION, .group = APP, .flags = RELOAD | OFF, .offset = AT(max_block_ns),
  .default_text = "30s", .least = 100 * MS, .most = DAY, .placeholder = "TIME",
  .help = "replace a worker whose event loop is blocked this long" },
{ .name = "warn-block", .type = SETTINGS_DURATION, .group = APP, .flags = OFF, .offset = AT(warn_block_ns),
  .default_text = "1s", .least = 10 * MS, .most = DAY, .placeholder = "TIME",
  .help = "warn, with the stack, about a loop blocked this long" },
{ .name = "start-timeout", .type = SETTINGS_DURATION, .group = APP, .flags = RELOAD | OFF, .offset = AT(start_timeout_ns),
  .default_text = "60s", .least = 100 * MS, .most = DAY, .placeholder = "TIME",
  .help = "a worker that has not started by then has failed",
  .more = "A worker has started when it listens, or when its main script has run and its event loop waits." },
{ .name = "drain", .type = SETTINGS_DURATION, .group = APP, .flags = RELOAD, .offset = AT(drain_ns),
  .default_text = "10s", .most = DAY, .placeholder = "TIME",
  .help = "time for requests in flight when a worker stops" },
{ .name = "kill-after", .type = SETTINGS_DURATION, .group = APP, .flags = RELOAD, .offset = AT(kill_after_ns),
  .default_text = "5s", .most = DAY, .placeholder = "TIME",
  .help = "time from SIGTERM to SIGKILL, after the drain" },

{ .name = "balance", .type = SETTINGS_BALANCE, .group = BALANCE, .flags = RELOAD, .offset = AT(balance),
  .default_text = "idle-first", .words = "idle-first|least-conn|round-robin|hash:ip|hash:cookie=|hash:header=", .placeholder = "HOW",
  .help = "which worker gets a request",
  .more = "idle-first: one whose event loop waits, the least loaded of those; when none waits, the request stays in one queue until a loop comes free. "
          "least-conn: the one with the fewest requests in flight. round-robin: each in turn. "
          "hash:ip, hash:cookie=NAME and hash:header=NAME: always the same worker for the same client, cookie or header field (sticky sessions)." },
{ .name = "queue-max", .type = SETTINGS_COUNT, .group = BALANCE, .flags = RELOAD, .offset = AT(queue_max),
  .default_text = "10000", .most = 1000000, .placeholder = "N",
  .help = "requests that may wait for a free worker, then 503" },
{ .name = "queue-timeout", .type = SETTINGS_DURATION, .group = BALANCE, .flags = RELOAD | OFF, .offset = AT(queue_timeout_ns),
  .default_text = "10s", .least = 1 * MS, .most = DAY, .placeholder = "TIME",
  .help = "the longest wait for a free worker, then 503" },

{ .name = "threads", .type = SETTINGS_COUNT, .group = PROXY, .offset = AT(threads),
  .default_text = "auto", .least = 1, .most = 64, .words = "auto", .placeholder = "N",
  .help = "threads of the proxy",
  .more = "auto is half the number of CPUs that fettle may use, rounded up: one thread keeps two busy workers fed." },
{ .name = "trust-proxy", .type = SETTINGS_CIDRS, .group = PROXY, .flags = RELOAD, .offset = AT(trust_proxy),
  .default_text = "", .words = "loopback|linklocal|uniquelocal|unix", .placeholder = "CIDR,…",
  .help = "believe the X-Forwarded-* of these addresses",
  .more = "Addresses of load balancers in front of fettle, such as 10.0.0.0/8. loopback, linklocal and uniquelocal stand for those ranges, unix for clients of a unix socket. May be repeated. "
          "From everybody else, X-Forwarded-For, -Proto and -Host and X-Request-Id are replaced, so that a client cannot forge them." },
{ .name = "max-connections", .type = SETTINGS_COUNT, .group = PROXY, .flags = RELOAD, .offset = AT(max_connections),
  .default_text = "10000", .least = 1, .most = 10000000, .placeholder = "N",
  .help = "connections from clients at the same time" },
{ .name = "max-line", .type = SETTINGS_SIZE, .group = PROXY, .flags = RELOAD, .offset = AT(max_line_bytes),
  .default_text = "8K", .least = 64, .most = 1 * MB, .placeholder = "SIZE",
  .help = "longest request line, then 414" },
{ .name = "max-head", .type = SETTINGS_SIZE, .group = PROXY, .offset = AT(max_head_bytes),
  .default_text = "16K", .least = 256, .most = 1 * MB, .placeholder = "SIZE",
  .help = "largest request line and header together, then 431",
  .more = "Node itself refuses heads above 16 KiB; to raise this limit, raise Node's too: --node-args --max-http-header-size=65536." },
{ .name = "max-fields", .type = SETTINGS_COUNT, .group = PROXY, .offset = AT(max_fields),
  .default_text = "100", .least = 1, .most = 2000, .placeholder = "N",
  .help = "most header fields of a request, then 431" },
{ .name = "max-body", .type = SETTINGS_SIZE, .group = PROXY, .flags = RELOAD | OFF | PER_APP, .offset = AT(max_body_bytes),
  .default_text = "off", .least = 1, .most = 1024 * TB, .placeholder = "SIZE",
  .help = "largest request body, then 413" },
{ .name = "head-timeout", .type = SETTINGS_DURATION, .group = PROXY, .flags = RELOAD | OFF, .offset = AT(head_timeout_ns),
  .default_text = "15s", .least = 1 * MS, .most = DAY, .placeholder = "TIME",
  .help = "time for a request's head, then 408" },
{ .name = "body-timeout", .type = SETTINGS_DURATION, .group = PROXY, .flags = RELOAD | OFF | PER_APP, .offset = AT(body_timeout_ns),
  .default_text = "30s", .least = 1 * MS, .most = DAY, .placeholder = "TIME",
  .help = "time between two pieces of a request's body, then 408" },
{ .name = "idle-timeout", .type = SETTINGS_DURATION, .group = PROXY, .flags = RELOAD, .offset = AT(idle_timeout_ns),
  .default_text = "75s", .least = 1 * MS, .most = DAY, .placeholder = "TIME",
  .help = "how long an idle keep-alive connection stays open" },
{ .name = "write-timeout", .type = SETTINGS_DURATION, .group = PROXY, .flags = RELOAD | OFF | PER_APP, .offset = AT(write_timeout_ns),
  .default_text = "60s", .least = 1 * MS, .most = DAY, .placeholder = "TIME",
  .help = "close a client that takes nothing of a response this long" },
{ .name = "upstream-timeout", .type = SETTINGS_DURATION, .group = PROXY, .flags = RELOAD | OFF | PER_APP, .offset = AT(upstream_timeout_ns),
  .default_text = "off", .least = 1 * MS, .most = DAY, .placeholder = "TIME",
  .help = "time for the app's first byte of a response, then 504" },

{ .name = "admin", .type = SETTINGS_ADDRESS, .group = WATCH, .offset = AT(admin),
  .default_text = "127.0.0.1:9484", .placeholder = "ADDRESS",
  .help = "metrics, health and API: host:port, unix:PATH or off",
  .more = "Serves /metrics (Prometheus), /healthz, /readyz and /api/workers. An address that other hosts can reach needs an admin-token." },
{ .name = "admin-token", .type = SETTINGS_TEXT, .group = WATCH, .flags = SETTINGS_SECRET, .offset = AT(admin_token),
  .default_text = "", .least = 8, .most = 256, .placeholder = "TOKEN",
  .help = "what other hosts must show to the admin address",
  .more = "They send it as «Authorization: Bearer TOKEN». Better set as FETTLE_ADMIN_TOKEN, because command lines can be read by other users of the machine." },
{ .name = "metrics-prom-client", .type = SETTINGS_BOOL, .group = WATCH, .offset = AT(metrics_prom_client),
  .default_text = "on",
  .help = "metrics under prom-client's names, as dashboards expect" },
{ .name = "metrics-opentelemetry", .type = SETTINGS_BOOL, .group = WATCH, .offset = AT(metrics_opentelemetry),
  .default_text = "on",
  .help = "metrics under OpenTelemetry's names" },
{ .name = "slow", .type = SETTINGS_DURATION, .group = WATCH, .flags = RELOAD | OFF | PER_APP, .offset = AT(slow_ns),
  .default_text = "1s", .least = 1 * MS, .most = DAY, .placeholder = "TIME",
  .help = "warn about requests slower than this" },
{ .name = "access-log", .type = SETTINGS_PATH, .group = WATCH, .flags = SETTINGS_EMPTY_OFF, .offset = AT(access_log),
  .default_text = "off", .placeholder = "FILE",
  .help = "a line for each request: a file, - for standard output, or off",
  .more = "Each line tells how long the request was queued, waited for the loop, and took in all. The lines are text, or JSON with --log json." },
{ .name = "log", .type = SETTINGS_ENUM, .group = WATCH, .offset = AT(log),
  .default_text = "text", .words = "text|json", .placeholder = "FORM",
  .help = "the form of the log and of the app's output: text or json" },
{ .name = "log-level", .type = SETTINGS_ENUM, .group = WATCH, .offset = AT(log_level),
  .default_text = "info", .words = "error|warn|info|debug", .placeholder = "LEVEL",
  .help = "error, warn, info or debug" },
{ .name = "color", .type = SETTINGS_ENUM, .group = WATCH, .offset = AT(color),
  .default_text = "auto", .words = "auto|always|never", .placeholder = "WHEN",
  .help = "colours: auto, always or never",
  .more = "auto: only on a terminal, and not when NO_COLOR is set." },
{ .name = "runtime-dir", .type = SETTINGS_PATH, .group = WATCH, .offset = AT(runtime_dir),
  .default_text = "", .most = 80, .placeholder = "DIR",
  .help = "the folder in which fettle makes one for its sockets",
  .more = "Without it, the first of XDG_RUNTIME_DIR, /run (for root), /tmp and /dev/shm that allows it. What is made there is for its owner only and is removed at the end." },
};
/* clang-format on */

const u32 settings_row_count = ARRAY_LEN(settings_rows);
const struct settings_table settings_of_run = {
    .command = "run",
    .rows = settings_rows,
    .count = &settings_row_count,
    .group_title = group_title,
    .groups = SETTINGS_GROUPS,
    .operands = "for the app itself go after --",
};
static_assert(ARRAY_LEN(settings_rows) <= SETTINGS_ROWS_MAX, "origin[] has a place for each row");
