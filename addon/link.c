/* addon/link.c -- the connection to the supervisor and the thread that reads it */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "stack.h"

enum {
    HELLO_LIMIT_MS = 5000,
    LISTEN_LIMIT_S = 10,
    THREAD_STACK_BYTES = 256 * 1024,
    WELCOME_FDS = 4
};

struct link link_here = { .fd = -1, .wake_fd = -1, .memory_fd = -1, .index = UINT32_MAX };

static int hello_fd = -1; /* HELLO is sent, WELCOME not yet taken */
static struct wire_hello hello;
static char hello_dir[sizeof((struct sockaddr_un *)0)->sun_path];
static pid_t owner; /* the process that opened the link; a forked child is another */
static int tick_every_ms;
static void (*tick_fn)(void);

/* One LISTEN is under way at a time, so answers need no numbers; `late` counts those whose
 * asker has given up, which come first. */
static struct {
    pthread_mutex_t turn; /* held by the asker */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t came;
    bool done;
    unsigned late;
    struct wire_listening answer;
} asking = { .turn = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER };

bool link_alive(void)
{
    return link_here.fd >= 0 && owner == getpid();
}

static int link_send(const void *msg, size_t bytes, int flags)
{
    ssize_t n;

    if (!link_alive())
        return -ENOTCONN;
    do
        n = send(link_here.fd, msg, bytes, flags | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

void link_note(uint32_t type, uint32_t listener, uint32_t kind, uint32_t value)
{
    struct wire_note note = { .type = type, .listener = listener, .kind = kind, .value = value };
    int ignored = link_send(&note, sizeof note, 0);

    (void)ignored; /* the supervisor is gone: the agent thread sees it too */
}

void link_stack_text(const char *text, uint32_t len)
{
    struct wire_stack_text msg = { .type = WIRE_STACK_TEXT };
    int ignored;

    msg.len = len < WIRE_STACK_MAX ? len : WIRE_STACK_MAX;
    memcpy(msg.text, text, msg.len);
    ignored = link_send(&msg, offsetof(struct wire_stack_text, text) + msg.len, MSG_DONTWAIT);
    (void)ignored; /* a supervisor that does not read must not hold up the main thread */
}

static int socket_connect(const char *dir)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int n = snprintf(to.sun_path, sizeof to.sun_path, "%s/agent.sock", dir), fd, err;

    if (n < 0 || n >= (int)sizeof to.sun_path)
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    err = -errno;
    close(fd);
    return err;
}

/* The descriptors that came with it are close-on-exec; -1: there was none. */
static int welcome_take(int fd, struct wire_welcome *w, int fds[WELCOME_FDS])
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(WELCOME_FDS * sizeof(int))];
    } control;
    struct iovec part = { w, sizeof *w };
    struct msghdr msg = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    ssize_t n;
    int r;

    do
        r = poll(&ready, 1, HELLO_LIMIT_MS);
    while (r < 0 && errno == EINTR);
    if (r <= 0)
        return r ? -errno : -ETIMEDOUT;
    n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    if (n < 0)
        return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    if (n == 0)
        return -ECONNRESET;
    if (n != sizeof *w || w->type != WIRE_WELCOME || w->version != WIRE_VERSION)
        return -EPROTO;
    return 0;
}

/* NULL with *err: it is none of this size. */
static void *memory_map(int fd, size_t bytes, int protection, int *err)
{
    struct stat st;
    void *memory;

    *err = fstat(fd, &st) != 0 ? -errno : (uint64_t)st.st_size < bytes ? -EPROTO : 0;
    if (*err)
        return NULL;
    memory = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);
    if (memory != MAP_FAILED)
        return memory;
    *err = -errno;
    return NULL;
}

static int shm_map(const struct wire_welcome *w, const int fds[WELCOME_FDS])
{
    struct shm *shm;
    int err;

    if (w->slot == UINT32_MAX)
        return 0;
    if (w->slot >= SHM_SLOTS_MAX || fds[1] < 0 || w->shm_bytes < sizeof *shm)
        return -EPROTO;
    shm = memory_map(fds[0], sizeof *shm, PROT_READ | PROT_WRITE, &err);
    if (!shm)
        return err;
    if (shm->magic != SHM_MAGIC || shm->version != SHM_VERSION)
        err = -EPROTO;
    else
        link_here.peers = memory_map(fds[2], sizeof *link_here.peers, PROT_READ, &err);
    if (err) {
        munmap(shm, sizeof *shm);
        return err;
    }
    link_here.shm = shm;
    link_here.slot = &shm->slot[w->slot];
    return 0;
}

/* The connection on which HELLO was sent, or -errno. */
static int hello_send(void)
{
    int fd = socket_connect(hello_dir), err;

    if (fd < 0 || send(fd, &hello, sizeof hello, MSG_NOSIGNAL) >= 0)
        return fd;
    err = -errno;
    close(fd);
    return err;
}

