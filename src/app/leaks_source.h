/* app/leaks_source.h -- the source files of an app, for the line to blame
 *
 * A snapshot has the beginning of each file (1,024 bytes); the rest is read from the disk, where it
 * is still the file that the process has loaded. Of files only; nothing is fetched.
 */
#pragma once

#include "heap/leaks.h"

enum { LEAKS_SOURCE_BYTES_MAX = 4 << 20 };

/* Looks for the statement that adds to what each suspect holds. */
void leaks_source_locate(struct leaks *l);

/* The text of the suspect's line, without blanks at its ends, into out[room]; empty: not known. */
void leaks_source_line(const struct suspect *s, char *out, size_t room);
