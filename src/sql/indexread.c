/* sql/indexread.c -- all indexes of a database, and how often each was read, as it says itself */
#include "sql/indexread.h"

/* Rows as enum indexlist_cell has them. */
static const char pg_indexes[] =
    "SELECT n.nspname, c.relname, x.relname, m.amname, coalesce(pg_get_expr(i.indpred, "
    "i.indrelid), "
    "''), coalesce((SELECT string_agg(a.attname, ', ' ORDER BY a.attname) FROM "
    "unnest(i.indkey::int2[]) WITH ORDINALITY u(number, at) JOIN pg_attribute a ON a.attrelid = "
    "c.oid AND a.attnum = u.number WHERE u.at > i.indnkeyatts), ''), i.indisunique, i.indisprimary "
    "OR i.indisreplident OR i.indisexclusion OR EXISTS (SELECT FROM pg_constraint q WHERE "
    "q.conindid "
    "= x.oid), EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' "
    "AND "
    "f.conkey[1] = i.indkey[0]), NOT i.indisvalid, pg_relation_size(x.oid), s.idx_scan, "
    "pg_get_indexdef(x.oid, k.at::int, true) || coalesce((SELECT ' ' || o.opcname FROM pg_opclass "
    "o "
    "WHERE o.oid = i.indclass[k.at - 1] AND NOT o.opcdefault), '') || CASE WHEN "
    "i.indcollation[k.at - 1] NOT IN (0, coalesce(b.attcollation, 100)) THEN ' COLLATE ' || "
    "i.indcollation[k.at - 1]::text ELSE '' END || (ARRAY['', ' DESC', ' NULLS FIRST', ' DESC'])["
    "(i.indoption[k.at - 1] & 3) + 1] || CASE WHEN i.indoption[k.at - 1] = 1 THEN ' NULLS LAST' "
    "ELSE '' END FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid "
    "= "
    "i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = x.relam LEFT "
    "JOIN pg_stat_user_indexes s ON s.indexrelid = x.oid CROSS JOIN LATERAL "
    "generate_series(1, i.indnkeyatts) k(at) LEFT JOIN pg_attribute b ON b.attrelid = c.oid AND "
    "b.attnum = i.indkey[k.at - 1] AND b.attnum > 0 WHERE x.relkind = 'i' AND NOT x.relispartition "
    "AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY n.nspname, c.relname, "
    "x.relname, k.at";
static const char pg_since[] =
    "SELECT to_char(coalesce(stats_reset, pg_postmaster_start_time()), 'YYYY-MM-DD') FROM "
    "pg_stat_database WHERE datname = current_database()";

/* %s: how often one was read, and what that is joined with. */
static const char mysql_indexes[] =
    "SELECT s.table_schema, s.table_name, s.index_name, lower(s.index_type), '', '', s.non_unique "
    "= "
    "0, s.index_name = 'PRIMARY', EXISTS (SELECT 1 FROM information_schema.key_column_usage k "
    "WHERE "
    "k.table_schema = s.table_schema AND k.table_name = s.table_name AND k.referenced_table_name "
    "IS "
    "NOT NULL AND k.column_name = (SELECT f.column_name FROM information_schema.statistics f WHERE "
    "f.table_schema = s.table_schema AND f.table_name = s.table_name AND f.index_name = "
    "s.index_name AND f.seq_in_index = 1)), 0, NULL, %s, concat(coalesce(s.column_name, "
    "concat('? ', s.index_name)), if(s.sub_part IS NULL, '', concat('(', s.sub_part, ')')), "
    "if(s.collation = 'D', ' DESC', '')) FROM information_schema.statistics s %s WHERE "
    "s.table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY "
    "1, "
    "2, 3, s.seq_in_index";
