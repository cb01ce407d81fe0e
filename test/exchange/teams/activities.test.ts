import { activityZodSchema } from '@microsoft/agents-activity';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activitySchema } from '../../../src/exchange/teams/activity.ts';
import type { FakeUser } from '../../fakes/microsoft-state.ts';
import { done } from '../../parity/faces.ts';
import { buttonsOf, type Customer, createTestExchange, linesOf, type TestExchange, until } from '../../support/exchange.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());

const PARTNER = '+4917012345671';
const shownTo = ({ user }: { user: FakeUser }) => exchange.microsoft.activities.filter(({ objectId }) => objectId === user.objectId);
const nextShownTo = (person: { user: FakeUser }, count: number) =>
  exchange.microsoft.until(
    () => shownTo(person).length >= count && (shownTo(person)[count - 1] as (typeof exchange.microsoft.activities)[0]),
  );
const written = async ({ provider }: Customer) =>
  (await exchange.messages(provider, { direction: 'INBOUND' })).map(({ to, body }) => [to, body]);
async function inTouch(): Promise<Customer> {
  const own = await exchange.customer();
  await exchange.say(own, own.user, `${PARTNER} Hello`);
  return own;
}
/** Posts an activity as it is, signed. */
async function post(activity: Record<string, unknown>): Promise<number> {
  return exchange.post(activity, await exchange.sign(activity as never));
}
/** Whatever was to be said has been said. */
const quiet = () => until(async () => (await exchange.gateway.prisma.notice.count({ where: { ended: null } })) === 0);

describe('parts of an activity that nobody reads do not refuse it', () => {
  test.each<[string, Record<string, unknown>]>([
    [
      'a long contentUrl',
      { attachments: [{ contentType: 'image/png', contentUrl: `https://contoso.sharepoint.com/${'x'.repeat(3000)}` }] },
    ],
    ['a data: URL', { attachments: [{ contentType: 'image/png', contentUrl: `data:image/png;base64,${'A'.repeat(9000)}` }] }],
    ['a null contentType', { attachments: [{ contentType: null, contentUrl: 'https://files.example/1' }] }],
    ['attachments that are none', { attachments: 'none', entities: 7 }],
    ['a null id', { id: null }],
    ['an id that is a number', { id: 7 }],
    ['a textFormat that is none', { textFormat: {} }],
    ['a recipient that is none', { recipient: null }],
    ['a channelData that is none', { channelData: 'x' }],
    ['a value that is none', { value: 7 }],
    ['names of another type', { locale: 7, timestamp: null, replyToId: {}, name: [] }],
  ])('%s', async (_what, changes) => {
    const own = await inTouch();
    const activity = exchange.microsoft.activityFrom(own.bot, own.user, 'see it');
    expect(await exchange.post({ ...activity, ...changes }, await exchange.sign(activity))).toBe(200);
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'see it']);
  });

  test('a sender whose id is null', async () => {
    const own = await inTouch();
    const { from, ...activity } = exchange.microsoft.activityFrom(own.bot, own.user, 'see it');
    expect(await post({ ...activity, from: { ...from, id: null, name: null } })).toBe(200);
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'see it']);
  });

  test.each<[string, Record<string, unknown>]>([
    ['tenantId', { tenantId: null }],
    ['conversationType', { conversationType: null }],
    ['isGroup', { isGroup: null }],
  ])('a conversation whose %s is null', async (_what, changes) => {
    const own = await inTouch();
    const activity = exchange.microsoft.activityFrom(own.bot, own.user, 'see it');
    expect(await post({ ...activity, conversation: { ...activity.conversation, ...changes } })).toBe(200);
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'see it']);
  });
});

test('a user of a government cloud is heard, and answered by its connector', async () => {
  const own = await inTouch();
  const serviceUrl = 'https://smba.infra.gov.teams.microsoft.us/gcch/';
  expect(await exchange.say(own, own.user, 'see it', { serviceUrl })).toBe(200);
  expect((await written(own)).at(-1)).toEqual([PARTNER, 'see it']);
  const where = { enterpriseSid: own.enterpriseSid };
  expect(await exchange.gateway.prisma.teamsConversation.findMany({ where })).toMatchObject([{ serviceUrl }]);
});

