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

static void blocks_write(struct text *t, const struct page_source *src)
{
    u32 apps = src->blocks ? reading_apps(src->shm) : 0;

    text_family(t, "fettle_eventloop_blocked_total", TEXT_COUNTER,
                "Turns of the app's event loops that took longer than the setting `block`.");
    for (u32 i = 0; i < apps; i++)
        if (!reading_app_is_gone(src->shm, i))
            text_u64(t, LABELS({ "app", reading_app_label(src->shm, i) }),
                     blocks_count(src->blocks, i));
    text_family(t, "fettle_eventloop_blocked_seconds_total", TEXT_COUNTER,
                "How long these took altogether.");
    for (u32 i = 0; i < apps; i++)
        if (!reading_app_is_gone(src->shm, i))
            text_seconds(t, LABELS({ "app", reading_app_label(src->shm, i) }),
                         blocks_ns(src->blocks, i));
}

void metrics_findings(struct text *t, const struct metrics_source *src)
{
    struct journals_sums sums = { 0 };

    blocks_write(t, src->page);
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
