/* sql/demand.c -- what a statement asks of its tables: which columns are compared, sorted, grouped
 */
#include "sql/demand.h"

enum { NESTED_MAX = 32 };

/* One side of a comparison. */
struct operand {
    enum { OPERAND_VALUE, OPERAND_COLUMN, OPERAND_OTHER } kind;
    u32 table;
    struct str column, function;
};

u32 demand_tokens(struct str text, enum sql_dialect dialect, struct sql_token *token, u32 most)
{
    struct sql_lexer lexer = { .dialect = dialect, .text = text.ptr, .len = text.len };
    u32 count = 0;

    while (count < most && sql_token_next(&lexer, &token[count]))
        count++;
    return count;
}

struct str demand_unquoted(struct str name, enum sql_dialect dialect)
{
    char open = name.len > 2 ? name.ptr[0] : 0, close = open == '[' ? ']' : open;

    if (!open || !(open == '"' || (open == '`' && dialect != SQL_POSTGRESQL) ||
                   (open == '[' && dialect == SQL_SQLITE)))
        return name;
    for (size_t i = 1; i + 1 < name.len; i++)
        if (name.ptr[i] == close)
            return name;
    return str_sub(name, 1, name.len - 2);
}

void demand_add_use(struct demand *s, const struct demand_use *use)
{
    for (u32 i = 0; i < s->uses; i++)
        if (s->use[i].table == use->table && s->use[i].kind == use->kind &&
            s->use[i].other == use->other && str_eq(s->use[i].column, use->column) &&
            str_eq(s->use[i].function, use->function))
            return;
    if (s->uses < DEMAND_USES_MAX)
        s->use[s->uses++] = *use;
}

u32 demand_add_table(struct demand *s, struct str schema, struct str name, struct str alias)
{
    if (s->tables == DEMAND_TABLES_MAX)
        return DEMAND_TABLES_MAX;
    s->table[s->tables] = (struct demand_table){
        .schema = schema, .name = name, .alias = alias.len ? alias : name, .rows_read = -1
    };
    return s->tables++;
}

static bool is_open(const struct sql_token *t)
{
    return t->kind == SQL_OPEN && *t->ptr == '(';
}

/* Behind the bracket that closes the one at `at`; `count` when none does. */
static u32 close_of(const struct sql_token *t, u32 at, u32 count)
{
    u32 depth = 0;

    for (; at < count; at++) {
        if (t[at].kind == SQL_OPEN)
            depth++;
        else if (t[at].kind == SQL_CLOSE && --depth == 0)
            return at + 1;
    }
    return count;
}

static void strip(const struct sql_token **t, u32 *count)
{
    while (*count >= 2 && is_open(&(*t)[0]) && (*t)[*count - 1].kind == SQL_CLOSE &&
           close_of(*t, 0, *count) == *count) {
        ++*t;
        *count -= 2;
    }
}

static bool is_name(const struct sql_token *t)
{
    return t->kind == SQL_QUOTED || (t->kind == SQL_WORD && !t->opens);
}

/* Whether the tokens are name, table.name or schema.table.name of a column that is known. */
static bool is_column(const struct demand_scope *scope, const struct sql_token *t, u32 count,
                      struct operand *o)
{
    struct str qualifier = { 0 }, name;

    if (count != 1 && count != 3 && count != 5)
        return false;
    for (u32 i = 0; i < count; i++)
        if (i & 1 ? t[i].kind != SQL_DOT : !is_name(&t[i]))
            return false;
    if (count > 1)
        qualifier = token_text(&t[count - 3]);
    name = token_text(&t[count - 1]);
    o->table = scope->find(scope, qualifier, &name);
    o->column = name;
    return o->table < DEMAND_TABLES_MAX;
}