/* The supervisor was there, but had no memory or no descriptor for us just then. */
static bool was_dropped(int err)
{
    return err == -EPIPE || err == -ECONNRESET;
}

int link_hello(const char *dir, uint32_t worker, uint32_t role, const char *node_version)
{
    int fd;

    hello = (struct wire_hello){ .type = WIRE_HELLO,
                                 .version = WIRE_VERSION,
                                 .pid = (uint32_t)getpid(),
                                 .worker = worker,
                                 .role = role };
    snprintf(hello.node_version, sizeof hello.node_version, "%s", node_version);
    if (snprintf(hello_dir, sizeof hello_dir, "%s", dir) >= (int)sizeof hello_dir)
        return -ENAMETOOLONG;
    fd = hello_send();
    if (was_dropped(fd))
        fd = hello_send();
    if (fd < 0)
        return fd;
    hello_fd = fd;
    return 0;
}

int link_welcome(void)
{
    struct wire_welcome w = { 0 };
    int fds[WELCOME_FDS] = { -1, -1, -1, -1 }, fd = hello_fd, err;

    hello_fd = -1;
    err = welcome_take(fd, &w, fds);
    if (was_dropped(err)) {
        close(fd);
        fd = hello_send();
        err = fd < 0 ? fd : welcome_take(fd, &w, fds);
    }
    if (!err && w.slot == UINT32_MAX) { /* the memory to share alone */
        fds[3] = fds[0];
        fds[0] = -1;
    }
    if (!err)
        err = shm_map(&w, fds);
    for (int i = 0; i < WELCOME_FDS; i++)
        if (fds[i] >= 0 && (err || i % 2 == 0))
            close(fds[i]);
    if (err) {
        if (fd >= 0)
            close(fd);
        return err;
    }
    link_here.wake_fd = fds[1];
    link_here.memory_fd = fds[3];
    link_here.index = w.slot;
    link_here.generation = w.generation;
    link_here.main_tid = (int)syscall(SYS_gettid);
    owner = getpid();
    link_here.fd = fd;
    return 0;
}

static void answer_take(const struct wire_listening *a)
{
    pthread_mutex_lock(&asking.lock);
    if (asking.late) {
        asking.late--;
    } else {
        asking.answer = *a;
        asking.answer.host[sizeof a->host - 1] = 0;
        asking.answer.path[sizeof a->path - 1] = 0;
        asking.done = true;
        pthread_cond_signal(&asking.came);
    }
    pthread_mutex_unlock(&asking.lock);
}

int link_ask(const struct wire_listen *ask)
{
    int err;

    pthread_mutex_lock(&asking.turn);
    pthread_mutex_lock(&asking.lock);
    asking.done = false;
    pthread_mutex_unlock(&asking.lock);
    err = link_send(ask, sizeof *ask, 0);
    if (err)
        pthread_mutex_unlock(&asking.turn);
    return err;
}

int link_answer(struct wire_listening *a)
{
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LISTEN_LIMIT_S;
    pthread_mutex_lock(&asking.lock);
    while (!asking.done && !err)
        err = -pthread_cond_timedwait(&asking.came, &asking.lock, &until);
    if (asking.done) {
        *a = asking.answer;
        err = 0;
    } else {
        asking.late++;
    }
    pthread_mutex_unlock(&asking.lock);
    pthread_mutex_unlock(&asking.turn);
    return err;
}

/* The supervisor is gone, and so is what this process listened on. */
static void process_end(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void message_take(void)
{
    union {
        uint32_t type;
        struct wire_note note;
        struct wire_listening listening;
    } msg;
    ssize_t n = recv(link_here.fd, &msg, sizeof msg, 0);

    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOMEM))
        process_end();
    if (n == sizeof msg.listening && msg.type == WIRE_LISTENING)
        answer_take(&msg.listening);
    else if (n == sizeof msg.note && msg.type == WIRE_STACK)
        msg.note.value ? stack_record() : stack_answer();
}

static void *agent_run(void *unused)
{
    struct pollfd ready = { .fd = link_here.fd, .events = POLLIN };

    (void)unused;
    pthread_setname_np(pthread_self(), "fettle-agent");
    for (;;) {
        int n = tick_every_ms ? poll(&ready, 1, tick_every_ms) : 1;

        if (n > 0)
            message_take();
        if (tick_every_ms)
            tick_fn();
    }
    return NULL;
}

int link_start(int tick_ms, void (*tick)(void))
{
    pthread_condattr_t clock;
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;
    int err;

    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&asking.came, &clock);
    pthread_condattr_destroy(&clock);
    tick_every_ms = tick_ms;
    tick_fn = tick;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&thread, &attr, agent_run, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return -err;
}
