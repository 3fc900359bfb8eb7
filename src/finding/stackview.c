/* finding/stackview.c -- one stack of a blocked loop */
#include "finding/stackview.h"

static bool is_loader(const struct stacktext_frame *f)
{
    return str_starts(f->script, STR("node:internal/modules/"));
}

static bool is_task_queue(const struct stacktext_frame *f)
{
    return str_starts(f->script, STR("node:internal/process/task_queues")) ||
           str_starts(f->script, STR("node:internal/process/promises"));
}

static bool before_is_place(const struct stacktext_frame *f, const struct stacktext_frame *place)
{
    return place->script.len && f->script.ptr == place->script.ptr;
}

bool stackview_same_frame(const struct stacktext_frame *a, const struct stacktext_frame *b)
{
    return a->line == b->line && a->column == b->column && str_eq(a->script, b->script);
}

/* The agent's own frame: what it wraps is the app's doing. */
static void agent_read(struct stackview *s, const struct stacktext_frame *f)
{
    static const char *const methods[] = { "all", "get", "run", "exec", "prepare" };

    if (s->place.script.len || !str_eq(f->script, STR("fettle:trace_libraries.js")))
        return;
    for (u32 i = 0; i < ARRAY_LEN(methods); i++)
        if (str_eq(f->function, str_of(methods[i]))) {
            s->in_database = true;
            s->database = f->function;
        }
}

void stackview_read(struct stackview *s, struct str text, const struct stacktext_frame *entered)
{
    struct stacktext_frame f, before = { 0 }, package = { 0 }, package_above = { 0 };
    bool in_package = false;

    *s = (struct stackview){ 0 };
    while (stacktext_next(&text, &f)) {
        if (stacktext_is_fettle(&f)) {
            agent_read(s, &f);
            continue;
        }
        if (!s->has_frames && entered->line && stackview_same_frame(&f, entered)) {
            s->has_frames = true;
            before = f;
            continue;
        }
        if (is_loader(&f) && !is_task_queue(&f)) { /* the place is below it */
            s->has_loader = true;
            s->place = package = (struct stacktext_frame){ 0 };
        } else if (stacktext_is_app(&f) && !s->place.script.len) {
            s->place = f;
            s->above = before;
            s->top_is_place = !s->has_frames;
        } else if (!stacktext_is_node(&f) && !package.script.len && !s->place.script.len) {
            package = f;
            package_above = before;
            in_package = !s->has_frames;
        }
        s->below_is_queue |= is_task_queue(&f) && before_is_place(&before, &s->place);
        s->has_frames = true;
        before = s->root = f;
    }
    if (!s->place.script.len && package.script.len) {
        s->place = package;
        s->above = package_above;
        s->top_is_place = in_package;
    }
    if (stacktext_is_node(&s->above))
        s->api = s->above;
}

bool stackview_begins_in_queue(const struct stackview *s)
{
    return is_task_queue(&s->root);
}

bool stackview_is_from_queue(const struct stackview *s)
{
    return is_task_queue(&s->root) || s->below_is_queue ||
           (s->place.script.len && s->root.script.ptr == s->place.script.ptr);
}
