/* admin/allocation_records.h -- what requests have allocated, as the agents measure it
 *
 * Added to the series of the route (struct shm_series), of any status: rows and metrics are of all.
 */
#pragma once

#include "admin/journals.h"

/* A record of shm/allocated.h. */
journals_fn allocation_records_take;
