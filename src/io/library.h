/* io/library.h -- shared libraries that are loaded when they are needed
 *
 * Clients of databases, libcurl: most machines and most runs need none of them, so fettle starts
 * without them.
 */
#pragma once

#include "base/problem.h"

struct library {
    const char *file;    /* "libpq.so.5" */
    const char *what;    /* "PostgreSQL's client library" */
    const char *package; /* Debian's: "libpq5" */
    const char *const *names;
    u32 count;
};

/* Finds all of the names: function[i] is names[i]. It stays loaded. -EINVAL, with *p: it is not
 * there, or lacks one of them; the functions are of no use then. */
MUST_USE int library_load(const struct library *l, void *function[], struct problem *p);
