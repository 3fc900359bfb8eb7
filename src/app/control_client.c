/* app/control_client.c -- talking to the fettles of this user that run */
#include "app/control_client.h"

#include "base/clock.h"
#include "io/sock.h"

#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>

enum { READ_BYTES = 65536, LINE_MAX_BYTES = 16 << 20, CONNECT_TRIES = 20, CONNECT_PAUSE_US = 5000 };
#define PS_WAIT_NS (2 * NS_PER_S)

static void peer_done(struct control_peer *peer)
{
    fd_closep(&peer->fd);
    buf_done(&peer->in);
    json_value_free(peer->said);
}

void control_peers_done(struct control_peers *ps)
{
    for (u32 i = 0; i < ps->count; i++)
        peer_done(&ps->peer[i]);
}

int control_peer_ask(struct control_peer *peer, struct str line)
{
    AUTO(buf_done) struct buf out = { 0 };
    size_t sent = 0;

    buf_add(&out, line);
    buf_addc(&out, '\n');
    while (!out.failed && sent < out.len) {
        ssize_t n = send(peer->fd, out.ptr + sent, out.len - sent, MSG_NOSIGNAL);

        if (n < 0)
            return -errno; /* a request fits into any socket's buffer */
        sent += (size_t)n;
    }
    return out.failed ? -ENOMEM : 0;
}

/* What another user's process says is shown to root: without what would steer a terminal. */
static void tame(struct str line)
{
    char *c = (char *)(uintptr_t)line.ptr;

    for (size_t i = 0; i + 1 < line.len; i++) {
        bool escaped = i + 5 < line.len && memcmp(c + i, "\\u00", 4) == 0;

        if (escaped && (c[i + 4] < '2' || (c[i + 4] >= '7' && c[i + 4] <= '9')))
            memcpy(c + i + 4, "3f", 2);
        if ((u8)c[i] == 0xc2 && (u8)c[i + 1] < 0xa0) /* U+0080 to U+009F */
            memcpy(c + i, "??", 2);
    }
}

/* Takes the first line of what has come. False: there is none yet. */
static bool line_take(struct control_peer *peer, struct json_value **out, int *err)
{
    ptrdiff_t end = str_index(buf_str(&peer->in), '\n');
    struct problem p;

    if (end < 0)
        return false;
    if (peer->found.owner != geteuid())
        tame(str_make(peer->in.ptr, (size_t)end));
    *err = json_value_parse(out, str_make(peer->in.ptr, (size_t)end), "", &p) ? -EPROTO : 0;
    buf_drop(&peer->in, (size_t)end + 1);
    return true;
}

int control_peer_hear(struct control_peer *peer, u64 until_ns, struct json_value **out)
{
    struct pollfd wait = { .fd = peer->fd, .events = POLLIN };
    int err = 0;

    *out = NULL;
    while (!line_take(peer, out, &err)) {
        u64 now_ns = clock_now_ns();
        u64 left_ms = until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS + 1 : 0;
        ssize_t n;

        if (peer->in.len > LINE_MAX_BYTES)
            return -EPROTO;
        /* What has come already is read, however late it is. */
        if (poll(&wait, 1, (int)min(left_ms, (u64)INT32_MAX)) <= 0) {
            if (left_ms == 0)
                return -ETIMEDOUT;
            continue;
        }
        if (!buf_reserve(&peer->in, READ_BYTES))
            return -ENOMEM;
        n = read(peer->fd, peer->in.ptr + peer->in.len, READ_BYTES);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return -EPIPE;
        peer->in.len += n > 0 ? (size_t)n : 0;
    }
    return err;
}

static int connect_to(const struct rundir_found *found)
{
    char path[RUNDIR_PATH_MAX + 16];

    int fd = -EAGAIN;

    snprintf(path, sizeof(path), "%s/control.sock", found->path);
    for (int i = 0; i < CONNECT_TRIES && fd == -EAGAIN; i++) {
        if (i > 0) /* many connect just now, and some wait to be accepted */
            usleep(CONNECT_PAUSE_US);
        fd = sock_connect_unix_now(path, SOCK_STREAM);
    }
    return fd;
}

int control_peer_again(struct control_peer *peer)
{
    int fd = connect_to(&peer->found);

    if (fd < 0)
        return fd;
    fd_closep(&peer->fd);
    buf_clear(&peer->in);
    peer->fd = fd;
    return 0;
}

