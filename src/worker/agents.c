/* worker/agents.c -- the control connections of Node processes */
#include "worker/agents.h"

#include "base/log.h"
#include "io/sock.h"
#include "worker/crew.h"
#include "worker/health.h"
#include "worker/side.h"

#include <signal.h>
#include <sys/stat.h>

enum { MESSAGES_PER_WAKE = 16, ACCEPTS_PER_WAKE = 32, BACKLOG = 256, SLOTS_SPARED = 32 };
enum { SOCKET_NAME_MAX = 40 };

union message {
    u32 type;
    struct wire_hello hello;
    struct wire_listen listen;
    struct wire_note note;
    struct wire_stack_text stack;
};

static const enum shm_state slot_states[PROCESS_STATES] = {
    [PROCESS_DRAINING] = SHM_DRAINING, [PROCESS_BLOCKED] = SHM_BLOCKED,
    [PROCESS_ENDING] = SHM_DRAINING,   [PROCESS_KILLED] = SHM_BLOCKED,
    [PROCESS_LEFT] = SHM_DRAINING,     [PROCESS_GONE] = SHM_DRAINING,
};

void agent_publish(struct agent *a)
{
    struct crew *c = a->crew;
    enum process_state state = a->process->state;

    if (a->slot < 0)
        return;
    if (a->doomed)
        slots_state(&c->slots, (u32)a->slot, SHM_BLOCKED);
    else if (a->drain_until_ns || (a->process->held && state == PROCESS_READY))
        slots_state(&c->slots, (u32)a->slot, SHM_DRAINING);
    else if (state <= PROCESS_READY)
        slots_state(&c->slots, (u32)a->slot, a->ready ? SHM_READY : SHM_STARTING);
    else
        slots_state(&c->slots, (u32)a->slot, slot_states[state]);
}

static void links_remove(const struct agent *a);

static void grave(struct task *t)
{
    free(container_of(t, struct agent, grave));
}

void agent_close(struct agent *a)
{
    struct crew *c = a->crew;
    int fd = a->watch.fd;

    if (!a->watch.loop)
        return;
    loop_unwatch(&a->watch);
    close(fd);
    list_del(&a->link);
    c->agents.count--;
    if (a->slot >= 0) {
        links_remove(a);
        slots_leave(&c->slots, (u32)a->slot, loop_now_ns(c->loop));
        crew_changed(c);
    }
    loop_bury(c->loop, &a->grave, grave);
}

static void broken(struct agent *a, const char *what)
{
    log_warn("process %u: its agent %s; the connection is closed, which ends the process", a->pid,
             what);
    agent_close(a);
}

/* False: it is closed. */
static bool answer(struct agent *a, const void *msg, size_t len, const int *fds, u32 fds_n)
{
    int r = sock_send_msg(a->watch.fd, msg, len, fds, fds_n);

    if (r == 0)
        return true;
    if (r == -EPIPE || r == -ECONNRESET)
        agent_close(a);
    else
        broken(a, "does not take its messages");
    return false;
}

/* Which agent stands for the process: the one that listens, else the first. */
static void main_choose(struct process *p, struct agent *chosen)
{
    list_each (link, &p->agents) {
        struct agent *a = container_of(link, struct agent, link);
        bool is_main = a == chosen || a->role == WIRE_CLUSTER_CHILD ||
                       (a->is_main && (a->holds || p->app->is_cluster));

        if (a->slot >= 0 && a->is_main != is_main)
            slots_main(&p->crew->slots, (u32)a->slot, is_main);
        a->is_main = is_main;
    }
}

static u32 slots_free(const struct crew *c)
{
    u32 n = 0;

    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        n += c->slots.own[i].state == SHM_FREE;
    return n;
}

/* The process's own main one and its cluster's children come first when slots are short. */
static void slot_take(struct agent *a)
{
    struct process *p = a->process;
    bool is_first = a->role == WIRE_CLUSTER_CHILD || a->pid == (u32)p->pid;
    struct slots_user user = {
        .app = p->app->index,
        .worker = p->worker->number,
        .pid = a->pid,
        .restarts = p->worker->starts ? p->worker->starts - 1 : 0,
        .node_version = a->node_version,
        .started_ns = a->started_ns,
    };

    if (is_first || slots_free(a->crew) > SLOTS_SPARED)
        a->slot = slots_take(&a->crew->slots, &user);
    if (a->slot < 0) {
        a->slot = -1;
        log_warn("process %u of %s runs unwatched: all %d slots are taken", a->pid, p->worker->name,
                 SHM_SLOTS_MAX);
    }
}