/* Whether a column is anywhere in it. */
static bool has_column(const struct demand_scope *scope, const struct sql_token *t, u32 count)
{
    struct operand o;

    for (u32 i = 0; i < count; i++) {
        u32 len = 1;

        if (t[i].kind == SQL_CAST) { /* the type */
            while (i + 1 < count && (is_name(&t[i + 1]) || t[i + 1].kind == SQL_DOT))
                i++;
            continue;
        }
        if (t[i].kind == SQL_WORD && (t[i].word == SQL_KW_SELECT || t[i].word == SQL_KW_CASE))
            return true;
        if (!is_name(&t[i]) || (i + 1 < count && is_open(&t[i + 1])))
            continue;
        while (i + len + 1 < count && t[i + len].kind == SQL_DOT && is_name(&t[i + len + 1]) &&
               len < 5)
            len += 2;
        if (is_column(scope, t + i, len, &o))
            return true;
        i += len - 1;
    }
    return false;
}

/* Without the cast at its end: (x)::character varying(20)[] → x. */
static u32 without_cast(const struct sql_token *t, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (t[i].kind == SQL_OPEN)
            i = close_of(t, i, count) - 1;
        else if (t[i].kind == SQL_OPERATOR)
            return count;
        else if (t[i].kind == SQL_CAST)
            return i;
    }
    return count;
}

static struct operand operand_of(const struct demand_scope *scope, const struct sql_token *t,
                                 u32 count)
{
    struct operand o = { .kind = OPERAND_COLUMN };

    for (u32 before = 0; before != count;) {
        before = count;
        strip(&t, &count);
        count = without_cast(t, count);
    }
    if (is_column(scope, t, count, &o))
        return o;
    if (count > 3 && t[0].kind == SQL_WORD && is_open(&t[1]) && close_of(t, 1, count) == count &&
        (str_eq_nocase(token_text(t), STR("lower")) ||
         str_eq_nocase(token_text(t), STR("upper")))) {
        struct operand inner = operand_of(scope, t + 2, count - 3);

        if (inner.kind == OPERAND_COLUMN && !inner.function.len) {
            inner.function = token_text(t);
            return inner;
        }
    }
    o.kind = has_column(scope, t, count) ? OPERAND_OTHER : OPERAND_VALUE;
    return o;
}

static void add(const struct demand_scope *scope, const struct operand *o, enum demand_kind kind,
                bool many, u32 other)
{
    struct demand_use use = { .table = o->table,
                              .column = o->column,
                              .function = o->function,
                              .kind = kind,
                              .many = many,
                              .other = other };

    demand_add_use(scope->demand, &use);
}

static bool is_word(const struct sql_token *t, enum sql_word word)
{
    return t->kind == SQL_WORD && t->word == word;
}

/* A text that begins with a letter or a digit, as a pattern that an index can serve does. */
static bool is_prefix_pattern(const struct sql_token *t, u32 count)
{
    return count >= 1 && t[0].kind == SQL_STRING && t[0].len > 2 && t[0].ptr[0] == '\'' &&
           t[0].ptr[1] != '%' && t[0].ptr[1] != '_';
}

static enum demand_kind kind_of(struct str op, bool *known)
{
    *known = true;
    if (str_eq(op, STR("=")) || str_eq(op, STR("==")) || str_eq(op, STR("<=>")))
        return DEMAND_EQUAL;
    if (str_eq(op, STR("<")) || str_eq(op, STR(">")) || str_eq(op, STR("<=")) ||
        str_eq(op, STR(">=")))
        return DEMAND_RANGE;
    if (str_eq(op, STR("~~")))
        return DEMAND_PREFIX;
    *known = false;
    return DEMAND_EQUAL;
}

