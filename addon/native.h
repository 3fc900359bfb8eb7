/* addon/native.h -- where the main thread is while it runs no JavaScript
 *
 * From /proc/self/task/TID/{syscall,wchan} (proc(5)). Any thread may look.
 */
#pragma once

#include <stddef.h>

enum { NATIVE_RUNS = -1, NATIVE_UNKNOWN = -2 };

struct native {
    int call;           /* the number of the system call in which it sits, or NATIVE_* */
    char call_name[24]; /* empty: not known */
    char channel[40];   /* the kernel's function in which it waits; empty: none, or not known */
};

void native_look(struct native *out);

/* As a line of text, like snprintf. */
int native_text(const struct native *n, char *out, size_t max);
