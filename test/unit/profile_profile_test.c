#include "profile/hotspots.h"
#include "profile/node_parts.h"

#include "tap.h"

static struct profile p;
static struct hotspots h;

/* What it says of a text; "" when it is fine, and p and h are there. */
static struct str said_of(const char *text, struct problem *problem)
{
    int r;

    hotspots_done(&h);
    profile_done(&p);
    *problem = (struct problem){ 0 };
    r = profile_read(&p, str_of(text), problem);
    CHECK(r == (problem->text[0] ? -EINVAL : 0));
    if (!r)
        CHECK_EQ(hotspots_find(&h, &p), 0);
    return str_of(problem->text);
}

static const struct hotspot *function(const char *name)
{
    for (u32 i = 0; i < h.functions; i++)
        if (str_eq(profile_name(&p, h.function[i].frame), str_of(name)))
            return &h.function[i];
    return NULL;
}

#define FRAME(name, url, line)                                                       \
    "\"callFrame\":{\"functionName\":\"" name "\",\"scriptId\":\"1\",\"url\":\"" url \
    "\",\"lineNumber\":" #line ",\"columnNumber\":3}"

static const char recursive[] = "{\"nodes\":[{\"id\":1," FRAME(
    "(root)", "",
    -1) ",\"hitCount\":0,\"children\":[2,5,6]},"
        "{\"id\":2," FRAME(
            "fib", "file:///app/fib.js",
            4) ",\"hitCount\":2,\"children\":[3],\"positionTicks\":[{\"line\":6,\"ticks\":2}]},"
               "{\"id\":3," FRAME(
                   "fib", "file:///app/fib.js",
                   4) ",\"hitCount\":3,\"children\":[4],\"positionTicks\":[{\"line\":6,\"ticks\":1}"
                      ",{\"line\":7,\"ticks\":2}]},"
                      "{\"id\":4," FRAME(
                          "add", "/app/node_modules/@calc/add/lib/add.js",
                          0) ",\"hitCount\":1},"
                             "{\"id\":5," FRAME(
                                 "(idle)", "",
                                 -1) ",\"hitCount\":10},"
                                     "{\"id\":6," FRAME(
                                         "(garbage collector)", "",
                                         -1) ",\"hitCount\":4}],"
                                             "\"startTime\":1000000,\"endTime\":1020000,"
                                             "\"samples\":[2,3],\"timeDeltas\":[10,-3]}";

static void recursion_counts_each_sample_once(void)
{
    struct problem problem;

    CHECK_STR(said_of(recursive, &problem), "");
    CHECK_EQ(p.nodes, 6);
    CHECK_EQ(p.hits, 20);
    CHECK_EQ(profile_hit_ms(&p) * 1000, 1000);
    CHECK_EQ(function("fib")->self, 5);
    CHECK_EQ(function("fib")->total, 6);
    CHECK_EQ(function("add")->total, 1);
    CHECK_EQ(function("(root)")->total, 20);
}

static void lines_and_packages_and_kinds_are_added_up(void)
{
    struct problem problem;

    CHECK_STR(said_of(recursive, &problem), "");
    CHECK_EQ(h.lines, 2);
    CHECK_EQ(h.line[0].line, 6);
    CHECK_EQ(h.line[0].hits, 3);
    CHECK_EQ(h.line[1].hits, 2);
    CHECK_EQ(h.packages, 1);
    CHECK_STR(names_text(&h.names, h.package[0].name), "@calc/add");
    CHECK_EQ(h.kind[HOTSPOT_APP], 5);
    CHECK_EQ(h.kind[HOTSPOT_PACKAGE], 1);
    CHECK_EQ(h.kind[HOTSPOT_IDLE], 10);
    CHECK_EQ(h.kind[HOTSPOT_GC], 4);
}

