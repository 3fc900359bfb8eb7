/* test/unit/worker_supervisor_test.c -- whole supervisors, with this program as the app
 *
 * Each test forks a supervisor whose workers run this program again with the word "app" and a
 * script of one-letter steps: it speaks the agent's part of shm/wire.h as Node would. There is no
 * proxy. Nothing depends on how long things take, but for limits of many seconds.
 */
#include "worker/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/sock.h"
#include "shm/region.h"
#include "shm/wire.h"
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char base[] = "/tmp/fettle-test-XXXXXX";
static char self[4096];

/* ---- the app ---- */

static struct {
    int fd;
    struct shm *shm;
    u32 slot;
    u32 listener;
} app;

static void say(const char *what)
{
    dprintf(STDOUT_FILENO, "%s %d\n", what, (int)getpid());
}

static void app_hello(void)
{
    struct wire_hello hello = { .type = WIRE_HELLO,
                                .version = WIRE_VERSION,
                                .pid = (u32)getpid(),
                                .worker = (u32)atoi(getenv("FETTLE_WORKER")) };
    struct wire_welcome welcome = { 0 };
    char path[256];
    int fds[2];
    u32 n;

    snprintf(path, sizeof(path), "%s/agent.sock", getenv("FETTLE_DIR"));
    app.fd = sock_connect_unix(path, SOCK_SEQPACKET);
    if (app.fd < 0 || sock_send_msg(app.fd, &hello, sizeof(hello), NULL, 0) < 0)
        exit(90);
    poll(&(struct pollfd){ .fd = app.fd, .events = POLLIN }, 1, 10000);
    if (sock_recv_msg(app.fd, &welcome, sizeof(welcome), fds, 2, &n) != sizeof(welcome) || n != 2)
        exit(91);
    if (region_map(fds[0], &app.shm) < 0)
        exit(92);
    app.slot = welcome.slot;
}

static void app_listen(bool at_path)
{
    struct wire_listen ask = { .type = WIRE_LISTEN, .family = AF_INET, .host = "127.0.0.1" };
    struct wire_listening answer = { 0 };
    struct wire_note ready = { .type = WIRE_READY };
    u32 n;

    if (at_path) {
        ask = (struct wire_listen){ .type = WIRE_LISTEN, .family = AF_UNIX };
        str_to_cstr(str_of(getenv("TEST_PATH")), ask.path, sizeof(ask.path));
    }
    if (sock_send_msg(app.fd, &ask, sizeof(ask), NULL, 0) < 0)
        exit(93);
    poll(&(struct pollfd){ .fd = app.fd, .events = POLLIN }, 1, 10000);
    if (sock_recv_msg(app.fd, &answer, sizeof(answer), NULL, 0, &n) != sizeof(answer))
        exit(94);
    if (answer.error) {
        dprintf(STDOUT_FILENO, "refused %u\n", answer.error);
        exit(94);
    }
    ready.listener = answer.listener;
    if (sock_send_msg(app.fd, &ready, sizeof(ready), NULL, 0) < 0)
        exit(95);
    dprintf(STDOUT_FILENO, "port %u\n", answer.port);
}

/* Waits for the supervisor's question, and answers it. */
static void app_stack(void)
{
    struct wire_stack_text stack = { .type = WIRE_STACK_TEXT };
    struct wire_note note;
    u32 n;

    app.shm->slot[app.slot].loop.busy_since_ns = 1;
    poll(&(struct pollfd){ .fd = app.fd, .events = POLLIN }, 1, 10000);
    if (sock_recv_msg(app.fd, &note, sizeof(note), NULL, 0, &n) != sizeof(note))
        exit(96);
    stack.len = (u32)snprintf(stack.text, sizeof(stack.text), "    at spin (/app/server.js:7:3)\n");
    if (sock_send_msg(app.fd, &stack, offsetof(struct wire_stack_text, text) + stack.len, NULL, 0))
        exit(97);
}