static const struct {
    const char *is_on; /* a row with 1 */
    const char *count, *join;
} mysql_usage[] = {
    { "SELECT @@performance_schema AND EXISTS (SELECT 1 FROM "
      "performance_schema.setup_instruments WHERE name = 'wait/io/table/sql/handler' AND enabled = "
      "'YES')",
      "coalesce(u.count_star, 0)",
      "LEFT JOIN performance_schema.table_io_waits_summary_by_index_usage u ON u.object_schema = "
      "s.table_schema AND u.object_name = s.table_name AND u.index_name = s.index_name" },
    { "SELECT @@userstat", "coalesce(u.rows_read, 0)",
      "LEFT JOIN information_schema.index_statistics u ON u.table_schema = s.table_schema AND "
      "u.table_name = s.table_name AND u.index_name = s.index_name" },
};
/* Of MySQL, of MariaDB. */
#define SINCE(SCHEMA)                                                                     \
    "SELECT date_format(now() - INTERVAL variable_value SECOND, '%Y-%m-%d') FROM " SCHEMA \
    ".global_status WHERE variable_name = 'UPTIME'"
static const char *const mysql_since[] = { SINCE("performance_schema"),
                                           SINCE("information_schema") };

static const char sqlite_indexes[] =
    "SELECT '', m.tbl_name, i.name, 'btree', CASE WHEN i.partial THEN (SELECT substr(q.sql, "
    "instr(upper(q.sql), ' WHERE ') + 7) FROM sqlite_master q WHERE q.type = 'index' AND q.name = "
    "i.name) ELSE '' END, '', i.\"unique\", i.origin <> 'c', EXISTS (SELECT 1 FROM "
    "pragma_foreign_key_list(m.name) f JOIN pragma_index_xinfo(i.name) y ON y.seqno = 0 AND "
    "lower(y.name) = lower(f.\"from\")), 0, '', '', coalesce(x.name, '? ' || i.name || x.seqno) || "
    "CASE WHEN x.coll = 'BINARY' THEN '' ELSE ' COLLATE ' || x.coll END || CASE WHEN x.\"desc\" "
    "THEN ' DESC' ELSE '' END FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN "
    "pragma_index_xinfo(i.name) x WHERE m.type = 'table' AND x.key = 1 ORDER BY m.name, i.name, "
    "x.seqno";

static void index_row(void *arg, const struct str *cell, u32 cells)
{
    if (cells == INDEXLIST_CELLS)
        indexlist_add(arg, cell);
}

static void since_row(void *arg, const struct str *cell, u32 cells)
{
    struct indexlist *l = arg;

    if (cells)
        l->since = catalog_keep(&l->texts, cell[0]);
}

static void yes_row(void *arg, const struct str *cell, u32 cells)
{
    *(bool *)arg = cells && str_eq(cell[0], STR("1"));
}

static int mysql_read(struct indexlist *l, struct database *d, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct problem passed;
    u32 usage = 0;

    for (; usage < ARRAY_LEN(mysql_usage); usage++) {
        bool on = false;

        if (!database_rows(d, mysql_usage[usage].is_on, yes_row, &on, &passed) && on)
            break;
    }
    l->usage_known = usage < ARRAY_LEN(mysql_usage);
    buf_addf(&text, mysql_indexes, l->usage_known ? mysql_usage[usage].count : "NULL",
             l->usage_known ? mysql_usage[usage].join : "");
    buf_addc(&text, 0);
    if (text.failed)
        return -ENOMEM;
    for (u32 i = 0; l->usage_known && i < ARRAY_LEN(mysql_since) && !l->since.len; i++)
        (void)!database_rows(d, mysql_since[i], since_row, l, &passed); /* the other has it */
    return database_rows(d, text.ptr, index_row, l, p);
}

int indexread_all(struct indexlist *l, struct database *d, struct problem *p)
{
    int err = -EINVAL;

    switch (d->dialect) {
    case SQL_POSTGRESQL:
        l->usage_known = true;
        err = database_rows(d, pg_since, since_row, l, p);
        if (!err)
            err = database_rows(d, pg_indexes, index_row, l, p);
        break;
    case SQL_MYSQL:
        err = mysql_read(l, d, p);
        break;
    case SQL_SQLITE:
        err = database_rows(d, sqlite_indexes, index_row, l, p);
        break;
    }
    if (!err)
        indexlist_judge(l);
    return err;
}
