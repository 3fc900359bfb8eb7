/* inspect_node_process_test -- what the kernel says of a process that may be Node */
#include "tap.h"

#include "inspect/node_process.h"

#include <signal.h>

static void who_takes_sigusr1_is_read_from_the_mask(void)
{
    struct node_process np = { 0 };

    node_process_status(&np, STR("Name:\tnode\nUid:\t1000\t1000\t1000\t1000\nVmRSS:\t   51200 kB\n"
                                 "SigIgn:\t0000000001001000\nSigCgt:\t0000000100004602\n"));
    CHECK_EQ(np.uid, 1000);
    CHECK_EQ(np.rss_bytes, 51200 * 1024);
    CHECK(np.catches_sigusr1);
    node_process_status(&np, STR("SigCgt:\t0000000100004402\n"));
    CHECK(!np.catches_sigusr1);
    node_process_status(&np, STR(""));
    CHECK(!np.catches_sigusr1);
}

static void option(const char *word, bool says, u32 port)
{
    struct node_process np = { .inspect_port = 9229 };

    node_process_option(&np, str_of(word));
    CHECK_EQ(np.says_inspect, says);
    CHECK_EQ(np.inspect_port, port);
}

static void the_port_of_the_inspector_is_read_from_the_options(void)
{
    option("--inspect", true, 9229);
    option("--inspect=0.0.0.0:9333", true, 9333);
    option("--inspect-brk=9333", true, 9333);
    option("--inspect=[::1]:9333", true, 9333);
    option("--inspect=localhost", true, 9229);
    option("--inspect-port=0", false, 0);
    option("--debug-port=127.0.0.1:9999", false, 9999);
    option("--inspect-port=70000", false, 9229);
    option("--inspector", false, 9229);
    option("--require", false, 9229);
}

static void a_process_is_known_by_its_start_and_another_is_not_it(void)
{
    struct node_process np, other;
    struct problem p;

    CHECK_EQ(node_process_look(&np, (u32)getpid(), &p), 0);
    CHECK(!np.is_node && !np.catches_sigusr1 && !np.other_net && np.rss_bytes > 0);
    CHECK_EQ(np.uid, getuid());
    CHECK(node_process_alive(&np));
    np.start_ticks--;
    CHECK(!node_process_alive(&np));
    (void)signal(SIGUSR1, SIG_IGN);
    CHECK_EQ(node_process_look(&other, (u32)getpid(), &p), 0);
    CHECK(!other.catches_sigusr1);
    CHECK_EQ(node_process_look(&np, 1u << 30, &p), -EINVAL);
    CHECK_STR(str_of(p.text), "there is no process 1073741824");
}

int main(void)
{
    TEST(who_takes_sigusr1_is_read_from_the_mask);
    TEST(the_port_of_the_inspector_is_read_from_the_options);
    TEST(a_process_is_known_by_its_start_and_another_is_not_it);
    return tap_done();
}
