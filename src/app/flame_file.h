/* app/flame_file.h -- a flame graph as a file: which form, and written */
#pragma once

#include "base/problem.h"
#include "view/flame.h"

/* What the ending of a name asks for: .html, .htm, .svg, .speedscope.json, with .gz or .zst behind
 * it or not. False: for none of them. */
MUST_USE bool flame_file_format(struct str path, enum flame_format *out);
/* ".flame.html" and the like, for the names of new files. */
const char *flame_file_ending(enum flame_format format);
/* As --format has it: "html". */
const char *flame_file_word(enum flame_format format);
/* A file's name without its folder, its ending (.cpuprofile, .heapprofile, .json, .gz, .zst), or
 * "profile". */
struct str flame_file_stem(struct str path);

struct flame_written {
    u64 bytes;
    u32 calls;    /* in it */
    u32 left_out; /* that were too small */
};

/* Writes it; "-" is the standard output. 0; -EINVAL with *p; -ENOMEM. */
MUST_USE int flame_file_write(const struct profile *profile, struct str title, const char *path,
                              enum flame_format format, struct flame_written *out,
                              struct problem *p);
