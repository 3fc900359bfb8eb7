/* test/unit/base_str_test.c -- text as a view */
#include "base/str.h"

#include "tap.h"

static u64 seed = 0x5eed;

static u32 any(u32 below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 33) % below;
}

static void equal_texts_are_equal_wherever_they_lie(void)
{
    char a[] = "abc", b[] = "abc";

    CHECK(str_eq(str_of(a), str_of(b)));
    CHECK(!str_eq(STR("abc"), STR("abd")));
    CHECK(!str_eq(STR("abc"), STR("ab")));
    CHECK(str_eq((struct str){ 0 }, STR("")));
    CHECK(str_eq(str_of(NULL), STR("")));
    CHECK(str_eq(str_make("a\0b", 3), str_make("a\0b", 3)));
    CHECK(!str_eq(str_make("a\0b", 3), str_make("a\0c", 3)));
}

static void case_is_ignored_for_letters_only(void)
{
    CHECK(str_eq_nocase(STR("Content-Length"), STR("cONTENT-lENGTH")));
    CHECK(!str_eq_nocase(STR("a@"), STR("a`")));
    CHECK(!str_eq_nocase(STR("["), STR("{")));
    CHECK(!str_eq_nocase(STR("\xc4"), STR("\xe4"))); /* no Latin-1 */
    CHECK(!str_eq_nocase(STR("abc"), STR("abcd")));
}

static void a_text_starts_and_ends_with_its_own_parts(void)
{
    struct str s = STR("fettle run");

    for (size_t n = 0; n <= s.len; n++) {
        CHECK(str_starts(s, str_sub(s, 0, n)));
        CHECK(str_starts_nocase(s, str_sub(STR("FETTLE RUN"), 0, n)));
        CHECK(str_ends(s, str_sub(s, n, s.len)));
    }
    CHECK(!str_starts(STR("fet"), s));
    CHECK(!str_ends(STR("run"), s));
    CHECK(!str_starts(s, STR("F")));
    CHECK(!str_ends(s, STR("ru")));
}

static void trim_takes_spaces_and_tabs_at_both_ends_only(void)
{
    CHECK_STR(str_trim(STR(" \t a b\t ")), "a b");
    CHECK_STR(str_trim(STR(" \t ")), "");
    CHECK_STR(str_trim((struct str){ 0 }), "");
    CHECK_STR(str_trim(STR("\r\na\n")), "\r\na\n");
}

static void sub_is_clamped_to_the_text(void)
{
    CHECK_STR(str_sub(STR("abcdef"), 2, 3), "cde");
    CHECK_STR(str_sub(STR("abcdef"), 2, SIZE_MAX), "cdef");
    CHECK_STR(str_sub(STR("abcdef"), 6, 1), "");
    CHECK_STR(str_sub(STR("abcdef"), SIZE_MAX, SIZE_MAX), "");
    CHECK(str_sub((struct str){ 0 }, 3, 3).len == 0);
}

static void index_finds_the_first_or_says_no(void)
{
    CHECK_EQ(str_index(STR("a,b,c"), ','), 1);
    CHECK_EQ(str_index(STR("abc"), ','), -1);
    CHECK_EQ(str_index((struct str){ 0 }, ','), -1);
    CHECK_EQ(str_index(str_make("ab\0c", 4), '\0'), 2);
}

static void a_list_is_walked_item_by_item_and_empty_items_count(void)
{
    static const char *const want[] = { "a", "", "bc", "" };
    struct str rest = STR("a,,bc,");
    u32 n = 0;

    while (rest.ptr) {
        struct str item = str_cut(rest, ',', &rest);

        CHECK(n < ARRAY_LEN(want));
        if (n < ARRAY_LEN(want))
            CHECK_STR(item, want[n]);
        n++;
    }
    CHECK_EQ(n, ARRAY_LEN(want));
}

static void cut_loses_no_byte(void)
{
    for (int round = 0; round < 2000; round++) {
        char text[24];
        struct str s = { text, any(sizeof(text)) }, rest = s;
        size_t bytes = 0, items = 0;

        for (size_t i = 0; i < s.len; i++)
            text[i] = "ab,"[any(3)];
        while (rest.ptr) {
            bytes += str_cut(rest, ',', &rest).len;
            items++;
        }
        CHECK_EQ(bytes + items - 1, s.len);
    }
}

