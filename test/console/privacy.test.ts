import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startWebhookReceiver, type WebhookReceiver } from '../fakes/webhook-receiver.ts';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import {
  AUTH_TOKEN,
  type ConsoleGateway,
  createConsoleGateway,
  keepPicture,
  openConsole,
  signIn,
  violationsOn,
} from '../support/console.ts';

// Webhooks, retention and people's rights at the console, in order: each test goes on where the one before ended.

const [USER, NUMBER, PHONE] = ['sunny@kohl.example', '+493023125042', '+4915112345671'];

describe.skipIf(!chromiumPath)('webhooks and privacy', () => {
  let receiver: WebhookReceiver;
  let gateway: ConsoleGateway;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let hook: string;
  beforeAll(async () => {
    receiver = await startWebhookReceiver();
    hook = `${receiver.url}/hook`;
    [gateway, browser] = await Promise.all([createConsoleGateway({ WEBHOOK_HOSTS: receiver.url }), launchChromium()]);
    ({ page, complaints } = await openConsole(browser, `${gateway.url}/console/`));
    await signIn(page);
    const made = await gateway.graph(
      `mutation { createEnterprise(input: { name: "Kohl", enterpriseAdmin: { email: "admin@kohl.example", password: "a-long-password" } }) {
        ... on CreateEnterpriseSuccess { enterprise { sid } } } }`,
    );
    const { sid } = made.data.createEnterprise.enterprise;
    const bot = { enterpriseSid: sid, applicationId: 'app', tenantId: 'tenant', clientSecret: 'secret', botAppId: 'app' };
    await gateway.graph('mutation ($input: CreateBotInput!) { createBot(input: $input) { __typename } }', { input: bot });
    const mapping = { enterpriseSid: sid, microsoftAddress: USER, externalAddress: NUMBER };
    await gateway.graph('mutation ($input: CreateMappingInput!) { createMapping(input: $input) { __typename } }', { input: mapping });
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
    await receiver.close();
  });
  afterEach(() => expect(complaints.splice(0)).toEqual([]));

  const open = (name: string) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const dialog = () => page.getByRole('dialog');
  const attempts = () => page.getByRole('region', { name: 'Latest requests' }).getByRole('row');
  const confirm = async (name: string) => {
    await dialog().getByLabel('Your own auth token').fill(AUTH_TOKEN);
    await dialog().getByRole('button', { name }).click();
    await dialog().waitFor({ state: 'detached' });
  };
  const secret = async () => (await page.locator('code').filter({ hasText: 'whsec_' }).textContent()) ?? '';

  test('a webhook is created with the own token, and its secret shown once', async () => {
    await open('Webhooks');
    await page.getByText('No webhooks yet').waitFor();
    await button('Create a webhook').click();
    await dialog().getByLabel('URL').fill('http://example.com/hook');
    await dialog().getByLabel('Your own auth token').fill(AUTH_TOKEN);
    await dialog().getByRole('button', { name: 'Create' }).click();
    await dialog().getByRole('alert').waitFor();
    await dialog().getByLabel('URL').fill(hook);
    await dialog().getByLabel('Delivered', { exact: true }).check();
    expect(await violationsOn(page)).toEqual([]);
    await keepPicture(page, 'webhook-create');
    await confirm('Create');
    receiver.trust('/hook', await secret());
    await page.getByRole('link', { name: hook }).waitFor();
    await keepPicture(page, 'webhook-created');
  });

  test('a test event and messages arrive, and the page shows the requests', async () => {
    await page.getByRole('link', { name: hook }).click();
    await button('Send a test event').click();
    await page.getByText(/^Accepted: 204 \(\d+ ms\)$/).waitFor();
    await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Hello' });
    await receiver.until(() => receiver.received('/hook').length === 2);
    expect(receiver.received('/hook').map(({ type }) => type)).toEqual(['webhook.test', 'message.delivered']);
    await expect
      .poll(async () => {
        await button('Refresh').click();
        return attempts().filter({ hasText: 'Accepted: 204' }).count();
      })
      .toBe(2);
  });

  test('its secret is replaced: the new one and the former one sign; then events are sent again', async () => {
    await button('Replace the secret').click();
    await confirm('Replace the secret');
    receiver.trust('/hook', await secret());
    await button('Send events again').click();
    await dialog().getByLabel('Since').fill('2026-01-01T00:00');
    await dialog().getByRole('button', { name: 'Send events again' }).click();
    await dialog().waitFor({ state: 'detached' });
    await receiver.until(() => receiver.received('/hook').length === 3);
  });

  test('it is disabled and enabled', async () => {
    await button('Disable').click();
    await confirm('Disable');
    await page.getByText('Somebody disabled it').waitFor();
    await button('Enable').click();
    await confirm('Enable');
    await page.getByText('Somebody disabled it').waitFor({ state: 'detached' });
  });

  test('the organization and an enterprise have a retention, which an empty field takes away', async () => {
    await open('Privacy');
    const confirmDeletion = () => dialog().getByRole('button', { name: 'Delete older messages' }).click();
    const saves = async (label: string, days: string) => {
      const form = page.locator('form').filter({ has: page.getByLabel(label) });
      await form.getByLabel(label).fill(days);
      await form.getByRole('button', { name: 'Save' }).click();
      if (days !== '') {
        await dialog().getByText('So far: no limit.', { exact: false }).waitFor();
        await confirmDeletion();
      }
      await form.getByText('Saved.').waitFor();
    };
    await saves('Days, for the organization', '400');
    const retention = page.getByRole('region', { name: 'How long messages are kept' });
    await retention.getByRole('combobox', { name: 'Enterprise' }).fill('koh');
    await page.getByRole('option', { name: 'Kohl' }).click();
    await saves('Days, for this enterprise', '90');
    const read = async () =>
      (await gateway.graph('{ organization { messageRetentionDays } enterprises { nodes { messageRetentionDays } } }')).data;
    expect(await read()).toEqual({
      organization: { messageRetentionDays: 400 },
      enterprises: { nodes: [{ messageRetentionDays: 90 }] },
    });
    await saves('Days, for the organization', '');
    expect((await read()).organization.messageRetentionDays).toBeNull();
  });

  test('a person’s data are downloaded, and erased once their number was typed again', async () => {
    await page.getByLabel('Phone number').fill(PHONE);
    const [saved] = await Promise.all([page.waitForEvent('download'), button('Download the data').click()]);
    expect(await readFile(await saved.path(), 'utf8')).toContain('Hello');
    await button('Erase…').click();
    await dialog().getByText('Enterprise: All enterprises', { exact: false }).waitFor();
    await dialog().getByText('This cannot be undone.', { exact: false }).waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await keepPicture(page, 'erase');
    await dialog().getByLabel('To confirm', { exact: false }).fill('+49');
    await dialog().getByLabel('Your own auth token').fill(AUTH_TOKEN);
    await dialog().getByRole('button', { name: 'Erase for good' }).click();
    await dialog().getByText('This is not what has to be typed.').waitFor();
    await dialog().getByLabel('To confirm', { exact: false }).fill(PHONE);
    await confirm('Erase for good');
    await page.getByRole('heading', { name: 'Erasure of a person' }).waitFor();
    await keepPicture(page, 'erasure');
  });

  test('who signs in with an access token sees webhooks, and neither creates them nor erases anybody', async () => {
    const made = await gateway.graph(
      'mutation { createAccessToken(input: { permissions: [READ, WRITE], expiresIn: 3600 }) { ... on CreateAccessTokenSuccess { token } } }',
    );
    const other = await openConsole(browser, `${gateway.url}/console/`);
    await other.page.getByRole('button', { name: 'Use an access token instead' }).click();
    await other.page.getByLabel('Access token').fill(made.data.createAccessToken.token);
    await other.page.getByRole('button', { name: 'Sign in' }).click();
    await other.page.getByRole('navigation').getByRole('link', { name: 'Webhooks' }).click();
    await other.page.getByRole('link', { name: hook }).waitFor();
    expect(await other.page.getByRole('button', { name: 'Create a webhook' }).count()).toBe(0);
    await other.page.getByRole('navigation').getByRole('link', { name: 'Privacy' }).click();
    await other.page.getByRole('button', { name: 'Download the data' }).waitFor();
    expect(await other.page.getByRole('button', { name: 'Erase…' }).count()).toBe(0);
    await other.page.context().close();
  });

  describe.each([
    ['light', 1200],
    ['dark', 400],
  ] as const)('in %s colours, %i pixels wide', (theme, width) => {
    test.each(['webhooks', 'webhook', 'privacy'])('axe finds nothing to complain about on %s, and nothing sticks out', async (name) => {
      await page.setViewportSize({ width, height: 800 });
      await page.getByLabel('Theme').selectOption(theme);
      const { data } = await gateway.graph('{ webhookEndpoints { nodes { sid } } }');
      const path = name === 'webhook' ? `webhooks/${data.webhookEndpoints.nodes[0].sid}` : name;
      await page.goto(`${gateway.url}/console/#/${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByText('Loading…').waitFor({ state: 'detached' });
      await page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
      expect(await violationsOn(page)).toEqual([]);
      await keepPicture(page, `${name}-${theme}-${width}`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    });
  });

  test('a webhook is deleted', async () => {
    await page.setViewportSize({ width: 1200, height: 800 });
    const { data } = await gateway.graph('{ webhookEndpoints { nodes { sid } } }');
    await page.goto(`${gateway.url}/console/#/webhooks/${data.webhookEndpoints.nodes[0].sid}`);
    await button('Delete').click();
    await dialog().getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No webhooks yet').waitFor();
  });
});
