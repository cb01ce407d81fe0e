import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { type ConsoleGateway, createConsoleGateway, openConsole, signIn } from '../support/console.ts';
import { withResolvers } from '../support/with-resolvers.ts';

// What a page shows until React has replaced it.
describe.skipIf(!chromiumPath)('the first paint', () => {
  let gateway: ConsoleGateway;
  let browser: Browser;
  beforeAll(async () => {
    [gateway, browser] = await Promise.all([createConsoleGateway(), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });

  /** Loads the page anew, without the script of React until `letGo`. @returns the scripts that the page asked for meanwhile */
  async function withoutReact(page: Page) {
    const { promise: isLetGo, resolve: letGo } = withResolvers();
    const asked: string[] = [];
    await page.route('**/console/*.js', async (route) => {
      const [, name = ''] = /([^/]+)-\w+\.js$/.exec(route.request().url()) ?? [];
      asked.push(name);
      if (name === 'main') await isLetGo;
      await route.continue();
    });
    await page.goto('about:blank');
    await page.goto(`${gateway.url}/console/`, { waitUntil: 'commit' });
    return { asked, letGo };
  }

  /** Where an element is, and its colours and font. */
  const lookOf = async (page: Page, role: 'heading' | 'paragraph') => {
    const element = page.getByRole('main').getByRole(role).first();
    await element.waitFor();
    const { x, y, width, height } = (await element.boundingBox()) ?? expect.unreachable();
    const style = await element.evaluate((one) => {
      const { getComputedStyle } = globalThis as unknown as { getComputedStyle: (of: object) => Record<string, string> };
      const { color, fontFamily, fontSize, fontWeight, lineHeight } = getComputedStyle(one);
      return { color, fontFamily: fontFamily?.replaceAll(/["']/g, ''), fontSize, fontWeight, lineHeight };
    });
    return { text: await element.textContent(), box: [x, y, width, height].map(Math.round), ...style };
  };
  const background = (page: Page) =>
    page.evaluate(
      '[document.body, document.querySelector(".fui-FluentProvider")].map((one) => one && getComputedStyle(one).backgroundColor)',
    );

  test.each([
    ['en-US', 1200, 'light', 'Sign in', 'SMS for Microsoft Teams'],
    ['de-DE', 400, 'dark', 'Anmelden', 'SMS für Microsoft Teams'],
  ] as const)('is the sign-in as React renders it, in %s, %i pixels wide and %s', async (locale, width, colorScheme, title, product) => {
    const { page, complaints } = await openConsole(browser, 'about:blank', { locale, colorScheme, viewport: { width, height: 800 } });
    const { letGo } = await withoutReact(page);
    const before = [await lookOf(page, 'heading'), await lookOf(page, 'paragraph')];
    const [first] = (await background(page)) as string[];
    expect(before[0]?.text).toBe(title);
    const windowTitle = await page.title();
    expect(windowTitle).toBe(`${title} – ${product}`);
    letGo();
    await page.getByRole('textbox').first().waitFor();
    expect([await lookOf(page, 'heading'), await lookOf(page, 'paragraph')]).toEqual(before);
    expect(((await background(page)) as string[])[1]).toBe(first);
    expect(await page.title()).toBe(windowTitle);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('is in the language and the colours that the reader has chosen', async () => {
    const { page } = await openConsole(browser, `${gateway.url}/console/`);
    await page.evaluate(`localStorage.setItem('console.language', 'de'); localStorage.setItem('console.theme', 'dark')`);
    const { letGo } = await withoutReact(page);
    await page.getByRole('heading', { name: 'Anmelden' }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('de');
    expect(((await background(page)) as string[])[0]).toBe('rgb(41, 41, 41)');
    letGo();
    await page.context().close();
  });

  test('has who is at home instead if the session was kept, while the page that was open is loaded', async () => {
    await gateway.graph('mutation { updateOrganization(input: { displayName: "Nordlicht SMS" }) { __typename } }');
    const { page, complaints } = await openConsole(browser, `${gateway.url}/console/`);
    await page.getByLabel('Stay signed in').check();
    await signIn(page);
    const { asked, letGo } = await withoutReact(page);
    await page.getByRole('banner').getByText('Nordlicht SMS', { exact: true }).waitFor();
    expect(await page.getByRole('heading').count()).toBe(0);
    await expect.poll(() => asked).toContain('overview');
    expect(asked).not.toContain('messages');
    letGo();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  /** Opens the console with a session that is kept. */
  async function openKept() {
    const opened = await openConsole(browser, `${gateway.url}/console/`);
    await opened.page.getByLabel('Stay signed in').check();
    await signIn(opened.page);
    await opened.page.getByText('Messages today').waitFor();
    return opened;
  }

  test('asks for the overview once, and keeps nothing of it', async () => {
    const { page } = await openKept();
    const asked: string[] = [];
    page.on('request', (request) => {
      const { variables } = (request.postDataJSON() ?? {}) as { variables?: { month?: string } };
      if (variables?.month) asked.push(variables.month);
    });
    await page.reload();
    await page.getByText('Messages today').waitFor();
    expect(asked).toHaveLength(1);
    expect(await page.evaluate('window.consoleEarly')).toBeUndefined();
    // One that is left open past midnight asks for the new day.
    await page.clock.setSystemTime(Date.now() + 24 * 60 * 60 * 1000);
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect.poll(() => asked).toEqual([asked[0], expect.not.stringMatching(asked[0] ?? '')]);
    await page.context().close();
  });

  test('leaves no answer, and no token, to a page that asks for something else', async () => {
    const { page } = await openKept();
    const { promise: isLetGo, resolve: letGo } = withResolvers();
    await page.route('**/console/main-*.js', async (route) => {
      await isLetGo;
      await route.continue();
    });
    await Promise.all([page.waitForRequest('**/graphql'), page.reload({ waitUntil: 'commit' })]);
    await page.evaluate(`window.location.hash = '#/bots'`);
    letGo();
    await page.getByText('No bots yet').waitFor();
    expect(await page.evaluate('window.consoleEarly')).toBeUndefined();
    await page.context().close();
  });

  test.each(['constructor', '__proto__', 'toString'])('lets React start at the address #%s', async (hash) => {
    const { page, complaints } = await openKept();
    await page.goto('about:blank');
    await page.goto(`${gateway.url}/console/#${hash}`);
    await page.getByText('There is no such page').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test.each([
    ['is no JSON', '{'],
    ['is nothing', 'null'],
    ['is of another version', JSON.stringify({ token: 'x', expires: 1e15, viewer: { permissions: [] } })],
  ])('is the sign-in if the session that was kept %s', async (_, kept) => {
    const { page, complaints } = await openConsole(browser, `${gateway.url}/console/`);
    await page.evaluate(`sessionStorage.setItem('console.session', ${JSON.stringify(kept)})`);
    await page.reload();
    await signIn(page);
    await page.getByText('Messages today').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