/* False: nobody is there, or none that takes a request. */
static bool peer_open(struct control_peers *ps, const struct rundir_found *found)
{
    struct control_peer *peer = &ps->peer[ps->count];
    int fd = connect_to(found);

    if (fd < 0) {
        ps->mute += fd == -EAGAIN;
        return false;
    }
    *peer = (struct control_peer){ .found = *found, .fd = fd };
    if (control_peer_ask(peer, STR("{\"do\":\"ps\"}")) == 0)
        return true;
    peer_done(peer);
    return false;
}

static void base_look(struct control_peers *ps, const char *base, uid_t owner)
{
    AUTO(freep) struct rundir_found *found = calloc(CONTROL_PEERS_MAX, sizeof(*found));
    u32 n = found && base[0] ? rundir_find(base, owner, found, CONTROL_PEERS_MAX) : 0;

    for (u32 i = 0; i < n && ps->count < CONTROL_PEERS_MAX; i++) {
        bool known = false;

        for (u32 k = 0; k < ps->count && !known; k++)
            known = strcmp(ps->peer[k].found.path, found[i].path) == 0;
        if (!known)
            ps->count += peer_open(ps, &found[i]);
    }
}

/* systemd makes a folder for each service that runs as a user. */
static void services_look(struct control_peers *ps)
{
    AUTO(freep) struct rundir_found *found = calloc(CONTROL_PEERS_MAX, sizeof(*found));
    u32 n = found ? rundir_services("/run", found, CONTROL_PEERS_MAX) : 0;

    for (u32 i = 0; i < n; i++) {
        if (geteuid() == 0 || found[i].owner == geteuid())
            base_look(ps, found[i].path, found[i].owner);
        else if (access(found[i].path, R_OK | X_OK) < 0 && ps->refused++ == 0)
            ps->refused_at = found[i];
    }
}

void control_peers_refused(const struct control_peers *ps, struct buf *out)
{
    const struct passwd *owner = ps->refused ? getpwuid(ps->refused_at.owner) : NULL;
    char number[16];

    if (!ps->refused)
        return;
    snprintf(number, sizeof(number), "%u", (u32)ps->refused_at.owner);
    buf_addf(out, "; %s%s of the user %s in %s may run, and only that user and root can talk to it",
             "a fettle", ps->refused > 1 ? ", one of several," : "",
             owner ? owner->pw_name : number, ps->refused_at.path);
}

/* All have been asked before the first is heard, so that a slow one costs its own time only. */
static void answers_hear(struct control_peers *ps)
{
    u64 until_ns = clock_now_ns() + PS_WAIT_NS;
    u32 kept = 0;

    for (u32 i = 0; i < ps->count; i++) {
        struct control_peer *peer = &ps->peer[i];
        int err = control_peer_hear(peer, until_ns, &peer->said);

        if (err) {
            ps->mute += err == -ETIMEDOUT;
            peer_done(peer);
            continue;
        }
        if (kept != i)
            ps->peer[kept] = *peer;
        kept++;
    }
    ps->count = kept;
}

static int by_age(const void *va, const void *vb)
{
    const struct control_peer *a = va, *b = vb;

    return a->found.pid < b->found.pid ? -1 : a->found.pid > b->found.pid;
}

void control_peers_open(struct control_peers *out, const struct control_options *o)
{
    const char *bases[RUNDIR_BASES], *set = getenv("FETTLE_RUNTIME_DIR");
    u32 n = rundir_bases(bases);

    out->count = out->mute = out->refused = 0;
    /* Who says where fettle is to make its folder has all of them there. */
    if (o->runtime_dir.len || (set && *set)) {
        bases[0] = o->runtime_dir.len ? o->runtime_dir.ptr : set;
        n = 1;
    }
    for (u32 i = 0; i < n; i++)
        base_look(out, bases[i], geteuid());
    if (bases[0] != set && bases[0] != o->runtime_dir.ptr)
        services_look(out);
    answers_hear(out);
    qsort(out->peer, out->count, sizeof(out->peer[0]), by_age);
}

bool control_peers_each(struct control_peers *ps, u32 *at, struct control_app *out)
{
    u32 before = 0;

    for (u32 i = 0; i < ps->count; i++) {
        const struct json_value *apps = json_value_member(ps->peer[i].said, "apps");
        u32 n = json_value_count(apps);

        if (*at - before >= n) {
            before += n;
            continue;
        }
        *out =
            (struct control_app){ .peer = &ps->peer[i], .row = json_value_at(apps, *at - before) };
        out->name = json_value_text(json_value_member(out->row, "name"));
        ++*at;
        return true;
    }
    return false;
}

