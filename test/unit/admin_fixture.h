/* test/unit/admin_fixture.h -- shared memory as a running fettle leaves it, for tests of admin/ */
#pragma once

#include "admin/page.h"
#include "tap.h"

#define FIXTURE_NOW (1000 * NS_PER_S)
#define MS NS_PER_MS

/* A Node process that has run for 100 s, waits now, and has told what it can. */
static inline struct shm_slot *fixture_slot(struct shm *shm, u32 index, u32 worker, bool is_main)
{
    static const char *const spaces[] = { "read_only_space",
                                          "new_space",
                                          "old_space",
                                          "code_space",
                                          "shared_space",
                                          "trusted_space",
                                          "new_large_object_space",
                                          "large_object_space",
                                          "code_large_object_space",
                                          "shared_large_object_space" };
    struct shm_slot *s = &shm->slot[index];
    struct shm_agent *a = &s->agent;

    memset(s, 0, sizeof(*s));
    s->state = SHM_READY;
    s->generation = 1;
    s->worker = worker;
    s->is_main = is_main;
    s->pid = 2000000000 + index; /* nobody's */
    s->listening = 1;
    s->started_ns = FIXTURE_NOW - 100 * NS_PER_S;
    s->rss_bytes = 80 << 20;
    s->vm_bytes = 1ull << 30;
    s->cpu_user_ns = 2500 * MS;
    s->cpu_system_ns = 500 * MS;
    s->open_fds = 23;
    s->max_fds = 1024;
    s->threads = 11;
    str_to_cstr(STR("v20.20.2"), s->node_version, sizeof(s->node_version));
    s->requests = 1000;
    s->failures = 2;
    s->in_flight = 3;
    s->loop.waits_since_ns = FIXTURE_NOW - MS;
    s->loop.turns = 500;
    s->loop.busy_ns = 10 * NS_PER_S;
    s->loop.wait_ns = 89 * NS_PER_S;
    s->loop.delay_count[shm_delay_bucket(2 * MS)] = 500;
    a->updates = 100;
    a->heap_total_bytes = 30 << 20;
    a->heap_used_bytes = 20 << 20;
    a->heap_limit_bytes = 2ull << 30;
    a->external_bytes = 2 << 20;
    a->array_buffers_bytes = 1 << 20;
    a->malloced_bytes = 1 << 19;
    a->spaces = ARRAY_LEN(spaces);
    for (u32 i = 0; i < ARRAY_LEN(spaces); i++) {
        str_to_cstr(str_of(spaces[i]), a->space[i].name, sizeof(a->space[i].name));
        a->space[i].size_bytes = 1000 * (i + 1);
        a->space[i].used_bytes = 600 * (i + 1);
        a->space[i].available_bytes = 300 * (i + 1);
        a->space[i].physical_bytes = 900 * (i + 1);
    }
    a->resources = 3;
    str_to_cstr(STR("TCPSocketWrap"), a->resource[0].type, sizeof(a->resource[0].type));
    a->resource[0].count = 4;
    str_to_cstr(STR("Timeout"), a->resource[1].type, sizeof(a->resource[1].type));
    a->resource[1].count = 2;
    str_to_cstr(STR("FSReqCallback"), a->resource[2].type, sizeof(a->resource[2].type));
    a->resource[2].count = 1;
    a->resource[2].kind = 1;
    for (u32 i = 0; i < SHM_GC_KINDS; i++) {
        a->gc[i].count = 10;
        a->gc[i].total_ns = 30 * MS;
        a->gc[i].bucket[1] = 9; /* up to 10 ms */
        a->gc[i].bucket[6] = 1; /* more than 5 s */
    }
    shm->slots_used = max((u32)shm->slots_used, index + 1);
    return s;
}

static inline struct shm_series *fixture_series(struct shm *shm, u32 index, const char *method,
                                                const char *route, u16 status)
{
    struct shm_series *s = &shm->series[index];

    s->status = status;
    s->route_len = (u8)strlen(route);
    str_to_cstr(str_of(method), s->method, sizeof(s->method));
    memcpy(s->route, route, s->route_len);
    s->count = 3;
    s->sum_ns = 15 * MS;
    s->bucket[2] = 2; /* up to 2 ms */
    s->bucket[4] = 1; /* up to 10 ms */
    s->state = 2;
    return s;
}

/* Two workers, one of them with a child of its cluster, and a few requests. The caller frees. */
static inline struct shm *fixture_shm(void)
{
    struct shm *shm = calloc(1, sizeof(*shm));

    shm->magic = SHM_MAGIC;
    shm->version = SHM_VERSION;
    shm->bytes = sizeof(*shm);
    str_to_cstr(STR("shop"), shm->app[0].name, SHM_NAME_MAX);
    shm->apps = 1;
    shm->started_ns = FIXTURE_NOW - 200 * NS_PER_S;
    shm->started_wall_ms = 1700000000000;
    shm->supervisor_pid = (u32)getpid();
    shm->app[0].workers_wanted = 2;
    shm->listener[0].state = 1;
    str_to_cstr(STR("0.0.0.0:3000"), shm->listener[0].address, sizeof(shm->listener[0].address));
    shm->proxy.started_ns = FIXTURE_NOW - 150 * NS_PER_S;
    shm->proxy.connections = 7;
    shm->proxy.connections_total = 70;
    shm->proxy.queued = 1;
    shm->proxy.queued_total = 20;
    shm->proxy.queue_wait_ns = 1500 * MS;
    shm->proxy.refused[SHM_REFUSED_QUEUE_FULL] = 4;
    shm->proxy.retries = 5;
    shm->proxy.active_requests = 6;
    shm->upstream[0].used = 1;
    shm->upstream[0].endpoint[0].state = SHM_ENDPOINT_UP;
    shm->upstream[0].endpoint[0].text_len = 13;
    memcpy(shm->upstream[0].endpoint[0].text, "10.0.0.2:3000", 13);
    shm->proxy_restarts = 1;
    fixture_slot(shm, 0, 1, true);
    fixture_slot(shm, 1, 2, true);
    fixture_slot(shm, 2, 2, false);
    fixture_series(shm, 0, "GET", "(other)", 200);
    fixture_series(shm, 1, "GET", "/cart/:id", 200);
    fixture_series(shm, 2, "POST", "/cart", 503);
    return shm;
}
