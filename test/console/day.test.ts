import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  type ConsoleGateway,
  createConsoleGateway,
  keepPicture,
  openConsole,
  signIn,
  violationsOn,
} from '../support/console.ts';

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
  const confirm = async (name: string) => {
    await dialog().getByLabel('Your own auth token').fill(AUTH_TOKEN);
    await dialog().getByRole('button', { name }).click();
    await dialog().waitFor({ state: 'detached' });
  };
  /** Whether credentials are accepted. */
  const isAccepted = async (user: string, password: string) => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/json' };
    return (await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body: '{"query":"{ viewer { permissions } }"}' })).ok;
  };

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
    expect(await page.getByRole('listitem').filter({ hasText: 'passed' }).count()).toBe(5);
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
    // While it is being tried, it is not stuck, though the page may still show it.
    await vi.waitFor(async () => {
      await isStuck();
      await button('Send all again').click();
      await page.getByText('1 messages are sent again.').waitFor({ timeout: 2000 });
    }, 20_000);
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
    expect(await row('Message sent again').count()).toBeGreaterThanOrEqual(2);
    await page.getByLabel('Action').selectOption('Bot checked');
    await page.waitForURL(/action=BOT_VERIFY/);
    await row('Enterprise created').waitFor({ state: 'detached' });
    await row('Bot checked').waitFor();
  });

  test('an access token is created with the password, shown once, and revoked', async () => {
    await open('Access tokens');
    await page.getByLabel('Auth token, or password').fill(AUTH_TOKEN);
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

  test('another account’s token is replaced, and shown once', async () => {
    await row('partner@provider.example').getByRole('button', { name: 'Replace the token' }).click();
    await confirm('Replace the token');
    const token = (await page.locator('code').textContent()) ?? '';
    const { data } = await gateway.graph('{ accounts { nodes { sid email } } }');
    const { sid } = data.accounts.nodes.find(({ email }: { email: string }) => email === 'partner@provider.example');
    expect(await isAccepted(sid, token)).toBe(true);
  });

  test('an administrator is renamed, and gets another password', async () => {
    await open('Enterprises');
    await row('Kohl').getByRole('link', { name: 'Kohl' }).click();
    await button('Change the administrator').click();
    await dialog().getByLabel('Name of the administrator').fill('Karla Kohl');
    await confirm('Save');
    await page.getByText('Karla Kohl, admin@kohl.example').waitFor();
    await button('Reset the password').click();
    await dialog().getByLabel('New password of the administrator').fill('another-long-password');
    await dialog().getByLabel('Your own auth token').fill('wrong');
    await dialog().getByRole('button', { name: 'Reset the password' }).click();
    await dialog().getByText('These credentials are not accepted.').waitFor();
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);
    await confirm('Reset the password');
    expect(await isAccepted('admin@kohl.example', 'a-long-password')).toBe(false);
    expect(await isAccepted('admin@kohl.example', 'another-long-password')).toBe(true);
  });

  test('500 mappings are imported: checked first, with errors by row, then created with their progress', async () => {
    await open('Mappings');
    await button('Import mappings').click();
    const choose = async (lines: readonly string[]) => {
      const buffer = Buffer.from(lines.join('\r\n'));
      await page.locator('input[type=file]').setInputFiles({ name: 'mappings.csv', mimeType: 'text/csv', buffer });
      await button('Check the file').click();
    };
    await choose(['microsoftAddress', 'a@kohl.example']);
    await page.getByText('The file cannot be read.').waitFor();
    expect(complaints.splice(0)).toEqual([expect.stringContaining('400')]);
    const rows = Array.from(
      { length: 500 },
      (_, index) => `user${index}@kohl.example,+4930555${String(index).padStart(4, '0')},User ${index}`,
    );
    await choose(['microsoftAddress,externalAddress,name', ...rows, 'no-number@kohl.example,,', `taken@kohl.example,${NUMBER},`]);
    await page.getByText('Checked: nothing is changed yet').waitFor({ timeout: 120_000 });
    await row('no-number@kohl.example').getByText('invalid').waitFor();
    await row('taken@kohl.example').getByText('This phone number is already mapped.').waitFor();
    expect((await gateway.graph('{ mappings { totalCount } }')).data.mappings.totalCount).toBe(1);
    await keepPicture(page, 'import-checked');
    await button('Create the 500 valid mappings, without the others').click();
    await page.getByRole('progressbar').waitFor();
    await page.getByText('500 created, 2 invalid').or(page.getByText('2 invalid, 500 created')).waitFor({ timeout: 120_000 });
    await page.getByText('Done', { exact: true }).waitFor();
    expect((await gateway.graph('{ mappings { totalCount } }')).data.mappings.totalCount).toBe(501);
    await page.goBack();
    await page.getByRole('region', { name: 'Latest imports' }).getByText('500 created').waitFor();
  }, 180_000);

  test('the organization’s name, look and features are set, and the header shows them at once', async () => {
    await open('Organization');
    await page.getByLabel('Name at the top of the console').fill('Nordlicht SMS');
    await page.getByLabel('Colour of the line below the header').fill('red');
    await button('Save').click();
    await page.getByText('must be # and six hex digits').waitFor();
    await page.getByLabel('Colour of the line below the header').fill('#A01C5C');
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><circle cx="5" cy="5" r="5" fill="#a01c5c"/></svg>';
    const image = { name: 'logo.svg', mimeType: 'image/svg+xml' };
    await page.getByLabel('Logo').setInputFiles({ ...image, buffer: Buffer.from(svg.padEnd(60_000)) });
    await page.getByText('This image is too large.').waitFor();
    await page.getByLabel('Logo').setInputFiles({ ...image, buffer: Buffer.from(svg) });
    await page.getByLabel('Import mappings from a file').check();
    await button('Save').click();
    await page.getByText('Saved.').waitFor();
    const header = page.getByRole('banner');
    await header.getByText('Nordlicht SMS').waitFor();
    await header.locator('img').waitFor();
    const { data } = await gateway.graph('{ organization { displayName accentColor features logo } }');
    expect(data.organization).toMatchObject({ displayName: 'Nordlicht SMS', accentColor: '#a01c5c', features: ['ADMIN_IMPORT'] });
  });

  test('the app in Teams is given its look, for all and for one enterprise; what is wrong is said at its field', async () => {
    await open('App in Teams');
    await page.getByLabel('Short name').fill('x'.repeat(31));
    await button('Save').click();
    await page
      .getByText(/at most 30 characters/)
      .nth(1)
      .waitFor();
    await page.getByLabel('Short name').fill('Texts');
    await page.getByLabel('Website').fill('http://plain.example');
    await button('Save').click();
    await page.getByRole('alert').filter({ hasText: 'https' }).waitFor();
    await page.getByLabel('Website').fill('https://texts.example');
    await button('Save').click();
    await page.getByText('Saved.').waitFor();
    await keepPicture(page, 'teams-app');
    await open('Bots');
    await page.getByRole('link', { name: '11111111-2222-4333-8444-555555555555' }).click();
    await page.getByRole('link', { name: 'App in Teams of Kohl' }).click();
    await page.getByRole('heading', { name: 'App in Teams of Kohl' }).waitFor();
    expect(await page.getByLabel('Short name').inputValue()).toBe('Texts');
    await page.getByLabel('Short name').fill('Kohl SMS');
    await button('Save').click();
    await page.getByText('Saved.').waitFor();
    const shortNames = async (enterpriseSid?: string) =>
      (
        await gateway.graph('query ($enterpriseSid: ID) { teamsApp(enterpriseSid: $enterpriseSid) { shortName websiteUrl } }', {
          enterpriseSid,
        })
      ).data.teamsApp;
    const { data } = await gateway.graph('{ enterprises(filter: { name: "Kohl" }) { nodes { sid } } }');
    expect(await shortNames()).toEqual({ shortName: 'Texts', websiteUrl: 'https://texts.example' });
    expect(await shortNames(data.enterprises.nodes[0].sid)).toEqual({ shortName: 'Kohl SMS', websiteUrl: 'https://texts.example' });
  });

  test('a bot’s fault shows as it happens, on the overview, in the list and on its page, and so does that it is cured', async () => {
    const becomes = (status: string, reason: string | null) =>
      gateway.prisma.bot.updateMany({
        data: { healthStatus: status, healthReason: reason, healthMessage: reason && 'AADSTS7000222: expired', unhealthy: reason !== null },
      });
    const cure = 'Give the bot a working client secret';
    await open('Overview');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await becomes('UNHEALTHY', 'BOT_CREDENTIALS');
    const needed = page.getByRole('region', { name: 'Bots that need something' });
    await needed.getByText(cure).waitFor();
    await keepPicture(page, 'overview-unhealthy');
    await becomes('HEALTHY', null);
    await needed.waitFor({ state: 'detached' });
    await open('Bots');
    await row('11111111-2222').getByText('Healthy').waitFor();
    await becomes('UNHEALTHY', 'BOT_CREDENTIALS');
    await row('11111111-2222').getByText('Messages wait').waitFor();
    await page.getByLabel('Health').selectOption('Something has to be done');
    await page.waitForURL(/unhealthy=yes/);
    await page.getByRole('link', { name: '11111111-2222-4333-8444-555555555555' }).click();
    await page.getByText(cure).waitFor();
    await becomes('HEALTHY', null);
    await page.getByText(cure).waitFor({ state: 'detached' });
  });

  test('a client secret is removed once the bot has another credential', async () => {
    await page.getByRole('heading', { name: 'Credentials' }).waitFor();
    expect(await button('Remove the client secret').count()).toBe(0);
    await button('Add a secret').click();
    await dialog().getByLabel('New client secret').fill('the-next-secret');
    await dialog().getByRole('button', { name: 'Add a secret' }).click();
    await button('Remove the client secret').click();
    await keepPicture(page, 'remove-client-secret');
    await dialog().getByRole('button', { name: 'Remove' }).click();
    await button('Remove the client secret').waitFor({ state: 'detached' });
    const { data } = await gateway.graph('{ bots(first: 1) { nodes { clientSecretHint credentials { hint } } } }');
    expect(data.bots.nodes).toEqual([{ clientSecretHint: '', credentials: [{ hint: 'cret' }] }]);
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
    'mapping-import',
    'settings',
    'teams-app',
    'tokens',
    'accounts',
    'audit',
  ];

  // How pages look does not depend on the database: on one of them is enough.
  describe.skipIf(inject('postgres')).each([
    ['light', 1200],
    ['dark', 400],
  ] as const)('in %s colours, %i pixels wide', (theme, width) => {
    test.each(pages)('axe finds nothing to complain about on %s, and nothing sticks out', async (name) => {
      await page.setViewportSize({ width, height: 800 });
      await page.getByLabel('Theme').selectOption(theme);
      await page.goto(`${gateway.url}/console/#/${name}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await page.evaluate('document.documentElement.style.colorScheme')).toBe(theme);
      expect(await violationsOn(page)).toEqual([]);
      await keepPicture(page, `${name}-${theme}-${width}`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    });
  });

  test('axe finds nothing to complain about in dialogs and on pages of one thing', async () => {
    await page.setViewportSize({ width: 1200, height: 800 });
    const { data } = await gateway.graph(
      '{ enterprises { nodes { sid bot { sid } mappings { nodes { sid } } } } messages { nodes { sid } } conversations { nodes { sid } } mappingImports { sid status } }',
    );
    const [enterprise] = data.enterprises.nodes;
    const paths = [
      `enterprises/${enterprise.sid}`,
      `bots/${enterprise.bot.sid}`,
      `mappings/${enterprise.mappings.nodes[0].sid}`,
      `mapping-import/${data.mappingImports.find(({ status }: { status: string }) => status === 'COMPLETED').sid}`,
      `messages?message=${data.messages.nodes[0].sid}`,
    ];
    for (const path of paths) {
      await page.goto(`${gateway.url}/console/#/${path}`);
      await page.getByText(/^SID$/).waitFor();
      expect([path, await violationsOn(page)]).toEqual([path, []]);
      await keepPicture(page, path.split(/[/?]/)[0] === 'messages' ? 'message-dialog' : `one-${path.split('/')[0]}`);
    }
    await page.goto(`${gateway.url}/console/#/conversations/${data.conversations.nodes[0].sid}`);
    await page.getByLabel('SMS').waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await keepPicture(page, 'one-conversation');
    await page.goto(`${gateway.url}/console/#/enterprises`);
    await button('Create an enterprise').click();
    expect(await violationsOn(page)).toEqual([]);
    await dialog().getByRole('button', { name: 'Cancel' }).click();
  });

  test('one’s own token is replaced, and one stays signed in', async () => {
    await open('Accounts');
    await row('provider@example.com').getByRole('button', { name: 'Replace the token' }).click();
    await dialog().getByText('This is your own account.', { exact: false }).waitFor();
    await confirm('Replace the token');
    const token = (await page.locator('code').textContent()) ?? '';
    expect([await isAccepted(ACCOUNT_SID, AUTH_TOKEN), await isAccepted(ACCOUNT_SID, token)]).toEqual([false, true]);
    await open('Bots');
    await row('Kohl').waitFor();
    expect(await page.getByRole('alertdialog').count()).toBe(0);
  });

  test('signing out revokes the session’s token, and forgets it', async () => {
    const revoked = page.waitForResponse(async (response) => (await response.text()).includes('RevokeAccessTokenSuccess'));
    await button('Sign out').click();
    await revoked;
    expect(await violationsOn(page)).toEqual([]);
    await keepPicture(page, 'sign-in');
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});
