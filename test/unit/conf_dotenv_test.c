/* test/unit/conf_dotenv_test.c -- the variables of a .env file */
#include "conf/dotenv.h"

#include "tap.h"

/* "A=1|B=2" of a text, with ~ for the end of a line; and what was found, after it. */
static struct str read_text(const char *text, struct findings *f)
{
    static char shown[1024];
    AUTO(strings_done) struct strings vars = { 0 };
    AUTO(buf_done) struct buf out = { 0 };

    CHECK_EQ(dotenv_read(str_of(text), ".env", &vars, f), 0);
    for (u32 i = 0; i < vars.count; i++)
        buf_addf(&out, "%s%s", i ? "|" : "", strings_at(&vars, i).ptr);
    for (size_t i = 0; i < out.len; i++)
        if (out.ptr[i] == '\n')
            out.ptr[i] = '~';
    return str_make(shown, str_to_cstr(buf_str(&out), shown, sizeof(shown)));
}

#define READ(text, want)                                \
    do {                                                \
        AUTO(findings_done) struct findings f_ = { 0 }; \
        CHECK_STR(read_text(text, &f_), want);          \
        CHECK_EQ(f_.count, 0);                          \
    } while (0)

static void names_and_values_are_trimmed_and_comments_left_out(void)
{
    READ("A=1\nB = two words \n\n # C=3\n#D=4\nE=x#y\n", "A=1|B=two words|E=x");
    READ("\tA=\tx\t\r\nB=y", "A=x|B=y");
    READ("A==b=c", "A==b=c");
    READ("A=$B ${C}", "A=$B ${C}");
    READ("", "");
    READ("\n \n#x", "");
}

static void nothing_after_the_sign_is_an_empty_value(void)
{
    READ("A=\nB=  \nC=#x\nD=", "A=|B=|C=|D=");
    READ("export A=\n", "A=");
    READ("A=\"\"\nB=''", "A=|B=");
}

static void quotes_keep_blanks_hashes_and_ends_of_lines(void)
{
    READ("A=\" x # y \" # z", "A= x # y ");
    READ("A='-----BEGIN\nx\n-----END'\nB=1", "A=-----BEGIN~x~-----END|B=1");
    READ("A=`it's \"so\"`", "A=it's \"so\"");
}

static void only_double_quotes_know_the_end_of_a_line(void)
{
    READ("A=\"a\\nb\\tc\"\nB='a\\nb'\nC=a\\nb", "A=a~b\\tc|B=a\\nb|C=a\\nb");
}

static void export_may_stand_before_a_name(void)
{
    READ("export A=1\nexport   B='2'\nexportC=3\nexport=4", "A=1|B=2|exportC=3|export=4");
}

static void a_byte_order_mark_is_passed_over(void)
{
    READ("\xef\xbb\xbf"
         "A=1",
         "A=1");
}

static void what_is_left_aside_is_said_with_its_line(void)
{
    AUTO(findings_done) struct findings f = { 0 };

    CHECK_STR(read_text("A=1\n\nsecret\nB=2\nmore\n=x\nFETTLE_PORT=1\n", &f), "A=1|B=2");
    CHECK_EQ(f.of[FINDING_WARNING], 3);
    CHECK_EQ(f.list[0].problem.line, 6);
    CHECK_EQ(f.list[1].problem.line, 7);
    CHECK(strstr(f.list[1].problem.text, "FETTLE_PORT"));
    CHECK_EQ(f.list[2].problem.line, 3);
    CHECK(strstr(f.list[2].problem.text, "and 1 more"));
    CHECK(!strstr(f.list[2].problem.text, "secret"));
}

static void quotes_that_look_wrong_are_named_without_the_value(void)
{
    AUTO(findings_done) struct findings f = { 0 };

    CHECK_STR(read_text("A=\"secret\nB='x' y\nC D=1", &f), "A=\"secret|B=x|C D=1");
    CHECK_EQ(f.of[FINDING_WARNING], 3);
    CHECK_EQ(f.list[0].problem.line, 1);
    CHECK(strstr(f.list[0].problem.text, "A: the quote at the beginning of the value is not"));
    CHECK(!strstr(f.list[0].problem.text, "secret"));
    CHECK_EQ(f.list[1].problem.line, 2);
    CHECK_EQ(f.list[2].problem.line, 3);
}

static void a_byte_that_no_environment_holds_is_a_mistake(void)
{
    AUTO(strings_done) struct strings vars = { 0 };
    AUTO(findings_done) struct findings f = { 0 };

    CHECK_EQ(dotenv_read(STR("A=1\nB=\0"), ".env", &vars, &f), 0);
    CHECK_EQ(f.of[FINDING_MISTAKE], 1);
    CHECK_EQ(f.list[0].problem.line, 2);
    CHECK_EQ(vars.count, 0);
}

static void the_number_of_variables_has_a_limit(void)
{
    AUTO(strings_done) struct strings vars = { 0 };
    AUTO(findings_done) struct findings f = { 0 };
    AUTO(buf_done) struct buf text = { 0 };

    for (u32 i = 0; i <= DOTENV_VARS_MAX; i++)
        buf_addf(&text, "A%u=1\n", i);
    CHECK_EQ(dotenv_read(buf_str(&text), ".env", &vars, &f), 0);
    CHECK_EQ(f.of[FINDING_MISTAKE], 1);
    CHECK_EQ(vars.count, DOTENV_VARS_MAX);
}

int main(void)
{
    TEST(names_and_values_are_trimmed_and_comments_left_out);
    TEST(nothing_after_the_sign_is_an_empty_value);
    TEST(quotes_keep_blanks_hashes_and_ends_of_lines);
    TEST(only_double_quotes_know_the_end_of_a_line);
    TEST(export_may_stand_before_a_name);
    TEST(a_byte_order_mark_is_passed_over);
    TEST(what_is_left_aside_is_said_with_its_line);
    TEST(quotes_that_look_wrong_are_named_without_the_value);
    TEST(a_byte_that_no_environment_holds_is_a_mistake);
    TEST(the_number_of_variables_has_a_limit);
    return tap_done();
}
