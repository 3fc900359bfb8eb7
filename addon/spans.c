/* addon/spans.c -- spans of traced requests on their way to the monitor */
#include "spans.h"

#include <stdlib.h>
#include <string.h>

#include "journal.h"

enum {
    /* So much is told at once, what is less a little later: each time costs a few calls of the
     * system. */
    AT_ONCE = 16384,
    TARGET_TEXT_MAX = 256,
};

struct spans_rows spans_rows;

static struct {
    char *bytes; /* records, as journal_put_many takes them */
    uint32_t from, len;
} waiting;

static struct {
    double origin_ns;
    uint32_t parents, targets; /* the newest numbers */
    struct {
        uint32_t number;
        struct spanrecord_parent parent;
    } parent[SPANS_PARENTS_MAX];
    struct {
        uint32_t number;
        struct spanrecord_target target;
        char text[2][TARGET_TEXT_MAX];
    } target[SPANS_TARGETS_MAX];
} known;

void spans_origin(double origin_ns)
{
    known.origin_ns = origin_ns;
}

uint64_t spans_ns(double ms)
{
    double ns = known.origin_ns + ms * 1e6;

    return ns > 0 && ns < 0x1p63 ? (uint64_t)ns : 0;
}

static uint32_t number_next(uint32_t *last)
{
    if (++*last == 0)
        *last = 1;
    return *last;
}

uint32_t spans_parent(struct calls_text traceparent)
{
    struct spanrecord_parent parent;
    uint32_t number;

    if (!spanrecord_parent(traceparent, &parent))
        return 0;
    number = number_next(&known.parents);
    known.parent[number % SPANS_PARENTS_MAX].number = number;
    known.parent[number % SPANS_PARENTS_MAX].parent = parent;
    return number;
}

static struct calls_text keep(char to[TARGET_TEXT_MAX], struct calls_text from)
{
    size_t len = from.len < TARGET_TEXT_MAX ? from.len : TARGET_TEXT_MAX;

    if (len)
        memcpy(to, from.ptr, len);
    return (struct calls_text){ to, len };
}

uint32_t spans_target(const struct spanrecord_target *target)
{
    uint32_t number = number_next(&known.targets), i = number % SPANS_TARGETS_MAX;

    known.target[i].number = number;
    known.target[i].target = (struct spanrecord_target){
        .address = keep(known.target[i].text[0], target->address),
        .namespace = keep(known.target[i].text[1], target->namespace),
        .port = target->port,
    };
    return number;
}

/* ---- what waits ---- */

uint32_t spans_flush(void)
{
    uint32_t gone =
        waiting.len ? journal_put_many(SHM_RECORD_SPAN, waiting.bytes + waiting.from, waiting.len)
                    : 0;

    waiting.len -= gone;
    waiting.from = waiting.len ? waiting.from + gone : 0;
    return waiting.len;
}

static bool wait_add(const char *payload, uint32_t len)
{
    if (!waiting.bytes && !(waiting.bytes = malloc(SPANS_WAITING_MAX)))
        return false;
    if (waiting.len + sizeof len + len > SPANS_WAITING_MAX)
        return false;
    if (waiting.from + waiting.len + sizeof len + len > SPANS_WAITING_MAX) {
        memmove(waiting.bytes, waiting.bytes + waiting.from, waiting.len);
        waiting.from = 0;
    }
    memcpy(waiting.bytes + waiting.from + waiting.len, &len, sizeof len);
    memcpy(waiting.bytes + waiting.from + waiting.len + sizeof len, payload, len);
    waiting.len += (uint32_t)sizeof len + len;
    return true;
}

static uint32_t put(const char *payload, uint32_t len)
{
    if (!wait_add(payload, len))
        journal_dropped();
    return waiting.len < AT_ONCE ? waiting.len : spans_flush();
}

static _Alignas(8) char payload[SPANRECORD_MAX];

uint32_t spans_call(const struct spanrecord_call *call)
{
    return put(payload, spanrecord_call(call, payload));
}

uint32_t spans_inner(const struct spanrecord_inner *inner)
{
    return put(payload, spanrecord_inner(inner, payload));
}

void spans_drop(void)
{
    journal_dropped();
}

/* ---- rows ---- */

/* JavaScript has written it: it may be anything. */
static uint32_t number_of(double n)
{
    return n >= 1 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static void row_put(const struct spans_row *row)
{
    uint32_t parent = number_of(row->parent), target = number_of(row->target);
    struct spanrecord_call call = {
        .statement = number_of(row->statement),
        .begun_ns = spans_ns(row->begun_ms),
        .ended_ns = spans_ns(row->ended_ms),
    };

    if (parent == 0 || known.parent[parent % SPANS_PARENTS_MAX].number != parent) {
        journal_dropped();
        return;
    }
    call.parent = known.parent[parent % SPANS_PARENTS_MAX].parent;
    if (target && known.target[target % SPANS_TARGETS_MAX].number == target)
        call.target = known.target[target % SPANS_TARGETS_MAX].target;
    spans_call(&call);
}

uint32_t spans_rows_take(void)
{
    double count = spans_rows.count;

    spans_rows.count = 0;
    for (int i = 0; i < SPANS_ROWS_MAX && i < count; i++)
        row_put(&spans_rows.row[i]);
    return spans_flush();
}