static void numbers_are_digits_within_u64_and_nothing_else(void)
{
    static const char *const bad[] = { "",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "1a",
                                       "0x1",
                                       "1.",
                                       "1_0",
                                       "18446744073709551616",
                                       "99999999999999999999999" };
    u64 n = 77;

    for (u32 i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!str_to_u64(str_of(bad[i]), &n));
    CHECK_EQ(n, 77);
    CHECK(!str_to_u64((struct str){ 0 }, &n));
    CHECK(!str_to_u64(str_make("1\0", 2), &n));
    CHECK(str_to_u64(STR("18446744073709551615"), &n) && n == UINT64_MAX);
    CHECK(str_to_u64(STR("00012"), &n) && n == 12);
}

static void numbers_come_back_as_they_were_written(void)
{
    for (int round = 0; round < 5000; round++) {
        u64 want = ((u64)any(UINT32_MAX) << 32 | any(UINT32_MAX)) >> any(64), dec = 0, hex = 0;
        char text[32], digits[STR_U64_MAX];

        snprintf(text, sizeof(text), "%llu", (unsigned long long)want);
        CHECK(str_to_u64(str_of(text), &dec) && dec == want);
        CHECK(str_eq(str_make(digits, str_put_u64(digits, want)), str_of(text)));
        snprintf(text, sizeof(text), round % 2 ? "%llx" : "%llX", (unsigned long long)want);
        CHECK(str_hex_to_u64(str_of(text), &hex) && hex == want);
    }
}

static void hex_numbers_are_bounded_too(void)
{
    u64 n = 77;

    CHECK(!str_hex_to_u64(STR(""), &n));
    CHECK(!str_hex_to_u64(STR("0x1"), &n));
    CHECK(!str_hex_to_u64(STR("g"), &n));
    CHECK(!str_hex_to_u64(STR("10000000000000000"), &n));
    CHECK_EQ(n, 77);
    CHECK(str_hex_to_u64(STR("fFfFfFfFfFfFfFfF"), &n) && n == UINT64_MAX);
    CHECK(str_hex_to_u64(STR("00000000000000000000a"), &n) && n == 10);
}

static void a_c_string_is_cut_to_its_room_and_always_ended(void)
{
    for (size_t room = 0; room < 8; room++) {
        char out[9] = "########";
        size_t n = str_to_cstr(STR("abcde"), out, room);

        CHECK_EQ(n, room ? min((size_t)5, room - 1) : 0);
        if (room)
            CHECK_EQ(out[n], 0);
        CHECK_EQ(out[room ? n + 1 : 0], '#');
    }
}

static void a_copy_is_ended_and_ones_own(void)
{
    char text[] = "abc";
    char *copy = str_dup(str_make(text, 2));

    text[0] = 'x';
    CHECK(copy && strcmp(copy, "ab") == 0);
    free(copy);
    copy = str_dup((struct str){ 0 });
    CHECK(copy && *copy == 0);
    free(copy);
}

static void distance_is_a_metric(void)
{
    static const struct str words[] = { STR("balance"),   STR("ballance"), STR("blance"),
                                        STR("port"),      STR("prot"),     STR(""),
                                        STR("max-memory") };

    for (u32 a = 0; a < ARRAY_LEN(words); a++)
        for (u32 b = 0; b < ARRAY_LEN(words); b++) {
            u32 ab = str_distance(words[a], words[b]);

            CHECK_EQ(ab, str_distance(words[b], words[a]));
            CHECK((ab == 0) == (a == b));
            for (u32 c = 0; c < ARRAY_LEN(words); c++)
                CHECK(ab <= str_distance(words[a], words[c]) + str_distance(words[c], words[b]));
        }
    CHECK_EQ(str_distance(STR("balance"), STR("ballance")), 1);
    CHECK_EQ(str_distance(STR("kitten"), STR("sitting")), 3);
    CHECK_EQ(str_distance(STR("PORT"), STR("port")), 0);
}

static void far_too_long_texts_are_far_away(void)
{
    char long_text[64];

    memset(long_text, 'a', sizeof(long_text));
    CHECK_EQ(str_distance(str_make(long_text, 64), STR("a")), UINT32_MAX);
    CHECK_EQ(str_distance(str_make(long_text, 63), STR("")), 63);
}

