import { activityZodSchema } from '@microsoft/agents-activity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveMappingUsers } from '../../../src/domain/mappings/mapping-users.ts';
import type { FakeBot } from '../../fakes/microsoft-state.ts';
import { done } from '../../parity/faces.ts';
import { checkHealth, shownBot, verifiedStep } from '../../support/bots.ts';
import { type Customer, createTestExchange, type Person, type TestExchange, until } from '../../support/exchange.ts';

// A user without the app cannot be written to: Graph installs it, and the gateway follows its installations and removals.
// https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events

const PHONE = '+4915112345678';
const INSTALLS = 'TeamsAppInstallation.ReadWriteSelfForUser.All';
let exchange: TestExchange;

beforeAll(async () => {
  exchange = await createTestExchange({ installs: true });
});
afterAll(() => exchange.close());

const botThatInstalls = (...more: string[]): FakeBot => exchange.microsoft.addBot({ permissions: ['User.Read.All', INSTALLS, ...more] });
const userWithout = (bot: FakeBot) => exchange.microsoft.addUser({ tenantId: bot.tenantId, installed: false });

const inTeams = async ({ provider }: Customer, { mappingSid }: Pick<Person, 'mappingSid'>) => {
  const query = 'query ($sid: ID!) { mapping(sid: $sid) { teams { installed conversationKnown lastError } } }';
  const { data, errors } = await provider.graph(query, { sid: mappingSid });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.mapping.teams as { installed: boolean | null; conversationKnown: boolean; lastError: string | null };
};
const shownTo = ({ user }: Pick<Person, 'user'>) =>
  exchange.microsoft.activities
    .filter(({ objectId }) => objectId === user.objectId)
    .map(({ text }) => String(text).replace(/^From [^\n]*\n/, ''));
/** The message itself may have had the app installed, before the background did. */
const withoutWelcome = (person: Pick<Person, 'user'>) => shownTo(person).filter((text) => !text.startsWith('Welcome'));
const routesOf = ({ user }: Pick<Person, 'user'>, ...routes: string[]) =>
  exchange.microsoft.requests.filter(({ route, path }) => routes.includes(route) && path.includes(user.objectId)).map(({ route }) => route);
const createAnew = async ({ provider, bot, botSid, enterpriseSid }: Customer, botAppId: string) => {
  await done(provider, 'deleteBot', { sid: botSid });
  const { applicationId, tenantId, clientSecret } = bot;
  await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId });
};

test('a new mapping: the app is installed in the background, and the message goes to the chat that Graph names', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await until(async () => (await inTeams(own, own)).conversationKnown);
  expect(await inTeams(own, own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
  await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'hello'), 'DELIVERED');
  const { activities, requests } = exchange.microsoft;
  expect(activities.find(({ text }) => String(text).endsWith('hello'))?.conversationId).toBe(
    `19:${own.user.objectId}_${bot.applicationId}@unq.gbl.spaces`,
  );
  expect(requests.filter(({ route }) => route === 'conversations')).toEqual([]);
  const [install] = requests.filter(({ route }) => route === 'install');
  expect(JSON.parse(install?.body ?? '')).toEqual({
    'teamsApp@odata.bind': `${exchange.microsoft.url}/v1.0/appCatalogs/teamsApps/${id}`,
  });
});

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
  exchange.microsoft.fault('install', { answer: { status: 403, body: FORBIDDEN } });
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: externalId });
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
  microsoft.fault('install', { answer: { status, body } });
  const next = await exchange.person(own, userWithout(bot));
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
  exchange.microsoft.fault('install', { answer: { status: 403, body: FORBIDDEN } });
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: bot.applicationId });
  await until(async () => (await inTeams(own, own)).lastError ?? false);
  expect(await inTeams(own, own)).toMatchObject({ installed: false, lastError: expect.stringContaining('not allowed to manage') });
});

test('an app that Microsoft refuses to several users: health warns, verifyBot names the cure, and both end with it', async () => {
  const { microsoft } = exchange;
  const bot = botThatInstalls('AppCatalog.Read.All');
  // As one whose manifest was written by hand, without webApplicationInfo.
  const app = microsoft.addApp(bot, { webApplicationId: '' });
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: app.id });
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
  microsoft.apps.splice(microsoft.apps.indexOf(app), 1, { ...app, webApplicationId: bot.applicationId });
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
  exchange.microsoft.fault('install', { answer: { status: 404, body: { error: { code: 'NotFound', message: 'NotFound' } } } });
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
  exchange.microsoft.fault('install', { answer: { status: 429, headers: { 'retry-after': '1' }, body: refusal } });
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'patience'), 'DELIVERED');
  expect(withoutWelcome(own)).toEqual(['patience']);
});

