/* profile/trace_events.h -- CPU profiles within a trace of Chrome DevTools or of Node
 *
 * What the Performance panel of DevTools saves, and `node --trace-event-categories
 * v8.cpu_profiler,disabled-by-default-v8.cpu_profiler` writes: {"traceEvents":[…]}, or the list
 * alone. V8 puts a profile there in pieces: ProfileChunk events of one process and one id have new
 * nodes, and samples with the time since the one before and their lines. A CpuProfile event has a
 * whole one. Nodes of several profiles (worker threads, processes) get ids that do not meet; their
 * roots are one. Source: V8's src/profiler/profile-generator.cc
 * (CpuProfile::StreamPendingTraceEvents), DevTools' models/trace/handlers/SamplesHandler.ts.
 */
#pragma once

#include "profile/raw_nodes.h"

enum { TRACE_EVENTS_PROFILES_MAX = 1024 };

struct trace_events {
    u64 *sample; /* ids of nodes */
    u32 *line;   /* of each, from 1; 0: not known */
    u32 samples, lines;
    double took_us; /* all profiles together */
    /* private */
    u32 sample_cap, line_cap;
    u64 root; /* the id of the first node of all */
    u32 profiles;
    struct {
        u64 key;  /* hash of its process and id */
        u64 root; /* the id that its root has in the file; UINT64_MAX: it has not come yet */
    } profile[TRACE_EVENTS_PROFILES_MAX];
};

/* All zero at first; the owner calls trace_events_done. Reads the list that begins at r->s.at; what
 * is wrong shows there, or in r->failed. */
void trace_events_read(struct trace_events *t, struct raw_nodes *r);
void trace_events_done(struct trace_events *t);

/* Whether a document that is a list can be one: the first element is an object. */
bool trace_events_may_begin(struct str bytes);

/* Samples on the lines of nodes, once it is known which nodes they are (index or PROFILE_NONE).
 * False: out of memory. */
bool trace_events_ticks(const struct trace_events *t, const u32 *node, struct profile *out);
