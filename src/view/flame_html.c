/* view/flame_html.c -- the page: web/flame.html with its style, its script and the tree in it */
#include "view/flame.h"

#include "base/json.h"
#include "view/assets.h"

/* Texts that occur in the page, each once. */
struct texts {
    u32 *number; /* [names]: 1 + its number */
    u32 count;
};

static u32 text_number(struct texts *t, const struct profile *p, u32 name, struct buf *list)
{
    if (!t->number[name]) {
        t->number[name] = ++t->count;
        json_text(list, names_text(&p->names, name));
    }
    return t->number[name] - 1;
}

/* [name, file, line, column, kind]; line and column from 1, 0: none. */
static void frame_json(const struct flame *f, struct texts *t, u32 frame, struct buf *texts,
                       struct buf *out)
{
    const struct profile_frame *of = &f->profile->frame[frame];
    struct str package;
    enum flame_kind kind = flame_kind(f, frame, &package);

    json_comma(out);
    buf_addf(out, "%u,%u,%d,%d,%d", text_number(t, f->profile, of->name, texts),
             text_number(t, f->profile, of->url, texts), of->line < 0 ? 0 : of->line + 1,
             of->column < 0 ? 0 : of->column + 1, kind);
}

/* Three lists: texts; frames, five numbers each; calls, four each: depth, frame (-n: n calls that
 * were left out), self, total. */
static bool lists_json(const struct flame *f, struct buf *out)
{
    const struct profile *p = f->profile;
    AUTO(buf_done) struct buf texts = { 0 }, frames = { 0 }, calls = { 0 };
    struct texts t = { .number = calloc(p->names.count + 1ull, sizeof(u32)) };
    u32 *number = calloc(p->frames + 1ull, sizeof(u32)), count = 0;

    for (u32 i = 0; t.number && number && i < f->tree.calls; i++) {
        const struct calltree_call *c = &f->tree.call[i];

        if (c->frame != CALLTREE_SMALL && !number[c->frame]) {
            number[c->frame] = ++count;
            frame_json(f, &t, c->frame, &texts, &frames);
        }
        buf_addf(&calls, "%s%u,%lld,%llu,%llu", i ? "," : "", c->depth,
                 c->frame == CALLTREE_SMALL ? -(long long)c->small
                                            : (long long)number[c->frame] - 1,
                 (unsigned long long)c->self, (unsigned long long)c->total);
    }
    buf_add(out, STR("\"texts\":["));
    buf_add(out, buf_str(&texts));
    buf_add(out, STR("],\"frames\":["));
    buf_add(out, buf_str(&frames));
    buf_add(out, STR("],\"calls\":["));
    buf_add(out, buf_str(&calls));
    buf_addc(out, ']');
    out->failed |= texts.failed || frames.failed || calls.failed || !t.number || !number;
    free(t.number);
    free(number);
    return !out->failed;
}

static void data_json(const struct flame *f, struct buf *out)
{
    const struct profile *p = f->profile;

    buf_addc(out, '{');
    json_key(out, "title");
    json_text(out, f->title);
    json_key(out, "unit");
    json_text(out, p->is_of_bytes ? STR("bytes") : STR("ms"));
    json_key(out, "each");
    buf_addf(out, "%.9g", p->is_of_bytes ? 1.0 : f->hit_ms);
    json_key(out, "left_out");
    json_u64(out, f->tree.left_out);
    json_key(out, "least");
    json_u64(out, f->tree.least);
    json_key(out, "kinds");
    buf_addc(out, '[');
    for (enum flame_kind kind = FLAME_APP; kind <= FLAME_SMALL; kind++)
        json_text(out, str_of(flame_kind_key(kind)));
    buf_add(out, STR("],"));
    if (lists_json(f, out))
        buf_addc(out, '}');
}

/* Within an element <script> of any kind, '<' would be able to end it. */
static void add_in_script(struct buf *out, struct str json)
{
    struct str part, rest = json;

    while (rest.ptr) {
        part = str_cut(rest, '<', &rest);
        buf_add(out, part);
        if (rest.ptr)
            buf_add(out, STR("\\u003c"));
    }
}

static void add_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '<' || s.ptr[i] == '&')
            buf_add(out, s.ptr[i] == '<' ? STR("&lt;") : STR("&amp;"));
        else
            buf_addc(out, s.ptr[i]);
    }
}

/* What stands for {{NAME}} in the page. */
static void part_add(const struct flame *f, struct str name, struct buf *out)
{
    AUTO(buf_done) struct buf json = { 0 };

    if (str_eq(name, STR("title"))) {
        add_text(out, f->title);
    } else if (str_eq(name, STR("data"))) {
        data_json(f, &json);
        add_in_script(out, buf_str(&json));
        out->failed |= json.failed;
    } else {
        buf_add(out, assets_text(assets_find(name)));
    }
}

void flame_html(const struct flame *f, struct buf *out)
{
    struct str page = assets_text(assets_find(STR("flame.html")));
    const char *mark, *end;

    while ((mark = memmem(page.ptr, page.len, "{{", 2)) &&
           (end = memmem(mark, page.len - (size_t)(mark - page.ptr), "}}", 2))) {
        buf_add(out, str_make(page.ptr, (size_t)(mark - page.ptr)));
        part_add(f, str_make(mark + 2, (size_t)(end - mark) - 2), out);
        page = str_sub(page, (size_t)(end + 2 - page.ptr), page.len);
    }
    buf_add(out, page);
}
