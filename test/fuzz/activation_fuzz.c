/* activation_fuzz.c -- LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES of any kind: a number in range and
 * names that end
 *
 * Three texts, a newline between them; without one the rest is not set.
 */
#include "io/activation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SELF = 4711 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_make((const char *)data, size);
    struct activation_names out;
    char *text[3] = { 0 };
    u64 n;

    for (u32 i = 0; i < ARRAY_LEN(text) && rest.ptr; i++)
        text[i] = str_dup(str_cut(rest, '\n', &rest));
    activation_read(&out, text[0], text[1], text[2], SELF);
    assert(out.count <= 1024);
    if (out.count) {
        assert(str_to_u64(str_of(text[0]), &n) && n == SELF);
        assert(str_to_u64(str_of(text[1]), &n) && n >= out.count);
    }
    for (u32 i = 0; i < ACTIVATION_MAX; i++) {
        assert(memchr(out.name[i], 0, sizeof(out.name[i])));
        assert(!strchr(out.name[i], ':') && (i < out.count || !out.name[i][0]));
    }
    for (u32 i = 0; i < ARRAY_LEN(text); i++)
        free(text[i]);
    return 0;
}
