/* app/app_user.c -- whom the workers run as */
#include "app/app_user.h"

#include <grp.h>
#include <pwd.h>

struct ask {
    struct app_user *out;
    const struct settings *settings;
    struct problem *problem;
};

void app_user_done(struct app_user *u)
{
    strings_done(&u->env);
}

/* «fettle.json:3: uid: what» */
static int mistake(struct ask *a, const char *setting, const char *what)
{
    const struct settings_origin *from =
        settings_origin_of(a->settings, settings_row_find(str_of(setting), NULL));

    *a->problem = (struct problem){ .line = from->line };
    str_to_cstr(from->file, a->problem->file, sizeof(a->problem->file));
    return problem_set(a->problem, "%s%s: %s", from->file.len ? "" : "--", setting, what);
}

static int nobody(struct ask *a, const char *setting, struct str name, const char *kind)
{
    AUTO(buf_done) struct buf what = { 0 };

    buf_addf(&what, "this machine has no %s \"%.*s\"; write a name or a number that it has", kind,
             STR_ARG(name));
    buf_addc(&what, 0);
    return what.failed ? -ENOMEM : mistake(a, setting, what.ptr);
}

/* With the groups that /etc/group gives him. */
static int user_take(struct ask *a, const struct passwd *pw)
{
    struct app_user *u = a->out;
    int n = APP_USER_GROUPS_MAX;

    u->user.uid = pw->pw_uid;
    u->user.gid = pw->pw_gid;
    strings_addf(&u->env, "HOME=%s", pw->pw_dir);
    strings_addf(&u->env, "USER=%s", pw->pw_name);
    strings_addf(&u->env, "LOGNAME=%s", pw->pw_name);
    if (getgrouplist(pw->pw_name, pw->pw_gid, u->groups, &n) < 0)
        return mistake(a, "uid", "he has more groups than fettle can take; name one with gid");
    u->user.groups_n = (u32)n;
    return u->env.bytes.failed ? -ENOMEM : 0;
}

static int uid_find(struct ask *a)
{
    struct str name = a->settings->uid;
    struct passwd *pw = getpwnam(name.ptr);
    u64 n;

    if (!pw && str_to_u64(name, &n) && n < UINT32_MAX) {
        pw = getpwuid((uid_t)n);
        a->out->user.uid = (uid_t)n;
        if (!pw && a->settings->gid.len)
            return 0;
        if (!pw)
            return mistake(a, "uid",
                           "this user has no entry in /etc/passwd; name his group with gid");
    }
    return pw ? user_take(a, pw) : nobody(a, "uid", name, "user");
}

static int gid_find(struct ask *a)
{
    struct str name = a->settings->gid;
    struct group *group = getgrnam(name.ptr);
    u64 n;

    if (!group && (!str_to_u64(name, &n) || n >= UINT32_MAX))
        return nobody(a, "gid", name, "group");
    a->out->user.gid = group ? group->gr_gid : (gid_t)n;
    if (a->settings->uid.len && a->out->user.groups_n)
        return 0;
    a->out->groups[0] = a->out->user.gid;
    a->out->user.groups_n = 1;
    return 0;
}

int app_user_find(struct app_user *out, const struct settings *s, struct problem *p)
{
    struct ask a = { out, s, p };
    int err = 0;

    *out = (struct app_user){ .user = { .uid = geteuid(), .gid = getegid() } };
    out->user.groups = out->groups;
    if (s->uid.len)
        err = uid_find(&a);
    if (!err && s->gid.len)
        err = gid_find(&a);
    if (err)
        return err;
    out->other = out->user.uid != geteuid() || out->user.gid != getegid();
    if (out->other && geteuid() != 0)
        return mistake(&a, s->uid.len ? "uid" : "gid",
                       "only root can start workers as somebody else; start fettle as root, or as "
                       "that user without this (User= and Group= in a systemd unit)");
    return 0;
}
