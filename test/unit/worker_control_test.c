/* test/unit/worker_control_test.c -- real sockets, one thread on both ends */
#include "worker/control.h"

#include "io/sock.h"
#include "tap.h"

#include <sys/socket.h>
#include <sys/stat.h>

static struct loop *loop;
static struct control control;
static char dir[64];
static struct control_talk *waiting; /* asked to reload, and not answered yet */
static u32 asked, gone;
static size_t answer_bytes;

static void on_ask(struct control_talk *t, const struct order *o)
{
    AUTO(buf_done) struct buf line = { 0 };

    asked++;
    if (o->verb == ORDER_RELOAD) {
        waiting = t;
        return;
    }
    buf_addf(&line, "{\"ok\":true,\"did\":\"%s\",\"pad\":\"", order_name(o->verb));
    for (size_t i = 0; i < answer_bytes; i++)
        buf_addc(&line, 'x');
    buf_add(&line, STR("\"}"));
    control_end(t, buf_str(&line));
}

static void on_gone(struct control_talk *t)
{
    gone++;
    if (t == waiting)
        waiting = NULL;
}

static void set_up(void)
{
    struct control_conf conf = { .dir = dir, .ask = on_ask, .gone = on_gone };

    snprintf(dir, sizeof(dir), "/tmp/fettle-control-XXXXXX");
    if (!mkdtemp(dir) || loop_new(&loop) < 0)
        abort();
    conf.loop = loop;
    waiting = NULL;
    asked = gone = 0;
    answer_bytes = 0;
    if (control_init(&control, &conf) < 0)
        abort();
}

static void tear_down(void)
{
    char path[96];

    control_done(&control);
    loop_turn(loop, 0);
    loop_free(loop);
    snprintf(path, sizeof(path), "%s/control.sock", dir);
    unlink(path);
    rmdir(dir);
}

static int client(void)
{
    char path[96];
    int fd;

    snprintf(path, sizeof(path), "%s/control.sock", dir);
    fd = sock_connect_unix(path, SOCK_STREAM);
    assert(fd >= 0);
    return fd;
}

static void turns(int n)
{
    while (n--)
        loop_turn(loop, 0);
}

