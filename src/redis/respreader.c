/* redis/respreader.c -- what a Redis answers: bytes in, replies out */
#include "redis/respreader.h"

#include "io/library.h"

#include <hiredis/hiredis.h>
#include <pthread.h>

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

struct respreader {
    redisReader *reader;
    redisReply *last; /* what *out of respreader_next points into */
    size_t bytes_max, fed;
};

/* Its structs are other ones in another version, so it is this very one. */
static struct {
    redisReader *(*create)(void);
    void (*free)(redisReader *r);
    int (*feed)(redisReader *r, const char *bytes, size_t len);
    int (*get)(redisReader *r, void **reply);
    void (*free_reply)(void *reply);
} hiredis;

static int load(struct problem *p)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const char *const names[] = { "redisReaderCreate", "redisReaderFree", "redisReaderFeed",
                                         "redisReaderGetReply", "freeReplyObject" };
    static const struct library library = {
        .file = "libhiredis.so." TEXT_OF(HIREDIS_SONAME),
        .what = "Redis' client library",
        .package = "libhiredis" TEXT_OF(HIREDIS_SONAME),
        .names = names,
        .count = ARRAY_LEN(names),
    };
    static bool loaded;
    void *function[ARRAY_LEN(names)];
    int err = 0;

    pthread_mutex_lock(&lock);
    if (!loaded)
        err = library_load(&library, function, p);
    if (!err && !loaded) {
        memcpy(&hiredis, function, sizeof(hiredis));
        loaded = true;
    }
    pthread_mutex_unlock(&lock);
    return err;
}

int respreader_new(struct respreader **out, size_t bytes_max, struct problem *p)
{
    struct respreader *r;
    int err = load(p);

    if (err)
        return err;
    r = calloc(1, sizeof(*r));
    if (r)
        r->reader = hiredis.create();
    if (!r || !r->reader) {
        free(r);
        return -ENOMEM;
    }
    r->bytes_max = bytes_max;
    *out = r;
    return 0;
}

static void last_free(struct respreader *r)
{
    if (r->last)
        hiredis.free_reply(r->last);
    r->last = NULL;
}

void respreader_free(struct respreader *r)
{
    if (!r)
        return;
    last_free(r);
    hiredis.free(r->reader);
    free(r);
}

static int error_of(const struct respreader *r)
{
    return r->reader->err == REDIS_ERR_OOM ? -ENOMEM : -EPROTO;
}

int respreader_feed(struct respreader *r, struct str bytes)
{
    r->fed += bytes.len;
    if (r->fed > r->bytes_max)
        return -EMSGSIZE;
    return hiredis.feed(r->reader, bytes.ptr, bytes.len) == REDIS_OK ? 0 : error_of(r);
}

static struct reply view_of(const redisReply *is)
{
    struct reply r = { .kind = REPLY_NIL, .is = is };

    switch (is ? is->type : REDIS_REPLY_NIL) {
    case REDIS_REPLY_STRING:
        r.kind = REPLY_STRING;
        break;
    case REDIS_REPLY_STATUS:
        r.kind = REPLY_STATUS;
        break;
    case REDIS_REPLY_ERROR:
        r.kind = REPLY_ERROR;
        break;
    case REDIS_REPLY_INTEGER:
        r.kind = REPLY_INTEGER;
        r.integer = is->integer;
        return r;
    case REDIS_REPLY_ARRAY:
        r.kind = REPLY_ARRAY;
        r.n = (u32)min((size_t)is->elements, (size_t)UINT32_MAX);
        return r;
    default: /* nil, and what RESP2 does not have */
        return r;
    }
    r.text = str_make(is->str, (size_t)is->len);
    return r;
}

struct reply reply_at(const struct reply *r, u32 i)
{
    const redisReply *is = r->is;

    return r->kind == REPLY_ARRAY && i < r->n ? view_of(is->element[i])
                                              : (struct reply){ .kind = REPLY_NIL };
}

int respreader_next(struct respreader *r, struct reply *out)
{
    void *reply = NULL;

    last_free(r);
    if (hiredis.get(r->reader, &reply) != REDIS_OK)
        return error_of(r);
    if (!reply)
        return 0;
    r->last = reply;
    r->fed = r->reader->len - r->reader->pos; /* what is of the next ones */
    *out = view_of(r->last);
    return 1;
}
