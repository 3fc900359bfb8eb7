/* admin/remedy.h -- what would replace a statement that runs again and again
 *
 * By the statement's shape, the library that the app uses for it, and whether it is all at once
 * already. One or two sentences.
 */
#pragma once

#include "base/buf.h"
#include "shm/calls.h"

/* What was repeated. Views for the call. */
struct remedy_case {
    enum shm_call_system system;
    struct str statement; /* without its values */
    struct str via;       /* packages between the app and its driver, spaces between */
    bool concurrent;
};

/* Appends the advice. */
void remedy_write(struct buf *out, const struct remedy_case *c);
