/* app/command.c -- the commands of fettle, in one table */
#include "app/command.h"

#include "app/bench_options.h"
#include "app/config_options.h"
#include "app/control_options.h"
#include "app/exit_code.h"
#include "app/logs_options.h"
#include "app/service_options.h"

#include <stdarg.h>

/* clang-format off */
const struct command commands[] = {
{ "run", "[FLAGS] [TARGET] [-- ARGS]", "run a Node app on every core", 
  "Runs an unmodified Node app in several processes (workers), behind a proxy that gives each request to a worker whose event loop is free, replaces workers that crash, leak or hang, and serves metrics.\n"
  "TARGET is a file (server.js, also .mjs, .cjs, .ts, .mts, .cts), a folder with a package.json (its start script, else its main, else index.js, server.js or app.js), or npm:NAME for a script of the package.json here or in the nearest folder above; or a file that says what to run: fettle.json, fettle.config.js, pm2's ecosystem.config.js, a Procfile. Without a TARGET, the current folder is meant. ARGS go to the app.\n"
  "fettle listens where the app asks to listen. SIGTERM and SIGINT let the requests in flight finish and end it; SIGHUP replaces all workers, one by one, without a failed request.",
  .flags = &settings_of_run, .run = run_command },
{ "ps", "[FLAGS]", "show all apps and how they are",
  "A row for each app of this user, whichever fettle runs it: how many of its workers are ready, of how many; loop, how busy their event loops are; p99, the time that 99 of 100 requests stay below, and requests a second, both of the last ten seconds; memory; restarts; how long it runs; its state. Below that, what is not as it should be. A terminal that is too narrow shows fewer columns; what is no terminal gets all of them.\n"
  "With --json: {\"apps\":[…]}, each with name, state, workers_ready, workers_wanted, utilization, p99_ms, requests_per_second, memory_bytes, restarts, uptime_ms, urls, findings, supervisor_pid. What is not known is null.",
  .aliases = "ls|list|status", .flags = &ps_flags, .run = ps_command },
{ "describe", "[FLAGS] [APP]", "tell everything about one app",
  "Its command and folder, where it listens, each worker with its process, state, loop, memory, restarts and why the last one was, and the settings that are not the default, with where they were read. APP may be left out where there is just one; APP/2 shows its second worker only.",
  .aliases = "show|info", .flags = &describe_flags, .takes_app = true, .run = describe_command },
{ "findings", "[FLAGS] [APP]", "tell what is wrong with the apps",
  "What fettle has seen while they run: each blocked event loop with the line of the app that blocked it, statements that repeat, handles that are never closed. What was found again in the same place is counted, not listed twice; the newest comes first. It is kept until the monitor ends, 256 of them at the most. doc/blocked-loop.md, doc/queries.md and doc/handles.md say what the kinds mean.\n"
  "With --json: {\"findings\":[…]}, each with id, kind, title, app, workers, route, subject, place (function, file, line, column, source), text, advice, count, first_ms, last_ms (since 1970), total_ms, worst_ms, stack_ms (how long after the turn began its stack was there), stack_at_ns. What is not known is null.",
  .flags = &findings_flags, .takes_app = true, .run = findings_command },
{ "circuits", "[FLAGS] [APP]", "show the circuit breakers",
  "A row for each circuit breaker (the setting breaker, doc/resilience.md), of the app as a whole or of a route: its state, closed, open or half-open, and for how long; for how long it stays open; how often it has opened, and what opened it last (failures in a row, the share of errors, slow responses, a probe that failed); requests let through, those of them that failed or were slow, and those refused.\n"
  "With --json: {\"circuits\":[…]}, each with app, route (empty: the app as a whole), state, opened_by (failures, errors, slow, probe, or empty), since_ms, open_for_ms, failures_in_a_row, opened, calls, failures, slow, refused.",
  .flags = &circuits_flags, .takes_app = true, .minor = true, .run = circuits_command },
{ "upstreams", "[FLAGS] [APP]", "show the hosts that requests go to",
  "A row for each endpoint of the setting upstream (doc/upstreams.md), of the app as a whole or of a route: its address, and what the list says for it; its zone; its state, up, ejected (requests have failed), down (probes have failed) or leaving (not in the list any more), and for how long; its weight; requests that run there, connections, requests that are over, those of them that failed; how long its answers took to begin, lately; how often it was ejected.\n"
  "With --json: {\"upstreams\":[…]}, each with app, route (empty: the app as a whole), endpoint, name, zone, state, since_ms, ejected_for_ms, weight, priority, in_flight, connections, requests, failures, results (ok, connect, reset, timeout, error, unknown), latency_ms, ejections, connected, reused, sent_bytes, received_bytes. What is not known is null.",
  .flags = &upstreams_flags, .takes_app = true, .minor = true, .run = upstreams_command },
{ "routes", "[FLAGS] [APP]", "show what each route costs, and asks",
  "A row for each route of the apps, as their frameworks name them: requests and errors (5xx); the time that 50 and 99 of 100 requests stay below; loop, for how long a request keeps its event loop running, and CPU, how much CPU time that is; allocates, how many bytes of memory it takes on the way (doc/routes.md says how these are known); size, how many bytes an answer has; queries, how many statements a request sends to databases, and in them, how long it waits for these; the statement that takes the most time in all. Queries are those of watched requests (watch-requests, doc/queries.md). Where an app names no routes, its paths with identifiers left out stand for them.\n"
  "With --json: {\"routes\":[…]}, each with app, method, route, named_by (app, path, nobody), requests, per_second, errors, p50_ms, p99_ms, mean_ms, loop_ms, loop_ms_total, cpu_ms, cpu_ms_total, measured, allocated_bytes, response_bytes, response_bytes_total, request_bytes_total, block_ms, watched (requests), queries, queries_ms, calls, calls_ms (of one request, on average), slowest (system, statement, count, errors, total_ms, mean_ms, max_ms). What is not known is null or left out.",
  .flags = &routes_flags, .takes_app = true, .run = routes_command },
{ "cache", "[FLAGS] [[purge] APP] [PATH]", "show or purge the cache of responses",
  "A row for each route of an app for which the cache is on (--cache, doc/cache.md): hits; stale, answered with what was stale by then; validated, answered after the app had said that it is still true; misses; passed, requests that a cache does not answer; the share of hits, and the bytes sent. Below it: the memory that is taken, of how much.\n"
  "`fettle cache purge APP PATH` removes what is stored for a path, whatever its query and host; a * at its end stands for all that begin so, and a path with a query means just that one. --tag removes what the app has marked with a surrogate key (Surrogate-Key or Cache-Tag), --all everything. Answers that the app was asked for before are not stored any more.\n"
  "With --json: {\"apps\":[…]}, each with app, hits, stale, stale_if_error, validated, misses, passed, hit_ratio, sent_bytes, memory_bytes, memory_bytes_max, responses, routes.",
  .flags = &cache_flags, .takes_app = true, .minor = true, .run = cache_command },
{ "reload", "[FLAGS] [APP]", "new code, without a failed request",
  "Reads the settings again, then replaces the workers one by one: a new process serves before the old one is drained. A mistake in the settings is told with its file and line, and nothing changes. A new process that does not get ready leaves the old ones serving; the last lines that it wrote are shown, and the exit code is 1. Settings that only a start can change are named. APP is the name of an app, APP/2 its second worker, or all; it may be left out where there is just one app. SIGHUP does the same for all apps.",
  .flags = &reload_flags, .takes_app = true, .run = reload_command },
{ "restart", "[FLAGS] [APP]", "end all workers and start them anew",
  "All at once, which is quicker than reload, and for a moment nobody serves: requests wait for the new workers. APP as with reload.",
  .flags = &restart_flags, .takes_app = true, .run = restart_command },
{ "stop", "[FLAGS] [APP]", "end an app",
  "Requests in flight may finish. Where fettle runs several apps, the others go on, and `fettle start` starts it again; a fettle that runs this one only ends with it, as with stop all. APP as with reload.",
  .aliases = "delete", .flags = &stop_flags, .takes_app = true, .run = stop_command },
{ "start", "[FLAGS] APP", "start an app that was stopped",
  "Within the fettle that ran it before; for anything else there is `fettle run`.",
  .flags = &start_flags, .takes_app = true, .minor = true, .run = start_command },
{ "scale", "[APP] N|+N|-N|auto", "change the number of workers",
  "To N, or by so many more or less. New ones start, those that are too many are drained; it waits until that is done. It holds until the next start or reload of the settings, for an app with a least and a most number (--workers 2-8) too; auto gives it back to the load.",
  .flags = &scale_flags, .takes_app = true, .run = scale_command },
{ "env", "[FLAGS] [APP] [WORKER]", "show the environment of workers",
  "As the process has it, of the first worker unless another one is named. Values of names with TOKEN, PASSWORD, SECRET, KEY and their like are masked, unless --show-secrets asks for them; so are passwords in URLs.",
  .flags = &env_flags, .takes_app = true, .minor = true, .run = env_command },
{ "signal", "[FLAGS] [APP] SIGNAL", "send a signal to an app's workers",
  "To the main process of each worker, or of one: APP/2. SIGNAL is a name such as SIGUSR2, with or without SIG, or a number.",
  .aliases = "sendSignal", .flags = &signal_flags, .takes_app = true, .minor = true, .run = signal_command },
{ "upgrade", "[FLAGS] [APP]", "replace fettle, and lose no request",
  "For a newer version of fettle that has been installed (nothing is downloaded), or after a change that needs a new start. A fettle that runs starts another one from the same path, with the same command line, folder and environment; that one reads the settings anew, gets the listening sockets, and starts the apps beside the old ones. When all of them are ready, it takes over, and the old fettle finishes its requests and ends: WebSockets and the like have --drain for that. If the new one does not get ready, nothing changes, and it is told why.\n"
  "Log files, the number of workers, and apps that were stopped stay as they are. A fettle in a terminal or a container keeps its process, which then waits for the new one; systemd is told of the new main process. While both run, there are twice as many workers. APP is one of its apps, where several fettles run, or all.",
  .aliases = "update", .flags = &upgrade_flags, .takes_app = true, .run = upgrade_command },
{ "bench", "[FLAGS] URL [URL2]", "put a load on a server and measure it",
  "Sends requests to http://host:port/path, or messages to ws://host:port/path and waits for their echo. Without --rate each connection sends the next request when it has the answer (a closed loop: how much can it take). With --rate each request has a time at which it shall be sent, and its latency counts from then, whether or not a connection was free (an open loop: how long do users wait); so a server that stalls cannot hide it.\n"
  "With a second URL, the two are measured in turns, and the ratios second / first are given with their 95 % confidence intervals.\n"
  "Ctrl-C ends it with what has been measured so far.",
  .flags = &bench_flags, .run = bench_command },
{ "heap", "COMMAND …", "heap snapshots: take them, read them",
  "What holds the memory of a Node process. A snapshot is a file that Chrome DevTools opens too.",
  .subs = heap_commands },
{ "cpu", "COMMAND …", "CPU profiles: record them, read them",
  "Which functions the time of a Node process goes to.",
  .subs = cpu_commands },
{ "sql", "COMMAND …", "SQL statements: why they are slow",
  "What a database does for a statement, and which index would make it faster.",
  .subs = sql_commands },
{ "config", "check|show|schema [FILE]", "look at settings in files",
  "check says everything that is wrong in the file of settings here (or in FILE, or in FILE when it is a folder), with its line and what would be right; what of a file of pm2's does not happen here; and which of the settings are reloadable. A file that is JavaScript or TypeScript is run.\n"
  "show lists every setting with its value and where that came from: a file and line, the environment, or the default.\n"
  "schema prints a JSON Schema of fettle.json, with which editors complete and check it.",
  .flags = &config_flags, .run = config_command },
{ "logs", "[FLAGS] [APP[/WORKER]]", "what the apps have written",
  "Reads the log files that the settings in this folder name (log-file, error-file), else those of the apps that run, or --file: those that were rotated and compressed, too, in the order of time. Of an app without a log file, what fettle keeps in memory: the newest 512 KB. APP is the name of an app, WORKER the number of one of its workers: shop, shop/2, /2.\n"
  "A time is how long ago it was (10m, 2h, 3d), a date, or a date and time: 2026-11-26T04:02:26Z.",
  .flags = &logs_flags, .takes_app = true, .run = logs_command },
{ "service", "install|remove|show …", "start an app at boot, by systemd",
  "fettle service install [FLAGS] [TARGET] [-- ARGS] writes a unit for what fettle run TARGET with the same flags would run, enables it and starts it: a unit of the machine's for root, else one of your own. It takes every flag of fettle run. systemd then starts it at boot, watches it (sd_notify, watchdog), restarts it when it fails, and shuts from it what an ordinary app does not need. A unit that fettle did not write is left alone.\n"
  "With --socket, systemd opens the port: that may be one below 1024, and clients wait while fettle itself is restarted.\n"
  "show prints the units and whether they are installed. remove stops and removes them; NAME, as in fettle service remove NAME, is enough.",
  .flags = &service_flags, .run = service_command },
{ "help", "[TOPIC]", "explain a command or a topic",
  "TOPIC is the name of a command, settings (how settings are written and where they are read), or exit-codes.",
  .run = help_command },
{ "completion", "bash|zsh|fish", "print a completion script for a shell",
  "For the present session: source <(fettle completion bash) or source <(fettle completion zsh), and fettle completion fish | source. make install puts the scripts where the shells look for them.",
  .run = completion_command },
{ "version", "", "tell the versions of fettle and node", NULL, .run = version_command },
{ "__proxy", "[FLAGS]", "the proxy, as fettle run starts it", NULL, .flags = &settings_of_run, .hidden = true, .run = proxy_command },
{ "__monitor", "[FLAGS]", "the monitor, as fettle run starts it", NULL, .flags = &settings_of_run, .hidden = true, .run = monitor_command },
{ "__stack", "PID", "the stack of a blocked loop, as the monitor asks for it", NULL, .hidden = true, .run = stack_command },
{ "__log-tidy", "", "compress and delete old log files", NULL, .hidden = true, .run = log_tidy_command },
{ "__man", "", "print the man page", NULL, .hidden = true, .run = man_command },
{ "__settings-md", "", "print doc/settings.md", NULL, .hidden = true, .run = settings_page_command },
{ "__pm2-md", "", "print doc/pm2.md", NULL, .hidden = true, .run = pm2_page_command },
{ "__apps", "", "print the names of the apps that run, for completion", NULL, .hidden = true, .run = apps_command },
{ "__reread", "", "read the settings for a reload", NULL, .hidden = true, .run = reread_command },
{ "__scripts", "", "print the names of the package's scripts, for completion", NULL, .hidden = true, .run = scripts_command },
};

