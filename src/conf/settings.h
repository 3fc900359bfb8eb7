/* conf/settings.h -- everything that can be set, in one struct and one table
 *
 * `struct settings` holds plain values; settings_rows[] has one row for each of
 * them: name, unit, default, range, help. The parsers, --help, the man page,
 * doc/settings.md and the shell completions read that table and nothing else.
 *
 * A value comes from the default, the key `fettle` of package.json, a file, the
 * environment (FETTLE_MAX_MEMORY) or a flag (--max-memory); the later in this
 * list wins, in whatever order they are read; and in package.json and in a file,
 * what is said for one app wins over what is said for all, then what is said for a listener and
 * for a route. Texts are copied into the settings, so
 * nothing that was read needs to live on. One thread; no I/O.
 *
 * The proxy and the monitor are started with flags that give the same settings
 * again: settings_write_args, then settings_read_args in the child.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/problem.h"
#include "conf/endpoint.h"
#include "conf/outcomes.h"

enum settings_log { SETTINGS_LOG_TEXT, SETTINGS_LOG_JSON };
/* When a log file is rotated, whatever its size. */
enum settings_period { SETTINGS_PERIOD_OFF, SETTINGS_PERIOD_HOURLY, SETTINGS_PERIOD_DAILY };
enum settings_color { SETTINGS_COLOR_AUTO, SETTINGS_COLOR_ALWAYS, SETTINGS_COLOR_NEVER };

/* Which worker gets a request. */
enum settings_balance_by {
    SETTINGS_BALANCE_IDLE_FIRST,
    SETTINGS_BALANCE_LEAST_CONN,
    SETTINGS_BALANCE_ROUND_ROBIN,
    SETTINGS_BALANCE_HASH_IP,
    SETTINGS_BALANCE_HASH_COOKIE, /* of the cookie `key` */
    SETTINGS_BALANCE_HASH_HEADER, /* of the header field `key` */
};
struct settings_balance {
    enum settings_balance_by by;
    struct str key; /* as written; empty unless hash:cookie or hash:header */
};

enum { SETTINGS_CIDRS_MAX = 256, SETTINGS_ROWS_MAX = 192, SETTINGS_VALUE_MAX = 4096 };
struct settings_cidrs {
    u32 count;
    struct cidr range[SETTINGS_CIDRS_MAX];
};

/* Where a value came from, in rising precedence. */
enum settings_source {
    SETTINGS_DEFAULT,
    SETTINGS_PACKAGE, /* package.json, for all apps */
    SETTINGS_PACKAGE_APP,
    SETTINGS_FILE, /* a file of settings, for all apps */
    SETTINGS_FILE_APP,
    SETTINGS_LISTENER, /* the same for one listener (conf/routes.h) … */
    SETTINGS_PATH_OWN, /* … for a path of the app, wherever it listens … */
    SETTINGS_ROUTE,    /* … and for a route of one address */
    SETTINGS_ENV,
    SETTINGS_FLAG,
};
struct settings_origin {
    enum settings_source source;
    struct str file; /* empty: not from one */
    u32 line;        /* 0: unknown */
    struct str key;  /* its path in the file, "apps.shop.workers"; empty: the name */
};

/* «4» is 4 to 4. */
struct settings_range {
    u32 least, most;
};

/* Whose traceparent is continued, what is sent, and how sums are told. */
enum settings_parent { SETTINGS_PARENT_ALL, SETTINGS_PARENT_TRUSTED, SETTINGS_PARENT_NONE };
enum settings_signals { SETTINGS_SIGNALS_ALL, SETTINGS_SIGNALS_TRACES, SETTINGS_SIGNALS_METRICS };
enum settings_temporality {
    SETTINGS_TEMPORALITY_AUTO,
    SETTINGS_TEMPORALITY_CUMULATIVE,
    SETTINGS_TEMPORALITY_DELTA,
};

/* In which lane a request waits, while there are lanes (balance/lane.h). */
enum settings_lane { SETTINGS_LANE_AUTO, SETTINGS_LANE_FAST, SETTINGS_LANE_SLOW };
/* Who comes first when requests have to wait (guard/priority.h). */
enum settings_priority {
    SETTINGS_PRIORITY_AUTO, /* high for health checks, else normal */
    SETTINGS_PRIORITY_HIGH,
    SETTINGS_PRIORITY_NORMAL,
    SETTINGS_PRIORITY_LOW,
};

