/* app/command.h -- the commands of fettle, in one table
 *
 * main, --help, the man page and the completions read it. A command is one
 * file of this room.
 */
#pragma once

#include "base/problem.h"
#include "conf/settings.h"

struct command {
    const char *name;     /* of a sub-command with its command's: "heap snapshot" */
    const char *synopsis; /* what follows the name: "[FLAGS] [TARGET] [-- ARGS]" */
    const char *help;     /* one line, without a full stop */
    const char *more;     /* paragraphs of full sentences, separated by a newline; or NULL */
    const struct settings_table *flags; /* that it takes; NULL: none */
    const char *aliases;                /* other names for it, with | between: "ls|list"; or NULL */
    bool takes_app;                     /* what completes its words: the names of running apps */
    bool takes_files;                   /* … and files */
    bool hidden;                        /* for fettle itself */
    bool minor;                         /* only named in the overview, which is one screen */
    int (*run)(int argc, char **argv);  /* argv[0] is the command's name; returns the exit code */
    const struct command *subs; /* its sub-commands, up to one without a name; it has neither
                                 * flags nor `run` then */
};

struct example {
    const char *command; /* whose example it is */
    const char *line;
    const char *help;
};

extern const struct command commands[];
extern const u32 command_count;
extern const struct example examples[];
extern const u32 example_count;

/* All of fettle: finds the command and runs it; returns the exit code. */
int command_main(int argc, char **argv);

/* The n-th of all, each command before its sub-commands; NULL: there are no more. */
const struct command *command_at(u32 n);

/* What follows the command's name in a sub-command's: "snapshot" of "heap snapshot". */
const char *command_sub_name(const struct command *sub);

/* NULL: no such command; *nearest (may be NULL) is then the name most like it, or NULL. A
 * sub-command is found by both its words: "heap snapshot". */
const struct command *command_find(struct str name, const char **nearest);

/* Shown, and its words are flags of its own and names of apps: what the completions and the man
 * page say of it is made from its tables alone. */
bool command_is_plain(const struct command *c);

/* «fettle: FILE:LINE: TEXT» on standard error, with the file and the line where there are. */
void command_problem(const struct problem *p);
/* «fettle: …» on standard error for one that has no struct problem; returns EXIT_USAGE. */
int command_usage(const char *fmt, ...) PRINTF(1, 2);
/* Writes `text` to standard output; returns the exit code (0, or 1 with a message when it could not
 * be written or `text` has failed). */
int command_print(const struct buf *text);

/* The commands. */
int run_command(int argc, char **argv);
int bench_command(int argc, char **argv);
int config_command(int argc, char **argv);
int ps_command(int argc, char **argv);
int describe_command(int argc, char **argv);
int reload_command(int argc, char **argv);
int restart_command(int argc, char **argv);
int stop_command(int argc, char **argv);
int start_command(int argc, char **argv);
int scale_command(int argc, char **argv);
int findings_command(int argc, char **argv);
int routes_command(int argc, char **argv);
int cache_command(int argc, char **argv);
int circuits_command(int argc, char **argv);
int upstreams_command(int argc, char **argv);
int env_command(int argc, char **argv);
int signal_command(int argc, char **argv);
int upgrade_command(int argc, char **argv);
int service_command(int argc, char **argv);
int help_command(int argc, char **argv);
int version_command(int argc, char **argv);
int completion_command(int argc, char **argv);
int proxy_command(int argc, char **argv);
int monitor_command(int argc, char **argv);
int stack_command(int argc, char **argv);
int man_command(int argc, char **argv);
int settings_page_command(int argc, char **argv);
int pm2_page_command(int argc, char **argv);
int scripts_command(int argc, char **argv);
int logs_command(int argc, char **argv);
int log_tidy_command(int argc, char **argv);
int apps_command(int argc, char **argv);
int reread_command(int argc, char **argv);

/* Their sub-commands. */
extern const struct command heap_commands[], cpu_commands[], sql_commands[];
int heap_snapshot_command(int argc, char **argv);
int heap_leaks_command(int argc, char **argv);
int heap_record_command(int argc, char **argv);
int sql_explain_command(int argc, char **argv);
int sql_indexes_command(int argc, char **argv);
int sql_statements_command(int argc, char **argv);
int cpu_record_command(int argc, char **argv);
int cpu_report_command(int argc, char **argv);
int cpu_diff_command(int argc, char **argv);
int cpu_scale_command(int argc, char **argv);
int heap_report_command(int argc, char **argv);
int cpu_flame_command(int argc, char **argv);
int heap_flame_command(int argc, char **argv);
int heap_summary_command(int argc, char **argv);
int heap_diff_command(int argc, char **argv);
int heap_query_command(int argc, char **argv);
int heap_check_command(int argc, char **argv);
int heap_view_command(int argc, char **argv);
int heap_biggest_command(int argc, char **argv);
int heap_show_command(int argc, char **argv);
int heap_path_command(int argc, char **argv);

/* `fettle help NAME`; returns the exit code. */
int help_of(const char *name);
