/* sql/foreign_key.c -- foreign keys that no index serves */
#include "sql/foreign_key.h"

#include "sql/candidate.h"

/* Whether the key's columns are the leading ones of the index, in whatever order. */
static bool serves(const struct catalog_index *index, const struct catalog_foreign_key *key)
{
    if (index->partial || index->columns < key->columns)
        return false;
    for (u32 i = 0; i < key->columns; i++) {
        bool found = false;

        for (u32 k = 0; k < key->columns; k++)
            found |= str_eq_nocase(index->column[k], key->column[i]);
        if (!found)
            return false;
    }
    return true;
}

static bool is_served(const struct catalog_table *t, const struct catalog_foreign_key *key)
{
    for (u32 i = 0; i < t->indexes; i++)
        if (serves(&t->index[i], key))
            return true;
    return false;
}

/* Several keys may stand on the same columns. */
static bool is_listed(const struct foreign_key_bare *out, u32 count, const struct catalog_table *t,
                      const struct catalog_foreign_key *key)
{
    for (u32 i = 0; i < count; i++) {
        bool same = out[i].table == t && out[i].key->columns == key->columns;

        for (u32 k = 0; same && k < key->columns; k++)
            same = str_eq_nocase(out[i].key->column[k], key->column[k]);
        if (same)
            return true;
    }
    return false;
}

u32 foreign_keys_bare(const struct catalog *c, struct foreign_key_bare *out, u32 most)
{
    u32 count = 0;

    for (u32 i = 0; i < c->tables; i++) {
        const struct catalog_table *t = &c->table[i];

        for (u32 k = 0; k < t->keys && count < most; k++)
            if (t->key[k].columns && t->rows >= CANDIDATE_ROWS_LEAST && !is_served(t, &t->key[k]) &&
                !is_listed(out, count, t, &t->key[k]))
                out[count++] = (struct foreign_key_bare){ t, &t->key[k] };
    }
    return count;
}

void foreign_key_statement_add(struct buf *out, const struct foreign_key_bare *k,
                               enum sql_dialect dialect)
{
    AUTO(buf_done) struct buf name = { 0 };
    AUTO(freep) struct demand *demand = calloc(1, sizeof(*demand));
    struct candidate index = { .columns = min(k->key->columns, (u32)CANDIDATE_COLUMNS_MAX) };

    if (!demand) {
        out->failed = true;
        return;
    }
    demand->table[0].schema = k->table->schema;
    demand->table[0].name = k->table->name;
    for (u32 i = 0; i < index.columns; i++)
        index.column[i].name = k->key->column[i];
    candidate_name_add(&name, &index, demand);
    candidate_statement_add(out, &index, demand, dialect, buf_str(&name), true);
    out->failed |= name.failed;
}
