/* app/command.c -- the commands of fettle, in one table */
#include "app/command.h"

#include "app/bench_options.h"
#include "app/config_options.h"
#include "app/exit_code.h"
#include "app/logs_options.h"

#include <stdarg.h>

/* clang-format off */
const struct command commands[] = {
{ "run", "[FLAGS] [TARGET] [-- ARGS]", "run a Node app on every core", 
  "Runs an unmodified Node app in several processes (workers), behind a proxy that gives each request to a worker whose event loop is free, replaces workers that crash, leak or hang, and serves metrics.\n"
  "TARGET is a file (server.js, also .mjs, .cjs, .ts, .mts, .cts), a folder with a package.json (its start script, else its main, else index.js, server.js or app.js), or npm:NAME for a script of the package.json here or in the nearest folder above; or a file that says what to run: fettle.json, fettle.config.js, pm2's ecosystem.config.js, a Procfile. Without a TARGET, the current folder is meant. ARGS go to the app.\n"
  "fettle listens where the app asks to listen. SIGTERM and SIGINT let the requests in flight finish and end it; SIGHUP replaces all workers, one by one, without a failed request.",
  .flags = &settings_of_run, .run = run_command },
{ "bench", "[FLAGS] URL [URL2]", "put a load on a server and measure it",
  "Sends requests to http://host:port/path, or messages to ws://host:port/path and waits for their echo. Without --rate each connection sends the next request when it has the answer (a closed loop: how much can it take). With --rate each request has a time at which it shall be sent, and its latency counts from then, whether or not a connection was free (an open loop: how long do users wait); so a server that stalls cannot hide it.\n"
  "With a second URL, the two are measured in turns, and the ratios second / first are given with their 95 % confidence intervals.\n"
  "Ctrl-C ends it with what has been measured so far.",
  .flags = &bench_flags, .run = bench_command },
{ "config", "check|show|schema [FILE]", "look at settings in files",
  "check says everything that is wrong in the file of settings here (or in FILE, or in FILE when it is a folder), with its line and what would be right; what of a file of pm2's does not happen here; and which of the settings are reloadable. A file that is JavaScript or TypeScript is run.\n"
  "show lists every setting with its value and where that came from: a file and line, the environment, or the default.\n"
  "schema prints a JSON Schema of fettle.json, with which editors complete and check it.",
  .flags = &config_flags, .run = config_command },
{ "logs", "[FLAGS] [APP[/WORKER]]", "show what the app has written to its log files",
  "Reads the log files that the settings here name (log-file, error-file), or --file: those that were rotated and compressed, too, in the order of time. APP is the name of an app, WORKER the number of one of its workers: shop, shop/2, /2.\n"
  "A time is how long ago it was (10m, 2h, 3d), a date, or a date and time: 2026-11-26T04:02:26Z.",
  .flags = &logs_flags, .run = logs_command },
{ "help", "[TOPIC]", "explain a command or a topic",
  "TOPIC is the name of a command, settings (how settings are written and where they are read), or exit-codes.",
  .run = help_command },
{ "completion", "bash|zsh|fish", "print a completion script for a shell",
  "For the present session: source <(fettle completion bash) or source <(fettle completion zsh), and fettle completion fish | source. make install puts the scripts where the shells look for them.",
  .run = completion_command },
{ "version", "", "tell the versions of fettle and node", NULL, .run = version_command },
{ "__proxy", "[FLAGS]", "the proxy, as fettle run starts it", NULL, .flags = &settings_of_run, .hidden = true, .run = proxy_command },
{ "__monitor", "[FLAGS]", "the monitor, as fettle run starts it", NULL, .flags = &settings_of_run, .hidden = true, .run = monitor_command },
{ "__log-tidy", "", "compress and delete old log files", NULL, .hidden = true, .run = log_tidy_command },
{ "__man", "", "print the man page", NULL, .hidden = true, .run = man_command },
{ "__settings-md", "", "print doc/settings.md", NULL, .hidden = true, .run = settings_page_command },
{ "__pm2-md", "", "print doc/pm2.md", NULL, .hidden = true, .run = pm2_page_command },
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

const struct command *command_find(struct str name, const char **nearest)
{
    u32 least = UINT32_MAX, distance;

    if (nearest)
        *nearest = NULL;
    for (u32 i = 0; i < command_count; i++) {
        if (str_eq(name, str_of(commands[i].name)))
            return &commands[i];
        distance = str_distance(name, str_of(commands[i].name));
        if (nearest && !commands[i].hidden && distance < least && distance <= 1 + name.len / 3) {
            least = distance;
            *nearest = commands[i].name;
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
    command_find(str_of(word), &nearest);
    if (nearest)
        return command_usage("unknown command \"%.100s\"; did you mean \"%s\"?", word, nearest);
    if (access(word, F_OK) == 0 || str_starts(str_of(word), STR("npm:")))
        return command_usage("unknown command \"%.100s\"; did you mean \"fettle run %.100s\"?",
                             word, word);
    return command_usage("unknown command \"%.100s\"; `fettle --help` shows the commands", word);
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
    if (!c)
        return command_unknown(argv[1]);
    for (int i = 2; i < argc && !c->flags && !c->hidden; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return help_of(c->name);
    return c->run(argc - 1, argv + 1);
}
