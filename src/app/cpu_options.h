/* app/cpu_options.h -- what the commands that read CPU profiles can be told */
#pragma once

#include "conf/settings.h"
#include "view/flame.h"

enum { CPU_WORDS_MAX = 8 };

/* FLAME_… + 1, or what the file's name says. */
enum cpu_format { CPU_FORMAT_AUTO };

struct cpu_options {
    bool json;
    bool source_maps;  /* they are followed */
    u32 top;           /* rows of each table; 0: all */
    u32 format;        /* enum cpu_format */
    bool open;         /* in the browser */
    struct str output; /* empty: not given; NUL-terminated */
    const char *word[CPU_WORDS_MAX];
    u32 words;
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table cpu_report_flags, heap_report_flags, cpu_flame_flags,
    heap_flame_flags;

/* As heap_options_read. */
MUST_USE int cpu_options_read(struct cpu_options *o, const struct settings_table *t, int argc,
                              char **argv, u32 least, u32 most, const char *needs);
void cpu_options_done(struct cpu_options *o);
