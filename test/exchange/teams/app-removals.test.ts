import { afterAll, beforeAll, expect, test } from 'vitest';
import { done } from '../../parity/faces.ts';
import { mutate } from '../../support/bots.ts';
import { createTestExchange, type TestExchange, until } from '../../support/exchange.ts';
import { INSTALLS, installationsOf } from '../../support/installations.ts';

// The gateway follows the installations and removals of the app by people.
// https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events

const PHONE = '+4915112345678';

let exchange: TestExchange;

beforeAll(async () => {
  exchange = await createTestExchange({ installs: true });
});
afterAll(() => exchange.close());

const { botThatInstalls, userWithout, inTeams, shownTo, withoutWelcome, routesOf, createAnew } = installationsOf(() => exchange);

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

test('a user without the app, whose chat the connector opens and refuses the post to, gets the app, and the message', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await until(async () => (await inTeams(own, own)).conversationKnown);
  Object.assign(own.user, { installed: false, opens: true });
  await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'one'), 'DELIVERED');
  expect(withoutWelcome(own)).toEqual(['one']);
  expect(routesOf(own, 'install')).toEqual(['install', 'install']);
  // Nor may the bot install it: it is not there because a chat was opened.
  bot.permissions.splice(bot.permissions.indexOf(INSTALLS), 1);
  exchange.microsoft.revokeTokens();
  own.user.installed = false;
  const two = await exchange.text(own, own, PHONE, 'two');
  await exchange.ends(own.provider, two, 'stuck');
  expect(await inTeams(own, own)).toEqual({ installed: false, conversationKnown: false, lastError: expect.stringContaining(INSTALLS) });
  bot.permissions.push(INSTALLS);
  await done(own.provider, 'updateBot', { sid: own.botSid });
  await exchange.ends(own.provider, two, 'DELIVERED');
  expect(withoutWelcome(own)).toEqual(['one', 'two']);
  expect(await inTeams(own, own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
});

test('an app that was removed stays so, though the connector opens the chat; it is back once a post is taken', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await until(async () => (await inTeams(own, own)).conversationKnown);
  Object.assign(own.user, { installed: false, opens: true });
  await exchange.say(own, own.user, '', { type: 'installationUpdate', action: 'remove' });
  const removed = { installed: false, conversationKnown: false, lastError: expect.any(String) };
  const sid = await exchange.text(own, own, PHONE, 'one');
  await exchange.ends(own.provider, sid, 'stuck');
  expect(await inTeams(own, own)).toEqual(removed);
  await done(own.provider, 'updateBot', { sid: own.botSid });
  const where = { enterpriseSid: own.enterpriseSid, probes: { gte: 1 } };
  await until(async () => (await exchange.gateway.prisma.laneHold.count({ where })) > 0);
  // An attempt may be under way.
  const shown = await until(async () => {
    const known = await inTeams(own, own);
    return !known.conversationKnown && known;
  });
  expect(shown).toEqual(removed);
  expect(routesOf(own, 'install')).toEqual(['install']);
  own.user.installed = true;
  await mutate(own, 'retryMessage', { sid }, 'retriedMessage { sid }');
  await exchange.ends(own.provider, sid, 'DELIVERED');
  expect(await inTeams(own, own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
});

test.each([
  ['is installed again', '', { type: 'installationUpdate', action: 'add' }],
  ['is written with', 'Hello', {}],
])('an app that was removed is back as soon as it %s, also in a chat that the bot has opened meanwhile', async (_how, text, activity) => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await until(async () => (await inTeams(own, own)).conversationKnown);
  Object.assign(own.user, { installed: false, opens: true });
  await exchange.say(own, own.user, '', { type: 'installationUpdate', action: 'remove' });
  // What is posted to the chat is neither taken nor refused.
  exchange.microsoft.fault('activities', { answer: { status: 503 }, times: 1000 });
  try {
    const sid = await exchange.text(own, own, PHONE, 'one');
    await until(async () => (await inTeams(own, own)).conversationKnown);
    expect(await inTeams(own, own)).toMatchObject({ installed: false });
    own.user.installed = true;
    expect(await exchange.say(own, own.user, text, activity)).toBe(200);
    expect(await inTeams(own, own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
    exchange.microsoft.heal();
    await exchange.ends(own.provider, sid, 'DELIVERED');
  } finally {
    exchange.microsoft.heal();
  }
});

test('a message to a user without the app waits for it, also if the chat that was opened cannot be forgotten', async () => {
  const { prisma } = exchange.gateway;
  const bot = exchange.microsoft.addBot({ permissions: ['User.Read.All'] });
  const { id } = exchange.microsoft.addApp(bot);
  const own = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  Object.assign(own.user, { opens: true });
  await prisma.$executeRawUnsafe(
    "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left'; END $$",
  );
  await prisma.$executeRawUnsafe(
    `CREATE TRIGGER no_space BEFORE UPDATE ON teams_conversation FOR EACH ROW
      WHEN (NEW.enterprise_sid = '${own.enterpriseSid}' AND OLD.conversation_id IS NOT NULL AND NEW.conversation_id IS NULL)
      EXECUTE FUNCTION no_space()`,
  );
  try {
    const held = await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'one'), 'stuck');
    expect(held).toMatchObject({ waiting: { reason: 'APP_NOT_INSTALLED' }, channelErrorMessage: expect.stringContaining(INSTALLS) });
  } finally {
    await prisma.$executeRawUnsafe('DROP FUNCTION no_space CASCADE');
  }
});

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

test('a removal counts for an enterprise of the app that maps the user later', async () => {
  const bot = botThatInstalls();
  const { id } = exchange.microsoft.addApp(bot);
  const one = await exchange.customer({ bot, user: userWithout(bot), botAppId: id });
  await until(async () => (await inTeams(one, one)).conversationKnown);
  one.user.installed = false;
  await exchange.say(one, one.user, '', { type: 'installationUpdate', action: 'remove' });
  const installs = routesOf(one, 'install').length;
  const two = await exchange.customer({ provider: one.provider, bot, user: one.user, botAppId: id });
  expect(await inTeams(two, two)).toEqual({ installed: false, conversationKnown: false, lastError: expect.stringContaining('removed') });
  await exchange.ends(one.provider, await exchange.text(two, two, PHONE, 'hello'), 'stuck');
  expect(routesOf(one, 'install')).toHaveLength(installs);
  // Nobody else has removed it.
  const other = await exchange.person(two, userWithout(bot));
  await until(async () => (await inTeams(two, other)).installed === true);
  one.user.installed = true;
  await exchange.say(one, one.user, '', { type: 'installationUpdate', action: 'add' });
  await until(async () => (await inTeams(two, two)).installed === true);
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
