/* test/unit/io_resolver_test.c -- c-ares in the loop, asking a DNS server of the test's own */
#include "io/resolver.h"
#include "io/sock.h"

#include "tap.h"

#include <arpa/inet.h>

static struct loop *loop;
static struct resolver *resolver;
static struct watch udp, tcp, tcp_client;
static u32 questions;
static struct resolver_answer got;
static u32 answers;

static void put16(u8 *at, u32 n)
{
    at[0] = (u8)(n >> 8), at[1] = (u8)n;
}

struct record {
    const char *name; /* "a.test"; the question's first labels */
    u32 type, ttl;
    const char *data; /* of A: "127.0.0.1"; AAAA likewise; SRV: "port target" */
};
static const struct record records[] = {
    { "two.test", 1, 7, "127.0.0.2" },
    { "two.test", 1, 30, "127.0.0.3" },
    { "two.test", 28, 20, "::1" },
    { "four.test", 1, 60, "127.0.0.4" },
    { "_http._tcp.svc.test", 33, 9, "8001 two.test" },
    { "_http._tcp.svc.test", 33, 90, "8002 four.test" },
    { "_http._tcp.half.test", 33, 90, "8002 four.test" },
    { "_http._tcp.half.test", 33, 90, "8002 gone.test" },
    { "_http._tcp.none.test", 33, 90, "0 ." },
    { "cut.test", 1, 60, "127.0.0.9" }, /* over TCP only */
};

static size_t name_put(u8 *at, const char *name)
{
    size_t len = 0;

    for (struct str rest = str_of(name); rest.len;) {
        struct str label = str_cut(rest, '.', &rest);

        if (label.len == 0)
            break;
        at[len++] = (u8)label.len;
        memcpy(at + len, label.ptr, label.len);
        len += label.len;
    }
    at[len++] = 0;
    return len;
}

static size_t record_put(u8 *at, const struct record *r)
{
    size_t len = 12, data = 4;

    put16(at, 0xc00c), put16(at + 2, r->type), put16(at + 4, 1);
    put16(at + 6, 0), put16(at + 8, r->ttl);
    if (r->type == 1) {
        CHECK_EQ(inet_pton(AF_INET, r->data, at + len), 1);
    } else if (r->type == 28) {
        CHECK_EQ(inet_pton(AF_INET6, r->data, at + len), 1);
        data = 16;
    } else {
        put16(at + len, 1), put16(at + len + 2, 5), put16(at + len + 4, (u32)atoi(r->data));
        data = 6 + name_put(at + len + 6, strchr(r->data, ' ') + 1);
    }
    put16(at + 10, (u32)data);
    return len + data;
}

/* The answer to the question in `bytes`, in place; its length. 0: none is given. */
static size_t answer(u8 *bytes, size_t len, bool over_tcp)
{
    char name[256];
    size_t at = 12, n = 0;
    u32 type, found = 0, count = 0;

    questions++;
    while (bytes[at]) {
        memcpy(name + n, bytes + at + 1, bytes[at]);
        n += bytes[at];
        name[n++] = '.';
        at += bytes[at] + 1u;
    }
    name[n - 1] = 0;
    type = bytes[at + 2];
    len = at + 5;
    bytes[2] = 0x84, bytes[3] = 0;
    put16(bytes + 8, 0), put16(bytes + 10, 0);
    if (str_eq(str_of(name), STR("silent.test")))
        return 0;
    if (str_eq(str_of(name), STR("broken.test"))) {
        bytes[3] = 2; /* SERVFAIL */
        return len;
    }
    if (str_eq(str_of(name), STR("cut.test")) && !over_tcp) {
        bytes[2] |= 2; /* cut off */
        return len;
    }
    if (str_eq(str_of(name), STR("many.test")) && type == 1)
        for (u32 i = 0; i < 100; i++, count++) {
            char text[32];

            snprintf(text, sizeof(text), "127.1.0.%u", i);
            len += record_put(bytes + len, &(struct record){ "", 1, 60, text });
        }
    for (u32 i = 0; i < ARRAY_LEN(records); i++)
        if (str_eq(str_of(name), str_of(records[i].name)) && ++found && records[i].type == type) {
            len += record_put(bytes + len, &records[i]);
            count++;
        }
    put16(bytes + 6, count);
    if (found == 0 && count == 0 && !str_eq(str_of(name), STR("many.test")))
        bytes[3] = 3; /* NXDOMAIN */
    return len;
}

