/* worker/notice.h -- what the service manager that started fettle is told
 *
 * READY when every app is ready; RELOADING and READY again around a reload; STOPPING when fettle
 * ends; STATUS when it changes; WATCHDOG twice in the time that it gives, from the loop: a
 * supervisor whose loop hangs does not say it. Without a manager nothing happens.
 */
#pragma once

#include "io/loop.h"

struct crew;

enum { NOTICE_STATUS_MAX = 160 };

struct notice {
    struct timer watchdog;
    bool ready, reloading;
    char status[NOTICE_STATUS_MAX]; /* as it was told */
};

/* When the loop begins. */
void notice_start(struct crew *c);

/* Four times a second. */
void notice_tick(struct crew *c);
/* At once: a reload has been asked for; fettle ends. */
void notice_reload(struct crew *c);
void notice_end(struct crew *c);