describe('outside the chat of a user and the bot', () => {
  test.each<[string, Record<string, unknown>]>([
    ['a group chat', { id: '19:0001@thread.v2', conversationType: 'groupChat', isGroup: true }],
    ['a channel', { id: '19:0002@thread.tacv2;messageid=1', conversationType: 'channel' }],
    ['a group without a type', { id: 'a:group', isGroup: true }],
    ['a thread without a type', { id: '19:0003@thread.v2' }],
  ])('%s sends nothing, and hears why where the bot is mentioned', async (_what, changes) => {
    const own = await inTouch();
    const tenantId = own.bot.tenantId;
    exchange.microsoft.conversations.set(String(changes.id), { bot: own.bot, user: own.user });
    const conversation = { tenantId, ...changes } as never;
    const silent = exchange.microsoft.activityFrom(own.bot, own.user, 'I think we should offer them 20% less', { conversation });
    expect(await post({ ...silent })).toBe(200);
    await quiet();
    expect(shownTo(own)).toEqual([]);
    const entities = [{ type: 'mention', text: '<at>SMS</at>', mentioned: { id: `28:${own.bot.applicationId}` } }];
    const mentioned = exchange.microsoft.activityFrom(own.bot, own.user, `<at>SMS</at> ${PARTNER} hi`, { conversation, entities });
    expect(await post({ ...mentioned })).toBe(200);
    expect(await nextShownTo(own, 1)).toMatchObject({
      conversationId: changes.id,
      text: 'I send SMS from our own chat only. Open a chat with me and write there; nothing was sent.',
    });
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
    // What comes by SMS goes on to the user's own chat.
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hi'), 'DELIVERED');
    expect(shownTo(own).at(-1)?.conversationId).toMatch(/^a:/);
  });

  test('an update of a thread is no conversation with its user', async () => {
    const own = await exchange.customer();
    const conversation = { id: '19:0004@thread.tacv2', isGroup: true, tenantId: own.bot.tenantId } as never;
    expect(await exchange.say(own, own.user, '', { type: 'conversationUpdate', conversation })).toBe(200);
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hi'), 'DELIVERED');
  });
});

describe('what comes with a text, or instead of one', () => {
  const picture = { contentType: 'image/*', contentUrl: 'https://smba.trafficmanager.net/emea/v3/attachments/x/views/original' };
  const file = {
    contentType: 'application/vnd.microsoft.teams.file.download.info',
    contentUrl: 'https://contoso.sharepoint.com/f.pdf',
    name: 'f.pdf',
  };

  test('a picture with a text: the text goes, and its writer is told of the picture', async () => {
    const own = await inTouch();
    await exchange.say(own, own.user, 'See the picture', {
      attachments: [
        picture,
        { contentType: 'text/html', content: '<div><div><span>See the picture</span></div><img src="https://x.example"></div>' },
      ],
    });
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'See the picture']);
    expect((await nextShownTo(own, 1)).text).toBe('SMS cannot carry pictures yet: your text goes without the picture.');
  });

  test.each([
    ['a picture', [picture], 'SMS cannot carry pictures yet, so the picture was not sent.'],
    ['a file', [file], 'SMS cannot carry files yet, so the file was not sent.'],
    ['several', [picture, picture, file], 'SMS cannot carry files yet, so the 2 pictures and the file were not sent.'],
  ])('%s alone', async (_what, attachments, told) => {
    const own = await inTouch();
    const { text: _, ...activity } = exchange.microsoft.activityFrom(own.bot, own.user, '', { attachments });
    expect(await post(activity)).toBe(200);
    expect((await nextShownTo(own, 1)).text).toBe(told);
    expect(await written(own)).toHaveLength(1);
  });

  test.each(['messageUpdate', 'messageDelete'])('a %s: an SMS cannot be changed; said once', async (type) => {
    const own = await inTouch();
    for (let n = 0; n < 3; n += 1) {
      await exchange.say(own, own.user, 'The price is 200, not 100', {
        type,
        id: '1700000000001',
        channelData: { eventType: 'editMessage', tenant: { id: own.bot.tenantId } } as never,
      });
    }
    expect((await nextShownTo(own, 1)).text).toContain('can be neither changed nor taken back');
    await quiet();
    expect(shownTo(own)).toHaveLength(1);
    expect(await written(own)).toHaveLength(1);
  });

  test('nothing at all, and a text that is too long: a sentence', async () => {
    const own = await inTouch();
    await exchange.say(own, own.user, ' \n ');
    expect((await nextShownTo(own, 1)).text).toContain('Write "+<number> <text>"');
    await exchange.say(own, own.user, 'x'.repeat(40_000));
    expect((await nextShownTo(own, 2)).text).toBe('Your text has 40000 characters; an SMS takes at most 999. Nothing was sent.');
    expect(await written(own)).toHaveLength(1);
  });

  test.each(['messageReaction', 'typing', 'endOfConversation', 'event', 'somethingNew'])('a %s is taken, and silent', async (type) => {
    const own = await inTouch();
    expect(await exchange.say(own, own.user, 'x', { type })).toBe(200);
    await quiet();
    expect(shownTo(own)).toEqual([]);
    expect(await written(own)).toHaveLength(1);
  });
});

