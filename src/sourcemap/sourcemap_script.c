/* sourcemap/sourcemap_script.c -- one script and its map, found in the file system */
#include "sourcemap/sourcemap_script.h"

#include "sourcemap/whereabouts.h"

#include <fcntl.h>
#include <sys/stat.h>

static u64 file_max(const struct sourcemap_cache *c)
{
    return c->file_bytes_max ? c->file_bytes_max : SOURCEMAP_FILE_BYTES_MAX;
}

static struct sourcemap_stamp stamp_of(const struct stat *st)
{
    return (struct sourcemap_stamp){ st->st_ino, (u64)st->st_size, st->st_mtim.tv_sec,
                                     st->st_mtim.tv_nsec };
}

/* Reads a regular file, whatever it is made of and whoever cuts it off meanwhile. -errno; -EFBIG:
 * it is larger than may be. */
static int file_read(const struct sourcemap_cache *c, const char *path, struct buf *out,
                     struct sourcemap_stamp *stamp)
{
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENOENT;
    *stamp = stamp_of(&st);
    if ((u64)st.st_size > file_max(c))
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

/* ---- the map ---- */

/* One that is no use; `path` is where it was read. */
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
                    (unsigned long long)(file_max(c) >> 20));
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
        err = sourcemap_read_some(s->map, bytes, whereabouts_folder(path),
                                  c->mappings_max ? c->mappings_max : UINT32_MAX, &why);
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
static bool inline_bytes(struct sourcemap_cache *c, struct str url, struct buf *out)
{
    out->bytes_max = file_max(c);
    return whereabouts_data(url, out);
}

static void map_inline(struct sourcemap_cache *c, struct sourcemap_script *s, struct str url,
                       struct str path)
{
    AUTO(buf_done) struct buf bytes = { 0 };
    struct problem why = { .text = "the data: URL is not well-formed" };

    if (inline_bytes(c, url, &bytes))
        map_take(c, s, buf_str(&bytes), path);
    else
        ignored(c, path, -EINVAL, &why);
}

/* The map in a file, which need not be there: packages are published without. */
static void map_beside(struct sourcemap_cache *c, struct sourcemap_script *s, struct str url,
                       const struct buf *path)
{
    AUTO(buf_done) struct buf place = { 0 }, bytes = { 0 };
    struct str map_path;
    int err;

    if (url.len) {
        whereabouts_resolve(url, whereabouts_folder(buf_str(path)), &place);
    } else {
        buf_add(&place, buf_str(path));
        buf_add(&place, STR(".map"));
    }
    if (place.failed || (place.len && place.ptr[0] != '/') ||
        !whereabouts_path(buf_str(&place), &s->map_path))
        return;
    buf_addc(&s->map_path, '\0');
    if (s->map_path.failed)
        return;
    map_path = str_make(s->map_path.ptr, s->map_path.len - 1);
    err = file_read(c, s->map_path.ptr, &bytes, &s->map_stamp);
    if (!err)
        map_take(c, s, buf_str(&bytes), map_path);
    else if (err != -ENOENT && err != -ENOTDIR && err != -ENAMETOOLONG)
        ignored(c, map_path, err, NULL);
}

/* ---- the script ---- */

static struct str url_of(const struct sourcemap_script *s)
{
    return str_make(s->url, s->url_len);
}

/* Its path, with a NUL that is not counted. */
static bool path_of(const struct sourcemap_script *s, struct buf *out)
{
    if (!whereabouts_path(url_of(s), out))
        return false;
    buf_addc(out, '\0');
    if (out->failed)
        return false;
    out->len--;
    return true;
}

static void read_all(struct sourcemap_cache *c, struct sourcemap_script *s)
{
    AUTO(buf_done) struct buf path = { 0 };
    struct str url;

    if (!path_of(s, &path) || file_read(c, path.ptr, &s->bytes, &s->stamp))
        return;
    s->text.text = buf_str(&s->bytes);
    url = generated_map_url(s->text.text);
    if (str_starts_nocase(url, STR("data:")))
        map_inline(c, s, url, buf_str(&path));
    else
        map_beside(c, s, url, &path);
}

struct sourcemap_script *sourcemap_script_load(struct sourcemap_cache *c, struct str url)
{
    struct sourcemap_script *s = calloc(1, sizeof(*s));

    if (s)
        s->url = str_dup(url);
    if (!s || !s->url) {
        free(s);
        return NULL;
    }
    s->url_len = url.len;
    read_all(c, s);
    if (!s->map)
        buf_done(&s->bytes);
    return s;
}

void sourcemap_script_free(struct sourcemap_script *s)
{
    if (s->map)
        sourcemap_done(s->map);
    free(s->map);
    buf_done(&s->bytes);
    buf_done(&s->map_path);
    buf_done(&s->content_of);
    buf_done(&s->content);
    free(s->url);
    free(s);
}

/* One that is not there has the stamp of nothing, as one that never was. */
static bool is_stamped(const char *path, const struct sourcemap_stamp *stamp)
{
    struct sourcemap_stamp now = { 0 };
    struct stat st;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        now = stamp_of(&st);
    return memcmp(&now, stamp, sizeof(now)) == 0;
}

bool sourcemap_script_changed(const struct sourcemap_script *s)
{
    AUTO(buf_done) struct buf path = { 0 };

    if (!path_of(s, &path))
        return false;
    return !is_stamped(path.ptr, &s->stamp) ||
           (s->map_path.len && !is_stamped(s->map_path.ptr, &s->map_stamp));
}

/* ---- sources that are in the map ---- */

static bool content_read(struct sourcemap_cache *c, struct sourcemap_script *s, struct str source)
{
    AUTO(buf_done) struct buf bytes = { 0 }, path = { 0 };
    struct sourcemap_stamp stamp;
    struct problem why = { 0 };

    if (!path_of(s, &path))
        return false;
    if (s->map_path.len ? file_read(c, s->map_path.ptr, &bytes, &stamp) != 0
                        : !inline_bytes(c, generated_map_url(s->text.text), &bytes))
        return false;
    if (s->map_path.len) {
        path.len = 0;
        buf_add(&path, str_make(s->map_path.ptr, s->map_path.len - 1));
    }
    return sourcemap_content(buf_str(&bytes), whereabouts_folder(buf_str(&path)), source,
                             &s->content, &why) == 0;
}

bool sourcemap_script_content(struct sourcemap_cache *c, struct sourcemap_script *s,
                              struct str source, struct str *out)
{
    if (!s->map || !source.len)
        return false;
    if (!str_eq(buf_str(&s->content_of), source)) {
        buf_done(&s->content);
        buf_clear(&s->content_of);
        buf_add(&s->content_of, source);
        if (!content_read(c, s, source))
            buf_done(&s->content);
    }
    *out = buf_str(&s->content);
    return s->content.len != 0;
}
