/* app/progress.c -- how far something is, in one line on a terminal */
#include "app/progress.h"

#include "base/buf.h"

#define BEGIN_NS (NS_PER_S / 2)
#define AGAIN_NS (100 * NS_PER_MS)

enum { BAR = 24 };

static void bar_add(struct buf *out, u64 done, u64 total)
{
    double share = min((double)done / (double)total, 1.0);

    buf_addc(out, ' ');
    for (u32 i = 0; i < BAR; i++)
        buf_add(out, i < share * BAR ? STR("█") : STR("░"));
    buf_addf(out, " %2.0f %%", 100 * share);
}

static void bytes_add(struct buf *out, u64 bytes)
{
    if (bytes >= 1000000000)
        buf_addf(out, "  %.2f GB", (double)bytes / 1e9);
    else
        buf_addf(out, "  %.1f MB", (double)bytes / 1e6);
}

void progress_show(struct progress *p, const char *what, u64 done, u64 total, u64 bytes)
{
    AUTO(buf_done) struct buf line = { 0 };
    u64 now_ns = clock_now_ns();

    if (!p->asked)
        p->shows = isatty(STDERR_FILENO);
    p->asked = true;
    if (!p->started_ns || p->what != what)
        p->started_ns = now_ns;
    p->what = what;
    if (!p->shows || now_ns - p->started_ns < BEGIN_NS || now_ns - p->shown_ns < AGAIN_NS)
        return;
    p->shown_ns = now_ns;
    p->has_line = true;
    buf_addf(&line, "\r\033[K%s", what);
    if (total)
        bar_add(&line, done, total);
    if (bytes)
        bytes_add(&line, bytes);
    buf_addf(&line, "  %.0f s", (double)(now_ns - p->started_ns) / NS_PER_S);
    fprintf(stderr, "%.*s", STR_ARG(buf_str(&line)));
}

void progress_clear(struct progress *p)
{
    if (TAKE(p->has_line, false))
        fputs("\r\033[K", stderr);
}
