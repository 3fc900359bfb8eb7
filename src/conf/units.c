/* conf/units.c -- numbers with a unit, as people write them */
#include "conf/units.h"

#include "base/clock.h"

struct unit {
    const char *name;
    u64 factor;
};

/* Largest first: the texts are written in the first that divides evenly. */
static const struct unit sizes[] = {
    { "T", 1ull << 40 }, { "G", 1ull << 30 }, { "M", 1ull << 20 }, { "K", 1ull << 10 }, { "", 1 },
};
static const struct unit durations[] = {
    { "d", 86400 * NS_PER_S },
    { "h", 3600 * NS_PER_S },
    { "m", 60 * NS_PER_S },
    { "s", NS_PER_S },
    { "ms", NS_PER_MS },
    { "us", NS_PER_US },
    { "ns", 1 },
};

static size_t digits(struct str s)
{
    size_t n = 0;

    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
        n++;
    return n;
}

/* Splits "1.5G" into whole 1, fraction 500000000 (billionths) and the rest "G". */
static bool number_cut(struct str s, u64 *whole, u64 *billionths, struct str *unit)
{
    size_t n = digits(s), f;
    u64 scale = 100000000;

    *billionths = 0;
    if (!str_to_u64(str_sub(s, 0, n), whole))
        return false;
    s = str_sub(s, n, s.len);
    if (s.len && s.ptr[0] == '.') {
        s = str_sub(s, 1, s.len);
        f = digits(s);
        if (f == 0 || f > 9)
            return false;
        for (size_t i = 0; i < f; i++, scale /= 10)
            *billionths += (u64)(s.ptr[i] - '0') * scale;
        s = str_sub(s, f, s.len);
    }
    *unit = str_trim(s);
    return true;
}

static bool scale(u64 whole, u64 billionths, u64 factor, u64 *out)
{
    unsigned __int128 n =
        (unsigned __int128)whole * factor + (unsigned __int128)billionths * factor / 1000000000;

    if (n > UINT64_MAX)
        return false;
    *out = (u64)n;
    return true;
}

bool units_size_parse(struct str s, u64 *bytes)
{
    u64 whole, billionths;
    struct str unit;

    if (!number_cut(s, &whole, &billionths, &unit))
        return false;
    if (unit.len > 1 && str_eq_nocase(str_sub(unit, 1, unit.len), STR("iB")))
        unit.len = 1;
    else if (unit.len && (unit.ptr[unit.len - 1] | 32) == 'b')
        unit.len--;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (str_eq_nocase(unit, str_of(sizes[i].name)))
            return (sizes[i].factor > 1 || !billionths) &&
                   scale(whole, billionths, sizes[i].factor, bytes);
    return false;
}

bool units_duration_parse(struct str s, u64 *ns)
{
    u64 whole, billionths;
    struct str unit;

    if (!number_cut(s, &whole, &billionths, &unit))
        return false;
    if (unit.len == 0 && whole == 0 && billionths == 0) {
        *ns = 0;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(durations); i++)
        if (str_eq_nocase(unit, str_of(durations[i].name)))
            return scale(whole, billionths, durations[i].factor, ns);
    return false;
}

static void text(u64 n, const struct unit *units, struct buf *out)
{
    while (n % units->factor)
        units++;
    buf_addu(out, n / units->factor);
    buf_add(out, str_of(units->name));
}

void units_size_text(u64 bytes, struct buf *out)
{
    if (bytes == 0)
        buf_addc(out, '0');
    else
        text(bytes, sizes, out);
}

void units_duration_text(u64 ns, struct buf *out)
{
    if (ns == 0)
        buf_addc(out, '0');
    else
        text(ns, durations, out);
}

bool units_percent_parse(struct str s, u64 *thousandths)
{
    struct str fraction, whole;
    u64 n, parts = 0;

    if (!str_ends(s, STR("%")))
        return false;
    whole = str_cut(str_sub(s, 0, s.len - 1), '.', &fraction);
    if (!str_to_u64(whole, &n) || n > 1000000 ||
        (fraction.ptr && (!fraction.len || fraction.len > 3)))
        return false;
    for (size_t i = 0; i < 3; i++) {
        char c = i < fraction.len ? fraction.ptr[i] : '0';

        if (c < '0' || c > '9')
            return false;
        parts = parts * 10 + (u64)(c - '0');
    }
    *thousandths = n * 1000 + parts;
    return true;
}
