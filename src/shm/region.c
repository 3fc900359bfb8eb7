/* shm/region.c -- making and mapping the memory of shm/layout.h and of shm/peers.h */
#include "shm/region.h"

#include "base/clock.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

static int map(int fd, size_t bytes, void **out)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        return -errno;
    *out = p;
    return 0;
}

static int create(const char *name, size_t bytes)
{
    AUTO(fd_closep) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    return TAKE(fd, -1);
}

/* Whether it is a memory of this size that nobody can shrink. */
static int check(int fd, size_t bytes)
{
    struct stat st;
    int seals;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size != (off_t)bytes)
        return -EPROTO;
    seals = fcntl(fd, F_GET_SEALS);
    return seals < 0 || !(seals & F_SEAL_SHRINK) ? -EPERM : 0;
}

int region_create(struct shm **out, int *fd_out)
{
    AUTO(fd_closep) int fd = create("fettle", sizeof(struct shm));
    struct shm *shm;
    void *memory = NULL;
    int r = fd < 0 ? fd : map(fd, sizeof(*shm), &memory);

    if (r < 0)
        return r;
    shm = memory;
    shm->version = SHM_VERSION;
    shm->bytes = sizeof(*shm);
    shm->started_ns = clock_now_ns();
    shm->started_wall_ms = clock_wall_ms();
    shm->supervisor_pid = (u32)getpid();
    shm->magic = SHM_MAGIC;
    *out = shm;
    *fd_out = TAKE(fd, -1);
    return 0;
}

int region_map(int fd, struct shm **out)
{
    struct shm *shm;
    void *memory = NULL;
    int r = check(fd, sizeof(*shm));

    if (r == 0)
        r = map(fd, sizeof(*shm), &memory);
    if (r < 0)
        return r;
    shm = memory;
    if (shm->magic != SHM_MAGIC || shm->version != SHM_VERSION || shm->bytes != sizeof(*shm)) {
        region_unmap(shm);
        return -EPROTO;
    }
    *out = shm;
    return 0;
}

void region_unmap(struct shm *shm)
{
    if (shm)
        munmap(shm, sizeof(*shm));
}

/* A descriptor is no fence by itself: who holds one opens the memory anew by /proc/self/fd, as far
 * as its mode lets him. */
int region_peers_create(int *fd_out, int *read_fd)
{
    AUTO(fd_closep) int fd = create("fettle-peers", sizeof(struct shm_peers));
    char name[32];

    if (fd < 0)
        return fd;
    if (fchmod(fd, 0600) < 0)
        return -errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    *read_fd = open(name, O_RDONLY | O_CLOEXEC);
    if (*read_fd < 0)
        return -errno;
    *fd_out = TAKE(fd, -1);
    return 0;
}

int region_peers_map(int fd, struct shm_peers **out)
{
    void *memory = NULL;
    int r = check(fd, sizeof(**out));

    if (r == 0)
        r = map(fd, sizeof(**out), &memory);
    if (r == 0)
        *out = memory;
    return r;
}
