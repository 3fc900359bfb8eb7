/* view/assets.c -- the files of web/, taken in by the assembler */
#include "view/assets.h"

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

/* X(symbol, file, type) */
#define FILES(X)                           \
    X(heap_html, "heap.html", HTML)        \
    X(style_css, "style.css", CSS)         \
    X(heap_js, "heap.js", SCRIPT)          \
    X(views_js, "views.js", SCRIPT)        \
    X(object_js, "object.js", SCRIPT)      \
    X(api_js, "api.js", SCRIPT)            \
    X(dom_js, "dom.js", SCRIPT)            \
    X(format_js, "format.js", SCRIPT)      \
    X(table_js, "table.js", SCRIPT)        \
    X(tree_js, "tree.js", SCRIPT)          \
    X(treemap_js, "treemap.js", SCRIPT)    \
    X(squarify_js, "squarify.js", SCRIPT)  \
    X(flame_html, "flame.html", HTML)      \
    X(flame_css, "flame.css", CSS)         \
    X(flame_js, "flame.js", SCRIPT)        \
    X(flame_svg_css, "flame_svg.css", CSS) \
    X(flame_svg_js, "flame_svg.js", SCRIPT)

/* The Makefile makes this file depend on all of web/. */
#define TAKE_IN(SYMBOL, FILE, TYPE)                         \
    __asm__(".section .rodata\n"                            \
            ".global asset_" #SYMBOL "\n"                   \
            ".global asset_" #SYMBOL "_end\n"               \
            "asset_" #SYMBOL ": .incbin \"web/" FILE "\"\n" \
            "asset_" #SYMBOL "_end: .byte 0\n"              \
            ".previous\n");                                 \
    extern const char asset_##SYMBOL[], asset_##SYMBOL##_end[];
FILES(TAKE_IN)

#define ROW(SYMBOL, FILE, TYPE) { FILE, TYPE, asset_##SYMBOL, asset_##SYMBOL##_end },
static const struct asset rows[] = { FILES(ROW) };

const struct asset *assets_find(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(name, str_of(rows[i].name)))
            return &rows[i];
    return NULL;
}
