/* otlp/outbox.c -- what waits to be sent to a back end, and the thread that sends it */
#include "otlp/outbox.h"

#include "base/log.h"
#include "io/gzip.h"
#include "otlp/partial.h"

#include <pthread.h>
#include <signal.h>
#include <sys/random.h>

struct outbox {
    struct outbox_conf conf;
    char host[256]; /* for the log */
    struct poster *poster;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of the list and `ends` */
    pthread_cond_t news;
    struct list batches;
    bool ends;  /* no new batch comes */
    u64 end_ns; /* … and the thread has so long */
    struct outbox_counts counts;
    /* The thread's. */
    const char *trouble; /* that has been told of; NULL: none */
    u32 trouble_status;
    struct buf body, packed, answer;
};

static void host_take(struct outbox *o, struct str url)
{
    struct str rest = url, scheme = str_cut(url, ':', &rest);
    size_t skip = scheme.len + 3, end = skip;

    while (end < url.len && url.ptr[end] != '/')
        end++;
    str_to_cstr(str_sub(url, 0, end), o->host, sizeof(o->host));
}

static void count(_Atomic u64 *n, u64 more)
{
    atomic_fetch_add_explicit(n, more, memory_order_relaxed);
}

static void trouble_tell(struct outbox *o, const struct retry_answer *a, const char *why)
{
    if (o->trouble && (a->status == o->trouble_status))
        return;
    o->trouble = why ? why : "";
    o->trouble_status = a->status;
    if (a->status)
        log_warn("%s answers %u to %s; %s", o->host, a->status, o->conf.what,
                 retry_decide(a, true) == RETRY_AGAIN
                     ? "they wait and are sent again, and the newest are dropped when too many wait"
                 : a->status == 401 || a->status == 403 ? "they are dropped: is otlp-headers right?"
                                                        : "they are dropped");
    else
        log_warn("%s cannot be sent to %s: %s; they wait and are sent again, and the newest are "
                 "dropped when too many wait",
                 o->conf.what, o->host, why);
}

static void trouble_over(struct outbox *o)
{
    if (o->trouble)
        log_info("%s takes %s again", o->host, o->conf.what);
    o->trouble = NULL;
}

/* False: time is up. */
static bool rest(struct outbox *o, u64 ns)
{
    u64 until_ns = clock_now_ns() + ns;
    bool goes_on;

    pthread_mutex_lock(&o->lock);
    for (;;) {
        u64 now_ns = clock_now_ns(), at_ns = o->ends ? min(until_ns, o->end_ns) : until_ns;
        struct timespec at = { .tv_sec = (time_t)(at_ns / NS_PER_S),
                               .tv_nsec = (long)(at_ns % NS_PER_S) };

        goes_on = !o->ends || now_ns < o->end_ns;
        if (now_ns >= at_ns || !goes_on)
            break;
        pthread_cond_timedwait(&o->news, &o->lock, &at);
    }
    pthread_mutex_unlock(&o->lock);
    return goes_on;
}

static void post(struct outbox *o, const struct batch *b, u32 from, u32 to, struct retry_answer *a,
                 const char **why)
{
    bool is_gzip;

    buf_clear(&o->body);
    buf_clear(&o->packed);
    buf_clear(&o->answer);
    batch_encode(b, from, to, &o->body);
    is_gzip = o->conf.gzip && gzip_bytes(buf_str(&o->body), &o->packed) == 0;
    *a = (struct retry_answer){ 0 };
    *why = "out of memory";
    if (!o->body.failed)
        poster_post(o->poster, buf_str(is_gzip ? &o->packed : &o->body), is_gzip, a, &o->answer,
                    why);
}

static void taken(struct outbox *o, u64 weight)
{
    u64 rejected = min(partial_rejected(buf_str(&o->answer)), weight);

    count(&o->counts.sent, weight - rejected);
    count(&o->counts.rejected, rejected);
    trouble_over(o);
    if (rejected)
        log_warn("%s has refused %llu of %llu %s", o->host, (unsigned long long)rejected,
                 (unsigned long long)weight, o->conf.what);
}

