/* conf/words.c -- a text split into words as a shell does */
#include "conf/words.h"

struct cursor {
    struct str s;
    size_t at;
    struct buf *out;
    bool shell;
};

static bool more(const struct cursor *c)
{
    return c->at < c->s.len;
}

/* Up to the closing quote, which is skipped. False: it is missing. */
static bool quoted_take(struct cursor *c, char quote)
{
    for (c->at++; more(c); c->at++) {
        char b = c->s.ptr[c->at];

        if (b == quote) {
            c->at++;
            return true;
        }
        if (quote == '"' && (b == '$' || b == '`' || b == '!'))
            c->shell = true;
        if (quote == '"' && b == '\\' && c->at + 1 < c->s.len &&
            strchr("$`\"\\", c->s.ptr[c->at + 1]))
            b = c->s.ptr[++c->at];
        buf_addc(c->out, b);
    }
    return false;
}

static bool word_take(struct cursor *c)
{
    size_t start = c->at;

    while (more(c)) {
        char b = c->s.ptr[c->at];

        if (b == ' ' || b == '\t' || b == '\n' || b == '\r')
            break;
        if (b == '\'' || b == '"') {
            if (!quoted_take(c, b))
                return false;
            continue;
        }
        if (b == '\\') {
            if (++c->at == c->s.len)
                return false;
            b = c->s.ptr[c->at];
        } else if (b && strchr("|&;<>()$`*?[]{}!", b)) {
            c->shell = true;
        } else if ((b == '#' || b == '~') && c->at == start) {
            c->shell = true;
        } else if (b == '~' && (c->s.ptr[c->at - 1] == '=' || c->s.ptr[c->at - 1] == ':')) {
            c->shell = true; /* A=~/b */
        }
        buf_addc(c->out, b);
        c->at++;
    }
    buf_addc(c->out, 0);
    return true;
}

enum words_kind words_split(struct str s, struct buf *out, u32 *count)
{
    struct cursor c = { s, 0, out, false };

    *count = 0;
    for (;;) {
        while (more(&c) && strchr(" \t\r\n", c.s.ptr[c.at]) && c.s.ptr[c.at]) {
            /* A line's end ends a command. */
            c.shell |=
                c.s.ptr[c.at] == '\n' && *count > 0 && str_trim(str_sub(s, c.at, s.len)).len > 1;
            c.at++;
        }
        if (!more(&c))
            return c.shell ? WORDS_SHELL : WORDS_PLAIN;
        if (!word_take(&c))
            return WORDS_OPEN;
        (*count)++;
    }
}

void words_quote(struct str word, struct buf *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:,=@%+";
    bool is_plain = word.len > 0;

    for (size_t i = 0; i < word.len; i++)
        is_plain &= word.ptr[i] && strchr(plain, word.ptr[i]);
    if (is_plain) {
        buf_add(out, word);
        return;
    }
    buf_addc(out, '\'');
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\'')
            buf_add(out, STR("'\\''"));
        else
            buf_addc(out, word.ptr[i]);
    }
    buf_addc(out, '\'');
}
