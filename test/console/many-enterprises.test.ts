import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { ACCOUNT_SID, AUTH_TOKEN, keepPicture, signIn, violationsOn } from '../support/console.ts';
import { consoleWindow } from '../support/console-window.ts';
import { withResolvers } from '../support/with-resolvers.ts';

// More than a list to choose from shows: each is found by its name, and chosen by its sid.
describe.skipIf(!chromiumPath)('with 150 enterprises', () => {
  const sids = new Map(Array.from({ length: 150 }, (_, number) => [`Customer ${number}`, `EN${String(number).padStart(32, '0')}`]));
  const window = consoleWindow({
    prepare: async ({ page, gateway: { prisma } }) => {
      // Written to the database: the gateway would take a while to hash each administrator's password.
      const { organizationSid } = await prisma.account.findUniqueOrThrow({ where: { sid: ACCOUNT_SID } });
      await prisma.enterprise.createMany({
        data: Array.from(sids, ([name, sid]) => ({ sid, name, nameFolded: name.toLowerCase(), accountSid: ACCOUNT_SID, organizationSid })),
      });
      await prisma.enterpriseAdmin.createMany({
        data: Array.from(sids.values(), (sid, number) => ({
          ...{ sid: sid.replace('EN', 'RCS'), enterpriseSid: sid, accountSid: ACCOUNT_SID, organizationSid },
          ...{ email: `admin@${number}.example`, emailFolded: `admin@${number}.example` },
        })),
      });
      await signIn(page);
    },
  });

  const open = (path: string) => window.page.goto(`${window.gateway.url}/console/#/${path}`);
  const box = () => window.page.getByRole('combobox', { name: 'Enterprise' });
  const option = (name: string) => window.page.getByRole('option', { name, exact: true });
  /** Without a mouse. */
  const chooses = async (name: string) => {
    await box().focus();
    await window.page.keyboard.type(name.toLowerCase());
    await option(name).waitFor();
    await window.page.getByText('Enterprises found: 1', { exact: true }).waitFor();
    await window.page.keyboard.press('ArrowDown');
    await expect.poll(() => box().getAttribute('aria-activedescendant')).toBe(await option(name).getAttribute('id'));
    await window.page.keyboard.press('Enter');
    await window.page.getByRole('listbox').waitFor({ state: 'detached' });
    expect(await box().inputValue()).toBe(name);
  };

  test('a mapping is created for one that is far down the list, which is sought by its name', async () => {
    await open('mappings');
    await window.page.getByRole('button', { name: 'Create a mapping' }).click();
    await window.page.getByRole('dialog').getByRole('combobox', { name: 'Enterprise' }).click();
    await window.page.getByText('There are more: type part of the name').waitFor();
    expect(await window.page.getByRole('listbox').getByRole('option', { disabled: false }).count()).toBe(20);
    expect(await violationsOn(window.page)).toEqual([]);
    await keepPicture(window.page, 'choice-enterprise');
    await chooses('Customer 137');
    await window.page.getByLabel('Teams user').last().fill('sunny@kohl.example');
    await window.page.getByLabel('Phone number').last().fill('+493023125042');
    await window.page.getByRole('button', { name: 'Create', exact: true }).click();
    await window.page.getByRole('heading', { name: 'sunny@kohl.example' }).waitFor();
    const { data } = await window.gateway.graph('{ mappings { nodes { enterprise { sid } } } }');
    expect(data.mappings.nodes).toEqual([{ enterprise: { sid: sids.get('Customer 137') } }]);
  });

  test('the form is not sent while none is chosen, whatever is typed', async () => {
    await open('mappings?x');
    await window.page.getByRole('button', { name: 'Create a mapping' }).click();
    await box().last().fill('Customer 13');
    await option('Customer 139').waitFor();
    await window.page.getByLabel('Teams user').last().fill('other@kohl.example');
    expect(await box().last().inputValue()).toBe('');
    await window.page.getByLabel('Phone number').last().fill('+493023125043');
    await window.page.getByRole('button', { name: 'Create', exact: true }).click();
    expect(
      await box()
        .last()
        .evaluate((element) => (element as unknown as { validity: { valueMissing: boolean } }).validity.valueMissing),
    ).toBe(true);
    await window.page.getByRole('button', { name: 'Cancel' }).click();
  });

  test('nobody is erased or exported for all enterprises while what is typed chooses none', async () => {
    await open('privacy');
    // The other one of the page is about how long messages are kept.
    const ofPerson = window.page.getByPlaceholder('All enterprises');
    const erase = window.page.getByRole('button', { name: 'Erase…' });
    await window.page.getByLabel('Phone number').fill('+15551230009');
    await ofPerson.fill('Customer 13');
    await option('Customer 139').waitFor();
    await window.page.getByLabel('Phone number').focus();
    await window.page.getByText('Choose one from the list, or empty the field').waitFor();
    await erase.click();
    expect(await window.page.getByRole('dialog').count()).toBe(0);
    await ofPerson.fill('Customer 138');
    await option('Customer 138').click();
    await erase.click();
    await window.page.getByRole('dialog').getByText('Customer 138').waitFor();
    await window.page.getByRole('button', { name: 'Cancel' }).click();
  });

  test('a webhook is not created for all enterprises while what is typed chooses none', async () => {
    await open('webhooks');
    await window.page.getByRole('button', { name: 'Create a webhook' }).click();
    const dialog = window.page.getByRole('dialog');
    const made = async () => (await window.gateway.graph('{ webhookEndpoints { nodes { enterpriseSid } } }')).data.webhookEndpoints.nodes;
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
    await window.page.locator('code').filter({ hasText: 'whsec_' }).waitFor();
    expect(await made()).toEqual([{ enterpriseSid: sids.get('Customer 138') }]);
  });

  test('a bot is set up, and a file imported, for one that is found by its sid', async () => {
    const sid = sids.get('Customer 99') ?? '';
    for (const [path, next] of [
      ['bot-setup', 'Next'],
      ['mapping-import', 'From a group of Microsoft Entra…'],
    ]) {
      await open(path ?? '');
      await window.page.getByRole('heading', { level: 1, name: /bot|Import/ }).waitFor();
      const button = window.page.getByRole('button', { name: next });
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
    await window.page.waitForURL(new RegExp(`enterprise=${sids.get('Customer 120')}`));
    await window.page.getByText('Nothing matches these filters.').waitFor();
    await window.page.reload();
    await signIn(window.page);
    await expect.poll(() => box().inputValue(), { timeout: 15_000 }).toBe('Customer 120');
    // With a mouse: at the focus, and again where the field has it.
    for (const name of ['Customer 121', 'Customer 122']) {
      await box().click();
      await window.page.keyboard.type(name.toLowerCase());
      await option(name).click();
      expect(await box().inputValue()).toBe(name);
    }
    await window.page.waitForURL(new RegExp(`enterprise=${sids.get('Customer 122')}`));
    await box().fill('nobody');
    await window.page.getByText('No enterprise found').waitFor();
    await window.page.keyboard.press('Escape');
    await box().fill('');
    await window.page.getByLabel('Teams user').focus();
    await window.page.waitForURL(/#\/mappings$/);
    await window.page.getByRole('row').filter({ hasText: 'sunny@kohl.example' }).waitFor();
  });

  test('a filter that is taken away by going back is empty', async () => {
    await open('mappings?back');
    await chooses('Customer 130');
    await window.page.waitForURL(new RegExp(`enterprise=${sids.get('Customer 130')}`));
    await box().fill('Customer 131');
    await option('Customer 131').click();
    await window.page.waitForURL(new RegExp(`enterprise=${sids.get('Customer 131')}`));
    await window.page.goBack();
    await expect.poll(() => box().inputValue()).toBe('Customer 130');
    await window.page.goBack();
    await expect.poll(() => box().inputValue()).toBe('');
  });

  test('a form does not choose the only enterprise that was found for another text', async () => {
    const { page } = window;
    const answer = withResolvers();
    await page.route('**/graphql', async (route) => {
      const { variables } = route.request().postDataJSON() as { variables?: { filter?: { name?: string; statuses?: unknown } } };
      if (variables?.filter?.statuses && !variables.filter.name) await answer.promise;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Create a mapping' }).click();
    await box().last().fill('Customer 137');
    await option('Customer 137').waitFor();
    await box().last().fill('');
    await expect.poll(() => box().last().getAttribute('aria-busy')).toBe('true');
    await page.getByLabel('Phone number').last().focus();
    expect(await box().last().inputValue()).toBe('');
    answer.resolve();
    await expect.poll(() => box().last().getAttribute('aria-busy')).toBe('false');
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByRole('button', { name: 'Cancel' }).click();
  });

  test('a list leads nowhere and says nothing new until its page is there, and stays if it cannot be read again', async () => {
    const { page } = window;
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const sortOf = (name: string) => page.getByRole('columnheader', { name }).getAttribute('aria-sort');
    const isDisabled = (name: string) => button(name).getAttribute('aria-disabled');
    const row = page.getByRole('row').filter({ hasText: 'Customer 0' });
    await open('enterprises');
    await row.waitFor();
    let answer = withResolvers();
    await page.route('**/graphql', async (route) => {
      await answer.promise;
      await route.continue();
    });
    await button('Next').click();
    await page.waitForURL(/after=/);
    expect([await isDisabled('Next'), await isDisabled('Previous')]).toEqual(['true', 'true']);
    answer.resolve();
    await row.waitFor({ state: 'detached' });
    answer = withResolvers();
    await button('Created').click();
    await page.waitForURL(/sort=DATE_CREATED/);
    expect([await sortOf('Name'), await sortOf('Created')]).toEqual(['ascending', null]);
    answer.resolve();
    await expect.poll(() => sortOf('Created')).toBe('ascending');
    await page.unrouteAll();
    // Without the network, what was read before stays, but not for another question.
    await open('bots');
    await page.getByText('No bots yet').waitFor();
    await page.route('**/graphql', (route) => route.abort());
    await open('enterprises');
    const unreachable = page.getByText('The gateway cannot be reached.');
    await unreachable.waitFor();
    expect(await row.count()).toBe(1);
    answer = withResolvers();
    await page.route('**/graphql', async (route) => {
      await answer.promise;
      await route.abort();
    });
    await page.getByLabel('Status').selectOption('Closed');
    await page.waitForURL(/status=CLOSED/);
    await unreachable.waitFor({ state: 'detached' });
    answer.resolve();
    await unreachable.waitFor();
    expect(await row.count()).toBe(0);
    await page.unrouteAll();
    window.complaints.splice(0);
  });
});
