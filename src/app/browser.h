/* app/browser.h -- opens an address in the user's browser, where there is one */
#pragma once

#include "base/base.h"

/* Whether it has been tried: not without a display, over SSH (the browser would be on the wrong
 * machine), or as root (browsers refuse). Does not wait. */
bool browser_open(const char *url);
