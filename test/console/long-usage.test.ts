import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { ACCOUNT_SID, signIn } from '../support/console.ts';
import { consoleWindow, createKohl } from '../support/console-window.ts';
import { withResolvers } from '../support/with-resolvers.ts';

describe.skipIf(!chromiumPath)('usage of 150 days', () => {
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      const enterpriseSid = await createKohl(gateway);
      await gateway.prisma.$executeRawUnsafe(
        `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded, "to", to_folded, body,
           channel_status, status_rank, date_created)
         SELECT 'MS' || md5(n::text), organization_sid, enterprise_sid, sid, $1, 'INBOUND', '+4930111', '4930111', '+49302', '49302', 'Hello',
           'DELIVERED', 3, timestamptz '2026-01-01T12:00:00Z' + n * interval '1 day'
         FROM mapping, generate_series(0, 149) AS n WHERE enterprise_sid = $2`,
        ACCOUNT_SID,
        enterpriseSid,
      );
      await signIn(page);
    },
  });

  test('is shown in pages, and its sum is that of all', async () => {
    const { page, gateway, button } = window;
    // With the heading.
    const rows = async () => (await page.getByRole('table').getByRole('row').count()) - 1;
    await page.goto(`${gateway.url}/console/#/usage?from=2026-01-01&to=2026-06-30`);
    await page.getByText('150 in total', { exact: true }).waitFor();
    expect(await rows()).toBe(100);
    await page.getByText(/^In total: 150 /).waitFor();
    const time = page.getByRole('cell', { name: 'Jan 1, 2026', exact: true }).locator('time');
    expect(await time.getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    await button('Next').click();
    await page.getByRole('cell', { name: 'Jan 1, 2026', exact: true }).waitFor({ state: 'detached' });
    expect(await rows()).toBe(50);
    // At the end, the button keeps the focus.
    expect(await button('Next').evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    await button('Previous').click();
    await page.getByRole('cell', { name: 'Jan 1, 2026', exact: true }).waitFor();
    expect(await rows()).toBe(100);
    // Another period begins with its first page.
    await button('Next').click();
    // Until the months come, the days are not shown in their place.
    const answer = withResolvers();
    await page.route('**/graphql', async (route) => {
      await answer.promise;
      await route.continue();
    });
    await page.getByLabel('By', { exact: true }).selectOption('MONTH');
    await page.getByText('Loading…').waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
    answer.resolve();
    await page.getByRole('cell', { name: 'January 2026', exact: true }).waitFor();
    expect(await rows()).toBe(5);
    await page.unrouteAll();
    // What is wrong with a download is not said of another period.
    await page.route('**/graphql', async (route) => {
      if (!route.request().postDataJSON().variables?.input) return route.continue();
      await route.fulfill({ json: { errors: [{ message: 'no', extensions: { code: 'TOO_MANY_REQUESTS' } }] } });
    });
    await button('Download as CSV').click();
    await page.getByRole('alert').getByText('Too many requests.').waitFor();
    await page.getByLabel('From', { exact: true }).fill('2026-02-01');
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.unrouteAll({ behavior: 'wait' });
  });
});
