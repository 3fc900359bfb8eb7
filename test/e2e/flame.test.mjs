// `fettle cpu flame FILE`: the page and the picture in a real browser, by mouse and by keyboard alone, in both themes; what
// speedscope makes of its file; and the graph of a process that runs.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { NODE } from './helpers/fettle.mjs';
import { accessible, browserStart, pageOpen } from './helpers/browser.mjs';
import { fettle, folder, node } from './helpers/inspect.mjs';
import { esbuild, write } from '../profile/maps.mjs';

const SHOTS = process.env.FETTLE_SCREENSHOTS;
const require = createRequire(new URL('../profile/package.json', import.meta.url));
const SPEEDSCOPE = path.join(path.dirname(require.resolve('speedscope/package.json')), 'dist/release');

/** A profile: [name, hits, children, url]; ids in the order of the tree. */
function profileOf(tree) {
  const nodes = [];
  const add = ([name, hits, children = [], url = name.startsWith('(') ? '' : `file:///app/${name.length}.js`]) => {
    const made = { id: nodes.length + 1, hitCount: hits, callFrame: { functionName: name, scriptId: '1', url, lineNumber: url ? 2 : -1, columnNumber: url ? 4 : -1 } };
    nodes.push(made);
    made.children = children.map(add);
    return made.id;
  };
  add(tree);
  const hits = nodes.reduce((sum, { hitCount }) => sum + hitCount, 0);
  return { nodes, startTime: 0, endTime: hits * 1000, samples: [], timeDeltas: [] };
}

const EVIL = '</script><img src="http://evil.example/x" onerror="alert(1)">{{data}}';
const CRAFTED = profileOf(['(root)', 0, [
  ['main', 10, [['hot', 60, [['leaf', 20]]], ['handler', 5, [['hot', 15]]], [EVIL, 4]]],
  ['json', 6, [], '/app/node_modules/@scope/json/index.js'],
  ['readFileSync', 3, [], 'node:fs'],
  ['toString', 2, [], ''],
  ['(garbage collector)', 5], ['(program)', 2], ['(idle)', 868]]]);

