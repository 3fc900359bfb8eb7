/* app/cpu_diff.c -- `fettle cpu diff BEFORE AFTER`: what became slower or faster */
#include "app/brief.h"
#include "app/command.h"
#include "app/cpu_sides.h"
#include "app/exit_code.h"
#include "app/heap_load.h"
#include "app/table.h"
#include "base/json.h"
#include "profile/compare.h"

#include <math.h>

#define SIGNIFICANT 0.05

struct difference {
    struct cpu_options o;
    struct cpu_side side[2];
    struct comparison c;
    enum compare_unit unit;
    double limit; /* --max-regression: 0.1 for 10 %; INFINITY: none */
    double least; /* --min-share */
};

static void difference_done(struct difference *d)
{
    compare_done(&d->c);
    cpu_side_done(&d->side[0]);
    cpu_side_done(&d->side[1]);
    cpu_options_done(&d->o);
}

static const char *const unit_key[] = { "run", "second", "busy" };
static const char *const unit_words[] = { "a run", "in a second", "of the busy time" };

static bool is_significant(const struct compared *f)
{
    return f->adjusted < SIGNIFICANT;
}

static bool is_slower(const struct compared *f)
{
    return f->change.ratio > 1;
}

/* More than --max-regression allows, and worth it. */
static bool is_regression(const struct difference *d, const struct compared *f)
{
    double share = max(f->self[0] / d->c.total.self[0], f->self[1] / d->c.total.self[1]);

    return is_significant(f) && f->change.ratio > 1 + d->limit && share >= d->least;
}

static const struct table_column columns[] = {
    { .title = "before", .right = true },   { .title = "after", .right = true },
    { .title = "change", .right = true },   { .title = "95 % sure", .right = true, .drop = 2 },
    { .title = "function", .shorten = 12 }, { .title = "declared in", .shorten = 12, .drop = 1 },
};

static void amount(const struct difference *d, struct buf *out, double n)
{
    if (d->unit == COMPARE_BUSY)
        buf_addf(out, "%.1f%%", n);
    else
        brief_time(out, n);
}

/* "+13 %"; "new" and "gone" where one side has nothing. */
static void change_text(struct buf *out, double ratio)
{
    double percent = (ratio - 1) * 100;

    if (isinf(ratio))
        buf_add(out, STR("new"));
    else if (ratio == 0)
        buf_add(out, STR("gone"));
    else if (ratio >= 10)
        buf_addf(out, "%.0f times", ratio);
    else
        buf_addf(out, "%+.*f %%", fabs(percent) < 9.95 ? 1 : 0, percent);
}

static void interval_text(struct buf *out, const struct significance *s)
{
    if (isinf(s->high) || s->low <= 0)
        return;
    change_text(out, s->low);
    buf_add(out, STR(" to "));
    change_text(out, s->high);
}

static void place_text(struct buf *out, const struct compared *f)
{
    int32_t line = f->line[1] >= 0 ? f->line[1] : f->line[0];

    buf_add(out, f->file);
    if (f->file.len && line >= 0)
        buf_addf(out, ":%d", line + 1);
    if (f->places > 1)
        buf_addf(out, " (%u functions)", f->places);
}

static struct str name_of(const struct compared *f)
{
    return f->name.len ? f->name : STR("(anonymous)");
}

static void row_add(const struct difference *d, struct table *t, const struct compared *f)
{
    AUTO(buf_done) struct buf text = { 0 };

    for (u32 side = 0; side < 2; side++) {
        buf_clear(&text);
        amount(d, &text, f->self[side]);
        table_add(t, buf_str(&text));
    }
    buf_clear(&text);
    change_text(&text, f->change.ratio);
    table_add(t, buf_str(&text));
    buf_clear(&text);
    interval_text(&text, &f->change);
    table_add(t, buf_str(&text));
    table_add(t, name_of(f));
    buf_clear(&text);
    place_text(&text, f);
    table_add(t, buf_str(&text));
}

static u32 functions_text(const struct difference *d, bool slower, struct buf *out)
{
    struct table t = { .column = columns, .columns = ARRAY_LEN(columns) };
    u32 n = 0;

    for (u32 i = 0; i < d->c.functions; i++) {
        const struct compared *f = &d->c.function[i];

        if (!is_significant(f) || is_slower(f) != slower)
            continue;
        if (!d->o.top || n < d->o.top)
            row_add(d, &t, f);
        n++;
    }
    if (n) {
        buf_addf(out, "\n%s\n", slower ? "slower:" : "faster:");
        table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    }
    if (d->o.top && n > d->o.top)
        buf_addf(out, "… and %u more functions (--top all)\n", n - d->o.top);
    table_done(&t);
    return n;
}

