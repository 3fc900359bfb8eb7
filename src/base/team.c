/* base/team.c -- threads for one job */
#include "base/team.h"

#include <pthread.h>
#include <sched.h>

struct member {
    pthread_t thread;
    void (*work)(void *ctx, u32 index);
    void *ctx;
    u32 index;
    bool started;
};

static void *member_main(void *arg)
{
    struct member *m = arg;

    m->work(m->ctx, m->index);
    return NULL;
}

void team_run(u32 members, void (*work)(void *ctx, u32 index), void *ctx)
{
    struct member team[TEAM_MAX];

    assert(members >= 1 && members <= TEAM_MAX);
    for (u32 i = 1; i < members; i++) {
        team[i] = (struct member){ .work = work, .ctx = ctx, .index = i };
        team[i].started = pthread_create(&team[i].thread, NULL, member_main, &team[i]) == 0;
    }
    work(ctx, 0);
    for (u32 i = 1; i < members; i++)
        if (!team[i].started)
            work(ctx, i);
    for (u32 i = 1; i < members; i++)
        if (team[i].started)
            pthread_join(team[i].thread, NULL);
}

u32 team_cpus(void)
{
    cpu_set_t set;
    int n = 1;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > TEAM_MAX ? TEAM_MAX : (u32)n;
}