test('Graph asks to wait for years: the installation is tried again within an hour', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const refusal = { error: { code: 'TooManyRequests', message: 'Too many requests.' } };
  exchange.microsoft.fault('install', { answer: { status: 429, headers: { 'retry-after': '99999999999999' }, body: refusal } });
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  const where = { enterpriseSid: own.enterpriseSid, objectId: own.user.objectId };
  const failed = () =>
    exchange.gateway.prisma.teamsInstallation.findFirst({ where: { ...where, attempts: { gt: 0 }, errorCode: { not: null } } });
  const { due } = await until(async () => (await failed()) ?? false);
  expect(due?.getTime()).toBeLessThanOrEqual(Date.now() + 60 * 60_000);
});

test('a user is welcomed once, in German where Teams is German, and an organization can do without', async () => {
  const own = await exchange.customer();
  const bots = [{ id: `28:${own.bot.applicationId}` }];
  await exchange.say(own, own.user, '', { type: 'conversationUpdate', membersAdded: bots });
  const [welcome] = await exchange.microsoft.until(() => shownTo(own).length > 0 && shownTo(own));
  expect(welcome).toBe(
    `Welcome! Your SMS number is ${own.number}. Write "+<number> <text>" to send an SMS. A text without a number goes to the number you last exchanged messages with.`,
  );
  const [posted] = exchange.microsoft.activities.filter(({ objectId }) => objectId === own.user.objectId);
  expect(activityZodSchema.safeParse(JSON.parse(posted?.request.body ?? '')).error).toBeUndefined();
  await exchange.say(own, own.user, '', { type: 'installationUpdate', action: 'add' });
  const german = await exchange.person(own);
  await exchange.say(own, german.user, '', { type: 'installationUpdate', action: 'add', locale: 'de-DE' });
  await exchange.microsoft.until(() => shownTo(german).length > 0);
  expect(shownTo(german)).toEqual([expect.stringContaining(`Willkommen! Ihre SMS-Nummer ist ${german.number}.`)]);

  const document =
    'mutation ($input: UpdateTeamsAppInput!) { updateTeamsApp(input: $input) { ... on UpdateTeamsAppSuccess { teamsApp { welcome } } } }';
  const { data } = await own.provider.graph(document, { input: { enterpriseSid: own.enterpriseSid, welcome: false } });
  expect(data.updateTeamsApp.teamsApp).toEqual({ welcome: false });
  const unwelcome = await exchange.person(own);
  await exchange.say(own, unwelcome.user, '', { type: 'installationUpdate', action: 'add' });
  await exchange.ends(own.provider, await exchange.text(own, unwelcome, PHONE, 'first'), 'DELIVERED');
  expect(shownTo(unwelcome)).toEqual(['first']);
  expect(shownTo(own)).toEqual([welcome]);
});

test.each(['installationUpdate', 'conversationUpdate'])(
  'a removed app is not installed again by the gateway; once it is there again, what waited arrives in order: %s',
  async (type) => {
    const bot = botThatInstalls();
    const { id } = exchange.microsoft.addApp(bot);
    const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
    const bots = [{ id: `28:${own.bot.applicationId}` }];
    const update = (action: 'add' | 'remove') =>
      type === 'installationUpdate' ? { type, action } : { type, [action === 'add' ? 'membersAdded' : 'membersRemoved']: bots };
    await until(async () => (await inTeams(own, own)).conversationKnown);
    own.user.installed = false;
    await exchange.say(own, own.user, '', update('remove'));
    expect(await inTeams(own, own)).toEqual({ installed: false, conversationKnown: false, lastError: expect.stringContaining('removed') });
    const sids = [await exchange.text(own, own, PHONE, 'one'), await exchange.text(own, own, PHONE, 'two')];
    await exchange.ends(own.provider, sids[1] as string, 'stuck');
    expect(routesOf(own, 'install')).toEqual(['install']);
    own.user.installed = true;
    await exchange.say(own, own.user, '', update('add'));
    for (const sid of sids) await exchange.ends(own.provider, sid, 'DELIVERED');
    await exchange.microsoft.until(() => shownTo(own).length === 3);
    expect(withoutWelcome(own)).toEqual(['one', 'two']);
    expect(await inTeams(own, own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
  },
);

test.each(['BotNotInConversationRoster', 'MessageWritesBlocked'])(
  'an app that is gone without a word is installed again for the next message: %s',
  async (code) => {
    const bot = botThatInstalls();
    const { id } = exchange.microsoft.addApp(bot);
    const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
    await until(async () => (await inTeams(own, own)).conversationKnown);
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'one'), 'DELIVERED');
    // As where an administrator deletes it from the catalog and uploads it anew.
    own.user.installed = false;
    exchange.microsoft.fault('activities', { answer: { status: 403, body: { error: { code, message: code } } } });
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'two'), 'DELIVERED');
    expect(withoutWelcome(own)).toEqual(['one', 'two']);
    expect(routesOf(own, 'install')).toEqual(['install', 'install']);
    expect(await inTeams(own, own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
  },
);

