/* sourcemap/sourcemap.c -- the JSON around the mappings */
#include "sourcemap/sourcemap.h"

#include "profile/json_scan.h"
#include "sourcemap/whereabouts.h"

enum { TEXTS_MAX = 1 << 24 };

/* Where the values of the members that count stand, which may come in any order; ptr NULL: it is
 * not there. */
struct members {
    struct str version, root, sources, contents, names, mappings, sections, offset, map;
};

struct reading {
    struct sourcemap *map;
    struct str folder;
    struct problem *p;
    u32 last_line, last_column; /* where the last section begins */
    struct str wanted;          /* the source whose text is asked for, and nothing else */
    struct buf *content;        /* ... to here; NULL: none is */
};

static int members_find(struct members *out, struct str object, struct problem *p)
{
    const struct {
        const char *key;
        struct str *to;
    } known[] = {
        { "version", &out->version },         { "sourceRoot", &out->root },
        { "sources", &out->sources },         { "names", &out->names },
        { "mappings", &out->mappings },       { "sections", &out->sections },
        { "offset", &out->offset },           { "map", &out->map },
        { "sourcesContent", &out->contents },
    };
    struct json_scan s;
    struct json_list l = { 0 };
    struct str key;
    bool fine;

    *out = (struct members){ 0 };
    json_scan_init(&s, object, p);
    if (json_scan_open(&s, '{')) {
        while (json_scan_member(&s, &l, &key)) {
            struct str *to = NULL;
            const char *begin;

            for (u32 i = 0; i < ARRAY_LEN(known); i++)
                if (str_eq(key, str_of(known[i].key)))
                    to = known[i].to;
            (void)json_scan_peek(&s);
            begin = s.at;
            if (json_scan_skip(&s) && to)
                *to = str_make(begin, (size_t)(s.at - begin));
        }
    }
    fine = !s.failed && json_scan_end(&s);
    json_scan_done(&s);
    return fine ? 0 : -EINVAL;
}

static bool text_add(u32 **list, u32 *count, u32 *cap, u32 text)
{
    if (text == NAMES_FAILED)
        return false;
    if (*count == *cap) {
        u32 more = *cap ? *cap * 2 : 64, *bigger = realloc(*list, more * sizeof(u32));

        if (!bigger)
            return false;
        *list = bigger;
        *cap = more;
    }
    (*list)[(*count)++] = text;
    return true;
}

static bool source_add(struct sourcemap *map, struct str source, struct str folder)
{
    AUTO(buf_done) struct buf path = { 0 };

    if (source.len)
        whereabouts_resolve(source, folder, &path);
    return !path.failed && text_add(&map->source, &map->sources, &map->source_cap,
                                    names_intern(&map->texts, buf_str(&path)));
}

/* A list of texts; what is none (null) is an empty one. `folder` NULL: they are names. */
static int texts_read(struct reading *r, struct str list, const struct buf *folder)
{
    struct sourcemap *map = r->map;
    struct json_scan s;
    struct json_list l = { 0 };
    int err = 0;

    if (!list.ptr)
        return 0;
    json_scan_init(&s, list, r->p);
    if (json_scan_open(&s, '[')) {
        while (!err && json_scan_element(&s, &l)) {
            struct str text = { 0 };

            if (json_scan_peek(&s) == '"' ? !json_scan_text(&s, &text) : !json_scan_skip(&s))
                break;
            if (map->sources >= TEXTS_MAX || map->names >= TEXTS_MAX)
                json_scan_fail(&s, "there are too many texts in the list");
            else if (!(folder ? source_add(map, text, buf_str(folder))
                              : text_add(&map->name, &map->names, &map->name_cap,
                                         names_intern(&map->texts, text))))
                err = -ENOMEM;
        }
    }
    if (!err && s.failed)
        err = -EINVAL;
    json_scan_done(&s);
    return err;
}

/* A text that is a view into *scan, whose owner calls json_scan_done. */
static int text_read(struct json_scan *scan, struct str value, struct str *out, struct problem *p)
{
    json_scan_init(scan, value, p);
    return json_scan_text(scan, out) ? 0 : -EINVAL;
}

/* "sourceRoot" stands before each source; it is a folder, with a slash at its end or without. */
static int root_read(struct reading *r, struct str value, struct buf *folder)
{
    AUTO(json_scan_done) struct json_scan s = { 0 };
    struct str root = { 0 };

    if (value.ptr && value.ptr[0] == '"' && text_read(&s, value, &root, r->p))
        return -EINVAL;
    if (!root.len) {
        buf_add(folder, r->folder);
        return folder->failed ? -ENOMEM : 0;
    }
    whereabouts_resolve(root, r->folder, folder);
    if (folder->len && folder->ptr[folder->len - 1] != '/')
        buf_addc(folder, '/');
    return folder->failed ? -ENOMEM : 0;
}

