/* admin/usage.c -- what the kernel says of a process */
#include "admin/usage.h"

#include "base/clock.h"
#include "base/str.h"

#include <fcntl.h>

/* Reads /proc/PID/NAME; `text` is a view of `room`. */
static int proc_read(u32 pid, const char *name, char *room, size_t room_bytes, struct str *text)
{
    char path[48];
    ssize_t len;

    snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return -errno;
    len = read(fd, room, room_bytes);
    if (len < 0)
        return -errno;
    *text = str_make(room, (size_t)len);
    return 0;
}

/* The number of a line such as "VmData:\t  1234 kB"; 0 when there is none. */
static u64 status_number(struct str status, struct str key)
{
    struct str line;
    u64 n;

    while (status.ptr) {
        line = str_cut(status, '\n', &status);
        if (!str_starts(line, key))
            continue;
        line = str_trim(str_sub(line, key.len, line.len));
        return str_to_u64(str_cut(line, ' ', &line), &n) ? n : 0;
    }
    return 0;
}

/* proc(5): the program's name, the second field, may hold spaces and parentheses. */
static bool stat_fields(struct str stat, u64 *field, u32 fields)
{
    ptrdiff_t name_end = -1;
    u32 i = 2;

    memset(field, 0, fields * sizeof(*field));
    for (size_t at = 0; at < stat.len; at++)
        if (stat.ptr[at] == ')')
            name_end = (ptrdiff_t)at;
    if (name_end < 0)
        return false;
    stat = str_trim(str_sub(stat, (size_t)name_end + 1, stat.len));
    while (stat.ptr && ++i < fields) {
        struct str word = str_cut(stat, ' ', &stat);

        if (!str_to_u64(word, &field[i]))
            field[i] = 0; /* the state, or a negative number: none that is wanted here */
    }
    return i >= 24;
}

int usage_read(struct usage *out, u32 pid)
{
    enum { MINFLT = 10, MAJFLT = 12, UTIME = 14, STIME = 15, RSS = 24, FIELDS = 25 };
    long ticks = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
    char stat_room[1024], status_room[4096];
    struct str stat, status;
    u64 field[FIELDS];
    int err;

    if (pid == 0)
        return -ESRCH;
    err = proc_read(pid, "stat", stat_room, sizeof(stat_room), &stat);
    if (err == 0)
        err = proc_read(pid, "status", status_room, sizeof(status_room), &status);
    if (err < 0)
        return err;
    if (!stat_fields(stat, field, FIELDS))
        return -EPROTO;
    *out = (struct usage){
        .cpu_ns = (field[UTIME] + field[STIME]) * (NS_PER_S / (u64)(ticks > 0 ? ticks : 100)),
        .rss_bytes = field[RSS] * (u64)(page > 0 ? page : 4096),
        .heap_bytes = status_number(status, STR("VmData:")) * 1024,
        .faults_minor = field[MINFLT],
        .faults_major = field[MAJFLT],
        .switches_voluntary = status_number(status, STR("voluntary_ctxt_switches:")),
        .switches_involuntary = status_number(status, STR("nonvoluntary_ctxt_switches:")),
    };
    return 0;
}
