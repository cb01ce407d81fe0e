import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { signIn } from '../support/console.ts';
import { consoleWindow, createKohl, insertMessages } from '../support/console-window.ts';

const MESSAGES = 10_000;
/** What a frame has at 60 frames a second, in ms. */
const FRAME = 1000 / 60;
const FRAMES = 240;

describe.skipIf(!chromiumPath)('ten thousand messages', () => {
  let enterpriseSid: string;
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      enterpriseSid = await createKohl(gateway);
      await insertMessages(gateway, enterpriseSid, MESSAGES, new Date('2026-11-01'), 1000);
      await signIn(page);
    },
  });

  test.each([
    ['a desktop', 1200, 44],
    ['a phone', 400, 84],
  ])('scroll on %s in less than the time of a frame, and few of them are rendered', async (_, width, height) => {
    const { page, gateway } = window;
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${gateway.url}/console/#/overview`);
    await page.goto(`${gateway.url}/console/#/messages`);
    const viewport = page.getByRole('rowgroup', { name: 'Messages' });
    await viewport.waitFor();
    // In the page, since a call for each frame would take longer than the frame.
    await viewport.evaluate(async (element) => {
      const frame = () => new Promise((resolve) => element.ownerDocument.defaultView?.requestAnimationFrame(resolve));
      while (element.closest('[role=table]')?.getAttribute('aria-rowcount') === '-1') {
        element.scrollTo(0, element.scrollHeight);
        await frame();
      }
      element.scrollTo(0, 0);
    });
    expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe(String(MESSAGES + 1));
    expect(await viewport.evaluate((element) => element.scrollHeight)).toBe(MESSAGES * height);

    const debuggee = await page.context().newCDPSession(page);
    // The processor's time, which other processes do not lengthen.
    await debuggee.send('Performance.enable', { timeDomain: 'threadTicks' });
    const busy = async () => {
      const { metrics } = await debuggee.send('Performance.getMetrics');
      return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000;
    };
    const before = await busy();
    const most = await viewport.evaluate(async (element, frames) => {
      let rows = 0;
      for (let frame = 1; frame <= frames; frame += 1) {
        element.scrollTo(0, frame * 200);
        await new Promise((resolve) => element.ownerDocument.defaultView?.requestAnimationFrame(resolve));
        rows = Math.max(rows, element.querySelectorAll('[role=row]').length);
      }
      return rows;
    }, FRAMES);
    expect((await busy()) - before).toBeLessThan(FRAMES * FRAME);
    expect(most).toBeLessThan(60);
    const middle = Math.floor((FRAMES * 200) / height);
    await page.getByText(`Message ${MESSAGES - middle}`, { exact: true }).waitFor();
    await debuggee.detach();
  });

  test('are counted as the console’s language writes numbers, not the browser’s', async () => {
    const { page, gateway } = window;
    await page.setViewportSize({ width: 1200, height: 800 });
    await page.goto(`${gateway.url}/console/#/enterprises/${enterpriseSid}`);
    await page.getByText('10,000', { exact: true }).waitFor();
    await page.getByLabel('Language').selectOption('de');
    await page.getByText('10.000', { exact: true }).waitFor();
  });
});
