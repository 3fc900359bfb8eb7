/* worker/listeners.c -- the addresses that the apps listen on, held in fettle's name */
#include "worker/listeners.h"

#include "base/clock.h"
#include "io/sock.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { BACKLOG_MIN = 511 };
#define EMPTY_NS (500 * NS_PER_MS)

static u32 app_of(u32 worker)
{
    return worker / WIRE_WORKERS_MAX;
}

/* The word and the bit of a worker in listener.workers. */
static u64 *word_of(struct listener *l, u32 worker)
{
    return &l->workers[worker % WIRE_WORKERS_MAX / 64];
}

static u64 bit_of(u32 worker)
{
    return 1ull << worker % 64;
}

void listeners_init(struct listeners *ls, struct shm *shm)
{
    memset(ls, 0, sizeof(*ls));
    ls->shm = shm;
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        ls->listener[i].fd = -1;
}

void listeners_port(struct listeners *ls, u32 app, u32 port)
{
    ls->port[app] = port;
}

static void listener_close(struct listeners *ls, u32 index)
{
    struct listener *l = &ls->listener[index];

    if (!l->open)
        return;
    if (l->bound.family == AF_UNIX && l->fd >= 0 && !l->lent)
        unlink(l->as.path);
    fd_closep(&l->fd);
    *l = (struct listener){ .fd = -1 };
    ls->shm->listener[index].state = 0;
}

void listeners_done(struct listeners *ls)
{
    ls->done = true;
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        listener_close(ls, i);
}

/* A worker may send anything: texts must end, and families and hosts must fit. */
static bool asked_is_sane(const struct wire_listen *a)
{
    struct addr ip;

    if (!memchr(a->host, 0, sizeof(a->host)) || !memchr(a->path, 0, sizeof(a->path)))
        return false;
    if (a->kind > WIRE_STREAM || a->port > 65535)
        return false;
    if (a->family == AF_UNIX)
        return a->path[0] == '/';
    if (a->family == 0)
        return a->host[0] == 0;
    return addr_parse_ip(str_of(a->host), &ip) && ip.family == a->family;
}

static bool same_address(const struct wire_listen *a, const struct wire_listen *b)
{
    if (a->family != b->family)
        return false;
    if (a->family == AF_UNIX)
        return strcmp(a->path, b->path) == 0;
    if (strcmp(a->host, b->host) != 0 || a->port != b->port || !a->v6only != !b->v6only)
        return false;
    return a->port != 0 || a->index == b->index;
}

static int listener_find(const struct listeners *ls, u32 app, const struct wire_listen *asked)
{
    for (int i = 0; i < SHM_LISTENERS_MAX; i++)
        if (ls->listener[i].open && ls->listener[i].app == app &&
            same_address(&ls->listener[i].as, asked))
            return i;
    return -ENOENT;
}

static int bind_ip(struct listener *l, const char *host, u32 port)
{
    struct sock_listen_conf conf = {
        .backlog = max(l->as.backlog, (u32)BACKLOG_MIN),
        .v6only = l->as.v6only,
    };
    struct addr a;
    int fd;

    if (!addr_parse_ip(str_of(host), &a))
        return -EINVAL;
    a.port = (u16)port;
    fd = sock_listen_tcp(&a, &conf);
    if (fd < 0)
        return fd;
    l->fd = fd;
    return sock_local(fd, &l->bound);
}

/* As Node does: without a host all addresses by IPv6, and by IPv4 where there is no IPv6. */
static int bind_any(struct listener *l, u32 port)
{
    int r = bind_ip(l, "::", port);

    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL || r == -EINVAL)
        r = bind_ip(l, "0.0.0.0", port);
    return r;
}

/* The permissions that bind would have given it in the app. */
static u32 unix_mode(void)
{
    mode_t mask = umask(0);

    umask(mask);
    return 0777 & ~mask;
}

