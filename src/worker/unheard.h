/* worker/unheard.h -- settings for an address on which nobody listens: most likely a slip of the
 * pen
 */
#pragma once

struct crew;

/* Once all apps have settled, warns of what the setting `listeners` says in vain; once, until the
 * settings are read again. */
void unheard_tell(struct crew *c);
