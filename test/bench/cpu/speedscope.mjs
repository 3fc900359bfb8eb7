/* How long speedscope takes to import a file, as it says itself: {"import_s":…}.
 *
 *   node test/bench/cpu/speedscope.mjs FILE
 *
 * Its release is a page, which is opened in Chromium, headless, and given the file as a user does; the time is the one that it writes to its
 * console, from the file's name to the profile: the browser's start and drawing are not in it. */
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const RELEASE = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../profile/node_modules/speedscope/dist/release/index.html');
const PATIENCE_MS = 170_000;

const browser = await chromium.launch({
  executablePath: process.env.FETTLE_CHROME ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--js-flags=--max-old-space-size=8000'],
});
try {
  const page = await browser.newPage();
  const imported = new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`no import within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS).unref();
    page.on('pageerror', fail).on('crash', () => fail(new Error('the page has crashed')));
    page.on('console', (message) => {
      const time = /^import: ([\d.]+) ms/.exec(message.text());
      if (time) done(Number(time[1]) / 1000);
    });
  });
  await page.goto(pathToFileURL(RELEASE).href);
  await page.setInputFiles('input[type=file]', process.argv[2]);
  console.log(JSON.stringify({ import_s: await imported }));
} finally {
  await browser.close();
}
