/* test/unit/worker_rundir_test.c */
#include "worker/rundir.h"

#include "tap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char base[] = "/tmp/fettle-test-XXXXXX";

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void put_file(const char *dir, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void a_folder_is_private_and_goes_with_all_in_it(void)
{
    struct problem p = { 0 };
    struct rundir d;
    struct stat st;

    CHECK_EQ(rundir_make(&d, base, &p), 0);
    CHECK_EQ(stat(d.path, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0700);
    put_file(d.path, "1.2.3");
    rundir_remove(&d);
    CHECK(!exists(d.path));
    rundir_remove(&d);
}

static void what_a_dead_fettle_left_is_swept_and_what_a_live_one_has_is_not(void)
{
    struct problem p = { 0 };
    struct rundir mine;
    int fds[2];
    char dead[RUNDIR_PATH_MAX] = "", other[64];
    pid_t pid;

    CHECK_EQ(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        struct rundir d;

        if (rundir_make(&d, base, &p) == 0) {
            put_file(d.path, "agent.sock");
            if (write(fds[1], d.path, sizeof(d.path)) < 0)
                _exit(1);
        }
        _exit(0);
    }
    CHECK_EQ(read(fds[0], dead, sizeof(dead)), sizeof(dead));
    waitpid(pid, NULL, 0);
    CHECK(exists(dead));
    snprintf(other, sizeof(other), "%s/fettle-notes", base); /* somebody's, by the look of it */
    CHECK_EQ(mkdir(other, 0700), 0);
    CHECK_EQ(rundir_make(&mine, base, &p), 0); /* sweeps first */
    CHECK(!exists(dead));
    CHECK(exists(other));
    CHECK_EQ(rundir_sweep(base), 0);
    CHECK(exists(mine.path));
    rundir_remove(&mine);
    rmdir(other);
    close(fds[0]);
    close(fds[1]);
}

static void another_user_has_a_folder_in_it_that_goes_with_it(void)
{
    struct problem p = { 0 };
    struct rundir d;
    struct stat st;
    char name[RUNDIR_PATH_MAX + 32], file[RUNDIR_PATH_MAX + 64];

    CHECK_EQ(rundir_make(&d, base, &p), 0);
    CHECK_EQ(rundir_share(&d, getuid(), getgid()), 0);
    CHECK_EQ(rundir_share(&d, getuid(), getgid()), 0);
    snprintf(name, sizeof(name), "%s/u%u", d.path, (u32)getuid());
    CHECK_EQ(stat(name, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0700);
    CHECK_EQ(stat(d.path, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0711);
    snprintf(file, sizeof(file), "%s/1.2.3", name);
    CHECK_EQ(mknod(file, S_IFIFO | 0600, 0), 0);
    rundir_remove(&d);
    CHECK(!exists(d.path));
}

static void fettles_are_found_by_their_owner_and_services_by_their_name(void)
{
    struct rundir_found found[4];
    struct problem p = { 0 };
    struct rundir d;
    char path[128];

    CHECK_EQ(rundir_make(&d, base, &p), 0);
    CHECK_EQ(rundir_find(base, geteuid(), found, 4), 1);
    CHECK_EQ(found[0].pid, (u32)getpid());
    CHECK_STR(str_of(found[0].path), d.path);
    CHECK_EQ(rundir_find(base, geteuid() + 1, found, 4), 0);
    CHECK_EQ(fchmod(d.fd, 0755), 0); /* so that others may look into it: not one of ours */
    CHECK_EQ(rundir_find(base, geteuid(), found, 4), 0);

    snprintf(path, sizeof(path), "%s/fettle-shop", base);
    CHECK_EQ(mkdir(path, 0755), 0);
    put_file(base, "fettle-file");
    CHECK_EQ(rundir_services(base, found, 4), 1); /* neither the fettle itself, nor the file */
    CHECK_STR(str_of(found[0].path), path);
    CHECK_EQ(found[0].owner, geteuid());
    rmdir(path);
    snprintf(path, sizeof(path), "%s/fettle-file", base);
    unlink(path);
    rundir_remove(&d);
}

static void a_place_that_does_not_do_is_named(void)
{
    struct problem p = { 0 };
    struct rundir d;

    CHECK_EQ(rundir_make(&d, "/no/such/place", &p), -EINVAL);
    CHECK(strstr(p.text, "/no/such/place") != NULL);
    CHECK_EQ(d.fd, -1);
}

int main(void)
{
    if (!mkdtemp(base))
        return 1;
    TEST(a_folder_is_private_and_goes_with_all_in_it);
    TEST(what_a_dead_fettle_left_is_swept_and_what_a_live_one_has_is_not);
    TEST(another_user_has_a_folder_in_it_that_goes_with_it);
    TEST(fettles_are_found_by_their_owner_and_services_by_their_name);
    TEST(a_place_that_does_not_do_is_named);
    rmdir(base);
    return tap_done();
}
