/* conf/pm2_reader.h -- reading one app of pm2's ecosystem file
 *
 * Inside of conf/: pm2_keys.c has the keys and what each sets; pm2.c puts together what only
 * several keys tell, and chooses the app.
 */
#pragma once

#include "conf/pm2.h"

enum pm2_log { PM2_LOG_ALL, PM2_LOG_OUT, PM2_LOG_ERROR };

struct pm2_reader {
    const struct config_from *from;
    struct settings *settings;
    struct config_app *app;
    struct findings *findings;
    const char *key; /* that is being read, as it is written */
    u32 index;       /* of the app */
    u32 line;        /* of the app */
    struct str script, interpreter, cwd, name, pid_file;
    struct str log_file[3]; /* what log_file, out_file and error_file say; see enum pm2_log */
    bool no_logs;
    const struct json_value *deploy, *env, *env_more, *watch;
    struct buf args, interpreter_args; /* words as a shell has them */
    bool instances, source_maps, env_in_name, max_restarts, min_uptime;
    bool quiet; /* it is not the app that was asked for: only mistakes are of interest */
    bool failed;
};

/* «ecosystem.config.js: apps[0].KEY: what», KEY being r->key. */
void pm2_found(struct pm2_reader *r, enum finding_kind kind, u32 line, const char *what);
/* «… stands here; write RIGHT» */
void pm2_mistake(struct pm2_reader *r, const struct json_value *v, const char *right);
void pm2_set(struct pm2_reader *r, const char *setting, struct str value, u32 line);
void pm2_env_add(struct pm2_reader *r, struct str name, struct str value);
/* One member of an app. */
void pm2_member_read(struct pm2_reader *r, struct str name, const struct json_value *v);
/* Whether `name` is the key, its camelCase form, or one of its aliases. */
bool pm2_key_is(const struct pm2_key *key, struct str name);
