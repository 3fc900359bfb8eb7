/* cache/cachecontrol.c -- what Cache-Control says */
#include "cache/cachecontrol.h"

/* Of two values of one name: which is kept. */
enum keep { KEEP_NONE, KEEP_LEAST, KEEP_MOST };

struct row {
    struct str name;
    u32 bit;
    enum keep keep; /* NONE: it has no number */
    u32 offset;
};

#define FLAG(text, bit)                               \
    {                                                 \
        { text, sizeof(text) - 1 }, bit, KEEP_NONE, 0 \
    }
#define NUMBER(text, bit, keep, field)                                              \
    {                                                                               \
        { text, sizeof(text) - 1 }, bit, keep, offsetof(struct cachecontrol, field) \
    }

static const struct row rows[] = {
    FLAG("no-store", CACHECONTROL_NO_STORE),
    FLAG("no-cache", CACHECONTROL_NO_CACHE),
    FLAG("private", CACHECONTROL_PRIVATE),
    FLAG("public", CACHECONTROL_PUBLIC),
    FLAG("must-revalidate", CACHECONTROL_MUST_REVALIDATE),
    FLAG("proxy-revalidate", CACHECONTROL_PROXY_REVALIDATE),
    FLAG("must-understand", CACHECONTROL_MUST_UNDERSTAND),
    FLAG("no-transform", CACHECONTROL_NO_TRANSFORM),
    FLAG("only-if-cached", CACHECONTROL_ONLY_IF_CACHED),
    FLAG("immutable", CACHECONTROL_IMMUTABLE),
    NUMBER("max-age", CACHECONTROL_MAX_AGE, KEEP_LEAST, max_age_s),
    NUMBER("s-maxage", CACHECONTROL_S_MAXAGE, KEEP_LEAST, s_maxage_s),
    NUMBER("max-stale", CACHECONTROL_MAX_STALE, KEEP_LEAST, max_stale_s),
    NUMBER("min-fresh", CACHECONTROL_MIN_FRESH, KEEP_MOST, min_fresh_s),
    NUMBER("stale-while-revalidate", CACHECONTROL_WHILE_REVALIDATE, KEEP_LEAST, while_revalidate_s),
    NUMBER("stale-if-error", CACHECONTROL_IF_ERROR, KEEP_LEAST, if_error_s),
};

/* A number that is none lets a cache do nothing: 0, and for min-fresh all there is. */
static u32 seconds(const struct row *row, struct str value)
{
    u64 n;

    if (!value.ptr && row->bit == CACHECONTROL_MAX_STALE)
        return CACHECONTROL_SECONDS_MAX;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            value.len = 0;
    if (value.len == 0)
        return row->keep == KEEP_MOST ? CACHECONTROL_SECONDS_MAX : 0;
    if (!str_to_u64(value, &n)) /* digits only: it is too large */
        return CACHECONTROL_SECONDS_MAX;
    return (u32)min(n, (u64)CACHECONTROL_SECONDS_MAX);
}

static void take(struct cachecontrol *cc, struct str name, struct str value)
{
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        u32 *field = (u32 *)((char *)cc + row->offset);
        u32 n;

        if (!str_eq_nocase(name, row->name))
            continue;
        if (row->keep != KEEP_NONE) {
            n = seconds(row, value);
            if (!(cc->bits & row->bit))
                *field = n;
            else
                *field = row->keep == KEEP_LEAST ? min(*field, n) : max(*field, n);
        }
        cc->bits |= row->bit;
        return;
    }
}

/* The end of the quoted text that begins at `at`; 0: it has none. */
static size_t quote_end(struct str s, size_t at)
{
    for (size_t i = at + 1; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == '"')
            return i + 1;
    }
    return 0;
}

/* The next element of the list, quotes respected. False: a quote does not end. */
static bool element_cut(struct str *rest, struct str *element)
{
    struct str s = *rest;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"') {
            i = quote_end(s, i);
            if (i == 0)
                return false;
            i--;
        } else if (s.ptr[i] == ',') {
            *element = str_sub(s, 0, i);
            *rest = str_make(s.ptr + i + 1, s.len - i - 1);
            return true;
        }
    }
    *element = s;
    *rest = (struct str){ 0 };
    return true;
}

void cachecontrol_add(struct cachecontrol *cc, struct str value)
{
    struct str rest = value, element, number;

    while (rest.ptr) {
        if (!element_cut(&rest, &element)) {
            cc->bits |= CACHECONTROL_NO_STORE;
            return;
        }
        struct str name = str_trim(str_cut(element, '=', &number));

        number = number.ptr ? str_trim(number) : number;
        if (number.len >= 2 && number.ptr[0] == '"' && number.ptr[number.len - 1] == '"')
            number = str_sub(number, 1, number.len - 2);
        take(cc, name, number);
    }
}
