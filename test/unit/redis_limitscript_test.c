/* test/unit/redis_limitscript_test.c -- the script decides as the C does: asked both, of a real
 * Redis
 *
 * Its clock is replaced by the test's: everything else is the script as it is sent.
 */
#include "redis/limitscript.h"

#include "base/clock.h"
#include "guard/limiter.h"
#include "redis_server.h"
#include "tap.h"

enum { KEYS = 3, RULES = 3, CASES = 60, STEPS = 250 };
#define START_US 1764180000123456ull /* as the clock of a Redis is */

static struct redis_server server;
static u64 random_state = 88172645463325252ull;

static u64 random_below(u64 n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % n;
}

/* ---- the script, with a clock of ours ---- */

static const char time_line[] = "local t = redis.call('TIME')\n";
static const char time_ours[] = "local t = {ARGV[#ARGV - 1], ARGV[#ARGV]}\n";

static void script_ours(struct buf *out)
{
    struct str text = limitscript_text();

    CHECK(str_starts(text, str_of(time_line)));
    buf_add(out, str_of(time_ours));
    buf_add(out, str_sub(text, sizeof(time_line) - 1, text.len));
}

static struct limitscript_answer ask(const struct limitscript_rule *rules, u32 n, u64 now_us)
{
    AUTO(buf_done) struct buf command = { 0 };
    AUTO(buf_done) struct buf script = { 0 };
    struct limitscript_answer a = { 0 };
    struct reply reply;

    script_ours(&script);
    resp_begin(&command, 3 + n + 3 * n + 2);
    resp_word(&command, STR("EVAL"));
    resp_word(&command, buf_str(&script));
    resp_number(&command, n);
    for (u32 i = 0; i < n; i++)
        resp_word(&command, rules[i].key);
    for (u32 i = 0; i < n; i++) {
        resp_word(&command, rules[i].is_window ? STR("w") : STR("b"));
        resp_number(&command, rules[i].is_window ? rules[i].slot_ns / LIMITSCRIPT_SLOT_UNIT_NS
                                                 : rules[i].token_ns);
        resp_number(&command, rules[i].is_window ? rules[i].most : rules[i].depth_ns);
    }
    resp_number(&command, now_us / 1000000);
    resp_number(&command, now_us % 1000000);
    reply = redis_server_ask(&server, &command);
    if (reply.kind == REPLY_ERROR)
        printf("# %.*s\n", STR_ARG(reply.text));
    CHECK(limitscript_read(&a, &reply, n));
    return a;
}

static void flush(void)
{
    AUTO(buf_done) struct buf command = { 0 };

    resp_begin(&command, 1);
    resp_word(&command, STR("FLUSHALL"));
    (void)redis_server_ask(&server, &command);
}

/* ---- what the C says ---- */

struct limit {
    struct limiter_rule rule;
    u32 key;
};

/* As proxy/throttle.c decides: each takes, and gives back when another refuses. */
static struct limitscript_answer judge(struct limiter *l, const struct limit *limits, u32 n,
                                       u64 now_ns)
{
    struct limitscript_answer a = { .refused = n, .known = n };

    for (u32 i = 0; i < n; i++) {
        a.verdict[i] = limiter_take(l, &limits[i].rule, limits[i].key + 1, now_ns);
        if (a.verdict[i].admitted)
            continue;
        for (u32 j = 0; j < i; j++)
            limiter_give(l, &limits[j].rule, limits[j].key + 1, now_ns);
        a.refused = i;
        a.known = i + 1;
        break;
    }
    return a;
}

static bool same(const struct limitscript_answer *a, const struct limitscript_answer *b)
{
    bool equal = a->refused == b->refused && a->known == b->known;

    for (u32 i = 0; i < a->known && equal; i++) {
        const struct rate_verdict *x = &a->verdict[i], *y = &b->verdict[i];

        equal = x->admitted == y->admitted && x->remaining == y->remaining &&
                x->reset_ns == y->reset_ns && x->retry_ns == y->retry_ns;
        if (!equal)
            printf("# limit %u: %d %u %llu %llu; %d %u %llu %llu\n", i, x->admitted, x->remaining,
                   (unsigned long long)x->reset_ns, (unsigned long long)x->retry_ns, y->admitted,
                   y->remaining, (unsigned long long)y->reset_ns, (unsigned long long)y->retry_ns);
    }
    return equal;
}

static struct limit limit_random(u32 number)
{
    static const u64 periods_ns[] = { NS_PER_S,        7 * NS_PER_S,     60 * NS_PER_S,
                                      3600 * NS_PER_S, 86400 * NS_PER_S, 31 * 86400 * NS_PER_S };
    u64 period_ns = periods_ns[random_below(ARRAY_LEN(periods_ns))];
    u32 count = 1 + (u32)random_below(random_below(2) ? 5 : 1000),
        burst = 1 + (u32)random_below(20);

    return (struct limit){ .rule = { .algorithm = random_below(2) ? LIMITER_WINDOW : LIMITER_BUCKET,
                                     .gcra = gcra_make(count, period_ns, burst),
                                     .window = window_make(count, period_ns) },
                           .key = number };
}

static struct limitscript_rule rule_of(const struct limit *l, u32 client, char key[32])
{
    int len = snprintf(key, 32, "k%u:%u", l->key, client);

    return (struct limitscript_rule){ .is_window = l->rule.algorithm == LIMITER_WINDOW,
                                      .token_ns = l->rule.gcra.token_ns,
                                      .depth_ns = l->rule.gcra.depth_ns,
                                      .slot_ns = l->rule.window.slot_ns,
                                      .most = l->rule.window.most,
                                      .key = str_make(key, (size_t)len) };
}

