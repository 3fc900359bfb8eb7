/* otlp_fuzz.c -- what a worker writes into its journal as a span, and what a back end answers: any
 * bytes; what is made of the first is a message that can be read to its end
 */
#include "otlp/partial.h"
#include "otlp/protobuf.h"
#include "otlp/spanform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct spanform_clock clock = { .latest_ns = 1ull << 40, .offset_ns = 1ull << 60 };
    struct shm_trace_ids ids = { { 1, 2, 3, 4 } };
    struct str bytes = str_make((const char *)data, size), rest;
    AUTO(buf_done) struct buf out = { 0 };
    struct protobuf_field field;
    struct shm_span_reader r;

    if (partial_rejected(bytes))
        assert(size >= 4);
    if (!shm_span_read(&r, data, (uint32_t)size))
        return 0;
    spanform_worker(&out, &r, &ids, &clock);
    rest = buf_str(&out);
    while (protobuf_next(&rest, &field))
        ;
    assert(rest.len == 0);
    return 0;
}
