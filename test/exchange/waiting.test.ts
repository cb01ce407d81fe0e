import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { activateAccount, suspendAccount } from '../../src/domain/access/accounts.ts';
import { resolveMappingUsers } from '../../src/domain/enterprises/mapping-users.ts';
import { startDispatcher } from '../../src/exchange/dispatcher.ts';
import { CONNECTOR_CODES } from '../../src/platforms/microsoft/outcomes.ts';
import type { FakeAnswer } from '../fakes/fake-server.ts';
import { done, fresh, newEnterprise } from '../parity/faces.ts';
import { type Customer, createTestExchange, type Person, type TestExchange, until } from '../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());
afterEach(() => {
  exchange.microsoft.heal();
  exchange.restcomm.faults.clear();
});

const PHONE = '+4917012345671';
const RETRY = `mutation ($input: RetryMessageInput!) { retryMessage(input: $input) { ... on Message { sid stuck channelStatus } ... on Error { code } } }`;

const shownTo = ({ user }: Person) =>
  exchange.microsoft.activities.flatMap(({ objectId, text }) => (objectId === user.objectId ? [String(text).split('\n')[1]] : []));
/** The lines of the log by which an operator is alerted about an enterprise's messages. */
const alerts = ({ enterpriseSid }: Pick<Customer, 'enterpriseSid'>) =>
  exchange.logged.filter((line) => line.includes('"message is stuck') && line.includes(enterpriseSid)).map((line) => JSON.parse(line));
/** Ends the time in which Microsoft may not know a bot's credentials yet. */
const age = (botSid: string) =>
  exchange.gateway.prisma.bot.update({ where: { sid: botSid }, data: { dateUpdated: new Date(Date.now() - 3_600_000) } });

/** Two texts from a phone, which wait. */
async function twoWait(of: Customer, to: Person, reason: string) {
  const sids = [await exchange.text(of, to, PHONE, 'one'), await exchange.text(of, to, PHONE, 'two')];
  for (const sid of sids)
    expect(await exchange.ends(of.provider, sid, 'stuck')).toMatchObject({
      channelStatus: 'QUEUED',
      waiting: { reason, code: expect.any(String), cure: expect.stringMatching(/\S/), since: expect.any(String) },
      events: [{ status: 'QUEUED' }],
    });
  return sids as [string, string];
}

/** Both arrive, in order, as if nothing had been. */
async function bothArrive(of: Customer, to: Person, sids: readonly string[]) {
  for (const sid of sids)
    expect(await exchange.ends(of.provider, sid, 'DELIVERED')).toMatchObject({
      stuck: false,
      waiting: null,
      channelErrorCode: null,
      channelErrorMessage: null,
      possiblyDuplicated: false,
    });
  expect(shownTo(to)).toEqual(['one', 'two']);
}

