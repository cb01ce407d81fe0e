import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_INSTALLS } from '../../../src/platforms/microsoft/clouds.ts';
import { checkHealth, shownBot, verifiedStep } from '../../support/bots.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../../support/exchange.ts';

// "Install app for user: not supported in application context in the GCC High and DOD environments", and 21Vianet's cloud has no such API
// (learn.microsoft.com, "Microsoft Teams API implementation differences in national clouds").

const PHONE = '+4915112345678';
let exchange: TestExchange;

beforeAll(async () => {
  exchange = await createTestExchange({ installs: true });
});
afterAll(() => exchange.close());

const inTeams = async ({ provider, mappingSid }: Customer) => {
  const query = 'query ($sid: ID!) { mapping(sid: $sid) { teams { installed conversationKnown lastError } } }';
  return (await provider.graph(query, { sid: mappingSid })).data.mapping.teams;
};

describe.each(['GCC_HIGH', 'DOD', 'CHINA'] as const)('in %s', (cloud) => {
  test('the gateway does not try to install the app; the mapping says how to, and the message is sent once Teams reports the installation', async () => {
    const { microsoft } = exchange;
    const bot = microsoft.addBot({ cloud });
    const user = microsoft.addUser({ tenantId: bot.tenantId, installed: false });
    const own = await exchange.customer({ bot, user, botAppId: microsoft.addApp(bot).id });
    await until(async () => (await inTeams(own)).lastError !== null);
    expect(await inTeams(own)).toEqual({ installed: null, conversationKnown: false, lastError: NO_INSTALLS });
    const hasHealth = (reason: string | null) =>
      until(async () => {
        await checkHealth(exchange);
        const { health } = await shownBot(own);
        return health.reason === reason && health;
      });
    const cure = expect.stringContaining('Setup policies');
    expect(await hasHealth('INSTALL_UNSUPPORTED')).toMatchObject({
      status: 'WARNING',
      code: 'InstallUnsupported',
      message: NO_INSTALLS,
      cure,
    });
    expect(await verifiedStep(own, 'INSTALLATION')).toMatchObject({ passed: false, skipped: false, code: 'InstallUnsupported', cure });
    const waiting = await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'hello'), 'stuck');
    expect(waiting).toMatchObject({ stuck: true, waiting: { reason: 'APP_NOT_INSTALLED' } });
    const row = await exchange.database.prisma.teamsInstallation.findFirstOrThrow({ where: { objectId: user.objectId } });
    expect([row.due, row.errorCode]).toEqual([null, 'InstallUnsupported']);
    const asked = [...microsoft.requests, ...microsoft.us.requests, ...microsoft.china.requests];
    expect(asked.filter(({ route, path }) => ['install', 'installed', 'chat'].includes(route) && path.includes(user.objectId))).toEqual([]);
    // An administrator of the tenant has set up a policy.
    user.installed = true;
    const installed = microsoft.activityFrom(bot, user, '', { type: 'installationUpdate', action: 'add' });
    expect(await exchange.post(installed, await exchange.sign(installed))).toBe(200);
    await exchange.ends(own.provider, waiting.sid, 'DELIVERED');
    expect(await inTeams(own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
    expect(await hasHealth(null)).toMatchObject({ status: 'HEALTHY' });
  });

  test('a user who installed the app before they had a number is known to have it once they do, is welcomed, and written to', async () => {
    const { microsoft } = exchange;
    const bot = microsoft.addBot({ cloud });
    const own = await exchange.customer({ bot });
    const stranger = microsoft.addUser({ tenantId: bot.tenantId });
    const installed = microsoft.activityFrom(bot, stranger, '', { type: 'installationUpdate', action: 'add' });
    expect(await exchange.post(installed, await exchange.sign(installed))).toBe(200);
    const person = await exchange.person(own, stranger);
    await until(async () => (await inTeams({ ...own, ...person })).installed);
    expect(await inTeams({ ...own, ...person })).toEqual({ installed: true, conversationKnown: true, lastError: null });
    const shown = () => microsoft.activities.filter(({ objectId }) => objectId === stranger.objectId).map(({ text }) => String(text));
    // Who has got an SMS before is not new to the chat.
    await until(async () => shown().length > 0);
    await exchange.ends(own.provider, await exchange.text(own, person, PHONE, 'hello'), 'DELIVERED');
    expect(shown()).toEqual([expect.stringContaining(`Welcome! Your SMS number is ${person.number}.`), expect.stringContaining('hello')]);
  });

  test('a user without the app, whose chat the connector opens and refuses the post to, does not count as one who has it', async () => {
    const { microsoft } = exchange;
    const bot = microsoft.addBot({ cloud });
    const user = microsoft.addUser({ tenantId: bot.tenantId, installed: false, opens: true });
    const own = await exchange.customer({ bot, user });
    await until(async () => (await inTeams(own)).lastError !== null);
    const lacking = { installed: false, conversationKnown: false, lastError: expect.stringContaining(NO_INSTALLS) };
    const one = await exchange.text(own, own, PHONE, 'one');
    await exchange.ends(own.provider, one, 'stuck');
    // In 21Vianet's cloud, Teams cannot be asked for a user whom no activity has come from.
    expect(await inTeams(own)).toEqual(cloud === 'CHINA' ? { ...lacking, installed: null } : lacking);
    user.installed = true;
    const installed = microsoft.activityFrom(bot, user, '', { type: 'installationUpdate', action: 'add' });
    expect(await exchange.post(installed, await exchange.sign(installed))).toBe(200);
    await exchange.ends(own.provider, one, 'DELIVERED');
    expect(await inTeams(own)).toEqual({ installed: true, conversationKnown: true, lastError: null });
    // It is gone without a word, and the chat is still known.
    user.installed = false;
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'two'), 'stuck');
    expect(await inTeams(own)).toEqual(lacking);
  });

  test('a user who removed it again before that is not written to', async () => {
    const { microsoft } = exchange;
    const bot = microsoft.addBot({ cloud });
    const own = await exchange.customer({ bot });
    const stranger = microsoft.addUser({ tenantId: bot.tenantId });
    for (const action of ['add', 'remove']) {
      const update = microsoft.activityFrom(bot, stranger, '', { type: 'installationUpdate', action });
      expect(await exchange.post(update, await exchange.sign(update))).toBe(200);
    }
    stranger.installed = false;
    const person = await exchange.person(own, stranger);
    await until(async () => (await inTeams({ ...own, ...person })).lastError !== null);
    expect(await inTeams({ ...own, ...person })).toEqual({ installed: null, conversationKnown: false, lastError: NO_INSTALLS });
  });
});

test('where Graph tells about it later, nothing is stored of a user without a number', async () => {
  const { microsoft } = exchange;
  const own = await exchange.customer();
  const stranger = microsoft.addUser({ tenantId: own.bot.tenantId });
  await exchange.say(own, stranger, '', { type: 'installationUpdate', action: 'add' });
  expect(await exchange.database.prisma.teamsConversation.count({ where: { objectId: stranger.objectId } })).toBe(0);
});
