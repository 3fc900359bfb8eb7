/* app/sql_explain.c -- `fettle sql explain`: what makes statements slow, and which index would help
 */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/sql_source.h"
#include "app/sql_view.h"
#include "base/json.h"
#include "sql/explainable.h"
#include "sql/fingerprint.h"

struct run {
    const struct sql_options *options;
    struct database db;
    struct buf out;
    u32 explained, failed;
    bool colours;
};

/* Why a statement is not explained at all; NULL: it is. */
static const char *why_not(const struct run *r, struct str text)
{
    if (!sql_fingerprint_is_whole(text.ptr, text.len))
        return "was too long to be captured as a whole, and cannot be explained";
    switch (explainable_verb(text, r->db.dialect)) {
    case EXPLAINABLE_YES:
        return NULL;
    case EXPLAINABLE_ALREADY:
        return "is an EXPLAIN already: give the statement behind it";
    case EXPLAINABLE_NO:
        return "has no plan: only SELECT, INSERT, UPDATE, DELETE and the like have one";
    }
    return NULL;
}

static int explain(struct run *r, const struct sql_statement *s)
{
    AUTO(advice_freep) struct advice *a = advice_new();
    struct problem p = { .text = "out of memory" };
    const char *wrong = why_not(r, s->text);
    int err = !a ? -ENOMEM : wrong ? 0 : advice_make(a, &r->db, s->text, &p);

    if (err == -ENOMEM || err == -ECONNRESET) {
        command_problem(&p);
        return err;
    }
    if (err)
        wrong = p.text;
    r->explained += !wrong;
    r->failed += wrong != NULL;
    if (r->options->control.json)
        sql_view_json(&r->out, s, a, &r->db, wrong);
    else
        sql_view_text(&r->out, s, a, &r->db, wrong, r->colours);
    return 0;
}

static int explain_all(struct run *r, const struct sql_source *source)
{
    if (r->options->control.json) {
        buf_addc(&r->out, '{');
        json_key(&r->out, "statements");
        buf_addc(&r->out, '[');
    }
    for (u32 i = 0; i < source->count; i++) {
        int err = explain(r, &source->statement[i]);

        if (err)
            return EXIT_APP;
    }
    if (r->options->control.json)
        buf_add(&r->out, STR("]}\n"));
    else if (r->db.note && r->explained)
        buf_addf(&r->out, "\n%s\n", r->db.note);
    return 0;
}

static void run_done(struct run *r)
{
    database_close(&r->db);
    buf_done(&r->out);
}

static int failed(const struct problem *p)
{
    command_problem(p);
    return EXIT_USAGE;
}

int sql_explain_command(int argc, char **argv)
{
    AUTO(sql_options_done) struct sql_options o = { 0 };
    AUTO(sql_source_done) struct sql_source source = { 0 };
    AUTO(run_done) struct run r = { .options = &o, .colours = log_colours(STDOUT_FILENO) };
    struct database_options db = { 0 };
    struct problem p = { .text = "out of memory" };
    enum sql_dialect dialect;
    int code = sql_options_read(&o, &sql_explain_flags, argc, argv), printed;

    if (code)
        return max(code, 0);
    db = (struct database_options){ .url = o.db.len ? o.db.ptr : getenv("DATABASE_URL"),
                                    .allow_extension = o.allow_extension,
                                    .allow_locks = o.allow_locks };
    if (!db.url || !*db.url)
        return command_usage("sql explain needs a database: --db postgresql://user@host/name, "
                             "mysql://user@host/name or sqlite:PATH");
    if (database_dialect(db.url, &dialect, &p))
        return failed(&p);
    code = sql_source_read(&source, &o, dialect);
    if (code)
        return code;
    if (!source.count)
        return command_usage("there is no statement to explain%s",
                             source.page ? ": the app has issued none for such a database yet"
                                         : "");
    if (database_open(&r.db, &db, &p)) {
        command_problem(&p);
        return EXIT_APP;
    }
    code = explain_all(&r, &source);
    printed = command_print(&r.out);
    return code ? code : printed ? printed : r.failed && !r.explained ? EXIT_APP : 0;
}
