/* proxy/load_field.c -- what an answer tells a trusted proxy of this machine's loops */
#include "proxy/load_field.h"

#include "proxy/peer.h"

/* It has nothing that it has not seen, and waits; or is about to: it has just answered, and what it
 * has not looked for since is that request. */
static bool is_idle(const struct exchange *x, const struct shm_slot *slot)
{
    u64 unseen = atomic_load_explicit(&slot->dispatched, memory_order_relaxed) -
                 atomic_load_explicit(&slot->loop.seen, memory_order_relaxed);

    if (slot == x->claim.slot)
        return unseen <= 1;
    return unseen == 0 &&
           atomic_load_explicit(&slot->loop.waits_since_ns, memory_order_relaxed) != 0;
}

struct str load_field(const struct exchange *x, char out[LOAD_FIELD_MAX])
{
    const struct client *c = x->client;
    const struct shm *shm = c->thread->proxy->shm;
    struct load_report report = { .queue = atomic_load(&shm->lanes[x->app].queued) };
    char text[LOAD_REPORT_TEXT_MAX];
    u32 used = shm_slots_used(shm);
    int len;

    if (!x->door->settings.load_report || !peer_trusted(&x->door->settings.trust_proxy, &c->peer))
        return (struct str){ 0 };
    for (u32 i = 0; i < used; i++) {
        const struct shm_slot *slot = &shm->slot[i];

        if (slot->app == x->app && slot->state == SHM_READY && slot->listening)
            report.idle += is_idle(x, slot);
    }
    len = snprintf(out, LOAD_FIELD_MAX, LOAD_REPORT_FIELD ": %.*s\r\n",
                   STR_ARG(load_report_text(&report, text)));
    return str_make(out, (size_t)len);
}