static bool has_main(const struct process *p)
{
    list_each (link, &p->agents)
        if (container_of(link, struct agent, link)->is_main)
            return true;
    return false;
}

static void hello(struct agent *a, const struct wire_hello *m)
{
    struct crew *c = a->crew;
    struct process *p = process_of_pid(c, a->pid, m->worker);
    struct wire_welcome welcome = {
        .type = WIRE_WELCOME,
        .version = WIRE_VERSION,
        .slot = UINT32_MAX,
        .shm_bytes = sizeof(struct shm),
    };
    int fds[] = { c->shm_fd, c->wake_fd, c->peers_read_fd, p ? p->app->memory_fd : -1 };
    u32 known = ARRAY_LEN(fds) - (fds[3] < 0);

    if (a->greeted || m->version != WIRE_VERSION || m->role > WIRE_DESCENDANT) {
        broken(a, m->version != WIRE_VERSION ? "is of another version of fettle"
                                             : "sent a greeting that makes no sense");
        return;
    }
    a->greeted = true;
    a->role = m->role;
    memcpy(a->node_version, m->node_version, sizeof(a->node_version) - 1);
    a->process = p;
    if (p) {
        list_del(&a->link);
        list_add(&p->agents, &a->link);
        p->busy_ns = a->started_ns;
        side_end(p);
        slot_take(a);
        if (a->role == WIRE_CLUSTER_CHILD || !has_main(p))
            main_choose(p, a);
        agent_publish(a);
    }
    if (a->slot >= 0) {
        welcome.slot = (u32)a->slot;
        welcome.generation = c->slots.own[a->slot].generation;
    }
    if (a->slot >= 0)
        answer(a, &welcome, sizeof(welcome), fds, known);
    else
        answer(a, &welcome, sizeof(welcome), fds + 3, known - 3);
}

/* The name of its socket in the runtime folder, by which the proxy finds it. */
static void socket_name(const struct agent *a, u32 index, char out[SOCKET_NAME_MAX])
{
    snprintf(out, SOCKET_NAME_MAX, "%u.%u.%u", (u32)a->slot, a->crew->slots.own[a->slot].generation,
             index);
}

/* Another user makes his sockets in a folder of his own; a link leads there. */
static void path_answer(const struct agent *a, u32 index, struct wire_listening *out)
{
    const struct crew *c = a->crew;
    const struct child_user *user = a->process->app->conf->user;
    char name[SOCKET_NAME_MAX], there[SOCKET_NAME_MAX + 16];
    int n;

    socket_name(a, index, name);
    if (user)
        snprintf(there, sizeof(there), "u%u/%s", (u32)user->uid, name);
    n = snprintf(out->path, sizeof(out->path), "%s/%s", c->dir.path, user ? there : name);
    if (n < 0 || (size_t)n >= sizeof(out->path))
        out->error = ENAMETOOLONG;
    else if (user && symlinkat(there, c->dir.fd, name) < 0 && errno != EEXIST)
        log_error("%s: no link to its socket: %s", a->process->worker->name, strerror(errno));
}

static void links_remove(const struct agent *a)
{
    char name[SOCKET_NAME_MAX];

    if (!a->process || !a->process->app->conf->user)
        return;
    for (u32 bits = a->holds; bits; bits &= bits - 1) {
        socket_name(a, (u32)__builtin_ctz(bits), name);
        unlinkat(a->crew->dir.fd, name, 0);
    }
}

static void listening_answer(struct agent *a, int index, struct wire_listening *out)
{
    struct crew *c = a->crew;
    const struct listener *l = &c->listeners.listener[index];
    char text[ADDR_TEXT_MAX];

    out->listener = (u32)index;
    out->family = l->bound.family;
    out->port = l->bound.port;
    if (l->bound.family == AF_UNIX)
        str_to_cstr(str_of(l->as.path), out->host, sizeof(out->host));
    else
        str_to_cstr(addr_ip_text(&l->bound, text), out->host, sizeof(out->host));
    path_answer(a, (u32)index, out);
}

/* An address that one app has is not another one's too. */
static void taken_tell(const struct agent *a, const struct wire_listen *m)
{
    const struct crew *c = a->crew;
    u32 id = a->process->worker->id, other;
    int holder = listeners_holder(&c->listeners, m, id);

    if (holder < 0)
        return;
    AUTO(buf_done) struct buf url = { 0 };

    listeners_url(&c->listeners, (u32)holder, &url);
    other = c->listeners.listener[holder].app;
    log_error("%s cannot listen on %.*s: %s does already; give one of them another port",
              a->process->app->title, STR_ARG(buf_str(&url)),
              other < c->apps ? c->app[other]->title : "fettle itself, for `routes`,");
}

