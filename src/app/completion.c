/* app/completion.c -- `fettle completion SHELL`: scripts made from the tables */
#include "app/bench_options.h"
#include "app/command.h"
#include "app/config_options.h"
#include "app/exit_code.h"
#include "app/launch.h"
#include "app/service_options.h"
#include "conf/package_json.h"

#include <limits.h>

enum complete {
    COMPLETE_NONE,
    COMPLETE_WORDS,
    COMPLETE_FILE,
    COMPLETE_DIR,
};

static enum complete kind_of(const struct settings_row *row)
{
    switch (row->type) {
    case SETTINGS_PATH:
        return strcmp(row->placeholder, "DIR") == 0 ? COMPLETE_DIR : COMPLETE_FILE;
    case SETTINGS_COUNT:
    case SETTINGS_RANGE:
    case SETTINGS_ENUM:
    case SETTINGS_BALANCE:
    case SETTINGS_CIDRS:
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

/* The words that a value may be, with blanks between. */
static void values_add(struct buf *out, const struct settings_row *row)
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

static bool is_shown(const struct settings_row *row)
{
    return !(row->flags & SETTINGS_HIDDEN);
}

static void command_names(struct buf *out)
{
    for (u32 i = 0; i < command_count; i++)
        if (!commands[i].hidden)
            buf_addf(out, "%s%s", i ? " " : "", commands[i].name);
}

/* The words of a command's sub-commands. */
static void sub_names(struct buf *out, const struct command *c)
{
    for (const struct command *sub = c->subs; sub->name; sub++)
        buf_addf(out, "%s%s", sub == c->subs ? "" : " ", command_sub_name(sub));
}

/* "heap_snapshot": a command's name in that of a shell function. */
static void identifier(struct buf *out, const char *name)
{
    for (; *name; name++)
        buf_addc(out, *name == ' ' ? '_' : *name);
}

static void flag_names(struct buf *out, const struct settings_table *t)
{
    for (u32 i = 0; i < *t->count; i++) {
        const struct settings_row *row = &t->rows[i];

        if (!is_shown(row))
            continue;
        buf_addf(out, "--%s ", row->name);
        if (row->type == SETTINGS_BOOL)
            buf_addf(out, "--no-%s ", row->name);
        if (row->short_flag)
            buf_addf(out, "-%c ", row->short_flag);
    }
    buf_add(out, STR("--help"));
}

/* "--name" or "-n|--name", as a pattern of bash's case. */
static void flag_pattern(struct buf *out, const struct settings_row *row)
{
    if (row->short_flag)
        buf_addf(out, "-%c|", row->short_flag);
    buf_addf(out, "--%s", row->name);
}

static const char bash_head[] = "# bash completion for fettle; made by `fettle completion bash`\n"
                                "\n"
                                "# A flag's value; false when the flag takes none.\n";

static const char bash_middle[] =
    "_fettle_words() {\n"
    "    local cur=$1 prev=$2 at=$3 flag=$2 i\n"
    "    if ((at == 1)); then\n"
    "        COMPREPLY=($(compgen -W \"@COMMANDS@ --help --version\" -- \"$cur\"))\n"
    "        return\n"
    "    fi\n"
    "    case ${COMP_WORDS[1]} in\n"
    "    help)\n"
    "        ((at == 2)) && COMPREPLY=($(compgen -W \"@COMMANDS@ settings exit-codes\" -- "
    "\"$cur\"))\n"
    "        return\n"
    "        ;;\n"
    "    completion)\n"
    "        ((at == 2)) && COMPREPLY=($(compgen -W \"bash zsh fish\" -- \"$cur\"))\n"
    "        return\n"
    "        ;;\n"
    "    config)\n"
    "        if ((at == 2)); then\n"
    "            COMPREPLY=($(compgen -W \"check show schema\" -- \"$cur\"))\n"
    "            return\n"
    "        fi\n"
    "        ;;\n"
    "    esac\n"
    "    for ((i = 2; i < at; i++)); do\n"
    "        if [[ ${COMP_WORDS[i]} == -- ]]; then\n"
    "            COMPREPLY=($(compgen -f -- \"$cur\"))\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            return\n"
    "        fi\n"
    "    done\n"
    "    # --flag=value comes as three words.\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=\n"
    "    elif [[ $prev == = ]] && ((at > 2)); then\n"
    "        flag=${COMP_WORDS[at - 2]}\n"
    "    fi\n"
    "    case ${COMP_WORDS[1]} in\n"
    "    run | bench | config) ;;\n"
    "@PLAIN@"
    "    *) return ;;\n"
    "    esac\n"
    "    _fettle_value_${COMP_WORDS[1]} \"$flag\" \"$cur\" && return\n"
    "    if [[ ${COMP_WORDS[1]} == bench ]]; then\n"
    "        [[ $cur == -* ]] && COMPREPLY=($(compgen -W \"@BENCH_FLAGS@\" -- \"$cur\"))\n"
    "        return\n"
    "    fi\n"
    "    if [[ ${COMP_WORDS[1]} == config && $cur == -* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"@CONFIG_FLAGS@\" -- \"$cur\"))\n"
    "        return\n"
    "    fi\n"
    "    if [[ ${COMP_WORDS[1]} == run && $cur == npm:* ]]; then\n"
    "        COMPREPLY=($(compgen -P npm: -W \"$(fettle __scripts 2>/dev/null)\" -- "
    "\"${cur#npm:}\"))\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"@FLAGS@\" -- \"$cur\"))\n"
    "    else\n"
    "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
    "        [[ ${COMP_WORDS[1]} == run && npm: == \"$cur\"* ]] && COMPREPLY+=(npm:)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "    fi\n"
    "}\n"
    "\n"
    "_fettle() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD i\n"
    "    COMPREPLY=()\n"
    "    # bash takes a colon for a word of its own: npm : start is one word to us, and the part\n"
    "    # before its last colon must not be answered again.\n"
    "    while ((at > 1)) && [[ ${COMP_WORDS[at]} == : || ${COMP_WORDS[at - 1]} == : ]]; do\n"
    "        cur=${COMP_WORDS[--at]}$cur\n"
    "    done\n"
    "    _fettle_words \"$cur\" \"${COMP_WORDS[at - 1]}\" \"$at\"\n"
    "    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
    "        for ((i = 0; i < ${#COMPREPLY[*]}; i++)); do\n"
    "            COMPREPLY[i]=${COMPREPLY[i]#\"${cur%\"${cur##*:}\"}\"}\n"
    "        done\n"
    "    fi\n"
    "}\n"
    "complete -F _fettle fettle\n";

/* The branch of bash's case for a command that is made from its table alone. */
static void plain_case(struct buf *out, const struct command *c)
{
    buf_addf(out, "    %s)\n        _fettle_value_", command_sub_name(c));
    identifier(out, c->name);
    buf_add(out, STR(" \"$flag\" \"$cur\" && return\n"
                     "        if [[ $cur == -* ]]; then\n"
                     "            COMPREPLY=($(compgen -W \""));
    flag_names(out, c->flags);
    buf_add(out, STR("\" -- \"$cur\"))\n"));
    if (c->takes_app || c->takes_files)
        buf_addf(out, "        else\n            COMPREPLY=($(compgen%s%s -- \"$cur\"))\n",
                 c->takes_files ? " -f" : "",
                 c->takes_app ? " -W \"$(fettle __apps 2>/dev/null)\"" : "");
    if (c->takes_files)
        buf_add(out, STR("            compopt -o filenames 2>/dev/null\n"));
    if (c->flags == &service_flags)
        buf_add(out, STR("        else\n"
                         "            COMPREPLY=($(compgen -f -W \"install remove show\" -- "
                         "\"$cur\"))\n"
                         "            compopt -o filenames 2>/dev/null\n"));
    buf_add(out, STR("        fi\n        return\n        ;;\n"));
}

static void plain_cases(struct buf *out)
{
    for (u32 i = 0; i < command_count; i++) {
        const struct command *c = &commands[i];

        if (command_is_plain(c))
            plain_case(out, c);
        if (!c->subs)
            continue;
        buf_addf(out,
                 "    %s)\n"
                 "    if ((at == 2)); then\n"
                 "        COMPREPLY=($(compgen -W \"",
                 c->name);
        sub_names(out, c);
        buf_add(out, STR("\" -- \"$cur\"))\n        return\n    fi\n"
                         "    case ${COMP_WORDS[2]} in\n"));
        for (const struct command *sub = c->subs; sub->name; sub++)
            plain_case(out, sub);
        buf_add(out, STR("    esac\n    return\n    ;;\n"));
    }
}

/* `text` with what stands between two @ filled in. */
static void fill(struct buf *out, struct str text)
{
    while (text.ptr) {
        struct str word;

        buf_add(out, str_cut(text, '@', &text));
        if (!text.ptr)
            return;
        word = str_cut(text, '@', &text);
        if (str_eq(word, STR("COMMANDS")))
            command_names(out);
        else if (str_eq(word, STR("FLAGS")))
            flag_names(out, &settings_of_run);
        else if (str_eq(word, STR("BENCH_FLAGS")))
            flag_names(out, &bench_flags);
        else if (str_eq(word, STR("CONFIG_FLAGS")))
            flag_names(out, &config_flags);
        else if (str_eq(word, STR("PLAIN")))
            plain_cases(out);
        else
            assert(!"the script has no other @");
    }
}

static void bash_values(struct buf *out, const struct settings_table *t)
{
    buf_add(out, STR("_fettle_value_"));
    identifier(out, t->command);
    buf_add(out, STR("() {\n    case $1 in\n"));
    for (u32 i = 0; i < *t->count; i++) {
        const struct settings_row *row = &t->rows[i];

        if (!is_shown(row) || row->type == SETTINGS_BOOL)
            continue;
        buf_add(out, STR("    "));
        flag_pattern(out, row);
        buf_add(out, STR(") "));
        switch (kind_of(row)) {
        case COMPLETE_NONE:
            buf_add(out, STR("COMPREPLY=()"));
            break;
        case COMPLETE_WORDS:
            buf_add(out, STR("COMPREPLY=($(compgen -W \""));
            values_add(out, row);
            buf_add(out, STR("\" -- \"$2\"))"));
            break;
        case COMPLETE_FILE:
            buf_add(out, STR("COMPREPLY=($(compgen -f -- \"$2\")); compopt -o filenames "
                             "2>/dev/null"));
            break;
        case COMPLETE_DIR:
            buf_add(out, STR("COMPREPLY=($(compgen -d -- \"$2\")); compopt -o filenames "
                             "2>/dev/null"));
            break;
        }
        buf_add(out, STR(" ;;\n"));
    }
    buf_add(out, STR("    *) return 1 ;;\n    esac\n    return 0\n}\n\n"));
}

static void bash_add(struct buf *out)
{
    buf_add(out, str_of(bash_head));
    bash_values(out, &settings_of_run);
    bash_values(out, &bench_flags);
    bash_values(out, &config_flags);
    for (u32 i = 0; command_at(i); i++)
        if (command_is_plain(command_at(i)))
            bash_values(out, command_at(i)->flags);
    fill(out, str_of(bash_middle));
}

/* Inside '…' of zsh's _arguments: quotes, brackets and colons have meanings. */
static void zsh_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'')
            buf_add(out, STR("'\\''"));
        else if (strchr("[]:\\", s.ptr[i]))
            buf_addf(out, "\\%c", s.ptr[i]);
        else
            buf_addc(out, s.ptr[i]);
    }
}