describe('an invoke', () => {
  test('that the bot has no use for is answered 501, as the Bot Framework wants it', async () => {
    const own = await inTouch();
    expect(await exchange.say(own, own.user, '', { type: 'invoke', name: 'composeExtension/query', value: {} })).toBe(501);
  });

  test('of a button that the bot does not know, or of somebody without a number, is answered by its protocol', async () => {
    const own = await inTouch();
    const unknown = await exchange.press(own, own.user, { title: '', verb: 'explode', data: {} });
    expect(unknown).toMatchObject({ status: 200, body: { statusCode: 200, type: 'application/vnd.microsoft.card.adaptive' } });
    expect(linesOf(unknown.body.value)).toEqual(['I do not know this button. It may be of an older card.']);
    const stranger = exchange.microsoft.addUser({ tenantId: own.bot.tenantId });
    expect(await exchange.press(own, stranger, { title: '', verb: 'reply', data: {} })).toMatchObject({
      status: 200,
      body: { statusCode: 400, type: 'application/vnd.microsoft.error', value: { code: 'BadRequest', message: expect.any(String) } },
    });
  });
});

test('a button of a card that was forwarded to a group is answered by its protocol, and does nothing', async () => {
  const own = await inTouch();
  const conversation = { id: '19:0005@thread.v2', conversationType: 'groupChat', isGroup: true, tenantId: own.bot.tenantId } as never;
  const action = { type: 'Action.Execute', verb: 'reply', data: { message: 'MS1', reply: 'Hi' } };
  const invoke = { type: 'invoke', name: 'adaptiveCard/action', value: { action }, conversation };
  const activity = exchange.microsoft.activityFrom(own.bot, own.user, '', invoke);
  const response = await fetch(`${exchange.url}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: await exchange.sign(activity) },
    body: JSON.stringify(activity),
  });
  expect([response.status, await response.json()]).toEqual([
    200,
    {
      statusCode: 400,
      type: 'application/vnd.microsoft.error',
      value: { code: 'BadRequest', message: expect.stringContaining('from our own chat only') },
    },
  ]);
  expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
});

describe('the card of an SMS', () => {
  async function smsFor(own: Customer, from = PARTNER, body = 'Is the order ready?') {
    await exchange.ends(own.provider, await exchange.text(own, own, from, body), 'DELIVERED');
    return shownTo(own).at(-1) as (typeof exchange.microsoft.activities)[0];
  }

  test('says who wrote, to which number, and what, and so does the text', async () => {
    const own = await exchange.customer();
    const sms = await smsFor(own, PARTNER, 'one\n*two* https://shop.example/1.');
    expect(sms).toMatchObject({
      text: `From ${PARTNER}:\none\n*two* https://shop.example/1.`,
      summary: `From ${PARTNER}: “one *two* https://shop.example/1.”`,
    });
    expect(linesOf(sms.attachments?.[0].content)).toEqual([
      PARTNER,
      `to your number ${own.number}`,
      'one',
      '*two* https://shop.example/1.',
    ]);
  });

  test('answers that number, whoever wrote since, and shows the answer', async () => {
    const own = await exchange.customer();
    const sms = await smsFor(own);
    await smsFor(own, '+4917012345672', 'Me, too');
    const [send] = buttonsOf(sms) as [never];
    const { body } = await exchange.press(own, own.user, send, { reply: ' +100 for that\u0000 ' });
    expect(body).toMatchObject({ statusCode: 200, type: 'application/vnd.microsoft.card.adaptive' });
    expect(linesOf(body.value).slice(-2)).toEqual(['You replied:', '+100 for that\ufffd']);
    expect(await written(own)).toEqual([[PARTNER, '+100 for that\ufffd']]);
    expect((await nextShownTo(own, 3)).text).toBe(`Sent to ${PARTNER}:\n+100 for that\ufffd`);
    // From now on, the user writes to that number.
    await exchange.say(own, own.user, 'And more');
    expect((await written(own)).at(-1)).toEqual([PARTNER, 'And more']);
  });

  test('sends a reply once that is pressed twice', async () => {
    const own = await exchange.customer();
    const [send] = buttonsOf(await smsFor(own)) as [never];
    await Promise.all([1, 2, 3].map(() => exchange.press(own, own.user, send, { reply: 'Yes' })));
    expect(await written(own)).toEqual([[PARTNER, 'Yes']]);
    await exchange.press(own, own.user, send, { reply: 'Or no' });
    expect(await written(own)).toHaveLength(2);
  });

  test('sends what an older client submits as a message', async () => {
    const own = await exchange.customer();
    const sms = await smsFor(own);
    const { fallback } = buttonsOf(sms)[0] as unknown as { fallback: { data: object } };
    const { text: _, ...activity } = exchange.microsoft.activityFrom(own.bot, own.user, '');
    expect(await post({ ...activity, value: { ...fallback.data, reply: 'Yes' } })).toBe(200);
    expect(await written(own)).toEqual([[PARTNER, 'Yes']]);
  });

  test('sends nothing that is empty, or too long, or another user’s', async () => {
    const own = await exchange.customer();
    const other = await exchange.person(own);
    const [send] = buttonsOf(await smsFor(own)) as [never];
    expect(linesOf((await exchange.press(own, own.user, send, { reply: '  ' })).body.value).at(-1)).toContain('Write a text first.');
    expect(linesOf((await exchange.press(own, own.user, send, { reply: 'x'.repeat(1601) })).body.value).at(-1)).toContain('at most 999');
    expect(linesOf((await exchange.press(own, other.user, send, { reply: 'Mine' })).body.value)).toEqual([
      'This number is no longer yours, so you cannot send from it.',
    ]);
    expect(await written(own)).toEqual([]);
  });

  test('has no box for a name', async () => {
    const own = await exchange.customer();
    const sms = await smsFor(own, 'AMAZON', 'Your parcel');
    expect(buttonsOf(sms)).toEqual([]);
    expect(linesOf(sms.attachments?.[0].content).at(-1)).toBe('This sender cannot be answered.');
  });

  test('is left out where Teams could not take it, and the text says it all', async () => {
    const own = await exchange.customer();
    const body = 'x'.repeat(9_900);
    expect(await smsFor(own, PARTNER, body)).toMatchObject({ text: `From ${PARTNER}:\n${body}` });
  });
});