/* Mostly close after one another, sometimes after a part of the period. */
static u64 step_us(const struct limit *l)
{
    u64 period_ns = l->rule.window.slot_ns * 9;

    switch (random_below(8)) {
    case 0:
        return period_ns / 1000 / (1 + random_below(30));
    case 1:
        return l->rule.gcra.token_ns / 1000 + random_below(3);
    case 2:
        return 0;
    default:
        return random_below(1000);
    }
}

static void the_script_says_what_the_C_says_to_the_nanosecond(void)
{
    u32 refused = 0;

    for (u32 c = 0; c < CASES && tap_failures == 0; c++) {
        u32 n = 1 + (u32)random_below(RULES);
        u64 now_us = START_US + random_below(1ull << 40);
        struct limit limits[RULES];
        struct limiter limiter;

        flush();
        limiter_init(&limiter);
        CHECK_EQ(limiter_need(&limiter, LIMITER_BUCKET, 1 << 20), 0);
        CHECK_EQ(limiter_need(&limiter, LIMITER_WINDOW, 1 << 20), 0);
        for (u32 i = 0; i < n; i++)
            limits[i] = limit_random(i);
        for (u32 s = 0; s < STEPS && tap_failures == 0; s++) {
            u32 client = (u32)random_below(KEYS);
            struct limitscript_rule rules[RULES];
            struct limitscript_answer theirs, ours;
            struct limit mine[RULES];
            char keys[RULES][32];

            now_us += step_us(&limits[random_below(n)]);
            for (u32 i = 0; i < n; i++) {
                rules[i] = rule_of(&limits[i], client, keys[i]);
                mine[i] = limits[i];
                mine[i].key = limits[i].key * KEYS + client;
            }
            ours = judge(&limiter, mine, n, now_us * 1000);
            theirs = ask(rules, n, now_us);
            refused += ours.refused < n;
            CHECK(same(&ours, &theirs));
        }
        limiter_done(&limiter);
    }
    CHECK(refused > STEPS);
}

static void two_limits_of_one_budget_both_take_from_it(void)
{
    struct limit l = { .rule = { .gcra = gcra_make(4, 60 * NS_PER_S, 4) } };
    char key[2][32];
    struct limitscript_rule rules[2] = { rule_of(&l, 0, key[0]), rule_of(&l, 0, key[1]) };

    flush();
    CHECK_EQ(ask(rules, 2, START_US).verdict[1].remaining, 2);
    CHECK_EQ(ask(rules, 2, START_US).verdict[1].remaining, 0);
    CHECK_EQ(ask(rules, 2, START_US).refused, 0);
}

static void a_clock_that_is_set_back_locks_nobody_out_and_gives_nothing_away(void)
{
    struct limit bucket = { .rule = { .gcra = gcra_make(5, 10 * NS_PER_S, 5) } };
    struct limit window = {
        .rule = { .algorithm = LIMITER_WINDOW, .window = window_make(5, 9 * NS_PER_S) }, .key = 1
    };
    char key[2][32];
    struct limitscript_rule rules[2] = { rule_of(&bucket, 0, key[0]), rule_of(&window, 0, key[1]) };
    u64 back_us = START_US - 3600ull * 1000000;

    flush();
    for (u32 i = 0; i < 5; i++)
        CHECK_EQ(ask(rules, 2, START_US).refused, 2);
    CHECK_EQ(ask(rules, 1, back_us).verdict[0].retry_ns, 2 * NS_PER_S);
    CHECK_EQ(ask(rules + 1, 1, back_us).refused, 0);
    CHECK(ask(rules + 1, 1, back_us).verdict[0].retry_ns <= 10 * NS_PER_S);
    CHECK_EQ(ask(rules, 2, back_us + 11 * 1000000).refused, 2);
}

static void what_lies_at_a_key_and_is_none_of_ours_counts_as_nothing(void)
{
    AUTO(buf_done) struct buf command = { 0 };
    struct limit l = { .rule = { .gcra = gcra_make(2, 60 * NS_PER_S, 2) } };
    char key[32];
    struct limitscript_rule rule = rule_of(&l, 0, key);

    flush();
    resp_begin(&command, 3);
    resp_word(&command, STR("SET"));
    resp_word(&command, rule.key);
    resp_word(&command, STR("b99 \xff\r\n"));
    (void)redis_server_ask(&server, &command);
    CHECK_EQ(ask(&rule, 1, START_US).verdict[0].remaining, 1);
}

static void keys_expire_when_the_budget_is_whole(void)
{
    AUTO(buf_done) struct buf command = { 0 };
    struct limit l = { .rule = { .gcra = gcra_make(1, 60 * NS_PER_S, 1) } };
    char key[32];
    struct limitscript_rule rule = rule_of(&l, 0, key);
    struct reply reply;

    flush();
    limitscript_call(&command, (struct str){ 0 }, &rule, 1);
    reply = redis_server_ask(&server, &command);
    CHECK_EQ(reply_at(&reply, 0).integer, 0);
    resp_begin(&command, 2);
    resp_word(&command, STR("PTTL"));
    resp_word(&command, rule.key);
    reply = redis_server_ask(&server, &command);
    CHECK(reply.integer > 30000 && reply.integer <= 60000);
}

int main(void)
{
    if (!redis_server_start(&server)) {
        redis_server_stop(&server);
        printf("1..0 # SKIP no redis-server here\n");
        return 0;
    }
    TEST(the_script_says_what_the_C_says_to_the_nanosecond);
    TEST(two_limits_of_one_budget_both_take_from_it);
    TEST(a_clock_that_is_set_back_locks_nobody_out_and_gives_nothing_away);
    TEST(what_lies_at_a_key_and_is_none_of_ours_counts_as_nothing);
    TEST(keys_expire_when_the_budget_is_whole);
    redis_server_stop(&server);
    return tap_done();
}
