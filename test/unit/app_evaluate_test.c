/* test/unit/app_evaluate_test.c -- what Node says about an error in a file of settings */
#include "app/evaluate.h"

#include "tap.h"

static void check(const char *said, const char *file, u32 line, const char *text)
{
    struct problem p;

    evaluate_error(str_of(said), "shown.js", &p);
    CHECK_STR(str_of(p.file), file);
    CHECK_EQ(p.line, line);
    CHECK_STR(str_of(p.text), text);
}

static void a_place_on_a_line_of_its_own_is_taken(void)
{
    check("/a b/fettle.config.js:3\n  workers: 4 5\n             ^\n\n"
          "SyntaxError: Unexpected number\n    at wrapSafe (node:internal/modules/cjs:1:2)\n",
          "/a b/fettle.config.js", 3, "SyntaxError: Unexpected number");
    check("file:///a/x.mjs:12:7\nthrow new Error('no');\n^\n\nError [ERR_X]: no\n    at "
          "file:///b.js:1\n",
          "/a/x.mjs", 12, "Error [ERR_X]: no");
}

static void else_the_first_frame_of_the_stack_is_the_place(void)
{
    check("node:internal/process:5\n    throw x;\n\nTypeError: x is not a function\n"
          "    at node:internal/a:1:2\n    at f (/srv/conf/db.js:9:3)\n    at /srv/other.js:1:1\n",
          "/srv/conf/db.js", 9, "TypeError: x is not a function");
}

static void without_any_place_the_file_itself_is_named(void)
{
    check("nonsense\n", "shown.js", 0, "nonsense");
    check("", "shown.js", 0, "node ended without a word");
    check("/a:\n:5\nfile://\n/:0\n", "shown.js", 0, "/a:");
}

int main(void)
{
    TEST(a_place_on_a_line_of_its_own_is_taken);
    TEST(else_the_first_frame_of_the_stack_is_the_place);
    TEST(without_any_place_the_file_itself_is_named);
    return tap_done();
}
