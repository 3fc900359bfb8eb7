/* finding/stacktext.c -- the frames in the text of a stack */
#include "finding/stacktext.h"

/* The number behind the last colon of *s, which is taken off. 0: there is none. */
static u32 number_take(struct str *s)
{
    size_t at = s->len;
    u64 n;

    while (at && s->ptr[at - 1] >= '0' && s->ptr[at - 1] <= '9')
        at--;
    if (at < 2 || at == s->len || s->ptr[at - 1] != ':' ||
        !str_to_u64(str_sub(*s, at, s->len), &n) || n > UINT32_MAX)
        return 0;
    s->len = at - 1;
    return (u32)n;
}

/* "script:line:column" */
static bool place_parse(struct str s, struct stacktext_frame *out)
{
    out->column = number_take(&s);
    out->line = number_take(&s);
    if (!out->line) { /* "script:line" */
        out->line = out->column;
        out->column = 0;
    }
    out->script = s;
    return s.len != 0;
}

static bool frame_parse(struct str line, struct stacktext_frame *out)
{
    size_t open;

    *out = (struct stacktext_frame){ 0 };
    line = str_trim(line);
    if (!str_starts(line, STR("at ")))
        return false;
    line = str_trim(str_sub(line, 3, line.len));
    if (!str_ends(line, STR(")")))
        return place_parse(line, out);
    /* A name may hold " (" when the app wants it to; a path too: the first one ends most names. */
    for (open = 0; open + 1 < line.len; open++)
        if (line.ptr[open] == ' ' && line.ptr[open + 1] == '(')
            break;
    if (open + 2 >= line.len)
        return false;
    out->function = str_sub(line, 0, open);
    return place_parse(str_sub(line, open + 2, line.len - open - 3), out);
}

bool stacktext_next(struct str *text, struct stacktext_frame *out)
{
    while (text->ptr && text->len)
        if (frame_parse(str_cut(*text, '\n', text), out))
            return true;
    return false;
}

bool stacktext_is_node(const struct stacktext_frame *f)
{
    return str_starts(f->script, STR("node:")) || str_starts(f->script, STR("internal/"));
}

bool stacktext_is_fettle(const struct stacktext_frame *f)
{
    return str_starts(f->script, STR("fettle:"));
}

bool stacktext_is_app(const struct stacktext_frame *f)
{
    return (str_starts(f->script, STR("/")) || str_starts(f->script, STR("file:")) ||
            str_starts(f->script, STR("webpack:"))) &&
           !memmem(f->script.ptr, f->script.len, "/node_modules/", 14);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 87 : -1;
}

struct str stacktext_path(const struct stacktext_frame *f, char *out, size_t room)
{
    struct str s = f->script;
    bool is_url = str_starts(s, STR("file://"));
    size_t len = 0;

    if (is_url)
        s = str_sub(s, 7, s.len);
    if (!s.len || s.ptr[0] != '/' || s.len >= room)
        return (struct str){ 0 };
    for (size_t i = 0; i < s.len; i++) {
        bool escaped = is_url && s.ptr[i] == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 &&
                       hex(s.ptr[i + 2]) >= 0;

        out[len++] = escaped ? (char)(hex(s.ptr[i + 1]) << 4 | hex(s.ptr[i + 2])) : s.ptr[i];
        if (is_url && (s.ptr[i] == '?' || s.ptr[i] == '#')) { /* import('./x.js?2') */
            len--;
            break;
        }
        i += escaped ? 2 : 0;
    }
    return memchr(out, 0, len) ? (struct str){ 0 } : str_make(out, len);
}
