/* test/unit/conf_upstreams_test.c -- what the setting `upstream` lists */
#include "conf/upstreams.h"

#include "tap.h"

static struct upstreams list;
static struct problem problem;

static void read_list(const char *text)
{
    problem = (struct problem){ 0 };
    CHECK_EQ(upstreams_parse(&list, str_of(text), &problem), 0);
    CHECK_STR(str_of(problem.text), "");
}

static void refused(const char *text, const char *why)
{
    problem = (struct problem){ 0 };
    CHECK_EQ(upstreams_parse(&list, str_of(text), &problem), -EINVAL);
    if (!strstr(problem.text, why))
        CHECK_STR(str_of(problem.text), why);
}

static void addresses_have_a_port_or_that_of_http(void)
{
    char text[ADDR_TEXT_MAX];

    read_list("http://10.0.0.2:3000, HTTP://10.0.0.3,[fd00::2]:81,http://[::1]/");
    CHECK_EQ(list.n, 4);
    CHECK_EQ(list.item[0].kind, UPSTREAMS_ADDRESS);
    CHECK_STR(addr_text(&list.item[0].addr, text), "10.0.0.2:3000");
    CHECK_STR(addr_text(&list.item[1].addr, text), "10.0.0.3:80");
    CHECK_STR(addr_text(&list.item[2].addr, text), "[fd00::2]:81");
    CHECK_STR(addr_text(&list.item[3].addr, text), "[::1]:80");
    CHECK_EQ(list.item[0].weight, 1);
    CHECK_STR(list.item[0].text, "10.0.0.2:3000");
    CHECK(!list.local);
}

static void names_and_services_are_for_dns(void)
{
    read_list("http://api.internal:8080 weight 2 zone eu-1,srv:_http._tcp.api.internal backup");
    CHECK_EQ(list.n, 2);
    CHECK_EQ(list.item[0].kind, UPSTREAMS_NAME);
    CHECK_STR(list.item[0].name, "api.internal");
    CHECK_EQ(list.item[0].port, 8080);
    CHECK_EQ(list.item[0].weight, 2);
    CHECK_STR(list.item[0].zone, "eu-1");
    CHECK(!list.item[0].backup);
    CHECK_EQ(list.item[1].kind, UPSTREAMS_SERVICE);
    CHECK_STR(list.item[1].name, "_http._tcp.api.internal");
    CHECK(list.item[1].backup);
}

static void local_is_no_item(void)
{
    read_list("local, 10.0.0.2:3000");
    CHECK(list.local);
    CHECK_EQ(list.n, 1);
    read_list("");
    CHECK_EQ(list.n, 0);
    refused("local", "local alone");
    refused("local weight 2,10.0.0.2", "local says nothing");
}

static void what_is_wrong_is_said(void)
{
    char many[UPSTREAMS_MAX * 9 + 16] = "";

    refused("https://10.0.0.2", "without TLS");
    refused("http://10.0.0.2/api", "\"/api\"");
    refused("10.0.0.2:0", "no port");
    refused("10.0.0.2:65536", "no port");
    refused("10.0.0.2:", "no port");
    refused("10.0.0.2.3", "neither an IP address nor a host's name");
    refused("10.0.0.299", "neither an IP address nor a host's name");
    refused("fd00::2", "in brackets");
    refused("[fd00::2]3000", "no port");
    refused("0.0.0.0:80", "every address");
    refused("a..b", "neither");
    refused("user@host", "neither");
    refused("srv:api", "no name of a DNS service");
    refused("10.0.0.2 weight", "value is missing");
    refused("10.0.0.2 weight 0", "from 1 to");
    refused("10.0.0.2 zone a/b", "no zone");
    refused("10.0.0.2 down", "\"down\" is not known");
    for (u32 i = 0; i <= UPSTREAMS_MAX; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "10.0.0.%u,", i % 10);
    refused(many, "more than 64");
}

static void a_host_is_what_a_host_field_may_hold(void)
{
    CHECK_EQ(upstreams_check_host(STR("api.internal:8080"), &problem), 0);
    CHECK_EQ(upstreams_check_host(STR("[fd00::2]"), &problem), 0);
    CHECK_EQ(upstreams_check_host(STR("a b"), &problem), -EINVAL);
    CHECK_EQ(upstreams_check_host(STR("a\r\nb"), &problem), -EINVAL);
}

int main(void)
{
    TEST(addresses_have_a_port_or_that_of_http);
    TEST(names_and_services_are_for_dns);
    TEST(local_is_no_item);
    TEST(what_is_wrong_is_said);
    TEST(a_host_is_what_a_host_field_may_hold);
    return tap_done();
}
