/* addon/spans.c -- calls of traced requests as client spans */
#include "spans.h"

#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "sql/shape.h"

/* So much is told at once, what is less a little later: each time costs a few calls of the system.
 */
enum { AT_ONCE = 16384 };

static struct {
    char *bytes; /* records, as journal_put_many takes them */
    uint32_t from, len;
} waiting;

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_read(const char *hex, uint8_t *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool spans_parent(struct calls_text traceparent, struct spans_call *out)
{
    const char *s = traceparent.ptr;

    return traceparent.len == 55 && s[2] == '-' && s[35] == '-' && s[52] == '-' &&
           hex_read(s + 3, out->trace, 16) && hex_read(s + 36, out->parent, 8);
}

void spans_id(struct calls_text hex, uint8_t out[8])
{
    if (hex.len != 16 || !hex_read(hex.ptr, out, 8))
        memset(out, 0, 8);
}

static void text(struct shm_span_writer *w, const char *key, struct calls_text value)
{
    if (value.len)
        shm_span_text(w, key, value.ptr, value.len);
}

/* What the statement does, and to what. Views of it, or of texts that stay. */
struct deed {
    struct calls_text verb, object;
};

static struct calls_text literal(const char *s)
{
    return (struct calls_text){ s, strlen(s) };
}

static struct deed deed_sql(struct calls_text s, enum sql_dialect dialect)
{
    struct sql_subject subject = sql_subject(s.ptr, s.len, dialect);
    struct deed d = { .object = { subject.table, subject.table_len } };

    switch (subject.verb) {
    case SQL_KW_SELECT:
        d.verb = literal("SELECT");
        break;
    case SQL_KW_INSERT:
        d.verb = literal("INSERT");
        break;
    case SQL_KW_UPDATE:
        d.verb = literal("UPDATE");
        break;
    case SQL_KW_DELETE:
        d.verb = literal("DELETE");
        break;
    default:
        return (struct deed){ 0 };
    }
    if (d.object.len > 2 && strchr("\"`[", d.object.ptr[0]) &&
        !memchr(d.object.ptr, '.', d.object.len))
        d.object = (struct calls_text){ d.object.ptr + 1, d.object.len - 2 };
    return d;
}

/* "GET user:*", "find users (id)" */
static struct deed deed_words(struct calls_text s, bool has_object)
{
    const char *end = memchr(s.ptr, ' ', s.len), *next;
    struct deed d = { .verb = { s.ptr, end ? (size_t)(end - s.ptr) : s.len } };

    if (!end || !has_object)
        return d;
    d.object = (struct calls_text){ end + 1, s.len - d.verb.len - 1 };
    next = memchr(d.object.ptr, ' ', d.object.len);
    if (next)
        d.object.len = (size_t)(next - d.object.ptr);
    return d;
}

static struct deed deed_of(const struct spans_call *c)
{
    switch (c->system) {
    case SHM_CALL_POSTGRESQL:
        return deed_sql(c->text, SQL_POSTGRESQL);
    case SHM_CALL_MYSQL:
        return deed_sql(c->text, SQL_MYSQL);
    case SHM_CALL_SQLITE:
        return deed_sql(c->text, SQL_SQLITE);
    case SHM_CALL_REDIS:
        return deed_words(c->text, false);
    case SHM_CALL_MONGODB:
        return deed_words(c->text, true);
    default:
        return (struct deed){ .verb = c->method };
    }
}

static const char *system_name(enum shm_call_system system)
{
    static const char *const names[SHM_CALL_SYSTEMS] = {
        [SHM_CALL_POSTGRESQL] = "postgresql", [SHM_CALL_MYSQL] = "mysql",
        [SHM_CALL_SQLITE] = "sqlite",         [SHM_CALL_REDIS] = "redis",
        [SHM_CALL_MONGODB] = "mongodb",
    };

    return (unsigned)system < SHM_CALL_SYSTEMS && names[system] ? names[system] : "other_sql";
}

/* "SELECT orders"; where the statement is of another kind, what it goes to. */
static size_t name_make(const struct spans_call *c, const struct deed *d,
                        char out[SHM_SPAN_NAME_MAX])
{
    struct calls_text words[2] = { d->verb, d->object };
    size_t len = 0;

    if (!words[0].len)
        words[0] = literal(c->system == SHM_CALL_HTTP ? "HTTP" : system_name(c->system));
    for (int i = 0; i < 2; i++) {
        size_t n = words[i].len < SHM_SPAN_NAME_MAX / 2 ? words[i].len : SHM_SPAN_NAME_MAX / 2 - 1;

        if (i && n)
            out[len++] = ' ';
        if (n)
            memcpy(out + len, words[i].ptr, n);
        len += n;
    }
    return len;
}

static void attributes_add(struct shm_span_writer *w, const struct spans_call *c,
                           const struct deed *d)
{
    if (c->system == SHM_CALL_HTTP) {
        text(w, "http.request.method", c->method);
        if (c->status)
            shm_span_int(w, "http.response.status_code", c->status);
    } else {
        text(w, "db.system.name", literal(system_name(c->system)));
        text(w, "db.namespace", c->namespace);
        text(w, "db.operation.name", d->verb);
        text(w, "db.collection.name", d->object);
    }
    text(w, "server.address", c->address);
    if (c->port)
        shm_span_int(w, "server.port", c->port);
    text(w, "error.type", c->error);
    text(w, c->system == SHM_CALL_HTTP ? "url.full" : "db.query.text", c->text);
}

uint32_t spans_encode(const struct spans_call *call, char out[SPANS_BYTES_MAX])
{
    struct deed d = deed_of(call);
    char name[SHM_SPAN_NAME_MAX];
    struct shm_span_writer w;
    struct shm_span *s = shm_span_begin(&w, out, SPANS_BYTES_MAX, name, name_make(call, &d, name));

    memcpy(s->trace, call->trace, sizeof s->trace);
    memcpy(s->span, call->span, sizeof s->span);
    memcpy(s->parent, call->parent, sizeof s->parent);
    s->begun_ns = call->begun_ns;
    s->ended_ns = call->ended_ns;
    s->kind = SHM_SPAN_CLIENT;
    s->status = call->error.len ? SHM_SPAN_ERROR : SHM_SPAN_UNSET;
    attributes_add(&w, call, &d);
    return w.len;
}

uint32_t spans_flush(void)
{
    uint32_t gone =
        waiting.len ? journal_put_many(SHM_RECORD_SPAN, waiting.bytes + waiting.from, waiting.len)
                    : 0;

    waiting.len -= gone;
    waiting.from = waiting.len ? waiting.from + gone : 0;
    return waiting.len;
}

static bool wait_add(const char *payload, uint32_t len)
{
    if (!waiting.bytes && !(waiting.bytes = malloc(SPANS_WAITING_MAX)))
        return false;
    if (waiting.len + sizeof len + len > SPANS_WAITING_MAX)
        return false;
    if (waiting.from + waiting.len + sizeof len + len > SPANS_WAITING_MAX) {
        memmove(waiting.bytes, waiting.bytes + waiting.from, waiting.len);
        waiting.from = 0;
    }
    memcpy(waiting.bytes + waiting.from + waiting.len, &len, sizeof len);
    memcpy(waiting.bytes + waiting.from + waiting.len + sizeof len, payload, len);
    waiting.len += (uint32_t)sizeof len + len;
    return true;
}

uint32_t spans_put(const struct spans_call *call)
{
    static _Alignas(8) char payload[SPANS_BYTES_MAX];
    uint32_t len = spans_encode(call, payload);

    if (!wait_add(payload, len))
        journal_dropped();
    return waiting.len < AT_ONCE ? waiting.len : spans_flush();
}
