import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestExchange, type TestExchange } from '../../support/exchange.ts';
import { chatOf, PARTNER } from '../../support/teams-chat.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());
const { post, written } = chatOf(() => exchange);

describe('applications and tenants are compared without case', () => {
  test.each([
    ['the tenant', { tenantId: '3A0B3C51-3E1D-44F1-BA8E-9F82B6880005' }],
    ['the application', { applicationId: '5D0B3C51-3E1D-44F1-BA8E-9F82B688000A' }],
  ])('%s in upper case', async (_what, ids) => {
    const own = await exchange.customer({ bot: exchange.microsoft.addBot(ids) });
    const { applicationId, tenantId } = own.bot;
    const activity = exchange.microsoft.activityFrom(own.bot, own.user, `${PARTNER} Hello`);
    const lower = {
      ...activity,
      recipient: { id: `28:${applicationId.toLowerCase()}`, name: 'SMS' },
      conversation: { ...activity.conversation, tenantId: tenantId.toLowerCase() },
      channelData: { tenant: { id: tenantId.toLowerCase() } },
    };
    expect(await post(lower)).toBe(200);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
    const { data } = await own.provider.graph('query ($sid: ID!) { bot(sid: $sid) { applicationId tenantId } }', { sid: own.botSid });
    expect(data.bot).toEqual({ applicationId, tenantId });
  });

  test('users’ object ids as well', async () => {
    const bot = exchange.microsoft.addBot();
    const user = exchange.microsoft.addUser({ tenantId: bot.tenantId });
    exchange.microsoft.fault('user', { answer: { status: 200, body: { id: user.objectId.toUpperCase(), accountEnabled: true } } });
    const own = await exchange.customer({ bot, user });
    await exchange.say(own, user, `${PARTNER} Hello`);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
  });

  const VERIFY =
    'mutation ($input: VerifyBotInput!) { verifyBot(input: $input) { ... on VerifyBotSuccess { passed checks { step passed message } } } }';

  test('a tenant that is given by its domain is resolved, and said', async () => {
    const { bot } = await exchange.customer();
    exchange.microsoft.domains.set('contoso.onmicrosoft.com', bot.tenantId);
    const own = await exchange.customer({
      bot: { ...bot, tenantId: 'contoso.onmicrosoft.com' },
      user: exchange.microsoft.addUser({ tenantId: bot.tenantId }),
    });
    const { tenantId } = bot;
    const activity = exchange.microsoft.activityFrom(bot, own.user, `${PARTNER} Hello`);
    expect(await post({ ...activity })).toBe(200);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
    // The connector knows tenants by their ids only.
    const { prisma } = exchange.gateway;
    await prisma.teamsConversation.updateMany({ where: { enterpriseSid: own.enterpriseSid }, data: { conversationId: null } });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hi'), 'DELIVERED');
    const opening = exchange.microsoft.requests.findLast(({ route }) => route === 'conversations');
    expect(JSON.parse(opening?.body ?? '')).toMatchObject({ tenantId, channelData: { tenant: { id: tenantId } } });
    const { data } = await own.provider.graph(VERIFY, { input: { sid: own.botSid } });
    expect(data.verifyBot.checks[1]).toEqual({
      step: 'TOKEN',
      passed: true,
      message: `contoso.onmicrosoft.com is the tenant ${tenantId}.`,
    });
  });

  test('a tenant is the same by its domain and by its id: users, and the chats with them, stay', async () => {
    const { bot } = await exchange.customer();
    exchange.microsoft.domains.set('adatum.onmicrosoft.com', bot.tenantId);
    const own = await exchange.customer({
      bot: { ...bot, tenantId: 'adatum.onmicrosoft.com' },
      user: exchange.microsoft.addUser({ tenantId: bot.tenantId }),
    });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'one'), 'DELIVERED');
    const opened = () => exchange.microsoft.requests.filter(({ route }) => route === 'conversations' || route === 'user').length;
    const update = async (tenantId: string) => {
      const { data } = await own.provider.graph(
        `mutation ($input: UpdateBotInput!) { updateBot(input: $input) { ... on UpdateBotSuccess { bot { tenantId } } } }`,
        { input: { sid: own.botSid, tenantId } },
      );
      expect(data.updateBot.bot).toEqual({ tenantId });
    };
    const before = opened();
    for (const tenantId of [bot.tenantId, 'adatum.onmicrosoft.com', bot.tenantId]) {
      await update(tenantId);
      await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, tenantId), 'DELIVERED');
      expect(await exchange.say({ ...own, bot }, own.user, `${PARTNER} from ${tenantId}`)).toBe(200);
    }
    expect(opened()).toBe(before);
    expect((await written(own)).map(([, text]) => text)).toHaveLength(3);
  });

  test('a tenant whose domain could not be resolved at first is resolved when its user writes', async () => {
    const { bot } = await exchange.customer();
    exchange.microsoft.domains.set('litware.onmicrosoft.com', bot.tenantId);
    exchange.microsoft.fault('tenant', { answer: { status: 503 } });
    const own = await exchange.customer({
      bot: { ...bot, tenantId: 'litware.onmicrosoft.com' },
      user: exchange.microsoft.addUser({ tenantId: bot.tenantId }),
    });
    const other = exchange.microsoft.addBot({ applicationId: bot.applicationId });
    const stranger = exchange.microsoft.addUser({ tenantId: other.tenantId });
    expect(await exchange.say({ ...own, bot: other }, stranger, `${PARTNER} Hello`)).toBe(200);
    expect(await post({ ...exchange.microsoft.activityFrom(bot, own.user, `${PARTNER} Hello`) })).toBe(200);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
  });

  test('a tenant whose domain Microsoft does not know is said', async () => {
    const own = await exchange.customer({ bot: exchange.microsoft.addBot({ tenantId: 'fabrikam.onmicrosoft.com' }) });
    exchange.microsoft.fault('tenant', { answer: { status: 400, body: {} } });
    const { data } = await own.provider.graph(VERIFY, { input: { sid: own.botSid } });
    expect(data.verifyBot).toMatchObject({
      passed: false,
      checks: [
        { step: 'IDS', passed: true },
        { step: 'TOKEN', passed: false, message: expect.stringContaining("fabrikam.onmicrosoft.com is no tenant's id") },
        ...[{}, {}, {}, {}],
      ],
    });
  });
});
