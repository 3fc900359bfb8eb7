/* test/fuzz/http_head_fuzz.c -- a head is the same however its bytes come
 *
 * The first byte chooses role and limits. Whole, byte by byte and cut in two
 * places must agree; a request that is taken, written out again and parsed
 * again must be the same request.
 */
#include "../http_run.h"
#include "http/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                     \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

static bool text_same(const char *a, struct http_span x, const char *b, struct http_span y)
{
    return str_eq(http_text(a, x), http_text(b, y));
}

/* Writes all fields, dropped ones too, so that their meaning comes back. */
static void again(const struct head_run *r, const char *bytes)
{
    static const struct http_limits limits = { 1 << 20, 1 << 20, RUN_FIELDS };
    struct head_run *s = malloc(sizeof(*s));
    const struct http_head *h = &r->head, *g = &s->head;
    struct buf out = { 0 };

    buf_add(&out, http_text(bytes, h->method_text));
    buf_addc(&out, ' ');
    buf_add(&out, http_text(bytes, h->target));
    buf_addf(&out, " HTTP/1.%u\r\n", h->version_minor);
    for (u32 i = 0; i < h->fields_n; i++)
        http_write_field(&out, http_text(bytes, h->fields[i].name),
                         http_text(bytes, h->fields[i].value));
    buf_add(&out, STR("\r\n"));
    head_run(s, HTTP_REQUEST, &limits, buf_str(&out), NULL, 0);
    MUST(s->step == HTTP_DONE && g->head_bytes == out.len);
    MUST(g->method == h->method && g->absolute == h->absolute && g->framing == h->framing);
    MUST(g->version_minor == h->version_minor && g->content_length == h->content_length);
    MUST(g->keep_alive == h->keep_alive && g->upgrade == h->upgrade && g->names == h->names);
    MUST(g->expect_continue == h->expect_continue && g->te_trailers == h->te_trailers);
    MUST(text_same(bytes, h->method_text, out.ptr, g->method_text));
    MUST(text_same(bytes, h->target, out.ptr, g->target));
    MUST(text_same(bytes, h->authority, out.ptr, g->authority));
    MUST(text_same(bytes, h->path, out.ptr, g->path));
    MUST(text_same(bytes, h->upgrade_value, out.ptr, g->upgrade_value));
    MUST(g->fields_n == h->fields_n);
    for (u32 i = 0; i < h->fields_n; i++) {
        const struct http_field *a = &h->fields[i], *b = &g->fields[i];

        MUST(a->id == b->id && a->drop == b->drop);
        MUST(text_same(bytes, a->name, out.ptr, b->name));
        MUST(text_same(bytes, a->value, out.ptr, b->value));
    }
    buf_done(&out);
    free(s);
}

/* What fettle would send on, parsed by itself, has no framing and nothing hop-by-hop left. */
static void forwarded(const struct head_run *r, const char *bytes)
{
    static const struct http_limits limits = { 1 << 20, 1 << 20, RUN_FIELDS };
    struct head_run *s = malloc(sizeof(*s));
    struct buf out = { 0 };

    buf_add(&out, STR("GET / HTTP/1.0\r\n"));
    http_write_fields(&out, bytes, &r->head);
    buf_add(&out, STR("\r\n"));
    head_run(s, HTTP_REQUEST, &limits, buf_str(&out), NULL, 0);
    MUST(s->step == HTTP_DONE && s->head.head_bytes == out.len);
    MUST(!http_field_find(&s->head, HTTP_TRANSFER_ENCODING));
    MUST(!http_field_find(&s->head, HTTP_CONNECTION));
    MUST(!http_field_find(&s->head, HTTP_FETTLE_PEER));
    MUST(!r->head.absolute || !http_field_find(&s->head, HTTP_HOST));
    MUST((s->head.framing == HTTP_BODY_LENGTH) == (r->head.framing == HTTP_BODY_LENGTH));
    buf_done(&out);
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct head_run whole, pieces;
    struct str s = { (const char *)data + 1, size - 1 };
    struct http_limits limits = { 8192, 65536, RUN_FIELDS };
    enum http_role role;
    size_t cuts[2];

    if (size < 3)
        return 0;
    role = data[0] & 1 ? HTTP_RESPONSE : HTTP_REQUEST;
    if (data[0] & 2)
        limits = (struct http_limits){ 40, 120, 3 };
    head_run(&whole, role, &limits, s, NULL, 0);
    if (s.len <= 2048) {
        head_run_bytes(&pieces, role, &limits, s);
        MUST(head_run_same(&whole, &pieces));
    }
    cuts[0] = (data[0] >> 2) * 0x9e37u % s.len;
    cuts[1] = cuts[0] + (s.len - cuts[0]) / 2;
    head_run(&pieces, role, &limits, s, cuts, 2);
    MUST(head_run_same(&whole, &pieces));
    if (whole.step == HTTP_DONE) {
        MUST(whole.head.head_bytes <= min(s.len, (size_t)limits.head_bytes_max));
        MUST(whole.head.fields_n <= limits.fields_max);
        if (role == HTTP_REQUEST) {
            MUST(whole.head.framing != HTTP_BODY_CLOSE);
            again(&whole, s.ptr);
            forwarded(&whole, s.ptr);
        } else {
            http_response_framing(&whole.head, HTTP_GET);
        }
    }
    return 0;
}
