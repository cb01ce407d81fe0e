import type { Browser, BrowserContext, FrameLocator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FakeMicrosoft, startFakeMicrosoft } from '../fakes/microsoft.ts';
import type { FakeBot, FakeUser } from '../fakes/microsoft-state.ts';
import { type Answer, type FakeTeamsHost, openInTeams } from '../fakes/teams-host.ts';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { type ConsoleGateway, createConsoleGateway } from '../support/console.ts';

const EMAIL = 'admin@kohl.example';
const PASSWORD = 'a-long-password';
/** Lets a page that the browser takes for Teams' own frame a page of this machine. */
const LOCAL = '--disable-features=LocalNetworkAccessChecks';
const NOT_LINKED = 'Your Teams user is not linked with an administrator yet. Sign in here.';

let microsoft: FakeMicrosoft;
let gateway: ConsoleGateway;
let browser: Browser;
let bot: FakeBot;
let user: FakeUser;
let context: BrowserContext | undefined;

describe.skipIf(!chromiumPath)('the console as a tab of Teams', () => {
  beforeAll(async () => {
    [microsoft, browser] = await Promise.all([startFakeMicrosoft(), launchChromium(LOCAL)]);
    const { loginUrl, graphUrl, serviceUrl, openIdUrl, serviceHosts } = microsoft.settings;
    gateway = await createConsoleGateway({
      ...{ TEAMS_PLATFORM: 'microsoft' },
      ...{ MICROSOFT_LOGIN_URL: loginUrl, MICROSOFT_GRAPH_URL: graphUrl, BOT_SERVICE_URL: serviceUrl },
      ...{ BOT_FRAMEWORK_OPENID_URL: openIdUrl, BOT_SERVICE_HOSTS: serviceHosts.join(',') },
    });
    bot = microsoft.addBot();
    user = microsoft.addUser({ tenantId: bot.tenantId, userPrincipalName: EMAIL });
    const { graph } = gateway;
    const { data } = await graph(
      `mutation ($email: String!, $password: String!) { updateTeamsApp(input: { consoleTab: true }) { __typename }
        createEnterprise(input: { name: "Kohl", enterpriseAdmin: { email: $email, password: $password } }) {
          ... on CreateEnterpriseSuccess { enterprise { sid } } } }`,
      { email: EMAIL, password: PASSWORD },
    );
    const { applicationId, tenantId, clientSecret } = bot;
    const input = { enterpriseSid: data.createEnterprise.enterprise.sid, applicationId, tenantId, clientSecret, botAppId: applicationId };
    await graph('mutation ($input: CreateBotInput!) { createBot(input: $input) { __typename } }', { input });
  });
  afterEach(() => context?.close());
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
    await microsoft?.close();
  });

  async function open(answer: Answer): Promise<{ page: Page; host: FakeTeamsHost; tab: FrameLocator }> {
    context = await browser.newContext({ locale: 'en-US', viewport: { width: 1200, height: 800 }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const host = await openInTeams(page, `${gateway.url}/console/`, answer);
    return { page, host, tab: page.frameLocator('iframe[name=tab]') };
  }
  const tokenNow = async () => ({ token: await microsoft.entra.sign(bot, user) });
  const fill = async (tab: FrameLocator) => {
    await tab.getByLabel('Account SID, or e-mail address').fill(EMAIL);
    await tab.getByLabel('Auth token, or password').fill(PASSWORD);
  };
  const signedIn = (tab: FrameLocator) => tab.getByRole('banner').getByText(`${EMAIL} · Kohl`).waitFor();

  test('an admin signs in once by the form and links its Teams user; Teams then signs it in until the link ends', async () => {
    const first = await open(await tokenNow());
    await first.tab.getByText(NOT_LINKED).waitFor();
    expect(first.host.called.slice(0, 2)).toEqual(['initialize', 'appInitialization.success']);
    // No resources, claims or tenant, and silent: Teams does not prompt the user.
    expect(first.host.asked).toEqual([[undefined, undefined, true, undefined]]);
    await fill(first.tab);
    await first.tab.getByLabel('Sign me in with Teams from now on').check();
    await first.tab.getByRole('button', { name: 'Sign in', exact: true }).click();
    await signedIn(first.tab);
    await context?.close();

    const second = await open(await tokenNow());
    await signedIn(second.tab);
    // After signing out, Teams does not sign the user in again by itself.
    await second.tab.getByRole('button', { name: 'Sign out' }).click();
    await second.tab.getByRole('button', { name: 'Sign in with Teams' }).click();
    await signedIn(second.tab);
    await second.tab.getByRole('link', { name: 'Enterprises' }).click();
    await second.tab.getByRole('link', { name: 'Kohl' }).click();
    await second.tab.getByText('Signs in with Teams since').waitFor();
    await second.tab.getByRole('button', { name: 'End sign-in with Teams' }).click();
    await second.tab.getByRole('dialog').getByRole('button', { name: 'End sign-in with Teams' }).click();
    await second.tab.getByText('Signs in with Teams since').waitFor({ state: 'detached' });
    await context?.close();

    // Another user takes the link over, by the password.
    const authorization = `Basic ${Buffer.from(`${EMAIL}:${PASSWORD}`).toString('base64')}`;
    const token = await microsoft.entra.sign(bot, microsoft.addUser({ tenantId: bot.tenantId }));
    const query = `mutation { linkMicrosoftUser(input: { token: "${token}" }) { __typename } }`;
    const headers = { authorization, 'content-type': 'application/json' };
    const linked = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
    expect(await linked.json()).toEqual({ data: { linkMicrosoftUser: { __typename: 'LinkMicrosoftUserSuccess' } } });

    const third = await open(await tokenNow());
    await third.tab.getByText(NOT_LINKED).waitFor();
    await fill(third.tab);
    await third.tab.getByLabel('Sign me in with Teams from now on').check();
    await third.tab.getByRole('button', { name: 'Sign in', exact: true }).click();
    await signedIn(third.tab);
    // The session that this opened goes on.
    await third.tab.getByRole('link', { name: 'Enterprises' }).click();
    await third.tab.getByRole('link', { name: 'Kohl' }).click();
    await third.tab.getByText('Signs in with Teams since').waitFor();
  });

  test.each<[string, () => Promise<Answer> | Answer, string]>([
    ['Teams refuses', () => ({ error: 'resourceRequiresConsent' }), 'Teams cannot sign you in (resourceRequiresConsent). Sign in here.'],
    ['Teams does not respond', () => undefined, 'Teams does not respond. Sign in here.'],
    [
      'the token is not for the gateway',
      async () => ({ token: await microsoft.entra.sign(bot, user, { claims: { aud: 'api://elsewhere.example' } }) }),
      'The gateway does not accept the sign-in with Teams: the app is not set up for single sign-on. Sign in here.',
    ],
  ])('if %s, the form says so and still signs in', async (_why, answer, sentence) => {
    const { tab } = await open(await answer());
    await tab.getByText(sentence).waitFor();
    await fill(tab);
    await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
    await signedIn(tab);
  });

  test('outside Teams, the page does not ask Teams for a token, and the form does not mention it', async () => {
    context = await browser.newContext({ locale: 'en-US' });
    const page = await context.newPage();
    await page.goto(`${gateway.url}/console/`);
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    expect(await page.getByText('Teams').count()).toBe(0);
  });
});
