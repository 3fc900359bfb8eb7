/* heap/budget.c -- limits parsed, sums measured, both compared */
#include "heap/budget.h"

#include "conf/units.h"
#include "heap/glob.h"

const char *budget_name(enum budget_kind kind)
{
    static const char *const name[] = {
        [BUDGET_TOTAL] = "max-total",
        [BUDGET_RETAINED] = "max-retained",
        [BUDGET_COUNT] = "max-count",
        [BUDGET_GROWTH] = "max-growth",
    };

    return name[kind];
}

static int bad_limit(enum budget_kind kind, struct str limit, struct problem *p)
{
    static const char *const needs[] = {
        [BUDGET_TOTAL] = "a size, such as 500M",
        [BUDGET_RETAINED] = "a class and a size, such as Session=5M",
        [BUDGET_COUNT] = "a class and a number, such as Session=1000",
        [BUDGET_GROWTH] = "a size or a share, such as 1M, 1% or Session=1%",
    };

    return problem_set(p, "%s needs %s, and not \"%.*s\"", budget_name(kind), needs[kind],
                       (int)min(limit.len, (size_t)100), limit.ptr ? limit.ptr : "");
}

int budget_add_of(struct budgets *b, enum budget_kind kind, struct str class, struct str limit,
                  struct problem *p)
{
    struct budget *to = &b->list[b->count];
    bool ok;

    if (b->count == BUDGETS_MAX)
        return problem_set(p, "more than %d budgets are too many", BUDGETS_MAX);
    *to = (struct budget){ .kind = kind, .class = class };
    if (kind == BUDGET_COUNT) {
        ok = str_to_u64(limit, &to->limit);
    } else if (kind == BUDGET_GROWTH && str_ends(limit, STR("%"))) {
        to->percent = true;
        ok = units_percent_parse(limit, &to->limit);
    } else {
        ok = units_size_parse(limit, &to->limit);
    }
    if (!ok)
        return bad_limit(kind, limit, p);
    b->count++;
    return 0;
}

int budget_add(struct budgets *b, enum budget_kind kind, struct str text, struct problem *p)
{
    size_t at = text.len;

    /* The last one: a class may have one in its name. */
    while (at && text.ptr[at - 1] != '=')
        at--;
    if (at > 1 && kind != BUDGET_TOTAL)
        return budget_add_of(b, kind, str_sub(text, 0, at - 1), str_sub(text, at, text.len), p);
    if (at || kind == BUDGET_RETAINED || kind == BUDGET_COUNT)
        return bad_limit(kind, text, p);
    return budget_add_of(b, kind, (struct str){ 0 }, text, p);
}

bool budget_asks_growth(const struct budgets *b)
{
    for (u32 i = 0; i < b->count; i++)
        if (b->list[i].kind == BUDGET_GROWTH)
            return true;
    return false;
}

/* Of all classes that the pattern matches, each byte once. */
static void class_measure(const struct analysis *a, const u8 *matches, struct budget_sum *sum)
{
    u32 end = 0;

    for (u32 i = 0; i < a->d.node_count; i++) {
        u32 node = a->d.order[i];

        if (!matches[classes_of(&a->c, node)] || !a->g.self[node])
            continue;
        sum->count++;
        if (i < end)
            continue;
        sum->retained += a->d.retained[node];
        end = i + a->d.size[i];
    }
}

int budget_measure(const struct budgets *b, const struct analysis *a, struct budget_sum *sums)
{
    AUTO(freep) u8 *matches = malloc((size_t)a->c.count + 1);

    if (!matches)
        return -ENOMEM;
    for (u32 i = 0; i < b->count; i++) {
        struct str class = b->list[i].class;

        sums[i] = (struct budget_sum){ 0 };
        if (!class.len) {
            sums[i] = (struct budget_sum){ a->g.node_count, a->s.total };
            continue;
        }
        for (u32 k = 0; k < a->c.count; k++)
            matches[k] =
                glob_match(class, classes_name(&a->c, k)) || str_eq(class, classes_name(&a->c, k));
        class_measure(a, matches, &sums[i]);
    }
    return 0;
}

struct budget_verdict budget_judge(const struct budget *b, const struct budget_sum *first,
                                   const struct budget_sum *now)
{
    struct budget_verdict v = { .limit = b->limit };

    switch (b->kind) {
    case BUDGET_TOTAL:
    case BUDGET_RETAINED:
        v.value = (i64)now->retained;
        break;
    case BUDGET_COUNT:
        v.value = (i64)now->count;
        break;
    case BUDGET_GROWTH:
        v.value = (i64)(now->retained - first->retained);
        if (b->percent)
            v.limit = (u64)((double)first->retained * (double)b->limit / 100000);
        break;
    }
    v.fits = v.value <= 0 || (u64)v.value <= v.limit;
    return v;
}
