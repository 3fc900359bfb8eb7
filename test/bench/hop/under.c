/* test/bench/hop/under.c -- preloaded into fettle's supervisor: runs its proxy under another
 * program
 *
 * The supervisor starts itself anew as the proxy; valgrind cannot follow a program through
 * /proc/self/exe. HOP_UNDER holds the words that go before the proxy's own, with single spaces. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 64 };

__attribute__((visibility("default"))) int execve(const char *path, char *const argv[],
                                                  char *const envp[])
{
    int (*real)(const char *, char *const[], char *const[]);
    void *found = dlsym(RTLD_NEXT, "execve");
    char *words[WORDS_MAX + 1], *under = getenv("HOP_UNDER"), self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    int n = 0;

    memcpy(&real, &found, sizeof found);
    if (!under || len < 0 || strcmp(path, "/proc/self/exe") != 0 || strcmp(argv[1], "__proxy") != 0)
        return real(path, argv, envp);
    self[len] = 0;
    for (char *word = strtok(under, " "); word && n < WORDS_MAX / 2; word = strtok(NULL, " "))
        words[n++] = word;
    words[n++] = self;
    for (int i = 1; argv[i] && n < WORDS_MAX; i++)
        words[n++] = argv[i];
    words[n] = NULL;
    return real(words[0], words, envp);
}
