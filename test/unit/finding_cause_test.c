/* What a turn was at, by stacks that Node 18 to 26 have given. */
#include "finding/cause.h"

#include "base/clock.h"
#include "tap.h"

#define MS NS_PER_MS
#define REQUEST                                             \
    "    at emit (node:events:519:28)\n"                    \
    "    at parserOnIncoming (node:_http_server:1186:12)\n" \
    "    at parserOnHeadersComplete (node:_http_common:125:17)\n"
#define HANDLER "    at handler (/srv/app.js:12:7)\n" REQUEST

static struct cause_sample samples[CAUSE_SAMPLES_MAX];
static struct cause_view view;
static struct str lines[CAUSE_LINES];
static struct cause cause;

static void begin(void)
{
    memset(samples, 0, sizeof(samples));
    memset(lines, 0, sizeof(lines));
    view = (struct cause_view){ .sample = samples, .took_ns = 400 * MS };
}

static void sample(enum shm_blocked_how how, const char *text)
{
    samples[view.samples++] = (struct cause_sample){ .how = how, .call = -1, .text = str_of(text) };
}

/* The line at the place, and one above it. */
static void line(const char *above, const char *at)
{
    lines[CAUSE_ABOVE - 1] = str_of(above);
    lines[CAUSE_ABOVE] = str_of(at);
}

static void judged(enum finding_kind kind, const char *subject)
{
    cause_judge(&cause, &view, lines);
    CHECK_STR(finding_word(cause.kind), finding_word(kind).ptr);
    CHECK_STR(cause.subject, subject);
}

static void nodes_own_functions_are_known_by_their_frames(void)
{
    static const struct {
        const char *frames;
        enum finding_kind kind;
        const char *subject;
    } all[] = {
        { "    at closeSync (node:fs:516:19)\n    at readFileSync (node:fs:479:8)\n" HANDLER,
          FINDING_SYNC_IO, "readFileSync" },
        { "    at getStderr (node:internal/bootstrap/switches/is_main_thread:173:19)\n"
          "    at execSync (node:child_process:986:13)\n" HANDLER,
          FINDING_CHILD_PROCESS, "execSync" },
        { "    at from (node:buffer:301:28)\n"
          "    at pbkdf2Sync (node:internal/crypto/pbkdf2:78:17)\n" HANDLER,
          FINDING_SYNC_CRYPTO, "pbkdf2Sync" },
        { "    at handleError (node:internal/crypto/keygen:105:21)\n"
          "    at generateKeyPairSync (node:internal/crypto/keygen:102:10)\n" HANDLER,
          FINDING_SYNC_CRYPTO, "generateKeyPairSync" },
        { "    at update (node:internal/crypto/hash:132:40)\n" HANDLER, FINDING_SYNC_CRYPTO,
          "createHash" },
    };

    for (u32 i = 0; i < ARRAY_LEN(all); i++) {
        begin();
        sample(SHM_BLOCKED_NATIVE, "");
        sample(SHM_BLOCKED_RETURNED, all[i].frames);
        judged(all[i].kind, all[i].subject);
        CHECK_STR(cause.place.script, "/srv/app.js");
        CHECK_EQ(cause.place.line, 12);
        CHECK_STR(cause.place.function, "handler");
        CHECK_STR(str_of(cause.origin), "request");
    }
    begin();
    sample(SHM_BLOCKED_STACK, all[0].frames);
    judged(FINDING_SYNC_IO, "readFileSync");
    CHECK_STR(str_of(cause.advice),
              "Use readFile() of node:fs/promises, and await it, instead of readFileSync().");
}

static void the_line_has_the_name_by_which_a_function_is_called(void)
{
    begin();
    sample(SHM_BLOCKED_RETURNED, "    at slice (node:buffer:1189:40)\n"
                                 "    at processChunkSync (node:zlib:450:26)\n"
                                 "    at zlibBufferSync (node:zlib:180:12)\n"
                                 "    at syncBufferWrapper (node:zlib:790:14)\n" HANDLER);
    line("", "  zlib.brotliCompressSync(body);");
    samples[0].text = STR("    at syncBufferWrapper (node:zlib:790:14)\n"
                          "    at handler (/srv/app.js:12:8)\n" REQUEST);
    judged(FINDING_SYNC_ZLIB, "brotliCompressSync");
    line("", "");
    judged(FINDING_SYNC_ZLIB, "");
}

