/* admin/conn.c -- one connection to the admin address */
#include "admin/conn.h"

#include "http/write.h"

#include <sys/socket.h>
#include <sys/uio.h>

enum {
    IN_BYTES = CONN_HEAD_MAX + HTTP_BODY_TRAILERS_MAX,
    STEPS_MAX = 16,   /* of one turn */
    LINGER_READS = 8, /* of all wakes: after that the peer has had its chance */
};

struct conn {
    struct conns *all;
    struct list link; /* in all->in[state] */
    enum conn_state state;
    struct watch watch;
    struct timer timer;
    struct task again, grave;

    u32 in_len;
    u32 lingered;
    bool keep_alive, is_head;
    bool is_known;
    bool stepping; /* `again` goes on with what has been read */
    struct http_parser parser;
    struct http_body body;

    struct buf head, page; /* the answer */
    size_t sent;

    struct http_field field[CONN_FIELDS_MAX];
    char in[IN_BYTES];
};

#define S NS_PER_S
static const struct state_row {
    u32 next;       /* the states that may follow */
    u32 events;     /* what is waited for */
    u64 timeout_ns; /* for all of the state */
} rows[CONN_STATES] = {
    [CONN_IDLE] = { BIT(CONN_HEAD) | BIT(CONN_BODY) | BIT(CONN_WRITE), EPOLLIN, 90 * S },
    [CONN_HEAD] = { BIT(CONN_BODY) | BIT(CONN_WRITE), EPOLLIN, 10 * S },
    [CONN_BODY] = { BIT(CONN_WRITE), EPOLLIN, 10 * S },
    [CONN_WRITE] = { BIT(CONN_IDLE) | BIT(CONN_LINGER), EPOLLOUT, 30 * S },
    [CONN_LINGER] = { 0, EPOLLIN, 2 * S },
};

static void conn_buried(struct task *t)
{
    free(container_of(t, struct conn, grave));
}

static size_t answer_bytes(const struct conn *c)
{
    return c->head.len + c->page.len;
}

static void answer_drop(struct conn *c)
{
    c->all->answer_bytes -= answer_bytes(c);
    buf_done(&c->head);
    buf_done(&c->page);
    c->sent = 0;
}

static void conn_end(struct conn *c)
{
    int fd = c->watch.fd;

    answer_drop(c);
    list_del(&c->link);
    c->all->count--;
    loop_timer_stop(&c->timer);
    loop_task_stop(&c->again);
    loop_unwatch(&c->watch);
    close(fd);
    loop_bury(c->all->loop, &c->grave, conn_buried);
}

static void timed_out(struct timer *t)
{
    conn_end(container_of(t, struct conn, timer));
}

static void timer_arm(struct conn *c)
{
    struct loop *loop = c->all->loop;

    loop_timer(loop, &c->timer, loop_now_ns(loop) + rows[c->state].timeout_ns, timed_out);
}

static void conn_move(struct conn *c, enum conn_state state)
{
    assert(rows[c->state].next & BIT(state));
    c->state = state;
    list_del(&c->link);
    list_add(&c->all->in[state], &c->link);
    loop_watch_set(&c->watch, rows[state].events);
    timer_arm(c);
}

static void in_drop(struct conn *c, size_t bytes)
{
    c->in_len -= (u32)bytes;
    memmove(c->in, c->in + bytes, c->in_len);
}

static void head_expect(struct conn *c)
{
    static const struct http_limits limits = {
        .line_bytes_max = CONN_HEAD_MAX,
        .head_bytes_max = CONN_HEAD_MAX,
        .fields_max = CONN_FIELDS_MAX,
    };

    http_parser_init(&c->parser, HTTP_REQUEST, &limits, c->field, CONN_FIELDS_MAX);
}

/* The page is there: puts its head before it. */
static void answer_finish(struct conn *c, const struct site_answer *answer)
{
    struct buf *h = &c->head;

    http_write_status(h, answer->status, STR(""));
    http_write_field(h, STR("Content-Type"), answer->content_type);
    http_write_field_u64(h, STR("Content-Length"), c->page.len);
    http_write_field(h, STR("Connection"), c->keep_alive ? STR("keep-alive") : STR("close"));
    buf_add(h, answer->fields);
    buf_add(h, STR("\r\n"));
    if (c->is_head)
        buf_done(&c->page);
    c->all->answer_bytes += answer_bytes(c);
}

