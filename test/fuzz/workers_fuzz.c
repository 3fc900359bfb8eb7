/* workers_fuzz.c -- a number of workers, or a least and a most one: in range, or said what is wrong
 */
#include "conf/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    const struct settings_row *row = settings_row_find(STR("workers"), NULL);
    struct settings_origin origin = { .source = SETTINGS_FLAG };
    struct settings s;
    struct problem p;
    int err;

    if (settings_init(&s))
        abort();
    err = settings_set(&s, row, text, &origin, &p);
    if (err == 0) {
        bool is_auto = s.workers.least == 0 && s.workers.most == 0;

        assert(is_auto || (s.workers.least >= 1 && s.workers.least <= s.workers.most));
        assert(s.workers.most <= 128);
        assert(is_auto == (text.len == 4 && (text.ptr[0] | 32) == 'a')); /* in any case */
        for (size_t i = 0; i < text.len && !is_auto; i++)
            assert((text.ptr[i] >= '0' && text.ptr[i] <= '9') || text.ptr[i] == '-');
    } else {
        assert(err == -EINVAL && strstr(p.text, "workers"));
    }
    settings_done(&s);
    return 0;
}