static void what_has_no_javascript_is_known_by_the_column(void)
{
    begin();
    sample(SHM_BLOCKED_STACK, "    at handler (/srv/app.js:12:15)\n" REQUEST);
    line("", "  return JSON.stringify(rows);");
    samples[0].text = STR("    at handler (/srv/app.js:12:15)\n" REQUEST);
    judged(FINDING_JSON, "JSON.stringify");
    line("", "  return Atomics.wait(flag, 0);");
    samples[0].text = STR("    at handler (/srv/app.js:12:18)\n" REQUEST);
    judged(FINDING_WAIT, "Atomics.wait");
    line("", "  return /^(a+)+$/.test(name);");
    samples[0].text = STR("    at handler (/srv/app.js:12:20)\n" REQUEST);
    judged(FINDING_REGEXP, "test");
    line("", "  while (i < n) x += i;");
    samples[0].text = STR("    at handler (/srv/app.js:12:3)\n" REQUEST);
    judged(FINDING_JAVASCRIPT, "");
}

static void after_native_code_the_lines_above_are_looked_at(void)
{
    begin();
    sample(SHM_BLOCKED_NATIVE, "");
    sample(SHM_BLOCKED_RETURNED, "    at json (/srv/node_modules/express/lib/response.js:239:29)\n"
                                 "    at handler (/srv/app.js:12:7)\n" REQUEST);
    line("  const rows = JSON.parse(text);", "  res.json(rows.length);");
    judged(FINDING_JSON, "JSON.parse");
    CHECK_EQ(cause.at, CAUSE_ABOVE - 1);
    CHECK_EQ(cause.place.line, 11);
    line("  const { status } = spawnSync('convert', args);", "  res.json({ status });");
    judged(FINDING_CHILD_PROCESS, "spawnSync");
    line("}, () => { JSON.parse(x); }", "app.get('/x', (req, res) => { res.json(addon.compute());");
    judged(FINDING_NATIVE, ""); /* what is above is another function's */
    CHECK_EQ(cause.place.line, 12);
    line("  JSON.parse(text);", "  res.json(await hashSync(p));");
    judged(FINDING_SYNC_CRYPTO, "hashSync"); /* arguments come before what they are for */
    line("  const n = addon.compute(rows);", "  res.json(n);");
    judged(FINDING_NATIVE, "compute");
    CHECK_EQ(cause.place.line, 11);
    view.gc_ns = 300 * MS; /* of JSON.parse, when that is known */
    line("  const rows = JSON.parse(text);", "  res.json(rows.length);");
    judged(FINDING_JSON, "JSON.parse");
}

static void a_function_that_was_only_entered_is_not_to_blame(void)
{
    begin();
    sample(SHM_BLOCKED_NATIVE, "");
    sample(SHM_BLOCKED_RETURNED, "    at /srv/app.js:20:12\n" HANDLER);
    line("", "  rows.map((row) => row.id);");
    samples[1].text = STR("    at /srv/app.js:20:12\n    at handler (/srv/app.js:12:8)\n" REQUEST);
    CHECK_EQ(cause_place(&view).line, 20);
    CHECK(cause_step_out(&view, lines));
    CHECK_EQ(cause_place(&view).line, 12);
    line("  const n = addon.compute(300);", "  rows.map((row) => row.id);");
    CHECK(!cause_step_out(&view, lines));
    judged(FINDING_NATIVE, "compute");
    CHECK_EQ(cause.place.line, 11);
}

static void the_agents_own_frames_are_passed_over(void)
{
    begin();
    sample(SHM_BLOCKED_STACK, "    at fettle:agent.js:238:5\n" HANDLER);
    judged(FINDING_JAVASCRIPT, "");
    CHECK_STR(cause.place.script, "/srv/app.js");
    begin();
    sample(SHM_BLOCKED_NATIVE, "");
    sample(SHM_BLOCKED_RETURNED, "    at end (fettle:trace.js:287:13)\n"
                                 "    at get (fettle:trace_libraries.js:135:11)\n" HANDLER);
    judged(FINDING_SYNC_DATABASE, "get");
}

