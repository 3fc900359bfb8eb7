/* worker/roster.h -- apps that come and go while fettle runs, as a reload finds them in the
 * settings
 */
#pragma once

struct crew;

/* Starts those that are new in c->conf or have come back, and drains and stops those that are gone.
 * An address that one of those listened on stays open for a while, for one of the new. */
void roster_follow(struct crew *c);
