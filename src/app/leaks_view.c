/* app/leaks_view.c -- the leak report, for people and for programs */
#include "app/leaks_view.h"

#include "app/leaks_source.h"
#include "app/table.h"
#include "base/json.h"
#include "base/log.h"

enum { LINE_MAX = 160, WIDTH = 100, INDENT = 3, PATH_SHOWN = 8 };

static u32 shown(const struct leaks_view *v)
{
    return v->top ? min(v->top, v->leaks->count) : v->leaks->count;
}

/* 136 kB, 4.0 MB: as DevTools counts, in thousands. */
static void bytes_add(struct buf *out, u64 bytes)
{
    if (bytes < 1000)
        buf_addf(out, "%llu B", (unsigned long long)bytes);
    else if (bytes < 999500)
        buf_addf(out, "%.*f kB", bytes < 10000 ? 1 : 0, (double)bytes / 1e3);
    else if (bytes < 999500000)
        buf_addf(out, "%.*f MB", bytes < 100000000 ? 1 : 0, (double)bytes / 1e6);
    else
        buf_addf(out, "%.2f GB", (double)bytes / 1e9);
}

static void three_bytes(struct buf *out, const u64 *bytes)
{
    for (u32 i = 0; i < LEAKS_SNAPSHOTS; i++) {
        buf_add(out, i ? STR(" → ") : STR(""));
        bytes_add(out, bytes[i]);
    }
}

/* ---- text ---- */

/* Words in lines of WIDTH columns, the first behind a label. */
static void paragraph(struct buf *out, const char *label, struct str text)
{
    size_t indent = INDENT + 8, column = indent;

    buf_addf(out, "%*s%-8s", INDENT, "", label);
    while (text.ptr) {
        struct str word = str_cut(text, ' ', &text);
        u32 columns = table_columns_of(word);

        if (column > indent && column + 1 + columns > WIDTH) {
            buf_addf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_addc(out, ' ');
            column++;
        }
        buf_add(out, word);
        column += columns;
    }
    buf_addc(out, '\n');
}

/* A file below the folder where we are without that. */
static struct str file_shown(const struct suspect *s)
{
    static char here[SUSPECT_FILE_MAX];
    struct str file = str_of(s->file), folder;

    if (!here[0] && !getcwd(here, sizeof(here) - 1))
        return file;
    folder = str_of(here);
    if (folder.len > 1 && str_starts(file, folder) && file.len > folder.len + 1 &&
        file.ptr[folder.len] == '/')
        return str_sub(file, folder.len + 1, SIZE_MAX);
    return file;
}

static void line_add(struct buf *out, const struct suspect *s)
{
    AUTO(buf_done) struct buf text = { 0 };
    char line[LINE_MAX];
    struct str file = file_shown(s);

    if (!file.len)
        return;
    leaks_source_line(s, line, sizeof(line));
    buf_add(&text, file);
    if (s->line)
        buf_addf(&text, ":%u:%u", s->line, s->column);
    if (line[0])
        buf_addf(&text, "   %s", line);
    buf_addf(out, "%*s%-8s%.*s\n", INDENT, "", "line", STR_ARG(buf_str(&text)));
}

static void path_text(struct buf *out, struct leaks *l, const struct suspect *s)
{
    AUTO(buf_done) struct buf text = { 0 };
    u32 from = s->path_count > PATH_SHOWN ? s->path_count - PATH_SHOWN : 0;

    if (from || s->path_cut)
        buf_add(&text, STR("…"));
    for (u32 i = from; i < s->path_count; i++) {
        if (text.len)
            buf_add(&text, STR(" → "));
        suspect_step(&l->browse, s->path[i], &text);
    }
    paragraph(out, "path", buf_str(&text));
}

static void amounts_text(struct buf *out, const struct suspect *s)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (s->guess) {
        buf_addf(&text, "%u %s, ", s->before, s->class);
        bytes_add(&text, s->retained_bytes[LEAKS_SNAPSHOTS - 1]);
    } else {
        buf_addf(&text, "%u → %u → %u %s; retained ", s->before, s->before + s->added[0],
                 s->before + s->added[0] + s->added[1], s->class);
        three_bytes(&text, s->retained_bytes);
    }
    paragraph(out, "what", buf_str(&text));
}

static void heading(struct buf *out, u32 number, const struct suspect *s, bool colours)
{
    bool is_list = s->kind == LEAK_OBJECT && s->how == GROWTH_CHAIN;

    buf_addf(out, "\n%s%u. %s: %s%s", colours ? "\033[1m" : "", number,
             is_list ? "a linked list that only gets longer" : leak_kinds[s->kind].title, s->holder,
             colours ? "\033[0m" : "");
    if (s->guess) {
        buf_add(out, STR(" (a suspicion)\n"));
        return;
    }
    buf_add(out, STR(", +"));
    bytes_add(out, (u64)max(s->growth_bytes, (i64)0));
    buf_addc(out, '\n');
}

static void suspect_text(const struct leaks_view *v, u32 number, struct buf *out, bool colours)
{
    const struct suspect *s = &v->leaks->list[number];

    heading(out, number + 1, s, colours);
    line_add(out, s);
    amounts_text(out, s);
    if (s->detail[0])
        paragraph(out, "keeps", str_of(s->detail));
    path_text(out, v->leaks, s);
    paragraph(out, "fix", str_of(leak_kinds[s->kind].fix));
}