static void in_a_loop_the_call_may_stand_behind_its_beginning(void)
{
    begin();
    sample(SHM_BLOCKED_RETURNED, "    at handler (/srv/app.js:12:3)\n" REQUEST);
    line("", "  for (const row of rows) JSON.stringify(row);");
    judged(FINDING_JSON, "JSON.stringify");
    CHECK_EQ(cause.place.line, 12);
    line("", "  for (const row of rows) {");
    lines[CAUSE_ABOVE + 1] = STR("    out.push(gzipSync(row));");
    lines[CAUSE_ABOVE + 2] = STR("  }");
    lines[CAUSE_ABOVE + 3] = STR("  execSync('make');");
    judged(FINDING_SYNC_ZLIB, "gzipSync");
    CHECK_EQ(cause.place.line, 13);
    samples[0].how = SHM_BLOCKED_STACK;
    judged(FINDING_SYNC_ZLIB, "gzipSync");
    samples[0].how = SHM_BLOCKED_RETURNED;
    lines[CAUSE_ABOVE + 1] = STR("    out.push(compute(row));");
    judged(FINDING_JAVASCRIPT, "");
    CHECK_EQ(cause.place.line, 12);
}

static void samples_are_votes(void)
{
    begin();
    sample(SHM_BLOCKED_STACK, "    at statSync (node:fs:479:8)\n" HANDLER);
    sample(SHM_BLOCKED_STACK, HANDLER);
    sample(SHM_BLOCKED_STACK, HANDLER);
    judged(FINDING_JAVASCRIPT, "");
    begin();
    sample(SHM_BLOCKED_STACK, HANDLER);
    sample(SHM_BLOCKED_STACK, "    at statSync (node:fs:479:8)\n" HANDLER);
    judged(FINDING_SYNC_IO, "statSync");
}

static void native_code_without_a_stack_is_known_by_what_it_waits_for(void)
{
    begin();
    sample(SHM_BLOCKED_NATIVE, "");
    judged(FINDING_NATIVE, "");
    CHECK_EQ(cause.place.script.len, 0);
    samples[0].call_name = STR("epoll_pwait"); /* another than the loop's own */
    judged(FINDING_CHILD_PROCESS, "");
    samples[0].call_name = STR("pread64");
    judged(FINDING_SYNC_IO, "");
    samples[0].in_gc = true;
    samples[0].call_name = STR("");
    judged(FINDING_GC, "");
    view.samples = 0;
    judged(FINDING_UNKNOWN, "");
}

static void garbage_is_to_blame_when_it_took_half_of_the_time(void)
{
    begin();
    sample(SHM_BLOCKED_STACK, HANDLER);
    view.gc_ns = 199 * MS;
    judged(FINDING_JAVASCRIPT, "");
    view.gc_ns = 200 * MS;
    judged(FINDING_GC, "");
    CHECK_EQ(cause.place.line, 12);
}

static void microtasks_and_timers_are_told_from_a_long_loop(void)
{
    begin();
    sample(SHM_BLOCKED_STACK,
           "    at processTicksAndRejections (node:internal/process/task_queues:103:5)\n");
    judged(FINDING_MICROTASKS, "");
    CHECK_STR(str_of(cause.origin), "promise");
    begin();
    sample(SHM_BLOCKED_STACK,
           "    at again (/srv/app.js:12:74)\n"
           "    at processTicksAndRejections (node:internal/process/task_queues:84:11)\n");
    judged(FINDING_JAVASCRIPT, "");
    line("", "  process.nextTick(again);");
    judged(FINDING_MICROTASKS, "");
    line("", "  while (n--) await null, createHash('md5').digest();");
    view.gc_ns = 300 * MS;
    judged(FINDING_MICROTASKS, "");
    begin();
    sample(SHM_BLOCKED_STACK, "    at spin (/srv/app.js:3:46)\n    at /srv/app.js:12:56\n"
                              "    at listOnTimeout (node:internal/timers:585:17)\n");
    sample(SHM_BLOCKED_STACK, "    at spin (/srv/app.js:3:46)\n    at /srv/app.js:12:56\n"
                              "    at listOnTimeout (node:internal/timers:585:17)\n");
    judged(FINDING_JAVASCRIPT, "");
    CHECK_STR(str_of(cause.origin), "timer");
    sample(SHM_BLOCKED_STACK, "    at spin (/srv/app.js:3:46)\n    at /srv/app.js:14:56\n"
                              "    at listOnTimeout (node:internal/timers:585:17)\n");
    judged(FINDING_TIMERS, "");
}

