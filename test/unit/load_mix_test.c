/* load_mix_test -- the mix file: what it gives, and what its mistakes are told as */
#include "tap.h"

#include "load/mix.h"
#include "load/request.h"

static void a_mix_has_its_kinds(void)
{
    static const char text[] =
        "[{\"name\":\"slow\",\"weight\":2,\"method\":\"PUT\",\"path\":\"/slow?x=1\","
        "\"headers\":{\"x\":\"y\",\"Host\":\"h\"},\"body\":\"hello\"},{}]";
    struct destination d = { .authority = STR("a:1"), .path = STR("/p") };
    struct request r;
    struct problem p;
    struct mix m = { 0 };

    CHECK_EQ(mix_parse(&m, str_of(text), "mix.json", &p), 0);
    CHECK_EQ(m.count, 2);
    CHECK_EQ(m.weights, 3);
    CHECK_EQ(request_init(&r, &m.kinds[0], &d, true), 0);
    CHECK_STR(buf_str(&r.name), "slow");
    CHECK_STR(buf_str(&r.bytes), "PUT /slow?x=1 HTTP/1.1\r\nx: y\r\nHost: h\r\n"
                                 "Content-Length: 5\r\n\r\nhello");
    request_done(&r);
    CHECK_EQ(request_init(&r, &m.kinds[1], &d, false), 0);
    CHECK_STR(buf_str(&r.name), "/p");
    CHECK_STR(buf_str(&r.bytes), "GET /p HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n");
    request_done(&r);
    mix_done(&m);
}

static void each_kind_comes_as_often_as_its_weight_says(void)
{
    struct random r = { 1 }, again = { 1 };
    struct mix m = { 0 };
    struct problem p;
    u32 counts[3] = { 0 };

    CHECK_EQ(mix_parse(&m, STR("[{\"weight\":1},{\"weight\":3},{\"weight\":96}]"), "m", &p), 0);
    for (u32 i = 0; i < 100000; i++) {
        u32 kind = mix_pick(&m, &r);

        counts[kind]++;
        CHECK_EQ(kind, mix_pick(&m, &again));
    }
    CHECK(counts[0] > 800 && counts[0] < 1200);
    CHECK(counts[1] > 2700 && counts[1] < 3300);
    mix_done(&m);
}

static void mistakes_name_the_kind_and_what_would_be_right(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "[", "not valid JSON" },
        { "{}", "must be a list of 1 to 64 kinds" },
        { "[]", "must be a list of 1 to 64 kinds" },
        { "[{},7]", "kind 2 is no object" },
        { "[{\"wieght\":1}]", "kind 1: \"wieght\" is unknown; there are name, weight" },
        { "[{\"weight\":0}]", "kind 1, \"weight\": is no whole number from 1 to 1000000" },
        { "[{\"weight\":1.5}]", "\"weight\": is no whole number" },
        { "[{\"path\":\"x\"}]", "\"path\": \"x\" is no path; it begins with /" },
        { "[{\"path\":\"/a b\"}]", "holds no blank" },
        { "[{\"method\":\"G T\"}]", "\"G T\" is no method" },
        { "[{\"method\":5}]", "\"method\": is no text" },
        { "[{\"method\":\"CONNECT\"}]", "CONNECT has no answer" },
        { "[{\"name\":\"\"}]", "1 to 80 bytes" },
        { "[{\"headers\":[]}]", "\"headers\": is no object" },
        { "[{\"headers\":{\"a b\":\"\"}}]", "\"a b\" is no name of a header field" },
        { "[{\"headers\":{\"a\":\"x\\r\\ny: z\"}}]", "the value of a holds a control character" },
        { "[{\"headers\":{\"Content-Length\":\"5\"}}]", "written by the load generator itself" },
        { "[{\"body\":\"a\",\"body_file\":\"b\"}]", "there is a body already" },
        { "[{\"body_file\":\"nowhere\"}]", "some/nowhere cannot be read: No such file" },
    };

    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct mix m = { 0 };
        struct problem p;

        CHECK_EQ(mix_parse(&m, str_of(cases[i].text), "some/mix.json", &p), -EINVAL);
        CHECK_STR(str_of(p.file), "some/mix.json");
        if (!strstr(p.text, cases[i].says)) {
            printf("# %s: %s\n", cases[i].text, p.text);
            CHECK(false);
        }
        mix_done(&m);
    }
}

int main(void)
{
    TEST(a_mix_has_its_kinds);
    TEST(each_kind_comes_as_often_as_its_weight_says);
    TEST(mistakes_name_the_kind_and_what_would_be_right);
    return tap_done();
}
