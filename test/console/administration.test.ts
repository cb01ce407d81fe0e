import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { ACCOUNT_SID, AUTH_TOKEN, keepPicture, signIn } from '../support/console.ts';
import { consoleWindow, createKohl } from '../support/console-window.ts';

// Each test goes on where the one before ended.
describe.skipIf(!chromiumPath)('whom a provider lets in, and how the console looks to them', () => {
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      await createKohl(gateway);
      await signIn(page);
    },
  });
  const { open, button, dialog, row, confirm } = window;
  /** Whether credentials are accepted. */
  const isAccepted = async (user: string, password: string) => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/json' };
    return (await fetch(`${window.gateway.url}/graphql`, { method: 'POST', headers, body: '{"query":"{ viewer { permissions } }"}' })).ok;
  };

  test('an access token is created with the password, shown once, and revoked', async () => {
    await open('Access tokens');
    await window.page.getByLabel('Auth token, or password').fill(AUTH_TOKEN);
    await button('Next').click();
    await button('Create an access token').click();
    await dialog().getByRole('button', { name: 'Create' }).click();
    await window.page.getByText('It is not shown again').waitFor();
    expect(await window.page.locator('code').textContent()).toMatch(/^ey/);
    // The newest is first; the other one is this session's.
    await window.page.getByRole('button', { name: 'Revoke' }).first().click();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await dialog().waitFor({ state: 'detached' });
    expect(await row('revoked').count()).toBe(0);
    await window.page.getByRole('button', { name: 'Revoke' }).first().click();
    await dialog().getByRole('button', { name: 'Revoke' }).click();
    await row('revoked').waitFor();
    // The button that had the focus is gone.
    const title = window.page.getByRole('heading', { name: 'Access tokens', level: 1 });
    await expect.poll(() => title.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
  });

  test('more access tokens than are shown at once are all reached', async () => {
    const { prisma } = window.gateway;
    const { organizationSid } = await prisma.account.findUniqueOrThrow({ where: { sid: ACCOUNT_SID } });
    const one = { organizationSid, accountSid: ACCOUNT_SID, permissions: ['READ'], dateExpires: new Date(Date.now() + 3_600_000) };
    await prisma.accessToken.createMany({
      data: Array.from({ length: 120 }, (_, number) => ({
        ...{ ...one, sid: `AT${String(number).padStart(32, '0')}` },
        dateCreated: new Date(Date.UTC(2026, 0, 1, 0, 0, 120 - number)),
      })),
    });
    await open('Overview');
    await open('Access tokens');
    await window.page.getByLabel('Auth token, or password').fill(AUTH_TOKEN);
    await button('Next').click();
    await window.page.getByText('100 of 122', { exact: true }).waitFor();
    expect(await row(`AT${'119'.padStart(32, '0')}`).count()).toBe(0);
    await button('Show more').dblclick();
    await window.page.getByText('122 of 122', { exact: true }).waitFor();
    await row(`AT${'119'.padStart(32, '0')}`).waitFor();
    // At the end, the button keeps the focus.
    expect(await button('Show more').evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
  });

  test('an account is created with the own token, and suspended', async () => {
    await open('Accounts');
    await button('Create an account').click();
    await dialog().getByLabel('E-mail address').fill('reader@provider.example');
    await dialog().getByLabel('Permissions').selectOption('Read only');
    await confirm('Create');
    await window.page.getByText('It is not shown again').waitFor();
    await row('reader@provider.example').getByRole('button', { name: 'Suspend' }).click();
    await confirm('Suspend');
    await row('reader@provider.example').getByText('Suspended').waitFor();
    // The default: what the creator itself may do.
    await button('Create an account').click();
    await dialog().getByLabel('E-mail address').fill('partner@provider.example');
    await confirm('Create');
    await row('partner@provider.example').waitFor();
    const { data } = await window.gateway.graph('{ viewer { permissions } accounts { nodes { email permissions } } }');
    const made = data.accounts.nodes.find(({ email }: { email: string }) => email === 'partner@provider.example');
    expect(made.permissions).toEqual(data.viewer.permissions);
  });

  test('another account’s token is replaced, and shown once', async () => {
    await row('partner@provider.example').getByRole('button', { name: 'Replace the token' }).click();
    await confirm('Replace the token');
    const token = (await window.page.locator('code').textContent()) ?? '';
    const { data } = await window.gateway.graph('{ accounts { nodes { sid email } } }');
    const { sid } = data.accounts.nodes.find(({ email }: { email: string }) => email === 'partner@provider.example');
    expect(await isAccepted(sid, token)).toBe(true);
  });

  test('an administrator is renamed, and gets another password', async () => {
    await open('Enterprises');
    await row('Kohl').getByRole('link', { name: 'Kohl' }).click();
    await button('Change the administrator').click();
    await dialog().getByLabel('Name of the administrator').fill('Karla Kohl');
    await confirm('Save');
    await window.page.getByText('Karla Kohl, admin@kohl.example').waitFor();
    await button('Reset the password').click();
    await dialog().getByLabel('New password of the administrator').fill('another-long-password');
    await dialog().getByLabel('Your own auth token').fill('wrong');
    await dialog().getByRole('button', { name: 'Reset the password' }).click();
    await dialog().getByText('These credentials are not accepted.').waitFor();
    expect(window.complaints.splice(0)).toEqual([expect.stringContaining('401')]);
    await confirm('Reset the password');
    expect(await isAccepted('admin@kohl.example', 'a-long-password')).toBe(false);
    expect(await isAccepted('admin@kohl.example', 'another-long-password')).toBe(true);
  });

  test('the audit log says who did it: an administrator by e-mail address, an account by name; who is gone by SID', async () => {
    const { gateway, page } = window;
    const { data } = await gateway.graph('{ viewer { account { sid friendlyName } } enterprises { nodes { sid admin { sid email } } } }');
    const { account } = data.viewer;
    const [{ sid: enterpriseSid, admin }] = data.enterprises.nodes;
    const authorization = `Basic ${Buffer.from('admin@kohl.example:another-long-password').toString('base64')}`;
    const query = 'mutation ($sid: ID!) { updateEnterprise(input: { sid: $sid, name: "Kohl & Sons" }) { __typename } }';
    const renamed = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { sid: enterpriseSid } }),
    });
    expect(await renamed.json()).toEqual({ data: { updateEnterprise: { __typename: 'UpdateEnterpriseSuccess' } } });
    const record = await gateway.prisma.auditLog.findFirstOrThrow({ where: { action: 'enterprise.update', adminSid: admin.sid } });
    const gone = `RCS${'0'.repeat(31)}9`;
    await gateway.prisma.auditLog.create({ data: { ...record, sid: `AU${'0'.repeat(31)}9`, action: 'bot.update', adminSid: gone } });
    await open('Audit log');
    for (const [action, name, sid] of [
      ['Enterprise changed', admin.email, admin.sid],
      ['Account created', account.friendlyName, account.sid],
      ['Bot changed', gone, gone],
    ] as const) {
      const cell = row(action).first().getByRole('cell').nth(2);
      await cell.getByText(name, { exact: true }).waitFor();
      expect(await cell.getByTitle(sid, { exact: true }).textContent()).toBe(name);
    }
    await keepPicture(page, 'audit-by');
  });

  test('the organization’s name, look and features are set, and the header shows them at once', async () => {
    await open('Organization');
    await window.page.getByLabel('Name at the top of the console').fill('Nordlicht SMS');
    await window.page.getByLabel('Colour of the line below the header').fill('red');
    await button('Save').click();
    await window.page.getByText('must be # and six hex digits').waitFor();
    await window.page.getByLabel('Colour of the line below the header').fill('#A01C5C');
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><circle cx="5" cy="5" r="5" fill="#a01c5c"/></svg>';
    const image = { name: 'logo.svg', mimeType: 'image/svg+xml' };
    await window.page.getByLabel('Logo').setInputFiles({ ...image, buffer: Buffer.from(svg.padEnd(60_000)) });
    await window.page.getByText('This image is too large.').waitFor();
    await window.page.getByLabel('Logo').setInputFiles({ ...image, buffer: Buffer.from(svg) });
    await window.page.getByLabel('Import mappings from a file').check();
    await button('Save').click();
    await window.page.getByText('Saved.').waitFor();
    const header = window.page.getByRole('banner');
    await header.getByText('Nordlicht SMS').waitFor();
    await header.locator('img').waitFor();
    const { data } = await window.gateway.graph('{ organization { displayName accentColor features logo } }');
    expect(data.organization).toMatchObject({ displayName: 'Nordlicht SMS', accentColor: '#a01c5c', features: ['ADMIN_IMPORT'] });
  });

  test('what a colleague has set meanwhile is shown, and is not reverted', async () => {
    const { gateway, page } = window;
    const update = (input: object) =>
      gateway.graph('mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { __typename } }', { input });
    await open('Bots');
    await row('Kohl').waitFor();
    await update({ accentColor: '#112233' });
    await open('Organization');
    expect(await page.getByLabel('Colour of the line below the header').inputValue()).toBe('#112233');
    await update({ features: [] });
    await page.getByLabel('Name at the top of the console').fill('Nordlicht');
    await button('Save').click();
    await page.getByText('Saved.').waitFor();
    expect(await page.getByLabel('Import mappings from a file').isChecked()).toBe(false);
    const { data } = await gateway.graph('{ organization { displayName features } }');
    expect(data.organization).toEqual({ displayName: 'Nordlicht', features: [] });
  });

  test('one’s own token is replaced, and one stays signed in', async () => {
    await open('Accounts');
    await row('provider@example.com').getByRole('button', { name: 'Replace the token' }).click();
    await dialog().getByText('This is your own account.', { exact: false }).waitFor();
    await confirm('Replace the token');
    const token = (await window.page.locator('code').textContent()) ?? '';
    expect([await isAccepted(ACCOUNT_SID, AUTH_TOKEN), await isAccepted(ACCOUNT_SID, token)]).toEqual([false, true]);
    await open('Bots');
    await row('Kohl').waitFor();
    expect(await window.page.getByRole('alertdialog').count()).toBe(0);
  });
});
