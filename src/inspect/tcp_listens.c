/* inspect/tcp_listens.c -- the TCP ports on which a process listens */
#include "inspect/tcp_listens.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>

/* Established connections, of which there may be many, come after the listening sockets. */
enum { TABLE_BYTES_MAX = 256 * 1024, PIECE_BYTES = 4096, LISTEN = 0x0a, FIELD_INODE = 9 };

/* The kernel prints each 32-bit word of an address in its own byte order. */
static bool ip_parse(struct str hex, struct addr *out)
{
    if (hex.len != 8 && hex.len != 32)
        return false;
    out->family = hex.len == 8 ? AF_INET : AF_INET6;
    for (size_t i = 0; i < hex.len / 8; i++) {
        u64 word;
        u32 bytes;

        if (!str_hex_to_u64(str_sub(hex, 8 * i, 8), &word))
            return false;
        bytes = (u32)word;
        memcpy(out->ip + 4 * i, &bytes, 4);
    }
    return true;
}

/* "0100007F:2409" */
static bool addr_parse(struct str s, struct addr *out)
{
    struct str port;
    u64 n;

    *out = (struct addr){ 0 };
    if (!ip_parse(str_cut(s, ':', &port), out) || !str_hex_to_u64(port, &n) || n > UINT16_MAX)
        return false;
    out->port = (u16)n;
    return true;
}

/* The next word of a line; empty at its end. */
static struct str word_of(struct str *rest)
{
    struct str word = { 0 };

    while (rest->ptr && word.len == 0)
        word = str_cut(*rest, ' ', rest);
    return word;
}

/* False: the listening ones are over. */
static bool line_take(struct tcp_listens *out, struct str line)
{
    struct addr addr;
    u64 state, inode;

    (void)word_of(&line); /* "0:" */
    if (!addr_parse(word_of(&line), &addr))
        return true;
    (void)word_of(&line);
    if (!str_hex_to_u64(word_of(&line), &state))
        return true;
    if (state != LISTEN || out->count == TCP_LISTENS_MAX)
        return false;
    for (int field = 4; field < FIELD_INODE; field++)
        (void)word_of(&line);
    if (!str_to_u64(word_of(&line), &inode))
        return true;
    out->at[out->count].addr = addr;
    out->at[out->count++].inode = inode;
    return true;
}

void tcp_listens_parse(struct tcp_listens *out, struct str text)
{
    while (text.ptr)
        if (!line_take(out, str_cut(text, '\n', &text)))
            return;
}

/* The newest whole line is of a socket that does not listen. */
static bool is_over(struct str text)
{
    const char *end = text.len ? memrchr(text.ptr, '\n', text.len) : NULL;
    const char *begin = end ? memrchr(text.ptr, '\n', (size_t)(end - text.ptr)) : NULL;
    struct tcp_listens ignored = { 0 };

    return begin && !line_take(&ignored, str_make(begin + 1, (size_t)(end - begin) - 1));
}

/* The beginning of a table, as far as it matters: the kernel takes long for all of it. */
static int table_read(const char *path, struct buf *out)
{
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    do {
        if (!buf_reserve(out, PIECE_BYTES))
            return -ENOMEM;
        n = read(fd, out->ptr + out->len, PIECE_BYTES);
        if (n > 0)
            out->len += (size_t)n;
    } while (n > 0 && out->len < TABLE_BYTES_MAX && !is_over(buf_str(out)));
    return n < 0 ? -errno : 0;
}

int tcp_listens_all(struct tcp_listens *out, u32 pid)
{
    static const char *const tables[] = { "tcp", "tcp6" };

    out->count = 0;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        AUTO(buf_done) struct buf text = { 0 };
        char path[48];
        int err;

        snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, tables[i]);
        err = table_read(path, &text);
        if (err && i == 0) /* without IPv6 there is one table */
            return err;
        tcp_listens_parse(out, buf_str(&text));
    }
    return 0;
}

/* Marks the entries whose socket is among the descriptors of `pid`. */
static int sockets_match(const struct tcp_listens *t, u32 pid, bool found[TCP_LISTENS_MAX])
{
    char path[64], link[64];
    struct dirent *entry;
    int err = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%u/fd", pid);
    dir = opendir(path);
    if (!dir)
        return -errno;
    while ((entry = readdir(dir))) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link));
        struct str name = str_make(link, n > 0 ? (size_t)n : 0), rest;
        u64 inode;

        if (!str_starts(name, STR("socket:[")))
            continue;
        if (!str_to_u64(str_cut(str_sub(name, 8, name.len), ']', &rest), &inode))
            continue;
        for (u32 i = 0; i < t->count; i++)
            found[i] |= t->at[i].inode == inode;
    }
    closedir(dir);
    return err;
}

int tcp_listens_of(struct tcp_listens *out, u32 pid)
{
    bool found[TCP_LISTENS_MAX] = { false };
    int err = tcp_listens_all(out, pid);
    u32 kept = 0;

    if (!err)
        err = sockets_match(out, pid, found);
    for (u32 i = 0; !err && i < out->count; i++)
        if (found[i])
            out->at[kept++] = out->at[i];
    out->count = kept;
    return err;
}

const struct addr *tcp_listens_port(const struct tcp_listens *t, u16 port)
{
    for (u32 i = 0; i < t->count; i++)
        if (t->at[i].addr.port == port &&
            (addr_is_loopback(&t->at[i].addr) || addr_is_any(&t->at[i].addr)))
            return &t->at[i].addr;
    return NULL;
}

bool tcp_listens_has(const struct tcp_listens *t, const struct addr *a)
{
    for (u32 i = 0; i < t->count; i++)
        if (memcmp(&t->at[i].addr, a, sizeof(*a)) == 0)
            return true;
    return false;
}

u32 tcp_listens_holder(u32 pid, u16 port)
{
    struct tcp_listens all, one = { 0 };
    struct dirent *entry;
    u32 holder = 0;
    DIR *dir;

    if (tcp_listens_all(&all, pid) < 0)
        return 0;
    for (u32 i = 0; i < all.count && !one.count; i++)
        if (all.at[i].addr.port == port)
            one.at[one.count++] = all.at[i];
    dir = one.count ? opendir("/proc") : NULL;
    while (dir && !holder && (entry = readdir(dir))) {
        bool found[TCP_LISTENS_MAX] = { false };
        u64 other;

        if (str_to_u64(str_of(entry->d_name), &other) && other <= INT32_MAX &&
            sockets_match(&one, (u32)other, found) == 0 && found[0])
            holder = (u32)other;
    }
    if (dir)
        closedir(dir);
    return holder;
}
