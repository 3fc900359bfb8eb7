/* shm/trace.h -- spans: what the proxy and the workers tell the monitor, and what the proxy tells a
 * worker of the trace that its request belongs to
 *
 * The server span of each request is the proxy's: struct shm_server_span, in a ring for each of its
 * threads (struct shm_spans), whose reader is the monitor. A ring is full when nobody reads it, and
 * then new spans are dropped and counted: the proxy never waits.
 *
 * A worker's spans (statements, outgoing calls, measures of perf_hooks) are records of its journal
 * (shm/journal.h) of the type SHM_RECORD_SPAN: struct shm_span, its name, its attributes. Which
 * request is traced a worker sees in shm_peers.sampled (a byte, cheap enough to look at for every
 * request), and its ids by shm_peer_trace() (shm/peers.h).
 *
 * Ids are bytes in the order in which traceparent writes them. Times are CLOCK_MONOTONIC; the
 * monitor knows the time of day. Plain C11 for the addon, like layout.h. Readers trust nothing.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* W3C Trace Context, section 3.2.2. */
struct shm_trace_context {
    uint8_t trace[16];
    uint8_t span[8];
    uint8_t flags; /* SHM_TRACE_SAMPLED */
    uint8_t spare[7];
};
enum { SHM_TRACE_SAMPLED = 1 };

/* ---- ids ---- */

/* xoshiro256++ (Blackman and Vigna, 2019): seed it with 32 bytes of getrandom(). One thread. */
struct shm_trace_ids {
    uint64_t s[4];
};

static inline uint64_t shm_trace_id_next(struct shm_trace_ids *ids)
{
    uint64_t *s = ids->s, sum = s[0] + s[3], t = s[1] << 17, out = (sum << 23 | sum >> 41) + s[0];

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return out ? out : 1; /* no id is all zero */
}

/* ---- a worker's spans ---- */

/* As OTLP numbers them. */
enum shm_span_kind {
    SHM_SPAN_INTERNAL = 1,
    SHM_SPAN_SERVER,
    SHM_SPAN_CLIENT,
    SHM_SPAN_PRODUCER,
    SHM_SPAN_CONSUMER
};
enum shm_span_status { SHM_SPAN_UNSET, SHM_SPAN_OK, SHM_SPAN_ERROR };

/* The payload of SHM_RECORD_SPAN. The name follows, then `attributes` of struct shm_attribute. */
struct shm_span {
    uint8_t trace[16]; /* all zero: it belongs to no request, and gets a trace of its own */
    uint8_t span[8];   /* all zero: the monitor gives it an id */
    uint8_t parent[8]; /* all zero: none */
    uint64_t begun_ns, ended_ns;
    uint8_t kind;   /* enum shm_span_kind */
    uint8_t status; /* enum shm_span_status */
    uint8_t attributes;
    uint8_t spare;
    uint16_t name_len;
    uint16_t spare2;
};

enum shm_attribute_type {
    SHM_ATTRIBUTE_TEXT,
    SHM_ATTRIBUTE_INT,
    SHM_ATTRIBUTE_DOUBLE,
    SHM_ATTRIBUTE_BOOL
};

/* The key follows ("db.system.name", by OpenTelemetry's conventions), then the value: text in
 * UTF-8, an int64_t, a double, or a byte. Nothing is aligned. */
struct shm_attribute {
    uint8_t type; /* enum shm_attribute_type */
    uint8_t key_len;
    uint16_t value_len;
};

enum { SHM_SPAN_ATTRIBUTES_MAX = 64, SHM_SPAN_NAME_MAX = 256 };

/* Builds a payload in `bytes`. What does not fit is left out: a long text is cut, an attribute that
 * has no room is not there. */
struct shm_span_writer {
    char *bytes;
    uint32_t len, room;
};

static inline struct shm_span *shm_span_begin(struct shm_span_writer *w, void *bytes, uint32_t room,
                                              const char *name, size_t name_len)
{
    struct shm_span *s = bytes;

    *w = (struct shm_span_writer){ .bytes = bytes, .len = sizeof *s, .room = room };
    memset(s, 0, sizeof *s);
    name_len = name_len < SHM_SPAN_NAME_MAX ? name_len : SHM_SPAN_NAME_MAX;
    name_len = name_len < room - sizeof *s ? name_len : room - sizeof *s;
    memcpy(w->bytes + w->len, name, name_len);
    w->len += (uint32_t)name_len;
    s->name_len = (uint16_t)name_len;
    s->kind = SHM_SPAN_INTERNAL;
    return s;
}