let dir, browser;
before(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-flame-'));
  fs.writeFileSync(path.join(dir, 'crafted.cpuprofile'), JSON.stringify(CRAFTED));
  browser = await browserStart();
});
after(async () => {
  await browser.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

/** Runs it; the file it has written. */
async function flame(profile, output, ...flags) {
  const { code, stderr } = await fettle(['cpu', 'flame', profile, '-o', output, ...flags], { cwd: dir });
  assert.equal(code, 0, stderr);
  return { file: path.join(dir, output), stderr };
}

const open = (file, options) => pageOpen(browser, pathToFileURL(file).href, options);
const call = (page, name) => page.getByRole('button', { name: new RegExp(`^${name}, `) });
const percent = async (page, name) => Number(/, ([\d.]+) %$/.exec(await call(page, name).first().getAttribute('aria-label'))[1]);

describe('the page', () => {
  let page, done;
  before(async () => {
    const { file } = await flame('crafted.cpuprofile', 'crafted.html');
    assert.doesNotMatch(fs.readFileSync(file, 'utf8').replace(/evil\.example/g, ''), /\b(src|href)="(?!data:)/, 'it refers to nothing');
    ({ page, done } = await open(file));
  });
  after(() => done());

  test('has a bar for each call, as wide as its share, and says what is under the pointer', async () => {
    assert.equal(await page.title(), 'crafted');
    assert.match(await page.locator('#summary').textContent(), /^132 ms busy, 132 samples; 868 ms idle time is left out$/);
    assert.equal(await percent(page, 'main'), 86.36);
    assert.equal(await call(page, 'hot').count(), 2);
    const [main, hot] = await Promise.all([call(page, 'main').boundingBox(), call(page, 'hot').first().boundingBox()]);
    assert.ok(Math.abs(hot.width / main.width - 80 / 114) < 0.01);
    assert.ok(hot.y > main.y);
    await call(page, 'hot').first().hover();
    assert.equal(await page.locator('#details').textContent(), 'hot /app/3.js:3:580.0 ms, 60.61 %; itself 60.0 ms, 45.45 %');
    await call(page, 'json').hover();
    assert.match(await page.locator('#details').textContent(), /\(@scope\/json\)/);
  });

  test('colours say what a function belongs to', async () => {
    const kinds = { main: 'app', json: 'package', readFileSync: 'node', toString: 'native', '\\(garbage collector\\)': 'gc' };
    const colours = new Set();
    for (const [name, kind] of Object.entries(kinds)) {
      assert.match(await call(page, name).getAttribute('class'), new RegExp(`^${kind}\\b`));
      colours.add(await call(page, name).evaluate((e) => getComputedStyle(e).backgroundColor));
    }
    assert.equal(colours.size, 5);
    assert.match(await page.locator('#legend').textContent(), /the app 86\.36 %node_modules 4\.55 %Node 2\.27 %native code, V8 1\.52 %garbage collection 3\.79 %/);
  });

  test('finds texts, files and regular expressions, and says which share they are', async () => {
    const matched = page.locator('#matched');
    await page.keyboard.press('/');
    await page.keyboard.type('HOT');
    assert.equal(await matched.textContent(), '71.97 % matched', 'both calls of it, with what they call');
    assert.equal(await page.locator('.found').count(), 2);
    await page.fill('#search', '/^(leaf|hot)$/');
    assert.equal(await page.locator('.found').count(), 3);
    assert.equal(await matched.textContent(), '71.97 % matched', 'what is below a match counts once');
    await page.fill('#search', '@scope/json');
    assert.equal(await matched.textContent(), '4.55 % matched');
    await page.fill('#search', '/(/');
    assert.equal(await page.locator('#search').getAttribute('aria-invalid'), 'true');
    assert.match(await matched.textContent(), /Invalid regular expression/);
    await page.fill('#search', 'nowhere');
    assert.match(await matched.textContent(), /nothing/);
    await page.locator('#search').press('Escape');
    assert.equal(await matched.textContent() + (await page.inputValue('#search')), '');
  });

  test('is zoomed into by a click, and out of again', async () => {
    const full = (await call(page, 'main').boundingBox()).width;
    await call(page, 'handler').click();
    assert.ok((await call(page, 'handler').boundingBox()).width > full);
    assert.equal(await call(page, 'json').count(), 0);
    assert.match(await page.locator('#details').textContent(), /of what is shown 100\.00 %/);
    await page.click('#reset');
    assert.equal(await call(page, 'json').count(), 1);
    assert.ok(await page.locator('#reset').isDisabled());
  });

  test('is used by keys alone', async () => {
    const focused = () => page.evaluate(() => document.activeElement.textContent || document.activeElement.ariaLabel);
    await page.locator('#flip').focus();
    await page.keyboard.press('Tab');
    assert.equal(await focused(), '(root)');
    for (const [key, name] of [['ArrowDown', 'main'], ['ArrowRight', 'json'], ['ArrowLeft', 'main'], ['ArrowDown', 'hot'], ['ArrowRight', 'handler'], ['Enter', 'handler'], ['ArrowDown', 'hot'], ['ArrowUp', 'handler'], ['ArrowUp', 'main'], ['Enter', 'main'], ['Escape', '(root)']]) {
      await page.keyboard.press(key);
      assert.equal(await focused(), name, key);
    }
    await page.keyboard.press('/');
    await page.keyboard.type('hot');
    await page.keyboard.press('Enter');
    assert.equal(await focused(), 'hot');
    const first = await page.evaluate(() => document.activeElement.dataset.call);
    await page.keyboard.press('n');
    assert.notEqual(await page.evaluate(() => document.activeElement.dataset.call), first);
    await page.keyboard.press('Shift+n');
    assert.equal(await page.evaluate(() => document.activeElement.dataset.call), first);
    await page.fill('#search', '');
  });

  test('shows idle time when asked to, and the root at the foot', async () => {
    assert.equal(await call(page, '\\(idle\\)').count(), 0);
    await page.check('#idle');
    assert.equal(await percent(page, '\\(idle\\)'), 86.8);
    await page.uncheck('#idle');
    assert.equal(await percent(page, 'main'), 86.36);
    await page.check('#flip');
    assert.ok((await call(page, 'hot').first().boundingBox()).y < (await call(page, 'main').boundingBox()).y);
    await page.uncheck('#flip');
  });

  test('has the functions as a table, and each leads to where it is called', async () => {
    await page.click('summary');
    const row = page.getByRole('row', { name: /^75\.0 ms 56\.82 % 95\.0 ms hot/ });
    await row.getByRole('button').click();
    assert.equal(await page.inputValue('#search'), '/app/3.js:3:5');
    assert.equal(await page.locator('.found').count(), 2);
    await page.fill('#search', '');
  });

  test('takes what stands in the profile for text', async () => {
    assert.equal(await page.locator('img').count(), 0);
    const names = await page.locator('#graph button').evaluateAll((list) => list.map((e) => e.ariaLabel));
    assert.ok(names.some((name) => name.startsWith(EVIL)));
  });

  test('can be used by everybody', () => accessible(page));
});

test('the page is dark where that is preferred, and fits a phone', async () => {
  const ground = {};
  for (const colorScheme of ['light', 'dark']) {
    const { page, done } = await open(path.join(dir, 'crafted.html'), { colorScheme, viewport: { width: 360, height: 640 } });
    ground[colorScheme] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360));
    await accessible(page);
    await done();
  }
  assert.notEqual(ground.light, ground.dark);
});

test('the picture shows all without its script, and is zoomed into and searched in with it', async () => {
  const { file } = await flame('crafted.cpuprofile', 'crafted.svg');
  const text = fs.readFileSync(file, 'utf8');
  assert.match(text, /<title>hot \/app\/3\.js:3:5, 80\.0 ms \(60\.61 %\), itself 60\.0 ms<\/title>/);
  assert.doesNotMatch(text, /\(idle\)/);
  const { page, done } = await open(file);
  const width = (name) => page.evaluate((wanted) => Number([...document.querySelectorAll('#calls g')].find((g) => g.style.display !== 'none' && g.firstChild.textContent.startsWith(wanted))?.querySelector('rect').getAttribute('width') ?? 0), `${name} `);
  assert.ok(Math.abs((await width('hot')) - (1180 * 80) / 132) < 1);
  await page.locator('#calls g.app rect').nth(0).click();
  assert.ok(Math.abs((await width('hot')) - (1180 * 80) / 114) < 1);
  assert.equal(await width('json'), 0);
  await page.keyboard.press('Escape');
  assert.ok((await width('json')) > 0);
  page.once('dialog', (dialog) => dialog.accept('/^(hot|json) /'));
  await page.locator('#find').click();
  assert.equal(await page.locator('#said').textContent(), '/^(hot|json) /: 76.52 %');
  await page.locator('#reset').click();
  await done();
});

describe('speedscope', () => {
  test('its schema holds', async () => {
    const { file } = await flame('crafted.cpuprofile', 'crafted.speedscope.json');
    const schema = JSON.parse(fs.readFileSync(path.join(SPEEDSCOPE, 'file-format-schema.json'), 'utf8'));
    const Ajv = createRequire(import.meta.url)('ajv');
    const check = new Ajv({ strict: false }).compile(schema);
    const made = JSON.parse(fs.readFileSync(file, 'utf8'));
    assert.ok(check(made), JSON.stringify(check.errors));
    const [{ samples, weights, unit, endValue }] = made.profiles;
    assert.equal(unit, 'milliseconds');
    assert.equal(weights.reduce((sum, n) => sum + n, 0), 1000);
    assert.equal(endValue, 1000);
    const names = samples.map((stack) => stack.map((f) => made.shared.frames[f].name).join(' '));
    assert.ok(names.includes('main hot leaf') && names.includes(''), 'idle time is an empty stack');
  });

  test('it opens the file', async () => {
    const script = path.join(dir, 'speedscope.js');
    fs.writeFileSync(script, `speedscope.loadFileFromBase64("crafted.speedscope.json", ${JSON.stringify(fs.readFileSync(path.join(dir, 'crafted.speedscope.json')).toString('base64'))})`);
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
    const page = await context.newPage();
    await page.goto(`${pathToFileURL(path.join(SPEEDSCOPE, 'index.html')).href}#localProfilePath=${script}`);
    await page.getByText('Left Heavy').waitFor();
    await page.getByText('Sandwich').click();
    await page.getByText('handler').first().waitFor();
    assert.match(await page.locator('body').innerText(), /hot/);
    await context.close();
  });
});

test('a large profile leaves out what is too small to be seen, and says so', async () => {
  const wide = (depth) => [`f${depth}`, 1, depth < 10 ? [wide(depth + 1), [`g${depth}`, 2, depth < 9 ? [wide(depth + 2)] : []]] : Array.from({ length: 800 }, (_, i) => [`leaf${i}`, 1])];
  fs.writeFileSync(path.join(dir, 'large.cpuprofile'), JSON.stringify(profileOf(['(root)', 0, [wide(0)]])));
  const { file, stderr } = await flame('large.cpuprofile', 'large.html');
  assert.match(stderr, /large\.html: \d+ calls, [\d.]+ MB; \d+ more are too small to be in it/);
  assert.ok(fs.statSync(file).size < 4e6, String(fs.statSync(file).size));
  const { page, done } = await open(file);
  assert.match(await page.locator('#note').textContent(), /^[\d,]+ calls are too small to be here by themselves: those below [\d.]+ ms\.$/);
  await page.getByRole('button', { name: /^… \d+ more, / }).first().hover();
  assert.match(await page.locator('#details').textContent(), /^… \d+ more/);
  await done();
});

test('the sources of a bundle are in it', async () => {
  write(dir);
  const file = esbuild(dir, { sourcemap: true, minify: true });
  execFileSync(NODE, ['--cpu-prof', '--cpu-prof-name', 'bundle.cpuprofile', file], { cwd: dir, stdio: 'ignore', env: { ...process.env, NODE_OPTIONS: '' } });
  const { page, done } = await open((await flame('bundle.cpuprofile', 'bundle.html')).file);
  await page.fill('#search', '/^checksum$/');
  await page.locator('.found').first().hover();
  assert.match(await page.locator('#details').textContent(), /^checksum .*\/src\/hash\.ts:3:\d+/);
  await page.fill('#search', 'twice');
  assert.match(await page.locator('.found').first().getAttribute('class'), /package/);
  if (SHOTS) {
    await page.fill('#search', '');
    await page.screenshot({ path: SHOTS });
  }
  await done();
});

test('a profile of allocations is in bytes', async () => {
  const { nodes: [head] } = { nodes: [{ callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 }, selfSize: 0, id: 1, children: [{ callFrame: { functionName: 'keeps', scriptId: '1', url: 'file:///a.js', lineNumber: 0, columnNumber: 0 }, selfSize: 3 << 20, id: 2, children: [] }] }] };
  fs.writeFileSync(path.join(dir, 'a.heapprofile'), JSON.stringify({ head, samples: [] }));
  const { code, stdout, stderr } = await fettle(['heap', 'flame', 'a.heapprofile', '--json'], { cwd: dir });
  assert.equal(code, 0, stderr);
  assert.deepEqual({ ...JSON.parse(stdout), bytes: 0 }, { file: 'a.flame.html', format: 'html', bytes: 0, calls: 2, left_out: 0 });
  const { page, done } = await open(path.join(dir, 'a.flame.html'));
  assert.equal(await page.locator('#summary').textContent(), '3.0 MB were allocated and stayed');
  await done();
  const { code: fine, stdout: svg } = await fettle(['cpu', 'flame', 'a.heapprofile', '-o', '-', '--format', 'svg'], { cwd: dir });
  assert.equal(fine, 0);
  assert.match(svg.toString(), /<title>keeps \/a\.js:1:1, 3\.0 MB \(100\.00 %\), itself 3\.0 MB/);
});

