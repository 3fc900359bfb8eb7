/* traceparent_fuzz.c -- W3C Trace Context: what is read is written back as it was, and a tracestate
 * that passes keeps to its limits
 */
#include "http/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str value = str_make((const char *)data, size);
    char text[TRACEPARENT_LEN];
    struct traceparent t, again;

    if (traceparent_parse(value, &t)) {
        traceparent_text(&t, text);
        assert(memcmp(text + 3, data + 3, 49) == 0);
        assert(traceparent_parse(str_make(text, sizeof(text)), &again));
        assert(memcmp(&t, &again, sizeof(t)) == 0);
    }
    if (tracestate_valid(value))
        assert(size > 2 && size <= TRACESTATE_MAX && memchr(data, '=', size));
    return 0;
}
