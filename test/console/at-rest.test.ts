import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { violationsOn } from '../support/console.ts';

describe.skipIf(!chromiumPath)('axe', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
  });
  afterAll(() => browser.close());

  const content = (text: string, attributes = '') =>
    page.setContent(`<html lang="en"><title>Colours</title><main ${attributes}><h1>Colours</h1>${text}</main></html>`);

  test('says the rule, the element and its colours', async () => {
    await content('<p id="pale" style="color: #cccccc">Hardly seen</p>');
    expect(await violationsOn(page)).toEqual([expect.stringMatching(/^color-contrast: #pale: .*foreground color: #cccccc/s)]);
  });

  test.each([
    ['fades', `one.animate([{ color: '#cccccc' }, { color: '#000000' }], { duration: 400, fill: 'forwards' })`],
    ['is read again', `setTimeout(() => { one.style.color = '#000000'; one.parentElement.ariaBusy = null; }, 400)`],
    [
      'changes',
      `let grey = 204; const timer = setInterval(() => { one.style.color = 'rgb(' + Array(3).fill(grey -= 4) + ')'; if (grey <= 0) clearInterval(timer); }, 10)`,
    ],
  ])('waits while something %s', async (_, change) => {
    await content('<p style="color: #cccccc">Seen in the end</p>', change.includes('ariaBusy') ? 'aria-busy="true"' : '');
    await page.evaluate(`{ const one = document.querySelector('p'); ${change}; }`);
    expect(await violationsOn(page)).toEqual([]);
  });
});
