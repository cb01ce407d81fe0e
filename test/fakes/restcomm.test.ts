import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHttpRestcomm } from '../../src/platforms/restcomm/http.ts';
import type { Restcomm } from '../../src/platforms/restcomm/restcomm.ts';
import { type FakeRestcomm, startFakeRestcomm } from './restcomm.ts';

// What the exchange's tests build on: how the fake calls back and how it misbehaves.

const NUMBER = '+493012345';
let fake: FakeRestcomm;
let restcomm: Restcomm;
/** Answers every webhook as `answers` says, by its path. */
let hook: { url: string; answers: Map<string, number>; close: () => Promise<void> };

beforeEach(async () => {
  fake = await startFakeRestcomm({ numbers: [NUMBER], waitMs: 300 });
  restcomm = createHttpRestcomm({ ...fake, fetch });
  const answers = new Map<string, number>();
  const server = createServer((request, response) => {
    const status = answers.get(request.url ?? '') ?? 200;
    if (status === 0) return;
    response.writeHead(status, { 'content-type': 'text/xml' }).end('<Response/>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  hook = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, answers, close };
});
afterEach(async () => {
  await fake.close();
  await hook.close();
});

const send = (to = '+4917012345') =>
  restcomm.sendSms({ from: NUMBER, to, body: 'Hallo', encoding: 'GSM_7', statusCallback: `${hook.url}/status?message=MS1` });
const forms = () => fake.callbacks.map(({ form }) => form);
const statuses = () => forms().map(({ MessageStatus }) => MessageStatus);

test('a message is reported sent and delivered, to its own callback', async () => {
  const { sid } = await send();
  await fake.until(() => fake.callbacks.length === 2);
  expect(statuses()).toEqual(['sent', 'delivered']);
  expect(fake.callbacks[0]).toMatchObject({ url: `${hook.url}/status?message=MS1`, answer: { status: 200, body: '<Response/>' } });
  expect(forms()[0]).toEqual({
    ...{ AccountSid: fake.accountSid, MessageSid: sid, From: NUMBER, To: '+4917012345' },
    ...{ Body: 'Hallo', MessageStatus: 'sent' },
  });
});

test('a message to a number ending in 0 fails with 30003, reported in the configured dialect', async () => {
  await send('+4917012340');
  await fake.until(() => fake.callbacks.length === 2);
  expect(forms()[1]).toMatchObject({ MessageStatus: 'failed', ErrorCode: 'UNREACHABLE_DESTINATION_HANDSET' });
  Object.assign(fake.dialect, { statusField: 'ChannelStatusMessage', errorCode: 'number' });
  await send('+4917012340');
  await fake.until(() => fake.callbacks.length === 4);
  expect(forms()[3]).toMatchObject({ ChannelStatusMessage: 'failed', ErrorCode: '30003' });
});

test('without callbacks, the message still advances', async () => {
  fake.dialect.callbacks = false;
  const { sid } = await send();
  await fake.until(() => fake.messages[0]?.status === 'delivered');
  expect(fake.callbacks).toEqual([]);
  expect(await restcomm.findSms(sid)).toMatchObject({ status: 'delivered' });
});

test.each([
  ['lost', ['delivered']],
  ['duplicate', ['sent', 'sent', 'delivered']],
  ['late', ['delivered', 'sent']],
])('a callback may be %s', async (fault, expected) => {
  fake.faults.next('statusCallback', { [fault]: true });
  await send();
  await fake.until(() => fake.callbacks.length === expected.length);
  expect(statuses()).toEqual(expected);
});

test('a callback may arrive before the response to the send request', async () => {
  fake.faults.next('send', { early: true });
  await send();
  expect(statuses()).toEqual(['sent', 'delivered']);
});

test('an accepted message is delivered even if its response was cut; one that was not accepted is not', async () => {
  fake.faults.next('send', { reset: 'after' });
  fake.faults.next('send', { reset: 'before' }, 2);
  for (let attempt = 0; attempt < 3; attempt += 1) await expect(send()).rejects.toMatchObject({ outcome: 'unknown' });
  await fake.until(() => fake.callbacks.length === 2);
  expect(fake.messages).toHaveLength(1);
  expect(await send()).toMatchObject({ status: 'sending' });
});

test('an SMS is posted to the number’s webhook, and an MMS with its media', async () => {
  await restcomm.enableSms(NUMBER, `${hook.url}/sms`);
  const { sid, answer } = await fake.receiveSms({
    from: '+491',
    to: NUMBER,
    body: 'Bild',
    media: ['http://a.example/1', 'http://a.example/2'],
  });
  expect(answer).toEqual({ status: 200, contentType: 'text/xml', body: '<Response/>' });
  expect(forms()).toEqual([
    {
      SmsSid: sid,
      AccountSid: fake.accountSid,
      ApiVersion: '2012-04-24',
      From: '+491',
      To: NUMBER,
      Body: 'Bild',
      MediaUrl0: 'http://a.example/1',
      MediaUrl1: 'http://a.example/2',
    },
  ]);
  await fake.receiveSms({ from: '+491', to: NUMBER, body: 'Bild', sid });
  expect(fake.messages).toHaveLength(1);
});

test.each([500, 0])(
  'an SMS goes to the fallback if the webhook responds with %i, or not in time, and is kept in any case',
  async (status) => {
    await restcomm.enableSms(NUMBER, `${hook.url}/sms`);
    Object.assign(fake.numbers[0] ?? {}, { smsFallbackUrl: `${hook.url}/fallback` });
    hook.answers.set('/sms', status);
    expect(await fake.receiveSms({ from: '+491', to: NUMBER, body: 'eins' })).toMatchObject({ answer: { status: 200 } });
    expect(fake.callbacks.map(({ url }) => new URL(url).pathname)).toEqual(['/sms', '/fallback']);
    fake.faults.next('smsWebhook', { lost: true });
    expect((await fake.receiveSms({ from: '+491', to: NUMBER, body: 'zwei' })).answer).toBeUndefined();
    expect(await restcomm.listSms({ to: NUMBER, since: new Date(0) })).toHaveLength(2);
  },
);

test('a condition that never holds is reported, not waited for', async () => {
  await expect(fake.until(() => fake.messages.length > 0, 10)).rejects.toThrow('in vain');
});
