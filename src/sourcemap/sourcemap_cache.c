/* sourcemap/sourcemap_cache.c -- scripts and their maps, found in the file system */
#include "sourcemap/sourcemap_cache.h"

#include "sourcemap/generated.h"
#include "sourcemap/whereabouts.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A script that has been asked for. */
struct sourcemap_script {
    char *url;
    size_t url_len;
    u64 asked;        /* when, counted in questions */
    struct buf bytes; /* of the script; empty, when it has no map */
    struct generated text;
    struct sourcemap *map; /* NULL: it has none */
    u64 memory;
};

static struct str url_of(const struct sourcemap_script *s)
{
    return str_make(s->url, s->url_len);
}

/* ---- files ---- */

/* Reads a regular file, whatever it is made of and whoever cuts it off meanwhile. -errno; -EFBIG:
 * larger than SOURCEMAP_FILE_BYTES_MAX. */
static int file_read(const struct buf *path, struct buf *out)
{
    AUTO(fd_closep) int fd = open(path->ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENOENT;
    if ((u64)st.st_size > SOURCEMAP_FILE_BYTES_MAX)
        return -EFBIG;
    if (!buf_reserve(out, (size_t)st.st_size))
        return -ENOMEM;
    while (out->len < (size_t)st.st_size) {
        ssize_t n = read(fd, out->ptr + out->len, (size_t)st.st_size - out->len);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        out->len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* ---- one script ---- */

static void script_free(struct sourcemap_script *s)
{
    if (s->map)
        sourcemap_done(s->map);
    free(s->map);
    buf_done(&s->bytes);
    free(s->url);
    free(s);
}

/* A map that is no use; `path` is where it was read. */
static void ignored(struct sourcemap_cache *c, struct str path, int err, const struct problem *why)
{
    struct problem *p = &c->problem;

    if (c->ignored++)
        return;
    str_to_cstr(path, p->file, sizeof(p->file));
    if (err == -EINVAL)
        problem_set(p, "the source map is ignored: %.600s", why->text);
    else if (err == -EFBIG)
        problem_set(p, "the source map is ignored: it is larger than %llu MB",
                    SOURCEMAP_FILE_BYTES_MAX >> 20);
    else
        problem_set(p, "the source map is ignored: it cannot be read: %s", strerror(-err));
}

static void map_take(struct sourcemap_cache *c, struct sourcemap_script *s, struct str bytes,
                     struct str path)
{
    struct problem why = { 0 };
    int err = -ENOMEM;

    s->map = calloc(1, sizeof(*s->map));
    if (s->map)
        err = sourcemap_read(s->map, bytes, whereabouts_folder(path), &why);
    if (!err) {
        s->memory = sourcemap_bytes(s->map) + s->bytes.cap;
        return;
    }
    if (s->map)
        sourcemap_done(s->map);
    free(TAKE(s->map, NULL));
    ignored(c, path, err, &why);
}

/* The map that stands in the line itself. */
static void map_inline(struct sourcemap_cache *c, struct sourcemap_script *s, struct str url,
                       struct str path)
{
    AUTO(buf_done) struct buf bytes = { .bytes_max = SOURCEMAP_FILE_BYTES_MAX };
    struct problem why = { .text = "the data: URL is not well-formed" };

    if (whereabouts_data(url, &bytes))
        map_take(c, s, buf_str(&bytes), path);
    else
        ignored(c, path, -EINVAL, &why);
}

/* The map in a file, which need not be there: packages are published without. */
static void map_beside(struct sourcemap_cache *c, struct sourcemap_script *s, struct str url,
                       const struct buf *path)
{
    AUTO(buf_done) struct buf place = { 0 }, map_path = { 0 }, bytes = { 0 };
    int err;

    if (url.len) {
        whereabouts_resolve(url, whereabouts_folder(buf_str(path)), &place);
    } else {
        buf_add(&place, buf_str(path));
        buf_add(&place, STR(".map"));
    }
    if (place.failed || (place.len && place.ptr[0] != '/') ||
        !whereabouts_path(buf_str(&place), &map_path))
        return;
    buf_addc(&map_path, '\0');
    if (map_path.failed)
        return;
    err = file_read(&map_path, &bytes);
    map_path.len--;
    if (!err)
        map_take(c, s, buf_str(&bytes), buf_str(&map_path));
    else if (err != -ENOENT && err != -ENOTDIR && err != -ENAMETOOLONG)
        ignored(c, buf_str(&map_path), err, NULL);
}

static void script_load(struct sourcemap_cache *c, struct sourcemap_script *s)
{
    AUTO(buf_done) struct buf path = { 0 };
    struct str url;

    if (!whereabouts_path(url_of(s), &path))
        return;
    buf_addc(&path, '\0');
    if (path.failed || file_read(&path, &s->bytes))
        return;
    path.len--;
    s->text.text = buf_str(&s->bytes);
    url = generated_map_url(s->text.text);
    if (str_starts_nocase(url, STR("data:")))
        map_inline(c, s, url, buf_str(&path));
    else
        map_beside(c, s, url, &path);
    if (!s->map)
        buf_done(&s->bytes);
}

/* ---- all of them ---- */

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
    script_free(c->script[at]);
    memmove(&c->script[at], &c->script[at + 1], (--c->scripts - at) * sizeof(*c->script));
}

/* Those that have not been asked for longest, but the one at hand. */
static void forget_some(struct sourcemap_cache *c)
{
    while (c->scripts > 1 &&
           (c->bytes > SOURCEMAP_CACHE_BYTES_MAX || c->scripts > SOURCEMAP_CACHE_SCRIPTS_MAX)) {
        u32 oldest = 0;

        for (u32 i = 1; i < c->scripts; i++)
            if (c->script[i]->asked < c->script[oldest]->asked)
                oldest = i;
        forget(c, oldest);
    }
}

static struct sourcemap_script *script_new(struct str url)
{
    struct sourcemap_script *s = calloc(1, sizeof(*s));

    if (s)
        s->url = str_dup(url);
    if (s && !s->url)
        free(TAKE(s, NULL));
    if (s)
        s->url_len = url.len;
    return s;
}

/* NULL: out of memory. */
static struct sourcemap_script *script_of(struct sourcemap_cache *c, struct str url)
{
    u32 at = place_of(c, url);
    struct sourcemap_script *s;

    if (at < c->scripts && str_eq(url_of(c->script[at]), url)) {
        c->script[at]->asked = ++c->now;
        return c->script[at];
    }
    if (c->scripts == c->cap) {
        u32 cap = c->cap ? c->cap * 2 : 64;
        struct sourcemap_script **more = realloc(c->script, cap * sizeof(*more));

        if (!more)
            return NULL;
        c->script = more;
        c->cap = cap;
    }
    s = script_new(url);
    if (!s)
        return NULL;
    script_load(c, s);
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

bool sourcemap_cache_line(struct sourcemap_cache *c, struct str url, u32 line,
                          struct sourcemap_place *out)
{
    struct sourcemap_script *s;
    const struct sourcemap *map = map_of(c, url, &s);

    return map && sourcemap_find_line(map, line, out);
}

void sourcemap_cache_done(struct sourcemap_cache *c)
{
    for (u32 i = 0; i < c->scripts; i++)
        script_free(c->script[i]);
    free(c->script);
    *c = (struct sourcemap_cache){ 0 };
}
