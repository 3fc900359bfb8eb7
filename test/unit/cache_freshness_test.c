/* test/unit/cache_freshness_test.c -- RFC 9111 and RFC 5861 as a table: each row names its section
 */
#include "cache/freshness.h"

#include "cache/storable.h"

#include "tap.h"

/* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOW_S 784111777ull
#define NOW_NS (1000 * NS_PER_S)

/* What a request and a response say, and what may be done `after_s` later. */
struct row {
    const char *section;
    const char *ask;    /* Cache-Control of the first request, which the app answered */
    const char *again;  /* … and of the second one, that is answered from what is stored */
    const char *answer; /* Cache-Control of the response */
    const char *date, *expires, *last_modified, *age;
    u32 status;
    u32 ttl_s, stale_s, error_s; /* what is set */
    bool authorization, cookie, set_cookie, vary_any, not_get;
    u32 after_s;
    enum storable_verdict stored;
    enum freshness_verdict verdict; /* when it was stored */
    bool serves_error;
};

#define DATE_NOW "Sun, 06 Nov 1994 08:49:37 GMT"
#define HOUR_LATER "Sun, 06 Nov 1994 09:49:37 GMT"
#define HOUR_BEFORE "Sun, 06 Nov 1994 07:49:37 GMT"

#define YES STORABLE_YES
#define NO STORABLE_NO
#define NOT_SO STORABLE_NOT_ASKED_SO
#define FRESH FRESHNESS_FRESH
#define ASK FRESHNESS_ASK_FIRST

