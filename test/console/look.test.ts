import { describe, expect, test, vi } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { keepPicture, signIn, violationsOn } from '../support/console.ts';
import { type ConsoleWindow, consoleWindow, createKohl, NUMBER, PHONE, USER } from '../support/console-window.ts';

// On pages that have something to show.
describe.skipIf(!chromiumPath)('how the console looks', () => {
  const window = consoleWindow({ prepare: fill });
  const { button, dialog } = window;

  test('German is a choice away, and stays', async () => {
    await window.page.getByLabel('Language').selectOption('Deutsch');
    await window.page.getByRole('link', { name: 'Unternehmen' }).click();
    await window.page.getByRole('heading', { name: 'Unternehmen' }).waitFor();
    expect(await window.page.evaluate('document.documentElement.lang')).toBe('de');
  });

  test('what the gateway refuses is said in German, at its field or above the form', async () => {
    const { page } = window;
    await page.getByRole('link', { name: 'Zuordnungen' }).click();
    await button('Zuordnung anlegen').click();
    // The only enterprise is chosen by itself.
    await expect.poll(() => dialog().getByRole('combobox').inputValue()).toBe('Kohl');
    await dialog().getByLabel('Teams-Nutzer').fill('heinz@kohl.example');
    const create = async (number: string) => {
      await dialog().getByLabel('Rufnummer').fill(number);
      await dialog().getByRole('button', { name: 'Anlegen' }).click();
    };
    await create('meine Nummer');
    await dialog().getByText('muss aus 3 bis 18 Ziffern bestehen').waitFor();
    await create(NUMBER);
    await dialog().getByText('Diese Rufnummer ist schon zugeordnet.').waitFor();
    // A platform's own words are shown as they are, after the gateway's in German.
    await create('+99912345678');
    const alert = dialog().getByRole('alert');
    await alert.getByText('Die Plattform hat es abgelehnt.').waitFor();
    await alert.getByText('The number is not available to this account.').waitFor();
    await keepPicture(page, 'refused-german');
    await dialog().getByRole('button', { name: 'Abbrechen' }).click();
    await button('Zuordnungen importieren').click();
    await page.getByLabel('Datei').setInputFiles({ name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('name,number\r\na,b') });
    await button('Datei prüfen').click();
    await page.getByText('Zeile 1: Die Kopfzeile muss die Spalten').waitFor();
    expect(window.complaints.splice(0)).toEqual([expect.stringContaining('400')]);
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
    'webhooks',
    'privacy',
  ];

  describe.each([
    ['light', 1200, 'en'],
    ['dark', 400, 'de'],
  ] as const)('in %s colours, %i pixels wide, in the language %s', (theme, width, language) => {
    test.each(pages)('axe finds nothing to complain about on %s, and nothing sticks out', async (name) => {
      const { page } = window;
      await page.setViewportSize({ width, height: 800 });
      const choices = page.getByRole('banner').getByRole('combobox');
      await choices.nth(0).selectOption(language);
      await choices.nth(1).selectOption(theme);
      await page.goto(`${window.gateway.url}/console/#/${name}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await page.evaluate('document.documentElement.style.colorScheme')).toBe(theme);
      expect(await violationsOn(page)).toEqual([]);
      await keepPicture(page, `${name}-${theme}-${width}-${language}`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    });
  });

  test.each(['dark', 'light'])('a row that is pointed at can be read in %s colours', async (theme) => {
    const { page } = window;
    await page.setViewportSize({ width: 1200, height: 800 });
    await page.getByRole('banner').getByRole('combobox').nth(1).selectOption(theme);
    await page.goto(`${window.gateway.url}/console/#/enterprises`);
    await window.row('Kohl').hover();
    expect(await violationsOn(page)).toEqual([]);
  });

  test('an e-mail address stays on one line, and plots show their days', async () => {
    const { page } = window;
    await page.setViewportSize({ width: 1200, height: 800 });
    const choices = page.getByRole('banner').getByRole('combobox');
    await choices.nth(0).selectOption('en');
    for (const [path, address] of [
      ['conversations', USER],
      ['accounts', 'reader@provider.example'],
    ] as const) {
      await page.goto(`${window.gateway.url}/console/#/${path}`);
      const cell = page.getByText(address, { exact: true }).first();
      await cell.waitFor();
      const { height } = (await cell.boundingBox()) ?? expect.unreachable();
      expect([path, height]).toEqual([path, expect.toSatisfy((high: number) => high < 30)]);
    }
    await page.goto(`${window.gateway.url}/console/#/overview`);
    const today = new Date().toLocaleDateString('en', { day: 'numeric', month: 'short' });
    for (const name of ['The last 30 days by status', 'The last 30 days by direction']) {
      await page.getByRole('figure', { name }).getByText(today, { exact: true }).waitFor();
    }
  });

  test('on a narrow screen, the name of a number does not cover it', async () => {
    const { page } = window;
    await page.setViewportSize({ width: 400, height: 800 });
    await page.getByRole('banner').getByRole('combobox').nth(0).selectOption('de');
    await page.goto(`${window.gateway.url}/console/#/usage`);
    const median = page.locator('[data-label="Median der Zustellzeit"]').first();
    // In two lines: next to it is no room for one.
    expect((await median.boundingBox())?.height).toBeGreaterThan(40);
    await page.getByRole('banner').getByRole('combobox').nth(0).selectOption('en');
  });

  test('the arrow of a field that seeks an enterprise is large enough for a finger', async () => {
    await window.page.goto(`${window.gateway.url}/console/#/messages`);
    const { width, height } = (await window.page.getByRole('button', { name: 'Show enterprises' }).boundingBox()) ?? expect.unreachable();
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(24);
  });

  test('on a narrow screen, the navigation fades at an edge if more entries are beyond it', async () => {
    const { page } = window;
    await page.setViewportSize({ width: 400, height: 800 });
    const navigation = page.getByRole('navigation');
    const fades = () => navigation.evaluate((element) => element.ownerDocument.defaultView?.getComputedStyle(element).maskImage);
    await page.goto(`${window.gateway.url}/console/#/overview`);
    await expect.poll(fades).toContain('to left');
    await page.goto(`${window.gateway.url}/console/#/audit`);
    await expect.poll(fades).toContain('to right');
    await page.goto(`${window.gateway.url}/console/#/bots`);
    await expect.poll(fades).toMatch(/to right.*calc/);
    await page.setViewportSize({ width: 1200, height: 800 });
    await expect.poll(fades).toBe('none');
  });

  test('axe finds nothing to complain about in dialogs and on pages of one thing', async () => {
    await window.page.setViewportSize({ width: 1200, height: 800 });
    await window.page.getByRole('banner').getByRole('combobox').nth(0).selectOption('en');
    const { data } = await window.gateway.graph(
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
      await window.page.goto(`${window.gateway.url}/console/#/${path}`);
      await window.page.getByText(/^SID$/).waitFor();
      expect([path, await violationsOn(window.page)]).toEqual([path, []]);
      await keepPicture(window.page, path.split(/[/?]/)[0] === 'messages' ? 'message-dialog' : `one-${path.split('/')[0]}`);
    }
    await window.page.goto(`${window.gateway.url}/console/#/conversations/${data.conversations.nodes[0].sid}`);
    await window.page.getByLabel('SMS').waitFor();
    expect(await violationsOn(window.page)).toEqual([]);
    await keepPicture(window.page, 'one-conversation');
    await window.page.goto(`${window.gateway.url}/console/#/enterprises`);
    await button('Create an enterprise').click();
    expect(await violationsOn(window.page)).toEqual([]);
    await dialog().getByRole('button', { name: 'Cancel' }).click();
  });
});

/** Gives every page something to show: an import, more mappings than a page has, messages that arrived and one that failed, tokens and accounts. */
async function fill({ gateway, page }: ConsoleWindow): Promise<void> {
  const enterpriseSid = await createKohl(gateway);
  const { data } = await gateway.graph(
    'mutation ($input: ImportMappingsInput!) { importMappings(input: $input) { ... on ImportMappingsSuccess { mappingImport { sid } uploadUrl } } }',
    { input: { enterpriseSid } },
  );
  const { mappingImport, uploadUrl } = data.importMappings;
  const rows = Array.from({ length: 30 }, (_, index) => `user${index}@kohl.example,+49305550${index + 100},User ${index}`);
  const body = ['microsoftAddress,externalAddress,name', ...rows, 'no-number@kohl.example,,'].join('\r\n');
  await fetch(new URL(new URL(uploadUrl).pathname + new URL(uploadUrl).search, gateway.url), { method: 'PUT', body });
  const becomes = (status: string) =>
    vi.waitFor(
      async () => {
        const now = await gateway.graph('query ($sid: ID!) { mappingImport(sid: $sid) { status } }', mappingImport);
        expect(now.data.mappingImport.status).toBe(status);
      },
      { timeout: 30_000 },
    );
  await becomes('CHECKED');
  await gateway.graph('mutation ($sid: ID!) { runMappingImport(input: { sid: $sid, skipInvalid: true }) { __typename } }', mappingImport);
  await becomes('COMPLETED');
  await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Are you open tomorrow?' });
  await gateway.play('/stand-in/teams', { microsoftAddress: USER, text: `${PHONE} From nine` });
  await gateway.play('/stand-in/teams', { microsoftAddress: USER, text: '+4915112345670 Will not arrive' });
  const reader = await gateway.graph(
    'mutation { createAccount(input: { email: "reader@provider.example", permissions: [READ] }) { ... on CreateAccountSuccess { account { sid } } } }',
  );
  await gateway.graph('mutation ($sid: ID!) { suspendAccount(input: { sid: $sid }) { __typename } }', reader.data.createAccount.account);
  await signIn(page);
}
