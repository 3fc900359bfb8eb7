/* heap/query.c -- words, operators, values */
#include "heap/query.h"

#include "conf/units.h"

static const struct {
    const char *name;
    enum query_field field;
} fields[] = {
    { "class", QUERY_CLASS },
    { "type", QUERY_TYPE },
    { "name", QUERY_NAME },
    { "text", QUERY_TEXT },
    { "id", QUERY_ID },
    { "shallow", QUERY_SHALLOW },
    { "self", QUERY_SHALLOW },
    { "retained", QUERY_RETAINED },
    { "distance", QUERY_DISTANCE },
    { "edges", QUERY_EDGES },
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static bool is_text(enum query_field field)
{
    return field <= QUERY_TEXT;
}

/* The most similar of all words, for a message. */
static const char *nearest(struct str word)
{
    const char *best = NULL;
    u32 distance = 4;

    for (u32 i = 0; i < ARRAY_LEN(fields) + FILTER_COUNT; i++) {
        const char *name = i < ARRAY_LEN(fields)
                               ? fields[i].name
                               : filters_name((enum filter)(i - ARRAY_LEN(fields)));
        u32 d = str_distance(word, str_of(name));

        if (d < distance) {
            distance = d;
            best = name;
        }
    }
    return best;
}

static int unknown(struct str word, struct problem *p)
{
    const char *near = nearest(word);

    return problem_set(p,
                       "\"%.*s\" is nothing to ask for%s%s%s Ask for class, type, name, text, id, "
                       "shallow, retained, distance, edges, or a kind such as empty-collections",
                       (int)min(word.len, (size_t)60), word.ptr ? word.ptr : "",
                       near ? "; did you mean " : "", near ? near : "", near ? "?" : ";");
}

/* One of = == != > >= < <= at *at. False: there is none. */
static bool operator_read(struct str s, size_t *at, enum query_op *op)
{
    static const struct {
        const char *text;
        enum query_op op;
    } ops[] = { { "!=", QUERY_NE }, { ">=", QUERY_GE }, { "<=", QUERY_LE }, { "==", QUERY_EQ },
                { "=", QUERY_EQ },  { ">", QUERY_GT },  { "<", QUERY_LT } };
    struct str rest = str_sub(s, *at, s.len);

    for (u32 i = 0; i < ARRAY_LEN(ops); i++)
        if (str_starts(rest, str_of(ops[i].text))) {
            *at += strlen(ops[i].text);
            *op = ops[i].op;
            return true;
        }
    return false;
}

/* Up to the next blank, or what is between quotes. */
static int value_read(struct str s, size_t *at, struct query_term *t, struct problem *p)
{
    size_t from = *at, end = from;
    char quote = from < s.len ? s.ptr[from] : 0;

    if (quote == '"' || quote == '\'') {
        ptrdiff_t len = str_index(str_sub(s, from + 1, s.len), quote);

        if (len < 0)
            return problem_set(p, "the quote %c at character %zu does not end", quote, from + 1);
        t->text = str_sub(s, from + 1, (size_t)len);
        t->quoted = true;
        *at = from + (size_t)len + 2;
        if (*at < s.len && !is_blank(s.ptr[*at]))
            return problem_set(p, "a blank is missing after the quote at character %zu", *at);
        return 0;
    }
    while (end < s.len && !is_blank(s.ptr[end]))
        end++;
    t->text = str_sub(s, from, end - from);
    *at = end;
    return 0;
}

static int number_read(struct query_term *t, struct str word, struct problem *p)
{
    struct str s = t->text;
    bool is_size = t->field == QUERY_SHALLOW || t->field == QUERY_RETAINED;

    if (t->field == QUERY_ID && str_starts(s, STR("@")))
        s = str_sub(s, 1, s.len);
    if (is_size && str_ends(s, STR("%"))) {
        t->percent = true;
        if (units_percent_parse(s, &t->number))
            return 0;
    } else if (is_size ? units_size_parse(s, &t->number) : str_to_u64(s, &t->number)) {
        return 0;
    }
    return problem_set(p, "%.*s needs %s, and \"%.*s\" is none", (int)min(word.len, (size_t)20),
                       word.ptr, is_size ? "a size, such as 512K, 1M or 2%" : "a whole number",
                       (int)min(s.len, (size_t)60), s.ptr ? s.ptr : "");
}

static bool filter_named(struct str word, enum filter *out)
{
    for (u32 i = 0; i < FILTER_COUNT; i++)
        if (str_eq(word, str_of(filters_name((enum filter)i)))) {
            *out = (enum filter)i;
            return true;
        }
    return false;
}

/* A field, its operator and value. */
static int comparison_read(struct str s, size_t *at, struct str word, struct query_term *t,
                           struct problem *p)
{
    u32 i = 0;
    int r;

    while (i < ARRAY_LEN(fields) && !str_eq(word, str_of(fields[i].name)))
        i++;
    if (i == ARRAY_LEN(fields))
        return unknown(word, p);
    t->field = fields[i].field;
    if (!operator_read(s, at, &t->op))
        return problem_set(p, "%s needs =, !=, >, >=, < or <= and a value, such as %s",
                           fields[i].name, is_text(t->field) ? "class=Session" : "retained>1M");
    if (is_text(t->field) && t->op != QUERY_EQ && t->op != QUERY_NE)
        return problem_set(p, "%s is a text: it takes = and !=", fields[i].name);
    r = value_read(s, at, t, p);
    if (r)
        return r;
    if (!t->text.len && !t->quoted)
        return problem_set(p, "%s needs a value behind the operator, without a blank between",
                           fields[i].name);
    return is_text(t->field) ? 0 : number_read(t, word, p);
}

static int term_read(struct str s, size_t *at, struct query_term *t, struct problem *p)
{
    size_t from;
    struct str word;

    if (s.ptr[*at] == '!') {
        t->opposite = true;
        ++*at;
    }
    if (*at < s.len && s.ptr[*at] == '@') {
        t->field = QUERY_ID;
        t->op = QUERY_EQ;
        value_read(s, at, t, p);
        return number_read(t, STR("@"), p);
    }
    for (from = *at; *at < s.len && is_letter(s.ptr[*at]);)
        ++*at;
    word = str_sub(s, from, *at - from);
    if (filter_named(word, &t->filter) && (*at == s.len || is_blank(s.ptr[*at]))) {
        t->field = QUERY_FILTER;
        return 0;
    }
    if (!word.len) {
        size_t end = from;

        while (end < s.len && !is_blank(s.ptr[end]))
            end++;
        return unknown(str_sub(s, from, end - from), p);
    }
    return comparison_read(s, at, word, t, p);
}

int query_parse(struct query *q, struct str text, struct problem *p)
{
    size_t at = 0;

    *q = (struct query){ 0 };
    for (;;) {
        int r;

        while (at < text.len && is_blank(text.ptr[at]))
            at++;
        if (at == text.len)
            return 0;
        if (q->count == QUERY_TERMS_MAX)
            return problem_set(p, "more than %d conditions are too many", QUERY_TERMS_MAX);
        r = term_read(text, &at, &q->term[q->count++], p);
        if (r)
            return r;
    }
}

bool query_asks(const struct query *q, enum query_field field)
{
    for (u32 i = 0; i < q->count; i++)
        if (q->term[i].field == field)
            return true;
    return false;
}

bool query_holds(const struct query_term *t, u64 value, u64 total)
{
    u64 limit = t->percent ? (u64)((double)total * (double)t->number / 100000) : t->number;

    switch (t->op) {
    case QUERY_EQ:
        return value == limit;
    case QUERY_NE:
        return value != limit;
    case QUERY_GT:
        return value > limit;
    case QUERY_GE:
        return value >= limit;
    case QUERY_LT:
        return value < limit;
    case QUERY_LE:
        return value <= limit;
    }
    return false;
}
