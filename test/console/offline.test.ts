import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { signIn } from '../support/console.ts';
import { consoleWindow } from '../support/console-window.ts';

// Pages whose scripts are out of reach when they are opened. Nobody signs in again: the session is in memory only.
describe.skipIf(!chromiumPath)('a page whose script cannot be loaded', () => {
  const window = consoleWindow({ prepare: ({ page }) => signIn(page) });
  const { open, button } = window;
  const heading = (name: string) => window.page.getByRole('heading', { name, level: 1 });

  test('is loaded once the network is back', async () => {
    const { page } = window;
    await page.context().setOffline(true);
    await open('Bots');
    await button('Try again').waitFor();
    await page.context().setOffline(false);
    await heading('Bots').waitFor();
    await page.getByText('No bots yet').waitFor();
    window.complaints.splice(0);
  });

  test('is loaded when the reader tries again, or opens it again', async () => {
    const { page } = window;
    await page.route(/\/(usage|webhooks)-\w+\.js$/, (route) => route.abort());
    await open('Usage');
    await button('Try again').waitFor();
    await open('Webhooks');
    await button('Try again').waitFor();
    await page.unroute(/\/(usage|webhooks)-\w+\.js$/);
    await button('Try again').click();
    await heading('Webhooks').waitFor();
    await open('Usage');
    await heading('Usage').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    window.complaints.splice(0);
  });
});
