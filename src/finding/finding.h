/* finding/finding.h -- what can be wrong with an app, and what to do about it
 *
 * Each kind has a word that does not change: tests, alerts and people's notes go by it. A finding
 * names the place in the app's code that is to blame, as far as it is known, and shows the
 * evidence.
 */
#pragma once

#include "base/str.h"

/* Whoever finds something new adds its kind to the end of its group, and a row to finding.c. */
enum finding_kind {
    FINDING_NONE,

    /* A turn of the event loop took longer than `block` (doc/blocked-loop.md). */
    FINDING_SYNC_IO,       /* fs.readFileSync and its kin */
    FINDING_CHILD_PROCESS, /* execSync, spawnSync, execFileSync */
    FINDING_SYNC_CRYPTO,   /* pbkdf2Sync, scryptSync, generateKeyPairSync, randomBytes, hashes */
    FINDING_SYNC_ZLIB,     /* gzipSync, inflateSync, … */
    FINDING_SYNC_DATABASE, /* node:sqlite, better-sqlite3 */
    FINDING_MODULE_LOAD,   /* require() while requests are served */
    FINDING_WAIT,          /* Atomics.wait */
    FINDING_JSON,          /* JSON.parse or JSON.stringify of a large value */
    FINDING_REGEXP,        /* a regular expression that backtracks */
    FINDING_JAVASCRIPT,    /* a long loop */
    FINDING_MICROTASKS,    /* promises or nextTicks that make more of themselves */
    FINDING_TIMERS,        /* many timers that are due at once */
    FINDING_GC,            /* V8 collected garbage for most of it */
    FINDING_NATIVE,        /* native code: an addon, or a part of Node without a name */
    FINDING_UNKNOWN,       /* no stack could be had */

    /* Statements and calls of one request */
    FINDING_N_PLUS_ONE,
    FINDING_SEQUENTIAL_AWAITS,
    FINDING_SLOW_STATEMENT,

    /* What grows and is never closed */
    FINDING_SOCKET_LEAK,
    FINDING_TIMER_LEAK,
    FINDING_FD_LEAK, /* files, pipes and what else is no socket */
    FINDING_CHILD_LEAK,

    FINDING_KINDS,
};

/* "blocked-loop/sync-io", "n-plus-one" …; "" for what is none. */
struct str finding_word(enum finding_kind kind);
/* One sentence for people: "A synchronous file system call blocks the event loop." */
struct str finding_title(enum finding_kind kind);
/* What to do, for a finding that has no better advice of its own; may be empty. */
struct str finding_advice(enum finding_kind kind);
/* Whether its evidence is sums: the newest one is shown, not that of the worst time. */
bool finding_is_sum(enum finding_kind kind);
/* Whether it is about a blocked loop. */
bool finding_is_block(enum finding_kind kind);

/* What was found, once. Texts are views, and are copied and bounded by whoever keeps them
 * (found.h); empty and 0: not known, or it has none. */
struct finding {
    enum finding_kind kind;
    u32 app;             /* its index */
    u32 worker;          /* from 1 */
    u64 at_ns;           /* when it began: CLOCK_MONOTONIC */
    u64 took_ns;         /* how long this one lasted, or has lasted so far */
    u64 total_ns;        /* of all that this stands for; 0: took_ns */
    u64 stack_ns;        /* from when it began until the monitor had its stack; 0: it had none */
    u64 count;           /* how many this stands for; 0 is 1 */
    struct str route;    /* "GET /users/:id" or "/users/:id" */
    struct str subject;  /* what it is about: "fs.readFileSync", a statement, a type of handles */
    struct str function; /* the place in the app's code: where to look first */
    struct str file;
    u32 line, column;  /* from 1 */
    struct str source; /* the text of that line */
    struct str text;   /* the evidence, in lines: a stack, a statement's plan */
    struct str advice; /* one sentence; empty: finding_advice() */
};
