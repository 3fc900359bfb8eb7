/* metrics/text.c -- writes the Prometheus text format */
#include "metrics/text.h"

#include "base/clock.h"

static void label_value(struct buf *out, struct str value)
{
    const u8 *p = (const u8 *)value.ptr;

    for (size_t i = 0; i < value.len;) {
        size_t len = str_utf8_len(value, i);

        if (len == 0 || (p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f) {
            buf_addc(out, '?');
            i++;
            continue;
        }
        if (p[i] == '"' || p[i] == '\\')
            buf_addc(out, '\\');
        if (p[i] == '\n')
            buf_add(out, STR("\\n"));
        else
            buf_add(out, str_make(value.ptr + i, len));
        i += len;
    }
}

static void label_add(struct buf *out, char *before, const char *name, struct str value)
{
    buf_addc(out, *before);
    *before = ',';
    buf_add(out, str_of(name));
    buf_add(out, STR("=\""));
    label_value(out, value);
    buf_addc(out, '"');
}

/* All of a line but its value. */
static void line_begin(struct text *t, struct str suffix, const struct label *labels, struct str le)
{
    char before = '{';

    buf_add(t->out, str_of(t->name));
    buf_add(t->out, suffix);
    for (u32 i = 0; labels[i].name; i++) {
        assert(i < TEXT_LABELS_MAX);
        if (labels[i].value.len)
            label_add(t->out, &before, labels[i].name, labels[i].value);
    }
    if (le.len)
        label_add(t->out, &before, "le", le);
    if (before == ',')
        buf_addc(t->out, '}');
    buf_addc(t->out, ' ');
}

void text_family(struct text *t, const char *name, enum text_type type, const char *help)
{
    static const char *const names[] = { "counter", "gauge", "histogram" };

    t->name = name;
    buf_addf(t->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, names[type]);
}

struct str text_of_seconds(u64 ns, char out[TEXT_SECONDS_MAX])
{
    int len = snprintf(out, TEXT_SECONDS_MAX, "%llu.%09llu", (unsigned long long)(ns / NS_PER_S),
                       (unsigned long long)(ns % NS_PER_S));

    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    return str_make(out, (size_t)len);
}

static void line_u64(struct text *t, struct str suffix, const struct label *labels, struct str le,
                     u64 n)
{
    line_begin(t, suffix, labels, le);
    buf_addu(t->out, n);
    buf_addc(t->out, '\n');
}

static void line_seconds(struct text *t, struct str suffix, const struct label *labels, u64 ns)
{
    char value[TEXT_SECONDS_MAX];

    line_begin(t, suffix, labels, STR(""));
    buf_add(t->out, text_of_seconds(ns, value));
    buf_addc(t->out, '\n');
}

void text_u64(struct text *t, const struct label *labels, u64 n)
{
    line_u64(t, STR(""), labels, STR(""), n);
}

void text_seconds(struct text *t, const struct label *labels, u64 ns)
{
    line_seconds(t, STR(""), labels, ns);
}

void text_millionths(struct text *t, const struct label *labels, u64 n)
{
    line_begin(t, STR(""), labels, STR(""));
    buf_addf(t->out, "%llu.%06llu\n", (unsigned long long)(n / 1000000),
             (unsigned long long)(n % 1000000));
}

void text_histogram(struct text *t, const struct label *labels, const u64 *le_ns, u32 bounds,
                    const u64 *cumulative, u64 sum_ns)
{
    char le[TEXT_SECONDS_MAX];

    for (u32 i = 0; i < bounds; i++)
        line_u64(t, STR("_bucket"), labels, text_of_seconds(le_ns[i], le), cumulative[i]);
    line_u64(t, STR("_bucket"), labels, STR("+Inf"), cumulative[bounds]);
    line_seconds(t, STR("_sum"), labels, sum_ns);
    line_u64(t, STR("_count"), labels, STR(""), cumulative[bounds]);
}
