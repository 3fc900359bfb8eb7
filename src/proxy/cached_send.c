/* proxy/cached_send.c -- sends a stored response from the slab
 *
 * What is stored is what is sent: its pieces go to the kernel where they lie, in one system call
 * with the few lines that are made anew. Nothing is allocated.
 */
#include "cache/condition.h"
#include "cache/storedhead.h"
#include "http/write.h"
#include "proxy/exchange.h"
#include "proxy/rewrite.h"

enum { PIECES_MAX = 64, BYTES_PER_WAKE = 1 << 20, DATE_MAX = 64, ETAG_MAX = 512 };

struct text {
    char *to;
    u32 len, room;
};

static void put(struct text *t, struct str s)
{
    u32 n = (u32)min(s.len, (size_t)t->room - t->len);

    memcpy(t->to + t->len, s.ptr, n);
    t->len += n;
}

static void put_u64(struct text *t, u64 n)
{
    char digits[STR_U64_MAX];

    put(t, str_make(digits, str_put_u64(digits, n)));
}

static const struct store *store_of(const struct exchange *x)
{
    return x->client->thread->proxy->store;
}

static const char *const result_text[SHM_CACHE_RESULTS] = {
    [SHM_CACHE_HIT] = "hit",
    [SHM_CACHE_STALE] = "hit",
    [SHM_CACHE_ERROR] = "hit; detail=stale-if-error",
    [SHM_CACHE_VALIDATED] = "hit; detail=revalidated",
};

/* The fields that are made anew, and the empty line. `bytes`: of the body. */
static void tail_write(struct exchange *x, u64 bytes, bool has_length, u64 now_ns)
{
    struct cached *k = &x->cached;
    const struct freshness *f = &k->entry->freshness;
    struct text t = { .to = k->tail, .len = k->tail_len, .room = sizeof(k->tail) };
    i64 left_s = freshness_left_s(f, now_ns);

    if (has_length) {
        put(&t, STR("content-length: "));
        put_u64(&t, bytes);
        put(&t, STR("\r\n"));
    }
    put(&t, STR("age: "));
    put_u64(&t, freshness_age_s(f, now_ns));
    put(&t, STR("\r\n"));
    if (x->rule->is.cache_status) {
        put(&t, STR("cache-status: fettle; "));
        put(&t, str_of(result_text[x->cache_result]));
        put(&t, left_s < 0 ? STR("; ttl=-") : STR("; ttl="));
        put_u64(&t, (u64)(left_s < 0 ? -left_s : left_s));
        put(&t, k->waited ? STR("; collapsed\r\n") : STR("\r\n"));
    }
    if (!x->keep)
        put(&t, STR("connection: close\r\n"));
    else if (x->req.version_minor == 0)
        put(&t, STR("connection: keep-alive\r\n"));
    put(&t, STR("\r\n"));
    k->tail_len = (u16)t.len;
}

/* ---- what the client has already ---- */

static struct str read_part(const struct exchange *x, struct store_span part, char *room, u32 max)
{
    if (part.len == 0 || part.len > max)
        return (struct str){ 0 };
    store_read(store_of(x), x->cached.entry, part, room);
    return str_make(room, part.len);
}

struct validators {
    struct condition_stored is;
    char etag[ETAG_MAX], last_modified[DATE_MAX], date[DATE_MAX];
};

static void validators_read(const struct exchange *x, struct validators *v)
{
    const struct stored *e = x->cached.entry;

    v->is.etag = read_part(x, e->etag, v->etag, sizeof(v->etag));
    v->is.last_modified =
        read_part(x, e->last_modified, v->last_modified, sizeof(v->last_modified));
    v->is.date = read_part(x, e->date, v->date, sizeof(v->date));
}

static bool has(const struct exchange *x, enum http_name name)
{
    return x->req.names >> name & 1;
}

/* RFC 9111 4.3.2: If-None-Match wins. */
static bool not_modified(struct exchange *x, const struct validators *v)
{
    const char *bytes = x->client->in->bytes;
    struct http_field *f = NULL;

    if (has(x, HTTP_IF_NONE_MATCH)) {
        while ((f = http_field_next(&x->req, HTTP_IF_NONE_MATCH, f)) != NULL)
            if (condition_etag_listed(http_text(bytes, f->value), v->is.etag))
                return true;
        return false;
    }
    f = http_field_find(&x->req, HTTP_IF_MODIFIED_SINCE);
    return f &&
           condition_unmodified_since(&v->is, http_text(bytes, f->value), clock_wall_ms() / 1000);
}

