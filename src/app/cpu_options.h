/* app/cpu_options.h -- what the commands that read CPU profiles can be told */
#pragma once

#include "base/problem.h"
#include "conf/settings.h"
#include "view/flame.h"

enum { CPU_WORDS_MAX = 64 }; /* as many as can be compared */

enum cpu_per { CPU_PER_AUTO, CPU_PER_RUN, CPU_PER_SECOND, CPU_PER_BUSY };

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
    /* cpu diff */
    struct str before, after; /* files, commas between */
    enum cpu_per per;
    struct str max_regression, min_share, noise; /* in per cent; empty: none */
    struct str sizes;                            /* of cpu scale; empty: by the files' names */
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table cpu_report_flags, cpu_diff_flags, cpu_scale_flags,
    cpu_flame_flags, heap_report_flags, heap_flame_flags;

/* As heap_options_read. */
MUST_USE int cpu_options_read(struct cpu_options *o, const struct settings_table *t, int argc,
                              char **argv, u32 least, u32 most, const char *needs);
/* "10%" as 0.1 of the flag `flag`; `none` when the text is empty. -EINVAL with *p. */
MUST_USE int cpu_options_share(struct str text, const char *flag, double none, double *out,
                               struct problem *p);
void cpu_options_done(struct cpu_options *o);
