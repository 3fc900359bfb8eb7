/* app/path.c -- paths, and what kind of file they lead to */
#include "app/path.h"

#include "conf/words.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char *const file_endings[] = { ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts" };

struct str path_folder(struct str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] != '/')
        path.len--;
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

struct str path_base(struct str path)
{
    size_t start = path.len;

    while (start && path.ptr[start - 1] != '/')
        start--;
    return str_sub(path, start, path.len);
}

const char *path_join(struct buf *out, struct str folder, struct str name)
{
    buf_clear(out);
    if (!(name.len && name.ptr[0] == '/')) {
        buf_add(out, folder);
        if (!str_ends(folder, STR("/")))
            buf_addc(out, '/');
    }
    buf_add(out, name);
    buf_addc(out, 0);
    if (out->failed)
        return "";
    out->len--;
    return out->ptr;
}

bool path_is(const char *path, u32 kind)
{
    struct stat st;

    return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

bool path_find_js(struct buf *path)
{
    size_t len = path->len;

    if (path->failed || path_is(path->ptr, S_IFREG))
        return !path->failed;
    for (u32 i = 0; i < ARRAY_LEN(file_endings); i++) {
        path->len = len;
        buf_add(path, str_of(file_endings[i]));
        buf_addc(path, 0);
        if (path->failed)
            return false;
        path->len--;
        if (path_is(path->ptr, S_IFREG))
            return true;
    }
    path->len = len;
    path->ptr[len] = 0;
    return false;
}

void path_shebang(const char *path, struct strings *words)
{
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char head[256];
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
    struct str rest, line;

    if (n < 2 || head[0] != '#' || head[1] != '!')
        return;
    line = str_cut(str_make(head + 2, (size_t)n - 2), '\n', &rest);
    if (words_split(line, &words->bytes, &words->count) != WORDS_PLAIN)
        strings_done(words);
}

bool path_shebang_is_node(const struct strings *words, u32 *flags)
{
    u32 i = 0;

    if (words->count > 1 && str_eq(path_base(strings_at(words, 0)), STR("env"))) {
        i = 1;
        if (str_eq(strings_at(words, 1), STR("-S")) && words->count > 2)
            i = 2;
    }
    *flags = i + 1;
    return words->count > i && str_eq(path_base(strings_at(words, i)), STR("node"));
}

bool path_is_js(struct str path, bool *typescript)
{
    for (u32 i = 0; i < ARRAY_LEN(file_endings); i++) {
        if (str_ends(path, str_of(file_endings[i]))) {
            *typescript = i >= 3;
            return true;
        }
    }
    return false;
}