static void on_udp(struct watch *w, u32 events)
{
    u8 bytes[4096];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    ssize_t n = recvfrom(w->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);

    (void)events;
    if (n > 12 && (n = (ssize_t)answer(bytes, (size_t)n, false)) > 0)
        CHECK_EQ(sendto(w->fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, from_len), n);
}

static void on_tcp_client(struct watch *w, u32 events)
{
    u8 bytes[4096];
    ssize_t n = read(w->fd, bytes, sizeof(bytes));

    (void)events;
    if (n <= 14) {
        loop_unwatch(w);
        close(w->fd);
        return;
    }
    n = (ssize_t)answer(bytes + 2, (size_t)n - 2, true);
    put16(bytes, (u32)n);
    CHECK_EQ(write(w->fd, bytes, (size_t)n + 2), n + 2);
}

static void on_tcp(struct watch *w, u32 events)
{
    int fd = sock_accept(w->fd);

    (void)events;
    if (fd >= 0)
        CHECK_EQ(loop_watch(loop, &tcp_client, fd, EPOLLIN, on_tcp_client), 0);
}

static void on_answer(struct resolver_query *q, const struct resolver_answer *a)
{
    (void)q;
    got = *a;
    answers++;
}

static struct resolver_query query(const char *name, enum resolver_kind kind)
{
    struct resolver_query q = { .kind = kind, .port = 80 };

    str_to_cstr(str_of(name), q.name, sizeof(q.name));
    return q;
}

static void ask(const char *name, enum resolver_kind kind)
{
    struct resolver_query q = query(name, kind);
    u32 before = answers;

    resolver_ask(resolver, &q, on_answer);
    CHECK_EQ(answers, before); /* never at once */
    while (answers == before)
        loop_turn(loop, 1000);
}

static bool has(const char *address, u16 port, u32 weight)
{
    for (u32 i = 0; i < got.n; i++) {
        char text[ADDR_TEXT_MAX];

        if (str_eq(addr_ip_text(&got.target[i].addr, text), str_of(address)) &&
            got.target[i].addr.port == port && got.target[i].weight == weight)
            return true;
    }
    return false;
}

static void begin(void)
{
    struct addr any = { .family = AF_INET, .ip = { 127, 0, 0, 1 } }, bound;
    struct sockaddr_storage sa;
    struct problem p;
    char servers[64];
    int fd, stream;

    CHECK_EQ(loop_new(&loop), 0);
    do { /* a port that both have */
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        any.port = 0;
        CHECK_EQ(bind(fd, (struct sockaddr *)&sa, addr_sockaddr(&any, &sa)), 0);
        CHECK_EQ(sock_local(fd, &bound), 0);
        stream = sock_listen_tcp(&bound, &(struct sock_listen_conf){ 0 });
        if (stream < 0)
            close(fd);
    } while (stream < 0);
    CHECK_EQ(loop_watch(loop, &udp, fd, EPOLLIN, on_udp), 0);
    CHECK_EQ(loop_watch(loop, &tcp, stream, EPOLLIN, on_tcp), 0);
    snprintf(servers, sizeof(servers), "127.0.0.1:%u", bound.port);
    CHECK_EQ(resolver_new(&resolver, loop, servers, &p), 0);
}

static void addresses_come_with_the_least_time_of_all(void)
{
    ask("two.test", RESOLVER_ADDRESSES);
    CHECK_EQ(got.status, RESOLVER_OK);
    CHECK_EQ(got.n, 3);
    CHECK_EQ(got.ttl_ns, 7 * NS_PER_S);
    CHECK(has("127.0.0.2", 80, 1) && has("127.0.0.3", 80, 1) && has("::1", 80, 1));
}

static void a_service_names_hosts_with_ports_and_weights(void)
{
    ask("_http._tcp.svc.test", RESOLVER_SERVICE);
    CHECK_EQ(got.status, RESOLVER_OK);
    CHECK_EQ(got.n, 4);
    CHECK_EQ(got.ttl_ns, 7 * NS_PER_S);
    CHECK(has("127.0.0.2", 8001, 5) && has("127.0.0.4", 8002, 5));
    CHECK_EQ(got.target[0].priority, 1);
}

