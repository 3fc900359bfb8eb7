/* profile/frame_memo.h -- call frames that were read before, by their very text
 *
 * A profile has the same few thousand call frames in each of its hundred thousand nodes. An object
 * whose bytes are those of one that was read needs no reading. A table of a fixed size: what finds
 * no place near where it belongs is read again each time.
 */
#pragma once

#include "profile/profile.h"

struct frame_memo {
    struct frame_memo_slot {
        const char *text; /* in the file; NULL: free */
        u32 len;
        struct profile_frame frame;
    } * slot;
};

/* What the text is known to mean, or NULL. */
const struct profile_frame *frame_memo_find(const struct frame_memo *m, struct str text);
/* `text` outlives the memo. Without memory nothing is kept. */
void frame_memo_add(struct frame_memo *m, struct str text, struct profile_frame frame);
void frame_memo_done(struct frame_memo *m);