test('what cannot be written or read is said', async () => {
  const said = async (...args) => {
    const { code, stderr } = await fettle(['cpu', 'flame', ...args], { cwd: dir });
    return `${code} ${stderr}`;
  };
  assert.match(await said('crafted.cpuprofile', '-o', 'x.png'), /^2 .*-o x\.png: its ending does not say what to write; name it \.html, \.svg or \.speedscope\.json/);
  assert.match(await said('crafted.cpuprofile', '-o', '/nowhere/x.html'), /^1 .*\/nowhere\/x\.html cannot be written: No such file/);
  assert.match(await said('crafted.svg'), /^2 .*crafted\.svg: /);
  assert.match(await said('crafted.cpuprofile', '-o', '-', '--json'), /^2 .*both write to the standard output/);
  assert.match(await said(), /^2 .*needs a FILE, such as app\.cpuprofile/);
});

// What V8 inlines is a part of its caller in a profile: sorts() is too large for that.
const PROGRAM = `
  function spins() { let sum = 0; for (let i = 0; i < 1e6; i++) sum += Math.sqrt(i); return sum; }
  function sorts() { return Array.from({ length: 20000 }, (_, i) => (i * 7919) % 20011).sort().length; }
  function joins() { return Array.from({ length: 20000 }, (_, i) => i).join('').length; }
  const jobs = [spins, sorts, joins, spins];
  let at = 0;
  setInterval(() => jobs.forEach(() => (globalThis.result = jobs[at++ % jobs.length]())), 10);
  setTimeout(() => console.log('ready'), 1);`;

