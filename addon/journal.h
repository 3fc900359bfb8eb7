/* addon/journal.h -- this process's records for the monitor (shm/journal.h) */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/journal.h"

/* Once the process has its slot. */
void journal_init(void);

/* Any thread. False: nobody reads them, or `len` is above SHM_RECORD_MAX. */
bool journal_put(enum shm_record_type type, const void *payload, uint32_t len);

/* The same for what may wait: false as well while less than half of the ring is free, so that what
 * cannot wait finds room. */
bool journal_put_waiting(enum shm_record_type type, const void *payload, uint32_t len);
/* A record that waited for too long is gone. */
void journal_dropped(void);
