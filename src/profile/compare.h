/* profile/compare.h -- what became slower or faster between two sets of profiles
 *
 * Each side has one profile or several runs of the same. Functions are matched by name and file
 * (without "file://"), whatever their line: of several functions of one name in one file, those of
 * one side are matched with those of the other in their order; where one side has more of them, by
 * their position if all of the smaller side's are where they were, and otherwise all are taken
 * together as one (`places`).
 * What is compared is self time: it parts the whole, so that what is slower shows once.
 */
#pragma once

#include "profile/hotspots.h"
#include "profile/significance.h"

/* What times are relative to. */
enum compare_unit {
    COMPARE_RUN,    /* milliseconds a profile: both sides did the same work */
    COMPARE_SECOND, /* milliseconds of CPU in a second: the same load for whatever time */
    COMPARE_BUSY,   /* percent of the time that was not idle: whatever was done, by shares */
};

struct compare_side {
    const struct profile *run;
    u32 runs; /* 1 to SIGNIFICANCE_RUNS_MAX */
};

struct compared {
    struct str name, file; /* views of the profiles; file may be empty */
    int32_t line[2];       /* from 0; -1: none, or not there */
    u32 places;            /* how many functions this is; 1 mostly */
    enum hotspot_kind kind;
    u64 samples[2];
    double self[2], total[2]; /* in the unit; of several places, total is a sum */
    struct significance change;
    double adjusted; /* p, for as many functions as were tested; 1: too few samples for a test */
    u64 order;       /* private */
};

struct comparison {
    struct compared *function; /* what became slower first, by how much time; then faster */
    u32 functions, tested;
    struct compared total;             /* all but idle time */
    double busy_ms[2], duration_ms[2]; /* all runs of a side */
    u64 samples[2];                    /* idle ones, too */
    double scatter;                    /* from run to run, relative: a standard deviation */
};

/* Whether a profile has seen its program start: then it is one of a whole run (what
 * Node runs a main script by is on a stack in it). */
bool compare_saw_start(const struct profile *p);

/* `noise`: how much runs are taken to scatter at least, 0.03 for 3 %. The profiles outlive the
 * comparison. 0; -EINVAL when a profile has no duration, or no time but idle; -ENOMEM. The owner
 * calls compare_done in any case. */
MUST_USE int compare_profiles(struct comparison *c, const struct compare_side side[2],
                              enum compare_unit unit, double noise);
void compare_done(struct comparison *c);
