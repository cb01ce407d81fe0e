import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cloud } from '../../../src/platforms/microsoft/clouds.ts';
import { createHttpMicrosoft } from '../../../src/platforms/microsoft/http.ts';
import { createMicrosoftLogin } from '../../../src/platforms/microsoft/login.ts';
import type { BotCredential, BotCredentials } from '../../../src/platforms/microsoft/microsoft.ts';
import { type FakeMicrosoft, startFakeMicrosoft } from '../../fakes/microsoft.ts';
import { makeCertificate } from '../../support/certificates.ts';

const BOT_SCOPE = 'https://api.botframework.com/.default';

let fake: FakeMicrosoft;
beforeAll(async () => {
  fake = await startFakeMicrosoft();
});
afterAll(() => fake.close());

const current = makeCertificate();
const former = makeCertificate({ days: -1 });
const login = () => createMicrosoftLogin({ loginUrl: fake.settings.loginUrl, botScope: BOT_SCOPE, fetch, timeoutMs: 5000 });
const certificate = ({ privateKey, thumbprint } = current, expires?: Date): BotCredential => ({
  ...{ sid: 'BC1', kind: 'CERTIFICATE', privateKey, thumbprint },
  expires,
});
const secret = (value: string): BotCredential => ({ sid: 'BC2', kind: 'SECRET', secret: value });
const holding = (bot: BotCredentials, ...further: BotCredential[]): BotCredentials => ({
  ...bot,
  further: { key: JSON.stringify(further), load: async () => further },
});
const asked = () => fake.requests.filter(({ route }) => route === 'token');

describe('a bot’s credentials', () => {
  test('may be a certificate alone, whose key signs an assertion for each token', async () => {
    const bot = holding({ ...fake.addBot({ certificates: [current.certificate] }), clientSecret: '' }, certificate());
    const kept = login();
    await kept.token(bot, BOT_SCOPE);
    await kept.token(bot, 'https://graph.example/.default');
    expect(fake.assertions.size).toBe(2);
    const form = new URLSearchParams(asked().at(-1)?.body);
    expect(form.has('client_secret')).toBe(false);
    expect(JSON.parse(Buffer.from(form.get('client_assertion')?.split('.')[0] ?? '', 'base64url').toString())).toEqual({
      ...{ alg: 'PS256', typ: 'JWT' },
      'x5t#S256': Buffer.from(current.thumbprint, 'hex').toString('base64url'),
    });
  });

  test.each<[string, () => BotCredentials]>([
    ['its secret has expired', () => holding(fake.addBot({ secretExpired: true, certificates: [current.certificate] }), certificate())],
    ['its secret is another one', () => holding({ ...fake.addBot({ secrets: ['new'] }), clientSecret: 'old' }, secret('new'))],
    [
      'its certificate has expired',
      () =>
        holding(
          { ...fake.addBot({ certificates: [former.certificate], secrets: ['new'] }), clientSecret: '' },
          certificate(former),
          secret('new'),
        ),
    ],
    [
      'its certificate is another one',
      () => holding({ ...fake.addBot({ secrets: ['new'] }), clientSecret: '' }, certificate(), secret('new')),
    ],
  ])('are tried in order: if %s, the next one gets the token', async (_, arrange) => {
    const before = asked().length;
    await expect(login().token(arrange(), BOT_SCOPE)).resolves.toBeTruthy();
    expect(asked().length - before).toBe(2);
  });

  test('are tried beginning with the one that was accepted last', async () => {
    const bot = holding(fake.addBot({ secretExpired: true, certificates: [current.certificate] }), certificate());
    const kept = login();
    await kept.token(bot, BOT_SCOPE);
    const before = asked().length;
    await kept.token(bot, 'https://graph.example/.default');
    expect(asked().length - before).toBe(1);
  });

  test('that are known to have expired are tried last', async () => {
    const bot = holding({ ...fake.addBot({ secrets: ['new'] }), clientSecret: '' }, certificate(former, new Date(0)), secret('new'));
    const before = asked().length;
    await login().token(bot, BOT_SCOPE);
    expect(asked().length - before).toBe(1);
  });

  test('that are all refused are refused as the first is; others are not tried if the application is', async () => {
    const bot = holding({ ...fake.addBot(), clientSecret: 'old' }, certificate());
    await expect(login().token(bot, BOT_SCOPE)).rejects.toMatchObject({ outcome: 'curable', code: 'AADSTS7000215' });
    const before = asked().length;
    await expect(login().token({ ...bot, applicationId: 'unknown' }, BOT_SCOPE)).rejects.toMatchObject({ code: 'AADSTS700016' });
    expect(asked().length - before).toBe(1);
    await expect(login().token({ ...bot, clientSecret: '', further: undefined }, BOT_SCOPE)).rejects.toMatchObject({
      ...{ reason: 'BOT_CREDENTIALS', code: 'NoCredential' },
    });
  });

  test('give their token to nobody who has the same application and a wrong secret', async () => {
    const kept = login();
    const bot = holding({ ...fake.addBot({ certificates: [current.certificate] }), clientSecret: 'wrong' }, certificate());
    await kept.token(bot, BOT_SCOPE);
    await expect(kept.token({ ...bot, further: undefined }, BOT_SCOPE)).rejects.toMatchObject({ code: 'AADSTS7000215' });
  });

  test('are each checked by verifyBot', async () => {
    const bot = holding(fake.addBot({ secretExpired: true, certificates: [current.certificate] }), certificate());
    const checks = await createHttpMicrosoft({ ...fake.settings, fetch }).verifyBot(bot);
    expect(checks.map(({ step, passed, code, credentialSid }) => [step, passed, code, credentialSid])).toEqual([
      ['IDS', true, undefined, undefined],
      ['TOKEN', false, 'AADSTS7000222', undefined],
      ['TOKEN', true, undefined, 'BC1'],
      ['GRAPH', true, undefined, undefined],
      ['CONNECTOR', true, undefined, undefined],
    ]);
  });
});