static void compare(const struct demand_scope *scope, struct str op, const struct sql_token *left,
                    u32 lefts, const struct sql_token *right, u32 rights)
{
    bool known, many = rights && (is_word(right, SQL_KW_ANY) ||
                                  str_eq_nocase(token_text(right), STR("some")));
    enum demand_kind kind = kind_of(op, &known);
    struct operand a = operand_of(scope, left, lefts), b;

    if (many) {
        right++;
        rights--;
    }
    b = operand_of(scope, right, rights);
    if (!known || (many && b.kind == OPERAND_COLUMN)) /* = ANY (an array's column) */
        return;
    if (kind == DEMAND_PREFIX) {
        if (a.kind == OPERAND_COLUMN && is_prefix_pattern(right, rights))
            add(scope, &a, kind, false, 0);
        return;
    }
    if (a.kind == OPERAND_COLUMN && b.kind == OPERAND_VALUE)
        add(scope, &a, kind, many, 0);
    else if (b.kind == OPERAND_COLUMN && a.kind == OPERAND_VALUE)
        add(scope, &b, kind, many, 0);
    else if (kind == DEMAND_EQUAL && a.kind == OPERAND_COLUMN && b.kind == OPERAND_COLUMN &&
             a.table != b.table) {
        add(scope, &a, DEMAND_JOIN, false, b.table);
        add(scope, &b, DEMAND_JOIN, false, a.table);
    } else if (kind == DEMAND_EQUAL && a.kind == OPERAND_COLUMN && b.kind == OPERAND_OTHER)
        add(scope, &a, DEMAND_JOIN, many, a.table); /* with an expression of another table */
}

/* Keyset pagination: (a, b) > (1, 2) is a range of its first column. */
static bool row_compare(const struct demand_scope *scope, struct str op, const struct sql_token *t,
                        u32 count)
{
    u32 item;
    struct operand o;
    bool known;
    enum demand_kind kind = kind_of(op, &known);

    if (count && t[0].kind == SQL_WORD && t[0].word == SQL_KW_ROW) {
        t++;
        count--;
    }
    if (!known || count < 5 || !is_open(t) || close_of(t, 0, count) != count)
        return false;
    for (u32 i = 1; i < count - 1; i += item + 1) {
        for (item = 0; i + item < count - 1 && t[i + item].kind != SQL_COMMA; item++)
            if (t[i + item].kind == SQL_OPEN)
                item = close_of(t, i + item, count) - i - 1;
        if (i == 1 && i + item >= count - 1)
            return false; /* just parentheses */
        o = operand_of(scope, t + i, item);
        if (o.kind != OPERAND_COLUMN)
            return i > 1;
        add(scope, &o, kind, false, 0);
        if (kind != DEMAND_EQUAL)
            return true;
    }
    return true;
}

/* … IS NULL, … BETWEEN …, … IN (…), … LIKE …: at the word `at`. */
static void word_read(const struct demand_scope *scope, const struct sql_token *t, u32 at,
                      u32 count)
{
    struct operand o = operand_of(scope, t, at);

    if (o.kind != OPERAND_COLUMN || at + 1 >= count || t[at - 1].word == SQL_KW_NOT)
        return;
    if (t[at].word == SQL_KW_IS && is_word(&t[at + 1], SQL_KW_NULL))
        add(scope, &o, DEMAND_NULL, false, 0);
    else if (t[at].word == SQL_KW_IS && is_word(&t[at + 1], SQL_KW_NOT) && at + 2 < count &&
             is_word(&t[at + 2], SQL_KW_NULL))
        add(scope, &o, DEMAND_NOT_NULL, false, 0);
    else if (t[at].word == SQL_KW_IS && is_word(&t[at + 1], SQL_KW_TRUE))
        add(scope, &o, DEMAND_TRUE, false, 0);
    else if (t[at].word == SQL_KW_IS && is_word(&t[at + 1], SQL_KW_FALSE))
        add(scope, &o, DEMAND_FALSE, false, 0);
    else if (t[at].word == SQL_KW_BETWEEN && !has_column(scope, t + at + 1, count - at - 1))
        add(scope, &o, DEMAND_RANGE, false, 0);
    else if (t[at].word == SQL_KW_LIKE && is_prefix_pattern(t + at + 1, count - at - 1))
        add(scope, &o, DEMAND_PREFIX, false, 0);
    else if (t[at].word == SQL_KW_IN && is_open(&t[at + 1])) {
        bool query = at + 2 < count && is_word(&t[at + 2], SQL_KW_SELECT);

        if (query)
            add(scope, &o, DEMAND_JOIN, true, o.table);
        else if (!has_column(scope, t + at + 1, count - at - 1))
            add(scope, &o, DEMAND_EQUAL, true, 0);
    }
}

