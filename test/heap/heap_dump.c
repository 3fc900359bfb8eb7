/* heap_dump FILE [OUT] -- what src/heap makes of a snapshot, in the form of devtools.mjs
 *
 * OUT gets every node, a line each: id, self size, retained size, distance, id of the dominator,
 * detachedness, class (a JSON string as JSON.stringify writes it). On stdout: totals, statistics
 * and classes as JSON. HEAP_THREADS=1 lets it use one thread. */
#include "base/buf.h"
#include "heap/analysis.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_file(void *ctx, u64 offset, void *out, size_t len)
{
    ssize_t n = pread(*(int *)ctx, out, len, (off_t)offset);
    return n < 0 ? -errno : n;
}

/* A surrogate on its own, as WTF-8 writes it. */
static bool is_lone_surrogate(struct str s, size_t i)
{
    const u8 *b = (const u8 *)s.ptr + i;
    return i + 2 < s.len && b[0] == 0xed && b[1] >= 0xa0;
}

static void print_json(FILE *out, struct str s)
{
    static const char shorts[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
    };

    putc('"', out);
    for (size_t i = 0; i < s.len; i++) {
        u8 c = (u8)s.ptr[i];

        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 32 && shorts[c]) {
            fprintf(out, "\\%c", shorts[c]);
        } else if (c < 32) {
            fprintf(out, "\\u%04x", c);
        } else if (is_lone_surrogate(s, i)) {
            fprintf(out, "\\u%04x",
                    0xd000 | ((u8)s.ptr[i + 1] & 0x3f) << 6 | ((u8)s.ptr[i + 2] & 0x3f));
            i += 2;
        } else {
            putc(c, out);
        }
    }
    putc('"', out);
}

static u32 detachedness(const struct graph *g, u32 node)
{
    return g->flags[node] & GRAPH_ATTACHED ? 1 : g->flags[node] & GRAPH_DETACHED ? 2 : 0;
}

static void print_nodes(FILE *out, const struct analysis *a)
{
    for (u32 i = 0; i < a->g.node_count; i++) {
        fprintf(out, "%u\t%" PRIu64 "\t%" PRIu64 "\t%d\t%u\t%u\t", a->g.id[i],
                graph_self_size(&a->g, i), a->d.retained[i], a->distance[i],
                a->g.id[a->d.dominator[i]], detachedness(&a->g, i));
        print_json(out, classes_name(&a->c, classes_of(&a->c, i)));
        putc('\n', out);
    }
}

static void print_classes(const struct analysis *a)
{
    const char *comma = "";

    for (u32 i = 0; i < a->c.count; i++) {
        const struct class *c = &a->c.class[i];

        if (!c->count)
            continue;
        printf("%s\n{\"class\":", comma);
        comma = ",";
        print_json(stdout, classes_name(&a->c, i));
        if (c->place) {
            const struct place *p = &a->g.places[c->place - 1];
            printf(",\"script_id\":%u,\"line\":%u,\"column\":%u", p->script, p->line, p->column);
        }
        printf(",\"count\":%" PRIu64 ",\"shallow_bytes\":%" PRIu64 ",\"retained_bytes\":%" PRIu64
               ",\"distance\":%d}",
               c->count, c->shallow, c->retained, c->distance);
    }
}

static void print_summary(const struct analysis *a)
{
    const struct statistics *s = &a->s;

    printf("{\"nodes\":%u,\"edges\":%u,\"total_bytes\":%" PRIu64 ",\"statistics\":{",
           a->g.node_count, a->g.edge_count, s->total);
    printf("\"code\":%" PRIu64 ",\"strings\":%" PRIu64 ",\"js_arrays\":%" PRIu64
           ",\"typed_arrays\":%" PRIu64,
           s->code, s->strings, s->js_arrays, s->typed_arrays);
    printf(",\"system\":%" PRIu64 ",\"native\":%" PRIu64 "},\"classes\":[", s->system, s->native);
    print_classes(a);
    printf("]}\n");
}

static int fail(const char *what, int r, const struct problem *p)
{
    fprintf(stderr, "heap_dump: %s: %s\n", what, r == -EINVAL ? p->text : strerror(-r));
    return 1;
}

int main(int argc, char **argv)
{
    enum { ALL = GRAPH_WITH_IDS | GRAPH_WITH_PLACES | ANALYSIS_EDGES | ANALYSIS_DISTANCES };
    const char *threads = getenv("HEAP_THREADS");
    struct analysis a;
    struct problem p = { 0 };
    struct stat st;
    FILE *out;
    int fd, r;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "heap_dump FILE [OUT]\n");
        return 2;
    }
    fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(argv[1], -errno, &p);
    r = analysis_run(&a, &(struct input){ read_file, &fd, (u64)st.st_size },
                     threads ? (u32)atoi(threads) : 2, ALL, NULL, &p);
    if (r) {
        analysis_done(&a);
        return fail(argv[1], r, &p);
    }
    if (argc == 3) {
        out = fopen(argv[2], "w");
        if (!out)
            return fail(argv[2], -errno, &p);
        print_nodes(out, &a);
        if (fclose(out))
            return fail(argv[2], -errno, &p);
    }
    print_summary(&a);
    analysis_done(&a);
    return 0;
}