/* Until it is sent or given up. */
static void send_items(struct outbox *o, const struct batch *b, u32 from, u32 to)
{
    u64 weight = batch_weight(b, from, to), random = 0;
    struct retry_answer a;
    const char *why;

    for (u32 failures = 0;;) {
        post(o, b, from, to, &a, &why);
        count(a.status ? &o->counts.requests : &o->counts.failures, 1);
        switch (retry_decide(&a, to - from > 1)) {
        case RETRY_DONE:
            taken(o, weight);
            return;
        case RETRY_HALVES:
            send_items(o, b, from, from + (to - from) / 2);
            send_items(o, b, from + (to - from) / 2, to);
            return;
        case RETRY_DROP:
            count(&o->counts.rejected, weight);
            trouble_tell(o, &a, NULL);
            return;
        case RETRY_AGAIN:
            break;
        }
        trouble_tell(o, &a, why);
        if (a.status)
            count(&o->counts.failures, 1);
        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
            random = 0;
        if (clock_now_ns() - b->made_ns > RETRY_AGE_MAX_NS ||
            !rest(o, retry_pause_ns(&a, ++failures, random))) {
            count(&o->counts.dropped, weight);
            return;
        }
    }
}

/* The oldest one; NULL: there is none, and will be none. */
static struct batch *next(struct outbox *o)
{
    struct batch *b = NULL;

    pthread_mutex_lock(&o->lock);
    while (list_empty(&o->batches) && !o->ends)
        pthread_cond_wait(&o->news, &o->lock);
    if (!list_empty(&o->batches) && !(o->ends && clock_now_ns() >= o->end_ns)) {
        b = list_first(&o->batches, struct batch, link);
        list_del(&b->link);
    }
    pthread_mutex_unlock(&o->lock);
    return b;
}

static void *run(void *data)
{
    struct outbox *o = data;
    struct batch *b;

    while ((b = next(o)) != NULL) {
        send_items(o, b, 0, b->items);
        atomic_fetch_sub(&o->counts.bytes, batch_bytes(b));
        batch_free(b);
    }
    return NULL;
}

static int thread_start(struct outbox *o)
{
    sigset_t all, before;
    pthread_condattr_t clock;
    int err;

    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&o->news, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&o->lock, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* they are for the main thread */
    err = pthread_create(&o->thread, NULL, run, o);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    o->started = err == 0;
    return -err;
}

int outbox_new(struct outbox **out, const struct outbox_conf *conf, struct problem *p)
{
    struct outbox *o = calloc(1, sizeof(*o));
    int err = o ? poster_new(&o->poster, &conf->poster, p) : -ENOMEM;

    if (!err) {
        o->conf = *conf;
        list_init(&o->batches);
        host_take(o, conf->poster.url);
        err = thread_start(o);
    }
    if (err) {
        if (o)
            poster_free(o->poster);
        free(o);
        return err;
    }
    *out = o;
    return 0;
}

void outbox_free(struct outbox *o, u64 grace_ns)
{
    struct timespec until;
    u64 end_ns = clock_now_ns() + grace_ns;

    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    o->ends = true;
    o->end_ns = end_ns;
    pthread_cond_signal(&o->news);
    pthread_mutex_unlock(&o->lock);
    until = (struct timespec){ .tv_sec = (time_t)(end_ns / NS_PER_S),
                               .tv_nsec = (long)(end_ns % NS_PER_S) };
    if (pthread_clockjoin_np(o->thread, NULL, CLOCK_MONOTONIC, &until) != 0) {
        poster_stop(o->poster);
        pthread_join(o->thread, NULL);
    }
    list_each_safe (link, &o->batches)
        batch_free(container_of(link, struct batch, link));
    poster_free(o->poster);
    buf_done(&o->body);
    buf_done(&o->packed);
    buf_done(&o->answer);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->news);
    free(o);
}

void outbox_put(struct outbox *o, struct batch *b)
{
    size_t bytes = batch_bytes(b);

    if (b->items == 0) {
        batch_free(b);
        return;
    }
    if (atomic_load(&o->counts.bytes) + bytes > OUTBOX_BYTES_MAX) {
        count(&o->counts.dropped, b->weight);
        batch_free(b);
        return;
    }
    atomic_fetch_add(&o->counts.bytes, bytes);
    b->made_ns = clock_now_ns();
    pthread_mutex_lock(&o->lock);
    list_add(&o->batches, &b->link);
    pthread_cond_signal(&o->news);
    pthread_mutex_unlock(&o->lock);
}

const struct outbox_counts *outbox_counts(const struct outbox *o)
{
    return &o->counts;
}
