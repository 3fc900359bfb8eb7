/* sourcemap/sourcemap_cache.c -- scripts and their maps, as they are asked for */
#include "sourcemap/sourcemap_cache.h"

#include "sourcemap/sourcemap_script.h"

static struct str url_of(const struct sourcemap_script *s)
{
    return str_make(s->url, s->url_len);
}

static int compare(struct str a, struct str b)
{
    int r = memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", min(a.len, b.len));

    return r ? r : a.len < b.len ? -1 : a.len > b.len;
}

/* Where it is, or where it would be. */
static u32 place_of(const struct sourcemap_cache *c, struct str url)
{
    u32 low = 0, high = c->scripts;

    while (low < high) {
        u32 middle = low + (high - low) / 2;

        if (compare(url_of(c->script[middle]), url) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void forget(struct sourcemap_cache *c, u32 at)
{
    c->bytes -= c->script[at]->memory;
    sourcemap_script_free(c->script[at]);
    memmove(&c->script[at], &c->script[at + 1], (--c->scripts - at) * sizeof(*c->script));
}

/* Those that have not been asked for longest, but the one at hand. */
static void forget_some(struct sourcemap_cache *c)
{
    u64 most = c->bytes_max ? c->bytes_max : SOURCEMAP_CACHE_BYTES_MAX;

    while (c->scripts > 1 && (c->bytes > most || c->scripts > SOURCEMAP_CACHE_SCRIPTS_MAX)) {
        u32 oldest = 0;

        for (u32 i = 1; i < c->scripts; i++)
            if (c->script[i]->asked < c->script[oldest]->asked)
                oldest = i;
        forget(c, oldest);
    }
}

/* NULL: out of memory. */
static struct sourcemap_script *script_of(struct sourcemap_cache *c, struct str url)
{
    u32 at = place_of(c, url);
    struct sourcemap_script *s;

    if (at < c->scripts && str_eq(url_of(c->script[at]), url)) {
        if (!c->follows || !sourcemap_script_changed(c->script[at])) {
            c->script[at]->asked = ++c->now;
            return c->script[at];
        }
        forget(c, at);
    }
    if (c->scripts == c->cap) {
        u32 cap = c->cap ? c->cap * 2 : 64;
        struct sourcemap_script **more = realloc(c->script, cap * sizeof(*more));

        if (!more)
            return NULL;
        c->script = more;
        c->cap = cap;
    }
    s = sourcemap_script_load(c, url);
    if (!s)
        return NULL;
    s->asked = ++c->now;
    c->bytes += s->memory;
    memmove(&c->script[at + 1], &c->script[at], (c->scripts++ - at) * sizeof(*c->script));
    c->script[at] = s;
    forget_some(c);
    return s;
}

static struct sourcemap *map_of(struct sourcemap_cache *c, struct str url,
                                struct sourcemap_script **script)
{
    *script = url.len ? script_of(c, url) : NULL;
    return *script ? (*script)->map : NULL;
}

bool sourcemap_cache_find(struct sourcemap_cache *c, struct str url, u32 line, u32 column,
                          struct sourcemap_place *out)
{
    struct sourcemap_script *s;
    const struct sourcemap *map = map_of(c, url, &s);

    return map && sourcemap_find(map, line, column, out);
}

bool sourcemap_cache_function(struct sourcemap_cache *c, struct str url, u32 line, u32 column,
                              struct str name, struct sourcemap_place *out)
{
    struct sourcemap_script *s;
    const struct sourcemap *map = map_of(c, url, &s);
    u32 at;

    if (!map || !sourcemap_find(map, line, column, out))
        return false;
    /* What the mapping says may be a parameter's name. */
    out->name = (struct str){ 0 };
    if (generated_name_column(&s->text, line, column, name, &at))
        out->name = sourcemap_name_at(map, line, at);
    return true;
}

bool sourcemap_cache_enclosed(struct sourcemap_cache *c, struct str url, u32 line, u32 column,
                              struct str name, struct sourcemap_place *out)
{
    struct sourcemap_script *s;
    const struct sourcemap *map = map_of(c, url, &s);
    u32 name_line, name_column;

    if (!map || !sourcemap_find(map, line, column, out))
        return false;
    out->name = (struct str){ 0 };
    if (generated_enclosing(&s->text, line, column, name, &name_line, &name_column))
        out->name = sourcemap_name_at(map, name_line, name_column);
    return true;
}

bool sourcemap_cache_line(struct sourcemap_cache *c, struct str url, u32 line,
                          struct sourcemap_place *out)
{
    struct sourcemap_script *s;
    const struct sourcemap *map = map_of(c, url, &s);

    return map && sourcemap_find_line(map, line, out);
}

bool sourcemap_cache_content(struct sourcemap_cache *c, struct str url, struct str source,
                             struct str *out)
{
    struct sourcemap_script *s = url.len ? script_of(c, url) : NULL;
    bool has;

    if (!s)
        return false;
    c->bytes -= s->memory;
    s->memory -= s->content.cap;
    has = sourcemap_script_content(c, s, source, out);
    s->memory += s->content.cap;
    c->bytes += s->memory;
    return has;
}

void sourcemap_cache_done(struct sourcemap_cache *c)
{
    for (u32 i = 0; i < c->scripts; i++)
        sourcemap_script_free(c->script[i]);
    free(c->script);
    *c = (struct sourcemap_cache){ .bytes_max = c->bytes_max,
                                   .file_bytes_max = c->file_bytes_max,
                                   .mappings_max = c->mappings_max,
                                   .follows = c->follows };
}