test('a process that runs: the graph at once, or besides its profile', async (t) => {
  const child = await node(t, PROGRAM, { flags: ['--inspect-port=0'] });
  const cwd = folder(t);
  const record = async (...flags) => {
    const { code, stdout, stderr } = await fettle(['cpu', 'record', String(child.pid), '-s', '1', '--json', ...flags], { cwd });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout).files[0];
  };
  const graph = await record('-o', 'x.svg');
  assert.equal(graph.bytes, fs.statSync(path.join(cwd, 'x.svg')).size);
  assert.match(fs.readFileSync(path.join(cwd, 'x.svg'), 'utf8'), /<title>sorts /);
  const { file, flame: besides } = await record('--flame', '-o', 'y.cpuprofile.gz');
  assert.deepEqual([file, besides], ['y.cpuprofile.gz', 'y.flame.html']);
  assert.match(fs.readFileSync(path.join(cwd, 'y.flame.html'), 'utf8'), /sorts/);
  assert.deepEqual(fs.readdirSync(cwd).sort(), ['x.svg', 'y.cpuprofile.gz', 'y.flame.html']);
  const { code, stderr } = await fettle(['cpu', 'record', String(child.pid), '--flame', '-o', '-'], { cwd });
  assert.match(`${code} ${stderr}`, /^2 .*--flame is a flame graph besides the profile's file/);
});
