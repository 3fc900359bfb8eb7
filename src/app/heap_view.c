/* app/heap_view.c -- `fettle heap view FILE`: the answers in the browser */
#include "admin/listener.h"
#include "app/brief.h"
#include "app/browser.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_load.h"
#include "app/heap_options.h"
#include "app/heap_site.h"
#include "base/json.h"
#include "io/signals.h"
#include "io/sock.h"

#include <signal.h>

#define LOOK_NS (2 * NS_PER_S)

struct server {
    struct loop *loop;
    struct signals signals;
    struct timer timer;
    struct listener listener;
    struct conns conns;
    struct heap_site site;
    u64 idle_ns; /* 0: for ever */
    u32 port;
    bool was_idle;
};

static void signalled(struct signals *signals, const struct signalfd_siginfo *info)
{
    (void)info;
    loop_stop(container_of(signals, struct server, signals)->loop);
}

/* An open page asks now and then. */
static void look(struct timer *t)
{
    struct server *s = container_of(t, struct server, timer);
    u64 now_ns = loop_now_ns(s->loop);

    s->was_idle = s->idle_ns && heap_site_idle_ns(&s->site, now_ns) >= s->idle_ns;
    if (s->was_idle)
        loop_stop(s->loop);
    else
        loop_timer(s->loop, t, now_ns + min(LOOK_NS, max(s->idle_ns / 4, NS_PER_MS)), look);
}

static int listen_on(struct server *s, u32 port, struct problem *p)
{
    const struct sock_listen_conf conf = { .backlog = 64 };
    struct addr at = { .family = AF_INET, .port = (u16)port, .ip = { 127, 0, 0, 1 } };
    int fd = sock_listen_tcp(&at, &conf), r;

    if (fd < 0)
        return problem_set(p,
                           "port %u of 127.0.0.1 cannot be listened on: %s; without --port any "
                           "free one is taken",
                           port, strerror(-fd));
    r = sock_local(fd, &at);
    if (!r)
        r = listener_start(&s->listener, &s->conns, fd);
    if (r)
        close(fd);
    s->port = at.port;
    return r;
}

static int server_start(struct server *s, struct heapview *view, const struct heap_options *o,
                        struct problem *p)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
    int r = loop_new(&s->loop);

    signal(SIGPIPE, SIG_IGN);
    s->idle_ns = o->idle_ns;
    if (!r)
        r = heap_site_init(&s->site, view, clock_now_ns());
    if (!r)
        r = signals_init(&s->signals, s->loop, ends, ARRAY_LEN(ends), signalled);
    if (r)
        return r;
    conns_init(&s->conns, s->loop, &s->site.site);
    return listen_on(s, o->port, p);
}

static void server_done(struct server *s)
{
    if (!s->loop)
        return;
    if (s->conns.loop)
        conns_done(&s->conns);
    listener_stop(&s->listener);
    loop_timer_stop(&s->timer);
    signals_done(&s->signals);
    loop_free(s->loop);
}

static int announce(const struct server *s, const struct heap_options *o)
{
    AUTO(buf_done) struct buf out = { 0 }, url = { 0 };
    bool opened;

    buf_addf(&url, "http://127.0.0.1:%u/%s/", s->port, s->site.token);
    if (o->json) {
        buf_addc(&out, '{');
        json_key(&out, "url");
        json_text(&out, buf_str(&url));
        json_key(&out, "port");
        json_u64(&out, s->port);
        json_key(&out, "pid");
        json_u64(&out, (u64)getpid());
        buf_add(&out, STR("}\n"));
    } else {
        buf_add(&out, buf_str(&url));
        buf_add(&out, STR("\n"));
    }
    buf_addc(&url, '\0');
    if (out.failed || url.failed)
        out.failed = true;
    opened = !out.failed && o->open && browser_open(url.ptr);
    if (!o->json && !opened && getenv("SSH_CONNECTION"))
        fprintf(stderr, "From your machine: ssh -L %u:127.0.0.1:%u HOST, then open this address.\n",
                s->port, s->port);
    if (!o->json)
        fprintf(stderr, "%s Ctrl-C ends it.\n",
                opened ? "It is opened in the browser." : "Open it in a browser.");
    return command_print(&out);
}

static int serve(struct heapview *view, const struct heap_options *o)
{
    AUTO(server_done) struct server s = { 0 };
    struct problem p = { 0 };
    int r = server_start(&s, view, o, &p), code;

    if (r) {
        if (r != -EINVAL)
            problem_set(&p, "the view cannot be served: %s", strerror(-r));
        command_problem(&p);
        return EXIT_APP;
    }
    code = announce(&s, o);
    if (code)
        return code;
    look(&s.timer);
    loop_run(s.loop);
    if (s.was_idle && !o->json)
        fprintf(stderr, "Nobody has looked at it for a while: ended (--idle off keeps it).\n");
    return EXIT_OK;
}

static struct str name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (strcmp(path, "-") == 0)
        return STR("standard input");
    return str_of(slash && slash[1] ? slash + 1 : path);
}

/* The later one first: plain objects of the other are told apart as in it. */
static int load(struct heap_loaded *file, const struct heap_options *o)
{
    for (u32 i = o->words; i--;) {
        int code = i + 1 == o->words ? heap_load(&file[i], o->word[i], HEAPVIEW_NEEDS)
                                     : heap_load_like(&file[i], &file[i + 1].a.c.interfaces,
                                                      o->word[i], HEAPVIEW_NEEDS);

        if (code)
            return code;
    }
    return 0;
}

static int add(struct heapview *view, struct heap_loaded *file, u32 count)
{
    struct problem p = { 0 };

    for (u32 i = 0; i < count; i++)
        if (heapview_add(view, name_of(file[i].path), file[i].file.in.size, &file[i].a))
            return heap_load_failed(-ENOMEM, file[i].path, &p);
    return 0;
}

int heap_view_command(int argc, char **argv)
{
    AUTO(heap_options_done) struct heap_options o = { 0 };
    struct heap_loaded file[HEAPVIEW_FILES_MAX] = { { .file.fd = -1 }, { .file.fd = -1 } };
    struct heapview view = { 0 };
    int code = heap_options_read(&o, &heap_view_flags, argc, argv, 1, HEAPVIEW_FILES_MAX,
                                 "a FILE, such as app.heapsnapshot, and perhaps a later one");

    if (code)
        return max(code, 0);
    code = load(file, &o);
    if (!code)
        code = add(&view, file, o.words);
    if (!code)
        code = serve(&view, &o);
    heapview_done(&view);
    for (u32 i = 0; i < HEAPVIEW_FILES_MAX; i++)
        heap_load_done(&file[i]);
    return code;
}
