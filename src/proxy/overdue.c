/* proxy/overdue.c -- what an exchange waits for too long */
#include "proxy/overdue.h"

#include "proxy/admission.h"
#include "proxy/ceiling.h"
#include "proxy/resend.h"

/* A client that is slower than this many bytes in a whole time-out counts as stopped. */
#define TICK_BYTES_MIN 2048
#define CLIENT_GONE_NS (2 * NS_PER_S)
#define LONG_NS (NS_PER_S / 2)

/* Whether the client has moved fewer than TICK_BYTES_MIN bytes since *since_ns although it was its
 * turn all the time. */
static bool stalled(u64 *since_ns, u64 *mark, u64 bytes, bool its_turn, u64 now_ns, u64 limit_ns)
{
    if (!its_turn || limit_ns == 0 || *since_ns == 0 || bytes - *mark >= TICK_BYTES_MIN) {
        *since_ns = its_turn ? now_ns : 0;
        *mark = bytes;
        return false;
    }
    return now_ns - *since_ns >= limit_ns;
}

/* The client has shut down its sending side. Either it has nothing more to say and waits for its
 * answer, or it has gone; only bytes sent to it would tell (by a reset). When there have been none
 * for CLIENT_GONE_NS, it counts as gone, so that the app hears of it: bare Node does not wait at
 * all. */
static bool gone(struct exchange *x, u64 now_ns)
{
    if (!x->client->hung_up || x->client->state != CLIENT_ACTIVE)
        return false;
    if (x->quiet_since_ns == 0 || x->quiet_out_bytes != x->out_bytes) {
        x->quiet_since_ns = now_ns;
        x->quiet_out_bytes = x->out_bytes;
    }
    return now_ns - x->quiet_since_ns >= CLIENT_GONE_NS;
}

/* What has been with its worker for long gets its part of the loop's time now and then, and no more
 * than it is known for. */
static void loop_settle(struct exchange *x, u64 now_ns)
{
    if (x->client->state != CLIENT_ACTIVE || !x->claim.slot ||
        now_ns < x->times.dispatched_ns + LONG_NS)
        return;
    x->loop_ns += claim_loop_ns(&x->claim, now_ns);
    claim_expect_little(&x->claim, x->kind.block_ns);
    ceiling_settle(x, now_ns);
}

/* Whether the worker has said nothing more of its answer for so long. What the client has not taken
 * yet is no fault of the worker's. */
static bool worker_stalled(struct exchange *x, bool takes, u64 now_ns, u64 limit_ns)
{
    bool its_turn = x->client->state == CLIENT_ACTIVE && x->res_begun && !takes;

    if (!its_turn || limit_ns == 0 || x->quiet_worker_ns == 0 ||
        x->tick_sent_bytes != x->sent_bytes) {
        x->quiet_worker_ns = its_turn ? now_ns : 0;
        x->tick_sent_bytes = x->sent_bytes;
        return false;
    }
    return now_ns - x->quiet_worker_ns >= limit_ns;
}

/* The time-outs that are the worker's. May end it. */
static void tick_worker(struct exchange *x, bool takes, u64 now_ns)
{
    const struct settings_request *s = &x->rule->is;
    struct shm_slot *slot = x->claim.slot;

    if (s->request_timeout_ns && now_ns > x->times.begun_ns + s->request_timeout_ns) {
        x->fault = x->up && x->req_done && !takes ? OUTCOME_TIMEOUT : 0;
        exchange_refuse(x, 504, "the request took longer than it may in all",
                        SHM_REFUSED_REQUEST_TIME);
    } else if (worker_stalled(x, takes, now_ns, s->stall_timeout_ns)) {
        if (slot)
            COUNT(slot->failures, 1);
        x->fault = OUTCOME_TIMEOUT;
        exchange_refuse(x, 504, "the worker stopped within its answer", SHM_REFUSED_STALLED);
    } else if (s->upstream_timeout_ns && x->client->state == CLIENT_ACTIVE && !x->res_begun &&
               x->req_done && now_ns > x->times.dispatched_ns + s->upstream_timeout_ns) {
        if (slot)
            COUNT(slot->failures, 1);
        x->fault = OUTCOME_TIMEOUT;
        if (!resend_after(x, SHM_RETRY_TIMEOUT, 0))
            exchange_refuse(x, 504, "the worker did not answer in time", SHM_REFUSED_WORKER_SLOW);
    }
}

bool overdue_takes(const struct exchange *x)
{
    const struct client *c = x->client;

    return c->state == CLIENT_ACTIVE &&
           (block_len(c->out) > 0 || c->pipe || x->cache_mode == CACHED_SENDS);
}

bool overdue_gives(const struct exchange *x)
{
    const struct client *c = x->client;

    return c->state == CLIENT_ACTIVE && !x->req_done && !overdue_takes(x) && !c->ended &&
           !(x->up && (block_len(x->up->out) > 0 || x->up->pipe));
}

static void tick(struct timer *timer)
{
    struct client *c = container_of(timer, struct client, timer);
    struct exchange *x = c->x;
    struct thread *t = c->thread;
    const struct settings_request *s = &x->rule->is;
    u64 now_ns = thread_now(t);
    bool takes = overdue_takes(x), gives = overdue_gives(x);

    loop_timer(t->loop, timer, now_ns + x->rules->tick_ns, tick);
    loop_settle(x, now_ns);
    if (c->state == CLIENT_QUEUED && s->queue_timeout_ns && x->ticket.queued_ns &&
        now_ns > x->ticket.queued_ns + s->queue_timeout_ns) {
        x->retry_after_s = queue_retry_after_s(&x->ticket);
        exchange_refuse(x, 503, "no worker became free in time", SHM_REFUSED_QUEUE_TIME);
    } else if (cached_overdue(x, now_ns)) {
        admission_go_on(x);
    } else if (gone(x, now_ns)) {
        exchange_abandoned(x);
    } else if (stalled(&x->stalled_out_ns, &x->tick_out_bytes, x->out_bytes, takes, now_ns,
                       s->write_timeout_ns)) {
        COUNT(t->proxy->shm->proxy.refused[SHM_REFUSED_TIMEOUT], 1);
        x->refusal = SHM_REFUSED_TIMEOUT + 1;
        exchange_abandoned(x);
    } else if (stalled(&x->stalled_in_ns, &x->tick_in_bytes, x->in_bytes, gives, now_ns,
                       s->body_timeout_ns)) {
        exchange_refuse(x, 408, "the request's body took too long", SHM_REFUSED_TIMEOUT);
    } else {
        tick_worker(x, takes, now_ns);
    }
}

void overdue_watch(struct exchange *x)
{
    struct thread *t = x->client->thread;

    loop_timer(t->loop, &x->client->timer, thread_now(t) + x->rules->tick_ns, tick);
}
