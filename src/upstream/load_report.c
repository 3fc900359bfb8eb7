/* upstream/load_report.c -- what a fettle says to the proxies in front of it of its event loops */
#include "upstream/load_report.h"

bool load_report_parse(struct str value, struct load_report *out)
{
    struct load_report r = { 0 };
    bool has_idle = false;

    for (struct str rest = value; rest.ptr;) {
        struct str member = str_trim(str_cut(rest, ',', &rest)), text;
        struct str name = str_cut(member, '=', &text);
        bool is_idle = str_eq(name, STR("idle"));
        u64 n;

        if (!is_idle && !str_eq(name, STR("queue")))
            continue;
        /* The parameters of a member (";…") are nothing that we know. */
        if (!str_to_u64(str_cut(text, ';', &text), &n))
            return false;
        *(is_idle ? &r.idle : &r.queue) = (u32)min(n, (u64)LOAD_REPORT_MAX);
        has_idle |= is_idle;
    }
    if (has_idle)
        *out = r;
    return has_idle;
}

struct str load_report_text(const struct load_report *r, char out[LOAD_REPORT_TEXT_MAX])
{
    int len = snprintf(out, LOAD_REPORT_TEXT_MAX, "idle=%u, queue=%u",
                       min(r->idle, (u32)LOAD_REPORT_MAX), min(r->queue, (u32)LOAD_REPORT_MAX));

    return str_make(out, (size_t)len);
}
