/* io/notify.c -- tells a service manager how this process is (sd_notify(3), without libsystemd) */
#include "io/notify.h"

#include <stdarg.h>

enum { MESSAGE_MAX = 1024 };

static int address_read(struct notify *n, const char *name)
{
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
        return -EINVAL;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, name, len);
    if (name[0] == '@')
        n->to.sun_path[0] = 0;
    /* An abstract name is as long as it is; a path ends with a NUL. */
    n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    return 0;
}

/* WATCHDOG_PID, where it is set, says whom it is about. */
static u64 watchdog_read(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    u64 us, id;

    if (!usec || !str_to_u64(str_of(usec), &us) || us > UINT64_MAX / NS_PER_US)
        return 0;
    if (pid && (!str_to_u64(str_of(pid), &id) || id != (u64)getpid()))
        return 0;
    return us * NS_PER_US;
}

int notify_take(struct notify *n)
{
    const char *name = getenv("NOTIFY_SOCKET");
    int r = 0;

    *n = (struct notify){ .fd = -1 };
    if (name && *name)
        r = address_read(n, name);
    if (name && *name && r == 0) {
        n->watchdog_ns = watchdog_read();
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        r = n->fd < 0 ? -errno : 0;
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return r;
}

void notify_done(struct notify *n)
{
    fd_closep(&n->fd);
    n->fd = -1;
}

void notify_hand_over(const struct notify *n, struct strings *env)
{
    struct str name;

    if (!n || n->fd < 0)
        return;
    name = str_make(n->to.sun_path, n->to_len - offsetof(struct sockaddr_un, sun_path));
    if (name.len && name.ptr[0] == 0)
        strings_addf(env, "NOTIFY_SOCKET=@%.*s", STR_ARG(str_sub(name, 1, name.len)));
    else
        strings_addf(env, "NOTIFY_SOCKET=%s", n->to.sun_path);
    if (n->watchdog_ns)
        strings_addf(env, "WATCHDOG_USEC=%llu", (unsigned long long)(n->watchdog_ns / NS_PER_US));
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list args;
    int len;

    if (!n || n->fd < 0)
        return;
    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len <= 0)
        return;
    len = min(len, MESSAGE_MAX - 1);
    /* One that is not taken is lost, as one of syslog's is. */
    if (sendto(n->fd, text, (size_t)len, MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_len) <
        0)
        return;
}
