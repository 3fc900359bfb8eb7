/* heap/digits.h -- decimal numbers out of text, 64 bytes at a time
 *
 * Nine tenths of a snapshot are numbers. The kinds of 64 bytes become bit masks (SSE2, or eight
 * bytes at a time where that is missing), whose edges are the beginnings and ends of numbers: the
 * loop over them depends on no byte just read, so that the processor can run ahead. The value is
 * made of the eight bytes before the end by three multiplications (Mula and Lemire, "Number parsing
 * at a gigabyte per second", 2021).
 */
#pragma once

#include "base/base.h"

enum {
    DIGITS_BEFORE = 16, /* bytes that may be read before the text */
    DIGITS_AFTER = 64,  /* and after it; what they are does not matter */
};

enum { DIGITS_LONGEST = 20 }; /* digits of a number; 2^64 has as many */

/* Reads `count` > 0 numbers (from 2^32 on they count as 2^32 - 1), with one comma between two and
 * blanks anywhere, from `text`, which may begin with blanks and ends before `end`. The byte after
 * the last digit, or NULL: there is something else, or not enough of them. */
MUST_USE const char *digits_read(const char *text, const char *end, u32 *out, u32 count);

/* Commas in `len` bytes. */
u64 digits_commas(const char *text, size_t len);
