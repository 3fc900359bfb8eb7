/* inspect/message.c -- one message of the DevTools protocol, from bytes that come in pieces */
#include "inspect/message.h"

enum {
    SMALL,    /* bytes go to `text` */
    BEFORE,   /* the colon has been read, a large value follows */
    IN_CHUNK, /* inside the quotes of params.chunk */
    IN_PROFILE,
};

void message_done(struct message *m)
{
    buf_done(&m->text);
    *m = (struct message){ 0 };
}

void message_clear(struct message *m)
{
    struct buf text = m->text;

    buf_clear(&text);
    text.failed = false;
    text.bytes_max = MESSAGE_TEXT_MAX;
    *m = (struct message){ .text = text };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum message_bulk bulk_of(const struct message *m)
{
    if (m->depth != 2)
        return MESSAGE_NO_BULK;
    if (strcmp(m->key[0], "params") == 0 && strcmp(m->key[1], "chunk") == 0)
        return MESSAGE_CHUNK;
    if (strcmp(m->key[0], "result") == 0 && strcmp(m->key[1], "profile") == 0)
        return MESSAGE_PROFILE;
    return MESSAGE_NO_BULK;
}

static void string_step(struct message *m, char c)
{
    if (!m->escaped && c == '"') {
        m->in_string = false;
        return;
    }
    m->escaped = !m->escaped && c == '\\';
    if (m->word_len < MESSAGE_KEY_MAX - 1)
        m->word[m->word_len++] = c;
}

static void key_set(struct message *m, bool is_there)
{
    if (m->depth < 1 || m->depth > 2)
        return;
    memset(m->key[m->depth - 1], 0, MESSAGE_KEY_MAX);
    if (is_there)
        memcpy(m->key[m->depth - 1], m->word, m->word_len);
}

/* One byte outside of the large values. */
static void small_step(struct message *m, char c)
{
    if (m->in_string) {
        string_step(m, c);
        return;
    }
    switch (c) {
    case '"':
        m->in_string = true;
        m->escaped = false;
        m->word_len = 0;
        break;
    case '{':
    case '[':
        m->depth++;
        key_set(m, false);
        break;
    case '}':
    case ']':
        m->depth -= m->depth > 0;
        break;
    case ',':
        key_set(m, false);
        break;
    case ':':
        key_set(m, true);
        if (bulk_of(m) != MESSAGE_NO_BULK)
            m->state = BEFORE;
        break;
    }
}

static size_t small_feed(struct message *m, struct str bytes)
{
    size_t n = 0;

    while (n < bytes.len && m->state == SMALL)
        small_step(m, bytes.ptr[n++]);
    buf_add(&m->text, str_make(bytes.ptr, n));
    return n;
}

/* What kind of value it is. */
static size_t before_feed(struct message *m, struct str bytes)
{
    enum message_bulk bulk = bulk_of(m);
    char c = bytes.ptr[0];

    if (is_blank(c))
        return 1;
    m->state = SMALL;
    if (bulk == MESSAGE_CHUNK && c != '"')
        return 0;
    m->bulk = bulk;
    buf_add(&m->text, STR("null"));
    m->state = bulk == MESSAGE_CHUNK ? IN_CHUNK : IN_PROFILE;
    m->unescape = (struct unescape){ 0 };
    m->bulk_depth = 0;
    return bulk == MESSAGE_CHUNK;
}

/* One byte of result.profile. False: it ends before this one. */
static bool profile_step(struct message *m, char c)
{
    if (m->in_string) {
        string_step(m, c);
        return true;
    }
    switch (c) {
    case '"':
        m->in_string = true;
        m->escaped = false;
        m->word_len = 0;
        return true;
    case '{':
    case '[':
        m->bulk_depth++;
        return true;
    case '}':
    case ']':
        if (m->bulk_depth == 0)
            return false;
        m->bulk_depth--;
        return true;
    case ',':
        return m->bulk_depth > 0;
    }
    return true;
}

static size_t profile_feed(struct message *m, struct str bytes, struct buf *bulk)
{
    size_t n = 0;

    while (n < bytes.len && profile_step(m, bytes.ptr[n]))
        n++;
    buf_add(bulk, str_make(bytes.ptr, n));
    if (n < bytes.len)
        m->state = SMALL;
    return n;
}

int message_feed(struct message *m, struct str bytes, struct buf *bulk)
{
    m->text.bytes_max = MESSAGE_TEXT_MAX;
    while (bytes.len) {
        size_t n = 0;

        switch (m->state) {
        case SMALL:
            n = small_feed(m, bytes);
            break;
        case BEFORE:
            n = before_feed(m, bytes);
            break;
        case IN_PROFILE:
            n = profile_feed(m, bytes, bulk);
            break;
        case IN_CHUNK:
            switch (unescape_feed(&m->unescape, bytes.ptr, bytes.len, &n, bulk)) {
            case UNESCAPE_MORE:
                break;
            case UNESCAPE_DONE:
                m->state = SMALL;
                break;
            case UNESCAPE_BAD:
                return -EPROTO;
            }
            break;
        }
        bytes = str_sub(bytes, n, bytes.len);
    }
    return 0;
}
