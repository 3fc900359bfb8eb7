/* test/unit/conf_procfile_test.c -- a Procfile */
#include "conf/procfile.h"

#include "tap.h"

struct fixture {
    struct settings settings;
    struct config_app app;
    struct findings findings;
};

static void fixture_done(struct fixture *f)
{
    settings_done(&f->settings);
    config_app_done(&f->app);
    findings_done(&f->findings);
}

static void read_text(struct fixture *f, const char *app, const char *text)
{
    struct config_from from = { .file = "Procfile", .app = str_of(app) };

    *f = (struct fixture){ 0 };
    CHECK_EQ(settings_init(&f->settings), 0);
    CHECK_EQ(procfile_read(str_of(text), &from, &f->settings, &f->app, &f->findings), 0);
}

static void of_several_types_each_is_an_app(void)
{
    static const char text[] =
        "# all\n\nworker: node worker.js\r\nweb:  node server.js --p=$PORT \n";
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;
    AUTO(fixture_done) struct fixture h;

    read_text(&f, "", text);
    CHECK_EQ(f.findings.count, 0);
    CHECK(f.app.choose && !f.app.found);
    CHECK_EQ(f.app.command.len, 0);
    CHECK_EQ(f.app.all.count, 2);
    CHECK_STR(strings_at(&f.app.all, 1), "web");
    read_text(&g, "worker", text);
    CHECK_STR(str_of(g.app.command.ptr), "node worker.js");
    CHECK_STR(g.settings.name, "worker");
    CHECK_EQ(g.settings.workers.most, 1); /* nothing says that it can run twice */
    read_text(&h, "web", text);
    CHECK_STR(str_of(h.app.command.ptr), "node server.js --p=$PORT");
    CHECK_EQ(h.settings.name.len, 0);
    CHECK_EQ(h.settings.workers.most, 0);
}

static void a_type_alone_is_meant(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "jobs: node jobs.js");
    CHECK(f.app.found && !f.app.choose);
    CHECK_STR(str_of(f.app.command.ptr), "node jobs.js");
}

static void a_type_stands_once(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "web: x\nb: y\nweb: z\n");
    CHECK_EQ(f.findings.of[FINDING_MISTAKE], 1);
    CHECK_EQ(f.findings.list[0].problem.line, 3);
}

static void what_is_no_process_type_is_named(void)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;

    read_text(&f, "", "web: x\nnode server.js\nb d: x\nc:\n");
    CHECK_EQ(f.findings.of[FINDING_MISTAKE], 3);
    CHECK_EQ(f.findings.list[0].problem.line, 2);
    CHECK(strstr(f.findings.list[0].problem.text, "\"node server.js\" is no process type"));
    read_text(&g, "", "");
    CHECK_EQ(g.findings.of[FINDING_MISTAKE], 1);
}

int main(void)
{
    TEST(of_several_types_each_is_an_app);
    TEST(a_type_alone_is_meant);
    TEST(a_type_stands_once);
    TEST(what_is_no_process_type_is_named);
    return tap_done();
}
