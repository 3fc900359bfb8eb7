/* app/sql_view.c -- what `fettle sql explain` says of a statement, as text and as JSON */
#include "app/sql_view.h"

#include "app/brief.h"
#include "base/json.h"
#include "sql/foreign_key.h"

enum { REMARKS_MAX = 6 };

static const char *const how_text[] = {
    [DATABASE_TRIAL_MODEL] = "by fettle's estimate, not checked",
    [DATABASE_TRIAL_HYPOPG] = "checked with HypoPG",
    [DATABASE_TRIAL_TRANSACTION] = "checked with the index made and rolled back",
    [DATABASE_TRIAL_COPY] = "checked with the index in a copy of the schema",
};
static const char *const how_key[] = {
    [DATABASE_TRIAL_MODEL] = "estimate",
    [DATABASE_TRIAL_HYPOPG] = "hypopg",
    [DATABASE_TRIAL_TRANSACTION] = "transaction",
    [DATABASE_TRIAL_COPY] = "copy",
};
static const char *const dialect_key[] = {
    [SQL_POSTGRESQL] = "postgresql",
    [SQL_MYSQL] = "mysql",
    [SQL_SQLITE] = "sqlite",
};

static void remarks_done(struct advice_remark *r, u32 count)
{
    for (u32 i = 0; i < count; i++)
        buf_done(&r[i].text);
}

static void index_statement_add(struct buf *out, const struct advice *a, u32 kept,
                                enum sql_dialect dialect)
{
    AUTO(buf_done) struct buf name = { 0 };
    const struct candidate *c = &a->candidate[a->trial.kept[kept].candidate];

    candidate_name_add(&name, c, &a->explanation.demand);
    candidate_statement_add(out, c, &a->explanation.demand, dialect, buf_str(&name), true);
}

static void use_add(struct buf *out, const struct sql_statement *s)
{
    if (!s->count)
        return;
    buf_addf(out, "  %llu times, ", (unsigned long long)s->count);
    brief_time(out, s->total_ms);
    buf_add(out, STR(" in all, "));
    brief_time(out, s->max_ms);
    buf_addf(out, " at the longest%s%.*s\n", s->route.len ? "; " : "", STR_ARG(s->route));
    if (s->place.len)
        buf_addf(out, "  at %.*s\n", STR_ARG(s->place));
}

static void remarks_add(struct buf *out, const struct advice *a)
{
    struct advice_remark remark[REMARKS_MAX];
    u32 count = advice_remarks(a, remark, REMARKS_MAX);

    for (u32 i = 0; i < count; i++) {
        const struct explanation_step *s = &a->explanation.step[remark[i].step];

        if (remark[i].share > 0)
            buf_addf(out, "  %3.0f %%  ", 100 * remark[i].share);
        else
            buf_add(out, STR("  "));
        buf_add(out, buf_str(&remark[i].text));
        if (s->condition.len)
            buf_addf(out, ": %.*s", (int)min(s->condition.len, (size_t)200), s->condition.ptr);
        buf_addc(out, '\n');
    }
    remarks_done(remark, count);
}

static void gain_add(struct buf *out, double before, double after)
{
    buf_add(out, STR("cost "));
    brief_number(out, before);
    buf_add(out, STR(" → "));
    brief_number(out, after);
    buf_addf(out, " (−%.*f %%)", after < before * 0.01 && after > 0 ? 1 : 0,
             100 * (1 - after / max(before, 1e-9)));
}

static void indexes_add(struct buf *out, const struct advice *a, const struct database *d,
                        bool colours)
{
    for (u32 i = 0; i < a->trial.count; i++) {
        const struct trial_kept *k = &a->trial.kept[i];

        buf_addf(out, "  %s", colours ? "\033[32m" : "");
        index_statement_add(out, a, i, d->dialect);
        buf_addf(out, ";%s\n        ", colours ? "\033[0m" : "");
        if (k->with_next) {
            buf_add(out, STR("together with the next"));
        } else {
            gain_add(out, k->cost_before, k->cost_after);
            buf_addf(out, ", %s", how_text[a->how]);
        }
        if (k->bytes > 0) {
            buf_add(out, STR("; takes about "));
            brief_bytes(out, k->bytes);
        }
        buf_addc(out, '\n');
    }
    if (!a->trial.count)
        buf_add(out, STR("  no index would halve this\n"));
}

