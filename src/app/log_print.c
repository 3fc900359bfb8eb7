/* app/log_print.c -- a line of a log, as `fettle logs` shows it */
#include "app/log_print.h"

/* The character of "\uXXXX", two of which may be one. */
static struct str unicode_add(struct buf *out, struct str s)
{
    char utf8[STR_UTF8_MAX];
    u64 point, low;

    if (s.len < 6 || !str_hex_to_u64(str_sub(s, 2, 4), &point))
        return buf_add(out, str_sub(s, 0, 2)), str_sub(s, 2, s.len);
    s = str_sub(s, 6, s.len);
    if (point >= 0xd800 && point < 0xdc00 && str_starts(s, STR("\\u")) &&
        str_hex_to_u64(str_sub(s, 2, 4), &low) && low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        s = str_sub(s, 6, s.len);
    } else if (point >= 0xd800 && point < 0xe000) {
        point = 0xfffd;
    }
    buf_add(out, str_make(utf8, str_put_utf8(utf8, (u32)point)));
    return s;
}

/* The inside of a JSON string, as it was before it became one. */
static void unescape(struct buf *out, struct str s)
{
    static const char escaped[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";

    while (s.len) {
        ptrdiff_t at = str_index(s, '\\');
        const char *which;

        buf_add(out, str_sub(s, 0, at < 0 ? s.len : (size_t)at));
        s = str_sub(s, at < 0 ? s.len : (size_t)at, s.len);
        if (s.len < 2)
            return;
        if (s.ptr[1] == 'u') {
            s = unicode_add(out, s);
            continue;
        }
        which = strchr(escaped, s.ptr[1]);
        buf_addc(out, which && *which ? plain[which - escaped] : s.ptr[1]);
        s = str_sub(s, 2, s.len);
    }
}

/* What the worker wrote: in `"text":"…"}`, or in `"json":{…}}`. */
static void json_text(struct buf *out, struct str s)
{
    if (str_starts(s, STR("\"text\":\"")) && s.len >= 10)
        unescape(out, str_sub(s, 8, s.len - 10));
    else if (str_starts(s, STR("\"json\":")) && s.len >= 8)
        buf_add(out, str_sub(s, 7, s.len - 8));
    else
        buf_add(out, s);
}

static u32 colour_of(const struct logline *l)
{
    static const u8 colours[] = { 36, 35, 33, 32, 34, 96, 95, 93, 92, 94 };
    u32 sum = l->worker;

    for (size_t i = 0; i < l->app.len; i++)
        sum = sum * 31 + (u8)l->app.ptr[i];
    return colours[sum % ARRAY_LEN(colours)];
}

/* Text from an app on somebody's terminal: without what would change the terminal's state, apart
 * from colours. */
static void terminal_add(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        u8 c = (u8)s.ptr[i];
        bool is_sequence = c == 0x1b && i + 1 < s.len && s.ptr[i + 1] == '[';
        size_t end = i + 2;

        while (is_sequence && end < s.len && (u8)s.ptr[end] < 0x40)
            end++;
        if (is_sequence && end < s.len && s.ptr[end] == 'm')
            buf_add(out, str_sub(s, i, end + 1 - i));
        if (is_sequence)
            i = end;
        else if (c >= 0x20 || c == '\t')
            buf_addc(out, (char)c);
    }
}

static void body_add(struct buf *out, const struct logline *l, bool colours)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (l->is_json)
        json_text(&text, l->text);
    else
        buf_add(&text, l->text);
    if (colours)
        terminal_add(out, buf_str(&text));
    else
        buf_add(out, buf_str(&text));
    out->failed |= text.failed;
}

void log_print_text(struct buf *out, struct str line, const struct logline *l, bool colours)
{
    const char *dim = colours ? "\033[2m" : "", *end = colours ? "\033[0m" : "";
    bool has_time =
        l->time.len && !(l->is_json && l->kind != LOGLINE_WORKER && l->kind != LOGLINE_FETTLE);

    if (has_time)
        buf_addf(out, "%s%.*s%s ", dim, STR_ARG(l->time), end);
    switch (l->kind) {
    case LOGLINE_WORKER:
        if (colours)
            buf_addf(out, "\033[%um", colour_of(l));
        buf_addf(out, "%.*s/%u %c%s ", STR_ARG(l->app), l->worker, l->is_error ? '!' : '|', end);
        body_add(out, l, colours);
        break;
    case LOGLINE_FETTLE:
        if (colours && l->is_error)
            buf_add(out, STR("\033[33m"));
        if (l->is_json)
            buf_addf(out, "fettle: %s", l->is_error ? "warning: " : "");
        body_add(out, l, colours);
        buf_add(out, str_of(l->is_error ? end : ""));
        break;
    case LOGLINE_ACCESS:
    case LOGLINE_OTHER:
        if (colours)
            terminal_add(out, has_time ? l->text : line);
        else
            buf_add(out, has_time ? l->text : line);
        break;
    }
    buf_addc(out, '\n');
}

void log_print_json(struct buf *out, struct str line, const struct logline *l)
{
    if (l->is_json) {
        buf_add(out, line);
        buf_addc(out, '\n');
        return;
    }
    buf_addc(out, '{');
    if (l->time.len)
        buf_addf(out, "\"time\":\"%.*s\",", STR_ARG(l->time));
    if (l->kind == LOGLINE_WORKER) {
        buf_add(out, STR("\"app\":\""));
        buf_add_json(out, l->app);
        buf_addf(out, "\",\"worker\":%u,\"stream\":\"%s\",", l->worker,
                 l->is_error ? "stderr" : "stdout");
    } else if (l->kind != LOGLINE_OTHER) {
        buf_addf(out, "\"source\":\"%s\",", l->kind == LOGLINE_FETTLE ? "fettle" : "access");
    }
    buf_add(out, STR("\"text\":\""));
    buf_add_json(out, l->text);
    buf_add(out, STR("\"}\n"));
}
