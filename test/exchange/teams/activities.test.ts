import { activityZodSchema } from '@microsoft/agents-activity';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activitySchema } from '../../../src/exchange/teams/reading/activity.ts';
import { done } from '../../parity/faces.ts';
import { createTestExchange, linesOf, type TestExchange } from '../../support/exchange.ts';
import { chatOf, PARTNER } from '../../support/teams-chat.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());
const { inTouch, nextShownTo, post, quiet, shownTo, written } = chatOf(() => exchange);

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
    ['a quotation whose id cannot be stored', { entities: [{ type: 'quotedReply', quotedReply: { messageId: '1\0\ud800' } }] }],
    ['a quotation whose id is long', { entities: [{ type: 'quotedReply', quotedReply: { messageId: '9'.repeat(100_000) } }] }],
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

  test('no sender at all: taken, and answered with a sentence', async () => {
    const own = await inTouch();
    expect(await post({ ...exchange.microsoft.activityFrom(own.bot, own.user, 'see it'), from: null })).toBe(200);
    expect((await nextShownTo(own, 1)).text).toContain('You have no SMS number yet.');
    expect(await written(own)).toHaveLength(1);
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

  test('a picture with a text: the text is sent, and a notice says that the picture is not', async () => {
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

  test('a text that was refused, and edited into one that could be sent: a notice says that the change was not sent', async () => {
    const own = await exchange.customer();
    const activity = exchange.microsoft.activityFrom(own.bot, own.user, 'Hello');
    await post({ ...activity });
    expect((await nextShownTo(own, 1)).text).toContain('Write "+<number> <text>"');
    await exchange.say(own, own.user, `${PARTNER} Hello`, { type: 'messageUpdate', id: activity.id });
    expect((await nextShownTo(own, 2)).text).toBe('Your change was not sent. To send the text as it is now, write it again.');
    expect(await written(own)).toEqual([]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['is too long', { text: 'x'.repeat(40_000) }],
    ['is a picture alone', { text: '', attachments: [picture] }],
    ['names a sender without a number', { text: 'from +4930999999: hi' }],
  ])('a text that %s, and is deleted: no notice calls it sent', async (_what, changes) => {
    const own = await inTouch();
    const activity = { ...exchange.microsoft.activityFrom(own.bot, own.user, ''), ...changes };
    await post(activity);
    await nextShownTo(own, 1);
    await exchange.say(own, own.user, '', { type: 'messageDelete', id: activity.id });
    expect((await nextShownTo(own, 2)).text).toBe('Not sent.');
    expect(await written(own)).toHaveLength(1);
  });

  test.each(['with a picture', 'from a number that it names'])(
    'a text %s, which was sent, and is deleted: it cannot be taken back',
    async (how) => {
      const own = await inTouch();
      const changes = how === 'with a picture' ? { attachments: [picture] } : { text: `from ${own.number}: ${PARTNER} Hello` };
      const activity = { ...exchange.microsoft.activityFrom(own.bot, own.user, 'Hello'), ...changes };
      await post(activity);
      await nextShownTo(own, 1);
      await exchange.say(own, own.user, '', { type: 'messageDelete', id: activity.id });
      expect((await nextShownTo(own, 2)).text).toContain('can be neither changed nor taken back');
      expect(await written(own)).toHaveLength(2);
    },
  );

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

test('what a user writes while their number is taken away becomes an SMS, or is answered', async () => {
  for (let round = 0; round < 6; round += 1) {
    const own = await exchange.customer();
    const texts = Array.from({ length: 12 }, (_, index) => exchange.say(own, own.user, `${PARTNER} number ${index} of round ${round}`));
    const [, ...statuses] = await Promise.all([done(own.provider, 'deleteMapping', { sid: own.mappingSid }), ...texts]);
    expect(statuses).toEqual(statuses.map(() => 200));
  }
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
