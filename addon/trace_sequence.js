'use strict';
/* addon/trace_sequence.js -- calls that wait for each other for nothing
 *
 * A part of agent.node (addon/part.c). Two reads of one request, the second begun as soon as the first
 * had ended: could they have run together? Only what can be shown is told of:
 *   - it happened so in several requests, each of the two once in a request;
 *   - both are written in one async function, `const a = await ...` and later `... await ...` in the same block,
 *     with nothing but declarations between, and the second names nothing that came out of the first;
 *   - no value of the second has been in the first's result, unless it was known before;
 *   - they are no part of a transaction, and not both of one connection that the app holds.
 * Stacks are taken, and the file is read, once for each pair of statements; results are looked at until
 * it is sure.
 */

const PAIRS_MAX = 512;
const SEEN_BEFORE = 3; /* requests, before anything is looked at */
const SURE_AFTER = 2; /* requests that have shown nothing to the contrary */
const STACKS_MAX = 5; /* of one statement in a second */
const TRUSTED_AFTER = 30; /* such requests: results are looked at no more */
const RIGHT_AFTER_MS = 5;
const FILE_MAX = 4e6;
const TOKENS_MAX = 20000; /* of one function */

/* ---- The text of a function, in tokens ---- */

const TOKEN = /\s+|\/\/[^\n]*|\/\*[^]*?\*\/|([A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*)|\d[\w.]*|'(?:\\[^]|[^'\\\n])*'|"(?:\\[^]|[^"\\\n])*"|=>|\?\.|\.\.\.|[^]/y;
/* After these a slash begins a regular expression. */
const BEFORE_REGEXP = /^(?:[(,=:[!&|?{};+\-*%~^<>]|=>|return|typeof|case|in|of|await|new|delete|void|throw)$/;
const REGEXP = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;

/* The end of the template literal that begins at `at`; words in it are words of the statement. */
function templateEnd(text, at, words, within = 0) {
  if (within > 20) return text.length;
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '`') return i + 1;
    else if (text[i] === '$' && text[i + 1] === '{') {
      let depth = 1;
      const from = (i += 2);
      for (; i < text.length && depth > 0; i++) {
        if (text[i] === '{') depth++;
        else if (text[i] === '}') depth--;
        else if (text[i] === '`') i = templateEnd(text, i, words, within + 1) - 1;
      }
      i--;
      words.push(...(text.slice(from, i).match(/[A-Za-z_$][\w$]*/g) ?? []));
    }
  }
  return text.length;
}

/* [{ text, at, word }] from `at` to `until`; null: too long. A template literal is a word for each in it. */
function tokensOf(text, at, until) {
  const tokens = [];
  while (at < until) {
    const last = tokens[tokens.length - 1];
    if (tokens.length > TOKENS_MAX) return null;
    if (text[at] === '`') {
      const words = [];
      const end = templateEnd(text, at, words);
      for (const word of ['``', ...words]) tokens.push({ text: word, at, word: word !== '``' });
      at = end;
      continue;
    }
    if (text[at] === '/' && text[at + 1] !== '/' && text[at + 1] !== '*' && (!last || BEFORE_REGEXP.test(last.text))) {
      REGEXP.lastIndex = at;
      if (REGEXP.test(text)) {
        tokens.push({ text: '//', at, word: false });
        at = REGEXP.lastIndex;
        continue;
      }
    }
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!/^(\s|\/\/|\/\*)/.test(found[0])) tokens.push({ text: found[0], at, word: found[1] !== undefined });
    at = TOKEN.lastIndex;
  }
  return tokens;
}

const OPEN = new Set(['(', '[', '{']);
const CLOSE = new Set([')', ']', '}']);
const CONDITION = new Set(['?', '&', '|', '?.', 'if']);
const UNSURE = new Set([...CONDITION, '=>', 'function', '=', ';', 'for', 'while']);
const DECLARE = new Set(['const', 'let', 'var']);

/* Where the statement of token `i` begins; -1: it is not a declaration or a plain await or return. */
function statementStart(tokens, i) {
  let depth = 0;
  for (; i >= 0; i--) {
    const { text } = tokens[i];
    if (depth === 0 && DECLARE.has(text)) return i;
    if (CLOSE.has(text)) {
      /* A block before it: the statement begins after it. */
      if (text === '}' && depth === 0 && tokens[i + 1] && /^(return|await)$/.test(tokens[i + 1].text)) return i + 1;
      depth++;
    } else if (OPEN.has(text)) {
      if (text === '{' && depth === 0) return i + 1;
      if (depth > 0) depth--;
    } else if (depth === 0 && (text === ';' || text === '=>')) return text === ';' ? i + 1 : -1;
  }
  return -1;
}

