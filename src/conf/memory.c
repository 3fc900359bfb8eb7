/* conf/memory.c -- how much memory there is for us still */
#include "conf/memory.h"

#include "conf/cgroup.h"

/* The number behind «name» at the beginning of a line, as in «MemAvailable:   4096 kB». */
static bool field_find(struct str text, const char *name, u64 *out)
{
    while (text.ptr) {
        struct str rest, line = str_cut(text, '\n', &text);

        if (!str_starts(line, str_of(name)))
            continue;
        line = str_trim(str_sub(line, strlen(name), line.len));
        return str_to_u64(str_cut(line, ' ', &rest), out);
    }
    return false;
}

static bool number_read(const struct buf *folder, const char *name, struct buf *scratch, u64 *out)
{
    struct str rest;

    return cgroup_file(folder, name, scratch) &&
           str_to_u64(str_cut(buf_str(scratch), '\n', &rest), out);
}

/* What the group's limit leaves; pages of files that were not used lately are given back first. */
static void group_look(const struct buf *folder, bool v2, void *arg)
{
    AUTO(buf_done) struct buf text = { 0 };
    u64 *least = arg, limit, used, file = 0;

    /* «max» is no number: no limit. */
    if (!number_read(folder, v2 ? "/memory.max" : "/memory.limit_in_bytes", &text, &limit) ||
        !number_read(folder, v2 ? "/memory.current" : "/memory.usage_in_bytes", &text, &used))
        return;
    if (!cgroup_file(folder, "/memory.stat", &text) ||
        !field_find(buf_str(&text), v2 ? "inactive_file " : "total_inactive_file ", &file))
        file = 0;
    used -= min(used, file);
    limit = limit > used ? limit - used : 0;
    *least = min(*least, limit);
}

u64 memory_available(const char *root)
{
    return memory_available_to(root, 0);
}

u64 memory_available_to(const char *root, u32 pid)
{
    AUTO(buf_done) struct buf folder = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    u64 least = UINT64_MAX, kb;

    buf_addf(&folder, "%s/proc", root);
    if (cgroup_file(&folder, "/meminfo", &text) &&
        field_find(buf_str(&text), "MemAvailable:", &kb) && kb < UINT64_MAX / 1024)
        least = kb * 1024;
    cgroup_walk_of(root, pid, "memory", group_look, &least);
    return least;
}
