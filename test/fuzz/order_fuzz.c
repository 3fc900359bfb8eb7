/* order_fuzz.c -- any bytes to the control socket: an order in range, or a problem with a text */
#include "worker/order.h"

#include <signal.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct order o;
    struct problem p;
    int err = order_read(&o, str_make((const char *)data, size), &p);

    if (err == -EINVAL)
        assert(p.text[0]);
    if (err)
        return 0;
    assert(o.verb < ORDER_VERBS && strlen(o.app) < ORDER_APP_MAX);
    assert(o.worker <= ORDER_WORKERS_MAX && o.workers <= ORDER_WORKERS_MAX);
    assert(o.by >= -ORDER_WORKERS_MAX && o.by <= ORDER_WORKERS_MAX);
    assert(o.wait_ms <= ORDER_WAIT_MS_MAX);
    assert(o.signal >= 0 && o.signal < SIGRTMIN && !(o.workers && o.by));
    return 0;
}
