/* http/status.h -- status codes */
#pragma once

#include "base/str.h"

/* "Not Found" for 404; "Unknown" for a status that no RFC names. */
struct str http_status_reason(u32 status);
