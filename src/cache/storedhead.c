/* cache/storedhead.c -- the head of a response as it is stored: as it will be sent */
#include "cache/storedhead.h"

#include "cache/httpdate.h"

/* Appends; what does not fit sets `full`. */
static void put(struct storedhead *to, struct str text)
{
    if (text.len > to->room - to->len) {
        to->full = true;
        return;
    }
    if (text.len)
        memcpy(to->bytes + to->len, text.ptr, text.len);
    to->len += (u32)text.len;
}

static void put_field(struct storedhead *to, struct str name, struct str value)
{
    put(to, name);
    put(to, STR(": "));
    put(to, value);
    put(to, STR("\r\n"));
}

bool storedhead_is_tag(struct str name)
{
    return str_eq_nocase(name, STR("surrogate-key")) || str_eq_nocase(name, STR("cache-tag"));
}

/* Surrogate-Key has spaces between its keys, Cache-Tag commas. */
static void tags_add(struct storedhead *to, struct str value)
{
    for (size_t at = 0; at < value.len;) {
        size_t end = at;

        while (end < value.len && value.ptr[end] != ' ' && value.ptr[end] != ',' &&
               value.ptr[end] != '\t')
            end++;
        if (end > at && to->tags_len + (end - at) + 1 <= sizeof(to->tags)) {
            if (to->tags_len)
                to->tags[to->tags_len++] = ' ';
            memcpy(to->tags + to->tags_len, value.ptr + at, end - at);
            to->tags_len += (u32)(end - at);
        }
        at = end + 1;
    }
}

/* ---- lines of a head ---- */

struct line {
    struct str name, value;
    u32 value_at; /* in the head */
};

/* The line that begins at *at, after the status line. False: there is none. */
static bool line_next(struct str head, u32 *at, struct line *out)
{
    struct str rest = str_sub(head, *at, head.len);
    ptrdiff_t end = str_index(rest, '\n'), colon = str_index(rest, ':');

    if (end < 1 || colon < 0 || colon > end)
        return false;
    *out = (struct line){ .name = str_make(rest.ptr, (size_t)colon),
                          .value = str_trim(
                              str_make(rest.ptr + colon + 1, (size_t)(end - 1 - colon - 1))) };
    out->value_at = (u32)(out->value.ptr - head.ptr);
    *at += (u32)end + 1;
    return true;
}

static struct store_span span_of(const struct line *line)
{
    return (struct store_span){ line->value_at, (u32)line->value.len };
}

/* Finds what is looked for again and again. */
static bool finish(struct storedhead *to, u64 wall_s)
{
    char date[HTTPDATE_LEN];
    struct line line;
    u32 at = to->line_bytes;

    while (line_next(storedhead_text(to), &at, &line)) {
        if (str_eq_nocase(line.name, STR("etag")))
            to->etag = span_of(&line);
        else if (str_eq_nocase(line.name, STR("last-modified")))
            to->last_modified = span_of(&line);
        else if (str_eq_nocase(line.name, STR("date")))
            to->date = span_of(&line);
    }
    if (to->date.len == 0) {
        httpdate_write(wall_s, date);
        to->date = (struct store_span){ to->len + 6, HTTPDATE_LEN };
        put_field(to, STR("date"), str_make(date, HTTPDATE_LEN));
    }
    return !to->full;
}

/* ---- making ---- */

/* Whether a field of the app's response is stored. */
static bool is_stored(const char *bytes, const struct http_field *f)
{
    return !f->drop && f->id != HTTP_AGE && f->id != HTTP_CONTENT_LENGTH &&
           f->id != HTTP_SET_COOKIE && f->id != HTTP_PROXY_AUTHENTICATE &&
           !storedhead_is_tag(http_text(bytes, f->name));
}

