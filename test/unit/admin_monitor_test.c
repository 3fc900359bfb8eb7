#include "admin/monitor.h"

#include "admin_fixture.h"
#include "io/sock.h"
#include "shm/region.h"
#include "shm/wire.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/wait.h>

static struct shm *shm;
static int shm_fd, supervisor_fd;
static pid_t child;
static u16 port;

static int bound_port(int fd)
{
    struct addr a = { 0 };

    assert(sock_local(fd, &a) == 0);
    return a.port;
}

/* A loopback address whose port is free, or, with *fd, one that stays taken. */
static struct endpoint free_address(int *fd)
{
    const struct sock_listen_conf conf = { 0 };
    struct endpoint e = { .kind = ENDPOINT_IP };

    assert(addr_parse_ip(STR("127.0.0.1"), &e.addr));
    *fd = sock_listen_tcp(&e.addr, &conf);
    assert(*fd >= 0);
    port = e.addr.port = (u16)bound_port(*fd);
    return e;
}

static void monitor_child(const struct endpoint *address, int supervisor_end)
{
    struct settings s;

    /* Descriptors as the supervisor would hand them over. */
    int memory = fcntl(shm_fd, F_DUPFD, 20), end = fcntl(supervisor_end, F_DUPFD, 20);

    dup2(memory, WIRE_SHM_FD);
    dup2(end, WIRE_PROXY_FD);
    for (int fd = WIRE_PROXY_FD + 1; fd < 64; fd++)
        close(fd);
    if (settings_init(&s) < 0)
        _exit(9);
    s.admin = *address;
    _exit(monitor_run(&s));
}

static void begin(const struct endpoint *address)
{
    struct shm *fixture = fixture_shm();
    int ends[2];

    assert(region_create(&shm, &shm_fd) == 0);
    memcpy(&shm->slot, &fixture->slot, sizeof(shm->slot));
    memcpy(&shm->app, &fixture->app, sizeof(shm->app));
    shm->apps = fixture->apps;
    for (u32 i = 0; i < 3; i++) {
        shm->slot[i].started_ns = clock_now_ns() - NS_PER_S;
        shm->slot[i].pid = (u32)getpid();
        shm->slot[i].loop.waits_since_ns = clock_now_ns();
    }
    shm->slots_used = 3;
    free(fixture);
    assert(sock_pair(ends) == 0);
    fflush(stdout);
    child = fork();
    assert(child >= 0);
    if (child == 0) {
        close(ends[0]);
        monitor_child(address, ends[1]);
    }
    close(ends[1]);
    supervisor_fd = ends[0];
}

/* Its exit code, within ten seconds. */
static int end(void)
{
    int status = -1, waited = 0;

    fd_closep(&supervisor_fd);
    supervisor_fd = -1;
    while (waitpid(child, &status, WNOHANG) == 0 && waited++ < 1000)
        usleep(10000);
    if (waited >= 1000) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    region_unmap(shm);
    close(shm_fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int dial(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The whole answer to GET path; empty when nobody answers within ten seconds. */
static struct str get(const char *path)
{
    static char got[1 << 20];
    char request[200];
    size_t len = 0;
    ssize_t n;
    int fd = -1;

    for (int i = 0; i < 1000 && fd < 0; i++) {
        fd = dial();
        if (fd < 0)
            usleep(10000);
    }
    if (fd < 0)
        return STR("");
    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        return STR("");
    while ((n = recv(fd, got + len, sizeof(got) - len, 0)) > 0)
        len += (size_t)n;
    close(fd);
    return str_make(got, len);
}

static bool has(struct str s, const char *text)
{
    return s.len && memmem(s.ptr, s.len, text, strlen(text));
}

static void it_serves_what_the_memory_says_and_ends_with_the_supervisor(void)
{
    int taken;
    struct endpoint address = free_address(&taken);

    close(taken);
    begin(&address);
    CHECK(has(get("/readyz"), "HTTP/1.1 200 OK"));
    CHECK(has(get("/api/workers"), "\"id\":\"2.1\""));
    CHECK(has(get("/metrics"), "nodejs_version_info{worker=\"1\",version=\"v20.20.2\""));
    CHECK(has(get("/api/app"), "\"name\":\"shop\""));
    shm->draining = 1;
    CHECK(has(get("/readyz"), "HTTP/1.1 503 "));
    CHECK_EQ(end(), 0);
}

static void it_waits_for_an_address_that_is_taken(void)
{
    int taken;
    struct endpoint address = free_address(&taken);

    begin(&address);
    usleep(100000);
    CHECK_EQ(waitpid(child, NULL, WNOHANG), 0); /* still there */
    close(taken);
    CHECK(has(get("/healthz"), "HTTP/1.1 200 OK"));
    CHECK_EQ(end(), 0);
}

static void without_an_address_it_still_runs_and_ends(void)
{
    struct endpoint off = { 0 };

    begin(&off);
    usleep(50000);
    CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
    CHECK_EQ(end(), 0);
}

static void an_open_address_without_a_token_stays_closed(void)
{
    int taken;
    struct endpoint address = free_address(&taken);

    close(taken);
    assert(addr_parse_ip(STR("0.0.0.0"), &address.addr));
    address.addr.port = port;
    begin(&address);
    for (int i = 0; i < 20; i++) {
        int fd = dial();

        CHECK(fd < 0);
        usleep(10000);
    }
    CHECK_EQ(end(), 0);
}

static void memory_that_is_not_fettles_is_refused(void)
{
    int status, pipe_fd[2];

    assert(pipe(pipe_fd) == 0);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        struct settings s;

        dup2(pipe_fd[0], 20);
        dup2(20, WIRE_SHM_FD);
        _exit(settings_init(&s) < 0 ? 9 : monitor_run(&s));
    }
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

static void it_is_called_monitor(void)
{
    char path[64], name[64] = "";
    struct endpoint off = { 0 };

    begin(&off);
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)child);
    for (int i = 0; i < 500 && strcmp(name, "fettle: monitor") != 0; i++) {
        FILE *f = fopen(path, "r");

        if (f && !fgets(name, sizeof(name), f))
            name[0] = '\0';
        if (f)
            fclose(f);
        usleep(10000);
    }
    CHECK_STR(str_of(name), "fettle: monitor");
    CHECK_EQ(end(), 0);
}

int main(void)
{
    /* What it says of taken addresses is meant for people. */
    freopen("/dev/null", "w", stderr) ? (void)0 : abort();
    TEST(it_serves_what_the_memory_says_and_ends_with_the_supervisor);
    TEST(it_waits_for_an_address_that_is_taken);
    TEST(without_an_address_it_still_runs_and_ends);
    TEST(an_open_address_without_a_token_stays_closed);
    TEST(memory_that_is_not_fettles_is_refused);
    TEST(it_is_called_monitor);
    return tap_done();
}