/* What answers say of rate limits, and how those count. */
enum settings_rate_headers {
    SETTINGS_RATE_HEADERS_DRAFT,
    SETTINGS_RATE_HEADERS_LEGACY,
    SETTINGS_RATE_HEADERS_BOTH,
    SETTINGS_RATE_HEADERS_OFF,
};
enum settings_rate_algorithm { SETTINGS_RATE_BUCKET, SETTINGS_RATE_WINDOW };

/* Which requests may be sent again that a worker may have begun. */
enum settings_retry_methods {
    SETTINGS_RETRY_IDEMPOTENT, /* RFC 9110 section 9.2.2 */
    SETTINGS_RETRY_KEYED,      /* and those with an Idempotency-Key */
    SETTINGS_RETRY_ALL,
};

/* What holds for a request, and may be said for its route. */
struct settings_request {
    struct settings_balance balance;
    enum settings_lane lane;
    enum settings_priority priority;
    u32 queue_max;         /* requests of the app that wait in the central queue */
    u64 queue_timeout_ns;  /* the longest wait in it, then 503; 0: no limit */
    u64 queue_target_ns;   /* guard/codel.h: how long they may wait, but for a moment; 0: off */
    u64 queue_interval_ns; /* … and how long that moment is */
    u32 max_concurrency;   /* requests with workers at once (proxy/ceiling.h); 0: off */
    bool adaptive_concurrency;
    u32 worker_concurrency;   /* the same of one worker; 0: off */
    struct str rate_limit;    /* limits as conf/ratelimit.h has them, commas between; empty: none */
    struct str rate_limit_by; /* whose requests count together, where a limit does not say so */
    enum settings_rate_algorithm rate_limit_algorithm;
    u32 rate_limit_status;
    enum settings_rate_headers rate_limit_headers;
    bool rate_limit_redis;      /* counted in Redis, if there is one */
    u32 rate_limit_ipv6_prefix; /* so many bits of an address are one client */
    u64 max_body_bytes;         /* 413; 0: no limit */
    u64 body_timeout_ns;        /* between two reads of a request's body: 408; 0: no limit */
    u64 write_timeout_ns;     /* a client that takes not one byte of a response for this long; 0: no
                               * limit */
    u64 upstream_timeout_ns;  /* from the request's end to the response's first byte: 504; 0: off */
    u64 stall_timeout_ns;     /* without a byte of a response that has begun: closed; 0: off */
    u64 request_timeout_ns;   /* from the head to the end of the response: 504; 0: off */
    u64 tunnel_timeout_ns;    /* an upgraded connection without a byte either way; 0: off */
    struct str upstream;      /* hosts, as conf/upstreams.h has them; empty: the workers alone */
    struct str upstream_host; /* the Host field that hosts get; empty: as the client said it */
    u64 connect_timeout_ns;   /* until a host takes a connection */
    u32 upstream_keepalive;   /* resting connections to an endpoint, by thread; 0: none */
    u64 upstream_idle_timeout_ns; /* how long one rests */
    struct str health_check;      /* a path, or "tcp"; empty: none (upstream/endpoint_health.h) */
    u64 health_interval_ns, health_timeout_ns;
    struct settings_range health_status;
    u32 health_rise, health_fall;
    u32 eject_failures, eject_errors; /* 0: off */
    u64 eject_time_ns;                /* 0: off */
    u32 eject_most, panic;            /* shares; panic 0: only when none is up */
    u64 slow_start_ns;                /* 0: off */
    u32 retry_max;                    /* how often a request is sent again; 0: never */
    struct outcomes retry_on;
    enum settings_retry_methods retry_methods;
    u32 retry_budget; /* upstream/retry_budget.h: thousandths of a per cent; 0: no limit */
    bool breaker;
    struct outcomes breaker_on; /* what counts as a failure */
    u32 breaker_failures;       /* upstream/circuit.h: in a row; 0: off */
    u32 breaker_errors;         /* the share of failures; 0: off */
    u64 breaker_slow_ns;        /* 0: off */
    u32 breaker_slow_share;     /* 0: off */
    u32 breaker_calls;          /* before a share says anything */
    u64 breaker_window_ns;
    u64 breaker_open_ns, breaker_open_max_ns;
    u32 breaker_probes;
    struct str breaker_fallback; /* a file; empty: none */
    u32 breaker_fallback_status;
    u64 slow_ns;           /* a request slower than this is warned about; 0: off */
    u32 trace_sample;      /* of requests without a parent, in thousandths of a per cent */
    struct str access_log; /* empty: off; "-": standard output; else a file. Text or JSON as `log`
                            */

