/* app/monitor_rows.h -- the rows of a list that monitors have, of one app or of all that run
 *
 * What `fettle findings` and `fettle routes` show.
 */
#pragma once

#include "app/monitor_client.h"

struct monitor_rows {
    const char *page; /* "/api/findings" */
    const char *list; /* its member with the rows */
    /* Takes one of them, of the app that is asked for. `worker`: of which worker the word says that
     * it is wanted; 0: of all. */
    void (*take)(void *arg, const struct json_value *row, u32 worker);
    void *arg;
};

/* Of the app that `word` names, or of all that run; NULL: no word. An exit code; what is wrong has
 * been said. */
MUST_USE int monitor_rows_each(const struct monitor_rows *rows,
                               const struct control_options *options, const char *word);
