/* otlp/partial.c -- what a back end says of a request that it has taken */
#include "otlp/partial.h"

#include "otlp/protobuf.h"

enum { PARTIAL_SUCCESS = 1, REJECTED = 1 };

u64 partial_rejected(struct str body)
{
    struct protobuf_field field, inner;

    while (protobuf_next(&body, &field)) {
        struct str rest = field.bytes;

        if (field.number != PARTIAL_SUCCESS)
            continue;
        while (protobuf_next(&rest, &inner))
            if (inner.number == REJECTED)
                return inner.n;
    }
    return 0;
}
