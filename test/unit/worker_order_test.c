/* test/unit/worker_order_test.c */
#include "worker/order.h"

#include "tap.h"

#include <signal.h>

static struct order order;
static struct problem problem;

static int read_text(const char *text)
{
    return order_read(&order, str_of(text), &problem);
}

static void a_request_names_what_to_do_and_with_what(void)
{
    CHECK_EQ(read_text("{\"do\":\"reload\",\"app\":\"shop\",\"worker\":2}"), 0);
    CHECK_EQ(order.verb, ORDER_RELOAD);
    CHECK_STR(str_of(order.app), "shop");
    CHECK_EQ(order.worker, 2);
}

static void every_verb_is_read_back_from_its_name(void)
{
    for (u32 i = 0; i < ORDER_VERBS; i++) {
        char text[128];

        snprintf(text, sizeof(text), "{\"do\":\"%s\"%s}", order_name(i),
                 i == ORDER_SCALE    ? ",\"by\":1"
                 : i == ORDER_SIGNAL ? ",\"signal\":\"USR2\""
                 : i == ORDER_HOLD   ? ",\"worker\":1"
                 : i == ORDER_PURGE  ? ",\"path\":\"/a\""
                                     : "");
        CHECK_EQ(read_text(text), 0);
        CHECK_EQ(order.verb, i);
    }
}

static void scale_takes_a_number_or_a_difference_but_not_both(void)
{
    CHECK_EQ(read_text("{\"do\":\"scale\",\"workers\":4}"), 0);
    CHECK_EQ(order.workers, 4);
    CHECK_EQ(read_text("{\"do\":\"scale\",\"by\":-2}"), 0);
    CHECK_EQ(order.by, -2);
    CHECK_EQ(read_text("{\"do\":\"scale\",\"by\":1,\"workers\":4}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"scale\",\"auto\":true}"), 0);
    CHECK(order.automatic);
    CHECK_EQ(read_text("{\"do\":\"scale\",\"auto\":true,\"by\":1}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"scale\",\"auto\":false}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"reload\",\"auto\":true}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"scale\"}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"scale\",\"workers\":0}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"scale\",\"workers\":129}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"scale\",\"by\":1.5}"), -EINVAL);
}

static void a_hold_is_of_one_worker_and_waits_for_a_time(void)
{
    CHECK_EQ(read_text("{\"do\":\"hold\",\"worker\":2,\"wait_ms\":10000}"), 0);
    CHECK_EQ(order.worker, 2);
    CHECK_EQ(order.wait_ms, 10000);
    CHECK_EQ(read_text("{\"do\":\"hold\"}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"hold\",\"worker\":2,\"wait_ms\":3600001}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"reload\",\"worker\":1,\"wait_ms\":1}"), -EINVAL);
}

static void an_upgrade_is_of_fettle_itself(void)
{
    CHECK_EQ(read_text("{\"do\":\"upgrade\"}"), 0);
    CHECK_EQ(read_text("{\"do\":\"upgrade\",\"app\":\"shop\"}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"upgrade\",\"worker\":1}"), -EINVAL);
}

static void only_stop_may_end_fettle(void)
{
    CHECK_EQ(read_text("{\"do\":\"stop\",\"last\":true}"), 0);
    CHECK(order.last);
    CHECK_EQ(read_text("{\"do\":\"stop\"}"), 0);
    CHECK(!order.last);
    CHECK_EQ(read_text("{\"do\":\"reload\",\"last\":true}"), -EINVAL);
}

static void what_would_be_passed_over_is_refused(void)
{
    CHECK_EQ(read_text("{\"do\":\"stop\",\"worker\":1}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"ps\",\"signal\":\"USR2\"}"), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"ps\",\"colour\":1}"), -EINVAL);
    CHECK_STR(str_of(problem.text), "this fettle does not know what \"colour\" in a request means");
    CHECK_EQ(read_text("{\"do\":\"dance\"}"), -EINVAL);
    CHECK_STR(str_of(problem.text), "this fettle does not know how to do \"dance\"");
    CHECK_EQ(read_text("{}"), -EINVAL);
    CHECK_EQ(read_text("[]"), -EINVAL);
    CHECK_EQ(read_text(""), -EINVAL);
    CHECK_EQ(read_text("{\"do\":\"ps\"} {"), -EINVAL);
}

static void signals_are_known_by_name_and_number(void)
{
    CHECK_EQ(order_signal(STR("SIGUSR2")), SIGUSR2);
    CHECK_EQ(order_signal(STR("usr2")), SIGUSR2);
    CHECK_EQ(order_signal(STR("Hup")), SIGHUP);
    CHECK_EQ(order_signal(STR("15")), SIGTERM);
    CHECK_EQ(order_signal(STR("0")), 0);
    CHECK_EQ(order_signal(STR("99")), 0);
    CHECK_EQ(order_signal(STR("SIG")), 0);
    CHECK_EQ(order_signal(STR("SIGNONSENSE")), 0);
    CHECK_EQ(order_signal((struct str){ 0 }), 0);
}

static void an_app_with_an_endless_name_is_refused(void)
{
    char text[512];

    memset(text, 'a', sizeof(text));
    memcpy(text, "{\"do\":\"ps\",\"app\":\"", 18);
    snprintf(text + 400, 8, "\"}");
    CHECK_EQ(read_text(text), -EINVAL);
}

int main(void)
{
    TEST(a_request_names_what_to_do_and_with_what);
    TEST(every_verb_is_read_back_from_its_name);
    TEST(scale_takes_a_number_or_a_difference_but_not_both);
    TEST(a_hold_is_of_one_worker_and_waits_for_a_time);
    TEST(an_upgrade_is_of_fettle_itself);
    TEST(only_stop_may_end_fettle);
    TEST(what_would_be_passed_over_is_refused);
    TEST(signals_are_known_by_name_and_number);
    TEST(an_app_with_an_endless_name_is_refused);
    return tap_done();
}
