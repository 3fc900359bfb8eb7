/* blame: samples, scripts, maps and sources on disk; what is told */
#include "admin/blame.h"

#include "base/clock.h"

#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/fettle-blame-XXXXXX";
static struct sourcemap_cache cache;
static struct blame blame;

static const char *path(const char *name)
{
    static char text[4][200];
    static u32 at;
    char *out = text[at++ % 4];

    snprintf(out, sizeof(text[0]), "%s/%s", dir, name);
    return out;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path(name), "w");

    assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

#define SOURCE "type T = string;\nexport function save(rows: T[]) {\n  JSON.stringify(rows);\n}\n"
/* app.js 0:0 is app.ts 1:16, 0:13 is app.ts 2:2, 0:18 is app.ts 2:7. */
#define MAPPINGS "\"mappings\":\"AACgB,aACd,KAAK\""
#define SCRIPT "function s(){JSON.stringify(r)}\n"

/* One sample: JavaScript in save(), called by a timer. */
static void decide(const char *script, struct sourcemap_cache *maps)
{
    char text[600];
    struct cause_sample sample = { .how = SHM_BLOCKED_STACK, .call = -1 };

    blame_free(&blame);
    blame = (struct blame){ .took_ns = 100 * NS_PER_MS };
    snprintf(text, sizeof(text),
             "    at s (%s:1:19)\n    at listOnTimeout (node:internal/timers:581:17)\n",
             path(script));
    sample.text = str_of(text);
    CHECK(blame_copy(&blame, &sample, 1));
    memset(text, 'x', sizeof(text)); /* it has its own */
    blame_decide(&blame, maps);
}

static void a_place_is_that_of_its_source(void)
{
    decide("app.js", &cache);
    CHECK_EQ(blame.cause.kind, FINDING_JSON);
    CHECK_STR(blame.file, path("app.ts"));
    CHECK_EQ(blame.cause.place.line, 3);
    CHECK_EQ(blame.cause.place.column, 8);
    CHECK_STR(blame.source, "  JSON.stringify(rows);");
    CHECK(memmem(blame.evidence.ptr, blame.evidence.len, "/app.ts:3:8)", 12) != NULL);
}

static void a_source_that_is_not_there_is_read_in_the_map(void)
{
    decide("packed.js", &cache);
    CHECK_EQ(blame.cause.kind, FINDING_JSON);
    CHECK_STR(blame.file, path("gone.ts"));
    CHECK_EQ(blame.cause.place.line, 3);
    CHECK_STR(blame.source, "  JSON.stringify(rows);");
}

static void where_it_is_nowhere_the_script_decides_and_the_place_is_mapped(void)
{
    decide("alone.js", &cache);
    CHECK_EQ(blame.cause.kind, FINDING_JSON);
    CHECK_STR(blame.file, path("gone.ts"));
    CHECK_EQ(blame.cause.place.line, 3);
    CHECK_STR(blame.source, "function s(){JSON.stringify(r)}");
    CHECK(memmem(blame.evidence.ptr, blame.evidence.len, "/gone.ts:3:8)", 13) != NULL);
}

static void without_a_map_it_is_the_script(void)
{
    static const char *const names[] = { "plain.js", "broken.js" };

    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        decide(names[i], &cache);
        CHECK_EQ(blame.cause.kind, FINDING_JSON);
        CHECK_STR(blame.file, path(names[i]));
        CHECK_EQ(blame.cause.place.line, 1);
        CHECK_STR(blame.source, "function s(){JSON.stringify(r)}");
    }
    decide("app.js", NULL);
    CHECK_STR(blame.file, path("app.js"));
}

static void a_script_that_is_not_there_is_still_told(void)
{
    decide("nowhere.js", &cache);
    CHECK_EQ(blame.cause.kind, FINDING_JAVASCRIPT);
    CHECK_STR(blame.file, path("nowhere.js"));
    CHECK_STR(blame.source, "");
    blame_free(&blame);
    blame = (struct blame){ .took_ns = NS_PER_S };
    blame_decide(&blame, &cache);
    CHECK_EQ(blame.cause.kind, FINDING_UNKNOWN);
    CHECK_STR(blame.file, "");
}

int main(void)
{
    static const char *const names[] = { "app.js",       "app.js.map",    "app.ts",
                                         "packed.js",    "packed.js.map", "alone.js",
                                         "alone.js.map", "plain.js",      "broken.js",
                                         "broken.js.map" };

    assert(mkdtemp(dir));
    put("app.ts", SOURCE);
    put("app.js", SCRIPT);
    put("app.js.map", "{\"version\":3,\"sources\":[\"app.ts\"]," MAPPINGS "}");
    put("packed.js", SCRIPT);
    put("packed.js.map", "{\"version\":3,\"sources\":[\"gone.ts\"],\"sourcesContent\":[\"\\n\\n  "
                         "JSON.stringify(rows);\\n\"]," MAPPINGS "}");
    put("alone.js", SCRIPT);
    put("alone.js.map", "{\"version\":3,\"sources\":[\"gone.ts\"]," MAPPINGS "}");
    put("plain.js", SCRIPT);
    put("broken.js", SCRIPT);
    put("broken.js.map", "{\"version\":3,\"mappings\":\"!\"}");
    TEST(a_place_is_that_of_its_source);
    TEST(a_source_that_is_not_there_is_read_in_the_map);
    TEST(where_it_is_nowhere_the_script_decides_and_the_place_is_mapped);
    TEST(without_a_map_it_is_the_script);
    TEST(a_script_that_is_not_there_is_still_told);
    blame_free(&blame);
    sourcemap_cache_done(&cache);
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        (void)unlink(path(names[i]));
    (void)rmdir(dir);
    return tap_done();
}