static inline void shm_span_attribute(struct shm_span_writer *w, enum shm_attribute_type type,
                                      const char *key, const void *value, size_t value_len)
{
    struct shm_span *s = (struct shm_span *)(void *)w->bytes;
    size_t key_len = strlen(key), room = w->room - w->len;
    struct shm_attribute a;

    if (s->attributes == SHM_SPAN_ATTRIBUTES_MAX || key_len > UINT8_MAX ||
        sizeof a + key_len + 8 > room)
        return;
    value_len = value_len < UINT16_MAX ? value_len : UINT16_MAX;
    if (value_len > room - sizeof a - key_len)
        value_len = room - sizeof a - key_len;
    a = (struct shm_attribute){ (uint8_t)type, (uint8_t)key_len, (uint16_t)value_len };
    memcpy(w->bytes + w->len, &a, sizeof a);
    memcpy(w->bytes + w->len + sizeof a, key, key_len);
    if (value_len)
        memcpy(w->bytes + w->len + sizeof a + key_len, value, value_len);
    w->len += (uint32_t)(sizeof a + key_len + value_len);
    s->attributes++;
}

static inline void shm_span_text(struct shm_span_writer *w, const char *key, const char *text,
                                 size_t len)
{
    shm_span_attribute(w, SHM_ATTRIBUTE_TEXT, key, text, len);
}

static inline void shm_span_int(struct shm_span_writer *w, const char *key, int64_t n)
{
    shm_span_attribute(w, SHM_ATTRIBUTE_INT, key, &n, sizeof n);
}

static inline void shm_span_double(struct shm_span_writer *w, const char *key, double n)
{
    shm_span_attribute(w, SHM_ATTRIBUTE_DOUBLE, key, &n, sizeof n);
}

static inline void shm_span_bool(struct shm_span_writer *w, const char *key, bool yes)
{
    uint8_t byte = yes;

    shm_span_attribute(w, SHM_ATTRIBUTE_BOOL, key, &byte, 1);
}

/* Reading: the payload's span and its name, false when it makes no sense; then the attributes one
 * after the other. Views of the payload. */
struct shm_span_reader {
    struct shm_span span;
    const char *name;
    const char *bytes; /* what is left */
    uint32_t len, attributes;
    struct shm_attribute attribute; /* the newest */
    const char *key, *value;
};

static inline bool shm_span_read(struct shm_span_reader *r, const void *payload, uint32_t len)
{
    if (len < sizeof r->span)
        return false;
    memcpy(&r->span, payload, sizeof r->span);
    r->name = (const char *)payload + sizeof r->span;
    r->len = len - (uint32_t)sizeof r->span;
    if (r->span.name_len > r->len || r->span.name_len > SHM_SPAN_NAME_MAX)
        return false;
    r->bytes = r->name + r->span.name_len;
    r->len -= r->span.name_len;
    r->attributes =
        r->span.attributes < SHM_SPAN_ATTRIBUTES_MAX ? r->span.attributes : SHM_SPAN_ATTRIBUTES_MAX;
    return true;
}

static inline bool shm_span_next(struct shm_span_reader *r)
{
    static const uint16_t lengths[] = { 0, 8, 8, 1 };
    struct shm_attribute *a = &r->attribute;

    if (r->attributes == 0 || r->len < sizeof *a)
        return false;
    memcpy(a, r->bytes, sizeof *a);
    if (a->type > SHM_ATTRIBUTE_BOOL || (a->type && a->value_len != lengths[a->type]) ||
        sizeof *a + a->key_len + a->value_len > r->len)
        return false;
    r->key = r->bytes + sizeof *a;
    r->value = r->key + a->key_len;
    r->bytes = r->value + a->value_len;
    r->len -= (uint32_t)(sizeof *a + a->key_len + a->value_len);
    r->attributes--;
    return true;
}

/* ---- the proxy's spans ---- */

/* Texts that follow a server span, in this order, each as long as `text_len` says. */
enum shm_span_text {
    SHM_TEXT_METHOD,
    SHM_TEXT_TARGET,
    SHM_TEXT_HOST,   /* host[:port] */
    SHM_TEXT_AGENT,  /* User-Agent */
    SHM_TEXT_ROUTE,  /* as the framework says */
    SHM_TEXT_CLIENT, /* its address */
    SHM_TEXT_STATE,  /* tracestate */
    SHM_TEXTS,
};
enum { SHM_SPAN_TEXT_MAX = 1024 }; /* of one of them; longer ones are cut */

