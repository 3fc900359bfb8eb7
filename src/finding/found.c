/* finding/found.c -- the table of what has been found
 *
 * A few hundred entries at the most and a few findings a second: so they are looked through one
 * after the other, and a key is compared by its hash first.
 */
#include "finding/found.h"

#include "base/buf.h"
#include "base/hash.h"

struct place {
    struct found_entry entry;
    u64 key;
    char *texts; /* all of the entry's, one after the other; owned */
};

struct found {
    struct hash_key hash_key;
    struct place place[FOUND_MAX];
    u32 count;
    u64 ids, evicted;
    u64 total[FOUND_APPS_MAX][FINDING_KINDS];
};

int found_new(struct found **out)
{
    struct found *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    hash_key_random(&f->hash_key);
    *out = f;
    return 0;
}

static void place_free(struct place *p)
{
    free(p->texts);
    *p = (struct place){ 0 };
}

void found_free(struct found *f)
{
    for (u32 i = 0; f && i < f->count; i++)
        place_free(&f->place[i]);
    free(f);
}

/* Cut between two characters. */
static struct str cut(struct str s, size_t most)
{
    if (s.len <= most)
        return s;
    s.len = most;
    while (s.len && ((u8)s.ptr[s.len] & 0xc0) == 0x80)
        s.len--;
    return s;
}

/* Whole lines, where there are any. */
static struct str cut_lines(struct str s, size_t most)
{
    struct str c = cut(s, most);
    size_t len = c.len;

    if (c.len == s.len)
        return s;
    while (len && c.ptr[len - 1] != '\n')
        len--;
    return len ? str_sub(c, 0, len) : c;
}

/* All of its texts, which are cut on the way. */
static void bound(struct finding *w)
{
    w->route = cut(w->route, FOUND_NAME_MAX);
    w->subject = cut(w->subject, FOUND_NAME_MAX);
    w->function = cut(w->function, FOUND_NAME_MAX);
    w->file = cut(w->file, FOUND_FILE_MAX);
    w->source = cut(w->source, FOUND_NAME_MAX);
    w->text = cut_lines(w->text, FOUND_TEXT_MAX);
    w->advice = cut(w->advice.len ? w->advice : finding_advice(w->kind), FOUND_NAME_MAX);
}

static bool key_of(const struct found *f, const struct finding *w, u64 *key)
{
    AUTO(buf_done) struct buf b = { 0 };

    buf_addf(&b, "%u %u %u\n", (u32)w->kind, w->app, w->line);
    buf_add(&b, w->file);
    buf_addc(&b, '\n');
    if (!w->file.len)
        buf_add(&b, w->function);
    buf_addc(&b, '\n');
    buf_add(&b, w->route);
    buf_addc(&b, '\n');
    buf_add(&b, w->subject);
    *key = hash_str(&f->hash_key, buf_str(&b));
    return !b.failed;
}

static bool same(const struct finding *a, const struct finding *b)
{
    return a->kind == b->kind && a->app == b->app && a->line == b->line &&
           str_eq(a->file, b->file) && (a->file.len || str_eq(a->function, b->function)) &&
           str_eq(a->route, b->route) && str_eq(a->subject, b->subject);
}

static struct place *place_find(struct found *f, const struct finding *w, u64 key)
{
    for (u32 i = 0; i < f->count; i++)
        if (f->place[i].key == key && same(&f->place[i].entry.finding, w))
            return &f->place[i];
    return NULL;
}

static struct place *place_make(struct found *f)
{
    struct place *oldest = &f->place[0];

    if (f->count < FOUND_MAX)
        return &f->place[f->count++];
    for (u32 i = 1; i < f->count; i++)
        if (f->place[i].entry.last_ns < oldest->entry.last_ns)
            oldest = &f->place[i];
    place_free(oldest);
    f->evicted++;
    return oldest;
}

static void text_take(char **to, struct str *text)
{
    if (text->len)
        memcpy(*to, text->ptr, text->len);
    text->ptr = *to;
    *to += text->len;
}

/* The texts of `w` as the place's own. False: out of memory, and the place is as it was. */
static bool texts_take(struct place *p, const struct finding *w)
{
    struct finding *own = &p->entry.finding, made = *w;
    size_t bytes = w->route.len + w->subject.len + w->function.len + w->file.len + w->source.len +
                   w->text.len + w->advice.len;
    char *texts = malloc(bytes + 1), *at = texts;

    if (!texts)
        return false;
    text_take(&at, &made.route);
    text_take(&at, &made.subject);
    text_take(&at, &made.function);
    text_take(&at, &made.file);
    text_take(&at, &made.source);
    text_take(&at, &made.text);
    text_take(&at, &made.advice);
    free(p->texts);
    p->texts = texts;
    made.count = own->count;
    made.stack_ns = own->stack_ns;
    made.took_ns = max(made.took_ns, own->took_ns);
    *own = made;
    return true;
}

