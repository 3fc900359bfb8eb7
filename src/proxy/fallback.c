/* proxy/fallback.c -- what is answered in an app's place */
#include "proxy/fallback.h"

#include "base/log.h"

#include <fcntl.h>

static const struct {
    const char *end, *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" }, { ".htm", "text/html; charset=utf-8" },
    { ".json", "application/json" },         { ".txt", "text/plain; charset=utf-8" },
    { ".xml", "application/xml" },           { ".svg", "image/svg+xml" },
};

static struct str type_of(struct str path)
{
    for (u32 i = 0; i < ARRAY_LEN(types); i++)
        if (str_ends(path, str_of(types[i].end)))
            return str_of(types[i].type);
    return STR("application/octet-stream");
}

/* Up to one byte more than there may be. -errno. */
static ssize_t read_all(const char *path, char *bytes)
{
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t len = 0;

    if (fd < 0)
        return -errno;
    while (len <= FALLBACK_BYTES_MAX) {
        ssize_t n = read(fd, bytes + len, FALLBACK_BYTES_MAX + 1 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return len > FALLBACK_BYTES_MAX ? -EFBIG : (ssize_t)len;
}

int fallback_read(struct fallback **list, struct str path, struct fallback **out)
{
    struct fallback *f;
    ssize_t n;

    for (f = *list; f; f = f->next) {
        if (str_eq(str_of(f->path), path)) {
            *out = f;
            return 0;
        }
    }
    f = malloc(sizeof(*f) + FALLBACK_BYTES_MAX + 1);
    if (!f || !(f->path = str_dup(path))) {
        free(f);
        return -ENOMEM;
    }
    n = read_all(f->path, f->bytes);
    if (n < 0) {
        log_error("the breaker-fallback %s is not used: %s", f->path,
                  n == -EFBIG ? "it has more than 24 KB" : strerror((int)-n));
        free(f->path);
        free(f);
        *out = NULL;
        return 0;
    }
    f->len = (u32)n;
    f->type = type_of(path);
    f->next = *list;
    *out = *list = f;
    return 0;
}

void fallbacks_free(struct fallback **list)
{
    while (*list) {
        struct fallback *f = *list;

        *list = f->next;
        free(f->path);
        free(f);
    }
}