static void the_older_form_is_a_tree_in_seconds(void)
{
    struct problem problem;

    CHECK_STR(said_of("{\"typeId\":\"CPU\",\"head\":{\"functionName\":\"(root)\",\"url\":\"\","
                      "\"lineNumber\":0,\"id\":1,\"hitCount\":0,"
                      "\"children\":[{\"functionName\":\"f\",\"url\":\"/"
                      "a.js\",\"lineNumber\":5,\"columnNumber\":1,\"id\":2,\"hitCount\":4,"
                      "\"lineTicks\":[{\"line\":6,\"hitCount\":1}],\"children\":[]}]},"
                      "\"startTime\":10,\"endTime\":12}",
                      &problem),
              "");
    CHECK_EQ(p.nodes, 2);
    CHECK_EQ(function("f")->self, 4);
    CHECK_EQ(p.frame[function("f")->frame].line, 4);
    CHECK_EQ(profile_hit_ms(&p), 500);
}

static void hits_are_counted_from_samples_and_parents_may_be_named(void)
{
    struct problem problem;

    CHECK_STR(
        said_of(
            "{\"samples\":[2,3,3,9],\"startTime\":0,\"endTime\":3000,\"nodes\":[{\"id\":1," FRAME(
                "(root)", "",
                -1) "},"
                    "{\"id\":3," FRAME("g", "/a.js", 7) ",\"parent\":2},{\"id\":2," FRAME(
                        "f", "/a.js", 1) ",\"parent\":1}]}",
            &problem),
        "");
    CHECK_EQ(function("f")->self, 1);
    CHECK_EQ(function("f")->total, 3);
    CHECK_EQ(function("g")->self, 2);
}

static void v8_profiler_next_counts_from_one_and_has_ticks_in_the_call_frame(void)
{
    struct problem problem;

    CHECK_STR(said_of("{\"typeId\":\"CPU\",\"nodes\":[{\"id\":1,\"hitCount\":0,\"callFrame\":{"
                      "\"functionName\":\"(root)\",\"lineNumber\":0},\"children\":[2]},"
                      "{\"id\":2,\"hitCount\":3,\"callFrame\":{\"functionName\":\"f\",\"url\":\"/"
                      "a.js\",\"lineNumber\":7,\"columnNumber\":5,\"lineTicks\":[{\"line\":8,"
                      "\"hitCount\":3}]},\"children\":[]}],\"startTime\":0,\"endTime\":3000}",
                      &problem),
              "");
    CHECK_EQ(p.frame[function("f")->frame].line, 6);
    CHECK_EQ(p.frame[function("f")->frame].column, 4);
    CHECK_EQ(p.frame[function("(root)")->frame].line, -1);
    CHECK_EQ(h.lines, 1);
    CHECK_EQ(h.line[0].line, 8);
    CHECK_EQ(h.line[0].hits, 3);
    CHECK_EQ(profile_hit_ms(&p), 1);
}

#define TRACED(function, id, parent)                                                      \
    "{\"callFrame\":{\"functionName\":\"" function "\",\"url\":\"/a.js\",\"scriptId\":7," \
    "\"lineNumber\":4,\"columnNumber\":2,\"codeType\":\"JS\"},\"id\":" #id parent "}"
#define ROOT "{\"callFrame\":{\"functionName\":\"(root)\",\"scriptId\":0},\"id\":1}"
#define CHUNK(id, data) \
    "{\"args\":{\"data\":" data "},\"id\":\"" id "\",\"name\":\"ProfileChunk\",\"pid\":9}"

