'use strict';
/* addon/environment.js -- what is ours in an environment that has the user's own in it
 *
 * A part of agent.node (addon/part.c): loaded where NODE_OPTIONS or LD_PRELOAD are not ours alone,
 * and by cluster.fork.
 */

const fs = require('fs');
const path = require('path');

/* The words of NODE_OPTIONS as Node splits them, with where each stands in the text. */
function optionWords(text) {
  const words = [];
  for (let i = 0; i < text.length; ) {
    if (text[i] === ' ') {
      i++;
      continue;
    }
    const start = i;
    let quoted = false;
    let value = '';
    for (; i < text.length && (quoted || text[i] !== ' '); i++) {
      if (quoted && text[i] === '\\') value += text[++i] ?? '';
      else if (text[i] === '"') quoted = !quoted;
      else value += text[i];
    }
    words.push({ start, end: i, value });
  }
  return words;
}

function isThisFile(name, file) {
  if (name === file) return true;
  if (path.basename(name) !== path.basename(file)) return false;
  try {
    return fs.realpathSync(name) === file;
  } catch {
    return false;
  }
}

/* NODE_OPTIONS in two: the user's, byte for byte, and what preloads `file`. */
function optionsSplit(text, file) {
  const words = optionWords(text);
  for (let i = 0; i < words.length; i++) {
    const { value, start } = words[i];
    let end = 0;
    if (value.startsWith('--require=') && isThisFile(value.slice(10), file)) end = words[i].end;
    else if ((value === '--require' || value === '-r') && words[i + 1] &&
             isThisFile(words[i + 1].value, file)) end = words[i + 1].end;
    if (!end) continue;
    const before = text.slice(0, start).trimEnd();
    const after = text.slice(end).trimStart();
    return { ours: text.slice(start, end), rest: before && after ? `${before} ${after}` : before + after };
  }
  return { ours: '', rest: text };
}

/* LD_PRELOAD in two, likewise. */
function preloadSplit(text) {
  const names = text.split(/[: ]/);
  return {
    ours: names.filter((n) => path.basename(n) === 'fettle-loop.so').join(':'),
    rest: names.filter((n) => n && path.basename(n) !== 'fettle-loop.so').join(':'),
  };
}

/* Takes ours out of env into hidden. */
function take(env, hidden, file) {
  for (const [name, split] of [['NODE_OPTIONS', optionsSplit], ['LD_PRELOAD', preloadSplit]]) {
    if (env[name] === undefined) continue;
    const { ours, rest } = split(env[name], file);
    if (!ours) continue;
    hidden[name] = ours;
    if (rest) env[name] = rest;
    else delete env[name];
  }
}

/* The environment for a child of the app's own cluster: the app's (env, and what it gave for the
 * child), and the agent again. */
function shown(env, hidden, given) {
  const { NODE_OPTIONS, LD_PRELOAD, ...vars } = hidden;
  const all = { ...given, ...vars };
  for (const [name, mark, ours] of [['NODE_OPTIONS', ' ', NODE_OPTIONS], ['LD_PRELOAD', ':', LD_PRELOAD]]) {
    if (!ours) continue;
    const users = given?.[name] ?? env[name];
    all[name] = users ? `${users}${mark}${ours}` : ours;
  }
  return all;
}

module.exports = { take, shown };
