/* admin/circuits_page.c -- /api/circuits: JSON about the circuit breakers; their metrics */
#include "admin/circuits.h"

#include "base/json.h"

static const char *const state_name[] = {
    [SHM_CIRCUIT_CLOSED] = "closed",
    [SHM_CIRCUIT_OPEN] = "open",
    [SHM_CIRCUIT_HALF_OPEN] = "half-open",
};

static const char *const reason_name[] = {
    [SHM_CIRCUIT_NO_REASON] = "",    [SHM_CIRCUIT_IN_A_ROW] = "failures",
    [SHM_CIRCUIT_ERRORS] = "errors", [SHM_CIRCUIT_SLOW] = "slow",
    [SHM_CIRCUIT_PROBE] = "probe",
};

static const char *name_of(const char *const *names, u32 n, u32 i)
{
    return i < n ? names[i] : "";
}

static const char *state_of(const struct shm_circuit *c)
{
    return name_of(state_name, ARRAY_LEN(state_name), atomic_load(&c->state));
}

static struct str place_of(const struct shm_circuit *c)
{
    return str_make(c->place, min(c->place_len, (u32)SHM_PLACE_MAX));
}

/* The next one that there is, from *i on; NULL: none. */
static const struct shm_circuit *next(const struct shm *shm, u32 *i)
{
    while (*i < SHM_CIRCUITS_MAX) {
        const struct shm_circuit *c = &shm->circuit[(*i)++];

        if (atomic_load(&c->used) && c->app < reading_apps(shm) &&
            !reading_app_is_gone(shm, c->app))
            return c;
    }
    return NULL;
}

static void add_u64(struct buf *out, const char *name, u64 n)
{
    json_key(out, name);
    json_u64(out, n);
}

static void circuit_write(struct buf *out, const struct shm *shm, const struct shm_circuit *c,
                          u64 now_ns)
{
    bool open = atomic_load(&c->state) == SHM_CIRCUIT_OPEN;
    u64 until_ns = atomic_load(&c->open_until_ns), changed_ns = atomic_load(&c->changed_ns);

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_name(shm, c->app));
    json_key(out, "route");
    json_text(out, place_of(c));
    json_key(out, "state");
    json_text(out, str_of(state_of(c)));
    json_key(out, "opened_by");
    json_text(out, str_of(name_of(reason_name, ARRAY_LEN(reason_name), atomic_load(&c->reason))));
    add_u64(out, "since_ms",
            changed_ns && now_ns > changed_ns ? (now_ns - changed_ns) / NS_PER_MS : 0);
    add_u64(out, "open_for_ms", open && until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS : 0);
    add_u64(out, "failures_in_a_row", atomic_load(&c->in_a_row));
    add_u64(out, "opened", atomic_load(&c->opened));
    add_u64(out, "calls", atomic_load(&c->calls));
    add_u64(out, "failures", atomic_load(&c->failures));
    add_u64(out, "slow", atomic_load(&c->slow));
    add_u64(out, "refused", atomic_load(&c->refused));
    buf_addc(out, '}');
}

void page_circuits(struct buf *out, const struct page_source *src)
{
    const struct shm_circuit *c;

    buf_add(out, STR("{\"circuits\":["));
    for (u32 i = 0; (c = next(src->shm, &i));)
        circuit_write(out, src->shm, c, src->now_ns);
    buf_add(out, STR("]}\n"));
}

void circuits_metrics(struct text *t, const struct shm *shm)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } rows[] = {
        { "fettle_circuit_opened_total", "How often a circuit breaker has opened.",
          offsetof(struct shm_circuit, opened) },
        { "fettle_circuit_calls_total", "Requests that a circuit breaker has let through.",
          offsetof(struct shm_circuit, calls) },
        { "fettle_circuit_failures_total", "Those of them that have failed.",
          offsetof(struct shm_circuit, failures) },
        { "fettle_circuit_slow_total", "Those of them whose response was slow.",
          offsetof(struct shm_circuit, slow) },
        { "fettle_circuit_refused_total", "Requests that a circuit breaker has refused.",
          offsetof(struct shm_circuit, refused) },
    };
    const struct shm_circuit *c;

    text_family(t, "fettle_circuit_open", TEXT_GAUGE,
                "Circuit breakers: 0 closed, 1 open, 0.5 half open.");
    for (u32 i = 0; (c = next(shm, &i));) {
        u32 state = atomic_load(&c->state);

        text_millionths(t,
                        LABELS({ "app", reading_app_name(shm, c->app) }, { "route", place_of(c) }),
                        state == SHM_CIRCUIT_OPEN        ? 1000000
                        : state == SHM_CIRCUIT_HALF_OPEN ? 500000
                                                         : 0);
    }
    for (u32 k = 0; k < ARRAY_LEN(rows); k++) {
        text_family(t, rows[k].name, TEXT_COUNTER, rows[k].help);
        for (u32 i = 0; (c = next(shm, &i));)
            text_u64(t, LABELS({ "app", reading_app_name(shm, c->app) }, { "route", place_of(c) }),
                     atomic_load((const _Atomic u64 *)((const char *)c + rows[k].offset)));
    }
}
