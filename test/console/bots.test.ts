import { describe, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificates.ts';
import { chromiumPath } from '../support/chromium.ts';
import { keepPicture, signIn, violationsOn } from '../support/console.ts';
import { consoleWindow, createKohl, NUMBER, PHONE } from '../support/console-window.ts';

/** Keeps the gateway's own check of a bot, due or under way, from storing what it finds. */
const checkedNow = () => ({ healthChecked: new Date(), dateUpdated: new Date() });

// Each test goes on where the one before ended.
describe.skipIf(!chromiumPath)('a bot at the console', () => {
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      await createKohl(gateway);
      await signIn(page);
    },
  });
  const { open, button, dialog, row } = window;

  test('the app in Teams is given its look, for all and for one enterprise; what is wrong is said at its field', async () => {
    await open('App in Teams');
    await window.page.getByLabel('Short name').fill('x'.repeat(31));
    await button('Save').click();
    await window.page
      .getByText(/at most 30 characters/)
      .nth(1)
      .waitFor();
    await window.page.getByLabel('Short name').fill('Texts');
    await window.page.getByLabel('Website').fill('http://plain.example');
    await button('Save').click();
    await window.page.getByRole('alert').filter({ hasText: 'https' }).waitFor();
    await window.page.getByLabel('Website').fill('https://texts.example');
    await button('Save').click();
    await window.page.getByText('Saved.').waitFor();
    await keepPicture(window.page, 'teams-app');
    await open('Bots');
    await window.page.getByRole('link', { name: '11111111-2222-4333-8444-555555555555' }).click();
    await window.page.getByRole('link', { name: 'App in Teams of Kohl' }).click();
    await window.page.getByRole('heading', { name: 'App in Teams of Kohl' }).waitFor();
    expect(await window.page.getByLabel('Short name').inputValue()).toBe('Texts');
    expect(await violationsOn(window.page)).toEqual([]);
    await window.page.getByLabel('Short name').fill('Kohl SMS');
    await button('Save').click();
    await window.page.getByText('Saved.').waitFor();
    const shortNames = async (enterpriseSid?: string) =>
      (
        await window.gateway.graph('query ($enterpriseSid: ID) { teamsApp(enterpriseSid: $enterpriseSid) { shortName websiteUrl } }', {
          enterpriseSid,
        })
      ).data.teamsApp;
    const { data } = await window.gateway.graph('{ enterprises(filter: { name: "Kohl" }) { nodes { sid } } }');
    expect(await shortNames()).toEqual({ shortName: 'Texts', websiteUrl: 'https://texts.example' });
    expect(await shortNames(data.enterprises.nodes[0].sid)).toEqual({ shortName: 'Kohl SMS', websiteUrl: 'https://texts.example' });
  });

  test('a bot’s fault shows as it happens, on the overview, in the list and on its page, and so does that it is cured', async () => {
    const becomes = (status: string, reason: string | null) =>
      window.gateway.prisma.bot.updateMany({
        data: {
          ...{ healthStatus: status, healthReason: reason, healthMessage: reason && 'AADSTS7000222: expired', unhealthy: reason !== null },
          ...checkedNow(),
        },
      });
    const cure = 'Give the bot a working client secret';
    await open('Overview');
    await window.page.getByRole('heading', { name: 'Overview' }).waitFor();
    await becomes('UNHEALTHY', 'BOT_CREDENTIALS');
    const needed = window.page.getByRole('region', { name: 'Bots that need something' });
    await needed.getByText(cure).waitFor();
    await keepPicture(window.page, 'overview-unhealthy');
    await becomes('HEALTHY', null);
    await needed.waitFor({ state: 'detached' });
    await open('Bots');
    await row('11111111-2222').getByText('Healthy').waitFor();
    await becomes('UNHEALTHY', 'BOT_CREDENTIALS');
    await row('11111111-2222').getByText('Messages wait').waitFor();
    await window.page.getByLabel('Health').selectOption('Something has to be done');
    await window.page.waitForURL(/unhealthy=yes/);
    await window.page.getByRole('link', { name: '11111111-2222-4333-8444-555555555555' }).click();
    await window.page.getByText(cure).waitFor();
    await becomes('HEALTHY', null);
    await window.page.getByText(cure).waitFor({ state: 'detached' });
  });

  test('a bot that is deleted leaves the overview’s waiting ones, when the page is read again and by itself', async () => {
    const needed = window.page.getByRole('region', { name: 'Bots that need something' });
    const sids: string[] = [];
    for (const name of ['Lang', 'Ahrens']) {
      const email = `admin@${name}.example`;
      const made = await window.gateway.graph(
        'mutation ($input: CreateEnterpriseInput!) { made: createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { sid } } } }',
        { input: { name, enterpriseAdmin: { email, password: 'a-long-password' } } },
      );
      const { data } = await window.gateway.graph(
        'mutation ($input: CreateBotInput!) { createBot(input: $input) { ... on CreateBotSuccess { bot { sid } } } }',
        { input: { enterpriseSid: made.data.made.enterprise.sid, applicationId: name, tenantId: 't', clientSecret: 's', botAppId: 'a' } },
      );
      sids.push(data.createBot.bot.sid);
    }
    await window.gateway.prisma.bot.updateMany({
      where: { sid: { in: sids } },
      data: {
        ...{ healthStatus: 'UNHEALTHY', healthReason: 'BOT_CREDENTIALS', healthMessage: 'AADSTS7000222: expired', unhealthy: true },
        ...checkedNow(),
      },
    });
    const remove = (sid = '') => window.gateway.graph('mutation ($sid: ID!) { deleteBot(input: { sid: $sid }) { __typename } }', { sid });
    await open('Messages');
    await window.page.clock.install();
    await open('Overview');
    await needed.getByRole('link', { name: 'Lang' }).waitFor();
    await needed.getByRole('link', { name: 'Ahrens' }).waitFor();
    await remove(sids[0]);
    await button('Refresh').click();
    await needed.getByRole('link', { name: 'Lang' }).waitFor({ state: 'detached' });
    await remove(sids[1]);
    await window.page.clock.fastForward('00:31');
    await needed.waitFor({ state: 'detached' });
    await window.page.clock.resume();
    await open('Bots');
    await window.page.getByRole('link', { name: '11111111-2222-4333-8444-555555555555' }).click();
  });

  test('sets up a provider’s own application in another cloud with a certificate; an error leads back to its step', async () => {
    const made = await window.gateway.graph(
      'mutation ($input: CreateEnterpriseInput!) { made: createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { sid } } } }',
      { input: { name: 'Weber', enterpriseAdmin: { email: 'admin@weber.example', password: 'a-long-password' } } },
    );
    const { sid } = made.data.made.enterprise;
    const { page } = window;
    await page.goto(`${window.gateway.url}/console/#/bot-setup?enterprise=${sid}`);
    await button('Next').click();
    // A screen reader hears the step, and Tab goes on to its fields.
    const title = page.getByRole('heading', { name: 'Application', exact: true, level: 2 });
    await expect.poll(() => title.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    await page.keyboard.press('Tab');
    expect(await page.getByLabel('Application (client) ID').evaluate((element) => element === element.ownerDocument.activeElement)).toBe(
      true,
    );
    await page.getByLabel('Application (client) ID').fill('22222222-2222-4333-8444-555555555555');
    await page.getByLabel('Directory (tenant) ID').fill('77777777-7777-4888-8999-000000000000');
    await page.getByLabel('Cloud').selectOption('GCC High');
    await page.getByLabel('Issuer of the bot’s tokens').selectOption('The application’s own directory');
    expect(await button('Next').isDisabled()).toBe(true);
    await page.getByLabel('Directory (tenant) ID of the application').fill('88888888-7777-4888-8999-000000000000');
    await button('Next').click();
    await page.getByRole('radio', { name: 'Certificate' }).check();
    const { certificate, privateKey } = makeCertificate();
    const pem = (text: string) => ({ name: 'file.pem', mimeType: 'application/x-pem-file', buffer: Buffer.from(text) });
    await page.getByLabel('Certificate file').setInputFiles(pem('no certificate'));
    await page.getByLabel('Private key file').setInputFiles(pem(privateKey));
    await button('Next').click();
    await button('Create').click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Certificate file').setInputFiles(pem(certificate));
    await page.getByLabel('Private key file').setInputFiles(pem(privateKey));
    await keepPicture(page, 'bot-walk-certificate');
    await button('Next').click();
    await button('Create').click();
    await page.getByRole('link', { name: 'Grant admin consent at Microsoft' }).waitFor();
    const { data } = await window.gateway.graph(
      'query ($sid: ID!) { enterprise(sid: $sid) { bot { cloud authority homeTenantId clientSecretHint credentials { kind } } } }',
      { sid },
    );
    const [home, credentials] = ['88888888-7777-4888-8999-000000000000', [{ kind: 'CERTIFICATE' }]];
    expect(data.enterprise.bot).toEqual({
      ...{ cloud: 'GCC_HIGH', authority: 'HOME', homeTenantId: home },
      ...{ clientSecretHint: '', credentials },
    });
    await window.gateway.graph('mutation ($sid: ID!) { closeEnterprise(input: { sid: $sid }) { __typename } }', { sid });
    await open('Bots');
    await page.getByRole('link', { name: '11111111-2222-4333-8444-555555555555' }).click();
  });

  test('a check that fails shows the cure that the graph answers, and in German the same', async () => {
    const { gateway, page } = window;
    const { data } = await gateway.graph('{ enterprises(filter: { name: "Kohl" }) { nodes { bot { sid } } } }');
    const [{ bot }] = data.enterprises.nodes;
    const { sid } = bot;
    const update = (clientSecret: string) =>
      gateway.graph('mutation ($input: UpdateBotInput!) { updateBot(input: $input) { __typename } }', { input: { sid, clientSecret } });
    await update('invalid');
    const verified = await gateway.graph(
      'mutation ($sid: ID!) { verifyBot(input: { sid: $sid }) { ... on VerifyBotSuccess { checks { step passed skipped message cure } } } }',
      { sid },
    );
    const { checks } = verified.data.verifyBot;
    const [token] = checks;
    expect(token).toMatchObject({ step: 'TOKEN', passed: false, message: expect.stringContaining('AADSTS7000215') });
    await button('Check with Microsoft').click();
    const steps = page.getByRole('region', { name: 'Check with Microsoft' }).getByRole('listitem');
    const first = steps.filter({ hasText: '✗ Credentials' });
    await first.getByText(token.cure, { exact: true }).waitFor();
    await first.getByText(token.message, { exact: true }).waitFor();
    // One that could not be made has no cure, and is not as if it had failed.
    const skipped = steps.filter({ hasText: '– App in the catalog: skipped' });
    expect(await skipped.locator('p').allTextContents()).toEqual([checks.find(({ step }: { step: string }) => step === 'CATALOG').message]);
    await page.getByLabel('Language').selectOption('Deutsch');
    const german = page.getByRole('region', { name: 'Mit Microsoft prüfen' }).getByRole('listitem').filter({ hasText: '✗ Zugangsdaten' });
    await german.getByText('Geben Sie dem Bot gültige Zugangsdaten').waitFor();
    expect(await german.getByText(token.cure).count()).toBe(0);
    await german.scrollIntoViewIfNeeded();
    await keepPicture(page, 'bot-checks-german');
    await page.getByLabel('Sprache').selectOption('English');
    await update('a-client-secret');
  });

  test('the page of a mapping shows whether its user has the app, whether the chat is known, and what went wrong', async () => {
    const { gateway, page } = window;
    const { prisma } = gateway;
    const { data } = await gateway.graph('{ mappings { nodes { sid enterpriseSid } } }');
    const [{ sid, enterpriseSid }] = data.mappings.nodes;
    const { microsoftObjectId: objectId } = await prisma.mapping.findUniqueOrThrow({ where: { sid } });
    const user = { enterpriseSid, objectId: objectId ?? expect.unreachable() };
    const where = { enterpriseSid_objectId: user };
    const fact = (name: string) => page.locator(`xpath=//dt[normalize-space()="${name}"]/following-sibling::dd[1]`);
    const shows = async (facts: Readonly<Record<string, string>>) => {
      await page.goto(`${gateway.url}/console/#/bots`);
      await page.goto(`${gateway.url}/console/#/mappings/${sid}`);
      for (const [name, text] of Object.entries(facts)) await fact(name).getByText(text, { exact: true }).waitFor();
    };
    // The embedded stand-in's users have every app.
    await expect.poll(async () => (await prisma.teamsInstallation.findUnique({ where }))?.installed).toBe(true);
    await shows({ 'App in Teams': 'Installed', 'Chat with the bot': 'Not known yet' });
    expect(await fact('Last error in Teams').count()).toBe(0);
    await keepPicture(page, 'mapping-installed');
    // Graph is asked, and refuses.
    const refusal = "No app app-1 is published to the organization's app catalog, or to the Teams Store.";
    const failed = { installed: false, due: null, errorCode: 'AppNotInCatalog', errorMessage: refusal };
    await prisma.teamsInstallation.update({ where, data: failed });
    await shows({ 'App in Teams': 'Not installed', 'Chat with the bot': 'Not known yet', 'Last error in Teams': refusal });
    await page.getByLabel('Language').selectOption('Deutsch');
    await fact('Letzter Fehler in Teams').getByText('Weder im App-Katalog der Organisation').waitFor();
    await keepPicture(page, 'mapping-not-installed');
    await page.getByLabel('Sprache').selectOption('English');
    // Nobody knows yet.
    await prisma.teamsInstallation.update({ where, data: { installed: null, errorCode: null, errorMessage: null } });
    await shows({ 'App in Teams': 'Not known yet', 'Chat with the bot': 'Not known yet' });
    // A message reaches the user: the chat is there, and so is the app.
    await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Hello' });
    await expect.poll(async () => (await prisma.teamsConversation.findFirst({ where: user }))?.conversationId).toBeTruthy();
    await shows({ 'App in Teams': 'Installed', 'Chat with the bot': 'Known' });
    await open('Bots');
    await page.getByRole('link', { name: '11111111-2222-4333-8444-555555555555' }).click();
  });

  test('a link to the app package that is refused does not replace the console', async () => {
    const { page } = window;
    await page.context().route('**/exports/*', (route) => route.fulfill({ status: 429, json: { code: 'TOO_MANY_REQUESTS' } }));
    await Promise.all([page.waitForEvent('download'), button('Download the app package').click()]);
    await page.getByRole('heading', { name: 'Bot of Kohl' }).waitFor();
    await page.context().unroute('**/exports/*');
    window.complaints.splice(0);
  });

  test('does what a check advises: another cloud, another issuer of tokens, the end of the secret', async () => {
    const { page, gateway } = window;
    const shown = async () =>
      (await gateway.graph('{ bots(first: 1) { nodes { cloud authority homeTenantId dateClientSecretExpires } } }')).data.bots.nodes[0];
    const save = async (authority: string) => {
      await dialog().getByRole('button', { name: 'Save' }).click();
      await dialog().waitFor({ state: 'detached' });
      await page.getByRole('definition').filter({ hasText: authority }).waitFor();
    };
    const verdict = page.getByText(/^The bot (is ready|does not work yet)\.$/);
    await button('Check with Microsoft').click();
    await verdict.waitFor();
    await button('Edit').click();
    await dialog().getByLabel('Cloud').selectOption('GCC');
    await dialog().getByLabel('Issuer of the bot’s tokens').selectOption('The application’s own directory');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog()
      .getByText(/authority HOME/)
      .first()
      .waitFor();
    const home = '88888888-7777-4888-8999-000000000000';
    await dialog().getByLabel('Directory (tenant) ID of the application').fill(home);
    await dialog().getByLabel('The secret ends on').fill('2222-05-06');
    await keepPicture(page, 'bot-edit');
    await save('The application’s own directory');
    // It was about the bot as it was.
    await verdict.waitFor({ state: 'detached' });
    const dateClientSecretExpires = expect.stringContaining(new Date(2222, 4, 6).toISOString().slice(0, 19));
    expect(await shown()).toEqual({ cloud: 'GCC', authority: 'HOME', homeTenantId: home, dateClientSecretExpires });
    // What is not touched stays, and the end of a secret ends with it.
    await button('Edit').click();
    expect(await dialog().getByLabel('The secret ends on').inputValue()).toBe('2222-05-06');
    await dialog().getByLabel('Cloud').selectOption('Worldwide');
    await dialog().getByLabel('Issuer of the bot’s tokens').selectOption('The enterprise’s directory');
    await save('The enterprise’s directory');
    expect(await shown()).toEqual({ cloud: 'COMMERCIAL', authority: 'TENANT', homeTenantId: home, dateClientSecretExpires });
    // So does where the gateway has moved the bot meanwhile.
    const { prisma } = window.gateway;
    await prisma.bot.updateMany({ data: { cloud: 'GCC' } });
    await button('Edit').click();
    await dialog().getByLabel('New client secret').fill('another-client-secret');
    await save('The enterprise’s directory');
    expect(await shown()).toEqual({ cloud: 'GCC', authority: 'TENANT', homeTenantId: home, dateClientSecretExpires: null });
    await prisma.bot.updateMany({ data: { cloud: 'COMMERCIAL' } });
  });

  test('a client secret is removed once the bot has another credential', async () => {
    await window.page.getByRole('heading', { name: 'Credentials' }).waitFor();
    expect(await button('Remove the client secret').count()).toBe(0);
    await button('Add a secret').click();
    await dialog().getByLabel('New client secret').fill('the-next-secret');
    await dialog().getByLabel('The secret ends on').fill('2222-07-08');
    await dialog().getByRole('button', { name: 'Add a secret' }).click();
    await button('Remove the client secret').click();
    await keepPicture(window.page, 'remove-client-secret');
    await dialog().getByRole('button', { name: 'Remove' }).click();
    await button('Remove the client secret').waitFor({ state: 'detached' });
    const { data } = await window.gateway.graph('{ bots(first: 1) { nodes { clientSecretHint credentials { hint dateExpires } } } }');
    const dateExpires = new Date(2222, 6, 8).toISOString();
    expect(data.bots.nodes).toEqual([
      { clientSecretHint: '', credentials: [{ hint: 'cret', dateExpires: expect.stringContaining(dateExpires.slice(0, 19)) }] },
    ]);
  });
});
