import { activityZodSchema } from '@microsoft/agents-activity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveMappingUsers } from '../../../src/domain/mappings/mapping-users.ts';
import { done } from '../../parity/faces.ts';
import { createTestExchange, type Person, type TestExchange, until } from '../../support/exchange.ts';
import { INSTALLS, installationsOf } from '../../support/installations.ts';

// A user without the app cannot be written to: Graph installs it, in the background.

const PHONE = '+4915112345678';

let exchange: TestExchange;

beforeAll(async () => {
  exchange = await createTestExchange({ installs: true });
});
afterAll(() => exchange.close());

const { botThatInstalls, userWithout, inTeams, shownTo, routesOf, createAnew } = installationsOf(() => exchange);

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
