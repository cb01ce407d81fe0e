import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWebhookReceiver, type WebhookReceiver } from '../fakes/webhook-receiver.ts';
import { chromiumPath } from '../support/chromium.ts';
import { AUTH_TOKEN, keepPicture, signIn, violationsOn } from '../support/console.ts';
import { consoleWindow, createKohl, NUMBER, PHONE } from '../support/console-window.ts';

// Webhooks, retention and people's rights at the console, in order: each test goes on where the one before ended.
describe.skipIf(!chromiumPath)('webhooks and privacy', () => {
  let receiver: WebhookReceiver;
  let hook: string;
  beforeAll(async () => {
    receiver = await startWebhookReceiver();
    hook = `${receiver.url}/hook`;
  });
  afterAll(() => receiver.close());
  const window = consoleWindow({
    env: () => ({ WEBHOOK_HOSTS: receiver.url }),
    prepare: async ({ page, gateway }) => {
      await signIn(page);
      await createKohl(gateway);
    },
  });
  const { open, button, dialog, confirm } = window;

  const attempts = () => window.page.getByRole('region', { name: 'Latest requests' }).getByRole('row');
  const secret = async () => (await window.page.locator('code').filter({ hasText: 'whsec_' }).textContent()) ?? '';

  test('a webhook is created with the own token, and its secret shown once', async () => {
    await open('Webhooks');
    await window.page.getByText('No webhooks yet').waitFor();
    await button('Create a webhook').click();
    await dialog().getByLabel('URL').fill('http://example.com/hook');
    await dialog().getByLabel('Your own auth token').fill(AUTH_TOKEN);
    await dialog().getByRole('button', { name: 'Create' }).click();
    await dialog().getByRole('alert').waitFor();
    await dialog().getByLabel('URL').fill(hook);
    await dialog().getByLabel('Delivered', { exact: true }).check();
    expect(await violationsOn(window.page)).toEqual([]);
    await keepPicture(window.page, 'webhook-create');
    await confirm('Create');
    receiver.trust('/hook', await secret());
    await window.page.getByRole('link', { name: hook }).waitFor();
    await keepPicture(window.page, 'webhook-created');
  });

  test('a test event and messages arrive, and the page shows the requests', async () => {
    await window.page.getByRole('link', { name: hook }).click();
    await button('Send a test event').click();
    await window.page.getByText(/^Accepted: 204 \(\d+ ms\)$/).waitFor();
    await window.page.getByLabel('Language').selectOption('Deutsch');
    await window.page.getByText(/^Angenommen: 204 \(\d+ ms\)$/).waitFor();
    await window.page.getByLabel('Sprache').selectOption('English');
    await window.gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Hello' });
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
    await window.page.getByText('Somebody disabled it').waitFor();
    await button('Enable').click();
    await confirm('Enable');
    await window.page.getByText('Somebody disabled it').waitFor({ state: 'detached' });
  });

  test('the organization and an enterprise have a retention, which an empty field takes away', async () => {
    await open('Privacy');
    const confirmDeletion = () => dialog().getByRole('button', { name: 'Delete older messages' }).click();
    const saves = async (label: string, days: string) => {
      const form = window.page.locator('form').filter({ has: window.page.getByLabel(label) });
      await form.getByLabel(label).fill(days);
      await form.getByRole('button', { name: 'Save' }).click();
      if (days !== '') {
        await dialog().getByText('So far: no limit.', { exact: false }).waitFor();
        await confirmDeletion();
      }
      await form.getByText('Saved.').waitFor();
    };
    await saves('Days, for the organization', '400');
    const retention = window.page.getByRole('region', { name: 'How long messages are kept' });
    await retention.getByRole('combobox', { name: 'Enterprise' }).fill('koh');
    await window.page.getByRole('option', { name: 'Kohl' }).click();
    await saves('Days, for this enterprise', '90');
    const read = async () =>
      (await window.gateway.graph('{ organization { messageRetentionDays } enterprises { nodes { messageRetentionDays } } }')).data;
    expect(await read()).toEqual({
      organization: { messageRetentionDays: 400 },
      enterprises: { nodes: [{ messageRetentionDays: 90 }] },
    });
    await saves('Days, for the organization', '');
    expect((await read()).organization.messageRetentionDays).toBeNull();
  });

  test('a person’s data are downloaded, and erased once their number was typed again', async () => {
    await window.page.getByLabel('Phone number').fill(PHONE);
    const [saved] = await Promise.all([window.page.waitForEvent('download'), button('Download the data').click()]);
    expect(await readFile(await saved.path(), 'utf8')).toContain('Hello');
    await button('Erase…').click();
    await dialog().getByText('Enterprise: All enterprises', { exact: false }).waitFor();
    await dialog().getByText('This cannot be undone.', { exact: false }).waitFor();
    expect(await violationsOn(window.page)).toEqual([]);
    await keepPicture(window.page, 'erase');
    await dialog().getByLabel('To confirm', { exact: false }).fill('+49');
    await dialog().getByLabel('Your own auth token').fill(AUTH_TOKEN);
    await dialog().getByRole('button', { name: 'Erase for good' }).click();
    await dialog().getByText('This is not what has to be typed.').waitFor();
    await dialog().getByLabel('To confirm', { exact: false }).fill(PHONE);
    await confirm('Erase for good');
    await window.page.getByRole('heading', { name: 'Erasure of a person' }).waitFor();
    // It belongs to the page that it was asked for on.
    await window.page.getByRole('navigation').locator('[data-current]').getByText('Privacy', { exact: true }).waitFor();
    expect(await violationsOn(window.page)).toEqual([]);
    await keepPicture(window.page, 'erasure');
  });

  test('who signs in with an access token sees webhooks, and neither creates them nor erases anybody', async () => {
    const made = await window.gateway.graph(
      'mutation { createAccessToken(input: { permissions: [READ, WRITE], expiresIn: 3600 }) { ... on CreateAccessTokenSuccess { token } } }',
    );
    const other = await window.another();
    await other.getByRole('button', { name: 'Use an access token instead' }).click();
    await other.getByLabel('Access token').fill(made.data.createAccessToken.token);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByRole('navigation').getByRole('link', { name: 'Webhooks' }).click();
    await other.getByRole('link', { name: hook }).waitFor();
    expect(await other.getByRole('button', { name: 'Create a webhook' }).count()).toBe(0);
    await other.getByRole('navigation').getByRole('link', { name: 'Privacy' }).click();
    await other.getByRole('button', { name: 'Download the data' }).waitFor();
    expect(await other.getByRole('button', { name: 'Erase…' }).count()).toBe(0);
    await other.context().close();
  });

  describe.each([
    ['light', 1200],
    ['dark', 400],
  ] as const)('in %s colours, %i pixels wide', (theme, width) => {
    test.each(['webhooks', 'webhook', 'privacy'])('axe finds nothing to complain about on %s, and nothing sticks out', async (name) => {
      await window.page.setViewportSize({ width, height: 800 });
      await window.page.getByLabel('Theme').selectOption(theme);
      const { data } = await window.gateway.graph('{ webhookEndpoints { nodes { sid } } }');
      const path = name === 'webhook' ? `webhooks/${data.webhookEndpoints.nodes[0].sid}` : name;
      await window.page.goto(`${window.gateway.url}/console/#/${path}`);
      await window.page.getByRole('heading', { level: 1 }).waitFor();
      await window.page.getByText('Loading…').waitFor({ state: 'detached' });
      await window.page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
      expect(await violationsOn(window.page)).toEqual([]);
      await keepPicture(window.page, `${name}-${theme}-${width}`);
      expect(await window.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    });
  });

  test('a webhook is deleted', async () => {
    await window.page.setViewportSize({ width: 1200, height: 800 });
    const { data } = await window.gateway.graph('{ webhookEndpoints { nodes { sid } } }');
    await window.page.goto(`${window.gateway.url}/console/#/webhooks/${data.webhookEndpoints.nodes[0].sid}`);
    await button('Delete').click();
    await dialog().getByRole('button', { name: 'Delete' }).click();
    await window.page.getByText('No webhooks yet').waitFor();
  });
});
