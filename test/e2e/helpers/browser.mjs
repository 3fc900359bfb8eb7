// helpers/browser.mjs -- Debian's Chromium, driven by playwright-core, for tests of pages
//
// One browser a test file; each page is watched: an error on its console, a request to anywhere else
// or a violation of its Content-Security-Policy fails the test.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fs from 'node:fs';

const require = createRequire(import.meta.url);
const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const PATIENCE_MS = 20000;

/** The browser; FETTLE_CHROME names another program. */
export async function browserStart() {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: process.env.FETTLE_CHROME ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}

/** A page in a context of its own: { page, done }. `done` closes it, and throws if anything went wrong on it but what `expected` matches. */
export async function pageOpen(browser, url, { expected, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, locale: 'en-US', ...options });
  const page = await context.newPage();
  const wrong = [];
  const ours = url.startsWith('file:') ? url : new URL(url).origin;
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => !request.url().startsWith(ours) && !request.url().startsWith('data:') && wrong.push(`asks for ${request.url()}`));
  await page.goto(url);
  return {
    page,
    async done() {
      await context.close();
      assert.deepEqual(wrong.filter((text) => !expected?.test(text)), []);
    },
  };
}

/** axe-core finds no violation of WCAG 2.2 A and AA. */
export async function accessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`), []);
}
