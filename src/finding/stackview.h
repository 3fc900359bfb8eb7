/* finding/stackview.h -- one stack of a blocked loop: the app's place in it, and what it has called
 *
 * Views of the text that was read.
 */
#pragma once

#include "finding/stacktext.h"

struct stackview {
    bool has_frames, has_loader;
    bool top_is_place;            /* the app's code is innermost */
    bool below_is_queue;          /* ... calls the place */
    bool in_database;             /* a call that blocks, as the agent's wrap of it shows */
    struct str database;          /* its name */
    struct stacktext_frame api;   /* what the place has called of Node's, if it has */
    struct stacktext_frame above; /* what the place has called of any other's; or api */
    struct stacktext_frame place;
    struct stacktext_frame root; /* the outermost frame */
};

/* `entered`: a frame that is passed over when it is innermost (struct cause_view); zero: none. */
void stackview_read(struct stackview *s, struct str text, const struct stacktext_frame *entered);

/* Nothing but promises and ticks has led to the place. */
bool stackview_is_from_queue(const struct stackview *s);
/* The outermost frame is the queue's of promises and ticks. */
bool stackview_begins_in_queue(const struct stackview *s);

/* The same line and column of the same script. */
bool stackview_same_frame(const struct stacktext_frame *a, const struct stacktext_frame *b);
