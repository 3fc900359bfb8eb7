/* app/sql_indexes.c -- `fettle sql indexes`: indexes that are there for nothing */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/sql_options.h"
#include "base/json.h"
#include "base/log.h"
#include "sql/indexread.h"

static const char *const fault_key[] = {
    [INDEXLIST_NONE] = "none",       [INDEXLIST_DUPLICATE] = "duplicate",
    [INDEXLIST_PREFIX] = "prefix",   [INDEXLIST_UNUSED] = "unused",
    [INDEXLIST_INVALID] = "invalid",
};

struct view {
    const struct sql_options *options;
    struct database db;
    struct indexlist list;
    struct buf out;
};

static void view_done(struct view *v)
{
    database_close(&v->db);
    indexlist_done(&v->list);
    buf_done(&v->out);
}

static void columns_add(struct buf *out, const struct indexlist_index *x)
{
    buf_addc(out, '(');
    for (u32 i = 0; i < x->columns; i++)
        buf_addf(out, "%s%.*s", i ? ", " : "", STR_ARG(x->column[i]));
    buf_addc(out, ')');
    if (x->include.len)
        buf_addf(out, " INCLUDE (%.*s)", STR_ARG(x->include));
    if (x->where.len)
        buf_addf(out, " WHERE %.*s", STR_ARG(x->where));
}

static void fault_add(struct buf *out, const struct indexlist *l, const struct indexlist_index *x)
{
    const struct indexlist_index *other = &l->index[x->other];

    switch (x->fault) {
    case INDEXLIST_NONE:
        return;
    case INDEXLIST_DUPLICATE:
    case INDEXLIST_PREFIX:
        buf_addf(out, "%s %.*s ", x->fault == INDEXLIST_DUPLICATE ? "is the same as" : "is how",
                 STR_ARG(other->name));
        columns_add(out, other);
        buf_add(out, x->fault == INDEXLIST_DUPLICATE ? STR("") : STR(" begins"));
        return;
    case INDEXLIST_UNUSED:
        buf_add(out, STR("nobody has read it"));
        if (l->since.len)
            buf_addf(out, " since %.*s", STR_ARG(l->since));
        return;
    case INDEXLIST_INVALID:
        buf_add(out, STR("was not finished: it is written, and never read"));
        return;
    }
}

static void text_add(struct view *v, const struct indexlist_index *x, bool colours)
{
    struct buf *out = &v->out;

    buf_addf(out, "%.*s.%s%.*s%s ", STR_ARG(x->table), colours ? "\033[1m" : "", STR_ARG(x->name),
             colours ? "\033[0m" : "");
    columns_add(out, x);
    if (x->bytes >= 0) {
        buf_add(out, STR(", "));
        brief_bytes(out, x->bytes);
    }
    buf_add(out, STR("\n  "));
    fault_add(out, &v->list, x);
    buf_addf(out, "\n  %s", colours ? "\033[32m" : "");
    indexlist_drop_add(out, x, v->db.dialect);
    buf_addf(out, ";%s\n\n", colours ? "\033[0m" : "");
}

static void number_json(struct buf *out, const char *key, double n)
{
    json_key(out, key);
    if (n >= 0)
        buf_addf(out, "%.17g", n);
    else
        json_null(out);
}

static void word_json(struct buf *out, const char *key, struct str word)
{
    json_key(out, key);
    json_text(out, word);
}

static void json_add(struct view *v, const struct indexlist_index *x)
{
    AUTO(buf_done) struct buf drop = { 0 };
    struct buf *out = &v->out;

    json_comma(out);
    buf_addc(out, '{');
    word_json(out, "schema", x->schema);
    word_json(out, "table", x->table);
    word_json(out, "name", x->name);
    json_key(out, "columns");
    buf_addc(out, '[');
    for (u32 i = 0; i < x->columns; i++)
        json_text(out, x->column[i]);
    buf_addc(out, ']');
    word_json(out, "fault", str_of(fault_key[x->fault]));
    json_key(out, "other");
    if (x->fault == INDEXLIST_DUPLICATE || x->fault == INDEXLIST_PREFIX)
        json_text(out, v->list.index[x->other].name);
    else
        json_null(out);
    number_json(out, "bytes", x->bytes);
    number_json(out, "scans", x->scans);
    indexlist_drop_add(&drop, x, v->db.dialect);
    word_json(out, "statement", buf_str(&drop));
    buf_addc(out, '}');
}

static void all_json(struct view *v)
{
    struct buf *out = &v->out;

    buf_addc(out, '{');
    json_key(out, "indexes");
    buf_addc(out, '[');
    for (u32 i = 0; i < v->list.count; i++)
        if (v->list.index[i].fault != INDEXLIST_NONE)
            json_add(v, &v->list.index[i]);
    buf_addc(out, ']');
    json_key(out, "looked_at");
    json_u64(out, v->list.count);
    json_key(out, "usage_known");
    json_bool(out, v->list.usage_known);
    json_key(out, "counted_since");
    if (v->list.since.len)
        json_text(out, v->list.since);
    else
        json_null(out);
    buf_add(out, STR("}\n"));
}

/* What the list cannot say. */
static void notes_add(struct view *v)
{
    struct buf *out = &v->out;

    if (v->list.full)
        buf_addf(out, "There are more indexes than the %u that were looked at.\n", v->list.count);
    if (!v->list.usage_known)
        buf_add(out, v->db.dialect == SQL_SQLITE
                         ? STR("SQLite does not count who reads an index.\n")
                         : STR("Whether an index is read is not known: performance_schema (or "
                               "MariaDB's userstat) is off.\n"));
    else
        buf_addf(out,
                 "Reads are counted%s%.*s, of this server: another one that only reads may use "
                 "them, and so may a job that runs rarely.\n",
                 v->list.since.len ? " since " : "", STR_ARG(v->list.since));
}

static void all_text(struct view *v)
{
    bool colours = log_colours(STDOUT_FILENO);
    u32 found = 0;

    for (u32 i = 0; i < v->list.count; i++) {
        if (v->list.index[i].fault == INDEXLIST_NONE)
            continue;
        text_add(v, &v->list.index[i], colours);
        found++;
    }
    buf_addf(&v->out, "%u of %u indexes %s there for nothing. ", found, v->list.count,
             found == 1 ? "is" : "are");
    notes_add(v);
}

int sql_indexes_command(int argc, char **argv)
{
    AUTO(sql_options_done) struct sql_options o = { 0 };
    AUTO(view_done) struct view v = { .options = &o };
    struct database_options db = { 0 };
    struct problem p = { .text = "out of memory" };
    int code = sql_options_read(&o, &sql_indexes_flags, argc, argv), err;

    if (code)
        return max(code, 0);
    db.url = o.db.len ? o.db.ptr : getenv("DATABASE_URL");
    if (!db.url || !*db.url)
        return command_usage("sql indexes needs a database: --db postgresql://user@host/name, "
                             "mysql://user@host/name or sqlite:PATH");
    err = database_open(&v.db, &db, &p);
    if (!err)
        err = indexread_all(&v.list, &v.db, &p);
    if (err) {
        command_problem(&p);
        return EXIT_APP;
    }
    if (o.control.json)
        all_json(&v);
    else
        all_text(&v);
    return command_print(&v.out);
}
