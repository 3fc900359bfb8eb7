/* shared/memfile.c -- memory of several processes, in which each thing has a region by its name */
#include "shared/memfile.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define MAGIC 0x656c69666d656d31ull
#define PAGE 4096ull

enum { VERSION = 1, LOCK_LIMIT_S = 5 };

enum state { UNUSED, USED, GIVEN_BACK }; /* GIVEN_BACK: of these bytes there is no user */

struct entry {
    _Atomic u32 state;
    u32 kind;
    char name[MEMFILE_NAME_MAX + 1];
    u64 at, bytes; /* in the file, for ever */
    u64 wanted;    /* may be fewer */
    u64 shape[2];
    struct owner user[MEMFILE_USERS_MAX];
    u32 crowded; /* it has had more users than that: it is never given back */
};

/* At the file's first byte. */
struct head {
    u64 magic;
    u32 version, lock_bytes; /* a libc's locks are no other's */
    pthread_mutex_t lock;
    u64 end; /* where the next region begins */
    struct entry entry[MEMFILE_REGIONS_MAX];
};

struct memfile {
    int fd;
    struct head *head;
};

static u64 head_bytes(void)
{
    return (sizeof(struct head) + PAGE - 1) / PAGE * PAGE;
}

/* ---- the file ---- */

static int head_make(int fd)
{
    pthread_mutexattr_t attr;
    struct head *h;
    int r;

    if (ftruncate(fd, (off_t)head_bytes()) < 0)
        return -errno;
    h = mmap(NULL, head_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (h == MAP_FAILED)
        return -errno;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    r = -pthread_mutex_init(&h->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    h->version = VERSION;
    h->lock_bytes = sizeof(pthread_mutex_t);
    h->end = head_bytes();
    h->magic = MAGIC;
    munmap(h, head_bytes());
    return r;
}

int memfile_create(int *out)
{
    AUTO(fd_closep) int fd = memfd_create("fettle-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r;

    if (fd < 0 || fchmod(fd, 0600) < 0)
        return -errno;
    r = head_make(fd);
    if (r < 0)
        return r;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return -errno;
    *out = TAKE(fd, -1);
    return 0;
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || (c == '.' && i > 0)))
            return false;
    }
    return s.len > 0 && s.len <= MEMFILE_NAME_MAX;
}

/* The user's folder: nobody else's, and nobody else can look into it. */
static int folder_open(int *out)
{
    static const char *const places[] = { "/dev/shm", "/tmp" };
    int r = -ENOENT;

    for (u32 i = 0; i < ARRAY_LEN(places); i++) {
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "%s/fettle-%u", places[i], (u32)geteuid());
        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
            r = -errno;
            continue;
        }
        AUTO(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
            return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
        if (st.st_uid != geteuid() || (st.st_mode & 077))
            return -EPERM;
        *out = TAKE(fd, -1);
        return 0;
    }
    return r;
}

static int file_open(int folder, struct str name, const char *end)
{
    char path[MEMFILE_NAME_MAX + 8];
    int fd;

    snprintf(path, sizeof(path), "%.*s%s", STR_ARG(name), end);
    fd = openat(folder, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

static int flock_wait(int fd, int how)
{
    int r;

    do
        r = flock(fd, how);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* All that have it hold a shared lock. Who gets it alone is the first of them, and begins anew;
 * the turn keeps others away meanwhile. */
int memfile_named(struct str name, int *out)
{
    AUTO(fd_closep) int folder = -1, turn = -1, fd = -1;
    int r = is_name(name) ? folder_open(&folder) : -EINVAL;

    if (r < 0)
        return r;
    turn = file_open(folder, name, ".turn");
    if (turn < 0)
        return turn;
    r = flock_wait(turn, LOCK_EX);
    if (r < 0)
        return r;
    fd = file_open(folder, name, ".mem");
    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (ftruncate(fd, 0) < 0)
            return -errno;
        r = head_make(fd);
        if (r < 0)
            return r;
    }
    r = flock_wait(fd, LOCK_SH);
    if (r < 0)
        return r;
    *out = TAKE(fd, -1);
    return 0;
}

int memfile_open(struct memfile **out, int fd_taken)
{
    AUTO(fd_closep) int fd = fd_taken;
    struct memfile *m;
    struct stat st;
    struct head *h;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size < (off_t)head_bytes())
        return -EPROTO;
    h = mmap(NULL, head_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (h == MAP_FAILED)
        return -errno;
    m = calloc(1, sizeof(*m));
    if (!m || h->magic != MAGIC || h->version != VERSION ||
        h->lock_bytes != sizeof(pthread_mutex_t)) {
        munmap(h, head_bytes());
        free(m);
        return m ? -EPROTO : -ENOMEM;
    }
    *m = (struct memfile){ TAKE(fd, -1), h };
    *out = m;
    return 0;
}

/* ---- regions ---- */

static int lock(struct head *h)
{
    struct timespec until;
    int r;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOCK_LIMIT_S;
    r = pthread_mutex_timedlock(&h->lock, &until);
    if (r == EOWNERDEAD) /* an entry is there when its state says so, and not before */
        r = pthread_mutex_consistent(&h->lock);
    return -r;
}

static bool is_it(const struct entry *e, const struct memfile_want *w)
{
    return e->state == USED && e->kind == (u32)w->kind && e->wanted == w->bytes &&
           e->shape[0] == w->shape[0] && e->shape[1] == w->shape[1] &&
           str_eq(str_of(e->name), w->name);
}

static bool has_users(const struct entry *e)
{
    for (u32 i = 0; i < MEMFILE_USERS_MAX; i++)
        if (e->user[i].pid && owner_lives(&e->user[i]))
            return true;
    return e->crowded;
}

static void user_add(struct entry *e)
{
    struct owner self = owner_self(0), *place = NULL;

    for (u32 i = 0; i < MEMFILE_USERS_MAX; i++) {
        if (owner_same(&e->user[i], &self))
            return;
        if (!place && !e->user[i].pid)
            place = &e->user[i];
    }
    for (u32 i = 0; !place && i < MEMFILE_USERS_MAX; i++)
        if (!owner_lives(&e->user[i]))
            place = &e->user[i];
    if (place)
        *place = self;
    else
        e->crowded = 1;
}

/* Its memory goes back to the kernel, and reads as zero. */
static int empty(const struct memfile *m, const struct entry *e)
{
    return fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)e->at,
                     (off_t)e->bytes) < 0
               ? -errno
               : 0;
}

