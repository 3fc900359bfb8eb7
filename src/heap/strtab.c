/* heap/strtab.c -- one pass over the strings, and reading single ones again */
#include "heap/strtab.h"

#include "heap/meta.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { WINDOW = 256 << 10, READ_WINDOW = 16 << 10, KNOWN_MAX = 512 };

static const struct {
    const char *text;
    enum string_kind kind;
} known[] = {
    { "Object", STRING_OBJECT },
    { "Array", STRING_ARRAY },
    { "elements", STRING_ELEMENTS },
    { "__proto__", STRING_PROTO },
    { "(map descriptors)", STRING_MAP_DESCRIPTORS },
    { "system / NativeContext", STRING_NATIVE_CONTEXT },
    { "sloppy_function_map", STRING_SLOPPY_FUNCTION_MAP },
    { "system / ExternalStringData", STRING_EXTERNAL_DATA },
    { "system / JSArrayBufferData", STRING_ARRAY_BUFFER_DATA },
    { "(Document DOM trees)", STRING_DOM_TREES },
    { "system / Context", STRING_CONTEXT },
};

static size_t digits_at(struct str s, size_t at)
{
    size_t n = 0;

    while (at + n < s.len && s.ptr[at + n] >= '0' && s.ptr[at + n] <= '9')
        n++;
    return n;
}

/* Whether ` @N)` and then `next` stand somewhere in s, from `from` on; where it goes on. */
static bool id_then(struct str s, size_t from, struct str next, size_t *after)
{
    for (size_t i = from; i + 3 < s.len; i++) {
        size_t n, end;

        if (s.ptr[i] == '\n')
            return false;
        if (s.ptr[i] != ' ' || s.ptr[i + 1] != '@')
            continue;
        n = digits_at(s, i + 2);
        end = i + 2 + n;
        if (n && str_starts(str_sub(s, end, next.len), next)) {
            *after = end + next.len;
            return true;
        }
    }
    return false;
}

bool strtab_ephemeron(struct str name, u64 *table, size_t *shared_from)
{
    static const struct str begin = STR(" / part of key ("), value = STR(") -> value (");
    static const struct str pair = STR(") pair in WeakMap (table @");
    size_t n = digits_at(name, 0), at;

    if (!n || !str_starts(str_sub(name, n, begin.len), begin) ||
        !id_then(name, n + begin.len, value, &at))
        return false;
    /* The value's name may hold the same words: the last ones count. */
    for (size_t next = at; id_then(name, next, pair, &at); next = at) {
        size_t digits = digits_at(name, at);

        if (digits && at + digits + 1 == name.len && name.ptr[at + digits] == ')') {
            *shared_from = n;
            return str_to_u64(str_sub(name, at, digits), table);
        }
    }
    return false;
}

bool strtab_number(struct str text, u64 *out)
{
    size_t at = 0, n;

    while (at < text.len && (u8)text.ptr[at] <= ' ')
        at++;
    n = digits_at(text, at);
    if (!n)
        return false;
    if (!str_to_u64(str_sub(text, at, n), out))
        *out = UINT64_MAX;
    return true;
}

static enum string_kind kind_of(const char *text, size_t len)
{
    struct str s = str_make(text, len);
    char c = len ? text[0] : '\0';
    size_t shared;
    u64 n;

    if ((c >= '0' && c <= '9') || c == ' ')
        return strtab_ephemeron(s, &n, &shared) ? STRING_EPHEMERON
               : strtab_number(s, &n)           ? STRING_NUMBER
                                                : STRING_PLAIN;
    if (c == '<')
        return STRING_MARKUP;
    if (c == 'D' && str_starts(s, STR("Detached ")))
        return str_starts(s, STR("Detached <")) ? STRING_DETACHED_MARKUP : STRING_DETACHED;
    if (c != 's' && c != 'O' && c != 'A' && c != 'e' && c != '_' && c != '(')
        return STRING_PLAIN;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(s, str_of(known[i].text)))
            return known[i].kind;
    return str_starts(s, STR("system / Context / ")) ? STRING_CONTEXT : STRING_PLAIN;
}

/* The first quote or backslash in [p, end), or end. */
static inline const char *special(const char *p, const char *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        int mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                                  _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));

        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* The closing quote of the string whose text begins at p, or NULL: not before `end`. */
static const char *close_of(const char *p, const char *end)
{
    for (;;) {
        p = special(p, end);
        if (p == end)
            return NULL;
        if (*p == '"')
            return p;
        if (end - p < 2)
            return NULL;
        p += 2;
    }
}

/* Walking from string to string. */
struct walk {
    struct strtab *t;
    char *buf;
    u64 offset; /* of buf[0] */
    size_t len, at;
    bool eof;
};

static int fill(struct walk *w)
{
    ssize_t n;

    memmove(w->buf, w->buf + w->at, w->len - w->at);
    w->offset += w->at;
    w->len -= w->at;
    w->at = 0;
    n = input_read(w->t->in, w->offset + w->len, w->buf + w->len, WINDOW - w->len);
    if (n < 0)
        return (int)n;
    w->eof = (size_t)n < WINDOW - w->len;
    w->len += (size_t)n;
    return 0;
}

