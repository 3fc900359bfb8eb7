/* finding/cause.c -- what a turn of the loop that took too long was at */
#include "finding/cause.h"

#include "finding/sample_cause.h"
#include "finding/sourceline.h"

struct stacktext_frame cause_place(const struct cause_view *v)
{
    struct stackview s = { 0 }, package = { 0 };

    for (u32 i = 0; i < v->samples; i++) {
        stackview_read(&s, v->sample[i].text, &v->entered);
        if (stacktext_is_app(&s.place))
            return s.place;
        if (!package.place.script.len)
            package = s;
    }
    return package.place;
}

bool cause_step_out(struct cause_view *v, const struct str lines[CAUSE_LINES])
{
    struct stacktext_frame place = cause_place(v);
    struct stackview s;

    if (v->entered.line || !place.column ||
        !sourceline_is_entry(lines[CAUSE_ABOVE], place.column - 1))
        return false;
    for (u32 i = 0; i < v->samples; i++) {
        if (v->sample[i].how != SHM_BLOCKED_RETURNED &&
            !(i && v->sample[i - 1].how == SHM_BLOCKED_NATIVE))
            continue;
        stackview_read(&s, v->sample[i].text, &place);
        if (!stacktext_is_app(&s.place))
            continue;
        stackview_read(&s, v->sample[i].text, &v->entered);
        if (s.top_is_place && stackview_same_frame(&s.place, &place)) {
            v->entered = place;
            return true;
        }
    }
    return false;
}

/* ---- All samples together ---- */

static bool same_verdict(const struct sample_cause *a, const struct sample_cause *b)
{
    return a->kind == b->kind && str_eq(a->subject, b->subject);
}

/* What names a function weighs more than what does not. */
static u32 weight(const struct sample_cause *v)
{
    u32 vague = v->kind == FINDING_NATIVE || v->kind == FINDING_UNKNOWN ? 0
                : v->kind == FINDING_JAVASCRIPT                         ? 1
                : v->kind == FINDING_MICROTASKS                         ? 3
                                                                        : 2;

    return 4 * v->votes + vague;
}

static bool is_specific(enum finding_kind kind)
{
    return kind != FINDING_NATIVE && kind != FINDING_UNKNOWN && kind != FINDING_JAVASCRIPT;
}

struct ballot {
    struct sample_cause verdict[2 * CAUSE_SAMPLES_MAX];
    u32 sample[2 * CAUSE_SAMPLES_MAX]; /* the first that says so */
    u32 count;
};

static void ballot_add(struct ballot *b, const struct sample_cause *one, u32 sample)
{
    for (u32 k = 0; k < b->count; k++)
        if (same_verdict(&b->verdict[k], one)) {
            b->verdict[k].votes += one->votes;
            return;
        }
    b->sample[b->count] = sample;
    b->verdict[b->count++] = *one;
}

/* Its text says why there is no stack. */
static bool is_excuse(const struct cause_sample *sample)
{
    return sample->how == SHM_BLOCKED_UNABLE || sample->how == SHM_BLOCKED_CLOSED;
}

/* Its text says nothing of the block: why there is none, or what Node did when it was over. */
static bool is_beside(const struct cause_view *v, const struct cause_sample *sample)
{
    struct stackview s;

    stackview_read(&s, sample->text, &v->entered);
    return !sample->text.len || is_excuse(sample) ||
           (sample->how == SHM_BLOCKED_RETURNED && !s.place.script.len);
}

/* Native code that cannot be named: its samples may tell more than the line. */
static struct sample_cause returned_to(const struct sample_cause *one,
                                       const struct sample_cause *native, const struct stackview *s,
                                       const struct str lines[CAUSE_LINES])
{
    struct sample_cause v = *one;

    if (s->top_is_place && sourceline_is_loop(lines[CAUSE_ABOVE]) &&
        (!native->votes || !sourceline_loop_calls(lines + CAUSE_ABOVE, CAUSE_LINES - CAUSE_ABOVE)))
        v = (struct sample_cause){ .kind =
                                       FINDING_JAVASCRIPT }; /* it was slow to look up from it */
    else if (native->kind == FINDING_GC)
        v = (struct sample_cause){ .kind = FINDING_GC, .is_near = one->is_near };
    else if (native->votes)
        v.kind = native->kind;
    return v;
}

/* All samples together: each is a vote. Those of native code are for what has called it, when that
 * is known by the stack that came when it had returned. */
static void vote(struct ballot *b, const struct cause_view *v, const struct stacktext_frame *place,
                 const struct str lines[CAUSE_LINES])
{
    struct sample_cause native = { 0 }, one;

    for (u32 i = 0; i < v->samples && i < CAUSE_SAMPLES_MAX; i++) {
        const struct cause_sample *sample = &v->sample[i];
        struct stackview s;

        if (is_excuse(sample))
            continue;
        stackview_read(&s, sample->text, &v->entered);
        if (sample->how == SHM_BLOCKED_NATIVE && !s.has_frames) {
            one = sample_cause_of_native(sample);
            one.votes += native.votes;
            native = native.kind > FINDING_NONE && native.kind < one.kind ? native : one;
            native.votes = one.votes;
            continue;
        }
        one = s.has_frames ? sample_cause_of_stack(sample, &s, place, &native, lines)
                           : (struct sample_cause){ .kind = FINDING_UNKNOWN, .votes = 1 };
        if (native.votes && one.kind == FINDING_JAVASCRIPT && s.has_frames &&
            !(s.top_is_place && sourceline_is_loop(lines[CAUSE_ABOVE]))) {
            struct cause_sample late = *sample; /* it was asked for as native code returned */

            late.how = SHM_BLOCKED_RETURNED;
            one = sample_cause_of_stack(&late, &s, place, &native, lines);
            if (one.kind == FINDING_NATIVE)
                one = returned_to(&one, &native, &s, lines);
            one.votes = 1;
        }
        if (sample->how == SHM_BLOCKED_RETURNED ||
            (native.votes && (is_specific(one.kind) || one.kind == FINDING_NATIVE))) {
            u32 votes = native.votes;

            if (one.kind == FINDING_NATIVE)
                one = returned_to(&one, &native, &s, lines);
            one.votes = votes + 1;
            native = (struct sample_cause){ 0 };
        }
        ballot_add(b, &one, i);
    }
    if (native.votes)
        ballot_add(b, &native, 0);
}

