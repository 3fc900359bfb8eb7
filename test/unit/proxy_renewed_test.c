/* test/unit/proxy_renewed_test.c */
#include "proxy/renewed.h"

#include "tap.h"

static void settings_come_as_flags_and_what_has_a_size_stays(void)
{
    struct settings first;
    struct renewed r = { 0 };
    const struct settings *s, *before = &first;
    u64 now_ns = NS_PER_S;

    CHECK_EQ(settings_init(&first), 0);
    first.threads = 3;
    CHECK_EQ(settings_put(&first, &first.runtime_dir, STR("/run/x")), 0);
    s = renewed_read(&r, &first, STR("--max-body=1K\0--threads=9\0--max-head=64K\0"), now_ns);
    CHECK(s != NULL);
    CHECK_EQ(s->max_body_bytes, 1024);
    CHECK_EQ(s->threads, 3);
    CHECK_EQ(s->max_head_bytes, first.max_head_bytes);
    CHECK_STR(s->runtime_dir, "/run/x");
    /* Many reloads, and the last few are kept for those who still read them. */
    for (u32 i = 0; i < 50; i++) {
        before = s;
        now_ns += 4 * NS_PER_S;
        s = renewed_read(&r, s, STR("--max-body=2K\0"), now_ns);
        CHECK(s != NULL && s != before);
        CHECK(before->max_body_bytes > 0);
    }
    now_ns += 60 * NS_PER_S;
    s = renewed_read(&r, s, (struct str){ 0 }, now_ns);
    CHECK_EQ(s->max_body_bytes, 0);
    renewed_done(&r);
    settings_done(&first);
}

static void nonsense_changes_nothing(void)
{
    struct settings first;
    struct renewed r = { 0 };

    CHECK_EQ(settings_init(&first), 0);
    CHECK(!renewed_read(&r, &first, STR("--max-body=many\0"), NS_PER_S));
    CHECK(!renewed_read(&r, &first, str_make("--max-body=1K", 13), NS_PER_S));
    renewed_done(&r);
    settings_done(&first);
}

int main(void)
{
    TEST(settings_come_as_flags_and_what_has_a_size_stays);
    TEST(nonsense_changes_nothing);
    return tap_done();
}
