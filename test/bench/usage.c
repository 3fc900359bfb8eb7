/* usage COMMAND ARGS… -- runs a program to its end and tells what that took, as JSON on stdout
 *
 * The program's own stdout goes nowhere. wall_s counts from before the fork to after the wait;
 * peak_bytes is the most that was resident at a time (getrusage(2): ru_maxrss), of the program and
 * whoever it has waited for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void become(char **argv)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0)
        execvp(argv[0], argv);
    fprintf(stderr, "usage: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage COMMAND ARGS...\n");
        return 2;
    }
    double begun = now();
    pid_t pid = fork();
    if (pid == 0)
        become(argv + 1);
    int status;
    struct rusage usage;
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
        perror("usage");
        return 1;
    }
    printf("{\"wall_s\":%.6f,\"user_s\":%.6f,\"system_s\":%.6f,\"peak_bytes\":%ld,\"status\":%d}\n",
           now() - begun, seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss * 1024,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
