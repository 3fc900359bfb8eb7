/* calltree: who called whom, as a picture has it */
#include "profile/calltree.h"

#include "tap.h"

static struct profile p;
static struct calltree t;

/* «ID PARENT NAME HITS;…», as a profile whose functions are told apart by name only. */
static void made_of(const char *text, const struct calltree_conf *conf)
{
    AUTO(buf_done) struct buf json = { 0 };
    struct problem problem = { 0 };
    struct str rest = str_of(text);

    calltree_done(&t);
    profile_done(&p);
    buf_add(&json, STR("{\"startTime\":0,\"endTime\":1,\"nodes\":["));
    for (u32 i = 0; rest.ptr; i++) {
        struct str row = str_cut(rest, ';', &rest), id = str_cut(row, ' ', &row);
        struct str parent = str_cut(row, ' ', &row), name = str_cut(row, ' ', &row);

        buf_addf(&json, "%s{\"id\":%.*s,", i ? "," : "", STR_ARG(id));
        if (!str_eq(parent, STR("-")))
            buf_addf(&json, "\"parent\":%.*s,", STR_ARG(parent));
        buf_addf(&json, "\"hitCount\":%.*s,\"callFrame\":{\"functionName\":\"%.*s\",\"url\":\"\"}}",
                 STR_ARG(row), STR_ARG(name));
    }
    buf_add(&json, STR("]}"));
    CHECK_EQ(profile_read(&p, buf_str(&json), &problem), 0);
    CHECK_EQ(calltree_build(&t, &p, conf), 0);
}

/* «root 10/0 > a 6/2 >> b 4/4»: total/self, as many > as it is deep. */
static struct str drawn(void)
{
    static struct buf out;

    buf_clear(&out);
    for (u32 i = 0; i < t.calls; i++) {
        const struct calltree_call *c = &t.call[i];

        for (u32 k = 0; k < c->depth; k++)
            buf_addf(&out, "%s>", k ? "" : " ");
        if (c->frame == CALLTREE_SMALL)
            buf_addf(&out, "%s+%u", c->depth ? " " : "", c->small);
        else
            buf_addf(&out, "%s%.*s", c->depth ? " " : "", STR_ARG(profile_name(&p, c->frame)));
        buf_addf(&out, " %llu/%llu", (unsigned long long)c->total, (unsigned long long)c->self);
    }
    return buf_str(&out);
}

static const struct calltree_conf all = { .calls_max = 1000 };

static void the_largest_comes_first_and_totals_are_sums(void)
{
    made_of("1 - (root) 0;2 1 a 2;3 1 b 1;4 3 c 9;5 2 d 3", &all);
    CHECK_STR(drawn(), "(root) 15/0 > b 10/1 >> c 9/9 > a 5/2 >> d 3/3");
    CHECK_EQ(t.depth_max, 2);
    CHECK_EQ(t.left_out, 0);
}

static void calls_of_the_same_function_by_the_same_are_one(void)
{
    made_of("1 - (root) 0;2 1 a 2;3 1 a 3;4 2 b 1;5 3 b 4;6 5 a 1", &all);
    CHECK_STR(drawn(), "(root) 11/0 > a 11/5 >> b 6/5 >>> a 1/1");
}

static void idle_time_can_be_left_out(void)
{
    struct calltree_conf conf = { .calls_max = 1000, .without_idle = true };

    made_of("1 - (root) 0;2 1 (idle) 90;3 1 a 2", &all);
    CHECK_STR(drawn(), "(root) 92/0 > (idle) 90/90 > a 2/2");
    CHECK_EQ(t.idle, 90);
    made_of("1 - (root) 0;2 1 (idle) 90;3 1 a 2", &conf);
    CHECK_STR(drawn(), "(root) 2/0 > a 2/2");
}

static void the_smallest_are_left_out_and_counted(void)
{
    struct calltree_conf share = { .calls_max = 1000, .least_share = 0.1 };
    struct calltree_conf few = { .calls_max = 3 };

    made_of("1 - (root) 0;2 1 a 80;3 1 b 9;4 1 c 8;5 1 d 3;6 2 e 1", &share);
    CHECK_STR(drawn(), "(root) 101/0 > a 81/80 > +3 20/0");
    CHECK_EQ(t.left_out, 4);
    made_of("1 - (root) 0;2 1 a 80;3 1 b 9;4 1 c 1;5 1 d 1;6 2 e 7", &few);
    CHECK_STR(drawn(), "(root) 98/0 > a 87/80 > b 9/9");
    CHECK_EQ(t.left_out, 3);
}

static void nothing_sampled_is_a_root(void)
{
    made_of("1 - (root) 0;2 1 a 0", &all);
    CHECK_STR(drawn(), "(root) 0/0");
}

static void a_long_chain_takes_no_time(void)
{
    AUTO(buf_done) struct buf text = { 0 };

    buf_add(&text, STR("1 - (root) 0"));
    for (u32 i = 2; i < 100000; i++)
        buf_addf(&text, ";%u %u f 1", i, i - 1);
    buf_addc(&text, '\0');
    made_of(text.ptr, &(struct calltree_conf){ .calls_max = 500 });
    CHECK(t.calls <= 502);
    CHECK_EQ(t.call[0].total, 99998);
}

int main(void)
{
    TEST(the_largest_comes_first_and_totals_are_sums);
    TEST(calls_of_the_same_function_by_the_same_are_one);
    TEST(idle_time_can_be_left_out);
    TEST(the_smallest_are_left_out_and_counted);
    TEST(nothing_sampled_is_a_root);
    TEST(a_long_chain_takes_no_time);
    calltree_done(&t);
    profile_done(&p);
    return tap_done();
}
