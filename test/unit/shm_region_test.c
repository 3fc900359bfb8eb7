/* test/unit/shm_region_test.c */
#include "shm/region.h"

#include "tap.h"

#include <fcntl.h>
#include <sys/mman.h>

static void two_mappings_see_the_same_memory(void)
{
    struct shm *a, *b;
    int fd;

    CHECK_EQ(region_create(&a, &fd), 0);
    CHECK_EQ(region_map(fd, &b), 0);
    a->slot[3].pid = 77;
    CHECK_EQ(b->slot[3].pid, 77);
    CHECK_EQ(b->supervisor_pid, getpid());
    region_unmap(a);
    region_unmap(b);
    close(fd);
}

static void nobody_can_pull_it_from_under_the_others(void)
{
    struct shm *a;
    int fd;

    CHECK_EQ(region_create(&a, &fd), 0);
    CHECK_EQ(ftruncate(fd, 4096), -1);
    CHECK_EQ(ftruncate(fd, 1 << 30), -1);
    region_unmap(a);
    close(fd);
}

static void what_is_not_fettles_memory_is_refused(void)
{
    struct shm *a, *b = NULL;
    int fd, other = memfd_create("other", MFD_CLOEXEC), null_fd = open("/dev/null", O_RDWR);

    CHECK_EQ(region_map(other, &b), -EPROTO);
    CHECK_EQ(ftruncate(other, sizeof(struct shm)), 0);
    CHECK_EQ(region_map(other, &b), -EPERM);
    CHECK_EQ(region_map(null_fd, &b), -EPROTO);
    CHECK_EQ(region_map(-1, &b), -EBADF);
    CHECK_EQ(region_create(&a, &fd), 0);
    a->version++;
    CHECK_EQ(region_map(fd, &b), -EPROTO);
    CHECK(b == NULL);
    region_unmap(a);
    region_unmap(NULL);
    close(fd);
    close(other);
    close(null_fd);
}

static void the_peers_can_be_read_by_workers_and_written_only_by_the_proxy(void)
{
    struct shm_peers *p;
    const struct shm_peers *seen;
    int fd, read_fd;

    CHECK_EQ(region_peers_create(&fd, &read_fd), 0);
    CHECK_EQ(region_peers_map(fd, &p), 0);
    CHECK_EQ(region_peers_map(read_fd, &p), -EACCES);
    seen = mmap(NULL, sizeof(*seen), PROT_READ, MAP_SHARED, read_fd, 0);
    CHECK(seen != MAP_FAILED);
    shm_peer_open(&p->peer[3], 77);
    CHECK_EQ(seen->peer[3].connection, 77);
    CHECK_EQ(ftruncate(fd, 4096), -1);
    munmap(p, sizeof(*p));
    munmap((void *)(uintptr_t)seen, sizeof(*seen));
    close(fd);
    close(read_fd);
}

int main(void)
{
    TEST(two_mappings_see_the_same_memory);
    TEST(nobody_can_pull_it_from_under_the_others);
    TEST(what_is_not_fettles_memory_is_refused);
    TEST(the_peers_can_be_read_by_workers_and_written_only_by_the_proxy);
    return tap_done();
}