test('a message that is refused although the app is there waits, and is not tried over and over', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  exchange.microsoft.fault('chat', { answer: { status: 404 }, times: 200 });
  const refusal = { error: { code: 'ForbiddenOperationException', message: "Bot is not installed in user's personal scope" } };
  exchange.microsoft.fault('conversations', { answer: { status: 403, body: refusal }, times: 50 });
  try {
    const { prisma } = exchange.gateway;
    const own = await exchange.customer({ bot, user: exchange.microsoft.addUser({ tenantId: bot.tenantId }), botAppId: id });
    const { enterpriseSid } = own;
    await until(async () => (await inTeams(own, own)).installed === true);
    const sid = await exchange.text(own, own, PHONE, 'one');
    await exchange.ends(own.provider, sid, 'stuck');
    await done(own.provider, 'updateBot', { sid: own.botSid, botAppId: id });
    const { lane } = await until(async () => (await prisma.laneHold.findFirst({ where: { enterpriseSid, probes: { gte: 1 } } })) ?? false);
    const inAMinute = () => new Date(Date.now() + 60_000);
    await until(async () => (await prisma.outboxLane.count({ where: { lane, holder: null, due: { gt: inAMinute() } } })) > 0, 10_000);
    expect(await exchange.message(own.provider, sid)).toMatchObject({ stuck: true, waiting: { reason: 'APP_NOT_INSTALLED' } });
  } finally {
    exchange.microsoft.heal();
  }
});

test('a removal counts for all enterprises of the app, and for a bot that is created anew', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const one = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await until(async () => (await inTeams(one, one)).conversationKnown);
  const two = await exchange.customer({ provider: one.provider, bot, user: one.user, botAppId: id });
  await until(async () => (await inTeams(two, two)).conversationKnown);
  one.user.installed = false;
  await exchange.say(one, one.user, '', { type: 'installationUpdate', action: 'remove' });
  const removed = { installed: false, conversationKnown: false, lastError: expect.stringContaining('removed') };
  for (const customer of [one, two]) expect(await inTeams(customer, customer)).toEqual(removed);
  const installs = routesOf(one, 'install').length;
  await createAnew(two, id);
  await exchange.ends(one.provider, await exchange.text(two, two, PHONE, 'hello'), 'stuck');
  expect(routesOf(one, 'install')).toHaveLength(installs);
  one.user.installed = true;
  await exchange.say(one, one.user, '', { type: 'installationUpdate', action: 'add' });
  for (const customer of [one, two]) await until(async () => (await inTeams(customer, customer)).installed === true);
});

test('another application has an app of its own, which nobody has removed', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  const removed = { ...own, ...(await exchange.person(own, userWithout(bot))) };
  for (const person of [own, removed]) await until(async () => (await inTeams(own, person)).conversationKnown);
  removed.user.installed = false;
  await exchange.say(removed, removed.user, '', { type: 'installationUpdate', action: 'remove' });
  expect(await inTeams(own, removed)).toMatchObject({ installed: false, lastError: expect.stringContaining('removed') });
  const other = exchange.microsoft.addBot({ tenantId: bot.tenantId, permissions: bot.permissions });
  const { id: otherId } = exchange.microsoft.addApp(other);
  own.user.installed = false;
  await createAnew({ ...own, bot: other }, otherId);
  for (const person of [own, removed]) {
    await exchange.ends(own.provider, await exchange.text(own, person, PHONE, 'hello'), 'DELIVERED');
    expect(await inTeams(own, person)).toEqual({ installed: true, conversationKnown: true, lastError: null });
  }
});