/* One argument of _arguments: '--name=[help]:PLACEHOLDER:(values)' */
static void zsh_flag(struct buf *out, const struct settings_row *row)
{
    buf_add(out, STR("        "));
    if (row->type == SETTINGS_BOOL)
        buf_addf(out, "'(--no-%s)--%s[", row->name, row->name);
    else if (row->short_flag && row->type == SETTINGS_LINES)
        buf_addf(out, "'*'{-%c+,--%s=}'[", row->short_flag, row->name);
    else if (row->short_flag)
        buf_addf(out, "'(-%c --%s)'{-%c+,--%s=}'[", row->short_flag, row->name, row->short_flag,
                 row->name);
    else
        buf_addf(out, "'%s--%s=[",
                 row->type == SETTINGS_CIDRS || row->type == SETTINGS_LIST ? "*" : "", row->name);
    zsh_text(out, str_of(row->help));
    buf_add(out, STR("]"));
    if (row->type == SETTINGS_BOOL) {
        buf_addf(out, "' \\\n        '(--%s)--no-%s[not: ", row->name, row->name);
        out->len -= 2;
        buf_add(out, STR(" "));
        zsh_text(out, str_of(row->help));
        buf_add(out, STR("]' \\\n"));
        return;
    }
    buf_addc(out, ':');
    zsh_text(out, str_of(row->placeholder));
    buf_addc(out, ':');
    switch (kind_of(row)) {
    case COMPLETE_NONE:
        break;
    case COMPLETE_WORDS: {
        AUTO(buf_done) struct buf words = { 0 };

        values_add(&words, row);
        buf_addc(out, '(');
        zsh_text(out, buf_str(&words));
        buf_addc(out, ')');
        break;
    }
    case COMPLETE_FILE:
        buf_add(out, STR("_files"));
        break;
    case COMPLETE_DIR:
        buf_add(out, STR("_directories"));
        break;
    }
    buf_add(out, STR("' \\\n"));
}

