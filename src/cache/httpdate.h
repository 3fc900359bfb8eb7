/* cache/httpdate.h -- dates of HTTP (RFC 9110 5.6.7): text to seconds since 1970, and back */
#pragma once

#include "base/str.h"

/* The three forms that there have been. A two-digit year that would be more than 50 years after
 * `now_s` is of the century before. False: it is no date, *out unchanged. Dates before 1970 are 0.
 */
MUST_USE bool httpdate_parse(struct str text, u64 now_s, u64 *out);

/* "Sun, 06 Nov 1994 08:49:37 GMT", without a NUL. */
enum { HTTPDATE_LEN = 29 };
void httpdate_write(u64 at_s, char out[HTTPDATE_LEN]);
