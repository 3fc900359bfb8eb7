/* io/library.c -- shared libraries that are loaded when they are needed */
#include "io/library.h"

#include <dlfcn.h>

int library_load(const struct library *l, void *function[], struct problem *p)
{
    void *library = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        return problem_set(p, "%s (%s) is not installed; on Debian and Ubuntu: apt-get install %s",
                           l->what, l->file, l->package);
    for (u32 i = 0; i < l->count; i++) {
        function[i] = dlsym(library, l->names[i]);
        if (!function[i])
            return problem_set(p, "%s is too old: it has no %s", l->file, l->names[i]);
    }
    return 0;
}
