/* app/progress.h -- how far something is, in one line on a terminal
 *
 * Written over again and again, a few times a second, on standard error; nothing where that is no
 * terminal, and nothing for work that is done within half a second.
 */
#pragma once

#include "base/clock.h"

/* All zero at first. */
struct progress {
    /* private */
    bool asked, shows, has_line;
    u64 started_ns, shown_ns;
    const char *what;
};

/* «taking the snapshot ███████░░░░░ 58 %  0.9 GB  12 s». `what` begins anew when it is another
 * one. total 0: how much there is to do is not known. bytes 0: left out. */
void progress_show(struct progress *p, const char *what, u64 done, u64 total, u64 bytes);
/* Takes the line away: before anything else is written there, and at the end. */
void progress_clear(struct progress *p);
