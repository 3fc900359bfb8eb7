/* conf/settings_args.c -- settings from a command line and the environment, and to them */
#include "conf/settings.h"

#include "conf/settings_value.h"

static const struct settings_origin from_flag = { .source = SETTINGS_FLAG };
static const struct settings_origin from_env = { .source = SETTINGS_ENV };

/* A walk along a command line: flags of `table`, which are settings of `run` or go to `to`. */
struct args {
    const struct settings_table *table;
    struct settings *settings;
    const struct settings_values *to;
    char *const *argv;
    int argc, at;
    struct settings_args *out;
    struct problem *problem;
};

static int value_set(struct args *a, const struct settings_row *row, struct str value)
{
    struct problem what;
    int err;

    if (a->settings)
        return settings_set(a->settings, row, value, &from_flag, a->problem);
    err = settings_value_read(a->to, row, value, a->problem);
    what = *a->problem;
    return err == -EINVAL ? problem_set(a->problem, "--%s: %.700s", row->name, what.text) : err;
}

/* `dashes` as in the flag. */
static int flag_unknown(struct args *a, const char *dashes, struct str name, const char *nearest)
{
    const struct settings_table *t = a->table;

    if (nearest)
        return problem_set(a->problem, "unknown flag %s%.*s; did you mean --%s?", dashes,
                           STR_ARG(str_sub(name, 0, 80)), nearest);
    return problem_set(a->problem, "unknown flag %s%.*s; `fettle %s --help` lists all%s%s", dashes,
                       STR_ARG(str_sub(name, 0, 80)), t->command, t->operands ? ", and flags " : "",
                       t->operands ? t->operands : "");
}

/* The word after a flag that needs a value. */
static int value_next(struct args *a, const struct settings_row *row, struct str *value)
{
    if (a->at + 1 >= a->argc || strcmp(a->argv[a->at + 1], "--") == 0)
        return problem_set(a->problem, "--%s needs a value: --%s %s", row->name, row->name,
                           row->placeholder);
    *value = str_of(a->argv[++a->at]);
    return 0;
}

static int flag_long(struct args *a, struct str word)
{
    struct str value, name = str_cut(word, '=', &value);
    const char *nearest;
    const struct settings_row *row = settings_table_find(a->table, name, &nearest);
    int err;

    if (!row && str_starts(name, STR("no-"))) {
        row = settings_table_find(a->table, str_sub(name, 3, name.len), NULL);
        if (!row)
            return flag_unknown(a, "--", name, nearest);
        if (row->type == SETTINGS_BOOL && value.ptr)
            return problem_set(a->problem, "--no-%s takes no value", row->name);
        if (row->type != SETTINGS_BOOL && !(row->flags & (SETTINGS_ZERO_OFF | SETTINGS_EMPTY_OFF)))
            return problem_set(a->problem, "--%s cannot be switched off; give it a value: --%s %s",
                               row->name, row->name, row->placeholder);
        value = STR("off");
    } else if (!row) {
        return flag_unknown(a, "--", name, nearest);
    } else if (!value.ptr && (row->type == SETTINGS_BOOL || row->flags & SETTINGS_BARE)) {
        value = STR("on");
    } else if (!value.ptr) {
        err = value_next(a, row, &value);
        if (err)
            return err;
    }
    return value_set(a, row, value);
}

/* -w 4, -w4, -w=4 */
static int flag_short(struct args *a, struct str word)
{
    struct str value = str_sub(word, 1, word.len);
    int err;

    for (u32 i = 0; i < *a->table->count; i++) {
        const struct settings_row *row = &a->table->rows[i];

        if (!row->short_flag || row->short_flag != word.ptr[0])
            continue;
        if (str_starts(value, STR("=")))
            value = str_sub(value, 1, value.len);
        else if (value.len == 0 && row->type == SETTINGS_BOOL)
            value = STR("on");
        else if (value.len == 0) {
            err = value_next(a, row, &value);
            if (err)
                return err;
        }
        return value_set(a, row, value);
    }
    return flag_unknown(a, "-", word, NULL);
}

static int operand(struct args *a)
{
    if (a->out->operands == ARRAY_LEN(a->out->operand))
        return problem_set(a->problem, "\"%.80s\" is one word too many%s%s", a->argv[a->at],
                           a->table->operands ? "; words " : "",
                           a->table->operands ? a->table->operands : "");
    a->out->operand[a->out->operands++] = (u32)a->at;
    return 0;
}

