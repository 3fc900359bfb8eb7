/* app/heap_budgets.c -- lines of flags, members of a file */
#include "app/heap_budgets.h"

#include "conf/file.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static const struct member {
    const char *name;
    enum budget_kind kind;
    bool of_classes;
} members[] = {
    { "max_total", BUDGET_TOTAL, false },        { "max_retained", BUDGET_RETAINED, true },
    { "max_count", BUDGET_COUNT, true },         { "max_growth", BUDGET_GROWTH, false },
    { "max_class_growth", BUDGET_GROWTH, true },
};

static int at_line(const struct json_value *v, const char *path, int r, struct problem *p)
{
    if (r == -EINVAL) {
        str_to_cstr(str_of(path), p->file, sizeof(p->file));
        p->line = json_value_line(v);
    }
    return r;
}

static int limit_add(struct heap_budgets *b, const struct member *m, struct str class,
                     const struct json_value *v, const char *path, struct problem *p)
{
    struct str limit =
        json_value_kind(v) == JSON_VALUE_NUMBER ? json_value_number(v) : json_value_text(v);

    return at_line(v, path, budget_add_of(&b->all, m->kind, class, limit, p), p);
}

static int member_read(struct heap_budgets *b, struct str name, const struct json_value *v,
                       const char *path, struct problem *p)
{
    const struct member *m = members;
    const struct json_value *limit;
    struct str class;
    void *at = NULL;
    int r = 0;

    while (m < members + ARRAY_LEN(members) && !str_eq(name, str_of(m->name)))
        m++;
    if (m == members + ARRAY_LEN(members))
        return at_line(v, path,
                       problem_set(p,
                                   "\"%.*s\" is no budget; there are max_total, max_retained, "
                                   "max_count, max_growth and max_class_growth",
                                   (int)min(name.len, (size_t)60), name.ptr),
                       p);
    if (!m->of_classes)
        return limit_add(b, m, (struct str){ 0 }, v, path, p);
    if (json_value_kind(v) != JSON_VALUE_OBJECT)
        return at_line(v, path,
                       problem_set(p,
                                   "%s needs classes and their limits, such as "
                                   "{\"Session\": \"5M\"}",
                                   m->name),
                       p);
    while (!r && json_value_each(v, &at, &class, &limit))
        r = class.len ? limit_add(b, m, class, limit, path, p)
                      : at_line(limit, path, problem_set(p, "a class without a name"), p);
    return r;
}

static int file_budgets(struct heap_budgets *b, const char *path, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    const struct json_value *v;
    struct str name;
    void *at = NULL;
    int r = file_read(path, FILE_BYTES_MAX, &text);

    if (r == -ENOMEM)
        return r;
    if (r)
        return problem_set(p, "%s cannot be read: %s", path, strerror(-r));
    r = json_value_parse(&b->file, buf_str(&text), path, p);
    if (r)
        return r;
    if (json_value_kind(b->file) != JSON_VALUE_OBJECT)
        return at_line(b->file, path,
                       problem_set(p, "budgets are an object, such as {\"max_total\": \"500M\"}"),
                       p);
    while (!r && json_value_each(b->file, &at, &name, &v))
        r = member_read(b, name, v, path, p);
    return r;
}

static int lines_add(struct heap_budgets *b, enum budget_kind kind, struct str lines,
                     struct problem *p)
{
    int r = 0;

    while (!r && lines.len) {
        struct str line = str_cut(lines, '\n', &lines);

        r = line.len ? budget_add(&b->all, kind, line, p) : 0;
    }
    return r;
}

int heap_budgets_read(struct heap_budgets *b, const struct heap_options *o, struct problem *p)
{
    int r = o->budgets.len ? file_budgets(b, o->budgets.ptr, p) : 0;

    r = r ? r : lines_add(b, BUDGET_TOTAL, o->max_total, p);
    r = r ? r : lines_add(b, BUDGET_RETAINED, o->max_retained, p);
    r = r ? r : lines_add(b, BUDGET_COUNT, o->max_count, p);
    r = r ? r : lines_add(b, BUDGET_GROWTH, o->max_growth, p);
    if (!r && !b->all.count)
        r = problem_set(p,
                        "heap check needs a budget: --max-total 500M, --max-retained Session=5M, "
                        "--max-count Session=1000, --max-growth 1%% or --budgets FILE");
    if (!r && budget_asks_growth(&b->all) && o->words < 2)
        r = problem_set(p, "a limit of growth needs two FILEs or more, the oldest first");
    return r;
}

void heap_budgets_done(struct heap_budgets *b)
{
    json_value_free(b->file);
    *b = (struct heap_budgets){ 0 };
}
