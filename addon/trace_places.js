'use strict';
/* addon/trace_places.js -- where in the app's code a call comes from
 *
 * A part of agent.node (addon/part.c), loaded with trace.js. A stack takes 10 to 50 us: whoever asks for one has
 * a reason to.
 */

const FRAMES_MAX = 4;

const outside = /[\\/]node_modules[\\/]|^node:|^internal[\\/]/;
const own = `${__dirname}/trace`; /* this file and its kin */

function sitesTake() {
  const { prepareStackTrace: prepare, stackTraceLimit: limit } = Error;
  const holder = {};
  try {
    Error.stackTraceLimit = 50;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, sitesTake);
    return holder.stack;
  } catch {
    return []; /* the app has frozen Error */
  } finally {
    Error.stackTraceLimit = limit;
    Error.prepareStackTrace = prepare;
  }
}

function packageOf(file) {
  const at = file.lastIndexOf('node_modules/');
  const words = file.slice(at + 13).split('/');
  return at < 0 ? '' : words[0].startsWith('@') ? `${words[0]}/${words[1]}` : words[0];
}

const lines = new Map(); /* `file:line` -> its text */

/* A file is read once for each of its lines that is told of. */
function lineOf(file, line) {
  const key = `${file}:${line}`;
  let text = lines.get(key);
  if (text !== undefined) return text;
  try {
    const fs = require('fs');
    text = fs.statSync(file).size > 4e6 ? '' : (fs.readFileSync(file, 'utf8').split('\n')[line - 1] ?? '').trim();
  } catch {
    text = '';
  }
  if (lines.size >= 200) lines.clear();
  lines.set(key, text);
  return text;
}

/* Where the app is: its own frames, the innermost first, and the packages in between; or
 * graphql, if that is what calls it. */
function placeTake() {
  const frames = [];
  const via = [];
  for (const site of sitesTake()) {
    const name = site.getFileName();
    if (!name) continue;
    const file = name.startsWith('file://') ? decodeURIComponent(name.slice(7)) : name;
    if (file.startsWith(own)) continue;
    if (!outside.test(file)) {
      frames.push({
        name: site.getFunctionName() ?? '',
        file,
        line: site.getLineNumber() ?? 0,
        column: site.getColumnNumber() ?? 0,
        start: `${site.getEnclosingLineNumber?.()}:${site.getEnclosingColumnNumber?.()}`,
      });
      if (frames.length === FRAMES_MAX) break;
    } else if (file.includes('node_modules')) {
      const found = packageOf(file);
      if (found && !via.includes(found) && (frames.length === 0 || found === 'graphql')) via.push(found);
    }
  }
  const key = frames.map((f) => `${f.file}:${f.line}:${f.column}`).join(' ');
  return { frames, via, key };
}

function placeText(place) {
  return place === null ? '' : place.frames.map((f) => `    at ${f.name || '<anonymous>'} (${f.file}:${f.line}:${f.column})`).join('\n');
}

module.exports = () => ({ placeTake, placeText, lineOf });
