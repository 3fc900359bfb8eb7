/* test/unit/worker_listeners_test.c */
#include "worker/listeners.h"

#include "base/clock.h"
#include "io/sock.h"
#include "tap.h"

static struct shm *shm;
static struct listeners *ls;

static void fresh(u32 port)
{
    if (ls)
        listeners_done(ls);
    ls = ls ? ls : calloc(1, sizeof(*ls));
    memset(shm, 0, sizeof(*shm));
    listeners_init(ls, shm);
    listeners_port(ls, 0, port);
}

static struct wire_listen ask(const char *host, u32 port, u32 index)
{
    struct wire_listen a = { .type = WIRE_LISTEN, .family = AF_INET, .port = port, .index = index };

    str_to_cstr(str_of(host), a.host, sizeof(a.host));
    return a;
}

static void the_same_address_is_the_same_listener(void)
{
    struct wire_listen zero = ask("127.0.0.1", 0, 0), next = ask("127.0.0.1", 0, 1);
    bool is_new = false;
    int a, b;

    fresh(0);
    a = listeners_open(ls, &zero, 1, &is_new);
    CHECK(a >= 0 && is_new);
    CHECK_EQ(listeners_open(ls, &zero, 2, &is_new), a);
    CHECK(!is_new);
    b = listeners_open(ls, &next, 1, &is_new);
    CHECK(b >= 0 && b != a && is_new);
    CHECK(ls->listener[a].bound.port != ls->listener[b].bound.port);
    CHECK_EQ(shm->listener[a].state, 1);
    CHECK(strncmp(shm->listener[a].address, "127.0.0.1:", 10) == 0);
    /* The same address for another kind of server. */
    zero.kind = WIRE_STREAM;
    CHECK_EQ(listeners_open(ls, &zero, 1, &is_new), -EADDRINUSE);
}

static void a_socket_of_ours_that_a_killed_fettle_left_gives_way(void)
{
    char path[] = "/tmp/fettle-listeners-XXXXXX", at[64];
    struct endpoint own = { .kind = ENDPOINT_UNIX };
    int fd, index;

    CHECK(mkdtemp(path) != NULL);
    snprintf(at, sizeof(at), "%s/sock", path);
    own.path = str_of(at);
    fd = sock_listen_unix(at, SOCK_STREAM, 1, 0600);
    CHECK(fd >= 0);
    fresh(0);
    CHECK_EQ(listeners_open_own(ls, &own, 1), -EADDRINUSE); /* somebody listens */
    close(fd);
    index = listeners_open_own(ls, &own, 1);
    CHECK(index >= 0);
    CHECK_EQ(shm->listener[index].routes, 1);
    CHECK(strncmp(shm->listener[index].address, "unix:/tmp/", 10) == 0);
    listeners_done(ls);
    CHECK(access(at, F_OK) < 0);
    rmdir(path);
}

static void two_apps_share_no_listener(void)
{
    struct wire_listen zero = ask("127.0.0.1", 0, 0);
    u32 second = wire_worker(1, 1);
    bool is_new;
    int a, b;

    fresh(0);
    a = listeners_open(ls, &zero, 1, &is_new);
    b = listeners_open(ls, &zero, second, &is_new);
    CHECK(a >= 0 && b >= 0 && a != b && is_new);
    CHECK_EQ(shm->listener[b].app, 1);
    /* The address itself is only the first one's. */
    zero.port = ls->listener[a].bound.port;
    CHECK_EQ(listeners_open(ls, &zero, second, &is_new), -EADDRINUSE);
    CHECK_EQ(listeners_holder(ls, &zero, second), a);
    CHECK_EQ(listeners_holder(ls, &zero, 1), -ENOENT);
    /* The worker of the same number of another app releases nothing of it. */
    listeners_release(ls, (u32)a, second, NS_PER_S);
    listeners_release_all(ls, second, NS_PER_S);
    CHECK_EQ(listeners_tick(ls, 10 * NS_PER_S), BIT(b));
}

static void the_port_of_an_app_is_for_its_own_first_listener(void)
{
    struct wire_listen any = ask("127.0.0.1", 0, 0), asked = ask("127.0.0.1", 1, 0);
    bool is_new;
    u32 port;
    int a;

    fresh(0);
    a = listeners_open(ls, &any, wire_worker(2, 1), &is_new);
    port = ls->listener[a].bound.port;
    CHECK_EQ(listeners_open(ls, &any, 1, &is_new), 1 - a);
    listeners_port(ls, 3, port);
    CHECK_EQ(listeners_open(ls, &asked, wire_worker(3, 1), &is_new), -EADDRINUSE);
    CHECK_EQ(listeners_holder(ls, &asked, wire_worker(3, 1)), a);
}

static void it_closes_when_all_have_ended_it_and_not_before(void)
{
    struct wire_listen zero = ask("127.0.0.1", 0, 0);
    u64 now_ns = NS_PER_S;
    bool is_new;
    int a;

    fresh(0);
    a = listeners_open(ls, &zero, 1, &is_new);
    CHECK_EQ(listeners_open(ls, &zero, 2, &is_new), a);
    listeners_release(ls, (u32)a, 1, now_ns);
    CHECK_EQ(listeners_tick(ls, now_ns + 10 * NS_PER_S), 0);
    listeners_release(ls, (u32)a, 2, now_ns);
    CHECK_EQ(listeners_tick(ls, now_ns + NS_PER_MS), 0); /* not at once */
    CHECK_EQ(listeners_open(ls, &zero, 2, &is_new), a);
    CHECK_EQ(listeners_tick(ls, now_ns + 10 * NS_PER_S), 0); /* it was wanted again */
    listeners_release_all(ls, 2, now_ns);
    listeners_keep(ls, 2); /* it was its last act, and it will be back */
    CHECK_EQ(listeners_tick(ls, now_ns + 10 * NS_PER_S), 0);
    listeners_release_all(ls, 2, now_ns);
    CHECK_EQ(listeners_tick(ls, now_ns + 10 * NS_PER_S), BIT(a));
    CHECK_EQ(shm->listener[a].state, 0);
    CHECK_EQ(ls->listener[a].fd, -1);
}

