import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fresh } from '../parity/faces.ts';
import { type Customer, createTestExchange, type ShownMessage, type TestExchange } from '../support/exchange.ts';
import { graphClient } from '../support/graph.ts';
import { graphqlSse, MESSAGE_EVENTS } from '../support/transports.ts';

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
const SEND = `mutation ($input: SendMessageInput!) { made: sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { sid } } ... on Error { code } } }`;
const RETRY = `mutation ($input: RetryMessageInput!) {
  made: retryMessage(input: $input) { ... on RetryMessageSuccess { retriedMessage { sid stuck channelStatus channelErrorCode } } ... on Error { code message } }
}`;
const RETRY_ALL = `mutation ($input: RetryMessagesInput!) {
  made: retryMessages(input: $input) { ... on RetryMessagesSuccess { count hasMore } ... on InvalidInputError { code issues { path } } ... on Error { code } }
}`;

async function ask(document: string, input: object, { graph }: Pick<Customer['provider'], 'graph'> = customer.provider) {
  const { data, errors } = await graph(document, { input });
  return errors ? { code: errors[0]?.extensions?.code } : (data.made.sentMessage ?? data.made.retriedMessage ?? data.made);
}
const send = async (body: string, from: Customer = customer, to = PHONE) =>
  (await ask(SEND, { mappingSid: from.mappingSid, to, body }, from.provider)).sid as string;
const sent = (body: string) => exchange.restcomm.messages.filter((sms) => sms.body === body && sms.direction === 'outbound-api');
const statuses = ({ events }: ShownMessage) => events.map(({ status }: { status: string }) => status);

/** A message that the carrier took and reported to have failed. */
async function failed(body: string, code = 30003, from: Customer = customer): Promise<string> {
  exchange.restcomm.dialect.callbacks = false;
  const sid = await send(body, from);
  const { restcommMessageSid } = await exchange.ends(from.provider, sid, 'SENDING');
  exchange.restcomm.dialect.callbacks = true;
  await exchange.restcomm.report(restcommMessageSid, 'failed', code);
  await exchange.ends(from.provider, sid, 'FAILED');
  return sid;
}

describe('retryMessage', () => {
  test('takes a FAILED message whose reason may have passed: QUEUED again, in the log and on live streams', async () => {
    const body = randomBytes(4).toString('hex');
    const sid = await failed(body);
    const reader = graphqlSse.subscribe({ url: exchange.url, provider: customer.provider }, MESSAGE_EVENTS, {});
    await reader.until(({ cursor }) => cursor !== undefined);
    expect(await ask(RETRY, { sid })).toEqual({ sid, stuck: false, channelStatus: 'QUEUED', channelErrorCode: null });
    const message = await exchange.ends(customer.provider, sid, 'DELIVERED');
    expect(message).toMatchObject({ possiblyDuplicated: false, stuck: false });
    const order = statuses(message);
    expect(order.slice(order.indexOf('FAILED'))[1]).toBe('QUEUED');
    expect(message.events.find(({ previousStatus }: { previousStatus: string }) => previousStatus === 'FAILED')).toMatchObject({
      status: 'QUEUED',
      errorCode: null,
    });
    expect(sent(body)).toHaveLength(2);
    await reader.until(({ events }) => events.some((event) => event.message.sid === sid && event.status === 'DELIVERED'));
    expect(reader.events.find((event) => event.message.sid === sid)).toMatchObject({ status: 'QUEUED', previousStatus: 'FAILED' });
    reader.close();
  });

  test('leaves no gap in the log', async () => {
    await ask(RETRY, { sid: await failed(randomBytes(4).toString('hex')) });
    const { organizationSid } = customer.provider;
    const events = await exchange.gateway.prisma.messageEvent.findMany({ where: { organizationSid }, orderBy: { seq: 'asc' } });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => BigInt(index + 1)));
  });

  test('is not undone by a late report about the former attempt', async () => {
    const sid = await failed(randomBytes(4).toString('hex'));
    const { restcommMessageSid: former } = await exchange.message(customer.provider, sid);
    exchange.restcomm.dialect.callbacks = false;
    await ask(RETRY, { sid });
    await exchange.ends(customer.provider, sid, 'SENDING');
    exchange.restcomm.dialect.callbacks = true;
    await exchange.restcomm.report(former, 'failed', 30003);
    const message = await exchange.message(customer.provider, sid);
    expect(message).toMatchObject({ channelStatus: 'SENDING', possiblyDuplicated: false });
    expect(message.restcommMessageSid).not.toBe(former);
    await exchange.restcomm.report(message.restcommMessageSid, 'delivered');
    await exchange.ends(customer.provider, sid, 'DELIVERED');
  });

  test('refuses what was delivered, what is on its way, and what failed for good', async () => {
    const sid = await send(randomBytes(4).toString('hex'));
    await exchange.ends(customer.provider, sid, 'DELIVERED');
    const refused = { code: 'MESSAGE_NOT_STUCK', message: 'Message cannot be retried' };
    expect(await ask(RETRY, { sid })).toEqual(refused);
    const person = await exchange.person(customer);
    person.user.blocked = true;
    const blocked = await exchange.text(customer, person, PHONE, 'one');
    await exchange.ends(customer.provider, blocked, 'FAILED');
    expect(await ask(RETRY, { sid: blocked })).toEqual(refused);
    // What the carrier reports of the recipient, at once or with a later code.
    expect(await ask(RETRY, { sid: await failed(randomBytes(4).toString('hex'), 30005) })).toEqual(refused);
    const improved = await failed(randomBytes(4).toString('hex'), 30008);
    const { restcommMessageSid } = await exchange.message(customer.provider, improved);
    await exchange.restcomm.report(restcommMessageSid, 'failed', 30006);
    expect(await exchange.message(customer.provider, improved)).toMatchObject({ channelErrorCode: '30006' });
    expect(await ask(RETRY, { sid: improved })).toEqual(refused);
  });
});

