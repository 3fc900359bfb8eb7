/* proxy/pressure.c -- a ceiling for all bytes that the proxy holds for clients
 *
 * Blocks are counted by the thread that owns them, without a lock; the sum over the threads is made
 * when a thread asks malloc for a block, which is rare.
 */
#include "proxy/pressure.h"

#include "base/log.h"
#include "proxy/exchange.h"
#include "proxy/overdue.h"
#include "proxy/tunnel.h"

#define LATE_MIN_MS 100 /* nobody is late before */
#define PACE_BYTES_PER_S 16384
#define RELIEVE_EVERY_NS (10 * NS_PER_MS)
#define TELL_EVERY_NS (10 * NS_PER_S)

u32 shed_level(u64 late_ns)
{
    u64 ms = late_ns / NS_PER_MS;
    u32 log2;

    if (ms < LATE_MIN_MS)
        return 0;
    log2 = 63 - (u32)__builtin_clzll(ms);
    return min(2 * log2 + (u32)(ms >> (log2 - 1) & 1), (u32)SHED_LEVELS - 1);
}

u32 shed_from(const struct shed *s, u64 want, u64 *part)
{
    u32 from = SHED_LEVELS;

    *part = 0;
    for (u32 level = SHED_LEVELS - 1; level > 0 && want > 0; level--) {
        if (!s->held[level])
            continue;
        from = level;
        *part = min(want, s->held[level]);
        want -= *part;
    }
    return from;
}

u64 shed_behind_ns(u64 begun_ns, u64 now_ns, u64 bytes)
{
    u64 took_ns = now_ns > begun_ns ? now_ns - begun_ns : 0;
    u64 due_ns = bytes > UINT64_MAX / NS_PER_S ? UINT64_MAX : bytes * NS_PER_S / PACE_BYTES_PER_S;

    return took_ns > due_ns ? took_ns - due_ns : 0;
}

/* ---- what is held ---- */

static u64 held_bytes(const struct proxy *p)
{
    u64 sum = 0;

    for (u32 i = 0; i < p->threads_n; i++) {
        const struct thread *t = &p->threads[i];

        sum += (u64)atomic_load_explicit(&t->blocks.taken, memory_order_relaxed) *
                   t->blocks.block_bytes +
               atomic_load_explicit(&t->pipes.bytes, memory_order_relaxed);
    }
    return sum;
}

static u64 limit_bytes(const struct proxy *p)
{
    return proxy_settings(p)->buffer_memory_bytes;
}

static u64 held_by(const struct client *c)
{
    const struct upstream *u = c->x ? c->x->up : NULL;
    u32 blocks = (c->in != NULL) + (c->out != NULL);
    u64 bytes = c->pipe ? c->pipe->bytes : 0;

    if (u) {
        blocks += (u->in != NULL) + (u->out != NULL);
        bytes += u->pipe ? u->pipe->bytes : 0;
    }
    return blocks * (u64)c->thread->blocks.block_bytes + bytes;
}

/* How long it has kept us waiting; 0: it is not its turn. */
static u64 late_ns(const struct client *c, u64 now_ns)
{
    const struct exchange *x = c->x;
    u64 still_ns = now_ns > c->moved_ns ? now_ns - c->moved_ns : 0;

    switch (c->state) {
    case CLIENT_IDLE:
    case CLIENT_QUEUED:
        return 0;
    case CLIENT_HEAD:
        return shed_behind_ns(x->times.begun_ns, now_ns, block_len(c->in));
    case CLIENT_ACTIVE:
        if (overdue_takes(x))
            return max(still_ns, shed_behind_ns(x->times.begun_ns, now_ns, x->out_bytes));
        if (overdue_gives(x))
            return max(still_ns, shed_behind_ns(x->times.begun_ns, now_ns, x->in_bytes));
        return 0;
    case CLIENT_CLOSING:
        return still_ns;
    }
    return 0;
}

/* ---- relief ---- */

static void client_shed(struct client *c)
{
    COUNT(c->thread->proxy->shm->proxy.refused[SHM_REFUSED_BUFFERS], 1);
    if (c->state == CLIENT_ACTIVE) {
        c->x->refusal = SHM_REFUSED_BUFFERS + 1;
        exchange_abandoned(c->x);
    } else {
        client_close(c);
    }
}

/* Closes those of its own that are latest; how much they held. */
static u64 shed(struct thread *t, u64 want, u64 now_ns)
{
    struct shed s = { 0 };
    u64 part, freed = 0;
    u32 from;

    list_each_safe (link, &t->clients) {
        const struct client *c = container_of(link, struct client, link);

        s.held[shed_level(late_ns(c, now_ns))] += held_by(c);
    }
    tunnel_weigh(t, &s, now_ns);
    from = shed_from(&s, want, &part);
    list_each_safe (link, &t->clients) {
        struct client *c = container_of(link, struct client, link);
        u32 level = shed_level(late_ns(c, now_ns));
        u64 held = held_by(c);

        if (level < from || held == 0 || (level == from && part == 0))
            continue;
        if (level == from)
            part -= min(part, held);
        freed += held;
        client_shed(c);
    }
    return freed + tunnel_shed(t, from, &part, now_ns);
}

static void relieve(struct task *task)
{
    struct thread *t = container_of(task, struct thread, relief_task);
    struct proxy *p = t->proxy;
    u64 now_ns = clock_now_ns(), held = held_bytes(p), limit = limit_bytes(p), told;

    if (held <= limit || now_ns - t->relieved_ns < RELIEVE_EVERY_NS)
        return;
    t->relieved_ns = now_ns;
    shed(t, held - limit / 8 * 7, now_ns);
    /* What others hold is theirs to give. */
    if (held_bytes(p) > limit)
        for (u32 i = 0; i < p->threads_n; i++)
            if (i != t->index)
                thread_poke(&p->threads[i]);
    told = atomic_load(&p->relief_told_ns);
    if ((told == 0 || now_ns - told >= TELL_EVERY_NS) &&
        atomic_compare_exchange_strong(&p->relief_told_ns, &told, now_ns))
        log_warn("clients that are slow held %llu MB: the slowest are closed (buffer-memory is "
                 "%llu MB)",
                 (unsigned long long)(held >> 20), (unsigned long long)(limit >> 20));
}

void pressure_look(struct thread *t)
{
    if (held_bytes(t->proxy) > limit_bytes(t->proxy))
        loop_task(t->loop, &t->relief_task, relieve);
}

static bool may_grow(struct block_pool *pool)
{
    struct thread *t = container_of(pool, struct thread, blocks);

    pressure_look(t);
    if (!pressure_is_full(t->proxy))
        return true;
    COUNT(t->proxy->shm->proxy.refused[SHM_REFUSED_BUFFERS], 1);
    return false;
}

void pressure_setup(struct thread *t)
{
    t->blocks.may_grow = may_grow;
}

bool pressure_allows_pipe(const struct thread *t)
{
    return held_bytes(t->proxy) < limit_bytes(t->proxy) / 2;
}

bool pressure_is_full(const struct proxy *p)
{
    u64 limit = limit_bytes(p);

    return held_bytes(p) > limit + limit / 8;
}

void pressure_show(struct proxy *p)
{
    atomic_store(&p->shm->proxy.buffer_bytes, held_bytes(p));
    atomic_store(&p->shm->proxy.buffer_max_bytes, limit_bytes(p));
}
