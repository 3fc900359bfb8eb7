/* app/monitor_client.h -- asks the monitor of a fettle that runs for one of its pages
 *
 * Over the unix socket in the runtime folder (admin/monitor.h), so that it works with any admin
 * address, or none.
 */
#pragma once

#include "app/control_client.h"

/* The page "/api/findings" of the fettle whose folder is `dir`, to be freed by json_value_free. 0;
 * -ENOENT, -ECONNREFUSED: there is no monitor now; -ETIMEDOUT; -EPROTO: no such page; -errno. */
MUST_USE int monitor_client_get(const char *dir, const char *page, struct json_value **out);