test('a bot that is created anew greets nobody again who has written with it', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: exchange.microsoft.addUser({ tenantId: bot.tenantId }), botAppId: id });
  await exchange.microsoft.until(() => shownTo(own).length > 0);
  await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'one'), 'DELIVERED');
  await createAnew(own, id);
  const second = await exchange.person(own, own.user);
  await exchange.microsoft.until(() => routesOf(own, 'chat').length > 1);
  await exchange.ends(own.provider, await exchange.text(own, second, PHONE, 'two'), 'DELIVERED');
  expect(shownTo(own)).toEqual([expect.stringMatching(/^Welcome/), 'one', 'two']);
});

test('a bot that is created after its mappings has the app installed for their users', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await done(own.provider, 'deleteBot', { sid: own.botSid });
  const people = [await exchange.person(own, userWithout(bot)), await exchange.person(own, userWithout(bot))];
  for (const person of people) expect(await inTeams(own, person)).toEqual({ installed: null, conversationKnown: false, lastError: null });
  const { applicationId, tenantId, clientSecret } = bot;
  await done(own.provider, 'createBot', { enterpriseSid: own.enterpriseSid, applicationId, tenantId, clientSecret, botAppId: id });
  await resolveMappingUsers(exchange.gateway);
  for (const person of people) {
    await until(async () => (await inTeams(own, person)).conversationKnown);
    expect(await inTeams(own, person)).toEqual({ installed: true, conversationKnown: true, lastError: null });
    expect(person.user.installed).toBe(true);
  }
  await exchange.ends(own.provider, await exchange.text(own, people[1] as Person, PHONE, 'hello'), 'DELIVERED');
});

test('a user becomes known together with the request to install the app, or not at all', async () => {
  const { prisma } = exchange.gateway;
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  const { enterpriseSid, botSid, provider } = own;
  await done(provider, 'deleteBot', { sid: botSid });
  const person = await exchange.person(own, userWithout(bot));
  const { applicationId, tenantId, clientSecret } = bot;
  await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId: id });
  await prisma.$executeRawUnsafe(
    "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left'; END $$",
  );
  await prisma.$executeRawUnsafe(
    `CREATE TRIGGER no_space BEFORE INSERT ON teams_installation FOR EACH ROW WHEN (NEW.enterprise_sid = '${enterpriseSid}') EXECUTE FUNCTION no_space()`,
  );
  await resolveMappingUsers(exchange.gateway).finally(() => prisma.$executeRawUnsafe('DROP FUNCTION no_space CASCADE'));
  // As ten minutes later.
  await prisma.mapping.updateMany({ where: { enterpriseSid }, data: { microsoftChecked: null } });
  await resolveMappingUsers(exchange.gateway);
  await until(async () => (await inTeams(own, person)).conversationKnown);
  expect(person.user.installed).toBe(true);
});

test('what Teams suggests to write is never sent as it is', async () => {
  const own = await exchange.customer();
  await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'hello'), 'DELIVERED');
  await exchange.say(own, own.user, '+<number> <text>');
  await exchange.microsoft.until(() => shownTo(own).length > 1);
  expect(shownTo(own)[1]).toMatch(/^Write "\+<number> <text>"/);
  expect(await exchange.messages(own.provider)).toHaveLength(1);
});

// In the other clouds, the gateway remembers the installation itself: clouds-without-installs.test.ts.
test.each(['COMMERCIAL', 'GCC'] as const)(
  'a user of %s who installed the app before they had a number: the mapping knows the chat, and the user is welcomed and written to',
  async (cloud) => {
    const { microsoft } = exchange;
    const bot = microsoft.addBot({ cloud, permissions: ['User.Read.All', INSTALLS] });
    if (cloud === 'GCC') microsoft.gccTenants.add(bot.tenantId);
    const { id } = microsoft.addApp(bot);
    const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
    const stranger = microsoft.addUser({ tenantId: bot.tenantId });
    const installed = microsoft.activityFrom(bot, stranger, '', { type: 'installationUpdate', action: 'add' });
    expect(await exchange.post(installed, await exchange.sign(installed))).toBe(200);
    const person = await exchange.person(own, stranger);
    await until(async () => (await inTeams(own, person)).conversationKnown);
    expect(await inTeams(own, person)).toEqual({ installed: true, conversationKnown: true, lastError: null });
    await exchange.ends(own.provider, await exchange.text(own, person, PHONE, 'hello'), 'DELIVERED');
    await microsoft.until(() => shownTo(person).length === 2);
    expect(shownTo(person).sort()).toEqual([expect.stringContaining(`Welcome! Your SMS number is ${person.number}.`), 'hello']);
    // Graph says that the app is there, and names the chat: nobody opens another one.
    expect(routesOf(person, 'install', 'chat')).toEqual(['install', 'chat']);
  },
);
