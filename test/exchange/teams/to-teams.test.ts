import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Customer, createTestExchange, type Person, type TestExchange } from '../../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());
afterEach(() => exchange.calm());

const PHONE = '+4917012345671';

const shownTo = ({ user }: Person) =>
  exchange.microsoft.activities.flatMap(({ objectId, text }) => (objectId === user.objectId ? [String(text).split('\n')[1]] : []));

describe('conversation-not-found: a conversation that is gone is opened anew, and the message delivered in the same attempt', () => {
  test.each([
    ['ConversationNotFound', { status: 404, body: { error: { code: 'ConversationNotFound', message: 'Conversation not found.' } } }],
    ['a 404 without a body', { status: 404 }],
    ['another status', { status: 403, body: { error: { code: 'ConversationNotFound', message: 'Conversation not found.' } } }],
    [
      'an id that Teams cannot read',
      { status: 403, body: { error: { code: 'BadArgument', message: 'Failed to decrypt conversation id' } } },
    ],
    ['such an id, with a 400', { status: 400, body: { error: { code: 'BadArgument', message: 'Failed to decrypt conversation id.' } } }],
  ])('%s', async (_, answer) => {
    const person = await exchange.person(customer);
    await exchange.ends(customer.provider, await exchange.text(customer, person, PHONE, 'one'), 'DELIVERED');
    exchange.microsoft.fault('activities', { answer });
    const started = exchange.logged.length;
    for (const body of ['two', 'three'])
      expect(await exchange.ends(customer.provider, await exchange.text(customer, person, PHONE, body), 'DELIVERED')).toMatchObject({
        possiblyDuplicated: false,
      });
    expect(shownTo(person)).toEqual(['one', 'two', 'three']);
    expect(exchange.logged.slice(started).filter((line) => line.includes('retrying later'))).toEqual([]);
  });

  test('a conversation that Teams cannot read when it is opened anew either is tried again, and nothing fails', async () => {
    const person = await exchange.person(customer);
    await exchange.ends(customer.provider, await exchange.text(customer, person, PHONE, 'one'), 'DELIVERED');
    const answer = { status: 403, body: { error: { code: 'BadArgument', message: 'Failed to decrypt conversation id' } } };
    exchange.microsoft.fault('activities', { answer, times: 5 });
    await exchange.ends(customer.provider, await exchange.text(customer, person, PHONE, 'two'), 'DELIVERED');
    expect(shownTo(person)).toEqual(['one', 'two']);
  });

  test('a tenant of a government cloud is served by its own connector', async () => {
    const own = await exchange.customer();
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'one'), 'DELIVERED');
    exchange.microsoft.gccTenants.add(own.bot.tenantId);
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'two'), 'DELIVERED');
    const before = exchange.microsoft.requests.length;
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'three'), 'DELIVERED');
    expect(shownTo(own)).toEqual(['one', 'two', 'three']);
    // The client of that cloud gets a token of its own.
    expect(exchange.microsoft.requests.slice(before).map(({ path }) => path.split('/')[1])).toEqual(['login', 'gcc']);
  });

  test('a user of a government cloud who has no app yet gets their first message by its own connector', async () => {
    const bot = exchange.microsoft.addBot({ permissions: ['User.Read.All', 'TeamsAppInstallation.ReadWriteSelfForUser.All'] });
    const { id } = exchange.microsoft.addApp(bot);
    exchange.microsoft.gccTenants.add(bot.tenantId);
    const user = exchange.microsoft.addUser({ tenantId: bot.tenantId, installed: false });
    const own = await exchange.customer({ bot, user, botAppId: id });
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'one'), 'DELIVERED');
    expect(shownTo(own)).toEqual(['one']);
    const { data } = await own.provider.graph('query ($sid: ID!) { bot(sid: $sid) { cloud } }', { sid: own.botSid });
    expect(data.bot).toEqual({ cloud: 'GCC' });
  });
});

test('Retry-After holds back all of a bot’s conversations, and not only the one that was refused', async () => {
  const own = await exchange.customer();
  const other = await exchange.person(own);
  for (const person of [own, other]) await exchange.ends(own.provider, await exchange.text(own, person, PHONE, 'before'), 'DELIVERED');
  const date = new Date(Date.now() + 3000).toUTCString();
  exchange.microsoft.fault('activities', { answer: { status: 429, headers: { 'retry-after': date } } });
  const refused = exchange.microsoft.requests.length;
  const first = await exchange.text(own, own, PHONE, 'refused');
  await exchange.microsoft.until(() => exchange.microsoft.requests.slice(refused).some(({ status }) => status === 429));
  const second = await exchange.text(own, other, PHONE, 'held back');
  await exchange.ends(own.provider, second, 'DELIVERED');
  expect(Date.now()).toBeGreaterThan(Date.parse(date) - 50);
  await exchange.ends(own.provider, first, 'DELIVERED');
});

describe('the partner of a Teams user', () => {
  const partner = ({ enterpriseSid, user }: Customer) =>
    exchange.gateway.prisma.teamsConversation.findUnique({ where: { enterpriseSid_objectId: { enterpriseSid, objectId: user.objectId } } });

  test('is stored before the message is visible', async () => {
    const own = await exchange.customer();
    const held = exchange.microsoft.hold('activities');
    const sid = await exchange.text(own, own, PHONE, 'one');
    await held.arrived;
    expect(await partner(own)).toMatchObject({ lastNumber: PHONE, lastMappingSid: own.mappingSid });
    held.release();
    await exchange.ends(own.provider, sid, 'DELIVERED');
  });

  test('stays the previous one if the message was certainly not posted', async () => {
    const own = await exchange.customer();
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'one'), 'DELIVERED');
    exchange.microsoft.fault('activities', {
      answer: { status: 413, body: { error: { code: 'MessageSizeTooBig', message: 'Too big.' } } },
    });
    await exchange.ends(own.provider, await exchange.text(own, own, '+4917099999991', 'two'), 'FAILED');
    expect(await partner(own)).toMatchObject({ lastNumber: PHONE });
  });
});
