/* statement: the line that adds to a collection, out of a program's text */
#include "heap/statement.h"
#include "tap.h"

static u32 line_of(const char *source, enum statement_adds adds, const char *name)
{
    struct statement found = { 0 };

    return statement_find(str_of(source), adds, str_of(name), &found) ? found.line : 0;
}

static void a_Map_is_added_to_by_set(void)
{
    CHECK_EQ(line_of("const sessions = new Map();\nsessions.get(id);\nsessions.set(id, 1);\n",
                     STATEMENT_SET, "sessions"),
             3);
    CHECK_EQ(line_of("this.#cache?.set(key, value)", STATEMENT_SET, "cache"), 1);
    CHECK_EQ(line_of("sessions\n  .set(id, 1)", STATEMENT_SET, "sessions"), 1);
}

static void a_Set_and_an_array_have_methods_of_their_own(void)
{
    CHECK_EQ(line_of("seen.has(x);\nseen.add(x)", STATEMENT_ADD, "seen"), 2);
    CHECK_EQ(line_of("list.map(f);\nlist.push(x)", STATEMENT_PUSH, "list"), 2);
    CHECK_EQ(line_of("list.length;\nlist[list.length] = x", STATEMENT_PUSH, "list"), 2);
}

static void an_object_gets_properties_by_assignment(void)
{
    CHECK_EQ(line_of("if (this.cache[a[0]] == 1) f();\nthis.cache[a[0]] ?\?= load()",
                     STATEMENT_ASSIGN, "cache"),
             2);
    CHECK_EQ(line_of("cache[x] => 1;\ncache[x] = 1", STATEMENT_ASSIGN, "cache"), 2);
}

static void a_text_is_appended_to(void)
{
    CHECK_EQ(line_of("let log = '';\nprint(log);\nlog += line;", STATEMENT_APPEND, "log"), 3);
    CHECK_EQ(line_of("let log = '';\nlog = log + line;", STATEMENT_APPEND, "log"), 2);
    CHECK_EQ(line_of("let log = '';\nlog == line;\nlog => 1", STATEMENT_APPEND, "log"), 2);
}

static void a_promise_is_raced_with_or_waited_for(void)
{
    CHECK_EQ(
        line_of("const stop = new Promise(f);\nemit(stop);\nawait Promise.race([work(), stop])",
                STATEMENT_USE, "stop"),
        3);
    CHECK_EQ(line_of("const stop = new Promise(f);\nstop.then(done)", STATEMENT_USE, "stop"), 2);
}

static void comments_and_texts_are_no_program(void)
{
    CHECK_EQ(line_of("// sessions.set(1)\n/* sessions.set(2)\n */ "
                     "'sessions.set(3)';\n\"sessions.set(4)\"\nsessions.set(5)",
                     STATEMENT_SET, "sessions"),
             5);
    CHECK_EQ(line_of("x = /['\"]/;\nsessions.set(1)", STATEMENT_SET, "sessions"), 2);
    CHECK_EQ(line_of("'it\\'s sessions.set(1)'\nsessions.set(2)", STATEMENT_SET, "sessions"), 2);
}

static void names_are_whole_words(void)
{
    CHECK_EQ(line_of("mysessions.set(1);\nsessions2.set(2);\n$sessions.set(3)", STATEMENT_SET,
                     "sessions"),
             0);
}

static void without_the_method_what_else_adds_is_taken_and_a_declaration_is_nothing(void)
{
    struct statement found;

    CHECK_EQ(line_of("const a = 1;", STATEMENT_SET, "a"), 0);
    CHECK_EQ(line_of("const a = 1;\nf(a)", STATEMENT_SET, "a"), 2);
    CHECK_EQ(line_of("const a = 1;\nf(a);\na.enqueue(1)", STATEMENT_SET, "a"), 3);
    CHECK(statement_find(STR("  a.enqueue(1);  \r\n"), STATEMENT_SET, STR("a"), &found));
    CHECK(found.rank > 0);
    CHECK_EQ(found.column, 3);
    CHECK_STR(found.text, "a.enqueue(1);");
}

static void imports_are_found_by_the_name_of_their_file(void)
{
    CHECK_EQ(line_of("import http from 'node:http';\nawait import(`../settings.mjs?v=${n}`)",
                     STATEMENT_IMPORT, "settings.mjs"),
             2);
    CHECK_EQ(line_of("require('./settings.js');\ndelete require.cache[name]", STATEMENT_IMPORT,
                     "settings.js"),
             2);
    CHECK_EQ(line_of("await import('./other.mjs')", STATEMENT_IMPORT, "settings.mjs"), 0);
}

static void requests_that_are_made(void)
{
    CHECK_EQ(line_of("app.get('/', f);\nhttp.get(url, f)", STATEMENT_REQUEST, "get"), 2);
    CHECK_EQ(line_of("map.get(1);\nfetch(url)", STATEMENT_REQUEST, "get"), 2);
    CHECK_EQ(line_of("map.get(1)", STATEMENT_REQUEST, "get"), 0);
}

static void a_line_is_told_by_its_number(void)
{
    CHECK_STR(statement_line(STR("one\n  two\r\nthree"), 2), "two");
    CHECK_STR(statement_line(STR("one\ntwo\nthree"), 3), "three");
    CHECK_STR(statement_line(STR("one"), 2), "");
    CHECK_STR(statement_line(STR(""), 1), "");
}

/* Whatever the bytes are. */
static void cut_off_anywhere_it_ends(void)
{
    static const char source[] = "a[b[c]] = 'x\\'y' /* z */ `t` // u\na?.set(\"";

    for (size_t len = 0; len < sizeof(source); len++) {
        struct statement found = { 0 };
        bool any = statement_find(str_make(source, len), STATEMENT_SET, STR("a"), &found) ||
                   statement_find(str_make(source, len), STATEMENT_IMPORT, STR("a"), &found);

        CHECK(!any || found.line > 0);
    }
}

int main(void)
{
    TEST(a_Map_is_added_to_by_set);
    TEST(a_Set_and_an_array_have_methods_of_their_own);
    TEST(an_object_gets_properties_by_assignment);
    TEST(a_text_is_appended_to);
    TEST(a_promise_is_raced_with_or_waited_for);
    TEST(comments_and_texts_are_no_program);
    TEST(names_are_whole_words);
    TEST(without_the_method_what_else_adds_is_taken_and_a_declaration_is_nothing);
    TEST(imports_are_found_by_the_name_of_their_file);
    TEST(requests_that_are_made);
    TEST(a_line_is_told_by_its_number);
    TEST(cut_off_anywhere_it_ends);
    return tap_done();
}