static void atom_read(const struct demand_scope *scope, const struct sql_token *t, u32 count)
{
    struct operand o;
    bool negated = count && is_word(&t[0], SQL_KW_NOT);

    if (negated) {
        o = operand_of(scope, t + 1, count - 1);
        if (o.kind == OPERAND_COLUMN && !o.function.len)
            add(scope, &o, DEMAND_FALSE, false, 0);
        return;
    }
    for (u32 i = 0; i < count; i++) {
        if (t[i].kind == SQL_OPEN) {
            i = close_of(t, i, count) - 1;
        } else if (t[i].kind == SQL_OPERATOR) {
            struct str op = token_text(&t[i]);

            if (!row_compare(scope, op, t, i))
                compare(scope, op, t, i, t + i + 1, count - i - 1);
            return;
        } else if (i && t[i].kind == SQL_WORD &&
                   (t[i].word == SQL_KW_IS || t[i].word == SQL_KW_BETWEEN ||
                    t[i].word == SQL_KW_IN || t[i].word == SQL_KW_LIKE)) {
            word_read(scope, t, i, count);
            return;
        }
    }
    o = operand_of(scope, t, count);
    if (o.kind == OPERAND_COLUMN && !o.function.len)
        add(scope, &o, DEMAND_TRUE, false, 0);
}

static void condition_read(const struct demand_scope *scope, const struct sql_token *t, u32 count,
                           u32 depth)
{
    bool between = false;
    u32 from = 0;

    strip(&t, &count);
    if (depth == NESTED_MAX)
        return;
    for (u32 i = 0; i < count; i++) {
        if (t[i].kind == SQL_OPEN)
            i = close_of(t, i, count) - 1;
        else if (is_word(&t[i], SQL_KW_OR) || is_word(&t[i], SQL_KW_XOR))
            return;
    }
    for (u32 i = 0; i <= count; i++) {
        if (i < count && t[i].kind == SQL_OPEN) {
            i = close_of(t, i, count) - 1;
        } else if (i < count && is_word(&t[i], SQL_KW_BETWEEN)) {
            between = true;
        } else if (i < count && is_word(&t[i], SQL_KW_AND) && between) {
            between = false;
        } else if (i == count || is_word(&t[i], SQL_KW_AND)) {
            if (from == 0 && i == count)
                atom_read(scope, t, count);
            else if (i > from)
                condition_read(scope, t + from, i - from, depth + 1);
            from = i + 1;
        }
    }
}

void demand_read_condition(const struct demand_scope *scope, const struct sql_token *token,
                           u32 count)
{
    condition_read(scope, token, count, 0);
}

bool demand_read_key(const struct demand_scope *scope, const struct sql_token *t, u32 count,
                     enum demand_kind kind)
{
    struct demand_use use = { .kind = kind };
    struct operand o;

    if (count > 2 && is_word(&t[count - 2], SQL_KW_NULLS)) {
        use.nulls_first = is_word(&t[count - 1], SQL_KW_FIRST);
        use.nulls_last = !use.nulls_first;
        count -= 2;
    }
    if (count > 1 && (is_word(&t[count - 1], SQL_KW_DESC) || is_word(&t[count - 1], SQL_KW_ASC))) {
        use.descending = is_word(&t[count - 1], SQL_KW_DESC);
        count--;
    }
    o = operand_of(scope, t, count);
    if (o.kind != OPERAND_COLUMN || o.function.len)
        return false;
    use.table = o.table;
    use.column = o.column;
    demand_add_use(scope->demand, &use);
    return true;
}