/* Whether an index that is proposed for the statement begins with the key. */
static bool is_proposed(const struct advice *a, const struct foreign_key_bare *k)
{
    for (u32 i = 0; i < a->trial.count; i++) {
        const struct candidate *c = &a->candidate[a->trial.kept[i].candidate];

        if (k->key->columns == 1 && !c->where.len && !c->column[0].function.len &&
            str_eq_nocase(a->explanation.demand.table[c->table].name, k->table->name) &&
            str_eq_nocase(c->column[0].name, k->key->column[0]))
            return true;
    }
    return false;
}

static u32 keys_of(const struct advice *a, struct foreign_key_bare *out)
{
    u32 count = foreign_keys_bare(&a->catalog, out, FOREIGN_KEYS_MAX), kept = 0;

    for (u32 i = 0; i < count; i++)
        if (!is_proposed(a, &out[i]))
            out[kept++] = out[i];
    return kept;
}

/* What no plan of this statement shows. */
static void keys_add(struct buf *out, const struct advice *a, enum sql_dialect dialect)
{
    struct foreign_key_bare bare[FOREIGN_KEYS_MAX];
    u32 count = keys_of(a, bare);

    for (u32 i = 0; i < count; i++) {
        struct str table = bare[i].table->name, other = bare[i].key->references;

        buf_addf(out, "  %.*s refers to %.*s by ", STR_ARG(table), STR_ARG(other));
        for (u32 k = 0; k < bare[i].key->columns; k++)
            buf_addf(out, "%s%.*s", k ? ", " : "", STR_ARG(bare[i].key->column[k]));
        buf_addf(out, ", without an index: deleting a row of %.*s reads all of %.*s\n        ",
                 STR_ARG(other), STR_ARG(table));
        foreign_key_statement_add(out, &bare[i], dialect);
        buf_add(out, STR(";\n"));
    }
}

void sql_view_text(struct buf *out, const struct sql_statement *s, const struct advice *a,
                   const struct database *d, const char *wrong, bool colours)
{
    if (out->len)
        buf_addc(out, '\n');
    buf_addf(out, "%s%.*s%s\n", colours ? "\033[1m" : "", STR_ARG(s->text),
             colours ? "\033[0m" : "");
    use_add(out, s);
    if (wrong) {
        buf_addf(out, "  %s%s%s\n", colours ? "\033[31m" : "", wrong, colours ? "\033[0m" : "");
        return;
    }
    if (a->explanation.cost > 0) {
        buf_add(out, STR("  cost "));
        brief_number(out, a->explanation.cost);
        buf_add(out, STR(", of which\n"));
    }
    remarks_add(out, a);
    indexes_add(out, a, d, colours);
    keys_add(out, a, d->dialect);
}

static void number_json(struct buf *out, const char *key, double n)
{
    json_key(out, key);
    buf_addf(out, "%.10g", n);
}