describe('retryMessages', () => {
  test('retries a whole outage, oldest first, and records each message', async () => {
    const own = await exchange.customer();
    const bodies = ['first', 'second', 'third'].map((word) => `${word} ${randomBytes(4).toString('hex')}`);
    const sids = [];
    for (const body of bodies) sids.push(await failed(body, 30001, own));
    const others = await failed('other', 30003, own);
    const before = exchange.restcomm.messages.length;
    const result = await ask(RETRY_ALL, { filter: { channelErrorCode: '30001' } }, own.provider);
    expect(result).toEqual({ count: 3, hasMore: false });
    for (const sid of sids) await exchange.ends(own.provider, sid, 'DELIVERED');
    expect(exchange.restcomm.messages.slice(before).map(({ body }) => body)).toEqual(bodies);
    expect(await exchange.message(own.provider, others)).toMatchObject({ channelStatus: 'FAILED' });
    const records = await exchange.gateway.prisma.auditLog.findMany({
      where: { organizationSid: own.provider.organizationSid, action: 'message.retry' },
    });
    expect(records.map(({ targetSid }) => targetSid).sort()).toEqual([...sids].sort());
    expect(await ask(RETRY_ALL, { filter: { channelErrorCode: '30001' } }, own.provider)).toEqual({ count: 0, hasMore: false });
  });

  test('releases what waits, and does not count what is being tried', async () => {
    const own = await exchange.customer();
    own.bot.secretExpired = true;
    const people = [own, await exchange.person(own)];
    const sids = [];
    for (const person of people) sids.push(await exchange.text(own, person, PHONE, 'one'), await exchange.text(own, person, PHONE, 'two'));
    for (const sid of sids) await exchange.ends(own.provider, sid, 'stuck');
    own.bot.secretExpired = false;
    expect((await ask(RETRY_ALL, { filter: { stuck: true } }, own.provider)).count).toBe(4);
    for (const sid of sids) await exchange.ends(own.provider, sid, 'DELIVERED');
  });

  test('retries once per idempotency key', async () => {
    const own = await exchange.customer();
    const sid = await failed('once', 30001, own);
    const input = { filter: { statuses: ['FAILED'] }, idempotencyKey: fresh.key() };
    expect(await ask(RETRY_ALL, input, own.provider)).toEqual({ count: 1, hasMore: false });
    await exchange.ends(own.provider, sid, 'DELIVERED');
    const again = await failed('again', 30001, own);
    expect(await ask(RETRY_ALL, input, own.provider)).toEqual({ count: 1, hasMore: false });
    expect(await exchange.message(own.provider, again)).toMatchObject({ channelStatus: 'FAILED' });
    expect((await ask(RETRY_ALL, { ...input, filter: {} }, own.provider)).code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('is bounded, and says whether there are more', async () => {
    const own = await exchange.customer();
    const { prisma } = exchange.gateway;
    const { organizationSid, accountSid } = own.provider;
    await prisma.$executeRaw`
      INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded, "to", to_folded, body, channel_status, status_rank)
      SELECT 'MS' || md5(${organizationSid} || n), ${organizationSid}, ${own.enterpriseSid}, ${own.mappingSid}, ${accountSid}, 'INBOUND', 'x', 'x',
        '+4930' || n || '1', '+4930' || n || '1', 'bulk ' || n, 'FAILED', 4 FROM generate_series(1, 700) n`;
    await exchange.pause();
    expect(await ask(RETRY_ALL, {}, own.provider)).toEqual({ count: 500, hasMore: true });
    expect(await ask(RETRY_ALL, {}, own.provider)).toEqual({ count: 200, hasMore: false });
    expect(await prisma.outbox.count({ where: { message: { organizationSid } } })).toBe(700);
    await prisma.outbox.deleteMany({ where: { message: { organizationSid } } });
    exchange.resume();
    const events = await prisma.messageEvent.findMany({ where: { organizationSid }, orderBy: { seq: 'asc' } });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => BigInt(index + 1)));
    expect(events.filter(({ previousStatus }) => previousStatus === 'FAILED')).toHaveLength(700);
  });

  test('stays with the caller: another organization, a narrowed token, one that may not write, nobody', async () => {
    const own = await exchange.customer();
    const elsewhere = await exchange.customer({ provider: own.provider });
    const sid = await failed('theirs', 30001, own);
    expect(await ask(RETRY_ALL, {}, await exchange.provider())).toEqual({ count: 0, hasMore: false });
    expect(await ask(RETRY_ALL, { filter: { enterpriseSid: own.enterpriseSid } }, customer.provider)).toEqual({ count: 0, hasMore: false });
    const token = async (permissions: string[], enterpriseSid?: string) => {
      const { data } = await own.provider.graph(
        'mutation ($input: CreateAccessTokenInput!) { made: createAccessToken(input: $input) { ... on CreateAccessTokenSuccess { token } } }',
        { input: { expiresIn: 600, permissions, enterpriseSid } },
      );
      return { graph: graphClient(exchange.fetch, { token: data.made.token }) };
    };
    expect(await ask(RETRY_ALL, {}, await token(['READ', 'WRITE'], elsewhere.enterpriseSid))).toEqual({ count: 0, hasMore: false });
    expect(await ask(RETRY_ALL, {}, await token(['READ']))).toEqual({ code: 'FORBIDDEN' });
    const nobody = await fetch(`${exchange.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: RETRY_ALL, variables: { input: {} } }),
    });
    expect(nobody.status).toBe(401);
    expect(await exchange.message(own.provider, sid)).toMatchObject({ channelStatus: 'FAILED' });
    expect(await ask(RETRY_ALL, {}, await token(['READ', 'WRITE'], own.enterpriseSid))).toEqual({ count: 1, hasMore: false });
    await exchange.ends(own.provider, sid, 'DELIVERED');
  });

  test('refuses an invalid filter or key', async () => {
    expect(await ask(RETRY_ALL, { idempotencyKey: 'ü' })).toMatchObject({ code: 'INVALID_PARAMETER' });
    expect(await ask(RETRY_ALL, { filter: { from: 'a\0b' } })).toMatchObject({ code: 'INVALID_PARAMETER' });
  });
});