static void put(int fd, const char *text)
{
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* What has come so far, after some turns. */
static struct str got(int fd)
{
    static char text[8192];
    ssize_t n;

    turns(8);
    n = recv(fd, text, sizeof(text), 0);
    return str_make(text, n > 0 ? (size_t)n : 0);
}

static bool is_closed(int fd)
{
    char c;

    turns(4);
    return recv(fd, &c, 1, 0) == 0 || errno == ECONNRESET;
}

static void a_request_is_answered_with_a_line(void)
{
    int fd;

    set_up();
    fd = client();
    put(fd, "{\"do\":\"ps\"}\n");
    CHECK_STR(got(fd), "{\"ok\":true,\"did\":\"ps\",\"pad\":\"\"}\n");
    put(fd, "{\"do\":\"describe\"}\n");
    CHECK_STR(got(fd), "{\"ok\":true,\"did\":\"describe\",\"pad\":\"\"}\n");
    close(fd);
    turns(4);
    CHECK_EQ(control.count, 0);
    tear_down();
}

static void only_its_user_may_open_the_socket(void)
{
    char path[96];
    struct stat st;

    set_up();
    snprintf(path, sizeof(path), "%s/control.sock", dir);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    tear_down();
}

static void a_request_may_come_byte_by_byte_and_several_at_once(void)
{
    const char *text = "{\"do\":\"ps\"}\n";
    int fd;

    set_up();
    fd = client();
    for (size_t i = 0; i < strlen(text); i++) {
        char one[2] = { text[i], 0 };

        put(fd, one);
        turns(2);
    }
    CHECK(got(fd).len > 0);
    put(fd, "{\"do\":\"ps\"}\n{\"do\":\"ps\"}\n{\"do\":\"ps\"}");
    shutdown(fd, SHUT_WR); /* as `echo … | nc` does */
    CHECK_EQ(got(fd).len, 3 * strlen("{\"ok\":true,\"did\":\"ps\",\"pad\":\"\"}\n"));
    CHECK(is_closed(fd));
    CHECK_EQ(asked, 4);
    close(fd);
    tear_down();
}

static void what_is_no_request_is_told_so_and_the_connection_stays(void)
{
    int fd;

    set_up();
    fd = client();
    put(fd, "GET / HTTP/1.1\r\n");
    CHECK(str_starts(got(fd), STR("{\"ok\":false,\"error\":\"")));
    put(fd, "{\"do\":\"ps\"}\n");
    CHECK(str_starts(got(fd), STR("{\"ok\":true")));
    CHECK_EQ(asked, 1);
    close(fd);
    tear_down();
}

static void a_request_that_never_ends_is_cut_off(void)
{
    static char many[ORDER_BYTES_MAX];
    int fd;

    set_up();
    fd = client();
    memset(many, '[', sizeof(many));
    CHECK(send(fd, many, sizeof(many), MSG_NOSIGNAL) == sizeof(many));
    CHECK(str_starts(got(fd), STR("{\"ok\":false,\"error\":\"a request is longer than 8192")));
    CHECK(is_closed(fd));
    CHECK_EQ(control.count, 0);
    close(fd);
    tear_down();
}

static void who_goes_away_while_it_is_worked_for_is_forgotten(void)
{
    int fd;

    set_up();
    fd = client();
    put(fd, "{\"do\":\"reload\"}\n");
    turns(3);
    CHECK(waiting != NULL);
    control_say(waiting, STR("{\"text\":\"on the way\"}"));
    CHECK_STR(got(fd), "{\"text\":\"on the way\"}\n");
    put(fd, "{\"do\":\"ps\"}\n"); /* has to wait */
    turns(3);
    CHECK_EQ(asked, 1);
    close(fd);
    turns(3);
    CHECK(waiting == NULL);
    CHECK_EQ(gone, 1);
    CHECK_EQ(control.count, 0);
    tear_down();
}

static void an_answer_that_nobody_reads_does_not_grow_without_bound(void)
{
    int fd;

    set_up();
    fd = client();
    put(fd, "{\"do\":\"reload\"}\n");
    turns(3);
    answer_bytes = 1 << 20;
    for (int i = 0; i < 4096 && waiting; i++) {
        char text[2048];

        memset(text, 'x', sizeof(text));
        control_say(waiting, str_make(text, sizeof(text)));
        turns(1);
    }
    CHECK(waiting == NULL);
    CHECK_EQ(control.count, 0);
    close(fd);
    tear_down();
}

static void one_that_does_not_read_its_answers_is_not_answered_any_more(void)
{
    int fd;
    u32 before;

    set_up();
    fd = client();
    answer_bytes = 1 << 20;
    for (int i = 0; i < 20; i++)
        put(fd, "{\"do\":\"ps\"}\n");
    turns(50);
    before = asked;
    CHECK(before <= 2);
    turns(50);
    CHECK_EQ(asked, before);
    CHECK_EQ(control.count, 1);
    close(fd);
    turns(4);
    CHECK_EQ(control.count, 0);
    tear_down();
}

static void idle_connections_give_way_to_one_more(void)
{
    int fd[CONTROL_TALKS_MAX + 8], last;

    set_up();
    for (u32 i = 0; i < ARRAY_LEN(fd); i++) {
        fd[i] = client();
        turns(2);
    }
    CHECK_EQ(control.count, CONTROL_TALKS_MAX);
    CHECK(is_closed(fd[0]));
    last = fd[ARRAY_LEN(fd) - 1];
    put(last, "{\"do\":\"ps\"}\n");
    CHECK(str_starts(got(last), STR("{\"ok\":true")));
    for (u32 i = 0; i < ARRAY_LEN(fd); i++)
        close(fd[i]);
    tear_down();
}

static void those_who_wait_for_an_answer_keep_their_place(void)
{
    int fd[CONTROL_TALKS_MAX], more;

    set_up();
    for (u32 i = 0; i < ARRAY_LEN(fd); i++) {
        fd[i] = client();
        put(fd[i], "{\"do\":\"reload\"}\n");
        turns(3);
    }
    more = client();
    CHECK(is_closed(more));
    CHECK_EQ(control.count, CONTROL_TALKS_MAX);
    CHECK_EQ(gone, 0);
    for (u32 i = 0; i < ARRAY_LEN(fd); i++)
        close(fd[i]);
    close(more);
    turns(4);
    CHECK_EQ(gone, CONTROL_TALKS_MAX);
    tear_down();
}

int main(void)
{
    TEST(a_request_is_answered_with_a_line);
    TEST(only_its_user_may_open_the_socket);
    TEST(a_request_may_come_byte_by_byte_and_several_at_once);
    TEST(what_is_no_request_is_told_so_and_the_connection_stays);
    TEST(a_request_that_never_ends_is_cut_off);
    TEST(who_goes_away_while_it_is_worked_for_is_forgotten);
    TEST(an_answer_that_nobody_reads_does_not_grow_without_bound);
    TEST(one_that_does_not_read_its_answers_is_not_answered_any_more);
    TEST(idle_connections_give_way_to_one_more);
    TEST(those_who_wait_for_an_answer_keep_their_place);
    return tap_done();
}
