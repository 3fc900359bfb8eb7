/* fuzz: sql/fingerprint.c -- whatever the bytes are, the text stays within its room and is the same
 * as far as it goes, the hash does not depend on the room, and a fingerprint's fingerprint is
 * itself */
#include "sql/fingerprint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum sql_dialect dialect;
    size_t room, room_whole = 12 * size + 64, len, cut;
    uint64_t hash, again;
    char *out, *small, *twice, *text;

    if (size < 2)
        return 0;
    dialect = (enum sql_dialect)(data[0] % 3);
    room = data[1];
    data += 2;
    size -= 2;
    text = malloc(size ? size : 1);
    memcpy(text, data, size);
    out = malloc(room_whole);
    len = sql_fingerprint(text, size, dialect, out, room_whole, &hash);
    assert(len < room_whole && strlen(out) == len);
    small = malloc(room ? room : 1);
    cut = sql_fingerprint(text, size, dialect, small, room, &again);
    assert(again == hash && (!room || (cut < room && strlen(small) == cut)));
    if (cut < len || (room && strcmp(small, out) != 0)) {
        assert(cut < 3 || memcmp(small + cut - 3, "…", 3) == 0);
        assert(cut < 3 || memcmp(small, out, cut - 3) == 0);
    }
    twice = malloc(room_whole + 64);
    cut = sql_fingerprint(out, len, dialect, twice, room_whole + 64, &again);
    assert(cut == len && memcmp(out, twice, len) == 0 && again == hash);
    free(twice);
    free(small);
    free(out);
    free(text);
    return 0;
}
