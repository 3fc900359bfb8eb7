/* app/heap_site.h -- a heap view as a site for the browser of one person
 *
 * A snapshot holds every string of a process, passwords included. So, of what asks on the loopback
 * address:
 *   - the kernel has to say that it is a program of this user's, or root's;
 *   - it has to know the token, a random path: http://127.0.0.1:PORT/TOKEN/;
 *   - Host has to name this machine, so that no web page reads the answers under a name of its own
 *     (DNS rebinding), and Origin and Sec-Fetch-Site must not be another site's.
 * The pages may load nothing from elsewhere, and be in nobody's frame.
 */
#pragma once

#include "admin/site.h"
#include "view/heapview.h"

struct heap_site {
    struct site site;
    char token[33];
    /* private */
    struct heapview *view;
    u64 asked_ns; /* when somebody asked last */
};

/* `view` outlives it. -errno: there is no random token to be had. */
MUST_USE int heap_site_init(struct heap_site *s, struct heapview *view, u64 now_ns);

/* Nanoseconds since somebody asked last. */
u64 heap_site_idle_ns(const struct heap_site *s, u64 now_ns);