static enum byterange_verdict range_of(struct exchange *x, const struct validators *v, u64 *from,
                                       u64 *len)
{
    const char *bytes = x->client->in->bytes;
    struct http_field *f = http_field_find(&x->req, HTTP_RANGE);
    struct str if_range = rewrite_field(bytes, &x->req, STR("if-range"));

    if (!f || x->req.method != HTTP_GET || x->cached.entry->status != 200 ||
        (if_range.ptr && !condition_range_holds(&v->is, if_range)))
        return BYTERANGE_ALL;
    return condition_range(http_text(bytes, f->value), x->cached.entry->body.len, from, len);
}

/* ---- the three forms ---- */

static void send_whole(struct exchange *x, u64 now_ns)
{
    struct cached *k = &x->cached;
    const struct stored *e = k->entry;
    bool has_body = e->status != 204 && e->status != 304;

    x->status = e->status;
    k->head_left = e->head.len;
    k->head = store_seek(store_of(x), e, e->head.at);
    k->body_left = x->req.method == HTTP_HEAD ? 0 : e->body.len;
    k->body = store_seek(store_of(x), e, e->body.at);
    tail_write(x, e->body.len, has_body, now_ns);
}

/* Without the stored status line. */
static void send_part(struct exchange *x, u32 status, u64 from, u64 len, u64 now_ns)
{
    struct cached *k = &x->cached;
    const struct stored *e = k->entry;
    struct text lead = { .to = k->lead, .room = sizeof(k->lead) };
    struct text tail = { .to = k->tail, .room = sizeof(k->tail) };

    x->status = status;
    put(&lead, status == 206 ? STR("HTTP/1.1 206 Partial Content\r\n")
                             : STR("HTTP/1.1 416 Range Not Satisfiable\r\n"));
    k->lead_len = (u16)lead.len;
    k->head_left = e->head.len - e->line_bytes;
    k->head = store_seek(store_of(x), e, e->head.at + e->line_bytes);
    put(&tail, STR("content-range: bytes "));
    if (status == 206) {
        put_u64(&tail, from);
        put(&tail, STR("-"));
        put_u64(&tail, from + len - 1);
    } else {
        put(&tail, STR("*"));
    }
    put(&tail, STR("/"));
    put_u64(&tail, e->body.len);
    put(&tail, STR("\r\n"));
    k->tail_len = (u16)tail.len;
    k->body_left = len;
    k->body = store_seek(store_of(x), e, (u32)(e->body.at + from));
    tail_write(x, len, true, now_ns);
}

/* Its head is made in blocks of the connection's: rare enough, and nothing of it is long. */
static bool send_not_modified(struct exchange *x, u64 now_ns)
{
    struct client *c = x->client;
    struct cached *k = &x->cached;
    struct thread *t = c->thread;
    struct block *stored = block_take(&t->blocks);
    struct storedhead head = { .bytes = NULL };
    bool made = false;

    if (!c->out)
        c->out = block_take(&t->blocks);
    if (stored && c->out && k->entry->head.len <= stored->size) {
        store_read(store_of(x), k->entry, k->entry->head, stored->bytes);
        head.bytes = c->out->bytes;
        head.room = c->out->size;
        made = storedhead_not_modified(&head, str_make(stored->bytes, k->entry->head.len));
        c->out->end = head.len;
    }
    block_give(&t->blocks, &stored);
    x->status = 304;
    tail_write(x, 0, false, now_ns);
    return made;
}

/* What is to be sent: all of it, a part, or the news that there is none. */
static bool choose(struct exchange *x, u64 now_ns)
{
    struct validators v = { .is = { .etag = { 0 } } };
    u64 from, len;

    if (!(has(x, HTTP_IF_NONE_MATCH) || has(x, HTTP_IF_MODIFIED_SINCE) || has(x, HTTP_RANGE))) {
        send_whole(x, now_ns);
        return true;
    }
    validators_read(x, &v);
    if (x->cached.entry->status == 200 && not_modified(x, &v))
        return send_not_modified(x, now_ns);
    switch (range_of(x, &v, &from, &len)) {
    case BYTERANGE_ALL:
        send_whole(x, now_ns);
        break;
    case BYTERANGE_PART:
        send_part(x, 206, from, len, now_ns);
        break;
    case BYTERANGE_NONE:
        send_part(x, 416, 0, 0, now_ns);
        break;
    }
    return true;
}