/* How many apps of that name there are; the first of them to *out. */
static u32 app_find(struct control_peers *ps, u32 pid, struct str name, struct control_app *out)
{
    struct control_app app;
    u32 n = 0, at = 0;

    while (control_peers_each(ps, &at, &app)) {
        if ((pid && app.peer->found.pid != pid) || (name.ptr && !str_eq(app.name, name)))
            continue;
        if (n++ == 0)
            *out = app;
    }
    return n;
}

static void names_list(struct control_peers *ps, struct buf *out)
{
    struct control_app app;
    u32 at = 0;

    while (control_peers_each(ps, &at, &app))
        buf_addf(out, "%s%.*s", out->len ? ", " : "", STR_ARG(str_sub(app.name, 0, 60)));
    buf_addc(out, 0);
    out->len -= !out->failed;
}

static int unknown(struct control_peers *ps, struct str word, struct problem *p)
{
    AUTO(buf_done) struct buf names = { 0 };
    struct control_app app;
    struct str nearest = { 0 };
    u32 at = 0, least = 2 + (u32)word.len / 3;
    AUTO(buf_done) struct buf refused = { 0 };

    control_peers_refused(ps, &refused);

    while (control_peers_each(ps, &at, &app)) {
        u32 distance = str_distance(word, app.name);

        if (distance < least) {
            least = distance;
            nearest = app.name;
        }
    }
    names_list(ps, &names);
    if (ps->count == 0 || names.len == 0)
        problem_set(p, "there is no app \"%.*s\": no fettle of this user runs%.*s",
                    STR_ARG(str_sub(word, 0, 80)), STR_ARG(buf_str(&refused)));
    else if (nearest.len)
        problem_set(p, "there is no app \"%.*s\"; did you mean \"%.*s\"? There are: %.400s",
                    STR_ARG(str_sub(word, 0, 80)), STR_ARG(str_sub(nearest, 0, 80)),
                    names.failed ? "" : names.ptr);
    else
        problem_set(p, "there is no app \"%.*s\"; there are: %.400s%.*s",
                    STR_ARG(str_sub(word, 0, 80)), names.failed ? "" : names.ptr,
                    STR_ARG(buf_str(&refused)));
    return -ENOENT;
}

static int ambiguous(struct control_peers *ps, const char *word, struct problem *p)
{
    AUTO(buf_done) struct buf names = { 0 };
    AUTO(buf_done) struct buf pids = { 0 };
    struct control_app app;
    u32 at = 0;

    names_list(ps, &names);
    while (word && control_peers_each(ps, &at, &app))
        if (str_eq(app.name, str_of(word)))
            buf_addf(&pids, "%s%u", pids.len ? ", " : "", app.peer->found.pid);
    if (names.failed || pids.failed)
        return -ENOMEM;
    if (word)
        return problem_set(p,
                           "there are several apps \"%.80s\"; say which fettle is meant with "
                           "--pid: %.*s",
                           word, STR_ARG(str_sub(buf_str(&pids), 0, 400)));
    return problem_set(p, "there are several apps; say which one: %.400s", names.ptr);
}

static int none_runs(const struct control_peers *ps, struct problem *p)
{
    AUTO(buf_done) struct buf refused = { 0 };

    control_peers_refused(ps, &refused);
    if (ps->mute)
        problem_set(p, "a fettle runs, but does not answer");
    else if (refused.len)
        problem_set(p, "no fettle of this user runs%.*s", STR_ARG(buf_str(&refused)));
    else
        problem_set(p, "no fettle of this user runs; start an app with `fettle run`");
    return -ENOENT;
}

int control_peers_app(struct control_peers *ps, const struct control_options *o, const char *word,
                      struct control_app *out, struct problem *p)
{
    struct str name = str_of(word);
    u32 found = app_find(ps, o->pid, name, out);
    u64 worker = 0;

    for (size_t i = name.len; !found && i-- > 0;) {
        if (name.ptr[i] != '/')
            continue;
        if (!str_to_u64(str_sub(name, i + 1, name.len), &worker) || worker < 1 || worker > 128)
            break;
        found = app_find(ps, o->pid, str_sub(name, 0, i), out);
        break;
    }
    if (found == 1) {
        out->worker = (u32)worker;
        return 0;
    }
    if (found > 1)
        return ambiguous(ps, word, p);
    if (word)
        return unknown(ps, name, p);
    return none_runs(ps, p);
}