/* Answers instead of a page, and ends the connection after it. */
static void refuse(struct conn *c, u32 status, const char *text)
{
    struct site_answer answer;

    answer_drop(c);
    c->keep_alive = false;
    c->page.bytes_max = SITE_BODY_BYTES_MAX;
    site_refuse(&answer, &c->page, status, text);
    answer_finish(c, &answer);
    conn_move(c, CONN_WRITE);
}

/* Of a field that no row of http/name.h has. */
static struct str other_field(const struct conn *c, const struct http_head *head, struct str name)
{
    for (u32 i = 0; i < head->fields_n; i++)
        if (str_eq_nocase(http_text(c->in, head->fields[i].name), name))
            return http_text(c->in, head->fields[i].value);
    return (struct str){ 0 };
}

static struct str known_field(const struct conn *c, struct http_head *head, enum http_name id)
{
    const struct http_field *field = http_field_find(head, id);

    return field ? http_text(c->in, field->value) : (struct str){ 0 };
}

static void request_answer(struct conn *c, struct http_head *head)
{
    struct conns *all = c->all;
    const struct site_request req = {
        .method = head->method,
        .target = http_text(c->in, head->path),
        .host = http_text(c->in, head->authority),
        .authorization = known_field(c, head, HTTP_AUTHORIZATION),
        .origin = known_field(c, head, HTTP_ORIGIN),
        .fetch_site = other_field(c, head, STR("sec-fetch-site")),
        .is_known = c->is_known,
    };
    struct site_answer answer;

    /* Who waits for "100 Continue" learns the answer instead, and what is sent nonetheless would
     * be taken for the next request. */
    c->keep_alive = head->keep_alive && !head->expect_continue;
    c->is_head = head->method == HTTP_HEAD;
    c->page.bytes_max = SITE_BODY_BYTES_MAX;
    if (all->answer_bytes > CONNS_ANSWER_BYTES_MAX)
        site_refuse(&answer, &c->page, 503, "Too many answers wait to be read; ask again soon.");
    else
        all->site->answer(all->site, &req, &answer, &c->page);
    answer_finish(c, &answer);
}

/* Each step returns whether it got on, so that it is worth while to go on with the next. */
static bool head_step(struct conn *c)
{
    struct http_head head;
    struct http_error error;

    switch (http_parse_head(&c->parser, c->in, c->in_len, &head, &error)) {
    case HTTP_MORE:
        if (c->state == CONN_IDLE && http_parser_begun(&c->parser))
            conn_move(c, CONN_HEAD);
        return false;
    case HTTP_BAD:
        c->is_head = false;
        refuse(c, error.status, error.text);
        return true;
    case HTTP_DONE:
        break;
    }
    request_answer(c, &head);
    in_drop(c, head.head_bytes);
    http_body_init(&c->body, head.framing, head.content_length, CONN_BODY_MAX);
    conn_move(c, head.framing == HTTP_BODY_NONE || !c->keep_alive ? CONN_WRITE : CONN_BODY);
    return true;
}

static bool body_step(struct conn *c)
{
    struct http_error error;
    struct str data;
    size_t used;

    for (;;) {
        enum http_body_step step = http_body_feed(&c->body, c->in, c->in_len, &used, &data, &error);

        in_drop(c, step == HTTP_BODY_BAD ? 0 : used);
        switch (step) {
        case HTTP_BODY_MORE:
            return false;
        case HTTP_BODY_DATA:
        case HTTP_BODY_TRAILERS:
            break;
        case HTTP_BODY_END:
            conn_move(c, CONN_WRITE);
            return true;
        case HTTP_BODY_BAD:
            refuse(c, error.status, error.text);
            return true;
        }
    }
}

static void conn_linger(struct conn *c)
{
    answer_drop(c);
    shutdown(c->watch.fd, SHUT_WR);
    conn_move(c, CONN_LINGER);
}