/* A command that has sub-commands: describes them, or goes on with the one that is there. */
static void zsh_subs(struct buf *out, const struct command *c)
{
    buf_addf(out, "_fettle_%s() {\n    local -a cmds\n    cmds=(\n", c->name);
    for (const struct command *sub = c->subs; sub->name; sub++) {
        buf_addf(out, "        '%s:", command_sub_name(sub));
        zsh_text(out, str_of(sub->help));
        buf_add(out, STR("'\n"));
    }
    buf_add(out, STR("    )\n"
                     "    if ((CURRENT == 2)); then\n"
                     "        _describe command cmds\n"
                     "        return\n"
                     "    fi\n"
                     "    local cmd=$words[2]\n"
                     "    shift words\n"
                     "    ((CURRENT--))\n"
                     "    case $cmd in\n"));
    for (const struct command *sub = c->subs; sub->name; sub++) {
        buf_addf(out, "    %s) _fettle_", command_sub_name(sub));
        identifier(out, sub->name);
        buf_add(out, STR(" ;;\n"));
    }
    buf_add(out, STR("    esac\n}\n\n"));
}

static void zsh_plain(struct buf *out)
{
    const struct command *c;

    buf_add(out, STR("_fettle_app() {\n"
                     "    compadd -- ${(f)\"$(fettle __apps 2>/dev/null)\"}\n"
                     "}\n\n"
                     "_fettle_app_or_file() {\n"
                     "    _alternative 'apps:app:_fettle_app' 'files:file:_files'\n"
                     "}\n\n"));
    for (u32 i = 0; i < command_count; i++)
        if (commands[i].subs)
            zsh_subs(out, &commands[i]);
    for (u32 i = 0; (c = command_at(i)); i++) {
        if (!command_is_plain(c))
            continue;
        buf_add(out, STR("_fettle_"));
        identifier(out, c->name);
        buf_add(out, STR("() {\n    _arguments -s -S \\\n"));
        for (u32 k = 0; k < *c->flags->count; k++)
            if (is_shown(&c->flags->rows[k]))
                zsh_flag(out, &c->flags->rows[k]);
        buf_addf(out, "        '(- *)'{-h,--help}'[all flags]'%s%s\n}\n\n",
                 c->takes_app && c->takes_files ? " \\\n        '*:app or file:_fettle_app_or_file'"
                 : c->takes_app                 ? " \\\n        '*:app:_fettle_app'"
                 : c->takes_files               ? " \\\n        '*:file:_files'"
                                                : "",
                 c->flags == &service_flags
                     ? " \\\n        '1:what to do:(install remove show)' \\\n        "
                       "'2:file or folder:_files'"
                     : "");
    }
}

