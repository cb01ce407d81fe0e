import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { keepPicture, signIn } from '../support/console.ts';
import { consoleWindow, createKohl, NUMBER } from '../support/console-window.ts';

// Through the real gateway, from a file.
describe.skipIf(!chromiumPath)('an import of mappings', () => {
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      await createKohl(gateway);
      await signIn(page);
    },
  });
  const { open, button, row } = window;

  test('500 mappings are imported: checked first, with errors by row, then created with their progress', async () => {
    await open('Mappings');
    await button('Import mappings').click();
    const choose = async (lines: readonly string[]) => {
      const buffer = Buffer.from(lines.join('\r\n'));
      await window.page.locator('input[type=file]').setInputFiles({ name: 'mappings.csv', mimeType: 'text/csv', buffer });
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
    await button('Create the 500 valid mappings, without the others').click();
    await window.page.getByRole('progressbar').waitFor();
    await window.page.getByText('500 created, 2 invalid').or(window.page.getByText('2 invalid, 500 created')).waitFor({ timeout: 120_000 });
    await window.page.getByText('Done', { exact: true }).waitFor();
    expect((await window.gateway.graph('{ mappings { totalCount } }')).data.mappings.totalCount).toBe(501);
    await window.page.goBack();
    await window.page.getByRole('region', { name: 'Latest imports' }).getByText('500 created').waitFor();
  }, 180_000);
});