/* What was native code, and came back further down in the function, is the call that another sample
 * has named there. */
static void vote_near(struct ballot *b)
{
    struct sample_cause *named = NULL, *v;

    for (u32 k = 0; k < b->count; k++)
        if (is_specific(b->verdict[k].kind) && b->verdict[k].kind != FINDING_GC &&
            (!named || weight(&b->verdict[k]) > weight(named)))
            named = &b->verdict[k];
    for (u32 k = 0; k < b->count && named; k++) {
        v = &b->verdict[k];
        if (v->is_near && (v->kind == FINDING_NATIVE || v->kind == FINDING_GC)) {
            named->votes += v->votes;
            v->votes = 0;
        }
    }
}

/* Callbacks of several timers, one after the other. */
static bool are_timers(const struct cause_view *v)
{
    struct stacktext_frame first = { 0 };
    u32 seen = 0;

    for (u32 i = 0; i < v->samples; i++) {
        struct str text = v->sample[i].text;
        struct stacktext_frame f, before = { 0 };

        while (stacktext_next(&text, &f)) {
            if (str_eq(f.function, STR("listOnTimeout"))) {
                if (!before.script.len)
                    return true; /* it is in the list itself */
                if (seen++ && (before.line != first.line || !str_eq(before.script, first.script)))
                    return true;
                first = before;
            }
            before = f;
        }
    }
    return false;
}

static const char *origin_of(const struct str text)
{
    static const struct {
        const char *function, *origin;
    } origins[] = {
        { "listOnTimeout", "timer" },
        { "processTimers", "timer" },
        { "processImmediate", "immediate" },
        { "parserOnIncoming", "request" },
        { "parserOnHeadersComplete", "request" },
        { "parserOnBody", "request" },
        { "parserOnMessageComplete", "request" },
        { "processTicksAndRejections", "promise" },
        { "runMicrotasks", "promise" },
    };
    const char *found = "";
    struct str rest = text;
    struct stacktext_frame f;

    while (stacktext_next(&rest, &f))
        for (u32 i = 0; i < ARRAY_LEN(origins) && stacktext_is_node(&f); i++)
            if (str_eq(f.function, str_of(origins[i].function)))
                found = origins[i].origin;
    return found;
}

static void advice_set(struct cause *out, const struct sample_cause *best)
{
    struct str name = out->subject;

    if (best->instead)
        snprintf(out->advice, sizeof(out->advice), "Use %s instead of %.*s().", best->instead,
                 (int)min(name.len, (size_t)60), name.ptr);
    else if (out->kind == FINDING_SYNC_IO && str_ends(name, STR("Sync")))
        snprintf(out->advice, sizeof(out->advice),
                 "Use %.*s() of node:fs/promises, and await it, instead of %.*s().",
                 (int)min(name.len - 4, (size_t)60), name.ptr, (int)min(name.len, (size_t)60),
                 name.ptr);
}

void cause_judge(struct cause *out, const struct cause_view *v, const struct str lines[CAUSE_LINES])
{
    struct stacktext_frame place = cause_place(v);
    struct sample_cause best = { .kind = FINDING_UNKNOWN };
    struct ballot ballot = { .count = 0 };
    u32 sample = 0;

    *out = (struct cause){ .place = place, .origin = "" };
    vote(&ballot, v, &place, lines);
    vote_near(&ballot);
    for (u32 k = 0; k < ballot.count; k++)
        if (!best.votes || weight(&ballot.verdict[k]) > weight(&best)) {
            best = ballot.verdict[k];
            sample = ballot.sample[k];
        }
    if (v->gc_ns * 2 >= v->took_ns && v->gc_ns && !is_specific(best.kind))
        best = (struct sample_cause){ .kind = FINDING_GC };
    else if (best.kind == FINDING_JAVASCRIPT && are_timers(v))
        best = (struct sample_cause){ .kind = FINDING_TIMERS };
    out->kind = best.kind;
    out->subject = best.subject;
    out->at = (u32)(CAUSE_ABOVE + best.moved);
    if (best.moved) {
        out->place.line += (u32)best.moved;
        out->place.column = 0;
    }
    if (v->samples) {
        for (u32 i = 0; i < v->samples && is_beside(v, &v->sample[sample]); i++)
            sample = i;
        if (!is_beside(v, &v->sample[sample]))
            out->text = v->sample[sample].text;
        out->origin = origin_of(out->text);
    }
    advice_set(out, &best);
}
