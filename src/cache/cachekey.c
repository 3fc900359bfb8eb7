/* cache/cachekey.c -- what makes two requests the same to the cache */
#include "cache/cachekey.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool word_after(struct str word, struct str before, struct str *name)
{
    if (!str_starts(word, before))
        return false;
    *name = str_sub(word, before.len, word.len);
    return true;
}

static bool matches(struct str pattern, struct str name)
{
    if (str_ends(pattern, STR("*")))
        return str_starts(name, str_sub(pattern, 0, pattern.len - 1));
    return str_eq(pattern, name);
}

/* Whether a parameter of the query counts. */
static bool counts(struct str words, struct str name)
{
    bool any_named = false, named = false;
    struct str pattern;

    while (words.ptr && words.len) {
        struct str word = str_trim(str_cut(words, ',', &words));

        if (str_eq(word, STR("-query")))
            return false;
        if (word_after(word, STR("-query:"), &pattern) && matches(pattern, name))
            return false;
        if (word_after(word, STR("query:"), &pattern)) {
            any_named = true;
            named |= matches(pattern, name);
        }
    }
    return named || !any_named;
}

/* Path and query as they count. False: no room. */
static bool name_write(const struct cachekey_parts *parts, char name[CACHEKEY_NAME_MAX], u32 *len)
{
    struct str query, path = str_cut(parts->path, '?', &query);
    char sep = '?';
    u32 n = 0;

    if (parts->before.len + parts->path.len + 1 > CACHEKEY_NAME_MAX)
        return false;
    memcpy(name, parts->before.ptr ? parts->before.ptr : "", parts->before.len);
    n = (u32)parts->before.len;
    memcpy(name + n, path.ptr ? path.ptr : "", path.len);
    n += (u32)path.len;
    if (parts->words.len == 0 && query.ptr) {
        name[n++] = '?';
        memcpy(name + n, query.ptr, query.len);
        n += (u32)query.len;
        query = (struct str){ 0 };
    }
    while (query.ptr) {
        struct str pair = str_cut(query, '&', &query), value;

        if (!counts(parts->words, str_cut(pair, '=', &value)))
            continue;
        name[n++] = sep;
        memcpy(name + n, pair.ptr, pair.len);
        n += (u32)pair.len;
        sep = '&';
    }
    *len = n;
    return true;
}

/* The value of a cookie; ptr NULL: it is not there. */
static struct str cookie_find(const char *bytes, const struct http_head *head, struct str name)
{
    for (u32 i = 0; i < head->fields_n; i++) {
        struct str rest = http_text(bytes, head->fields[i].value), value;

        if (head->fields[i].id != HTTP_COOKIE)
            continue;
        while (rest.ptr) {
            struct str pair = str_cut(rest, ';', &rest);

            if (str_eq(str_trim(str_cut(pair, '=', &value)), name) && value.ptr)
                return str_trim(value);
        }
    }
    return (struct str){ 0 };
}

static void field_add(struct digester *d, struct str name, const struct cachekey_parts *parts)
{
    for (u32 i = 0; i < parts->head->fields_n; i++) {
        const struct http_field *f = &parts->head->fields[i];

        if (!str_eq_nocase(http_text(parts->bytes, f->name), name))
            continue;
        digest_add(d, STR("\t"));
        digest_add(d, http_text(parts->bytes, f->value));
    }
}

static void extras_add(struct digester *d, const struct cachekey_parts *parts)
{
    struct str words = parts->words, name;

    while (words.ptr && words.len) {
        struct str word = str_trim(str_cut(words, ',', &words));

        digest_add(d, STR("\n"));
        if (word_after(word, STR("header:"), &name)) {
            field_add(d, name, parts);
        } else if (word_after(word, STR("cookie:"), &name)) {
            struct str value = cookie_find(parts->bytes, parts->head, name);

            digest_add(d, value.ptr ? STR("=") : STR(""));
            digest_add(d, value);
        }
    }
}

bool cachekey_make(const struct cachekey_parts *parts, const struct digest_keys *keys,
                   struct digest *out, char name[CACHEKEY_NAME_MAX], u32 *name_len)
{
    u32 who[2] = { parts->app, parts->listener };
    char host[256];
    struct digester d;

    if (parts->authority.len > sizeof(host) || !name_write(parts, name, name_len))
        return false;
    for (size_t i = 0; i < parts->authority.len; i++)
        host[i] = lower(parts->authority.ptr[i]);
    digest_begin(&d, keys);
    digest_add(&d, str_make((const char *)who, sizeof(who)));
    digest_add(&d, parts->scheme);
    digest_add(&d, STR("\n"));
    digest_add(&d, str_make(host, parts->authority.len));
    digest_add(&d, STR("\n"));
    digest_add(&d, parts->prefix);
    digest_add(&d, STR("\n"));
    digest_add(&d, str_make(name, *name_len));
    if (parts->words.len)
        extras_add(&d, parts);
    *out = digest_end(&d);
    return true;
}

static bool cookie_counts(struct str words, struct str cookie)
{
    struct str name;

    while (words.ptr && words.len)
        if (word_after(str_trim(str_cut(words, ',', &words)), STR("cookie:"), &name) &&
            str_eq(name, cookie))
            return true;
    return false;
}

bool cachekey_has_cookies(struct str words, const char *bytes, const struct http_head *head)
{
    if (!(head->names >> HTTP_COOKIE & 1))
        return true;
    for (u32 i = 0; i < head->fields_n; i++) {
        struct str rest = http_text(bytes, head->fields[i].value), value;

        if (head->fields[i].id != HTTP_COOKIE)
            continue;
        while (rest.ptr) {
            struct str name = str_trim(str_cut(str_cut(rest, ';', &rest), '=', &value));

            if (name.len && !cookie_counts(words, name))
                return false;
        }
    }
    return true;
}
