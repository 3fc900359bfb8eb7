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

static void files_give_way_to_what_is_set(void)
{
    char *base[] = { (char *)"A=base", (char *)"EMPTY=", NULL };
    char *extra[] = { (char *)"B=extra", NULL };
    struct strings file = { 0 };
    struct workenv_conf conf = {
        .base_env = base, .extra_env = extra, .file_env = &file, .dir = "d", .agent_js = "a"
    };
    char **env;

    strings_add(&file, STR("A=file"));
    strings_add(&file, STR("B=file"));
    strings_add(&file, STR("C=first"));
    strings_add(&file, STR("C=last"));
    strings_add(&file, STR("EMPTY=file"));
    CHECK_EQ(workenv_new(&env, &conf), 0);
    CHECK_STR(get(env, "A"), "base");
    CHECK_STR(get(env, "B"), "extra");
    CHECK_STR(get(env, "C"), "last");
    CHECK_STR(get(env, "EMPTY"), "");
    workenv_free(env);
    strings_done(&file);
}

static void a_worker_knows_its_number_where_it_wants_to(void)
{
    char *base[] = { (char *)"PORT=3000", (char *)"ODD=x", NULL };
    struct workenv_conf conf = {
        .base_env = base, .dir = "d", .agent_js = "a", .instance = 2, .instance_var = "ID"
    };
    char **env;

    conf.increment_var = "PORT";
    CHECK_EQ(workenv_new(&env, &conf), 0);
    CHECK_STR(get(env, "ID"), "2");
    CHECK(get(env, "NODE_APP_INSTANCE").ptr == NULL);
    CHECK_STR(get(env, "PORT"), "3002");
    workenv_free(env);
    conf.increment_var = "ODD";
    CHECK_EQ(workenv_new(&env, &conf), 0);
    CHECK_STR(get(env, "ODD"), "2");
    workenv_free(env);
}

static void nodes_channel_is_there_only_when_it_is_ours(void)
{
    char *base[] = { (char *)"NODE_CHANNEL_FD=9", NULL };
    struct workenv_conf conf = { .base_env = base, .dir = "d", .agent_js = "a" };
    char **env;

    CHECK_EQ(workenv_new(&env, &conf), 0);
    CHECK(get(env, "NODE_CHANNEL_FD").ptr == NULL);
    workenv_free(env);
    conf.channel = true;
    CHECK_EQ(workenv_new(&env, &conf), 0);
    CHECK_STR(get(env, "NODE_CHANNEL_FD"), "3");
    workenv_free(env);
}

int main(void)
{
    TEST(files_give_way_to_what_is_set);
    TEST(a_worker_knows_its_number_where_it_wants_to);
    TEST(nodes_channel_is_there_only_when_it_is_ours);
    TEST(the_agent_goes_in_and_the_users_stay);
    TEST(a_shell_finds_the_chosen_node_first);
    return tap_done();
}
