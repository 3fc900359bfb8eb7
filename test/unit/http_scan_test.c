/* http_scan_test -- kinds of bytes, and scanning by blocks as byte by byte */
#include "tap.h"

#include "http/name.h"
#include "http/scan.h"

static bool is_letter_or_digit(u32 c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(u32 c, const char *of)
{
    return c && c < 0x80 && strchr(of, (int)c);
}

static void the_table_is_the_grammar(void)
{
    for (u32 c = 0; c < 256; c++) {
        bool value = c == '\t' || (c >= 0x20 && c != 0x7f);
        u32 want = 0;

        want |= is_letter_or_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~") ? SCAN_TOKEN : 0;
        want |= c > 0x20 && c < 0x7f && c != '#' ? SCAN_TARGET : 0;
        want |= value ? SCAN_VALUE : 0;
        want |= is_one_of(c, "0123456789abcdefABCDEF") ? SCAN_HEX : 0;
        want |= is_letter_or_digit(c) || is_one_of(c, "-._~!$&'()*+,;=") ? SCAN_HOST : 0;
        want |= value && c != '"' && c != '\\' ? SCAN_QUOTED : 0;
        CHECK_EQ(scan_kinds[c], want);
    }
}

/* Every byte at every place of texts up to 40 bytes, in a block of exactly that size. */
static void blocks_stop_where_bytes_stop(void)
{
    for (size_t len = 1; len <= 40; len++) {
        char *bytes = malloc(len), *end = bytes + len;

        for (size_t at = 0; at < len; at++)
            for (u32 c = 0; c < 256; c++) {
                memset(bytes, 'a', len);
                bytes[at] = (char)c;
                if (at + 1 < len)
                    bytes[len - 1] = (char)(c ^ 0x55);
                CHECK(scan_value(bytes, end) == scan_plain(bytes, end, SCAN_VALUE));
                CHECK(scan_target(bytes, end) == scan_plain(bytes, end, SCAN_TARGET));
                CHECK(scan_token(bytes, end) == scan_plain(bytes, end, SCAN_TOKEN));
            }
        free(bytes);
    }
}

static void nothing_is_scanned_in_nothing(void)
{
    char byte = 0;

    CHECK(scan_value(&byte, &byte) == &byte);
    CHECK(scan_target(&byte, &byte) == &byte);
    CHECK(scan_token(&byte, &byte) == &byte);
}

static void every_name_is_found_in_any_case(void)
{
    for (enum http_name id = HTTP_NAME_OTHER + 1; id < HTTP_NAME_COUNT; id++) {
        struct str text = http_name_text(id);
        char name[32];

        CHECK(text.len > 1 && text.len <= 24);
        CHECK(id == 1 || text.len >= http_name_text(id - 1).len);
        for (size_t i = 0; i < text.len; i++) {
            CHECK(text.ptr[i] == '-' || is_letter_or_digit((u8)text.ptr[i]));
            name[i] = (char)(text.ptr[i] >= 'a' && i % 2 ? text.ptr[i] - 32 : text.ptr[i]);
        }
        CHECK_EQ(http_name_find(text), id);
        CHECK_EQ(http_name_find(str_make(name, text.len)), id);
        for (size_t i = 0; i < text.len; i++) {
            name[i] ^= 1;
            CHECK(http_name_find(str_make(name, text.len)) != id);
            name[i] ^= 1;
            if (name[i] == '-') {
                name[i] = '_';
                CHECK_EQ(http_name_find(str_make(name, text.len)), HTTP_NAME_OTHER);
                name[i] = '-';
            }
        }
        name[text.len] = 'x';
        CHECK(http_name_find(str_make(name, text.len + 1)) != id);
        CHECK(http_name_find(str_make(name, text.len - 1)) != id);
    }
}

static void other_names_are_other(void)
{
    static const char *const names[] = { "",
                                         "a",
                                         "zz",
                                         "x-y",
                                         "hosts",
                                         "c\x4fokif",
                                         "content-lengti",
                                         "a-name-that-is-longer-than-all-of-the-table",
                                         "sec-websocket-extensionsx",
                                         "12345678901234567890123" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        CHECK_EQ(http_name_find(str_of(names[i])), HTTP_NAME_OTHER);
    CHECK_EQ(http_name_flags(HTTP_NAME_OTHER), 0);
    CHECK_EQ(http_name_text(HTTP_NAME_OTHER).len, 0);
}

int main(void)
{
    TEST(the_table_is_the_grammar);
    TEST(blocks_stop_where_bytes_stop);
    TEST(nothing_is_scanned_in_nothing);
    TEST(every_name_is_found_in_any_case);
    TEST(other_names_are_other);
    return tap_done();
}
