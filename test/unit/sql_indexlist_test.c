/* Indexes that are there for nothing: which, and which one makes them so. */
#include "sql/indexlist.h"
#include "tap.h"

static struct indexlist list;

static void begin(bool usage_known)
{
    indexlist_done(&list);
    list.usage_known = usage_known;
}

/* `flags`: u unique, n needed, k begins with a foreign key, i invalid. `columns` with commas
 * between. */
static void add(const char *table, const char *name, const char *flags, const char *columns,
                const char *where, const char *scans)
{
    struct str rest = str_of(columns);

    while (rest.len) {
        ptrdiff_t comma = str_index(rest, ',');
        size_t end = comma < 0 ? rest.len : (size_t)comma;
        struct str cell[INDEXLIST_CELLS] = {
            [INDEXLIST_SCHEMA] = STR("public"),
            [INDEXLIST_TABLE] = str_of(table),
            [INDEXLIST_NAME] = str_of(name),
            [INDEXLIST_METHOD] = strchr(flags, 'h') ? STR("hash") : STR("btree"),
            [INDEXLIST_WHERE] = str_of(where),
            [INDEXLIST_INCLUDE] = strchr(flags, '+') ? STR("total") : STR(""),
            [INDEXLIST_IS_UNIQUE] = strchr(flags, 'u') ? STR("t") : STR("f"),
            [INDEXLIST_IS_NEEDED] = strchr(flags, 'n') ? STR("t") : STR("f"),
            [INDEXLIST_IS_KEYED] = strchr(flags, 'k') ? STR("1") : STR("0"),
            [INDEXLIST_IS_INVALID] = strchr(flags, 'i') ? STR("t") : STR("f"),
            [INDEXLIST_BYTES] = STR("8192"),
            [INDEXLIST_SCANS] = str_of(scans),
            [INDEXLIST_COLUMN] = str_sub(rest, 0, end),
        };

        indexlist_add(&list, cell);
        rest = str_sub(rest, min(end + 1, rest.len), rest.len - min(end + 1, rest.len));
    }
}

/* "name fault other" of the one number `i`. */
static struct str told(u32 i)
{
    static const char *const fault[] = { "none", "duplicate", "prefix", "unused", "invalid" };
    static char text[200];
    const struct indexlist_index *x = &list.index[i];
    bool by_other = x->fault == INDEXLIST_DUPLICATE || x->fault == INDEXLIST_PREFIX;
    struct str other = by_other ? list.index[x->other].name : STR("-");

    snprintf(text, sizeof(text), "%.*s %s %.*s", STR_ARG(x->name), fault[x->fault], STR_ARG(other));
    return str_of(text);
}

static void one_of_two_that_are_the_same_stays(void)
{
    begin(false);
    add("orders", "a", "", "user_id", "", "");
    add("orders", "b", "", "user_id", "", "");
    add("orders", "c", "u", "number", "", "");
    add("orders", "d", "", "number", "", "");
    add("orders", "e", "", "id", "", "");
    add("orders", "orders_pkey", "un", "id", "", "");
    add("users", "f", "", "user_id", "", "");
    indexlist_judge(&list);
    CHECK_STR(told(0), "a none -");
    CHECK_STR(told(1), "b duplicate a");
    CHECK_STR(told(2), "c none -");
    CHECK_STR(told(3), "d duplicate c");
    CHECK_STR(told(4), "e duplicate orders_pkey");
    CHECK_STR(told(5), "orders_pkey none -");
    CHECK_STR(told(6), "f none -");
}

static void what_another_begins_with_is_for_nothing_unless_it_is_unique(void)
{
    begin(false);
    add("t", "a", "", "x", "", "");
    add("t", "ab", "", "x,y", "", "");
    add("t", "abc", "", "x,y,z", "", "");
    add("t", "b", "u", "x", "", "");
    add("t", "ba", "", "y,x", "", "");
    indexlist_judge(&list);
    CHECK_STR(told(0), "a duplicate b");
    CHECK_STR(told(1), "ab prefix abc");
    CHECK_STR(told(2), "abc none -");
    CHECK_STR(told(3), "b none -");
    CHECK_STR(told(4), "ba none -");
}

static void the_one_that_is_named_stays(void)
{
    begin(false);
    add("t", "a", "", "x", "", "");
    add("t", "b", "", "x", "", "");
    add("t", "c", "", "x,y", "", "");
    add("t", "d", "", "x,y", "", "");
    indexlist_judge(&list);
    CHECK_STR(told(0), "a prefix c");
    CHECK_STR(told(1), "b prefix c");
    CHECK_STR(told(2), "c none -");
    CHECK_STR(told(3), "d duplicate c");
}

