/* sourcemap/mappings.c -- base64 VLQ numbers */
#include "sourcemap/mappings.h"

/* One more than the value of a base64 digit; 0: it is none. */
static const u8 digit[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

enum { VLQ_MORE = 32, SEGMENT_FIELDS = 5 };

struct decoder {
    const char *begin, *at, *end;
    const struct mappings_part *part;
    i64 source, line, column, name; /* each is given as what it differs by from the last one */
};

static int bad(const struct decoder *d, struct problem *p, const char *what)
{
    return problem_set(p, "\"mappings\": %s at character %zu", what, (size_t)(d->at - d->begin));
}

/* A number of at most 32 bits; false: what stands here is none. */
static bool vlq(struct decoder *d, i64 *out)
{
    u64 n = 0;

    for (u32 shift = 0; shift <= 30 && d->at < d->end; shift += 5) {
        u32 value = digit[(u8)*d->at];

        if (!value--)
            return false;
        d->at++;
        n |= (u64)(value & (VLQ_MORE - 1)) << shift;
        if (value & VLQ_MORE)
            continue;
        *out = n & 1 ? -(i64)(n >> 1) : (i64)(n >> 1);
        return true;
    }
    return false;
}

static bool room(void *array, u32 count, u32 *cap, size_t size)
{
    u32 more = *cap ? *cap * 2 : 256;
    void *bigger;

    if (count < *cap)
        return true;
    bigger = more > *cap ? realloc(*(void **)array, more * size) : NULL;
    if (!bigger)
        return false;
    *(void **)array = bigger;
    *cap = more;
    return true;
}

/* Lines up to this one begin here. */
static bool lines_until(struct mappings *m, u32 line)
{
    while (m->lines <= line) {
        if (!room(&m->line_begin, m->lines, &m->line_cap, sizeof(*m->line_begin)))
            return false;
        m->line_begin[m->lines++] = m->count;
    }
    return true;
}

static u32 line_end(const struct mappings *m, u32 line)
{
    return line + 1 < m->lines ? m->line_begin[line + 1] : m->count;
}

/* Sorted by merging, so that those of the same column stay in their order. */
static int line_sort(struct mappings *m, u32 line)
{
    u32 begin = m->line_begin[line], n = m->count - begin, i;
    struct mapping *from, *to, *spare;

    if (n < 2)
        return 0;
    from = &m->mapping[begin];
    for (i = 1; i < n && from[i - 1].column <= from[i].column; i++)
        ;
    if (i >= n)
        return 0;
    spare = to = malloc(n * sizeof(*to));
    if (!to)
        return -ENOMEM;
    for (u64 width = 1; width < n; width *= 2) {
        for (u64 low = 0; low < n; low += 2 * width) {
            u64 middle = min(low + width, (u64)n), high = min(low + 2 * width, (u64)n);
            u64 a = low, b = middle;

            for (u64 k = low; k < high; k++)
                to[k] = a < middle && (b == high || from[a].column <= from[b].column) ? from[a++]
                                                                                      : from[b++];
        }
        struct mapping *sorted = to;

        to = from;
        from = sorted;
    }
    if (from == spare)
        memcpy(to, from, n * sizeof(*to));
    free(spare);
    return 0;
}

static u32 number_of(i64 n, u32 base, u32 count)
{
    return n >= 0 && n < count ? base + (u32)n : MAPPINGS_NONE;
}

/* What a group of `fields` numbers says. */
static void segment(const struct decoder *d, u32 fields, u32 column, struct mapping *out)
{
    *out = (struct mapping){ column, MAPPINGS_NONE, 0, 0, MAPPINGS_NONE };
    if (fields == 1 || d->line < 0 || d->line >= UINT32_MAX || d->column < 0 ||
        d->column >= UINT32_MAX)
        return;
    out->source = number_of(d->source, d->part->source_base, d->part->sources);
    out->source_line = (u32)d->line;
    out->source_column = (u32)d->column;
    if (fields == SEGMENT_FIELDS)
        out->name = number_of(d->name, d->part->name_base, d->part->names);
}

static bool at_stop(const struct mappings_part *part, u32 line, i64 column)
{
    return line > part->stop_line || (line == part->stop_line && column >= part->stop_column);
}

/* The groups of a line, up to its ';'. */
static int line_read(struct mappings *m, struct decoder *d, u32 line, u32 shift, struct problem *p)
{
    i64 column = shift, step;

    while (d->at < d->end && *d->at != ';') {
        i64 *field[SEGMENT_FIELDS] = { &column, &d->source, &d->line, &d->column, &d->name };
        u32 fields = 0;

        if (*d->at == ',') {
            d->at++;
            continue;
        }
        while (d->at < d->end && *d->at != ',' && *d->at != ';') {
            if (fields == SEGMENT_FIELDS || !vlq(d, &step))
                return bad(d, p, "no base64 VLQ number");
            *field[fields++] += step;
        }
        if (fields == 2 || fields == 3)
            return bad(d, p, "a group has neither 1, 4 nor 5 numbers");
        if (column < 0 || column >= UINT32_MAX)
            return bad(d, p, "a column is out of range");
        if (at_stop(d->part, line, column))
            continue;
        if (m->count_max && m->count == m->count_max)
            return problem_set(p, "\"mappings\" has more than %u groups", m->count_max);
        if (!room(&m->mapping, m->count, &m->cap, sizeof(*m->mapping)))
            return -ENOMEM;
        segment(d, fields, (u32)column, &m->mapping[m->count++]);
    }
    return line_sort(m, line);
}

int mappings_add(struct mappings *m, struct str text, const struct mappings_part *part,
                 struct problem *p)
{
    struct decoder d = { text.ptr, text.ptr, text.ptr + text.len, part, 0, 0, 0, 0 };
    u32 line = part->line;
    int err;

    for (bool first = true;; first = false, line++, d.at++) {
        if (line >= MAPPINGS_LINES_MAX)
            return problem_set(p, "\"mappings\" has more than %d lines", MAPPINGS_LINES_MAX);
        if (line > part->stop_line)
            return 0;
        if (!lines_until(m, line))
            return -ENOMEM;
        err = line_read(m, &d, line, first ? part->column : 0, p);
        if (err || d.at == d.end)
            return err;
    }
}

void mappings_done(struct mappings *m)
{
    free(m->mapping);
    free(m->line_begin);
    *m = (struct mappings){ 0 };
}

const struct mapping *mappings_find(const struct mappings *m, u32 line, u32 column)
{
    u32 low, high, begin;

    if (line >= m->lines)
        return NULL;
    begin = low = m->line_begin[line];
    high = line_end(m, line);
    while (low < high) {
        u32 middle = low + (high - low) / 2;

        if (m->mapping[middle].column <= column)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == begin)
        return NULL;
    for (low--; low > begin && m->mapping[low - 1].column == m->mapping[low].column;)
        low--;
    return &m->mapping[low];
}

const struct mapping *mappings_line_first(const struct mappings *m, u32 line)
{
    u32 end = line < m->lines ? line_end(m, line) : 0;

    for (u32 i = end ? m->line_begin[line] : 0; i < end; i++)
        if (m->mapping[i].source != MAPPINGS_NONE)
            return &m->mapping[i];
    return NULL;
}