/* Whether it is a socket that somebody has left behind: one who was killed. */
static bool is_stale(const char *path)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = sock_connect_unix(path, SOCK_STREAM);
    if (fd >= 0)
        close(fd);
    return fd == -ECONNREFUSED;
}

static int bind_unix(struct listener *l)
{
    /* For an app's own it is the app that decides, as with bare Node. */
    if (l->app == SHM_APPS_MAX && is_stale(l->as.path))
        unlink(l->as.path);
    l->fd = sock_listen_unix(l->as.path, SOCK_STREAM, max(l->as.backlog, (u32)BACKLOG_MIN),
                             unix_mode());
    l->bound = (struct addr){ .family = AF_UNIX };
    return l->fd < 0 ? l->fd : 0;
}

/* What bind would have answered, had there been one. */
static int bind_nothing(struct listener *l, u32 port)
{
    l->bound = (struct addr){ .family = AF_UNIX };
    if (l->as.family == AF_UNIX)
        return 0;
    if (!addr_parse_ip(str_of(l->as.family == 0 ? "::" : l->as.host), &l->bound))
        return -EINVAL;
    l->bound.port = (u16)port;
    return 0;
}

/* What it is called when it is handed to the next fettle. True: it is found by that, since its
 * port is any. */
static bool handed_name(const struct listeners *ls, const struct listener *l,
                        char out[ACTIVATION_NAME_MAX])
{
    bool any = l->as.family != AF_UNIX && l->as.port == 0 && l->app < SHM_APPS_MAX;

    if (any)
        snprintf(out, ACTIVATION_NAME_MAX, ACTIVATION_OWN "any/%u/%.40s", l->as.index,
                 ls->shm->app[l->app].name);
    else
        str_to_cstr(STR(ACTIVATION_OWN "own"), out, ACTIVATION_NAME_MAX);
    for (char *c = out; *c; c++)
        if (*c == ':') /* stands between names */
            *c = '_';
    return any;
}

/* A socket that was opened for us; ours is a copy, so that one that is closed can be used again. */
static int lent_take(struct listeners *ls, struct listener *l, u32 port)
{
    char name[ACTIVATION_NAME_MAX];
    struct addr a = { 0 };
    int fd;

    if (!ls->activation)
        return -ENOENT;
    if (port == 0 && handed_name(ls, l, name)) {
        fd = activation_find_name(ls->activation, name);
    } else if (l->as.family == AF_UNIX) {
        fd = activation_find_path(ls->activation, l->as.path);
    } else {
        if (!addr_parse_ip(str_of(l->as.family == 0 ? "::" : l->as.host), &a))
            return -EINVAL;
        a.port = (u16)port;
        fd = activation_find(ls->activation, &a);
    }
    if (fd < 0)
        return fd;
    l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (l->fd < 0)
        return -errno;
    l->lent = !activation_inherited(ls->activation, fd);
    return sock_local(l->fd, &l->bound);
}

static int listener_bind(struct listeners *ls, struct listener *l)
{
    bool overridden = ls->port[l->app] && l->kind == WIRE_HTTP;
    u32 port = overridden ? ls->port[l->app] : l->as.port;
    int r;

    if (ls->done)
        return bind_nothing(l, port);
    r = lent_take(ls, l, port);
    if (r == -ENOENT && l->as.family == AF_UNIX)
        return bind_unix(l);
    if (r == -ENOENT)
        r = l->as.family == 0 ? bind_any(l, port) : bind_ip(l, l->as.host, port);
    if (r == 0 && overridden)
        ls->port[l->app] = 0; /* only the first one */
    return r;
}

/* The text in shared memory: as people write addresses. */
static void publish(struct listeners *ls, u32 index)
{
    struct shm_listener *out = &ls->shm->listener[index];
    const struct listener *l = &ls->listener[index];
    char text[ADDR_TEXT_MAX];

    memset(out->address, 0, sizeof(out->address));
    if (l->bound.family == AF_UNIX)
        snprintf(out->address, sizeof(out->address), "unix:%.*s", (int)sizeof(out->address) - 6,
                 l->as.path);
    else
        str_to_cstr(addr_text(&l->bound, text), out->address, sizeof(out->address));
    out->kind = l->kind;
    out->app = l->app;
    out->routes = l->routes;
    out->state = 1;
}