static int version_check(struct str value, struct problem *p)
{
    double version = 3;
    struct json_scan s;
    bool fine;

    if (!value.ptr)
        return 0;
    json_scan_init(&s, value, p);
    fine = json_scan_number(&s, &version);
    json_scan_done(&s);
    if (!fine || version != 3)
        return problem_set(p, "it is of version %.*s, and 3 is the one there is",
                           (int)min(value.len, (size_t)20), value.ptr);
    return 0;
}

/* The text of source `index` of a list. */
static int content_add(struct reading *r, struct str list, u32 index)
{
    AUTO(json_scan_done) struct json_scan s = { 0 };
    struct json_list l = { 0 };
    struct str text;

    if (!list.ptr)
        return 0;
    json_scan_init(&s, list, r->p);
    if (json_scan_open(&s, '['))
        for (u32 i = 0; json_scan_element(&s, &l); i++) {
            if (i < index || json_scan_peek(&s) != '"') {
                if (!json_scan_skip(&s) || i >= index)
                    break;
                continue;
            }
            if (json_scan_text(&s, &text))
                buf_add(r->content, text);
            break;
        }
    return s.failed ? -EINVAL : r->content->failed ? -ENOMEM : 0;
}

/* The text of the source that is asked for, if it is here. */
static int content_find(struct reading *r, const struct members *m, u32 from)
{
    const struct sourcemap *map = r->map;

    for (u32 i = from; i < map->sources && !r->content->len; i++)
        if (str_eq(names_text(&map->texts, map->source[i]), r->wanted))
            return content_add(r, m->contents, i - from);
    return 0;
}

static int plain_read(struct reading *r, const struct members *m, struct mappings_part *part)
{
    AUTO(json_scan_done) struct json_scan s = { 0 };
    AUTO(buf_done) struct buf folder = { 0 };
    struct str mappings;
    int err = root_read(r, m->root, &folder);

    part->source_base = r->map->sources;
    part->name_base = r->map->names;
    if (!err)
        err = texts_read(r, m->sources, &folder);
    if (!err && r->content)
        return content_find(r, m, part->source_base);
    if (!err)
        err = texts_read(r, m->names, NULL);
    if (!err)
        err = text_read(&s, m->mappings, &mappings, r->p);
    if (err)
        return err;
    part->sources = r->map->sources - part->source_base;
    part->names = r->map->names - part->name_base;
    return mappings_add(&r->map->mappings, mappings, part, r->p);
}

static int object_read(struct reading *r, struct str object, const struct mappings_part *within,
                       u32 depth);

/* "offset": {"line": 12, "column": 3}, from where the index map itself begins. */
static int offset_read(struct str offset, const struct mappings_part *within, u32 *line,
                       u32 *column, struct problem *p)
{
    struct json_scan s;
    struct json_list l = { 0 };
    double n, at[2] = { 0, 0 };
    struct str key;
    bool fine;

    if (!offset.ptr)
        return problem_set(p, "a section has no \"offset\"");
    json_scan_init(&s, offset, p);
    if (json_scan_open(&s, '{')) {
        while (json_scan_member(&s, &l, &key)) {
            if (!str_eq(key, STR("line")) && !str_eq(key, STR("column")))
                json_scan_skip(&s);
            else if (json_scan_number(&s, &n))
                at[key.ptr[0] == 'c'] = n;
        }
    }
    fine = !s.failed;
    json_scan_done(&s);
    if (!fine)
        return -EINVAL;
    if (!(at[0] >= 0 && at[0] < MAPPINGS_LINES_MAX) || !(at[1] >= 0 && at[1] < 1u << 31))
        return problem_set(p, "the \"offset\" of a section is out of range");
    *line = within->line + (u32)at[0];
    *column = (at[0] ? 0 : within->column) + (u32)at[1];
    return 0;
}

/* The next section; it is the one before that ends where this one begins. */
static int section_read(struct reading *r, const struct members *m, const struct members *next,
                        const struct mappings_part *within, u32 depth)
{
    struct mappings_part part = *within;
    int err = offset_read(m->offset, within, &part.line, &part.column, r->p);
    u32 line, column;

    if (!err &&
        (part.line < r->last_line || (part.line == r->last_line && part.column < r->last_column)))
        err = problem_set(r->p, "its sections are not in order");
    r->last_line = part.line;
    r->last_column = part.column;
    if (!err && next)
        err = offset_read(next->offset, within, &line, &column, r->p);
    if (err)
        return err;
    if (next && (line < part.stop_line || (line == part.stop_line && column < part.stop_column))) {
        part.stop_line = line;
        part.stop_column = column;
    }
    if (!m->map.ptr)
        return problem_set(r->p, "a section has no \"map\"; one that is elsewhere is not followed");
    return object_read(r, m->map, &part, depth + 1);
}

