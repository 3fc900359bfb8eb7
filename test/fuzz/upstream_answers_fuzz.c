/* upstream_answers_fuzz.c -- what name servers and hosts say: whatever it is, what is read of it
 * keeps to its limits, and a report that was read is written and read again as it was
 */
#include "io/srv_answer.h"
#include "upstream/load_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct srv_answer answer;
    struct load_report r, again;
    char text[LOAD_REPORT_TEXT_MAX];

    if (srv_answer_parse(data, size, &answer)) {
        assert(answer.n <= SRV_RECORDS_MAX && answer.ttl_s <= INT32_MAX);
        for (u32 i = 0; i < answer.n; i++)
            assert(strnlen(answer.record[i].target, SRV_NAME_MAX + 1) <= SRV_NAME_MAX);
    }
    if (load_report_parse(str_make((const char *)data, size), &r)) {
        assert(r.idle <= LOAD_REPORT_MAX && r.queue <= LOAD_REPORT_MAX);
        assert(load_report_parse(load_report_text(&r, text), &again));
        assert(memcmp(&r, &again, sizeof(r)) == 0);
    }
    return 0;
}
