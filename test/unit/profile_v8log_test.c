#include "profile/v8log.h"

#include "profile/hotspots.h"

#include "tap.h"

static struct profile p;
static struct hotspots h;

#define HEAD "v8-version,12,4,254,21,-node.33,0\nprofiler,begin,1000\n"

static void read_log(const char *text)
{
    struct problem problem = { 0 };

    hotspots_done(&h);
    profile_done(&p);
    CHECK_EQ(profile_read(&p, str_of(text), &problem), 0);
    CHECK_EQ(hotspots_find(&h, &p), 0);
}

static const struct hotspot *function(const char *name)
{
    static const struct hotspot none;

    for (u32 i = 0; i < h.functions; i++)
        if (str_eq(profile_name(&p, h.function[i].frame), str_of(name)))
            return &h.function[i];
    return &none;
}

static void a_function_is_one_whatever_tier_it_is_in(void)
{
    read_log(HEAD "code-creation,JS,10,5,0x1000,16,hot /a.js:3:7,0x99,~\n"
                  "code-creation,JS,10,6,0x2000,16,hot /a.js:3:7,0x99,*\n"
                  "code-creation,JS,10,6,0x3000,16,main /a b/c.js:1:1,0x98,^'\n"
                  "tick,0x1004,1000,0,0x0,0,0x3001\n"
                  "tick,0x2004,2000,0,0x0,0,0x3001\n"
                  "tick,0x3004,3000,0,0x0,0\n");
    CHECK_EQ(p.hits, 3);
    CHECK_EQ(function("hot")->self, 2);
    CHECK_EQ(function("main")->self, 1);
    CHECK_EQ(function("main")->total, 3);
    CHECK_EQ(p.frame[function("hot")->frame].line, 2);
    CHECK_EQ(p.frame[function("hot")->frame].column, 6);
    CHECK_STR(profile_url(&p, function("main")->frame), "/a b/c.js");
    CHECK_EQ(p.end_us, 3000);
}

static void code_that_moved_is_found_where_it_is_and_what_is_gone_is_nowhere(void)
{
    read_log(HEAD "code-creation,JS,10,5,0x1000,32,f /a.js:1:1,0x99,~\n"
                  "code-creation,JS,10,5,0x5000,32,g /a.js:2:1,0x99,~\n"
                  "code-move,0x1000,0x5010\n" /* over g */
                  "tick,0x5011,1000,0,0x0,0\n"
                  "tick,0x1001,2000,0,0x0,0\n"
                  "tick,0x5001,3000,0,0x0,0\n"
                  "code-delete,0x5010\n"
                  "tick,0x5011,4000,0,0x0,0\n");
    CHECK_EQ(function("f")->self, 1);
    CHECK_EQ(function("g")->total, 0);
    CHECK_EQ(function("(program)")->self, 3);
}

static void libraries_builtins_and_expressions_have_no_file(void)
{
    struct str package;

    read_log(HEAD "shared-library,/usr/lib/my libc.so.6,0x100000,0x200000,0\n"
                  "code-creation,Builtin,3,1,0x150000,64,ArrayMap\n"
                  "code-creation,RegExp,4,1,0x1000,64,a\\x2Cb+\n"
                  "tick,0x100010,1000,0,0x0,6\n"
                  "tick,0x150010,2000,0,0x0,0\n"
                  "tick,0x1010,3000,0,0x0,0\n"
                  "tick,0x9,3500,1,0x100020,6\n");
    CHECK_EQ(function("my libc.so.6")->self, 2);
    CHECK_EQ(function("ArrayMap")->self, 1);
    CHECK_EQ(function("RegExp: a,b+")->self, 1);
    CHECK_EQ(hotspots_kind(STR("ArrayMap"), STR(""), &package), HOTSPOT_NODE);
}

static void a_handler_of_a_bytecode_is_the_function_that_it_interprets(void)
{
    read_log(HEAD "code-creation,BytecodeHandler,1,1,0x9000,64,Star0\n"
                  "code-creation,JS,10,5,0x1000,32,f /a.js:1:1,0x99,~\n"
                  "tick,0x9001,1000,0,0x0,0,0x1004\n"
                  "tick,0x9001,2000,0,0x1008,0\n");
    CHECK_EQ(function("f")->self, 2);
    CHECK_EQ(function("Star0")->total, 0);
}

static void collections_and_idle_time_are_apart(void)
{
    read_log(HEAD "code-creation,JS,10,5,0x1000,32,f /a.js:1:1,0x99,~\n"
                  "tick,0x1001,1000,0,0x0,0\n"
                  "tick,0x1001,2000,0,0x0,1,0x1001\n"
                  "tick,0x1001,3000,0,0x0,8\n"
                  "tick,0x1001,4000,0,0x0,0\n"
                  "tick,0x1001,104000,0,0x0,0\n"); /* nothing ran for 100 ms */
    CHECK_EQ(h.kind[HOTSPOT_GC], 1);
    CHECK_EQ(h.kind[HOTSPOT_IDLE], 101);
    CHECK_EQ(function("f")->self, 3);
    CHECK_EQ((u64)(profile_hit_ms(&p) * 1000 + 0.5), 990);
}

static void offsets_and_an_overflow_are_read(void)
{
    read_log(HEAD "code-creation,JS,10,5,0x1000,32,f /a.js:1:1,0x99,~\n"
                  "code-creation,JS,10,5,0x2000,32,g, h <anonymous>:1:1,0x99,o+\n"
                  "tick,0x1001,1000,0,0x0,0,+1000,overflow,-1000\n");
    CHECK_EQ(function("g, h")->total, 1);
    CHECK_EQ(function("f")->self, 1);
    CHECK_EQ(function("f")->total, 1);
}

static void lines_without_sense_are_left_out(void)
{
    struct problem problem = { 0 };

    read_log(HEAD "code-creation\ncode-creation,JS,x\ncode-creation,JS,1,1,0xzz,1,f\ntick\n"
                  "tick,,\ncode-move,1\ncode-move,0xffffffffffffffff,0x1\nshared-library,a\n\n,,,\n"
                  "code-creation,JS,10,5,0xfffffffffffffff0,4096,f /a.js:1:1,0x99,~\n"
                  "tick,0xfffffffffffffff1,1000,0,0x0,0\ntick,0x1,99");
    CHECK_EQ(p.hits, 1);
    CHECK_EQ(function("f")->self, 1);
    hotspots_done(&h);
    profile_done(&p);
    CHECK_EQ(v8log_read(&p, STR(HEAD), &problem), -EINVAL);
    CHECK(str_starts(str_of(problem.text), STR("there is no tick in this log of V8's")));
}

int main(void)
{
    TEST(a_function_is_one_whatever_tier_it_is_in);
    TEST(code_that_moved_is_found_where_it_is_and_what_is_gone_is_nowhere);
    TEST(libraries_builtins_and_expressions_have_no_file);
    TEST(a_handler_of_a_bytecode_is_the_function_that_it_interprets);
    TEST(collections_and_idle_time_are_apart);
    TEST(offsets_and_an_overflow_are_read);
    TEST(lines_without_sense_are_left_out);
    hotspots_done(&h);
    profile_done(&p);
    return tap_done();
}
