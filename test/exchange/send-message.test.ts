import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { done, fresh, unknownSid } from '../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';
import { graphClient } from '../support/graph.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());

const PHONE = '+4917012345671';
const SEND = `mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) {
    __typename
    ... on SendMessageSuccess { sentMessage { sid channelStatus direction from to body segments encoding accountSid } }
    ... on Error { code message path value }
    ... on SmsTooLongError { characters segments maxCharacters maxSegments }
  }
}`;

async function send(change: Record<string, unknown> = {}, of = customer) {
  const { data, errors } = await of.provider.graph(SEND, { input: { mappingSid: of.mappingSid, to: PHONE, body: 'Hello', ...change } });
  if (errors) throw new Error(JSON.stringify(errors));
  const { sentMessage, ...result } = data.sendMessage;
  return { ...result, ...sentMessage };
}
const count = () => exchange.gateway.prisma.message.count({ where: { organizationSid: customer.provider.organizationSid } });

test('sends as the mapping’s Teams user, from their number', async () => {
  const accepted = await send({ to: ` ${PHONE} `, body: 'Grüße\nvon hier' });
  expect(accepted).toEqual({
    __typename: 'SendMessageSuccess',
    sid: expect.stringMatching(/^MS[0-9a-f]{32}$/),
    channelStatus: 'QUEUED',
    direction: 'INBOUND',
    from: customer.user.userPrincipalName,
    to: PHONE,
    body: 'Grüße\nvon hier',
    segments: 1,
    encoding: 'GSM_7',
    accountSid: customer.provider.accountSid,
  });
  await exchange.ends(customer.provider, accepted.sid, 'DELIVERED');
  expect(exchange.restcomm.messages.at(-1)).toMatchObject({ from: customer.number, to: PHONE, body: 'Grüße\nvon hier' });
});

test('counts segments as a carrier does', async () => {
  expect(await send({ body: 'x'.repeat(160) })).toMatchObject({ segments: 1, encoding: 'GSM_7' });
  expect(await send({ body: 'x'.repeat(161) })).toMatchObject({ segments: 2, encoding: 'GSM_7' });
  expect(await send({ body: '你'.repeat(71) })).toMatchObject({ segments: 2, encoding: 'UCS_2' });
});

describe('a text longer than the carrier accepts', () => {
  const refused = { __typename: 'SmsTooLongError', code: 'SMS_TOO_LONG', path: ['body'], value: null };

  test('is refused at once, with its length and the maximum', async () => {
    expect(await send({ body: 'x'.repeat(999) })).toMatchObject({ __typename: 'SendMessageSuccess', segments: 7 });
    const before = await count();
    expect(await send({ body: 'x'.repeat(1000) })).toEqual({
      ...refused,
      message: 'Parameter body is invalid: has 1000 characters; an SMS takes at most 999',
      ...{ characters: 1000, segments: 7, maxCharacters: 999, maxSegments: null },
    });
    // Characters count as the carrier's database counts them, however few segments they make.
    expect(await send({ body: '🎉'.repeat(500), idempotencyKey: fresh.key() })).toMatchObject({
      ...refused,
      characters: 1000,
      segments: 16,
    });
    expect(await count()).toBe(before);
  });

  test('is refused at once if segments are limited, also in Teams', async () => {
    const limited = await createTestExchange({ maxSegments: 2 });
    try {
      const own = await limited.customer();
      expect(await send({ body: 'x'.repeat(306) }, own)).toMatchObject({ __typename: 'SendMessageSuccess', segments: 2 });
      expect(await send({ body: 'x'.repeat(307) }, own)).toMatchObject({
        ...refused,
        message: 'Parameter body is invalid: takes 3 SMS segments of up to 153 characters; at most 2 can be sent',
        ...{ characters: 307, segments: 3, maxSegments: 2 },
      });
      expect(await send({ body: `${'x'.repeat(134)}好` }, own)).toMatchObject({
        ...refused,
        message: expect.stringContaining('takes 3 SMS segments of up to 67 characters, since'),
      });
      expect(await limited.say(own, own.user, `${PHONE} ${'x'.repeat(307)}`)).toBe(200);
      const reply = 'Your text takes 3 SMS segments of up to 153 characters; at most 2 can be sent. Nothing was sent.';
      await limited.microsoft.until(() => limited.microsoft.activities.some(({ text }) => text === reply));
      expect(await limited.messages(own.provider)).toHaveLength(1);
    } finally {
      await limited.close();
    }
  });
});