/* The shortest encoding of a code point, by RFC 3629's own table. */
static size_t encode(u32 c, u8 out[4])
{
    if (c < 0x80)
        return out[0] = (u8)c, 1;
    if (c < 0x800)
        return out[0] = (u8)(0xc0 | c >> 6), out[1] = (u8)(0x80 | (c & 63)), 2;
    if (c < 0x10000)
        return out[0] = (u8)(0xe0 | c >> 12), out[1] = (u8)(0x80 | (c >> 6 & 63)),
               out[2] = (u8)(0x80 | (c & 63)), 3;
    return out[0] = (u8)(0xf0 | c >> 18), out[1] = (u8)(0x80 | (c >> 12 & 63)),
           out[2] = (u8)(0x80 | (c >> 6 & 63)), out[3] = (u8)(0x80 | (c & 63)), 4;
}

static void every_code_point_but_surrogates_is_well_formed_utf8(void)
{
    u32 wrong = 0;

    for (u32 c = 0; c < 0x110000; c++) {
        u8 bytes[4];
        size_t len = encode(c, bytes);
        bool surrogate = c >= 0xd800 && c < 0xe000;

        wrong += str_utf8_len(str_make((char *)bytes, len), 0) != (surrogate ? 0 : len);
        if (len > 1) /* cut short */
            wrong += str_utf8_len(str_make((char *)bytes, len - 1), 0) != 0;
    }
    CHECK_EQ(wrong, 0);
}

/* All sequences of up to three bytes: accepted exactly when they encode a code point shortest. */
static void nothing_else_is_well_formed_utf8(void)
{
    u32 wrong = 0;

    for (u32 x = 0; x < 1 << 24; x += 1 + (x & 0x3f) % 7) {
        u8 bytes[3] = { (u8)(x >> 16), (u8)(x >> 8), (u8)x }, again[4];
        size_t len = str_utf8_len(str_make((char *)bytes, 3), 0);
        u32 c = len == 1   ? bytes[0]
                : len == 2 ? (bytes[0] & 31u) << 6 | (bytes[1] & 63)
                           : (bytes[0] & 15u) << 12 | (bytes[1] & 63u) << 6 | (bytes[2] & 63);

        wrong += len > 3;
        if (len)
            wrong += encode(c, again) != len || memcmp(again, bytes, len) != 0;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(str_utf8_len(STR("\xf4\x90\x80\x80"), 0), 0); /* above U+10FFFF */
    CHECK_EQ(str_utf8_len(STR("\xf0\x8f\xbf\xbf"), 0), 0); /* too long a form */
    CHECK_EQ(str_utf8_len(STR("a\xc3\xa4"), 1), 2);
}

static void a_code_point_becomes_utf8(void)
{
    static const u32 points[] = { 0x41,   0x7f,   0x80,    0xe4,    0x7ff,   0x800,
                                  0x20ac, 0xffff, 0x10000, 0x1f600, 0x10ffff };
    char out[STR_UTF8_MAX];

    for (u32 i = 0; i < ARRAY_LEN(points); i++) {
        size_t len = str_put_utf8(out, points[i]);

        CHECK_EQ(str_utf8_len(str_make(out, len), 0), len);
    }
    CHECK_EQ(str_put_utf8(out, 0x20ac), 3);
    CHECK(memcmp(out, "\xe2\x82\xac", 3) == 0);
    CHECK_EQ(str_put_utf8(out, 0x1f600), 4);
    CHECK(memcmp(out, "\xf0\x9f\x98\x80", 4) == 0);
}

int main(void)
{
    TEST(equal_texts_are_equal_wherever_they_lie);
    TEST(case_is_ignored_for_letters_only);
    TEST(a_text_starts_and_ends_with_its_own_parts);
    TEST(trim_takes_spaces_and_tabs_at_both_ends_only);
    TEST(sub_is_clamped_to_the_text);
    TEST(index_finds_the_first_or_says_no);
    TEST(a_list_is_walked_item_by_item_and_empty_items_count);
    TEST(cut_loses_no_byte);
    TEST(numbers_are_digits_within_u64_and_nothing_else);
    TEST(numbers_come_back_as_they_were_written);
    TEST(hex_numbers_are_bounded_too);
    TEST(a_c_string_is_cut_to_its_room_and_always_ended);
    TEST(a_copy_is_ended_and_ones_own);
    TEST(distance_is_a_metric);
    TEST(far_too_long_texts_are_far_away);
    TEST(every_code_point_but_surrogates_is_well_formed_utf8);
    TEST(nothing_else_is_well_formed_utf8);
    TEST(a_code_point_becomes_utf8);
    return tap_done();
}
