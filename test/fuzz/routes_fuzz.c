/* test/fuzz/routes_fuzz.c -- what is said for places, as text: read, it is written as it was; and
 * what it says can be set, or is named as wrong
 *
 * The first byte chooses the text.
 */
#include "conf/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct routes routes, again;
static struct settings plain;

static void settings_check_all(bool listeners)
{
    for (u32 i = 0; i < (listeners ? routes.listeners : routes.n); i++) {
        struct settings s;
        struct problem p = { 0 };
        int err;

        settings_borrow(&s, &plain);
        err = listeners ? routes_listener_apply(&s, &plain, &routes.listener[i], &p)
                        : routes_apply(&s, &plain, &routes, i, &p);
        assert(err == 0 || (err == -EINVAL && p.text[0]));
        settings_texts_free(&s.texts);
    }
}

static void words_check(struct str text)
{
    struct buf word = { 0 }, back = { 0 };

    override_encode(text, &word);
    for (size_t i = 0; i < word.len; i++)
        assert(word.ptr[i] > ' ' && word.ptr[i] < 0x7f && word.ptr[i] != ';');
    assert(override_decode(buf_str(&word), &back) && str_eq(buf_str(&back), text));
    buf_clear(&back);
    (void)override_decode(text, &back);
    buf_done(&word);
    buf_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool listeners = size && data[0] & 1;
    struct str text = str_make((const char *)data + 1, size ? size - 1 : 0);
    struct buf first = { 0 }, second = { 0 };
    struct problem p = { 0 };

    if (size == 0)
        return 0;
    if (!plain.node.ptr && settings_init(&plain))
        abort();
    words_check(text);
    memset(&routes, 0, sizeof(routes));
    memset(&again, 0, sizeof(again));
    if ((listeners ? routes_parse_listeners : routes_parse)(&routes, text, &p)) {
        assert(p.text[0]);
        return 0;
    }
    (listeners ? routes_listeners_text : routes_text)(&routes, &first);
    assert((listeners ? routes_parse_listeners : routes_parse)(&again, buf_str(&first), &p) == 0);
    (listeners ? routes_listeners_text : routes_text)(&again, &second);
    assert(again.n == routes.n && again.listeners == routes.listeners);
    assert(str_eq(buf_str(&first), buf_str(&second)));
    settings_check_all(listeners);
    buf_done(&first);
    buf_done(&second);
    return 0;
}
