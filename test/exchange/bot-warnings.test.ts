import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Fault } from '../fakes/fake-server.ts';
import type { FakeApp, FakeBot, MicrosoftRoute } from '../fakes/microsoft-state.ts';
import { addCredential, checkHealth, mutate, readyCustomer, shownBot, touch, verifiedStep } from '../support/bots.ts';
import { makeCertificate } from '../support/certificates.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';
import { PARTNER } from '../support/teams-chat.ts';

// What a bot's health says before a message finds out.

const INSTALLS = 'TeamsAppInstallation.ReadWriteSelfForUser.All';
const CATALOG = 'AppCatalog.Read.All';
const USERS = 'User.Read.All';
const DAY_MS = 86_400_000;

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());
afterEach(() => {
  vi.useRealTimers();
  exchange.microsoft.heal();
  exchange.microsoft.opaqueTokens = false;
});

const healthOf = async (own: Customer) => (await shownBot(own)).health;
/** How a bot is after a check. */
async function checked(own: Customer) {
  await touch(own);
  await checkHealth(exchange);
  return healthOf(own);
}
const unhealthy = async ({ provider }: Customer) =>
  (await provider.graph('{ bots(filter: { unhealthy: true }) { totalCount } }')).data.bots.totalCount;

/** A customer whose bot has the application's id for its app's, which it has to find in the catalog. */
async function byApplicationId(change: Partial<FakeBot>): Promise<Customer> {
  const bot = exchange.microsoft.addBot(change);
  exchange.microsoft.addApp(bot);
  return exchange.customer({ bot, botAppId: bot.applicationId });
}