static void listen_asked(struct agent *a, const struct wire_listen *m)
{
    struct wire_listening out = { .type = WIRE_LISTENING };
    struct crew *c = a->crew;
    bool is_new = false;
    int i = -ENOTSUP;

    if (a->process && a->slot >= 0)
        i = listeners_open(&c->listeners, m, a->process->worker->id, &is_new);
    if (i == -EADDRINUSE)
        taken_tell(a, m);
    if (i < 0) {
        out.error = (u32)-i;
    } else {
        a->holds |= BIT(i);
        a->process->ever_listened = a->process->app->ever_listened = true;
        a->process->busy_ns = loop_now_ns(c->loop);
        if (!a->is_main)
            main_choose(a->process, a);
        listening_answer(a, i, &out);
        if (is_new && !c->draining) {
            /* It may have been another app's until now: then the proxy learns whose it is. */
            helper_listener_gone(&c->proxy, (u32)i);
            helper_listener(&c->proxy, (u32)i);
        }
    }
    answer(a, &out, sizeof(out), NULL, 0);
}

static void accepts(struct agent *a, u32 index)
{
    a->listening |= BIT(index);
    slots_listening(&a->crew->slots, (u32)a->slot, a->listening);
    crew_changed(a->crew);
    process_consider(a->process, loop_now_ns(a->crew->loop));
    app_announce(a->process->app);
}

static void unlistened(struct agent *a, u32 index)
{
    struct crew *c = a->crew;
    struct process *p = a->process;

    a->holds &= ~BIT(index);
    a->listening &= ~BIT(index);
    slots_listening(&c->slots, (u32)a->slot, a->listening);
    crew_changed(c);
    if (!process_serves(p) || c->draining)
        return; /* it is on its way out: that is not the app's wish to end listening */
    list_each (link, &p->agents)
        if (container_of(link, struct agent, link)->holds & BIT(index))
            return;
    listeners_release(&c->listeners, index, p->worker->id, loop_now_ns(c->loop));
}

/* A note about a listener counts only from who holds it. */
static bool holds(const struct agent *a, u32 index)
{
    return a->process && a->slot >= 0 && index < SHM_LISTENERS_MAX && (a->holds & BIT(index));
}

static void note(struct agent *a, const struct wire_note *m)
{
    switch (m->type) {
    case WIRE_READY:
        if (holds(a, m->listener))
            accepts(a, m->listener);
        break;
    case WIRE_UNLISTEN:
        if (holds(a, m->listener))
            unlistened(a, m->listener);
        break;
    case WIRE_CLUSTER:
        if (a->process)
            app_is_a_cluster(a->process->app);
        break;
    case WIRE_IDLE:
        if (a->idle)
            break;
        a->idle = true;
        a->idle_ns = loop_now_ns(a->crew->loop);
        if (a->process)
            a->process->busy_ns = a->idle_ns;
        break;
    default:
        broken(a, "sent a message of an unknown kind");
    }
}

static void stack_came(struct agent *a, const struct wire_stack_text *m, size_t len)
{
    size_t room = len - offsetof(struct wire_stack_text, text);

    if (!a->stack_asked_ns && !a->stack_follows)
        return; /* nobody asked, or it is too late */
    health_stack(a, str_make(m->text, min((size_t)m->len, room)), loop_now_ns(a->crew->loop));
}

static void message(struct agent *a, const union message *m, size_t len)
{
    if (len < sizeof(m->type))
        broken(a, "sent a message that is too short");
    else if (m->type == WIRE_HELLO && len == sizeof(m->hello))
        hello(a, &m->hello);
    else if (!a->greeted)
        broken(a, "did not greet first");
    else if (m->type == WIRE_LISTEN && len == sizeof(m->listen))
        listen_asked(a, &m->listen);
    else if (m->type == WIRE_STACK_TEXT && len >= offsetof(struct wire_stack_text, text))
        stack_came(a, &m->stack, len);
    else if (len == sizeof(m->note))
        note(a, &m->note);
    else
        broken(a, "sent a message of the wrong length");
}

static void agent_event(struct watch *w, u32 events)
{
    struct agent *a = container_of(w, struct agent, watch);
    union message m;

    (void)events;
    for (int i = 0; i < MESSAGES_PER_WAKE && a->watch.loop; i++) {
        u32 fds_n;
        ssize_t n = sock_recv_msg(w->fd, &m, sizeof(m), NULL, 0, &fds_n);

        if (n == -EAGAIN)
            return;
        if (n == -EMSGSIZE)
            broken(a, "sent a message that is too long");
        else if (n <= 0)
            agent_close(a);
        else
            message(a, &m, (size_t)n);
    }
}

