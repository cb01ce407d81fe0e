import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, test, vi } from 'vitest';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { createLiveGateway, createSender, type LiveGateway } from '../support/live.ts';

describe.skipIf(!chromiumPath)('GraphiQL in Chromium', () => {
  let gateway: LiveGateway;
  let browser: Browser;
  beforeAll(async () => {
    [gateway, browser] = await Promise.all([createLiveGateway(), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });

  /** Runs the example of a tab. GraphiQL needs a moment to find the operation in it. */
  async function runTab(page: Page, name: string, shown: string): Promise<void> {
    // A pointer may drag the tab instead.
    await page.getByRole('button', { name, exact: true }).dispatchEvent('click');
    await page.locator('.graphiql-editor').getByText(name).first().waitFor();
    await vi.waitFor(
      async () => {
        await page.locator('.graphiql-execute-button').click();
        await page.locator('.result-window').getByText(shown).first().waitFor({ timeout: 3000 });
      },
      { timeout: 20_000 },
    );
  }

  test('runs each of its examples', async () => {
    const provider = await gateway.provider();
    const { accountSid: username, authToken: password } = provider;
    const context = await browser.newContext({ httpCredentials: { username, password } });
    const page = await context.newPage();
    await page.goto(`${new URL(gateway.url).origin}/graphql`);
    await runTab(page, 'Viewer', username);
    await runTab(page, 'CreateEnterprise', 'admin@berg.example');
    await runTab(page, 'Enterprises', '"totalCount"');
    await runTab(page, 'Messages', '"hasNextPage"');
    await runTab(page, 'LiveMessages', '"cursor"');
    const from = await createSender(gateway, provider);
    await from.send({ body: 'Shown-in-GraphiQL' });
    await page.locator('.result-window').getByText('Shown-in-GraphiQL').first().waitFor();
    await context.close();
  });
});