/* As V8 writes them, in pieces; a thread's own profile comes between them. */
static const char trace[] =
    "[{\"name\":\"Profile\",\"id\":\"0x1\",\"pid\":9,\"args\":{\"data\":{\"startTime\":5}}}," CHUNK(
        "0x1",
        "{\"cpuProfile\":{\"nodes\":[" ROOT "," TRACED(
            "f", 2,
            ",\"parent\":1") "],\"samples\":[2,2]},\"timeDeltas\":[1000,1000],\"lines\":[6,"
                             "7]}") ","
                                    "{\"name\":\"thread_name\",\"args\":{\"name\":"
                                    "\"ProfileChunk\"}}," CHUNK(
                                        "0x2",
                                        "{\"cpuProfile\":{\"nodes\":[" ROOT "," TRACED(
                                            "g", 2,
                                            ",\"parent\":1") "],\"samples\":[2,1]},"
                                                             "\"timeDeltas\":[1000,1000]"
                                                             "}") "," CHUNK("0x1",
                                                                            "{\"cpuProfil"
                                                                            "e\":{"
                                                                            "\"nodes\":"
                                                                            "[" TRACED(
                                                                                "h", 3,
                                                                                ",\"paren"
                                                                                "t\":2") "],"
                                                                                         "\"samples"
                                                                                         "\":[3,2]}"
                                                                                         ",\"lines"
                                                                                         "\":[5,7],"
                                                                                         "\"timeDel"
                                                                                         "tas\":["
                                                                                         "500,500]"
                                                                                         "}") "]";

static void a_trace_has_profiles_in_pieces(void)
{
    AUTO(buf_done) struct buf object = { 0 };
    struct problem problem;

    CHECK_STR(said_of(trace, &problem), "");
    CHECK_EQ(p.nodes, 4);
    CHECK_EQ(p.hits, 6);
    CHECK_EQ(p.end_us - p.start_us, 5000);
    CHECK_EQ(function("f")->self, 3);
    CHECK_EQ(function("f")->total, 4);
    CHECK_EQ(function("h")->self, 1);
    CHECK_EQ(function("g")->self, 1);
    CHECK_EQ(function("(root)")->total, 6);
    CHECK_EQ(h.lines, 3);
    CHECK_EQ(h.line[0].line, 7);
    CHECK_EQ(h.line[0].hits, 2);
    buf_addf(&object, "{\"metadata\":{\"nodes\":[]},\"traceEvents\":%s,\"nodes\":7}", trace);
    buf_addc(&object, 0);
    CHECK_STR(said_of(object.ptr, &problem), "");
    CHECK_EQ(p.hits, 6);
    CHECK_STR(said_of("{\"traceEvents\":[{\"name\":\"Profile\"}]}", &problem),
              "there is no CPU profile in this trace");
    CHECK_STR(said_of("[{\"name\":", &problem), "offset 9: the file ends too early: it is cut off");
    CHECK(said_of("[" CHUNK("1", "{\"nodes\":[{\"children\":[{\"id\":1}]}]}") "]", &problem).len);
}

/* As in DevTools. */
static void the_first_node_says_whether_samples_are_counted(void)
{
    struct problem problem;

    CHECK_STR(
        said_of("{\"samples\":[2,2,1],\"endTime\":3000,\"nodes\":[{\"id\":1," FRAME(
                    "(root)", "",
                    -1) ",\"children\":[2]},{\"id\":2,\"hitCount\":9," FRAME("f", "/a.js", 1) "}]}",
                &problem),
        "");
    CHECK_EQ(function("f")->self, 2);
    CHECK_EQ(p.hits, 3);
    CHECK_STR(
        said_of("{\"samples\":[2,2,1],\"endTime\":3000,\"nodes\":[{\"id\":1,\"hitCount\":0," FRAME(
                    "(root)", "",
                    -1) ",\"children\":[2]},{\"id\":2,\"hitCount\":9," FRAME("f", "/a.js", 1) "}]}",
                &problem),
        "");
    CHECK_EQ(function("f")->self, 9);
    CHECK_STR(
        said_of("{\"endTime\":3000,\"nodes\":[{\"id\":1," FRAME(
                    "(root)", "",
                    -1) ",\"children\":[2]},{\"id\":2,\"hitCount\":9," FRAME("f", "/a.js", 1) "}]}",
                &problem),
        "");
    CHECK_EQ(function("f")->self, 9);
}

