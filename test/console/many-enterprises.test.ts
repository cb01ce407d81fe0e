import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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

// More than a list to choose from shows: each is found by its name, and chosen by its sid.
describe.skipIf(!chromiumPath)('with 150 enterprises', () => {
  let gateway: ConsoleGateway;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  const sids = new Map<string, string>();
  beforeAll(async () => {
    [gateway, browser] = await Promise.all([createConsoleGateway(), launchChromium()]);
    // Written to the database: the gateway would take a while to hash each administrator's password.
    const { organizationSid } = await gateway.prisma.account.findUniqueOrThrow({ where: { sid: ACCOUNT_SID } });
    for (let number = 0; number < 150; number += 1) sids.set(`Customer ${number}`, `EN${String(number).padStart(32, '0')}`);
    await gateway.prisma.enterprise.createMany({
      data: Array.from(sids, ([name, sid]) => ({ sid, name, nameFolded: name.toLowerCase(), accountSid: ACCOUNT_SID, organizationSid })),
    });
    ({ page, complaints } = await openConsole(browser, `${gateway.url}/console/`));
    await signIn(page);
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });
  afterEach(() => expect(complaints.splice(0)).toEqual([]));

  const open = (path: string) => page.goto(`${gateway.url}/console/#/${path}`);
  const box = () => page.getByRole('combobox', { name: 'Enterprise' });
  const option = (name: string) => page.getByRole('option', { name, exact: true });
  /** Without a mouse. */
  const chooses = async (name: string) => {
    await box().focus();
    await page.keyboard.type(name.toLowerCase());
    await option(name).waitFor();
    await page.getByText('Enterprises found: 1', { exact: true }).waitFor();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => box().getAttribute('aria-activedescendant')).toBe(await option(name).getAttribute('id'));
    await page.keyboard.press('Enter');
    await page.getByRole('listbox').waitFor({ state: 'detached' });
    expect(await box().inputValue()).toBe(name);
  };

  test('a mapping is created for one that is far down the list, which is sought by its name', async () => {
    await open('mappings');
    await page.getByRole('button', { name: 'Create a mapping' }).click();
    await page.getByRole('dialog').getByRole('combobox', { name: 'Enterprise' }).click();
    await page.getByText('There are more: type part of the name').waitFor();
    expect(await page.getByRole('listbox').getByRole('option', { disabled: false }).count()).toBe(20);
    expect(await violationsOn(page)).toEqual([]);
    await keepPicture(page, 'choice-enterprise');
    await chooses('Customer 137');
    await page.getByLabel('Teams user').last().fill('sunny@kohl.example');
    await page.getByLabel('Phone number').last().fill('+493023125042');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('heading', { name: 'sunny@kohl.example' }).waitFor();
    const { data } = await gateway.graph('{ mappings { nodes { enterprise { sid } } } }');
    expect(data.mappings.nodes).toEqual([{ enterprise: { sid: sids.get('Customer 137') } }]);
  });

  test('the form is not sent while none is chosen, whatever is typed', async () => {
    await open('mappings?x');
    await page.getByRole('button', { name: 'Create a mapping' }).click();
    await box().last().fill('Customer 13');
    await option('Customer 139').waitFor();
    await page.getByLabel('Teams user').last().fill('other@kohl.example');
    expect(await box().last().inputValue()).toBe('');
    await page.getByLabel('Phone number').last().fill('+493023125043');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    expect(
      await box()
        .last()
        .evaluate((element) => (element as unknown as { validity: { valueMissing: boolean } }).validity.valueMissing),
    ).toBe(true);
    await page.getByRole('button', { name: 'Cancel' }).click();
  });

  test('nobody is erased or exported for all enterprises while what is typed chooses none', async () => {
    await open('privacy');
    // The other one of the page is about how long messages are kept.
    const ofPerson = page.getByPlaceholder('All enterprises');
    const erase = page.getByRole('button', { name: 'Erase…' });
    await page.getByLabel('Phone number').fill('+15551230009');
    await ofPerson.fill('Customer 13');
    await option('Customer 139').waitFor();
    await page.getByLabel('Phone number').focus();
    await page.getByText('Choose one from the list, or empty the field').waitFor();
    await erase.click();
    expect(await page.getByRole('dialog').count()).toBe(0);
    await ofPerson.fill('Customer 138');
    await option('Customer 138').click();
    await erase.click();
    await page.getByRole('dialog').getByText('Customer 138').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
  });

  test('a webhook is not created for all enterprises while what is typed chooses none', async () => {
    await open('webhooks');
    await page.getByRole('button', { name: 'Create a webhook' }).click();
    const dialog = page.getByRole('dialog');
    const made = async () => (await gateway.graph('{ webhookEndpoints { nodes { enterpriseSid } } }')).data.webhookEndpoints.nodes;
    await dialog.getByLabel('URL').fill('https://hooks.example/sms');
    await box().fill('Customer 13');
    await option('Customer 139').waitFor();
    await dialog.getByLabel('Your own auth token').fill(AUTH_TOKEN);
    await dialog.getByText('Choose one from the list, or empty the field').waitFor();
    expect(await box().inputValue()).toBe('Customer 13');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    expect(await box().evaluate((element) => (element as unknown as { validity: { customError: boolean } }).validity.customError)).toBe(
      true,
    );
    expect(await made()).toEqual([]);
    await chooses('Customer 138');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await page.locator('code').filter({ hasText: 'whsec_' }).waitFor();
    expect(await made()).toEqual([{ enterpriseSid: sids.get('Customer 138') }]);
  });

  test('a bot is set up, and a file imported, for one that is found by its sid', async () => {
    const sid = sids.get('Customer 99') ?? '';
    for (const [path, next] of [
      ['bot-setup', 'Next'],
      ['mapping-import', 'From a group of Microsoft Entra…'],
    ]) {
      await open(path ?? '');
      await page.getByRole('heading', { level: 1, name: /bot|Import/ }).waitFor();
      const button = page.getByRole('button', { name: next });
      expect(await button.isDisabled()).toBe(true);
      await box().fill(sid);
      await option('Customer 99').click();
      expect(await box().inputValue()).toBe('Customer 99');
      expect(await button.isEnabled()).toBe(true);
    }
  });

  test('a filter keeps its choice in the address, shows its name after a reload, and is taken away', async () => {
    await open('mappings');
    await chooses('Customer 120');
    await page.waitForURL(new RegExp(`enterprise=${sids.get('Customer 120')}`));
    await page.getByText('Nothing matches these filters.').waitFor();
    await page.reload();
    await signIn(page);
    await expect.poll(() => box().inputValue(), { timeout: 15_000 }).toBe('Customer 120');
    // With a mouse: at the focus, and again where the field has it.
    for (const name of ['Customer 121', 'Customer 122']) {
      await box().click();
      await page.keyboard.type(name.toLowerCase());
      await option(name).click();
      expect(await box().inputValue()).toBe(name);
    }
    await page.waitForURL(new RegExp(`enterprise=${sids.get('Customer 122')}`));
    await box().fill('nobody');
    await page.getByText('No enterprise found').waitFor();
    await page.keyboard.press('Escape');
    await box().fill('');
    await page.getByLabel('Teams user').focus();
    await page.waitForURL(/#\/mappings$/);
    await page.getByRole('row').filter({ hasText: 'sunny@kohl.example' }).waitFor();
  });
});