/* Us, root, or whom workers run as. */
static bool is_ours(const struct crew *c, u32 uid)
{
    bool ours = uid == geteuid() || uid == 0;

    for (u32 i = 0; i < c->apps; i++)
        ours |= c->app[i]->conf->user && c->app[i]->conf->user->uid == uid;
    return ours;
}

int agents_let_in(struct agents *as, const struct app_conf *conf)
{
    struct crew *c = as->crew;
    char sock[RUNDIR_PATH_MAX + 16];
    int r;

    if (!conf->user)
        return 0;
    snprintf(sock, sizeof(sock), "%s/agent.sock", c->dir.path);
    r = rundir_share(&c->dir, conf->user->uid, conf->user->gid);
    return r == 0 && chmod(sock, 0666) < 0 ? -errno : r;
}

static void connected(struct agents *as, int fd)
{
    struct crew *c = as->crew;
    struct sock_peer peer = { 0 };
    struct agent *a = NULL;

    /* The folder is closed to others; this is the second lock. */
    if (sock_peer(fd, &peer) == 0 && is_ours(c, peer.uid))
        a = as->count < AGENTS_MAX ? calloc(1, sizeof(*a)) : NULL;
    if (!a || loop_watch(c->loop, &a->watch, fd, EPOLLIN, agent_event) < 0) {
        free(a);
        close(fd);
        return;
    }
    a->crew = c;
    a->pid = peer.pid;
    a->slot = -1;
    a->started_ns = loop_now_ns(c->loop);
    list_init(&a->link);
    list_add(&as->strays, &a->link);
    as->count++;
}

static void acceptable(struct watch *w, u32 events)
{
    struct agents *as = container_of(w, struct agents, watch);

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_WAKE; i++) {
        int fd = sock_accept(w->fd);

        if (fd < 0)
            return;
        connected(as, fd);
    }
}

int agents_init(struct agents *as, struct crew *crew)
{
    char path[RUNDIR_PATH_MAX + 16];
    int fd, r;

    as->crew = crew;
    list_init(&as->strays);
    snprintf(path, sizeof(path), "%s/agent.sock", crew->dir.path);
    fd = sock_listen_unix(path, SOCK_SEQPACKET, BACKLOG, 0600);
    if (fd < 0)
        return fd;
    r = 0;
    for (u32 i = 0; i < crew->conf->apps && r == 0; i++)
        r = agents_let_in(as, &crew->conf->app[i]);
    if (r == 0)
        r = loop_watch(crew->loop, &as->watch, fd, EPOLLIN, acceptable);
    if (r < 0)
        close(fd);
    return r;
}

void agents_done(struct agents *as)
{
    int fd = as->watch.fd;

    if (!as->watch.loop)
        return;
    loop_unwatch(&as->watch);
    close(fd);
    while (!list_empty(&as->strays))
        agent_close(list_first(&as->strays, struct agent, link));
}

void agent_stack_ask(struct agent *a, u64 since_ns, u64 now_ns)
{
    struct wire_note ask = { .type = WIRE_STACK };

    a->stack_asked_ns = now_ns;
    a->stack_since_ns = since_ns;
    /* An agent that takes no messages gives no stack: the time-out says so. */
    if (sock_send_msg(a->watch.fd, &ask, sizeof(ask), NULL, 0) < 0)
        log_debug("process %u: its agent cannot be asked for a stack", a->pid);
}

static struct agent *agent_of_slot(struct crew *c, u32 slot)
{
    for (int state = 0; state < PROCESS_GONE; state++)
        list_each (plink, &c->processes[state])
            list_each (alink, &container_of(plink, struct process, link)->agents) {
                struct agent *a = container_of(alink, struct agent, link);

                if (a->slot >= 0 && (u32)a->slot == slot)
                    return a;
            }
    return NULL;
}

void agents_stack_record(struct agents *as, u32 slot, u32 generation)
{
    struct wire_note ask = { .type = WIRE_STACK, .value = 1 };
    struct crew *c = as->crew;
    struct agent *a;

    if (slot >= SHM_SLOTS_MAX || c->slots.own[slot].generation != generation)
        return;
    a = agent_of_slot(c, slot);
    if (a && a->watch.loop && sock_send_msg(a->watch.fd, &ask, sizeof(ask), NULL, 0) < 0)
        log_debug("process %u: its agent cannot be asked for a stack", a->pid);
}
