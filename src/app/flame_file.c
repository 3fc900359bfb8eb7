/* app/flame_file.c -- names and bytes of flame graphs */
#include "app/flame_file.h"

#include "inspect/outfile.h"

static struct str without(struct str s, struct str ending)
{
    return s.len > ending.len && str_ends(s, ending) ? str_sub(s, 0, s.len - ending.len) : s;
}

static struct str unpacked(struct str path)
{
    return without(without(path, STR(".gz")), STR(".zst"));
}

bool flame_file_format(struct str path, enum flame_format *out)
{
    path = unpacked(path);
    if (str_ends(path, STR(".html")) || str_ends(path, STR(".htm")))
        *out = FLAME_HTML;
    else if (str_ends(path, STR(".svg")))
        *out = FLAME_SVG;
    else if (str_ends(path, STR(".speedscope.json")))
        *out = FLAME_SPEEDSCOPE;
    else
        return false;
    return true;
}

const char *flame_file_ending(enum flame_format format)
{
    static const char *const ending[] = { [FLAME_HTML] = ".flame.html",
                                          [FLAME_SVG] = ".flame.svg",
                                          [FLAME_SPEEDSCOPE] = ".speedscope.json" };

    return ending[format];
}

const char *flame_file_word(enum flame_format format)
{
    static const char *const word[] = {
        [FLAME_HTML] = "html", [FLAME_SVG] = "svg", [FLAME_SPEEDSCOPE] = "speedscope"
    };

    return word[format];
}

struct str flame_file_stem(struct str path)
{
    static const struct str endings[] = { STR(".cpuprofile"), STR(".heapprofile"), STR(".json") };
    size_t slash = path.len;

    if (str_eq(path, STR("-")))
        return STR("profile");
    while (slash > 0 && path.ptr[slash - 1] != '/')
        slash--;
    path = unpacked(str_sub(path, slash, path.len));
    for (u32 i = 0; i < ARRAY_LEN(endings); i++)
        path = without(path, endings[i]);
    return path.len ? path : STR("profile");
}

int flame_file_write(const struct profile *profile, struct str title, const char *path,
                     enum flame_format format, struct flame_written *out, struct problem *p)
{
    AUTO(flame_done) struct flame f = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    struct outfile *file = NULL;
    int err = flame_init(&f, profile, title, format);

    if (!err)
        err = flame_write(&f, format, &text);
    if (!err)
        err = outfile_open(&file, path, p);
    if (err)
        return err;
    *out = (struct flame_written){ text.len, f.tree.calls, f.tree.left_out };
    err = outfile_write(file, buf_str(&text));
    if (!err)
        return outfile_commit(file, p);
    outfile_drop(file);
    return problem_set(p, "%s cannot be written: %s", path, strerror(-err));
}