struct shm_server_span {
    uint8_t trace[16];
    uint8_t span[8];
    uint8_t parent[8]; /* all zero: the client had none */
    uint64_t begun_ns, ended_ns;
    uint64_t queue_ns;               /* sum of its waits in the central queue */
    uint64_t dispatched_ns;          /* 0: no worker got it */
    uint64_t first_byte_ns;          /* of the response's head; 0: there was none */
    uint64_t sent_bytes, body_bytes; /* of the response, all; of the request, its body if known */
    uint16_t status;                 /* 0: none was sent */
    uint16_t app, worker;            /* worker 0: none */
    uint8_t flags;                   /* of the trace: SHM_TRACE_SAMPLED */
    uint8_t version_minor;           /* of HTTP/1 */
    uint8_t attempts;                /* workers that were asked */
    uint8_t broke_off;               /* 1: the response or the connection ended too early */
    uint16_t text_len[SHM_TEXTS];
    uint8_t spare[2];
    uint64_t loop_ns; /* from the worker getting it to its loop taking it up; UINT64_MAX: unknown */
};

enum { SHM_SPANS_BYTES = 1 << 20 };

/* Of one thread of the proxy. Records of a u32 length (of span and texts) and so many bytes, each
 * at a multiple of 8. */
struct shm_spans {
    _Alignas(64) _Atomic uint64_t written; /* bytes ever; writer: the proxy */
    _Atomic uint64_t lost;                 /* spans that had no room; writer: the proxy */
    _Alignas(64) _Atomic uint64_t read;    /* bytes ever; writer: the monitor */
    _Alignas(64) unsigned char ring[SHM_SPANS_BYTES];
};

enum { SHM_SERVER_SPAN_MAX = (int)sizeof(struct shm_server_span) + SHM_TEXTS * SHM_SPAN_TEXT_MAX };

static inline void shm_spans_copy_in(struct shm_spans *s, uint64_t at, const void *from, size_t n)
{
    size_t place = at % SHM_SPANS_BYTES, first = SHM_SPANS_BYTES - place;

    first = n < first ? n : first;
    if (first)
        memcpy(s->ring + place, from, first);
    if (n > first)
        memcpy(s->ring, (const char *)from + first, n - first);
}

static inline void shm_spans_copy_out(const struct shm_spans *s, uint64_t at, void *to, size_t n)
{
    size_t place = at % SHM_SPANS_BYTES, first = SHM_SPANS_BYTES - place;

    first = n < first ? n : first;
    if (first)
        memcpy(to, s->ring + place, first);
    if (n > first)
        memcpy((char *)to + first, s->ring, n - first);
}

/* `text`: SHM_TEXTS of them, as long as span->text_len says, which is no more than
 * SHM_SPAN_TEXT_MAX. False: it was dropped, and counted. */
static inline bool shm_spans_put(struct shm_spans *s, const struct shm_server_span *span,
                                 const char *const *text)
{
    uint64_t at = atomic_load_explicit(&s->written, memory_order_relaxed);
    uint64_t used = at - atomic_load_explicit(&s->read, memory_order_acquire);
    uint32_t len = sizeof *span, whole;

    for (int i = 0; i < SHM_TEXTS; i++)
        len += span->text_len[i];
    whole = (uint32_t)(sizeof len + len + 7) & ~7u;
    if (used > SHM_SPANS_BYTES || SHM_SPANS_BYTES - used < whole) {
        atomic_fetch_add_explicit(&s->lost, 1, memory_order_relaxed);
        return false;
    }
    shm_spans_copy_in(s, at, &len, sizeof len);
    shm_spans_copy_in(s, at + sizeof len, span, sizeof *span);
    for (uint64_t i = 0, to = at + sizeof len + sizeof *span; i < SHM_TEXTS;
         to += span->text_len[i], i++)
        shm_spans_copy_in(s, to, text[i], span->text_len[i]);
    atomic_store_explicit(&s->written, at + whole, memory_order_release);
    return true;
}

/* The next span, with its texts behind it in `out`, which has room for SHM_SERVER_SPAN_MAX. False:
 * there is none. What makes no sense is skipped, with all that waits behind it. */
static inline bool shm_spans_get(struct shm_spans *s, void *out)
{
    uint64_t at = atomic_load_explicit(&s->read, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&s->written, memory_order_acquire), texts = 0;
    struct shm_server_span *span = out;
    uint32_t len = 0;

    if (at == end)
        return false;
    if (end - at >= sizeof len + sizeof *span && end - at <= SHM_SPANS_BYTES) {
        shm_spans_copy_out(s, at, &len, sizeof len);
        if (len >= sizeof *span && len <= SHM_SERVER_SPAN_MAX && len <= end - at - sizeof len) {
            shm_spans_copy_out(s, at + sizeof len, out, len);
            for (int i = 0; i < SHM_TEXTS; i++)
                texts += span->text_len[i];
            if (texts == len - sizeof *span) {
                at += (sizeof len + len + 7) & ~7ull;
                atomic_store_explicit(&s->read, at, memory_order_release);
                return true;
            }
        }
    }
    atomic_store_explicit(&s->read, end, memory_order_release);
    return false;
}