const struct example examples[] = {
{ "run", "fettle run server.js", "on every core, where the app listens" },
{ "run", "fettle run .", "the start script of the package here" },
{ "run", "fettle run npm:serve", "another script of it" },
{ "run", "fettle run -w 4 --port 8080 --max-memory 512M server.js", "" },
{ "run", "fettle run --log json --admin off server.js -- --app-arg", "" },
{ "run", "fettle run ecosystem.config.js", "a file of pm2's" },
{ "logs", "fettle logs -f", "the last lines, and those that come" },
{ "logs", "fettle logs shop/2 --since 10m", "of one worker" },
{ "logs", "fettle logs --errors --since 2026-11-26", "" },
{ "logs", "fettle logs --grep 'timeout|refused' --json", "" },
{ "ps", "fettle ps", "" },
{ "ps", "fettle ps -f", "again every second, in place" },
{ "ps", "fettle ps --json", "" },
{ "describe", "fettle describe shop", "" },
{ "describe", "fettle describe shop/2", "its second worker" },
{ "findings", "fettle findings", "of all apps" },
{ "findings", "fettle findings shop --since 10m", "" },
{ "findings", "fettle findings --kind blocked-loop --json", "" },
{ "circuits", "fettle circuits", "of all apps" },
{ "upstreams", "fettle upstreams", "of all apps" },
{ "upstreams", "fettle upstreams shop --json", "" },
{ "routes", "fettle routes", "of all apps" },
{ "routes", "fettle routes --sort loop-total", "what keeps the loops running, the most first" },
{ "routes", "fettle routes shop --json", "" },
{ "cache", "fettle cache", "of all apps" },
{ "cache", "fettle cache purge shop '/products/*'", "all below that path" },
{ "cache", "fettle cache purge shop --tag product-7", "" },
{ "cache", "fettle cache purge shop --all", "" },
{ "reload", "fettle reload", "where there is just one app" },
{ "reload", "fettle reload shop", "" },
{ "reload", "fettle reload all --timeout 2m", "" },
{ "restart", "fettle restart shop/2", "its second worker" },
{ "stop", "fettle stop shop", "" },
{ "stop", "fettle stop all", "" },
{ "start", "fettle start shop", "" },
{ "scale", "fettle scale shop 4", "" },
{ "scale", "fettle scale shop +1", "one more" },
{ "env", "fettle env shop", "" },
{ "env", "fettle env shop 2 --show-secrets", "" },
{ "signal", "fettle signal shop SIGUSR2", "" },
{ "signal", "fettle signal shop/1 SIGUSR1", "opens the inspector of a worker" },
{ "upgrade", "fettle upgrade", "" },
{ "upgrade", "fettle upgrade all --timeout 2m", "" },
{ "service", "sudo fettle service install -w 2-8 /srv/shop", "" },
{ "service", "sudo fettle service install --socket 80 --as www-data server.js", "" },
{ "service", "fettle service show .", "what would be written" },
{ "service", "sudo fettle service remove shop", "" },
{ "heap summary", "fettle heap summary app.heapsnapshot", "what the memory is made of" },
{ "heap summary", "ssh web1 cat app.heapsnapshot.gz | fettle heap summary -", "" },
{ "heap biggest", "fettle heap biggest --top 40 app.heapsnapshot", "what holds the memory" },
{ "heap show", "fettle heap show app.heapsnapshot @12345", "the object with this id" },
{ "heap path", "fettle heap path app.heapsnapshot @12345 --all 3", "the three shortest paths that hold it" },
{ "heap diff", "fettle heap diff before.heapsnapshot after.heapsnapshot", "what came and went" },
{ "heap query", "fettle heap query app.heapsnapshot 'class=Session retained>1M'", "" },
{ "heap query", "fettle heap query app.heapsnapshot duplicated-strings", "texts that are in memory more than once" },
{ "heap check", "fettle heap check app.heapsnapshot --max-retained Session=5M --max-count 'Detached *=0'", "for CI" },
{ "heap check", "fettle heap check before.heapsnapshot after.heapsnapshot --max-growth 1%", "" },
{ "heap leaks", "fettle heap leaks shop --interval 1m", "a worker that serves: watched for two minutes" },
{ "heap leaks", "fettle heap leaks a.heapsnapshot b.heapsnapshot c.heapsnapshot", "three snapshots of one process" },
{ "heap snapshot", "fettle heap snapshot shop/2", "a worker of an app that fettle runs" },
{ "heap snapshot", "fettle heap snapshot 4711 -o app.heapsnapshot.gz", "any Node, by its pid" },
{ "heap snapshot", "fettle heap snapshot 127.0.0.1:9229 -o - | zstd >app.heapsnapshot.zst", "" },
{ "heap report", "fettle heap report shop.heapprofile", "the functions that allocated what stayed" },
{ "heap record", "fettle heap record shop/2 --seconds 60", "what allocates, and stays" },
{ "heap record", "fettle heap record 4711 --garbage -o app.heapprofile", "" },
{ "cpu report", "fettle cpu report shop.cpuprofile", "functions, lines and packages that took the time" },
{ "cpu flame", "fettle cpu flame shop.cpuprofile --open", "shop.flame.html, in the browser" },
{ "cpu flame", "fettle cpu flame shop.cpuprofile -o shop.svg", "" },
{ "cpu record", "fettle cpu record shop/1 -o shop.html", "a flame graph at once" },
{ "cpu diff", "fettle cpu diff before.cpuprofile after.cpuprofile", "" },
{ "cpu diff", "fettle cpu diff --max-regression 10% a1.cpuprofile,a2.cpuprofile,a3.cpuprofile b1.cpuprofile,b2.cpuprofile,b3.cpuprofile", "for CI" },
{ "cpu scale", "fettle cpu scale run-1000.cpuprofile run-2000.cpuprofile run-4000.cpuprofile", "" },
{ "cpu scale", "fettle cpu scale --sizes 1k,2k,4k a.cpuprofile b.cpuprofile c.cpuprofile", "" },
{ "cpu record", "fettle cpu record shop", "all workers, a file each" },
{ "cpu record", "fettle cpu record 4711 --seconds 30 -o app.cpuprofile", "" },
{ "sql indexes", "fettle sql indexes --db postgresql://localhost/shop", "" },
{ "sql explain", "fettle sql explain --db postgresql://localhost/shop 'select * from orders where user_id = $1'", "" },
{ "sql explain", "fettle sql explain --db sqlite:shop.db slow.sql", "each statement of a file" },
{ "sql explain", "fettle sql explain --db mysql://app@localhost/shop shop", "those of the running app shop" },
{ "sql explain", "fettle sql explain --db mysql://app@localhost/shop shop 4f2a91c0", "one of them" },
{ "sql statements", "fettle sql statements shop", "those first that take the most time" },
{ "config", "fettle config check", "" },
{ "config", "fettle config show --app shop", "" },
{ "config", "fettle config schema >fettle.schema.json", "" },
{ "bench", "fettle bench -c 64 http://localhost:3000/", "as fast as it can" },
{ "bench", "fettle bench --rate 500 -d 30s http://localhost:3000/", "" },
{ "bench", "fettle bench --rate 500 --mix requests.json --json http://localhost:3000/", "" },
{ "bench", "fettle bench http://localhost:3000/ http://localhost:4000/", "" },
};
/* clang-format on */