static void another_port_goes_to_the_first_http_listener_only(void)
{
    struct wire_listen first = ask("127.0.0.1", 1, 0), second = ask("127.0.0.1", 0, 0);
    struct wire_listen stream = ask("127.0.0.1", 0, 1);
    struct addr free_port;
    bool is_new;
    int i, j;

    fresh(0);
    i = listeners_open(ls, &second, 1, &is_new);
    free_port = ls->listener[i].bound;
    stream.kind = WIRE_STREAM;
    fresh(free_port.port);
    CHECK(listeners_open(ls, &stream, 1, &is_new) >= 0);
    i = listeners_open(ls, &first, 1, &is_new);
    CHECK(i >= 0);
    CHECK_EQ(ls->listener[i].bound.port, free_port.port);
    j = listeners_open(ls, &second, 1, &is_new);
    CHECK(j >= 0);
    CHECK(ls->listener[j].bound.port != free_port.port);
    CHECK_EQ(listeners_open(ls, &first, 2, &is_new), i); /* known by what was asked for */
}

static void nonsense_is_refused(void)
{
    struct wire_listen a = ask("127.0.0.1", 70000, 0), unended = ask("", 0, 0),
                       v6 = ask("::1", 0, 0);
    struct wire_listen path = { .family = AF_UNIX, .path = "relative" };
    struct wire_listen family = { .family = 77 };
    bool is_new;

    fresh(0);
    memset(unended.host, '1', sizeof(unended.host));
    CHECK_EQ(listeners_open(ls, &a, 1, &is_new), -EINVAL);
    CHECK_EQ(listeners_open(ls, &unended, 1, &is_new), -EINVAL);
    CHECK_EQ(listeners_open(ls, &v6, 1, &is_new), -EINVAL); /* of the wrong family */
    CHECK_EQ(listeners_open(ls, &path, 1, &is_new), -EINVAL);
    CHECK_EQ(listeners_open(ls, &family, 1, &is_new), -EINVAL);
    a = ask("127.0.0.1", 0, 0);
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        a.index = i;
        CHECK(listeners_open(ls, &a, 1, &is_new) >= 0);
    }
    a.index = SHM_LISTENERS_MAX;
    CHECK_EQ(listeners_open(ls, &a, 1, &is_new), -ENFILE);
}

static void urls_are_what_people_type(void)
{
    char dir[] = "/tmp/fettle-test-XXXXXX";
    struct wire_listen any = { 0 }, path = { .family = AF_UNIX };
    AUTO(buf_done) struct buf url = { 0 };
    char want[64];
    bool is_new;
    int i;

    fresh(0);
    i = listeners_open(ls, &any, 1, &is_new);
    CHECK(i >= 0);
    listeners_url(ls, (u32)i, &url);
    snprintf(want, sizeof(want), "http://localhost:%u", ls->listener[i].bound.port);
    CHECK_STR(buf_str(&url), want);
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path.path, sizeof(path.path), "%s/app.sock", dir);
    i = listeners_open(ls, &path, 1, &is_new);
    CHECK(i >= 0);
    CHECK(access(path.path, F_OK) == 0);
    buf_clear(&url);
    listeners_url(ls, (u32)i, &url);
    snprintf(want, sizeof(want), "unix:%s/app.sock", dir);
    CHECK_STR(buf_str(&url), want);
    listeners_done(ls);
    CHECK(access(path.path, F_OK) < 0);
    rmdir(dir);
}

static void after_the_end_nothing_is_bound(void)
{
    char dir[] = "/tmp/fettle-test-XXXXXX";
    struct wire_listen ip = { 0 }, path = { .family = AF_UNIX };
    bool is_new;
    u32 port;
    int i;

    fresh(0);
    i = listeners_open(ls, &ip, 1, &is_new);
    CHECK(i >= 0);
    port = ls->listener[i].bound.port;
    listeners_done(ls);
    ip.port = port;
    i = listeners_open(ls, &ip, 2, &is_new); /* worker 2 took longer to start */
    CHECK(i >= 0);
    CHECK_EQ(ls->listener[i].fd, -1);
    CHECK_EQ(ls->listener[i].bound.port, port);
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path.path, sizeof(path.path), "%s/app.sock", dir);
    i = listeners_open(ls, &path, 2, &is_new);
    CHECK(i >= 0);
    CHECK_EQ(ls->listener[i].fd, -1);
    CHECK(access(path.path, F_OK) < 0);
    rmdir(dir);
}

int main(void)
{
    shm = calloc(1, sizeof(*shm));
    TEST(the_same_address_is_the_same_listener);
    TEST(a_socket_of_ours_that_a_killed_fettle_left_gives_way);
    TEST(two_apps_share_no_listener);
    TEST(the_port_of_an_app_is_for_its_own_first_listener);
    TEST(it_closes_when_all_have_ended_it_and_not_before);
    TEST(another_port_goes_to_the_first_http_listener_only);
    TEST(nonsense_is_refused);
    TEST(urls_are_what_people_type);
    TEST(after_the_end_nothing_is_bound);
    listeners_done(ls);
    free(ls);
    free(shm);
    return tap_done();
}