describe('messages wait, in order, and are delivered as soon as the cause is removed', () => {
  test('client-secret-expired: updateBot', async () => {
    const own = await exchange.customer();
    const other = await exchange.person(own);
    own.bot.secretExpired = true;
    const sids = await twoWait(own, own, 'BOT_CREDENTIALS');
    await exchange.ends(own.provider, await exchange.text(own, other, PHONE, 'other'), 'stuck');
    expect(await exchange.messages(own.provider, { stuck: true })).toHaveLength(3);
    expect(alerts(own)).toMatchObject([
      { level: 40, outcome: 'curable', reason: 'BOT_CREDENTIALS', code: 'AADSTS7000222', cure: expect.stringContaining('updateBot') },
    ]);
    Object.assign(own.bot, { secretExpired: false, clientSecret: 'a new one' });
    await done(own.provider, 'updateBot', { sid: own.botSid, clientSecret: 'a new one' });
    await bothArrive(own, own, sids);
    await exchange.microsoft.until(() => shownTo(other).length === 1);
    expect(alerts(own)).toHaveLength(1);
  });

  test('app-not-installed: the user installs the app', async () => {
    const person = await exchange.person(customer);
    await exchange.ends(customer.provider, await exchange.text(customer, person, PHONE, 'zero'), 'DELIVERED');
    person.user.installed = false;
    const sids = await twoWait(customer, person, 'APP_NOT_INSTALLED');
    person.user.installed = true;
    await exchange.say(customer, person.user, '', { type: 'installationUpdate' });
    for (const sid of sids) await exchange.ends(customer.provider, sid, 'DELIVERED');
    expect(shownTo(person)).toEqual(['zero', 'one', 'two']);
  });

  test('app-not-installed, before the first contact: retryMessage of any of them', async () => {
    const person = await exchange.person(customer);
    person.user.installed = false;
    const sids = await twoWait(customer, person, 'APP_NOT_INSTALLED');
    person.user.installed = true;
    const { data } = await customer.provider.graph(RETRY, { input: { sid: sids[1] } });
    expect(data.retryMessage).toEqual({ sid: sids[1], stuck: true, channelStatus: 'QUEUED' });
    await bothArrive(customer, person, sids);
  });

  test('no-bot-yet: createBot', async () => {
    const own = await exchange.customer();
    await done(own.provider, 'deleteBot', { sid: own.botSid });
    const sids = await twoWait(own, own, 'BOT_MISSING');
    const { applicationId, tenantId, clientSecret } = own.bot;
    await done(own.provider, 'createBot', { enterpriseSid: own.enterpriseSid, applicationId, tenantId, clientSecret, botAppId: 'app' });
    await bothArrive(own, own, sids);
  });

  test('the bot is not registered: one lane that succeeds releases the others', async () => {
    const own = await exchange.customer();
    const other = await exchange.person(own);
    own.bot.registered = false;
    const sids = await twoWait(own, own, 'BOT_NOT_REGISTERED');
    const third = await exchange.text(own, other, PHONE, 'other');
    await exchange.ends(own.provider, third, 'stuck');
    own.bot.registered = true;
    await own.provider.graph(RETRY, { input: { sid: third } });
    await bothArrive(own, own, sids);
    expect(alerts(own)).toHaveLength(1);
  });

  test('the admin of the tenant has disabled the bot: one alert, and one lane that succeeds releases the others', async () => {
    const own = await exchange.customer();
    const people = [own, await exchange.person(own), await exchange.person(own)];
    const answer = { status: 403, body: { error: { code: 'BotDisabledByAdmin', message: 'The tenant admin disabled this bot' } } };
    exchange.microsoft.fault('activities', { times: people.length, answer });
    const sids: string[] = [];
    for (const person of people) {
      const sid = await exchange.text(own, person, PHONE, 'one');
      expect((await exchange.ends(own.provider, sid, 'stuck')).waiting).toMatchObject({ reason: 'BOT_BLOCKED' });
      sids.push(sid);
    }
    expect(alerts(own)).toMatchObject([{ reason: 'BOT_BLOCKED', code: 'BotDisabledByAdmin' }]);
    await own.provider.graph(RETRY, { input: { sid: sids[1] } });
    for (const sid of sids) await exchange.ends(own.provider, sid, 'DELIVERED');
  });

  test('the enterprise is INACTIVE, in either direction, with a reply to its user: updateEnterprise', async () => {
    const own = await exchange.customer();
    await done(own.provider, 'updateEnterprise', { sid: own.enterpriseSid, status: 'INACTIVE' });
    const sids = await twoWait(own, own, 'ENTERPRISE_INACTIVE');
    expect(await exchange.say(own, own.user, `${PHONE} Hello`)).toBe(200);
    await exchange.microsoft.until(() => exchange.microsoft.activities.some(({ text }) => String(text).endsWith('is ACTIVE again.')));
    const [sent] = await exchange.messages(own.provider, { direction: 'INBOUND' });
    expect((await exchange.ends(own.provider, sent?.sid, 'stuck')).waiting).toMatchObject({ reason: 'ENTERPRISE_INACTIVE' });
    await done(own.provider, 'updateEnterprise', { sid: own.enterpriseSid, status: 'ACTIVE' });
    for (const sid of [...sids, sent?.sid]) await exchange.ends(own.provider, sid, 'DELIVERED');
  });

  test('the account is suspended: its activation, by the command line too', async () => {
    const own = await exchange.customer();
    await suspendAccount(exchange.gateway, own.provider.accountSid);
    const { sid: restcommMessageSid } = await exchange.restcomm.receiveSms({ from: PHONE, to: own.number, body: 'one' });
    const { prisma } = exchange.gateway;
    await until(async () => (await prisma.message.count({ where: { restcommMessageSid, holdReason: 'ACCOUNT_SUSPENDED' } })) === 1);
    // A process of its own, which can wake nobody.
    await activateAccount({ prisma }, own.provider.accountSid);
    const [message] = await exchange.messages(own.provider);
    await exchange.ends(own.provider, message?.sid, 'DELIVERED');
  });

  test('the enterprise is closed, or the mapping deleted: they fail', async () => {
    const own = await exchange.customer();
    own.user.installed = false;
    const sids = await twoWait(own, own, 'APP_NOT_INSTALLED');
    await done(own.provider, 'closeEnterprise', { sid: own.enterpriseSid, deleteMappings: true });
    for (const sid of sids) {
      const message = await exchange.ends(own.provider, sid, 'FAILED');
      expect(message).toMatchObject({
        stuck: false,
        waiting: null,
        channelErrorCode: expect.stringMatching(/^(MAPPING_NOT_FOUND|ENTERPRISE_CLOSED)$/),
      });
    }
  });
});

