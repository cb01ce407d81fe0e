import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { signIn } from '../support/console.ts';
import { consoleWindow, createKohl, NUMBER, PHONE } from '../support/console-window.ts';

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

  test('is loaded once the network is back, however often the reader tries again without it', async () => {
    const { page } = window;
    await page.evaluate('globalThis.isSame = true');
    await page.context().setOffline(true);
    await open('Mappings');
    await button('Try again').click();
    const unreachable = page.waitForEvent('requestfailed', (request) => request.url().split('#')[0] === `${window.gateway.url}/console/`);
    await button('Try again').click();
    await unreachable;
    await page.getByRole('alert').getByText('This part of the console could not be loaded.', { exact: false }).waitFor();
    expect(await page.getByText(/import|module|http/i).count()).toBe(0);
    await page.context().setOffline(false);
    await heading('Mappings').waitFor();
    expect(await page.evaluate('globalThis.isSame')).toBe(true);
    window.complaints.splice(0);
  });

  test('has the console loaded anew if it cannot be loaded although the gateway can be reached, as after an update', async () => {
    const { page } = window;
    await page.route(/\/accounts-\w+\.js$/, (route) => route.abort());
    await open('Accounts');
    await button('Try again').click();
    await button('Try again').click();
    await heading('Sign in').waitFor();
    window.complaints.splice(0);
  });
});

describe.skipIf(!chromiumPath)('a message whose dialog cannot be loaded', () => {
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      await createKohl(gateway);
      await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Are you open tomorrow?' });
      await signIn(page);
    },
  });
  const { open, button, dialog } = window;
  const SCRIPT = /\/message-dialog-\w+\.js$/;

  test('leaves the page and a draft as they are, and is opened once its script can be loaded', async () => {
    const { page } = window;
    const draft = page.getByLabel('SMS');
    await open('Conversations');
    await page.getByRole('link', { name: PHONE }).click();
    await draft.fill('From nine');
    await page.route(SCRIPT, (route) => route.abort());
    await button('History').click();
    for (let times = 0; times < 2; times += 1) await Promise.all([page.waitForEvent('requestfailed'), button('Try again').click()]);
    await page.getByRole('alert').getByRole('button', { name: 'Close' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    expect(await button('History').evaluate((element) => element.ownerDocument.activeElement === element)).toBe(true);
    expect(await draft.inputValue()).toBe('From nine');
    await button('History').click();
    await button('Try again').waitFor();
    await page.unroute(SCRIPT);
    await button('Try again').click();
    await dialog().getByText('Are you open tomorrow?').waitFor();
    await dialog().getByRole('button', { name: 'Close' }).click();
    await dialog().waitFor({ state: 'detached' });
    expect(await draft.inputValue()).toBe('From nine');
    window.complaints.splice(0);
  });
});