describe('a text that the carrier changes', () => {
  const cut = (body: string) => `Restcomm cut the text: it sends the first 159 of ${body.length} characters`;
  afterEach(() => {
    exchange.restcomm.version.cuts = false;
    exchange.restcomm.faults.clear();
  });

  test('is marked from its first report to its last, and so is its event', async () => {
    exchange.restcomm.version.cuts = true;
    const body = 'ü'.repeat(160);
    const { events, ...message } = await exchange.ends(customer.provider, (await send({ body })).sid, 'DELIVERED');
    expect(message).toMatchObject({ body, channelErrorCode: 'TEXT_CHANGED', channelErrorMessage: cut(body) });
    expect(exchange.restcomm.messages.at(-1)?.body).toBe(body.slice(0, 159));
    expect(events.some(({ errorCode }: { errorCode: string }) => errorCode === 'TEXT_CHANGED')).toBe(true);
  });

  test('is marked if the reports arrive before the response', async () => {
    exchange.restcomm.version.cuts = true;
    const body = 'é'.repeat(200);
    exchange.restcomm.faults.next('send', { early: true });
    const { sid } = await send({ body });
    await until(async () => (await exchange.gateway.prisma.outbox.count({ where: { messageSid: sid } })) === 0);
    expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelStatus: 'DELIVERED', channelErrorMessage: cut(body) });
  });

  test('is marked if the response was lost, and is not sent again', async () => {
    exchange.restcomm.version.cuts = true;
    const body = fresh.key().padEnd(300, 'ö');
    exchange.restcomm.faults.next('send', { reset: 'after' });
    const message = await exchange.ends(customer.provider, (await send({ body })).sid, 'DELIVERED');
    expect(message).toMatchObject({ possiblyDuplicated: false, channelErrorMessage: cut(body) });
  });

  test('has the reason if it fails', async () => {
    exchange.restcomm.version.cuts = true;
    const { sid } = await send({ body: 'à'.repeat(300), to: '+49301000' });
    expect(await exchange.ends(customer.provider, sid, 'FAILED')).toMatchObject({ channelErrorCode: '30003' });
  });

  test('or refuses as too long in bytes ends FAILED in the carrier’s words', async () => {
    exchange.restcomm.version.cuts = true;
    const { sid } = await send({ body: '好'.repeat(60) });
    expect(await exchange.ends(customer.provider, sid, 'FAILED')).toMatchObject({ channelErrorMessage: 'String index out of range: 159' });
  });
});

test('names missing or invalid fields, and stores nothing', async () => {
  const before = await count();
  expect(await send({ mappingSid: '', to: ' ', body: '' })).toMatchObject({
    code: 'MISSING_PARAMETER',
    message: 'Mandatory parameter mappingSid,to,body is missing.',
  });
  for (const to of ['12', '+', '+49 170', 'Bob', '1'.repeat(19), '++49170', '+49170\0']) {
    expect(await send({ to }), to).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_PARAMETER', path: ['to'] });
  }
  for (const body of ['x'.repeat(10_001), 'a\0b', '\ud800']) {
    expect(await send({ body })).toMatchObject({ code: 'INVALID_PARAMETER', path: ['body'] });
  }
  expect(await count()).toBe(before);
});

test('refuses an unknown mapping and another organization’s in the same way', async () => {
  const other = await exchange.customer();
  const unknown = await send({ mappingSid: unknownSid('BE') });
  expect(unknown).toMatchObject({ __typename: 'NotFoundError', code: 'MAPPING_NOT_FOUND', path: ['mappingSid'] });
  const foreign = await send({ mappingSid: other.mappingSid });
  expect({ ...foreign, value: null }).toEqual({ ...unknown, value: null });
  expect(await exchange.messages(other.provider)).toEqual([]);
});

test('requires authentication', async () => {
  const anonymous = graphClient(exchange.fetch);
  const before = await count();
  const { status, errors } = await anonymous(SEND, { input: { mappingSid: customer.mappingSid, to: PHONE, body: 'Hello' } });
  expect([status, errors?.[0]?.extensions?.code]).toEqual([401, 'UNAUTHENTICATED']);
  expect(await count()).toBe(before);
});

test('sends once for an idempotency key, for any number of simultaneous requests', async () => {
  const before = await count();
  const idempotencyKey = fresh.key();
  const answers = await Promise.all(Array.from({ length: 5 }, () => send({ body: 'once', idempotencyKey })));
  expect(new Set(answers.map(({ sid }) => sid)).size).toBe(1);
  expect(await count()).toBe(before + 1);
  expect(await send({ body: 'another', idempotencyKey })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
});

test('is refused for an enterprise that is not ACTIVE', async () => {
  const own = await exchange.customer();
  await done(own.provider, 'updateEnterprise', { sid: own.enterpriseSid, status: 'INACTIVE' });
  expect(await send({}, own)).toMatchObject({ __typename: 'ConflictError', code: 'ENTERPRISE_INACTIVE', path: ['mappingSid'] });
  expect(await exchange.messages(own.provider)).toEqual([]);
});

test('while its mapping is deleted, a text is either accepted or refused as not found', async () => {
  const codes = new Set<string>();
  for (let round = 0; round < 8; round += 1) {
    const own = await exchange.customer();
    const sends = Array.from({ length: 16 }, (_, index) => send(index % 2 ? {} : { idempotencyKey: `deleted ${round} ${index}` }, own));
    const [, ...sent] = await Promise.all([done(own.provider, 'deleteMapping', { sid: own.mappingSid }), ...sends]);
    for (const { __typename, code = __typename } of sent) codes.add(code);
    expect(await send({}, own)).toMatchObject({ code: 'MAPPING_NOT_FOUND', path: ['mappingSid'] });
  }
  for (const code of codes) expect(['SendMessageSuccess', 'MAPPING_NOT_FOUND']).toContain(code);
});
