/* inspect/node_process.c -- what the kernel says of a process that may be Node */
#include "inspect/node_process.h"

#include "conf/file.h"

#include <signal.h>
#include <sys/stat.h>

enum {
    FILE_BYTES_MAX = 4 << 20,
    INSPECT_PORT = 9229,
    WORDS_MAX = 4096,
    STAT_START = 20 /* starttime, counted from what follows the name: field 22 */
};

static int proc_read(u32 pid, const char *name, struct buf *out)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
    return file_read(path, FILE_BYTES_MAX, out);
}

/* ---- status ---- */

/* The first word behind «NAME:» at the beginning of a line. */
static struct str field_of(struct str text, struct str name)
{
    while (text.ptr) {
        struct str line = str_cut(text, '\n', &text), rest;

        if (!str_starts(line, name))
            continue;
        line = str_trim(str_sub(line, name.len, line.len));
        for (size_t i = 0; i < line.len; i++)
            if (line.ptr[i] == '\t' || line.ptr[i] == ' ')
                return str_sub(line, 0, i);
        return str_cut(line, ' ', &rest);
    }
    return (struct str){ 0 };
}

void node_process_status(struct node_process *out, struct str text)
{
    u64 n;

    if (str_to_u64(field_of(text, STR("Uid:")), &n))
        out->uid = (u32)n;
    if (str_to_u64(field_of(text, STR("VmRSS:")), &n))
        out->rss_bytes = n * 1024;
    out->catches_sigusr1 =
        str_hex_to_u64(field_of(text, STR("SigCgt:")), &n) && n >> (SIGUSR1 - 1) & 1;
}

/* ---- its command line and environment ---- */

/* "host:port", "port", "host" */
static void port_take(struct node_process *out, struct str value)
{
    u64 n;

    for (size_t i = value.len; i-- > 0;) {
        if (value.ptr[i] != ':')
            continue;
        value = str_sub(value, i + 1, value.len);
        break;
    }
    if (str_to_u64(value, &n) && n <= UINT16_MAX)
        out->inspect_port = (u16)n;
}

void node_process_option(struct node_process *out, struct str word)
{
    struct str value, name = str_cut(word, '=', &value);

    if (str_eq(name, STR("--inspect")) || str_eq(name, STR("--inspect-brk")) ||
        str_eq(name, STR("--inspect-wait")))
        out->says_inspect = true;
    else if (!str_eq(name, STR("--inspect-port")) && !str_eq(name, STR("--debug-port")))
        return;
    if (value.ptr)
        port_take(out, value);
}

static void cmdline_look(struct node_process *out)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct str rest;
    bool is_option = true;
    size_t len = 0;

    if (proc_read(out->pid, "cmdline", &text) < 0)
        return;
    rest = buf_str(&text);
    for (u32 i = 0; rest.len && i < WORDS_MAX; i++) {
        struct str word = str_cut(rest, 0, &rest);

        /* What follows the script's name is the app's. */
        is_option = is_option && (i == 0 || str_starts(word, STR("-")));
        if (is_option)
            node_process_option(out, word);
        if (len + 1 < sizeof(out->title) && i < 6) {
            if (i)
                out->title[len++] = ' ';
            len += str_to_cstr(word, out->title + len, sizeof(out->title) - len);
        }
    }
}

static void environ_look(struct node_process *out)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct str rest;

    if (proc_read(out->pid, "environ", &text) < 0)
        return;
    for (rest = buf_str(&text); rest.len;) {
        struct str entry = str_cut(rest, 0, &rest);

        if (!str_starts(entry, STR("NODE_OPTIONS=")))
            continue;
        for (entry = str_sub(entry, 13, entry.len); entry.ptr;)
            node_process_option(out, str_cut(entry, ' ', &entry));
    }
}

/* ---- what it runs, and where ---- */

static bool name_is_node(struct str path)
{
    for (size_t i = path.len; i-- > 0;) {
        if (path.ptr[i] != '/')
            continue;
        path = str_sub(path, i + 1, path.len);
        break;
    }
    return str_starts(path, STR("node")) || str_starts(path, STR("electron"));
}

static void program_look(struct node_process *out)
{
    AUTO(buf_done) struct buf maps = { 0 };
    char path[48], exe[1024];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%u/exe", out->pid);
    n = readlink(path, exe, sizeof(exe));
    out->is_node = n > 0 && name_is_node(str_make(exe, (size_t)n));
    if (!out->is_node && proc_read(out->pid, "maps", &maps) == 0 && maps.len)
        out->is_node = memmem(maps.ptr, maps.len, "/libnode.so", 11);
}

static bool same_net(u32 pid)
{
    struct stat ours, its;
    char path[48];

    snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
    return stat("/proc/self/ns/net", &ours) < 0 || stat(path, &its) < 0 ||
           (ours.st_ino == its.st_ino && ours.st_dev == its.st_dev);
}

/* The fields of /proc/PID/stat behind the name, which may hold anything: the state comes first. */
static struct str stat_fields(u32 pid, struct buf *text)
{
    const char *end;

    if (proc_read(pid, "stat", text) < 0 || !text->len)
        return (struct str){ 0 };
    end = memrchr(text->ptr, ')', text->len);
    if (!end)
        return (struct str){ 0 };
    return str_trim(str_sub(buf_str(text), (size_t)(end - text->ptr) + 1, text->len));
}

static u64 start_ticks(u32 pid)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct str rest = stat_fields(pid, &text);
    u64 n = 0;

    for (int i = 1; i < STAT_START && rest.ptr; i++)
        (void)str_cut(rest, ' ', &rest);
    return str_to_u64(str_cut(rest, ' ', &rest), &n) ? n : 0;
}

int node_process_look(struct node_process *out, u32 pid, struct problem *p)
{
    AUTO(buf_done) struct buf status = { 0 };
    int err = proc_read(pid, "status", &status);

    *out = (struct node_process){ .pid = pid, .inspect_port = INSPECT_PORT };
    if (err == -ENOENT || err == -ESRCH)
        return problem_set(p, "there is no process %u", pid);
    if (err)
        return problem_set(p, "process %u cannot be looked at: %s", pid, strerror(-err));
    node_process_status(out, buf_str(&status));
    out->start_ticks = start_ticks(pid);
    environ_look(out);
    cmdline_look(out); /* has the last word */
    program_look(out);
    out->other_net = !same_net(pid);
    return 0;
}

bool node_process_alive(const struct node_process *np)
{
    return start_ticks(np->pid) == np->start_ticks && np->start_ticks;
}

bool node_process_runs(const struct node_process *np)
{
    AUTO(buf_done) struct buf text = { 0 };

    return str_starts(stat_fields(np->pid, &text), STR("R"));
}
