/* app/script.c -- what a script of package.json would do, when that can be told */
#include "app/script.h"

#include "conf/words.h"

void script_done(struct script *s)
{
    strings_done(&s->env);
    strings_done(&s->words);
}

/* NAME=value with a name that a shell takes */
static bool is_assignment(struct str word)
{
    ptrdiff_t n = str_index(word, '=');

    for (ptrdiff_t i = 0; i < n; i++) {
        char c = word.ptr[i], letter = (char)(c | 32);

        if (c != '_' && !(letter >= 'a' && letter <= 'z') && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return n > 0;
}

/* Flags with which node does something else than run a file in this very process. */
static bool node_flag_is_special(struct str word)
{
    static const char *const special[] = {
        "-",
        "-e",
        "--eval",
        "-p",
        "--print",
        "-i",
        "--interactive",
        "-c",
        "-h",
        "--check",
        "-v",
        "--test",
        "--watch",
        "--run",
        "--version",
        "--help",
        "-pe",
        "--watch-path",
        "--build-sea",
        "--v8-options",
        "--prof-process",
    };
    struct str value, name = str_cut(word, '=', &value);

    for (u32 i = 0; i < ARRAY_LEN(special); i++)
        if (str_eq(name, str_of(special[i])))
            return true;
    return false;
}

/* node's flags stand before the file; those after it are the app's. A flag's value in a word of its
 * own is taken for the file, which only ends the look for special flags early. */
static bool node_runs_a_file(const struct strings *words, u32 first)
{
    bool file = false;

    for (u32 i = first; i < words->count && !file; i++) {
        struct str word = strings_at(words, i);

        if (node_flag_is_special(word))
            return false;
        file = !str_starts(word, STR("-"));
    }
    return file;
}

/* `npm run NAME …`, `npm start`, `yarn run NAME`, `pnpm start`; *name is the index of the word that
 * names the script. Their own flags are not understood. */
static bool is_package_script(const struct strings *words, u32 first, u32 *name)
{
    static const char *const managers[] = { "npm", "yarn", "pnpm" };
    struct str verb;
    bool manager = false;

    for (u32 i = 0; i < ARRAY_LEN(managers); i++)
        manager |= str_eq(strings_at(words, first), str_of(managers[i]));
    if (!manager || words->count < first + 2)
        return false;
    verb = strings_at(words, first + 1);
    if (str_eq(verb, STR("start"))) {
        *name = first + 1;
        return words->count == first + 2;
    }
    *name = first + 2;
    return (str_eq(verb, STR("run")) || str_eq(verb, STR("run-script"))) &&
           words->count == first + 3 && !str_starts(strings_at(words, first + 2), STR("-"));
}

static enum script_kind kind_of(const struct strings *words, u32 first, u32 *from)
{
    struct str program = strings_at(words, first);
    u32 name;

    *from = first;
    if (str_eq(program, STR("node")))
        return node_runs_a_file(words, first + 1) ? SCRIPT_NODE : SCRIPT_SHELL;
    if (str_eq(program, STR("fettle")))
        return SCRIPT_FETTLE;
    if (is_package_script(words, first, &name)) {
        *from = name;
        return SCRIPT_PACKAGE;
    }
    return SCRIPT_PROGRAM;
}

int script_parse(struct script *out, struct str text)
{
    AUTO(strings_done) struct strings words = { 0 };
    enum words_kind plain = words_split(text, &words.bytes, &words.count);
    u32 first = 0;

    *out = (struct script){ .kind = SCRIPT_SHELL };
    if (words.bytes.failed)
        return -ENOMEM;
    if (plain != WORDS_PLAIN)
        return 0;
    for (; first < words.count; first++) {
        struct str word = strings_at(&words, first);

        if (is_assignment(word))
            strings_add(&out->env, word);
        else if (!str_eq(word, STR("cross-env")))
            break;
    }
    if (first < words.count)
        out->kind = kind_of(&words, first, &first);
    if (out->kind == SCRIPT_SHELL)
        strings_done(&out->env);
    else
        strings_add_from(&out->words, &words, first);
    return out->env.bytes.failed || out->words.bytes.failed ? -ENOMEM : 0;
}
