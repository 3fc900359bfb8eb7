/* admin/blame.c -- which line of an app's sources is to blame */
#include "admin/blame.h"

#include "admin/excerpt.h"
#include "sourcemap/stackmap.h"

enum { PATH_BYTES_MAX = 1024 };

bool blame_copy(struct blame *b, const struct cause_sample *sample, u32 samples)
{
    for (u32 i = 0; i < samples; i++) {
        struct cause_sample *to = &b->sample[i];
        struct str *views[] = { &to->text, &to->call_name, &to->channel };
        char *text;

        *to = sample[i];
        text = b->text[i] = malloc(to->text.len + to->call_name.len + to->channel.len + 1);
        if (!text)
            return false;
        for (u32 k = 0; k < ARRAY_LEN(views); k++) {
            if (views[k]->len)
                memcpy(text, views[k]->ptr, views[k]->len);
            views[k]->ptr = text;
            text += views[k]->len;
        }
        b->samples = i + 1;
    }
    return true;
}

void blame_free(struct blame *b)
{
    for (u32 i = 0; i < CAUSE_SAMPLES_MAX; i++) {
        free(b->text[i]);
        buf_done(&b->mapped[i]);
    }
    buf_done(&b->lines);
    buf_done(&b->path);
    buf_done(&b->function);
    buf_done(&b->shown);
}

/* ---- the lines around a place ---- */

/* Of the file itself. */
static bool lines_read(struct blame *b, const struct stacktext_frame *place, struct str *lines)
{
    char path[PATH_BYTES_MAX + 1];
    struct str file = stacktext_path(place, path, PATH_BYTES_MAX);

    buf_clear(&b->lines);
    if (!file.len)
        return false;
    path[file.len] = 0;
    return excerpt_read(path, place->line, CAUSE_ABOVE, lines, CAUSE_LINES, &b->lines) == 0;
}

/* Of a source that is in a map: that of the frame which has become the place. */
static bool lines_in_map(struct blame *b, struct sourcemap_cache *maps,
                         const struct stacktext_frame *place, struct str *lines)
{
    struct sourcemap_place at;
    struct stacktext_frame f;
    struct str text;

    for (u32 i = 0; i < b->samples; i++)
        for (struct str rest = b->sample[i].text; stacktext_next(&rest, &f);) {
            if (!stackmap_frame(maps, &f, &at) || at.line + 1 != place->line ||
                !str_eq(at.source, place->script))
                continue;
            if (!sourcemap_cache_content(maps, f.script, place->script, &text))
                return false;
            buf_clear(&b->lines);
            buf_add(&b->lines, text); /* the map may be forgotten */
            excerpt_lines(buf_str(&b->lines), place->line, CAUSE_ABOVE, lines, CAUSE_LINES);
            return !b->lines.failed;
        }
    return false;
}

/* Around the place of `v`. False: they are not to be had, and are empty. */
static bool lines_of(struct blame *b, struct sourcemap_cache *maps, const struct cause_view *v,
                     struct str lines[CAUSE_LINES])
{
    struct stacktext_frame place = cause_place(v);

    memset(lines, 0, CAUSE_LINES * sizeof(*lines));
    return lines_read(b, &place, lines) || (maps && lines_in_map(b, maps, &place, lines));
}

/* ---- what is shown ---- */

/* Code that has no stack: where the kernel had its thread. */
static void native_text(struct buf *out, const struct cause_view *v)
{
    for (u32 i = 0; i < v->samples; i++) {
        const struct cause_sample *s = &v->sample[i];

        if (s->how != SHM_BLOCKED_NATIVE)
            continue;
        if (s->in_gc)
            buf_add(out, STR("collecting garbage\n"));
        else if (s->call >= 0 && s->call_name.len)
            buf_addf(out, "in native code, in the system call %.*s\n", STR_ARG(s->call_name));
        else if (s->call >= 0)
            buf_addf(out, "in native code, in the system call %d\n", s->call);
        else
            buf_add(out, STR("in native code, on a CPU\n"));
        return;
    }
}