/* Where it ends: its `;`, or the next declaration or return on its level. */
function statementEnd(tokens, i) {
  let depth = 0;
  for (i++; i < tokens.length; i++) {
    const { text } = tokens[i];
    if (OPEN.has(text)) depth++;
    else if (CLOSE.has(text)) {
      if (depth-- === 0) return i;
    } else if (depth === 0 && (text === ';' || DECLARE.has(text) || text === 'return')) return i;
  }
  return i;
}

const isName = (tokens, i) => tokens[i].word && tokens[i - 1]?.text !== '.' && tokens[i - 1]?.text !== '?.';
const namesAny = (tokens, from, to, names) => {
  for (let i = from; i < to; i++) if (isName(tokens, i) && names.has(tokens[i].text)) return true;
  return false;
};

/* Adds what the declaration from..to binds. False: it is none with a value. */
function bindings(tokens, from, to, names) {
  if (!DECLARE.has(tokens[from]?.text)) return false;
  let depth = 0;
  for (let i = from + 1; i < to; i++) {
    const { text, word } = tokens[i];
    if (depth === 0 && text === '=') return true;
    if (OPEN.has(text)) depth++;
    else if (CLOSE.has(text)) depth--;
    else if (word) names.add(text);
  }
  return false;
}

const has = (tokens, from, to, text) => tokens.slice(from, to).some((token) => token.text === text);

/* Whether the call at offset `second` could run with that at `first`, in the function that begins at
 * `start` of `text`. */
function areIndependent(text, start, first, second) {
  const tokens = tokensOf(text, start, Math.min(text.length, second + 20000));
  if (tokens === null) return false;
  const indexOf = (at) => tokens.findIndex((token, i) => token.at <= at && (i + 1 === tokens.length || tokens[i + 1].at > at));
  const a = indexOf(first);
  const b = indexOf(second);
  if (a < 0 || b <= a) return false;
  const aStart = statementStart(tokens, a);
  const bStart = statementStart(tokens, b);
  if (aStart < 0 || bStart < 0) return false;
  let at = statementEnd(tokens, aStart);
  /* { a: await ..., b: await ... } */
  if (aStart === bStart)
    return has(tokens, aStart, a, 'await') && has(tokens, a, b, 'await') && has(tokens, a, b, ',') && !tokens.slice(a, b).some(({ text: t }) => UNSURE.has(t));
  if (bStart < at) return false;
  const tainted = new Set();
  if (!bindings(tokens, aStart, at, tainted) || !has(tokens, aStart, a + 1, 'await')) return false;
  /* What stands between: declarations only, up to the second in the same block. */
  while (tokens[at]?.text === ';') at++;
  while (at < bStart) {
    const end = statementEnd(tokens, at);
    const made = new Set();
    if (!bindings(tokens, at, end, made)) return false;
    if (namesAny(tokens, at, end, tainted)) for (const name of made) tainted.add(name);
    else if (has(tokens, at, end, 'await')) return false;
    at = end;
    while (tokens[at]?.text === ';') at++;
  }
  if (at !== bStart) return false;
  const bEnd = statementEnd(tokens, bStart);
  if (!/^(const|let|var|return|await)$/.test(tokens[bStart]?.text) || !has(tokens, bStart, b + 1, 'await')) return false;
  /* A condition decides whether it is asked at all: what for, cannot be told. */
  if (tokens.slice(bStart, b).some(({ text: t }) => CONDITION.has(t))) return false;
  return !namesAny(tokens, bStart, bEnd, tainted);
}

function offsetOf(text, line, column) {
  let at = 0;
  for (let n = 1; n < line; n++) {
    at = text.indexOf('\n', at) + 1;
    if (at === 0) return -1;
  }
  return at + column - 1;
}

/* ---- Pairs ---- */

/* The function in which both are, with where. */
function common(a, b) {
  for (const first of a.frames)
    for (const second of b.frames)
      if (first.file === second.file && first.start === second.start && first.name === second.name &&
          (first.line !== second.line || first.column !== second.column)) return { first, second };
  return null;
}

function judge(a, b) {
  const both = common(a, b);
  if (both === null) return null;
  const { first, second } = both;
  try {
    const fs = require('fs');
    if (fs.statSync(first.file).size > FILE_MAX) return null;
    const text = fs.readFileSync(first.file, 'utf8');
    const [line, column] = first.start.split(':').map(Number);
    const offsets = [offsetOf(text, line, column), offsetOf(text, first.line, first.column), offsetOf(text, second.line, second.column)];
    if (offsets.some((at) => !(at >= 0))) return null;
    return areIndependent(text, ...offsets) ? both : null;
  } catch {
    return null; /* there is no such file: a bundle, a loader */
  }
}

const trivial = (value) => value === null || value === undefined || typeof value === 'boolean' || value === 0 || value === 1 || value === '';

