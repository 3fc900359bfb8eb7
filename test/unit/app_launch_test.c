/* test/unit/app_launch_test.c -- what `fettle run TARGET` starts */
#include "app/launch.h"

#include "tap.h"

#include <ftw.h>
#include <sys/stat.h>

static char root[64];

static int entry_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void root_remove(void)
{
    nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void root_make(void)
{
    snprintf(root, sizeof(root), "/tmp/fettle-launch-XXXXXX");
    if (!mkdtemp(root))
        abort();
}

/* Writes root/path, with the folders that it needs. */
static void file_make(const char *path, const char *text)
{
    char full[512];
    FILE *f;

    snprintf(full, sizeof(full), "%s/%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(full, 0700);
    }
    f = fopen(full, "w");
    if (!f || fputs(text, f) < 0 || fclose(f))
        abort();
}

static void link_make(const char *path, const char *to)
{
    char full[512];

    snprintf(full, sizeof(full), "%s/%s", root, path);
    if (symlink(to, full))
        abort();
}

struct got {
    struct launch launch;
    struct problem problem;
    struct buf argv;
    int err;
};

static void got_done(struct got *g)
{
    launch_done(&g->launch);
    buf_done(&g->argv);
}

/* Resolves in root; the argv joined by '|', with the root's path cut off. */
static struct got resolve_with(const char *target, const char *node_args, const char *cwd,
                               char *const *app_args)
{
    struct got g = { 0 };
    struct launch_ask ask = { .target = target,
                              .app_args = app_args,
                              .node_args = str_of(node_args),
                              .cwd = str_of(cwd),
                              .node_path = "/opt/node/bin/node",
                              .here = root,
                              .path = "/usr/bin:/bin" };

    g.err = launch_resolve(&g.launch, &ask, &g.problem);
    for (u32 i = 0; i < g.launch.argv.count; i++) {
        struct str word = strings_at(&g.launch.argv, i);

        if (str_starts(word, str_of(root)))
            word = str_sub(word, strlen(root) + 1, word.len);
        buf_addf(&g.argv, "%s%.*s", i ? "|" : "", STR_ARG(word));
    }
    return g;
}

static struct got resolve(const char *target)
{
    return resolve_with(target, "", "", NULL);
}

/* The value of NAME in the environment that is added; of the last when there are several. */
static struct str env_of(const struct launch *l, const char *name)
{
    struct str value, found = { 0 };

    for (u32 i = 0; i < l->env.count; i++)
        if (str_eq(str_cut(strings_at(&l->env, i), '=', &value), str_of(name)))
            found = value;
    return found;
}

static bool refused(const char *target, int err, const char *says)
{
    AUTO(got_done) struct got g = resolve(target);
    bool ok = g.err == err && strstr(g.problem.text, says);

    if (!ok)
        printf("# %s: %d %s: %s\n", target ? target : "(none)", g.err, g.problem.file,
               g.problem.text);
    return ok;
}

#define LAUNCHES(target, want)                          \
    do {                                                \
        AUTO(got_done) struct got g_ = resolve(target); \
        CHECK_EQ(g_.err, 0);                            \
        CHECK_STR(buf_str(&g_.argv), want);             \
        CHECK(g_.launch.is_node);                       \
        if (g_.err)                                     \
            printf("# %s\n", g_.problem.text);          \
    } while (0)

static void a_file_is_run_by_node_as_it_was_written(void)
{
    char *const args[] = { (char *)"--x", (char *)"a b", NULL };

    root_make();
    file_make("server.js", "");
    file_make("lib/app.mjs", "");
    file_make("bin/www", "#!/usr/bin/env node\n");
    file_make("bin/plain", "listen()");
    LAUNCHES("server.js", "node|server.js");
    LAUNCHES("./server.js", "node|./server.js");
    LAUNCHES("server", "node|server.js");
    LAUNCHES("lib/app", "node|lib/app.mjs");
    LAUNCHES("bin/www", "node|bin/www");
    LAUNCHES("bin/plain", "node|bin/plain");
    {
        AUTO(got_done) struct got g = resolve_with("server.js", "--a '--b c'", "", args);

        CHECK_EQ(g.err, 0);
        CHECK_STR(buf_str(&g.argv), "node|--a|--b c|server.js|--x|a b");
        CHECK_STR(str_of(g.launch.name.ptr), "server");
        CHECK_STR(str_of(g.launch.what.ptr), "server.js");
        CHECK_EQ(g.launch.cwd.len, 0);
        CHECK_EQ(g.launch.env.count, 0);
        CHECK(!g.launch.typescript);
    }
    {
        AUTO(got_done) struct got g = resolve_with("server.js", "'--b", "", args);

        CHECK_EQ(g.err, -EINVAL);
        CHECK(strstr(g.problem.text, "a quote is not closed"));
    }
    {
        /* With --cwd the file must be found from elsewhere. */
        AUTO(got_done) struct got g = resolve_with("server.js", "", "/", NULL);

        CHECK_EQ(g.err, 0);
        CHECK_STR(str_sub(strings_at(&g.launch.argv, 1), 0, strlen(root)), root);
        CHECK_STR(str_of(g.launch.cwd.ptr), "/");
    }
    root_remove();
}

static void a_file_that_is_not_there_or_no_javascript_is_explained(void)
{
    root_make();
    file_make("a.py", "");
    file_make("b", "#!/bin/sh\n");
    file_make("c.ts", "");
    file_make("package.json", "{\"scripts\":{\"serve\":\"node x\"}}");
    CHECK(refused("nothing.js", -ENOENT, "there is no file or folder \"nothing.js\" in "));
    CHECK(
        refused("serve", -ENOENT, "for the script of that name in package.json, write npm:serve"));
    CHECK(refused("a.py", -EINVAL, "is not JavaScript by its ending"));
    CHECK(refused("b", -EINVAL, "its first line"));
    CHECK(refused("/dev/null", -EINVAL, "is neither a file nor a folder"));
    CHECK(refused("a.py/b", -ENOENT, "there is no file"));
    {
        AUTO(got_done) struct got g = resolve("c.ts");

        CHECK(g.launch.typescript);
    }
    root_remove();
}

static void a_folder_is_started_as_its_package_says(void)
{
    root_make();
    file_make("start/package.json", "{\"name\":\"shop\",\"main\":\"lib.js\",\"version\":\"2.0.0\","
                                    "\"scripts\":{\"start\":\"X=1 node --a srv.js\"}}");
    file_make("start/lib.js", "");
    file_make("main/package.json", "{\"main\":\"lib/main\"}");
    file_make("main/lib/main.js", "");
    file_make("dir/package.json", "{\"main\":\"lib\"}");
    file_make("dir/lib/index.js", "");
    file_make("gone/package.json", "{\"main\":\"dist/x.js\"}");
    file_make("gone/server.js", "");
    file_make("bare/app.js", "");
    file_make("self/package.json", "{\"scripts\":{\"start\":\"fettle run\"},\"main\":\"m.js\"}");
    file_make("self/m.js", "");
    file_make("empty/x", "");
    file_make("unbuilt/package.json", "{\"main\":\"dist/x.js\"}");
    file_make("broken/package.json", "{\n\"main\": x}");
    LAUNCHES("start", "node|--a|srv.js");
    LAUNCHES("main", "node|main/lib/main.js");
    LAUNCHES("dir/", "node|dir/lib/index.js");
    LAUNCHES("gone", "node|gone/server.js");
    LAUNCHES("bare", "node|bare/app.js");
    LAUNCHES("self", "node|self/m.js");
    CHECK(refused("empty", -ENOENT, "has no package.json and no index.js, server.js or app.js"));
    CHECK(refused("unbuilt", -ENOENT, "its main (dist/x.js) does not exist"));
    CHECK(refused("broken", -EINVAL, "not valid JSON"));
    CHECK(refused(NULL, -ENOENT, "has no package.json"));
    {
        AUTO(got_done) struct got g = resolve("start");

        CHECK_STR(str_of(g.launch.name.ptr), "shop");
        CHECK(str_ends(str_of(g.launch.cwd.ptr), STR("/start")));
        CHECK_STR(env_of(&g.launch, "X"), "1");
        CHECK_STR(env_of(&g.launch, "npm_lifecycle_event"), "start");
        CHECK_STR(env_of(&g.launch, "npm_package_name"), "shop");
        CHECK_STR(env_of(&g.launch, "npm_package_version"), "2.0.0");
        CHECK(str_ends(env_of(&g.launch, "npm_package_json"), STR("/start/package.json")));
        CHECK_STR(env_of(&g.launch, "INIT_CWD"), root);
        CHECK_STR(str_of(g.launch.what.ptr), "npm:start (X=1 node --a srv.js)");
    }
    {
        AUTO(got_done) struct got g = resolve("bare");

        CHECK_STR(str_of(g.launch.name.ptr), "bare");
    }
    root_remove();
}

static void a_script_is_found_in_the_nearest_package(void)
{
    root_make();
    file_make("package.json", "{\"scripts\":{\"serve\":\"node s.js\",\"strat\":\"node t.js\"}}");
    LAUNCHES("npm:serve", "node|s.js");
    CHECK(refused("npm:start", -ENOENT,
                  "has no script \"start\"; did you mean npm:strat? It has: "
                  "serve, strat"));
    CHECK(refused("npm:", -EINVAL, "the script's name is missing"));
    file_make("server.js", "");
    LAUNCHES("npm:start", "node|server.js");
    file_make("a/b/c", "");
    {
        char deep[128];
        AUTO(got_done) struct got g = { 0 };

        snprintf(deep, sizeof(deep), "%s/a/b", root);
        g = resolve_with("npm:serve", "", deep, NULL);
        CHECK_EQ(g.err, 0);
        CHECK_STR(buf_str(&g.argv), "node|s.js");
    }
    root_remove();
    root_make();
    CHECK(refused("npm:start", -ENOENT, "there is no package.json in "));
    root_remove();
}

static void programs_of_node_modules_run_without_a_shell(void)
{
    char *const args[] = { (char *)"it's", NULL };

    root_make();
    file_make("package.json", "{\"scripts\":{"
                              "\"js\":\"tool start -p 1\",\"flags\":\"flagged x\","
                              "\"sh\":\"pnpmlike x\",\"none\":\"elsewhere x\","
                              "\"pipe\":\"tool | cat\"}}");
    file_make("node_modules/tool/bin/tool", "#!/usr/bin/env node\nx\n");
    file_make("node_modules/flagged/cli.js", "#!/usr/bin/env -S node --no-warnings\n");
    file_make("node_modules/.bin/pnpmlike", "#!/bin/sh\n");
    link_make("node_modules/.bin/tool", "../tool/bin/tool");
    link_make("node_modules/.bin/flagged", "../flagged/cli.js");
    LAUNCHES("npm:js", "node|node_modules/tool/bin/tool|start|-p|1");
    LAUNCHES("npm:flags", "node|--no-warnings|node_modules/flagged/cli.js|x");
    {
        AUTO(got_done) struct got sh = resolve_with("npm:sh", "", "", args);
        AUTO(got_done) struct got none = resolve("npm:none");
        AUTO(got_done) struct got pipe = resolve("npm:pipe");
        AUTO(got_done) struct got flags = resolve_with("npm:pipe", "--x", "", NULL);
        struct str path = env_of(&sh.launch, "PATH");

        CHECK_STR(buf_str(&sh.argv), "/bin/sh|-c|pnpmlike x 'it'\\''s'");
        CHECK(!sh.launch.is_node);
        CHECK_STR(buf_str(&none.argv), "/bin/sh|-c|elsewhere x");
        CHECK_STR(buf_str(&pipe.argv), "/bin/sh|-c|tool | cat");
        CHECK(str_starts(path, str_of(root)));
        CHECK(str_starts(str_sub(path, strlen(root), path.len), STR("/node_modules/.bin:/tmp/")));
        CHECK(str_ends(path, STR(":/node_modules/.bin:/usr/bin:/bin")));
        CHECK_EQ(flags.err, -EINVAL);
        CHECK(strstr(flags.problem.text, "is started by a shell"));
    }
    root_remove();
}

static void scripts_that_start_scripts_are_followed(void)
{
    root_make();
    file_make("package.json", "{\"scripts\":{\"start\":\"A=1 npm run b\",\"b\":\"B=2 node x.js\","
                              "\"prestart\":\"echo a\",\"preb\":\"echo b && true\","
                              "\"loop\":\"npm run pool\",\"pool\":\"npm run loop\","
                              "\"f\":\"fettle run\",\"gone\":\"npm run nowhere\"}}");
    {
        AUTO(got_done) struct got g = resolve("npm:start");

        CHECK_EQ(g.err, 0);
        CHECK_STR(buf_str(&g.argv), "node|x.js");
        CHECK_STR(env_of(&g.launch, "A"), "1");
        CHECK_STR(env_of(&g.launch, "B"), "2");
        CHECK_STR(env_of(&g.launch, "npm_lifecycle_event"), "b");
        CHECK_EQ(g.launch.pre.count, 2);
        CHECK_STR(strings_at(&g.launch.pre, 0), "echo a");
        CHECK_STR(strings_at(&g.launch.pre, 1), "echo b && true");
    }
    CHECK(refused("npm:loop", -EINVAL, "call each other in a circle"));
    CHECK(refused("npm:f", -EINVAL, "starts fettle itself"));
    CHECK(refused("npm:gone", -ENOENT, "no script \"nowhere\""));
    root_remove();
}

static void a_name_fits_where_names_go(void)
{
    root_make();
    file_make("package.json",
              "{\"name\":\"\\u00e4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\u00e4"
              "\\u00e4\\n\"}");
    file_make("index.js", "");
    {
        AUTO(got_done) struct got g = resolve(".");

        CHECK_EQ(g.err, 0);
        CHECK(g.launch.name.len <= 48);
        CHECK(str_ends(str_of(g.launch.name.ptr), STR("aä")));
    }
    root_remove();
}

static void a_program_that_is_not_node_needs_no_shell(void)
{
    struct launch_ask ask = { .command = "KIND=x python3 w.py 'a b'",
                              .node_args = STR(""),
                              .node_path = "/opt/node/bin/node",
                              .here = "/",
                              .path = "/usr/bin:/bin" };
    struct problem p;
    struct launch l;

    CHECK_EQ(launch_resolve(&l, &ask, &p), 0);
    CHECK(l.is_side && !l.is_node);
    CHECK_EQ(l.argv.count, 3);
    CHECK_STR(strings_at(&l.argv, 0), "python3");
    CHECK_STR(strings_at(&l.argv, 2), "a b");
    CHECK_STR(env_of(&l, "KIND"), "x");
    launch_done(&l);
    ask.command = "make serve | tee log";
    ask.is_side = true;
    CHECK_EQ(launch_resolve(&l, &ask, &p), 0);
    CHECK(l.is_side);
    CHECK_STR(strings_at(&l.argv, 0), "/bin/sh");
    launch_done(&l);
    ask.command = "node x.js";
    CHECK_EQ(launch_resolve(&l, &ask, &p), 0);
    CHECK(l.is_node && !l.is_side);
    launch_done(&l);
}

int main(void)
{
    TEST(a_program_that_is_not_node_needs_no_shell);
    TEST(a_file_is_run_by_node_as_it_was_written);
    TEST(a_file_that_is_not_there_or_no_javascript_is_explained);
    TEST(a_folder_is_started_as_its_package_says);
    TEST(a_script_is_found_in_the_nearest_package);
    TEST(programs_of_node_modules_run_without_a_shell);
    TEST(scripts_that_start_scripts_are_followed);
    TEST(a_name_fits_where_names_go);
    return tap_done();
}
