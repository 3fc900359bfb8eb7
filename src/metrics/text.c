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
    if (t->sink) {
        t->sink->family(t->sink, name, type, help);
        return;
    }
    buf_addf(t->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, names[type]);
}

struct str text_of_seconds(u64 ns, char out[TEXT_SECONDS_MAX])
{
    size_t len = str_put_u64(out, ns / NS_PER_S);
    u64 rest = ns % NS_PER_S;

    if (rest) {
        out[len++] = '.';
        for (u64 unit = NS_PER_S / 10; rest; unit /= 10) {
            out[len++] = (char)('0' + rest / unit);
            rest %= unit;
        }
    }
    return str_make(out, len);
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
    if (t->sink)
        t->sink->number(t->sink, labels, TEXT_FORM_COUNT, n);
    else
        line_u64(t, STR(""), labels, STR(""), n);
}

void text_seconds(struct text *t, const struct label *labels, u64 ns)
{
    if (t->sink)
        t->sink->number(t->sink, labels, TEXT_FORM_SECONDS, ns);
    else
        line_seconds(t, STR(""), labels, ns);
}

void text_millionths(struct text *t, const struct label *labels, u64 n)
{
    if (t->sink) {
        t->sink->number(t->sink, labels, TEXT_FORM_MILLIONTHS, n);
        return;
    }
    line_begin(t, STR(""), labels, STR(""));
    buf_addf(t->out, "%llu.%06llu\n", (unsigned long long)(n / 1000000),
             (unsigned long long)(n % 1000000));
}

/* The bounds as text, made once for all histograms that follow each other. */
static void bounds_write(struct text *t, const u64 *le_ns, u32 bounds)
{
    char room[TEXT_SECONDS_MAX];

    if (t->bounds == bounds && memcmp(t->le_ns, le_ns, bounds * sizeof(*le_ns)) == 0)
        return;
    assert(bounds <= TEXT_BOUNDS_MAX);
    t->bounds = bounds;
    memcpy(t->le_ns, le_ns, bounds * sizeof(*le_ns));
    for (u32 i = 0; i < bounds; i++) {
        struct str text = text_of_seconds(le_ns[i], room);

        t->le_len[i] = (u8)(snprintf(t->le[i], sizeof(t->le[i]), "%.*s\"} ", STR_ARG(text)));
    }
}

/* The labels of the line at `begin`, without its last one, which is le; and the blank behind them.
 */
static void labels_copy(struct buf *out, size_t begin, size_t name_len, size_t prefix)
{
    size_t at = begin + name_len + strlen("_bucket"), end = begin + prefix - strlen(",le=\"");

    if (end > at && buf_reserve(out, end - at)) {
        memcpy(out->ptr + out->len, out->ptr + at, end - at);
        out->len += end - at;
        buf_addc(out, '}');
    }
    buf_addc(out, ' ');
}

/* Lines of one histogram differ in their ends only: a large page is mostly these, so they are
 * copied from the first one. */
void text_histogram(struct text *t, const struct label *labels, const u64 *le_ns, u32 bounds,
                    const u64 *cumulative, u64 sum_ns)
{
    static const char inf[] = "+Inf\"} ";
    struct buf *out = t->out;
    size_t begin, prefix;
    char *to, seconds[TEXT_SECONDS_MAX];

    if (t->sink) {
        t->sink->histogram(t->sink, labels, le_ns, bounds, cumulative, sum_ns);
        return;
    }
    begin = out->len;
    bounds_write(t, le_ns, bounds);
    line_begin(t, STR("_bucket"), labels, STR("+"));
    if (out->failed)
        return;
    out->len -= strlen("+\"} ");
    prefix = out->len - begin;
    if (!buf_reserve(out, (bounds + 1) * (prefix + sizeof(t->le[0]) + STR_U64_MAX + 1)))
        return;
    to = out->ptr + begin;
    for (u32 i = 0; i <= bounds; i++) {
        const char *end = i < bounds ? t->le[i] : inf;
        size_t len = i < bounds ? t->le_len[i] : sizeof(inf) - 1;

        if (i)
            memcpy(to, out->ptr + begin, prefix);
        memcpy(to + prefix, end, len);
        to += prefix + len;
        to += str_put_u64(to, cumulative[i]);
        *to++ = '\n';
    }
    out->len = (size_t)(to - out->ptr);
    buf_add(out, str_of(t->name));
    buf_add(out, STR("_sum"));
    labels_copy(out, begin, strlen(t->name), prefix);
    buf_add(out, text_of_seconds(sum_ns, seconds));
    buf_addc(out, '\n');
    buf_add(out, str_of(t->name));
    buf_add(out, STR("_count"));
    labels_copy(out, begin, strlen(t->name), prefix);
    buf_addu(out, cumulative[bounds]);
    buf_addc(out, '\n');
}