static void a_service_of_which_one_host_is_gone_is_the_others(void)
{
    ask("_http._tcp.half.test", RESOLVER_SERVICE);
    CHECK_EQ(got.status, RESOLVER_OK);
    CHECK_EQ(got.n, 1);
}

static void what_is_not_there_is_said_so(void)
{
    ask("gone.test", RESOLVER_ADDRESSES);
    CHECK_EQ(got.status, RESOLVER_NOTHING);
    CHECK(got.why[0] != 0);
    ask("_http._tcp.none.test", RESOLVER_SERVICE);
    CHECK_EQ(got.status, RESOLVER_NOTHING);
    ask("four.test", RESOLVER_SERVICE);
    CHECK_EQ(got.status, RESOLVER_NOTHING);
    CHECK_EQ(got.n, 0);
}

static void a_server_that_cannot_say_is_a_failure(void)
{
    ask("broken.test", RESOLVER_ADDRESSES);
    CHECK_EQ(got.status, RESOLVER_FAILED);
    CHECK_EQ(got.n, 0);
}

static void what_is_cut_off_is_asked_for_over_tcp(void)
{
    ask("cut.test", RESOLVER_ADDRESSES);
    CHECK_EQ(got.status, RESOLVER_OK);
    CHECK(has("127.0.0.9", 80, 1));
}

static void more_addresses_than_there_is_room_for_are_counted(void)
{
    ask("many.test", RESOLVER_ADDRESSES);
    CHECK_EQ(got.status, RESOLVER_OK);
    CHECK_EQ(got.n, RESOLVER_TARGETS_MAX);
    CHECK_EQ(got.left_out, 100 - RESOLVER_TARGETS_MAX);
}

static void an_address_needs_nobody(void)
{
    u32 before = questions;

    ask("127.0.0.77", RESOLVER_ADDRESSES);
    CHECK_EQ(got.status, RESOLVER_OK);
    CHECK(has("127.0.0.77", 80, 1));
    CHECK_EQ(questions, before);
    ask("localhost", RESOLVER_ADDRESSES); /* of /etc/hosts, or by itself */
    CHECK_EQ(got.status, RESOLVER_OK);
}

static void what_is_forgotten_is_not_told_of(void)
{
    struct resolver_query q = query("two.test", RESOLVER_ADDRESSES);
    u32 before = answers;

    resolver_ask(resolver, &q, on_answer);
    resolver_forget(&q);
    resolver_forget(&q);
    ask("four.test", RESOLVER_ADDRESSES);
    CHECK_EQ(answers, before + 1);
}

static void a_resolver_ends_with_questions_on_the_way(void)
{
    struct resolver_query q[] = { query("silent.test", RESOLVER_ADDRESSES),
                                  query("_http._tcp.svc.test", RESOLVER_SERVICE),
                                  query("127.0.0.1", RESOLVER_ADDRESSES) };
    u32 before = answers;

    for (u32 i = 0; i < ARRAY_LEN(q); i++)
        resolver_ask(resolver, &q[i], on_answer);
    resolver_free(TAKE(resolver, NULL));
    loop_turn(loop, 0);
    CHECK_EQ(answers, before);
    CHECK(!q[0].run && !q[1].run && !q[2].run);
}

static void servers_that_are_none_are_a_mistake(void)
{
    struct problem p = { 0 };

    CHECK_EQ(resolver_new(&resolver, loop, "no server", &p), -EINVAL);
    CHECK(p.text[0] != 0);
    loop_free(loop);
}

int main(void)
{
    begin();
    TEST(addresses_come_with_the_least_time_of_all);
    TEST(a_service_names_hosts_with_ports_and_weights);
    TEST(a_service_of_which_one_host_is_gone_is_the_others);
    TEST(what_is_not_there_is_said_so);
    TEST(a_server_that_cannot_say_is_a_failure);
    TEST(what_is_cut_off_is_asked_for_over_tcp);
    TEST(more_addresses_than_there_is_room_for_are_counted);
    TEST(an_address_needs_nobody);
    TEST(what_is_forgotten_is_not_told_of);
    TEST(a_resolver_ends_with_questions_on_the_way);
    TEST(servers_that_are_none_are_a_mistake);
    return tap_done();
}
