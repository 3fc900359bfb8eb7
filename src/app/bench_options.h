/* app/bench_options.h -- what `fettle bench` can be told, in one table */
#pragma once

#include "conf/settings.h"

enum bench_arrivals { BENCH_CONSTANT, BENCH_POISSON };

/* Texts are owned by the options and NUL-terminated; an empty one was not given. */
struct bench_options {
    u32 rate; /* 0: a closed loop */
    enum bench_arrivals arrivals;
    u32 connections, threads, seed, rounds;
    u64 duration_ns, warmup_ns, timeout_ns;
    bool keepalive, json;
    struct str method, headers /* lines */, body, body_file, mix, unix_path, unix_path2, hdr;
    struct str url, url2;
    bool help; /* was asked for: nothing else was checked */
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table bench_flags;

/* Reads and checks argv[1] … 0, or an exit code after a message on standard error. *o belongs to
 * the caller, who calls bench_options_done in any case; url and url2 are views of argv. */
MUST_USE int bench_options_read(struct bench_options *o, int argc, char **argv);
void bench_options_done(struct bench_options *o);
