/* app/heap_check.c -- `fettle heap check FILE...`: does the heap keep to its budgets */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_budgets.h"
#include "app/heap_cells.h"
#include "app/heap_load.h"
#include "base/json.h"

struct check {
    struct heap_options options;
    struct heap_budgets budgets;
    struct interface_list interfaces; /* of the last file */
    struct measured {
        u32 nodes;
        u64 bytes;
        struct budget_sum sum[BUDGETS_MAX];
    } of[HEAP_WORDS_MAX];
    bool fits;
};

static void check_done(struct check *c)
{
    heap_budgets_done(&c->budgets);
    heap_options_done(&c->options);
    interface_list_done(&c->interfaces);
}

static int file_measure(struct check *c, u32 file)
{
    AUTO(heap_load_done) struct heap_loaded l = { .file.fd = -1 };
    const char *path = c->options.word[file];
    /* Growth of a class is that of one class: told apart as in the last file. */
    bool like = budget_asks_growth(&c->budgets.all) && file + 1 < c->options.words;
    struct problem p = { 0 };
    int code = heap_load_like(&l, like ? &c->interfaces : NULL, path, 0), r;

    if (code)
        return code;
    r = budget_measure(&c->budgets.all, &l.a, c->of[file].sum);
    if (r)
        return heap_load_failed(r, path, &p);
    c->of[file].nodes = l.a.g.node_count;
    c->of[file].bytes = l.a.s.total;
    if (file + 1 == c->options.words) {
        c->interfaces = l.a.c.interfaces;
        l.a.c.interfaces = (struct interface_list){ 0 };
    }
    return 0;
}

/* A class that no file has is more often a slip than a wish that has come true. */
static bool is_known(const struct check *c, u32 budget)
{
    for (u32 i = 0; i < c->options.words; i++)
        if (c->of[i].sum[budget].count)
            return true;
    return false;
}

/* Each budget of each file; growth is the last one's. False: there are no more. */
static bool next(const struct check *c, u32 *budget, u32 *file)
{
    u32 files = c->options.words;

    if (++*file >= files) {
        if (++*budget >= c->budgets.all.count)
            return false;
        *file = c->budgets.all.list[*budget].kind == BUDGET_GROWTH ? files - 1 : 0;
    }
    return true;
}

static struct budget_verdict verdict_of(const struct check *c, u32 budget, u32 file)
{
    return budget_judge(&c->budgets.all.list[budget], &c->of[0].sum[budget],
                        &c->of[file].sum[budget]);
}

static void amount_text(struct buf *out, const struct budget *b, i64 n)
{
    if (b->kind == BUDGET_COUNT) {
        buf_addf(out, "%lld", (long long)n);
        return;
    }
    if (n < 0)
        buf_addc(out, '-');
    brief_bytes(out, (double)(n < 0 ? -n : n));
}

/* «Session retains 6.3M, 1.3M more than 5M» */
static void reason_text(struct buf *out, const struct budget *b, const struct budget_verdict *v)
{
    static const char *const does[] = {
        [BUDGET_TOTAL] = "is",
        [BUDGET_RETAINED] = "retains",
        [BUDGET_COUNT] = "occurs",
        [BUDGET_GROWTH] = "has grown by",
    };
    struct str class = b->class.len ? b->class : STR("the heap");

    buf_addf(out, "%.*s %s ", STR_ARG(class), does[b->kind]);
    amount_text(out, b, v->value);
    if (b->kind == BUDGET_COUNT)
        buf_add(out, STR(" times"));
    if (v->fits) {
        buf_add(out, STR(" of "));
    } else {
        buf_add(out, STR(", "));
        amount_text(out, b, v->value - (i64)v->limit);
        buf_add(out, STR(" more than "));
    }
    amount_text(out, b, (i64)v->limit);
    if (b->percent)
        buf_addf(out, " (%g %%)", (double)b->limit / 1000);
}

static void all_text(const struct check *c, struct buf *out)
{
    u32 budget = UINT32_MAX, file = c->options.words;

    while (next(c, &budget, &file)) {
        struct budget_verdict v = verdict_of(c, budget, file);

        buf_addf(out, "%s  %s: ", v.fits ? "ok  " : "FAIL", c->options.word[file]);
        reason_text(out, &c->budgets.all.list[budget], &v);
        if (!is_known(c, budget))
            buf_add(out, STR("; no file has such a class"));
        buf_addc(out, '\n');
    }
}

static void file_json(const struct check *c, struct buf *out, u32 file)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "file");
    json_text(out, str_of(c->options.word[file]));
    json_key(out, "nodes");
    json_u64(out, c->of[file].nodes);
    json_key(out, "total_bytes");
    json_u64(out, c->of[file].bytes);
    buf_addc(out, '}');
}

static void verdict_json(const struct check *c, struct buf *out, u32 budget, u32 file)
{
    const struct budget *b = &c->budgets.all.list[budget];
    struct budget_verdict v = verdict_of(c, budget, file);
    AUTO(buf_done) struct buf reason = { 0 };

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "ok");
    json_bool(out, v.fits);
    json_key(out, "budget");
    json_text(out, str_of(budget_name(b->kind)));
    json_key(out, "class");
    if (b->class.len)
        json_text(out, b->class);
    else
        json_null(out);
    json_key(out, "file");
    json_text(out, str_of(c->options.word[file]));
    json_key(out, "value");
    buf_addf(out, "%lld", (long long)v.value);
    json_key(out, "limit");
    json_u64(out, v.limit);
    json_key(out, "unit");
    json_text(out, b->kind == BUDGET_COUNT ? STR("objects") : STR("bytes"));
    json_key(out, "known");
    json_bool(out, is_known(c, budget));
    reason_text(&reason, b, &v);
    json_key(out, "reason");
    json_text(out, buf_str(&reason));
    buf_addc(out, '}');
    out->failed |= reason.failed;
}

static void all_json(const struct check *c, struct buf *out)
{
    u32 budget = UINT32_MAX, file = c->options.words;

    buf_addc(out, '{');
    json_key(out, "ok");
    json_bool(out, c->fits);
    json_key(out, "files");
    buf_addc(out, '[');
    for (u32 i = 0; i < c->options.words; i++)
        file_json(c, out, i);
    buf_addc(out, ']');
    json_key(out, "checks");
    buf_addc(out, '[');
    while (next(c, &budget, &file))
        verdict_json(c, out, budget, file);
    buf_add(out, STR("]}\n"));
}

static bool all_fit(const struct check *c)
{
    u32 budget = UINT32_MAX, file = c->options.words;

    while (next(c, &budget, &file))
        if (!verdict_of(c, budget, file).fits)
            return false;
    return true;
}

int heap_check_command(int argc, char **argv)
{
    AUTO(check_done) struct check c = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { .text = "out of memory" };
    int code = heap_options_read(&c.options, &heap_check_flags, argc, argv, 1, HEAP_WORDS_MAX,
                                 "a FILE, such as app.heapsnapshot, or several"),
        r;

    if (code)
        return max(code, 0);
    r = heap_budgets_read(&c.budgets, &c.options, &p);
    if (r) {
        command_problem(&p);
        return r == -ENOMEM ? EXIT_APP : EXIT_USAGE;
    }
    for (u32 i = c.options.words; i-- > 0;) {
        code = file_measure(&c, i);
        if (code)
            return code;
    }
    c.fits = all_fit(&c);
    if (c.options.json)
        all_json(&c, &out);
    else
        all_text(&c, &out);
    code = command_print(&out);
    return code ? code : c.fits ? EXIT_OK : EXIT_APP;
}
