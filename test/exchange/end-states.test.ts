import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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
const FAILED = { channelStatus: 'FAILED', stuck: false, possiblyDuplicated: false };

/** A text from a phone, and its end. */
async function textEnds(of: Customer, to: Person, status: string) {
  return exchange.ends(of.provider, await exchange.text(of, to, PHONE, randomBytes(4).toString('hex')), status);
}

/** What a Teams user writes to a phone, and its end. */
async function answerEnds(to: string, status: string) {
  // Digits could belong to the number.
  const body = `text ${randomBytes(4).toString('hex')}`;
  expect(await exchange.say(customer, customer.user, `${to} ${body}`)).toBe(200);
  const sent = await exchange.messages(customer.provider, { direction: 'INBOUND', to });
  return exchange.ends(customer.provider, sent.find((message) => message.body === body)?.sid, status);
}

const refusal = (status: number, code: string, headers?: Record<string, string>) => ({
  status,
  headers,
  body: { error: { code, message: `${code} it is` } },
});

describe('a message that Teams refuses permanently ends FAILED with Teams’ own reason', () => {
  test('ConversationBlockedByUser', async () => {
    const person = await exchange.person(customer);
    person.user.blocked = true;
    expect(await textEnds(customer, person, 'FAILED')).toMatchObject({
      ...FAILED,
      channelErrorCode: 'ConversationBlockedByUser',
      channelErrorMessage: 'User blocked the conversation with the bot.',
      events: [{ status: 'QUEUED' }, { status: 'FAILED', errorCode: 'ConversationBlockedByUser', errorMessage: expect.any(String) }],
    });
  });

  test('413: the message is too large', async () => {
    exchange.microsoft.fault('activities', { answer: refusal(413, 'MessageSizeTooBig') });
    expect(await textEnds(customer, customer, 'FAILED')).toMatchObject({
      ...FAILED,
      channelErrorCode: 'MessageSizeTooBig',
      channelErrorMessage: 'MessageSizeTooBig it is',
    });
  });
});

describe('a message that Teams refuses temporarily is sent again until it is DELIVERED', () => {
  test('429, not before the requested time', async () => {
    await textEnds(customer, customer, 'DELIVERED');
    exchange.microsoft.fault('activities', { answer: refusal(429, 'Throttled', { 'retry-after': '2' }) });
    const sid = await exchange.text(customer, customer, PHONE, 'patience');
    const refused = await exchange.microsoft.until(
      () => exchange.microsoft.requests.some(({ status }) => status === 429) && performance.now(),
    );
    await exchange.ends(customer.provider, sid, 'DELIVERED');
    expect((exchange.microsoft.activities.at(-1)?.at ?? 0) - refused).toBeGreaterThan(1_900);
  });

  test.each([409, 412])('%i', async (status) => {
    exchange.microsoft.fault('activities', { answer: refusal(status, 'Later'), times: 2 });
    const before = exchange.microsoft.activities.length;
    expect(await textEnds(customer, customer, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false, channelErrorCode: null });
    expect(exchange.microsoft.activities.length).toBe(before + 1);
  });

  test('a connection that breaks while the conversation is opened', async () => {
    const person = await exchange.person(customer);
    exchange.microsoft.fault('conversations', { reset: 'before' });
    exchange.microsoft.fault('conversations', { reset: 'after' });
    expect(await textEnds(customer, person, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false });
  });

  test('a login that does not respond', async () => {
    exchange.microsoft.revokeTokens();
    exchange.microsoft.fault('token', { answer: { status: 503 } });
    exchange.microsoft.fault('token', { reset: 'before' });
    expect(await textEnds(customer, customer, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false });
  });

  test('a Graph that does not respond, for an unknown user', async () => {
    const person = await exchange.person(customer);
    await exchange.gateway.prisma.mapping.update({ where: { sid: person.mappingSid }, data: { microsoftObjectId: null } });
    exchange.microsoft.fault('user', { answer: refusal(503, 'serviceNotAvailable'), times: 2 });
    await textEnds(customer, person, 'DELIVERED');
  });
});