describe('without a permission that users without the app need', () => {
  test.each([
    [INSTALLS, [USERS, CATALOG]],
    [CATALOG, [USERS, INSTALLS]],
  ])('%s, health warns and verifyBot fails, with the permission and the page for consent', async (lacking, permissions) => {
    const own = await byApplicationId({ permissions });
    const consent = `${exchange.microsoft.settings.loginUrl}/${own.bot.tenantId}/adminconsent?client_id=${own.bot.applicationId}`;
    const health = await checked(own);
    expect(health).toMatchObject({ status: 'WARNING', reason: 'INSTALL_PERMISSION', code: 'PermissionsMissing' });
    // What no message needs is not asked for along with it.
    expect(health.message).toMatch(new RegExp(`^Not granted: ${lacking.replaceAll('.', '\\.')} \\([^()]+\\)\\.$`));
    expect(health.cure).toContain(consent);
    expect(await unhealthy(own)).toBe(1);
    expect(await verifiedStep(own, 'GRAPH')).toEqual({
      ...{ step: 'GRAPH', passed: false, skipped: false, allPassed: false, code: 'PermissionsMissing', credentialSid: null },
      message: expect.stringContaining(lacking),
      cure: expect.stringMatching(new RegExp(`the permission ${lacking.replaceAll('.', '\\.')} .*${consent.replaceAll(/[.?]/g, '\\$&')}`)),
    });
    // A user who has the app is written to all the same.
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hello'), 'DELIVERED');
    own.bot.permissions.push(lacking);
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY', reason: null, code: null, message: null, cure: null });
    expect((await verifiedStep(own, 'GRAPH')).allPassed).toBe(true);
  });

  test('all of them, the cure names all at once', async () => {
    const own = await byApplicationId({});
    own.bot.permissions = [];
    const { cure, code } = await verifiedStep(own, 'GRAPH');
    expect([code, cure]).toEqual(['Authorization_RequestDenied', expect.stringContaining(`${USERS}, ${INSTALLS}, ${CATALOG}`)]);
    expect(await healthOf(own)).toMatchObject({
      status: 'UNHEALTHY',
      reason: 'GRAPH_PERMISSION',
      cure: expect.stringContaining('adminconsent'),
    });
  });

  test('none is asked for to find an app in the catalog whose id there the bot has', async () => {
    const own = await readyCustomer(exchange, { permissions: [USERS, INSTALLS] });
    own.user.installed = false;
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY', message: null });
    expect(await verifiedStep(own, 'GRAPH')).toMatchObject({ passed: true, message: expect.stringContaining(CATALOG), allPassed: true });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hello'), 'DELIVERED');
    expect(own.user.installed).toBe(true);
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
  });

  test('one is asked for to find an app in the catalog once an installation has shown that the bot’s botAppId is not its id there', async () => {
    const bot = exchange.microsoft.addBot({ permissions: [USERS, INSTALLS] });
    const { externalId } = exchange.microsoft.addApp(bot, { externalId: randomUUID() });
    const user = exchange.microsoft.addUser({ tenantId: bot.tenantId, installed: false });
    const own = await exchange.customer({ bot, user, botAppId: externalId });
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hello'), 'stuck');
    // The user may be unknown, and not the app.
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    const second = await exchange.person(own, exchange.microsoft.addUser({ tenantId: bot.tenantId, installed: false }));
    await exchange.ends(own.provider, await exchange.text(own, second, PARTNER, 'Hello'), 'stuck');
    const found = { status: 'WARNING', reason: 'INSTALL_PERMISSION', message: expect.stringContaining(CATALOG) };
    expect(await checked(own)).toMatchObject(found);
    expect(await verifiedStep(own, 'GRAPH')).toMatchObject({ passed: false, cure: expect.stringContaining(CATALOG) });
    own.bot.permissions.push(CATALOG);
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
  });

  test.each([[CATALOG, 'PermissionsMissing'] as const, [401, 'Refused'] as const, [403, 'Refused'] as const])(
    '%s, it is found out by asking Graph, which may not say in its tokens what is granted',
    async (lacking, code) => {
      const own = await byApplicationId({ permissions: lacking === CATALOG ? [USERS, INSTALLS] : [USERS, INSTALLS, CATALOG] });
      exchange.microsoft.opaqueTokens = true;
      if (lacking !== CATALOG) {
        const body = { error: { code, message: 'Not you.' } };
        exchange.microsoft.fault('catalog', { times: 50, answer: { status: lacking, body } });
      }
      expect(await checked(own)).toMatchObject({
        ...{ status: 'WARNING', reason: 'INSTALL_PERMISSION', code, message: expect.stringContaining(CATALOG) },
        cure: expect.stringContaining('adminconsent'),
      });
      const { message, ...step } = await verifiedStep(own, 'CATALOG');
      expect(step).toMatchObject({ passed: false, skipped: false, allPassed: false, code, cure: expect.stringContaining(CATALOG) });
      expect(message).not.toContain('install');
    },
  );

  test('the one to install it, an installation shows that where tokens do not say what is granted', async () => {
    const own = await readyCustomer(exchange, { permissions: [USERS, CATALOG] });
    exchange.microsoft.opaqueTokens = true;
    own.user.installed = false;
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    const sid = await exchange.text(own, own, PARTNER, 'Hello');
    await exchange.ends(own.provider, sid, 'stuck');
    const found = { message: expect.stringContaining(INSTALLS), cure: expect.stringContaining('adminconsent') };
    expect(await checked(own)).toMatchObject({ ...found, status: 'WARNING', reason: 'INSTALL_PERMISSION' });
    expect(await verifiedStep(own, 'INSTALLATION')).toMatchObject({ ...found, passed: false, skipped: false, allPassed: false });
    own.bot.permissions.push(INSTALLS);
    await mutate(own, 'retryMessage', { sid }, 'retriedMessage { sid }');
    await exchange.ends(own.provider, sid, 'DELIVERED');
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
  });

  test.each(['TeamsAppInstallation.ReadWriteAndConsentForUser.All', 'TeamsAppInstallation.ManageSelectedForUser.All'])(
    '%s, a wider one, does, and one that only groups need is no more than named',
    async (wider) => {
      const own = await readyCustomer(exchange, { permissions: [USERS, wider, 'AppCatalog.ReadWrite.All'] });
      expect(await checked(own)).toMatchObject({ status: 'HEALTHY', message: null });
      expect(await verifiedStep(own, 'GRAPH')).toMatchObject({
        passed: true,
        message: expect.stringContaining('GroupMember.Read.All'),
        cure: null,
      });
      own.bot.permissions.push('Group.Read.All', 'Application.ReadWrite.All');
      expect(await verifiedStep(own, 'GRAPH')).toMatchObject({ passed: true, message: null });
    },
  );

  test.each(['GCC_HIGH', 'DOD', 'CHINA'] as const)('%s needs none, where applications install no apps', async (cloud) => {
    const own = await readyCustomer(exchange, { cloud, permissions: cloud === 'CHINA' ? [USERS] : [USERS, CATALOG] });
    const catalogs = () => exchange.microsoft.china.requests.filter(({ route }) => route === 'catalog').length;
    const before = catalogs();
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    expect(catalogs()).toBe(before);
    own.bot.permissions = [USERS];
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    expect(await verifiedStep(own, 'CATALOG')).toMatchObject({ passed: false, skipped: true, allPassed: true });
  });
});

