/* app/version.c -- `fettle version`: what is running here */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/node.h"

int version_command(int argc, char **argv)
{
    AUTO(buf_done) struct buf path = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    const char *search = getenv("PATH"), *name = getenv("FETTLE_NODE");
    struct node_version v;
    struct problem p = { 0 };
    int err;

    if (argc > 1 && argv[1][0] != '-')
        return command_usage("version takes no arguments, and \"%.100s\" is one", argv[1]);
    buf_addf(&out, "fettle %s\n", FETTLE_VERSION);
    err = node_find(str_of(name && *name ? name : "node"), str_of(search ? search : ""), &path, &p);
    if (err == -ENOMEM)
        out.failed = true;
    else if (err)
        buf_addf(&out, "%s\n", p.text);
    else if (node_version_of(path.ptr, &v))
        buf_addf(&out, "node: %s does not say its version\n", path.ptr);
    else
        buf_addf(&out, "node %u.%u.%u (%s)%s\n", v.major, v.minor, v.patch, path.ptr,
                 v.major < NODE_MAJOR_LEAST ? ", too old: fettle needs 18 or later" : "");
    return command_print(&out);
}
