/* addon/spanrecord.c -- a span as a record for the monitor, by OpenTelemetry's names */
#include "spanrecord.h"

#include <string.h>

#include "sql/shape.h"

enum {
    OBJECT_MAX = 120, /* of a table's name */
    WORD_MAX = 64,    /* of a verb */
    KEPT_MAX = 480,   /* a name, a system, a verb and a table, with the names of the last three */
    BRIEF_MAX = 256,  /* what is short has so much room, whatever else there is */
};

/* ---- ids ---- */

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

bool spanrecord_parent(struct calls_text traceparent, struct spanrecord_parent *out)
{
    const char *s = traceparent.ptr;

    return traceparent.len == 55 && s[2] == '-' && s[35] == '-' && s[52] == '-' &&
           hex_read(s + 3, out->trace, 16) && hex_read(s + 36, out->span, 8);
}

void spanrecord_id(struct calls_text hex, uint8_t out[8])
{
    if (hex.len != 16 || !hex_read(hex.ptr, out, 8))
        memset(out, 0, 8);
}

/* ---- what a statement does, and to what ---- */

/* Views of the statement, or of texts that stay. */
struct deed {
    struct calls_text verb, object;
};

static struct calls_text literal(const char *s)
{
    return (struct calls_text){ s, strlen(s) };
}

