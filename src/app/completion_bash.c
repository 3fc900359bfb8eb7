/* app/completion_bash.c -- the completion of bash */
#include "app/completion.h"

#include "app/bench_options.h"
#include "app/config_options.h"
#include "app/service_options.h"

static void flag_names(struct buf *out, const struct settings_table *t)
{
    for (u32 i = 0; i < *t->count; i++) {
        const struct settings_row *row = &t->rows[i];

        if (!completion_shows(row))
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
    completion_identifier(out, c->name);
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
        completion_subs(out, c);
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
            completion_commands(out);
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
    completion_identifier(out, t->command);
    buf_add(out, STR("() {\n    case $1 in\n"));
    for (u32 i = 0; i < *t->count; i++) {
        const struct settings_row *row = &t->rows[i];

        if (!completion_shows(row) || row->type == SETTINGS_BOOL)
            continue;
        buf_add(out, STR("    "));
        flag_pattern(out, row);
        buf_add(out, STR(") "));
        switch (completion_kind(row)) {
        case COMPLETE_NONE:
            buf_add(out, STR("COMPREPLY=()"));
            break;
        case COMPLETE_WORDS:
            buf_add(out, STR("COMPREPLY=($(compgen -W \""));
            completion_values(out, row);
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

void completion_bash(struct buf *out)
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