static void head_text(const struct difference *d, struct buf *out)
{
    static const char *const names[] = { "before", "after" };
    const struct compared *t = &d->c.total;

    for (u32 side = 0; side < 2; side++) {
        buf_addf(out, "%s%s: ", side ? "; " : "", names[side]);
        brief_time(out, d->c.busy_ms[side]);
        buf_add(out, STR(" busy of "));
        brief_time(out, d->c.duration_ms[side]);
        buf_addf(out, " in %llu samples", (unsigned long long)d->c.samples[side]);
        if (d->side[side].profiles > 1)
            buf_addf(out, " of %u runs", d->side[side].profiles);
    }
    if (d->unit == COMPARE_BUSY) {
        buf_add(out, STR("\nshares of the busy time are compared\n"));
        return;
    }
    buf_add(out, STR("\nall functions: "));
    amount(d, out, t->self[0]);
    buf_add(out, STR(" → "));
    amount(d, out, t->self[1]);
    buf_addf(out, " %s, ", unit_words[d->unit]);
    change_text(out, t->change.ratio);
    buf_add(out, STR(" ("));
    interval_text(out, &t->change);
    buf_addf(out, ")%s\n", is_significant(t) ? "" : ", which may be chance");
}

static void all_text(const struct difference *d, struct buf *out)
{
    u32 changed;

    head_text(d, out);
    changed = functions_text(d, true, out);
    changed += functions_text(d, false, out);
    buf_addf(out,
             "%s%u of %u functions have enough samples for a test; %s by more than chance (runs "
             "scatter by %.1f %%)\n",
             changed ? "\n" : "", d->c.tested, d->c.functions,
             changed == d->c.tested ? "all have changed"
             : changed              ? "the others have not changed"
                                    : "none has changed",
             d->c.scatter * 100);
}

/* A number, or null where it is none. */
static void number_json(struct buf *out, const char *key, double n, const char *format)
{
    json_key(out, key);
    if (isfinite(n))
        buf_addf(out, format, n);
    else
        buf_add(out, STR("null"));
}

static void pair_json(struct buf *out, const char *key, const double pair[2])
{
    json_key(out, key);
    buf_addf(out, "[%.4f,%.4f]", pair[0], pair[1]);
}

static void change_json(const struct difference *d, struct buf *out, const struct compared *f)
{
    pair_json(out, "self", f->self);
    json_key(out, "samples");
    buf_addf(out, "[%llu,%llu]", (unsigned long long)f->samples[0],
             (unsigned long long)f->samples[1]);
    number_json(out, "ratio", f->change.ratio, "%.4f");
    number_json(out, "ratio_low", f->change.low, "%.4f");
    number_json(out, "ratio_high", f->change.high, "%.4f");
    number_json(out, "p", f->change.p, "%.3g");
    number_json(out, "p_adjusted", f->adjusted, "%.3g");
    json_key(out, "significant");
    json_bool(out, is_significant(f));
    json_key(out, "regression");
    json_bool(out, is_regression(d, f));
}

static void function_json(const struct difference *d, struct buf *out, const struct compared *f)
{
    static const char *const key[] = { "line_before", "line" };

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "function");
    json_text(out, f->name);
    json_key(out, "file");
    json_text(out, f->file);
    for (u32 side = 0; side < 2; side++)
        if (f->line[side] >= 0) {
            json_key(out, key[side]);
            json_u64(out, (u64)f->line[side] + 1);
        }
    json_key(out, "functions");
    json_u64(out, f->places);
    change_json(d, out, f);
    pair_json(out, "total", f->total);
    buf_addc(out, '}');
}

static void all_json(const struct difference *d, struct buf *out)
{
    buf_addc(out, '{');
    json_key(out, "per");
    json_text(out, str_of(unit_key[d->unit]));
    json_key(out, "runs");
    buf_addf(out, "[%u,%u]", d->side[0].profiles, d->side[1].profiles);
    pair_json(out, "busy_ms", d->c.busy_ms);
    pair_json(out, "duration_ms", d->c.duration_ms);
    number_json(out, "scatter", d->c.scatter, "%.4f");
    json_key(out, "all");
    buf_addc(out, '{');
    change_json(d, out, &d->c.total);
    buf_addc(out, '}');
    json_key(out, "tested");
    json_u64(out, d->c.tested);
    json_key(out, "functions");
    buf_addc(out, '[');
    for (u32 i = 0; i < d->c.functions; i++)
        function_json(d, out, &d->c.function[i]);
    buf_add(out, STR("]}\n"));
}

