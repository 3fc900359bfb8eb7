/* app/heap_options.h -- what the commands that read snapshots can be told */
#pragma once

#include "conf/settings.h"

enum { HEAP_WORDS_MAX = 8 };

/* Texts are owned by the options and NUL-terminated; an empty one was not given. */
struct heap_options {
    bool json;
    bool classes;                     /* sums by class */
    u32 top;                          /* rows; 0: all */
    u32 all;                          /* paths */
    u32 depth;                        /* levels of a tree */
    u32 port;                         /* to listen on; 0: any */
    bool open;                        /* in the browser */
    u64 idle_ns;                      /* after which it ends; 0: never */
    const char *word[HEAP_WORDS_MAX]; /* what is no flag: files, objects */
    u32 words;
    struct str max_total, max_retained, max_count, max_growth; /* a line each */
    struct str budgets;                                        /* a file with more of them */
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table heap_summary_flags, heap_biggest_flags, heap_show_flags,
    heap_path_flags, heap_diff_flags, heap_query_flags, heap_check_flags, heap_view_flags;

/* Reads flags and words, of which there must be `least` to `most`; `needs` says which:
 * "a FILE, such as app.heapsnapshot". 0; or an exit code after a message; or -1 after --help has
 * been answered. */
MUST_USE int heap_options_read(struct heap_options *o, const struct settings_table *t, int argc,
                               char **argv, u32 least, u32 most, const char *needs);
void heap_options_done(struct heap_options *o);
