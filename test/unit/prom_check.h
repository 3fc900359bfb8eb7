/* test/unit/prom_check.h -- a strict reader of the Prometheus text format, for tests
 *
 * Stricter than Prometheus itself: HELP, TYPE and samples of a family come together and once, every
 * value is a plain finite number of at least 0, no sample is there twice, histograms are whole.
 */
#pragma once

#include "tap.h"

#include <math.h>

struct prom_sample {
    struct str family, name, labels; /* labels: between the braces */
    double value;
};
struct prom {
    const char *error; /* NULL: the page is right */
    struct str line;   /* of the error */
    u32 count, room;
    struct prom_sample *sample;
};

static inline void prom_fail(struct prom *p, const char *error, struct str line)
{
    if (!p->error) {
        p->error = error;
        p->line = line;
        printf("# %s: %.*s\n", error, STR_ARG(line));
    }
}

static inline size_t prom_name(struct str s, bool colon)
{
    size_t n = 0;

    for (; n < s.len; n++) {
        char c = s.ptr[n];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':') ||
              (n && c >= '0' && c <= '9')))
            break;
    }
    return n;
}

/* The length of the labels up to the closing brace, or -1. */
static inline ptrdiff_t prom_labels(struct str s)
{
    size_t at = 0;
    struct str names[16];
    u32 n = 0;

    for (;;) {
        size_t len = prom_name(str_sub(s, at, s.len), false);

        if (len == 0 || n == 16)
            return -1;
        names[n++] = str_sub(s, at, len);
        for (u32 i = 0; i + 1 < n; i++)
            if (str_eq(names[i], names[n - 1]))
                return -1;
        at += len;
        if (!str_starts(str_sub(s, at, 2), STR("=\"")))
            return -1;
        for (at += 2; at < s.len && s.ptr[at] != '"';) {
            size_t bytes = str_utf8_len(s, at);

            if (bytes == 0 || (u8)s.ptr[at] < ' ')
                return -1;
            if (s.ptr[at] == '\\') {
                if (at + 1 >= s.len || !strchr("\\\"n", s.ptr[at + 1]))
                    return -1;
                bytes = 2;
            }
            at += bytes;
        }
        if (at + 1 >= s.len)
            return -1;
        at++;
        if (s.ptr[at] == '}')
            return (ptrdiff_t)at;
        if (s.ptr[at++] != ',')
            return -1;
    }
}

static inline void prom_sample_read(struct prom *p, struct str line, struct str family,
                                    bool is_histogram)
{
    size_t len = prom_name(line, true);
    struct prom_sample s = { .family = family, .name = str_sub(line, 0, len) };
    struct str rest = str_sub(line, len, line.len), suffix;
    char number[40], *end;

    if (!str_starts(s.name, family)) {
        prom_fail(p, "a sample outside its family", line);
        return;
    }
    suffix = str_sub(s.name, family.len, s.name.len);
    if (is_histogram ? !str_eq(suffix, STR("_bucket")) && !str_eq(suffix, STR("_sum")) &&
                           !str_eq(suffix, STR("_count"))
                     : suffix.len)
        prom_fail(p, "a sample outside its family", line);
    if (rest.len && rest.ptr[0] == '{') {
        ptrdiff_t n = prom_labels(str_sub(rest, 1, rest.len));

        if (n < 0) {
            prom_fail(p, "bad labels", line);
            return;
        }
        s.labels = str_sub(rest, 1, (size_t)n);
        rest = str_sub(rest, (size_t)n + 2, rest.len);
    }
    if (rest.len < 2 || rest.ptr[0] != ' ' || rest.len > sizeof(number)) {
        prom_fail(p, "no value", line);
        return;
    }
    str_to_cstr(str_sub(rest, 1, rest.len), number, sizeof(number));
    s.value = strtod(number, &end);
    if (*end || end == number || !isfinite(s.value) || s.value < 0 || number[0] == ' ')
        prom_fail(p, "bad value", line);
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 1024;
        p->sample = realloc(p->sample, p->room * sizeof(s));
    }
    p->sample[p->count++] = s;
}

