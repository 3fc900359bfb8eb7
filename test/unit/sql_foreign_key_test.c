/* Foreign keys: which no index serves, and what would. */
#include "sql/foreign_key.h"
#include "tap.h"

static struct catalog_foreign_key key(const char *a, const char *b)
{
    return (struct catalog_foreign_key){ .column = { str_of(a), str_of(b) },
                                         .columns = *b ? 2 : 1,
                                         .references = STR("users") };
}

static struct catalog_index index_on(const char *a, const char *b)
{
    return (struct catalog_index){ .column = { str_of(a), str_of(b) }, .columns = *b ? 2 : 1 };
}

/* How many of one key are bare. */
static u32 bare(struct catalog_foreign_key k, struct catalog_index x, double rows)
{
    static struct catalog c;
    struct foreign_key_bare out[FOREIGN_KEYS_MAX];

    c.tables = 1;
    c.table[0] = (struct catalog_table){
        .name = STR("orders"), .rows = rows, .key = &k, .keys = 1, .index = &x, .indexes = 1
    };
    return foreign_keys_bare(&c, out, FOREIGN_KEYS_MAX);
}

static void a_key_is_served_by_an_index_that_begins_with_it(void)
{
    CHECK_EQ(bare(key("user_id", ""), index_on("id", ""), 5000), 1);
    CHECK_EQ(bare(key("user_id", ""), index_on("user_id", ""), 5000), 0);
    CHECK_EQ(bare(key("user_id", ""), index_on("USER_ID", "at"), 5000), 0);
    CHECK_EQ(bare(key("user_id", ""), index_on("at", "user_id"), 5000), 1);
    CHECK_EQ(bare(key("org", "user_id"), index_on("user_id", "org"), 5000), 0);
    CHECK_EQ(bare(key("org", "user_id"), index_on("org", ""), 5000), 1);
}

static void a_partial_index_serves_none(void)
{
    struct catalog_index x = index_on("user_id", "");

    x.partial = true;
    CHECK_EQ(bare(key("user_id", ""), x, 5000), 1);
}

static void a_small_table_needs_none(void)
{
    CHECK_EQ(bare(key("user_id", ""), index_on("id", ""), 999), 0);
    CHECK_EQ(bare(key("user_id", ""), index_on("id", ""), -1), 0);
}

static void two_keys_of_one_column_are_told_of_once(void)
{
    static struct catalog c;
    struct catalog_foreign_key keys[] = { key("user_id", ""), key("user_id", ""),
                                          key("org", "user_id") };
    struct foreign_key_bare out[FOREIGN_KEYS_MAX];
    AUTO(buf_done) struct buf text = { 0 };

    c.tables = 1;
    c.table[0] = (struct catalog_table){
        .name = STR("Orders"), .rows = 5000, .key = keys, .keys = ARRAY_LEN(keys)
    };
    CHECK_EQ(foreign_keys_bare(&c, out, FOREIGN_KEYS_MAX), 2);
    CHECK_EQ(foreign_keys_bare(&c, out, 1), 1);
    foreign_keys_bare(&c, out, FOREIGN_KEYS_MAX);
    foreign_key_statement_add(&text, &out[1], SQL_POSTGRESQL);
    CHECK_STR(buf_str(&text),
              "CREATE INDEX CONCURRENTLY orders_org_user_id_idx ON \"Orders\" (org, user_id)");
}

int main(void)
{
    TEST(a_key_is_served_by_an_index_that_begins_with_it);
    TEST(a_partial_index_serves_none);
    TEST(a_small_table_needs_none);
    TEST(two_keys_of_one_column_are_told_of_once);
    return tap_done();
}