static int listener_make(struct listeners *ls, u32 app, u32 routes, const struct wire_listen *asked)
{
    for (int i = 0; i < SHM_LISTENERS_MAX; i++) {
        struct listener *l = &ls->listener[i];
        int r;

        if (l->open)
            continue;
        *l = (struct listener){
            .fd = -1, .app = app, .kind = asked->kind, .routes = routes, .as = *asked
        };
        r = listener_bind(ls, l);
        if (r < 0) {
            fd_closep(&l->fd);
            l->fd = -1;
            return r;
        }
        l->open = true;
        publish(ls, (u32)i);
        return i;
    }
    return -ENFILE;
}

/* Where an app that is gone listened on what `app` asks for now. */
static int orphan_find(const struct listeners *ls, u32 app, const struct wire_listen *asked)
{
    struct wire_listen want = *asked;

    if (ls->port[app] && asked->kind == WIRE_HTTP && asked->family != AF_UNIX)
        want.port = ls->port[app];
    for (int i = 0; i < SHM_LISTENERS_MAX; i++) {
        const struct listener *l = &ls->listener[i];
        struct wire_listen had = l->as;

        if (!l->open || !ls->orphan[l->app] || l->kind != asked->kind)
            continue;
        if (had.family != AF_UNIX)
            had.port = l->bound.port;
        if (same_address(&had, &want) && (want.family == AF_UNIX || want.port))
            return i;
    }
    return -ENOENT;
}

static int orphan_take(struct listeners *ls, u32 app, const struct wire_listen *asked)
{
    int i = orphan_find(ls, app, asked);
    struct listener *l = &ls->listener[max(i, 0)];

    if (i < 0)
        return i;
    if (ls->port[app] && asked->kind == WIRE_HTTP)
        ls->port[app] = 0; /* only the first one */
    l->app = app;
    l->as = *asked;
    l->announced = false;
    l->empty_ns = 0;
    memset(l->workers, 0, sizeof(l->workers));
    publish(ls, (u32)i);
    return i;
}

void listeners_orphan(struct listeners *ls, u32 app, bool is_gone)
{
    ls->orphan[app] = is_gone;
}

void listeners_keep_orphans(struct listeners *ls, u64 until_ns)
{
    ls->orphans_until_ns = until_ns;
}

int listeners_open(struct listeners *ls, const struct wire_listen *asked, u32 worker, bool *is_new)
{
    u32 app = app_of(worker);
    int i;

    assert(worker % WIRE_WORKERS_MAX <= LISTENERS_WORKERS_MAX && app < SHM_APPS_MAX);
    if (!asked_is_sane(asked))
        return -EINVAL;
    i = listener_find(ls, app, asked);
    *is_new = i < 0;
    if (i >= 0 && ls->listener[i].kind != asked->kind)
        return -EADDRINUSE; /* an http server and a raw one on one address */
    if (i < 0)
        i = orphan_take(ls, app, asked);
    if (i < 0)
        i = listener_make(ls, app, 0, asked);
    if (i >= 0) {
        *word_of(&ls->listener[i], worker) |= bit_of(worker);
        ls->listener[i].empty_ns = 0;
    }
    return i;
}

int listeners_holder(const struct listeners *ls, const struct wire_listen *asked, u32 worker)
{
    u32 app = app_of(worker), port = asked->port;

    if (asked->kind == WIRE_HTTP && ls->port[app])
        port = ls->port[app];
    for (int i = 0; i < SHM_LISTENERS_MAX; i++) {
        const struct listener *l = &ls->listener[i];
        bool same =
            asked->family == AF_UNIX ? strcmp(l->as.path, asked->path) == 0 : l->bound.port == port;

        if (l->open && l->app != app && same &&
            (l->bound.family == AF_UNIX) == (asked->family == AF_UNIX))
            return i;
    }
    return -ENOENT;
}

