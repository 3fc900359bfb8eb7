/* app/main.c -- the program; everything is in app/command.c, where tests can reach it */
#include "app/command.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