static void steps_json(struct buf *out, const struct advice *a)
{
    const struct explanation *e = &a->explanation;

    json_key(out, "plan");
    buf_addc(out, '[');
    for (u32 i = 0; i < e->steps; i++) {
        const struct explanation_step *s = &e->step[i];

        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "step");
        json_text(out, s->name);
        json_key(out, "depth");
        json_u64(out, s->depth);
        if (s->table < e->demand.tables) {
            json_key(out, "table");
            json_text(out, e->demand.table[s->table].name);
            json_key(out, "alias");
            json_text(out, e->demand.table[s->table].alias);
        }
        if (s->index.len) {
            json_key(out, "index");
            json_text(out, s->index);
        }
        if (s->condition.len) {
            json_key(out, "condition");
            json_text(out, s->condition);
        }
        if (s->rows >= 0)
            number_json(out, "rows", s->rows);
        number_json(out, "loops", s->loops);
        number_json(out, "cost", s->cost);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void remarks_json(struct buf *out, const struct advice *a)
{
    struct advice_remark remark[REMARKS_MAX];
    u32 count = advice_remarks(a, remark, REMARKS_MAX);

    json_key(out, "slow");
    buf_addc(out, '[');
    for (u32 i = 0; i < count; i++) {
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "what");
        json_text(out, buf_str(&remark[i].text));
        number_json(out, "share", remark[i].share);
        json_key(out, "step");
        json_u64(out, remark[i].step);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    remarks_done(remark, count);
}

static void index_json(struct buf *out, const struct advice *a, u32 kept, const struct database *d)
{
    AUTO(buf_done) struct buf text = { 0 };
    const struct trial_kept *k = &a->trial.kept[kept];
    const struct candidate *c = &a->candidate[k->candidate];

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "table");
    json_text(out, a->explanation.demand.table[c->table].name);
    json_key(out, "columns");
    buf_addc(out, '[');
    for (u32 i = 0; i < c->columns; i++)
        json_text(out, c->column[i].name);
    buf_addc(out, ']');
    index_statement_add(&text, a, kept, d->dialect);
    json_key(out, "statement");
    json_text(out, buf_str(&text));
    number_json(out, "cost_before", k->cost_before);
    number_json(out, "cost_after", k->cost_after);
    json_key(out, "together_with_next");
    json_bool(out, k->with_next);
    json_key(out, "checked");
    json_text(out, str_of(how_key[a->how]));
    if (k->bytes > 0)
        number_json(out, "bytes", k->bytes);
    buf_addc(out, '}');
}

static void keys_json(struct buf *out, const struct advice *a, enum sql_dialect dialect)
{
    struct foreign_key_bare bare[FOREIGN_KEYS_MAX];
    u32 count = keys_of(a, bare);

    json_key(out, "foreign_keys");
    buf_addc(out, '[');
    for (u32 i = 0; i < count; i++) {
        AUTO(buf_done) struct buf text = { 0 };

        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "table");
        json_text(out, bare[i].table->name);
        json_key(out, "columns");
        buf_addc(out, '[');
        for (u32 k = 0; k < bare[i].key->columns; k++)
            json_text(out, bare[i].key->column[k]);
        buf_addc(out, ']');
        json_key(out, "references");
        json_text(out, bare[i].key->references);
        foreign_key_statement_add(&text, &bare[i], dialect);
        json_key(out, "statement");
        json_text(out, buf_str(&text));
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void use_json(struct buf *out, const struct sql_statement *s)
{
    if (!s->count)
        return;
    json_key(out, "count");
    json_u64(out, s->count);
    number_json(out, "total_ms", s->total_ms);
    number_json(out, "max_ms", s->max_ms);
    json_key(out, "route");
    json_text(out, s->route);
    if (s->place.len) {
        json_key(out, "place");
        json_text(out, s->place);
    }
}

void sql_view_json(struct buf *out, const struct sql_statement *s, const struct advice *a,
                   const struct database *d, const char *wrong)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "statement");
    json_text(out, s->text);
    json_key(out, "dialect");
    json_text(out, str_of(dialect_key[d->dialect]));
    use_json(out, s);
    if (wrong) {
        json_key(out, "error");
        json_text(out, str_of(wrong));
        buf_addc(out, '}');
        return;
    }
    number_json(out, "cost", a->explanation.cost);
    if (a->explanation.rows >= 0)
        number_json(out, "rows", a->explanation.rows);
    steps_json(out, a);
    remarks_json(out, a);
    json_key(out, "indexes");
    buf_addc(out, '[');
    for (u32 i = 0; i < a->trial.count; i++)
        index_json(out, a, i, d);
    buf_addc(out, ']');
    keys_json(out, a, d->dialect);
    buf_addc(out, '}');
}