    /* The cache of responses */
    bool cache;
    bool cache_client;          /* obeys the Cache-Control of requests */
    bool cache_status;          /* says in Cache-Status what it did */
    u64 cache_max_object_bytes; /* larger responses are not stored */
    u64 cache_ttl_ns;   /* how long what the app says no lifetime of is fresh; 0: not at all */
    u64 cache_stale_ns; /* how long it is sent when stale, while the app is asked; 0: off */
    u64 cache_stale_error_ns; /* likewise because the app fails; 0: off */
    u64 cache_wait_ns;        /* how long a request waits for another one's response; 0: off */
    bool cache_redis;         /* a second tier in Redis, if there is one */
    struct str cache_key;     /* what counts besides the URL (cache/cachekey.h) */
};

/* Every struct str in here is owned by the settings and NUL-terminated after its len (an empty
 * one has ptr "" or NULL). Where 0 means something else than nothing, it says so. */
struct settings {
    /* Where settings are read */
    struct str config;   /* the file; empty: the one in the app's folder */
    struct str app;      /* which app of the file; empty: the only one */
    struct str only;     /* the same, as pm2 has it */
    bool detach;         /* in the background */
    struct str env_name; /* "production": env_production of pm2's files too; empty: none */

    /* The app and its workers */
    struct settings_range workers; /* 0 to 0: auto; `fettle run` makes it a number before anybody
                                    * else sees it */
    u64 scale_period_ns;           /* how quickly workers become more (balance/scale.h) */
    u32 scale_cpus;                /* CPUs that are taken to be free, for tests; 0: measured */
    u32 port;             /* listen here instead of where the app asked to; 0: where it asked to */
    struct str name;      /* empty: from package.json or the file; `fettle run` fills it in */
    struct str cwd;       /* the app's working directory; empty: ours (or the package's folder) */
    struct str node;      /* the node program: a path, or a name to be found in PATH */
    struct str node_args; /* for node, before the app's file: words as a shell splits them */
    struct str uid, gid;  /* whom the workers run as: names or numbers; empty: us */
    struct str instance_var;  /* the variable with a worker's number */
    struct str increment_var; /* a variable to which that is added; empty: none */
    struct str env_file;      /* files with variables for the app, commas between; empty: none */
    u64 start_timeout_ns; /* a worker that neither listens nor idles by then has failed; 0: never */
    u64 drain_ns;         /* how long requests in flight may take when a worker or fettle stops */
    u64 kill_after_ns;    /* SIGTERM to SIGKILL, after the drain */
    u64 max_memory_bytes; /* resident size at which a worker is replaced; 0: off */
    u64 max_block_ns; /* a loop that runs this long without a wait has its worker replaced; 0: off
                       */

    u64 block_ns;      /* a turn of the loop this long is found out about; 0: off */
    u64 warn_block_ns; /* a loop blocked this long is warned about, with its stack; 0: off */

    /* Starts and restarts */
    bool wait_ready;        /* a worker is ready when it has called process.send('ready') */
    bool shutdown_message;  /* told to end by the message "shutdown" instead of SIGTERM */
    bool autorestart;       /* off: a worker that ends stays away */
    u32 max_restarts;       /* in a row, then it is given up; 0: for ever */
    u64 min_uptime_ns;      /* a life this long is a good one: what failed before is forgotten */
    u64 restart_delay_ns;   /* the least pause before a restart */
    u64 restart_backoff_ns; /* the first pause of one that keeps failing; it doubles */
    struct str stop_exit_codes; /* numbers, commas between; empty: none */
    struct str restart_at;      /* a pattern of cron's; empty: never */
    struct str watch;           /* paths, commas between; "on": the app's folder; empty: nothing */
    struct str watch_ignore;    /* patterns, commas between */
    u64 watch_delay_ns;         /* how long nothing must change before a restart */

    struct settings_request request;