/* clang-format off */
static const struct row rows[] = {
/* lifetime */
{ "4.2.1 max-age", .answer = "max-age=60", .after_s = 59, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "4.2.1 max-age is over", .answer = "max-age=60", .after_s = 60, .stored = YES, .verdict = ASK },
{ "4.2.1 s-maxage before max-age", .answer = "max-age=5, s-maxage=60", .after_s = 30, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "4.2.1 s-maxage before max-age, shorter", .answer = "max-age=60, s-maxage=5", .after_s = 30, .stored = YES, .verdict = ASK },
{ "4.2.1 max-age before Expires", .answer = "max-age=5", .expires = HOUR_LATER, .after_s = 30, .stored = YES, .verdict = ASK },
{ "4.2.1 Expires less Date", .date = DATE_NOW, .expires = HOUR_LATER, .after_s = 3599, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "4.2.1 Expires in the past", .date = DATE_NOW, .expires = HOUR_BEFORE, .stored = NO },
{ "5.3 Expires: 0 is in the past", .date = DATE_NOW, .expires = "0", .stored = NO },
{ "4.2.1 two max-age: the shorter", .answer = "max-age=60, max-age=5", .after_s = 30, .stored = YES, .verdict = ASK },
{ "4.2.1 a max-age that is no number", .answer = "max-age=1h", .stored = NO },
{ "5.2 an argument in quotes", .answer = "max-age=\"60\"", .after_s = 30, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "5.2 no case", .answer = "MAX-AGE=60", .after_s = 30, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "1.2.2 more seconds than there are", .answer = "max-age=99999999999999999999999", .after_s = 100000, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "5.2.3 what is not known is not there", .answer = "foo, max-age=60, bar=\"a, no-store\"", .after_s = 30, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "5.2 a quote without an end hides anything", .answer = "max-age=60, foo=\"a, b", .stored = NO },
{ "4.2.2 a guess: a tenth of its age", .date = DATE_NOW, .last_modified = HOUR_BEFORE, .after_s = 359, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "4.2.2 a guess is over", .date = DATE_NOW, .last_modified = HOUR_BEFORE, .after_s = 360, .stored = YES, .verdict = ASK },
{ "4.2.2 no guess without Last-Modified", .date = DATE_NOW, .stored = NO },
{ "4.2.2 no guess for a status that may not", .status = 302, .last_modified = HOUR_BEFORE, .stored = NO },
{ "4.2.2 no guess beside a cookie", .date = DATE_NOW, .last_modified = HOUR_BEFORE, .cookie = true, .stored = NOT_SO },
{ "4.2.2 no guess beside no-cache", .answer = "no-cache", .last_modified = HOUR_BEFORE, .stored = NO },
/* age */
{ "4.2.3 an Age that it came with", .answer = "max-age=60", .age = "50", .after_s = 9, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "4.2.3 an Age that it came with, over", .answer = "max-age=60", .age = "50", .after_s = 10, .stored = YES, .verdict = ASK },
{ "4.2.3 an older Date", .answer = "max-age=7200", .date = HOUR_BEFORE, .after_s = 3601, .stored = YES, .verdict = ASK },
{ "4.2.3 an Age that is none", .answer = "max-age=60", .age = "old", .after_s = 30, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "4.2.3 stale when it came", .answer = "max-age=60", .age = "60", .stored = NO },
/* storing */
{ "3 no-store", .answer = "no-store, max-age=60", .stored = NO },
{ "5.2.1.5 no-store of the request", .ask = "no-store", .answer = "max-age=60", .stored = NOT_SO },
{ "5.2.2.7 private", .answer = "private, max-age=60", .stored = NO },
{ "5.2.2.7 private with fields", .answer = "private=\"x-user\", max-age=60", .stored = NO },
{ "5.2.2.4 no-cache", .answer = "no-cache, max-age=60", .stored = NO },
{ "5.2.2.4 no-cache with fields", .answer = "no-cache=\"x-user\", max-age=60", .stored = NO },
{ "5.2.2.3 must-understand", .answer = "no-store, must-understand, max-age=60", .after_s = 1, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "5.2.2.3 must-understand, a status that is not", .status = 299, .answer = "no-store, must-understand, max-age=60", .stored = NO },
{ "3 the method", .answer = "max-age=60", .not_get = true, .stored = NOT_SO },
{ "3 a status that is not understood", .status = 299, .answer = "max-age=60", .stored = NO },
{ "3.3 a part is not stored", .status = 206, .answer = "max-age=60", .stored = NO },
{ "3 a failure is not stored", .status = 500, .answer = "max-age=60", .stored = NO },
{ "3 404 with a lifetime", .status = 404, .answer = "max-age=60", .after_s = 1, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "3 302 with a lifetime", .status = 302, .answer = "max-age=60", .after_s = 1, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "3.5 Authorization", .authorization = true, .answer = "max-age=60", .stored = NOT_SO },
{ "3.5 Authorization, public", .authorization = true, .answer = "public, max-age=60", .after_s = 1, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "3.5 Authorization, s-maxage", .authorization = true, .answer = "s-maxage=60", .after_s = 1, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "3.5 Authorization, must-revalidate", .authorization = true, .answer = "max-age=60, must-revalidate", .after_s = 1, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "7.3 Set-Cookie", .set_cookie = true, .answer = "public, max-age=60", .stored = NO },
{ "4.1 Vary: *", .vary_any = true, .answer = "max-age=60", .stored = NO },
/* what the second request asks for */
{ "5.2.1.4 no-cache", .again = "no-cache", .answer = "max-age=60", .after_s = 1, .stored = YES, .verdict = ASK, .serves_error = true },
{ "5.2.1.1 max-age", .again = "max-age=10", .answer = "max-age=60", .after_s = 10, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "5.2.1.1 max-age, too old", .again = "max-age=10", .answer = "max-age=60", .after_s = 11, .stored = YES, .verdict = ASK, .serves_error = true },
{ "5.2.1.1 max-age=0 of a reload", .again = "max-age=0", .answer = "max-age=60", .stored = YES, .verdict = ASK, .serves_error = true },
{ "RFC 8246 immutable and a reload", .again = "max-age=0", .answer = "max-age=60, immutable", .after_s = 1, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "RFC 8246 immutable and no-cache", .again = "no-cache", .answer = "max-age=60, immutable", .after_s = 1, .stored = YES, .verdict = ASK, .serves_error = true },
{ "5.2.1.3 min-fresh", .again = "min-fresh=20", .answer = "max-age=60", .after_s = 40, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "5.2.1.3 min-fresh, not enough", .again = "min-fresh=20", .answer = "max-age=60", .after_s = 41, .stored = YES, .verdict = ASK, .serves_error = true },
{ "5.2.1.2 max-stale", .again = "max-stale=10", .answer = "max-age=60", .after_s = 70, .stored = YES, .verdict = FRESHNESS_ALLOWED },
{ "5.2.1.2 max-stale, too stale", .again = "max-stale=10", .answer = "max-age=60", .after_s = 71, .stored = YES, .verdict = ASK },
{ "5.2.1.2 max-stale without a number", .again = "max-stale", .answer = "max-age=60", .after_s = 100000, .stored = YES, .verdict = FRESHNESS_ALLOWED },
{ "5.2.2.2 must-revalidate against max-stale", .again = "max-stale", .answer = "max-age=60, must-revalidate", .after_s = 70, .stored = YES, .verdict = ASK },
{ "5.2.2.8 proxy-revalidate against max-stale", .again = "max-stale", .answer = "max-age=60, proxy-revalidate", .after_s = 70, .stored = YES, .verdict = ASK },
{ "5.2.2.10 s-maxage against max-stale", .again = "max-stale", .answer = "s-maxage=60", .after_s = 70, .stored = YES, .verdict = ASK },
/* stale */
{ "5861 3 stale-while-revalidate", .answer = "max-age=60, stale-while-revalidate=30", .after_s = 89, .stored = YES, .verdict = FRESHNESS_BEHIND },
{ "5861 3 stale-while-revalidate, over", .answer = "max-age=60, stale-while-revalidate=30", .after_s = 90, .stored = YES, .verdict = ASK },
{ "5861 3 a bare one says nothing", .answer = "max-age=60, stale-while-revalidate", .after_s = 61, .stored = YES, .verdict = ASK },
{ "5861 3 with must-revalidate it may not", .answer = "max-age=60, must-revalidate, stale-while-revalidate=30", .after_s = 61, .stored = YES, .verdict = ASK },
{ "5861 3 beside s-maxage it is said for us", .answer = "s-maxage=60, stale-while-revalidate=30", .after_s = 61, .stored = YES, .verdict = FRESHNESS_BEHIND },
{ "5861 4 stale-if-error", .answer = "max-age=60, stale-if-error=30", .after_s = 89, .stored = YES, .verdict = ASK, .serves_error = true },
{ "5861 4 stale-if-error, over", .answer = "max-age=60, stale-if-error=30", .after_s = 90, .stored = YES, .verdict = ASK },
{ "5861 4 with must-revalidate it may not", .answer = "max-age=60, must-revalidate, stale-if-error=30", .after_s = 61, .stored = YES, .verdict = ASK },
{ "5861 4 of the request", .again = "stale-if-error=30", .answer = "max-age=60", .after_s = 61, .stored = YES, .verdict = ASK, .serves_error = true },
/* what people set */
{ "cache-ttl where the app says nothing", .ttl_s = 60, .after_s = 59, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "cache-ttl before a guess", .ttl_s = 60, .last_modified = HOUR_BEFORE, .after_s = 61, .stored = YES, .verdict = ASK },
{ "cache-ttl behind what the app says", .ttl_s = 60, .answer = "max-age=5", .after_s = 6, .stored = YES, .verdict = ASK },
{ "cache-ttl does not help max-age=0", .ttl_s = 60, .answer = "public, max-age=0", .stored = NO },
{ "cache-ttl does not help private", .ttl_s = 60, .answer = "private", .stored = NO },
{ "cache-ttl is not for errors", .ttl_s = 60, .status = 404, .stored = NO },
{ "cache-ttl is not for cookies", .ttl_s = 60, .cookie = true, .stored = NOT_SO },
{ "cache-ttl is not for Authorization", .ttl_s = 60, .authorization = true, .answer = "public", .stored = NOT_SO },
{ "a cookie beside an explicit lifetime", .cookie = true, .answer = "max-age=60", .after_s = 1, .stored = YES, .verdict = FRESH, .serves_error = true },
{ "cache-stale", .stale_s = 30, .answer = "max-age=60", .after_s = 61, .stored = YES, .verdict = FRESHNESS_BEHIND },
{ "cache-stale behind what the app says", .stale_s = 30, .answer = "max-age=60, stale-while-revalidate=0", .after_s = 61, .stored = YES, .verdict = ASK },
{ "cache-stale does not break s-maxage", .stale_s = 30, .answer = "s-maxage=60", .after_s = 61, .stored = YES, .verdict = ASK },
{ "cache-stale-error", .error_s = 30, .answer = "max-age=60", .after_s = 61, .stored = YES, .verdict = ASK, .serves_error = true },
{ "cache-stale-error does not break must-revalidate", .error_s = 30, .answer = "max-age=60, must-revalidate", .after_s = 61, .stored = YES, .verdict = ASK },
};
/* clang-format on */

