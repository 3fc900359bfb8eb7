/* test/unit/redis_tierentry_test.c -- what was written is read, and nothing else is */
#include "redis/tierentry.h"

#include "tap.h"

static const struct tierentry whole = {
    .kind = TIERENTRY_RESPONSE,
    .status = 200,
    .age_s = 7,
    .response_wall_ms = 1764180000123ull,
    .seen = { 1764180000000ull, 3 },
    .generation = 99,
    .name = { "/page?x=1", 9 },
    .tags = { "a b", 3 },
    .vary = { "accept", 6 },
    .route = { "/page", 5 },
    .head = { "HTTP/1.1 200 OK\r\na: b\r\n", 23 },
    .body = { "the body", 8 },
};

static void write_to(struct buf *out, const struct tierentry *e)
{
    size_t begin = out->len;

    tierentry_write(out, e);
    buf_add(out, e->body);
    tierentry_seal(out, begin);
}

static void what_was_written_is_read(void)
{
    AUTO(buf_done) struct buf bytes = { 0 };
    struct tierentry e;

    buf_add(&bytes, STR("before"));
    write_to(&bytes, &whole);
    CHECK_EQ(bytes.len, 6 + tierentry_bytes(&whole));
    CHECK(tierentry_read(&e, str_sub(buf_str(&bytes), 6, bytes.len)));
    CHECK_EQ(e.kind, TIERENTRY_RESPONSE);
    CHECK_EQ(e.status, 200);
    CHECK_EQ(e.age_s, 7);
    CHECK_EQ(e.response_wall_ms, whole.response_wall_ms);
    CHECK(e.seen.ms == whole.seen.ms && e.seen.n == 3 && e.generation == 99);
    CHECK_STR(e.name, "/page?x=1");
    CHECK_STR(e.tags, "a b");
    CHECK_STR(e.vary, "accept");
    CHECK_STR(e.route, "/page");
    CHECK_STR(e.body, "the body");
}

static void any_byte_that_differs_makes_it_nothing(void)
{
    AUTO(buf_done) struct buf bytes = { 0 };
    struct tierentry e;

    write_to(&bytes, &whole);
    for (size_t i = 0; i < bytes.len; i++)
        for (u32 bit = 0; bit < 8; bit++) {
            bytes.ptr[i] ^= (char)(1 << bit);
            CHECK(!tierentry_read(&e, buf_str(&bytes)));
            bytes.ptr[i] ^= (char)(1 << bit);
        }
    for (size_t len = 0; len < bytes.len; len++)
        CHECK(!tierentry_read(&e, str_make(bytes.ptr, len)));
    buf_addc(&bytes, 'x');
    CHECK(!tierentry_read(&e, buf_str(&bytes)));
}

static void lengths_that_wrap_around_are_refused(void)
{
    AUTO(buf_done) struct buf bytes = { 0 };
    struct tierentry e;

    write_to(&bytes, &whole);
    memset(bytes.ptr + 48, 0xff, 24);
    tierentry_seal(&bytes, 0);
    CHECK(!tierentry_read(&e, buf_str(&bytes)));
}

static void a_list_of_names_has_names_and_no_body(void)
{
    AUTO(buf_done) struct buf bytes = { 0 };
    struct tierentry e = { .kind = TIERENTRY_VARY, .vary = STR("accept,cookie") };

    write_to(&bytes, &e);
    CHECK(tierentry_read(&e, buf_str(&bytes)));
    CHECK_STR(e.vary, "accept,cookie");
    buf_clear(&bytes);
    e = (struct tierentry){ .kind = TIERENTRY_VARY };
    write_to(&bytes, &e);
    CHECK(!tierentry_read(&e, buf_str(&bytes)));
}

int main(void)
{
    TEST(what_was_written_is_read);
    TEST(any_byte_that_differs_makes_it_nothing);
    TEST(lengths_that_wrap_around_are_refused);
    TEST(a_list_of_names_has_names_and_no_body);
    return tap_done();
}