describe('the writer of an SMS that fails', () => {
  test('is told to whom and why, in plain words', async () => {
    const own = await exchange.customer();
    await exchange.say(own, own.user, '+4917012345670 Are you there?');
    const told = await nextShownTo(own, 1);
    expect(told.text).toBe(
      'Your SMS to +4917012345670 was not delivered: “Are you there?”\nThe phone is off, out of reach, or its number is not in use.',
    );
    expect(buttonsOf(told).map(({ title }) => title)).toEqual(['Send again']);
    await quiet();
    expect(shownTo(own)).toHaveLength(1);
  });

  test.each([
    ['ErrorCode=21610', 'The recipient has unsubscribed from your messages (STOP).', []],
    ['ErrorCode=UNKNOWN_DESTINATION_HANDSET', 'The number does not exist, or is not in use.', []],
    ['ErrorCode=30008&ChannelStatusMessage=Phone+is+off', 'Phone is off.', ['Send again']],
    ['ErrorCode=0', 'The mobile network does not say why.', ['Send again']],
  ])('is told why after %s, with a button where that can help', async (form, why, buttons) => {
    const own = await exchange.customer();
    exchange.restcomm.faults.always('statusCallback', () => ({ lost: true }));
    await exchange.say(own, own.user, `${PARTNER} Are you there?`);
    const [message] = await exchange.messages(own.provider);
    const { restcommMessageSid } = await exchange.ends(own.provider, message?.sid, 'SENDING');
    const url = exchange.restcomm.numbers.find(({ phoneNumber }) => phoneNumber === own.number)?.smsUrl?.replace(/sms$/, 'status') ?? '';
    const body = new URLSearchParams(`MessageSid=${restcommMessageSid}&MessageStatus=failed&${form}`);
    expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
    exchange.restcomm.faults.clear();
    const told = await nextShownTo(own, 1);
    expect(told.text).toBe(`Your SMS to ${PARTNER} was not delivered: “Are you there?”\n${why}`);
    expect(buttonsOf(told).map(({ title }) => title)).toEqual(buttons);
  });

  test('can send again what is stuck, by the button, once', async () => {
    const own = await inTouch();
    await quiet();
    const [message] = await exchange.messages(own.provider, { direction: 'INBOUND' });
    await exchange.ends(own.provider, message?.sid, 'DELIVERED');
    await exchange.pause();
    await exchange.say(own, own.user, `${PARTNER} Waits`);
    const { prisma } = exchange.gateway;
    const { sid } = await prisma.message.findFirstOrThrow({ where: { mappingSid: own.mappingSid, body: 'Waits' } });
    await prisma.outbox.deleteMany({ where: { messageSid: sid } });
    await prisma.message.update({ where: { sid }, data: { stuck: true, channelErrorCode: 'HTTP_503', channelErrorMessage: 'Later' } });
    const told = await nextShownTo(own, 1);
    expect(told.text).toBe(`Your SMS to ${PARTNER} has not been sent yet: “Waits”\nLater.`);
    exchange.resume();
    const [again] = buttonsOf(told) as [never];
    const other = await exchange.person(own);
    expect(linesOf((await exchange.press(own, other.user, again)).body.value)[0]).toContain('sent meanwhile');
    const answers = await Promise.all([1, 2].map(() => exchange.press(own, own.user, again)));
    expect(answers.map(({ body }) => linesOf(body.value)[0]).sort()).toEqual(
      ['It was sent meanwhile, or sending it again does not help.', 'Sending it again.'].sort(),
    );
    await exchange.ends(own.provider, sid, 'DELIVERED');
    expect(await prisma.auditLog.findMany({ where: { targetSid: sid, action: 'message.retry' } })).toMatchObject([
      { accountSid: own.provider.accountSid, adminSid: null, requestId: expect.stringMatching(/^teams:/) },
    ]);
  });

  test('is told what it waits for, and that it goes by itself', async () => {
    const own = await exchange.customer();
    await done(own.provider, 'updateEnterprise', { sid: own.enterpriseSid, status: 'INACTIVE' });
    await exchange.say(own, own.user, `${PARTNER} Waits`);
    const told = await nextShownTo(own, 1);
    expect(told.text).toBe(
      `Your SMS to ${PARTNER} has not been sent yet: “Waits”\nYour enterprise is INACTIVE. The SMS is sent when it is ACTIVE again.`,
    );
    expect(buttonsOf(told)).toEqual([]);
    // One that joins what waits, too.
    await exchange.say(own, own.user, `${PARTNER} Waits, too`);
    expect((await nextShownTo(own, 2)).text).toContain('“Waits, too”');
    await done(own.provider, 'updateEnterprise', { sid: own.enterpriseSid, status: 'ACTIVE' });
    await until(async () => (await exchange.messages(own.provider)).every(({ channelStatus }) => channelStatus === 'DELIVERED'));
    await quiet();
    expect(shownTo(own)).toHaveLength(2);
  });

  test('hears nothing of what a frontend sent', async () => {
    const own = await inTouch();
    const input = { mappingSid: own.mappingSid, to: '+4917012345670', body: 'From elsewhere' };
    await own.provider.graph('mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }', { input });
    const { sid } = await exchange.gateway.prisma.message.findFirstOrThrow({
      where: { body: 'From elsewhere', mappingSid: own.mappingSid },
    });
    await exchange.ends(own.provider, sid, 'FAILED');
    await quiet();
    expect(shownTo(own)).toEqual([]);
  });
});