describe('without a published app', () => {
  const anApp = '6fbb3c66-8a54-4d11-9d5c-1f6f1b2d3c4e';
  test.each<[string, string, Partial<FakeApp> | undefined, string]>([
    ['nobody has uploaded it', anApp, undefined, 'AppNotInCatalog'],
    ['nobody has approved it yet', anApp, { publishingState: 'submitted' }, 'AppNotPublished'],
    ['it was rejected', anApp, { publishingState: 'rejected' }, 'AppNotPublished'],
    ['the bot’s botAppId is none', 'app', {}, 'BotAppIdInvalid'],
  ])('health warns, as verifyBot fails: %s', async (_what, botAppId, app, code) => {
    const bot = exchange.microsoft.addBot();
    if (app) exchange.microsoft.addApp(bot, { id: anApp, ...app });
    const own = await exchange.customer({ bot, botAppId });
    expect(await checked(own)).toMatchObject({
      ...{ status: 'WARNING', reason: 'APP_NOT_PUBLISHED', code, message: expect.stringContaining(botAppId) },
      cure: expect.stringContaining('botAppId'),
    });
    expect(await verifiedStep(own, 'CATALOG')).toMatchObject({ passed: false, skipped: false, code, cure: expect.stringMatching(/\S/) });
    const { id } = exchange.microsoft.addApp(bot);
    await mutate(own, 'updateBot', { sid: own.botSid, botAppId: id }, 'bot { sid }');
    await checkHealth(exchange);
    expect(await healthOf(own)).toMatchObject({ status: 'HEALTHY' });
  });

  test('an outdated one keeps no message waiting', async () => {
    const bot = exchange.microsoft.addBot();
    const own = await exchange.customer({ bot, botAppId: exchange.microsoft.addApp(bot, { versions: ['1.0.0'] }).id });
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    expect(await verifiedStep(own, 'CATALOG')).toMatchObject({ passed: false, code: 'AppOutdated' });
  });
});

