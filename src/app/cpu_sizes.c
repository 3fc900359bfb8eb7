/* app/cpu_sizes.c -- numbers in a list, or in names */
#include "app/cpu_sizes.h"

#include <ctype.h>

enum { NUMBERS_MAX = 16 };

/* The digits at the beginning, with k or M behind them; 0: none, or too large. *len is what it
 * takes. */
static double number_at(struct str s, size_t *len)
{
    double n = 0;
    size_t i = 0;

    while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
        n = n * 10 + (s.ptr[i++] - '0');
    if (i && i < s.len && (s.ptr[i] == 'k' || s.ptr[i] == 'M') &&
        (i + 1 == s.len || !isalnum((unsigned char)s.ptr[i + 1])))
        n *= s.ptr[i++] == 'k' ? 1e3 : 1e6;
    *len = i;
    return n <= 1e15 ? n : 0;
}

static u32 numbers_of(const char *path, double *number)
{
    const char *slash = strrchr(path, '/');
    struct str s = str_of(slash ? slash + 1 : path);
    u32 n = 0;

    for (size_t i = 0, len; i < s.len && n < NUMBERS_MAX; i += max(len, (size_t)1)) {
        double value = number_at(str_sub(s, i, s.len), &len);

        if (len)
            number[n++] = value;
    }
    return n;
}

static int from_names(const struct strings *files, double *size, struct problem *p)
{
    double first[NUMBERS_MAX], number[NUMBERS_MAX];
    bool differs[NUMBERS_MAX] = { 0 };
    u32 n = numbers_of(strings_at(files, 0).ptr, first), which = 0, found = 0;

    for (u32 i = 1; i < files->count; i++) {
        if (numbers_of(strings_at(files, i).ptr, number) != n)
            n = 0;
        for (u32 k = 0; k < n; k++)
            differs[k] |= number[k] != first[k];
    }
    for (u32 k = 0; k < n; k++)
        if (differs[k]) {
            which = k;
            found++;
        }
    if (found != 1)
        return problem_set(p,
                           "%s; say how large the work was, in the order of the files: --sizes "
                           "1000,2000,4000",
                           found ? "the files' names have several numbers that differ"
                                 : "the files' names have no number that tells their sizes apart");
    for (u32 i = 0; i < files->count; i++) {
        numbers_of(strings_at(files, i).ptr, number);
        size[i] = number[which];
    }
    return 0;
}

static int from_list(struct str list, u32 files, double *size, struct problem *p)
{
    struct str rest = list;
    u32 n = 0;

    while (rest.ptr) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        size_t len;
        double value = number_at(word, &len);

        if (!len || len != word.len || !value)
            return problem_set(p,
                               "--sizes: \"%.*s\" is no size; write whole numbers from 1, such "
                               "as 1000,2000,4000",
                               (int)min(word.len, (size_t)60), word.ptr);
        if (n < files)
            size[n] = value;
        n++;
    }
    if (n != files)
        return problem_set(p, "--sizes has %u sizes for %u files; each file needs one", n, files);
    return 0;
}

int cpu_sizes_read(struct str list, const struct strings *files, double *size, struct problem *p)
{
    bool differ = false;
    int err = list.len ? from_list(list, files->count, size, p) : from_names(files, size, p);

    for (u32 i = 0; !err && i < files->count; i++) {
        if (!(size[i] > 0))
            return problem_set(p, "%s: a size of 0; sizes begin at 1 (--sizes)",
                               strings_at(files, i).ptr);
        differ |= size[i] != size[0];
    }
    if (!err && !differ)
        return problem_set(p, "all files are of the same size; at least two sizes are needed");
    return err;
}
