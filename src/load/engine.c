/* load/engine.c -- one measurement: its threads, from the first to the last */
#include "load/engine.h"

#include "load/request.h"
#include "load/sender.h"

#include <pthread.h>
#include <sys/eventfd.h>

struct engine {
    struct sender_shared shared;
    struct request *requests;
    struct sender **senders;
    pthread_t *threads;
    u32 started; /* threads */
    int done_fd; /* a semaphore: one for each thread that has ended */
    _Atomic u32 running;
};

struct start {
    struct engine *engine;
    struct sender *sender;
};

static void *thread_main(void *arg)
{
    struct start s = *(struct start *)arg;
    u64 one = 1;

    free(arg);
    sender_run(s.sender);
    if (--s.engine->running == 0 && write(s.engine->done_fd, &one, sizeof(one)) < 0)
        abort(); /* a fresh eventfd takes a 1 */
    return NULL;
}

static void engine_free(struct engine *e)
{
    for (u32 i = 0; e->senders && i < e->shared.conf->threads; i++)
        sender_free(e->senders[i]);
    for (u32 i = 0; e->requests && i < e->shared.conf->mix->count; i++)
        request_done(&e->requests[i]);
    free(e->senders);
    free(e->requests);
    free(e->threads);
    fd_closep(&e->done_fd);
    free(e);
}

static int prepare(struct engine *e)
{
    const struct engine_conf *conf = e->shared.conf;
    int err = 0;

    e->requests = calloc(conf->mix->count, sizeof(*e->requests));
    e->senders = calloc(conf->threads, sizeof(struct sender *));
    e->threads = calloc(conf->threads, sizeof(*e->threads));
    if (!e->requests || !e->senders || !e->threads)
        return -ENOMEM;
    e->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->done_fd < 0)
        return -errno;
    for (u32 i = 0; i < conf->mix->count && !err; i++)
        err = request_init(&e->requests[i], &conf->mix->kinds[i], conf->destination,
                           conf->keep_alive);
    e->shared.requests = e->requests;
    for (u32 i = 0; i < conf->threads && !err; i++)
        err = sender_new(&e->senders[i], &e->shared, i);
    return err;
}

/* A thread that could not be started must not be waited for by the others. */
static int threads_start(struct engine *e)
{
    for (u32 i = 0; i < e->shared.conf->threads; i++) {
        struct start *s = malloc(sizeof(*s));
        int r = ENOMEM;

        if (s) {
            *s = (struct start){ e, e->senders[i] };
            e->running++;
            r = pthread_create(&e->threads[i], NULL, thread_main, s);
        }
        if (r) {
            free(s);
            return -r;
        }
        e->started++;
    }
    return 0;
}

int engine_start(struct engine **out, const struct engine_conf *conf)
{
    struct engine *e = calloc(1, sizeof(*e));
    int err;

    if (!e)
        return -ENOMEM;
    e->done_fd = -1;
    sender_shared_init(&e->shared, conf);
    err = prepare(e);
    if (!err)
        err = threads_start(e);
    if (err) {
        engine_stop(e);
        for (u32 i = 0; i < e->started; i++)
            pthread_join(e->threads[i], NULL);
        engine_free(e);
        return err;
    }
    *out = e;
    return 0;
}

int engine_fd(const struct engine *e)
{
    return e->done_fd;
}

const struct engine_progress *engine_progress(const struct engine *e)
{
    return &e->shared.progress;
}

void engine_stop(struct engine *e)
{
    e->shared.stopping = true;
}

void engine_finish(struct engine *e, struct result *result)
{
    struct result *first = sender_result(e->senders[0]);

    for (u32 i = 0; i < e->started; i++) {
        pthread_join(e->threads[i], NULL);
        if (i)
            result_join(first, sender_result(e->senders[i]));
    }
    result_append(result, first);
    engine_free(e);
}