static int sections_read(struct reading *r, struct str list, const struct mappings_part *within,
                         u32 depth)
{
    struct members last = { 0 }, m;
    struct json_scan s;
    struct json_list l = { 0 };
    bool any = false;
    int err = 0;

    json_scan_init(&s, list, r->p);
    if (json_scan_open(&s, '[')) {
        while (!err && json_scan_element(&s, &l)) {
            const char *begin;

            (void)json_scan_peek(&s);
            begin = s.at;
            if (!json_scan_skip(&s))
                break;
            err = members_find(&m, str_make(begin, (size_t)(s.at - begin)), r->p);
            if (!err && any)
                err = section_read(r, &last, &m, within, depth);
            last = m;
            any = true;
        }
    }
    if (!err && s.failed)
        err = -EINVAL;
    if (!err && any)
        err = section_read(r, &last, NULL, within, depth);
    json_scan_done(&s);
    return err;
}

static int object_read(struct reading *r, struct str object, const struct mappings_part *within,
                       u32 depth)
{
    struct mappings_part part = *within;
    struct members m;
    int err = members_find(&m, object, r->p);

    if (!err)
        err = version_check(m.version, r->p);
    if (err)
        return err;
    if (depth > SOURCEMAP_SECTIONS_DEPTH_MAX)
        return problem_set(r->p, "its sections are nested too deeply");
    if (m.sections.ptr)
        return sections_read(r, m.sections, &part, depth);
    if (!m.mappings.ptr)
        return problem_set(r->p, "there is no \"mappings\": this is no source map");
    return plain_read(r, &m, &part);
}

/* A first line that keeps a page of another site from running it as a script. */
static struct str without_guard(struct str bytes)
{
    if (str_starts(bytes, STR("\xef\xbb\xbf")))
        bytes = str_sub(bytes, 3, bytes.len);
    if (str_starts(bytes, STR(")]}")))
        (void)str_cut(bytes, '\n', &bytes);
    return bytes.ptr ? bytes : STR("");
}

static const struct mappings_part everything = { .stop_line = UINT32_MAX,
                                                 .stop_column = UINT32_MAX };

int sourcemap_read_some(struct sourcemap *out, struct str bytes, struct str folder,
                        u32 mappings_max, struct problem *p)
{
    struct reading r = { .map = out, .folder = folder, .p = p };

    *out = (struct sourcemap){ .mappings.count_max = mappings_max };
    return object_read(&r, without_guard(bytes), &everything, 0);
}

int sourcemap_read(struct sourcemap *out, struct str bytes, struct str folder, struct problem *p)
{
    return sourcemap_read_some(out, bytes, folder, UINT32_MAX, p);
}

int sourcemap_content(struct str bytes, struct str folder, struct str source, struct buf *out,
                      struct problem *p)
{
    AUTO(sourcemap_done) struct sourcemap map = { 0 };
    struct reading r = { .map = &map, .folder = folder, .p = p, .wanted = source, .content = out };
    int err = object_read(&r, without_guard(bytes), &everything, 0);

    return err ? err : out->len ? 0 : -ENOENT;
}

void sourcemap_done(struct sourcemap *map)
{
    mappings_done(&map->mappings);
    names_done(&map->texts);
    free(map->source);
    free(map->name);
    *map = (struct sourcemap){ 0 };
}

static bool place(const struct sourcemap *map, const struct mapping *m, struct sourcemap_place *out)
{
    struct str source;

    if (!m || m->source == MAPPINGS_NONE)
        return false;
    source = names_text(&map->texts, map->source[m->source]);
    if (!source.len)
        return false;
    *out = (struct sourcemap_place){ source, m->source_line, m->source_column, { 0 } };
    if (m->name != MAPPINGS_NONE)
        out->name = names_text(&map->texts, map->name[m->name]);
    return true;
}

bool sourcemap_find(const struct sourcemap *map, u32 line, u32 column, struct sourcemap_place *out)
{
    return place(map, mappings_find(&map->mappings, line, column), out);
}

bool sourcemap_find_line(const struct sourcemap *map, u32 line, struct sourcemap_place *out)
{
    return place(map, mappings_line_first(&map->mappings, line), out);
}

struct str sourcemap_name_at(const struct sourcemap *map, u32 line, u32 column)
{
    const struct mapping *m = mappings_find(&map->mappings, line, column);

    if (!m || m->column != column || m->name == MAPPINGS_NONE)
        return (struct str){ 0 };
    return names_text(&map->texts, map->name[m->name]);
}

u64 sourcemap_bytes(const struct sourcemap *map)
{
    const struct mappings *m = &map->mappings;

    return m->cap * sizeof(*m->mapping) + m->line_cap * sizeof(u32) + map->texts.bytes.cap +
           map->texts.cap * sizeof(u64) + map->texts.slots * sizeof(u32) +
           (map->source_cap + map->name_cap) * sizeof(u32);
}
