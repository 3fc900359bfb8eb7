// doc.test.mjs -- the examples of README.md and doc/*.md do what the pages say
//
//   <!-- test: NAME -->  before a ```sh block: it is run by bash in a folder of its own. Each line
//                        "# → TEXT" must occur in its output; "…" stands for anything in a line.
//   <!-- file: NAME -->  before any block: that file is in the folder of each example of the page;
//                        those of doc/README.md are there for all pages.
//
// 3000 and 9484 become free ports, in files, commands and expectations. After a line that starts
// fettle in the background the script waits until it is ready, as a reader would. What is still
// running at the end is ended by its pid.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BUILD, NODE, ROOT, freePort, poll, startNode } from './helpers/fettle.mjs';

const DEADLINE_MS = 60000;
const COMMON = 'doc/README.md';
// Made from the table of settings, and from measurements: no place for examples.
const WITHOUT_EXAMPLES = ['doc/settings.md', 'doc/BENCHMARKS.md'];

/** The marked blocks of a page: [{ kind: 'test' | 'file', name, text, line }]. */
function blocksOf(page) {
  const text = fs.readFileSync(path.join(ROOT, page), 'utf8');
  const marked = /^<!-- (test|file): (.+?) -->\n```(\w*)\n([^]*?)^```$/gm;
  const blocks = [];
  for (const found of text.matchAll(marked)) {
    const [, kind, name, language, body] = found;
    blocks.push({ kind, name, language, text: body, line: text.slice(0, found.index).split('\n').length });
  }
  const marks = text.match(/^<!-- (test|file):/gm)?.length ?? 0;
  assert.equal(blocks.length, marks, `${page}: each mark stands directly above a fenced block`);
  return blocks;
}

/** "worker … ended" as a regular expression. */
const patternOf = (text) =>
  new RegExp(text.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('.*?'));

const expectationsOf = (text) => [...text.matchAll(/^# → (.+)$/gm)].map(([, wanted]) => wanted);

// Ready, when the admin address says that all workers are (to whom it does not tell that, because of
// a token: that one is).
const PRELUDE = `
__ready() {
  local app i
  for ((i = 0; i < 1000; i++)); do
    app=$(curl -s -w '%{http_code}' localhost:9484/api/app)
    if [[ $app =~ '"workers_wanted":'([0-9]+),'"workers_ready":'([0-9]+) ]]; then
      [ "\${BASH_REMATCH[1]}" = "\${BASH_REMATCH[2]}" ] && return
    elif [[ $app = *401 ]]; then
      curl -sf -o /dev/null localhost:9484/readyz && return
    fi
    sleep 0.02
  done
  echo "fettle did not become ready"
}
`;
const CODA = `
{ jobs=$(jobs -p); [ -z "$jobs" ] || kill $jobs; wait; } 2>/dev/null
exit 0
`;

function scriptOf(text) {
  return PRELUDE + text.replace(/^(?:\w+=\S+ )*fettle run(?:.*\\\n)*.*[^&]&$/gm, '$&\n__ready') + CODA;
}

async function runExample(t, { block, files }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-doc-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const [port, adminPort] = [await freePort(), await freePort()];
  const ports = (text) => text.replace(/\b3000\b/g, port).replace(/\b9484\b/g, adminPort);
  for (const file of files) fs.writeFileSync(path.join(folder, file.name), ports(file.text));
  // As after `npm install`.
  if (files.some(({ text }) => /require\('fettle'\)/.test(text))) {
    fs.mkdirSync(path.join(folder, 'node_modules'));
    fs.symlinkSync(path.join(BUILD, 'package'), path.join(folder, 'node_modules/fettle'));
  }
  // Commands such as `fettle reload` find what runs here, and nothing else.
  const runtime = path.join(folder, '.run');
  fs.mkdirSync(runtime, { mode: 0o700 });
  fs.writeFileSync(path.join(folder, 'example.sh'), ports(scriptOf(block.text)));

  const run = await startNode({
    t,
    node: '/bin/bash',
    target: 'example.sh',
    cwd: folder,
    port: false,
    env: {
      PORT: String(port),
      // Examples run side by side: each Node's inspector gets a port of its own.
      ...(/fettle (heap|cpu) /.test(block.text) && { NODE_OPTIONS: '--inspect-port=0' }),
      FETTLE_ADMIN: `127.0.0.1:${adminPort}`,
      // A unit that is made would be told of this setting.
      [block.text.includes('fettle service') ? 'XDG_RUNTIME_DIR' : 'FETTLE_RUNTIME_DIR']: runtime,
      XDG_STATE_HOME: path.join(folder, '.state'),
      PATH: `${BUILD}:${path.dirname(fs.realpathSync(NODE))}:${process.env.PATH}`,
    },
  });
  await run.exit(DEADLINE_MS);
  // Of a loop that was killed, the sleep may last a moment longer.
  await poll(() => run.processes().length === 0).catch(() => {});
  assert.deepEqual(run.processes(), [], 'the example leaves no process');
  // The end of the process can be heard of before all that it wrote has been.
  const { stdout, stderr } = run.child;
  await run.until(() => stdout.readableEnded && stderr.readableEnded, { what: 'all output', evenEnded: true });
  for (const wanted of expectationsOf(block.text)) {
    const pattern = patternOf(ports(wanted));
    assert.ok(run.lines.some((line) => pattern.test(line)), `"${wanted}" is not in the output:\n${run.output}`);
  }
}

const pages = ['README.md', ...fs.readdirSync(path.join(ROOT, 'doc'))
  .filter((name) => name.endsWith('.md')).sort().map((name) => `doc/${name}`)];
const blocks = new Map(pages.map((page) => [page, blocksOf(page)]));
const filesOf = (page) => (blocks.get(page) ?? []).filter(({ kind }) => kind === 'file');

test('the examples of the documentation', { concurrency: 3 }, async (t) => {
  const running = [];
  for (const page of pages) {
    const files = page === COMMON ? filesOf(COMMON) : [...filesOf(COMMON), ...filesOf(page)];
    for (const block of blocks.get(page)) {
      if (block.kind !== 'test') continue;
      assert.equal(block.language, 'sh', `${page}:${block.line}: an example is a sh block`);
      assert.ok(expectationsOf(block.text).length, `${page}:${block.line}: an example says what is to be seen`);
      running.push(t.test(`${page}:${block.line} ${block.name}`, (t) => runExample(t, { block, files })));
    }
  }
  await Promise.all(running);
});

test('every page has an example that is run', () => {
  for (const page of pages) {
    if (page === 'README.md' || WITHOUT_EXAMPLES.includes(page)) continue;
    assert.ok(blocks.get(page).some(({ kind }) => kind === 'test'), `${page} has none`);
  }
});

test('every link between the pages leads somewhere', () => {
  const anchor = (title) => title.toLowerCase().replace(/[^\w\- ]/g, '').replace(/ /g, '-');
  for (const page of pages) {
    const text = fs.readFileSync(path.join(ROOT, page), 'utf8');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [name, fragment] = target.split('#');
      const file = name ? path.join(ROOT, path.dirname(page), name) : path.join(ROOT, page);
      assert.ok(fs.existsSync(file), `${page}: ${target} does not exist`);
      if (!fragment) continue;
      const titles = [...fs.readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title]) => anchor(title));
      assert.ok(titles.includes(fragment), `${page}: ${target}: there is no such heading`);
    }
  }
});