    /* The proxy and its limits */
    u32 threads;      /* of the proxy; 0: auto, replaced by a number as `workers` is */
    bool load_report; /* upstream/load_report.h */
    struct settings_cidrs trust_proxy; /* peers whose X-Forwarded-* and X-Request-Id are believed */
    struct settings_cidrs rate_limit_exempt; /* clients that no rate limit holds for */
    u64 rate_limit_memory_bytes;             /* what is remembered of clients, for each algorithm */
    u32 max_connections;                     /* from clients, of the whole proxy */
    u64 buffer_memory_bytes;                 /* what is held for clients, in all */
    u64 max_line_bytes;                      /* request line, without its end: 414 */
    u64 max_head_bytes;                      /* request line and fields together: 431 */
    u32 max_fields;                          /* header fields of a request: 431 */
    u64 head_timeout_ns; /* from the first byte of a head to its end: 408; 0: no limit */
    u64 idle_timeout_ns; /* a connection kept alive without a request */

    /* Several hosts */
    struct str redis;     /* conf/redisurl.h; empty: none */
    u64 redis_timeout_ns; /* of one answer */
    struct str redis_prefix;

    u64 cache_bytes; /* of the cache of responses, all in all */

    struct str resolver; /* DNS servers; empty: the system's */
    struct str zone;     /* where this machine is (conf/upstreams.h); empty: nothing said */

    enum settings_parent trace_parent; /* whose traceparent is continued */

    /* What holds at some places only (conf/routes.h); empty: nothing */
    struct str listeners; /* what is said for addresses */
    struct str routes;    /* addresses that lead to several apps */
    struct str paths;     /* what is said for paths of the app */

    /* What is watched and told */
    struct endpoint admin;      /* /metrics, /healthz, /readyz, /api */
    struct str admin_token;     /* empty: only loopback and unix sockets are answered */
    u64 leak_after_ns;          /* how long handles must pile up to be a leak; 0: not watched */
    bool metrics_prom_client;   /* the names that prom-client uses */
    bool metrics_opentelemetry; /* OpenTelemetry's names in Prometheus' spelling */
    u32 watch_requests;         /* a second and worker, for their queries; 0: none */
    u32 n_plus_one;             /* executions in one request that are a finding; 0: none is */
    u64 n_plus_one_ns;          /* ... and this long together */
    u64 slow_statement_ns;      /* a statement that takes so long is a finding; 0: none is */
    struct str log_file;        /* of what the workers write; empty: our own output */
    struct str error_file;      /* of what they write to stderr; empty: log_file */
    struct str log_date_format; /* conf/dateform.h; empty: as in ISO 8601, UTC */
    struct str pid_file;        /* empty: none */
    u64 log_rotate_bytes;       /* 0: not by size */
    enum settings_period log_rotate;
    u32 log_keep;    /* rotated files; 0: all */
    u64 log_keep_ns; /* their age; 0: any */
    bool log_compress;
    enum settings_log log;
    enum log_level log_level;
    enum settings_color color;
    struct str
        runtime_dir; /* in `fettle run`: where to make the runtime folder, empty: the usual
                      * places. In proxy and monitor: the runtime folder itself (FETTLE_DIR) */

    /* What is sent by OTLP */
    struct str otlp; /* the URL that /v1/traces and /v1/metrics are added to; empty: off */
    struct str otlp_traces, otlp_metrics; /* whole URLs instead; empty: as `otlp` says */
    struct str otlp_headers;              /* "name=value,…", values percent-encoded */
    enum settings_signals otlp_signals;
    enum settings_temporality otlp_temporality;
    u64 otlp_interval_ns; /* between two looks at the metrics */
    u64 otlp_timeout_ns;  /* of one attempt */
    bool otlp_gzip;
    struct str otlp_certificate; /* a file of CA certificates; empty: the system's */

    /* private */
    struct settings_text *texts;
    struct settings_origin origin[SETTINGS_ROWS_MAX];
};

enum settings_type {
    SETTINGS_BOOL,     /* bool: on, off, yes, no, true, false, 1, 0 */
    SETTINGS_COUNT,    /* u32; `auto_word` may name 0 */
    SETTINGS_RANGE,    /* struct settings_range: 4 or 2-8; `auto_word` may name 0 to 0 */
    SETTINGS_SIZE,     /* u64 bytes: 512M, 1G, 8K, 300 (powers of 1024) */
    SETTINGS_DURATION, /* u64 ns: 10s, 500ms, 2m, 1h, 100us; never a bare number but 0 */
    SETTINGS_TEXT,     /* struct str */
    SETTINGS_PATH,     /* struct str; completed as a file */
    SETTINGS_LINES,    /* struct str: may be repeated; each value is a line of it */
    SETTINGS_LIST,     /* struct str: texts with commas between; may be repeated */
    SETTINGS_ENUM,     /* enum (u32): one of `words`, separated by | */
    SETTINGS_ADDRESS,  /* struct endpoint: host:port, :port, port, unix:path, off */
    SETTINGS_CIDRS,    /* struct settings_cidrs: comma-separated, may be repeated */
    SETTINGS_BALANCE,  /* struct settings_balance */
    SETTINGS_PERCENT,  /* u32, thousandths of a per cent: 10%, 0.5% */
    SETTINGS_OUTCOMES, /* struct outcomes: connect-failure,5xx; off */
};

