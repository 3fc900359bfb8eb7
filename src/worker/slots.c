/* worker/slots.c -- who has which slot of the shared memory */
#include "worker/slots.h"

/* A proxy that never counts down (it died, and its successor forgot) does not keep a slot. */
#define DEAD_MAX_NS (60 * NS_PER_S)

void slots_init(struct slots *s, struct shm *shm)
{
    memset(s, 0, sizeof(*s));
    s->shm = shm;
}

static int free_find(const struct slots *s)
{
    for (int i = 0; i < SHM_SLOTS_MAX; i++)
        if (s->own[i].state == SHM_FREE)
            return i;
    return -ENOSPC;
}

int slots_take(struct slots *s, const struct slots_user *user)
{
    int i = free_find(s);
    struct shm_slot *slot;

    if (i < 0)
        return i;
    slot = &s->shm->slot[i];
    memset(slot, 0, sizeof(*slot));
    slot->generation = ++s->own[i].generation;
    slot->app = user->app;
    slot->worker = user->worker;
    slot->pid = user->pid;
    slot->is_main = user->is_main;
    slot->restarts = user->restarts;
    slot->started_ns = user->started_ns;
    str_to_cstr(str_of(user->node_version), slot->node_version, sizeof(slot->node_version));
    if (s->shm->slots_used <= (u32)i)
        s->shm->slots_used = (u32)i + 1;
    slots_state(s, (u32)i, SHM_STARTING);
    return i;
}

void slots_state(struct slots *s, u32 slot, enum shm_state state)
{
    s->own[slot].state = state;
    s->shm->slot[slot].state = state;
}

void slots_listening(struct slots *s, u32 slot, u32 bits)
{
    s->shm->slot[slot].listening = bits;
}

void slots_main(struct slots *s, u32 slot, bool is_main)
{
    s->shm->slot[slot].is_main = is_main;
}

void slots_leave(struct slots *s, u32 slot, u64 now_ns)
{
    s->own[slot].dead_ns = now_ns;
    slots_state(s, slot, SHM_DEAD);
}

void slots_tick(struct slots *s, u64 now_ns)
{
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++) {
        if (s->own[i].state != SHM_DEAD || now_ns - s->own[i].dead_ns < 100 * NS_PER_MS)
            continue; /* a thread of the proxy may just be counting one up */
        if (slots_in_flight(s, i) == 0 || now_ns - s->own[i].dead_ns > DEAD_MAX_NS)
            slots_state(s, i, SHM_FREE);
    }
}

u32 slots_in_flight(const struct slots *s, u32 slot)
{
    const struct shm_slot *p = &s->shm->slot[slot];
    u64 n = (u64)p->in_flight + p->streams;

    return (u32)min(n, (u64)UINT32_MAX);
}

u64 slots_busy_since_ns(const struct slots *s, u32 slot)
{
    return s->shm->slot[slot].loop.busy_since_ns;
}

int slots_sample(struct slots *s, u32 slot, u32 pid, bool with_fds, u64 *rss_bytes)
{
    struct shm_slot *p = &s->shm->slot[slot];
    struct procfs_sample sample;
    u32 open_fds = 0, max_fds = 0;
    int r = procfs_sample(pid, &sample);

    if (r < 0)
        return r;
    *rss_bytes = sample.rss_bytes;
    p->rss_bytes = sample.rss_bytes;
    p->vm_bytes = sample.vm_bytes;
    p->cpu_user_ns = sample.cpu_user_ns;
    p->cpu_system_ns = sample.cpu_system_ns;
    p->threads = sample.threads;
    if (with_fds && procfs_fds(pid, &open_fds, &max_fds) == 0) {
        p->open_fds = open_fds;
        p->max_fds = max_fds;
    }
    return 0;
}