/* Why there is no stack. The agent says the same each time; what was tried after that says more. */
static void unable_text(struct buf *out, const struct cause_view *v)
{
    struct str first = { 0 }, why = { 0 };

    for (u32 i = 0; i < v->samples; i++) {
        const struct cause_sample *s = &v->sample[i];

        if (s->how != SHM_BLOCKED_UNABLE && s->how != SHM_BLOCKED_CLOSED)
            continue;
        if (!first.len)
            first = s->text;
        if (!why.len || !str_eq(s->text, first))
            why = s->text;
    }
    if (why.len)
        buf_addf(out, "no stack: %.*s\n", STR_ARG(why));
}

/* How native code was at work, then the stack, or why there is none. */
static void evidence_write(struct buf *out, const struct cause_view *v, const struct cause *c)
{
    native_text(out, v);
    if (!c->place.script.len)
        unable_text(out, v);
    if (v->gc_ns * 10 >= v->took_ns && v->took_ns)
        buf_addf(out, "garbage was collected for %llu %% of the time\n",
                 (unsigned long long)min(v->gc_ns * 100 / v->took_ns, (u64)100));
    if (out->len && c->text.len)
        buf_add(out, STR("called from, or just before:\n"));
    buf_add(out, c->text);
}

/* A place in a script, as it has been decided on, becomes that of its source. */
static void cause_map(struct blame *b, struct sourcemap_cache *maps)
{
    struct stacktext_frame *place = &b->cause.place;
    struct sourcemap_place at;

    for (u32 i = 0; i < b->samples; i++)
        if (b->cause.text.len && b->cause.text.ptr == b->sample[i].text.ptr)
            b->cause.text = buf_str(&b->mapped[i]);
    if (!stackmap_frame(maps, place, &at))
        return;
    buf_add(&b->path, at.source);
    buf_add(&b->function, at.name.len ? at.name : place->function);
    if (b->path.failed || b->function.failed)
        return;
    *place = (struct stacktext_frame){ .function = buf_str(&b->function),
                                       .script = buf_str(&b->path),
                                       .line = at.line + 1,
                                       .column = place->column ? at.column + 1 : 0 };
}

static void file_set(struct blame *b)
{
    char path[PATH_BYTES_MAX + 1];
    struct str file = stacktext_path(&b->cause.place, path, PATH_BYTES_MAX);

    b->file = b->cause.place.script;
    if (!file.len || str_eq(file, b->file))
        return;
    buf_clear(&b->path);
    buf_add(&b->path, file);
    if (!b->path.failed)
        b->file = buf_str(&b->path);
}

/* ---- the decision ---- */

/* The samples with the stacks of their sources. False: that is none of them. */
static bool samples_map(struct blame *b, struct sourcemap_cache *maps, struct cause_sample *out)
{
    bool any = false;

    for (u32 i = 0; i < b->samples; i++) {
        out[i] = b->sample[i];
        any |= stackmap_text(maps, b->sample[i].text, &b->mapped[i]);
        out[i].text = buf_str(&b->mapped[i]);
    }
    return any;
}

void blame_decide(struct blame *b, struct sourcemap_cache *maps)
{
    struct cause_sample mapped[CAUSE_SAMPLES_MAX];
    struct cause_view v = { b->sample, b->samples, b->took_ns, b->gc_ns, { .line = 0 } }, w = v;
    bool has_maps = maps && samples_map(b, maps, mapped);
    struct str lines[CAUSE_LINES] = { 0 };

    w.sample = mapped;
    if (has_maps && lines_of(b, maps, &w, lines)) {
        if (cause_step_out(&w, lines))
            (void)!lines_of(b, maps, &w, lines);
        cause_judge(&b->cause, &w, lines);
    } else {
        (void)!lines_of(b, NULL, &v, lines);
        if (cause_step_out(&v, lines))
            (void)!lines_of(b, NULL, &v, lines);
        cause_judge(&b->cause, &v, lines);
        if (has_maps)
            cause_map(b, maps);
    }
    b->source = lines[b->cause.at];
    file_set(b);
    evidence_write(&b->shown, &v, &b->cause);
    b->evidence = buf_str(&b->shown);
}