static void conditions_methods_directions_and_what_is_included_tell_them_apart(void)
{
    begin(false);
    add("t", "a", "", "x", "", "");
    add("t", "b", "", "x", "deleted IS NULL", "");
    add("t", "c", "h", "x", "", "");
    add("t", "d", "", "x DESC", "", "");
    add("t", "e", "+", "x", "", "");
    add("t", "f", "+", "y", "", "");
    add("t", "g", "", "y,x", "", "");
    add("t", "h", "h", "z", "", "");
    add("t", "i", "h", "z,x", "", "");
    indexlist_judge(&list);
    CHECK_STR(told(0), "a duplicate e");
    for (u32 i = 1; i < 9; i++)
        CHECK_EQ(list.index[i].fault, INDEXLIST_NONE);
}

static void nobody_has_read_it_only_where_that_is_counted(void)
{
    for (u32 known = 0; known < 2; known++) {
        begin(known);
        add("t", "a", "", "x", "", "0");
        add("t", "b", "", "y", "", "5");
        add("t", "c", "u", "z", "", "0");
        add("t", "d", "n", "v", "", "0");
        add("t", "e", "k", "w", "", "0");
        add("t", "f", "", "q", "", "");
        add("t", "g", "i", "y", "", "0");
        indexlist_judge(&list);
        CHECK_STR(told(0), known ? "a unused -" : "a none -");
        for (u32 i = 1; i < 6; i++)
            CHECK_EQ(list.index[i].fault, INDEXLIST_NONE);
        CHECK_STR(told(6), "g invalid -");
    }
}

static void what_serves_for_one_that_is_read_is_not_unused(void)
{
    begin(true);
    add("t", "a", "", "x", "", "7");
    add("t", "ab", "", "x,y", "", "0");
    add("u", "c", "", "x", "", "0");
    add("u", "cd", "", "x,y", "", "0");
    add("v", "e", "k", "x", "", "0");
    add("v", "ef", "", "x,y", "", "0");
    indexlist_judge(&list);
    CHECK_STR(told(0), "a prefix ab");
    CHECK_STR(told(1), "ab none -");
    CHECK_STR(told(2), "c unused -");
    CHECK_STR(told(3), "cd unused -");
    CHECK_STR(told(4), "e prefix ef");
    CHECK_STR(told(5), "ef none -");
}

static void an_index_of_more_columns_than_are_looked_at_is_left_alone(void)
{
    char columns[2 * INDEXLIST_COLUMNS_MAX + 2] = "";

    begin(true);
    for (u32 i = 0; i < INDEXLIST_COLUMNS_MAX + 1; i++) {
        columns[2 * i] = 'c';
        columns[2 * i + 1] = i < INDEXLIST_COLUMNS_MAX ? ',' : 0;
    }
    add("t", "a", "", columns, "", "0");
    indexlist_judge(&list);
    CHECK_EQ(list.count, 1);
    CHECK_EQ(list.index[0].fault, INDEXLIST_NONE);
}

static void it_is_dropped_as_the_database_wants_it(void)
{
    static const struct {
        enum sql_dialect dialect;
        const char *statement;
    } cases[] = {
        { SQL_POSTGRESQL, "DROP INDEX CONCURRENTLY public.\"Orders idx\"" },
        { SQL_MYSQL, "DROP INDEX `Orders idx` ON orders" },
        { SQL_SQLITE, "DROP INDEX \"Orders idx\"" },
    };
    begin(false);
    add("orders", "Orders idx", "", "x", "", "");
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = { 0 };

        indexlist_drop_add(&out, &list.index[0], cases[i].dialect);
        CHECK_STR(buf_str(&out), cases[i].statement);
        buf_done(&out);
    }
    indexlist_done(&list);
}

int main(void)
{
    TEST(one_of_two_that_are_the_same_stays);
    TEST(what_another_begins_with_is_for_nothing_unless_it_is_unique);
    TEST(the_one_that_is_named_stays);
    TEST(conditions_methods_directions_and_what_is_included_tell_them_apart);
    TEST(nobody_has_read_it_only_where_that_is_counted);
    TEST(what_serves_for_one_that_is_read_is_not_unused);
    TEST(an_index_of_more_columns_than_are_looked_at_is_left_alone);
    TEST(it_is_dropped_as_the_database_wants_it);
    return tap_done();
}
