/* sourcemap/stackmap.c -- a stack of what runs becomes one of what was written */
#include "sourcemap/stackmap.h"

bool stackmap_frame(struct sourcemap_cache *c, const struct stacktext_frame *f,
                    struct sourcemap_place *out)
{
    if (!f->line || stacktext_is_node(f))
        return false;
    if (!f->column)
        return sourcemap_cache_line(c, f->script, f->line - 1, out);
    return sourcemap_cache_enclosed(c, f->script, f->line - 1, f->column - 1, f->function, out);
}

static void frame_write(struct buf *out, const struct stacktext_frame *f,
                        const struct sourcemap_place *at)
{
    struct str name = at->name.len ? at->name : f->function;
    bool is_new = at->name.len && str_starts(f->function, STR("new "));

    buf_add(out, STR("    at "));
    if (is_new)
        buf_add(out, STR("new "));
    if (name.len)
        buf_addf(out, "%.*s (", STR_ARG(name));
    buf_addf(out, "%.*s:%u", STR_ARG(at->source), at->line + 1);
    if (f->column)
        buf_addf(out, ":%u", at->column + 1);
    buf_add(out, name.len ? STR(")\n") : STR("\n"));
}

bool stackmap_text(struct sourcemap_cache *c, struct str text, struct buf *out)
{
    bool any = false;

    while (text.ptr && text.len) {
        struct str line = str_cut(text, '\n', &text), rest = line;
        struct sourcemap_place at;
        struct stacktext_frame f;

        if (stacktext_next(&rest, &f) && stackmap_frame(c, &f, &at)) {
            frame_write(out, &f, &at);
            any = true;
        } else {
            buf_add(out, line);
            buf_addc(out, '\n');
        }
    }
    return any && !out->failed;
}
