/* cache/condition.c -- what a client has already, and how much of it */
#include "cache/condition.h"

#include "cache/httpdate.h"

static bool is_weak(struct str tag)
{
    return str_starts(tag, STR("W/"));
}

static struct str opaque(struct str tag)
{
    return is_weak(tag) ? str_sub(tag, 2, tag.len) : tag;
}

bool condition_etag_weak_eq(struct str a, struct str b)
{
    return a.len && b.len && str_eq(opaque(a), opaque(b));
}

bool condition_etag_strong_eq(struct str a, struct str b)
{
    return a.len && !is_weak(a) && !is_weak(b) && str_eq(a, b);
}

/* A tag off the front of the list, which may have commas between its quotes. */
static struct str tag_cut(struct str *list)
{
    struct str s = *list;
    size_t at = 0;

    while (at < s.len && (s.ptr[at] == ' ' || s.ptr[at] == '\t' || s.ptr[at] == ','))
        at++;
    s = str_make(s.ptr + at, s.len - at);
    size_t open = is_weak(s) ? 2 : 0;

    if (open < s.len && s.ptr[open] == '"') {
        ptrdiff_t end = str_index(str_sub(s, open + 1, s.len), '"');
        size_t len = end < 0 ? s.len : open + 1 + (size_t)end + 1;

        *list = str_make(s.ptr + len, s.len - len);
        return str_make(s.ptr, len);
    }
    ptrdiff_t comma = str_index(s, ',');
    size_t len = comma < 0 ? s.len : (size_t)comma;

    *list = str_make(s.ptr + len, s.len - len);
    return str_trim(str_make(s.ptr, len));
}

bool condition_etag_listed(struct str list, struct str etag)
{
    if (str_eq(str_trim(list), STR("*")))
        return true;
    while (list.len) {
        struct str tag = tag_cut(&list);

        if (condition_etag_weak_eq(tag, etag))
            return true;
    }
    return false;
}

bool condition_unmodified_since(const struct condition_stored *s, struct str since, u64 wall_s)
{
    u64 since_s, stored_s;
    struct str stored = s->last_modified.ptr ? s->last_modified : s->date;

    return httpdate_parse(since, wall_s, &since_s) && stored.ptr &&
           httpdate_parse(stored, wall_s, &stored_s) && stored_s <= since_s;
}

bool condition_range_holds(const struct condition_stored *s, struct str if_range)
{
    if (str_index(if_range, '"') >= 0)
        return condition_etag_strong_eq(s->etag, if_range);
    return s->last_modified.ptr && str_eq(s->last_modified, if_range);
}

/* Digits: a number, capped. False: something else. */
static bool position(struct str s, u64 *out)
{
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    if (!str_to_u64(s, out))
        *out = UINT64_MAX;
    return true;
}

/* The last so many bytes. */
static enum byterange_verdict suffix(struct str s, u64 bytes, u64 *from, u64 *len)
{
    u64 n;

    if (!position(s, &n))
        return BYTERANGE_ALL;
    if (n == 0 || bytes == 0)
        return BYTERANGE_NONE;
    *len = min(n, bytes);
    *from = bytes - *len;
    return BYTERANGE_PART;
}

enum byterange_verdict condition_range(struct str range, u64 bytes, u64 *from, u64 *len)
{
    struct str set, last, first;
    u64 begin, end = UINT64_MAX;

    if (!str_eq_nocase(str_trim(str_cut(range, '=', &set)), STR("bytes")) || !set.ptr ||
        str_index(set, ',') >= 0)
        return BYTERANGE_ALL;
    first = str_trim(str_cut(str_trim(set), '-', &last));
    if (!last.ptr)
        return BYTERANGE_ALL;
    last = str_trim(last);
    if (first.len == 0)
        return suffix(last, bytes, from, len);
    if (!position(first, &begin) || (last.len && !position(last, &end)) || end < begin)
        return BYTERANGE_ALL;
    if (begin >= bytes)
        return BYTERANGE_NONE;
    *from = begin;
    *len = min(end, bytes - 1) - begin + 1;
    return BYTERANGE_PART;
}
