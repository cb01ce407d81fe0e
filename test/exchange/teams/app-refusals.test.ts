import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FakeAnswer } from '../../fakes/fake-server.ts';
import type { FakeUser } from '../../fakes/microsoft-state.ts';
import { done } from '../../parity/faces.ts';
import { addCredential, checkHealth, shownBot, verifiedStep } from '../../support/bots.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../../support/exchange.ts';
import { INSTALLS, installationsOf } from '../../support/installations.ts';

// An app that Graph does not find by its id, or does not install, and what the mapping and the bot's health say of that.

const PHONE = '+4915112345678';

let exchange: TestExchange;

beforeAll(async () => {
  exchange = await createTestExchange({ installs: true });
});
afterAll(() => exchange.close());

const { botThatInstalls, userWithout, inTeams, withoutWelcome, routesOf } = installationsOf(() => exchange);

/** Has Graph refuse the next installation for a user. Those of other tests may be tried again at any time. */
const refuse = ({ objectId }: FakeUser, answer: FakeAnswer) =>
  exchange.microsoft.fault('install', { answer, when: ({ path }) => path.includes(objectId) });

test("an app given by its manifest's id is found in the catalog, once for all users", async () => {
  const bot = botThatInstalls('AppCatalog.Read.All');
  const { externalId } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: externalId.toUpperCase() });
  await until(async () => (await inTeams(own, own)).installed === true);
  const second = await exchange.person(own, userWithout(bot));
  await until(async () => (await inTeams(own, second)).installed === true);
  expect(exchange.microsoft.requests.filter(({ route, path }) => route === 'catalog' && path.includes(externalId))).toHaveLength(1);
});

const FORBIDDEN = { error: { code: 'Forbidden', message: "AAD App Id 'x' is not allowed to manage the Teams App ''" } };

test.each([
  ["the application's id", undefined],
  ["its manifest's id", '0d1c6b64-51a5-4f4c-9d5e-7a2b1c3d4e5f'],
])('an app given by %s is found in the catalog, also where Graph says that the application may not manage it', async (_, manifestId) => {
  const bot = botThatInstalls('AppCatalog.Read.All');
  const { externalId } = exchange.microsoft.addApp(bot, manifestId === undefined ? {} : { externalId: manifestId });
  const user = userWithout(bot);
  refuse(user, { status: 403, body: FORBIDDEN });
  const own = await exchange.customer({ bot, user, botAppId: externalId });
  await until(async () => (await inTeams(own, own)).installed === true, 20_000);
  expect(routesOf(own, 'install')).toEqual(['install', 'install']);
});

test.each([
  [404, { error: { code: 'NotFound', message: 'The requested app was not found in the catalog.' } }],
  [403, FORBIDDEN],
])('an app that is published anew is found at once for the next user: Graph answers %i for its former id', async (status, body) => {
  const { microsoft } = exchange;
  const bot = botThatInstalls('AppCatalog.Read.All');
  const former = microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: former.externalId });
  await until(async () => (await inTeams(own, own)).installed === true);
  microsoft.apps.splice(microsoft.apps.indexOf(former), 1);
  const { id } = microsoft.addApp(bot);
  const user = userWithout(bot);
  refuse(user, { status, body });
  const next = await exchange.person(own, user);
  await exchange.ends(own.provider, await exchange.text(own, next, PHONE, 'hello'), 'DELIVERED');
  expect(await inTeams(own, next)).toEqual({ installed: true, conversationKnown: true, lastError: null });
  // The new id is remembered.
  const third = await exchange.person(own, userWithout(bot));
  await until(async () => (await inTeams(own, third)).installed === true);
  expect(microsoft.requests.find(({ route, path }) => route === 'install' && path.includes(third.user.objectId))?.body).toContain(id);
});

test('an app that is gone from the catalog: the next user’s mapping says so, and the bot’s health', async () => {
  const { microsoft } = exchange;
  const bot = botThatInstalls('AppCatalog.Read.All');
  const former = microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: former.externalId });
  await until(async () => (await inTeams(own, own)).installed === true);
  await checkHealth(exchange);
  expect((await shownBot(own)).health).toMatchObject({ status: 'HEALTHY' });
  microsoft.apps.splice(microsoft.apps.indexOf(former), 1);
  const next = await exchange.person(own, userWithout(bot));
  const { lastError } = await until(async () => ((await inTeams(own, next)).lastError ? inTeams(own, next) : false));
  expect(lastError).toContain('Graph no longer knows the app');
  await until(async () => {
    await checkHealth(exchange);
    return (await shownBot(own)).health.reason === 'APP_NOT_PUBLISHED';
  });
});