const u32 command_count = ARRAY_LEN(commands);
const u32 example_count = ARRAY_LEN(examples);

const struct command *command_at(u32 n)
{
    for (u32 i = 0; i < command_count; i++) {
        const struct command *sub = commands[i].subs;

        if (n-- == 0)
            return &commands[i];
        for (; sub && sub->name; sub++)
            if (n-- == 0)
                return sub;
    }
    return NULL;
}

const char *command_sub_name(const struct command *sub)
{
    const char *blank = strchr(sub->name, ' ');

    return blank ? blank + 1 : sub->name;
}

bool command_is_plain(const struct command *c)
{
    return c->flags && !c->hidden && c->flags != &settings_of_run && c->flags != &bench_flags &&
           c->flags != &config_flags;
}

static bool is_alias(const struct command *c, struct str name)
{
    struct str rest = str_of(c->aliases);

    while (rest.ptr)
        if (str_eq(str_cut(rest, '|', &rest), name))
            return true;
    return false;
}

const struct command *command_find(struct str name, const char **nearest)
{
    u32 least = UINT32_MAX, distance;
    const struct command *c;

    if (nearest)
        *nearest = NULL;
    for (u32 i = 0; (c = command_at(i)); i++) {
        if (str_eq(name, str_of(c->name)) || is_alias(c, name))
            return c;
        distance = str_distance(name, str_of(c->name));
        if (nearest && !c->hidden && distance < least && distance <= 1 + name.len / 3) {
            least = distance;
            *nearest = c->name;
        }
    }
    return NULL;
}

