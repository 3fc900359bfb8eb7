/* admin/slow_statement.c -- whether a statement takes long, and what to do then */
#include "admin/slow_statement.h"

#include "base/clock.h"
#include "metrics/histogram.h"
#include "sql/call_dialect.h"
#include "sql/explainable.h"

enum {
    SLOW_LEAST = 5,    /* slow executions: fewer may be a cold cache */
    SLOW_SHARE = 20,   /* one in so many */
    SHARE_LEAST = 20,  /* executions before a share of the requests' time means anything */
    SHARE_QUARTER = 4, /* of `slow-statement` */
};

bool slow_statement_is(const struct queries_statement *s, u64 threshold_ns)
{
    const struct queries_recent *r = &s->recent;

    if (!threshold_ns || slow_statement_waits(s->system, str_of(s->statement)))
        return false;
    if (r->slow >= SLOW_LEAST && r->slow >= r->count / SLOW_SHARE)
        return true;
    return r->count >= SHARE_LEAST && r->total_ns >= r->requests_ns / 2 &&
           r->total_ns / r->count >= threshold_ns / SHARE_QUARTER;
}

static bool is_among(struct str word, const char *const *names, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (str_eq_nocase(word, str_of(names[i])))
            return true;
    return false;
}

static bool sql_waits(struct str statement, enum sql_dialect dialect)
{
    static const char *const names[] = {
        "pg_sleep",
        "pg_sleep_for",
        "pg_sleep_until",
        "pg_advisory_lock",
        "pg_advisory_lock_shared",
        "pg_advisory_xact_lock",
        "pg_advisory_xact_lock_shared",
        "sleep",
        "get_lock",
        "benchmark",
        "master_gtid_wait",
        "wait_for_executed_gtid_set",
    };
    struct sql_lexer lexer = { .dialect = dialect, .text = statement.ptr, .len = statement.len };
    struct sql_token t = { 0 }, name;

    while (sql_token_next(&lexer, &t)) {
        struct sql_lexer ahead = lexer;

        name = t;
        if (name.kind == SQL_WORD &&
            is_among(str_make(name.ptr, name.len), names, ARRAY_LEN(names)) &&
            sql_token_next(&ahead, &t) && t.kind == SQL_OPEN)
            return true;
    }
    return false;
}

bool slow_statement_waits(enum shm_call_system system, struct str statement)
{
    static const char *const redis[] = {
        "BLPOP",     "BRPOP",      "BLMOVE",     "BRPOPLPUSH", "BLMPOP", "BZPOPMIN",
        "BZPOPMAX",  "BZMPOP",     "XREAD",      "XREADGROUP", "WAIT",   "WAITAOF",
        "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR",
    };
    enum sql_dialect dialect;
    struct str rest;

    if (call_dialect(system, &dialect))
        return sql_waits(statement, dialect);
    return system == SHM_CALL_HTTP ||
           (system == SHM_CALL_REDIS &&
            is_among(str_cut(statement, ' ', &rest), redis, ARRAY_LEN(redis)));
}

static void time_add(struct buf *out, u64 ns)
{
    u64 us = ns / NS_PER_US;

    if (us >= 10000 * 1000)
        buf_addf(out, "%llu.%llu s", (unsigned long long)(us / 1000000),
                 (unsigned long long)(us / 100000 % 10));
    else
        buf_addf(out, "%llu.%llu ms", (unsigned long long)(us / 1000),
                 (unsigned long long)(us / 100 % 10));
}

static u64 quantile(const struct queries_statement *s, u32 permille)
{
    return min(s->max_ns,
               histogram_quantile(s->bucket, queries_le_ns, SHM_CALL_BUCKETS - 1, permille));
}

void slow_statement_evidence(struct buf *out, const struct queries_statement *s)
{
    u64 count = s->count + s->errors;

    buf_add(out, STR("p50 "));
    time_add(out, quantile(s, 500));
    buf_add(out, STR(", p99 "));
    time_add(out, quantile(s, 990));
    buf_add(out, STR(", at the longest "));
    time_add(out, s->max_ns);
    buf_addf(out, "; %llu times, ", (unsigned long long)count);
    time_add(out, s->total_ns);
    buf_add(out, STR(" in all"));
    if (s->requests_ns)
        buf_addf(out, ", %llu %% of its requests' time",
                 (unsigned long long)min(
                     (u64)100, (u64)(100.0 * (double)s->total_ns / (double)s->requests_ns)));
    if (s->rows_of)
        buf_addf(out, "; %llu row%s each", (unsigned long long)(s->rows / s->rows_of),
                 s->rows / s->rows_of == 1 ? "" : "s");
    if (s->errors)
        buf_addf(out, "; %llu failed", (unsigned long long)s->errors);
    buf_addc(out, '\n');
}

void slow_statement_id(u64 hash, char out[17])
{
    snprintf(out, 17, "%016llx", (unsigned long long)hash);
}

void slow_statement_advice(struct buf *out, const struct queries_statement *s, struct str app)
{
    static const char *const url[] = {
        [SQL_POSTGRESQL] = "postgresql://…", [SQL_MYSQL] = "mysql://…", [SQL_SQLITE] = "sqlite:FILE"
    };
    enum sql_dialect dialect;
    char id[17];

    slow_statement_id(s->hash, id);
    if (!call_dialect(s->system, &dialect))
        buf_add(
            out,
            s->system == SHM_CALL_MONGODB
                ? STR("Look at its explain(): a COLLSCAN reads the whole collection, and an index "
                      "on what it looks for would not.")
                : STR("Ask for less at a time (SCAN instead of KEYS, a part of a list or set)."));
    else if (explainable_verb(str_of(s->statement), dialect) == EXPLAINABLE_YES)
        buf_addf(out,
                 "fettle sql explain --db %s %.*s %.8s says what its time goes to, and which index "
                 "would help.",
                 url[dialect], STR_ARG(app), id);
    else
        buf_add(out, STR("It has no plan: it waits for the disk or a lock. See what else the "
                         "database does meanwhile."));
}