static struct cachecontrol control_of(const char *text)
{
    struct cachecontrol cc = { 0 };

    if (text)
        cachecontrol_add(&cc, str_of(text));
    return cc;
}

static struct freshness freshness_of_row(const struct row *r)
{
    const struct freshness_source source = {
        .cc = control_of(r->answer),
        .date = str_of(r->date),
        .expires = str_of(r->expires),
        .age = str_of(r->age),
        .last_modified = str_of(r->last_modified),
        .may_guess = storable_status_implicit(r->status ? r->status : 200),
        .request_ns = NOW_NS,
        .response_ns = NOW_NS,
        .wall_s = NOW_S,
        .has_ttl = r->ttl_s > 0,
        .ttl_s = r->ttl_s,
        .while_revalidate_s = r->stale_s,
        .if_error_s = r->error_s,
    };

    return freshness_of(&source);
}

static void row_check(const struct row *r)
{
    struct cachecontrol again = control_of(r->again);
    u64 then_ns = NOW_NS + r->after_s * NS_PER_S;
    struct storable_facts facts = { .ask = control_of(r->ask),
                                    .answer = control_of(r->answer),
                                    .freshness = freshness_of_row(r),
                                    .is_get = !r->not_get,
                                    .has_authorization = r->authorization,
                                    .has_cookie = r->cookie,
                                    .has_set_cookie = r->set_cookie,
                                    .vary_any = r->vary_any,
                                    .status = r->status ? r->status : 200 };
    int before = tap_failures;

    CHECK_EQ(storable_judge(&facts), r->stored);
    if (r->stored == YES) {
        CHECK_EQ(freshness_judge(&facts.freshness, &again, then_ns), r->verdict);
        CHECK_EQ(freshness_serves_error(&facts.freshness, &again, then_ns), r->serves_error);
    }
    if (tap_failures != before)
        printf("# … in the row: %s\n", r->section);
}

