/* test/fuzz/load_answer_fuzz.c -- what servers may send to the load generator
 *
 * The first byte chooses: an answer to GET or HEAD, or frames of a WebSocket.
 * Whole, byte by byte and cut in two places the verdict must be the same.
 */
#include "load/answer.h"
#include "load/echo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS = 4 }; /* of a WebSocket: that many echoes in a row */

struct verdict {
    int step;
    u32 status, done;
    size_t used;
};

/* One step; more than "more" means: an end. */
static int answer_step(struct answer *a, const char *bytes, size_t len, size_t *used,
                       struct verdict *v)
{
    enum answer_step step = answer_feed(a, bytes, len, used);

    v->status = a->status;
    return step;
}

static int echo_step(struct echo *e, const char *bytes, size_t len, size_t *used, struct verdict *v)
{
    struct buf out = { 0 };
    struct random r = { 1 };
    enum echo_step step;
    size_t n;

    *used = 0;
    do {
        step = echo_feed(e, bytes + *used, len - *used, &n);
        *used += n;
        if (step == ECHO_PING)
            echo_pong(e, &r, &out);
        if (step == ECHO_DONE && ++v->done < ROUNDS)
            echo_send(e, STR("hello"), &r, &out);
    } while (step == ECHO_PING || step == ECHO_DONE);
    buf_done(&out);
    return step;
}

static struct verdict run(u8 choice, struct str s, const size_t *cuts, size_t cuts_n)
{
    struct verdict v = { 0 };
    struct answer a;
    struct echo e = { 0 };
    struct buf out = { 0 };
    struct random r = { 1 };
    size_t from = 0, used;

    answer_init(&a, choice & 1 ? HTTP_HEAD : HTTP_GET);
    echo_send(&e, STR("hello"), &r, &out);
    buf_done(&out);
    for (size_t i = 0; i <= cuts_n && v.step == 0; i++) {
        size_t to = i < cuts_n ? cuts[i] : s.len;
        char *piece = malloc(to - from + 1);

        memcpy(piece, s.ptr + from, to - from);
        v.step = choice & 2 ? echo_step(&e, piece, to - from, &used, &v)
                            : answer_step(&a, piece, to - from, &used, &v);
        free(piece);
        assert(used <= to - from);
        from += used;
        if (v.step == 0)
            assert(to - from <=
                   (choice & 2 ? (size_t)WEBSOCKET_HEAD_MAX : (size_t)ANSWER_HEAD_MAX));
    }
    v.used = from;
    return v;
}

static void same(struct verdict a, struct verdict b)
{
    assert(a.step == b.step && a.done == b.done);
    assert(a.step == ANSWER_BAD || a.status == b.status);
    assert(a.step != ANSWER_DONE || a.used == b.used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s;
    size_t *every, two[2];
    struct verdict whole;

    if (size < 1 || size > 4096)
        return 0;
    s = str_make((const char *)data + 1, size - 1);
    every = calloc(s.len + 1, sizeof(*every));
    for (size_t i = 0; i < s.len; i++)
        every[i] = i;
    whole = run(data[0], s, NULL, 0);
    same(whole, run(data[0], s, every, s.len));
    two[0] = s.len / 3;
    two[1] = s.len - s.len / 3;
    same(whole, run(data[0], s, two, 2));
    free(every);
    return 0;
}
