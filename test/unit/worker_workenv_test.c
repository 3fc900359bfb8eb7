/* test/unit/worker_workenv_test.c */
#include "worker/workenv.h"

#include "tap.h"

static struct str get(char **env, const char *name)
{
    size_t len = strlen(name);
    struct str found = { 0 };
    int times = 0;

    for (; *env; env++) {
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=') {
            found = str_of(*env + len + 1);
            times++;
        }
    }
    CHECK(times <= 1);
    return found;
}

static void the_agent_goes_in_and_the_users_stay(void)
{
    char *base[] = { (char *)"HOME=/h",
                     (char *)"NODE_OPTIONS=--max-old-space-size=100",
                     (char *)"LD_PRELOAD=/lib/x.so",
                     (char *)"FETTLE_MAX_MEMORY=1G",
                     (char *)"PATH=/bin",
                     (char *)"broken",
                     NULL };
    char *extra[] = { (char *)"HOME=/other", (char *)"A=b=c", NULL };
    struct workenv_conf conf = {
        .base_env = base,
        .extra_env = extra,
        .dir = "/run/f",
        .agent_js = "/a/agent.js",
        .preload = "/a/fettle-loop.so",
        .node_path = "/opt/node/bin/node",
        .is_node = true,
        .worker = 259,
        .instance = 2,
    };
    char **env;

    CHECK_EQ(workenv_new(&env, &conf), 0);
    CHECK_STR(get(env, "HOME"), "/other");
    CHECK_STR(get(env, "A"), "b=c");
    CHECK_STR(get(env, "NODE_OPTIONS"), "--max-old-space-size=100 --require /a/agent.js");
    CHECK_STR(get(env, "LD_PRELOAD"), "/a/fettle-loop.so:/lib/x.so");
    CHECK_STR(get(env, "FETTLE_MAX_MEMORY"), "");
    CHECK_STR(get(env, "FETTLE_DIR"), "/run/f");
    CHECK_STR(get(env, "FETTLE_WORKER"), "259");
    CHECK_STR(get(env, "FETTLE_SPAWNED"), "1");
    CHECK_STR(get(env, "NODE_APP_INSTANCE"), "2");
    CHECK_STR(get(env, "PATH"), "/bin");
    workenv_free(env);
}

static void a_shell_finds_the_chosen_node_first(void)
{
    char *base[] = { (char *)"PATH=/bin", NULL };
    struct workenv_conf conf = { .base_env = base,
                                 .dir = "/run/f",
                                 .agent_js = "/a b/\"q\"\\agent.js",
                                 .node_path = "/opt/node/bin/node",
                                 .worker = 1 };
    char **env;

    CHECK_EQ(workenv_new(&env, &conf), 0);
    CHECK_STR(get(env, "PATH"), "/opt/node/bin:/bin");
    CHECK_STR(get(env, "NODE_OPTIONS"), "--require \"/a b/\\\"q\\\"\\\\agent.js\"");
    CHECK_STR(get(env, "FETTLE_SPAWNED"), "");
    CHECK(get(env, "LD_PRELOAD").ptr == NULL);
    workenv_free(env);
    workenv_free(NULL);
}

int main(void)
{
    TEST(the_agent_goes_in_and_the_users_stay);
    TEST(a_shell_finds_the_chosen_node_first);
    return tap_done();
}
