/* admin/query_records.c -- the records of shm/calls.h, as journals.c hands them on */
#include "admin/query_records.h"

#include "admin/queries.h"
#include "admin/reading.h"
#include "admin/remedy.h"
#include "admin/slow_statement.h"
#include "base/buf.h"

/* A record that makes no sense is the doing of its process, and left out. */
void query_records_route(const struct journals_into *into, const struct journals_from *from,
                         const void *payload, u32 len)
{
    (void)!queries_route_add(into->queries, from->app, from->now_ns, payload, len);
}

void query_records_statement(const struct journals_into *into, const struct journals_from *from,
                             const void *payload, u32 len)
{
    (void)!queries_statement_add(into->queries, from->app, from->now_ns, payload, len);
}

/* "12 times in one request, 5.1 ms together" and where from. */
static void evidence_write(struct buf *out, const struct queries_repeated *r)
{
    u64 us = r->head.max_ns / NS_PER_US;

    buf_addf(out, "%u times in one request%s, %llu.%03llu ms together\n", r->head.most,
             r->head.concurrent ? ", several at a time" : ", one after the other",
             (unsigned long long)(us / 1000), (unsigned long long)(us % 1000));
    buf_add(out, r->place);
}

void query_records_repeated(const struct journals_into *into, const struct journals_from *from,
                            const void *payload, u32 len)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(buf_done) struct buf advice = { 0 };
    struct queries_repeated r;

    if (!queries_repeated_read(&r, payload, len) || r.head.requests == 0)
        return;
    evidence_write(&text, &r);
    remedy_write(&advice, &(struct remedy_case){ .system = r.head.system,
                                                 .statement = r.statement,
                                                 .via = r.via,
                                                 .concurrent = r.head.concurrent });
    if (text.failed || advice.failed)
        return;
    journals_found(into, &(struct finding){
                             .kind = FINDING_N_PLUS_ONE,
                             .app = from->app,
                             .worker = from->worker,
                             .at_ns = from->at_ns,
                             .took_ns = r.head.max_ns,
                             .total_ns = r.head.total_ns,
                             .count = r.head.requests,
                             .route = r.route,
                             .subject = r.statement,
                             .function = r.function,
                             .file = r.file,
                             .line = r.head.line,
                             .column = r.head.column,
                             .source = r.source,
                             .text = buf_str(&text),
                             .advice = buf_str(&advice),
                         });
}

void query_records_sequential(const struct journals_into *into, const struct journals_from *from,
                              const void *payload, u32 len)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct queries_sequential r;
    u64 us;

    if (!queries_sequential_read(&r, payload, len) || r.head.requests == 0)
        return;
    us = r.head.most_ns / NS_PER_US;
    buf_addf(&text, "%llu.%03llu ms of a request could be saved\nfirst, line %u: %.*s\n",
             (unsigned long long)(us / 1000), (unsigned long long)(us % 1000), r.head.first_line,
             STR_ARG(r.first_source));
    buf_addf(&text, "    %.*s\nthen, line %u: %.*s\n    %.*s\n", STR_ARG(r.first), r.head.line,
             STR_ARG(r.source), STR_ARG(r.second));
    if (text.failed)
        return;
    journals_found(
        into, &(struct finding){
                  .kind = FINDING_SEQUENTIAL_AWAITS,
                  .app = from->app,
                  .worker = from->worker,
                  .at_ns = from->at_ns,
                  .took_ns = r.head.most_ns,
                  .total_ns = r.head.saved_ns,
                  .count = r.head.requests,
                  .route = r.route,
                  .subject = r.second,
                  .function = r.function,
                  .file = r.file,
                  .line = r.head.line,
                  .column = r.head.column,
                  .source = r.source,
                  .text = buf_str(&text),
                  .advice = STR("Neither needs the other's result: let them run together, const "
                                "[a, b] = await Promise.all([first(), second()])."),
              });
}

void query_records_slow(const struct journals_into *into, const struct journals_from *from,
                        const void *payload, u32 len)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(buf_done) struct buf advice = { 0 };
    const struct queries_statement *s;
    struct queries_slow r;

    if (!queries_slow_read(&r, payload, len) || r.head.count == 0)
        return;
    s = queries_slow_add(into->queries, from->app, r.route, &r.head);
    if (!s || !slow_statement_is(s, into->shm->app[from->app].slow_statement_ns))
        return;
    slow_statement_evidence(&text, s);
    buf_add(&text, r.place);
    slow_statement_advice(&advice, s, reading_app_name(into->shm, from->app));
    if (text.failed || advice.failed)
        return;
    journals_found(into, &(struct finding){
                             .kind = FINDING_SLOW_STATEMENT,
                             .app = from->app,
                             .worker = from->worker,
                             .at_ns = from->at_ns,
                             .took_ns = r.head.max_ns,
                             .total_ns = r.head.total_ns,
                             .count = r.head.count,
                             .route = r.route,
                             .subject = str_of(s->statement),
                             .function = r.function,
                             .file = r.file,
                             .line = r.head.line,
                             .column = r.head.column,
                             .source = r.source,
                             .text = buf_str(&text),
                             .advice = buf_str(&advice),
                         });
}
