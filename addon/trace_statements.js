'use strict';
/* addon/trace_statements.js -- a number for each statement, whatever values it has
 *
 * A part of agent.node (addon/part.c), loaded with trace.js. The numbers are those of calls.c, which makes
 * the fingerprint; here is remembered which text has which, since most texts come again as they are.
 */

const TEXTS_MAX = 1000; /* texts whose number is remembered */
const TEXT_MAX = 4096; /* of longer ones it is not */

let native; /* the functions of calls.c */
let texts = new Map(); /* text -> Statement */
let textsBefore = new Map(); /* those remembered before */
const statements = new Map(); /* number -> Statement; grows with those of calls.c only */
let newest = 0; /* number */

class Statement {
  constructor(system, number, shape) {
    this.system = system;
    this.number = number;
    this.shape = shape; /* bits of calls.h */
  }
}

/* calls.c still has it. */
function isKnown(statement) {
  return newest - statement.number < native.STATEMENTS_MAX;
}

function statementOf(system, text, given) {
  const statement = texts.get(text);
  return statement !== undefined && statement.system === system && isKnown(statement) ? statement : statementFind(system, text, given);
}

function statementFind(system, text, given) {
  let statement = textsBefore.get(text);
  if (statement === undefined || statement.system !== system || !isKnown(statement)) {
    const made = native.statement(system, text, given);
    const number = made % 2 ** 32;
    statement = statements.get(number);
    if (statement === undefined) {
      if (statements.size >= 4 * TEXTS_MAX) forget();
      statements.set(number, (statement = new Statement(system, number, Math.floor(made / 2 ** 32))));
      if (number > newest) newest = number;
    }
  }
  if (text.length > TEXT_MAX) return statement;
  if (texts.size >= TEXTS_MAX) {
    textsBefore = texts;
    texts = new Map();
  }
  texts.set(text, statement);
  return statement;
}

/* All of them: what still comes is found again. */
function forget() {
  texts = new Map();
  textsBefore = new Map();
  statements.clear();
}

/* Its number, while calls.c has it; else 0. */
const numberOf = (statement) => (isKnown(statement) ? statement.number : 0);
/* Bits of calls.h. */
const shapeOf = (number) => statements.get(number)?.shape ?? 0;

module.exports = function numbers(functions) {
  native = functions;
  return { statementOf, numberOf, shapeOf, forget, nothing: new Statement(0, 0, 0) };
};
