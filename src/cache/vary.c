/* cache/vary.c -- which requests a stored response answers besides its own */
#include "cache/vary.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c <= ' ' || c >= 127 || memchr("\"(),/:;<=>?@[\\]{}", c, 17))
            return false;
    }
    return s.len > 0;
}

static u32 names_count(const struct vary *v)
{
    u32 n = v->len > 0;

    for (u32 i = 0; i < v->len; i++)
        n += v->text[i] == ',';
    return n;
}

bool vary_add(struct vary *v, struct str value)
{
    while (value.ptr) {
        struct str name = str_trim(str_cut(value, ',', &value));

        if (name.len == 0)
            continue;
        if (!is_token(name) || str_eq(name, STR("*")) || names_count(v) == VARY_NAMES_MAX ||
            v->len + name.len + 1 > sizeof(v->text))
            return false;
        if (v->len)
            v->text[v->len++] = ',';
        for (size_t i = 0; i < name.len; i++)
            v->text[v->len++] = lower(name.ptr[i]);
    }
    return true;
}

static void add_value(struct digester *d, struct str value, bool no_case)
{
    while (value.ptr) {
        struct str item = str_trim(str_cut(value, ',', &value));
        char small[64];

        while (no_case && item.len) {
            size_t n = min(item.len, sizeof(small));

            for (size_t i = 0; i < n; i++)
                small[i] = lower(item.ptr[i]);
            digest_add(d, str_make(small, n));
            item = str_make(item.ptr + n, item.len - n);
        }
        digest_add(d, item);
        digest_add(d, STR(","));
    }
}

struct digest vary_digest(struct str names, const struct digest_keys *keys, const char *bytes,
                          const struct http_head *head)
{
    struct digester d;

    digest_begin(&d, keys);
    while (names.ptr && names.len) {
        struct str name = str_cut(names, ',', &names);
        bool no_case = str_eq(name, STR("accept-encoding"));

        digest_add(&d, STR("\n")); /* no value has one: fields do not run into each other */
        for (u32 i = 0; i < head->fields_n; i++)
            if (str_eq_nocase(http_text(bytes, head->fields[i].name), name))
                add_value(&d, http_text(bytes, head->fields[i].value), no_case);
    }
    return digest_end(&d);
}
