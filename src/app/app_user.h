/* app/app_user.h -- whom the workers run as */
#pragma once

#include "base/strings.h"
#include "conf/settings.h"
#include "io/child.h"

enum { APP_USER_GROUPS_MAX = 256 };

struct app_user {
    struct child_user user; /* `groups` points to the list below: not to be copied */
    gid_t groups[APP_USER_GROUPS_MAX];
    bool other;         /* it is somebody else than we are */
    struct strings env; /* HOME, USER and LOGNAME, when he has a name */
};

/* Finds who is meant by `uid` and `gid`. -EINVAL with *p for somebody who is not there, and for
 * somebody else when we are not root; -ENOMEM. The caller calls app_user_done in any case. */
MUST_USE int app_user_find(struct app_user *out, const struct settings *s, struct problem *p);
void app_user_done(struct app_user *u);
