/* test/unit/otlp_exporter_test.c -- spans from shared memory to a back end that listens for real */
#include "otlp/exporter.h"

#include "io/sock.h"
#include "otlp/protobuf.h"
#include "tap.h"

#include <poll.h>
#include <pthread.h>

static struct shm *shm;
static int server = -1;
static char got[65536]; /* the newest request */
static _Atomic size_t got_len;

/* One request after the other, each answered with 200. */
static void *serve(void *unused)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct pollfd listening = { .fd = server, .events = POLLIN };

    while (poll(&listening, 1, 10000) == 1) {
        AUTO(fd_closep) int fd = accept(server, NULL, NULL);
        size_t len = 0, body;
        ssize_t n;

        while (fd >= 0 && (n = read(fd, got + len, sizeof(got) - len - 1)) > 0) {
            const char *head, *length;

            len += (size_t)n;
            got[len] = 0;
            head = strstr(got, "\r\n\r\n");
            length = strstr(got, "Content-Length: ");
            if (!head || !length)
                continue;
            body = (size_t)atoi(length + 16);
            if (len < (size_t)(head + 4 - got) + body)
                continue;
            if (write(fd, answer, sizeof(answer) - 1) < 0)
                break;
            atomic_store(&got_len, len);
            return unused;
        }
    }
    return unused;
}

/* The first field with these numbers, one within the other. */
static bool find(struct str bytes, const u32 *path, struct protobuf_field *out)
{
    while (protobuf_next(&bytes, out))
        if (out->number == *path && (path[1] == 0 || find(out->bytes, path + 1, out)))
            return true;
    return false;
}

static void settings_make(struct settings *s, u16 port)
{
    struct settings_origin flag = { .source = SETTINGS_FLAG };
    char url[64];
    struct problem p;

    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    CHECK_EQ(settings_init(s), 0);
    CHECK_EQ(settings_set(s, settings_row_find(STR("otlp"), NULL), str_of(url), &flag, &p), 0);
    CHECK_EQ(settings_set(s, settings_row_find(STR("otlp-gzip"), NULL), STR("off"), &flag, &p), 0);
    CHECK_EQ(
        settings_set(s, settings_row_find(STR("otlp-signals"), NULL), STR("traces"), &flag, &p), 0);
}

static void a_span_of_a_worker_arrives_with_its_resource(void)
{
    static const u8 trace[16] = { 1, 2, 3 }, parent[8] = { 4 };
    const struct exporter_from from = {
        .slot = 3, .generation = 1, .pid = 4242, .worker = { "2", 1 }
    };
    AUTO(settings_done) struct settings s = { 0 };
    char *env[] = { (char *)"OTEL_RESOURCE_ATTRIBUTES=a=b", NULL };
    struct exporter *e = NULL;
    struct shm_span_writer w;
    struct protobuf_field f;
    struct problem p = { 0 };
    struct addr local;
    pthread_t thread;
    char bytes[512], *head;
    struct shm_span *span;
    struct str body;
    u64 now_ns = clock_now_ns();

    server = sock_listen_tcp(&(struct addr){ .family = AF_INET, .ip = { 127, 0, 0, 1 } },
                             &(struct sock_listen_conf){ 0 });
    CHECK(server >= 0 && sock_local(server, &local) == 0);
    CHECK_EQ(pthread_create(&thread, NULL, serve, NULL), 0);
    settings_make(&s, local.port);
    CHECK_EQ(exporter_new(&e, shm, &s, env, &p), 0);
    if (!e)
        return;
    span = shm_span_begin(&w, bytes, sizeof(bytes), "SELECT orders", 13);
    memcpy(span->trace, trace, 16);
    memcpy(span->parent, parent, 8);
    span->kind = SHM_SPAN_CLIENT;
    span->begun_ns = now_ns - 5000000;
    span->ended_ns = now_ns;
    shm_span_text(&w, "db.system.name", "sqlite", 6);
    exporter_span(e, &from, bytes, w.len, now_ns);
    exporter_span(e, &from, bytes, 20, now_ns); /* no span */
    CHECK(!exporter_metrics_due(e, UINT64_MAX));
    exporter_look(e, now_ns + 2 * NS_PER_S);
    exporter_free(e, 5 * NS_PER_S);
    pthread_join(thread, NULL);
    close(server);
    CHECK(strncmp(got, "POST /v1/traces HTTP/1.1\r\n", 26) == 0);
    head = strstr(got, "\r\n\r\n");
    CHECK(head && got_len);
    body = str_make(head + 4, got_len - (size_t)(head + 4 - got));
    CHECK(find(body, (const u32[]){ 1, 2, 2, 5, 0 }, &f));
    CHECK_STR(f.bytes, "SELECT orders");
    CHECK(find(body, (const u32[]){ 1, 2, 2, 1, 0 }, &f) && memcmp(f.bytes.ptr, trace, 16) == 0);
    CHECK(find(body, (const u32[]){ 1, 2, 2, 4, 0 }, &f) && memcmp(f.bytes.ptr, parent, 8) == 0);
    CHECK(find(body, (const u32[]){ 1, 2, 2, 2, 0 }, &f) && f.bytes.len == 8); /* it got an id */
    CHECK(find(body, (const u32[]){ 1, 2, 2, 6, 0 }, &f) && f.n == SHM_SPAN_CLIENT);
    CHECK(find(body, (const u32[]){ 1, 1, 1, 0 }, &f));
    CHECK(memmem(body.ptr, body.len, "process.pid", 11) != NULL);
    CHECK(memmem(body.ptr, body.len, "sqlite", 6) != NULL);
}

static void nothing_is_made_where_nothing_is_sent(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct exporter *e = NULL;
    struct problem p;

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(exporter_new(&e, shm, &s, NULL, &p), 0);
    CHECK(e == NULL);
    exporter_free(e, 0);
}

int main(void)
{
    shm = calloc(1, sizeof(*shm));
    TEST(a_span_of_a_worker_arrives_with_its_resource);
    TEST(nothing_is_made_where_nothing_is_sent);
    free(shm);
    return tap_done();
}
