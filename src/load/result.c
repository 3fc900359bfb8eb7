/* load/result.c -- what was measured of one target: by a thread, a round, or all of them */
#include "load/result.h"

#include "base/clock.h"

#include <stdarg.h>

const char *const result_failure_name[RESULT_FAILURES] = {
    [RESULT_CONNECT] = "connect", [RESULT_RESET] = "reset",       [RESULT_TIMEOUT] = "timeout",
    [RESULT_STATUS] = "status",   [RESULT_PROTOCOL] = "protocol", [RESULT_UNSENT] = "unsent",
};

int result_init(struct result *r, u32 kinds_n)
{
    int err;

    *r = (struct result){ .kinds = calloc(kinds_n, sizeof(*r->kinds)), .kinds_n = kinds_n };
    err = r->kinds ? hdr_init(&r->latency) : -ENOMEM;
    for (u32 i = 0; i < kinds_n && !err; i++)
        err = hdr_init(&r->kinds[i].latency);
    if (err)
        result_done(r);
    return err;
}

void result_done(struct result *r)
{
    for (u32 i = 0; r->kinds && i < r->kinds_n; i++)
        hdr_done(&r->kinds[i].latency);
    free(r->kinds);
    hdr_done(&r->latency);
    *r = (struct result){ 0 };
}

static void failed(struct result *r, u32 kind, enum result_failure why)
{
    r->failures[why]++;
    r->failed++;
    r->kinds[kind].failed++;
}

void result_answer(struct result *r, u32 kind, u32 status, u64 ns)
{
    r->requests++;
    r->kinds[kind].requests++;
    r->statuses[min(status, RESULT_STATUSES - 1u)]++;
    hdr_add(&r->kinds[kind].latency, ns);
    if (status >= 400) {
        failed(r, kind, RESULT_STATUS);
        result_trouble(r, "the answer has the status %u", status);
    }
}

void result_failure(struct result *r, u32 kind, enum result_failure why)
{
    r->requests++;
    r->kinds[kind].requests++;
    failed(r, kind, why);
}

void result_trouble(struct result *r, const char *fmt, ...)
{
    va_list args;

    if (r->trouble[0])
        return;
    va_start(args, fmt);
    vsnprintf(r->trouble, sizeof(r->trouble), fmt, args);
    va_end(args);
}

static void add(struct result *r, const struct result *from)
{
    assert(r->kinds_n == from->kinds_n);
    for (u32 i = 0; i < r->kinds_n; i++) {
        hdr_merge(&r->kinds[i].latency, &from->kinds[i].latency);
        r->kinds[i].requests += from->kinds[i].requests;
        r->kinds[i].failed += from->kinds[i].failed;
    }
    r->requests += from->requests;
    r->failed += from->failed;
    r->unfinished += from->unfinished;
    r->in_time += from->in_time;
    for (u32 i = 0; i < RESULT_FAILURES; i++)
        r->failures[i] += from->failures[i];
    for (u32 i = 0; i < RESULT_STATUSES; i++)
        r->statuses[i] += from->statuses[i];
    r->bytes_in += from->bytes_in;
    r->bytes_out += from->bytes_out;
    r->cpu_user_us += from->cpu_user_us;
    r->cpu_system_us += from->cpu_system_us;
    if (from->trouble[0])
        result_trouble(r, "%s", from->trouble);
}

void result_join(struct result *r, const struct result *from)
{
    add(r, from);
    r->measured_ns = max(r->measured_ns, from->measured_ns);
}

void result_append(struct result *r, const struct result *from)
{
    add(r, from);
    r->measured_ns += from->measured_ns;
}

void result_sum(struct result *r)
{
    memset(r->latency.counts, 0, HDR_COUNTERS * sizeof(*r->latency.counts));
    r->latency = (struct hdr){ .counts = r->latency.counts };
    for (u32 i = 0; i < r->kinds_n; i++)
        hdr_merge(&r->latency, &r->kinds[i].latency);
}

double result_rate(const struct result *r)
{
    return r->measured_ns ? (double)r->in_time * NS_PER_S / (double)r->measured_ns : 0;
}

bool result_answered(const struct result *r)
{
    for (u32 i = 0; i < RESULT_STATUSES; i++)
        if (r->statuses[i])
            return true;
    return false;
}
