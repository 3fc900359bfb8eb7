/* test/unit/io_activation_test.c -- listening sockets that were opened for us
 *
 * Each test is a child process of its own, because descriptor 3 and up are its subject.
 */
#include "io/activation.h"

#include "io/sock.h"
#include "tap.h"

#include <fcntl.h>
#include <sys/wait.h>

static struct addr address(const char *ip, u32 port)
{
    struct addr a;

    if (!addr_parse_ip(str_of(ip), &a))
        abort();
    a.port = (u16)port;
    return a;
}

/* Listens and stands at descriptor `at`; its port. */
static u32 given(int at, const char *ip, u32 port)
{
    struct addr a = address(ip, port);
    int fd = sock_listen_tcp(&a, &(struct sock_listen_conf){ .v6only = true });

    if (fd < 0 || sock_local(fd, &a) < 0)
        abort();
    if (fd != at) {
        dup2(fd, at);
        close(fd);
    }
    return a.port;
}

static void taken_as(struct activation *a, const char *count, const char *names, bool succeeds)
{
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", names, 1);
    CHECK_EQ(activation_take(a, succeeds), 0);
    CHECK(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES"));
}

static void taken(struct activation *a, const char *count, const char *names)
{
    taken_as(a, count, names, false);
}

static void one_that_a_fettle_before_us_bound_is_for_its_very_address(void)
{
    struct activation a;
    struct addr asked;
    u32 port = given(3, "127.0.0.1", 0), free_port = given(4, "::", 0),
        lent = given(5, "127.0.0.1", 0);

    taken_as(&a, "3", "fettle/own:fettle/any/0/shop:shop.socket", true);
    asked = address("127.0.0.1", port);
    CHECK_EQ(activation_find(&a, &asked), a.socket[0].fd);
    CHECK(activation_inherited(&a, a.socket[0].fd) && !activation_inherited(&a, a.socket[2].fd));
    asked = address("127.0.0.2", port);
    CHECK_EQ(activation_find(&a, &asked), -ENOENT);
    asked = address("::", port);
    CHECK_EQ(activation_find(&a, &asked), -ENOENT);
    asked = address("::", lent); /* of a service manager: as always */
    CHECK_EQ(activation_find(&a, &asked), a.socket[2].fd);
    a.socket[0].used = a.socket[2].used = false;
    CHECK_EQ(activation_find_name(&a, "fettle/any/1/shop"), -ENOENT);
    CHECK_EQ(activation_find_name(&a, "fettle/any/0/shop"), a.socket[1].fd);
    CHECK(a.socket[1].used && a.socket[1].addr.port == free_port);
    activation_leave(&a); /* the first one is closed: nobody wants it */
    CHECK_EQ(a.socket[0].fd, -1);
    asked = address("127.0.0.1", port);
    CHECK_EQ(activation_find(&a, &asked), -ENOENT);
    CHECK(a.socket[1].fd >= 0 && a.socket[2].fd >= 0);
    activation_done(&a);
}

static void names_mean_nothing_when_no_fettle_gave_them(void)
{
    struct activation a;

    given(3, "127.0.0.1", 0);
    taken(&a, "1", "fettle/own");
    CHECK(!a.socket[0].inherited);
    activation_done(&a);
}

static void they_move_and_the_right_one_is_found(void)
{
    struct activation a;
    struct addr asked;
    u32 port = given(3, "127.0.0.1", 0), other = given(5, "::", 0);
    int pipe_fds[2];
    AUTO(buf_done) struct buf text = { 0 };

    if (pipe(pipe_fds) < 0)
        abort();
    if (pipe_fds[0] != 4)
        dup2(pipe_fds[0], 4);
    taken(&a, "3", "web::shop.socket");
    CHECK_EQ(a.count, 3);
    CHECK(fcntl(3, F_GETFD) < 0 && fcntl(4, F_GETFD) < 0 && fcntl(5, F_GETFD) < 0);
    CHECK(a.socket[0].listens && !a.socket[1].listens && a.socket[2].listens);
    CHECK(fcntl(a.socket[0].fd, F_GETFD) & FD_CLOEXEC);
    asked = address("127.0.0.1", port);
    CHECK_EQ(activation_find(&a, &asked), a.socket[0].fd);
    CHECK(a.socket[0].used && !a.socket[2].used);
    asked = address("::", port); /* on all addresses, of which there is one */
    CHECK_EQ(activation_find(&a, &asked), a.socket[0].fd);
    asked = address("127.0.0.1", other);
    CHECK_EQ(activation_find(&a, &asked), a.socket[2].fd);
    asked = address("::", 0); /* any free port is none of these */
    CHECK_EQ(activation_find(&a, &asked), -ENOENT);
    asked = address("::", port == 9 ? 10 : 9);
    CHECK_EQ(activation_find(&a, &asked), -ENOENT);
    CHECK_EQ(activation_find_path(&a, ""), -ENOENT);
    activation_text(&a.socket[2], &text);
    CHECK(str_ends(buf_str(&text), STR(" (shop.socket)")));
    activation_done(&a);
}

static void a_unix_socket_is_found_by_its_path(void)
{
    struct activation a;
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/tmp/fettle-activation-%d", (int)getpid());
    fd = sock_listen_unix(path, SOCK_STREAM, 5, 0600);
    if (fd != 3)
        dup2(fd, 3);
    taken(&a, "1", "");
    CHECK_EQ(activation_find_path(&a, "/tmp/other"), -ENOENT);
    CHECK_EQ(activation_find_path(&a, path), a.socket[0].fd);
    activation_done(&a);
    unlink(path);
}

static void what_is_meant_for_another_process_is_left_alone(void)
{
    struct activation a;

    given(3, "127.0.0.1", 0);
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "1", 1);
    CHECK_EQ(activation_take(&a, false), 0);
    CHECK_EQ(a.count, 0);
    CHECK(fcntl(3, F_GETFD) >= 0);
    CHECK(!getenv("LISTEN_FDS"));
}

