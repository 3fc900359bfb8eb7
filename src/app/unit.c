/* app/unit.c -- the text of systemd units (systemd.unit(5), systemd.service(5), systemd.socket(5))
 */
#include "app/unit.h"

#include "base/clock.h"

void unit_name(struct str name, struct buf *out)
{
    size_t before = out->len;

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '.' || c == '-';

        if (fits && !(out->len == before && (c == '.' || c == '-')))
            buf_addc(out, c);
        else if (out->len > before && out->ptr[out->len - 1] != '-')
            buf_addc(out, '-');
    }
    if (out->len == before)
        buf_add(out, STR("app"));
}

/* Quotes, backslashes, the specifiers of systemd and its variables mean themselves. */
static void escape(struct str word, bool variables, struct buf *out)
{
    for (size_t i = 0; i < word.len; i++) {
        u8 c = (u8)word.ptr[i];

        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < 32 || c == 127 || (c == ';' && word.len == 1))
            buf_addf(out, "\\x%02x", c);
        else if (c == '%' || (c == '$' && variables))
            buf_addf(out, "%c%c", c, c);
        else
            buf_addc(out, (char)c);
    }
}

static bool is_plain(struct str word)
{
    for (size_t i = 0; i < word.len; i++)
        if ((u8)word.ptr[i] <= 32 || (u8)word.ptr[i] == 127 || strchr("\"'\\;%$#", word.ptr[i]))
            return false;
    return word.len > 0;
}

void unit_quote(struct str word, struct buf *out)
{
    if (is_plain(word)) {
        buf_add(out, word);
        return;
    }
    buf_addc(out, '"');
    escape(word, true, out);
    buf_addc(out, '"');
}

/* A path that is the whole value: it may have blanks, and is not quoted. */
static void path_line(struct buf *out, const char *key, const char *before, struct str path)
{
    buf_addf(out, "%s=%s", key, before);
    for (size_t i = 0; i < path.len; i++)
        buf_addf(out, path.ptr[i] == '%' ? "%%%%" : "%c", path.ptr[i]);
    buf_addc(out, '\n');
}

static void seconds_line(struct buf *out, const char *key, u64 ns)
{
    if (ns)
        buf_addf(out, "%s=%llu\n", key, (unsigned long long)((ns + NS_PER_S - 1) / NS_PER_S));
    else
        buf_addf(out, "%s=infinity\n", key);
}

static void about_write(const struct unit_conf *u, struct buf *out)
{
    buf_add(out, STR("Description="));
    for (size_t i = 0; i < u->about.len; i++)
        buf_addf(out, u->about.ptr[i] == '%' ? "%%%%" : "%c", u->about.ptr[i]);
    buf_addc(out, '\n');
}

static void command_write(const struct unit_conf *u, struct buf *out)
{
    buf_add(out, STR("ExecStart="));
    for (u32 i = 0; i < u->argv.count; i++) {
        if (i)
            buf_addc(out, ' ');
        unit_quote(strings_at(&u->argv, i), out);
    }
    buf_add(out, STR("\nExecReload=/bin/kill -HUP $MAINPID\n"));
}

/* What does not break an ordinary app. MemoryDenyWriteExecute is not possible: V8 writes code. A
 * user's manager may not give a process other mounts or devices. */
static void sandbox_write(const struct unit_conf *u, struct buf *out)
{
    buf_add(out, STR("\nNoNewPrivileges=yes\n"
                     "LockPersonality=yes\n"
                     "RestrictSUIDSGID=yes\n"
                     "SystemCallArchitectures=native\n"));
    if (!u->is_system)
        return;
    buf_add(out, STR("ProtectSystem=full\n"));
    if (u->writes_system) {
        buf_add(out, STR("ReadWritePaths=\""));
        escape(u->folder, false, out);
        buf_add(out, STR("\"\n"));
    }
    if (!u->shared_tmp)
        buf_add(out, STR("PrivateTmp=yes\n"));
    buf_add(out, STR("ProtectKernelTunables=yes\n"
                     "ProtectKernelModules=yes\n"
                     "ProtectKernelLogs=yes\n"
                     "ProtectControlGroups=yes\n"
                     "ProtectHostname=yes\n"));
}

void unit_service_write(const struct unit_conf *u, struct buf *out)
{
    buf_add(out, STR(UNIT_MARK "\n\n[Unit]\n"));
    about_write(u, out);
    if (u->socket.count)
        buf_addf(out, "Requires=%.*s.socket\nAfter=%.*s.socket\n", STR_ARG(u->name),
                 STR_ARG(u->name));
    if (u->is_system)
        buf_add(out, STR("Wants=network-online.target\nAfter=network-online.target\n"));
    buf_add(out, STR("\n[Service]\nType=notify\n"));
    if (u->user.len)
        buf_addf(out, "User=%.*s\n", STR_ARG(u->user));
    path_line(out, "WorkingDirectory", "", u->folder);
    buf_add(out, STR("Environment=\"PATH="));
    escape(u->search, false, out);
    buf_add(out, STR("\"\n"));
    path_line(out, "EnvironmentFile", "-", u->env_file);
    command_write(u, out);
    buf_add(out, STR("KillMode=mixed\n"));
    seconds_line(out, "TimeoutStartSec", u->start_ns);
    seconds_line(out, "TimeoutStopSec", u->stop_ns);
    buf_add(out, STR("WatchdogSec=30\nRestart=on-failure\nRestartSec=5\n"
                     "RestartPreventExitStatus=2 3\n"));
    if (u->own_runtime_dir)
        buf_addf(out, "RuntimeDirectory=fettle-%.*s\nRuntimeDirectoryMode=0700\n",
                 STR_ARG(u->name));
    buf_addf(out, "LimitNOFILE=%llu\n", (unsigned long long)u->files);
    sandbox_write(u, out);
    buf_addf(out, "\n[Install]\nWantedBy=%s\n",
             u->is_system ? "multi-user.target" : "default.target");
}

void unit_socket_write(const struct unit_conf *u, struct buf *out)
{
    buf_add(out, STR(UNIT_MARK "\n\n[Unit]\n"));
    about_write(u, out);
    buf_add(out, STR("\n[Socket]\n"));
    for (u32 i = 0; i < u->socket.count; i++)
        path_line(out, "ListenStream", "", strings_at(&u->socket, i));
    buf_add(out, STR("Backlog=4096\n\n[Install]\nWantedBy=sockets.target\n"));
}

bool unit_is_ours(struct str text)
{
    return str_starts(text, STR(UNIT_MARK "\n"));
}
