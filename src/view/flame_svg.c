/* view/flame_svg.c -- the picture: the root on top, and below a function what it called
 *
 * It is drawn here, so that it can be seen where no script runs (in a README, in a mail); in a
 * browser web/flame_svg.js zooms and searches.
 */
#include "base/str.h"
#include "view/assets.h"
#include "view/flame.h"

enum { WIDTH = 1200, ROW = 17, MARGIN = 10, HEAD = 46, FOOT = 40, DEPTH_SHOWN_MAX = 400 };
#define GLYPH 6.7 /* the width of a letter, about */

static void add_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        size_t len = (u8)c < 0x80 ? 0 : str_utf8_len(s, i);

        if (len == 3 && memcmp(&s.ptr[i], "\xef\xbf", 2) == 0 && (u8)s.ptr[i + 2] >= 0xbe)
            len = 0; /* U+FFFE and U+FFFF are none of XML's characters */
        if (c == '<' || c == '&' || c == '"')
            buf_add(out, c == '<' ? STR("&lt;") : c == '&' ? STR("&amp;") : STR("&quot;"));
        else if (len)
            buf_add(out, str_sub(s, i, len));
        else /* what is no character of XML */
            buf_addc(out, (u8)c >= 0x80 || ((u8)c < ' ' && c != '\n' && c != '\t') ? '?' : c);
        i += len ? len - 1 : 0;
    }
}

/* As much of a name as has room. */
static void add_label(struct buf *out, struct str name, double width)
{
    size_t room = width < 3 * GLYPH ? 0 : (size_t)((width - 6) / GLYPH), bytes = 0, count = 0;

    while (bytes < name.len && count < room) {
        size_t len = (u8)name.ptr[bytes] < 0x80 ? 1 : str_utf8_len(name, bytes);

        bytes += len ? len : 1;
        count++;
    }
    if (bytes == name.len || room < 3) {
        add_text(out, room < 3 && bytes < name.len ? STR("") : name);
        return;
    }
    for (bytes--; bytes > 0 && ((u8)name.ptr[bytes] & 0xc0) == 0x80;)
        bytes--;
    add_text(out, str_sub(name, 0, bytes));
    buf_add(out, STR("…"));
}

static void add_share(const struct flame *f, u64 hits, struct buf *out)
{
    u64 whole = f->tree.calls ? f->tree.call[0].total : 0;

    buf_addf(out, " (%.2f %%)", whole ? 100.0 * (double)hits / (double)whole : 0);
}

/* «checksum /app/hash.js:3:18, 12.0 ms (40.00 %), itself 11.0 ms» */
static void add_title(const struct flame *f, const struct calltree_call *c, struct buf *out)
{
    const struct profile_frame *frame;
    struct str file;

    if (c->frame == CALLTREE_SMALL) {
        buf_addf(out, "%u calls that are too small to be shown, ", c->small);
    } else {
        frame = &f->profile->frame[c->frame];
        file = flame_file(f, c->frame);
        add_text(out, flame_name(f, c->frame));
        if (file.len) {
            buf_addc(out, ' ');
            add_text(out, file);
        }
        if (file.len && frame->line >= 0)
            buf_addf(out, ":%d:%d", frame->line + 1, frame->column + 1);
        buf_add(out, STR(", "));
    }
    flame_amount(f, c->total, out);
    add_share(f, c->total, out);
    if (c->self) {
        buf_add(out, STR(", itself "));
        flame_amount(f, c->self, out);
    }
}

static void add_call(const struct flame *f, const struct calltree_call *c, u64 begin,
                     struct buf *out)
{
    double scale = (double)(WIDTH - 2 * MARGIN) / (double)max(f->tree.call[0].total, (u64)1);
    double x = MARGIN + (double)begin * scale, width = (double)c->total * scale;
    u32 y = HEAD + c->depth * ROW;
    struct str package;

    buf_addf(out, "<g class=\"%s\" data-d=\"%u\" data-b=\"%llu\" data-n=\"%llu\"><title>",
             flame_kind_key(flame_kind(f, c->frame, &package)), c->depth, (unsigned long long)begin,
             (unsigned long long)c->total);
    add_title(f, c, out);
    buf_addf(out, "</title><rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\"/>", x, y,
             max(width - 0.3, 0.1), ROW - 1);
    if (width >= 3 * GLYPH) {
        buf_addf(out, "<text x=\"%.1f\" y=\"%u\">", x + 3, y + 12);
        add_label(out, c->frame == CALLTREE_SMALL ? STR("…") : flame_name(f, c->frame), width);
        buf_add(out, STR("</text>"));
    }
    buf_add(out, STR("</g>\n"));
}