/* Messages with random bytes in all their fields, of all kinds and many lengths. */
static void app_random(void)
{
    static const u32 types[] = { WIRE_HELLO,      WIRE_LISTEN,  WIRE_READY, WIRE_UNLISTEN,
                                 WIRE_STACK_TEXT, WIRE_CLUSTER, WIRE_IDLE,  77 };
    static const size_t lens[] = {
        sizeof(struct wire_hello), sizeof(struct wire_listen), sizeof(struct wire_note), 0, 3, 600
    };
    union {
        u32 type;
        struct wire_listen listen;
        u8 bytes[1024];
    } m;
    u32 random = 7;

    for (int i = 0; i < 1500; i++) { /* fewer hellos than there are slots */
        for (size_t k = 0; k < sizeof(m.bytes); k++) {
            random = random * 1664525 + 1013904223;
            m.bytes[k] = i % 4 && k % 4 ? 0 : (u8)(random >> 24); /* often small numbers */
        }
        m.type = types[(random >> 8) % ARRAY_LEN(types)];
        if (m.type == WIRE_LISTEN && i % 2) { /* one that makes sense */
            m.listen.family = AF_INET;
            m.listen.port = 0;
            str_to_cstr(STR("127.0.0.1"), m.listen.host, sizeof(m.listen.host));
        } else if (m.type == WIRE_LISTEN) {
            m.listen.host[0] = 'x';
        }
        size_t len = i % 8 ? lens[m.type == WIRE_LISTEN ? 1 : 2] : lens[(random >> 16) % 6];

        if (sock_send_msg(app.fd, &m, len, NULL, 0) == -EPIPE) {
            close(app.fd);
            app_hello();
        }
    }
    say("random");
}

static bool first_life(void)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "%s/lived", getenv("TEST_DIR"));
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    fd_closep(&fd);
    return fd >= 0;
}

/* h hello, l listen, u listen at TEST_PATH, i idle, s stack, b garbage, r random messages, f fail,
 * 1 what follows only in the first life, d a child that outlives the main process, w wait for ever.
 * At its end: exit code 0. */
static int app_main(const char *steps)
{
    struct wire_note idle = { .type = WIRE_IDLE };

    say("start");
    for (; *steps; steps++) {
        if (*steps == 'h')
            app_hello();
        else if (*steps == 'l')
            app_listen(false);
        else if (*steps == 'u')
            app_listen(true);
        else if (*steps == 'i' && sock_send_msg(app.fd, &idle, sizeof(idle), NULL, 0) < 0)
            return 98;
        else if (*steps == 's')
            app_stack();
        else if (*steps == 'b' && write(app.fd, "garbage", 7) < 0)
            return 99;
        else if (*steps == 'r')
            app_random();
        else if (*steps == 'f')
            return 7;
        else if (*steps == '1' && !first_life())
            steps += strlen(steps) - 2;
        else if (*steps == 'd' && fork() == 0)
            for (say("child");;)
                pause();
        else if (*steps == 'w')
            for (;;)
                pause();
    }
    return 0;
}

/* ---- the tests ---- */

struct run {
    pid_t pid;
    int out;
    char text[64 * 1024];
    size_t len;
};

static struct app_conf conf_of(const char *name, char *const *argv)
{
    struct app_conf conf = app_conf_default();

    conf.name = name;
    conf.argv = argv;
    conf.is_node = true;
    conf.kill_after_ns = NS_PER_S;
    return conf;
}

static void run_all(struct run *r, const struct supervisor_conf *conf)
{
    int fds[2];

    *r = (struct run){ 0 };
    CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
    r->out = fds[0];
    r->pid = fork();
    if (r->pid == 0) {
        struct log_conf log = { .level = LOG_INFO, .source = "fettle" };
        struct problem problem;
        int code;

        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        log_setup(&log);
        code = supervisor_run(conf, &problem);
        if (problem.text[0])
            dprintf(STDERR_FILENO, "problem: %s\n", problem.text);
        _exit(code);
    }
    close(fds[1]);
}

static void run_apps(struct run *r, const struct app_conf *apps, u32 n)
{
    struct supervisor_conf conf = {
        .app = apps, .apps = n, .agent_dir = base, .runtime_dir = base
    };

    run_all(r, &conf);
}

static void run_conf(struct run *r, const struct app_conf *conf)
{
    run_apps(r, conf, 1);
}

/* Reads until `text` has been said `times` times; false: that never came. */
static bool says(struct run *r, const char *text, int times)
{
    u64 until_ns = clock_now_ns() + 30 * NS_PER_S;

    for (;;) {
        int n = 0;

        for (const char *at = r->text; (at = strstr(at, text)); at++)
            n++;
        if (n >= times)
            return true;
        if (clock_now_ns() > until_ns || r->len + 1 >= sizeof(r->text) ||
            poll(&(struct pollfd){ .fd = r->out, .events = POLLIN }, 1, 30000) <= 0)
            return false;
        ssize_t got = read(r->out, r->text + r->len, sizeof(r->text) - 1 - r->len);

        if (got <= 0)
            return false;
        r->len += (size_t)got;
    }
}

