/* test/e2e/helpers/agent_supervisor.c -- a supervisor small enough to test the agent alone
 *
 * usage: agent_supervisor DIR
 * Speaks shm/wire.h on DIR/agent.sock, holds the sockets that apps listen on, and forwards what
 * connects to a byte-stream listener, as the proxy does. Prints a JSON line for each thing that
 * happens; reads commands from stdin, a line each:
 *     stack PID | record PID | drop PID | loop PID | stats PID | dispatch PID N | opened PID WORD |
 *     answers PID | waiters N | woken | refuse ERRNO
 * Ends with its stdin.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/layout.h"
#include "shm/opened.h"
#include "shm/peers.h"
#include "shm/wire.h"

enum { PROCESSES_MAX = 64 };

static struct process {
    int fd; /* 0: unused */
    uint32_t pid;
} processes[PROCESSES_MAX];

static struct listener {
    int fd; /* 0: unused */
    uint32_t kind, family, port, asked_port, index;
    uint32_t slot;  /* who said READY last */
    uint64_t users; /* bit i: process i listens */
    char host[64], asked_host[64], path[108];
    bool open;
} listeners[SHM_LISTENERS_MAX];

static const char *dir;
static struct shm *shm;
static int memfd, peers_fd, peers_read_fd, wake_fd;
static uint32_t refuse_with;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void put_text(const char *text, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 32)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void unix_path(char out[108], uint32_t slot, uint32_t listener)
{
    snprintf(out, 108, "%s/%u.%u.%u", dir, slot, 1, listener);
}

static struct process *process_of(uint32_t pid)
{
    for (int i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].fd && processes[i].pid == pid)
            return &processes[i];
    return NULL;
}

/* ---- The listening sockets ---- */

static int bind_tcp(int family, const char *host, uint32_t port, bool v6only)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, only = v6only, r;

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6) {
        struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
        inet_pton(AF_INET6, host, &a.sin6_addr);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        r = bind(fd, (struct sockaddr *)&a, sizeof a);
    } else {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        inet_pton(AF_INET, host, &a.sin_addr);
        r = bind(fd, (struct sockaddr *)&a, sizeof a);
    }
    if (r == 0)
        r = listen(fd, 64);
    if (r != 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static int bind_path(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static int listener_open(struct listener *l, const struct wire_listen *ask)
{
    struct sockaddr_storage at;
    socklen_t bytes = sizeof at;

    if (ask->family == AF_UNIX) {
        l->fd = bind_path(ask->path);
        l->family = AF_UNIX;
        return l->fd < 0 ? l->fd : 0;
    }
    snprintf(l->host, sizeof l->host, "%s", ask->family ? ask->host : "::");
    l->family = ask->family ? ask->family : AF_INET6;
    l->fd = bind_tcp((int)l->family, l->host, ask->port, ask->v6only);
    if (l->fd < 0 && l->fd != -EADDRINUSE && !ask->family) {
        snprintf(l->host, sizeof l->host, "0.0.0.0");
        l->family = AF_INET;
        l->fd = bind_tcp(AF_INET, l->host, ask->port, false);
    }
    if (l->fd < 0)
        return l->fd;
    getsockname(l->fd, (struct sockaddr *)&at, &bytes);
    l->port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                             : ((struct sockaddr_in *)&at)->sin_port);
    return 0;
}

static bool listener_same(const struct listener *l, const struct wire_listen *ask)
{
    if (!l->open || l->kind != ask->kind)
        return false;
    if (ask->family == AF_UNIX)
        return l->family == AF_UNIX && !strcmp(l->path, ask->path);
    return l->asked_port == ask->port && !strcmp(l->asked_host, ask->host) &&
           (ask->port || l->index == ask->index);
}

static void listener_leave(uint32_t i, unsigned process)
{
    struct listener *l = &listeners[i];

    if (i >= SHM_LISTENERS_MAX || !l->open)
        return;
    l->users &= ~(1ull << process);
    if (l->users)
        return;
    close(l->fd);
    if (l->family == AF_UNIX)
        unlink(l->path);
    memset(l, 0, sizeof *l);
}

/* ---- Byte streams ---- */

struct stream {
    int client, worker;
};

static void text_of(const struct sockaddr_storage *a, char out[64])
{
    char ip[INET6_ADDRSTRLEN] = "-";
    unsigned port = 0;

    if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)a;
        inet_ntop(AF_INET6, &in->sin6_addr, ip, sizeof ip);
        port = ntohs(in->sin6_port);
    } else if (a->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)a;
        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        port = ntohs(in->sin_port);
    }
    snprintf(out, 64, "%s %u", ip, port);
}