enum settings_group {
    SETTINGS_GROUP_APP,
    SETTINGS_GROUP_RESTART,
    SETTINGS_GROUP_BALANCE,
    SETTINGS_GROUP_PROXY,
    SETTINGS_GROUP_UPSTREAM,
    SETTINGS_GROUP_CACHE,
    SETTINGS_GROUP_REDIS,
    SETTINGS_GROUP_WATCH,
    SETTINGS_GROUP_TRACE,
    SETTINGS_GROUPS,
};

enum settings_flag {
    SETTINGS_RELOADABLE = BIT(0), /* takes effect at SIGHUP, for new workers or in place */
    SETTINGS_SECRET = BIT(1),     /* never on a child's command line, never shown */
    SETTINGS_HIDDEN = BIT(2),     /* works, but is left out of help and completion */
    SETTINGS_ZERO_OFF = BIT(3),   /* 0 and "off" switch it off, whatever the range says */
    SETTINGS_EMPTY_OFF = BIT(4),  /* a text for which "off" is the empty text */
    SETTINGS_START = BIT(5),      /* says where settings are read; cannot stand in a file */
    SETTINGS_IN_PATH = BIT(6),    /* a path that without a slash is looked for in PATH */
    SETTINGS_WORDS = BIT(7),      /* a text that is split into words; a list in a file */
    SETTINGS_PATHS = BIT(8),      /* a list of paths */
    SETTINGS_BARE = BIT(9),       /* a list that without a value is "on"; a value follows = */
    SETTINGS_MADE = BIT(10),      /* of what a file says under other keys; people do not write it */
};

/* For what a setting may be said, besides for all of fettle. */
enum settings_scope {
    SETTINGS_OF_APP = BIT(0),
    SETTINGS_OF_LISTENER = BIT(1),
    SETTINGS_OF_ROUTE = BIT(2), /* its field is in struct settings_request */
};

/* What else a text must be, or a list as a whole, with commas between. -EINVAL with *p. */
typedef int settings_check_fn(struct str text, struct problem *p);

struct settings_row {
    const char *name; /* "max-memory": --max-memory, FETTLE_MAX_MEMORY, a file's key */
    char short_flag;  /* 'w', or 0 */
    enum settings_type type;
    u32 group;                /* enum settings_group, or one of the table's own */
    u32 flags;                /* enum settings_flag */
    u32 scope;                /* enum settings_scope */
    size_t offset;            /* in struct settings */
    const char *default_text; /* parsed as a value is; "" only for texts and lists */
    u64 least, most;          /* count, bytes or ns; most 0: no range */
    const char
        *words; /* SETTINGS_ENUM; for SETTINGS_COUNT and _RANGE the word for 0 ("auto"), or NULL */
    settings_check_fn *check; /* of SETTINGS_TEXT and SETTINGS_LIST; NULL: nothing else */
    const char *placeholder;  /* "SIZE", as --help shows it */
    const char *help;         /* one line, without a full stop */
    const char *more;         /* full sentences for the man page and doc/settings.md, or NULL */
};

/* Of several apps that run together all have the same value: it is the one proxy's or monitor's. */
static inline bool settings_row_is_shared(const struct settings_row *row)
{
    return !(row->scope & SETTINGS_OF_APP) && !(row->flags & SETTINGS_START);
}

extern const struct settings_row settings_rows[];
extern const u32 settings_row_count;

/* The rows of one command: those of `fettle run`, which are settings, or the flags of another one,
 * which has a struct of its own that the offsets are meant for. */
struct settings_table {
    const char *command; /* "run" */
    const struct settings_row *rows;
    const u32 *count;
    const char *const *group_title;
    u32 groups;
    const char *operands; /* what may be said of a word too many, or of an unknown flag */
};
extern const struct settings_table settings_of_run;

/* Where values go: the struct that the offsets of the rows are meant for, and the texts it owns. */
struct settings_values {
    void *fields;
    struct settings_text **texts;
};