static void zsh_add(struct buf *out)
{
    buf_add(out,
            STR("#compdef fettle\n"
                "# zsh completion for fettle; made by `fettle completion zsh`\n\n"
                "_fettle_target() {\n"
                "    local -a scripts\n"
                "    if [[ $PREFIX == npm:* ]]; then\n"
                "        scripts=(npm:${^$(fettle __scripts 2>/dev/null)})\n"
                "        compadd -- $scripts\n"
                "        return\n"
                "    fi\n"
                "    _alternative 'files:file or folder:_files' 'npm:script:compadd -S \"\" -- "
                "npm:'\n"
                "}\n\n"
                "_fettle_run() {\n"
                "    _arguments -s -S \\\n"));
    for (u32 i = 0; i < settings_row_count; i++)
        if (is_shown(&settings_rows[i]))
            zsh_flag(out, &settings_rows[i]);
    buf_add(out, STR("        '(- *)'{-h,--help}'[all flags]' \\\n"
                     "        '1:target:_fettle_target' \\\n"
                     "        '*:argument of the app:_files'\n"
                     "}\n\n"
                     "_fettle_bench() {\n"
                     "    _arguments -s -S \\\n"));
    for (u32 i = 0; i < *bench_flags.count; i++)
        zsh_flag(out, &bench_flags.rows[i]);
    buf_add(out, STR("        '(- *)'{-h,--help}'[all flags]' \\\n"
                     "        '1:URL:_urls' \\\n"
                     "        '2:second URL:_urls'\n"
                     "}\n\n"
                     "_fettle_config() {\n"
                     "    _arguments -s -S \\\n"));
    for (u32 i = 0; i < *config_flags.count; i++)
        if (is_shown(&config_flags.rows[i]))
            zsh_flag(out, &config_flags.rows[i]);
    buf_add(out, STR("        '(- *)'{-h,--help}'[all flags]' \\\n"
                     "        '1:what to do:(check show schema)' \\\n"
                     "        '2:file or folder:_files'\n"
                     "}\n\n"));
    zsh_plain(out);
    buf_add(out, STR("_fettle() {\n"
                     "    local -a cmds\n"
                     "    cmds=(\n"));
    for (u32 i = 0; i < command_count; i++) {
        if (commands[i].hidden)
            continue;
        buf_addf(out, "        '%s:", commands[i].name);
        zsh_text(out, str_of(commands[i].help));
        buf_add(out, STR("'\n"));
    }
    buf_add(out, STR("    )\n"
                     "    if ((CURRENT == 2)); then\n"
                     "        _describe command cmds\n"
                     "        return\n"
                     "    fi\n"
                     "    local cmd=$words[2]\n"
                     "    shift words\n"
                     "    ((CURRENT--))\n"
                     "    case $cmd in\n"
                     "    run) _fettle_run ;;\n"
                     "    bench) _fettle_bench ;;\n"
                     "    config) _fettle_config ;;\n"));
    for (u32 i = 0; i < command_count; i++)
        if (command_is_plain(&commands[i]) || commands[i].subs)
            buf_addf(out, "    %s) _fettle_%s ;;\n", commands[i].name, commands[i].name);
    buf_add(out, STR("    help) ((CURRENT == 2)) && compadd -- "));
    command_names(out);
    buf_add(out, STR(" settings exit-codes ;;\n"
                     "    completion) ((CURRENT == 2)) && compadd -- bash zsh fish ;;\n"
                     "    esac\n"
                     "}\n\n"
                     "# Works as a file in $fpath and with source <(…).\n"
                     "if [[ $funcstack[1] == _fettle ]]; then\n"
                     "    _fettle \"$@\"\n"
                     "else\n"
                     "    compdef _fettle fettle\n"
                     "fi\n"));
}