static void numbers_that_lie_do_no_harm(void)
{
    struct activation a;
    char pid[16];

    given(3, "127.0.0.1", 0);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "18446744073709551615", 1);
    CHECK_EQ(activation_take(&a, false), -EBADF);
    CHECK(a.count >= 1 && a.count <= ACTIVATION_MAX);
    activation_done(&a);
}

static void alone(void (*test)(void))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        tap_failures = 0;
        test();
        fflush(stdout);
        _exit(tap_failures > 0);
    }
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
}

#define ALONE(fn)                   \
    static void fn##_in_peace(void) \
    {                               \
        alone(fn);                  \
    }

ALONE(they_move_and_the_right_one_is_found)
ALONE(a_unix_socket_is_found_by_its_path)
ALONE(what_is_meant_for_another_process_is_left_alone)
ALONE(numbers_that_lie_do_no_harm)
ALONE(one_that_a_fettle_before_us_bound_is_for_its_very_address)
ALONE(names_mean_nothing_when_no_fettle_gave_them)

int main(void)
{
    tap_run(they_move_and_the_right_one_is_found_in_peace, "they_move_and_the_right_one_is_found");
    tap_run(a_unix_socket_is_found_by_its_path_in_peace, "a_unix_socket_is_found_by_its_path");
    tap_run(what_is_meant_for_another_process_is_left_alone_in_peace,
            "what_is_meant_for_another_process_is_left_alone");
    tap_run(numbers_that_lie_do_no_harm_in_peace, "numbers_that_lie_do_no_harm");
    tap_run(one_that_a_fettle_before_us_bound_is_for_its_very_address_in_peace,
            "one_that_a_fettle_before_us_bound_is_for_its_very_address");
    tap_run(names_mean_nothing_when_no_fettle_gave_them_in_peace,
            "names_mean_nothing_when_no_fettle_gave_them");
    return tap_done();
}
