#include "admin/server.h"

#include "admin/conn.h"
#include "admin_fixture.h"
#include "io/sock.h"

#include <sys/stat.h>

static struct shm *shm;
static struct sampler *sampler;
static struct loop *loop;
static struct admin_server *server;
static char path[64];
static struct endpoint address;
static char got[1 << 22];
static size_t got_len;

static void begin(const char *token)
{
    const struct admin_server_conf conf = {
        .address = &address,
        .rules = { .token = str_of(token) },
        .source = { .shm = shm, .sampler = sampler, .prom_client = true, .opentelemetry = true },
    };

    snprintf(path, sizeof(path), "/tmp/fettle-admin-test-%d.sock", (int)getpid());
    address = (struct endpoint){ .kind = ENDPOINT_UNIX, .path = str_of(path) };
    assert(loop_new(&loop) == 0);
    assert(admin_server_new(&server, loop, &conf) == 0);
    got_len = 0;
}

static void end(void)
{
    admin_server_free(server);
    loop_free(loop);
}

static void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

static int dial(void)
{
    int fd = sock_connect_unix(path, SOCK_STREAM);

    assert(fd >= 0);
    turns(2);
    return fd;
}

static void send_text(int fd, struct str s)
{
    while (s.len) {
        ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

        turns(1);
        if (n <= 0)
            return;
        s = str_sub(s, (size_t)n, s.len);
    }
}

/* Takes what comes; true at the connection's end. */
static bool receive(int fd)
{
    for (int quiet = 0; quiet < 4;) {
        ssize_t n = recv(fd, got + got_len, sizeof(got) - got_len, MSG_DONTWAIT);

        if (n == 0)
            return true;
        if (n < 0 && errno != EAGAIN)
            return true;
        got_len += n > 0 ? (size_t)n : 0;
        quiet = n > 0 ? 0 : quiet + 1;
        turns(1);
    }
    return false;
}

static u32 times(const char *text)
{
    u32 n = 0;

    for (const char *at = got; (at = memmem(at, got_len - (size_t)(at - got), text, strlen(text)));
         at++)
        n++;
    return n;
}