describe('tokens for the Bot Framework', () => {
  const microsoft = () => createHttpMicrosoft({ ...fake.settings, fetch });

  test.each([
    ['the application’s home tenant', 'a-home-tenant'],
    ['the Bot Framework’s own tenant', 'botframework.com'],
  ])('are those of %s if the bot says so; Graph’s are the customer’s', async (_, botTenant) => {
    const bot = fake.addBot({ botTenant });
    const user = fake.addUser({ tenantId: bot.tenantId });
    await expect(microsoft().openConversation(bot, user)).rejects.toMatchObject({ reason: 'BOT_CREDENTIALS', code: '401' });
    const right = { ...bot, loginTenant: botTenant };
    const conversation = await microsoft().openConversation(right, user);
    await microsoft().sendActivity(right, conversation, 'Hello');
    await expect(microsoft().findUser(right, user.objectId)).resolves.toEqual({ objectId: user.objectId });
  });
});

describe('clouds', () => {
  const microsoft = () => createHttpMicrosoft({ ...fake.settings, fetch });

  test('have a login, a Graph and a connector of their own', async () => {
    const bot = fake.addBot({ cloud: 'GCC_HIGH' });
    const user = fake.addUser({ tenantId: bot.tenantId });
    const commercial = fake.requests.length;
    const conversation = await microsoft().openConversation(bot, user);
    await microsoft().sendActivity(bot, conversation, 'Hello');
    await expect(microsoft().findUser(bot, user.objectId)).resolves.toEqual({ objectId: user.objectId });
    expect(conversation.serviceUrl).toBe(fake.settings.clouds.GCC_HIGH?.serviceUrl);
    expect(fake.requests.length).toBe(commercial);
    // A bot of another cloud is unknown there, and its token is not sent to another cloud's connector.
    await expect(microsoft().openConversation({ ...bot, cloud: 'COMMERCIAL' }, user)).rejects.toMatchObject({ code: 'AADSTS90002' });
    await expect(microsoft().sendActivity(bot, { ...conversation, serviceUrl: fake.settings.serviceUrl }, 'Hello')).rejects.toMatchObject({
      code: 'ServiceUrlNotAllowed',
    });
  });

  test('the one of 21Vianet has no connector until an activity names it', async () => {
    const bot: BotCredentials = { ...fake.addBot(), cloud: 'CHINA' };
    await expect(microsoft().openConversation(bot, { objectId: 'x' })).rejects.toMatchObject({
      ...{ reason: 'APP_NOT_INSTALLED', code: 'ServiceUrlUnknown' },
    });
    expect((await microsoft().verifyBot(bot)).find(({ step }) => step === 'CONNECTOR')).toMatchObject({ passed: true, isUnasked: true });
  });

  test('a tenant of GCC is recognized by what the connector says', async () => {
    const bot = fake.addBot();
    fake.gccTenants.add(bot.tenantId);
    const user = fake.addUser({ tenantId: bot.tenantId });
    await expect(microsoft().openConversation(bot, user)).resolves.toMatchObject({ movedTo: 'GCC', serviceUrl: `${fake.url}/gcc` });
    await expect(microsoft().openConversation({ ...bot, cloud: 'GCC' }, user)).resolves.toEqual({
      ...{ serviceUrl: `${fake.url}/gcc`, conversationId: expect.any(String) },
    });
    expect((await microsoft().verifyBot(bot)).at(-1)).toEqual({ step: 'CONNECTOR', passed: true, movedTo: 'GCC' });
  });

  test.each<[Cloud, string]>([
    ['COMMERCIAL', 'https://login.microsoftonline.com/t/adminconsent?client_id=a'],
    ['GCC_HIGH', 'https://login.microsoftonline.us/t/adminconsent?client_id=a'],
    ['CHINA', 'https://login.partner.microsoftonline.cn/t/adminconsent?client_id=a'],
  ])('an administrator of a tenant of %s consents at its login', (cloud, url) => {
    const real = createHttpMicrosoft({ ...fake.settings, clouds: {}, loginUrl: 'https://login.microsoftonline.com', fetch });
    expect(real.adminConsentUrl({ applicationId: 'a', tenantId: 't', cloud })).toBe(url);
  });
});

test('Graph tells when secrets end, if it may', async () => {
  const secretEnds = [{ hint: 'abc', endDateTime: '2027-01-01T00:00:00Z' }];
  const microsoft = createHttpMicrosoft({ ...fake.settings, fetch });
  await expect(microsoft.secretDates(fake.addBot({ secretEnds }))).resolves.toEqual([]);
  const bot = fake.addBot({ secretEnds, permissions: ['User.Read.All', 'Application.Read.All'] });
  await expect(microsoft.secretDates(bot)).resolves.toEqual([{ hint: 'abc', expires: new Date('2027-01-01') }]);
});
