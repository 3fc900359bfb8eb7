/* proxy/seat.c -- the numbers of a thread's connections to workers */
#include "proxy/seat.h"

enum { RESTING_MIN = 64 };

int seats_init(struct seats *s, struct shm_peers *peers, u32 index, u32 threads)
{
    u32 each = (SHM_CONNECTIONS_MAX - 1) / threads, first = 1 + index * each;

    *s = (struct seats){ .peers = peers, .first = first, .end = first + each, .unused = first };
    s->next = calloc(each, sizeof(*s->next));
    return s->next ? 0 : -ENOMEM;
}

void seats_done(struct seats *s)
{
    free(s->next);
    *s = (struct seats){ 0 };
}

u32 seats_take(struct seats *s, u32 connection)
{
    u32 number = 0;

    if (s->unused < s->end && s->resting < RESTING_MIN) {
        number = s->unused++;
    } else if (s->resting) {
        number = s->oldest;
        s->oldest = s->next[number - s->first];
        s->resting--;
    }
    if (number)
        shm_peer_open(&s->peers->peer[number], connection);
    return number;
}

void seats_give(struct seats *s, u32 number)
{
    if (!number)
        return;
    if (s->resting++)
        s->next[s->newest - s->first] = (u16)number;
    else
        s->oldest = number;
    s->newest = number;
}