static void add_calls(const struct flame *f, struct buf *out)
{
    /* Where the next call of each depth begins. */
    u64 next[DEPTH_SHOWN_MAX + 2] = { 0 };

    for (u32 i = 0; i < f->tree.calls; i++) {
        const struct calltree_call *c = &f->tree.call[i];

        if (c->depth > DEPTH_SHOWN_MAX)
            continue;
        add_call(f, c, next[c->depth], out);
        next[c->depth + 1] = next[c->depth];
        next[c->depth] += c->total;
    }
}

static void add_foot(const struct flame *f, u32 height, struct buf *out)
{
    static const struct {
        enum flame_kind kind;
        const char *text;
    } legend[] = {
        { FLAME_APP, "app" },
        { FLAME_PACKAGE, "node_modules" },
        { FLAME_NODE, "Node" },
        { FLAME_NATIVE, "native" },
        { FLAME_GC, "garbage collection" },
        { FLAME_PROGRAM, "outside of JavaScript" },
    };
    double x = MARGIN;

    for (u32 i = 0; i < ARRAY_LEN(legend); i++) {
        buf_addf(
            out,
            "<g class=\"%s legend\"><rect x=\"%.0f\" y=\"%u\" width=\"11\" height=\"11\"/><text "
            "x=\"%.0f\" y=\"%u\">%s</text></g>",
            flame_kind_key(legend[i].kind), x, height - 30, x + 15, height - 20, legend[i].text);
        x += 30 + (double)strlen(legend[i].text) * GLYPH;
    }
    buf_addf(out, "\n<text id=\"said\" x=\"%d\" y=\"%u\">", MARGIN, height - 5);
    if (f->tree.left_out) {
        buf_addf(out, "%u calls are too small to be shown (below ", f->tree.left_out);
        flame_amount(f, f->tree.least, out);
        buf_addc(out, ')');
    }
    buf_add(out, STR("</text>\n"));
}

static void add_head(const struct flame *f, struct buf *out)
{
    buf_addf(out, "<text class=\"head\" x=\"%d\" y=\"20\">", MARGIN);
    add_text(out, f->title);
    buf_addf(out, "</text>\n<text x=\"%d\" y=\"38\">", MARGIN);
    if (f->tree.calls)
        flame_amount(f, f->tree.call[0].total, out);
    if (f->profile->is_of_bytes) {
        buf_add(out, STR(" were allocated and stayed"));
    } else {
        buf_add(out, STR(" busy, of "));
        flame_amount(f, f->profile->hits, out);
    }
    buf_addf(out,
             "</text>\n<text id=\"reset\" class=\"button\" role=\"button\" tabindex=\"0\" x=\"%d\" "
             "y=\"20\">Reset zoom</text><text id=\"find\" class=\"button\" role=\"button\" "
             "tabindex=\"0\" x=\"%d\" y=\"20\">Search</text>\n",
             WIDTH - 180, WIDTH - 80);
}

void flame_svg(const struct flame *f, struct buf *out)
{
    u32 depth = min(f->tree.depth_max, (u32)DEPTH_SHOWN_MAX);
    u32 height = HEAD + FOOT + (depth + 1) * ROW;

    buf_addf(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" width=\"%d\" "
             "height=\"%u\">\n<style>",
             WIDTH, height, WIDTH, height);
    buf_add(out, assets_text(assets_find(STR("flame_svg.css"))));
    buf_add(out, STR("</style>\n"));
    buf_addf(out, "<rect class=\"ground\" width=\"%d\" height=\"%u\"/>\n", WIDTH, height);
    add_head(f, out);
    buf_addf(out, "<g id=\"calls\" data-width=\"%d\" data-margin=\"%d\">\n", WIDTH - 2 * MARGIN,
             MARGIN);
    if (f->tree.calls && f->tree.call[0].total)
        add_calls(f, out);
    buf_add(out, STR("</g>\n"));
    add_foot(f, height, out);
    buf_add(out, STR("<script><![CDATA[\n"));
    buf_add(out, assets_text(assets_find(STR("flame_svg.js"))));
    buf_add(out, STR("]]></script>\n</svg>\n"));
}
