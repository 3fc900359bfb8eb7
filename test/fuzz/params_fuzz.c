/* params_fuzz.c -- what stands behind the "?" of an address, of any kind: numbers in range, texts
 * within their limit, words that there are
 */
#include "view/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str query = str_make((const char *)data, size), value;
    AUTO(buf_done) struct buf text = { 0 };
    u32 word;
    u64 n;

    if (params_number(query, "node", 5, 1000, &n))
        assert(n <= 1000 && (n == 5 || params_find(query, "node", &value)));
    if (params_text(query, "filter", &text))
        assert(text.len <= (params_find(query, "filter", &value) ? value.len : 0));
    assert(text.len <= PARAMS_TEXT_MAX);
    if (params_word(query, "sort", "count|class|size", &word))
        assert(word < 3);
    return 0;
}
