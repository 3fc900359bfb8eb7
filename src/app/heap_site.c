/* app/heap_site.c -- who may ask, and what is there */
#include "app/heap_site.h"

#include "admin/permit.h"
#include "base/clock.h"
#include "io/tcp_owner.h"
#include "view/assets.h"

#include <sys/random.h>

#define START_PAGE "heap.html"
#define FIELDS                                                                                 \
    SITE_FIELDS                                                                                \
    "Referrer-Policy: no-referrer\r\n"                                                         \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                            \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                              \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "       \
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors " \
    "'none'"                                                                                   \
    "\r\n"

/* With sudo, the browser is that of whoever called it. */
static bool uid_is_ours(u32 uid)
{
    u64 caller;

    if (uid == geteuid() || uid == 0)
        return true;
    return geteuid() == 0 && str_to_u64(str_of(getenv("SUDO_UID")), &caller) && uid == caller;
}

static bool knows(struct site *site, int fd)
{
    u32 uid;
    int r = tcp_owner(fd, &uid);

    (void)site;
    /* Without /proc the token alone has to do. */
    return r == 0 ? uid_is_ours(uid) : r != -ENOENT || access("/proc/net/tcp", R_OK) != 0;
}

/* Why it is not answered; NULL: it is. *path is what follows the token. */
static const char *refusal(const struct heap_site *s, const struct site_request *req,
                           struct str *path, u32 *status)
{
    struct str token = str_cut(str_sub(req->target, 1, req->target.len), '/', path);
    struct str name = { 0 }, query;

    *status = 403;
    if (!req->is_known)
        return "This connection is not of the user who started fettle heap view.";
    if (!permit_host_is_local(req->host))
        return "Only requests to localhost or to an IP address are answered, so that no web page "
               "can read this under a name of its own.";
    if (!permit_token_equal(str_of(s->token), token)) {
        *status = 404;
        return "There is nothing here. Open the whole address that fettle heap view has printed.";
    }
    if (path->ptr)
        name = str_cut(*path, '?', &query);
    /* The page itself may be opened by a link, wherever that stands. */
    if (name.len && !permit_same_origin(req->host, req->origin, req->fetch_site))
        return "A page of another site asks for this.";
    *status = 405;
    if (req->method != HTTP_GET && req->method != HTTP_HEAD)
        return "Only GET and HEAD are answered here.";
    return NULL;
}

static void file_answer(struct site_answer *out, struct buf *body, struct str name)
{
    const struct asset *a = assets_find(name.len ? name : STR(START_PAGE));

    if (!a) {
        site_refuse(out, body, 404, "There is nothing of that name here.");
        return;
    }
    buf_add(body, assets_text(a));
    *out = (struct site_answer){ 200, str_of(a->content_type), STR(FIELDS) };
}

static void answer(struct site *site, const struct site_request *req, struct site_answer *out,
                   struct buf *body)
{
    struct heap_site *s = container_of(site, struct heap_site, site);
    struct str path, name, query;
    u32 status;
    const char *why = refusal(s, req, &path, &status);

    if (why) {
        site_refuse(out, body, status, why);
        return;
    }
    s->asked_ns = clock_now_ns();
    if (!path.ptr) { /* relative addresses need the slash */
        site_refuse(out, body, 404, "The address ends with a slash.");
        return;
    }
    name = str_cut(path, '?', &query);
    if (!str_starts(name, STR("api/"))) {
        file_answer(out, body, name);
    } else {
        status = heapview_page(s->view, str_sub(name, 4, name.len), query, body);
        *out = (struct site_answer){ status, STR("application/json"), STR(FIELDS) };
    }
    if (body->failed)
        site_refuse(out, body, 503, "There is not enough memory for this page now.");
}

int heap_site_init(struct heap_site *s, struct heapview *view, u64 now_ns)
{
    u8 random[16];

    *s = (struct heap_site){ .site = { answer, knows }, .view = view, .asked_ns = now_ns };
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -errno;
    for (u32 i = 0; i < sizeof(random); i++)
        snprintf(s->token + 2 * i, 3, "%02x", random[i]);
    return 0;
}

u64 heap_site_idle_ns(const struct heap_site *s, u64 now_ns)
{
    return now_ns > s->asked_ns ? now_ns - s->asked_ns : 0;
}