static void what_is_stored_and_sent_is_as_RFC_9111_and_5861_say(void)
{
    for (u32 i = 0; i < ARRAY_LEN(rows); i++)
        row_check(&rows[i]);
}

/* Whatever else is said, in whatever order. */
static void what_must_not_be_shared_is_never_stored(void)
{
    static const char *const more[] = {
        "public",          "max-age=60", "s-maxage=60",
        "must-revalidate", "immutable",  "stale-while-revalidate=9"
    };
    static const char *const never[] = { "private", "no-store", "no-cache", "private=\"a\"",
                                         "no-cache=\"b\"" };
    char text[256];

    for (u32 set = 0; set < 1u << ARRAY_LEN(more); set++) {
        for (u32 n = 0; n < ARRAY_LEN(never) * 2; n++) {
            struct storable_facts f = { .is_get = true, .status = 200 };
            struct row r = { .answer = text, .ttl_s = 60, .stale_s = 60 };
            int len = snprintf(text, sizeof(text), "%s", n % 2 ? never[n / 2] : "a");

            for (u32 i = 0; i < ARRAY_LEN(more); i++)
                if (set >> i & 1)
                    len += snprintf(text + len, sizeof(text) - (size_t)len, ", %s", more[i]);
            if (n % 2 == 0)
                snprintf(text + len, sizeof(text) - (size_t)len, ", %s", never[n / 2]);
            f.answer = control_of(text);
            f.freshness = freshness_of_row(&r);
            CHECK_EQ(storable_judge(&f), STORABLE_NO);
        }
    }
}

static void a_response_with_Authorization_needs_one_of_three_words(void)
{
    static const char *const words[] = { "public",     "s-maxage=60", "must-revalidate",
                                         "max-age=60", "immutable",   "stale-while-revalidate=9" };
    char text[256];

    for (u32 set = 1; set < 1u << ARRAY_LEN(words); set++) {
        struct storable_facts f = { .is_get = true, .status = 200, .has_authorization = true };
        struct row r = { .answer = text };
        int len = snprintf(text, sizeof(text), "a");

        for (u32 i = 0; i < ARRAY_LEN(words); i++)
            if (set >> i & 1)
                len += snprintf(text + len, sizeof(text) - (size_t)len, ", %s", words[i]);
        f.answer = control_of(text);
        f.freshness = freshness_of_row(&r);
        CHECK(storable_judge(&f) != STORABLE_YES || set & 7);
    }
}

static void the_age_counts_the_time_that_the_app_took(void)
{
    struct freshness_source s = { .cc = control_of("max-age=60"),
                                  .age = STR("7"),
                                  .request_ns = NOW_NS - 3 * NS_PER_S,
                                  .response_ns = NOW_NS,
                                  .wall_s = NOW_S };
    struct freshness f = freshness_of(&s);

    CHECK_EQ(freshness_age_s(&f, NOW_NS), 10);
    CHECK_EQ(freshness_age_s(&f, NOW_NS + 5 * NS_PER_S), 15);
    CHECK_EQ(freshness_left_s(&f, NOW_NS + 5 * NS_PER_S), 45);
    CHECK_EQ(freshness_left_s(&f, NOW_NS + 65 * NS_PER_S), -15);
}

int main(void)
{
    TEST(what_is_stored_and_sent_is_as_RFC_9111_and_5861_say);
    TEST(what_must_not_be_shared_is_never_stored);
    TEST(a_response_with_Authorization_needs_one_of_three_words);
    TEST(the_age_counts_the_time_that_the_app_took);
    return tap_done();
}