describe('every refusal of the connector with a removable cause', () => {
  const curable = Object.entries(CONNECTOR_CODES).flatMap(([code, meaning]) =>
    typeof meaning === 'object' ? [[code, meaning.waitsFor] as const] : [],
  );
  const refused = Object.entries(CONNECTOR_CODES).flatMap(([code, meaning]) => (meaning === 'refused' ? [code] : []));
  const answer = (status: number, code: string) => ({ answer: { status, body: { error: { code, message: `${code}.` } } } });

  test.each(curable)('%s waits for %s', async (code, reason) => {
    const person = await exchange.person(customer);
    exchange.microsoft.fault('activities', answer(403, code));
    if (code === 'BotNotInConversationRoster') exchange.microsoft.fault('conversations', answer(403, code));
    const sid = await exchange.text(customer, person, PHONE, 'one');
    expect((await exchange.ends(customer.provider, sid, 'stuck')).waiting).toMatchObject({ reason, code });
    await customer.provider.graph(RETRY, { input: { sid } });
    await exchange.ends(customer.provider, sid, 'DELIVERED');
  });

  test.each(refused)('but %s is final', async (code) => {
    const person = await exchange.person(customer);
    exchange.microsoft.fault('activities', answer(400, code));
    const sid = await exchange.text(customer, person, PHONE, 'one');
    expect(await exchange.ends(customer.provider, sid, 'FAILED')).toMatchObject({ channelErrorCode: code, stuck: false, waiting: null });
    expect((await customer.provider.graph(RETRY, { input: { sid } })).data.retryMessage).toEqual({ code: 'MESSAGE_NOT_STUCK' });
  });
});