/* The pid that the `n`th (from 1) "start" or "… is ready" named. */
static pid_t pid_after(struct run *r, const char *text, int n)
{
    const char *at = r->text;

    if (!says(r, text, n))
        return 0;
    while (n-- > 0)
        at = strstr(at, text) + strlen(text);
    return atoi(at);
}

static int ends(struct run *r)
{
    int status = 0;

    says(r, "\nnothing says this", 1); /* to its end */
    waitpid(r->pid, &status, 0);
    close(r->out);
    if (tap_failures > 0)
        printf("# it said:\n# %s\n", r->text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool gone(pid_t pid)
{
    for (int i = 0; i < 3000; i++) {
        char path[64], text[256] = "";
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return true;
        if (read(fd, text, sizeof(text) - 1) > 0 && strstr(text, ") Z "))
            text[0] = 0; /* dead; whoever adopted it has not looked yet */
        close(fd);
        if (!text[0])
            return true;
        usleep(10000);
    }
    return false;
}

#define ARGV(steps)                              \
    {                                            \
        self, (char *)"app", (char *)steps, NULL \
    }

static void a_script_that_ends_well_ends_fettle_well(void)
{
    char *argv[] = ARGV("h");
    struct app_conf conf = conf_of("test", argv);
    struct run r;

    conf.workers = 2;
    run_conf(&r, &conf);
    CHECK(says(&r, "all workers have finished", 1));
    CHECK_EQ(ends(&r), 0);
    CHECK(strstr(r.text, "1 | start ") && strstr(r.text, "2 | start "));
}

static void an_app_that_never_starts_is_given_up(void)
{
    char *argv[] = ARGV("f");
    struct app_conf conf = conf_of("test", argv);
    struct run r;

    run_conf(&r, &conf);
    CHECK_EQ(ends(&r), 1);
    CHECK(strstr(r.text, "3 tries have failed (worker 1: exit code 7); giving up"));
}

static void a_program_that_is_not_there_is_named(void)
{
    char *argv[] = { (char *)"no-such-program", NULL };
    struct app_conf conf = conf_of("test", argv);
    struct run r;

    run_conf(&r, &conf);
    CHECK_EQ(ends(&r), 1);
    CHECK(strstr(r.text, "no-such-program: No such file"));
}

static void a_missing_agent_is_a_problem(void)
{
    char *argv[] = ARGV("h");
    struct app_conf one = conf_of("test", argv);
    struct supervisor_conf conf = { .app = &one, .apps = 1, .runtime_dir = base };
    struct run r;

    conf.agent_dir = "/no/such/folder";
    run_all(&r, &conf);
    CHECK_EQ(ends(&r), 1);
    CHECK(strstr(r.text, "problem: ") && strstr(r.text, "/no/such/folder/agent.js"));
}

static void a_killed_worker_is_replaced_and_its_port_stays(void)
{
    char *argv[] = ARGV("hlw");
    struct app_conf conf = conf_of("test", argv);
    struct addr a = { 0 };
    struct sockaddr_storage sa;
    struct run r;
    int fd;

    run_conf(&r, &conf);
    CHECK(says(&r, "1 worker ready", 1));
    CHECK(addr_parse_ip(STR("127.0.0.1"), &a));
    a.port = (u16)pid_after(&r, "port ", 1);
    kill(pid_after(&r, "start ", 1), SIGKILL);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(connect(fd, (struct sockaddr *)&sa, addr_sockaddr(&a, &sa)), 0);
    close(fd);
    CHECK(says(&r, "is ready", 1));
    CHECK_EQ(pid_after(&r, "port ", 2), a.port);
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
}

static void a_reload_replaces_all_and_an_old_one_goes_after_the_new_is_ready(void)
{
    char *argv[] = ARGV("hlw");
    struct app_conf conf = conf_of("test", argv);
    struct run r;
    pid_t old;

    conf.workers = 2;
    run_conf(&r, &conf);
    CHECK(says(&r, "2 workers ready", 1));
    old = pid_after(&r, "start ", 1);
    kill(r.pid, SIGHUP);
    CHECK(says(&r, "has taken over from", 2));
    CHECK(says(&r, "reloaded 2 workers", 1));
    CHECK(gone(old));
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
}

static void a_reload_that_fails_leaves_the_old_ones(void)
{
    char dir[] = "/tmp/fettle-test-XXXXXX", var[64], path[64];
    char *env[] = { var, NULL };
    char *argv[] = ARGV("h1lwf"); /* the second life fails */
    struct app_conf conf = conf_of("test", argv);
    struct run r;
    pid_t old;

    CHECK(mkdtemp(dir) != NULL);
    snprintf(var, sizeof(var), "TEST_DIR=%s", dir);
    conf.extra_env = env;
    run_conf(&r, &conf);
    CHECK(says(&r, "1 worker ready", 1));
    old = pid_after(&r, "start ", 1);
    kill(r.pid, SIGHUP);
    CHECK(says(&r, "the reload has ended at worker 1 of 1", 1));
    CHECK_EQ(kill(old, 0), 0);
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
    snprintf(path, sizeof(path), "%s/lived", dir);
    unlink(path);
    rmdir(dir);
}

static void a_blocked_loop_is_replaced_and_its_stack_is_told(void)
{
    char dir[] = "/tmp/fettle-test-XXXXXX", var[64], path[64];
    char *env[] = { var, NULL };
    char *argv[] = ARGV("hl1sw"); /* blocks in its first life */
    struct app_conf conf = conf_of("test", argv);
    struct run r;
    pid_t old;

    CHECK(mkdtemp(dir) != NULL);
    snprintf(var, sizeof(var), "TEST_DIR=%s", dir);
    conf.extra_env = env;
    conf.max_block_ns = NS_PER_S;
    conf.warn_block_ns = 0;
    run_conf(&r, &conf);
    old = pid_after(&r, "start ", 1);
    CHECK(says(&r, "is replaced", 1));
    CHECK(says(&r, "at spin (/app/server.js:7:3)", 1));
    CHECK(says(&r, "is ready", 1));
    CHECK(gone(old));
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
    snprintf(path, sizeof(path), "%s/lived", dir);
    unlink(path);
    rmdir(dir);
}

static void a_worker_that_never_listens_is_ready_all_the_same(void)
{
    char *argv[] = ARGV("hiw");
    struct app_conf conf = conf_of("test", argv);
    struct run r;

    run_conf(&r, &conf);
    CHECK(says(&r, "the app does not listen", 1));
    kill(r.pid, SIGINT);
    CHECK_EQ(ends(&r), 0);
}

static void an_agent_that_talks_nonsense_is_cut_off(void)
{
    char *argv[] = ARGV("hbw");
    struct app_conf conf = conf_of("test", argv);
    struct run r;

    run_conf(&r, &conf);
    CHECK(says(&r, "its agent sent a message of", 1));
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
}

static void random_messages_shake_nothing(void)
{
    char *argv[] = ARGV("hrhlw");
    struct app_conf conf = conf_of("test", argv);
    struct run r;

    run_conf(&r, &conf);
    CHECK(says(&r, "random ", 1));
    CHECK(says(&r, "port ", 1)); /* it still answers */
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
}

static void nothing_of_a_worker_outlives_it(void)
{
    char *argv[] = ARGV("hldf");
    struct app_conf conf = conf_of("test", argv);
    struct run r;
    pid_t child;

    run_conf(&r, &conf);
    CHECK(says(&r, "start ", 2)); /* it has failed, and left a child */
    child = pid_after(&r, "child ", 1);
    CHECK(gone(child));
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
}

static void a_supervisor_that_is_killed_takes_its_workers_with_it(void)
{
    char *argv[] = ARGV("hlw");
    struct app_conf conf = conf_of("test", argv);
    struct run r;
    pid_t worker;

    run_conf(&r, &conf);
    CHECK(says(&r, "1 worker ready", 1));
    worker = pid_after(&r, "start ", 1);
    kill(r.pid, SIGKILL);
    CHECK(gone(worker));
    CHECK_EQ(ends(&r), -SIGKILL);
}

static void of_several_apps_each_starts_and_ends_alone(void)
{
    char *well[] = ARGV("h"), *badly[] = ARGV("f"), *serves[] = ARGV("hlw");
    char *missing[] = { (char *)"no-such-program", NULL };
    struct app_conf apps[] = { conf_of("one", well), conf_of("two", badly),
                               conf_of("three", serves), conf_of("four", missing) };
    struct run r;

    apps[2].workers = 2;
    run_apps(&r, apps, 4);
    CHECK(says(&r, "one: all workers have finished", 1));
    CHECK(says(&r, "app two does not start: 3 tries have failed", 1));
    CHECK(says(&r, "four worker 1 cannot be started: no-such-program", 1));
    CHECK(says(&r, "three: 2 workers ready", 1));
    CHECK(says(&r, "three 1 | start ", 1) && says(&r, "three 2 | start ", 1));
    kill(pid_after(&r, "three 1 | start ", 1), SIGKILL);
    CHECK(says(&r, "three worker 1: process ", 1)); /* … is ready: the third goes on */
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
}

static void fettle_ends_when_the_last_app_is_over(void)
{
    char *well[] = ARGV("h"), *badly[] = ARGV("f");
    struct app_conf apps[] = { conf_of("one", well), conf_of("two", well),
                               conf_of("three", badly) };
    struct run r;

    run_apps(&r, apps, 2);
    CHECK_EQ(ends(&r), 0);
    run_apps(&r, apps + 1, 2);
    CHECK_EQ(ends(&r), 1);
}

static void an_address_of_one_app_is_refused_to_another(void)
{
    char *serves[] = ARGV("huw"), var[64];
    char *env[] = { var, NULL };
    struct app_conf apps[] = { conf_of("one", serves), conf_of("two", serves) };
    char text[64];
    struct run r;

    snprintf(var, sizeof(var), "TEST_PATH=%s/sock", base);
    snprintf(text, sizeof(text), "refused %d", EADDRINUSE);
    for (int i = 0; i < 2; i++) {
        apps[i].workers = 2;
        apps[i].extra_env = env;
    }
    run_apps(&r, apps, 2);
    CHECK(says(&r, " does not start", 1));
    CHECK(says(&r, text, 1));
    CHECK(strstr(r.text, "app two cannot listen on unix:") ? says(&r, "one: 2 workers ready", 1)
                                                           : says(&r, "two: 2 workers ready", 1));
    CHECK(says(&r, " does already; give one of them another port", 1));
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
}

static void a_reload_is_of_all_apps(void)
{
    char *serves[] = ARGV("hlw");
    struct app_conf apps[] = { conf_of("one", serves), conf_of("two", serves) };
    struct run r;

    run_apps(&r, apps, 2);
    CHECK(says(&r, "one: 1 worker ready", 1) && says(&r, "two: 1 worker ready", 1));
    kill(r.pid, SIGHUP);
    CHECK(says(&r, "one: reloaded 1 worker", 1) && says(&r, "two: reloaded 1 worker", 1));
    kill(r.pid, SIGTERM);
    CHECK_EQ(ends(&r), 0);
}

int main(int argc, char **argv)
{
    char path[64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (argc == 3 && strcmp(argv[1], "app") == 0)
        return app_main(argv[2]);
    if (n < 0 || !mkdtemp(base))
        return 1;
    snprintf(path, sizeof(path), "%s/agent.js", base);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    TEST(a_script_that_ends_well_ends_fettle_well);
    TEST(an_app_that_never_starts_is_given_up);
    TEST(a_program_that_is_not_there_is_named);
    TEST(a_missing_agent_is_a_problem);
    TEST(a_killed_worker_is_replaced_and_its_port_stays);
    TEST(a_reload_replaces_all_and_an_old_one_goes_after_the_new_is_ready);
    TEST(a_reload_that_fails_leaves_the_old_ones);
    TEST(a_blocked_loop_is_replaced_and_its_stack_is_told);
    TEST(a_worker_that_never_listens_is_ready_all_the_same);
    TEST(an_agent_that_talks_nonsense_is_cut_off);
    TEST(random_messages_shake_nothing);
    TEST(nothing_of_a_worker_outlives_it);
    TEST(a_supervisor_that_is_killed_takes_its_workers_with_it);
    TEST(of_several_apps_each_starts_and_ends_alone);
    TEST(fettle_ends_when_the_last_app_is_over);
    TEST(an_address_of_one_app_is_refused_to_another);
    TEST(a_reload_is_of_all_apps);
    unlink(path);
    /* The killed supervisor has left its folder. */
    char sweep[128];

    snprintf(sweep, sizeof(sweep), "rm -rf %s", base);
    return system(sweep) != 0 || tap_done();
}
