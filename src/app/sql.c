/* app/sql.c -- `fettle sql COMMAND`: its sub-commands, in one table */
#include "app/command.h"
#include "app/sql_options.h"

/* clang-format off */
const struct command sql_commands[] = {
{ "sql statements", "[FLAGS] [APP]", "which statements take the most time",
  "What the requests of running apps ask of databases (SQL, Redis, MongoDB) and other servers, without values, those first that take the most time in all: how often, how long, which share of the time of their requests, how many rows each gave or changed, where that is known, and from which route. Counts are those of the requests that are watched (watch-requests).\n"
  "fettle sql explain APP ID says what the time of one goes to.",
  .flags = &sql_statements_flags, .takes_app = true, .run = sql_statements_command },
{ "sql explain", "[FLAGS] FILE|STATEMENT|APP [ID]", "why statements are slow, and which index would help",
  "Asks the database how it would execute each statement (EXPLAIN: nothing is executed), and says what the time goes to. Then it tries the indexes that could serve the statement, and proposes those that halve its cost: equalities first, then one range or the order; none for small tables, none that an index serves already.\n"
  "The statements are those of FILE (- is the standard input), with semicolons between; one STATEMENT in quotes; or those that the requests of a running APP issue, the slowest first, or of these the one with this ID (fettle sql statements). Values may be missing ($1, ?): the plan is then one for any value, with 20 for a LIMIT.\n"
  "It writes nothing to the database. PostgreSQL with the extension HypoPG tries indexes that exist in this session only; without it, costs are estimated from the statistics, unless --try or --allow-extension is given. SQLite tries them in a copy of the schema in memory. For MySQL and MariaDB costs are estimated from their statistics and a sample of rows.\n"
  "Passwords may be left to PGPASSWORD, ~/.pgpass, MYSQL_PWD and the like.",
  .flags = &sql_explain_flags, .takes_app = true, .takes_files = true, .run = sql_explain_command },
{ "sql indexes", "[FLAGS]", "which indexes of a database are there for nothing",
  "Those that are the same as another, that another one begins with, that were not finished, and those that nobody has read for as long as the database counts: each costs every write of its table. What a constraint needs, unique ones and those of foreign keys stay. It reads the database's catalog only, and drops nothing.\n"
  "PostgreSQL counts reads since its statistics were reset; MySQL and MariaDB where performance_schema (or userstat) is on; SQLite does not count.",
  .flags = &sql_indexes_flags, .run = sql_indexes_command },
{ .name = NULL },
};
/* clang-format on */