describe('a held conversation', () => {
  test('that is retried continues when the cause was removed unnoticed, and does not use up its retries meanwhile', async () => {
    const own = await exchange.customer();
    await exchange.pause();
    const dispatcher = startDispatcher(exchange.gateway, {
      concurrency: 4,
      perOrganization: 4,
      pollMs: 50,
      retry: { limit: 3, firstPauseMs: 50, firstProbeMs: 60, maxProbeMs: 100 },
    });
    try {
      own.user.installed = false;
      const before = exchange.microsoft.requests.length;
      const sid = await exchange.text(own, own, PHONE, 'one');
      await exchange.microsoft.until(
        () => exchange.microsoft.requests.slice(before).filter(({ route }) => route === 'conversations').length > 5,
      );
      expect(await exchange.message(own.provider, sid)).toMatchObject({ channelStatus: 'QUEUED', stuck: true });
      own.user.installed = true;
      await exchange.ends(own.provider, sid, 'DELIVERED');
      expect(alerts(own)).toHaveLength(1);
    } finally {
      await dispatcher.stop();
      exchange.resume();
    }
  });

  test('does not block others, and can be released after a restart, by any instance', async () => {
    const own = await exchange.customer();
    own.bot.secretExpired = true;
    const people = await Promise.all(Array.from({ length: 12 }, () => exchange.person(own)));
    const sids = await Promise.all(people.map((person) => exchange.text(own, person, PHONE, 'one')));
    for (const sid of sids) await exchange.ends(own.provider, sid, 'stuck');
    expect(alerts(own)).toHaveLength(1);
    await exchange.pause();
    exchange.resume();
    await exchange.ends(customer.provider, await exchange.text(customer, customer, PHONE, 'on its way'), 'DELIVERED');
    expect(await exchange.messages(own.provider, { stuck: true })).toHaveLength(people.length);
    own.bot.secretExpired = false;
    await own.provider.graph(RETRY, { input: { sid: sids[3] } });
    for (const sid of sids) await exchange.ends(own.provider, sid, 'DELIVERED');
  });

  test('is retried at once if the cause was removed during an attempt', async () => {
    const own = await exchange.customer();
    const expired = { error: 'invalid_client', error_description: 'AADSTS7000222: The provided client secret keys are expired.' };
    exchange.microsoft.fault('token', { answer: { status: 401, body: expired } });
    const held = exchange.microsoft.hold('token');
    const sid = await exchange.text(own, own, PHONE, 'one');
    await held.arrived;
    await done(own.provider, 'updateBot', { sid: own.botSid, botAppId: 'another' });
    held.release();
    await exchange.ends(own.provider, sid, 'DELIVERED');
    expect(alerts(own)).toHaveLength(1);
  });

  test('makes new messages wait from the start', async () => {
    const own = await exchange.customer();
    own.user.installed = false;
    await twoWait(own, own, 'APP_NOT_INSTALLED');
    const sid = await exchange.text(own, own, PHONE, 'three');
    expect(await exchange.message(own.provider, sid)).toMatchObject({ stuck: true, waiting: { reason: 'APP_NOT_INSTALLED' } });
    own.user.installed = true;
  });
});

describe('a new secret that Microsoft does not know yet', () => {
  test('may be refused for minutes after updateBot, and is wrong after that', async () => {
    const own = await exchange.customer();
    await done(own.provider, 'updateBot', { sid: own.botSid, clientSecret: 'a new one' });
    const sid = await exchange.text(own, own, PHONE, 'one');
    await until(async () => exchange.logged.some((line) => line.includes(sid) && line.includes('retrying later')));
    expect(await exchange.message(own.provider, sid)).toMatchObject({ channelStatus: 'QUEUED', stuck: false });
    await age(own.botSid);
    expect((await exchange.ends(own.provider, sid, 'stuck')).waiting).toMatchObject({ code: 'AADSTS7000215' });
    Object.assign(own.bot, { clientSecret: 'a new one' });
    await own.provider.graph(RETRY, { input: { sid } });
    await exchange.ends(own.provider, sid, 'DELIVERED');
  });
});

