/* inspect/devtools.c -- drives a conversation with an inspector over a socket */
#include "inspect/devtools.h"

#include <netinet/tcp.h>
#include <sys/random.h>

#define SILENCE_NS NS_PER_S

enum { IN_BYTES = 256 * 1024 };

void devtools_done(struct devtools *c)
{
    if (c->in) /* it has been opened */
        fd_closep(&c->fd);
    session_done(&c->session);
    free(c->in);
    c->in = NULL;
    c->fd = -1;
}

static int flush(struct devtools *c, u64 until_ns)
{
    struct buf *out = &c->session.out;
    int err = out->failed ? -ENOMEM : wait_send(&c->wait, c->fd, buf_str(out), until_ns);

    buf_clear(out);
    return err;
}

/* Bytes, once there are some. */
static ssize_t bytes_read(struct devtools *c, u64 until_ns)
{
    u64 silence_ns = SILENCE_NS;
    ssize_t n;

    for (;; silence_ns *= 2) {
        u64 now_ns = clock_now_ns();
        u64 most_ns =
            c->silent && now_ns < until_ns ? min(until_ns, now_ns + silence_ns) : until_ns;

        n = wait_read(&c->wait, c->fd, c->in + c->in_len, IN_BYTES - c->in_len, most_ns);
        if (n != -ETIMEDOUT || most_ns == until_ns)
            return n;
        c->silent(c);
    }
}

/* Reads more behind what is left. */
static int more_read(struct devtools *c, u64 until_ns)
{
    ssize_t n;

    memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
    c->in_len -= c->in_at;
    c->in_at = 0;
    if (c->in_len == IN_BYTES)
        return -EPROTO;
    n = bytes_read(c, until_ns);
    if (n < 0)
        return n == -ECONNRESET ? -EPIPE : (int)n;
    c->in_len += (size_t)n;
    return n == 0 ? -EPIPE : 0;
}

/* Goes on to the next message (or the upgrade); large values are handed on. */
static int step(struct devtools *c, u64 until_ns)
{
    struct session *s = &c->session;

    for (;;) {
        size_t used;
        enum session_step said = session_feed(s, c->in + c->in_at, c->in_len - c->in_at, &used);
        int err = 0;

        c->in_at += used;
        switch (said) {
        case SESSION_MORE:
            err = s->out.len ? flush(c, until_ns) : 0;
            if (!err)
                err = more_read(c, until_ns);
            break;
        case SESSION_OPEN:
        case SESSION_MESSAGE:
            return 0;
        case SESSION_BULK:
            err = s->bulk.failed ? -ENOMEM : c->bulk ? c->bulk(c, buf_str(&s->bulk)) : 0;
            buf_clear(&s->bulk);
            break;
        case SESSION_CLOSED:
            err = -EPIPE;
            break;
        case SESSION_BAD:
            err = -EPROTO;
            break;
        }
        c->is_over |= err == -EPIPE;
        if (err)
            return err;
    }
}

int devtools_open(struct devtools *c, const struct addr *a, struct str path, u64 until_ns)
{
    char authority[ADDR_TEXT_MAX];
    int one = 1, err;
    u64 seed = 0;

    c->is_over = false;
    c->in_at = c->in_len = 0;
    c->in = malloc(IN_BYTES);
    c->fd = -1;
    if (!c->in)
        return -ENOMEM;
    (void)!getrandom(&seed, sizeof(seed), 0);
    session_init(&c->session, addr_text(a, authority), path, seed);
    c->fd = wait_connect(&c->wait, a, until_ns);
    if (c->fd < 0)
        return c->fd;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    err = flush(c, until_ns);
    return err ? err : step(c, until_ns);
}

int devtools_ask(struct devtools *c, const char *method, struct str params, u64 *id)
{
    *id = session_ask(&c->session, method, params);
    return c->is_over ? -EPIPE : 0;
}

static void refusal_set(struct devtools *c, const struct json_value *error)
{
    struct str text = json_value_text(json_value_member(error, "message"));

    snprintf(c->session.bad_text, sizeof(c->session.bad_text), "%.*s",
             STR_ARG(str_sub(text, 0, sizeof(c->session.bad_text) - 1)));
}

/* A message has come. True: it is the answer to `id`. */
static bool message_take(struct devtools *c, u64 id, struct json_value **out, int *err)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    struct problem p;
    u64 its_id = 0;

    if (c->session.message.text.failed) /* longer than anything that is asked for here */
        return false;
    *err = json_value_parse(&root, buf_str(&c->session.message.text), "", &p);
    if (*err) {
        *err = *err == -ENOMEM ? *err : -EPROTO;
        snprintf(c->session.bad_text, sizeof(c->session.bad_text), "a message that is no JSON");
        return true;
    }
    if (!json_value_u64(json_value_member(root, "id"), &its_id)) {
        if (c->event)
            c->event(c, json_value_text(json_value_member(root, "method")),
                     json_value_member(root, "params"));
        return false;
    }
    if (its_id != id)
        return false;
    if (json_value_member(root, "error")) {
        refusal_set(c, json_value_member(root, "error"));
        *err = -EREMOTEIO;
    } else if (out) {
        *out = TAKE(root, NULL);
    }
    return true;
}

int devtools_wait(struct devtools *c, u64 id, u64 until_ns, struct json_value **out)
{
    int err = flush(c, until_ns);

    if (out)
        *out = NULL;
    while (!err) {
        err = step(c, until_ns);
        if (!err && message_take(c, id, out, &err))
            break;
    }
    return err;
}

int devtools_until(struct devtools *c, const bool *came, u64 until_ns)
{
    int err = flush(c, until_ns);

    while (!err && !*came) {
        err = step(c, until_ns);
        if (!err)
            (void)message_take(c, 0, NULL, &err);
    }
    return err;
}

int devtools_call(struct devtools *c, const char *method, struct str params, u64 until_ns,
                  struct json_value **out)
{
    u64 id;
    int err = devtools_ask(c, method, params, &id);

    return err ? err : devtools_wait(c, id, until_ns, out);
}

int devtools_listen(struct devtools *c, u64 until_ns)
{
    return devtools_wait(c, 0, until_ns, NULL);
}
