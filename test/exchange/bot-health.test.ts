import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkBots } from '../../src/domain/bots/bot-health.ts';
import { done, inRest } from '../parity/faces.ts';
import {
  addCredential as add,
  checkHealth,
  mutate,
  readyCustomer,
  shownBot as shown,
  touch,
  verifyBot as verify,
} from '../support/bots.ts';
import { makeCertificate } from '../support/certificates.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';
import { PARTNER } from '../support/teams-chat.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());

const DAY_MS = 86_400_000;

const unhealthy = async ({ provider }: Customer) =>
  (await provider.graph('{ bots(filter: { unhealthy: true }) { totalCount nodes { sid } } }')).data.bots.nodes.map(
    ({ sid }: { sid: string }) => sid,
  );
/** Each test has bots of its own. */
const check = () => checkHealth(exchange);

describe('a bot’s health', () => {
  test('is unknown, then healthy once it was checked; a change has it checked again', async () => {
    const own = await readyCustomer(exchange);
    expect((await shown(own)).health).toMatchObject({ status: 'UNKNOWN', code: null, message: null, cure: null });
    await check();
    expect((await shown(own)).health).toMatchObject({ status: 'HEALTHY', cure: null });
    expect(await unhealthy(own)).toEqual([]);
    const asked = exchange.microsoft.requests.length;
    await check();
    expect(exchange.microsoft.requests.length).toBe(asked);
    own.bot.permissions = [];
    await touch(own);
    await check();
    expect((await shown(own)).health).toMatchObject({
      ...{ status: 'UNHEALTHY', code: 'Authorization_RequestDenied', message: 'Insufficient privileges to complete the operation.' },
      cure: expect.stringContaining('User.Read.All'),
    });
    expect(await unhealthy(own)).toEqual([own.botSid]);
    expect(await unhealthy(await exchange.customer())).toEqual([]);
  });

  test('says what messages have met, and is checked once they get through: a certificate takes over from an expired secret', async () => {
    const own = await readyCustomer(exchange);
    const certificate = makeCertificate();
    await check();
    own.bot.secretExpired = true;
    exchange.microsoft.revokeTokens();
    const waiting = await exchange.text(own, own, PARTNER, 'one');
    await until(async () => (await shown(own)).health.status === 'UNHEALTHY');
    expect((await shown(own)).health).toMatchObject({ code: 'AADSTS7000222', cure: expect.stringContaining('updateBot') });
    own.bot.certificates.push(certificate.certificate);
    const added = await add(own, { certificate: certificate.certificate, privateKey: certificate.privateKey, name: 'next' });
    expect(added.credential).toMatchObject({ kind: 'CERTIFICATE', thumbprint: certificate.thumbprint, hint: null });
    await exchange.ends(own.provider, waiting, 'DELIVERED');
    await check();
    // The secret is still there, and still refused.
    expect((await shown(own)).health).toMatchObject({
      status: 'WARNING',
      code: 'AADSTS7000222',
      cure: expect.stringContaining('removeBotCredential'),
    });
    expect(exchange.logged.join('')).not.toContain('PRIVATE KEY');
    await mutate(own, 'updateBot', { sid: own.botSid, removeClientSecret: true }, 'bot { sid }');
    await check();
    expect(await shown(own)).toMatchObject({ health: { status: 'HEALTHY' }, credentials: [{ thumbprint: certificate.thumbprint }] });
    const other = await exchange.customer();
    expect(await mutate(other, 'updateBot', { sid: other.botSid, removeClientSecret: true }, 'bot { sid }')).toMatchObject({
      ...{ code: 'INVALID_PARAMETER', path: ['removeClientSecret'] },
    });
  });

  test('warns 30 days before a credential ends: by its certificate, as it was given, and by Graph', async () => {
    const own = await readyCustomer(exchange);
    const soon = makeCertificate({ days: 20 });
    own.bot.certificates.push(soon.certificate);
    const { credential } = await add(own, { certificate: soon.certificate, privateKey: soon.privateKey });
    await check();
    expect((await shown(own)).health).toMatchObject({
      ...{ status: 'WARNING', code: 'CREDENTIAL_EXPIRES', message: expect.stringContaining(credential.dateExpires.slice(0, 10)) },
      cure: expect.stringContaining('addBotCertificate'),
    });
    // A new secret cures it, though nothing tells when that ends.
    own.bot.secrets.push('another-secret');
    const next = await add(own, { secret: 'another-secret' });
    await check();
    expect((await shown(own)).health.status).toBe('HEALTHY');
    await mutate(own, 'removeBotCredential', { sid: next.credential.sid }, 'credential { sid }');
    expect(await mutate(own, 'removeBotCredential', { sid: credential.sid }, 'credential { sid }')).toMatchObject({
      credential: { sid: credential.sid },
    });
    await check();
    expect((await shown(own)).health.status).toBe('HEALTHY');
    const dateClientSecretExpires = new Date(Date.now() + 10 * DAY_MS).toISOString();
    await mutate(own, 'updateBot', { sid: own.botSid, dateClientSecretExpires }, 'bot { sid }');
    await check();
    expect((await shown(own)).health.status).toBe('WARNING');
    // Another secret has another end, which Graph tells.
    Object.assign(own.bot, { clientSecret: 'abc~another-secret' });
    own.bot.permissions.push('Application.Read.All');
    own.bot.secretEnds.push({ hint: 'abc', endDateTime: new Date(Date.now() + 40 * DAY_MS).toISOString() });
    await mutate(own, 'updateBot', { sid: own.botSid, clientSecret: own.bot.clientSecret }, 'bot { sid }');
    await check();
    expect((await shown(own)).health.status).toBe('HEALTHY');
    own.bot.secretEnds[0] = { hint: 'abc', endDateTime: new Date(Date.now() + 5 * DAY_MS).toISOString() };
    await touch(own);
    await check();
    expect((await shown(own)).health.status).toBe('WARNING');
  });

  test('is checked by one instance at a time', async () => {
    await check();
    for (let i = 0; i < 3; i += 1) await exchange.customer();
    const counts = await Promise.all([checkBots(exchange.gateway), checkBots(exchange.gateway)]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(3);
  });

  test('stays as it was while Microsoft does not respond, or may not know new credentials yet', async () => {
    const own = await exchange.customer();
    exchange.microsoft.fault('token', { answer: { status: 503 }, times: 10 });
    await check();
    exchange.microsoft.heal();
    expect((await shown(own)).health.status).toBe('UNKNOWN');
    const other = await exchange.customer({ bot: exchange.microsoft.addBot() });
    await done(other.provider, 'updateBot', { sid: other.botSid, clientSecret: 'too-new' });
    await check();
    expect((await shown(other)).health.status).toBe('UNKNOWN');
  });
});

describe('a bot’s credentials', () => {
  test('may be a certificate alone', async () => {
    const made = makeCertificate();
    const of = await exchange.customer();
    const bot = exchange.microsoft.addBot({ certificates: [made.certificate] });
    await mutate(of, 'deleteBot', { sid: of.botSid }, 'bot { sid }');
    const { applicationId, tenantId } = bot;
    const ids = { enterpriseSid: of.enterpriseSid, applicationId, tenantId, botAppId: exchange.microsoft.addApp(bot).id };
    const { certificate, privateKey } = made;
    const created = await mutate(of, 'createBot', { ...ids, certificate, privateKey }, 'bot { sid clientSecretHint credentials { kind } }');
    expect(created.bot).toMatchObject({ clientSecretHint: '', credentials: [{ kind: 'CERTIFICATE' }] });
    expect(await verify({ ...of, botSid: created.bot.sid })).toMatchObject({ passed: true });
  });

  let refusing: Customer | undefined;
  test.each<[string, () => object, string]>([
    ['no certificate', () => ({ certificate: 'canary', privateKey: 'canary' }), 'certificate'],
    ['no key', () => ({ ...pemOf(makeCertificate()), privateKey: 'canary' }), 'privateKey'],
    ['another key', () => ({ ...pemOf(makeCertificate()), privateKey: makeCertificate().privateKey }), 'privateKey'],
    ['a short key', () => pemOf(makeCertificate({ bits: 1024 })), 'privateKey'],
    ['an expired certificate', () => pemOf(makeCertificate({ days: -1 })), 'certificate'],
  ])('are refused if they are %s, without being quoted', async (_, input, field) => {
    refusing ??= await exchange.customer();
    const refused = await add(refusing, input());
    expect(refused).toMatchObject({ code: 'INVALID_PARAMETER', path: [field], value: null });
    expect(JSON.stringify(refused)).not.toContain('canary');
  });
  const pemOf = ({ certificate, privateKey }: { certificate: string; privateKey: string }) => ({ certificate, privateKey });

  test('of another organization are not found', async () => {
    const [own, other] = [await exchange.customer(), await exchange.customer()];
    const { credential } = await add(own, { secret: 'another-secret' });
    expect(await add({ ...other, botSid: own.botSid }, { secret: 'x' })).toMatchObject({ code: 'BOT_NOT_FOUND' });
    expect(await mutate(other, 'removeBotCredential', { sid: credential.sid }, 'credential { sid }')).toMatchObject({
      code: 'BOT_CREDENTIAL_NOT_FOUND',
    });
    expect((await shown(own)).credentials).toMatchObject([{ sid: credential.sid, hint: 'cret' }]);
  });

  test('are not created with a certificate by the contract, whose secret stays mandatory', async () => {
    const own = await exchange.customer();
    const { certificate, privateKey } = makeCertificate();
    const { body } = await inRest(own.provider, 'createBot', {
      ...{ enterpriseSid: own.enterpriseSid, applicationId: 'a', tenantId: 't', botAppId: 'app', certificate, privateKey },
    });
    expect(body).toMatchObject({ errorCode: '451', message: 'Mandatory parameter clientSecret is missing.' });
  });
});

describe('verifyBot', () => {
  test('checks each credential, and names the cure of what failed', async () => {
    const own = await exchange.customer();
    const { credential } = await add(own, { secret: 'wrong' });
    const { passed, checks } = await verify(own);
    expect(passed).toBe(false);
    expect(checks.map(({ step }: { step: string }) => step)).toEqual([
      'IDS',
      'TOKEN',
      'TOKEN',
      'GRAPH',
      'CATALOG',
      'CONNECTOR',
      'ENDPOINT',
    ]);
    expect(checks[2]).toMatchObject({
      passed: false,
      code: 'AADSTS7000215',
      credentialSid: credential.sid,
      cure: expect.stringMatching(/credentials/),
    });
    expect(checks[1]).toMatchObject({ passed: true, cure: null, credentialSid: null });
  });

  test('checks that the app is in the catalog, in its version, and that a user has it', async () => {
    const bot = exchange.microsoft.addBot({ permissions: ['User.Read.All'] });
    const own = await exchange.customer({ bot, botAppId: bot.applicationId });
    const app = async (microsoftAddress?: string) =>
      (await verify(own, microsoftAddress)).checks.filter(({ step }: { step: string }) => ['CATALOG', 'INSTALLATION'].includes(step));
    const address = own.user.userPrincipalName;
    const lacking = (permission: string) => ({ passed: false, skipped: true, code: null, cure: expect.stringContaining(permission) });
    const needed = { passed: false, skipped: false, code: 'PermissionsMissing', cure: expect.stringContaining('AppCatalog.Read.All') };
    expect(await app(address)).toMatchObject([needed, lacking('TeamsAppInstallation.ReadWriteSelfForUser.All')]);
    own.bot.permissions.push('AppCatalog.Read.All', 'TeamsAppInstallation.ReadWriteSelfForUser.All');
    const failed = (code: string, cure: RegExp) => ({ passed: false, skipped: false, code, cure: expect.stringMatching(cure) });
    expect(await app()).toMatchObject([failed('AppNotInCatalog', /Publish/)]);
    const published = exchange.microsoft.addApp(own.bot, { versions: ['1.0.0'] });
    expect(await app(address)).toMatchObject([failed('AppOutdated', /again/), { passed: true }]);
    published.versions.push('1.1.0');
    own.user.installed = false;
    expect(await app(address)).toMatchObject([{ passed: true, message: 'Version 1.1.0' }, failed('AppNotInstalled', /Install/)]);
    expect(await app('nobody@example.com')).toMatchObject([{ passed: true }, failed('UserUnknown', /principal name/)]);
    expect(await verify(own, `${'x'.repeat(320)}@example.com`)).toMatchObject({ passed: false });
    expect(await verify(own)).toMatchObject({ passed: true });
    exchange.microsoft.fault('catalog', { answer: { status: 503, body: {} } });
    expect(await verify(own)).toMatchObject({ passed: true });
  });

  test('finds the authority whose tokens Microsoft takes', async () => {
    const own = await readyCustomer(exchange, { botTenant: 'botframework.com' });
    const found = await verify(own);
    expect(found).toMatchObject({ passed: false, authority: 'MULTI_TENANT' });
    expect(found.checks[4]).toMatchObject({ step: 'CONNECTOR', message: expect.stringContaining('authority MULTI_TENANT, not of TENANT') });
    await mutate(own, 'updateBot', { sid: own.botSid, authority: 'MULTI_TENANT' }, 'bot { authority }');
    expect(await verify(own)).toMatchObject({ passed: true, authority: 'MULTI_TENANT' });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hello'), 'DELIVERED');
    const home = { sid: own.botSid, authority: 'HOME' };
    expect(await mutate(own, 'updateBot', home, 'bot { authority }')).toMatchObject({ code: 'INVALID_PARAMETER', path: ['homeTenantId'] });
    expect(await mutate(own, 'updateBot', { ...home, homeTenantId: 'home' }, 'bot { authority homeTenantId }')).toMatchObject({
      bot: { authority: 'HOME', homeTenantId: 'home' },
    });
  });
});

describe('clouds', () => {
  test('a bot whose tenant is in GCC is moved there by its first message, once', async () => {
    const own = await exchange.customer();
    exchange.microsoft.gccTenants.add(own.bot.tenantId);
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hello'), 'DELIVERED');
    expect((await shown(own)).cloud).toBe('GCC');
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'again'), 'DELIVERED');
    const { data } = await own.provider.graph(`{ auditLog(filter: { targetSid: "${own.botSid}" }) { nodes { action accountSid } } }`);
    expect(data.auditLog.nodes.filter(({ action }: { action: string }) => action === 'BOT_MOVE')).toEqual([
      { action: 'BOT_MOVE', accountSid: null },
    ]);
  });

  test('a bot of GCC High exchanges messages by its own cloud', async () => {
    const own = await readyCustomer(exchange, { cloud: 'GCC_HIGH' });
    const commercial = exchange.microsoft.requests.length;
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hello'), 'DELIVERED');
    expect(await exchange.say(own, own.user, 'Good morning')).toBe(200);
    const [, answer] = await exchange.messages(own.provider);
    expect(answer).toMatchObject({ direction: 'INBOUND', body: 'Good morning' });
    expect(await verify(own)).toMatchObject({ passed: true, authority: 'TENANT' });
    expect(exchange.microsoft.requests.length).toBe(commercial);
    // The commercial Bot Framework does not speak for it.
    const activity = exchange.microsoft.activityFrom({ ...own.bot, cloud: 'COMMERCIAL' }, own.user, 'Forged');
    expect(await exchange.post(activity, await exchange.sign(activity))).toBe(403);
    // Nor where it has a bot of the same application itself.
    await exchange.customer({ bot: exchange.microsoft.addBot({ ...own.bot, cloud: 'COMMERCIAL' }) });
    expect(await exchange.post(activity, await exchange.sign(activity))).toBe(200);
    expect(await exchange.messages(own.provider)).toHaveLength(2);
  });
});