static void complain(const char *text)
{
    bool colours = log_colours(STDERR_FILENO);

    fprintf(stderr, "%sfettle:%s %s\n", colours ? "\033[31m" : "", colours ? "\033[0m" : "", text);
}

void command_problem(const struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (p->file[0])
        buf_addf(&text, "%s:", p->file);
    if (p->file[0] && p->line)
        buf_addf(&text, "%u:", p->line);
    buf_addf(&text, "%s%s", p->file[0] ? " " : "", p->text);
    buf_addc(&text, 0);
    complain(text.failed ? "out of memory" : text.ptr);
}

int command_usage(const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    complain(text);
    return EXIT_USAGE;
}

int command_print(const struct buf *text)
{
    if (text->failed) {
        complain("out of memory");
        return EXIT_APP;
    }
    if (fwrite(text->ptr, 1, text->len, stdout) != text->len || fflush(stdout) != 0) {
        if (errno == EPIPE)
            return EXIT_APP;
        fprintf(stderr, "fettle: standard output cannot be written: %s\n", strerror(errno));
        return EXIT_APP;
    }
    return EXIT_OK;
}

/* A word that is no command: often the app's file, or a misspelt command. */
static int command_unknown(const char *word)
{
    const char *nearest;

    if (word[0] == '-')
        return command_usage("unknown flag %.100s before the command; flags follow it: fettle run "
                             "%.100s …, and `fettle --help` shows the commands",
                             word, word);
    if (access(word, F_OK) == 0 || str_starts(str_of(word), STR("npm:")))
        return command_usage("unknown command \"%.100s\"; did you mean \"fettle run %.100s\"?",
                             word, word);
    command_find(str_of(word), &nearest);
    if (nearest)
        return command_usage("unknown command \"%.100s\"; did you mean \"%s\"?", word, nearest);
    return command_usage("unknown command \"%.100s\"; `fettle --help` shows the commands", word);
}

