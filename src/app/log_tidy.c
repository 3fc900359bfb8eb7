/* app/log_tidy.c -- `fettle __log-tidy`, started by whoever has rotated a log file */
#include "app/command.h"
#include "logs/tidy.h"

int log_tidy_command(int argc, char **argv)
{
    return tidy_main(argc, argv);
}
