/* app/unit.h -- the text of systemd units (systemd.unit(5), systemd.service(5), systemd.socket(5))
 *
 * Values in, text out.
 */
#pragma once

#include "base/strings.h"

#define UNIT_MARK "# Made by `fettle service install`; a change is lost when that is done again."

struct unit_conf {
    struct str name;       /* of the units, without their endings: unit_name */
    struct str about;      /* for Description */
    struct strings argv;   /* the whole command; the first word is an absolute path */
    struct strings socket; /* what to listen on, as ListenStream= has it */
    struct str folder;     /* absolute */
    struct str search;     /* PATH */
    struct str user;       /* empty: the manager's */
    struct str env_file;   /* read if it is there */
    bool is_system;        /* not one of a user's manager, which cannot do all of the sandboxing */
    bool own_runtime_dir;  /* RuntimeDirectory=fettle-NAME */
    bool shared_tmp;       /* no PrivateTmp: the app's files are there */
    bool writes_system;    /* its folder is in what ProtectSystem=full closes */
    u64 stop_ns;           /* that an orderly end takes at most */
    u64 start_ns;          /* 0: as long as it takes */
    u64 files;             /* LimitNOFILE */
};

/* "scope-app" of "@scope/app": what may stand in the name of a unit; "app" for nothing. */
void unit_name(struct str name, struct buf *out);
/* A word of a command line, as ExecStart= has it. */
void unit_quote(struct str word, struct buf *out);

void unit_service_write(const struct unit_conf *u, struct buf *out);
void unit_socket_write(const struct unit_conf *u, struct buf *out);
/* Whether the text is one of these. */
bool unit_is_ours(struct str text);
