/* app/leaks_source.c -- the source files of an app, for the line to blame */
#include "app/leaks_source.h"

#include <fcntl.h>
#include <sys/stat.h>

/* All of a regular file of a moderate size. */
static bool file_read(struct str name, struct buf *out)
{
    AUTO(fd_closep) int fd = -1;
    char path[SUSPECT_FILE_MAX];
    struct stat st;
    ssize_t n;

    buf_clear(out);
    if (name.len >= sizeof(path) || memchr(name.ptr, 0, name.len))
        return false;
    str_to_cstr(name, path, sizeof(path));
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > LEAKS_SOURCE_BYTES_MAX ||
        !buf_reserve(out, (size_t)st.st_size + 1))
        return false;
    while (out->len < (size_t)st.st_size &&
           (n = read(fd, out->ptr + out->len, (size_t)st.st_size - out->len)) > 0)
        out->len += (size_t)n;
    return out->len > 0;
}

/* Node takes the types out of TypeScript, line by line, so that its text is another one. */
static bool is_rewritten(struct str file)
{
    return str_ends(file, STR(".ts")) || str_ends(file, STR(".mts")) || str_ends(file, STR(".cts"));
}

/* The file on the disk is the one that the process has. */
static bool is_the_same(struct str file, struct str text, struct str beginning)
{
    /* The last character of what V8 cut off may be half of one. */
    struct str sure = str_sub(beginning, 0, beginning.len > 8 ? beginning.len - 8 : 0);

    return is_rewritten(file) || str_starts(text, sure);
}

/* One suspect, and what has been found for it so far. */
struct search {
    struct suspect *s;
    struct buf *text;
    u32 rank;
};

static void look_into(void *ctx, struct str file)
{
    struct search *search = ctx;

    if (file_read(file, search->text))
        (void)suspect_locate(search->s, file, buf_str(search->text), &search->rank);
}

void leaks_source_locate(struct leaks *l)
{
    AUTO(buf_done) struct buf text = { 0 };

    for (u32 i = 0; i < l->count; i++) {
        struct suspect *s = &l->list[i];
        struct search search = { .s = s, .text = &text, .rank = UINT32_MAX };
        struct str file = str_of(s->file);

        if (!s->wants_statement)
            continue;
        if (!file.len) {
            leaks_app_files(l, look_into, &search);
            continue;
        }
        if (file_read(file, &text) && is_the_same(file, buf_str(&text), s->source))
            (void)suspect_locate(s, file, buf_str(&text), &search.rank);
        else if (s->source.len)
            (void)suspect_locate(s, file, s->source, &search.rank);
    }
}

void leaks_source_line(const struct suspect *s, char *out, size_t room)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct str file = str_of(s->file), source = { 0 };

    out[0] = '\0';
    if (!s->line)
        return;
    if (file_read(file, &text) && is_the_same(file, buf_str(&text), s->source))
        source = buf_str(&text);
    else
        source = s->source;
    str_to_cstr(statement_line(source, s->line), out, room);
}
