/* app/options.h -- the settings of one start of fettle, from all places where they can stand */
#pragma once

#include "app/config_file.h"

/* Reads and checks all settings of a start: argv[1] …, the environment, package.json and a file;
 * and sets up the log. *s and *file belong to the caller, who calls settings_done and
 * config_file_done in any case. 0; an exit code after messages on standard error; with args->help
 * or args->version set, nothing else has been looked at. */
MUST_USE int options_read(struct settings *s, struct settings_args *args, struct config_file *file,
                          int argc, char **argv);

/* The same for a child: the flags that `fettle run` wrote, up to a "--", and secrets from the
 * environment. `source` names it in the log. *rest (may be NULL) is the index of that "--"; argc
 * when there is none. */
MUST_USE int options_read_child(struct settings *s, const char *source, int argc, char **argv,
                                int *rest);

/* Sets up the log as the settings want it; again, when standard error has become another one. */
void options_log_setup(const struct settings *s);

/* Every mistake that was found in files, on standard error. True: there was one. */
bool options_mistakes(const struct findings *f);

/* What was asked for in a file and does not happen; and, in one line, what needs no doing. */
void options_findings_log(const struct findings *f);

/* The words of a command line without its secrets, which go to `env` as "FETTLE_NAME=value". */
void options_without_secrets(int argc, char **argv, struct strings *words, struct strings *env);

/* Overwrites the value of every secret flag in argv, which other users of the machine can read. */
void options_wipe_secrets(int argc, char **argv);