describe('a user that Microsoft does not know', () => {
  /** A mapping that was made before its enterprise had a bot. */
  async function early(microsoftAddress: string) {
    const provider = await exchange.provider();
    const { sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise());
    const number = `${fresh.number()}1`;
    exchange.restcomm.addNumber(number);
    const mapping = await done(provider, 'createMapping', { enterpriseSid, microsoftAddress, externalAddress: number });
    const { applicationId, tenantId, clientSecret } = customer.bot;
    await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId: 'app' });
    const write = async () => {
      await exchange.restcomm.receiveSms({ from: PHONE, to: number, body: 'one' });
      return (await exchange.messages(provider))[0]?.sid;
    };
    return { provider, mapping, write };
  }

  test('once: the message waits, and is delivered as soon as the user is found', async () => {
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
    const { provider, write } = await early(user.userPrincipalName);
    exchange.microsoft.fault('user', {
      answer: { status: 404, body: { error: { code: 'Request_ResourceNotFound', message: 'Not there.' } } },
    });
    const sid = await write();
    expect((await exchange.ends(provider, sid, 'stuck')).waiting).toMatchObject({
      reason: 'USER_UNKNOWN',
      code: 'MICROSOFT_ADDRESS_INVALID',
    });
    await resolveMappingUsers(exchange.gateway);
    await exchange.ends(provider, sid, 'DELIVERED');
  });

  test('for a day: the message fails, and can be retried when the mapping is corrected', async () => {
    const { provider, mapping, write } = await early('nobody@contoso.example');
    const sid = await write();
    expect((await exchange.ends(provider, sid, 'stuck')).waiting).toMatchObject({ reason: 'USER_UNKNOWN' });
    const { prisma } = exchange.gateway;
    await prisma.laneHold.updateMany({ where: { mappingSid: mapping.sid }, data: { since: new Date(Date.now() - 25 * 3_600_000) } });
    await provider.graph(RETRY, { input: { sid } });
    expect(await exchange.ends(provider, sid, 'FAILED')).toMatchObject({ channelErrorCode: 'MICROSOFT_ADDRESS_INVALID', stuck: false });
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
    await done(provider, 'updateMapping', { sid: mapping.sid, microsoftAddress: user.userPrincipalName });
    await provider.graph(RETRY, { input: { sid } });
    expect((await exchange.ends(provider, sid, 'DELIVERED')).events.map(({ status }: { status: string }) => status)).toEqual([
      'QUEUED',
      'FAILED',
      'QUEUED',
      'DELIVERED',
    ]);
    // It is still known by its sid: a webhook that comes again stores nothing.
    const { restcommMessageSid, from, body } = await exchange.message(provider, sid);
    await exchange.restcomm.receiveSms({ from, to: mapping.externalAddress, body, sid: restcommMessageSid });
    expect((await exchange.messages(provider)).filter((message) => message.body === body)).toHaveLength(1);
  });

  /** Four mappings that were made before their enterprise had a bot, which have not been looked up yet. */
  async function fourEarly() {
    const bad = `${randomBytes(4).toString('hex')}@contoso.example`;
    const provider = await exchange.provider();
    const { sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise());
    const bot = exchange.microsoft.addBot();
    const users = [1, 2, 3].map(() => exchange.microsoft.addUser({ tenantId: bot.tenantId }));
    const mappings: string[] = [];
    for (const microsoftAddress of [bad, ...users.map(({ userPrincipalName }) => userPrincipalName)]) {
      const number = `${fresh.number()}1`;
      exchange.restcomm.addNumber(number);
      mappings.push((await done(provider, 'createMapping', { enterpriseSid, microsoftAddress, externalAddress: number })).sid);
    }
    const { applicationId, tenantId, clientSecret } = bot;
    await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId: 'app' });
    return { enterpriseSid, users, mappings, bad };
  }
  const asked = () => exchange.microsoft.requests.flatMap(({ route, path }) => (route === 'user' ? [decodeURIComponent(path)] : []));
  /** Ten minutes pass for the mappings of an enterprise. */
  const tenMinutesPass = (enterpriseSid: string) =>
    exchange.gateway.prisma
      .$executeRaw`UPDATE mapping SET microsoft_checked = microsoft_checked - interval '11 minutes' WHERE enterprise_sid = ${enterpriseSid}`;

  test.each<[string, FakeAnswer]>([
    ['refuses', { status: 400, body: { error: { code: 'Request_BadRequest', message: 'Bad.' } } }],
    ['refuses in other words', { status: 404, body: { error: { code: 'ResourceNotFound', message: 'No.' } } }],
    ['fails for', { status: 500, body: { error: { code: 'InternalServerError', message: 'Failed.' } } }],
    ['answers nonsense for', { status: 200, body: { value: [] } }],
  ])('one-user-starves-the-others: a record that Microsoft %s does not block others', async (_how, answer) => {
    const { enterpriseSid, users, mappings } = await fourEarly();
    exchange.microsoft.fault('user', { answer });
    await resolveMappingUsers(exchange.gateway);
    const rows = await exchange.gateway.prisma.mapping.findMany({ where: { enterpriseSid }, orderBy: { dateCreated: 'asc' } });
    expect(rows.map(({ microsoftObjectId }) => microsoftObjectId)).toEqual([null, ...users.map(({ objectId }) => objectId)]);
    expect(rows.every(({ microsoftChecked }) => microsoftChecked !== null)).toBe(true);
    expect(
      exchange.logged.some((line) => line.includes(mappings[0] ?? '') && line.includes('cannot ask Microsoft for a mapped user')),
    ).toBe(true);
  });

  test('is asked for after the others, where Microsoft failed for several', async () => {
    const { enterpriseSid, users, bad } = await fourEarly();
    let before = asked().length;
    exchange.microsoft.fault('user', { times: 3, answer: { status: 503 } });
    await resolveMappingUsers(exchange.gateway);
    expect(asked().length - before).toBe(3);
    exchange.microsoft.heal();
    await resolveMappingUsers(exchange.gateway);
    expect(asked().length - before).toBe(3);
    await tenMinutesPass(enterpriseSid);
    before = asked().length;
    exchange.microsoft.fault('user', { reset: 'after' });
    await resolveMappingUsers(exchange.gateway);
    expect(asked().length - before).toBe(1);
    const slow = asked().at(-1);
    await tenMinutesPass(enterpriseSid);
    await resolveMappingUsers(exchange.gateway);
    expect(asked().at(-1)).toBe(slow);
    const found = await exchange.gateway.prisma.mapping.findMany({ where: { enterpriseSid, microsoftAddress: { not: bad } } });
    expect(found.map(({ microsoftObjectId }) => microsoftObjectId).sort()).toEqual(users.map(({ objectId }) => objectId).sort());
  });

  test('is not asked for before Microsoft’s Retry-After is over', async () => {
    const { enterpriseSid, users } = await fourEarly();
    const before = asked().length;
    exchange.microsoft.fault('user', { answer: { status: 429, headers: { 'retry-after': new Date(Date.now() + 2_000).toUTCString() } } });
    await resolveMappingUsers(exchange.gateway);
    await resolveMappingUsers(exchange.gateway);
    expect(asked().length - before).toBe(1);
    await until(async () => {
      await resolveMappingUsers(exchange.gateway);
      return (
        (await exchange.gateway.prisma.mapping.count({ where: { enterpriseSid, microsoftObjectId: { not: null } } })) >= users.length - 1
      );
    });
  });
});

