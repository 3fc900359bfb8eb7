/* generated: where a script's map is, and what its functions are called */
#include "sourcemap/generated.h"

#include "base/buf.h"

#include "tap.h"

static void the_last_line_that_names_a_map_counts(void)
{
    CHECK_STR(generated_map_url(STR("a();\n//# sourceMappingURL=a.js.map\n")), "a.js.map");
    CHECK_STR(generated_map_url(STR("//# sourceMappingURL=a.map\r\n//@ sourceMappingURL=b.map")),
              "b.map");
    CHECK_STR(generated_map_url(STR("/*# sourceMappingURL=a.map */")), "a.map");
    CHECK_STR(generated_map_url(STR("x='//# sourceMappingURL='+u;y=`//# sourceMappingURL=${u}`")),
              "");
    CHECK_STR(generated_map_url(STR("sourceMappingURL=a.map")), "");
    CHECK_STR(generated_map_url(STR("//# sourceMappingURL=")), "");
    CHECK_STR(generated_map_url((struct str){ 0 }), "");
}

/* The text up to where the function's name begins; `text` has a '|' where V8 says it begins. */
static bool name_at(const char *text, const char *name, u32 want)
{
    AUTO(buf_done) struct buf plain = { 0 };
    struct generated g = { 0 };
    u32 line = 0, column = 0, found = UINT32_MAX;
    const char *mark = strchr(text, '|');
    bool ok;

    for (const char *p = text; p < mark; p++) {
        column = *p == '\n' ? 0 : column + 1;
        line += *p == '\n';
    }
    buf_add(&plain, str_make(text, (size_t)(mark - text)));
    buf_add(&plain, str_of(mark + 1));
    g.text = buf_str(&plain);
    ok = generated_name_column(&g, line, column, str_of(name), &found);
    if (want == UINT32_MAX ? !ok : ok && found == want)
        return true;
    printf("# %s: %u\n", text, found);
    return false;
}

static void the_name_of_a_function_stands_before_its_parameters(void)
{
    CHECK(name_at("x;function a|(b){}", "a", 11));
    CHECK(name_at("\n\nasync function* a |(b){}", "a", 16));
    CHECK(name_at("const a=|(b)=>b", "a", 6));
    CHECK(name_at("const a = async |b=>b", "a", 6));
    CHECK(name_at("a:function|(){}", "a", 0));
    CHECK(name_at("t.prototype.run=function|(){}", "t.run", 12));
    CHECK(name_at("class{get $x1|(){}}", "get $x1", 10));
    CHECK(name_at("class{#p|(){}}", "#p", 6));
}

static void it_is_not_there_when_something_else_stands_there(void)
{
    CHECK(name_at("f(|b=>b)", "a", UINT32_MAX));
    CHECK(name_at("a\n=|(b)=>b", "a", UINT32_MAX));
    CHECK(name_at("function aa|(){}", "a", UINT32_MAX));
    CHECK(name_at("function a|(){}", "", UINT32_MAX));
    CHECK(name_at("|", "a", UINT32_MAX));
}

static void columns_are_counted_as_javascript_does(void)
{
    struct generated g = { .text = STR("'\xc3\xa9\xf0\x9f\x98\x80';function a(){}\xe2\x80\xa8"
                                       "\r\n\rfunction b(){}") };
    u32 at;

    /* é is one unit, the face two. */
    CHECK(generated_name_column(&g, 0, 16, STR("a"), &at));
    CHECK_EQ(at, 15);
    CHECK(generated_name_column(&g, 3, 10, STR("b"), &at));
    CHECK_EQ(at, 9);
    CHECK(generated_name_column(&g, 0, 16, STR("a"), &at));
    CHECK(!generated_name_column(&g, 0, 500, STR("a"), &at));
    CHECK(!generated_name_column(&g, 9, 0, STR("a"), &at));
}

/* Where the name of the function stands that runs at '|'. */
static bool enclosed(const char *text, const char *name, u32 want_line, u32 want)
{
    AUTO(buf_done) struct buf plain = { 0 };
    struct generated g = { 0 };
    u32 line = 0, column = 0, found_line = UINT32_MAX, found = UINT32_MAX;
    const char *mark = strchr(text, '|');
    bool ok;

    for (const char *p = text; p < mark; p++) {
        column = *p == '\n' ? 0 : column + 1;
        line += *p == '\n';
    }
    buf_add(&plain, str_make(text, (size_t)(mark - text)));
    buf_add(&plain, str_of(mark + 1));
    g.text = buf_str(&plain);
    ok = generated_enclosing(&g, line, column, str_of(name), &found_line, &found);
    if (want == UINT32_MAX ? !ok : ok && found == want && found_line == want_line)
        return true;
    printf("# %s: %u:%u\n", text, found_line, found);
    return false;
}

static void the_function_around_a_place_is_the_nearest_that_goes_on(void)
{
    CHECK(enclosed("function a(b){if(b){}|}", "a", 0, 9));
    CHECK(enclosed("x;\n function a(b)\n{\n b;|}", "a", 1, 10));
    CHECK(enclosed("function a(){function a(){}|}", "a", 0, 9));
    CHECK(enclosed("function a(){function a(){|}}", "a", 0, 22));
    CHECK(enclosed("var t=1,a=(b,c)=>{for(;;)|}", "a", 0, 8));
    CHECK(enclosed("var a=async b=>c(|)", "a", 0, 4));
    CHECK(enclosed("var a=function c(){|}", "a", 0, 4));
    CHECK(enclosed("x={a:async function*(){|}}", "a", 0, 3));
    CHECK(enclosed("class x{a(b){'}';\"}\\\"}\";`}`;|}}", "a", 0, 8));
    CHECK(enclosed("function a(){|}", "new a", 0, 9));
}

static void a_function_that_has_ended_or_is_none_is_not_around_it(void)
{
    CHECK(enclosed("function a(){}|", "a", 0, UINT32_MAX));
    CHECK(enclosed("var a=b=>c;|", "a", 0, UINT32_MAX));
    CHECK(enclosed("f(a=>b,|)", "a", 0, UINT32_MAX));
    CHECK(enclosed("a(1);{|}", "a", 0, UINT32_MAX));
    CHECK(enclosed("a=1;{|}", "a", 0, UINT32_MAX));
    CHECK(enclosed("function aa(){|}", "a", 0, UINT32_MAX));
    CHECK(enclosed("function a(){|}", "", 0, UINT32_MAX));
    CHECK(enclosed("function a(|", "a", 0, UINT32_MAX));
    CHECK(enclosed("|", "a", 0, UINT32_MAX));
}

int main(void)
{
    TEST(the_last_line_that_names_a_map_counts);
    TEST(the_name_of_a_function_stands_before_its_parameters);
    TEST(it_is_not_there_when_something_else_stands_there);
    TEST(columns_are_counted_as_javascript_does);
    TEST(the_function_around_a_place_is_the_nearest_that_goes_on);
    TEST(a_function_that_has_ended_or_is_none_is_not_around_it);
    return tap_done();
}
