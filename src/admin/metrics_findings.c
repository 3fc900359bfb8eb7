/* admin/metrics_findings.c -- what is wrong with the apps, as numbers; what the journals lost */
#include "admin/metrics_page.h"

static void findings_write(struct text *t, const struct page_source *src)
{
    text_family(t, "fettle_findings_total", TEXT_COUNTER,
                "What was found to be wrong with the app, by kind: see `fettle findings`.");
    for (u32 app = 0; app < reading_apps(src->shm); app++)
        for (u32 kind = FINDING_NONE + 1; src->found && kind < FINDING_KINDS; kind++) {
            u64 n = found_total(src->found, app, kind);

            if (n && !reading_app_is_gone(src->shm, app))
                text_u64(t,
                         LABELS({ "app", reading_app_label(src->shm, app) },
                                { "kind", finding_word(kind) }),
                         n);
        }
}

void metrics_findings(struct text *t, const struct metrics_source *src)
{
    struct journals_sums sums = { 0 };

    findings_write(t, src->page);
    if (src->page->journals)
        sums = journals_sums(src->page->journals);
    text_family(t, "fettle_journal_records_total", TEXT_COUNTER,
                "Records that Node processes have told the monitor.");
    text_u64(t, NO_LABELS, sums.records);
    text_family(t, "fettle_journal_lost_bytes_total", TEXT_COUNTER,
                "Bytes of such records that were overwritten before the monitor had read them.");
    text_u64(t, NO_LABELS, sums.lost_bytes);
}
