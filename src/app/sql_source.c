/* app/sql_source.c -- the statements that `fettle sql explain` is to look at */
#include "app/sql_source.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "app/monitor_client.h"
#include "app/row.h"
#include "conf/file.h"
#include "sql/explainable.h"

enum { BYTES_MAX = 16 << 20 };

static struct sql_statement *add(struct sql_source *s)
{
    struct sql_statement *more;

    if (s->count == SQL_SOURCE_MAX) {
        s->left_out++;
        return NULL;
    }
    if ((s->count & (s->count - 1)) == 0) {
        more = realloc(s->statement, (s->count ? 2 * (size_t)s->count : 1) * sizeof(*more));
        if (!more)
            return NULL;
        s->statement = more;
    }
    more = &s->statement[s->count++];
    *more = (struct sql_statement){ 0 };
    return more;
}

static void split(struct sql_source *s, struct str text, enum sql_dialect dialect)
{
    struct str one;

    while ((one = explainable_next(&text, dialect)).len) {
        struct sql_statement *st = add(s);

        if (st)
            st->text = one;
    }
}

static int failed(const char *name, int err)
{
    struct problem p = { 0 };

    problem_set(&p, "%s: %s", name, err == -EFBIG ? "is larger than 16 MB" : strerror(-err));
    command_problem(&p);
    return err == -ENOENT ? EXIT_MISSING : EXIT_APP;
}

static int read_input(struct sql_source *s)
{
    for (;;) {
        ssize_t n;

        if (!buf_reserve(&s->bytes, 65536))
            return -ENOMEM;
        n = read(STDIN_FILENO, s->bytes.ptr + s->bytes.len, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        s->bytes.len += (size_t)n;
        if (s->bytes.len > BYTES_MAX)
            return -EFBIG;
    }
}

static bool is_of(struct str system, enum sql_dialect dialect)
{
    static const char *const name[] = {
        [SQL_POSTGRESQL] = "postgresql", [SQL_MYSQL] = "mysql", [SQL_SQLITE] = "sqlite"
    };

    return str_eq(system, str_of(name[dialect]));
}

static double number(const struct json_value *row, const char *name)
{
    struct str digits = json_value_number(json_value_member(row, name));
    char text[64];

    str_to_cstr(digits, text, sizeof(text));
    return strtod(text, NULL);
}

/* The same statement of another route. */
static struct sql_statement *find(struct sql_source *s, struct str text)
{
    for (u32 i = 0; i < s->count; i++)
        if (str_eq(s->statement[i].text, text))
            return &s->statement[i];
    return NULL;
}

static int longest_first(const void *a, const void *b)
{
    const struct sql_statement *x = a, *y = b;

    return x->total_ms < y->total_ms ? 1 : x->total_ms > y->total_ms ? -1 : 0;
}

static bool is_meant(struct str id, const char *wanted)
{
    return !wanted ||
           (strlen(wanted) <= id.len && strncasecmp(id.ptr, wanted, strlen(wanted)) == 0);
}

/* Each statement once, with the route in which it takes the most time; the longest first. */
static void page_read(struct sql_source *s, struct str app, const struct sql_options *o,
                      enum sql_dialect dialect)
{
    const struct json_value *list = json_value_member(s->page, "statements");

    for (u32 i = 0; i < json_value_count(list); i++) {
        const struct json_value *row = json_value_at(list, i);
        struct str text = row_text(row, "statement");
        double total_ms = number(row, "total_ms");
        struct sql_statement *st;

        if (!str_eq(row_text(row, "app"), app) || !is_of(row_text(row, "system"), dialect) ||
            !is_meant(row_text(row, "id"), o->id) ||
            (!o->id && explainable_verb(text, dialect) != EXPLAINABLE_YES))
            continue;
        st = find(s, text);
        st = st ? st : add(s);
        if (!st)
            continue;
        if (!st->count || total_ms > st->total_ms - total_ms)
            st->route = row_text(row, "route");
        st->text = text;
        st->count += row_u64(row, "count");
        st->total_ms += total_ms;
        st->max_ms = max(st->max_ms, number(row, "max_ms"));
    }
    if (s->count)
        qsort(s->statement, s->count, sizeof(*s->statement), longest_first);
    if (o->top && s->count > o->top) {
        s->left_out += s->count - o->top;
        s->count = o->top;
    }
}

static int app_read(struct sql_source *s, const struct sql_options *o, enum sql_dialect dialect)
{
    AUTO(control_peers_done) struct control_peers peers;
    struct control_app app;
    struct problem p = { 0 };
    int err;

    control_peers_open(&peers, &o->control);
    err = control_peers_app(&peers, &o->control, o->word, &app, &p);
    if (!err) {
        buf_add(&s->app, app.name);
        err = monitor_client_get(app.peer->found.path, "/api/statements", &s->page);
        if (err)
            problem_set(&p,
                        "the monitor of the fettle that runs %.*s does not tell its statements: %s",
                        STR_ARG(app.name), strerror(-err));
    }
    if (err) {
        command_problem(&p);
        return EXIT_MISSING;
    }
    page_read(s, buf_str(&s->app), o, dialect);
    if (o->id && !s->count) {
        problem_set(&p,
                    "%.*s has issued no statement %s to such a database: fettle sql statements "
                    "%.*s lists them",
                    STR_ARG(app.name), o->id, STR_ARG(app.name));
        command_problem(&p);
        return EXIT_MISSING;
    }
    return 0;
}

int sql_source_read(struct sql_source *s, const struct sql_options *o, enum sql_dialect dialect)
{
    int err;

    if (o->id) {
        return app_read(s, o, dialect);
    } else if (o->word && strcmp(o->word, "-") == 0) {
        err = read_input(s);
        if (err)
            return failed("the standard input", err);
    } else if (o->word && access(o->word, F_OK) == 0) {
        err = file_read(o->word, BYTES_MAX, &s->bytes);
        if (err)
            return failed(o->word, err);
    } else if (o->word && strpbrk(o->word, " \n\t")) {
        buf_add(&s->bytes, str_of(o->word));
    } else if (o->word && strpbrk(o->word, "./")) {
        return failed(o->word, -ENOENT);
    } else {
        return app_read(s, o, dialect);
    }
    split(s, buf_str(&s->bytes), dialect);
    return 0;
}

void sql_source_done(struct sql_source *s)
{
    free(s->statement);
    json_value_free(s->page);
    buf_done(&s->bytes);
    buf_done(&s->app);
}
