/* addon/part.c -- JavaScript that is compiled into agent.node */
#include "part.h"

#include <string.h>

/* The compiler runs at the top of the tree. */
#define PART(name)                                                                            \
    extern const char part_##name[], part_##name##_end[];                                     \
    __asm__(".pushsection .rodata\n"                                                          \
            ".hidden part_" #name "\n.hidden part_" #name "_end\n"                            \
            ".global part_" #name "\n.global part_" #name "_end\n"                            \
            "part_" #name ":\n.incbin \"addon/" #name ".js\"\npart_" #name "_end:\n.byte 0\n" \
            ".popsection\n")

PART(allocations);
PART(cluster);
PART(environment);
PART(measures);
PART(next);
PART(opened);
PART(statistics);
PART(trace);
PART(trace_calls);
PART(trace_libraries);
PART(trace_measures);
PART(trace_places);
PART(trace_sequence);
PART(trace_slow);
PART(trace_spans);
PART(trace_statements);
PART(trace_told);

const char *part_text(const char *name, size_t *len)
{
    static const struct {
        const char *name, *text, *end;
    } parts[] = {
        { "allocations", part_allocations, part_allocations_end },
        { "cluster", part_cluster, part_cluster_end },
        { "environment", part_environment, part_environment_end },
        { "measures", part_measures, part_measures_end },
        { "next", part_next, part_next_end },
        { "opened", part_opened, part_opened_end },
        { "statistics", part_statistics, part_statistics_end },
        { "trace", part_trace, part_trace_end },
        { "trace_calls", part_trace_calls, part_trace_calls_end },
        { "trace_libraries", part_trace_libraries, part_trace_libraries_end },
        { "trace_measures", part_trace_measures, part_trace_measures_end },
        { "trace_places", part_trace_places, part_trace_places_end },
        { "trace_sequence", part_trace_sequence, part_trace_sequence_end },
        { "trace_slow", part_trace_slow, part_trace_slow_end },
        { "trace_spans", part_trace_spans, part_trace_spans_end },
        { "trace_statements", part_trace_statements, part_trace_statements_end },
        { "trace_told", part_trace_told, part_trace_told_end },
    };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, name) == 0) {
            *len = (size_t)(parts[i].end - parts[i].text);
            return parts[i].text;
        }
    return NULL;
}
