/* app/agent_dir.c -- where the parts are that fettle loads into Node */
#include "app/agent_dir.h"

static const char *const parts[] = { "fettle-loop.so", "agent.js", "agent.node" };

/* The first part that `folder` lacks, or NULL. */
static const char *lacks(const struct buf *folder)
{
    AUTO(buf_done) struct buf path = { 0 };

    for (u32 i = 0; i < ARRAY_LEN(parts); i++) {
        buf_clear(&path);
        buf_addf(&path, "%.*s/%s", STR_ARG(buf_str(folder)), parts[i]);
        buf_addc(&path, 0);
        if (path.failed || access(path.ptr, R_OK) != 0)
            return parts[i];
    }
    return NULL;
}

int agent_dir_find(const char *exe, struct buf *out, struct problem *p)
{
    AUTO(buf_done) struct buf beside = { 0 };
    AUTO(buf_done) struct buf installed = { 0 };
    const char *slash = strrchr(exe, '/'), *lacking;
    struct str folder = slash ? str_make(exe, (size_t)(slash - exe)) : STR(".");
    struct str prefix = folder;
    bool found;

    while (prefix.len && prefix.ptr[prefix.len - 1] != '/')
        prefix.len--;
    buf_add(&beside, folder);
    buf_addf(&installed, "%.*slib/fettle", STR_ARG(prefix));
    if (beside.failed || installed.failed)
        return -ENOMEM;
    lacking = lacks(&beside);
    found = !lacking || !(lacking = lacks(&installed));
    if (!found) {
        problem_set(p,
                    "a part of fettle is missing: %s is neither in %.*s nor in %.*s; build it with "
                    "`make`, or install it again with `make install`",
                    lacking, STR_ARG(str_sub(buf_str(&beside), 0, 200)),
                    STR_ARG(str_sub(buf_str(&installed), 0, 200)));
        return -ENOENT;
    }
    buf_clear(out);
    buf_add(out, buf_str(lacks(&beside) ? &installed : &beside));
    buf_addc(out, 0);
    return out->failed ? -ENOMEM : 0;
}