describe('reports and refusals of Restcomm', () => {
  test('a number that cannot be reached ends FAILED with 30003', async () => {
    const { events, ...message } = await answerEnds('+49301000', 'FAILED');
    expect(message).toMatchObject({ channelErrorCode: '30003', channelErrorMessage: 'Unreachable destination handset' });
    // A callback may come before the dispatcher has the answer that says SENDING.
    const statuses = events.map(({ status }: { status: string }) => status);
    expect(statuses.filter((status: string) => status !== 'SENDING')).toEqual(['QUEUED', 'SENT', 'FAILED']);
  });

  test('UNKNOWN_ERROR, by its name, ends FAILED with 30008', async () => {
    exchange.restcomm.dialect.callbacks = false;
    const { sid, restcommMessageSid } = await answerEnds(PHONE, 'SENDING');
    exchange.restcomm.dialect.callbacks = true;
    await exchange.restcomm.report(restcommMessageSid, 'failed', 30008);
    expect(exchange.restcomm.callbacks.at(-1)?.form.ErrorCode).toBe('UNKNOWN_ERROR');
    expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelStatus: 'FAILED', channelErrorCode: '30008' });
  });

  test('a refused text ends FAILED in Restcomm’s words, and is not repeated', async () => {
    exchange.restcomm.faults.next('send', { status: 400, body: 'The To number is blacklisted.' });
    const before = exchange.restcomm.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/SMS/Messages.json')).length;
    expect(await answerEnds(PHONE, 'FAILED')).toMatchObject({ ...FAILED, channelErrorMessage: 'The To number is blacklisted.' });
    expect(exchange.restcomm.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/SMS/Messages.json'))).toHaveLength(
      before + 1,
    );
  });

  test('after 429, the text is sent again until it is accepted, once', async () => {
    exchange.restcomm.faults.next('send', { status: 429, headers: { 'retry-after': '0' } }, 2);
    const before = exchange.restcomm.messages.length;
    expect(await answerEnds(PHONE, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false, channelErrorCode: null });
    expect(exchange.restcomm.messages.length).toBe(before + 1);
  });
});

test.each([
  ['the gateway’s own account is suspended', 'HTTP_403'],
  ['the gateway’s own token is no longer valid', 'HTTP_401'],
  ['there is nothing at the API’s address', 'HTTP_404'],
])('texts wait while %s at Restcomm, and are sent once one of them is accepted', async (_, code) => {
  const account = exchange.restcomm.accounts.get(exchange.restcomm.accountSid) ?? expect.unreachable();
  if (code === 'HTTP_403') account.status = 'suspended';
  else exchange.restcomm.faults.next('send', { status: Number(code.slice(5)), body: '{"message":"No","error":"AUTH_FAILED"}' }, 2);
  const bodies = [1, 2].map(() => randomBytes(4).toString('hex'));
  for (const [index, body] of bodies.entries())
    expect(await exchange.say(customer, customer.user, `+491709999999${index + 1} ${body}`)).toBe(200);
  const waiting = await until(async () => {
    const found = (await exchange.messages(customer.provider, { direction: 'INBOUND', stuck: true })).filter(({ body }) =>
      bodies.includes(body),
    );
    return found.length === 2 && found;
  });
  for (const { sid } of waiting)
    expect(await exchange.message(customer.provider, sid)).toMatchObject({
      ...{ channelStatus: 'QUEUED', channelErrorCode: code, waiting: { reason: 'CARRIER_ACCOUNT' } },
    });
  account.status = 'active';
  await customer.provider.graph('mutation ($sid: ID!) { retryMessage(input: { sid: $sid }) { __typename } }', { sid: waiting[0]?.sid });
  for (const { sid } of waiting)
    expect(await exchange.ends(customer.provider, sid, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false });
  for (const body of bodies) expect(exchange.restcomm.messages.filter((sms) => sms.body === body)).toHaveLength(1);
});

describe('a message that is not allowed ends FAILED with a code and a message', () => {
  test('queued when its enterprise is closed', async () => {
    const own = await exchange.customer();
    await exchange.pause();
    const sid = await exchange.text(own, own, PHONE, 'too late');
    await done(own.provider, 'closeEnterprise', { sid: own.enterpriseSid, deleteMappings: true });
    exchange.resume();
    const message = await until(async () => {
      const shown = await exchange.message(own.provider, sid);
      return shown.channelStatus !== 'QUEUED' && shown;
    });
    expect(message).toMatchObject({ ...FAILED, channelErrorCode: expect.stringMatching(/^(MAPPING_NOT_FOUND|ENTERPRISE_CLOSED)$/) });
  });
});
