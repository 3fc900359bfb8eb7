/* worker/supervisor.h -- runs apps: their workers and listening sockets, one proxy, one monitor
 *
 * One thread, one loop. It parses no traffic; what comes from the app (output,
 * control messages, shared memory) is checked and bounded.
 *
 * What it does with a worker that ends by itself:
 *   - It is started again, at once when it had lived 30 s, else after a pause that begins at
 *     100 ms and doubles up to backoff_max_ns. Five ends within 10 s of run time (and again when
 *     the pause has reached its maximum) are named once, with the last lines it wrote.
 *   - Exit code 0 while nothing of the app has ever listened: the worker has finished, like a
 *     script, and is not started again. When all have finished, the app has.
 *   - While no worker of an app was ever ready, the app is given up when every worker has failed at
 *     least once and there were at least three failures.
 *   - With max_restarts a worker is given up after so many failures in a row, ready or not; with
 *     rules.restarts off, at its first end. When nothing but such workers is left, the app is given
 *     up.
 *
 * All of that is each app's own affair; the others go on. When every app is over, fettle ends: with
 * 1 when one was given up (whoever runs containers wants to know), else with 0. An address that
 * one app listens on is refused to another with EADDRINUSE.
 *
 * When a worker is ready: when it listens; or, for one that does not, when its main script has
 * run and it has not listened for 1 s (3 s when a shell or npm runs it); and a side process, which
 * is not Node, after 1 s (10 s when that is not known). A replacement (reload,
 * memory) takes over only when it listens on all that the old one listens on; one that listens
 * on something else instead takes over after 5 s.
 *
 * Exit codes of supervisor_run:
 *   0     asked to end (SIGTERM, SIGINT), whether or not all requests were done in drain_ns; or
 *         all apps have finished
 *   1     could not start: *problem says why; or an app never became ready
 *   128+n a second SIGTERM or SIGINT (n) ended all at once
 *
 * Signals: SIGTERM, SIGINT: drain and end, a second one ends at once. SIGHUP: reload the workers
 * one by one (a terminal that was closed means SIGTERM). SIGUSR2: log files may have been moved.
 * SIGUSR1, SIGPIPE: ignored.
 */
#pragma once

#include "base/problem.h"
#include "base/strings.h"
#include "conf/cron.h"
#include "conf/endpoint.h"
#include "io/activation.h"
#include "io/child.h"
#include "io/notify.h"
#include "logs/logfile.h"
#include "shm/layout.h"
#include "worker/backoff.h"
#include "worker/predecessor.h"
#include "worker/successor.h"
#include "worker/verdict.h"

/* Of all apps together: some more are there while they are replaced. */
enum { SUPERVISOR_WORKERS_MAX = SHM_SLOTS_MAX - 32 };

struct app_conf {
    const char *name;  /* for people */
    char *const *argv; /* the whole command of a worker, argv[0] included */
    bool is_node;      /* argv runs node itself, with node_path; else a shell, npm … that will */
    bool is_side;      /* argv is known not to be Node (worker/side.h) */
    bool is_hosts;     /* it has no processes: its requests go to other hosts */
    const char *node_path;  /* the node to execute; when not is_node its folder goes first in PATH;
                             * NULL: "node" from PATH */
    const char *cwd;        /* of the workers; NULL: the present one */
    char *const *base_env;  /* their environment; NULL: ours */
    char *const *extra_env; /* "NAME=value" added to the workers' environment; NULL: none */
    const char *env_files; /* .env files, commas between, read for each process; what is set already
                            * wins over them, and so does extra_env; NULL: none */
    const struct child_user *user; /* whom the workers run as; NULL: us */
    const char *instance_var;      /* NULL: NODE_APP_INSTANCE */
    const char *increment_var; /* a variable whose value gets the worker's number added; or NULL */
    u32 workers;               /* 1 … 128 */
    u32 workers_most;    /* not more than `workers`: so many; else there may be so many, by load */
    u64 scale_period_ns; /* struct scale_conf; 0: the usual one */
    u32 scale_cpus;      /* are taken to be free always, for tests; 0: it is measured */
    u32 port;            /* instead of the port of the app's first http listener; 0: as asked */

    u64 max_memory_bytes; /* resident size at which a worker is replaced; 0: never */
    u64 max_block_ns;     /* a loop that is blocked so long gets its worker replaced; 0: never */
    u64 block_ns;         /* a turn of a loop this long is told to the monitor; 0: none */
    u32 watch_requests, n_plus_one; /* struct shm_app */
    u64 n_plus_one_ns, slow_statement_ns;
    bool traced;          /* struct shm_app */
    u64 warn_block_ns;    /* a warning with the stack; 0: none. 1 s is the usual */
    u64 drain_ns;         /* how long requests may take to finish when a worker or fettle ends */
    u64 kill_after_ns;    /* between SIGTERM and SIGKILL */
    u64 start_timeout_ns; /* for the main script of a worker to run */
    const char *settings_json; /* those that are not the default, as `fettle describe` shows them;
                                * NULL: not known */
    const char *places_json;   /* what is said for listeners and routes, likewise */
    bool removed;              /* a reload found it gone from the settings */
    u64 backoff_max_ns;        /* longest pause before a failing worker is started again */