describe('a notice', () => {
  test('is sent after the activity is acknowledged, again after what passes, in order', async () => {
    const own = await exchange.customer();
    const stranger = { user: exchange.microsoft.addUser({ tenantId: own.bot.tenantId }) };
    exchange.microsoft.fault('activities', { times: 2, answer: { status: 503, body: {} } });
    expect(await exchange.say(own, stranger.user, 'one')).toBe(200);
    expect(await exchange.say(own, stranger.user, '', { type: 'messageUpdate' })).toBe(200);
    expect(await exchange.say(own, stranger.user, 'two')).toBe(200);
    await nextShownTo(stranger, 2);
    await quiet();
    expect(shownTo(stranger).map(({ text }) => String(text).slice(0, 26))).toEqual([
      'You have no SMS number yet',
      'You have no SMS number yet',
    ]);
  });

  test('finds a chat that Teams no longer knows opened again', async () => {
    const own = await exchange.customer();
    await exchange.say(own, own.user, `${PARTNER} Hello`);
    await until(async () => (await exchange.messages(own.provider)).every(({ channelStatus }) => channelStatus === 'DELIVERED'));
    exchange.microsoft.conversations.clear();
    await exchange.say(own, own.user, '+4917012345670 Are you there?');
    exchange.microsoft.conversations.clear();
    expect((await nextShownTo(own, 1)).text).toContain('Your SMS to +4917012345670 was not delivered');
    await quiet();
    expect(shownTo(own)).toHaveLength(1);
  });

  test('that is refused is dropped, and holds nothing up', async () => {
    const own = await inTouch();
    own.user.blocked = true;
    await exchange.say(own, own.user, '', { type: 'messageUpdate' });
    await until(async () => exchange.logged.some((line) => line.includes('a notice to a Teams user was dropped')));
    own.user.blocked = false;
    await exchange.say(own, own.user, '', { type: 'messageUpdate' });
    await nextShownTo(own, 1);
  });
});

