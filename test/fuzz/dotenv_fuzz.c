/* test/fuzz/dotenv_fuzz.c -- a .env file gives whole variables, and each of its own
 *
 * Properties: every variable has a name and is one C string; what was read, written as quoted
 * lines, is read as the same again (where no value holds all three quotes); lines that are named
 * are there; the same text twice gives the same.
 */
#include "conf/dotenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_plain(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", name.ptr[i]))
            return false;
    return true;
}

/* Written again, with a quote that does not occur in the value. False: it cannot be. */
static bool write_again(struct str name, struct str value, struct buf *out)
{
    char quote = str_index(value, '\'') < 0 ? '\'' : str_index(value, '`') < 0 ? '`' : 0;

    if (!quote || !is_plain(name) || str_eq(name, STR("export")))
        return false;
    buf_addf(out, "  %.*s = %c%.*s%c # 'a comment\n", STR_ARG(name), quote, STR_ARG(value), quote);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strings vars = { 0 }, wanted = { 0 }, again = { 0 };
    struct findings f = { 0 }, none = { 0 };
    struct buf text = { 0 };
    u32 lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    if (dotenv_read(str_make((const char *)data, size), ".env", &vars, &f))
        abort();
    for (u32 i = 0; i < f.count; i++)
        assert(f.list[i].problem.line >= 1 && f.list[i].problem.line <= lines);
    for (u32 i = 0; i < vars.count; i++) {
        struct str value, name = str_cut(strings_at(&vars, i), '=', &value);

        assert(name.len > 0 && value.ptr && !str_starts(name, STR("FETTLE_")));
        if (write_again(name, value, &text))
            strings_add(&wanted, strings_at(&vars, i));
    }
    if (dotenv_read(buf_str(&text), ".env", &again, &none))
        abort();
    assert(none.count == 0 && again.bytes.len == wanted.bytes.len);
    assert(again.bytes.len == 0 || memcmp(again.bytes.ptr, wanted.bytes.ptr, again.bytes.len) == 0);
    strings_done(&vars);
    strings_done(&wanted);
    strings_done(&again);
    findings_done(&f);
    findings_done(&none);
    buf_done(&text);
    return 0;
}
