/* worker/verdict.c -- the supervisor's decisions, as functions of plain values */
#include "worker/verdict.h"

#include <signal.h>

enum { GIVE_UP_FAILURES = 3 };
#define WARN_PAUSE_NS (10 * NS_PER_S)
#define OTHER_ADDRESSES_NS (5 * NS_PER_S)

bool verdict_codes_read(struct verdict_rules *rules, struct str text)
{
    u64 code;

    while (text.ptr && text.len) {
        if (!str_to_u64(str_trim(str_cut(text, ',', &text)), &code) || code > 255)
            return false;
        rules->final_codes[code / 64] |= 1ull << code % 64;
    }
    return true;
}

bool verdict_is_last(u32 max_restarts, u32 failures)
{
    return max_restarts && failures > max_restarts;
}

static bool is_final(const struct verdict_rules *rules, const struct child_end *end)
{
    u32 code = (u32)end->code & 255;

    return end->signal == 0 && (rules->final_codes[code / 64] >> code % 64) & 1;
}

static enum verdict_end end_usual(const struct child_end *end, bool ours, bool listened)
{
    if (ours)
        return VERDICT_FAILED;
    switch (end->signal) {
    case 0:
        return end->code == 0 && !listened ? VERDICT_FINISHED : VERDICT_FAILED;
    case SIGKILL:
    case SIGTERM:
    case SIGINT:
    case SIGHUP:
    case SIGQUIT:
        return VERDICT_OUTSIDE;
    default:
        return VERDICT_FAILED;
    }
}

enum verdict_end verdict_end(const struct child_end *end, const struct verdict_rules *rules,
                             bool ours, bool listened)
{
    enum verdict_end usual = end_usual(end, ours, listened);

    if (!ours && is_final(rules, end))
        return VERDICT_FINISHED;
    if (rules->restarts || usual == VERDICT_FINISHED)
        return usual;
    return !ours && end->signal == 0 && end->code == 0 ? VERDICT_FINISHED : VERDICT_STOPPED;
}

bool verdict_gives_up(u32 workers, u32 workers_failed, u32 failures)
{
    return workers_failed >= workers && failures >= GIVE_UP_FAILURES;
}

u64 verdict_blocked_ns(u64 busy_since_ns, u64 now_ns)
{
    return busy_since_ns == 0 || busy_since_ns > now_ns ? 0 : now_ns - busy_since_ns;
}

enum verdict_loop verdict_loop(const struct verdict_loop_limits *limits, u64 busy_since_ns,
                               u64 warned_since_ns, u64 warned_ns, u64 now_ns)
{
    u64 blocked_ns = verdict_blocked_ns(busy_since_ns, now_ns);

    if (limits->max_ns && blocked_ns >= limits->max_ns)
        return VERDICT_LOOP_REPLACE;
    if (!limits->warn_ns || blocked_ns < limits->warn_ns || busy_since_ns == warned_since_ns)
        return VERDICT_LOOP_FINE;
    if (warned_ns && now_ns - warned_ns < WARN_PAUSE_NS)
        return VERDICT_LOOP_FINE;
    return VERDICT_LOOP_WARN;
}

bool verdict_takes_over(const struct verdict_heir *h)
{
    if (!h->ready)
        return false;
    if ((h->old_bits & ~h->new_bits) == 0)
        return true;
    return h->new_bits && h->ready_for_ns >= OTHER_ADDRESSES_NS;
}

u32 verdict_replacements_max(u32 workers)
{
    return (workers + 1) / 2;
}