static void a_connection_serves_one_request_after_the_other(void)
{
    begin("");
    int fd = dial();

    for (u32 i = 1; i <= 3; i++) {
        send_text(fd, STR("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        CHECK(!receive(fd));
        CHECK_EQ(times("HTTP/1.1 200 OK\r\n"), i);
        CHECK_EQ(times("Connection: keep-alive\r\n"), i);
    }
    close(fd);
    end();
}

static void bytes_may_come_one_by_one(void)
{
    struct str request = STR("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");

    begin("");
    int fd = dial();

    for (size_t i = 0; i < request.len; i++)
        send_text(fd, str_sub(request, i, 1));
    CHECK(!receive(fd));
    CHECK_EQ(times("HTTP/1.1 200 OK\r\n"), 1);
    close(fd);
    end();
}

static void pipelined_requests_are_all_answered_in_order(void)
{
    enum { N = 100 };
    struct buf all = { 0 };

    begin("");
    int fd = dial();

    for (u32 i = 0; i < N; i++)
        buf_addf(&all, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", i % 2 ? "healthz" : "readyz");
    send_text(fd, buf_str(&all));
    CHECK(!receive(fd));
    CHECK_EQ(times("HTTP/1.1 200 OK\r\n"), N);
    CHECK_EQ(times("\r\n\r\nready\nHTTP/1.1 200"), N / 2);
    buf_done(&all);
    close(fd);
    end();
}

static void head_has_the_length_and_no_body(void)
{
    begin("");
    int fd = dial();

    send_text(fd, STR("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(!receive(fd));
    CHECK_EQ(times("Content-Length: 3\r\n"), 1);
    CHECK_EQ(times("\r\n\r\nok"), 0);
    close(fd);
    end();
}

static void a_large_page_arrives_whole(void)
{
    for (u32 i = 0; i < 60; i++)
        fixture_slot(shm, i, i + 1, true);
    begin("");
    int fd = dial();

    send_text(fd, STR("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    CHECK(receive(fd));
    CHECK(got_len > 500000);
    CHECK(str_ends(str_make(got, got_len), STR("\n")));
    struct str length = str_make(strstr(got, "Content-Length: ") + 16, 12), rest;
    u64 bytes = 0;

    CHECK(str_to_u64(str_cut(length, '\r', &rest), &bytes));
    CHECK_EQ(bytes, got + got_len - (strstr(got, "\r\n\r\n") + 4));
    close(fd);
    end();
}

static void a_body_is_read_and_dropped(void)
{
    begin("");
    int fd = dial();

    send_text(fd, STR("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"));
    CHECK(!receive(fd));
    CHECK_EQ(times("200 OK"), 0);
    send_text(fd, STR("loPOST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(!receive(fd));
    CHECK_EQ(times("HTTP/1.1 200 OK"), 2);
    CHECK_EQ(times("HTTP/1.1 405 "), 1);
    close(fd);
    end();
}

static void a_large_body_is_413(void)
{
    begin("");
    int fd = dial();

    send_text(fd, STR("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\nxx"));
    CHECK(receive(fd));
    CHECK_EQ(times("HTTP/1.1 413 "), 1);
    CHECK_EQ(times("200 OK"), 0);
    CHECK_EQ(times("Connection: close"), 1);
    close(fd);
    end();
}

static void a_head_that_is_too_large_is_431(void)
{
    struct buf big = { 0 };

    begin("");
    int fd = dial();

    buf_add(&big, STR("GET /healthz HTTP/1.1\r\nHost: a\r\n"));
    for (int i = 0; i < 20; i++)
        buf_addf(&big, "X-%d: %0500d\r\n", i, i);
    buf_add(&big, STR("\r\n"));
    send_text(fd, buf_str(&big));
    receive(fd);
    CHECK_EQ(times("HTTP/1.1 431 "), 1);
    buf_done(&big);
    close(fd);
    end();
}

static void what_is_not_http_is_400(void)
{
    begin("");
    int fd = dial();

    send_text(fd, STR("\x16\x03\x01 hello\r\n\r\n"));
    receive(fd);
    CHECK_EQ(times("HTTP/1.1 400 "), 1);
    CHECK_EQ(times("Connection: close"), 1);
    close(fd);
    end();
}

static void http_1_0_closes_unless_asked_not_to(void)
{
    begin("");
    int fd = dial();

    send_text(fd, STR("GET /healthz HTTP/1.0\r\n\r\n"));
    CHECK(receive(fd));
    CHECK_EQ(times("HTTP/1.1 200 OK"), 1);
    close(fd);
    end();
}

static void a_token_is_asked_for(void)
{
    begin("tok");
    int fd = dial();

    send_text(fd, STR("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"));
    send_text(fd, STR("GET /api/app HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer tok\r\n\r\n"));
    CHECK(!receive(fd));
    CHECK_EQ(times("HTTP/1.1 401 "), 1);
    CHECK_EQ(times("HTTP/1.1 200 OK"), 1);
    close(fd);
    end();
}

static void the_longest_idle_makes_room_for_a_new_one(void)
{
    int fd[CONNS_MAX + 1];

    begin("");
    for (u32 i = 0; i < ARRAY_LEN(fd); i++)
        fd[i] = dial();
    CHECK(receive(fd[0]));
    CHECK(!receive(fd[1]));
    send_text(fd[CONNS_MAX], STR("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(!receive(fd[CONNS_MAX]));
    CHECK_EQ(times("200 OK"), 1);
    for (u32 i = 0; i < ARRAY_LEN(fd); i++)
        close(fd[i]);
    end();
}

static void the_busy_are_not_closed_for_a_new_one(void)
{
    int fd[CONNS_MAX + 1];

    begin("");
    for (u32 i = 0; i < CONNS_MAX; i++) {
        fd[i] = dial();
        send_text(fd[i], STR("GET /"));
    }
    fd[CONNS_MAX] = dial();
    CHECK(receive(fd[CONNS_MAX]));
    CHECK(!receive(fd[0]));
    for (u32 i = 0; i < ARRAY_LEN(fd); i++)
        close(fd[i]);
    end();
}

static void the_socket_is_for_its_owner_only_and_goes_with_the_server(void)
{
    struct stat st;

    begin("");
    CHECK(admin_server_listening(server));
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    end();
    CHECK_EQ(stat(path, &st), -1);
}

static void a_socket_left_behind_is_taken_over(void)
{
    int fd;

    begin("");
    end();
    fd = sock_listen_unix(path, SOCK_STREAM, 1, 0600);
    close(fd); /* as a killed process leaves it */
    begin("");
    CHECK(admin_server_listening(server));
    end();
}

static void an_address_in_use_is_left_alone(void)
{
    struct stat st;
    int fd;

    begin("");
    end();
    fd = sock_listen_unix(path, SOCK_STREAM, 1, 0600);
    begin("");
    CHECK(!admin_server_listening(server));
    end();
    CHECK_EQ(stat(path, &st), 0);
    close(fd);
    unlink(path);
}

int main(void)
{
    static const struct log_conf quiet = { .level = LOG_ERROR, .source = "test" };

    log_setup(&quiet);
    shm = fixture_shm();
    assert(sampler_new(&sampler) == 0);
    TEST(a_connection_serves_one_request_after_the_other);
    TEST(bytes_may_come_one_by_one);
    TEST(pipelined_requests_are_all_answered_in_order);
    TEST(head_has_the_length_and_no_body);
    TEST(a_body_is_read_and_dropped);
    TEST(a_large_body_is_413);
    TEST(a_head_that_is_too_large_is_431);
    TEST(what_is_not_http_is_400);
    TEST(http_1_0_closes_unless_asked_not_to);
    TEST(a_token_is_asked_for);
    TEST(the_longest_idle_makes_room_for_a_new_one);
    TEST(the_busy_are_not_closed_for_a_new_one);
    TEST(the_socket_is_for_its_owner_only_and_goes_with_the_server);
    TEST(a_socket_left_behind_is_taken_over);
    TEST(an_address_in_use_is_left_alone);
    TEST(a_large_page_arrives_whole);
    free(shm);
    sampler_free(sampler);
    return tap_done();
}
