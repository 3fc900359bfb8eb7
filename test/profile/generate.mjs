/* A large .cpuprofile as V8 writes it, of a size in MB: a deep tree of calls of an app and its packages, and a sample for each of its hits.
 *
 *   node test/profile/generate.mjs 100      writes build/bench/profiles/100.cpuprofile when it is not there, and prints its path
 *
 * Six tenths of the bytes are nodes, four are samples and their times: about what an hour of a server at 1 kHz has. The same size is the
 * same file. */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { random } from '../heap/random.mjs';

const FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../build/bench/profiles');
const FUNCTIONS = 4000;
const NODE_BYTES = 226;
const DEPTH = 60;
const SAMPLE_BYTES = 11;

function functionsOf(r) {
  const packages = ['express/lib/router', '@fastify/ajv-compiler/lib', 'lodash', 'pg/lib', 'react-dom/cjs'];
  return Array.from({ length: FUNCTIONS }, (_, i) => {
    const line = r.below(3000);
    const file = i % 3 === 0 ? `node:internal/module${i % 40}` : i % 3 === 1 ? `file:///srv/shop/src/part${i % 200}/handler.js` : `file:///srv/shop/node_modules/${r.of(packages)}/file${i % 50}.js`;
    return { line, text: JSON.stringify({ functionName: i % 17 ? `method${i}OfPart` : '', scriptId: String(i % 400), url: file, lineNumber: line, columnNumber: r.below(80) }) };
  });
}

function write(file, megabytes) {
  const r = random(megabytes), functions = functionsOf(r), fd = openSync(file, 'w');
  const nodes = Math.floor((megabytes * 6e5) / NODE_BYTES), samples = Math.floor((megabytes * 4e5) / SAMPLE_BYTES);
  let text = [];
  const put = (part) => {
    text.push(part);
    if (text.length === 20000) flush();
  };
  const flush = () => {
    writeSync(fd, text.join(''));
    text = [];
  };
  // Calls are drawn first: a node's children come behind it, most of them deep.
  const parent = new Int32Array(nodes), depth = new Uint8Array(nodes), children = Array.from({ length: nodes }, () => null);
  for (let i = 1; i < nodes; i++) {
    let above = r.chance(0.8) ? i - 1 : r.below(i);
    for (let up = r.chance(0.5) ? 0 : r.below(6); above && (up > 0 || depth[above] >= DEPTH); up--) above = parent[above];
    parent[i] = above;
    depth[i] = depth[above] + 1;
    (children[above] ??= []).push(i + 1);
  }
  put('{"nodes":[');
  for (let i = 0; i < nodes; i++) {
    const frame = i ? functions[r.below(FUNCTIONS)] : { line: 0, text: '{"functionName":"(root)","scriptId":"0","url":"","lineNumber":-1,"columnNumber":-1}' };
    const hits = r.chance(0.4) ? 1 + r.below(Math.ceil((samples / nodes) * 5)) : 0;
    put(`${i ? ',' : ''}{"id":${i + 1},"callFrame":${frame.text},"hitCount":${hits}${children[i] ? `,"children":[${children[i]}]` : ''}${hits ? `,"positionTicks":[{"line":${frame.line + 1 + r.below(4)},"ticks":${hits}}]` : ''}}`);
  }
  put(`],"startTime":1000000,"endTime":${1000000 + samples * 1000},"samples":[1`);
  // What runs, runs on, calls or returns; now and then another request comes.
  for (let i = 1, at = 0; i < samples; i++) {
    if (r.chance(0.02)) at = r.below(nodes);
    else if (r.chance(0.5)) at = children[at] && r.chance(0.6) ? r.of(children[at]) - 1 : parent[at];
    put(`,${at + 1}`);
  }
  put('],"timeDeltas":[0');
  for (let i = 1; i < samples; i++) put(`,${900 + r.below(200)}`);
  put(']}');
  flush();
  closeSync(fd);
}

/** The file of about so many MB, made when it is not there. */
export function generated(megabytes, log = () => {}) {
  const file = path.join(FOLDER, `${megabytes}.cpuprofile`);
  if (existsSync(file)) return file;
  log(`a CPU profile of ${megabytes} MB is made`);
  mkdirSync(FOLDER, { recursive: true });
  write(`${file}.${process.pid}`, megabytes);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) console.log(path.relative(process.cwd(), generated(Number(process.argv[2] ?? 100))));
