/* app/cpu_scale.c -- `fettle cpu scale A B C…`: what grows faster than the work does */
#include "app/brief.h"
#include "app/command.h"
#include "app/cpu_sides.h"
#include "app/cpu_sizes.h"
#include "app/exit_code.h"
#include "app/heap_load.h"
#include "app/table.h"
#include "base/json.h"
#include "profile/trend.h"

#include <math.h>

static_assert((u32)CPU_WORDS_MAX <= (u32)COMPLEXITY_POINTS_MAX, "each file may be of a size");

struct scaled {
    struct cpu_options o;
    struct cpu_side side;
    struct trend t;
};

static void scaled_done(struct scaled *s)
{
    trend_done(&s->t);
    cpu_side_done(&s->side);
    cpu_options_done(&s->o);
}

static const struct table_column columns[] = {
    { .title = "at the last", .right = true },
    { .title = "at the next", .right = true },
    { .title = "exponent", .right = true },
    { .title = "95 % sure", .right = true, .drop = 2 },
    { .title = "like" },
    { .title = "function", .shorten = 12 },
    { .title = "declared in", .shorten = 12, .drop = 1 },
};

/* Faster than linearly, and neither by chance nor by one run that is off; of two sizes, nobody can
 * tell chance. */
static bool is_steep(const struct complexity *c)
{
    return c->points >= 3 ? c->low > 1 && c->robust > 1 : c->points == 2 && c->exponent > 1.2;
}

static void cell(struct table *t, struct buf *text)
{
    table_add(t, buf_str(text));
    buf_clear(text);
}

static void row_add(const struct scaled *s, struct table *t, const struct trend_function *f)
{
    AUTO(buf_done) struct buf text = { 0 };

    brief_time(&text, f->point[s->t.sizes - 1].ms);
    cell(t, &text);
    brief_time(&text, f->fit.next_ms);
    cell(t, &text);
    buf_addf(&text, "%.2f", f->fit.exponent);
    cell(t, &text);
    if (f->fit.points >= 3)
        buf_addf(&text, "%.2f to %.2f", f->fit.low, f->fit.high);
    cell(t, &text);
    table_add(t, str_of(complexity_name(f->fit.shape)));
    table_add(t, f->name.len ? f->name : STR("(anonymous)"));
    buf_add(&text, f->file);
    if (f->file.len && f->line >= 0)
        buf_addf(&text, ":%d:%d", f->line + 1, f->column + 1);
    cell(t, &text);
}

static void functions_text(const struct scaled *s, bool steep, struct buf *out)
{
    struct table t = { .column = columns, .columns = ARRAY_LEN(columns) };
    u32 n = 0;

    for (u32 i = 0; i < s->t.functions; i++) {
        const struct trend_function *f = &s->t.function[i];

        if (f->fit.points < 2 || is_steep(&f->fit) != steep)
            continue;
        if (!s->o.top || n < s->o.top)
            row_add(s, &t, f);
        n++;
    }
    if (n) {
        buf_addf(out, "\n%s\n", steep ? "faster than linearly:" : "linearly, or less:");
        table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    } else if (steep) {
        buf_add(out, STR("\nno function grows faster than linearly\n"));
    }
    if (s->o.top && n > s->o.top)
        buf_addf(out, "… and %u more functions (--top all)\n", n - s->o.top);
    table_done(&t);
}

static void head_text(const struct scaled *s, struct buf *out)
{
    const struct trend *t = &s->t;

    buf_add(out, STR("all functions: "));
    for (u32 i = 0; i < t->sizes; i++) {
        if (i)
            buf_add(out, STR(", "));
        brief_time(out, t->all[i].ms);
        buf_addf(out, " at %.0f", t->size[i]);
    }
    if (t->fit.points >= 2) {
        buf_addf(out, ": like n^%.2f", t->fit.exponent);
        if (t->fit.points >= 3)
            buf_addf(out, " (%.2f to %.2f)", t->fit.low, t->fit.high);
        buf_add(out, STR("; "));
        brief_time(out, t->fit.next_ms);
        buf_addf(out, " at %.0f, the next", t->next);
    }
    buf_addc(out, '\n');
    if (t->sizes < 3)
        buf_add(out,
                STR("Two sizes give an exponent, and not how sure it is: take three or more.\n"));
}

