import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NotYetError, StaleConversationError } from '../../../src/platforms/delivery-error.ts';
import { createHttpMicrosoft } from '../../../src/platforms/microsoft/http.ts';
import type { ConversationReference, Microsoft } from '../../../src/platforms/microsoft/microsoft.ts';
import type { Fault } from '../../fakes/fake-server.ts';
import { type FakeMicrosoft, startFakeMicrosoft } from '../../fakes/microsoft.ts';
import type { FakeBot, FakeUser, MicrosoftRoute } from '../../fakes/microsoft-state.ts';
import { nobody, outcomeOf, withAnswer } from './failures.ts';

let fake: FakeMicrosoft;
let microsoft: Microsoft;
let bot: FakeBot;
let user: FakeUser;

beforeEach(async () => {
  fake = await startFakeMicrosoft();
  microsoft = createHttpMicrosoft({ ...fake.settings, fetch });
  bot = fake.addBot();
  user = fake.addUser({ tenantId: bot.tenantId, userPrincipalName: 'Adele.Vance@contoso.example' });
});
afterEach(() => fake.close());

/** One that doesn't wait long. */
const impatient = () => createHttpMicrosoft({ ...fake.settings, fetch, timeoutMs: 750 });
const count = (route: MicrosoftRoute) => fake.requests.filter((request) => request.route === route).length;
const last = (route: MicrosoftRoute) => fake.requests.findLast((request) => request.route === route);
const outcome = (attempt: Promise<unknown>) => outcomeOf(fake, attempt);

describe('a conversation', () => {
  test('is opened with the user as the bot, and is the same the next time', async () => {
    const opened = await microsoft.openConversation(bot, user);
    expect(opened).toEqual({ serviceUrl: fake.settings.serviceUrl, conversationId: expect.stringMatching(/^a:/) });
    expect(await microsoft.openConversation(bot, user)).toEqual(opened);
    expect(JSON.parse(last('conversations')?.body ?? '')).toEqual({
      bot: { id: `28:${bot.applicationId}` },
      isGroup: false,
      members: [{ id: user.objectId }],
      tenantId: bot.tenantId,
      channelData: { tenant: { id: bot.tenantId } },
    });
  });

  test('is opened at the service where the user was last seen, with or without a trailing slash', async () => {
    const serviceUrl = fake.settings.serviceUrl.replace(/\/$/, '');
    await expect(microsoft.openConversation(bot, { ...user, serviceUrl })).resolves.toMatchObject({ serviceUrl });
  });

  test.each([
    'https://smba.trafficmanager.net.evil.example/teams/',
    'https://evil.example/teams/',
    'http://localhost:1/teams/',
    'https://127.0.0.1/teams/',
    'file:///etc/passwd',
    'nonsense',
  ])('is never opened at %s: the token is not sent', async (serviceUrl) => {
    expect(await outcome(microsoft.openConversation(bot, { ...user, serviceUrl }))).toMatchObject({
      outcome: 'curable',
      reason: 'SERVICE_URL',
      code: 'ServiceUrlNotAllowed',
    });
    expect(fake.requests).toEqual([]);
  });

  test('with a user who has not installed the app waits until it is installed', async () => {
    user.installed = false;
    expect(await outcome(microsoft.openConversation(bot, user))).toMatchObject({
      outcome: 'curable',
      reason: 'APP_NOT_INSTALLED',
      code: 'ForbiddenOperationException',
    });
  });

  test('of a government tenant is opened at the connector that Microsoft names, if the token may be sent there', async () => {
    fake.gccTenants.add(bot.tenantId);
    const opened = await microsoft.openConversation(bot, user);
    expect(opened.serviceUrl).toBe(`${fake.url}/gcc`);
    await microsoft.sendActivity(bot, opened, 'hello');
    expect(fake.activities).toHaveLength(1);
    const other = fake.addBot();
    fake.fault('conversations', withAnswer(403, 'InvalidBotApiHost', 'Invalid bot api host. Please call https://evil.example/teams.'));
    expect(await outcome(microsoft.openConversation(other, user))).toMatchObject({ outcome: 'curable', reason: 'SERVICE_URL' });
  });

  test.each(['%', '%.', '`%`.', '"%"', '(%)', '[%]:'])('is opened at the connector that Microsoft names as %s', async (form) => {
    const words = `Invalid bot api host. For GCC tenants, please call ${form.replace('%', `${fake.url}/gcc`)}`;
    fake.fault('conversations', withAnswer(403, 'InvalidBotApiHost', words));
    expect(await microsoft.openConversation(bot, user)).toMatchObject({ serviceUrl: `${fake.url}/gcc`, movedTo: 'GCC' });
  });

  test('may be requested again if there was no response, since that does not create a second one', async () => {
    fake.fault('conversations', { reset: 'after' });
    expect(await outcome(microsoft.openConversation(bot, user))).toMatchObject({ outcome: 'retry', code: 'ConnectionLost' });
    fake.fault('conversations', { reset: 'within' });
    expect(await outcome(microsoft.openConversation(bot, user))).toMatchObject({ outcome: 'retry', code: 'UnreadableAnswer' });
    const held = fake.hold('conversations');
    expect(await outcome(impatient().openConversation(bot, user))).toMatchObject({ outcome: 'retry', code: 'Timeout' });
    held.release();
  });

  test.each<[string, Fault, { outcome: string; code: string }]>([
    ['refuses the secret', { answer: { status: 401, body: { error: 'invalid_client' } } }, { outcome: 'curable', code: 'invalid_client' }],
    ['throttles', { answer: { status: 429, headers: { 'retry-after': '3' } } }, { outcome: 'retry', code: '429' }],
    ['fails', { answer: { status: 502 } }, { outcome: 'retry', code: '502' }],
    [
      'is overloaded',
      { answer: { status: 400, body: { error: 'temporarily_unavailable' } } },
      { outcome: 'retry', code: 'temporarily_unavailable' },
    ],
    ['breaks the connection', { reset: 'before' }, { outcome: 'retry', code: 'ConnectionLost' }],
  ])('is not opened while login %s', async (_, fault, expected) => {
    fake.fault('token', fault);
    expect(await outcome(microsoft.openConversation(bot, user))).toMatchObject(expected);
    expect(count('conversations')).toBe(0);
  });
});

