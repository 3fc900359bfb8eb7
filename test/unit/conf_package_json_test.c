/* test/unit/conf_package_json_test.c -- what a package.json says about starting it */
#include "conf/package_json.h"

#include "tap.h"

static void the_fields_are_read(void)
{
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    struct problem p = { 0 };
    struct buf names = { 0 };

    CHECK_EQ(package_json_parse(&pkg,
                                STR("\xef\xbb\xbf{\"name\":\"@a/b\",\"version\":\"1.2.3\","
                                    "\"main\":\"x.js\",\"scripts\":{\"start\":\"node .\","
                                    "\"serve\":\"a \\u00e4\",\"n\":1}}"),
                                "package.json", &p),
             0);
    if (!pkg)
        return;
    CHECK_STR(package_json_name(pkg), "@a/b");
    CHECK_STR(package_json_version(pkg), "1.2.3");
    CHECK_STR(package_json_main(pkg), "x.js");
    CHECK_STR(package_json_script(pkg, STR("start")), "node .");
    CHECK_STR(package_json_script(pkg, STR("serve")), "a ä");
    CHECK_EQ(package_json_script(pkg, STR("n")).len, 0);
    CHECK_EQ(package_json_script(pkg, STR("toString")).len, 0);
    CHECK_STR(package_json_script_nearest(pkg, STR("strat")), "start");
    CHECK_EQ(package_json_script_nearest(pkg, STR("frobnicate")).len, 0);
    package_json_script_names(pkg, 2, &names);
    CHECK_STR(buf_str(&names), "start, serve, …");
    buf_done(&names);
}

static void what_is_missing_or_of_another_type_is_empty(void)
{
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    struct problem p = { 0 };

    CHECK_EQ(package_json_parse(&pkg, STR("{\"name\":5,\"scripts\":[1],\"main\":null}"), "p", &p),
             0);
    CHECK_EQ(package_json_name(pkg).len, 0);
    CHECK_EQ(package_json_version(pkg).len, 0);
    CHECK_EQ(package_json_main(pkg).len, 0);
    CHECK_EQ(package_json_script(pkg, STR("start")).len, 0);
}

static void a_mistake_has_its_file_and_line(void)
{
    struct package_json *pkg = NULL;
    struct problem p = { 0 };

    CHECK_EQ(package_json_parse(&pkg, STR("{\n  \"name\": \"a\",\n}\n"), "/x/package.json", &p),
             -EINVAL);
    CHECK_STR(str_of(p.file), "/x/package.json");
    CHECK_EQ(p.line, 3);
    CHECK(strstr(p.text, "not valid JSON"));
    CHECK_EQ(package_json_parse(&pkg, STR("[1]"), "p", &p), -EINVAL);
    CHECK_EQ(package_json_parse(&pkg, STR(""), "p", &p), -EINVAL);
    CHECK_EQ(package_json_parse(&pkg, STR("{} x"), "p", &p), -EINVAL);
    CHECK_EQ(package_json_read(&pkg, "/nonexistent/package.json", &p), -ENOENT);
    CHECK_EQ(package_json_read(&pkg, "/", &p), -EINVAL);
    CHECK(!pkg);
}

int main(void)
{
    TEST(the_fields_are_read);
    TEST(what_is_missing_or_of_another_type_is_empty);
    TEST(a_mistake_has_its_file_and_line);
    return tap_done();
}