describe('applications and tenants are compared without case', () => {
  test.each([
    ['the tenant', { tenantId: '3A0B3C51-3E1D-44F1-BA8E-9F82B6880005' }],
    ['the application', { applicationId: '5D0B3C51-3E1D-44F1-BA8E-9F82B688000A' }],
  ])('%s in upper case', async (_what, ids) => {
    const own = await exchange.customer({ bot: exchange.microsoft.addBot(ids) });
    const { applicationId, tenantId } = own.bot;
    const activity = exchange.microsoft.activityFrom(own.bot, own.user, `${PARTNER} Hello`);
    const lower = {
      ...activity,
      recipient: { id: `28:${applicationId.toLowerCase()}`, name: 'SMS' },
      conversation: { ...activity.conversation, tenantId: tenantId.toLowerCase() },
      channelData: { tenant: { id: tenantId.toLowerCase() } },
    };
    expect(await post(lower)).toBe(200);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
    const { data } = await own.provider.graph('query ($sid: ID!) { bot(sid: $sid) { applicationId tenantId } }', { sid: own.botSid });
    expect(data.bot).toEqual({ applicationId, tenantId });
  });

  test('users’ object ids as well', async () => {
    const bot = exchange.microsoft.addBot();
    const user = exchange.microsoft.addUser({ tenantId: bot.tenantId });
    exchange.microsoft.fault('user', { answer: { status: 200, body: { id: user.objectId.toUpperCase(), accountEnabled: true } } });
    const own = await exchange.customer({ bot, user });
    await exchange.say(own, user, `${PARTNER} Hello`);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
  });

  const VERIFY =
    'mutation ($input: VerifyBotInput!) { verifyBot(input: $input) { ... on BotVerification { passed checks { step passed message } } } }';

  test('a tenant that is given by its domain is resolved, and said', async () => {
    const { bot } = await exchange.customer();
    exchange.microsoft.domains.set('contoso.onmicrosoft.com', bot.tenantId);
    const own = await exchange.customer({
      bot: { ...bot, tenantId: 'contoso.onmicrosoft.com' },
      user: exchange.microsoft.addUser({ tenantId: bot.tenantId }),
    });
    const { tenantId } = bot;
    const activity = exchange.microsoft.activityFrom(bot, own.user, `${PARTNER} Hello`);
    expect(await post({ ...activity })).toBe(200);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
    // The connector knows tenants by their ids only.
    const { prisma } = exchange.gateway;
    await prisma.teamsConversation.updateMany({ where: { enterpriseSid: own.enterpriseSid }, data: { conversationId: null } });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'Hi'), 'DELIVERED');
    const opening = exchange.microsoft.requests.findLast(({ route }) => route === 'conversations');
    expect(JSON.parse(opening?.body ?? '')).toMatchObject({ tenantId, channelData: { tenant: { id: tenantId } } });
    const { data } = await own.provider.graph(VERIFY, { input: { sid: own.botSid } });
    expect(data.verifyBot.checks[0]).toEqual({
      step: 'TOKEN',
      passed: true,
      message: `contoso.onmicrosoft.com is the tenant ${tenantId}.`,
    });
  });

  test('a tenant whose domain could not be resolved at first is resolved when its user writes', async () => {
    const { bot } = await exchange.customer();
    exchange.microsoft.domains.set('litware.onmicrosoft.com', bot.tenantId);
    exchange.microsoft.fault('tenant', { answer: { status: 503 } });
    const own = await exchange.customer({
      bot: { ...bot, tenantId: 'litware.onmicrosoft.com' },
      user: exchange.microsoft.addUser({ tenantId: bot.tenantId }),
    });
    const other = exchange.microsoft.addBot({ applicationId: bot.applicationId });
    const stranger = exchange.microsoft.addUser({ tenantId: other.tenantId });
    expect(await exchange.say({ ...own, bot: other }, stranger, `${PARTNER} Hello`)).toBe(200);
    expect(await post({ ...exchange.microsoft.activityFrom(bot, own.user, `${PARTNER} Hello`) })).toBe(200);
    expect(await written(own)).toEqual([[PARTNER, 'Hello']]);
  });

  test('a tenant whose domain Microsoft does not know is said', async () => {
    const own = await exchange.customer({ bot: exchange.microsoft.addBot({ tenantId: 'fabrikam.onmicrosoft.com' }) });
    exchange.microsoft.fault('tenant', { answer: { status: 400, body: {} } });
    const { data } = await own.provider.graph(VERIFY, { input: { sid: own.botSid } });
    expect(data.verifyBot).toMatchObject({
      passed: false,
      checks: [{ step: 'TOKEN', passed: false, message: expect.stringContaining("fabrikam.onmicrosoft.com is no tenant's id") }, {}, {}],
    });
  });
});