test('a bot whose secret cannot be opened keeps no other enterprise’s users from being found', async () => {
  const [broken, fine] = [await exchange.customer(), await exchange.customer()];
  const { prisma } = exchange.gateway;
  await prisma.bot.update({ where: { sid: broken.botSid }, data: { clientSecret: new Uint8Array([0]) } });
  const where = { enterpriseSid: { in: [broken.enterpriseSid, fine.enterpriseSid] } };
  await prisma.mapping.updateMany({ where, data: { microsoftObjectId: null, microsoftChecked: null } });
  await resolveMappingUsers(exchange.gateway);
  const found = await prisma.mapping.findMany({ where, select: { enterpriseSid: true, microsoftObjectId: true, microsoftChecked: true } });
  for (const { enterpriseSid, microsoftObjectId, microsoftChecked } of found) {
    expect(microsoftObjectId !== null).toBe(enterpriseSid === fine.enterpriseSid);
    expect(microsoftChecked).not.toBeNull();
  }
});

describe('conversation-not-found: a conversation that is gone is opened anew, and the message delivered in the same attempt', () => {
  test.each([
    ['ConversationNotFound', { status: 404, body: { error: { code: 'ConversationNotFound', message: 'Conversation not found.' } } }],
    ['a 404 without a body', { status: 404 }],
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

  test('a tenant of a government cloud is served by its own connector', async () => {
    const own = await exchange.customer();
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'one'), 'DELIVERED');
    exchange.microsoft.gccTenants.add(own.bot.tenantId);
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'two'), 'DELIVERED');
    const before = exchange.microsoft.requests.length;
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'three'), 'DELIVERED');
    expect(shownTo(own)).toEqual(['one', 'two', 'three']);
    expect(exchange.microsoft.requests.slice(before).map(({ path }) => path.split('/')[1])).toEqual(['gcc']);
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