static int worker_connect(const struct listener *l, int client)
{
    static unsigned seq;
    struct sockaddr_un to = { .sun_family = AF_UNIX }, me = { .sun_family = AF_UNIX };
    struct sockaddr_storage remote = { 0 }, local = { 0 };
    socklen_t bytes = sizeof remote;
    char from[64], at[64];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), n;

    getpeername(client, (struct sockaddr *)&remote, &bytes);
    bytes = sizeof local;
    getsockname(client, (struct sockaddr *)&local, &bytes);
    text_of(&remote, from);
    text_of(&local, at);
    n = snprintf(me.sun_path + 1, sizeof me.sun_path - 1, "fettle/%08x/%u/%s %s",
                 (unsigned)getpid(), seq++, from, at);
    unix_path(to.sun_path, l->slot, (uint32_t)(l - listeners));
    if (bind(fd, (struct sockaddr *)&me,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0 &&
        connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Moves what is there one way; false: that way has ended. */
static bool copy(int from, int to)
{
    char bytes[65536];
    ssize_t n = read(from, bytes, sizeof bytes), done = 0;

    if (n <= 0) {
        shutdown(to, SHUT_WR);
        return false;
    }
    while (done < n) {
        ssize_t w = send(to, bytes + done, (size_t)(n - done), MSG_NOSIGNAL);
        if (w <= 0)
            return false;
        done += w;
    }
    return true;
}

static void *stream_run(void *arg)
{
    struct stream *s = arg;
    struct pollfd p[2] = { { s->client, POLLIN, 0 }, { s->worker, POLLIN, 0 } };

    while (p[0].fd >= 0 || p[1].fd >= 0) {
        if (poll(p, 2, -1) < 0)
            break;
        if (p[0].fd >= 0 && p[0].revents && !copy(s->client, s->worker))
            p[0].fd = -1;
        if (p[1].fd >= 0 && p[1].revents && !copy(s->worker, s->client))
            p[1].fd = -1;
    }
    close(s->client);
    close(s->worker);
    free(s);
    return NULL;
}

static void stream_accept(struct listener *l)
{
    struct stream *s = calloc(1, sizeof *s);
    pthread_t thread;

    s->client = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    s->worker = s->client >= 0 ? worker_connect(l, s->client) : -1;
    if (s->worker < 0) {
        if (s->client >= 0)
            close(s->client);
        free(s);
        return;
    }
    pthread_create(&thread, NULL, stream_run, s);
    pthread_detach(thread);
}

/* ---- Messages ---- */

static void listen_answer(struct process *p, const struct wire_listen *ask)
{
    struct wire_listening a = { .type = WIRE_LISTENING };
    uint32_t i = 0;

    while (i < SHM_LISTENERS_MAX && !listener_same(&listeners[i], ask))
        i++;
    if (refuse_with) {
        a.error = refuse_with;
        refuse_with = 0;
    } else if (i == SHM_LISTENERS_MAX) {
        for (i = 0; i < SHM_LISTENERS_MAX && listeners[i].open; i++)
            ;
        a.error = i < SHM_LISTENERS_MAX ? (uint32_t)-listener_open(&listeners[i], ask) : ENFILE;
        if (!a.error) {
            listeners[i].open = true;
            listeners[i].kind = ask->kind;
            listeners[i].asked_port = ask->port;
            listeners[i].index = ask->index;
            snprintf(listeners[i].asked_host, sizeof listeners[i].asked_host, "%s", ask->host);
            snprintf(listeners[i].path, sizeof listeners[i].path, "%s", ask->path);
        }
    }
    if (!a.error) {
        listeners[i].users |= 1ull << (p - processes);
        a.listener = i;
        a.family = listeners[i].family;
        a.port = listeners[i].port;
        memcpy(a.host, listeners[i].host, sizeof a.host);
        unix_path(a.path, (uint32_t)(p - processes), i);
    }
    send(p->fd, &a, sizeof a, MSG_NOSIGNAL);
    say("{\"event\":\"listen\",\"pid\":%u,\"kind\":%u,\"family\":%u,\"host\":\"%s\",\"port\":%u,"
        "\"backlog\":%u,\"index\":%u,\"v6only\":%u,\"error\":%u,\"listener\":%u,\"bound\":%u,"
        "\"unix\":\"%s\",\"path\":\"%s\"}",
        p->pid, ask->kind, ask->family, ask->host, ask->port, ask->backlog, ask->index, ask->v6only,
        a.error, a.listener, a.port, a.path, ask->path);
}

static void hello_answer(struct process *p, const struct wire_hello *h)
{
    struct wire_welcome w = { .type = WIRE_WELCOME,
                              .version = WIRE_VERSION,
                              .slot = (uint32_t)(p - processes),
                              .generation = 1,
                              .shm_bytes = sizeof *shm };
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control = { 0 };
    struct iovec part = { &w, sizeof w };
    struct msghdr msg = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    int fds[3] = { memfd, wake_fd, peers_read_fd };

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    p->pid = h->pid;
    sendmsg(p->fd, &msg, MSG_NOSIGNAL);
    say("{\"event\":\"hello\",\"pid\":%u,\"worker\":%u,\"role\":%u,\"version\":\"%.16s\","
        "\"slot\":%u}",
        h->pid, h->worker, h->role, h->node_version, w.slot);
}

static void message_take(struct process *p)
{
    static union {
        uint32_t type;
        struct wire_hello hello;
        struct wire_listen listen;
        struct wire_note note;
        struct wire_stack_text stack;
    } m;
    ssize_t n = recv(p->fd, &m, sizeof m, 0);

    if (n <= 0) {
        say("{\"event\":\"gone\",\"pid\":%u}", p->pid);
        for (uint32_t i = 0; i < SHM_LISTENERS_MAX; i++)
            listener_leave(i, (unsigned)(p - processes));
        close(p->fd);
        p->fd = 0;
        return;
    }
    switch (m.type) {
    case WIRE_HELLO:
        hello_answer(p, &m.hello);
        break;
    case WIRE_LISTEN:
        listen_answer(p, &m.listen);
        break;
    case WIRE_READY:
        listeners[m.note.listener % SHM_LISTENERS_MAX].slot = (uint32_t)(p - processes);
        say("{\"event\":\"ready\",\"pid\":%u,\"listener\":%u}", p->pid, m.note.listener);
        break;
    case WIRE_UNLISTEN:
        listener_leave(m.note.listener, (unsigned)(p - processes));
        say("{\"event\":\"unlisten\",\"pid\":%u,\"listener\":%u}", p->pid, m.note.listener);
        break;
    case WIRE_CLUSTER:
        say("{\"event\":\"cluster\",\"pid\":%u,\"value\":%u}", p->pid, m.note.value);
        break;
    case WIRE_IDLE:
        say("{\"event\":\"idle\",\"pid\":%u}", p->pid);
        break;
    case WIRE_STACK_TEXT:
        printf("{\"event\":\"stack\",\"pid\":%u,\"text\":", p->pid);
        put_text(m.stack.text, m.stack.len);
        say("}");
        break;
    default:
        say("{\"event\":\"unknown\",\"pid\":%u,\"type\":%u}", p->pid, m.type);
    }
}

/* ---- Commands ---- */

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void loop_print(const struct process *p)
{
    struct shm_slot *s = &shm->slot[p - processes];
    struct shm_loop *l = &s->loop;
    uint64_t busy = l->busy_since_ns, waits = l->waits_since_ns, now = now_ns(), delays = 0,
             slow = 0;

    for (uint32_t i = 0; i < SHM_DELAY_BUCKETS; i++) {
        delays += l->delay_count[i];
        if (shm_delay_floor_ns(i) >= 10000000)
            slow += l->delay_count[i];
    }
    say("{\"event\":\"loop\",\"pid\":%u,\"busy\":%s,\"waits\":%s,\"busy_ms\":%.3f,\"waits_ms\":%."
        "3f,"
        "\"turns\":%lu,\"seen\":%lu,\"seen_before\":%lu,\"busy_sum_ms\":%.3f,\"wait_sum_ms\":%.3f,"
        "\"delays\":%lu,\"slow\":%lu}",
        p->pid, busy ? "true" : "false", waits ? "true" : "false",
        busy ? (double)(now - busy) / 1e6 : 0, waits ? (double)(now - waits) / 1e6 : 0, l->turns,
        l->seen, l->seen_before, (double)l->busy_ns / 1e6, (double)l->wait_ns / 1e6, delays, slow);
}

static void stats_print(const struct process *p)
{
    struct shm_agent *a = &shm->slot[p - processes].agent;

    printf("{\"event\":\"stats\",\"pid\":%u,\"updates\":%lu,\"heap_total\":%lu,\"heap_used\":%lu,"
           "\"heap_limit\":%lu,\"external\":%lu,\"array_buffers\":%lu,\"malloced\":%lu,\"gc\":[",
           p->pid, a->updates, a->heap_total_bytes, a->heap_used_bytes, a->heap_limit_bytes,
           a->external_bytes, a->array_buffers_bytes, a->malloced_bytes);
    for (int i = 0; i < SHM_GC_KINDS; i++)
        printf("%s{\"count\":%lu,\"ms\":%.3f,\"max_ms\":%.3f}", i ? "," : "", a->gc[i].count,
               (double)a->gc[i].total_ns / 1e6, (double)a->gc[i].max_ns / 1e6);
    printf("],\"spaces\":{");
    for (uint32_t i = 0; i < a->spaces && i < SHM_SPACES_MAX; i++)
        printf("%s\"%.40s\":[%lu,%lu,%lu,%lu]", i ? "," : "", a->space[i].name,
               a->space[i].size_bytes, a->space[i].used_bytes, a->space[i].available_bytes,
               a->space[i].physical_bytes);
    printf("},\"resources\":{");
    for (uint32_t i = 0; i < a->resources && i < SHM_RESOURCES_MAX; i++)
        printf("%s\"%.32s\":[%u,%u]", i ? "," : "", a->resource[i].type, a->resource[i].count,
               a->resource[i].kind);
    say("}}");
}

/* What the process has said of who opens so many, each time. */
static void answers_print(const struct process *p)
{
    const struct shm_journal *j = &shm->journal[p - processes];
    static _Alignas(8) char payload[SHM_RECORD_MAX];
    uint64_t at = 0, lost = 0;
    struct shm_opened head;
    struct shm_record r;
    const char *comma = "";

    printf("{\"event\":\"answers\",\"pid\":%u,\"list\":[", p->pid);
    while (shm_journal_get(j, &at, &r, payload, &lost)) {
        if (r.type != SHM_RECORD_OPENED)
            continue;
        memcpy(&head, payload, sizeof head);
        printf("%s{\"kind\":%u,\"seconds\":%u,\"opened\":%u,\"text\":", comma, head.kind,
               head.seconds, head.opened);
        put_text(payload + sizeof head, head.text_len);
        printf("}");
        comma = ",";
    }
    say("]}");
}

static void command_run(char *line)
{
    char word[32] = "";
    unsigned a = 0, b = 0;
    struct process *p;
    uint64_t woken = 0;

    sscanf(line, "%31s %u %u", word, &a, &b);
    p = process_of(a);
    if (!strcmp(word, "refuse")) {
        refuse_with = a;
    } else if (!strcmp(word, "waiters")) {
        atomic_store(&shm->waiters, a);
    } else if (!strcmp(word, "woken")) {
        ssize_t n = read(wake_fd, &woken, sizeof woken);
        say("{\"event\":\"woken\",\"count\":%lu}", n == 8 ? woken : 0);
    } else if (!p) {
        say("{\"event\":\"no process\",\"pid\":%u}", a);
    } else if (!strcmp(word, "stack")) {
        struct wire_note note = { .type = WIRE_STACK };
        send(p->fd, &note, sizeof note, MSG_NOSIGNAL);
    } else if (!strcmp(word, "record")) {
        struct wire_note note = { .type = WIRE_STACK, .value = 1 };
        send(p->fd, &note, sizeof note, MSG_NOSIGNAL);
    } else if (!strcmp(word, "drop")) {
        close(p->fd);
        p->fd = 0;
    } else if (!strcmp(word, "loop")) {
        loop_print(p);
    } else if (!strcmp(word, "stats")) {
        stats_print(p);
    } else if (!strcmp(word, "opened")) {
        atomic_store(&shm->slot[p - processes].opened_wanted, b);
    } else if (!strcmp(word, "answers")) {
        answers_print(p);
    } else if (!strcmp(word, "dispatch")) {
        atomic_store(&shm->slot[p - processes].dispatched, b);
    }
}

static bool commands_read(void)
{
    static char text[4096];
    static size_t len;
    ssize_t n = read(0, text + len, sizeof text - len - 1);
    char *end;

    if (n <= 0)
        return false;
    len += (size_t)n;
    text[len] = 0;
    while ((end = strchr(text, '\n'))) {
        *end = 0;
        command_run(text);
        len -= (size_t)(end + 1 - text);
        memmove(text, end + 1, len + 1);
    }
    return true;
}

static void turn(struct pollfd *p, int agent_fd)
{
    for (struct pollfd *at = p; at->fd >= 0; at++) {
        if (!at->revents || at->fd == 0)
            continue;
        if (at->fd == agent_fd) {
            int i = 0;
            while (i < PROCESSES_MAX - 1 && processes[i].fd)
                i++;
            processes[i].fd = accept4(agent_fd, NULL, NULL, SOCK_CLOEXEC);
            continue;
        }
        for (int i = 0; i < PROCESSES_MAX; i++)
            if (processes[i].fd == at->fd)
                message_take(&processes[i]);
        for (int i = 0; i < SHM_LISTENERS_MAX; i++)
            if (listeners[i].open && listeners[i].kind == WIRE_STREAM && listeners[i].fd == at->fd)
                stream_accept(&listeners[i]);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int agent_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    char name[32];

    dir = argc > 1 ? argv[1] : ".";
    snprintf(at.sun_path, sizeof at.sun_path, "%s/agent.sock", dir);
    if (bind(agent_fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(agent_fd, 64) != 0) {
        perror(at.sun_path);
        return 1;
    }
    memfd = memfd_create("fettle", MFD_CLOEXEC);
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ftruncate(memfd, sizeof *shm) != 0)
        return 1;
    peers_fd = memfd_create("fettle-peers", MFD_CLOEXEC);
    snprintf(name, sizeof name, "/proc/self/fd/%d", peers_fd);
    peers_read_fd = open(name, O_RDONLY | O_CLOEXEC);
    if (ftruncate(peers_fd, sizeof(struct shm_peers)) != 0)
        return 1;
    shm = mmap(NULL, sizeof *shm, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    shm->magic = SHM_MAGIC;
    shm->version = SHM_VERSION;
    shm->bytes = sizeof *shm;
    atomic_store(&shm->app[0].watch_requests,
                 getenv("WATCH_REQUESTS") ? (uint32_t)atoi(getenv("WATCH_REQUESTS")) : 100);
    atomic_store(&shm->app[0].n_plus_one, 5);
    say("{\"event\":\"up\",\"memfd\":%d,\"peers_fd\":%d}", memfd, peers_fd);
    for (;;) {
        struct pollfd p[PROCESSES_MAX + SHM_LISTENERS_MAX + 3];
        int n = 0;

        p[n++] = (struct pollfd){ 0, POLLIN, 0 };
        p[n++] = (struct pollfd){ agent_fd, POLLIN, 0 };
        for (int i = 0; i < PROCESSES_MAX; i++)
            if (processes[i].fd)
                p[n++] = (struct pollfd){ processes[i].fd, POLLIN, 0 };
        for (int i = 0; i < SHM_LISTENERS_MAX; i++)
            if (listeners[i].open && listeners[i].kind == WIRE_STREAM)
                p[n++] = (struct pollfd){ listeners[i].fd, POLLIN, 0 };
        p[n].fd = -1;
        if (poll(p, (nfds_t)n, -1) < 0 && errno != EINTR)
            return 1;
        if (p[0].revents && !commands_read())
            return 0;
        turn(p, agent_fd);
    }
}