static void sub_names(const struct command *c, struct buf *out)
{
    for (const struct command *sub = c->subs; sub->name; sub++)
        buf_addf(out, "%s%s",
                 sub == c->subs ? ""
                 : sub[1].name  ? ", "
                                : " or ",
                 command_sub_name(sub));
}

/* The sub-command of that name; else NULL, and *nearest is the one most like it, or NULL. */
static const struct command *sub_find(const struct command *c, struct str name,
                                      const struct command **nearest)
{
    u32 least = 2 + (u32)name.len / 3;

    *nearest = NULL;
    for (const struct command *sub = c->subs; sub->name; sub++) {
        u32 distance = str_distance(name, str_of(command_sub_name(sub)));

        if (distance == 0)
            return sub;
        if (distance < least) {
            least = distance;
            *nearest = sub;
        }
    }
    return NULL;
}

/* argv[0] is the command, argv[1] one of its sub-commands. */
static int sub_run(const struct command *c, int argc, char **argv)
{
    AUTO(buf_done) struct buf names = { 0 };
    const struct command *sub, *nearest;

    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help_of(c->name);
    sub_names(c, &names);
    if (argc < 2)
        return command_usage("%s needs to know what to do: %.*s", c->name,
                             STR_ARG(buf_str(&names)));
    sub = sub_find(c, str_of(argv[1]), &nearest);
    if (!sub && nearest)
        return command_usage("%s does not know \"%.100s\"; did you mean \"fettle %s\"?", c->name,
                             argv[1], nearest->name);
    if (!sub)
        return command_usage("%s knows %.*s, not \"%.100s\"", c->name, STR_ARG(buf_str(&names)),
                             argv[1]);
    argv[1] = (char *)sub->name;
    return sub->run(argc - 1, argv + 1);
}

int command_main(int argc, char **argv)
{
    const struct command *c;
    struct str word;

    if (argc < 2)
        return help_of(NULL);
    word = str_of(argv[1]);
    if (str_eq(word, STR("--help")) || str_eq(word, STR("-h")))
        return help_of(NULL);
    if (str_eq(word, STR("--version")) || str_eq(word, STR("-V")))
        return version_command(argc - 1, argv + 1);
    c = command_find(word, NULL);
    if (!c || strchr(c->name, ' '))
        return command_unknown(argv[1]);
    if (c->subs)
        return sub_run(c, argc - 1, argv + 1);
    for (int i = 2; i < argc && !c->flags && !c->hidden; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return help_of(c->name);
    argv[1] = (char *)c->name; /* an alias is the command itself */
    return c->run(argc - 1, argv + 1);
}