static void a_profile_of_allocations_counts_bytes(void)
{
    struct problem problem;

    CHECK_STR(
        said_of(
            "{\"head\":{" FRAME("(root)", "", -1) ",\"selfSize\":0,\"id\":1,\"children\":[{" FRAME(
                "make", "/a.js",
                4) ",\"selfSize\":4096,\"id\":2,\"children\":[{" FRAME("copy", "/a.js",
                                                                       9) ",\"selfSize\":100,"
                                                                          "\"id\":3,\"children\":[]"
                                                                          "}]}]},"
                                                                          "\"samples\":[{\"size\":"
                                                                          "4096,\"nodeId\":2,"
                                                                          "\"ordinal\":1}]}",
            &problem),
        "");
    CHECK(p.is_of_bytes);
    CHECK_EQ(p.hits, 4196);
    CHECK_EQ(function("make")->self, 4096);
    CHECK_EQ(function("make")->total, 4196);
    CHECK_EQ(p.frame[function("copy")->frame].line, 9);
}

static bool says(const char *text, const char *want)
{
    struct problem problem;
    struct str said = said_of(text, &problem);

    if (memmem(said.ptr, said.len, want, strlen(want)))
        return true;
    printf("# of %s: \"%.*s\"\n", text, STR_ARG(said));
    return false;
}

static void what_is_wrong_is_said(void)
{
    CHECK(says("", "offset 0: the file ends too early: it is cut off"));
    CHECK(says("[]", "offset 0: neither a profile nor a log of node --prof begins like this"));
    CHECK(says("{}", "there is no \"nodes\": this is no profile"));
    CHECK(says("{\"nodes\":[]}", "there is no \"nodes\""));
    CHECK(says("{\"nodes\":[{\"id\":1}", "offset 18: the file ends too early: it is cut off"));
    CHECK(says("{\"nodes\":[{\"id\":1}]} x", "offset 21: the document has ended before this"));
    CHECK(says("{\"nodes\":[{\"id\":x}]}", "offset 16: a number is expected here"));
    CHECK(says("{\"nodes\":[{\"id\":1,\"hitCount\":1,\"children\":[7]}]}",
               "node 1 refers to node 7, which is not there"));
    CHECK(says("{\"nodes\":[{\"id\":1,\"hitCount\":1,\"children\":[1]}]}", "nodes make no tree"));
    CHECK(says("{\"nodes\":[{\"id\":1,\"hitCount\":1},{\"id\":2,\"children\":[3]},{\"id\":3,"
               "\"children\":[2]}]}",
               "is above itself"));
    CHECK(says("{\"nodes\":[{\"id\":1}]}", "neither \"hitCount\" nor \"samples\""));
    CHECK(says("{\"a\":\"\\x\"}", "this is no escape of JSON"));
}

static void a_deep_nest_is_refused(void)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct problem problem;

    buf_add(&text, STR("{\"x\":"));
    for (u32 i = 0; i < 100000; i++)
        buf_addc(&text, '[');
    buf_addc(&text, '\0');
    CHECK(memmem(said_of(text.ptr, &problem).ptr, 60, "nested too deeply", 17));
}

static void a_long_chain_takes_no_time(void)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct problem problem;

    buf_add(&text, STR("{\"startTime\":0,\"endTime\":1,\"nodes\":[{\"id\":0,\"hitCount\":1}"));
    for (u32 i = 1; i < 200000; i++)
        buf_addf(&text, ",{\"id\":%u,\"parent\":%u,\"hitCount\":1}", i, i - 1);
    buf_add(&text, STR("]}"));
    buf_addc(&text, '\0');
    CHECK_STR(said_of(text.ptr, &problem), "");
    CHECK_EQ(h.function[0].total, 200000);
}

/* What begins like a node and is none, children before parents, functions that only some parts
 * have. */
static void many_put(struct buf *text, u32 nodes)
{
    buf_add(text, STR("{\"startTime\":0,\"endTime\":1,\"nodes\":[{\"id\":1,\"hitCount\":1}"));
    for (u32 i = 2; i <= nodes; i++) {
        buf_addf(text,
                 ",{\"id\":%u,\"callFrame\":{\"functionName\":\"f%u\",\"url\":\"/%u.js\","
                 "\"lineNumber\":%u},\"hitCount\":%u,\"parent\":%u",
                 i, i / 7 % 20, i % 3, i % 5, i % 4, i % 5 == 4 && i < nodes ? i + 1 : i / 2);
        if (i % 40 == 0)
            buf_add(text, STR(",\"odd\":[{\"id\":1},{\"id\":2}]"));
        buf_addf(text, ",\"positionTicks\":[{\"line\":%u,\"ticks\":%u}]}", i % 9 + 1, i % 4);
    }
    buf_add(text, STR("]}"));
}