/* The answer has been written. */
static void answer_done(struct conn *c)
{
    answer_drop(c);
    if (!c->keep_alive) {
        conn_linger(c);
        return;
    }
    head_expect(c);
    conn_move(c, CONN_IDLE);
}

/* False: the connection has ended. */
static bool write_step(struct conn *c, bool *more)
{
    *more = false;
    if (c->head.failed) {
        conn_end(c);
        return false;
    }
    while (c->sent < answer_bytes(c)) {
        size_t in_head = min(c->sent, c->head.len), in_page = c->sent - in_head;
        struct iovec iov[2] = {
            { c->head.ptr + in_head, c->head.len - in_head },
            { c->page.ptr + in_page, c->page.len - in_page },
        };
        struct msghdr msg = { .msg_iov = iov, .msg_iovlen = c->page.len ? 2 : 1 };
        ssize_t n = sendmsg(c->watch.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            conn_end(c);
            return false;
        }
        c->sent += (size_t)n;
    }
    answer_done(c);
    *more = true;
    return true;
}

static void conn_again(struct task *t);

/* Goes as far as the bytes at hand allow; what takes longer than a turn's share goes on in the
 * next one. */
static void conn_step(struct conn *c)
{
    bool more = true;

    for (int steps = 0; more; steps++) {
        if (steps == STEPS_MAX) {
            c->stepping = true;
            loop_task(c->all->loop, &c->again, conn_again);
            return;
        }
        switch (c->state) {
        case CONN_IDLE:
        case CONN_HEAD:
            more = head_step(c);
            break;
        case CONN_BODY:
            more = body_step(c);
            break;
        case CONN_WRITE:
            if (!write_step(c, &more))
                return;
            break;
        case CONN_LINGER:
            return;
        }
    }
}

static void conn_again(struct task *t)
{
    struct conn *c = container_of(t, struct conn, again);

    c->stepping = false;
    conn_step(c);
}

static void conn_read(struct conn *c)
{
    ssize_t n;

    if (c->state == CONN_LINGER)
        c->in_len = 0;
    /* A head or body that leaves no room has been refused before. */
    assert(c->in_len < IN_BYTES);
    do
        n = recv(c->watch.fd, c->in + c->in_len, IN_BYTES - c->in_len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || (c->state == CONN_LINGER && c->lingered++ == LINGER_READS)) {
        conn_end(c);
        return;
    }
    c->in_len += (u32)n;
    conn_step(c);
}

static void conn_event(struct watch *w, u32 events)
{
    struct conn *c = container_of(w, struct conn, watch);

    if (c->stepping)
        return; /* what was read before comes first */
    if (c->state != CONN_WRITE)
        conn_read(c);
    else if (events & (EPOLLERR | EPOLLHUP))
        conn_end(c);
    else
        conn_step(c);
}

void conns_init(struct conns *all, struct loop *loop, struct site *site)
{
    *all = (struct conns){ .loop = loop, .site = site };
    for (int i = 0; i < CONN_STATES; i++)
        list_init(&all->in[i]);
}

void conns_done(struct conns *all)
{
    for (int i = 0; i < CONN_STATES; i++)
        list_each_safe (link, &all->in[i])
            conn_end(container_of(link, struct conn, link));
}

void conns_add(struct conns *all, int fd)
{
    struct list *idle = &all->in[CONN_IDLE];
    struct conn *c;

    if (all->count >= CONNS_MAX && !list_empty(idle))
        conn_end(list_first(idle, struct conn, link));
    c = all->count < CONNS_MAX ? calloc(1, sizeof(*c)) : NULL;
    if (!c || loop_watch(all->loop, &c->watch, fd, rows[CONN_IDLE].events, conn_event) < 0) {
        free(c);
        close(fd);
        return;
    }
    c->all = all;
    c->state = CONN_IDLE;
    c->is_known = !all->site->knows || all->site->knows(all->site, fd);
    list_init(&c->link);
    list_add(&all->in[CONN_IDLE], &c->link);
    all->count++;
    head_expect(c);
    timer_arm(c);
}
