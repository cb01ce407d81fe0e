import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recoverInbound } from '../../../src/exchange/restcomm/reconciler.ts';
import { done } from '../../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../../support/exchange.ts';

// Carriers write a phone in many ways. It is one phone: what it wrote is shown as it came, and what is answered goes to it.

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());

/** Whom an SMS with this text was sent to. */
const sentTo = (number: string, text: string) =>
  until(
    async () =>
      exchange.restcomm.messages.find(({ from, body, direction }) => from === number && body === text && direction !== 'inbound')?.to,
  );
const shown = (person: Pick<Customer, 'user'>) => exchange.microsoft.activities.filter(({ objectId }) => objectId === person.user.objectId);

let said = 0;
/** A text without a number, by the customer's user. */
async function answer(person = customer): Promise<string> {
  const body = `Answer ${++said}`;
  expect(await exchange.say(person, person.user, body)).toBe(200);
  return body;
}

describe('an SMS', () => {
  test.each([
    ['+1 555 123 0001', '+15551230001'],
    ['+1-555-123-0001', '+15551230001'],
    ['+1(555)1230001', '+15551230001'],
    ['tel:+15551230001', '+15551230001'],
    ['+1 (555) 123-0001', '+15551230001'],
    [' 15551230001', '+15551230001'],
    ['0015551230001', '+15551230001'],
    ['\u202a+15551230001\u202c', '+15551230001'],
    ['68849', '68849'],
    // Of the region of the mapped number.
    ['0170 1234567', '+491701234567'],
  ])('from %j is shown, and its answer goes to %s', async (from, to) => {
    const own = await exchange.customer();
    const sid = await exchange.text(own, own, from, 'Hello');
    expect(await exchange.ends(own.provider, sid, 'DELIVERED')).toMatchObject({ from: from.trim() });
    expect(JSON.stringify(shown(own).at(-1))).toContain('Hello');
    expect(await sentTo(own.number, await answer(own))).toBe(to);
  });

  test.each(['AMAZON', '22'])('from %j is shown, and cannot be answered', async (from) => {
    const own = await exchange.customer();
    const before = exchange.restcomm.messages.length;
    const sid = await exchange.text(own, own, from, 'Hello');
    await exchange.ends(own.provider, sid, 'DELIVERED');
    await answer(own);
    await until(async () => shown(own).length > 1);
    expect(exchange.restcomm.messages.length).toBe(before + 1);
  });
});

test('a message in the graph can be answered through the graph, at its original sender', async () => {
  const sid = await exchange.text(customer, customer, 'tel:+1-555-123-0002', 'Hello');
  const { from } = await exchange.ends(customer.provider, sid, 'DELIVERED');
  const { data } = await customer.provider.graph(
    'mutation ($input: SendMessageInput!) { sent: sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { sid to } } } }',
    { input: { mappingSid: customer.mappingSid, to: from, body: 'Through the graph' } },
  );
  expect(data.sent.sentMessage.to).toBe('tel:+1-555-123-0002');
  expect(await sentTo(customer.number, 'Through the graph')).toBe('+15551230002');
});

test('a mapped number in any notation is enabled, used for sending, and found when recovering missed messages', async () => {
  const { provider, enterpriseSid, bot } = customer;
  const user = exchange.microsoft.addUser({ tenantId: bot.tenantId });
  const number = '+4930900123451';
  exchange.restcomm.addNumber(number);
  const written = '(+49) 30 900-123.451';
  const { sid, externalAddress } = await done(provider, 'createMapping', {
    enterpriseSid,
    microsoftAddress: user.userPrincipalName,
    externalAddress: written,
  });
  expect(externalAddress).toBe(written);
  const person = { user, number, mappingSid: sid };
  await exchange.ends(provider, await exchange.text(customer, person, '+15551230003', 'Hello'), 'DELIVERED');
  const body = `Answer ${++said}`;
  await exchange.say(customer, user, `from ${number}: ${body}`);
  expect(await sentTo(number, body)).toBe('+15551230003');

  exchange.restcomm.messages.push({
    ...{ sid: `SM${'a'.repeat(32)}`, from: '+15551230003', to: '4930900123451', body: 'Missed', direction: 'inbound' as const },
    ...{ dateCreated: new Date(), status: 'received' as const },
  });
  await recoverInbound(exchange.gateway, { quietMs: 0 });
  const missed = await exchange.messages(provider, { mappingSid: sid });
  expect(missed.map((message) => message.body)).toContain('Missed');

  await done(provider, 'deleteMapping', { sid });
  expect(exchange.restcomm.numbers.find(({ phoneNumber }) => phoneNumber === number)?.smsUrl).toBeFalsy();
});
