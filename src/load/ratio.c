/* load/ratio.c -- how two targets compare, from rounds in turns */
#include "load/ratio.h"

#include <math.h>

double ratio_t975(u32 freedom)
{
    static const double few[] = { 12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646,
                                  2.3060,  2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448,
                                  2.1314,  2.1199, 2.1098, 2.1009, 2.0930, 2.0860 };
    const double z = 1.959964;
    double n = freedom;

    if (freedom <= ARRAY_LEN(few))
        return few[freedom - 1];
    /* Abramowitz and Stegun 26.7.5, the first two terms. */
    return z + (pow(z, 3) + z) / (4 * n) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * n * n);
}

static bool says_something(double a, double b)
{
    return a > 0 && b > 0;
}

struct ratio ratio_of(const double *a, const double *b, u32 rounds)
{
    struct ratio r = { 0 };
    double sum = 0, squares = 0, mean, half;
    u32 n = 0;

    for (u32 i = 0; i < rounds; i++) {
        if (!says_something(a[i], b[i]))
            continue;
        sum += log(b[i] / a[i]);
        n++;
    }
    if (n == 0)
        return r;
    mean = sum / n;
    r.value = exp(mean);
    r.has_value = true;
    for (u32 i = 0; i < rounds; i++)
        if (says_something(a[i], b[i]))
            squares += pow(log(b[i] / a[i]) - mean, 2);
    if (n < 2)
        return r;
    half = ratio_t975(n - 1) * sqrt(squares / (n - 1) / n);
    r.low = exp(mean - half);
    r.high = exp(mean + half);
    r.has_interval = true;
    return r;
}
