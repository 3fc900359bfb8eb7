/* admin/remedy.c -- what would replace a statement that runs again and again */
#include "admin/remedy.h"

#include "sql/shape.h"

/* What stands for a name that the statement does not give. */
#define NAME(ptr, len, other) ((len) ? str_make(ptr, len) : STR(other))

static bool uses(struct str via, const char *package)
{
    struct str rest = via, word;

    while (rest.len) {
        word = str_cut(rest, ' ', &rest);
        if (str_eq(word, str_of(package)))
            return true;
    }
    return false;
}

static enum sql_dialect dialect_of(enum shm_call_system system)
{
    return system == SHM_CALL_POSTGRESQL ? SQL_POSTGRESQL
           : system == SHM_CALL_MYSQL    ? SQL_MYSQL
                                         : SQL_SQLITE;
}

/* How a set of rows is asked for at once. */
static void set_write(struct buf *out, enum shm_call_system system, struct str column)
{
    if (system == SHM_CALL_POSTGRESQL)
        buf_addf(out, "WHERE %.*s = ANY($1)", STR_ARG(column));
    else
        buf_addf(out, "WHERE %.*s IN (?, ?, …)", STR_ARG(column));
}

/* In the words of the library that the app uses; false: it uses none that we know. */
static bool orm_write(struct buf *out, struct str via, struct str column)
{
    if (uses(via, "graphql"))
        buf_addf(out, "Let the resolvers share a DataLoader that asks for many %.*s at once",
                 STR_ARG(column));
    else if (uses(via, "sequelize"))
        buf_addf(out,
                 "With Sequelize: name the association in `include` of the query before, or ask "
                 "once, where: { %.*s: values }",
                 STR_ARG(column));
    else if (uses(via, "@prisma/client"))
        buf_addf(out,
                 "With Prisma: `include` the relation in the query before, or ask once, where: { "
                 "%.*s: { in: values } }",
                 STR_ARG(column));
    else if (uses(via, "knex"))
        buf_addf(out, "With Knex: .whereIn('%.*s', values), or .join()", STR_ARG(column));
    else if (uses(via, "typeorm"))
        buf_addf(out,
                 "With TypeORM: load it by `relations` of the query before, or ask once with "
                 "In(values) for %.*s",
                 STR_ARG(column));
    else if (uses(via, "drizzle-orm"))
        buf_addf(out, "With Drizzle: `with` in the query before, or inArray(%.*s, values)",
                 STR_ARG(column));
    else
        return false;
    return true;
}

static void select_write(struct buf *out, const struct remedy_case *c, const struct sql_subject *s)
{
    struct str column = NAME(s->column, s->column_len, "id"),
               table = NAME(s->table, s->table_len, "its table");

    if (orm_write(out, c->via, column)) {
        buf_add(out, STR("."));
        return;
    }
    buf_add(out, STR("Ask once for all of them: "));
    set_write(out, c->system, column);
    buf_addf(out, ", or join %.*s in the statement before.", STR_ARG(table));
}

static void update_write(struct buf *out, const struct remedy_case *c, struct str table,
                         struct str column)
{
    if (c->system == SHM_CALL_POSTGRESQL)
        buf_addf(out,
                 "Update all rows with one statement: UPDATE %.*s SET … FROM (VALUES …) AS v "
                 "(%.*s, …) WHERE %.*s.%.*s = v.%.*s.",
                 STR_ARG(table), STR_ARG(column), STR_ARG(table), STR_ARG(column), STR_ARG(column));
    else
        buf_addf(out,
                 "Update all rows with one statement: UPDATE %.*s SET … = CASE %.*s WHEN … END "
                 "WHERE %.*s IN (…); or at least in one transaction.",
                 STR_ARG(table), STR_ARG(column), STR_ARG(column));
}

static void sql_write(struct buf *out, const struct remedy_case *c)
{
    struct sql_subject s = sql_subject(c->statement.ptr, c->statement.len, dialect_of(c->system));
    struct str table = NAME(s.table, s.table_len, "its table"),
               column = NAME(s.column, s.column_len, "id");

    switch (s.verb) {
    case SQL_KW_INSERT:
        buf_addf(out, "Insert all rows with one statement: INSERT INTO %.*s (…) VALUES (…), (…), …",
                 STR_ARG(table));
        if (uses(c->via, "sequelize"))
            buf_add(out, STR(" With Sequelize: bulkCreate()."));
        else if (uses(c->via, "@prisma/client"))
            buf_add(out, STR(" With Prisma: createMany()."));
        else if (uses(c->via, "knex"))
            buf_add(out, STR(" With Knex: .insert([…])."));
        return;
    case SQL_KW_UPDATE:
        update_write(out, c, table, column);
        return;
    case SQL_KW_DELETE:
        buf_addf(out, "Delete all of them with one statement: DELETE FROM %.*s ", STR_ARG(table));
        set_write(out, c->system, column);
        buf_add(out, STR("."));
        return;
    default:
        select_write(out, c, &s);
        return;
    }
}

void remedy_write(struct buf *out, const struct remedy_case *c)
{
    switch (c->system) {
    case SHM_CALL_POSTGRESQL:
    case SHM_CALL_MYSQL:
    case SHM_CALL_SQLITE:
        sql_write(out, c);
        return;
    case SHM_CALL_REDIS:
        if (str_starts(c->statement, STR("GET ")))
            buf_add(out,
                    STR("Ask once for all of them: MGET, or send them together in a pipeline."));
        else
            buf_add(out, STR("Send them together, in a pipeline or with Promise.all()."));
        return;
    case SHM_CALL_MONGODB:
        buf_add(out, STR("Ask once for all of them: find({ …: { $in: values } }), or $lookup; with "
                         "Mongoose: populate()."));
        return;
    case SHM_CALL_HTTP:
        buf_add(out, STR("Ask for all of them with one request, if the server can; else several at "
                         "a time, with Promise.all()."));
        return;
    case SHM_CALL_OTHER:
    case SHM_CALL_SYSTEMS:
        return;
    }
}