static int strtab_add(struct strtab *t, u64 offset, enum string_kind kind)
{
    if (t->count == t->cap) {
        u32 cap = t->cap ? t->cap > UINT32_MAX / 2 ? UINT32_MAX : t->cap * 2 : 4096;
        u8 *kinds;
        u64 *offsets;

        if (t->count == UINT32_MAX)
            return -E2BIG;
        kinds = realloc(t->kind, cap);
        if (!kinds)
            return -ENOMEM;
        t->kind = kinds;
        offsets = realloc(t->offsets, ((u64)cap / STRTAB_STEP + 1) * sizeof(u64));
        if (!offsets)
            return -ENOMEM;
        t->offsets = offsets;
        t->cap = cap;
    }
    if (t->count % STRTAB_STEP == 0)
        t->offsets[t->count / STRTAB_STEP] = offset;
    t->kind[t->count++] = (u8)kind;
    return 0;
}

static int cut_off(const struct walk *w, struct problem *p)
{
    return problem_set(p, "offset %llu: the file ends inside of \"strings\": it is cut off",
                       (unsigned long long)(w->offset + w->len));
}

/* One character of syntax, or -EINVAL with *p; 0: refill. */
static int syntax(struct walk *w, char *c)
{
    while (w->at < w->len && (u8)w->buf[w->at] <= ' ')
        w->at++;
    if (w->at == w->len)
        return 0;
    *c = w->buf[w->at];
    return 1;
}

/* Skips what is left of a string that is larger than the window. */
static int skip_rest(struct walk *w, struct problem *p)
{
    for (;;) {
        const char *end = w->buf + w->len, *close;

        /* A backslash that ends the window stays for the next one. */
        close = close_of(w->buf + w->at, end);
        if (close) {
            w->at = (size_t)(close - w->buf) + 1;
            return 0;
        }
        if (w->eof)
            return cut_off(w, p);
        {
            size_t tail = 0;

            while (tail < w->len - w->at && w->buf[w->len - 1 - tail] == '\\')
                tail++;
            w->at = w->len - tail % 2;
        }
        {
            int r = fill(w);

            if (r)
                return r;
        }
    }
}

/* Takes the string at w->at, a quote; 0, -errno. */
static int take(struct walk *w, struct problem *p)
{
    const char *close;
    u64 offset;
    int r;

    close = close_of(w->buf + w->at + 1, w->buf + w->len);
    if (!close && !w->eof && w->at) {
        r = fill(w);
        if (r)
            return r;
        close = close_of(w->buf + w->at + 1, w->buf + w->len);
    }
    offset = w->offset + w->at;
    if (!close) {
        if (w->eof)
            return cut_off(w, p);
        r = strtab_add(w->t, offset, STRING_PLAIN);
        w->at++;
        return r ? r : skip_rest(w, p);
    }
    /* The names that matter need no escapes; class names within an ephemeron's may have some. */
    r = strtab_add(w->t, offset, kind_of(w->buf + w->at + 1, (size_t)(close - w->buf) - w->at - 1));
    w->at = (size_t)(close - w->buf) + 1;
    return r;
}

static int walk_all(struct walk *w, struct problem *p)
{
    bool comma = false; /* a string has to follow */

    for (;;) {
        char c;
        int r = syntax(w, &c);

        if (!r) {
            if (w->eof)
                return cut_off(w, p);
            r = fill(w);
            if (r)
                return r;
            continue;
        }
        if (c == '"' && (comma || !w->t->count)) {
            r = take(w, p);
            if (r)
                return r;
            comma = false;
        } else if (c == ',' && !comma && w->t->count) {
            w->at++;
            comma = true;
        } else if (c == ']' && !comma) {
            return 0;
        } else {
            return problem_set(p, "offset %llu: in \"strings\" %s is expected, not '%c'",
                               (unsigned long long)(w->offset + w->at),
                               comma || !w->t->count ? "a string"
                                                     : "a comma or the closing bracket",
                               c > ' ' && c < 0x7f ? c : '?');
        }
    }
}

/* The last "strings" that is a key: inside of a string, its quotes would be escaped. */
static i64 find_begin(const struct input *in, struct problem *p)
{
    u64 before = in->size;

    for (;;) {
        i64 at = input_find_last(in, "\"strings\"", before);
        char next[8];
        ssize_t n;

        if (at == -ENOENT)
            return problem_set(p,
                               "there is no \"strings\" at the end: the file (%llu bytes) is cut "
                               "off, or no V8 heap snapshot",
                               (unsigned long long)in->size);
        if (at < 0)
            return at;
        n = input_read(in, (u64)at + strlen("\"strings\""), next, sizeof(next));
        if (n < 0)
            return n;
        for (ssize_t i = 0; i < n; i++)
            if ((u8)next[i] > ' ') {
                if (next[i] == ':')
                    return meta_array(in, "strings", (u64)at, (u64)at + 64, p);
                break;
            }
        before = (u64)at;
    }
}

