/* npm/native/memory.c -- the memory of this process's caches and their like */
#include "memory.h"

#include <fcntl.h>
#include <pthread.h>

static struct {
    pthread_mutex_t lock;
    struct memfile *file; /* NULL: none is used yet */
    bool is_chosen, is_named;
    int fd; /* the chosen one, -1: one of its own */
    char name[MEMFILE_NAME_MAX + 1];
    struct opened_store *stores;
} here = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

static void unlock(pthread_mutex_t **lock)
{
    pthread_mutex_unlock(*lock);
}

#define LOCKED()                                      \
    AUTO(unlock) pthread_mutex_t *held_ = &here.lock; \
    pthread_mutex_lock(held_)

int memory_choose(int fd, struct str name)
{
    LOCKED();

    if (here.is_chosen) {
        bool same = fd >= 0    ? !here.is_named && here.fd >= 0
                    : name.len ? here.is_named && str_eq(str_of(here.name), name)
                               : !here.is_named && here.fd < 0;
        return same ? 0 : -EALREADY;
    }
    if (name.len > MEMFILE_NAME_MAX)
        return -EINVAL;
    if (fd >= 0) {
        here.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (here.fd < 0)
            return -errno;
    } else if (name.len) {
        int r = memfile_named(name, &here.fd);

        if (r < 0)
            return r;
        here.is_named = true;
        str_to_cstr(name, here.name, sizeof(here.name));
    }
    here.is_chosen = true;
    return 0;
}

bool memory_is_named(void)
{
    return here.is_named;
}

static int file_get(struct memfile **out)
{
    int r = 0;

    if (!here.file) {
        int fd = here.fd;

        here.is_chosen = true;
        if (fd < 0)
            r = memfile_create(&fd);
        if (r == 0)
            r = memfile_open(&here.file, fd);
    }
    *out = here.file;
    return r;
}

int memory_get(struct memfile **out)
{
    LOCKED();

    return file_get(out);
}

/* ---- stores ---- */

struct reserving {
    struct memfile *file;
    u64 at;
};

static int reserve(void *context, u64 at, u64 bytes)
{
    const struct reserving *r = context;

    return memfile_reserve(r->file, r->at + at, bytes);
}

static int store_make(struct memfile *m, void *memory, u64 at, const void *context)
{
    struct reserving reserving = { m, at };
    int r = here.is_named ? kvstore_reserve(context, reserve, &reserving) : 0;

    return r < 0 ? r : kvstore_make(memory, context);
}

static int store_open(struct opened_store *o, struct memfile *file)
{
    struct memfile_want want = { .kind = MEMFILE_KVSTORE,
                                 .name = str_of(o->name),
                                 .bytes = o->shape.bytes,
                                 .shape = { o->shape.entries_max },
                                 .make = store_make,
                                 .context = &o->shape };
    struct reserving *reserving = NULL;
    int r = memfile_region(file, &want, &o->region);

    if (r == 0 && here.is_named) {
        reserving = calloc(1, sizeof(*reserving));
        if (!reserving)
            return -ENOMEM;
        *reserving = (struct reserving){ file, o->region.at };
    }
    if (r == 0)
        r = kvstore_open(&o->store, o->region.memory, &o->shape, reserving ? reserve : NULL,
                         reserving);
    if (r < 0)
        free(reserving);
    return r;
}

int memory_store(struct opened_store **out, struct str name, u64 bytes, u64 entries_max)
{
    AUTO(freep) struct opened_store *o = calloc(1, sizeof(*o));
    struct memfile *file;
    int r;
    LOCKED();

    if (!o)
        return -ENOMEM;
    if (name.len > MEMFILE_NAME_MAX)
        return -EINVAL;
    r = kvstore_shape(&o->shape, bytes, entries_max);
    if (r < 0)
        return r;
    str_to_cstr(name, o->name, sizeof(o->name));
    for (struct opened_store *s = here.stores; s; s = s->next)
        if (strcmp(s->name, o->name) == 0 && memcmp(&s->shape, &o->shape, sizeof(s->shape)) == 0) {
            *out = s;
            return 0;
        }
    r = file_get(&file);
    if (r == 0)
        r = store_open(o, file);
    if (r < 0)
        return r;
    o->next = here.stores;
    *out = here.stores = o;
    o = NULL;
    return 0;
}
