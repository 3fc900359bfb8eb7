/* metrics/text.h -- writes the Prometheus text format, version 0.0.4
 *
 * (prometheus.io/docs/instrumenting/exposition_formats.) A family's header first, then its
 * samples; the caller keeps the samples of a family together, and gives no two of them the same
 * labels. Whatever stands in a label value, the line that comes out is valid: control characters
 * and bytes that are not UTF-8 become '?', and what the format reserves is escaped. A value is
 * always a finite number of at least 0.
 *
 * Labels are an array that ends with an empty name:
 *     text_u64(t, LABELS({ "worker", id }, { "kind", STR("minor") }), n);
 */
#pragma once

#include "base/buf.h"

enum { TEXT_SECONDS_MAX = 24, TEXT_BOUNDS_MAX = 24 };

/* All zero but `out` is a new page. */
struct text {
    struct buf *out;
    const char *name;       /* of the family begun last */
    struct text_sink *sink; /* not NULL: all goes there, and nothing to `out` */
    /* private: the bounds of the histogram written last */
    u32 bounds;
    u64 le_ns[TEXT_BOUNDS_MAX];
    char le[TEXT_BOUNDS_MAX][TEXT_SECONDS_MAX + 4];
    u8 le_len[TEXT_BOUNDS_MAX];
};

struct label {
    const char *name; /* [a-zA-Z_][a-zA-Z0-9_]* */
    struct str value; /* empty: the label is left out, which means the same */
};
#define LABELS(...) ((const struct label[]){ __VA_ARGS__, { NULL, { NULL, 0 } } })
#define NO_LABELS ((const struct label[]){ { NULL, { NULL, 0 } } })
enum { TEXT_LABELS_MAX = 12 };

enum text_type { TEXT_COUNTER, TEXT_GAUGE, TEXT_HISTOGRAM };

/* Who takes the same families and samples for another format. */
enum text_form { TEXT_FORM_COUNT, TEXT_FORM_SECONDS, TEXT_FORM_MILLIONTHS };
struct text_sink {
    void (*family)(struct text_sink *sink, const char *name, enum text_type type, const char *help);
    /* `n` is a count, nanoseconds or millionths. */
    void (*number)(struct text_sink *sink, const struct label *labels, enum text_form form, u64 n);
    void (*histogram)(struct text_sink *sink, const struct label *labels, const u64 *le_ns,
                      u32 bounds, const u64 *cumulative, u64 sum_ns);
};

/* `name` must live as long as samples of it are written. */
void text_family(struct text *t, const char *name, enum text_type type, const char *help);

/* One sample of the family. */
void text_u64(struct text *t, const struct label *labels, u64 n);
/* Nanoseconds as seconds, exactly. */
void text_seconds(struct text *t, const struct label *labels, u64 ns);
/* n millionths, for ratios. */
void text_millionths(struct text *t, const struct label *labels, u64 n);

/* The samples of a histogram of seconds: _bucket for each bound and +Inf, _sum and _count.
 * `cumulative` has bounds + 1 entries, as histogram_cumulate gives them. */
void text_histogram(struct text *t, const struct label *labels, const u64 *le_ns, u32 bounds,
                    const u64 *cumulative, u64 sum_ns);

/* The text of nanoseconds in seconds, such as "0.0105", "3"; returns `out` as a view. */
struct str text_of_seconds(u64 ns, char out[TEXT_SECONDS_MAX]);