int strtab_read(struct strtab *t, const struct input *in, struct problem *p)
{
    AUTO(freep) char *buf = malloc(WINDOW);
    struct walk w = { .t = t, .buf = buf };
    i64 at = find_begin(in, p);
    int r;

    *t = (struct strtab){ .in = in };
    if (!buf)
        return -ENOMEM;
    if (at < 0)
        return (int)at;
    t->begin = w.offset = (u64)at;
    r = fill(&w);
    if (!r)
        r = walk_all(&w, p);
    if (r == -E2BIG)
        return problem_set(p, "\"strings\" holds more than 4294967295 strings");
    return r;
}

void strtab_done(struct strtab *t)
{
    free(t->kind);
    free(t->offsets);
    *t = (struct strtab){ 0 };
}

void strtab_reader_done(struct strtab_reader *r)
{
    free(r->buf);
    *r = (struct strtab_reader){ .t = r->t };
}

/* The byte at `offset`, through the window; -1 at the end or on an error. */
static int byte_at(struct strtab_reader *r, u64 offset)
{
    if (offset < r->offset || offset >= r->offset + r->len || !r->buf) {
        ssize_t n;

        if (!r->buf)
            r->buf = malloc(READ_WINDOW);
        if (!r->buf)
            return -1;
        r->offset = offset;
        r->len = 0;
        n = input_read(r->t->in, offset, r->buf, READ_WINDOW);
        if (n <= 0)
            return -1;
        r->len = (size_t)n;
    }
    return (u8)r->buf[offset - r->offset];
}

/* Moves r->at from a string's opening quote to the next one's. */
static bool skip_one(struct strtab_reader *r)
{
    int c;

    for (r->at++; (c = byte_at(r, r->at)) != '"'; r->at++) {
        const char *hit, *from;

        if (c < 0)
            return false;
        from = r->buf + (r->at - r->offset);
        hit = special(from, r->buf + r->len);
        r->at += (u64)(hit - from);
        if (hit == r->buf + r->len)
            r->at--;
        else if (*hit == '\\')
            r->at++;
        else
            break;
    }
    for (r->at++; (c = byte_at(r, r->at)) != '"'; r->at++)
        if (c < 0 || c == ']')
            return false;
    r->index++;
    return true;
}

static bool seek(struct strtab_reader *r, u32 index)
{
    if (index >= r->t->count)
        return false;
    if (!r->at || r->index > index || index - r->index > STRTAB_STEP) {
        r->index = index / STRTAB_STEP * STRTAB_STEP;
        r->at = r->t->offsets[index / STRTAB_STEP];
    }
    while (r->index < index)
        if (!skip_one(r)) {
            r->at = 0;
            return false;
        }
    return true;
}

/* Four hexadecimal digits, or -1. */
static i64 hex4(struct strtab_reader *r, u64 offset)
{
    char text[4];
    u64 n;

    for (int i = 0; i < 4; i++) {
        int c = byte_at(r, offset + (u64)i);

        if (c < 0)
            return -1;
        text[i] = (char)c;
    }
    return str_hex_to_u64(str_make(text, 4), &n) ? (i64)n : -1;
}

/* The escape whose letter is at `*at`, which moves behind it. */
static void add_escape(struct strtab_reader *r, u64 *at, struct buf *out)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    int c = byte_at(r, *at);
    const char *hit = c > 0 ? memchr(from, c, 5) : NULL;
    char utf8[STR_UTF8_MAX];
    i64 unit, low;

    ++*at;
    if (c != 'u') {
        buf_addc(out, hit ? to[hit - from] : (char)c);
        return;
    }
    unit = hex4(r, *at);
    *at += 4;
    if (unit >= 0xd800 && unit < 0xdc00 && byte_at(r, *at) == '\\' && byte_at(r, *at + 1) == 'u') {
        low = hex4(r, *at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            *at += 6;
        }
    }
    if (unit < 0 || (unit >= 0xd800 && unit < 0xe000))
        unit = 0xfffd;
    buf_add(out, str_make(utf8, str_put_utf8(utf8, (u32)unit)));
}

bool strtab_text(struct strtab_reader *r, u32 index, struct buf *out, size_t bytes_max)
{
    size_t begin = out->len;
    u64 at;
    int c;

    if (!seek(r, index))
        return false;
    for (at = r->at + 1;
         (c = byte_at(r, at)) != '"' && out->len - begin < bytes_max && !out->failed;) {
        if (c < 0)
            return false;
        at++;
        if (c == '\\') {
            add_escape(r, &at, out);
        } else {
            const char *from = r->buf + (at - 1 - r->offset);
            const char *end = special(from, r->buf + r->len);
            size_t len = min((size_t)(end - from), bytes_max - (out->len - begin));

            buf_add(out, str_make(from, len));
            at += len - 1;
        }
    }
    return !out->failed;
}