/* Names on standard error what --max-regression does not allow; the exit code. */
static int verdict(const struct difference *d)
{
    u32 n = 0;

    for (u32 i = 0; i <= d->c.functions; i++) {
        const struct compared *f = i < d->c.functions ? &d->c.function[i] : &d->c.total;
        bool is_total = i == d->c.functions;
        AUTO(buf_done) struct buf text = { 0 };

        if (!is_regression(d, f) || (is_total && d->unit == COMPARE_BUSY))
            continue;
        n++;
        if (is_total)
            buf_add(&text, STR("all functions together"));
        else
            buf_addf(&text, "%.*s ", STR_ARG(name_of(f)));
        if (!is_total)
            place_text(&text, f);
        buf_add(&text, STR(": "));
        amount(d, &text, f->self[0]);
        buf_add(&text, STR(" → "));
        amount(d, &text, f->self[1]);
        buf_addf(&text, " %s, ", unit_words[d->unit]);
        change_text(&text, f->change.ratio);
        buf_addf(&text, "; --max-regression allows %g %%", d->limit * 100);
        fprintf(stderr, "fettle: %.*s\n", STR_ARG(buf_str(&text)));
    }
    return n ? EXIT_APP : EXIT_OK;
}

static int sides_add(struct difference *d, struct problem *p)
{
    const struct cpu_options *o = &d->o;
    bool by_flags = o->before.len || o->after.len;

    if (by_flags && (o->words || !o->before.len || !o->after.len))
        return problem_set(p, "either two words, BEFORE and AFTER, or both --before and --after");
    if (!by_flags && o->words != 2)
        return problem_set(p, "cpu diff needs BEFORE and AFTER, such as before.cpuprofile "
                              "after.cpuprofile; several runs of one side have commas between "
                              "them, and no blanks");
    cpu_side_add(&d->side[0], by_flags ? o->before : str_of(o->word[0]));
    cpu_side_add(&d->side[1], by_flags ? o->after : str_of(o->word[1]));
    for (u32 i = 0; i < 2; i++) {
        u32 n = d->side[i].path.count;

        if (!n || n > SIGNIFICANCE_RUNS_MAX)
            return problem_set(p, "%s needs 1 to %d files, and has %u", i ? "AFTER" : "BEFORE",
                               SIGNIFICANCE_RUNS_MAX, n);
    }
    return 0;
}

static enum compare_unit unit_of(const struct difference *d)
{
    if (d->o.per != CPU_PER_AUTO)
        return (enum compare_unit)(d->o.per - CPU_PER_RUN);
    for (u32 side = 0; side < 2; side++)
        for (u32 i = 0; i < d->side[side].profiles; i++)
            if (!compare_saw_start(&d->side[side].profile[i]))
                return COMPARE_SECOND;
    return COMPARE_RUN;
}

static int compare(struct difference *d, double noise)
{
    struct compare_side side[2];
    struct problem p = { 0 };
    int err;

    for (u32 i = 0; i < 2; i++)
        side[i] = (struct compare_side){ d->side[i].profile, d->side[i].profiles };
    d->unit = unit_of(d);
    err = compare_profiles(&d->c, side, d->unit, noise);
    if (err == -EINVAL)
        err =
            problem_set(&p, "one of the profiles has no duration, or nothing but idle time: there "
                            "is nothing to compare");
    return err ? heap_load_failed(err, "cpu diff", &p) : 0;
}

static int limits_read(struct difference *d, double *noise, struct problem *p)
{
    bool several = d->side[0].path.count + d->side[1].path.count > 2;
    int err = cpu_options_share(d->o.max_regression, "--max-regression", INFINITY, &d->limit, p);

    if (!err)
        err = cpu_options_share(d->o.min_share, "--min-share", 0, &d->least, p);
    return err ? err : cpu_options_share(d->o.noise, "--noise", several ? 0.01 : 0.03, noise, p);
}

int cpu_diff_command(int argc, char **argv)
{
    AUTO(difference_done) struct difference d = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { 0 };
    double noise;
    int code = cpu_options_read(&d.o, &cpu_diff_flags, argc, argv, 0, CPU_WORDS_MAX,
                                "BEFORE and AFTER, such as before.cpuprofile after.cpuprofile"),
        failed;

    if (code)
        return max(code, 0);
    if (sides_add(&d, &p) || limits_read(&d, &noise, &p)) {
        command_problem(&p);
        return EXIT_USAGE;
    }
    for (u32 i = 0; !code && i < 2; i++)
        code = cpu_side_read(&d.side[i], d.o.source_maps);
    if (!code)
        code = compare(&d, noise);
    if (code)
        return code;
    if (d.o.json)
        all_json(&d, &out);
    else
        all_text(&d, &out);
    failed = command_print(&out);
    return failed ? failed : verdict(&d);
}
