#include "heap/numbers.h"

#include "base/buf.h"
#include "tap.h"

enum { RECORDS = 100000 };

struct taken {
    u32 fields;
    u32 *seen;  /* [records * fields] */
    u32 bad_at; /* record that is refused; UINT32_MAX: none */
};

static u32 value_of(u64 record, u32 field)
{
    return (u32)((record * 2654435761u ^ field * 97) >> record % 32);
}

static u32 take(void *ctx, u32 member, u64 first, const u32 *values, u32 count, struct problem *p)
{
    struct taken *t = ctx;

    (void)member;
    for (u32 i = 0; i < count; i++) {
        if (first + i == t->bad_at) {
            problem_set(p, "record %u is bad", t->bad_at);
            return i;
        }
        memcpy(t->seen + (first + i) * t->fields, values + (size_t)i * t->fields,
               t->fields * sizeof(u32));
    }
    return count;
}

/* "[…]tail" with an array of records. */
static void text_of(struct buf *out, u32 records, u32 fields, bool newlines)
{
    buf_addc(out, '[');
    for (u32 r = 0; r < records; r++) {
        for (u32 f = 0; f < fields; f++)
            buf_addf(out, "%s%u", r || f ? "," : "", value_of(r, f));
        if (newlines)
            buf_addc(out, '\n');
    }
    buf_add(out, STR("],\"next\":[1,2,3]"));
}

static struct numbers numbers_over(struct input *in, const struct buf *text, u32 fields,
                                   u64 records)
{
    *in = (struct input){ .read_at = input_memory, .ctx = text->ptr, .size = text->len };
    return (struct numbers){
        .in = in, .name = "things", .fields = fields, .records = records, .begin = 1
    };
}

static void every_record_arrives_once_whatever_the_threads(void)
{
    for (u32 fields = 1; fields <= 7; fields += 3)
        for (u32 members = 1; members <= 4; members++) {
            AUTO(buf_done) struct buf text = { 0 };
            AUTO(freep) u32 *seen = calloc(RECORDS * fields, sizeof(u32));
            struct taken t = { fields, seen, UINT32_MAX };
            struct problem p = { 0 };
            struct input in;
            struct numbers n;
            u32 wrong = 0;

            text_of(&text, RECORDS, fields, members % 2);
            n = numbers_over(&in, &text, fields, RECORDS);
            CHECK_EQ(numbers_read(&n, members, take, &t, NULL, &p), 0);
            for (u32 r = 0; r < RECORDS; r++)
                for (u32 f = 0; f < fields; f++)
                    wrong += seen[r * fields + f] != value_of(r, f);
            CHECK_EQ(wrong, 0);
            CHECK_EQ(text.ptr[n.end], ']');
            numbers_done(&n);
        }
}

static void a_record_is_read_again(void)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(freep)
    u32 *seen = calloc(RECORDS * 3, sizeof(u32)), *again = calloc(RECORDS * 3, sizeof(u32));
    struct taken t = { 3, seen, UINT32_MAX };
    struct problem p = { 0 };
    struct input in;
    struct numbers n;
    u32 values[3];

    text_of(&text, RECORDS, 3, true);
    n = numbers_over(&in, &text, 3, RECORDS);
    CHECK_EQ(numbers_read(&n, 1, take, &t, NULL, &p), 0);
    for (u32 r = 0; r < RECORDS; r += 997) {
        i64 at = numbers_record(&n, r, values);
        char digits[16];

        CHECK(at > 0);
        CHECK_EQ(values[2], value_of(r, 2));
        snprintf(digits, sizeof(digits), "%u,", value_of(r, 0));
        while ((u8)text.ptr[at] <= ' ')
            at++;
        CHECK(memcmp(text.ptr + at, digits, strlen(digits)) == 0);
    }
    CHECK_EQ(numbers_records(&n, 0, RECORDS, again), 0);
    CHECK(memcmp(again, seen, RECORDS * 3 * sizeof(u32)) == 0);
    CHECK_EQ(numbers_record(&n, RECORDS, values), -ERANGE);
    numbers_done(&n);
}

/* What it says of a text; "" when it is fine. */
static struct str said_of(const char *s, u32 fields, u64 records, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(freep) u32 *seen = calloc(1000, sizeof(u32));
    struct taken t = { fields, seen, UINT32_MAX };
    struct input in;
    struct numbers n;
    int r;

    *p = (struct problem){ 0 };
    buf_add(&text, str_of(s));
    n = numbers_over(&in, &text, fields, records);
    r = numbers_read(&n, 2, take, &t, NULL, p);
    numbers_done(&n);
    CHECK(r == (p->text[0] ? -EINVAL : 0));
    return str_of(p->text);
}

static void what_is_wrong_is_said_with_its_offset(void)
{
    struct problem p;

    CHECK_STR(said_of("[1,2,3,4]", 2, 2, &p), "");
    CHECK_STR(said_of("[]", 2, 0, &p), "");
    CHECK_STR(said_of("[ \n ]", 2, 0, &p), "");
    CHECK_STR(said_of("[1,2,3,4]", 2, NUMBERS_ANY, &p), "");
    CHECK_STR(said_of("[]", 2, NUMBERS_ANY, &p), "");
    CHECK_STR(said_of("[1,2,3,4", 2, 2, &p),
              "offset 8: the file ends inside of \"things\": it is cut off");
    CHECK_STR(said_of("[1,2,x,4]", 2, 2, &p),
              "offset 5: \"x\" is no number of \"things\", which are whole, from 0 to 4294967295");
    CHECK_STR(said_of("[1,-2]", 2, 1, &p),
              "offset 3: \"-2\" is no number of \"things\", which are whole, from 0 to 4294967295");
    CHECK_STR(said_of("[1,2,,4]", 2, 2, &p), "offset 5: a number of \"things\" is missing");
    CHECK_STR(said_of("[1,2,3]", 2, 2, &p),
              "offset 6: \"things\" ends after 3 numbers; the header says 2 records of 2");
    CHECK_STR(said_of("[1,2]", 2, 2, &p),
              "offset 4: \"things\" ends after 2 numbers; the header says 2 records of 2");
    CHECK_STR(said_of("[1,2,3,4,5,6]", 2, 2, &p),
              "offset 1: \"things\" holds more than the 2 records that the header says");
    CHECK_STR(said_of("[1,2,3]", 2, NUMBERS_ANY, &p),
              "offset 6: \"things\" ends after 3 numbers, which are no whole records of 2");
}

static void a_refused_record_is_said_with_its_offset(void)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(freep) u32 *seen = calloc(RECORDS * 2, sizeof(u32));
    struct taken t = { 2, seen, 77777 };
    struct problem p = { 0 };
    struct input in;
    struct numbers n;
    char want[64], digits[16];
    unsigned long long offset;

    text_of(&text, RECORDS, 2, false);
    n = numbers_over(&in, &text, 2, RECORDS);
    CHECK_EQ(numbers_read(&n, 3, take, &t, NULL, &p), -EINVAL);
    CHECK_EQ(sscanf(p.text, "offset %llu: %60[^\n]", &offset, want), 2);
    CHECK_STR(str_of(want), "record 77777 is bad");
    snprintf(digits, sizeof(digits), "%u,", value_of(77777, 0));
    CHECK(memcmp(text.ptr + offset, digits, strlen(digits)) == 0);
    numbers_done(&n);
}

int main(void)
{
    TEST(every_record_arrives_once_whatever_the_threads);
    TEST(a_record_is_read_again);
    TEST(what_is_wrong_is_said_with_its_offset);
    TEST(a_refused_record_is_said_with_its_offset);
    return tap_done();
}
