/* cache_fuzz.c -- fields that say what a cache may do: Cache-Control, Vary, Range, tags, dates, and
 * the words of cache-key
 *
 * No text makes more out of less: what is said after no-store does not take it back, a part of a
 * body is within it, a date that is read is written and read as the same.
 */
#include "cache/cachekey.h"
#include "cache/condition.h"
#include "cache/freshness.h"
#include "cache/httpdate.h"
#include "cache/vary.h"
#include "conf/cachewords.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void control(struct str text)
{
    struct cachecontrol cc = { 0 }, strict = { 0 };
    struct freshness_source from = { .wall_s = 784111777 };
    struct freshness f;

    cachecontrol_add(&cc, text);
    cachecontrol_add(&strict, STR("no-store, max-age=5"));
    cachecontrol_add(&strict, text);
    assert(strict.bits & CACHECONTROL_NO_STORE && (strict.bits & cc.bits) == cc.bits);
    assert(strict.max_age_s <= 5);
    from.cc = cc;
    from.expires = from.age = from.date = text;
    f = freshness_of(&from);
    assert(f.lifetime_s <= CACHECONTROL_SECONDS_MAX);
    assert(freshness_judge(&f, &cc, UINT64_MAX / 2) != FRESHNESS_FRESH);
}

static void ranges(struct str text, u64 bytes)
{
    u64 from, len;

    if (condition_range(text, bytes, &from, &len) == BYTERANGE_PART)
        assert(len > 0 && len <= bytes && from <= bytes - len);
}

static void dates(struct str text)
{
    char again[HTTPDATE_LEN];
    u64 s, t;

    if (!httpdate_parse(text, 784111777, &s))
        return;
    httpdate_write(s, again);
    assert(httpdate_parse(str_make(again, sizeof(again)), 784111777, &t) && t == s);
}

static void names(struct str text)
{
    struct vary v = { 0 };
    struct http_head none = { .fields_n = 0 };
    struct digest_keys keys = { { 1, 2 }, { 3, 4 } };
    struct problem p;

    if (vary_add(&v, text))
        assert(v.len <= sizeof(v.text) && !memchr(v.text, ' ', v.len));
    (void)vary_digest(str_make(v.text, v.len), &keys, "", &none);
    if (cachewords_check(text, &p) == 0) {
        const struct cachekey_parts parts = {
            .path = text, .words = text, .bytes = "", .head = &none
        };
        char name[CACHEKEY_NAME_MAX];
        struct digest key;
        u32 len;

        if (cachekey_make(&parts, &keys, &key, name, &len))
            assert(len <= CACHEKEY_NAME_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);

    control(text);
    ranges(text, size * 7);
    dates(text);
    names(text);
    if (size > 4)
        (void)condition_etag_listed(str_sub(text, 4, size), str_sub(text, 0, 4));
    return 0;
}
