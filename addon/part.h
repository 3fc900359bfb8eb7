/* addon/part.h -- JavaScript that is compiled into agent.node
 *
 * What only few processes run, or run when the app already serves. As files of their own these
 * would have to be found, and readable under --permission; in agent.js they would cost each start.
 */
#pragma once

#include <stddef.h>

/* The text of addon/<name>.js, which is ASCII, without a NUL; NULL: there is none. */
const char *part_text(const char *name, size_t *len);
