/* test/unit/io_notify_test.c -- what a service manager hears */
#include "io/notify.h"

#include "tap.h"

static struct str heard(int fd)
{
    static char text[2048];
    ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

    return str_make(text, n < 0 ? 0 : (size_t)n);
}

static int manager(struct sockaddr_un *at, size_t name_len)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    at->sun_family = AF_UNIX;
    if (fd < 0 || bind(fd, (struct sockaddr *)at,
                       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_len)) < 0)
        abort();
    return fd;
}

static void without_a_manager_nothing_is_said(void)
{
    struct notify n;

    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "5000000", 1);
    CHECK_EQ(notify_take(&n), 0);
    CHECK_EQ(n.fd, -1);
    CHECK_EQ(n.watchdog_ns, 0);
    CHECK(!getenv("WATCHDOG_USEC"));
    notify_send(&n, "READY=1");
    notify_send(NULL, "READY=1");
    notify_done(&n);
}

static void a_path_and_an_abstract_name_are_reached(void)
{
    for (int abstract = 0; abstract < 2; abstract++) {
        struct sockaddr_un at = { 0 };
        char name[64];
        int len = snprintf(name, sizeof(name), "%s/tmp/fettle-notify-%d", abstract ? "@" : "",
                           (int)getpid());
        int fd;
        struct notify n;
        AUTO(strings_done) struct strings env = { 0 };

        memcpy(at.sun_path, name, (size_t)len);
        if (abstract)
            at.sun_path[0] = 0;
        fd = manager(&at, (size_t)len + !abstract);
        setenv("NOTIFY_SOCKET", name, 1);
        CHECK_EQ(notify_take(&n), 0);
        CHECK(!getenv("NOTIFY_SOCKET"));
        n.watchdog_ns = 3 * NS_PER_S;
        notify_hand_over(&n, &env);
        CHECK_EQ(env.count, 2);
        CHECK_STR(str_sub(strings_at(&env, 0), 14, 999), name);
        CHECK_STR(strings_at(&env, 1), "WATCHDOG_USEC=3000000");
        notify_send(&n, "STATUS=%d of %d", 1, 2);
        CHECK_STR(heard(fd), "STATUS=1 of 2");
        notify_done(&n);
        close(fd);
        if (!abstract)
            unlink(name);
    }
}

static void a_name_that_is_none_is_refused(void)
{
    static const char *const wrong[] = {
        "relative", "/", "@", "vsock:2:1",
        "/much/too/long/"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    };

    for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
        struct notify n;

        setenv("NOTIFY_SOCKET", wrong[i], 1);
        CHECK_EQ(notify_take(&n), -EINVAL);
        CHECK_EQ(n.fd, -1);
        notify_send(&n, "READY=1");
        notify_done(&n);
    }
}

static void the_watchdog_is_ours_or_nobodys(void)
{
    static const struct {
        const char *usec, *pid;
        u64 ns;
    } cases[] = {
        { "30000000", NULL, 30 * NS_PER_S }, { "30000000", "1", 0 }, { "x", NULL, 0 },
        { "99999999999999999999", NULL, 0 }, { "0", NULL, 0 },
    };

    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        struct notify n;

        setenv("NOTIFY_SOCKET", "/tmp/nobody-is-there", 1);
        setenv("WATCHDOG_USEC", cases[i].usec, 1);
        if (cases[i].pid)
            setenv("WATCHDOG_PID", cases[i].pid, 1);
        CHECK_EQ(notify_take(&n), 0);
        CHECK_EQ(n.watchdog_ns, cases[i].ns);
        notify_send(&n, "WATCHDOG=1"); /* nobody hears it, and that is all */
        notify_done(&n);
    }
}

int main(void)
{
    TEST(without_a_manager_nothing_is_said);
    TEST(a_path_and_an_abstract_name_are_reached);
    TEST(a_name_that_is_none_is_refused);
    TEST(the_watchdog_is_ours_or_nobodys);
    return tap_done();
}