/* Inside '…' of fish. */
static void fish_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'' || s.ptr[i] == '\\')
            buf_addc(out, '\\');
        buf_addc(out, s.ptr[i]);
    }
}

/* The beginning of a line that is about a command: both words of a sub-command must be there. */
static void fish_begin(struct buf *out, const char *command)
{
    struct str rest = str_of(command);

    buf_add(out, STR("complete -c fettle -n '"));
    while (rest.ptr) {
        struct str word = str_cut(rest, ' ', &rest);

        buf_addf(out, "__fish_seen_subcommand_from %.*s", STR_ARG(word));
        buf_add(out, rest.ptr ? STR("; and ") : STR("'"));
    }
}

static void fish_flag(struct buf *out, const char *command, const struct settings_row *row)
{
    fish_begin(out, command);
    buf_addf(out, " -l %s", row->name);
    if (row->short_flag)
        buf_addf(out, " -s %c", row->short_flag);
    switch (kind_of(row)) {
    case COMPLETE_NONE:
        buf_add(out, row->type == SETTINGS_BOOL ? STR("") : STR(" -x"));
        break;
    case COMPLETE_WORDS:
        buf_add(out, STR(" -x -a '"));
        values_add(out, row);
        buf_addc(out, '\'');
        break;
    case COMPLETE_FILE:
        buf_add(out, STR(" -r -F"));
        break;
    case COMPLETE_DIR:
        buf_add(out, STR(" -x -a '(__fish_complete_directories)'"));
        break;
    }
    buf_add(out, STR(" -d '"));
    fish_text(out, str_of(row->help));
    buf_add(out, STR("'\n"));
    if (row->type == SETTINGS_BOOL) {
        fish_begin(out, command);
        buf_addf(out, " -l no-%s -d 'not ", row->name);
        fish_text(out, str_of(row->help));
        buf_add(out, STR("'\n"));
    }
}