describe('a text', () => {
  let conversation: ConversationReference;
  beforeEach(async () => {
    conversation = await microsoft.openConversation(bot, user);
  });
  const send = (text = 'hello', from = microsoft) => from.sendActivity(bot, conversation, text);

  test('reaches the user unchanged', async () => {
    const text = 'Grüße 👋\n<b>&amp;</b> **not bold**';
    const { activityId } = await send(text);
    expect(fake.activities).toEqual([
      expect.objectContaining({
        id: activityId,
        objectId: user.objectId,
        applicationId: bot.applicationId,
        type: 'message',
        text,
        textFormat: 'plain',
      }),
    ]);
  });

  test("goes into the conversation of the user's own message", async () => {
    const { serviceUrl, conversation: theirs } = fake.activityFrom(bot, user, 'hi');
    await microsoft.sendActivity(bot, { serviceUrl, conversationId: theirs.id }, 'hello');
    expect(fake.activities).toHaveLength(1);
  });

  test.each<[string, () => void, string]>([
    [
      'the user has blocked the bot',
      () => {
        user.blocked = true;
      },
      'ConversationBlockedByUser',
    ],
    [
      'the user has removed the app',
      () => {
        user.installed = false;
      },
      'BotNotInConversationRoster',
    ],
    ['there is no such conversation', () => fake.conversations.clear(), 'ConversationNotFound'],
    [
      'the Bot Framework has no such bot',
      () => {
        bot.registered = false;
      },
      'BotNotRegistered',
    ],
  ])('is refused if %s', async (_, arrange, code) => {
    arrange();
    expect(await outcome(send())).toMatchObject({ code, retryAfterMs: undefined });
    expect(fake.activities).toEqual([]);
  });

  test('that is too long is refused permanently', async () => {
    expect(await outcome(send('x'.repeat(40_000)))).toMatchObject({
      outcome: 'refused',
      code: 'MessageSizeTooBig',
      message: 'Message size too large.',
      retryAfterMs: undefined,
    });
  });

  test.each<[string, Fault, string, string, string?]>([
    [
      'the name is only in the message',
      withAnswer(403, 'Forbidden', 'ConversationBlockedByUser: blocked'),
      'ConversationBlockedByUser',
      'ConversationBlockedByUser: blocked',
    ],
    [
      'the message is JSON in JSON',
      {
        answer: { status: 403, body: { errorCode: 209, message: '{"subCode":"MessageWritesBlocked","details":"Thread is not writable"}' } },
      },
      'MessageWritesBlocked',
      'Thread is not writable',
      'curable',
    ],
    [
      'the code has another name',
      { answer: { status: 403, body: { errorCode: 'BotDisabledByAdmin', message: 'Disabled' } } },
      'BotDisabledByAdmin',
      'Disabled',
      'curable',
    ],
    [
      'the error is within an error (ErrorResponse, innerHttpError)',
      {
        answer: {
          status: 403,
          body: {
            error: { innerHttpError: { statusCode: 403, body: { message: '{"subCode":"MessageWritesBlocked","details":"Blocked"}' } } },
          },
        },
      },
      'MessageWritesBlocked',
      'Blocked',
      'curable',
    ],
    [
      'only the inner error has a code',
      { answer: { status: 403, body: { error: { message: 'No', innerError: { code: 'ConversationBlockedByUser' } } } } },
      'ConversationBlockedByUser',
      'No',
    ],
    ['there is no message', { answer: { status: 400 } }, '400', '127.0.0.1:0 responded with status 400.'],
    [
      'the message is truncated',
      { ...withAnswer(403, 'BotDisabledByAdmin', 'The tenant admin disabled this bot'), reset: 'within' },
      '403',
      '127.0.0.1:0 responded with status 403.',
      'curable',
    ],
    ['the response is a page', { answer: { status: 404, body: '<html>' } }, '404', '127.0.0.1:0 responded with status 404.', 'retry'],
    [
      'the response is a redirect',
      { answer: { status: 307, headers: { location: 'https://elsewhere.example/' } } },
      '307',
      '127.0.0.1:0 responded with status 307.',
      'curable',
    ],
    [
      'the error is Web API’s',
      { answer: { status: 403, body: { Message: 'Authorization has been denied for this request.' } } },
      '403',
      'Authorization has been denied for this request.',
      'curable',
    ],
    [
      'the error is OData’s',
      { answer: { status: 403, body: { 'odata.error': { code: 'BotDisabledByAdmin', message: { lang: 'en-US', value: 'Disabled' } } } } },
      'BotDisabledByAdmin',
      'Disabled',
      'curable',
    ],
    [
      'the error names only the service that failed, around the reason',
      {
        answer: {
          status: 403,
          body: {
            error: {
              code: 'ServiceError',
              message: 'Failed',
              innerHttpError: { statusCode: 403, body: { error: { Code: 'BotDisabledByAdmin', Message: 'Disabled' } } },
            },
          },
        },
      },
      'BotDisabledByAdmin',
      'Failed',
      'curable',
    ],
    [
      'the error has a byte order mark',
      { answer: { status: 403, text: '\ufeff{"error":{"code":"BotDisabledByAdmin","message":"Disabled"}}' } },
      'BotDisabledByAdmin',
      'Disabled',
      'curable',
    ],
    ['the server failed', withAnswer(500, 'ServiceError', 'Internal'), 'ServiceError', 'Internal', 'unknown'],
  ])('is refused with a reason if %s', async (_, fault, code, message, outcomeOfIt = 'refused') => {
    fake.fault('activities', fault);
    const refused = await outcome(send());
    expect({ ...refused, message: refused.message.replace(/:\d+ responded/, ':0 responded') }).toMatchObject({
      outcome: outcomeOfIt,
      code,
      message,
    });
  });

  test('has its activity although a byte order mark precedes the answer', async () => {
    fake.fault('activities', { answerAfter: { status: 201, text: '\ufeff{"id":"1700000000001"}' } });
    expect(await send()).toEqual({ activityId: '1700000000001' });
  });

  test.each([409, 412, 429])('may be sent again after %i', async (status) => {
    fake.fault('activities', withAnswer(status, 'Passing', 'Not now.'));
    expect(await outcome(send())).toMatchObject({ outcome: 'retry', code: 'Passing', message: 'Not now.', retryAfterMs: undefined });
    expect(count('activities')).toBe(1);
    await expect(send()).resolves.toBeTruthy();
  });

  test.each([408, 500, 502, 503, 504])('may have been accepted before a %i', async (status) => {
    fake.fault('activities', { answerAfter: { status } });
    expect(await outcome(send())).toMatchObject({ outcome: 'unknown', code: String(status) });
    expect([count('activities'), fake.activities.length]).toEqual([1, 1]);
  });

  test('has a stale conversation if Teams does not know it', async () => {
    for (const fault of [withAnswer(404, 'ConversationNotFound', 'Conversation not found.'), { answer: { status: 404 } }]) {
      fake.fault('activities', fault);
      const error = await send().catch((reason) => reason);
      expect(error).toBeInstanceOf(StaleConversationError);
      expect(error.otherwise).toMatchObject({ outcome: 'retry' });
    }
  });

  test.each<[string, MicrosoftRoute, () => Promise<unknown>]>([
    ['the connector', 'activities', () => send()],
    ['login', 'token', () => microsoft.openConversation(fake.addBot({ ...bot, clientSecret: 'x' }), user)],
  ])('of any conversation is delayed as long as %s requests', async (_, route, ask) => {
    fake.fault(route, { answer: { status: 429, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } } });
    await expect(ask()).rejects.toThrow();
    expect(microsoft.heldBackMs(bot)).toBeGreaterThan(50_000);
    expect(microsoft.heldBackMs(fake.addBot({ tenantId: bot.tenantId }))).toBe(0);
    const before = fake.requests.length;
    const other = fake.addUser({ tenantId: bot.tenantId });
    await expect(microsoft.openConversation(bot, other, { maxWaitMs: 1000 })).rejects.toBeInstanceOf(NotYetError);
    expect(fake.requests.slice(before).filter((request) => request.route !== 'token')).toEqual([]);
  });

  test('of no conversation is delayed by what Graph requests', async () => {
    fake.fault('user', { answer: { status: 429, headers: { 'retry-after': '60' } } });
    await expect(microsoft.findUser(bot, user.objectId)).rejects.toThrow();
    expect(microsoft.graphHeldBackMs(bot)).toBeGreaterThan(50_000);
    expect(microsoft.heldBackMs(bot)).toBe(0);
    expect(await send()).toMatchObject({ activityId: expect.any(String) });
  });

  test('waits as long as Microsoft asks, in seconds or until a date', async () => {
    fake.fault('activities', withAnswer(429, 'Throttled', 'Too many requests.', { 'retry-after': '7' }));
    expect(await outcome(send())).toMatchObject({ retryAfterMs: 7000 });
    microsoft = createHttpMicrosoft({ ...fake.settings, fetch });
    fake.fault(
      'activities',
      withAnswer(429, 'Throttled', 'Too many requests.', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }),
    );
    const { retryAfterMs } = await outcome(send('hello', microsoft));
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    microsoft = createHttpMicrosoft({ ...fake.settings, fetch });
    fake.fault('activities', withAnswer(429, 'Throttled', 'Too many requests.', { 'retry-after': 'soon' }));
    expect(await outcome(send('hello', microsoft))).toMatchObject({ outcome: 'retry', retryAfterMs: undefined });
  });

  test('may be sent again if it was never sent', async () => {
    const url = await nobody();
    const unreachable = createHttpMicrosoft({ ...fake.settings, serviceHosts: [...fake.settings.serviceHosts, url], fetch });
    expect(await outcome(unreachable.sendActivity(bot, { ...conversation, serviceUrl: url }, 'hello'))).toMatchObject({
      outcome: 'retry',
      code: 'Unreachable',
    });
    const nowhere = createHttpMicrosoft({ ...fake.settings, loginUrl: url, fetch });
    expect(await outcome(nowhere.sendActivity(bot, conversation, 'hello'))).toMatchObject({ outcome: 'retry', code: 'Unreachable' });
    const noTls = createHttpMicrosoft({ ...fake.settings, serviceHosts: [...fake.settings.serviceHosts, new URL(fake.url).host], fetch });
    const serviceUrl = conversation.serviceUrl.replace('http:', 'https:');
    expect(await outcome(noTls.sendActivity(bot, { ...conversation, serviceUrl }, 'hello'))).toMatchObject({
      outcome: 'retry',
      code: 'Unreachable',
    });
  });

  test.each<['before' | 'after', number]>([
    ['before', 0],
    ['after', 1],
  ])('has an unknown outcome if the connection breaks %s Microsoft accepted it', async (reset, taken) => {
    fake.fault('activities', { reset });
    expect(await outcome(send())).toMatchObject({ outcome: 'unknown', code: 'ConnectionLost' });
    expect(fake.activities).toHaveLength(taken);
    expect(count('activities')).toBe(1);
  });

  test('has an unknown outcome if there is no response in time', async () => {
    const held = fake.hold('activities');
    const sending = outcome(send('hello', impatient()));
    await held.arrived;
    expect(await sending).toMatchObject({ outcome: 'unknown', code: 'Timeout' });
    held.release();
    await fake.until(() => fake.activities.length === 1);
  });

  test('is known to be accepted if only the end of the response is lost', async () => {
    fake.fault('activities', { reset: 'within' });
    await expect(send()).resolves.toEqual({ activityId: '' });
    expect(fake.activities[0]?.request.status).toBeUndefined();
  });

  test('is sent again with a new token if the old one is no longer valid', async () => {
    fake.revokeTokens();
    await expect(send()).resolves.toBeTruthy();
    expect([count('token'), count('activities'), fake.activities.length]).toEqual([2, 2, 1]);
  });

  test('is refused if a new token is not valid either, and that token is not cached', async () => {
    fake.fault('activities', { ...withAnswer(401, 'Unauthorized', 'Authorization has been denied.'), times: 2 });
    expect(await outcome(send())).toMatchObject({ outcome: 'curable', code: 'Unauthorized' });
    expect(count('token')).toBe(2);
    await send();
    expect(count('token')).toBe(3);
  });
});
