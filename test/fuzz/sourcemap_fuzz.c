/* test/fuzz/sourcemap_fuzz.c -- source maps and scripts of any bytes: places in order that are in a
 * source, or one clear line
 */
#include "sourcemap/generated.h"
#include "sourcemap/sourcemap.h"
#include "sourcemap/whereabouts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void map_check(struct str bytes)
{
    struct problem problem = { 0 };
    struct sourcemap map;
    struct sourcemap_place place;
    int r = sourcemap_read(&map, bytes, STR("/app/dist/"), &problem);

    assert(r == 0 || r == -EINVAL);
    assert(!r == !problem.text[0]);
    for (u32 i = 0; !r && i < map.mappings.lines; i++) {
        const struct mappings *m = &map.mappings;
        u32 begin = m->line_begin[i], end = i + 1 < m->lines ? m->line_begin[i + 1] : m->count;

        assert(begin <= end && end <= m->count);
        for (u32 k = begin; k < end; k++) {
            assert(k == begin || m->mapping[k - 1].column <= m->mapping[k].column);
            assert(m->mapping[k].source == MAPPINGS_NONE || m->mapping[k].source < map.sources);
            if (sourcemap_find(&map, i, m->mapping[k].column, &place))
                assert(place.source.len);
            (void)sourcemap_name_at(&map, i, m->mapping[k].column);
        }
        if (sourcemap_find_line(&map, i, &place))
            assert(place.source.len);
    }
    sourcemap_done(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *)data, size);
    AUTO(buf_done) struct buf out = { 0 };
    struct generated g = { .text = bytes };
    struct str url = generated_map_url(bytes);
    u32 column, in_line;
    struct problem problem = { 0 };
    int r;

    map_check(bytes);
    assert(!url.len || (url.ptr >= bytes.ptr && url.ptr + url.len <= bytes.ptr + bytes.len));
    for (u32 line = 0; line < 4; line++)
        for (u32 at = 0; at < 40; at += 3) {
            if (generated_name_column(&g, line, at, STR("a"), &column))
                assert(column < at);
            else if (generated_enclosing(&g, line, at, STR("a"), &in_line, &column))
                assert(in_line < line || (in_line == line && column < at));
        }
    r = sourcemap_content(bytes, STR("/app/dist/"), STR("/app/dist/a"), &out, &problem);
    assert(r == 0 || r == -EINVAL || r == -ENOENT);
    buf_clear(&out);
    if (whereabouts_path(bytes, &out))
        assert(out.ptr[0] == '/' && !memchr(out.ptr, '\0', out.len));
    buf_clear(&out);
    whereabouts_resolve(bytes, STR("/app/dist/"), &out);
    buf_clear(&out);
    (void)!whereabouts_data(bytes, &out);
    return 0;
}