void leaks_view_text(const struct leaks_view *v, struct buf *out)
{
    const struct leaks *l = v->leaks;
    bool colours = log_colours(STDOUT_FILENO);

    buf_add(out, STR("heap "));
    if (l->guess)
        bytes_add(out, l->total_bytes[LEAKS_SNAPSHOTS - 1]);
    else
        three_bytes(out, l->total_bytes);
    if (l->count == 0)
        buf_add(out, l->guess ? STR(": nothing in it looks like a leak\n")
                              : STR(": nothing has grown in both steps and stayed\n"));
    else
        buf_addf(out, ": %u suspect%s%s\n", l->count, l->count == 1 ? "" : "s",
                 l->guess ? ", by their shape only; three snapshots would prove it" : "");
    if (l->by_place)
        buf_add(out, STR("The snapshots number their objects differently (each was taken in an "
                         "inspector session of its own, or\nthe process was restarted): objects "
                         "were matched by where they are. fettle heap leaks TARGET is surer.\n"));
    for (u32 i = 0; i < shown(v); i++)
        suspect_text(v, i, out, colours);
    if (shown(v) < l->count + l->dropped)
        buf_addf(out, "\n%u more: --top 0 shows all that were kept\n",
                 l->count + l->dropped - shown(v));
}

/* ---- JSON ---- */

static void u64_or_null(struct buf *out, const char *key, u64 n, bool known)
{
    json_key(out, key);
    known ? json_u64(out, n) : json_null(out);
}

static void text_or_null(struct buf *out, const char *key, struct str text)
{
    json_key(out, key);
    text.len ? json_text(out, text) : json_null(out);
}

static void path_json(struct buf *out, struct leaks *l, const struct suspect *s)
{
    json_key(out, "path");
    buf_addc(out, '[');
    for (u32 i = 0; i < s->path_count; i++) {
        AUTO(buf_done) struct buf step = { 0 };

        suspect_step(&l->browse, s->path[i], &step);
        json_text(out, buf_str(&step));
        out->failed |= step.failed;
    }
    buf_addc(out, ']');
}

static void amounts_json(struct buf *out, const struct suspect *s)
{
    u32 count = s->before;

    json_key(out, "counts");
    buf_addc(out, '[');
    for (u32 i = 0; i < LEAKS_SNAPSHOTS && !s->guess; i++) {
        count += i ? s->added[i - 1] : 0;
        json_u64(out, count);
    }
    if (s->guess)
        json_u64(out, count);
    buf_addc(out, ']');
    json_key(out, "retained_bytes");
    buf_addc(out, '[');
    for (u32 i = s->guess ? LEAKS_SNAPSHOTS - 1 : 0; i < LEAKS_SNAPSHOTS; i++)
        json_u64(out, s->retained_bytes[i]);
    buf_addc(out, ']');
}

static const char *const line_names[] = {
    [SUSPECT_LINE_NONE] = NULL,
    [SUSPECT_LINE_FUNCTION] = "function",
    [SUSPECT_LINE_SCOPE] = "scope",
    [SUSPECT_LINE_CLASS] = "class",
    [SUSPECT_LINE_STATEMENT] = "statement",
};

static void suspect_json(struct buf *out, struct leaks *l, const struct suspect *s)
{
    char line[LINE_MAX];

    leaks_source_line(s, line, sizeof(line));
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "class");
    json_text(out, str_of(s->class));
    json_key(out, "kind");
    json_text(out, str_of(leak_kinds[s->kind].name));
    json_key(out, "count");
    json_u64(out, s->guess ? s->before : s->added[0] + s->added[1]);
    u64_or_null(out, "growth_bytes", (u64)max(s->growth_bytes, (i64)0), !s->guess);
    text_or_null(out, "holder", str_of(s->holder));
    text_or_null(out, "file", str_of(s->file));
    u64_or_null(out, "line", s->line, s->line > 0);
    u64_or_null(out, "column", s->column, s->line > 0);
    text_or_null(out, "line_is", str_of(line_names[s->line_is]));
    text_or_null(out, "source", str_of(line));
    path_json(out, l, s);
    json_key(out, "suspicion");
    json_bool(out, s->guess);
    amounts_json(out, s);
    text_or_null(out, "holder_class", str_of(s->holder_class));
    u64_or_null(out, "holder_id", s->holder_id, s->holder_id > 0);
    u64_or_null(out, "example_id", s->item_id, s->item_id > 0);
    text_or_null(out, "keeps", str_of(s->detail));
    json_key(out, "fix");
    json_text(out, str_of(leak_kinds[s->kind].fix));
    buf_addc(out, '}');
}

void leaks_view_json(const struct leaks_view *v, struct buf *out)
{
    const struct leaks *l = v->leaks;

    buf_addc(out, '{');
    json_key(out, "suspects");
    buf_addc(out, '[');
    for (u32 i = 0; i < shown(v); i++)
        suspect_json(out, v->leaks, &l->list[i]);
    buf_addc(out, ']');
    json_key(out, "left_out");
    json_u64(out, l->count + l->dropped - shown(v));
    json_key(out, "suspicion");
    json_bool(out, l->guess);
    json_key(out, "matched_by");
    l->guess ? json_null(out) : json_text(out, l->by_place ? STR("place") : STR("id"));
    text_or_null(out, "target", str_of(v->target));
    json_key(out, "snapshots");
    buf_addc(out, '[');
    for (u32 i = 0; i < (l->guess ? 1 : LEAKS_SNAPSHOTS); i++) {
        json_comma(out);
        buf_addc(out, '{');
        text_or_null(out, "file", i < v->files ? str_of(v->file[i]) : (struct str){ 0 });
        json_key(out, "total_bytes");
        json_u64(out, l->total_bytes[l->guess ? LEAKS_SNAPSHOTS - 1 : i]);
        buf_addc(out, '}');
    }
    buf_add(out, STR("]}\n"));
}