int listeners_open_own(struct listeners *ls, const struct endpoint *at, u32 routes)
{
    struct wire_listen as = { .kind = WIRE_HTTP, .family = AF_UNIX };
    char text[ADDR_TEXT_MAX];

    if (at->kind == ENDPOINT_UNIX) {
        str_to_cstr(at->path, as.path, sizeof(as.path));
    } else {
        as.family = at->addr.family;
        as.port = at->addr.port;
        str_to_cstr(addr_ip_text(&at->addr, text), as.host, sizeof(as.host));
    }
    return listener_make(ls, SHM_APPS_MAX, routes, &as);
}

void listeners_close_own(struct listeners *ls, u32 index)
{
    listener_close(ls, index);
}

static bool is_held(const struct listener *l)
{
    for (size_t i = 0; i < ARRAY_LEN(l->workers); i++)
        if (l->workers[i])
            return true;
    return false;
}

void listeners_release(struct listeners *ls, u32 index, u32 worker, u64 now_ns)
{
    struct listener *l = &ls->listener[index];

    if (!l->open || l->app != app_of(worker) || !(*word_of(l, worker) & bit_of(worker)))
        return;
    *word_of(l, worker) &= ~bit_of(worker);
    if (!is_held(l)) {
        l->last = worker;
        l->empty_ns = now_ns;
    }
}

void listeners_release_all(struct listeners *ls, u32 worker, u64 now_ns)
{
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        listeners_release(ls, i, worker, now_ns);
}

void listeners_keep(struct listeners *ls, u32 worker)
{
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        struct listener *l = &ls->listener[i];

        if (l->open && l->empty_ns && l->last == worker) {
            *word_of(l, worker) |= bit_of(worker);
            l->empty_ns = 0;
        }
    }
}

u32 listeners_tick(struct listeners *ls, u64 now_ns)
{
    u32 closed = 0;

    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        const struct listener *l = &ls->listener[i];

        if (l->open && ls->orphan[l->app] && now_ns < ls->orphans_until_ns)
            continue;
        if (l->open && l->empty_ns && now_ns - l->empty_ns >= EMPTY_NS) {
            listener_close(ls, i);
            closed |= BIT(i);
        }
    }
    return closed;
}

u32 listeners_hand_over(const struct listeners *ls, int *fds, u32 room, struct buf *names)
{
    const struct activation *a = ls->activation;
    char name[ACTIVATION_NAME_MAX];
    u32 n = 0;

    for (u32 i = 0; a && i < a->count && n < room; i++) {
        if (a->socket[i].inherited)
            continue; /* in use it is a listener's, too */
        buf_addf(names, "%s%s", n ? ":" : "", a->socket[i].name);
        fds[n++] = a->socket[i].fd;
    }
    for (u32 i = 0; i < SHM_LISTENERS_MAX && n < room; i++) {
        const struct listener *l = &ls->listener[i];

        if (!l->open || l->lent || l->fd < 0)
            continue;
        handed_name(ls, l, name);
        buf_addf(names, "%s%s", n ? ":" : "", name);
        fds[n++] = l->fd;
    }
    return n;
}

void listeners_give_up(struct listeners *ls)
{
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        ls->listener[i].lent = true;
}

void listeners_url(const struct listeners *ls, u32 index, struct buf *out)
{
    const struct listener *l = &ls->listener[index];
    const char *scheme = l->kind == WIRE_HTTP ? "http" : "tcp";
    char text[ADDR_TEXT_MAX];

    if (l->bound.family == AF_UNIX) {
        buf_addf(out, "unix:%s", l->as.path);
        return;
    }
    if (addr_is_any(&l->bound))
        buf_addf(out, "%s://localhost:%u", scheme, l->bound.port);
    else
        buf_addf(out, "%s://%.*s", scheme, STR_ARG(addr_text(&l->bound, text)));
}
