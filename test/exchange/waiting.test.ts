import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { activateAccount, suspendAccount } from '../../src/domain/access/accounts.ts';
import { startDispatcher } from '../../src/exchange/outbox/dispatcher.ts';
import { CONNECTOR_CODES } from '../../src/platforms/microsoft/outcomes.ts';
import { done } from '../parity/faces.ts';
import { type Customer, createTestExchange, type Person, type TestExchange, until } from '../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());
afterEach(() => exchange.calm());

const PHONE = '+4917012345671';
const RETRY = `mutation ($input: RetryMessageInput!) { retryMessage(input: $input) { ... on RetryMessageSuccess { retriedMessage { sid stuck channelStatus } } ... on Error { code } } }`;

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
      waiting: { reason, channelErrorCode: expect.any(String), cure: expect.stringMatching(/\S/), since: expect.any(String) },
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
    expect(data.retryMessage.retriedMessage).toEqual({ sid: sids[1], stuck: true, channelStatus: 'QUEUED' });
    await bothArrive(customer, person, sids);
  });

  test.each([
    ['the identity is refused', 400, 'BadSyntax', 'Invalid user identity in provided tenant'],
    ['the id cannot be read', 403, 'BadArgument', 'Failed to decrypt pairwise id'],
    ['a 405', 405, 'MethodNotAllowed', 'No.'],
  ])('a conversation that cannot be opened, %s: the user writes, or updateBot', async (_, status, code, words) => {
    const own = await exchange.customer();
    const other = await exchange.person(own);
    exchange.microsoft.fault('conversations', { answer: { status, body: { error: { code, message: words } } }, times: 2 });
    const sids = await twoWait(own, own, 'USER_UNKNOWN');
    const third = await exchange.text(own, other, PHONE, 'other');
    expect((await exchange.ends(own.provider, third, 'stuck')).waiting).toMatchObject({ reason: 'USER_UNKNOWN', channelErrorCode: code });
    await exchange.say(own, own.user, '', { type: 'conversationUpdate' });
    await bothArrive(own, own, sids);
    await done(own.provider, 'updateBot', { sid: own.botSid, botAppId: 'another' });
    await exchange.ends(own.provider, third, 'DELIVERED');
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

test('messages whose mapping is moved to another customer meanwhile fail, and neither leave from its number nor reach its user', async () => {
  const own = await exchange.customer();
  const other = await exchange.customer({ provider: own.provider });
  const bodies = ['for the former customer', 'from the former customer'] as const;
  own.user.installed = false;
  await exchange.ends(own.provider, await exchange.text(own, own, PHONE, bodies[0]), 'stuck');
  exchange.restcomm.faults.always('send', () => ({ status: 403 }));
  expect(await exchange.say(own, own.user, `${PHONE} ${bodies[1]}`)).toBe(200);
  const messages = await exchange.messages(own.provider);
  expect(messages.map(({ body }) => body).sort()).toEqual([...bodies].sort());
  for (const { sid } of messages) await exchange.ends(own.provider, sid, 'stuck');
  const { userPrincipalName: microsoftAddress } = other.user;
  await done(own.provider, 'updateMapping', { sid: own.mappingSid, enterpriseSid: other.enterpriseSid, microsoftAddress });
  // The platforms refuse until then: a request that was under way when the mapping moved would be accepted.
  for (const { sid } of messages)
    expect(await exchange.ends(own.provider, sid, 'FAILED')).toMatchObject({ stuck: false, channelErrorCode: 'MAPPING_NOT_FOUND' });
  exchange.restcomm.faults.clear();
  own.user.installed = true;
  expect(exchange.restcomm.messages.filter(({ body }) => body === bodies[1])).toEqual([]);
  expect(exchange.microsoft.activities.filter(({ text }) => String(text).includes(bodies[0]))).toEqual([]);
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
    expect((await exchange.ends(customer.provider, sid, 'stuck')).waiting).toMatchObject({ reason, channelErrorCode: code });
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

  test('is retried at once if the cause is removed as soon as the message is shown as stuck', async () => {
    const own = await exchange.customer();
    await exchange.pause();
    const { gateway } = exchange;
    // Until it opens, whatever this dispatcher still writes about the lane has to wait.
    let gate: Promise<void> = Promise.resolve();
    let open = () => {};
    const writeTogether: typeof gateway.sql.writeTogether = async (write) => {
      await gate;
      return gateway.sql.writeTogether(write);
    };
    const dispatcher = startDispatcher(
      { ...gateway, sql: { ...gateway.sql, writeTogether } },
      { concurrency: 4, perOrganization: 4, pollMs: 50 },
    );
    try {
      own.user.installed = false;
      const held = exchange.microsoft.hold('conversations');
      const sid = await exchange.text(own, own, PHONE, 'one');
      await held.arrived;
      gate = new Promise((resolve) => {
        open = resolve;
      });
      held.release();
      await exchange.ends(own.provider, sid, 'stuck');
      own.user.installed = true;
      await own.provider.graph(RETRY, { input: { sid } });
      open();
      await exchange.ends(own.provider, sid, 'DELIVERED');
    } finally {
      open();
      await dispatcher.stop();
      exchange.resume();
    }
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
    expect((await exchange.ends(own.provider, sid, 'stuck')).waiting).toMatchObject({ channelErrorCode: 'AADSTS7000215' });
    Object.assign(own.bot, { clientSecret: 'a new one' });
    await own.provider.graph(RETRY, { input: { sid } });
    await exchange.ends(own.provider, sid, 'DELIVERED');
  });
});
