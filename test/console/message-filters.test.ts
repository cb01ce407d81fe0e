import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { signIn, violationsOn } from '../support/console.ts';
import { consoleWindow, createKohl, NUMBER, PHONE, USER } from '../support/console-window.ts';
import { withResolvers } from '../support/with-resolvers.ts';

const OTHER = '+493023125043';
const HOUR = 60 * 60 * 1000;

describe.skipIf(!chromiumPath)('messages are found', () => {
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      const enterpriseSid = await createKohl(gateway);
      await gateway.graph('mutation ($input: CreateMappingInput!) { createMapping(input: $input) { __typename } }', {
        input: { enterpriseSid, microsoftAddress: 'cloudy@kohl.example', externalAddress: OTHER },
      });
      await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'For Sunny' });
      await gateway.play('/stand-in/sms', { from: PHONE, to: OTHER, body: 'For Cloudy' });
      await signIn(page);
    },
  });

  const message = (text: string) => window.page.getByRole('row').filter({ hasText: text });
  const field = (name: string) => window.page.getByRole('search').getByLabel(name, { exact: true });
  /** A time as the page's input has it, in its zone. */
  const local = (time: number) =>
    window.page.evaluate(`new Date(${time} - new Date(${time}).getTimezoneOffset() * 60000).toISOString().slice(0, 16)`) as Promise<string>;
  const openMessages = async () => {
    await window.page.goto(`${window.gateway.url}/console/#/overview`);
    await window.page.goto(`${window.gateway.url}/console/#/messages`);
    await message('For Sunny').waitFor();
    await message('For Cloudy').waitFor();
  };

  test('by when they were created', async () => {
    const { page } = window;
    const [before, after] = [await local(Date.now() - HOUR), await local(Date.now() + HOUR)];
    await openMessages();
    await field('Since').fill(after);
    await page.getByText('Nothing matches these filters.').waitFor();
    await field('Since').fill(before);
    await message('For Sunny').waitFor();
    await field('Until').fill(before);
    await page.getByText('Nothing matches these filters.').waitFor();
    await field('Until').fill(after);
    await message('For Sunny').waitFor();
    expect(new URL(page.url()).hash).toBe(`#/messages?${new URLSearchParams({ createdFrom: before, createdTo: after })}`);
    expect(await violationsOn(page)).toEqual([]);
  });

  test('by their type and their error', async () => {
    await openMessages();
    // Its delivery takes an error away.
    await message('For Cloudy').getByText('Delivered').waitFor();
    await window.gateway.prisma.message.updateMany({
      where: { body: 'For Cloudy' },
      data: { channelErrorCode: '30005', channelErrorMessage: 'Unknown subscriber' },
    });
    await field('Type').selectOption('MMS');
    await window.page.getByText('Nothing matches these filters.').waitFor();
    await field('Type').selectOption('SMS');
    await message('For Sunny').waitFor();
    await field('Error code').fill('30005');
    await message('For Sunny').waitFor({ state: 'detached' });
    await message('For Cloudy').waitFor();
    await field('Error code').fill('');
    await message('For Sunny').waitFor();
    await field('Error text').fill('unknown sub');
    await message('For Sunny').waitFor({ state: 'detached' });
    await field('SID at Restcomm').fill('SM0');
    await window.page.getByText('Nothing matches these filters.').waitFor();
  });

  test.each(['messages', 'conversations'])('by the mapping that a link names, which the filters of %s show and take away', async (path) => {
    const { page, gateway } = window;
    const { data } = await gateway.graph('{ mappings { nodes { sid externalAddress } } }');
    const { sid } = data.mappings.nodes.find(({ externalAddress }: { externalAddress: string }) => externalAddress === NUMBER);
    await page.goto(`${gateway.url}/console/#/${path}?mapping=${sid}`);
    await message('For Sunny').waitFor();
    expect(await message('For Cloudy').count()).toBe(0);
    const mapping = field('Mapping');
    await mapping.getByText(USER).waitFor({ state: 'attached' });
    await mapping.focus();
    await mapping.selectOption('All');
    await message('For Cloudy').waitFor();
    expect(new URL(page.url()).hash).toBe(`#/${path}`);
    expect(await mapping.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    await mapping.selectOption(USER);
    await message('For Cloudy').waitFor({ state: 'detached' });
    // Until the other one's name is there, it does not have this one's.
    const other = data.mappings.nodes.find(({ externalAddress }: { externalAddress: string }) => externalAddress === OTHER).sid;
    const answer = withResolvers();
    await page.route('**/graphql', async (route) => {
      if (route.request().postDataJSON().variables?.sid === other) await answer.promise;
      await route.continue();
    });
    await page.goto(`${gateway.url}/console/#/${path}?mapping=${other}`);
    await message('For Sunny').waitFor({ state: 'detached' });
    expect(await mapping.locator('option').last().textContent()).not.toBe(USER);
    answer.resolve();
    await mapping.getByText('cloudy@kohl.example').waitFor({ state: 'attached' });
    await page.unrouteAll({ behavior: 'wait' });
  });

  test('of today, by the overview’s number of them', async () => {
    const { page, gateway } = window;
    await page.goto(`${gateway.url}/console/#/overview`);
    await page.locator('a[href^="#/messages?createdFrom="]').click();
    await message('For Sunny').waitFor();
    const midnight = (await page.evaluate('new Date().setHours(0, 0, 0, 0)')) as number;
    expect(await field('Since').inputValue()).toBe(await local(midnight));
  });
});