static void take_tags(struct storedhead *to, const char *bytes, const struct http_head *head)
{
    for (u32 i = 0; i < head->fields_n; i++)
        if (head->fields[i].id == HTTP_NAME_OTHER &&
            storedhead_is_tag(http_text(bytes, head->fields[i].name)))
            tags_add(to, http_text(bytes, head->fields[i].value));
}

bool storedhead_make(struct storedhead *to, const char *bytes, const struct http_head *head,
                     u64 wall_s)
{
    char status[STR_U64_MAX];

    put(to, STR("HTTP/1.1 "));
    put(to, str_make(status, str_put_u64(status, head->status)));
    put(to, STR(" "));
    put(to, http_text(bytes, head->reason));
    put(to, STR("\r\n"));
    to->line_bytes = to->len;
    for (u32 i = 0; i < head->fields_n; i++) {
        const struct http_field *f = &head->fields[i];

        if (is_stored(bytes, f))
            put_field(to, http_text(bytes, f->name), http_text(bytes, f->value));
    }
    take_tags(to, bytes, head);
    return finish(to, wall_s);
}

static bool says(const char *bytes, const struct http_head *head, struct str name)
{
    for (u32 i = 0; i < head->fields_n; i++)
        if (is_stored(bytes, &head->fields[i]) &&
            str_eq_nocase(http_text(bytes, head->fields[i].name), name))
            return true;
    return false;
}

/* What a 304 says of content that it does not have does not change what is stored. */
static bool is_of_content(struct str name)
{
    return str_eq_nocase(name, STR("content-type")) ||
           str_eq_nocase(name, STR("content-encoding")) ||
           str_eq_nocase(name, STR("content-language")) ||
           str_eq_nocase(name, STR("content-length")) || str_eq_nocase(name, STR("content-range"));
}

bool storedhead_merge(struct storedhead *to, struct str stored, const char *bytes,
                      const struct http_head *head, u64 wall_s)
{
    ptrdiff_t end = str_index(stored, '\n');
    struct line line;
    u32 at = (u32)(end + 1);

    put(to, str_sub(stored, 0, at));
    to->line_bytes = to->len;
    while (line_next(stored, &at, &line))
        if (is_of_content(line.name) || !says(bytes, head, line.name))
            put_field(to, line.name, line.value);
    for (u32 i = 0; i < head->fields_n; i++) {
        const struct http_field *f = &head->fields[i];

        if (is_stored(bytes, f) && !is_of_content(http_text(bytes, f->name)))
            put_field(to, http_text(bytes, f->name), http_text(bytes, f->value));
    }
    take_tags(to, bytes, head);
    return finish(to, wall_s);
}

bool storedhead_not_modified(struct storedhead *to, struct str stored)
{
    ptrdiff_t end = str_index(stored, '\n');
    struct line line;
    u32 at = (u32)(end + 1);

    put(to, STR("HTTP/1.1 304 Not Modified\r\n"));
    to->line_bytes = to->len;
    while (line_next(stored, &at, &line))
        if (!is_of_content(line.name))
            put_field(to, line.name, line.value);
    return !to->full;
}

bool storedhead_facts(const struct storedhead *h, struct freshness_source *from, struct vary *vary)
{
    bool varies = true;
    struct line line;
    u32 at = h->line_bytes;

    while (line_next(storedhead_text(h), &at, &line)) {
        if (str_eq_nocase(line.name, STR("cache-control"))) {
            cachecontrol_add(&from->cc, line.value);
        } else if (str_eq_nocase(line.name, STR("expires"))) {
            from->expires_twice |= from->expires.ptr && !str_eq(from->expires, line.value);
            from->expires = line.value;
        } else if (str_eq_nocase(line.name, STR("date"))) {
            from->date = line.value;
        } else if (str_eq_nocase(line.name, STR("last-modified"))) {
            from->last_modified = line.value;
        } else if (str_eq_nocase(line.name, STR("vary"))) {
            varies &= vary_add(vary, line.value);
        }
    }
    return varies;
}
