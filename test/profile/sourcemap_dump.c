/* test/profile/sourcemap_dump.c -- what src/sourcemap makes of a map, for the comparison with
 * others
 *
 * sourcemap_dump MAP FOLDER: for each line «LINE COLUMN» of standard input a line «SOURCE LINE
 * COLUMN NAME», with tabs between, or «-». Lines and columns from 0.
 */
#include "sourcemap/sourcemap.h"

int main(int argc, char **argv)
{
    AUTO(buf_done) struct buf bytes = { 0 };
    struct problem p = { 0 };
    struct sourcemap map;
    u32 line, column;
    FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;

    if (!f)
        return 2;
    while (buf_reserve(&bytes, 1 << 20)) {
        size_t n = fread(bytes.ptr + bytes.len, 1, 1 << 20, f);

        if (!n)
            break;
        bytes.len += n;
    }
    fclose(f);
    if (sourcemap_read(&map, buf_str(&bytes), str_of(argv[2]), &p)) {
        fprintf(stderr, "%s\n", p.text);
        return 1;
    }
    while (scanf("%u %u", &line, &column) == 2) {
        struct sourcemap_place at;

        if (sourcemap_find(&map, line, column, &at))
            printf("%.*s\t%u\t%u\t%.*s\n", STR_ARG(at.source), at.line, at.column,
                   STR_ARG(at.name));
        else
            puts("-");
    }
    sourcemap_done(&map);
    return 0;
}
