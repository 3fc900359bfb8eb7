/* admin/site.c -- the answer to what is not served */
#include "admin/site.h"

void site_refuse(struct site_answer *out, struct buf *body, u32 status, const char *text)
{
    *out = (struct site_answer){ status, STR("text/plain; charset=utf-8"), STR(SITE_FIELDS) };
    buf_clear(body);
    buf_addf(body, "%s\n", text);
}
