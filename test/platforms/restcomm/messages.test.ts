import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeliveryError } from '../../../src/platforms/delivery-error.ts';
import { createHttpRestcomm } from '../../../src/platforms/restcomm/http.ts';
import type { Restcomm, SmsToSend } from '../../../src/platforms/restcomm/restcomm.ts';
import { type FakeRestcomm, startFakeRestcomm } from '../../fakes/restcomm.ts';
import { failure, nowhere } from '../../support/failure.ts';

const NUMBER = '+493012345';
const sms: SmsToSend = {
  from: NUMBER,
  to: '+4917012345',
  body: 'Hallo & bis später + morgen',
  encoding: 'GSM_7',
  statusCallback: 'http://127.0.0.1:9/webhooks/restcomm/canary-webhook/status?message=MS1',
};

let fake: FakeRestcomm;
let restcomm: Restcomm;

beforeEach(async () => {
  fake = await startFakeRestcomm({ progress: 'manual', numbers: [NUMBER] });
  restcomm = createHttpRestcomm({ ...fake, fetch });
});
afterEach(() => fake.close());

describe('a text', () => {
  test('is sent with its callback and its encoding', async () => {
    const record = await restcomm.sendSms(sms);
    expect(record).toEqual({
      sid: expect.stringMatching(/^SM[0-9a-f]{32}$/),
      from: sms.from,
      to: sms.to,
      body: sms.body,
      status: 'sending',
      direction: 'outbound-api',
      errorCode: undefined,
      dateCreated: expect.any(Date),
      mediaUrls: [],
    });
    expect(fake.messages).toMatchObject([{ ...sms, sid: record.sid, encoding: undefined }]);
    await restcomm.sendSms({ ...sms, body: '好 🎉', encoding: 'UCS_2' });
    expect(fake.messages[1]).toMatchObject({ body: '好 🎉', encoding: 'UCS-2' });
  });

  test.each([
    ['plain text', { status: 400, body: 'To can not be null.' }, 'HTTP_400', 'To can not be null.'],
    ['an error number', { status: 400, body: '21452' }, '21452', 'Restcomm refused the request (21452)'],
    ['JSON', { status: 403, body: '{"code": 30004, "message": "Blocked \\"here\\""}' }, '30004', 'Blocked "here"'],
    ['JSON with other capitals', { status: 403, body: '{"Message":"Blocked","ErrorCode":30004}' }, '30004', 'Blocked'],
    ['JSON after a byte order mark', { status: 403, body: '\ufeff{"code":30004,"message":"Blocked"}' }, '30004', 'Blocked'],
    // As Restcomm writes it, without quotes around the error.
    ['nearly JSON', { status: 400, body: '{"message":"Limit",\n"error":SOME_LIMIT}' }, 'SOME_LIMIT', 'Limit'],
    // As it writes XML (AbstractEndpoint, buildErrorResponseBody), and as Twilio does.
    [
      'XML',
      { status: 403, body: '<RestcommResponse><Message>No more than <5 here</Message><Error>30007</Error></RestcommResponse>' },
      '30007',
      'No more than <5 here',
    ],
    [
      'another’s XML',
      {
        status: 400,
        body: '<?xml version="1.0"?>\n<TwilioResponse><RestException><Code>21211</Code><Message>Not &quot;To&quot;</Message></RestException></TwilioResponse>',
      },
      '21211',
      'Not "To"',
    ],
    [
      'a page with code in it',
      { status: 400, body: '<!DOCTYPE html><code>30004</code>' },
      'HTTP_400',
      'Restcomm refused the request (400)',
    ],
    // Issue 1642 of RestComm/Restcomm-Connect: the text is not stored, and so not sent.
    [
      'a 500 of its database',
      {
        status: 500,
        body: "### Error updating database. Cause: MysqlDataTruncation: Data truncation: Data too long for column 'body' at row 1",
      },
      'HTTP_500',
      'Restcomm cannot store the text',
    ],
    ['a page', { status: 422, body: '<html><h1>No</h1></html>' }, 'HTTP_422', 'Restcomm refused the request (422)'],
    ['an empty response', { status: 406 }, 'HTTP_406', 'Restcomm refused the request (406)'],
  ])('that is refused with %s fails with the platform’s code and words', async (_, fault, code, message) => {
    fake.faults.next('send', fault);
    const error = await failure(restcomm.sendSms(sms));
    expect(error).toBeInstanceOf(DeliveryError);
    expect(error).toMatchObject({ outcome: 'refused', code, message });
    expect(fake.messages).toEqual([]);
    expect(fake.requests).toHaveLength(1);
  });

  test.each([
    [{ status: 429, headers: { 'retry-after': '7' } }, 7_000],
    [{ status: 429 }, undefined],
    [{ status: 429, headers: { 'retry-after': 'soon' } }, undefined],
  ])('that is refused temporarily may be sent again, after the time that the platform requests: %j', async (fault, retryAfterMs) => {
    fake.faults.next('send', fault);
    expect(await failure(restcomm.sendSms(sms))).toMatchObject({ outcome: 'retry', code: `HTTP_${fault.status}`, retryAfterMs });
  });

  // A proxy says neither of a server that it has waited for, nor of one that it has lost, whether it took the message.
  test.each([
    [{ status: 503, headers: { 'retry-after': '7' } }, 7_000],
    [{ status: 503 }, undefined],
    [{ status: 408 }, undefined],
  ])('may have been taken where nobody says that it was not: %j', async (fault, retryAfterMs) => {
    fake.faults.next('send', fault);
    expect(await failure(restcomm.sendSms(sms))).toMatchObject({ outcome: 'unknown', code: `HTTP_${fault.status}`, retryAfterMs });
  });

  test.each([
    { status: 401, body: '{"message":"No","error":"AUTH_FAILED"}' },
    // A number that only repeats the status, or is a proxy's own (WSO2's 900902), is none of the message's.
    { status: 401, body: '{"code":401,"message":"Unauthorized"}' },
    { status: 403, body: '403' },
    { status: 401, body: '{"fault":{"code":900902,"message":"Missing Credentials"}}' },
    // SecurityFilter.
    { status: 403, body: 'Provided Account is not active' },
    { status: 403 },
    { status: 402 },
    // There is no such API at the URL.
    { status: 404, body: '<html><h1>Not Found</h1></html>' },
    { status: 405 },
    { status: 307, headers: { location: 'http://127.0.0.1:9/' } },
  ])('waits if the gateway’s own account or token is refused: %j', async (fault) => {
    fake.faults.next('send', fault);
    expect(await failure(restcomm.sendSms(sms))).toMatchObject({
      outcome: 'curable',
      reason: 'CARRIER_ACCOUNT',
      code: `HTTP_${fault.status}`,
    });
  });

  test.each([
    '{"message":"Limit",\n"error":SMS_LIMIT_EXCEEDED}',
    '<RestcommResponse><Message>Limit</Message><Error>SMS_LIMIT_EXCEEDED</Error></RestcommResponse>',
  ])('may be sent again if an extension’s limit is reached: %s', async (body) => {
    fake.faults.next('send', { status: 403, body });
    expect(await failure(restcomm.sendSms(sms))).toMatchObject({ outcome: 'retry', code: 'SMS_LIMIT_EXCEEDED', message: 'Limit' });
  });

  test('has a longer timeout than the platform itself', async () => {
    expect(restcomm.settlesMs).toBeGreaterThan(10_000);
    const patient = createHttpRestcomm({ ...fake, fetch, timeoutMs: 100, settlesMs: 2_000 });
    fake.faults.next('send', { later: 500 });
    expect(await patient.sendSms(sms)).toMatchObject({ status: 'sending' });
    fake.faults.next('messages', { later: 500 });
    await expect(patient.listSms({ since: new Date() })).rejects.toThrow('did not respond');
  });

  test('that the platform truncates is returned as sent', async () => {
    fake.version.cuts = true;
    expect(await restcomm.sendSms({ ...sms, body: 'ü'.repeat(160) })).toMatchObject({ body: 'ü'.repeat(159) });
    expect(await failure(restcomm.sendSms({ ...sms, body: '好'.repeat(60) }))).toMatchObject({ outcome: 'refused' });
  });

  test('may have to wait until a date', async () => {
    fake.faults.next('send', { status: 429, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } });
    const { retryAfterMs = 0 } = (await failure(restcomm.sendSms(sms))) as DeliveryError;
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  test('may be sent again if the platform was never reached', async () => {
    for (const url of [await nowhere(), 'http://restcomm.invalid'])
      expect(await failure(createHttpRestcomm({ ...fake, url, fetch }).sendSms(sms))).toMatchObject({
        outcome: 'retry',
        code: 'UNREACHABLE',
      });
  });

  test.each([
    ['the connection broke before it was accepted', { reset: 'before' }, 0],
    ['the connection broke after it was accepted', { reset: 'after' }, 1],
    ['the response came too late', { delay: new Promise(() => {}) }, 1],
    ['the platform failed', { status: 500, body: 'java.lang.NullPointerException' }, 0],
    ['the platform accepted it and then failed', { status: 500, taken: true }, 1],
    ['a proxy gave up', { status: 504, taken: true }, 1],
    ['the response cannot be parsed', { status: 200, body: '<html></html>', taken: true }, 1],
    ['the response names no message', { status: 200, body: '{"sid":"null","status":"sending"}', taken: true }, 1],
    ['the response never ends', { status: 200, body: 'x'.repeat(3_000_000), taken: true }, 1],
  ] as const)('has an unknown outcome if %s', async (_, fault, taken) => {
    fake.faults.next('send', fault);
    const error = await failure(createHttpRestcomm({ ...fake, fetch, timeoutMs: 300, settlesMs: 300 }).sendSms(sms));
    expect(error).toBeInstanceOf(DeliveryError);
    expect(error).toMatchObject({ outcome: 'unknown' });
    expect(fake.messages).toHaveLength(taken);
    expect(fake.requests).toHaveLength(1);
  });
});

describe('the platform’s record', () => {
  test('of a message is found by its sid, with its final status', async () => {
    const { sid } = await restcomm.sendSms({ ...sms, body: 'null' });
    expect(await restcomm.findSms(sid)).toMatchObject({ sid, body: 'null', status: 'sending', errorCode: undefined });
    await fake.report(sid, 'undelivered', 30003);
    expect(await restcomm.findSms(sid)).toMatchObject({ status: 'undelivered', errorCode: '30003', from: sms.from, to: sms.to });
  });

  test('of an unknown message is empty', async () => {
    expect(await restcomm.findSms('SM00000000000000000000000000000000')).toBeUndefined();
  });

  test('has the time of its date', async () => {
    const { sid } = await restcomm.sendSms(sms);
    const message = fake.messages[0] ?? expect.unreachable();
    message.dateCreated = new Date('2013-09-06T17:00:00.900Z');
    expect((await restcomm.findSms(sid))?.dateCreated).toEqual(new Date('2013-09-06T17:00:00Z'));
  });

  test('is listed between two numbers since a time, in any notation of the numbers', async () => {
    const since = new Date();
    const mine = await restcomm.sendSms(sms);
    await restcomm.sendSms({ ...sms, to: '+1234917012345' });
    await restcomm.sendSms({ ...sms, from: '+4930123456' });
    await fake.receiveSms({ from: sms.to, to: NUMBER, body: 'Antwort' });
    const old = await restcomm.sendSms(sms);
    Object.assign(fake.messages.find(({ sid }) => sid === old.sid) ?? {}, { dateCreated: new Date(since.getTime() - 60_000) });

    const sids = async (filter: { from?: string; to?: string }) => (await restcomm.listSms({ ...filter, since })).map(({ sid }) => sid);
    expect(await sids({ from: sms.from, to: sms.to })).toEqual([mine.sid]);
    expect(await sids({ from: sms.from.slice(1), to: sms.to.slice(1) })).toEqual([mine.sid]);
    expect(await restcomm.listSms({ to: NUMBER, since })).toMatchObject([{ body: 'Antwort', direction: 'inbound', status: 'received' }]);
    expect(await sids({})).toHaveLength(4);
  });

  test('of incoming messages is read newest first, only as far as needed, and without outgoing messages', async () => {
    const at = (index: number) => new Date(Date.UTC(2026, 10, 24, 12, 0, index));
    for (let index = 0; index < 350; index += 1) {
      await fake.receiveSms({ from: '+491', to: NUMBER, body: String(index) });
      Object.assign(fake.messages.at(-1) ?? {}, { dateCreated: at(index) });
    }
    await restcomm.sendSms(sms);
    const read = async (since: Date) => {
      const pages = [];
      for await (const page of restcomm.listReceived(since)) pages.push(page.map(({ body }) => body));
      return pages;
    };
    const before = fake.requests.length;
    const pages = await read(at(200));
    expect(pages.flat()).toEqual(Array.from({ length: 150 }, (_, index) => String(349 - index)));
    expect(fake.requests.length - before).toBe(2);
    expect((await read(at(0))).flat()).toHaveLength(350);
    // One that sorts by nothing is read to its end.
    fake.version.sorts = false;
    expect(new Set((await read(at(200))).flat()).size).toBe(150);
  });

  test('is listed from the second of that time, and from any day in the platform’s time zone', async () => {
    const { sid } = await restcomm.sendSms(sms);
    const message = fake.messages[0] ?? expect.unreachable();
    // 23:30 of the day before, where the platform is.
    message.dateCreated = new Date('2026-11-24T06:30:00.100Z');
    expect(await restcomm.listSms({ since: new Date('2026-11-24T06:30:00.900Z') })).toMatchObject([{ sid }]);
    expect(await restcomm.listSms({ since: new Date('2026-11-24T06:30:01Z') })).toEqual([]);
  });

  test.each([99, 100, 101, 250])('is listed to the last of %i messages', async (count) => {
    for (let index = 0; index < count; index += 1) await fake.receiveSms({ from: '+491', to: NUMBER, body: String(index) });
    const listed = await restcomm.listSms({ to: NUMBER, since: new Date(Date.now() - 60_000) });
    expect(new Set(listed.map(({ sid }) => sid)).size).toBe(count);
  });
});
