/* conf/cgroup.c -- the control groups that this process is in */
#include "conf/cgroup.h"

#include "conf/file.h"

static struct str word_cut(struct str *line)
{
    while (line->len && line->ptr[0] == ' ')
        *line = str_sub(*line, 1, line->len);
    return str_cut(*line, ' ', line);
}

static bool has_item(struct str list, struct str item)
{
    while (list.ptr)
        if (str_eq(str_cut(list, ',', &list), item))
            return true;
    return false;
}

/* A line of mountinfo (proc_pid_mountinfo(5)): is it the hierarchy that has the controller?
 * Then *root and *mount are its fields, still with octal escapes. */
static bool mount_line(struct str line, struct str controller, bool v2, struct str *root,
                       struct str *mount)
{
    struct str type, word;

    for (int i = 0; i < 3; i++)
        word_cut(&line);
    *root = word_cut(&line);
    *mount = word_cut(&line);
    do
        word = word_cut(&line);
    while (line.ptr && !str_eq(word, STR("-")));
    type = word_cut(&line);
    word_cut(&line);
    if (v2)
        return str_eq(type, STR("cgroup2"));
    return str_eq(type, STR("cgroup")) && has_item(word_cut(&line), controller);
}

/* A line of /proc/self/cgroup, "4:cpu,cpuacct:/docker/1f" or "0::/app": the path in it. */
static bool group_line(struct str line, struct str controller, bool v2, struct str *path)
{
    struct str number = str_cut(line, ':', &line);
    struct str controllers = str_cut(line, ':', path);

    if (!path->ptr)
        return false;
    return v2 ? str_eq(number, STR("0")) && controllers.len == 0
              : has_item(controllers, controller);
}

/* mountinfo writes blanks and backslashes as \040. */
static void unescape(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 3 < s.len) {
            buf_addc(out, (char)((s.ptr[i + 1] - '0') << 6 | (s.ptr[i + 2] - '0') << 3 |
                                 (s.ptr[i + 3] - '0')));
            i += 3;
        } else {
            buf_addc(out, s.ptr[i]);
        }
    }
}

bool cgroup_file(const struct buf *folder, const char *name, struct buf *out)
{
    AUTO(buf_done) struct buf path = { 0 };

    buf_add(&path, buf_str(folder));
    buf_add(&path, str_of(name));
    buf_addc(&path, 0);
    buf_clear(out);
    return !path.failed && file_read(path.ptr, CGROUP_FILE_BYTES_MAX, out) == 0;
}

/* `path` is the group's, `root` what of the hierarchy is mounted (in a container, the container's
 * own group). */
static void groups_walk(struct buf *folder, struct str mount, struct str root, struct str path,
                        bool v2, cgroup_fn *fn, void *arg)
{
    size_t mount_len;

    if (root.len > 1 && str_starts(path, root))
        path = str_sub(path, root.len, path.len);
    if (str_starts(path, STR("/..")) || str_eq(path, STR("/")))
        path = STR("");
    unescape(mount, folder);
    mount_len = folder->len;
    buf_add(folder, path);
    while (!folder->failed) {
        fn(folder, v2, arg);
        if (folder->len <= mount_len)
            break;
        while (folder->len > mount_len && folder->ptr[--folder->len] != '/')
            ;
    }
}

static void hierarchy_walk(const char *sysroot, const char *controller, struct str groups,
                           struct str mounts, bool v2, cgroup_fn *fn, void *arg)
{
    AUTO(buf_done) struct buf folder = { 0 };
    struct str path = { 0 }, root = { 0 }, mount = { 0 }, name = str_of(controller);
    bool found = false;

    while (groups.ptr && !found)
        found = group_line(str_cut(groups, '\n', &groups), name, v2, &path);
    if (!found)
        return;
    for (found = false; mounts.ptr && !found;)
        found = mount_line(str_cut(mounts, '\n', &mounts), name, v2, &root, &mount);
    buf_add(&folder, str_of(sysroot));
    if (found)
        groups_walk(&folder, mount, root, path, v2, fn, arg);
}

void cgroup_walk(const char *root, const char *controller, cgroup_fn *fn, void *arg)
{
    cgroup_walk_of(root, 0, controller, fn, arg);
}

void cgroup_walk_of(const char *root, u32 pid, const char *controller, cgroup_fn *fn, void *arg)
{
    AUTO(buf_done) struct buf folder = { 0 };
    AUTO(buf_done) struct buf process = { 0 };
    AUTO(buf_done) struct buf groups = { 0 };
    AUTO(buf_done) struct buf mounts = { 0 };

    buf_addf(&folder, "%s/proc/self", root);
    buf_addf(&process, "%s/proc/", root);
    pid ? buf_addu(&process, pid) : buf_add(&process, STR("self"));
    if (!cgroup_file(&process, "/cgroup", &groups) || !cgroup_file(&folder, "/mountinfo", &mounts))
        return;
    hierarchy_walk(root, controller, buf_str(&groups), buf_str(&mounts), false, fn, arg);
    hierarchy_walk(root, controller, buf_str(&groups), buf_str(&mounts), true, fn, arg);
}
