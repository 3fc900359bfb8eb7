/* worker/frame.h -- lines out of the bytes that come over the control socket
 *
 * A line ends with a newline; one that does not fit is the end of it all. What has come beyond the
 * line that is being answered waits here. Pure; all zero: empty.
 */
#pragma once

#include "worker/order.h"

enum { FRAME_BYTES = ORDER_BYTES_MAX };

struct frame {
    u32 len;
    char bytes[FRAME_BYTES];
};

enum frame_got {
    FRAME_MORE,     /* no whole line yet */
    FRAME_LINE,     /* *line, without its newline: in `out` */
    FRAME_TOO_LONG, /* a line is longer than there is room; all of it is thrown away */
};

/* Where the next bytes go; *room is 0 only after FRAME_TOO_LONG was due. */
char *frame_room(struct frame *f, u32 *room);
/* So many have been put there. */
void frame_added(struct frame *f, u32 bytes);
/* Nothing more comes: what is left is a line, too. */
void frame_end(struct frame *f);

MUST_USE enum frame_got frame_next(struct frame *f, char out[FRAME_BYTES], struct str *line);
