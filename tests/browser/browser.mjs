// A headless Chromium, pages in it, and what every page must hold.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const root = new URL('../..', import.meta.url).pathname;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const screenshots = join(root, 'target/screenshots');

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 740 };

export async function launch() {
  mkdirSync(screenshots, { recursive: true });
  const known = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const executablePath = process.env.CHROMIUM ?? known.find(existsSync);
  assert.ok(executablePath, 'a Chromium is installed, or named by CHROMIUM');
  // Tests run as root in containers, where the sandbox cannot.
  const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}

/** A window of somebody, logged in by the form. */
export async function window(browser, program, { role = 'operator', size = DESKTOP, colors = 'light', javaScript = true, policy = false } = {}) {
  const context = await browser.newContext({
    baseURL: program.url,
    viewport: size,
    colorScheme: colors,
    javaScriptEnabled: javaScript,
    reducedMotion: 'reduce',
    // Only for axe, which is put into the page; the pages' own policy has a test of its own.
    bypassCSP: javaScript && !policy,
  });
  // A machine that builds beside this takes its time.
  context.setDefaultTimeout(45_000);
  const page = await context.newPage();
  page.troubles = [];
  page.on('console', (message) => {
    // A form that was refused is an answer, not a trouble.
    const refused = /status of (403|404|409|422)/.test(message.text());
    if (message.type() === 'error' && !refused) page.troubles.push(message.text());
  });
  page.on('pageerror', (error) => page.troubles.push(String(error)));
  if (role) {
    await page.goto('/login');
    await page.getByLabel('Token').fill(program.tokens[role]);
    await page.locator('main').getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL('**/');
  }
  return page;
}

/** No serious finding of axe; nothing wider than the window. */
export async function check(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      resultTypes: ['violations'],
    });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join('\n    ')}`);
  });
  assert.deepEqual(found, [], `${name}: axe finds\n${found.join('\n')}`);
  const wider = await page.evaluate(() => {
    const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (over <= 0) return null;
    const who = [...document.querySelectorAll('body *')].find((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && getComputedStyle(e).position !== 'absolute');
    return `${over} px, by ${who?.outerHTML.slice(0, 200)}`;
  });
  assert.equal(wider, null, `${name}: the page is wider than the window`);
}

export async function shoot(page, name) {
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}
