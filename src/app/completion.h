/* app/completion.h -- completions for shells, made from the tables of commands and settings
 *
 * A file for each shell; what they have in common is in completion.c.
 */
#pragma once

#include "app/command.h"

/* Each appends its whole script. */
void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);
void completion_fish(struct buf *out);

/* How a flag's value is completed. */
enum complete {
    COMPLETE_NONE,
    COMPLETE_WORDS,
    COMPLETE_FILE,
    COMPLETE_DIR,
};
enum complete completion_kind(const struct settings_row *row);
/* The words that a value may be, with blanks between. */
void completion_values(struct buf *out, const struct settings_row *row);
/* Whether a flag is shown at all. */
bool completion_shows(const struct settings_row *row);
/* The names of all commands, with blanks between; the words of one's sub-commands. */
void completion_commands(struct buf *out);
void completion_subs(struct buf *out, const struct command *c);
/* "heap_snapshot": a command's name in that of a shell function. */
void completion_identifier(struct buf *out, const char *name);
