/* test/unit/app_script_test.c -- what a script of package.json would do */
#include "app/script.h"

#include "tap.h"

static void parsed(const char *text, enum script_kind kind, const char *env, const char *words)
{
    AUTO(script_done) struct script s = { 0 };
    AUTO(buf_done) struct buf got_env = { 0 };
    AUTO(buf_done) struct buf got_words = { 0 };

    CHECK_EQ(script_parse(&s, str_of(text)), 0);
    for (u32 i = 0; i < s.env.count; i++)
        buf_addf(&got_env, "%s%.*s", i ? "|" : "", STR_ARG(strings_at(&s.env, i)));
    for (u32 i = 0; i < s.words.count; i++)
        buf_addf(&got_words, "%s%.*s", i ? "|" : "", STR_ARG(strings_at(&s.words, i)));
    if (s.kind != kind)
        printf("# %s\n", text);
    CHECK_EQ(s.kind, kind);
    CHECK_STR(buf_str(&got_env), env);
    CHECK_STR(buf_str(&got_words), words);
}

static void node_with_a_file_is_started_directly(void)
{
    parsed("node server.js", SCRIPT_NODE, "", "node|server.js");
    parsed("node .", SCRIPT_NODE, "", "node|.");
    parsed("NODE_ENV=production PORT=80 node --enable-source-maps ./dist/main.js --x 'a b'",
           SCRIPT_NODE, "NODE_ENV=production|PORT=80",
           "node|--enable-source-maps|./dist/main.js|--x|a b");
    parsed("cross-env A=1 node x.js", SCRIPT_NODE, "A=1", "node|x.js");
    parsed("node x.js -e", SCRIPT_NODE, "", "node|x.js|-e");
    parsed("node -r dotenv/config x.js", SCRIPT_NODE, "", "node|-r|dotenv/config|x.js");
}

static void node_that_does_something_else_is_left_to_a_shell(void)
{
    parsed("node", SCRIPT_SHELL, "", "");
    parsed("node --watch server.js", SCRIPT_SHELL, "", "");
    parsed("node -e 'x()'", SCRIPT_SHELL, "", "");
    parsed("node --test", SCRIPT_SHELL, "", "");
    parsed("node --run=start", SCRIPT_SHELL, "", "");
    parsed("A=1 node -", SCRIPT_SHELL, "", "");
}

static void other_programs_with_plain_words_are_told(void)
{
    parsed("next start -p 3000", SCRIPT_PROGRAM, "", "next|start|-p|3000");
    parsed("./bin/x", SCRIPT_PROGRAM, "", "./bin/x");
    parsed("2A=1 b", SCRIPT_PROGRAM, "", "2A=1|b");
    parsed("A-B=1", SCRIPT_PROGRAM, "", "A-B=1");
}

static void scripts_of_the_same_package_are_followed(void)
{
    parsed("npm run serve", SCRIPT_PACKAGE, "", "serve");
    parsed("B=2 npm start", SCRIPT_PACKAGE, "B=2", "start");
    parsed("yarn run a:b", SCRIPT_PACKAGE, "", "a:b");
    parsed("pnpm run-script x", SCRIPT_PACKAGE, "", "x");
    parsed("npm run serve -- --x", SCRIPT_PROGRAM, "", "npm|run|serve|--|--x");
    parsed("npm run -s serve", SCRIPT_PROGRAM, "", "npm|run|-s|serve");
    parsed("npm install", SCRIPT_PROGRAM, "", "npm|install");
    parsed("npm", SCRIPT_PROGRAM, "", "npm");
}

static void fettle_is_recognised(void)
{
    parsed("fettle run .", SCRIPT_FETTLE, "", "fettle|run|.");
}

static void whatever_needs_a_shell_is_left_to_it(void)
{
    parsed("npm run build && node server.js", SCRIPT_SHELL, "", "");
    parsed("node $MAIN", SCRIPT_SHELL, "", "");
    parsed("A=$B node x.js", SCRIPT_SHELL, "", "");
    parsed("node x.js | pino-pretty", SCRIPT_SHELL, "", "");
    parsed("node 'x.js", SCRIPT_SHELL, "", "");
    parsed("", SCRIPT_SHELL, "", "");
    parsed("A=1", SCRIPT_SHELL, "", "");
    parsed("cross-env", SCRIPT_SHELL, "", "");
}

int main(void)
{
    TEST(node_with_a_file_is_started_directly);
    TEST(node_that_does_something_else_is_left_to_a_shell);
    TEST(other_programs_with_plain_words_are_told);
    TEST(scripts_of_the_same_package_are_followed);
    TEST(fettle_is_recognised);
    TEST(whatever_needs_a_shell_is_left_to_it);
    return tap_done();
}
