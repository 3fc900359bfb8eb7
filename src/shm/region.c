/* shm/region.c -- making and mapping the memory of shm/layout.h */
#include "shm/region.h"

#include "base/clock.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

static int map(int fd, struct shm **out)
{
    void *p = mmap(NULL, sizeof(struct shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        return -errno;
    *out = p;
    return 0;
}

int region_create(struct shm **out, int *fd_out)
{
    AUTO(fd_closep) int fd = memfd_create("fettle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct shm *shm = NULL;
    int r;

    if (fd < 0)
        return -errno;
    if (ftruncate(fd, sizeof(struct shm)) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    r = map(fd, &shm);
    if (r < 0)
        return r;
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
    struct shm *shm = NULL;
    struct stat st;
    int seals, r;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size != sizeof(struct shm))
        return -EPROTO;
    seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK))
        return -EPERM;
    r = map(fd, &shm);
    if (r < 0)
        return r;
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
