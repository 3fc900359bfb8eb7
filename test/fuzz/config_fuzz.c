/* test/fuzz/config_fuzz.c -- files of settings: whatever they hold is read, or said to be wrong
 *
 * The first byte chooses the form. JSON that was read, written and read again is the same; text
 * that people see has no control characters.
 */
#include "conf/config.h"
#include "conf/json_write.h"
#include "conf/pm2.h"
#include "conf/procfile.h"
#include "conf/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct settings settings;
    struct config_app app;
    struct findings findings;
};

static struct config_from from_of(uint8_t choice)
{
    return (struct config_from){ .file = "f",
                                 .folder = STR("/x"),
                                 .package = choice & 4,
                                 .app = choice & 8 ? STR("a") : STR(""),
                                 .env = choice & 16 ? STR("p") : STR(""),
                                 .cpus = 4 };
}

static void findings_check(const struct findings *f)
{
    assert(f->count <= FINDINGS_MAX);
    for (u32 i = 0; i < f->count; i++) {
        assert(f->list[i].problem.text[0]);
        for (const char *c = f->list[i].problem.text; *c; c++)
            assert((u8)*c >= 32 && *c != 127);
    }
}

/* What was taken of listeners and routes can be read where it arrives. */
static void places_check(const struct settings *s)
{
    static struct routes routes;
    struct problem p;

    memset(&routes, 0, sizeof(routes));
    assert(routes_parse(&routes, s->routes, &p) == 0);
    memset(&routes, 0, sizeof(routes));
    assert(routes_parse(&routes, s->paths, &p) == 0);
    assert(routes_parse_listeners(&routes, s->listeners, &p) == 0);
}

static void json_check(uint8_t choice, struct str text)
{
    struct config_from from = from_of(choice);
    struct json_value *root, *again;
    struct buf first = { 0 }, second = { 0 };
    struct reading r = { 0 };
    struct problem p;

    if (json_value_parse(&root, text, "f", &p)) {
        assert(p.text[0] && p.line > 0);
        return;
    }
    json_write(root, &first);
    assert(json_value_parse(&again, buf_str(&first), "f", &p) == 0);
    json_write(again, &second);
    assert(str_eq(buf_str(&first), buf_str(&second)));
    if (settings_init(&r.settings))
        abort();
    if (choice & 1)
        assert(pm2_read(root, &from, &r.settings, &r.app, &r.findings) == 0);
    else
        assert(config_read(root, &from, &r.settings, &r.app, &r.findings) == 0);
    findings_check(&r.findings);
    places_check(&r.settings);
    (void)pm2_is(root);
    json_value_free(root);
    json_value_free(again);
    buf_done(&first);
    buf_done(&second);
    settings_done(&r.settings);
    config_app_done(&r.app);
    findings_done(&r.findings);
}

static void procfile_check(uint8_t choice, struct str text)
{
    struct config_from from = from_of(choice);
    struct reading r = { 0 };

    if (settings_init(&r.settings))
        abort();
    assert(procfile_read(text, &from, &r.settings, &r.app, &r.findings) == 0);
    assert(!r.app.found || r.app.command.len > 1);
    findings_check(&r.findings);
    settings_done(&r.settings);
    config_app_done(&r.app);
    findings_done(&r.findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text;

    if (size == 0)
        return 0;
    text = str_make((const char *)data + 1, size - 1);
    if (data[0] & 2)
        procfile_check(data[0], text);
    else
        json_check(data[0], text);
    return 0;
}
