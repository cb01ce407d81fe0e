import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { keepPicture, signIn } from '../support/console.ts';
import { consoleWindow, createKohl, NUMBER } from '../support/console-window.ts';
import { withResolvers } from '../support/with-resolvers.ts';

// Through the real gateway, from a file.
describe.skipIf(!chromiumPath)('an import of mappings', () => {
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      await createKohl(gateway);
      await signIn(page);
    },
  });
  const { open, button, dialog, row } = window;

  test('500 mappings are imported: checked first, with errors by row, then created with their progress', async () => {
    await open('Mappings');
    await button('Import mappings').click();
    const choose = async (lines: readonly string[]) => {
      const buffer = Buffer.from(lines.join('\r\n'));
      await window.page.locator('input[type=file]').setInputFiles({ name: 'mappings.csv', mimeType: 'text/csv', buffer });
      expect(await window.page.getByRole('alert').count()).toBe(0);
      await button('Check the file').click();
    };
    await choose(['microsoftAddress', 'a@kohl.example']);
    await window.page.getByText('The file cannot be read.').waitFor();
    expect(window.complaints.splice(0)).toEqual([expect.stringContaining('400')]);
    const rows = Array.from(
      { length: 500 },
      (_, index) => `user${index}@kohl.example,+4930555${String(index).padStart(4, '0')},User ${index}`,
    );
    await choose(['microsoftAddress,externalAddress,name', ...rows, 'no-number@kohl.example,,', `taken@kohl.example,${NUMBER},`]);
    await window.page.getByText('Checked: nothing is changed yet').waitFor({ timeout: 120_000 });
    await row('no-number@kohl.example').getByText('invalid').waitFor();
    await row('taken@kohl.example').getByText('This phone number is already mapped.').waitFor();
    expect((await window.gateway.graph('{ mappings { totalCount } }')).data.mappings.totalCount).toBe(1);
    await keepPicture(window.page, 'import-checked');
    // Until the import is read again, it cannot be run once more.
    const create = button('Create the 500 valid mappings, without the others');
    const answer = withResolvers();
    await window.page.route('**/graphql', async (route) => {
      const { variables } = route.request().postDataJSON() as { variables?: { after?: number } };
      if (variables?.after !== undefined) await answer.promise;
      await route.continue();
    });
    const read = window.page.waitForRequest((request) => request.postDataJSON()?.variables?.after !== undefined);
    await create.click();
    await read;
    await window.page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
    expect(await create.getAttribute('aria-disabled')).toBe('true');
    answer.resolve();
    await window.page.getByRole('progressbar').waitFor();
    await window.page.getByText('500 created, 2 invalid').or(window.page.getByText('2 invalid, 500 created')).waitFor({ timeout: 120_000 });
    await window.page.getByText('Done', { exact: true }).waitFor();
    await window.page.unrouteAll();
    expect((await window.gateway.graph('{ mappings { totalCount } }')).data.mappings.totalCount).toBe(501);
    await window.page.goBack();
    await window.page.getByRole('region', { name: 'Latest imports' }).getByText('500 created').waitFor();
  }, 180_000);

  test('members of a group are checked first, then mapped; what is wrong with the group is said', async () => {
    const { gateway, page } = window;
    const total = async () => (await gateway.graph('{ mappings { totalCount } }')).data.mappings.totalCount;
    const before = await total();
    await button('From a group of Microsoft Entra…').click();
    const check = async (groupId: string) => {
      await dialog().getByLabel('Object ID of the group').fill(groupId);
      await dialog().getByRole('button', { name: 'Check the members' }).click();
    };
    await check('people');
    await dialog().getByText('must be the object id of a group: a GUID').waitFor();
    await check('00000000-0000-0000-0000-000000000000');
    await dialog().getByRole('alert').getByText('does not exist').waitFor();
    await keepPicture(page, 'import-group');
    await check('02bd9fd6-8f93-4758-87c3-1fb73740a315');
    await page.getByText('Checked: nothing is changed yet').waitFor();
    await page.getByText('2 can be created', { exact: true }).waitFor();
    await page.getByRole('navigation').locator('[data-current]').getByText('Mappings', { exact: true }).waitFor();
    expect(await total()).toBe(before);
    await button('Create 2 mappings').click();
    await page.getByText('Done', { exact: true }).waitFor();
    await page.getByText('2 created', { exact: true }).waitFor();
    expect(await total()).toBe(before + 2);
    const { data } = await gateway.graph(
      '{ mappings(filter: { microsoftAddress: "@02bd9fd6.example" }) { nodes { name microsoftAddress } } }',
    );
    expect(data.mappings.nodes).toEqual(
      expect.arrayContaining([
        { name: 'anna', microsoftAddress: 'anna@02bd9fd6.example' },
        { name: 'bert', microsoftAddress: 'bert@02bd9fd6.example' },
      ]),
    );
    // Once more: they are there.
    await button('Import another file').click();
    await button('From a group of Microsoft Entra…').click();
    await dialog().getByText('Kohl').waitFor();
    await check('02bd9fd6-8f93-4758-87c3-1fb73740a315');
    await page.getByText('2 existed', { exact: true }).waitFor();
    await page.getByText('No row can be created', { exact: false }).waitFor();
  });
});
