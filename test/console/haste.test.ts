import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { signIn } from '../support/console.ts';
import { consoleWindow, createKohl, NUMBER, PHONE } from '../support/console-window.ts';

// Users press keys and buttons twice, leave a page before its response arrives, and open addresses that others wrote.
describe.skipIf(!chromiumPath)('in haste', () => {
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      await createKohl(gateway);
      await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Are you open tomorrow?' });
      await signIn(page);
    },
  });
  const { open, button, dialog } = window;
  /** Fills in the form for a new enterprise. */
  const fill = async (name: string, email: string) => {
    await dialog().getByRole('textbox').first().fill(name);
    await dialog().getByLabel('E-mail address').fill(email);
    await dialog().getByLabel('Password').fill('a-long-password');
  };
  /** The inputs of the mutations that the page has sent. They reach the gateway only after `letGo`. */
  let sent: object[] = [];
  let letGo: () => void = () => {};
  beforeEach(async () => {
    sent = [];
    const isLetGo = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await window.page.route('**/graphql', async (route) => {
      const { variables } = route.request().postDataJSON() as { variables?: { input?: object } };
      if (variables?.input) {
        sent.push(variables.input);
        await isLetGo;
      }
      await route.continue();
    });
  });
  afterEach(() => window.page.unroute('**/graphql'));

  test('a form is sent once if Enter is pressed several times', async () => {
    await open('Enterprises');
    await button('Create an enterprise').click();
    await fill('Twice', 'admin@twice.example');
    for (let times = 0; times < 3; times += 1) await window.page.keyboard.press('Enter');
    letGo();
    await window.page.getByRole('heading', { name: 'Twice', level: 1 }).waitFor();
    expect(sent).toHaveLength(1);
  });

  test('a user who closes a form and opens another page stays there when the response arrives', async () => {
    const { page } = window;
    await open('Enterprises');
    await button('Create an enterprise').click();
    await fill('Later', 'admin@later.example');
    await dialog().getByRole('button', { name: 'Create' }).click();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await open('Bots');
    await page.getByRole('heading', { name: 'Bots', level: 1 }).waitFor();
    const answered = page.waitForResponse((response) => (response.request().postData() ?? '').includes('admin@later.example'));
    letGo();
    await (await answered).finished();
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
    expect(page.url()).toMatch(/#\/bots$/);
    await open('Enterprises');
    await page.getByRole('link', { name: 'Later' }).waitFor();
    await page.getByRole('heading', { name: 'Enterprises', level: 1 }).waitFor();
  });

  test('a double click sends an SMS once, and nothing is sent without a text', async () => {
    const { page, gateway } = window;
    await open('Conversations');
    await page.getByRole('link', { name: PHONE }).click();
    await button('Send').click({ force: true });
    await page.getByLabel('SMS').fill('From nine');
    await button('Send').dblclick();
    await page.getByLabel('SMS').fill('From nine. Bring your ticket');
    letGo();
    await page.getByRole('listitem').filter({ hasText: 'From nine' }).waitFor();
    expect(sent).toHaveLength(1);
    expect(await page.getByLabel('SMS').inputValue()).toBe('From nine. Bring your ticket');
    const { data } = await gateway.graph('{ messages(filter: { direction: INBOUND }) { totalCount } }');
    expect(data.messages.totalCount).toBe(1);
  });

  test('a text that was perhaps sent is not sent twice, and a changed one is another message', async () => {
    const { page, gateway } = window;
    letGo();
    let isLost = true;
    await page.route('**/graphql', async (route) => {
      const { variables } = route.request().postDataJSON() as { variables?: { input?: object } };
      if (!isLost || !variables?.input) return route.fallback();
      sent.push(variables.input);
      await route.fetch();
      await route.fulfill({ json: { errors: [{ message: 'no answer in time', extensions: { code: 'TIMEOUT' } }] } });
    });
    const send = async (text: string) => {
      await page.getByLabel('SMS').fill(text);
      await button('Send').click();
    };
    const late = page.getByRole('alert').getByText('The gateway took too long');
    await send('Perhaps');
    await late.waitFor();
    isLost = false;
    await send('Perhaps');
    await late.waitFor({ state: 'detached' });
    isLost = true;
    await send('Perhaps not');
    await late.waitFor();
    isLost = false;
    await send('Certainly');
    await page.getByRole('listitem').filter({ hasText: 'Certainly' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    const { data } = await gateway.graph(
      '{ messages(filter: { direction: INBOUND }, orderBy: { field: DATE_CREATED }) { nodes { body } } }',
    );
    expect(data.messages.nodes.slice(1).map(({ body }: { body: string }) => body)).toEqual(['Perhaps', 'Perhaps not', 'Certainly']);
  });

  test('unknown filters, orders and periods in an address are ignored', async () => {
    const { page, gateway } = window;
    await page.goto(`${gateway.url}/console/#/mappings?sort=NOTHING&direction=SIDEWAYS`);
    await page.getByRole('row').filter({ hasText: NUMBER }).waitFor();
    await page.goto(`${gateway.url}/console/#/usage?from=yesterday&to=2026-13-77x&by=FORTNIGHT&group=NOBODY`);
    await page.getByText(/^In total: /).waitFor();
  });
});
