/* test/fuzz/inspect_session_fuzz.c -- what an inspector may send: WebSocket, messages, snapshots
 *
 * The first byte chooses: the bytes are frames, or the payload of one message, or what stands
 * inside a JSON string. Whole, byte by byte and cut in two places the outcome must be the same.
 */
#include "inspect/listing.h"
#include "inspect/session.h"
#include "inspect/tcp_listens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct buf text, bulk;
    int end;
};

static void outcome_done(struct outcome *o)
{
    buf_done(&o->text);
    buf_done(&o->bulk);
}

static void open_up(struct session *s)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    char accept[WEBSOCKET_ACCEPT_CHARS], answer[256];
    const char *key;
    size_t used;

    session_init(s, STR("127.0.0.1:9229"), STR("/x"), 1);
    key = memmem(s->out.ptr, s->out.len, name, strlen(name));
    assert(key);
    websocket_accept(key + strlen(name), accept);
    snprintf(answer, sizeof(answer),
             "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %.*s\r\n\r\n",
             WEBSOCKET_ACCEPT_CHARS, accept);
    assert(session_feed(s, answer, strlen(answer), &used) == SESSION_OPEN);
    assert(used == strlen(answer));
}

/* Takes all that one piece has; how much of it is left over is *used. */
static int frames_feed(struct session *s, struct outcome *o, const char *bytes, size_t len,
                       size_t *used)
{
    *used = 0;
    for (;;) {
        size_t n;
        enum session_step step = session_feed(s, bytes + *used, len - *used, &n);

        *used += n;
        assert(*used <= len);
        switch (step) {
        case SESSION_MORE:
            assert(len - *used <= SESSION_HEAD_MAX);
            return 0;
        case SESSION_BULK:
            buf_add(&o->bulk, buf_str(&s->bulk));
            buf_clear(&s->bulk);
            break;
        case SESSION_MESSAGE:
            buf_add(&o->text, buf_str(&s->message.text));
            buf_addc(&o->text, '\n');
            break;
        case SESSION_OPEN:
            assert(!"it is open");
            break;
        case SESSION_CLOSED:
            return 1;
        case SESSION_BAD:
            assert(s->bad_text[0]);
            return 2;
        }
    }
}

static struct outcome frames(struct str s, const size_t *cuts, size_t cuts_n)
{
    struct outcome o = { 0 };
    struct session session;
    size_t from = 0, used;

    open_up(&session);
    for (size_t i = 0; i <= cuts_n && o.end == 0; i++) {
        size_t to = i < cuts_n ? cuts[i] : s.len;
        char *piece = malloc(to - from + 1);

        memcpy(piece, s.ptr + from, to - from);
        o.end = frames_feed(&session, &o, piece, to - from, &used);
        free(piece);
        from += used;
    }
    session_done(&session);
    return o;
}

static struct outcome message(struct str s, const size_t *cuts, size_t cuts_n)
{
    struct outcome o = { 0 };
    struct message m = { 0 };
    size_t from = 0;

    for (size_t i = 0; i <= cuts_n && o.end == 0; i++) {
        size_t to = i < cuts_n ? cuts[i] : s.len;
        char *piece = malloc(to - from + 1);

        memcpy(piece, s.ptr + from, to - from);
        o.end = message_feed(&m, str_make(piece, to - from), &o.bulk);
        free(piece);
        from = to;
    }
    buf_add(&o.text, buf_str(&m.text));
    message_done(&m);
    return o;
}

static struct outcome unescaped(struct str s, const size_t *cuts, size_t cuts_n)
{
    struct outcome o = { 0 };
    struct unescape u = { 0 };
    size_t from = 0, used;

    for (size_t i = 0; i <= cuts_n && o.end == 0; i++) {
        size_t to = i < cuts_n ? cuts[i] : s.len;
        char *piece = malloc(to - from + 1);

        memcpy(piece, s.ptr + from, to - from);
        o.end = unescape_feed(&u, piece, to - from, &used, &o.bulk);
        free(piece);
        assert(used <= to - from && (o.end || used == to - from));
        from += used;
    }
    return o;
}

static struct outcome run(u8 choice, struct str s, const size_t *cuts, size_t cuts_n)
{
    return choice % 3 == 0   ? frames(s, cuts, cuts_n)
           : choice % 3 == 1 ? message(s, cuts, cuts_n)
                             : unescaped(s, cuts, cuts_n);
}

static void same(const struct outcome *a, struct outcome b)
{
    assert(a->end == b.end);
    /* What is bad may have been handed on in part by then. */
    if (a->end != 2 && a->end != -EPROTO) {
        assert(str_eq(buf_str(&a->text), buf_str(&b.text)));
        assert(str_eq(buf_str(&a->bulk), buf_str(&b.bulk)));
    }
    outcome_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole;
    struct listing listing;
    struct tcp_listens listens = { 0 };
    size_t *every, two[2];
    struct str s;

    if (size < 1 || size > 4096)
        return 0;
    s = str_make((const char *)data + 1, size - 1);
    every = calloc(s.len + 1, sizeof(*every));
    for (size_t i = 0; i < s.len; i++)
        every[i] = i;
    whole = run(data[0], s, NULL, 0);
    same(&whole, run(data[0], s, every, s.len));
    two[0] = s.len / 3;
    two[1] = s.len - s.len / 3;
    same(&whole, run(data[0], s, two, 2));
    free(every);
    outcome_done(&whole);
    (void)!listing_parse(&listing, s);
    tcp_listens_parse(&listens, s);
    return 0;
}