static void a_queue_that_native_code_returned_to_is_not_to_blame(void)
{
    begin();
    sample(SHM_BLOCKED_NATIVE, "");
    sample(SHM_BLOCKED_RETURNED,
           "    at onwrite (node:internal/streams/writable:615:5)\n"
           "    at processTicksAndRejections (node:internal/process/task_queues:90:21)\n");
    judged(FINDING_NATIVE, "");
    CHECK_EQ(cause.place.script.len, 0);
    CHECK_EQ(cause.text.len, 0);
    samples[0].in_gc = true;
    judged(FINDING_GC, "");
    samples[0] = samples[1]; /* it was asked for too late */
    view.samples = 1;
    judged(FINDING_NATIVE, "");
    CHECK_EQ(cause.text.len, 0);
    sample(SHM_BLOCKED_STACK, HANDLER); /* what has a place is shown */
    line("", "  JSON.parse(text);");
    cause_judge(&cause, &view, lines);
    CHECK_STR(cause.place.script, "/srv/app.js");
    CHECK_STR(cause.text, HANDLER);
}

static void a_module_that_is_loaded_is_its_callers_doing(void)
{
    begin();
    sample(SHM_BLOCKED_STACK, "    at /srv/lib/big.js:900:3\n"
                              "    at wrapModuleLoad (node:internal/modules/cjs/loader:254:19)\n"
                              "    at require (node:internal/modules/helpers:147:16)\n" HANDLER);
    judged(FINDING_MODULE_LOAD, "require");
    CHECK_STR(cause.place.script, "/srv/app.js");
}

static void without_the_apps_own_frame_a_package_is_the_place(void)
{
    begin();
    sample(SHM_BLOCKED_STACK, "    at eval (<anonymous>:1:21)\n"
                              "    at run (/srv/node_modules/tpl/index.js:3:1)\n" REQUEST);
    judged(FINDING_JAVASCRIPT, "");
    CHECK_STR(cause.place.script, "<anonymous>");
    begin();
    sample(SHM_BLOCKED_STACK, "    at run (/srv/node_modules/tpl/index.js:3:1)\n" REQUEST);
    sample(SHM_BLOCKED_STACK, "    at run (/srv/node_modules/tpl/index.js:3:1)\n" HANDLER);
    judged(FINDING_JAVASCRIPT, "");
    CHECK_STR(cause.place.script, "/srv/app.js");
}

static void frames_are_read_as_node_writes_them(void)
{
    struct str text =
        STR("    at new Report (file:///srv/a%20b/r.mjs?1:12:5)\nnonsense\n"
            "at /srv/x.js:7\n    at f (node:internal/x:1:2)\n    at ()\n  at (x\nat ");
    struct stacktext_frame f;
    char path[64];

    CHECK(stacktext_next(&text, &f));
    CHECK_STR(f.function, "new Report");
    CHECK_EQ(f.line * 100 + f.column, 1205);
    CHECK_STR(stacktext_path(&f, path, sizeof(path)), "/srv/a b/r.mjs");
    CHECK(stacktext_next(&text, &f));
    CHECK_STR(f.script, "/srv/x.js");
    CHECK_EQ(f.line, 7);
    CHECK(stacktext_next(&text, &f) && stacktext_is_node(&f));
    CHECK_EQ(stacktext_path(&f, path, sizeof(path)).len, 0);
    while (stacktext_next(&text, &f))
        CHECK(f.script.len > 0);
}

int main(void)
{
    TEST(nodes_own_functions_are_known_by_their_frames);
    TEST(the_line_has_the_name_by_which_a_function_is_called);
    TEST(what_has_no_javascript_is_known_by_the_column);
    TEST(after_native_code_the_lines_above_are_looked_at);
    TEST(a_function_that_was_only_entered_is_not_to_blame);
    TEST(the_agents_own_frames_are_passed_over);
    TEST(in_a_loop_the_call_may_stand_behind_its_beginning);
    TEST(samples_are_votes);
    TEST(native_code_without_a_stack_is_known_by_what_it_waits_for);
    TEST(garbage_is_to_blame_when_it_took_half_of_the_time);
    TEST(microtasks_and_timers_are_told_from_a_long_loop);
    TEST(a_queue_that_native_code_returned_to_is_not_to_blame);
    TEST(a_module_that_is_loaded_is_its_callers_doing);
    TEST(without_the_apps_own_frame_a_package_is_the_place);
    TEST(frames_are_read_as_node_writes_them);
    return tap_done();
}
