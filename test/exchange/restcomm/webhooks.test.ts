import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { done } from '../../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange } from '../../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange({ progress: 'manual' });
  customer = await exchange.customer();
});
afterAll(() => exchange.close());

const PHONE = '+4917012345671';
const LOST = '[A picture or file that came with this message could not be recovered.]';

/** The URL to which Restcomm posts a number's SMS, or their progress. */
function hook(number = customer.number, kind: 'sms' | 'status' = 'sms'): string {
  const url = exchange.restcomm.numbers.find(({ phoneNumber }) => phoneNumber === number)?.smsUrl ?? '';
  return url.replace(/sms$/, kind);
}

async function post(url: string, body: string | Record<string, string>, headers: Record<string, string> = {}) {
  const form = typeof body === 'string' ? body : new URLSearchParams(body).toString();
  const response = await fetch(url, {
    method: 'POST',
    body: form,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

const sms = (change: Record<string, string> = {}) => ({
  SmsSid: `SM${randomBytes(16).toString('hex')}`,
  AccountSid: exchange.restcomm.accountSid,
  From: PHONE,
  To: customer.number,
  Body: 'Hello',
  ...change,
});
const stored = () => exchange.gateway.prisma.message.count({ where: { organizationSid: customer.provider.organizationSid } });

describe('an SMS from Restcomm', () => {
  test('gets 200 with an empty TwiML response, once it is committed', async () => {
    const form = sms();
    expect(await post(hook(), form)).toEqual({
      status: 200,
      type: expect.stringMatching(/^text\/xml/),
      text: expect.stringContaining('<Response/>'),
    });
    expect(await exchange.gateway.prisma.message.count({ where: { restcommMessageSid: form.SmsSid } })).toBe(1);
  });

  test('does not get 200 if it cannot be committed, and is accepted when Restcomm tries the fallback', async () => {
    const form = sms();
    const { prisma } = exchange.gateway;
    await prisma.$executeRaw`ALTER TABLE outbox RENAME TO outbox_away`;
    const refused = await post(hook(), form).finally(() => prisma.$executeRaw`ALTER TABLE outbox_away RENAME TO outbox`);
    expect(refused.status).toBe(500);
    expect(await prisma.message.count({ where: { restcommMessageSid: form.SmsSid } })).toBe(0);
    expect((await post(hook(), form)).status).toBe(200);
    expect(exchange.logged.join('')).not.toContain(form.Body);
  });

  test('is one message, even if it is delivered many times at once', async () => {
    const form = sms();
    const before = await stored();
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(hook(), form)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(await stored()).toBe(before + 1);
  });

  test('with the same sid for two organizations’ numbers is a message of each', async () => {
    const other = await exchange.customer();
    const form = sms();
    expect((await post(hook(), form)).status).toBe(200);
    expect((await post(hook(other.number), form)).status).toBe(200);
    expect(await exchange.gateway.prisma.message.count({ where: { restcommMessageSid: form.SmsSid } })).toBe(2);
  });

  test('is refused if the secret is wrong, another mapping’s, or missing', async () => {
    const before = await stored();
    const right = hook();
    const [secret = ''] = /[0-9a-f]{64}/.exec(right) ?? [];
    const other = (digit = '') => (digit === '0' ? '1' : '0');
    for (const wrong of [
      secret.slice(0, -1) + other(secret.at(-1)),
      other(secret[0]) + secret.slice(1),
      secret.slice(0, 32),
      '0'.repeat(64),
      secret.toUpperCase().replace(/[0-9]/g, 'A'),
    ]) {
      expect((await post(right.replace(secret, wrong), sms())).status, wrong).toBe(404);
    }
    for (const path of ['', '/', `/${secret}`, `/${secret}/`, `/${secret}/sms/more`, `/${secret}/other`, '/%00/sms']) {
      expect((await post(`${exchange.url}/webhooks/restcomm${path}`, sms())).status, path).toBe(404);
    }
    expect(await stored()).toBe(before);
  });

  test.each([
    ['no SmsSid', { SmsSid: '' }],
    ['no From', { From: '' }],
    ['no To', { To: ' ' }],
  ])('with %s is refused and not stored', async (_what, change) => {
    const before = await stored();
    expect((await post(hook(), sms(change))).status).toBe(400);
    expect(await stored()).toBe(before);
  });

  /** Posts the form, and waits for the message. */
  async function shown(form: string | Record<string, string>, smsSid: string) {
    expect((await post(hook(), form)).status).toBe(200);
    const all = await exchange.messages(customer.provider, { direction: 'OUTBOUND' });
    return all.find(({ restcommMessageSid }) => restcommMessageSid === smsSid);
  }

  // PostgreSQL stores neither; Restcomm does, and SMSCs deliver them: RestComm/smscgateway#253, farhadi/node-smpp#2.
  test.each([
    ['a NUL in the text', 'Body=a%00b', { body: 'a\uFFFDb', from: PHONE }],
    ['NUL alone', 'Body=%00', { body: '\uFFFD' }],
    ['a byte that is no UTF-8', 'Body=a%FFb', { body: 'a\uFFFDb' }],
    ['half a surrogate pair, as CESU-8 has it', 'Body=a%ED%A0%BDb', { body: expect.stringMatching(/^a\uFFFD+b$/) }],
    ['a NUL in the sender', 'From=AB%00C', { from: 'AB\uFFFDC' }],
    ['an alphanumeric sender', 'From=AMAZON&Body=Your+code+is+123456', { from: 'AMAZON', body: 'Your code is 123456' }],
    ['an endless sender', `From=${'1'.repeat(400)}`, { from: `${'1'.repeat(316)} […]` }],
    ['a text beyond any SMS', `Body=${'x'.repeat(10_001)}`, { body: `${'x'.repeat(9_996)} […]` }],
    ['a pair where it is cut', `Body=${encodeURIComponent('x'.repeat(9_995) + '🎉'.repeat(5))}`, { body: `${'x'.repeat(9_995)} […]` }],
  ])('with %s is shown, not lost', async (_what, change, expected) => {
    const smsSid = `SM${randomBytes(16).toString('hex')}`;
    const form = new URLSearchParams(sms({ SmsSid: smsSid }));
    // The change's own bytes, which URLSearchParams would not write.
    for (const name of new URLSearchParams(change).keys()) form.delete(name);
    expect(await shown(`${form}&${change}`, smsSid)).toMatchObject(expected);
  });

  test('with a NUL is posted to Teams', async () => {
    const mark = randomBytes(4).toString('hex');
    expect((await post(hook(), sms({ Body: `${mark}\0end` }))).status).toBe(200);
    await exchange.microsoft.until(() => exchange.microsoft.activities.some(({ text }) => String(text).includes(`${mark}\uFFFDend`)));
  });

  test('with media without web addresses is shown without them; its text and the log say so', async () => {
    const smsSid = `SM${randomBytes(16).toString('hex')}`;
    const media = {
      MediaUrl0: 'https://media.example/1.jpg',
      MediaUrl1: 'file:///etc/passwd',
      MediaUrl2: `https://media.example/${'x'.repeat(5_000)}`,
    };
    expect(await shown(sms({ SmsSid: smsSid, ...media }), smsSid)).toMatchObject({
      mediaUrls: [media.MediaUrl0],
      body: `Hello\n${LOST}`,
    });
    expect(exchange.logged.find((line) => line.includes(smsSid))).toContain('"dropped":2');
  });

  test.each([
    ['names in another case', 'SMSSID=%s&FROM=%2B4917012345671&to=1&body=Hello', { from: PHONE, body: 'Hello' }],
    ['a field that is blank first', 'SmsSid=&SmsSid=%s&From=+&From=%2B4917012345671&To=1&Body=&Body=Hello', { from: PHONE, body: 'Hello' }],
    ['a plus that is not escaped', 'SmsSid=%s&From=+4917012345671&To=1&Body=a+b', { body: 'a b' }],
    [
      'fewer media than it counts',
      `SmsSid=%s&From=1&To=1&Body=Hi&NumMedia=3&MediaUrl0=https://m.example/1`,
      { body: `Hi\n${LOST}`, mediaUrls: ['https://m.example/1'] },
    ],
    [
      'a text beyond any SMS, and media that are lost',
      `SmsSid=%s&From=1&To=1&Body=${'x'.repeat(10_000)}&NumMedia=1`,
      { body: expect.stringMatching(/^x{9900,} \[…\]\n\[A picture or file .*\]$/) },
    ],
    [
      'no text, and fewer media than it counts',
      `SmsSid=%s&From=1&To=1&Body=&NumMedia=2&MediaUrl0=https://m.example/1`,
      { body: expect.stringContaining('could not be recovered'), mediaUrls: ['https://m.example/1'] },
    ],
    [
      'more media than it counts',
      `SmsSid=%s&From=1&To=1&NumMedia=0&mediaurl0=https://m.example/1`,
      { body: '', mediaUrls: ['https://m.example/1'] },
    ],
    [
      'media that nobody can open',
      'SmsSid=%s&From=1&To=1&Body=Hi&MediaUrl0=https://&MediaUrl1=http://a:b/',
      { body: `Hi\n${LOST}`, mediaUrls: [] },
    ],
    ['a count that is none', 'SmsSid=%s&From=1&To=1&NumMedia=-1e9', { body: '', mediaUrls: [] }],
    [
      'nothing but media that are lost',
      'SmsSid=%s&From=1&To=1&NumMedia=1',
      { body: expect.stringContaining('could not be recovered'), mediaUrls: [] },
    ],
    ['nothing but a file', 'SmsSid=%s&From=1&To=1&Body=+&MediaUrl0=file:///a', { body: expect.stringContaining('could not be recovered') }],
  ])('with %s is shown', async (_what, form, expected) => {
    const smsSid = `SM${randomBytes(16).toString('hex')}`;
    expect(await shown(form.replace('%s', smsSid), smsSid)).toMatchObject(expected);
  });

  // By default, UrlEncodedFormEntity of Apache's HttpClient writes ISO-8859-1, and declares it.
  test.each([
    ['ISO-8859-1', 'Caf%E9+zur+M%FCndung', 'Café zur Mündung'],
    ['ISO-8859-1', 'a%2Bb%26c%3D%C4', 'a+b&c=Ä'],
    ['"iso-8859-15"', '5+%A4', '5 €'],
    ['Windows-1252', '5+%80', '5 €'],
    ['windows-1251', '%CF%F0%E8%E2%E5%F2', 'Привет'],
    ['Shift_JIS', '%83e%83X%83g', 'テスト'],
    ['GBK', '%C4%E3%BA%C3', '你好'],
    ['US-ASCII', 'a%00b', 'a\uFFFDb'],
    ['UTF-8', 'Caf%C3%A9', 'Café'],
    ['utf8', '%EF%BB%BFCaf%C3%A9=', '\uFEFFCafé='],
    ['UTF-16', 'Caf%C3%A9', 'Café'],
    ['none-such', 'Caf%C3%A9', 'Café'],
    ['ISO-8859-1', '100%+sure%2', '100% sure%2'],
  ])('in %s has the text that was sent: %s', async (charset, written, body) => {
    const smsSid = `SM${randomBytes(16).toString('hex')}`;
    const form = `SmsSid=${smsSid}&From=%2B4917012345671&To=1&Body=${written}`;
    expect((await post(hook(), form, { 'content-type': `application/x-www-form-urlencoded; charset=${charset}` })).status).toBe(200);
    const all = await exchange.messages(customer.provider, { direction: 'OUTBOUND', restcommMessageSid: smsSid });
    expect(all).toMatchObject([{ from: PHONE, body }]);
  });

  test('that is not a form, or not a POST, is refused', async () => {
    expect((await post(hook(), JSON.stringify(sms()), { 'content-type': 'application/json' })).status).toBe(400);
    expect((await post(hook(), sms(), { 'content-type': 'multipart/form-data; boundary=x' })).status).toBe(400);
    expect((await fetch(hook())).status).toBe(405);
  });

  test('that is too large is refused', async () => {
    expect((await post(hook(), sms({ Body: 'x'.repeat(300_000) }))).status).toBe(413);
  });

  test('for a number whose mapping was deleted is stored, and ends FAILED with a code', async () => {
    const person = await exchange.person(customer);
    const url = hook(person.number);
    await done(customer.provider, 'deleteMapping', { sid: person.mappingSid });
    const form = sms({ To: person.number });
    expect((await post(url, form)).status).toBe(200);
    const [message] = await exchange.messages(customer.provider, { to: person.user.userPrincipalName });
    expect(await exchange.ends(customer.provider, message?.sid, 'FAILED')).toMatchObject({
      channelErrorCode: 'MAPPING_NOT_FOUND',
      channelErrorMessage: expect.stringContaining('not mapped'),
      mappingSid: null,
    });
  });
});

describe('a status report', () => {
  /** A message of the customer's that the platform has taken. */
  async function sending(): Promise<{ sid: string; smsSid: string; url: string }> {
    await exchange.say(customer, customer.user, `${PHONE} ${randomBytes(4).toString('hex')}`);
    const sent = await exchange.messages(customer.provider, { direction: 'INBOUND' });
    const { restcommMessageSid: smsSid, sid } = await exchange.ends(customer.provider, sent.at(-1)?.sid, 'SENDING');
    return { sid, smsSid, url: hook(customer.number, 'status') };
  }

  test.each(['MessageStatus', 'Status', 'ChannelStatusMessage'] as const)('is accepted in the field %s', async (field) => {
    const { sid, smsSid } = await sending();
    exchange.restcomm.dialect.statusField = field;
    await exchange.restcomm.report(smsSid, 'delivered').finally(() => {
      exchange.restcomm.dialect.statusField = 'MessageStatus';
    });
    expect((await exchange.message(customer.provider, sid)).channelStatus).toBe('DELIVERED');
  });

  test.each([
    ['name', 30003, '30003', 'Unreachable destination handset'],
    ['number', 30003, '30003', 'Unreachable destination handset'],
    ['name', 30008, '30008', 'Unknown error'],
  ] as const)('of a failure, with its error code in %s, results in %s and its text', async (spelling, code, shown, words) => {
    const { sid, smsSid } = await sending();
    exchange.restcomm.dialect.errorCode = spelling;
    await exchange.restcomm.report(smsSid, 'failed', code);
    expect(await exchange.message(customer.provider, sid)).toMatchObject({
      channelStatus: 'FAILED',
      channelErrorCode: shown,
      channelErrorMessage: words,
    });
  });

  test('of a failure without a code, or with an unknown one, still results in a code and a message', async () => {
    for (const [ErrorCode, code, words] of [
      ['', '30008', 'Unknown error'],
      ['null', '30008', 'Unknown error'],
      ['None', '30008', 'Unknown error'],
      ['undefined', '30008', 'Unknown error'],
      ['30999', '30999', 'Restcomm error 30999'],
    ] as const) {
      const { sid, smsSid, url } = await sending();
      await post(url, { MessageSid: smsSid, MessageStatus: 'undelivered', ErrorCode });
      expect(await exchange.message(customer.provider, sid)).toMatchObject({
        channelStatus: 'UNDELIVERED',
        channelErrorCode: code,
        channelErrorMessage: words,
      });
    }
  });

  test('without its sid or status is refused and changes nothing', async () => {
    const { sid, smsSid, url } = await sending();
    expect((await post(url, { MessageStatus: 'delivered' })).status).toBe(400);
    expect((await post(url, { MessageSid: smsSid })).status).toBe(400);
    expect((await post(url, { MessageSid: smsSid, MessageStatus: 'null' })).status).toBe(400);
    expect((await post(url, { MessageSid: smsSid, ChannelStatusMessage: 'Phone is off' })).status).toBe(400);
    expect((await exchange.message(customer.provider, sid)).channelStatus).toBe('SENDING');
  });

  test('with an unknown status gets 200, changes nothing, and is logged', async () => {
    const { sid, smsSid, url } = await sending();
    for (const MessageStatus of ['__proto__', 'BADSTAT', 'x\0'])
      expect((await post(url, { MessageSid: smsSid, MessageStatus })).status).toBe(200);
    expect((await exchange.message(customer.provider, sid)).channelStatus).toBe('SENDING');
    const lines = exchange.logged.filter((line) => line.includes(smsSid) && line.includes('unknown status'));
    expect(lines.map((line) => JSON.parse(line).status)).toEqual(['__proto__', 'BADSTAT', 'x\0']);
  });

  // Older Restcomm posts SMPP's states (RestComm/Restcomm-Connect, pull request 2375), and its documentation names other fields (2974).
  test.each([
    ['SmsStatus=DELIVRD', 'DELIVERED', null],
    ['SmsStatus=UNDELIV', 'UNDELIVERED', '30008'],
    ['SmsStatus=EXPIRED', 'FAILED', '30008'],
    ['SmsStatus=REJECTD', 'FAILED', '30008'],
    ['SmsStatus=DELETED', 'FAILED', '30008'],
    ['SmsStatus=ACCEPTD', 'SENT', null],
    ['SmsStatus=ENROUTE', 'SENT', null],
    ['SmsStatus=UNKNOWN', 'SENT', null],
    ['SmsStatus=delivrd', 'DELIVERED', null],
    ['SmsStatus=sent', 'SENT', null],
    ['Status=undelivered&ErrorCode=30003', 'UNDELIVERED', '30003'],
    ['MessageStatus=delivered&SmsStatus=DELIVRD', 'DELIVERED', null],
    ['MessageStatus=BADSTAT&SmsStatus=DELIVRD', 'DELIVERED', null],
    ['messagestatus=delivered', 'DELIVERED', null],
    ['MessageStatus=&MessageStatus=delivered', 'DELIVERED', null],
  ])('with %s makes the message %s', async (form, channelStatus, channelErrorCode) => {
    for (const name of ['SmsSid', 'MessageSid']) {
      const { sid, smsSid, url } = await sending();
      expect((await post(url, `${name}=${smsSid}&${form}`)).status).toBe(200);
      expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelStatus, channelErrorCode });
    }
  });

  test('in ISO-8859-1 has the text that the carrier wrote', async () => {
    const { sid, smsSid, url } = await sending();
    const form = `MessageSid=${smsSid}&MessageStatus=failed&ErrorCode=30008&ErrorMessage=Empf%E4nger+gesperrt`;
    expect((await post(url, form, { 'content-type': 'application/x-www-form-urlencoded;charset=ISO-8859-1' })).status).toBe(200);
    expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelErrorMessage: 'Unknown error: Empfänger gesperrt' });
  });

  test.each([
    [['MessageStatus=failed', 'MessageStatus=failed&ErrorCode=30003'], '30003', 'Unreachable destination handset'],
    [['MessageStatus=failed&ErrorCode=0'], '30008', 'Unknown error'],
    [['SmsStatus=UNDELIV&ErrorCode=000'], '30008', 'Unknown error'],
    [['Status=failed&ErrorCode=30008&ChannelStatusMessage=Phone+is+off'], '30008', 'Unknown error: Phone is off'],
    [
      ['MessageStatus=failed&ErrorCode=21610&ErrorMessage=Attempt+to+send+to+unsubscribed+recipient'],
      '21610',
      'Restcomm error 21610: Attempt to send to unsubscribed recipient',
    ],
    [['MessageStatus=failed', 'MessageStatus=failed&ErrorCode=30008&ErrorMessage=No+route%00'], '30008', 'Unknown error: No route\uFFFD'],
    [['MessageStatus=failed&ErrorCode=30003&ErrorMessage=Unreachable+destination+handset.'], '30003', 'Unreachable destination handset'],
    [['MessageStatus=failed', 'MessageStatus=undelivered&ErrorCode=MESSAGE_BLOCKED'], '30004', 'Message blocked'],
    // What is known is not lost to what says less, or something else.
    [['MessageStatus=failed&ErrorCode=30003', 'MessageStatus=failed'], '30003', 'Unreachable destination handset'],
    [['MessageStatus=failed&ErrorCode=30003', 'MessageStatus=failed&ErrorCode=30004'], '30003', 'Unreachable destination handset'],
    [['MessageStatus=failed&ErrorCode=None&ErrorMessage=Phone+is+off'], '30008', 'Unknown error: Phone is off'],
    [['MessageStatus=failed&ErrorCode=30006&ErrorMessage=undefined'], '30006', 'Landline or unreachable carrier'],
    [['MessageStatus=failed&ErrorCode=__proto__'], '__proto__', 'Restcomm error __proto__'],
  ])('of a failure with %j has the reason %s, and is one event', async (reports, channelErrorCode, channelErrorMessage) => {
    const { sid, smsSid, url } = await sending();
    for (const report of reports) expect((await post(url, `MessageSid=${smsSid}&${report}`)).status).toBe(200);
    const { events, ...message } = await exchange.message(customer.provider, sid);
    expect(message).toMatchObject({ channelErrorCode, channelErrorMessage });
    expect(events.map(({ status }: { status: string }) => status)).toEqual(['QUEUED', 'SENDING', 'FAILED'].with(2, message.channelStatus));
    const { body } = await customer.provider.rest.get(`/msteams/messages/search/${sid}`);
    expect(JSON.stringify(body)).toContain(channelErrorMessage);
  });

  test('for an unknown message, or another organization’s, gets 200 and changes nothing', async () => {
    const { sid, smsSid } = await sending();
    const other = await exchange.customer();
    const foreign = hook(other.number, 'status');
    for (const url of [`${foreign}?message=${sid}`, foreign, `${foreign}?message=%00`, `${hook(customer.number, 'status')}?message=MS0`]) {
      expect((await post(url, { MessageSid: smsSid, MessageStatus: 'delivered' })).status, url).toBe(200);
    }
    expect((await exchange.message(customer.provider, sid)).channelStatus).toBe('SENDING');
  });

  test('with the secret of another number changes nothing, even of the same enterprise', async () => {
    const { sid, smsSid, url } = await sending();
    const { number } = await exchange.person(customer);
    const wrong = hook(number, 'status');
    for (const place of [wrong, `${wrong}?message=${sid}`])
      expect((await post(place, { MessageSid: smsSid, MessageStatus: 'failed' })).status).toBe(200);
    expect((await exchange.message(customer.provider, sid)).channelStatus).toBe('SENDING');
    expect((await post(url, { MessageSid: smsSid, MessageStatus: 'delivered' })).status).toBe(200);
    expect((await exchange.message(customer.provider, sid)).channelStatus).toBe('DELIVERED');
  });

  test('that contradicts the message’s final status is logged, without the text, and changes nothing', async () => {
    const { sid, smsSid } = await sending();
    await exchange.restcomm.report(smsSid, 'delivered');
    await exchange.restcomm.report(smsSid, 'failed', 30003);
    const message = await exchange.message(customer.provider, sid);
    expect(message).toMatchObject({ channelStatus: 'DELIVERED', channelErrorCode: null });
    expect(message.events.map(({ status }: { status: string }) => status)).toEqual(['QUEUED', 'SENDING', 'DELIVERED']);
    const line = exchange.logged.find((one) => one.includes(sid) && one.includes('conflicting final statuses'));
    expect(line).toContain('"kept":"DELIVERED","reported":"FAILED"');
    expect(exchange.logged.join('')).not.toContain(message.body);
  });

  test('finds its message by the callback’s address, in the query string or moved into the form, before Restcomm’s sid is stored', async () => {
    for (const place of ['query', 'form']) {
      const { sid, smsSid, url } = await sending();
      await exchange.gateway.prisma.message.update({ where: { sid }, data: { restcommMessageSid: null } });
      const form = `MessageSid=${smsSid}&MessageStatus=delivered`;
      if (place === 'query') await post(`${url}?message=${sid}`, form);
      else await post(url, `${form}&message=${sid}`);
      expect(await exchange.message(customer.provider, sid)).toMatchObject({ channelStatus: 'DELIVERED', restcommMessageSid: smsSid });
    }
  });

  test('for another sid than the message’s shows that the platform accepted it twice', async () => {
    const { sid, smsSid, url } = await sending();
    await post(`${url}?message=${sid}`, { MessageSid: 'SM-another', MessageStatus: 'sent' });
    expect(await exchange.message(customer.provider, sid)).toMatchObject({
      channelStatus: 'SENT',
      restcommMessageSid: smsSid,
      possiblyDuplicated: true,
    });
  });
});

test('no log line contains a webhook’s secret, a token or a text', () => {
  const [secret = ''] = /[0-9a-f]{64}/.exec(hook()) ?? [];
  const lines = exchange.logged.join('');
  for (const confidential of [secret, customer.bot.clientSecret, exchange.restcomm.authToken, 'canary'])
    expect(lines).not.toContain(confidential);
});
