/* sql/token.h -- a statement cut into its tokens, as its database does it
 *
 * PostgreSQL, MySQL and MariaDB, and SQLite differ in what quotes a text and what a name, in
 * comments, bind parameters and operators; sources: PostgreSQL 15 manual 4.1, MySQL 8.0 manual 9
 * (MariaDB's rules are the same), sqlite.org/lang_expr.html and tokenreq.html. Nothing is refused:
 * whatever the bytes are, every one is in one token, in a comment, or is space; what is not closed
 * goes on to the end.
 *
 * The servers' modes that change the rules are taken to be off, as they are by default:
 * ANSI_QUOTES and NO_BACKSLASH_ESCAPES of MySQL; standard_conforming_strings of PostgreSQL is on.
 *
 * Plain C11 without a header of fettle's and without memory of its own: the agent inside Node
 * compiles the same file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sql_dialect { SQL_POSTGRESQL, SQL_MYSQL, SQL_SQLITE };

enum sql_token_kind {
    SQL_END,
    SQL_WORD,   /* keyword or name without quotes */
    SQL_QUOTED, /* a name with its quotes: "x", `x`, [x] */
    SQL_STRING, /* any text in quotes, with its prefix; also x'1F' and b'01' */
    SQL_NUMBER, /* with its sign, where that is no operator */
    SQL_PARAM,  /* $1, ?, ?1, :name, @name, $name */
    SQL_OPERATOR,
    SQL_CAST, /* :: */
    SQL_OPEN, /* ( or [ */
    SQL_CLOSE,
    SQL_COMMA,
    SQL_DOT,
    SQL_SEMICOLON,
};

/* The words that mean something to fettle or to the look of a statement, in the order of the
 * alphabet: name, text, and whether a value or a list in parentheses may begin after it. What is
 * missing is taken for a name, which costs no more than its case in MySQL. */
