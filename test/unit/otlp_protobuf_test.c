/* test/unit/otlp_protobuf_test.c -- the wire format, batches, and what becomes of them */
#include "otlp/protobuf.h"

#include "otlp/batch.h"
#include "otlp/partial.h"
#include "otlp/retry.h"
#include "tap.h"

static void hex_check(const struct buf *b, const char *want)
{
    char text[256] = "";

    for (size_t i = 0; i < b->len && i < 100; i++)
        snprintf(text + 2 * i, 3, "%02x", (u8)b->ptr[i]);
    CHECK_STR(str_of(text), want);
}

static void fields_are_written_as_the_documentation_shows(void)
{
    AUTO(buf_done) struct buf b = { 0 };

    protobuf_u64(&b, 1, 150);
    protobuf_u64(&b, 2, 0); /* left out */
    protobuf_text(&b, 2, STR("testing"));
    hex_check(&b, "089601120774657374696e67");
    buf_clear(&b);
    protobuf_one_fixed64(&b, 3, 1);
    protobuf_fixed32(&b, 16, 258);
    hex_check(&b, "19010000000000000085010201"
                  "0000");
}

static void a_message_within_another_gets_its_length_before_it(void)
{
    AUTO(buf_done) struct buf b = { 0 };
    size_t outer = protobuf_begin(&b, 3), inner;
    struct protobuf_field field;
    struct str rest;

    inner = protobuf_begin(&b, 1);
    for (int i = 0; i < 100; i++)
        protobuf_u64(&b, 1, 300);
    protobuf_end(&b, inner);
    protobuf_end(&b, outer);
    rest = buf_str(&b);
    CHECK(protobuf_next(&rest, &field) && field.number == 3 && rest.len == 0);
    CHECK_EQ(field.bytes.len, 303);
    rest = field.bytes;
    CHECK(protobuf_next(&rest, &field) && field.number == 1 && field.bytes.len == 300);
}

static void text_that_is_no_utf8_is_mended(void)
{
    AUTO(buf_done) struct buf b = { 0 };

    protobuf_text(&b, 1, STR("a\xff\xc3\xa4"));
    hex_check(&b, "0a04613fc3a4");
}

static void a_batch_groups_by_resource_and_can_be_halved(void)
{
    struct batch *b = batch_new();
    AUTO(buf_done) struct buf all = { 0 };
    AUTO(buf_done) struct buf half = { 0 };
    u32 one = batch_resource_add(b, 7, STR("\x0a\x00")), two = batch_resource_add(b, 8, STR(""));
    struct protobuf_field field;
    struct str rest;
    u32 parts = 0;

    CHECK_EQ(batch_resource(b, 8), two);
    CHECK(batch_resource(b, 9) == UINT32_MAX);
    for (u32 i = 0; i < 10; i++) {
        size_t begun = batch_begin(b);

        protobuf_u64(&b->bytes, 1, i);
        CHECK(batch_end(b, begun, i % 2 ? one : two, 3));
    }
    CHECK_EQ(b->weight, 30);
    CHECK_EQ(batch_weight(b, 0, 5), 15);
    batch_encode(b, 0, 10, &all);
    rest = buf_str(&all);
    while (protobuf_next(&rest, &field))
        parts += field.number == 1;
    CHECK_EQ(parts, 2);
    batch_encode(b, 0, 1, &half);
    rest = buf_str(&half);
    CHECK(protobuf_next(&rest, &field) && rest.len == 0);
    CHECK(!batch_end(b, batch_begin(b), 5, 1)); /* there is no such resource */
    batch_free(b);
    batch_free(NULL);
}

static enum retry_verdict verdict(u32 status)
{
    return retry_decide(&(struct retry_answer){ .status = status }, true);
}

static void answers_are_what_otlp_says(void)
{
    CHECK_EQ(verdict(200), RETRY_DONE);
    CHECK_EQ(verdict(202), RETRY_DONE);
    CHECK_EQ(verdict(0), RETRY_AGAIN);
    CHECK_EQ(verdict(429), RETRY_AGAIN);
    CHECK_EQ(verdict(502), RETRY_AGAIN);
    CHECK_EQ(verdict(503), RETRY_AGAIN);
    CHECK_EQ(verdict(504), RETRY_AGAIN);
    CHECK_EQ(verdict(500), RETRY_DROP);
    CHECK_EQ(verdict(400), RETRY_DROP);
    CHECK_EQ(verdict(302), RETRY_DROP);
    CHECK_EQ(verdict(413), RETRY_HALVES);
    CHECK_EQ(retry_decide(&(struct retry_answer){ .status = 413 }, false), RETRY_DROP);
}

static void pauses_double_and_vary_unless_the_back_end_says_how_long(void)
{
    struct retry_answer a = { 0 };

    CHECK(retry_pause_ns(&a, 1, 0) == 900 * NS_PER_MS);
    CHECK(retry_pause_ns(&a, 1, UINT64_MAX) < 1100 * NS_PER_MS);
    CHECK(retry_pause_ns(&a, 3, 0) == 3600 * NS_PER_MS);
    CHECK(retry_pause_ns(&a, 60, UINT64_MAX) <= 33 * NS_PER_S);
    a.retry_after_ns = 7 * NS_PER_S;
    CHECK(retry_pause_ns(&a, 9, 5) == 7 * NS_PER_S);
    a.retry_after_ns = 86400 * NS_PER_S;
    CHECK(retry_pause_ns(&a, 9, 5) == 60 * NS_PER_S);
}

static void a_partial_success_is_read_and_nonsense_is_none(void)
{
    CHECK_EQ(partial_rejected(STR("")), 0);
    CHECK_EQ(partial_rejected(STR("\x0a\x02\x08\x05")), 5);
    CHECK_EQ(partial_rejected(STR("\x0a\x00")), 0);
    CHECK_EQ(partial_rejected(STR("\x0a\x7f\x08\x05")), 0);
    CHECK_EQ(partial_rejected(STR("<html>garbage</html>")), 0);
    CHECK_EQ(partial_rejected(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")), 0);
}

int main(void)
{
    TEST(fields_are_written_as_the_documentation_shows);
    TEST(a_message_within_another_gets_its_length_before_it);
    TEST(text_that_is_no_utf8_is_mended);
    TEST(a_batch_groups_by_resource_and_can_be_halved);
    TEST(answers_are_what_otlp_says);
    TEST(pauses_double_and_vary_unless_the_back_end_says_how_long);
    TEST(a_partial_success_is_read_and_nonsense_is_none);
    return tap_done();
}