test('an app that the catalog has by this id, and that the application may not manage: the mapping says so', async () => {
  const bot = botThatInstalls('AppCatalog.Read.All');
  exchange.microsoft.addApp(bot, { id: bot.applicationId });
  const user = userWithout(bot);
  refuse(user, { status: 403, body: FORBIDDEN });
  const own = await exchange.customer({ bot, user, botAppId: bot.applicationId });
  await until(async () => (await inTeams(own, own)).lastError ?? false);
  expect(await inTeams(own, own)).toMatchObject({ installed: false, lastError: expect.stringContaining('not allowed to manage') });
  // Nobody has it, so it is not this user's.
  await until(async () => {
    await checkHealth(exchange);
    return (await shownBot(own)).health.reason === 'INSTALL_REFUSED';
  });
});

test('an app that the application may not manage, nor look up: the mapping names the permission for that', async () => {
  const bot = botThatInstalls();
  const { externalId } = exchange.microsoft.addApp(bot, { externalId: '1e2d7c75-62b6-4a5d-8e6f-8b3c2d4e5f60' });
  const user = userWithout(bot);
  refuse(user, { status: 403, body: FORBIDDEN });
  const own = await exchange.customer({ bot, user, botAppId: externalId });
  const { lastError } = await until(async () => ((await inTeams(own, own)).lastError ? inTeams(own, own) : false));
  expect(lastError).toMatch(/not allowed to manage .* AppCatalog\.Read\.All/);
});

test('an app that Microsoft refuses to several users: health warns, verifyBot names the cure, and both end with it', async () => {
  const { microsoft } = exchange;
  const bot = botThatInstalls('AppCatalog.Read.All');
  const app = microsoft.addApp(bot);
  const first = await exchange.customer({ bot, user: userWithout(bot), botAppId: app.id });
  await until(async () => (await inTeams(first, first)).installed === true);
  // As one whose manifest was written by hand, without webApplicationInfo.
  microsoft.apps.splice(microsoft.apps.indexOf(app), 1, { ...app, webApplicationId: '' });
  const own = { ...first, ...(await exchange.person(first, userWithout(bot))) };
  const health = async () => {
    await checkHealth(exchange);
    return (await shownBot(own)).health;
  };
  await until(async () => (await inTeams(own, own)).lastError ?? false);
  // It may be this user's.
  await until(async () => (await health()).status === 'HEALTHY');
  expect(await verifiedStep(own, 'INSTALLATION')).toEqual({ allPassed: true });
  const second = await exchange.person(own, userWithout(bot));
  const sid = await exchange.text(own, second, PHONE, 'hello');
  await exchange.ends(own.provider, sid, 'stuck');
  const cure = expect.stringContaining('webApplicationInfo');
  const message = expect.stringContaining('not authorized to perform this operation');
  await until(async () => (await health()).status === 'WARNING');
  expect(await health()).toMatchObject({ reason: 'INSTALL_REFUSED', code: 'InstallForbidden', message, cure });
  expect(await verifiedStep(own, 'INSTALLATION')).toMatchObject({
    passed: false,
    code: 'InstallForbidden',
    message,
    cure,
    allPassed: false,
  });
  microsoft.apps.splice(
    microsoft.apps.findIndex(({ id }) => id === app.id),
    1,
    app,
  );
  await done(own.provider, 'updateBot', { sid: own.botSid });
  await exchange.ends(own.provider, sid, 'DELIVERED');
  await until(async () => (await inTeams(own, own)).installed === true);
  await until(async () => (await health()).status === 'HEALTHY');
  expect(await verifiedStep(own, 'INSTALLATION')).toEqual({ allPassed: true });
});