static inline int prom_order(const void *va, const void *vb)
{
    const struct prom_sample *a = *(const struct prom_sample *const *)va;
    const struct prom_sample *b = *(const struct prom_sample *const *)vb;
    size_t len = min(a->name.len, b->name.len);
    int order = memcmp(a->name.ptr, b->name.ptr, len);

    if (order == 0 && a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    if (order)
        return order;
    len = min(a->labels.len, b->labels.len);
    order = len ? memcmp(a->labels.ptr, b->labels.ptr, len) : 0;
    if (order == 0 && a->labels.len != b->labels.len)
        return a->labels.len < b->labels.len ? -1 : 1;
    return order;
}

static inline void prom_unique(struct prom *p)
{
    struct prom_sample **order = calloc(p->count + 1, sizeof(struct prom_sample *));

    for (u32 i = 0; i < p->count; i++)
        order[i] = &p->sample[i];
    qsort(order, p->count, sizeof(*order), prom_order);
    for (u32 i = 1; i < p->count; i++)
        if (prom_order(&order[i - 1], &order[i]) == 0)
            prom_fail(p, "twice", order[i]->name);
    free(order);
}

/* Each run of _bucket … is followed by its _sum and _count, cumulative, +Inf last. */
static inline void prom_histograms(struct prom *p)
{
    double last = -1, last_le = -1;

    for (u32 i = 0; i < p->count; i++) {
        struct prom_sample *s = &p->sample[i];
        struct str le = s->labels;
        char number[40];
        double bound;

        if (!str_ends(s->name, STR("_bucket")) || str_eq(s->name, s->family))
            continue;
        for (size_t at = 0; at < s->labels.len; at++)
            if (str_starts(str_sub(s->labels, at, 4), STR("le=\"")))
                le = str_sub(s->labels, at + 4, s->labels.len - at - 5);
        str_to_cstr(le, number, sizeof(number));
        bound = str_eq(le, STR("+Inf")) ? INFINITY : strtod(number, NULL);
        if (!(bound > last_le) || s->value < last)
            prom_fail(p, "a bucket out of order", s->labels);
        last_le = bound;
        last = s->value;
        if (!isinf(bound))
            continue;
        if (i + 2 >= p->count || !str_ends(s[1].name, STR("_sum")) ||
            !str_ends(s[2].name, STR("_count")) || s[2].value != s->value)
            prom_fail(p, "a histogram without its end", s->name);
        last = last_le = -1;
    }
}

/* The caller frees sample. */
static inline struct prom prom_read(struct str page)
{
    struct prom p = { 0 };
    struct str seen[512], family = { 0 }, help = { 0 };
    u32 families = 0;
    bool is_histogram = false;

    if (page.len == 0 || page.ptr[page.len - 1] != '\n')
        prom_fail(&p, "no newline at the end", page);
    while (page.len && !p.error) {
        struct str line = str_cut(page, '\n', &page), rest;

        if (str_starts(line, STR("# HELP "))) {
            help = str_cut(str_sub(line, 7, line.len), ' ', &rest);
            if (rest.len == 0 || prom_name(help, true) != help.len || families == 512)
                prom_fail(&p, "bad HELP", line);
            for (u32 i = 0; i < families; i++)
                if (str_eq(seen[i], help))
                    prom_fail(&p, "a family twice", line);
            seen[families++ % 512] = help;
        } else if (str_starts(line, STR("# TYPE "))) {
            family = str_cut(str_sub(line, 7, line.len), ' ', &rest);
            is_histogram = str_eq(rest, STR("histogram"));
            if (!str_eq(family, help) ||
                !(is_histogram || str_eq(rest, STR("counter")) || str_eq(rest, STR("gauge"))))
                prom_fail(&p, "bad TYPE", line);
            if (str_eq(rest, STR("counter")) && !str_ends(family, STR("_total")))
                prom_fail(&p, "a counter without _total", line);
        } else {
            prom_sample_read(&p, line, family, is_histogram);
        }
    }
    prom_unique(&p);
    prom_histograms(&p);
    return p;
}

/* The sample of this name that has the labels in `want` (`a="x",b="y"`, in any order); NULL. */
static inline const struct prom_sample *prom_find(const struct prom *p, const char *name,
                                                  const char *want)
{
    for (u32 i = 0; i < p->count; i++) {
        const struct prom_sample *s = &p->sample[i];
        struct str left = str_of(want);
        bool all = str_eq(s->name, str_of(name));

        while (all && left.len) {
            struct str one = str_cut(left, ',', &left), have = s->labels;
            bool found = false;

            while (have.len && !found)
                found = str_eq(str_cut(have, ',', &have), one);
            all = found;
        }
        if (all)
            return s;
    }
    return NULL;
}

/* Its value; -1: not there. */
static inline double prom_value(const struct prom *p, const char *name, const char *want)
{
    const struct prom_sample *s = prom_find(p, name, want);

    return s ? s->value : -1;
}