static void fish_subs(struct buf *out, const struct command *c)
{
    for (const struct command *sub = c->subs; sub->name; sub++) {
        buf_addf(out,
                 "complete -c fettle -n '__fish_seen_subcommand_from %s; and not "
                 "__fish_seen_subcommand_from ",
                 c->name);
        sub_names(out, c);
        buf_addf(out, "' -a %s -d '", command_sub_name(sub));
        fish_text(out, str_of(sub->help));
        buf_add(out, STR("'\n"));
    }
}

static void fish_plain(struct buf *out)
{
    const struct command *c;

    for (u32 i = 0; (c = command_at(i)); i++) {
        if (c->subs)
            fish_subs(out, c);
        if (!command_is_plain(c))
            continue;
        fish_begin(out, c->name);
        buf_add(out, STR(" -l help -s h -d 'all flags'\n"));
        if (c->takes_app) {
            fish_begin(out, c->name);
            buf_add(out, STR(" -a '(fettle __apps 2>/dev/null)'\n"));
        }
        if (c->takes_files) {
            fish_begin(out, c->name);
            buf_add(out, STR(" -F\n"));
        }
        for (u32 k = 0; k < *c->flags->count; k++)
            if (is_shown(&c->flags->rows[k]))
                fish_flag(out, c->name, &c->flags->rows[k]);
    }
}

static void fish_add(struct buf *out)
{
    const char *first = "complete -c fettle -n __fish_use_subcommand";

    buf_add(out, STR("# fish completion for fettle; made by `fettle completion fish`\n\n"
                     "complete -c fettle -f\n"));
    for (u32 i = 0; i < command_count; i++) {
        if (commands[i].hidden)
            continue;
        buf_addf(out, "%s -a %s -d '", first, commands[i].name);
        fish_text(out, str_of(commands[i].help));
        buf_add(out, STR("'\n"));
    }
    buf_addf(out, "%s -l help -s h -d 'the commands'\n", first);
    buf_addf(out, "%s -l version -s V -d 'the versions of fettle and node'\n", first);
    buf_add(out, STR("complete -c fettle -n '__fish_seen_subcommand_from help' -a '"));
    command_names(out);
    buf_add(out, STR(" settings exit-codes'\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from completion' -a 'bash zsh "
                     "fish'\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from run' -F\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from run' -a 'npm:(fettle "
                     "__scripts 2>/dev/null)' -d 'script of package.json'\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from run' -l help -s h -d 'all "
                     "flags'\n"));
    for (u32 i = 0; i < settings_row_count; i++)
        if (is_shown(&settings_rows[i]))
            fish_flag(out, "run", &settings_rows[i]);
    buf_add(out,
            STR("complete -c fettle -n '__fish_seen_subcommand_from bench' -l help -s h -d 'all "
                "flags'\n"));
    for (u32 i = 0; i < *bench_flags.count; i++)
        fish_flag(out, "bench", &bench_flags.rows[i]);
    buf_add(out, STR("complete -c fettle -n '__fish_seen_subcommand_from config' -a 'check show "
                     "schema'\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from config' -F\n"));
    for (u32 i = 0; i < *config_flags.count; i++)
        if (is_shown(&config_flags.rows[i]))
            fish_flag(out, "config", &config_flags.rows[i]);
    fish_plain(out);
}

int completion_command(int argc, char **argv)
{
    AUTO(buf_done) struct buf out = { 0 };

    if (argc != 2)
        return command_usage("completion needs the name of one shell: bash, zsh or fish");
    if (strcmp(argv[1], "bash") == 0)
        bash_add(&out);
    else if (strcmp(argv[1], "zsh") == 0)
        zsh_add(&out);
    else if (strcmp(argv[1], "fish") == 0)
        fish_add(&out);
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