test('without the permission messages wait, the reason names it, and granting it releases them in order', async () => {
  const bot = exchange.microsoft.addBot({ permissions: ['User.Read.All'] });
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  const sids = [await exchange.text(own, own, PHONE, 'one'), await exchange.text(own, own, PHONE, 'two')];
  const held = await exchange.ends(own.provider, sids[1] as string, 'stuck');
  expect(held).toMatchObject({ channelErrorMessage: expect.stringContaining(INSTALLS), waiting: { reason: 'APP_NOT_INSTALLED' } });
  expect(await inTeams(own, own)).toEqual({ installed: false, conversationKnown: false, lastError: expect.stringContaining(INSTALLS) });
  bot.permissions.push(INSTALLS);
  await done(own.provider, 'updateBot', { sid: own.botSid, botAppId: id });
  for (const sid of sids) await exchange.ends(own.provider, sid, 'DELIVERED');
  expect(withoutWelcome(own)).toEqual(['one', 'two']);
  expect(await inTeams(own, own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
});

test.each([
  ['updateBot', (own: Customer) => done(own.provider, 'updateBot', { sid: own.botSid })],
  ['verifyBot', (own: Customer) => verifiedStep(own, 'GRAPH')],
  ['addBotSecret', (own: Customer) => addCredential(own, { secret: 'another-secret' })],
])('a permission that was granted: the app is installed at once by %s, which changes nothing of it', async (_by, cure) => {
  const bot = exchange.microsoft.addBot({ permissions: ['User.Read.All'] });
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  const second = await exchange.person(own, userWithout(bot));
  for (const person of [own, second]) await until(async () => (await inTeams(own, person)).lastError ?? false);
  await until(async () => {
    await checkHealth(exchange);
    return (await shownBot(own)).health.reason === 'INSTALL_PERMISSION';
  });
  bot.permissions.push(INSTALLS);
  await cure(own);
  for (const person of [own, second]) await until(async () => (await inTeams(own, person)).installed === true, 15_000);
});

test('a user whom Graph does not know, in words that may be about the app, which may not be looked up: the others get it', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot, { externalId: bot.tenantId });
  const user = userWithout(bot);
  refuse(user, { status: 404, body: { error: { code: 'NotFound', message: 'NotFound' } } });
  const own = await exchange.customer({ bot, user, botAppId: id });
  const { lastError } = await until(async () => ((await inTeams(own, own)).lastError ? inTeams(own, own) : false));
  expect(lastError).toMatch(/not yet, a user .* AppCatalog\.Read\.All/);
  const second = await exchange.person(own, userWithout(bot));
  await until(async () => (await inTeams(own, second)).installed === true, 15_000);
  await checkHealth(exchange);
  expect((await shownBot(own)).health).toMatchObject({ status: 'HEALTHY' });
});

test.each(['in the background', 'for a message'])(
  'two users whom Graph does not know, in such words, put the others off only until the app is installed for one: %s',
  async (how) => {
    const { microsoft, gateway } = exchange;
    const bot = botThatInstalls();
    const { id } = microsoft.addApp(bot, { externalId: bot.tenantId });
    const [first, second] = [userWithout(bot), userWithout(bot)];
    // The first one is still unknown afterwards.
    for (const user of [first, first, second]) refuse(user, { status: 404, body: { error: { code: 'NotFound', message: 'NotFound' } } });
    const own = await exchange.customer({ bot, user: first, botAppId: id });
    await until(async () => (await inTeams(own, own)).lastError !== null);
    // While one user of the enterprise is asked for, no other one is claimed.
    const held = microsoft.hold('install');
    const unknown = await exchange.person(own, second);
    expect((await held.arrived).path).toContain(second.objectId);
    const others = [await exchange.person(own, userWithout(bot)), await exchange.person(own, userWithout(bot))] as const;
    const rows = (where: object) => gateway.prisma.teamsInstallation.count({ where: { enterpriseSid: own.enterpriseSid, ...where } });
    await until(async () => (await rows({})) === 4);
    held.release();
    await until(async () => (await rows({ due: { gt: new Date(Date.now() + 30 * 60_000) } })) === 4);
    expect(await inTeams(own, unknown)).toMatchObject({ installed: false, lastError: expect.stringContaining('AppCatalog.Read.All') });
    for (const person of others) expect(await inTeams(own, person)).toEqual({ installed: null, conversationKnown: false, lastError: null });
    const hasHealth = (reason: string | null) =>
      until(async () => {
        await checkHealth(exchange);
        const { health } = await shownBot(own);
        return health.reason === reason && health;
      });
    await hasHealth('INSTALL_PERMISSION');
    if (how === 'for a message') await exchange.ends(own.provider, await exchange.text(own, others[0], PHONE, 'hello'), 'DELIVERED');
    else await exchange.person(own, userWithout(bot));
    for (const person of [unknown, ...others]) await until(async () => (await inTeams(own, person)).installed === true);
    await until(async () => (await inTeams(own, own)).lastError?.includes('no longer knows'));
    expect(await hasHealth(null)).toMatchObject({ status: 'HEALTHY' });
  },
);