/* clang-format off */
#define SQL_WORDS(X) \
    X(ABSOLUTE, "absolute", false) X(ADD, "add", false) X(AFTER, "after", false) X(ALL, "all", true) \
    X(ALTER, "alter", false) X(AND, "and", true) X(ANY, "any", true) X(ARRAY, "array", false) X(AS, "as", true) \
    X(ASC, "asc", false) X(AVG, "avg", false) X(BACKWARD, "backward", false) X(BEGIN, "begin", false) \
    X(BETWEEN, "between", true) X(BOTH, "both", false) X(BY, "by", true) X(CASE, "case", true) \
    X(CAST, "cast", false) X(CHAIN, "chain", false) X(CLOSE, "close", false) X(COALESCE, "coalesce", false) \
    X(COLLATE, "collate", false) X(COLUMN, "column", false) X(COMMIT, "commit", false) \
    X(CONCAT, "concat", false) X(CONFLICT, "conflict", false) X(CONSTRAINT, "constraint", false) \
    X(COUNT, "count", false) X(CREATE, "create", false) X(CROSS, "cross", false) X(CURRENT, "current", false) \
    X(DATE, "date", false) X(DEALLOCATE, "deallocate", false) X(DECLARE, "declare", false) \
    X(DEFAULT, "default", false) X(DELETE, "delete", false) X(DESC, "desc", false) \
    X(DESCRIBE, "describe", false) X(DISTINCT, "distinct", true) X(DIV, "div", true) X(DO, "do", false) \
    X(DROP, "drop", false) X(DUPLICATE, "duplicate", false) X(ELSE, "else", true) X(END, "end", false) \
    X(ESCAPE, "escape", true) X(EXCEPT, "except", true) X(EXECUTE, "execute", false) X(EXISTS, "exists", true) \
    X(EXPLAIN, "explain", false) X(FALSE, "false", false) X(FETCH, "fetch", false) X(FILTER, "filter", true) \
    X(FIRST, "first", false) X(FOLLOWING, "following", false) X(FOR, "for", false) X(FORCE, "force", false) \
    X(FOREIGN, "foreign", false) X(FORWARD, "forward", false) X(FROM, "from", true) X(FULL, "full", false) \
    X(GLOB, "glob", true) X(GROUP, "group", false) X(HAVING, "having", true) X(IF, "if", false) \
    X(IFNULL, "ifnull", false) X(IGNORE, "ignore", false) X(ILIKE, "ilike", true) X(IN, "in", true) \
    X(INDEX, "index", false) X(INNER, "inner", false) X(INSERT, "insert", false) X(INTERSECT, "intersect", true) \
    X(INTERVAL, "interval", false) X(INTO, "into", false) X(IS, "is", true) X(ISNULL, "isnull", false) \
    X(JOIN, "join", true) X(KEY, "key", false) X(LAST, "last", false) X(LATERAL, "lateral", true) \
    X(LEFT, "left", false) X(LIKE, "like", true) X(LIMIT, "limit", true) X(LOCKED, "locked", false) \
    X(LOWER, "lower", false) X(MATCH, "match", true) X(MATERIALIZED, "materialized", false) X(MAX, "max", false) \
    X(MIN, "min", false) X(MOD, "mod", false) X(MOVE, "move", false) X(NATURAL, "natural", false) \
    X(NEXT, "next", false) X(NO, "no", false) X(NOT, "not", true) X(NOTHING, "nothing", false) \
    X(NOTNULL, "notnull", false) X(NOW, "now", false) X(NOWAIT, "nowait", false) X(NULL, "null", false) \
    X(NULLS, "nulls", false) X(OFFSET, "offset", true) X(ON, "on", true) X(ONLY, "only", false) \
    X(OR, "or", true) X(ORDER, "order", false) X(OUTER, "outer", false) X(OVER, "over", true) \
    X(PARTITION, "partition", false) X(PRECEDING, "preceding", false) X(PREPARE, "prepare", false) \
    X(PREPARED, "prepared", false) X(PRIMARY, "primary", false) X(PRIOR, "prior", false) \
    X(RANGE, "range", false) X(RECURSIVE, "recursive", false) X(REFERENCES, "references", false) \
    X(REGEXP, "regexp", true) X(RELATIVE, "relative", false) X(RELEASE, "release", false) \
    X(REPLACE, "replace", false) X(RETURN, "return", true) X(RETURNING, "returning", true) \
    X(RIGHT, "right", false) X(RLIKE, "rlike", true) X(ROLLBACK, "rollback", false) X(ROW, "row", false) \
    X(ROWS, "rows", false) X(SAVEPOINT, "savepoint", false) X(SELECT, "select", true) X(SET, "set", true) \
    X(SHOW, "show", false) X(SIMILAR, "similar", true) X(SKIP, "skip", false) X(START, "start", false) \
    X(STRAIGHT_JOIN, "straight_join", false) X(SUM, "sum", false) X(TABLE, "table", false) X(THEN, "then", true) \
    X(TIES, "ties", false) X(TO, "to", false) X(TRANSACTION, "transaction", false) X(TRUE, "true", false) \
    X(TRUNCATE, "truncate", false) X(UNBOUNDED, "unbounded", false) X(UNION, "union", true) \
    X(UNIQUE, "unique", false) X(UPDATE, "update", false) X(UPPER, "upper", false) X(USE, "use", false) \
    X(USING, "using", true) X(VALUES, "values", true) X(VIEW, "view", false) X(WHEN, "when", true) \
    X(WHERE, "where", true) X(WINDOW, "window", false) X(WITH, "with", true) X(WITHIN, "within", false) \
    X(WORK, "work", false) X(XOR, "xor", true)
/* clang-format on */

enum sql_word {
    SQL_KW_NONE,
#define X(name, text, opens) SQL_KW_##name,
    SQL_WORDS(X)
#undef X
};

struct sql_token {
    enum sql_token_kind kind;
    const char *ptr; /* into the statement */
    size_t len;
    enum sql_word word; /* of a SQL_WORD; it may be a name as well: DATE, KEY */
    bool opens;         /* a value, or a list in parentheses, may begin after it */
};

struct sql_lexer {
    enum sql_dialect dialect;
    const char *text;
    size_t len;
    size_t at;
    /* private */
    bool operand;       /* the last token was a value or a name: `-` is an operator now */
    bool compared;      /* the last token was an operator, LIKE or GLOB */
    unsigned executing; /* how deep in MySQL's comments whose content is executed */
};

/* The next token; false at the end, when *token has the kind SQL_END. */
bool sql_token_next(struct sql_lexer *lexer, struct sql_token *token);
