#include "heap/strtab.h"

#include "tap.h"

static struct input over(const struct buf *text)
{
    return (struct input){ .read_at = input_memory, .ctx = text->ptr, .size = text->len };
}

/* What it says of a file that ends like this; "" when it is fine. */
static struct str said_of(const char *s, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct input in;
    struct strtab t;
    int r;

    *p = (struct problem){ 0 };
    buf_add(&text, str_of(s));
    in = over(&text);
    r = strtab_read(&t, &in, p);
    strtab_done(&t);
    CHECK(r == (p->text[0] ? -EINVAL : 0));
    return str_of(p->text);
}

static void texts_are_unescaped(void)
{
    static const char *const want[] = { "", "a", "\"\\/\b\f\n\r\t", "\xc3\xa4\xf0\x9f\x98\x80",
                                        "\xef\xbf\xbd!" };
    AUTO(buf_done) struct buf file = { 0 }, out = { 0 };
    AUTO(strtab_reader_done) struct strtab_reader r = { 0 };
    struct problem p = { 0 };
    struct input in;
    struct strtab t;

    buf_add(&file, STR("{\"x\":[],\"strings\":[\"\",\n\"a\", \"\\\"\\\\\\/\\b\\f\\n\\r\\t\","
                       "\"\\u00e4\\ud83d\\ude00\",\"\\ud800!\"]}"));
    in = over(&file);
    CHECK_EQ(strtab_read(&t, &in, &p), 0);
    CHECK_EQ(t.count, 5);
    r.t = &t;
    for (u32 i = 5; i-- > 0;) {
        buf_clear(&out);
        CHECK(strtab_text(&r, i, &out, 100));
        CHECK_STR(buf_str(&out), want[i]);
    }
    CHECK(!strtab_text(&r, 5, &out, 100));
    strtab_done(&t);
}

static void large_and_many_strings_are_found_again(void)
{
    AUTO(buf_done) struct buf file = { 0 }, out = { 0 };
    AUTO(strtab_reader_done) struct strtab_reader r = { 0 };
    struct problem p = { 0 };
    struct input in;
    struct strtab t;

    buf_add(&file, STR("\"strings\" : ["));
    for (u32 i = 0; i < 5000; i++) {
        buf_addf(&file, "%s\"s%u", i ? ",\n" : "", i);
        /* Larger than every window, full of escapes, which fall on its borders. */
        for (u32 k = 0; i % 1000 == 7 && k < 300000 + i; k++)
            buf_add(&file, k % 3 ? STR("\\\\") : STR("x"));
        buf_addc(&file, '"');
    }
    buf_addc(&file, ']');
    in = over(&file);
    CHECK_EQ(strtab_read(&t, &in, &p), 0);
    CHECK_EQ(t.count, 5000);
    r.t = &t;
    for (u32 i = 0; i < 5000; i += 13) {
        char want[16];

        buf_clear(&out);
        CHECK(strtab_text(&r, (i * 7919) % 5000, &out, 1 << 21));
        snprintf(want, sizeof(want), "s%u", (i * 7919) % 5000);
        CHECK(str_starts(buf_str(&out), str_of(want)));
        CHECK((out.len > 300000) == ((i * 7919) % 5000 % 1000 == 7));
    }
    strtab_done(&t);
}

static void names_that_matter_get_their_kind(void)
{
    static const struct {
        const char *text;
        enum string_kind kind;
    } want[] = {
        { "Object", STRING_OBJECT },
        { "Objects", STRING_PLAIN },
        { "elements", STRING_ELEMENTS },
        { "system / Context / f", STRING_CONTEXT },
        { "system / NativeContext", STRING_NATIVE_CONTEXT },
        { "<div id=a>", STRING_MARKUP },
        { "Detached <div>", STRING_DETACHED_MARKUP },
        { "Detached HTMLElement", STRING_DETACHED },
        { "12", STRING_NUMBER },
        { " 7x", STRING_NUMBER },
        { "1 / part of key (A @1) -> value (B @3) pair in WeakMap (table @5)", STRING_EPHEMERON },
        { "1 / part of key (A @1) -> value (B @3) pair in WeakMap (table @)", STRING_NUMBER },
    };
    AUTO(buf_done) struct buf file = { 0 };
    struct problem p = { 0 };
    struct input in;
    struct strtab t;

    buf_add(&file, STR("\"strings\":["));
    for (u32 i = 0; i < ARRAY_LEN(want); i++)
        buf_addf(&file, "%s\"%s\"", i ? "," : "", want[i].text);
    buf_addc(&file, ']');
    in = over(&file);
    CHECK_EQ(strtab_read(&t, &in, &p), 0);
    for (u32 i = 0; i < ARRAY_LEN(want); i++) {
        CHECK_EQ(t.kind[i], want[i].kind);
        if (t.kind[i] != want[i].kind)
            printf("# of %s\n", want[i].text);
    }
    strtab_done(&t);
}

static void an_ephemerons_name_tells_its_table_and_its_entry(void)
{
    struct str name = STR("12 / part of key (A @1) -> value (B) pair in WeakMap (table @9) @3) "
                          "pair in WeakMap (table @77)");
    size_t from = 0;
    u64 table = 0;

    CHECK(strtab_ephemeron(name, &table, &from));
    CHECK_EQ(table, 77);
    CHECK_EQ(from, 2);
    CHECK(!strtab_ephemeron(
        STR("x / part of key (A @1) -> value (B @3) pair in WeakMap (table @5)"), &table, &from));
}

static void what_is_wrong_is_said_with_its_offset(void)
{
    struct problem p;

    CHECK_STR(said_of("\"strings\":[]", &p), "");
    CHECK_STR(said_of("{\"strings\":[\"strings\",\"\\\"strings\\\":[\"]}", &p), "");
    CHECK_STR(said_of("\"strings\":[\"a\"", &p),
              "offset 14: the file ends inside of \"strings\": it is cut off");
    CHECK_STR(said_of("\"strings\":[\"a", &p),
              "offset 13: the file ends inside of \"strings\": it is cut off");
    CHECK_STR(said_of("\"strings\":[\"a\\", &p),
              "offset 14: the file ends inside of \"strings\": it is cut off");
    CHECK_STR(said_of("\"strings\":[\"a\",]", &p),
              "offset 15: in \"strings\" a string is expected, not ']'");
    CHECK_STR(said_of("\"strings\":[\"a\" \"b\"]", &p),
              "offset 15: in \"strings\" a comma or the closing bracket is expected, not '\"'");
    CHECK_STR(said_of("\"strings\":[7]", &p),
              "offset 11: in \"strings\" a string is expected, not '7'");
    CHECK_STR(said_of("\"strings\":{}", &p), "offset 10: \"strings\" is no array");
    CHECK_STR(said_of("hello", &p), "there is no \"strings\" at the end: the file (5 bytes) is cut "
                                    "off, or no V8 heap snapshot");
}

int main(void)
{
    TEST(texts_are_unescaped);
    TEST(large_and_many_strings_are_found_again);
    TEST(names_that_matter_get_their_kind);
    TEST(an_ephemerons_name_tells_its_table_and_its_entry);
    TEST(what_is_wrong_is_said_with_its_offset);
    return tap_done();
}