/* Whether one of `values` came out of `result` and was not among `known`. */
function comesFrom(values, result, known) {
  const wanted = new Set();
  const collect = (value, into, depth) => {
    if (into.size > 1000 || depth > 4) return;
    if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) for (const v of Object.values(value)) collect(v, into, depth + 1);
    else if (!trivial(value)) into.add(String(value));
  };
  collect(values, wanted, 0);
  const before = new Set();
  collect(known, before, 0);
  for (const value of before) wanted.delete(value);
  if (wanted.size === 0) return false;
  const came = new Set();
  collect(result, came, 0);
  for (const value of wanted) if (came.has(value)) return true;
  return false;
}

const POOLED = new Set(['knex', 'sequelize', 'typeorm', 'drizzle-orm', '@prisma/client', 'objection']);

/* Two statements, the second after the first. */
class Pair {
  constructor(first) {
    this.first = first; /* its number */
    this.seen = 0; /* requests */
    this.count = 0; /* ... that have shown nothing to the contrary */
    this.verdict = undefined; /* null: there is nothing to tell; else { first, second }, their frames */
    this.pooled = false; /* what issues them takes another connection for each */
    this.looks = false; /* is counted in `looked` */
  }
}

/* What is wanted of a statement: for how many pairs that it begins. */
class Wanted {
  constructor() {
    this.places = 0;
    this.results = 0;
    this.stacks = 0; /* that were taken in this second */
  }
}

/* trace: { placeTake, bits } of trace.js */
module.exports = function sequence({ placeTake, READ, DELIBERATE }) {
  const pairs = new Map(); /* "first second" -> Pair */
  const wanted = new Map(); /* number of a statement -> Wanted */

  function pairOf(first, second) {
    const key = first * 2 ** 21 + (second % 2 ** 21); /* of numbers that are known at a time, no two are alike */
    let pair = pairs.get(key);
    if (pair === undefined || pair.first !== first) {
      if (pairs.size >= PAIRS_MAX) {
        pairs.clear();
        wanted.clear();
      }
      pairs.set(key, (pair = new Pair(first)));
    }
    return pair;
  }

  function want(pair) {
    let of = wanted.get(pair.first);
    if (of === undefined) wanted.set(pair.first, (of = new Wanted()));
    of.places++;
    of.results++;
    pair.looks = true;
  }

  /* The place of its first is known. */
  function placeKnown({ first }) {
    const of = wanted.get(first);
    if (of !== undefined) of.places--;
  }

  /* No more is wanted of it. */
  function settle(pair) {
    const of = wanted.get(pair.first);
    if (pair.looks && of !== undefined && --of.results <= 0) wanted.delete(pair.first);
    pair.looks = false;
  }

  function isContrary(a, values) {
    try {
      return comesFrom(values, a.result, a.values);
    } catch {
      return true; /* values that do not let themselves be looked at */
    }
  }

  /* The first's place is known: whether something can be said of the two. */
  function decide(pair, a, values) {
    if (pair.looks && isContrary(a, values)) {
      if (pair.verdict === undefined) placeKnown(pair);
      pair.verdict = null;
    } else if (pair.verdict === undefined) {
      pair.verdict = judge(a.place, placeTake());
      pair.pooled = a.place.via.some((name) => POOLED.has(name));
      placeKnown(pair);
    }
    if (pair.verdict === null) settle(pair);
  }

  const reads = (call) => (call.shape & (READ | DELIBERATE)) === READ && call.tally !== null && call.tally.begun === 1;

  return {
    /* A call begins; `a` ended last, and nothing else is under way. */
    follows(a, b, values) {
      if (!reads(a) || !reads(b) || a.tally === b.tally || b.issued - a.ended > RIGHT_AFTER_MS) return;
      const pair = pairOf(a.tally.number, b.tally.number);
      if (pair.verdict === null || ++pair.seen < SEEN_BEFORE) return;
      if (pair.seen === SEEN_BEFORE) return want(pair);
      if (pair.looks) {
        if (!a.kept || (pair.verdict === undefined && a.place === undefined)) return;
        decide(pair, a, values);
      }
      if (pair.verdict === null || pair.verdict === undefined) return;
      b.pair = pair;
      b.after = a;
    },
    /* A statement begins: what of it is wanted; undefined: nothing. */
    wants: (number) => (wanted.size === 0 ? undefined : wanted.get(number)),
    /* Whether the place is, besides its result. Then it has to be taken. */
    wantsPlace: (of) => of.places > 0 && of.stacks < STACKS_MAX && ++of.stacks > 0,
    /* Once a second. */
    tick() {
      for (const of of wanted.values()) of.stacks = 0;
    },
    /* The second has ended: null, or what it has shown: { verdict, saved: ms, first: number }. */
    ended(b) {
      const { pair, after: a } = b;
      b.pair = b.after = undefined;
      if (pair.verdict === null) return null;
      if (b.connection !== undefined && a.connection === b.connection && !pair.pooled) return null;
      if (++pair.count < SURE_AFTER) return null;
      if (pair.count === TRUSTED_AFTER) settle(pair);
      return { verdict: pair.verdict, saved: Math.min(a.ended - a.started, b.ended - b.started), first: a.tally.number };
    },
    areIndependent,
  };
};
