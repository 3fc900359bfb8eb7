/* io/activation.c -- listening sockets that a service manager opened for us (sd_listen_fds(3)) */
#include "io/activation.h"

#include "io/sock.h"

#include <fcntl.h>

enum { FIRST_FD = 3, HIGH_FD = 64, COUNT_MAX = 1024 };

static int option(int fd, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

/* What it is; a socket of another kind has no address. */
static void describe(struct activation_socket *s)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof(storage);

    if (option(s->fd, SO_TYPE) != SOCK_STREAM || option(s->fd, SO_ACCEPTCONN) != 1 ||
        getsockname(s->fd, (struct sockaddr *)&storage, &len) < 0)
        return;
    s->addr = addr_of((const struct sockaddr *)&storage);
    if (s->addr.family == AF_UNIX)
        memcpy(&s->path, &storage, sizeof(s->path) - 1);
    s->listens = s->addr.family != 0 && sock_nonblock(s->fd) == 0;
}

/* The place of 3, 4 and 5 is for what fettle's own processes are given. */
static int socket_move(struct activation *a, int from, struct str name, bool succeeds)
{
    struct activation_socket *s = &a->socket[a->count];
    int fd = fcntl(from, F_DUPFD_CLOEXEC, HIGH_FD), r = fd < 0 ? -errno : 0;

    close(from);
    if (r < 0)
        return r;
    *s = (struct activation_socket){ .fd = fd };
    s->inherited = succeeds && str_starts(name, STR(ACTIVATION_OWN));
    str_to_cstr(name, s->name, sizeof(s->name));
    describe(s);
    a->count++;
    return 0;
}

void activation_read(struct activation_names *out, const char *pid, const char *fds,
                     const char *names, u32 self)
{
    struct str rest = str_of(names);
    u64 meant, n;

    *out = (struct activation_names){ 0 };
    if (!pid || !fds || !str_to_u64(str_of(pid), &meant) || !str_to_u64(str_of(fds), &n) ||
        meant != self)
        return;
    out->count = (u32)min(n, (u64)COUNT_MAX);
    for (u32 i = 0; i < min(out->count, (u32)ACTIVATION_MAX) && rest.ptr; i++)
        str_to_cstr(str_cut(rest, ':', &rest), out->name[i], sizeof(out->name[i]));
}

int activation_take(struct activation *out, bool succeeds)
{
    struct activation_names said;
    int err = 0;

    *out = (struct activation){ 0 };
    activation_read(&said, getenv("LISTEN_PID"), getenv("LISTEN_FDS"), getenv("LISTEN_FDNAMES"),
                    (u32)getpid());
    for (u32 i = 0; i < min(said.count, (u32)ACTIVATION_MAX); i++) {
        int r = socket_move(out, FIRST_FD + (int)i, str_of(said.name[i]), succeeds);

        err = err ? err : r;
    }
    for (u32 i = ACTIVATION_MAX; i < said.count; i++)
        out->closed += close(FIRST_FD + (int)i) == 0;
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    return err;
}

void activation_done(struct activation *a)
{
    for (u32 i = 0; i < a->count; i++)
        fd_closep(&a->socket[i].fd);
    a->count = 0;
}

void activation_leave(struct activation *a)
{
    for (u32 i = 0; i < a->count; i++) {
        struct activation_socket *s = &a->socket[i];

        if (!s->inherited || s->used || s->fd < 0)
            continue;
        if (s->listens && s->addr.family == AF_UNIX && s->path.sun_path[0] == '/')
            unlink(s->path.sun_path);
        close(TAKE(s->fd, -1));
        s->listens = false;
    }
}

/* The lower, the better it fits; UINT32_MAX: not at all. */
static u32 distance(const struct activation_socket *s, const struct addr *asked)
{
    const struct addr *have = &s->addr;

    if (have->family == AF_UNIX || have->port != asked->port)
        return UINT32_MAX;
    if (have->family == asked->family && memcmp(have->ip, asked->ip, sizeof(have->ip)) == 0)
        return 0;
    if (s->inherited) /* a machine without IPv6 has all addresses by IPv4 */
        return addr_is_any(have) && addr_is_any(asked) ? 1 : UINT32_MAX;
    return addr_is_any(have) ? 1 : 2;
}

int activation_find(struct activation *a, const struct addr *asked)
{
    struct activation_socket *best = NULL;
    u32 least = UINT32_MAX;

    for (u32 i = 0; i < a->count; i++) {
        struct activation_socket *s = &a->socket[i];
        u32 d = s->listens && asked->port ? distance(s, asked) : UINT32_MAX;

        if (d < least) {
            least = d;
            best = s;
        }
    }
    if (!best)
        return -ENOENT;
    best->used = true;
    return best->fd;
}

int activation_find_path(struct activation *a, const char *path)
{
    for (u32 i = 0; i < a->count; i++) {
        struct activation_socket *s = &a->socket[i];

        if (!s->listens || s->addr.family != AF_UNIX || strcmp(s->path.sun_path, path) != 0)
            continue;
        s->used = true;
        return s->fd;
    }
    return -ENOENT;
}

int activation_find_name(struct activation *a, const char *name)
{
    for (u32 i = 0; i < a->count; i++) {
        if (!a->socket[i].listens || strcmp(a->socket[i].name, name) != 0)
            continue;
        a->socket[i].used = true;
        return a->socket[i].fd;
    }
    return -ENOENT;
}

bool activation_inherited(const struct activation *a, int fd)
{
    for (u32 i = 0; i < a->count; i++)
        if (a->socket[i].fd == fd)
            return a->socket[i].inherited;
    return false;
}

void activation_text(const struct activation_socket *s, struct buf *out)
{
    char text[ADDR_TEXT_MAX];

    if (!s->listens)
        buf_add(out, STR("a descriptor that is no listening stream socket"));
    else if (s->addr.family == AF_UNIX)
        buf_addf(out, "unix:%.*s", (int)sizeof(s->path.sun_path), s->path.sun_path);
    else
        buf_add(out, addr_text(&s->addr, text));
    if (s->name[0] && !s->inherited)
        buf_addf(out, " (%s)", s->name);
}