static bool alike(const struct profile *a, const struct profile *b)
{
    bool same = a->frames == b->frames && a->nodes == b->nodes && a->ticks == b->ticks;

    for (u32 i = 0; same && i < a->frames; i++)
        same = str_eq(profile_name(a, i), profile_name(b, i)) &&
               str_eq(profile_url(a, i), profile_url(b, i)) && a->frame[i].line == b->frame[i].line;
    return same && memcmp(a->node, b->node, a->nodes * sizeof(*a->node)) == 0 &&
           memcmp(a->tick, b->tick, a->ticks * sizeof(*a->tick)) == 0;
}

/* Whether two threads were enough: no guess was wrong. */
static bool in_parts(struct str text)
{
    struct profile read = { 0 };
    struct raw_nodes nodes;
    struct problem problem;
    bool done;

    raw_nodes_init(&nodes, &read, text, &problem);
    nodes.s.at = (char *)memchr(text.ptr, '[', text.len) + 1;
    done = node_parts_read(&nodes, 2, 64);
    raw_nodes_done(&nodes);
    profile_done(&read);
    return done;
}

static void threads_read_what_one_reads(void)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct profile one;
    struct problem problem = { 0 };

    many_put(&text, 2000);
    CHECK_EQ(profile_read_by(&one, buf_str(&text), &(struct profile_conf){ 1, 1 }, &problem), 0);
    CHECK_EQ(one.nodes, 2000);
    CHECK(in_parts(buf_str(&text)));
    for (u32 threads = 2; threads < 20; threads++) {
        struct profile several;

        CHECK_EQ(profile_read_by(&several, buf_str(&text),
                                 &(struct profile_conf){ threads, 64 * threads }, &problem),
                 0);
        CHECK(alike(&one, &several));
        profile_done(&several);
    }
    profile_done(&one);
}

/* The same mistake at the same offset. */
static void a_mistake_is_where_one_thread_finds_it(void)
{
    AUTO(buf_done) struct buf text = { 0 };

    many_put(&text, 500);
    for (size_t at = 100; at < text.len; at += text.len / 40) {
        struct problem problem[2] = { 0 };
        char kept = text.ptr[at];
        int err[2];

        text.ptr[at] = '!';
        for (u32 i = 0; i < 2; i++) {
            struct profile read;

            err[i] = profile_read_by(&read, buf_str(&text), &(struct profile_conf){ 1 + 3 * i, 64 },
                                     &problem[i]);
            profile_done(&read);
        }
        text.ptr[at] = kept;
        CHECK_EQ(err[0], err[1]);
        CHECK_STR(str_of(problem[0].text), problem[1].text);
    }
}

int main(void)
{
    TEST(recursion_counts_each_sample_once);
    TEST(lines_and_packages_and_kinds_are_added_up);
    TEST(the_older_form_is_a_tree_in_seconds);
    TEST(hits_are_counted_from_samples_and_parents_may_be_named);
    TEST(v8_profiler_next_counts_from_one_and_has_ticks_in_the_call_frame);
    TEST(a_trace_has_profiles_in_pieces);
    TEST(the_first_node_says_whether_samples_are_counted);
    TEST(a_profile_of_allocations_counts_bytes);
    TEST(what_is_wrong_is_said);
    TEST(a_deep_nest_is_refused);
    TEST(a_long_chain_takes_no_time);
    TEST(threads_read_what_one_reads);
    TEST(a_mistake_is_where_one_thread_finds_it);
    hotspots_done(&h);
    profile_done(&p);
    return tap_done();
}
