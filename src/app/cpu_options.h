/* app/cpu_options.h -- what the commands that read CPU profiles can be told */
#pragma once

#include "conf/settings.h"

enum { CPU_WORDS_MAX = 8 };

struct cpu_options {
    bool json;
    bool source_maps; /* they are followed */
    u32 top;          /* rows of each table; 0: all */
    const char *word[CPU_WORDS_MAX];
    u32 words;
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table cpu_report_flags, heap_report_flags;

/* As heap_options_read. */
MUST_USE int cpu_options_read(struct cpu_options *o, const struct settings_table *t, int argc,
                              char **argv, u32 least, u32 most, const char *needs);
void cpu_options_done(struct cpu_options *o);
