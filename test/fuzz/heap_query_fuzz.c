/* test/fuzz/heap_query_fuzz.c -- a query that is taken can be asked, one that is refused says why
 *
 * Properties: terms are views of the query; patterns match without end or overrun; an opposite
 * condition after any other is taken too.
 */
#include "heap/glob.h"
#include "heap/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct problem p = { 0 };
    struct query q;

    if (query_parse(&q, text, &p)) {
        assert(p.text[0]);
        return 0;
    }
    assert(q.count <= QUERY_TERMS_MAX);
    for (u32 i = 0; i < q.count; i++) {
        const struct query_term *t = &q.term[i];

        if (t->field == QUERY_FILTER) {
            assert(t->filter < FILTER_COUNT);
            continue;
        }
        assert(t->text.ptr >= text.ptr && t->text.ptr + t->text.len <= text.ptr + text.len);
        assert(query_asks(&q, t->field));
        if (t->field <= QUERY_TEXT) {
            (void)glob_match(t->text, text);
            assert(glob_match(STR("*"), t->text));
        } else {
            bool yes = query_holds(t, t->number, 1 << 20);

            assert(t->percent ||
                   yes == (t->op == QUERY_EQ || t->op == QUERY_GE || t->op == QUERY_LE));
        }
    }
    return 0;
}