/* ---- sending ---- */

/* So many of the first of `left` have been sent; what is over belongs to what follows. */
static u64 taken(u64 *sent, u64 left)
{
    u64 n = min(*sent, left);

    *sent -= n;
    return n;
}

static void advance(struct exchange *x, u64 sent)
{
    struct cached *k = &x->cached;
    const struct store *s = store_of(x);
    u64 n;

    k->lead_at += (u16)taken(&sent, (u64)(k->lead_len - k->lead_at));
    n = taken(&sent, k->head_left);
    k->head_left -= (u32)n;
    store_advance(s, k->entry, &k->head, n);
    k->tail_at += (u16)taken(&sent, (u64)(k->tail_len - k->tail_at));
    n = taken(&sent, k->body_left);
    k->body_left -= n;
    store_advance(s, k->entry, &k->body, n);
}

/* What is left, as pieces. */
static u32 pieces(const struct exchange *x, struct iovec *iov)
{
    const struct cached *k = &x->cached;
    const struct store *s = store_of(x);
    u32 n = 0;
    u64 bytes;

    if (k->lead_at < k->lead_len)
        iov[n++] =
            (struct iovec){ (char *)k->lead + k->lead_at, (size_t)(k->lead_len - k->lead_at) };
    n += store_pieces(s, k->entry, k->head, k->head_left, iov + n, PIECES_MAX - 2 - n, &bytes);
    if (bytes < k->head_left)
        return n;
    if (k->tail_at < k->tail_len)
        iov[n++] =
            (struct iovec){ (char *)k->tail + k->tail_at, (size_t)(k->tail_len - k->tail_at) };
    if (k->body_left)
        n += store_pieces(s, k->entry, k->body, k->body_left, iov + n, PIECES_MAX - n, &bytes);
    return n;
}

static bool all_sent(const struct cached *k)
{
    return k->tail_at == k->tail_len && k->body_left == 0;
}

static void again(struct task *task)
{
    struct client *c = container_of(task, struct client, more);

    if (c->x && c->x->cache_mode == CACHED_SENDS)
        cached_send_more(c->x);
}

void cached_send_more(struct exchange *x)
{
    struct client *c = x->client;
    struct cached *k = &x->cached;
    int r = block_len(c->out) ? client_flush(c) : 0; /* the head of a 304 */
    u64 sent = 0;

    while (r == 0 && !all_sent(k)) {
        struct iovec iov[PIECES_MAX];
        ssize_t n;

        if (sent >= BYTES_PER_WAKE) { /* others have their turn */
            loop_task(c->thread->loop, &c->more, again);
            return;
        }
        n = client_send(c, iov, pieces(x, iov));
        if (n > 0) {
            advance(x, (u64)n);
            sent += (u64)n;
            x->sent_bytes += (u64)n;
        } else {
            r = (int)n;
        }
    }
    if (r == -EAGAIN)
        return;
    if (r < 0)
        exchange_abandoned(x);
    else
        exchange_over(x);
}

void cached_send(struct exchange *x)
{
    struct client *c = x->client;
    struct cached *k = &x->cached;
    struct str route = stored_route(k->entry);
    u64 now_ns = clock_now_ns();

    if (c->internal) { /* it is stored: that was all */
        client_close(c);
        return;
    }
    x->cache_mode = CACHED_SENDS;
    k->lead_at = k->lead_len = k->tail_at = k->tail_len = 0;
    k->head_left = 0;
    k->body_left = 0;
    c->state = CLIENT_ACTIVE;
    if (atomic_load(&c->thread->proxy->draining))
        x->keep = false;
    x->times.first_byte_ns = now_ns;
    x->route_len = (u8)route.len;
    memcpy(x->route, route.ptr, route.len);
    x->req_done = true;
    if (!choose(x, now_ns)) {
        x->cache_mode = CACHED_PASSES;
        exchange_refuse(x, 500, "out of memory", SHM_REFUSED_NO_WORKER);
        return;
    }
    x->res_begun = true;
    x->sent_bytes = block_len(c->out);
    cached_send_more(x);
}
