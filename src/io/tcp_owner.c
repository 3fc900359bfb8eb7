/* io/tcp_owner.c -- /proc/net/tcp, one line a socket */
#include "io/tcp_owner.h"

#include "io/sock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { FIELD_LOCAL = 1, FIELD_REMOTE = 2, FIELD_UID = 7, LINE_MAX_BYTES = 512 };

/* As the kernel prints it: "0100007F:2409", or the same as an IPv6 address (RFC 4291 2.5.5.2). */
static bool addr_is(struct str text, const struct addr *a)
{
    char want[64];
    u32 word;

    memcpy(&word, a->ip, 4);
    snprintf(want, sizeof(want), "%08X:%04X", word, a->port);
    if (str_eq(text, str_of(want)))
        return true;
    snprintf(want, sizeof(want), "0000000000000000FFFF0000%08X:%04X", word, a->port);
    return str_eq(text, str_of(want));
}

bool tcp_owner_parse(struct str line, const struct addr *local, const struct addr *remote, u32 *uid)
{
    u64 n;

    for (u32 field = 0; line.ptr;) {
        struct str word = str_cut(line, ' ', &line);

        if (word.len == 0)
            continue;
        if (field == FIELD_LOCAL && !addr_is(word, local))
            return false;
        if (field == FIELD_REMOTE && !addr_is(word, remote))
            return false;
        if (field == FIELD_UID) {
            if (!str_to_u64(word, &n) || n > UINT32_MAX)
                return false;
            *uid = (u32)n;
            return true;
        }
        field++;
    }
    return false;
}

static int list_read(const char *path, const struct addr *local, const struct addr *remote,
                     u32 *uid)
{
    char line[LINE_MAX_BYTES];
    FILE *f = fopen(path, "re");
    bool found = false;

    if (!f)
        return -errno;
    while (!found && fgets(line, sizeof(line), f))
        found = tcp_owner_parse(str_of(line), local, remote, uid);
    fclose(f);
    return found ? 0 : -ENOENT;
}

static int peer_of(int fd, struct addr *out)
{
    struct sockaddr_in in;
    socklen_t len = sizeof(in);

    if (getpeername(fd, (struct sockaddr *)&in, &len))
        return -errno;
    if (in.sin_family != AF_INET)
        return -EAFNOSUPPORT;
    *out = (struct addr){ .family = AF_INET, .port = ntohs(in.sin_port) };
    memcpy(out->ip, &in.sin_addr, 4);
    return 0;
}

int tcp_owner(int fd, u32 *uid)
{
    struct addr ours, theirs;
    int r = sock_local(fd, &ours);

    if (!r)
        r = peer_of(fd, &theirs);
    /* The peer's socket: its local address is our remote one. */
    if (!r)
        r = list_read("/proc/net/tcp", &theirs, &ours, uid);
    if (r == -ENOENT && list_read("/proc/net/tcp6", &theirs, &ours, uid) == 0)
        r = 0;
    return r;
}
