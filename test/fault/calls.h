/* test/fault/calls.h -- the calls that can be made to fail: C's name, and what tells of failure
 *
 * The order is a call's number, which test/e2e/helpers/faults.mjs finds by reading this list.
 */
#pragma once

/* clang-format off */
#define FAULT_CALLS(CALL) \
    /* sockets */ \
    CALL(socket, MINUS) CALL(socketpair, MINUS) CALL(bind, MINUS) CALL(listen, MINUS) CALL(connect, MINUS) \
    CALL(accept4, MINUS) CALL(getsockname, MINUS) CALL(getpeername, MINUS) CALL(getsockopt, MINUS) CALL(setsockopt, MINUS) \
    CALL(shutdown, MINUS) CALL(recv, MINUS) CALL(recvmsg, MINUS) CALL(send, MINUS) CALL(sendto, MINUS) CALL(sendmsg, MINUS) \
    /* descriptors */ \
    CALL(read, MINUS) CALL(pread, MINUS) CALL(write, MINUS) CALL(writev, MINUS) CALL(splice, MINUS) CALL(pipe2, MINUS) \
    CALL(dup2, MINUS) CALL(fcntl, MINUS) CALL(ioctl, MINUS) CALL(close, DONE) CALL(poll, MINUS) CALL(flock, MINUS) CALL(lseek, MINUS) \
    CALL(eventfd, MINUS) CALL(eventfd_read, MINUS) CALL(eventfd_write, MINUS) CALL(signalfd, MINUS) CALL(timerfd_create, MINUS) CALL(timerfd_settime, MINUS) \
    CALL(epoll_create1, MINUS) CALL(epoll_ctl, MINUS) CALL(epoll_wait, MINUS) CALL(epoll_pwait2, MINUS) \
    CALL(inotify_init1, MINUS) CALL(inotify_add_watch, MINUS) CALL(inotify_rm_watch, MINUS) \
    /* files */ \
    CALL(open, MINUS) CALL(openat, MINUS) CALL(fopen, NOTHING) CALL(opendir, NOTHING) CALL(fdopendir, NOTHING) \
    CALL(stat, MINUS) CALL(lstat, MINUS) CALL(fstat, MINUS) CALL(fstatat, MINUS) CALL(statvfs, MINUS) CALL(access, MINUS) \
    CALL(ftruncate, MINUS) CALL(fsync, MINUS) CALL(chmod, MINUS) CALL(fchmod, MINUS) CALL(fchown, MINUS) CALL(fchownat, MINUS) \
    CALL(mkdir, MINUS) CALL(mkdirat, MINUS) CALL(mkdtemp, NOTHING) CALL(unlink, MINUS) CALL(unlinkat, MINUS) CALL(rmdir, MINUS) \
    CALL(rename, MINUS) CALL(renameat, MINUS) CALL(renameat2, MINUS) CALL(symlink, MINUS) CALL(symlinkat, MINUS) \
    CALL(readlink, MINUS) CALL(readlinkat, MINUS) CALL(realpath, NOTHING) CALL(getcwd, NOTHING) CALL(chdir, MINUS) \
    /* memory */ \
    CALL(memfd_create, MINUS) CALL(mmap, MINUS) CALL(mremap, MINUS) CALL(madvise, MINUS) \
    CALL(malloc, NOTHING) CALL(calloc, NOTHING) CALL(realloc, NOTHING) CALL(aligned_alloc, NOTHING) CALL(strdup, NOTHING) \
    /* processes */ \
    CALL(fork, MINUS) CALL(execve, MINUS) CALL(waitpid, MINUS) CALL(kill, MINUS) CALL(setpgid, MINUS) CALL(setsid, MINUS) \
    CALL(prctl, MINUS) CALL(getrlimit, MINUS) CALL(setrlimit, MINUS) CALL(prlimit, MINUS) CALL(getrusage, MINUS) \
    CALL(getpriority, MINUS) CALL(setpriority, MINUS) CALL(sched_getaffinity, MINUS) CALL(sigaction, MINUS) CALL(sigprocmask, MINUS) \
    CALL(pthread_create, CODE) CALL(posix_spawn, CODE) CALL(posix_spawnp, CODE) CALL(getrandom, MINUS) CALL(uname, MINUS)
/* clang-format on */
