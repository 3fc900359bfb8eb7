/* test/unit/shm_trace_test.c -- spans on their way to the monitor, traces on theirs to a worker */
#include "shm/trace.h"

#include "base/base.h"
#include "shm/peers.h"
#include "tap.h"

static struct shm_spans ring;
static _Alignas(8) char got[SHM_SERVER_SPAN_MAX];

static bool put(u16 status, u32 target_len)
{
    static char target[SHM_SPAN_TEXT_MAX];
    struct shm_server_span span = { .status = status };
    const char *text[SHM_TEXTS] = { [SHM_TEXT_METHOD] = "GET", [SHM_TEXT_TARGET] = target };

    memset(target, 'a' + status % 26, sizeof(target));
    span.text_len[SHM_TEXT_METHOD] = 3;
    span.text_len[SHM_TEXT_TARGET] = (u16)target_len;
    return shm_spans_put(&ring, &span, text);
}

static void spans_of_the_proxy_come_in_order_round_the_ring(void)
{
    struct shm_server_span *span = (struct shm_server_span *)(void *)got;
    bool same = true;

    for (u32 i = 0; i < 20000 && same; i++) {
        u32 len = i * 7 % SHM_SPAN_TEXT_MAX;

        same = put((u16)i, len) && shm_spans_get(&ring, got) && span->status == (u16)i &&
               span->text_len[SHM_TEXT_TARGET] == len &&
               memcmp(got + sizeof(*span), "GET", 3) == 0 &&
               (len == 0 || got[sizeof(*span) + 3 + len - 1] == 'a' + (u16)i % 26);
    }
    CHECK(same);
    CHECK(!shm_spans_get(&ring, got));
    CHECK_EQ(ring.lost, 0);
}

static void a_full_ring_drops_what_is_new_and_counts_it(void)
{
    u32 kept = 0, read = 0;

    while (put(7, 500))
        kept++;
    CHECK(kept > 1000);
    CHECK_EQ(ring.lost, 1);
    while (shm_spans_get(&ring, got))
        read++;
    CHECK_EQ(read, kept);
    CHECK(put(8, 500));
    CHECK(shm_spans_get(&ring, got));
}

static void a_ring_that_somebody_has_written_over_harms_nobody(void)
{
    srandom(1);
    for (int i = 0; i < 2000; i++) {
        CHECK(put(1, 100));
        ring.ring[(ring.read + (u64)random() % 200) % SHM_SPANS_BYTES] ^= (u8)random();
        if (i % 10 == 0)
            ring.written += (u64)random();
        while (shm_spans_get(&ring, got))
            ;
        CHECK(ring.read == ring.written);
    }
    ring.read = 0;
    ring.written = UINT64_MAX - 3;
    CHECK(!shm_spans_get(&ring, got));
    CHECK(ring.read == ring.written);
    ring.read = ring.written = 0;
}

static void a_workers_span_is_read_as_it_was_written(void)
{
    char bytes[512];
    struct shm_span_writer w;
    struct shm_span_reader r;
    struct shm_span *s = shm_span_begin(&w, bytes, sizeof(bytes), "SELECT shop.orders", 18);
    int64_t n = 0;
    double d = 0;

    s->kind = SHM_SPAN_CLIENT;
    s->begun_ns = 5;
    shm_span_text(&w, "db.system.name", "postgresql", 10);
    shm_span_int(&w, "db.rows", -3);
    shm_span_double(&w, "x", 0.5);
    shm_span_bool(&w, "y", true);
    CHECK(shm_span_read(&r, bytes, w.len));
    CHECK_STR(str_make(r.name, r.span.name_len), "SELECT shop.orders");
    CHECK_EQ(r.span.kind, SHM_SPAN_CLIENT);
    CHECK(shm_span_next(&r) && r.attribute.type == SHM_ATTRIBUTE_TEXT);
    CHECK_STR(str_make(r.key, r.attribute.key_len), "db.system.name");
    CHECK_STR(str_make(r.value, r.attribute.value_len), "postgresql");
    CHECK(shm_span_next(&r));
    memcpy(&n, r.value, 8);
    CHECK(n == -3);
    CHECK(shm_span_next(&r));
    memcpy(&d, r.value, 8);
    CHECK(d == 0.5);
    CHECK(shm_span_next(&r) && r.attribute.type == SHM_ATTRIBUTE_BOOL && r.value[0] == 1);
    CHECK(!shm_span_next(&r));
}

static void what_does_not_fit_a_span_is_cut_or_left_out(void)
{
    char bytes[sizeof(struct shm_span) + 64], text[500];
    struct shm_span_writer w;
    struct shm_span_reader r;

    memset(text, 'x', sizeof(text));
    shm_span_begin(&w, bytes, sizeof(bytes), "name", 4);
    shm_span_text(&w, "long", text, sizeof(text));
    shm_span_int(&w, "none", 1);
    CHECK(w.len == sizeof(bytes));
    CHECK(shm_span_read(&r, bytes, w.len) && shm_span_next(&r));
    CHECK_EQ(r.attribute.value_len, 64 - 4 - 4 - 4);
    CHECK(!shm_span_next(&r));
}

static void a_spans_reader_trusts_nothing(void)
{
    char bytes[256];
    struct shm_span_writer w;
    struct shm_span_reader r;

    srandom(2);
    for (int i = 0; i < 20000; i++) {
        u32 len;

        shm_span_begin(&w, bytes, sizeof(bytes), "name", 4);
        shm_span_text(&w, "key", "value", 5);
        shm_span_int(&w, "n", 5);
        for (int j = 0; j < 3; j++)
            bytes[(size_t)random() % w.len] ^= (char)random();
        len = (u32)random() % (w.len + 1);
        if (shm_span_read(&r, bytes, len))
            while (shm_span_next(&r))
                CHECK(r.value + r.attribute.value_len <= bytes + len);
    }
}

static void ids_differ_and_are_never_zero(void)
{
    struct shm_trace_ids ids = { { 1, 2, 3, 4 } };
    u64 last = 0;

    for (int i = 0; i < 1000; i++) {
        u64 id = shm_trace_id_next(&ids);

        CHECK(id != 0 && id != last);
        last = id;
    }
}

static void a_worker_finds_the_trace_of_the_request_that_it_is_at(void)
{
    static struct shm_peer peer;
    struct shm_trace_context a = { .trace = { 1 }, .span = { 2 }, .flags = 1 }, out;

    shm_peer_open(&peer, 9);
    shm_peer_put(&peer, 0, "x", 1, &a);
    CHECK(!shm_peer_trace(&peer, 9, 0, &out));
    CHECK(shm_peer_trace(&peer, 9, 100, &out) && memcmp(&a, &out, sizeof(a)) == 0);
    shm_peer_put(&peer, 100, "x", 1, NULL);
    CHECK(shm_peer_trace(&peer, 9, 100, &out)); /* still at the end of the first */
    CHECK(!shm_peer_trace(&peer, 9, 101, &out));
    CHECK(!shm_peer_trace(&peer, 8, 100, &out));
}

int main(void)
{
    TEST(spans_of_the_proxy_come_in_order_round_the_ring);
    TEST(a_full_ring_drops_what_is_new_and_counts_it);
    TEST(a_ring_that_somebody_has_written_over_harms_nobody);
    TEST(a_workers_span_is_read_as_it_was_written);
    TEST(what_does_not_fit_a_span_is_cut_or_left_out);
    TEST(a_spans_reader_trusts_nothing);
    TEST(ids_differ_and_are_never_zero);
    TEST(a_worker_finds_the_trace_of_the_request_that_it_is_at);
    return tap_done();
}