/* Whether a power of ten lies above `before` and not above `now`. */
static bool passes_power(u64 before, u64 now)
{
    for (u64 p = 1; p <= now && p <= UINT64_MAX / 10; p *= 10)
        if (p > before)
            return true;
    return false;
}

static void worker_note(struct found_entry *e, u32 worker)
{
    if (worker && worker < FOUND_WORKERS_MAX)
        e->workers[worker / 64] |= 1ull << worker % 64;
}

static void count_in(struct found_entry *e, const struct finding *w, u64 n)
{
    e->finding.count += n;
    if (w->at_ns >= e->last_ns)
        e->finding.stack_ns = w->stack_ns;
    e->last_ns = max(e->last_ns, w->at_ns);
    e->finding.at_ns = e->last_ns;
    e->total_ns += w->total_ns ? w->total_ns : w->took_ns;
    worker_note(e, w->worker);
}

u64 found_add(struct found *f, const struct finding *what, bool *news)
{
    struct finding w = *what;
    u64 n = max(w.count, (u64)1), key, before;
    struct place *p;

    *news = false;
    if (w.kind <= FINDING_NONE || w.kind >= FINDING_KINDS || w.app >= FOUND_APPS_MAX)
        return 0;
    f->total[w.app][w.kind] += n;
    bound(&w);
    if (!key_of(f, &w, &key))
        return 0;
    p = place_find(f, &w, key);
    if (!p) {
        p = place_make(f);
        if (!texts_take(p, &w)) {
            *p = f->place[--f->count];
            f->place[f->count] = (struct place){ 0 };
            return 0;
        }
        p->key = key;
        p->entry.id = ++f->ids;
        p->entry.first_ns = p->entry.last_ns = w.at_ns;
        p->entry.finding.count = 0;
    } else if (w.took_ns > p->entry.finding.took_ns || finding_is_sum(w.kind)) {
        (void)texts_take(p, &w); /* without memory, it shows an older time */
    }
    before = p->entry.finding.count;
    count_in(&p->entry, &w, n);
    *news = passes_power(before, before + n);
    return p->entry.id;
}

static struct place *place_of(const struct found *f, u64 id)
{
    for (u32 i = 0; id && i < f->count; i++)
        if (f->place[i].entry.id == id)
            return (struct place *)(uintptr_t)&f->place[i];
    return NULL;
}

void found_lasts(struct found *f, u64 id, u64 before_ns, u64 took_ns)
{
    struct place *p = place_of(f, id);

    if (!p || took_ns <= before_ns)
        return;
    p->entry.total_ns += took_ns - before_ns;
    p->entry.finding.took_ns = max(p->entry.finding.took_ns, took_ns);
}

void found_take_back(struct found *f, u64 id, u64 took_ns)
{
    struct place *p = place_of(f, id);

    if (!p)
        return;
    p->entry.total_ns -= min(took_ns, p->entry.total_ns);
    if (p->entry.finding.count > 1) {
        p->entry.finding.count--;
        return;
    }
    place_free(p);
    *p = f->place[--f->count];
    f->place[f->count] = (struct place){ 0 };
}

void found_forget(struct found *f, u32 app)
{
    u32 kept = 0;

    for (u32 i = 0; i < f->count; i++) {
        if (f->place[i].entry.finding.app == app) {
            place_free(&f->place[i]);
            continue;
        }
        if (kept != i) {
            f->place[kept] = f->place[i];
            f->place[i] = (struct place){ 0 };
        }
        kept++;
    }
    f->count = kept;
}

static int newest_first(const void *va, const void *vb)
{
    const struct place *a = va, *b = vb;

    if (a->entry.last_ns != b->entry.last_ns)
        return a->entry.last_ns < b->entry.last_ns ? 1 : -1;
    return a->entry.id < b->entry.id ? 1 : -1;
}

const struct found_entry *found_at(struct found *f, u32 i)
{
    if (i == 0)
        qsort(f->place, f->count, sizeof(f->place[0]), newest_first);
    return i < f->count ? &f->place[i].entry : NULL;
}

const struct found_entry *found_get(const struct found *f, u64 id)
{
    const struct place *p = place_of(f, id);

    return p ? &p->entry : NULL;
}

u64 found_total(const struct found *f, u32 app, enum finding_kind kind)
{
    return app < FOUND_APPS_MAX && (u32)kind < FINDING_KINDS ? f->total[app][kind] : 0;
}

u64 found_evicted(const struct found *f)
{
    return f->evicted;
}