static struct calls_text cut(struct calls_text t, size_t max)
{
    return (struct calls_text){ t.ptr, t.len < max ? t.len : max };
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

static struct deed deed_of(enum shm_call_system system, struct calls_text statement)
{
    switch (system) {
    case SHM_CALL_POSTGRESQL:
        return deed_sql(statement, SQL_POSTGRESQL);
    case SHM_CALL_MYSQL:
        return deed_sql(statement, SQL_MYSQL);
    case SHM_CALL_SQLITE:
        return deed_sql(statement, SQL_SQLITE);
    case SHM_CALL_REDIS:
        return deed_words(statement, false);
    case SHM_CALL_MONGODB:
        return deed_words(statement, true);
    default:
        return (struct deed){ 0 };
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

/* ---- payloads ---- */

static void text(struct shm_span_writer *w, const char *key, struct calls_text value)
{
    if (value.len)
        shm_span_text(w, key, value.ptr, value.len);
}

static struct shm_span *span_begin(struct shm_span_writer *w, char *out, struct calls_text name,
                                   const struct spanrecord_parent *parent)
{
    struct shm_span *s = shm_span_begin(w, out, SPANRECORD_MAX, name.ptr, name.len);

    memcpy(s->trace, parent->trace, sizeof s->trace);
    memcpy(s->parent, parent->span, sizeof s->parent);
    return s;
}

/* The beginning of a record that asks a database, for each statement by its number: the span with
 * its name, and the attributes that are always the same. */
struct kept {
    uint32_t number; /* 0: none */
    uint32_t len;
    _Alignas(8) char bytes[sizeof(struct shm_span) + KEPT_MAX];
};

static void kept_make(struct kept *k, uint32_t number, enum shm_call_system system,
                      struct calls_text statement)
{
    struct deed d = deed_of(system, statement);
    char name[WORD_MAX + 1 + OBJECT_MAX];
    struct calls_text words[2] = { cut(d.verb, WORD_MAX), cut(d.object, OBJECT_MAX) };
    struct shm_span_writer w;
    size_t len = 0;

    /* "SELECT orders"; where the statement is of another kind, what it goes to. */
    if (!words[0].len)
        words[0] = literal(system_name(system));
    for (int i = 0; i < 2; i++) {
        if (i && words[i].len)
            name[len++] = ' ';
        if (words[i].len)
            memcpy(name + len, words[i].ptr, words[i].len);
        len += words[i].len;
    }
    shm_span_begin(&w, k->bytes, sizeof k->bytes, name, len)->kind = SHM_SPAN_CLIENT;
    text(&w, "db.system.name", literal(system_name(system)));
    text(&w, "db.operation.name", cut(d.verb, WORD_MAX));
    text(&w, "db.collection.name", cut(d.object, OBJECT_MAX));
    k->number = number;
    k->len = w.len;
}

static const struct kept *kept_of(enum shm_call_system system, uint32_t number,
                                  struct calls_text statement)
{
    static struct kept kept[CALLS_STATEMENTS_MAX];
    static struct kept none;
    struct kept *k = number ? &kept[number % CALLS_STATEMENTS_MAX] : &none;

    if (k->number != number || k == &none)
        kept_make(k, number, system, statement);
    return k;
}

static struct shm_span *database_begin(struct shm_span_writer *w, char *out,
                                       const struct spanrecord_call *c)
{
    struct calls_statement s = { 0 };
    bool known = calls_statement_get(c->statement, &s);
    struct calls_text statement = known ? (struct calls_text){ s.text, s.len } : literal("");
    const struct kept *k = kept_of(known ? (enum shm_call_system)s.system : c->system,
                                   known ? c->statement : 0, statement);
    struct shm_span *span = (struct shm_span *)(void *)out;

    memcpy(out, k->bytes, k->len);
    *w = (struct shm_span_writer){ .bytes = out, .len = k->len, .room = SPANRECORD_MAX };
    memcpy(span->trace, c->parent.trace, sizeof span->trace);
    memcpy(span->parent, c->parent.span, sizeof span->parent);
    return span;
}

static void target_add(struct shm_span_writer *w, const struct spanrecord_target *t)
{
    text(w, "db.namespace", cut(t->namespace, BRIEF_MAX));
    text(w, "server.address", cut(t->address, BRIEF_MAX));
    if (t->port)
        shm_span_int(w, "server.port", t->port);
}

static struct shm_span *http_begin(struct shm_span_writer *w, char *out,
                                   const struct spanrecord_call *c)
{
    struct calls_text method = cut(c->method, WORD_MAX);
    struct shm_span *s = span_begin(w, out, method.len ? method : literal("HTTP"), &c->parent);

    s->kind = SHM_SPAN_CLIENT;
    text(w, "http.request.method", method);
    if (c->status)
        shm_span_int(w, "http.response.status_code", c->status);
    return s;
}

uint32_t spanrecord_call(const struct spanrecord_call *c, char out[SPANRECORD_MAX])
{
    bool is_http = c->system == SHM_CALL_HTTP;
    struct shm_span_writer w;
    struct shm_span *s = is_http ? http_begin(&w, out, c) : database_begin(&w, out, c);
    struct calls_statement statement;

    memcpy(s->span, c->span, sizeof s->span);
    s->begun_ns = c->begun_ns;
    s->ended_ns = c->ended_ns;
    s->status = c->error.len ? SHM_SPAN_ERROR : SHM_SPAN_UNSET;
    target_add(&w, &c->target);
    text(&w, "error.type", cut(c->error, BRIEF_MAX));
    if (is_http)
        text(&w, "url.full", c->url);
    else if (calls_statement_get(c->statement, &statement))
        text(&w, "db.query.text", (struct calls_text){ statement.text, statement.len });
    return w.len;
}

static void attribute_add(struct shm_span_writer *w, const struct spanrecord_attribute *a)
{
    char key[WORD_MAX + 1];
    struct calls_text name = cut(a->key, WORD_MAX);

    memcpy(key, name.ptr, name.len);
    key[name.len] = '\0';
    switch (a->type) {
    case SHM_ATTRIBUTE_TEXT:
        shm_span_text(w, key, a->text.ptr, cut(a->text, BRIEF_MAX).len);
        return;
    case SHM_ATTRIBUTE_INT:
        shm_span_int(w, key, (int64_t)a->number);
        return;
    case SHM_ATTRIBUTE_DOUBLE:
        shm_span_double(w, key, a->number);
        return;
    case SHM_ATTRIBUTE_BOOL:
        shm_span_bool(w, key, a->number != 0);
        return;
    }
}

uint32_t spanrecord_inner(const struct spanrecord_inner *inner, char out[SPANRECORD_MAX])
{
    struct shm_span_writer w;
    struct shm_span *s = span_begin(&w, out, inner->name, &inner->parent);

    s->begun_ns = inner->begun_ns;
    s->ended_ns = inner->ended_ns;
    for (uint32_t i = 0; i < inner->attributes && i < SPANRECORD_ATTRIBUTES_MAX; i++)
        attribute_add(&w, &inner->attribute[i]);
    return w.len;
}
