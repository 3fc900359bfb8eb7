/* load/request.c -- a kind of request as bytes, made once and sent again and again */
#include "load/request.h"

static void head_add(struct buf *out, const struct mix_kind *k, const struct destination *d,
                     struct str method, struct str path, bool keep_alive)
{
    buf_addf(out, "%.*s %s%.*s HTTP/1.1\r\n", STR_ARG(method),
             str_starts(path, STR("/")) ? "" : "/", STR_ARG(path));
    if (!k->has_host)
        buf_addf(out, "Host: %.*s\r\n", STR_ARG(d->authority));
    buf_add(out, buf_str(&k->fields));
    if (!keep_alive)
        buf_add(out, STR("Connection: close\r\n"));
    if (k->has_body)
        buf_addf(out, "Content-Length: %zu\r\n", k->body.len);
    buf_add(out, STR("\r\n"));
}

int request_init(struct request *r, const struct mix_kind *k, const struct destination *d,
                 bool keep_alive)
{
    struct str method = k->method.len ? buf_str(&k->method)
                        : k->has_body ? STR("POST")
                                      : STR("GET");
    struct str path = k->path.len ? buf_str(&k->path) : d->path;

    *r = (struct request){ .method = http_method_find(method) };
    buf_add(&r->name, k->name.len ? buf_str(&k->name) : path.len ? path : STR("/"));
    if (!d->websocket)
        head_add(&r->bytes, k, d, method, path, keep_alive);
    buf_add(&r->bytes, buf_str(&k->body));
    if (!r->name.failed && !r->bytes.failed)
        return 0;
    request_done(r);
    return -ENOMEM;
}

void request_done(struct request *r)
{
    buf_done(&r->name);
    buf_done(&r->bytes);
    *r = (struct request){ 0 };
}
