/* app/completion.c -- `fettle completion SHELL`, and what all shells' scripts are made of */
#include "app/completion.h"

#include "app/exit_code.h"
#include "app/launch.h"
#include "conf/package_json.h"

#include <limits.h>

enum complete completion_kind(const struct settings_row *row)
{
    switch (row->type) {
    case SETTINGS_PATH:
        return strcmp(row->placeholder, "DIR") == 0 ? COMPLETE_DIR : COMPLETE_FILE;
    case SETTINGS_COUNT:
    case SETTINGS_RANGE:
    case SETTINGS_ENUM:
    case SETTINGS_BALANCE:
    case SETTINGS_CIDRS:
    case SETTINGS_OUTCOMES:
        return row->words ? COMPLETE_WORDS : COMPLETE_NONE;
    case SETTINGS_SIZE:
    case SETTINGS_DURATION:
    case SETTINGS_PERCENT:
    case SETTINGS_ADDRESS:
        return COMPLETE_WORDS; /* what can be told: the default, and off */
    case SETTINGS_LIST:
        return row->flags & SETTINGS_PATHS ? COMPLETE_FILE : COMPLETE_NONE;
    case SETTINGS_BOOL:
    case SETTINGS_TEXT:
    case SETTINGS_LINES:
        return COMPLETE_NONE;
    }
    return COMPLETE_NONE;
}

void completion_values(struct buf *out, const struct settings_row *row)
{
    struct str rest = str_of(row->words);
    bool off = row->flags & SETTINGS_ZERO_OFF || row->type == SETTINGS_ADDRESS;

    for (u32 i = 0; rest.ptr; i++) {
        buf_add(out, i ? STR(" ") : STR(""));
        buf_add(out, str_cut(rest, '|', &rest));
    }
    if (!row->words && strcmp(row->default_text, "off") != 0)
        buf_addf(out, "%s%s", row->default_text, off ? " " : "");
    if (!row->words && off)
        buf_add(out, STR("off"));
}

bool completion_shows(const struct settings_row *row)
{
    return !(row->flags & SETTINGS_HIDDEN);
}

void completion_commands(struct buf *out)
{
    for (u32 i = 0; i < command_count; i++)
        if (!commands[i].hidden)
            buf_addf(out, "%s%s", i ? " " : "", commands[i].name);
}

void completion_subs(struct buf *out, const struct command *c)
{
    for (const struct command *sub = c->subs; sub->name; sub++)
        buf_addf(out, "%s%s", sub == c->subs ? "" : " ", command_sub_name(sub));
}

void completion_identifier(struct buf *out, const char *name)
{
    for (; *name; name++)
        buf_addc(out, *name == ' ' ? '_' : *name);
}

int completion_command(int argc, char **argv)
{
    AUTO(buf_done) struct buf out = { 0 };

    if (argc != 2)
        return command_usage("completion needs the name of one shell: bash, zsh or fish");
    if (strcmp(argv[1], "bash") == 0)
        completion_bash(&out);
    else if (strcmp(argv[1], "zsh") == 0)
        completion_zsh(&out);
    else if (strcmp(argv[1], "fish") == 0)
        completion_fish(&out);
    else
        return command_usage("completion knows bash, zsh and fish, not \"%.100s\"", argv[1]);
    return command_print(&out);
}

/* For the completions of npm:NAME: nothing to say is no mistake here. */
int scripts_command(int argc, char **argv)
{
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    AUTO(buf_done) struct buf path = { 0 };
    AUTO(buf_done) struct buf names = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    char here[PATH_MAX];
    struct problem p;
    struct str rest;

    (void)argc;
    (void)argv;
    if (!getcwd(here, sizeof(here)) || !launch_package_find(str_of(here), &path) ||
        package_json_read(&pkg, path.ptr, &p))
        return EXIT_OK;
    package_json_script_names(pkg, UINT32_MAX, &names);
    for (rest = buf_str(&names); rest.ptr;) {
        buf_add(&out, str_trim(str_cut(rest, ',', &rest)));
        buf_addc(&out, '\n');
    }
    return command_print(&out);
}
