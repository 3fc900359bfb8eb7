/* test/fuzz/settings_fuzz.c -- what is read as settings, written as text, is read as the same again
 *
 * The first byte chooses a row, or the splitting of words; the rest is the value.
 */
#include "conf/settings.h"
#include "conf/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A word that is quoted is split to itself, and plainly. */
static void words_check(struct str text)
{
    struct buf words = { 0 }, quoted = { 0 }, again = { 0 };
    u32 count, count_again;

    if (memchr(text.ptr ? text.ptr : "", 0, text.len))
        return;
    words_split(text, &words, &count);
    words_quote(text, &quoted);
    assert(words_split(buf_str(&quoted), &again, &count_again) == WORDS_PLAIN);
    assert(count_again == 1 && again.len == text.len + 1);
    assert(text.len == 0 || memcmp(again.ptr, text.ptr, text.len) == 0);
    buf_done(&words);
    buf_done(&quoted);
    buf_done(&again);
}

static void value_check(const struct settings_row *row, struct str value)
{
    struct settings_origin origin = { .source = SETTINGS_FLAG };
    struct settings s, again;
    struct buf text = { 0 };
    struct problem p;

    if (settings_init(&s) || settings_init(&again))
        abort();
    if (settings_set(&s, row, value, &origin, &p) == 0) {
        settings_text(&s, row, &text);
        assert(settings_set(&again, row, buf_str(&text), &origin, &p) == 0);
        assert(settings_same(&s, &again, row));
    } else {
        assert(strlen(p.text) > strlen(row->name));
    }
    buf_done(&text);
    settings_done(&s);
    settings_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str value;

    if (size == 0)
        return 0;
    value = str_make((const char *)data + 1, size - 1);
    if (data[0] % (settings_row_count + 1) == settings_row_count)
        words_check(value);
    else
        value_check(&settings_rows[data[0] % (settings_row_count + 1)], value);
    return 0;
}