test('typographic characters are folded where that saves UCS-2', async () => {
  const own = await inTouch();
  await exchange.say(own, own.user, '“Yes” – I’ll\u00a0come…');
  expect((await written(own)).at(-1)).toEqual([PARTNER, '"Yes" - I\'ll come...']);
  await exchange.say(own, own.user, '“你好”');
  expect((await written(own)).at(-1)).toEqual([PARTNER, '“你好”']);
});

test('the activities that these tests post are activities by Microsoft’s schema', () => {
  const bot = exchange.microsoft.addBot();
  const user = exchange.microsoft.addUser({ tenantId: bot.tenantId });
  const quotedReply = { messageId: '1772050244572', senderId: `28:${bot.applicationId}`, preview: 'From +4917012345671: Hi' };
  for (const changes of [
    {},
    { type: 'messageUpdate', channelData: { eventType: 'editMessage', tenant: { id: bot.tenantId } } as never },
    { type: 'installationUpdate', action: 'add' },
    { type: 'invoke', name: 'adaptiveCard/action', value: { action: { type: 'Action.Execute', verb: 'reply', data: {} } } },
    { attachments: [{ contentType: 'text/html', content: '<p>Hi</p>' }], entities: [{ type: 'quotedReply', quotedReply }] },
    { conversation: { id: '19:0001@thread.v2', conversationType: 'groupChat', isGroup: true, tenantId: bot.tenantId } as never },
  ]) {
    const activity = exchange.microsoft.activityFrom(bot, user, 'Hi', changes);
    expect(activityZodSchema.strict().safeParse(activity).error).toBeUndefined();
    expect(activitySchema.safeParse(activity).error).toBeUndefined();
  }
});
