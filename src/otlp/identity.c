/* otlp/identity.c -- who it is that traces and metrics come from */
#include "otlp/identity.h"

#include "otlp/protobuf.h"

#include <sys/random.h>
#include <sys/utsname.h>

enum { RESOURCE_ATTRIBUTES = 1, KEY = 1, VALUE = 2, ANY_TEXT = 1, ANY_INT = 3 };
enum { ATTRIBUTES_MAX = 64 };

void identity_init(struct identity *id, struct str service, struct str attributes)
{
    struct utsname machine = { 0 };
    u8 random[16];

    *id = (struct identity){ .service = service, .attributes = attributes };
    if (uname(&machine) == 0)
        str_to_cstr(str_of(machine.nodename), id->host, sizeof(id->host));
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        memset(random, 0, sizeof(random));
    for (u32 i = 0; i < sizeof(random); i++)
        snprintf(id->instance + 2 * i, 3, "%02x", random[i]);
}

void identity_text(struct buf *out, u32 field, struct str key, struct str value)
{
    size_t pair = protobuf_begin(out, field), any;

    protobuf_text(out, KEY, key);
    any = protobuf_begin(out, VALUE);
    protobuf_one_text(out, ANY_TEXT, value);
    protobuf_end(out, any);
    protobuf_end(out, pair);
}

void identity_int(struct buf *out, u32 field, const char *key, i64 value)
{
    size_t pair = protobuf_begin(out, field), any;

    protobuf_text(out, KEY, str_of(key));
    any = protobuf_begin(out, VALUE);
    protobuf_one_u64(out, ANY_INT, (u64)value);
    protobuf_end(out, any);
    protobuf_end(out, pair);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* W3C Baggage's percent-encoding, which OTEL_RESOURCE_ATTRIBUTES has. */
static void decode(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? hex(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex(s.ptr[i + 2]) : -1;

        if (low >= 0)
            i += 2;
        buf_addc(out, low >= 0 ? (char)(high << 4 | low) : s.ptr[i]);
    }
}

/* The value that OTEL_RESOURCE_ATTRIBUTES has for a key; ptr NULL: none. As it is written. */
static struct str said(const struct identity *id, struct str key)
{
    struct str rest = id->attributes, value;

    while (rest.ptr && rest.len)
        if (str_eq(str_trim(str_cut(str_cut(rest, ',', &rest), '=', &value)), key) && value.ptr)
            return str_trim(value);
    return (struct str){ 0 };
}

static void found(struct buf *out, const struct identity *id, const char *key, struct str value)
{
    if (value.len && !said(id, str_of(key)).ptr)
        identity_text(out, RESOURCE_ATTRIBUTES, str_of(key), value);
}

static void service(struct buf *out, const struct identity *id, const struct identity_of *of)
{
    struct str given = said(id, STR("service.name"));

    if (of->is_only_app && id->service.len)
        identity_text(out, RESOURCE_ATTRIBUTES, STR("service.name"), id->service);
    else if (!of->is_only_app || !given.ptr)
        identity_text(out, RESOURCE_ATTRIBUTES, STR("service.name"),
                      of->app.len ? of->app : STR("fettle"));
    else
        return; /* OTEL_RESOURCE_ATTRIBUTES has it */
}

static void attributes(struct buf *out, const struct identity *id, const struct identity_of *of)
{
    struct str rest = id->attributes;
    bool named = id->service.len || !of->is_only_app;

    for (u32 i = 0; i < ATTRIBUTES_MAX && rest.ptr && rest.len; i++) {
        AUTO(buf_done) struct buf text = { 0 };
        struct str value, key = str_trim(str_cut(str_cut(rest, ',', &rest), '=', &value));

        if (key.len == 0 || !value.ptr || str_eq(key, STR("service.instance.id")) ||
            (named && str_eq(key, STR("service.name"))))
            continue;
        decode(&text, str_trim(value));
        identity_text(out, RESOURCE_ATTRIBUTES, key, buf_str(&text));
    }
}

void identity_encode(const struct identity *id, const struct identity_of *of, struct buf *out)
{
    char text[IDENTITY_ID_MAX];
    struct str instance = said(id, STR("service.instance.id"));

    service(out, id, of);
    if (!instance.len)
        instance = str_of(id->instance);
    snprintf(text, sizeof(text), "%.*s%s%.*s", (int)min(instance.len, (size_t)40), instance.ptr,
             of->worker.len ? "." : "", (int)min(of->worker.len, (size_t)20),
             of->worker.ptr ? of->worker.ptr : "");
    identity_text(out, RESOURCE_ATTRIBUTES, STR("service.instance.id"), str_of(text));
    found(out, id, "host.name", str_of(id->host));
    found(out, id, "os.type", STR("linux"));
    found(out, id, "telemetry.sdk.name", STR("fettle"));
    found(out, id, "telemetry.sdk.language", STR("nodejs"));
    found(out, id, "telemetry.sdk.version", STR(FETTLE_VERSION));
    if (of->pid)
        identity_int(out, RESOURCE_ATTRIBUTES, "process.pid", (i64)of->pid);
    if (of->worker.len)
        identity_text(out, RESOURCE_ATTRIBUTES, STR("fettle.worker"), of->worker);
    if (of->node_version.len) {
        found(out, id, "process.runtime.name", STR("nodejs"));
        found(out, id, "process.runtime.version",
              of->node_version.ptr[0] == 'v' ? str_sub(of->node_version, 1, of->node_version.len)
                                             : of->node_version);
    }
    attributes(out, id, of);
}
