import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { AUTH_TOKEN, type ConsoleGateway, createConsoleGateway, openConsole, signIn, violationsOn } from '../support/console.ts';
import { withResolvers } from '../support/with-resolvers.ts';

const PASSWORD = 'a-long-password';

describe.skipIf(!chromiumPath)('the console shows what one may see', () => {
  let gateway: ConsoleGateway;
  let browser: Browser;
  let kohl: string;
  let langSid: string;
  beforeAll(async () => {
    [gateway, browser] = await Promise.all([createConsoleGateway(), launchChromium()]);
    for (const name of ['Lang', 'Kohl']) {
      const input = { name, enterpriseAdmin: { email: `admin@${name.toLowerCase()}.example`, password: PASSWORD } };
      const { data } = await gateway.graph(
        'mutation ($input: CreateEnterpriseInput!) { made: createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { sid } } } }',
        { input },
      );
      if (name === 'Lang') langSid = data.made.enterprise.sid;
      else kohl = data.made.enterprise.sid;
    }
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });

  const visit = () => openConsole(browser, `${gateway.url}/console/`);
  /** Creates an account that may only read. */
  async function reader(): Promise<{ readonly name: string; readonly password: string }> {
    const { data } = await gateway.graph(
      'mutation { made: createAccount(input: { email: "auditor@provider.example", permissions: [READ] }) { ... on CreateAccountSuccess { account { sid } authToken } } }',
    );
    return { name: data.made.account.sid, password: data.made.authToken };
  }
  async function token(input: Record<string, unknown>): Promise<string> {
    const { data } = await gateway.graph(
      'mutation ($input: CreateAccessTokenInput!) { made: createAccessToken(input: $input) { ... on CreateAccessTokenSuccess { token } } }',
      { input: { expiresIn: 3600, ...input } },
    );
    return data.made.token;
  }

  test('an enterprise’s admin sees its own enterprise, and can neither create nor close one', async () => {
    const { page, complaints } = await visit();
    await signIn(page, 'admin@kohl.example', PASSWORD);
    await page.getByRole('link', { name: 'Enterprises' }).click();
    await page.getByRole('link', { name: 'Kohl' }).waitFor();
    expect(await page.getByText('Lang').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Create an enterprise' }).count()).toBe(0);
    expect(await page.getByRole('navigation').getByText('Audit log').count()).toBe(0);
    await page.getByRole('link', { name: 'Kohl' }).click();
    await page.getByRole('button', { name: 'Rename' }).waitFor();
    expect(await page.getByRole('button', { name: 'Close' }).count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('an enterprise’s admin imports mappings, if the organization has opted in', async () => {
    const choose = (features: string) => gateway.graph(`mutation { updateOrganization(input: { features: ${features} }) { __typename } }`);
    const { page, complaints } = await visit();
    await signIn(page, 'admin@kohl.example', PASSWORD);
    await page.getByRole('link', { name: 'Mappings' }).click();
    await page.getByRole('button', { name: 'Create a mapping' }).waitFor();
    expect(await page.getByRole('button', { name: 'Import mappings' }).count()).toBe(0);
    await choose('[ADMIN_IMPORT]');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, 'admin@kohl.example', PASSWORD);
    await page.getByRole('button', { name: 'Import mappings' }).click();
    const buffer = Buffer.from('{"microsoftAddress":"sunny@kohl.example","externalAddress":"+493023125042"}\n');
    await page.locator('input[type=file]').setInputFiles({ name: 'mappings.jsonl', mimeType: 'application/x-ndjson', buffer });
    await page.getByRole('button', { name: 'Check the file' }).click();
    await page.getByRole('button', { name: 'Create 1 mappings' }).click();
    await page.getByText('1 created').waitFor();
    expect(complaints).toEqual([]);
    await choose('[]');
    await gateway.graph('mutation ($sid: ID!) { deleteMapping(input: { sid: $sid }) { __typename } }', {
      sid: (await gateway.graph('{ mappings { nodes { sid } } }')).data.mappings.nodes[0].sid,
    });
    await page.context().close();
  });

  test('an enterprise’s admin has events sent to a webhook again, if the organization has opted in', async () => {
    const choose = (features: string) => gateway.graph(`mutation { updateOrganization(input: { features: ${features} }) { __typename } }`);
    const url = 'https://hooks.kohl.example/sms';
    await gateway.graph('mutation ($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { __typename } }', {
      input: { url, enterpriseSid: kohl },
    });
    const { page, complaints } = await visit();
    const openWebhook = async () => {
      await signIn(page, 'admin@kohl.example', PASSWORD);
      await page.getByRole('link', { name: 'Webhooks' }).click();
      await page.getByRole('link', { name: url }).click();
      await page.getByRole('button', { name: 'Delete' }).waitFor();
    };
    const again = page.getByRole('button', { name: 'Send events again' });
    await openWebhook();
    expect(await again.count()).toBe(0);
    await choose('[ADMIN_EXPORT]');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await openWebhook();
    await again.waitFor();
    await choose('[]');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test.each([
    ['an enterprise’s admin', () => ({ name: 'admin@kohl.example', password: PASSWORD })],
    ['a read-only account', reader],
  ] as const)('axe finds nothing to complain about on any page of %s', async (_, whoIs) => {
    const { name, password } = await whoIs();
    const { page, complaints } = await visit();
    await signIn(page, name, password);
    const titles = await page.getByRole('navigation').getByRole('link').allTextContents();
    expect(titles.length).toBeGreaterThan(8);
    for (const title of titles) {
      await page.getByRole('navigation').getByRole('link', { name: title, exact: true }).click();
      await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
      expect([title, await violationsOn(page)]).toEqual([title, []]);
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a read-only account signs in with its own credentials, reads, and changes nothing but its tokens', async () => {
    const { data } = await gateway.graph(
      'mutation { made: createAccount(input: { email: "reader@provider.example", permissions: [READ] }) { ... on CreateAccountSuccess { account { sid } authToken } } }',
    );
    const { account, authToken } = data.made;
    const { page, complaints } = await visit();
    await signIn(page, account.sid, authToken);
    await page.getByText('read only').waitFor();
    for (const name of ['Overview', 'Messages', 'Conversations', 'Enterprises', 'Mappings', 'Bots', 'Usage']) {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name, level: 1 }).waitFor();
      await page.getByText('Loading…').waitFor({ state: 'detached' });
      // Not the arrow of a field that seeks an enterprise.
      const buttons = await page.getByRole('main').locator('button, [role=button]:not([aria-label="Show enterprises"])').allTextContents();
      const sorts = ['Name', 'Created', 'Teams user', 'Phone number', 'Phone', 'Time', 'Previous', 'Next'];
      expect(buttons.filter((text) => !sorts.includes(text.replace(/ [↑↓]$/, '')))).toEqual(
        name === 'Overview' ? ['Refresh'] : name === 'Usage' ? ['Download as CSV', 'Messages as CSV'] : [],
      );
    }
    for (const path of ['bot-setup', 'mapping-import', 'settings']) {
      await page.goto(`${gateway.url}/console/#/${path}`);
      await page.getByText('There is no such page, or you may not see it.').waitFor();
    }
    await page.getByRole('navigation').getByRole('link', { name: 'Accounts' }).click();
    await page.getByRole('row').filter({ hasText: 'reader@provider.example' }).waitFor();
    for (const name of ['Create an account', 'Suspend', 'Replace the token'])
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('who signs in with a token that may only read changes nothing', async () => {
    const { page, complaints } = await visit();
    await page.getByRole('button', { name: 'Use an access token instead' }).click();
    await page.getByLabel('Access token').fill(await token({ permissions: ['READ'], enterpriseSid: kohl }));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('read only').waitFor();
    await page.getByRole('link', { name: 'Enterprises' }).click();
    await page.getByRole('link', { name: 'Kohl' }).click();
    await page.getByRole('heading', { name: 'Kohl' }).waitFor();
    expect(await page.getByRole('main').getByRole('button').count()).toBe(0);
    await page.getByRole('link', { name: 'Mappings' }).click();
    await page.getByText('No mappings yet').waitFor();
    expect(await page.getByRole('button', { name: 'Create a mapping' }).count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a session that is kept survives a reload, and asks for the password when it ends', async () => {
    const { page } = await visit();
    await page.clock.install();
    await page.getByLabel('Stay signed in').check();
    await signIn(page);
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.clock.fastForward('07:55:00');
    await page.getByText('Your session ends in a few minutes.').waitFor();
    await page.clock.fastForward('00:06:00');
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
    await page.context().close();
  });

  test('a session that ends while its dialog cannot be loaded says so, and can be renewed as soon as it is loaded', async () => {
    const { page } = await visit();
    await page.clock.install();
    await page.route('**/renewal-dialog-*.js', (route) => route.abort());
    await signIn(page);
    await page.clock.fastForward('08:01:00');
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).waitFor();
    await page.unroute('**/renewal-dialog-*.js');
    await page.clock.fastForward('00:00:02');
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.context().close();
  });

  test('the dialog’s script, while it is missing and not needed, is asked for once a minute', async () => {
    const { page } = await visit();
    await page.clock.install();
    let asked = 0;
    await page.route('**/renewal-dialog-*.js', (route) => {
      asked += 1;
      return route.abort();
    });
    const failed = () => page.waitForEvent('requestfailed', (request) => request.url().includes('/renewal-dialog-'));
    await signIn(page);
    let next = failed();
    await page.clock.fastForward('00:10');
    await next;
    for (let seconds = 0; seconds < 5; seconds += 1) await page.clock.runFor(1000);
    next = failed();
    await page.clock.fastForward('01:00');
    await next;
    expect(asked).toBe(2);
    await page.context().close();
  });

  test('a token that is revoked ends the session where it is, and signing in again goes on there', async () => {
    const { page } = await visit();
    await signIn(page);
    await page.getByRole('link', { name: 'Mappings' }).click();
    await page.getByText('No mappings yet').waitFor();
    const { data } = await gateway.graph('{ accessTokens(first: 1, orderBy: { field: DATE_CREATED, direction: DESC }) { nodes { sid } } }');
    const [{ sid }] = data.accessTokens.nodes;
    await gateway.graph('mutation ($sid: ID!) { revokeAccessToken(input: { sid: $sid }) { __typename } }', { sid });
    await page.getByRole('link', { name: 'Conversations' }).click();
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
    await page.getByRole('alertdialog').getByLabel('Auth token, or password').fill('console-test-token');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await page.getByText('No conversations yet').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.getByRole('link', { name: 'Mappings' }).click();
    await page.getByText('No mappings yet').waitFor();
    await page.context().close();
  });

  test('the former token’s end does not end the session that was renewed before, nor what it follows', async () => {
    const { page } = await visit();
    await page.clock.install();
    await signIn(page);
    await page.clock.fastForward('07:55:00');
    // The list is on its way with the former token until that is revoked.
    const { promise: released, resolve: release } = withResolvers();
    const { promise: held, resolve: hold } = withResolvers();
    let isHolding = true;
    await page.route('**/graphql', async (route) => {
      if (isHolding && route.request().headers().accept !== 'text/event-stream') {
        hold();
        await released;
      }
      await route.continue();
    });
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    await held;
    isHolding = false;
    const former = page.waitForResponse((response) => response.status() === 401);
    await page.getByRole('button', { name: 'Renew' }).click();
    const dialog = page.getByRole('alertdialog');
    await dialog.getByLabel('Auth token, or password').fill(AUTH_TOKEN);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });
    const { data } = await gateway.graph('{ accessTokens(first: 2, orderBy: { field: DATE_CREATED, direction: DESC }) { nodes { sid } } }');
    const { sid } = data.accessTokens.nodes[1];
    await gateway.graph('mutation ($sid: ID!) { revokeAccessToken(input: { sid: $sid }) { __typename } }', { sid });
    release();
    await former;
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText('No messages yet').waitFor();
    await page.getByRole('link', { name: 'Mappings' }).click();
    await page.getByText('No mappings yet').waitFor();
    expect(await page.getByRole('alertdialog').count()).toBe(0);
    await page.context().close();
  });

  test('who signs in with another one’s token sees nothing of the one before', async () => {
    const lang = await token({ permissions: ['READ'], enterpriseSid: langSid });
    const { page } = await visit();
    await page.clock.install();
    await page.getByRole('button', { name: 'Use an access token instead' }).click();
    await page.getByLabel('Access token').fill(lang);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Enterprises' }).click();
    await page.getByRole('link', { name: 'Lang' }).waitFor();
    await page.clock.fastForward('01:01:00');
    const dialog = page.getByRole('alertdialog');
    await dialog.getByRole('button', { name: 'Use an access token instead' }).click();
    await dialog.getByLabel('Access token').fill(await token({ permissions: ['READ'], enterpriseSid: kohl, expiresIn: 86_400 }));
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Kohl' }).waitFor();
    expect(await page.getByText('Lang').count()).toBe(0);
    await page.context().close();
  });

  test('people of an enterprise see the provider’s display name, logo and colour', async () => {
    const logo = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const update = (input: object) =>
      gateway.graph('mutation ($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { __typename } }', { input });
    await update({ displayName: 'Nordlicht SMS', accentColor: '#a01c5c', logo });
    const { page, complaints } = await visit();
    await signIn(page, 'admin@kohl.example', PASSWORD);
    const header = page.getByRole('banner');
    await header.getByText('Nordlicht SMS', { exact: true }).waitFor();
    expect(await header.locator('img').evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)).toBe(1);
    expect(await header.evaluate(borderColor)).toBe('rgb(160, 28, 92)');
    // A logo elsewhere is not loaded: the name stays.
    await update({ logo: 'https://nordlicht.example/logo.png' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(page, 'admin@kohl.example', PASSWORD);
    await header.getByText('Nordlicht SMS', { exact: true }).waitFor();
    expect(await header.locator('img').count()).toBe(0);
    await update({ displayName: '', accentColor: '', logo: '' });
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

/** Runs in the page. */
const borderColor = (element: object) =>
  (globalThis as unknown as { getComputedStyle: (of: object) => { borderBottomColor: string } }).getComputedStyle(element)
    .borderBottomColor;
