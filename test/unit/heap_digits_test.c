#include "heap/digits.h"

#include "base/buf.h"
#include "tap.h"

/* A text with room around it, as digits_read wants it. */
struct text {
    char bytes[DIGITS_BEFORE + 4096 + DIGITS_AFTER];
    size_t len;
};

static const char *begin(const struct text *t)
{
    return t->bytes + DIGITS_BEFORE;
}

static void add(struct text *t, const char *s)
{
    size_t len = strlen(s);

    assert(t->len + len <= 4096);
    memcpy(t->bytes + DIGITS_BEFORE + t->len, s, len);
    t->len += len;
}

/* What it read, as text; "-" when it refused. Behind the text stands a digit and an x: both must
 * not matter. */
static struct str read_as(const char *s, u32 count, struct buf *out)
{
    struct text t = { 0 };
    u32 value[64] = { 0 };
    const char *end;

    memset(t.bytes, '7', sizeof(t.bytes));
    add(&t, s);
    t.bytes[DIGITS_BEFORE + t.len] = ']';
    end = digits_read(begin(&t), begin(&t) + t.len, value, count);
    buf_clear(out);
    if (!end)
        buf_addc(out, '-');
    for (u32 i = 0; end && i < count; i++)
        buf_addf(out, "%s%u", i ? " " : "", value[i]);
    return buf_str(out);
}

static void numbers_of_every_length_are_read(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    CHECK_STR(read_as("0", 1, &out), "0");
    CHECK_STR(read_as("1,12,123,1234,12345,123456,1234567,12345678,123456789,1234567890", 10, &out),
              "1 12 123 1234 12345 123456 1234567 12345678 123456789 1234567890");
    CHECK_STR(read_as("4294967294,4294967295,4294967296,99999999999,12345678901234567890", 5, &out),
              "4294967294 4294967295 4294967295 4294967295 4294967295");
    CHECK_STR(read_as("0000000000000000001", 1, &out), "4294967295");
    CHECK_STR(read_as("123456789012345678901", 1, &out), "-");
}

static void blanks_may_stand_anywhere_between(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    CHECK_STR(read_as(" 1 ,\n2\r\n,\t3 ", 3, &out), "1 2 3");
    CHECK_STR(read_as("1\n,2\n,3\n", 3, &out), "1 2 3");
}

static void what_is_no_number_is_refused(void)
{
    static const char *const bad[] = { "1,2,",  "1,,2",  "1 2,3", "1,-2,3", "1,2.5,3",
                                       "1,x,3", "1;2,3", "",      ",1,2,3" };
    AUTO(buf_done) struct buf out = { 0 };

    for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_STR(read_as(bad[i], 3, &out), "-");
        if (!str_eq(buf_str(&out), STR("-")))
            printf("# of %s\n", bad[i]);
    }
}

static void what_follows_the_last_number_does_not_matter(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    CHECK_STR(read_as("1,2,x,,,", 2, &out), "1 2");
}

static u32 draw(u64 *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(*state >> 33);
}

static void random_arrays_are_read_as_strtoul_reads_them(void)
{
    u64 state = 1;

    for (u32 round = 0; round < 2000; round++) {
        struct text t = { 0 };
        u32 value[256], want[256], count = 1 + draw(&state) % 200;
        const char *end;

        for (u32 i = 0; i < count; i++) {
            char s[24];

            want[i] = draw(&state) >> draw(&state) % 31;
            snprintf(s, sizeof(s), "%s%u%s", i ? "," : "", want[i], draw(&state) % 8 ? "" : "\n");
            add(&t, s);
        }
        t.bytes[DIGITS_BEFORE + t.len] = ']';
        end = digits_read(begin(&t), begin(&t) + t.len, value, count);
        CHECK(end != NULL);
        CHECK(end && memcmp(value, want, count * sizeof(u32)) == 0);
        CHECK_EQ(digits_commas(begin(&t), t.len), count - 1);
    }
}

int main(void)
{
    TEST(numbers_of_every_length_are_read);
    TEST(blanks_may_stand_anywhere_between);
    TEST(what_is_no_number_is_refused);
    TEST(what_follows_the_last_number_does_not_matter);
    TEST(random_arrays_are_read_as_strtoul_reads_them);
    return tap_done();
}