    const char *log_file;   /* for what workers write; NULL or empty: our own output */
    const char *error_file; /* for their stderr; NULL or empty: as log_file */
    const char
        *log_date_format;   /* of lines in files (conf/dateform.h); NULL or empty: the usual one */
    const char *pid_file;   /* gets our pid; NULL or empty: none */
    const char *access_log; /* as the proxy has it: so that people can be told */
    struct logfile_rules log_rules;

    const char *watch;        /* files and folders, absolute, commas between: a change of them
                               * restarts the app; NULL: nothing is watched */
    const char *watch_ignore; /* patterns, commas between (worker/watch_rules.h) */
    u64 watch_delay_ns;       /* after the last change of a series */

    struct backoff_pace pace;   /* of its restarts; max_ns is backoff_max_ns */
    struct verdict_rules rules; /* which ends are final */
    bool wait_ready;            /* ready when it has called process.send('ready'), not before */
    bool shutdown_message;      /* told to end by the message "shutdown", not by SIGTERM */
    u64 restart_delay_ns;       /* the least pause before a restart */
    u32 max_restarts;           /* in a row, then a worker is given up; 0: for ever */
    bool has_restart_at;        /* reloaded, or started again, when that is due */
    struct cron restart_at;
};

/* What it means for the supervisor that the settings were read again. */
struct supervisor_news {
    struct strings *notes; /* for people */
    bool proxy;            /* some of it is for the proxy */
    /* Opens those of the addresses that are not open yet. -EINVAL with *p: one cannot be, and none
     * was. */
    int (*listen)(struct supervisor_news *news, const struct endpoint *routed, u32 n,
                  struct problem *p);
};

struct supervisor_conf {
    const struct app_conf *app; /* 1 … SHM_APPS_MAX of them, names and all */
    u32 apps;                   /* more after a reload; those that are gone keep their place */
    const char *log_path; /* of a fettle in the background; NULL: none. For `fettle describe` */
    const struct endpoint *routed; /* addresses to listen on ourselves, for routes; NULL: none */
    u32 routed_n;
    const char *listeners; /* the setting of that name (conf/routes.h); NULL: nothing */
    /* From which this one takes over (worker/predecessor.h); NULL: from none. And what is started
     * to take over from this one; what that leaves behind is written to *left when it is not NULL.
     */
    struct predecessor *predecessor;
    struct successor_conf successor;
    struct successor_left *left;

    /* What a service manager gave: where it is told how fettle is, and sockets; NULL: nothing. */
    const struct notify *notify;
    struct activation *activation;
    bool log_json;           /* workers' lines as JSON objects */
    const char *agent_dir;   /* absolute; where fettle-loop.so, agent.js and agent.node are */
    const char *runtime_dir; /* the folder in which to make the runtime folder; NULL: the first of
                              * $XDG_RUNTIME_DIR, /run (root), /tmp, /dev/shm that allows it */

    /* Command lines of fettle's own helpers, run by /proc/self/exe with the descriptors of
     * shm/wire.h (WIRE_SHM_FD and those after it) and FETTLE_DIR=<runtime folder> in
     * their environment. The monitor's WIRE_PROXY_FD is only for seeing the end of the supervisor.
     * Both ignore SIGINT, SIGHUP and SIGTERM (terminals and service managers send them to all);
     * they end when that socket does, and die with the supervisor. */
    char *const *proxy_argv;
    char *const *monitor_argv; /* NULL: no monitor */

    /* How the settings are read again (worker/reread.h): a command line for /proc/self/exe, its
     * environment and folder. NULL: they are not. reread_take is given what that has printed and
     * changes this struct and its apps in place, and says in *news what that means. -EINVAL with
     * *p: nothing has changed. */
    char *const *reread_argv;
    char *const *reread_env;
    const char *reread_cwd;
    int (*reread_take)(const struct supervisor_conf *conf, struct str text,
                       struct supervisor_news *news, struct problem *p);
};

/* The usual values of all settings that are times, and one worker; the rest is zero. */
struct app_conf app_conf_default(void);

/* Runs until it is told to end or everything has finished; returns the exit code. When that is 1
 * before anything could be started, *problem says why; else its text is empty and the reason has
 * been logged. log_setup first. Call from the main thread of a process with no other thread. */
MUST_USE int supervisor_run(const struct supervisor_conf *conf, struct problem *problem);
