/* addon/journal.h -- this process's records for the monitor (shm/journal.h) */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/journal.h"

/* Once the process has its slot. */
void journal_init(void);

/* Any thread. False: nobody reads them, or `len` is above SHM_RECORD_MAX. */
bool journal_put(enum shm_record_type type, const void *payload, uint32_t len);

/* The same for many records that can wait, each its length in a uint32_t and its payload: as many
 * as have room while half of the ring stays free, for what cannot wait. The bytes of those that
 * went. */
uint32_t journal_put_many(enum shm_record_type type, const char *records, uint32_t bytes);
/* A record that waited for too long is gone. */
void journal_dropped(void);