/* What nobody uses under the same name, or under any, is given back. */
static void collect(struct memfile *m, const struct memfile_want *w)
{
    for (u32 i = 0; i < MEMFILE_REGIONS_MAX; i++) {
        struct entry *e = &m->head->entry[i];

        if (e->state == USED && (!w || str_eq(str_of(e->name), w->name)) && !has_users(e) &&
            empty(m, e) == 0)
            e->state = GIVEN_BACK;
    }
}

/* An entry with bytes for it; NULL: there is none. */
static struct entry *entry_make(struct memfile *m, const struct memfile_want *w, int *err)
{
    struct head *h = m->head;
    struct entry *fresh = NULL;

    for (u32 i = 0; i < MEMFILE_REGIONS_MAX; i++) {
        struct entry *e = &h->entry[i];

        if (e->state == GIVEN_BACK && e->bytes >= w->bytes && e->bytes / 2 <= w->bytes)
            return e;
        if (e->state == UNUSED && !fresh)
            fresh = e;
    }
    *err = -ENOSPC;
    if (!fresh)
        return NULL;
    if (ftruncate(m->fd, (off_t)(h->end + w->bytes)) < 0) {
        *err = -errno;
        return NULL;
    }
    fresh->at = h->end;
    fresh->bytes = w->bytes;
    h->end += w->bytes;
    fresh->state = GIVEN_BACK;
    return fresh;
}

static int map(struct memfile *m, const struct entry *e, struct memfile_region *out)
{
    void *memory = mmap(NULL, e->wanted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->fd,
                        (off_t)e->at);

    if (memory == MAP_FAILED)
        return -errno;
    *out = (struct memfile_region){ memory, e->at, e->wanted };
    return 0;
}

static int region_make(struct memfile *m, const struct memfile_want *w, struct memfile_region *out)
{
    struct entry *e;
    int r = 0;

    collect(m, w);
    e = entry_make(m, w, &r);
    if (!e && r == -ENOSPC) {
        collect(m, NULL);
        e = entry_make(m, w, &r);
    }
    if (!e)
        return r;
    r = empty(m, e); /* somebody may have died when he made it */
    if (r < 0)
        return r;
    e->kind = (u32)w->kind;
    e->wanted = w->bytes;
    memcpy(e->shape, w->shape, sizeof(e->shape));
    memset(e->user, 0, sizeof(e->user));
    e->crowded = 0;
    str_to_cstr(w->name, e->name, sizeof(e->name));
    r = map(m, e, out);
    if (r == 0)
        r = w->make(m, out->memory, e->at, w->context);
    if (r == 0)
        e->state = USED;
    else if (out->memory)
        munmap(out->memory, out->bytes);
    return r;
}

int memfile_region(struct memfile *m, const struct memfile_want *w, struct memfile_region *out)
{
    struct entry *e = NULL;
    int r;

    *out = (struct memfile_region){ 0 };
    if (w->name.len > MEMFILE_NAME_MAX || w->bytes % PAGE)
        return -EINVAL;
    r = lock(m->head);
    if (r < 0)
        return r;
    for (u32 i = 0; !e && i < MEMFILE_REGIONS_MAX; i++)
        if (is_it(&m->head->entry[i], w))
            e = &m->head->entry[i];
    r = e ? map(m, e, out) : region_make(m, w, out);
    for (u32 i = 0; r == 0 && i < MEMFILE_REGIONS_MAX; i++)
        if (is_it(&m->head->entry[i], w))
            user_add(&m->head->entry[i]);
    pthread_mutex_unlock(&m->head->lock);
    return r;
}

int memfile_reserve(struct memfile *m, u64 at, u64 bytes)
{
    int r;

    do
        r = fallocate(m->fd, 0, (off_t)at, (off_t)bytes);
    while (r < 0 && errno == EINTR);
    return r < 0 && errno != EOPNOTSUPP ? -errno : 0;
}

void *memfile_map_again(struct memfile *m, u64 at, u64 bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, (off_t)at);

    return p == MAP_FAILED ? NULL : p;
}
