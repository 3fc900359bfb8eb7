/* npm/native/value.c -- strings of JavaScript as bytes, and back
 *
 * Node-API cannot say whether a string has characters above 255, and cuts them if it is asked for
 * 8 bits each. So they are always taken in 16; to look and to narrow costs less than a second call.
 */
#include "value.h"

bool scratch_need(struct scratch *s, size_t bytes)
{
    size_t room = max(s->room, (size_t)4096);
    char *p;

    if (bytes <= s->room)
        return true;
    while (room < bytes)
        room *= 2;
    p = realloc(s->ptr, room);
    if (!p)
        return false;
    *s = (struct scratch){ p, room };
    return true;
}

void scratch_free(struct scratch *s)
{
    free(s->ptr);
    *s = (struct scratch){ 0 };
}

static bool is_narrow(const u16 *wide, size_t n)
{
    u16 all = 0;

    for (size_t i = 0; i < n; i++)
        all |= wide[i];
    return all < 256;
}

static void narrow(u8 *out, const u16 *wide, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (u8)wide[i];
}

enum value_read value_read(napi_env env, napi_value string, struct scratch *wide,
                           struct scratch *out, size_t at, struct str *text, bool *is_wide)
{
    size_t n;

    if (!scratch_need(wide, 4096))
        return VALUE_NO_MEMORY;
    if (napi_get_value_string_utf16(env, string, (char16_t *)(void *)wide->ptr, wide->room / 2,
                                    &n) != napi_ok)
        return VALUE_NO_STRING;
    if (n + 1 >= wide->room / 2) { /* perhaps it was cut */
        if (napi_get_value_string_utf16(env, string, NULL, 0, &n) != napi_ok ||
            !scratch_need(wide, (n + 2) * 2) ||
            napi_get_value_string_utf16(env, string, (char16_t *)(void *)wide->ptr, wide->room / 2,
                                        &n) != napi_ok)
            return VALUE_NO_MEMORY;
    }
    *is_wide = !is_narrow((const u16 *)(const void *)wide->ptr, n);
    if (!scratch_need(out, at + n * (*is_wide ? 2 : 1) + 1))
        return VALUE_NO_MEMORY;
    if (*is_wide)
        memcpy(out->ptr + at, wide->ptr, n * 2);
    else
        narrow((u8 *)out->ptr + at, (const u16 *)(const void *)wide->ptr, n);
    *text = str_make(out->ptr + at, *is_wide ? n * 2 : n);
    return VALUE_READ;
}

napi_value value_string(napi_env env, struct str bytes, bool is_wide)
{
    napi_value v = NULL;

    if (is_wide)
        napi_create_string_utf16(env, (const char16_t *)(const void *)bytes.ptr, bytes.len / 2, &v);
    else
        napi_create_string_latin1(env, bytes.ptr, bytes.len, &v);
    return v;
}
