/* app/brief.c -- numbers as people read them in a column */
#include "app/brief.h"

/* One decimal below ten, unless it would be a zero. */
static void digits(struct buf *out, double n)
{
    bool whole = n >= 9.95 || (u64)(n * 10 + 0.5) % 10 == 0;

    buf_addf(out, "%.*f", whole ? 0 : 1, n);
}

void brief_bytes(struct buf *out, double bytes)
{
    static const char units[] = "BKMGTP";
    u32 i = 0;

    for (; bytes >= 999.5 && i + 2 < sizeof(units); i++)
        bytes /= 1024;
    digits(out, bytes);
    buf_addc(out, units[i]);
}

void brief_time(struct buf *out, double ms)
{
    bool long_one = ms >= 999.5;

    digits(out, long_one ? ms / 1000 : ms);
    buf_add(out, long_one ? STR("s") : STR("ms"));
}

static void two(struct buf *out, u64 large, char large_unit, u64 small, char small_unit)
{
    buf_addu(out, large);
    buf_addc(out, large_unit);
    if (!small)
        return;
    buf_addu(out, small);
    buf_addc(out, small_unit);
}

void brief_age(struct buf *out, u64 ms)
{
    u64 s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;

    if (d)
        two(out, d, 'd', d < 100 ? h % 24 : 0, 'h');
    else if (h)
        two(out, h, 'h', m % 60, 'm');
    else if (m)
        two(out, m, 'm', m < 10 ? s % 60 : 0, 's');
    else
        two(out, s, 's', 0, 0);
}

void brief_number(struct buf *out, double n)
{
    static const char *const units[] = { "", "k", "M", "G" };
    u32 i = 0;

    for (; n >= 9999.5 && i + 1 < ARRAY_LEN(units); i++)
        n /= 1000;
    if (i == 0 && n >= 9.95)
        buf_addf(out, "%.0f", n);
    else
        digits(out, n);
    buf_add(out, str_of(units[i]));
}