static int walk(struct args *a)
{
    struct settings_args *out = a->out;
    int err;

    *out = (struct settings_args){ .rest = (u32)a->argc };
    *a->problem = (struct problem){ 0 };
    for (; a->at < a->argc; a->at++) {
        struct str word = str_of(a->argv[a->at]);

        if (str_eq(word, STR("--"))) {
            out->rest = (u32)a->at + 1;
            return 0;
        }
        out->help = str_eq(word, STR("--help")) || str_eq(word, STR("-h"));
        out->version = str_eq(word, STR("--version")) || str_eq(word, STR("-V"));
        if (out->help || out->version)
            return 0;
        if (str_starts(word, STR("--")))
            err = flag_long(a, str_sub(word, 2, word.len));
        else if (word.len > 1 && word.ptr[0] == '-')
            err = flag_short(a, str_sub(word, 1, word.len));
        else
            err = operand(a);
        if (err)
            return err;
    }
    return 0;
}

int settings_read_args(struct settings *s, int argc, char *const *argv, int first,
                       struct settings_args *out, struct problem *p)
{
    struct args a = { &settings_of_run, s, NULL, argv, argc, first, out, p };

    return walk(&a);
}

int settings_table_read_args(const struct settings_table *t, const struct settings_values *to,
                             int argc, char *const *argv, int first, struct settings_args *out,
                             struct problem *p)
{
    struct args a = { t, NULL, to, argv, argc, first, out, p };

    return walk(&a);
}

/* "max-memory" of "FETTLE_MAX_MEMORY=…"; false: another variable. */
static bool env_cut(const char *entry, char name[64], struct str *variable, struct str *value)
{
    struct str rest;
    size_t n = 0;

    *variable = str_cut(str_of(entry), '=', value);
    if (!str_starts(*variable, STR("FETTLE_")) || !value->ptr)
        return false;
    rest = str_sub(*variable, 7, variable->len);
    if (rest.len == 0 || rest.len >= 64)
        return false;
    for (; n < rest.len; n++) {
        char c = rest.ptr[n];

        name[n] = (char)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c + 32 : c == '-' ? '_' : c);
    }
    name[n] = 0;
    return true;
}

int settings_read_env(struct settings *s, char *const *env, u32 flags, struct problem *p)
{
    struct str variable, value;
    char name[64];
    int err;

    *p = (struct problem){ 0 };
    for (; *env; env++) {
        const struct settings_row *row;

        if (!env_cut(*env, name, &variable, &value) || value.len == 0)
            continue;
        row = settings_row_find(str_of(name), NULL);
        if (!row || (row->flags & flags) != flags)
            continue;
        err = settings_set(s, row, value, &from_env, p);
        if (err)
            return err;
    }
    return 0;
}

bool settings_env_misspelt(char *const *env, struct str *name, const struct settings_row **meant)
{
    /* What fettle itself hands to its children. */
    static const char *const own[] = { "dir", "worker" };
    struct str variable, value;
    const char *nearest;
    char text[64];

    for (; *env; env++) {
        bool is_own = false;

        if (!env_cut(*env, text, &variable, &value))
            continue;
        for (u32 i = 0; i < ARRAY_LEN(own); i++)
            is_own |= strcmp(text, own[i]) == 0;
        if (is_own || settings_row_find(str_of(text), &nearest) || !nearest)
            continue;
        *name = variable;
        *meant = settings_row_find(str_of(nearest), NULL);
        return true;
    }
    return false;
}

void settings_write_args(const struct settings *s, struct buf *args, struct buf *env)
{
    AUTO(settings_done) struct settings defaults = { 0 };
    struct buf *out;

    if (settings_init(&defaults)) {
        if (args)
            args->failed = true;
        if (env)
            env->failed = true;
        return;
    }
    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];

        out = row->flags & SETTINGS_SECRET ? env : args;
        if (!out || settings_same(s, &defaults, row))
            continue;
        if (row->flags & SETTINGS_SECRET)
            settings_env_name(row, out);
        else
            buf_addf(out, "--%s", row->name);
        buf_addc(out, '=');
        settings_text(s, row, out);
        buf_addc(out, 0);
    }
}
