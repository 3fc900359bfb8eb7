/* proxy/load_field.h -- what an answer tells a trusted proxy of this machine's loops */
#pragma once

#include "proxy/exchange.h"
#include "upstream/load_report.h"

enum { LOAD_FIELD_MAX = LOAD_REPORT_TEXT_MAX + sizeof(LOAD_REPORT_FIELD) + 4 };

/* A line with its CRLF, a view of out: how it is as the answer of x begins. Empty: it is not to be
 * told (setting load-report). */
struct str load_field(const struct exchange *x, char out[LOAD_FIELD_MAX]);
