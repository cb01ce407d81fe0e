import { readFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { keepPicture, signIn, violationsOn } from '../support/console.ts';
import { consoleWindow, NUMBER, PHONE, USER } from '../support/console-window.ts';

const OTHER_PHONE = '+4915112345672';

// Each test goes on where the one before ended.
describe.skipIf(!chromiumPath)('a provider’s day', () => {
  const window = consoleWindow();
  const { open, button, dialog, row } = window;

  test('a wrong token is refused in words, and the browser asks for nothing by itself', async () => {
    await window.page.getByLabel('Account SID, or e-mail address').fill('nobody@kohl.example');
    await window.page.getByLabel('Auth token, or password').fill('wrong');
    await button('Sign in').click();
    await window.page.getByText('These credentials are not accepted.').waitFor();
    // Chromium itself reports each answer that is an error.
    expect(window.complaints.splice(0)).toEqual([expect.stringContaining('401')]);
  });

  test('signing in leads to the overview, and keeps nothing in storage', async () => {
    await signIn(window.page);
    await window.page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(await window.page.evaluate('sessionStorage.length')).toBe(0);
  });

  test('an enterprise is created, and a name that is taken is refused at its field', async () => {
    await open('Enterprises');
    await window.page.getByText('No enterprises yet').waitFor();
    const create = async (name: string, email: string) => {
      await button('Create an enterprise').click();
      await dialog().getByLabel('Name', { exact: false }).first().fill(name);
      await dialog().getByLabel('E-mail address').fill(email);
      await dialog().getByLabel('Password').fill('a-long-password');
      await dialog().getByRole('button', { name: 'Create' }).click();
    };
    await create('Kohl', 'admin@kohl.example');
    await window.page.getByRole('heading', { name: 'Kohl' }).waitFor();
    await open('Enterprises');
    await create('kohl', 'other@kohl.example');
    await dialog().getByText('Another enterprise has this name.').waitFor();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await row('admin@kohl.example').waitFor();
  });

  test('filters and sorts are in the address, and back goes back', async () => {
    await window.page.getByRole('search').getByLabel('Name').fill('koh');
    await window.page.waitForURL(/#\/enterprises\?name=koh/);
    await window.page.getByLabel('Status').selectOption('Inactive');
    await window.page.getByText('Nothing matches these filters.').waitFor();
    await window.page.goBack();
    await row('Kohl').waitFor();
    expect(window.page.url()).toMatch(/#\/enterprises\?name=koh$/);
    await button('Created').click();
    await window.page.waitForURL(/sort=DATE_CREATED&direction=ASC/);
    await expect.poll(() => window.page.getByRole('columnheader', { name: 'Created' }).getAttribute('aria-sort')).toBe('ascending');
  });

  test('a bot is set up step by step, and checked with Microsoft', async () => {
    await row('Kohl').getByRole('link', { name: 'Kohl' }).click();
    await window.page.getByRole('link', { name: 'Set up a bot' }).click();
    await button('Next').click();
    await window.page.getByText(`${window.gateway.url}/api/messages`).waitFor();
    await window.page.getByLabel('Application (client) ID').fill('11111111-2222-4333-8444-555555555555');
    await window.page.getByLabel('Directory (tenant) ID').fill('66666666-7777-4888-8999-000000000000');
    await button('Next').click();
    await window.page.getByLabel('Value of the client secret').fill('a-client-secret');
    await window.page.getByLabel('The secret ends on').fill('2222-05-06');
    await button('Next').click();
    // Without an app of one's own, nothing is to be given: the package has the application's id.
    expect(await window.page.getByLabel('ID of the app in Teams').inputValue()).toBe('11111111-2222-4333-8444-555555555555');
    await button('Create').click();
    // The page on which an administrator of the tenant grants consent.
    const consent = window.page.getByRole('link', { name: 'Grant admin consent at Microsoft' });
    expect(await consent.getAttribute('href')).toMatch(
      /\/66666666-7777-4888-8999-000000000000\/adminconsent\?client_id=11111111-2222-4333-8444-555555555555$/,
    );
    const download = window.page.waitForEvent('download');
    await button('Download the app package').click();
    expect((await download).suggestedFilename()).toMatch(/\.zip$/);
    await button('Check with Microsoft').click();
    await window.page.getByText('The bot is ready.').waitFor();
    expect(await window.page.getByRole('listitem').filter({ hasText: 'passed' }).count()).toBe(5);
  });

  test('a mapping is created', async () => {
    await open('Mappings');
    await button('Create a mapping').click();
    await dialog().getByLabel('Teams user').fill(USER);
    await dialog().getByLabel('Phone number').fill(NUMBER);
    await dialog().getByRole('button', { name: 'Create' }).click();
    await window.page.getByRole('heading', { name: USER }).waitFor();
  });

  test('messages in both directions arrive live, with their status', async () => {
    await open('Messages');
    await window.page.getByText('Live', { exact: true }).waitFor();
    await window.page.getByText('No messages yet').waitFor();
    await window.gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Are you open tomorrow?' });
    await row('Are you open tomorrow?').getByText('Delivered').waitFor();
    await window.gateway.play('/stand-in/teams', { microsoftAddress: USER, text: `${PHONE} From nine` });
    await row('From nine').getByText('Delivered').waitFor();
    expect(await window.page.getByRole('row').nth(1).textContent()).toContain('From nine');
  });

  test('a message has its history', async () => {
    await button('Are you open tomorrow?').click();
    await dialog().getByRole('heading', { name: 'History' }).waitFor();
    const statuses = await dialog().getByRole('listitem').allTextContents();
    expect(statuses.map((text) => text.replace(/^.*[AP]M ?/, ''))).toEqual(['Queued', 'Delivered']);
    const time = dialog().locator('time').last();
    expect(await time.getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    await window.page.goBack();
    await dialog().waitFor({ state: 'detached' });
  });

  test('offline, the page says so; back online, nothing is missing', async () => {
    await window.page.context().setOffline(true);
    // An open connection survives Chromium's emulation, which a laptop's sleep does not.
    await window.page.evaluate('window.dispatchEvent(new Event("offline"))');
    await window.page.getByText('Not connected: trying again').waitFor();
    await window.gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'While you were away' });
    await window.page.context().setOffline(false);
    await row('While you were away').getByText('Delivered').waitFor();
    await window.page.getByText('Live', { exact: true }).waitFor();
    window.complaints.splice(0);
  });

  test('a message to an inactive enterprise is stuck, and is sent again once that is cured', async () => {
    const { data } = await window.gateway.graph('{ enterprises { nodes { sid } } }');
    const [{ sid }] = data.enterprises.nodes;
    await window.gateway.graph('mutation ($input: UpdateEnterpriseInput!) { updateEnterprise(input: $input) { __typename } }', {
      input: { sid, status: 'INACTIVE' },
    });
    await window.gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Stuck for a while' });
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
      await window.page.getByText('1 messages are sent again.').waitFor({ timeout: 2000 });
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
    await Promise.all(texts.map((body) => window.gateway.play('/stand-in/sms', { from: OTHER_PHONE, to: NUMBER, body })));
    await window.page.reload();
    await signIn(window.page);
    await open('Messages');
    await row('Row ').first().waitFor();
    const viewport = window.page.getByRole('rowgroup', { name: 'Messages' });
    const toEnd = () => viewport.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await vi.waitFor(async () => {
      await toEnd();
      await row('Are you open tomorrow?').waitFor({ timeout: 500 });
    }, 20_000);
    expect(await window.page.getByRole('row').count()).toBeLessThan(60);
    await window.gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'While you scrolled' });
    await button('Show new messages (1)').click();
    await row('While you scrolled').waitFor();
  });

  test('a failed message says why', async () => {
    // The embedded carrier refuses numbers that end in 0.
    await window.gateway.play('/stand-in/teams', { microsoftAddress: USER, text: '+4915112345670 Will not arrive' });
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
    await window.page.getByRole('listitem').filter({ hasText: 'From nine' }).waitFor();
    await window.page.getByLabel('SMS').fill('€'.repeat(81));
    await window.page.getByText('81 characters, 2 segments, GSM-7').waitFor();
    await window.page.getByLabel('SMS').fill('See you, 你好');
    await window.page.getByText('11 characters, 1 segments, UCS-2').waitFor();
    await button('Send').click();
    await window.page.getByRole('listitem').filter({ hasText: 'See you' }).getByText('Delivered').waitFor();
    expect(await window.page.getByLabel('SMS').inputValue()).toBe('');
  });

  test('usage adds up what was sent, and the CSV has the same sum', async () => {
    await open('Usage');
    const total = Number(/: (\d+) messages/.exec((await window.page.getByText(/^In total/).textContent()) ?? '')?.[1]);
    await window.page.getByLabel('And by').selectOption('Status');
    await row('Delivered').nth(1).waitFor();
    const [saved] = await Promise.all([window.page.waitForEvent('download'), button('Download as CSV').click()]);
    const [head = '', ...lines] = (await readFile(await saved.path(), 'utf8')).trim().split('\r\n');
    const column = head.split(',').indexOf('messages');
    expect(lines.reduce((sum, line) => sum + Number(line.split(',')[column]), 0)).toBe(total);
    const { data } = await window.gateway.graph('{ messages { totalCount } }');
    expect(total).toBe(data.messages.totalCount);
  });

  test('the audit log has what was done', async () => {
    await open('Audit log');
    await row('Enterprise created').waitFor();
    // One alone, and with all others.
    expect(await row('Message sent again').count()).toBeGreaterThanOrEqual(2);
    await window.page.getByLabel('Action').selectOption('Bot checked');
    await window.page.waitForURL(/action=BOT_VERIFY/);
    await row('Enterprise created').waitFor({ state: 'detached' });
    await row('Bot checked').waitFor();
  });

  test('signing out revokes the session’s token, and forgets it', async () => {
    const revoked = window.page.waitForResponse(async (response) => (await response.text()).includes('RevokeAccessTokenSuccess'));
    await button('Sign out').click();
    await revoked;
    expect(await violationsOn(window.page)).toEqual([]);
    await keepPicture(window.page, 'sign-in');
    await window.page.reload();
    await window.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});