describe('what Graph does not tell for a while', () => {
  const throttled: Fault = {
    times: 50,
    answer: { status: 429, headers: { 'retry-after': '1' }, body: { error: { code: 'TooManyRequests', message: 'Too many.' } } },
  };
  test.each<[string, MicrosoftRoute, Fault]>([
    ['the catalog is throttled', 'catalog', throttled],
    ['the catalog fails', 'catalog', { times: 50, answer: { status: 503, body: {} } }],
    ['the connection breaks', 'catalog', { times: 50, reset: 'before' }],
    ['users are throttled', 'users', throttled],
    ['users fail', 'users', { times: 50, answer: { status: 500 } }],
    ['when its secrets end fails', 'application', { times: 50, answer: { status: 503, body: {} } }],
    ['when its secrets end is throttled', 'application', throttled],
    ['the connection for when its secrets end breaks', 'application', { times: 50, reset: 'before' }],
  ])('leaves a bot as it was: %s', async (_what, route, fault) => {
    const fine = await readyCustomer(exchange);
    const bot = exchange.microsoft.addBot();
    const warned = await exchange.customer({ bot, botAppId: bot.applicationId });
    await checkHealth(exchange);
    const before = [await healthOf(fine), await healthOf(warned)];
    expect(before).toMatchObject([{ status: 'HEALTHY' }, { status: 'WARNING', reason: 'APP_NOT_PUBLISHED' }]);
    exchange.microsoft.addApp(bot);
    exchange.microsoft.fault(route, fault);
    expect([await checked(fine), await checked(warned)]).toEqual(before);
    exchange.microsoft.heal();
    // Asked again after ten minutes, not at once.
    await checkHealth(exchange);
    expect(await healthOf(warned)).toEqual(before[1]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
    await checkHealth(exchange);
    expect(await healthOf(warned)).toMatchObject({ status: 'HEALTHY' });
  });
});

describe('what installations meet', () => {
  test('is seen by the next check, and so is that one has succeeded', async () => {
    const own = await readyCustomer(exchange);
    await checkHealth(exchange);
    expect(await healthOf(own)).toMatchObject({ status: 'HEALTHY' });
    own.bot.permissions = [USERS, CATALOG];
    exchange.microsoft.revokeTokens();
    const late = await exchange.person(own, exchange.microsoft.addUser({ tenantId: own.bot.tenantId, installed: false }));
    const sid = await exchange.text(own, late, PARTNER, 'Hello');
    await exchange.ends(own.provider, sid, 'stuck');
    await until(async () => {
      await checkHealth(exchange);
      return (await healthOf(own)).reason === 'INSTALL_PERMISSION';
    });
    own.bot.permissions.push(INSTALLS);
    exchange.microsoft.revokeTokens();
    await mutate(own, 'retryMessage', { sid }, 'retriedMessage { sid }');
    await exchange.ends(own.provider, sid, 'DELIVERED');
    await until(async () => {
      await checkHealth(exchange);
      return (await healthOf(own)).status === 'HEALTHY';
    });
  });
});

test('what waits for a cause that verifyBot finds to be over is delivered at once', async () => {
  const own = await readyCustomer(exchange);
  own.bot.permissions = [];
  exchange.microsoft.revokeTokens();
  own.user.installed = false;
  const sid = await exchange.text(own, own, PARTNER, 'Hello');
  await exchange.ends(own.provider, sid, 'stuck');
  expect(await checked(own)).toMatchObject({ reason: 'GRAPH_PERMISSION' });
  own.bot.permissions = [USERS, CATALOG, INSTALLS];
  expect((await verifiedStep(own, 'GRAPH')).allPassed).toBe(true);
  await exchange.ends(own.provider, sid, 'DELIVERED');
});

describe('a credential that ends within 30 days', () => {
  const certificateOf = async (own: Customer, name: string, days: number) => {
    const { certificate, privateKey } = makeCertificate({ days });
    own.bot.certificates.push(certificate);
    const { credential } = await addCredential(own, { certificate, privateKey, name });
    return { sid: credential.sid as string, words: `The certificate ${name} ends on ${credential.dateExpires.slice(0, 10)}.` };
  };

  test('warns as every other one that does, the first to end first, and before what only new users notice', async () => {
    const own = await readyCustomer(exchange, { permissions: [USERS] });
    const later = await certificateOf(own, 'later', 25);
    const sooner = await certificateOf(own, 'sooner', 5);
    await mutate(own, 'updateBot', { sid: own.botSid, removeClientSecret: true }, 'bot { sid }');
    await checkHealth(exchange);
    expect(await healthOf(own)).toMatchObject({
      ...{ status: 'WARNING', reason: 'CREDENTIAL_EXPIRES', code: 'CREDENTIAL_EXPIRES' },
      message: `${sooner.words} ${later.words}`,
    });
    await mutate(own, 'removeBotCredential', { sid: sooner.sid }, 'credential { sid }');
    await checkHealth(exchange);
    expect((await healthOf(own)).message).toBe(later.words);
    // One that Microsoft does not take is no successor.
    const { certificate, privateKey } = makeCertificate();
    await addCredential(own, { certificate, privateKey });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
    await checkHealth(exchange);
    expect(await healthOf(own)).toMatchObject({ reason: 'CREDENTIAL_EXPIRES' });
    own.bot.certificates.push(certificate);
    expect(await checked(own)).toMatchObject({ reason: 'INSTALL_PERMISSION' });
  });

  test('is only noted if another one lasts longer: nothing stops', async () => {
    const own = await readyCustomer(exchange);
    const old = await certificateOf(own, 'old', 10);
    await certificateOf(own, 'new', 365);
    await mutate(own, 'updateBot', { sid: own.botSid, removeClientSecret: true }, 'bot { sid }');
    await checkHealth(exchange);
    expect(await healthOf(own)).toMatchObject({
      ...{ status: 'HEALTHY', reason: null, code: 'CREDENTIAL_EXPIRES', cure: null },
      message: `${old.words} Another credential lasts longer: remove what ends before that.`,
    });
    expect(await unhealthy(own)).toBe(0);
    await mutate(own, 'removeBotCredential', { sid: old.sid }, 'credential { sid }');
    await checkHealth(exchange);
    expect(await healthOf(own)).toMatchObject({ status: 'HEALTHY', code: null, message: null });
  });

  test('is only noted once the client secret was replaced after it was added', async () => {
    const own = await readyCustomer(exchange);
    own.bot.secrets.push('another-secret');
    const dateExpires = new Date(Date.now() + 10 * DAY_MS).toISOString();
    await addCredential(own, { secret: 'another-secret', dateExpires });
    await checkHealth(exchange);
    expect(await healthOf(own)).toMatchObject({ status: 'WARNING', reason: 'CREDENTIAL_EXPIRES' });
    own.bot.secrets.push('the-next-secret');
    await mutate(own, 'updateBot', { sid: own.botSid, clientSecret: 'the-next-secret' }, 'bot { sid }');
    await checkHealth(exchange);
    expect(await healthOf(own)).toMatchObject({ status: 'HEALTHY', code: 'CREDENTIAL_EXPIRES' });
  });

  test('warns from 30 days before its end on, and not before that', async () => {
    const own = await readyCustomer(exchange);
    for (const [days, status] of [
      [31, 'HEALTHY'],
      [29, 'WARNING'],
    ] as const) {
      const dateClientSecretExpires = new Date(Date.now() + days * DAY_MS).toISOString();
      await mutate(own, 'updateBot', { sid: own.botSid, dateClientSecretExpires }, 'bot { sid }');
      await checkHealth(exchange);
      expect((await healthOf(own)).status).toBe(status);
    }
  });
});

test('a bot is checked again after a day, and not before', async () => {
  const own = await readyCustomer(exchange);
  await checkHealth(exchange);
  expect(await healthOf(own)).toMatchObject({ status: 'HEALTHY' });
  const start = Date.now();
  Object.assign(own.bot, { clientSecret: 'another' });
  vi.useFakeTimers({ toFake: ['Date'], now: start + DAY_MS - 60_000 });
  await checkHealth(exchange);
  expect(await healthOf(own)).toMatchObject({ status: 'HEALTHY' });
  vi.setSystemTime(start + DAY_MS + 60_000);
  await checkHealth(exchange);
  expect(await healthOf(own)).toMatchObject({ status: 'UNHEALTHY', code: 'AADSTS7000215' });
});
