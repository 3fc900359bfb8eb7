/* conf/override.c -- settings that hold at one place only */
#include "conf/override.h"

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void override_encode(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        u8 c = (u8)text.ptr[i];

        if (c > ' ' && c < 0x7f && c != '%' && c != ';')
            buf_addc(out, (char)c);
        else
            buf_addf(out, "%%%02x", c);
    }
}

bool override_decode(struct str word, struct buf *out)
{
    for (size_t i = 0; i < word.len; i++) {
        int high, low;

        if (word.ptr[i] != '%') {
            buf_addc(out, word.ptr[i]);
            continue;
        }
        high = i + 2 < word.len ? hex_value(word.ptr[i + 1]) : -1;
        low = high >= 0 ? hex_value(word.ptr[i + 2]) : -1;
        if (low < 0)
            return false;
        buf_addc(out, (char)(high * 16 + low));
        i += 2;
    }
    return true;
}

void override_add(struct buf *out, const struct settings_row *row, u32 line, struct str value)
{
    buf_addf(out, " %s:%u=", row->name, line);
    override_encode(value, out);
}

bool override_next(struct str *list, struct override *out)
{
    struct str name, line, word, rest = *list;
    u64 number;

    while (rest.len && rest.ptr[0] == ' ')
        rest = str_sub(rest, 1, rest.len);
    if (rest.len == 0) {
        *list = (struct str){ 0 };
        return false;
    }
    word = str_cut(rest, ' ', &rest);
    name = str_cut(word, '=', &out->value);
    name = str_cut(name, ':', &line);
    out->row = out->value.ptr ? settings_row_find(name, NULL) : NULL;
    if (!out->row || !str_to_u64(line, &number) || number > UINT32_MAX)
        return false;
    out->line = (u32)number;
    *list = rest;
    return true;
}

bool override_find(struct str list, const struct settings_row *row, struct override *out)
{
    while (override_next(&list, out))
        if (out->row == row)
            return true;
    return false;
}

static int one_apply(struct settings *s, const struct override *o, const struct override_from *from,
                     struct problem *p)
{
    AUTO(buf_done) struct buf value = { 0 };
    AUTO(buf_done) struct buf key = { 0 };
    struct settings_origin origin = { .source = from->source, .file = from->file, .line = o->line };

    if (!override_decode(o->value, &value))
        return problem_set(p, "%s: this value was not written by fettle", o->row->name);
    buf_addf(&key, "%.*s.%s", STR_ARG(from->place), o->row->name);
    origin.key = buf_str(&key);
    return value.failed || key.failed ? -ENOMEM
                                      : settings_set(s, o->row, buf_str(&value), &origin, p);
}

int override_apply(struct settings *s, struct str list, const struct override_from *from,
                   struct problem *p)
{
    struct override o;
    int err = 0;

    while (!err && override_next(&list, &o))
        err = one_apply(s, &o, from, p);
    return err;
}