const struct settings_row *settings_table_find(const struct settings_table *t, struct str name,
                                               const char **nearest);
/* All defaults of a table that is not `settings_of_run`. -ENOMEM. */
MUST_USE int settings_table_init(const struct settings_table *t, const struct settings_values *to);
/* Frees a list of texts. */
void settings_texts_free(struct settings_text **texts);
/* Moves all of `more` into another list. */
void settings_texts_join(struct settings_text **texts, struct settings_text **more);

/* The row of this name or NULL; *nearest (may be NULL) is then the name most like it, or NULL when
 * none is near. */
const struct settings_row *settings_row_find(struct str name, const char **nearest);

/* All defaults. -ENOMEM. */
MUST_USE int settings_init(struct settings *s);
void settings_done(struct settings *s);
/* The same values, whose texts stay those of `from`: it must live longer. */
void settings_borrow(struct settings *to, const struct settings *from);

/* Reads `value` for `row`. A value from a weaker source than the one in force is checked and then
 * left aside. The same source again replaces, or adds to a list. -EINVAL with *p, -ENOMEM. */
MUST_USE int settings_set(struct settings *s, const struct settings_row *row, struct str value,
                          const struct settings_origin *origin, struct problem *p);

/* Every FETTLE_NAME in `env` ("NAME=value", NULL at the end) whose row has all of `flags` (0: all
 * rows; SETTINGS_SECRET: what a child may take from there). An empty value counts as unset.
 * -EINVAL with *p, -ENOMEM. Other FETTLE_* names are left alone. */
MUST_USE int settings_read_env(struct settings *s, char *const *env, u32 flags, struct problem *p);
/* The first FETTLE_NAME in `env` that is no setting but nearly one, and the one it looks like.
 * False: there is none. */
MUST_USE bool settings_env_misspelt(char *const *env, struct str *name,
                                    const struct settings_row **meant);

/* What a command line holds besides settings. */
struct settings_args {
    u32 operands; /* argv indices: the words that are no flags, before "--" */
    u32 operand[8];
    u32 rest;           /* index of the first word after "--"; argc when there is none */
    bool help, version; /* -h, --help, -V, --version were given: nothing after them was read */
};

/* Reads the flags in argv[first] … argv[argc-1]: --name value, --name=value, -w 4, -w4, and for a
 * bool --name, --name=off and --no-name. A lone "--" ends them. -EINVAL with *p, -ENOMEM. */
MUST_USE int settings_read_args(struct settings *s, int argc, char *const *argv, int first,
                                struct settings_args *out, struct problem *p);

/* The same for a table that is not `settings_of_run`. */
MUST_USE int settings_table_read_args(const struct settings_table *t,
                                      const struct settings_values *to, int argc, char *const *argv,
                                      int first, struct settings_args *out, struct problem *p);

/* What single values cannot show: a line longer than the head, an admin address that other hosts
 * reach without a token; for listeners, too. -EINVAL with *p. */
MUST_USE int settings_check(const struct settings *s, struct problem *p);

/* Writes what differs from the defaults as flags, each NUL-terminated
 * ("--workers=4\0--log=json\0"), secrets as environment entries into `env` likewise
 * ("FETTLE_ADMIN_TOKEN=…\0"); either may be NULL. settings_read_args and settings_read_env give
 * equal settings from them. Failed allocations show in the bufs. */
void settings_write_args(const struct settings *s, struct buf *args, struct buf *env);

/* The value of a row as text that settings_set reads back to the same value. */
void settings_text(const struct settings *s, const struct settings_row *row, struct buf *out);
/* The same value in both? */
MUST_USE bool settings_same(const struct settings *a, const struct settings *b,
                            const struct settings_row *row);
const struct settings_origin *settings_origin_of(const struct settings *s,
                                                 const struct settings_row *row);

/* Sets a text of the settings to a copy of `value`, for those that `fettle run` fills in. -ENOMEM.
 */
MUST_USE int settings_put(struct settings *s, struct str *field, struct str value);
/* The same for a list of texts. */
MUST_USE int settings_text_put(struct settings_text **texts, struct str *field, struct str value);

/* Puts before p->text which setting it is about, and where that was said. -EINVAL. */
int settings_problem_place(struct problem *p, const struct settings_row *row,
                           const struct settings_origin *origin);

/* "FETTLE_MAX_MEMORY" for "max-memory". */
void settings_env_name(const struct settings_row *row, struct buf *out);