test('users without a licence of Teams: their mappings say so, and the bot is fine', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const message = 'Failed to get license information for the user. Ensure user has a valid Office365 license assigned to them.';
  const users = [userWithout(bot), userWithout(bot)] as const;
  for (const user of users) refuse(user, { status: 403, body: { error: { code: 'Forbidden', message } } });
  const own = await exchange.customer({ bot, user: users[0], botAppId: id });
  for (const person of [own, await exchange.person(own, users[1])]) {
    const { lastError } = await until(async () => ((await inTeams(own, person)).lastError ? inTeams(own, person) : false));
    expect(lastError).toContain('not yet, a user of Microsoft Teams');
  }
  await checkHealth(exchange);
  expect((await shownBot(own)).health).toMatchObject({ status: 'HEALTHY' });
});

test.each([
  ['an id that is none', 'not-a-guid', /must be a GUID/],
  ['an app that nobody has published', '6fbb3c66-8a54-4d11-9d5c-1f6f1b2d3c4e', /published/],
])('%s: the mapping says so', async (_, botAppId, words) => {
  const bot = botThatInstalls('AppCatalog.Read.All');
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId });
  await until(async () => (await inTeams(own, own)).lastError ?? false);
  expect(await inTeams(own, own)).toEqual({ installed: false, conversationKnown: false, lastError: expect.stringMatching(words) });
});

test('a bot that may not install is asked for once, and not for each of its users', async () => {
  const bot = exchange.microsoft.addBot({ permissions: ['User.Read.All'] });
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await until(async () => (await inTeams(own, own)).lastError ?? false);
  for (let count = 0; count < 5; count += 1) {
    const next = await exchange.person(own, userWithout(bot));
    await until(async () => (await inTeams(own, next)).lastError ?? false);
    expect(routesOf(next, 'install')).toEqual([]);
  }
});

test('a user whom Teams does not know keeps the app from nobody else', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot, { externalId: bot.tenantId });
  const stranger = userWithout(bot);
  stranger.inTeams = false;
  const own = await exchange.customer({ bot, user: stranger, botAppId: id });
  const notInTeams = {
    installed: false,
    conversationKnown: false,
    lastError: expect.stringContaining('not yet, a user of Microsoft Teams'),
  };
  await until(async () => (await inTeams(own, own)).lastError ?? false);
  expect(await inTeams(own, own)).toEqual(notInTeams);
  const second = await exchange.person(own, userWithout(bot));
  await until(async () => (await inTeams(own, second)).installed === true);
  // In other words than Graph's own: the id has been an app's before.
  const third = userWithout(bot);
  refuse(third, { status: 404, body: { error: { code: 'NotFound', message: 'NotFound' } } });
  const other = await exchange.person(own, third);
  await until(async () => (await inTeams(own, other)).lastError ?? false);
  expect(await inTeams(own, other)).toEqual(notInTeams);
  // Whether it still is, the catalog would know, which the bot must not read. That keeps the app from nobody either.
  const fourth = await exchange.person(own, userWithout(bot));
  await until(async () => (await inTeams(own, fourth)).installed === true);
});

test('Graph asks to wait: the installation follows', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const refusal = { error: { code: 'TooManyRequests', message: 'Too many requests.' } };
  const user = userWithout(bot);
  refuse(user, { status: 429, headers: { 'retry-after': '1' }, body: refusal });
  const own = await exchange.customer({ bot, user, botAppId: id });
  await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'patience'), 'DELIVERED');
  expect(withoutWelcome(own)).toEqual(['patience']);
});

test('Graph asks to wait for years: the installation is tried again within an hour', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const refusal = { error: { code: 'TooManyRequests', message: 'Too many requests.' } };
  const user = userWithout(bot);
  refuse(user, { status: 429, headers: { 'retry-after': '99999999999999' }, body: refusal });
  const own = await exchange.customer({ bot, user, botAppId: id });
  const where = { enterpriseSid: own.enterpriseSid, objectId: own.user.objectId };
  const failed = () =>
    exchange.gateway.prisma.teamsInstallation.findFirst({ where: { ...where, attempts: { gt: 0 }, errorCode: { not: null } } });
  const { due } = await until(async () => (await failed()) ?? false);
  expect(due?.getTime()).toBeLessThanOrEqual(Date.now() + 60 * 60_000);
});