static void all_text(const struct scaled *s, struct buf *out)
{
    u32 little = 0;

    head_text(s, out);
    functions_text(s, true, out);
    functions_text(s, false, out);
    for (u32 i = 0; i < s->t.functions; i++)
        little += s->t.function[i].fit.points < 2;
    if (little)
        buf_addf(out, "\ntoo little of %u function%s: fewer than %d samples at all sizes but one\n",
                 little, little == 1 ? "" : "s", COMPLEXITY_SAMPLES_LEAST);
}

static void number_json(struct buf *out, const char *key, double n)
{
    json_key(out, key);
    if (isfinite(n))
        buf_addf(out, "%.4f", n);
    else
        buf_add(out, STR("null"));
}

static void fit_json(const struct scaled *s, struct buf *out, const struct complexity_point *point,
                     const struct complexity *c)
{
    json_key(out, "self_ms");
    buf_addc(out, '[');
    for (u32 i = 0; i < s->t.sizes; i++)
        buf_addf(out, "%s%.3f", i ? "," : "", point[i].ms);
    buf_addc(out, ']');
    json_key(out, "samples");
    buf_addc(out, '[');
    for (u32 i = 0; i < s->t.sizes; i++)
        buf_addf(out, "%s%llu", i ? "," : "", (unsigned long long)point[i].samples);
    buf_addc(out, ']');
    json_key(out, "too_little");
    json_bool(out, c->points < 2);
    if (c->points < 2)
        return;
    json_key(out, "sizes_fitted");
    json_u64(out, c->points);
    number_json(out, "exponent", c->exponent);
    number_json(out, "exponent_low", c->low);
    number_json(out, "exponent_high", c->high);
    number_json(out, "exponent_robust", c->robust);
    json_key(out, "like");
    json_text(out, str_of(complexity_name(c->shape)));
    json_key(out, "faster_than_linear");
    json_bool(out, is_steep(c));
    number_json(out, "next_ms", c->next_ms);
}

static void function_json(const struct scaled *s, struct buf *out, const struct trend_function *f)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "function");
    json_text(out, f->name);
    json_key(out, "file");
    json_text(out, f->file);
    if (f->line >= 0) {
        json_key(out, "line");
        json_u64(out, (u64)f->line + 1);
        json_key(out, "column");
        json_u64(out, (u64)f->column + 1);
    }
    fit_json(s, out, f->point, &f->fit);
    buf_addc(out, '}');
}

static void all_json(const struct scaled *s, struct buf *out)
{
    buf_addc(out, '{');
    json_key(out, "sizes");
    buf_addc(out, '[');
    for (u32 i = 0; i < s->t.sizes; i++)
        buf_addf(out, "%s%.0f", i ? "," : "", s->t.size[i]);
    buf_addc(out, ']');
    json_key(out, "next");
    buf_addf(out, "%.0f", s->t.next);
    json_key(out, "all");
    buf_addc(out, '{');
    fit_json(s, out, s->t.all, &s->t.fit);
    buf_addc(out, '}');
    json_key(out, "functions");
    buf_addc(out, '[');
    for (u32 i = 0; i < s->t.functions; i++)
        function_json(s, out, &s->t.function[i]);
    buf_add(out, STR("]}\n"));
}

int cpu_scale_command(int argc, char **argv)
{
    AUTO(scaled_done) struct scaled s = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    double size[CPU_WORDS_MAX];
    struct problem p = { 0 };
    int code = cpu_options_read(&s.o, &cpu_scale_flags, argc, argv, 2, CPU_WORDS_MAX,
                                "two or more FILEs of growing work, such as run-1000.cpuprofile "
                                "run-2000.cpuprofile run-4000.cpuprofile"),
        err;

    if (code)
        return max(code, 0);
    for (u32 i = 0; i < s.o.words; i++)
        strings_add(&s.side.path, str_of(s.o.word[i]));
    if (cpu_sizes_read(s.o.sizes, &s.side.path, size, &p)) {
        command_problem(&p);
        return EXIT_USAGE;
    }
    code = cpu_side_read(&s.side, s.o.source_maps);
    if (code)
        return code;
    err = trend_find(&s.t, s.side.profile, size, s.side.profiles);
    if (err == -EINVAL)
        err = problem_set(&p, "one of the profiles has no duration");
    if (err)
        return heap_load_failed(err, "cpu scale", &p);
    if (s.o.json)
        all_json(&s, &out);
    else
        all_text(&s, &out);
    return command_print(&out);
}
