/* addon/served.h -- what this process listens on
 *
 * Process-wide: a second listen on an address that another server of this process has, be it in
 * a worker thread, is EADDRINUSE, as in Node. When the process exits, the socket files go.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Once, in the process that listens. */
void served_init(void);

/* False: this process has that listener already. */
bool served_add(uint32_t listener, const char *path);
void served_remove(uint32_t listener);

/* The number of this listen among those with port 0, from 0. */
uint32_t served_any_next(void);
