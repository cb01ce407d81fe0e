import { readFile } from 'node:fs/promises';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { type ConsoleGateway, createConsoleGateway, openConsole, signIn } from '../support/console.ts';

// A provider's day at the console, in order: each test goes on where the one before ended.

const USER = 'sunny@kohl.example';
const NUMBER = '+493023125042';
const PHONE = '+4915112345671';
const OTHER_PHONE = '+4915112345672';

describe.skipIf(!chromiumPath)('a provider’s day', () => {
  let gateway: ConsoleGateway;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    [gateway, browser] = await Promise.all([createConsoleGateway(), launchChromium()]);
    ({ page, complaints } = await openConsole(browser, `${gateway.url}/console/`));
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });
  afterEach(() => expect(complaints.splice(0)).toEqual([]));

  const open = (name: string) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const dialog = () => page.getByRole('dialog');
  const row = (text: string) => page.getByRole('row').filter({ hasText: text });

  test('a wrong token is refused in words, and the browser asks for nothing by itself', async () => {
    await page.getByLabel('Account SID, or e-mail address').fill('nobody@kohl.example');
    await page.getByLabel('Auth token, or password').fill('wrong');
    await button('Sign in').click();
    await page.getByText('These credentials are not accepted.').waitFor();
    // Chromium itself reports each answer that is an error.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);
  });

  test('signing in leads to the overview, and keeps nothing in storage', async () => {
    await signIn(page);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  test('an enterprise is created, and a name that is taken is refused at its field', async () => {
    await open('Enterprises');
    await page.getByText('No enterprises yet').waitFor();
    const create = async (name: string, email: string) => {
      await button('Create an enterprise').click();
      await dialog().getByLabel('Name', { exact: false }).first().fill(name);
      await dialog().getByLabel('E-mail address').fill(email);
      await dialog().getByLabel('Password').fill('a-long-password');
      await dialog().getByRole('button', { name: 'Create' }).click();
    };
    await create('Kohl', 'admin@kohl.example');
    await page.getByRole('heading', { name: 'Kohl' }).waitFor();
    await open('Enterprises');
    await create('kohl', 'other@kohl.example');
    await dialog().getByText('Another enterprise has this name.').waitFor();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await row('admin@kohl.example').waitFor();
  });

  test('filters and sorts are in the address, and back goes back', async () => {
    await page.getByRole('search').getByLabel('Name').fill('koh');
    await page.waitForURL(/#\/enterprises\?name=koh/);
    await page.getByLabel('Status').selectOption('Inactive');
    await page.getByText('Nothing matches these filters.').waitFor();
    await page.goBack();
    await row('Kohl').waitFor();
    expect(page.url()).toMatch(/#\/enterprises\?name=koh$/);
    await button('Created').click();
    await page.waitForURL(/sort=DATE_CREATED&direction=ASC/);
    expect(await page.getByRole('columnheader', { name: 'Created' }).getAttribute('aria-sort')).toBe('ascending');
  });

  test('a bot is set up step by step, and checked with Microsoft', async () => {
    await row('Kohl').getByRole('link', { name: 'Kohl' }).click();
    await page.getByRole('link', { name: 'Set up a bot' }).click();
    await button('Next').click();
    await page.getByText(`${gateway.url}/api/messages`).waitFor();
    await page.getByLabel('Application (client) ID').fill('11111111-2222-4333-8444-555555555555');
    await page.getByLabel('Directory (tenant) ID').fill('66666666-7777-4888-8999-000000000000');
    await page.getByLabel('Client secret').fill('a-client-secret');
    await button('Next').click();
    await page.getByLabel('ID of the app in Teams').fill('app-1');
    await button('Create').click();
    await button('Check with Microsoft').click();
    await page.getByText('The bot is ready.').waitFor();
    expect(await page.getByRole('listitem').filter({ hasText: 'passed' }).count()).toBe(3);
  });

  test('a mapping is created', async () => {
    await open('Mappings');
    await button('Create a mapping').click();
    await dialog().getByLabel('Teams user').fill(USER);
    await dialog().getByLabel('Phone number').fill(NUMBER);
    await dialog().getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: USER }).waitFor();
  });

  test('messages in both directions arrive live, with their status', async () => {
    await open('Messages');
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText('No messages yet').waitFor();
    await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Are you open tomorrow?' });
    await row('Are you open tomorrow?').getByText('Delivered').waitFor();
    await gateway.play('/stand-in/teams', { microsoftAddress: USER, text: `${PHONE} From nine` });
    await row('From nine').getByText('Delivered').waitFor();
    expect(await page.getByRole('row').nth(1).textContent()).toContain('From nine');
  });

  test('a message has its history', async () => {
    await button('Are you open tomorrow?').click();
    await dialog().getByRole('heading', { name: 'History' }).waitFor();
    const statuses = await dialog().getByRole('listitem').allTextContents();
    expect(statuses.map((text) => text.replace(/^.*[AP]M ?/, ''))).toEqual(['Queued', 'Delivered']);
    const time = dialog().locator('time').last();
    expect(await time.getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    await page.goBack();
    await dialog().waitFor({ state: 'detached' });
  });

  test('offline, the page says so; back online, nothing is missing', async () => {
    await page.context().setOffline(true);
    // An open connection survives Chromium's emulation, which a laptop's sleep does not.
    await page.evaluate('window.dispatchEvent(new Event("offline"))');
    await page.getByText('Not connected: trying again').waitFor();
    await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'While you were away' });
    await page.context().setOffline(false);
    await row('While you were away').getByText('Delivered').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    complaints.splice(0);
  });

  test('a message to an inactive enterprise is stuck, and is sent again once that is cured', async () => {
    const { data } = await gateway.graph('{ enterprises { nodes { sid } } }');
    const [{ sid }] = data.enterprises.nodes;
    await gateway.graph('mutation ($input: UpdateEnterpriseInput!) { updateEnterprise(input: $input) { __typename } }', {
      input: { sid, status: 'INACTIVE' },
    });
    await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Stuck for a while' });
    await row('Stuck for a while').waitFor();
    await open('Overview');
    const isStuck = () =>
      vi.waitFor(
        async () => {
          await button('Refresh').click();
          await row('Stuck for a while').getByText('The enterprise is inactive').waitFor({ timeout: 1000 });
        },
        { timeout: 20_000 },
      );
    await isStuck();
    await button('Stuck for a while').click();
    await dialog().getByRole('button', { name: 'Send again' }).click();
    await dialog().getByText('The message is sent again.').waitFor();
    await dialog().getByRole('button', { name: 'Close' }).click();
    await isStuck();
    await button('Send all again').click();
    await page.getByText('1 messages are sent again.').waitFor();
    await isStuck();
    await row('Stuck for a while').getByRole('link', { name: 'Kohl' }).click();
    await button('Activate').click();
    await dialog().getByRole('button', { name: 'Activate' }).click();
    await dialog().waitFor({ state: 'detached' });
    await open('Messages');
    await row('Stuck for a while').getByText('Delivered').waitFor();
  });

  test('a long list renders what can be seen, reads on as one scrolls, and holds new messages back meanwhile', async () => {
    const texts = Array.from({ length: 120 }, (_, index) => `Row ${index}`);
    await Promise.all(texts.map((body) => gateway.play('/stand-in/sms', { from: OTHER_PHONE, to: NUMBER, body })));
    await page.reload();
    await signIn(page);
    await open('Messages');
    await row('Row ').first().waitFor();
    const viewport = page.getByRole('rowgroup', { name: 'Messages' });
    const toEnd = () => viewport.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await vi.waitFor(async () => {
      await toEnd();
      await row('Are you open tomorrow?').waitFor({ timeout: 500 });
    }, 20_000);
    expect(await page.getByRole('row').count()).toBeLessThan(60);
    await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'While you scrolled' });
    await button('Show new messages (1)').click();
    await viewport.evaluate((element) => element.scrollTo(0, 0));
    await row('While you scrolled').waitFor();
  });

  test('a failed message says why', async () => {
    // The embedded carrier refuses numbers that end in 0.
    await gateway.play('/stand-in/teams', { microsoftAddress: USER, text: '+4915112345670 Will not arrive' });
    await row('Will not arrive')
      .getByText(/Failed|Not delivered/)
      .waitFor();
    await button('Will not arrive').click();
    await dialog().getByRole('heading', { name: 'History' }).waitFor();
    expect(await dialog().getByRole('definition').nth(1).textContent()).toMatch(/\S/);
    await dialog().getByRole('button', { name: 'Close' }).click();
  });

  test('a conversation is a chat, in which an SMS is sent, its segments counted as one types', async () => {
    await open('Conversations');
    await row(PHONE).getByRole('link', { name: PHONE }).click();
    await page.getByRole('listitem').filter({ hasText: 'From nine' }).waitFor();
    await page.getByLabel('SMS').fill('€'.repeat(81));
    await page.getByText('81 characters, 2 segments, GSM-7').waitFor();
    await page.getByLabel('SMS').fill('See you, 你好');
    await page.getByText('11 characters, 1 segments, UCS-2').waitFor();
    await button('Send').click();
    await page.getByRole('listitem').filter({ hasText: 'See you' }).getByText('Delivered').waitFor();
    expect(await page.getByLabel('SMS').inputValue()).toBe('');
  });

  test('usage adds up what was sent, and the CSV has the same sum', async () => {
    await open('Usage');
    const total = Number(/: (\d+) messages/.exec((await page.getByText(/^In total/).textContent()) ?? '')?.[1]);
    await page.getByLabel('And by').selectOption('Status');
    await row('Delivered').nth(1).waitFor();
    const [saved] = await Promise.all([page.waitForEvent('download'), button('Download as CSV').click()]);
    const [head = '', ...lines] = (await readFile(await saved.path(), 'utf8')).trim().split('\r\n');
    const column = head.split(',').indexOf('messages');
    expect(lines.reduce((sum, line) => sum + Number(line.split(',')[column]), 0)).toBe(total);
    const { data } = await gateway.graph('{ messages { totalCount } }');
    expect(total).toBe(data.messages.totalCount);
  });

  test('the audit log has what was done', async () => {
    await open('Audit log');
    await row('Enterprise created').waitFor();
    // One alone, and with all others.
    expect(await row('Message sent again').count()).toBe(2);
    await page.getByLabel('Action').selectOption('Bot checked');
    await page.waitForURL(/action=BOT_VERIFY/);
    await row('Enterprise created').waitFor({ state: 'detached' });
    await row('Bot checked').waitFor();
  });

  test('an access token is created with the password, shown once, and revoked', async () => {
    await open('Access tokens');
    await page.getByLabel('Auth token, or password').fill('console-test-token');
    await button('Next').click();
    await button('Create an access token').click();
    await dialog().getByRole('button', { name: 'Create' }).click();
    await page.getByText('It is not shown again').waitFor();
    expect(await page.locator('code').textContent()).toMatch(/^ey/);
    // The newest is first; the other one is this session's.
    await page.getByRole('button', { name: 'Revoke' }).first().click();
    await row('revoked').waitFor();
  });

  test('an account is created with the own token, and suspended', async () => {
    await open('Accounts');
    const confirm = async (name: string) => {
      await dialog().getByLabel('Your own auth token').fill('console-test-token');
      await dialog().getByRole('button', { name }).click();
      await dialog().waitFor({ state: 'detached' });
    };
    await button('Create an account').click();
    await dialog().getByLabel('E-mail address').fill('reader@provider.example');
    await dialog().getByLabel('Permissions').selectOption('Read only');
    await confirm('Create');
    await page.getByText('It is not shown again').waitFor();
    await row('reader@provider.example').getByRole('button', { name: 'Suspend' }).click();
    await confirm('Suspend');
    await row('reader@provider.example').getByText('Suspended').waitFor();
    // The default: what the creator itself may do.
    await button('Create an account').click();
    await dialog().getByLabel('E-mail address').fill('partner@provider.example');
    await confirm('Create');
    await row('partner@provider.example').waitFor();
    const { data } = await gateway.graph('{ viewer { permissions } accounts { nodes { email permissions } } }');
    const made = data.accounts.nodes.find(({ email }: { email: string }) => email === 'partner@provider.example');
    expect(made.permissions).toEqual(data.viewer.permissions);
  });

  test('German is a choice away, and stays', async () => {
    await page.getByLabel('Language').selectOption('Deutsch');
    await page.getByRole('link', { name: 'Unternehmen' }).click();
    await page.getByRole('heading', { name: 'Unternehmen' }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('de');
    await page.getByLabel('Sprache').selectOption('English');
  });

  const pages = [
    'overview',
    'messages',
    'conversations',
    'usage',
    'enterprises',
    'mappings',
    'bots',
    'bot-setup',
    'tokens',
    'accounts',
    'audit',
  ];

  // How pages look does not depend on the database: on one of them is enough.
  describe.skipIf(inject('postgres')).each([
    ['light', 1200],
    ['dark', 1200],
    ['light', 400],
    ['dark', 400],
  ] as const)('in %s colours, %i pixels wide', (theme, width) => {
    test.each(pages)('axe finds nothing to complain about on %s, and nothing sticks out', async (name) => {
      await page.setViewportSize({ width, height: 800 });
      await page.getByLabel('Theme').selectOption(theme);
      await page.goto(`${gateway.url}/console/#/${name}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByText('Loading…').waitFor({ state: 'detached' });
      expect(await violationsOn(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    });
  });

  test('axe finds nothing to complain about in dialogs and on pages of one thing', async () => {
    await page.setViewportSize({ width: 1200, height: 800 });
    const { data } = await gateway.graph(
      '{ enterprises { nodes { sid bot { sid } mappings { nodes { sid } } } } messages { nodes { sid } } conversations { nodes { sid } } }',
    );
    const [enterprise] = data.enterprises.nodes;
    const paths = [
      `enterprises/${enterprise.sid}`,
      `bots/${enterprise.bot.sid}`,
      `mappings/${enterprise.mappings.nodes[0].sid}`,
      `messages?message=${data.messages.nodes[0].sid}`,
    ];
    for (const path of paths) {
      await page.goto(`${gateway.url}/console/#/${path}`);
      await page.getByText(/^SID$/).waitFor();
      expect([path, await violationsOn(page)]).toEqual([path, []]);
    }
    await page.goto(`${gateway.url}/console/#/conversations/${data.conversations.nodes[0].sid}`);
    await page.getByLabel('SMS').waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await page.goto(`${gateway.url}/console/#/enterprises`);
    await button('Create an enterprise').click();
    expect(await violationsOn(page)).toEqual([]);
    await dialog().getByRole('button', { name: 'Cancel' }).click();
  });

  test('signing out forgets the session', async () => {
    await button('Sign out').click();
    expect(await violationsOn(page)).toEqual([]);
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});

/** What axe finds on a page that is at rest. */
async function violationsOn(page: Page): Promise<string[]> {
  await page.evaluate('Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))');
  // By the debugger's protocol, so that the page's own policy stays as it is.
  await page.evaluate(axe.source);
  // Tabster, which keeps the focus for Fluent UI, has elements that pass the focus on at once: nobody stays on one.
  const found = (await page.evaluate('axe.run({ exclude: ["[data-tabster-dummy]"] })')) as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
