/* sql/catalog.c -- what is known of the tables that a statement uses */
#include "sql/catalog.h"

struct catalog_text {
    struct catalog_text *next;
    char bytes[];
};

struct str catalog_keep(struct catalog *c, struct str text)
{
    struct catalog_text *t = malloc(sizeof(*t) + text.len + 1);

    if (!t)
        return (struct str){ 0 };
    if (text.len)
        memcpy(t->bytes, text.ptr, text.len);
    t->bytes[text.len] = 0;
    t->next = c->texts;
    c->texts = t;
    return str_make(t->bytes, text.len);
}

struct catalog_table *catalog_add(struct catalog *c, struct str schema, struct str name)
{
    struct catalog_table *t;

    if (c->tables == CATALOG_TABLES_MAX)
        return NULL;
    t = &c->table[c->tables++];
    *t = (struct catalog_table){ .schema = catalog_keep(c, schema),
                                 .name = catalog_keep(c, name),
                                 .rows = -1 };
    return t;
}

static bool name_eq(struct str a, struct str b, bool nocase)
{
    return nocase ? str_eq_nocase(a, b) : str_eq(a, b);
}

const struct catalog_table *catalog_find(const struct catalog *c, struct str schema,
                                         struct str name, bool nocase)
{
    for (u32 i = 0; i < c->tables; i++)
        if (name_eq(c->table[i].name, name, nocase) &&
            (!schema.len || name_eq(c->table[i].schema, schema, nocase)))
            return &c->table[i];
    return NULL;
}

/* One more element of `size` bytes, zeroed. */
static void *grow(void **array, u32 *count, u32 most, size_t size)
{
    void *more;

    if (*count == most)
        return NULL;
    if ((*count & (*count - 1)) == 0) { /* 0 or a power of two: full */
        more = realloc(*array, (*count ? 2 * (size_t)*count : 1) * size);
        if (!more)
            return NULL;
        *array = more;
    }
    more = (char *)*array + *count * size;
    memset(more, 0, size);
    ++*count;
    return more;
}

struct catalog_column *catalog_add_column(struct catalog_table *t)
{
    return grow((void **)&t->column, &t->columns, CATALOG_COLUMNS_MAX, sizeof(*t->column));
}

struct catalog_index *catalog_add_index(struct catalog_table *t)
{
    return grow((void **)&t->index, &t->indexes, CATALOG_COLUMNS_MAX, sizeof(*t->index));
}

struct catalog_foreign_key *catalog_add_key(struct catalog_table *t)
{
    return grow((void **)&t->key, &t->keys, CATALOG_COLUMNS_MAX, sizeof(*t->key));
}

const struct catalog_column *catalog_column(const struct catalog_table *t, struct str name,
                                            bool nocase)
{
    for (u32 i = 0; i < t->columns; i++)
        if (name_eq(t->column[i].name, name, nocase))
            return &t->column[i];
    return NULL;
}

void catalog_done(struct catalog *c)
{
    for (u32 i = 0; i < c->tables; i++) {
        free(c->table[i].column);
        free(c->table[i].index);
        free(c->table[i].key);
    }
    for (struct catalog_text *t = c->texts, *next; t; t = next) {
        next = t->next;
        free(t);
    }
    *c = (struct catalog){ 0 };
}
