import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PlatformError } from '../../src/domain/errors.ts';
import { DeliveryError } from '../../src/platforms/delivery-error.ts';
import { createHttpMicrosoft } from '../../src/platforms/http-microsoft.ts';
import type { BotCredentials, Microsoft, TeamsConversation } from '../../src/platforms/microsoft.ts';
import { createMicrosoftLogin } from '../../src/platforms/microsoft-login.ts';
import type { Fault } from '../fakes/fake-server.ts';
import { type FakeBot, type FakeMicrosoft, type FakeUser, type MicrosoftRoute, startFakeMicrosoft } from '../fakes/microsoft.ts';

const TIMEOUT = 150;
const BOT_SCOPE = 'https://api.botframework.com/.default';

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
const impatient = () => createHttpMicrosoft({ ...fake.settings, fetch, timeoutMs: TIMEOUT });
const count = (route: MicrosoftRoute) => fake.requests.filter((request) => request.route === route).length;
const last = (route: MicrosoftRoute) => fake.requests.findLast((request) => request.route === route);
const withAnswer = (status: number, code: string, message: string, headers?: Record<string, string>): Fault => ({
  answer: { status, body: { error: { code, message } }, headers },
});

/** What it fails with. No secret may be anywhere in it. */
async function failure(attempt: Promise<unknown>): Promise<PlatformError | DeliveryError> {
  const error = await attempt.then(
    () => expect.unreachable('it should have failed'),
    (reason) => reason,
  );
  const shown = inspect(error, { depth: 10, showHidden: true });
  expect(shown).not.toContain(bot.clientSecret);
  expect(shown).not.toContain(encodeURIComponent(bot.clientSecret));
  for (const token of fake.tokens.keys()) expect(shown).not.toContain(token);
  expect(error instanceof PlatformError || error instanceof DeliveryError).toBe(true);
  return error;
}

async function outcome(attempt: Promise<unknown>) {
  const error = await failure(attempt);
  if (!(error instanceof DeliveryError)) return expect.unreachable(`${error}`);
  const { outcome, code, message, retryAfterMs } = error;
  return { outcome, code, message, retryAfterMs };
}

/** An address on this machine where nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe('a token', () => {
  const login = (now?: () => number) => createMicrosoftLogin({ loginUrl: fake.settings.loginUrl, fetch, timeoutMs: 5000, now });

  test('is asked for with the credentials as they are, whatever characters they have', async () => {
    const odd = fake.addBot({ tenantId: 'a/b ?#c', clientSecret: 'p+l%us & =?\u00e9' });
    await expect(login().token(odd, BOT_SCOPE)).resolves.toBeTruthy();
    expect(last('token')?.path).toBe('/login/a%2Fb%20%3F%23c/oauth2/v2.0/token');
  });

  test('is asked for once by callers at the same time, and kept', async () => {
    const kept = login();
    const tokens = await Promise.all([1, 2, 3].map(() => kept.token(bot, BOT_SCOPE)));
    expect(new Set([...tokens, await kept.token(bot, BOT_SCOPE)]).size).toBe(1);
    expect(count('token')).toBe(1);
  });

  test('is kept apart by tenant, application, secret and scope', async () => {
    const kept = login();
    const elsewhere = fake.addBot({ applicationId: bot.applicationId });
    const other = fake.addBot({ tenantId: bot.tenantId });
    await kept.token(bot, BOT_SCOPE);
    await kept.token(bot, 'https://graph.microsoft.com/.default');
    await kept.token(elsewhere, BOT_SCOPE);
    await kept.token(other, BOT_SCOPE);
    await expect(kept.token({ ...bot, clientSecret: 'wrong' }, BOT_SCOPE)).rejects.toMatchObject({
      outcome: 'refused',
      code: 'AADSTS7000215',
    });
    expect(count('token')).toBe(5);
  });

  test.each([
    ['five minutes before it expires', 3600, 3299_000, 3301_000],
    ['at half of its life where that is short', 60, 29_000, 31_000],
  ])('is renewed %s', async (_, lifetime, before, after) => {
    let now = 1_000_000;
    fake.tokenLifetime = lifetime;
    const kept = login(() => now);
    const first = await kept.token(bot, BOT_SCOPE);
    now = 1_000_000 + before;
    expect(await kept.token(bot, BOT_SCOPE)).toBe(first);
    now = 1_000_000 + after;
    expect(await kept.token(bot, BOT_SCOPE)).not.toBe(first);
  });

  test.each<[string, Fault]>([
    [
      'a refusal',
      { answer: { status: 401, body: { error: 'invalid_client', error_description: 'AADSTS7000222: The secret is expired.' } } },
    ],
    ['a server failure', { answer: { status: 503 } }],
    ['an answer without a token', { answer: { status: 200, body: { token_type: 'Bearer' } } }],
    ['an answer that broke off', { reset: 'within' }],
    ['a broken connection', { reset: 'before' }],
    ['a redirect', { answer: { status: 302, headers: { location: '/login/x/oauth2/v2.0/token' } } }],
  ])('that is not given leaves nothing behind: %s', async (_, fault) => {
    const kept = login();
    fake.fault('token', fault);
    const [one, two] = await Promise.allSettled([kept.token(bot, BOT_SCOPE), kept.token(bot, BOT_SCOPE)]);
    expect([one.status, two.status, count('token')]).toEqual(['rejected', 'rejected', 1]);
    await expect(kept.token(bot, BOT_SCOPE)).resolves.toBeTruthy();
  });
});

describe('a user', () => {
  test('is found by UPN in any case, and by object id', async () => {
    const found = { objectId: user.objectId, userPrincipalName: 'Adele.Vance@contoso.example' };
    await expect(microsoft.findUser(bot, 'adele.vance@CONTOSO.example')).resolves.toEqual(found);
    await expect(microsoft.findUser(bot, user.objectId)).resolves.toEqual(found);
    expect(last('user')?.path).toBe(`/v1.0/users/${user.objectId}?$select=id,userPrincipalName,accountEnabled`);
  });

  test.each([
    ['ann_fabrikam.example#EXT#@contoso.example', '/v1.0/users/ann_fabrikam.example%23EXT%23%40contoso.example?'],
    ["$o'neill@contoso.example", "/v1.0/users('%24o''neill%40contoso.example')?"],
    ["o'neill+a/b?@contoso.example", "/v1.0/users/o'neill%2Ba%2Fb%3F%40contoso.example?"],
    ['..', "/v1.0/users('..')?"],
  ])('may be called %s', async (userPrincipalName, path) => {
    const odd = fake.addUser({ tenantId: bot.tenantId, userPrincipalName });
    await expect(microsoft.findUser(bot, userPrincipalName)).resolves.toEqual({ objectId: odd.objectId, userPrincipalName });
    expect(last('user')?.path).toContain(path);
  });

  test("that the tenant doesn't have, has disabled, or another tenant has, is none", async () => {
    const disabled = fake.addUser({ tenantId: bot.tenantId, accountEnabled: false });
    const stranger = fake.addUser({ tenantId: fake.addBot().tenantId });
    for (const address of ['nobody@contoso.example', disabled.userPrincipalName, stranger.objectId])
      await expect(microsoft.findUser(bot, address)).resolves.toBeUndefined();
  });

  test("can't be told without a permission, until that is granted", async () => {
    bot.permissions = [];
    const error = await failure(microsoft.findUser(bot, user.objectId));
    expect(error).toMatchObject({ code: 'PLATFORM_ERROR', message: 'Insufficient privileges to complete the operation.' });
    bot.permissions = ['User.Read.All'];
    await expect(microsoft.findUser(bot, user.objectId)).resolves.toMatchObject({ objectId: user.objectId });
  });

  test('is looked for with a new token where the old one is no longer good', async () => {
    await microsoft.findUser(bot, user.objectId);
    fake.revokeTokens();
    await expect(microsoft.findUser(bot, user.objectId)).resolves.toMatchObject({ objectId: user.objectId });
    expect(count('token')).toBe(2);
  });

  test.each<[string, Partial<BotCredentials>, RegExp]>([
    ['secret', { clientSecret: 'Wrong~Canary' }, /^AADSTS7000215: Invalid client secret provided for app '[-0-9a-f]+'\.$/],
    ['application', { applicationId: 'unknown' }, /^AADSTS700016: .* was not found in the directory '[-0-9a-f]+'\.$/],
    ['tenant', { tenantId: 'unknown' }, /^AADSTS90002: Tenant 'unknown' not found\. Check the tenant ID\.$/],
  ])("can't be told with a wrong %s, in Microsoft's own words", async (_, change, words) => {
    const error = await failure(microsoft.findUser({ ...bot, ...change }, user.objectId));
    expect(error).toMatchObject({ code: 'PLATFORM_ERROR', message: expect.stringMatching(words) });
    expect(inspect(error)).not.toContain('Wrong~Canary');
  });

  test.each<[string, MicrosoftRoute, Fault]>([
    ['login fails', 'token', { answer: { status: 500 } }],
    ['login breaks the connection', 'token', { reset: 'after' }],
    ['Graph fails', 'user', withAnswer(503, 'ServiceUnavailable', 'Try later.')],
    ['Graph takes no token at all', 'user', { ...withAnswer(401, 'InvalidAuthenticationToken', 'Lifetime validation failed.'), times: 2 }],
    ['Graph breaks the connection', 'user', { reset: 'before' }],
    ['Graph breaks off its answer', 'user', { reset: 'within' }],
    ['Graph throttles', 'user', withAnswer(429, 'TooManyRequests', 'Too many requests.')],
    ['Graph answers 404 of another kind', 'user', withAnswer(404, 'ResourceNotFound', 'No such service.')],
    ['Graph answers something else', 'user', { answer: { status: 200, body: ['nothing'] } }],
    ['Graph sends elsewhere', 'user', { answer: { status: 302, headers: { location: 'https://elsewhere.example/' } } }],
  ])("can't be told where %s, which says nothing of the user", async (_, route, fault) => {
    fake.fault(route, fault);
    expect(await failure(microsoft.findUser(bot, user.objectId))).toMatchObject({ code: 'PLATFORM_ERROR' });
  });

  test("can't be told where Graph doesn't answer in time, or can't be reached", async () => {
    const held = fake.hold('user');
    expect((await failure(impatient().findUser(bot, user.objectId))).message).toMatch(/^127\.0\.0\.1:\d+ did not answer in time\.$/);
    held.release();
    const unreachable = createHttpMicrosoft({ ...fake.settings, graphUrl: await nobody(), fetch });
    expect((await failure(unreachable.findUser(bot, user.objectId))).message).toMatch(/can not be reached \(ECONNREFUSED\)/);
  });

  test("is not told of in words that hold the bot's secret", async () => {
    fake.fault('user', withAnswer(400, 'BadRequest', `Did you mean ${bot.clientSecret}?`));
    expect((await failure(microsoft.findUser(bot, user.objectId))).message).toBe('Did you mean …?');
  });
});

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

  test('is opened at the service that the user was seen at, with or without a slash at its end', async () => {
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
  ])('is never opened at %s: the token stays here', async (serviceUrl) => {
    expect(await outcome(microsoft.openConversation(bot, { ...user, serviceUrl }))).toMatchObject({
      outcome: 'refused',
      code: 'ServiceUrlNotAllowed',
    });
    expect(fake.requests).toEqual([]);
  });

  test('with a user who has not installed the app is refused', async () => {
    user.installed = false;
    expect(await outcome(microsoft.openConversation(bot, user))).toMatchObject({ outcome: 'refused', code: 'ForbiddenOperationException' });
  });

  test('may be asked for again where no answer came, since that makes no second one', async () => {
    fake.fault('conversations', { reset: 'after' });
    expect(await outcome(microsoft.openConversation(bot, user))).toMatchObject({ outcome: 'retry', code: 'ConnectionLost' });
    fake.fault('conversations', { reset: 'within' });
    expect(await outcome(microsoft.openConversation(bot, user))).toMatchObject({ outcome: 'retry', code: 'UnreadableAnswer' });
    const held = fake.hold('conversations');
    expect(await outcome(impatient().openConversation(bot, user))).toMatchObject({ outcome: 'retry', code: 'Timeout' });
    held.release();
  });

  test.each<[string, Fault, { outcome: string; code: string }]>([
    ['refuses the secret', { answer: { status: 401, body: { error: 'invalid_client' } } }, { outcome: 'refused', code: 'invalid_client' }],
    ['throttles', { answer: { status: 429, headers: { 'retry-after': '3' } } }, { outcome: 'retry', code: '429' }],
    ['fails', { answer: { status: 502 } }, { outcome: 'retry', code: '502' }],
    [
      'has too much to do',
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
  let conversation: TeamsConversation;
  beforeEach(async () => {
    conversation = await microsoft.openConversation(bot, user);
  });
  const send = (text = 'hello', from = microsoft) => from.sendActivity(bot, conversation, text);

  test('reaches the user as it is', async () => {
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
  ])('is refused for good where %s', async (_, arrange, code) => {
    arrange();
    expect(await outcome(send())).toMatchObject({ outcome: 'refused', code, retryAfterMs: undefined });
    expect(fake.activities).toEqual([]);
  });

  test('that is too long is refused for good', async () => {
    expect(await outcome(send('x'.repeat(40_000)))).toEqual({
      outcome: 'refused',
      code: 'MessageSizeTooBig',
      message: 'Message size too large.',
      retryAfterMs: undefined,
    });
  });

  test.each<[string, Fault, string, string]>([
    [
      'the name is in the words alone',
      withAnswer(403, 'Forbidden', 'ConversationBlockedByUser: blocked'),
      'ConversationBlockedByUser',
      'ConversationBlockedByUser: blocked',
    ],
    [
      'the words are JSON in JSON',
      {
        answer: { status: 403, body: { errorCode: 209, message: '{"subCode":"MessageWritesBlocked","details":"Thread is not writable"}' } },
      },
      'MessageWritesBlocked',
      'Thread is not writable',
    ],
    ['there are no words', { answer: { status: 400 } }, '400', '127.0.0.1:0 answered 400.'],
    [
      'the words break off',
      { ...withAnswer(403, 'BotDisabledByAdmin', 'The tenant admin disabled this bot'), reset: 'within' },
      '403',
      '127.0.0.1:0 answered 403.',
    ],
    ['it is a page', { answer: { status: 404, body: '<html>' } }, '404', '127.0.0.1:0 answered 404.'],
    [
      'it is a redirect',
      { answer: { status: 307, headers: { location: 'https://elsewhere.example/' } } },
      '307',
      '127.0.0.1:0 answered 307.',
    ],
    ['the server failed, which Microsoft says not to repeat', withAnswer(500, 'ServiceError', 'Internal'), 'ServiceError', 'Internal'],
  ])('is refused with a reason where %s', async (_, fault, code, message) => {
    fake.fault('activities', fault);
    const refused = await outcome(send());
    expect({ ...refused, message: refused.message.replace(/:\d+ answered/, ':0 answered') }).toMatchObject({
      outcome: 'refused',
      code,
      message,
    });
  });

  test.each([412, 429, 502, 503, 504])('may be sent again after %i', async (status) => {
    fake.fault('activities', withAnswer(status, 'Passing', 'Not now.'));
    expect(await outcome(send())).toEqual({ outcome: 'retry', code: 'Passing', message: 'Not now.', retryAfterMs: undefined });
    expect(count('activities')).toBe(1);
    await expect(send()).resolves.toBeTruthy();
  });

  test('waits as long as Microsoft asks, in seconds or until a date', async () => {
    fake.fault('activities', withAnswer(429, 'Throttled', 'Too many requests.', { 'retry-after': '7' }));
    expect(await outcome(send())).toMatchObject({ retryAfterMs: 7000 });
    fake.fault(
      'activities',
      withAnswer(429, 'Throttled', 'Too many requests.', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }),
    );
    const { retryAfterMs } = await outcome(send());
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    fake.fault('activities', withAnswer(429, 'Throttled', 'Too many requests.', { 'retry-after': 'soon' }));
    expect(await outcome(send())).toMatchObject({ outcome: 'retry', retryAfterMs: undefined });
  });

  test('may be sent again where it never left', async () => {
    const url = await nobody();
    const unreachable = createHttpMicrosoft({ ...fake.settings, serviceHosts: [...fake.settings.serviceHosts, url], fetch });
    expect(await outcome(unreachable.sendActivity(bot, { ...conversation, serviceUrl: url }, 'hello'))).toMatchObject({
      outcome: 'retry',
      code: 'Unreachable',
    });
    const nowhere = createHttpMicrosoft({ ...fake.settings, loginUrl: url, fetch });
    expect(await outcome(nowhere.sendActivity(bot, conversation, 'hello'))).toMatchObject({ outcome: 'retry', code: 'Unreachable' });
  });

  test.each<['before' | 'after', number]>([
    ['before', 0],
    ['after', 1],
  ])('has an unknown end where the connection breaks %s Microsoft took it', async (reset, taken) => {
    fake.fault('activities', { reset });
    expect(await outcome(send())).toMatchObject({ outcome: 'unknown', code: 'ConnectionLost' });
    expect(fake.activities).toHaveLength(taken);
    expect(count('activities')).toBe(1);
  });

  test('has an unknown end where no answer comes in time', async () => {
    const held = fake.hold('activities');
    const sending = outcome(send('hello', impatient()));
    await held.arrived;
    expect(await sending).toMatchObject({ outcome: 'unknown', code: 'Timeout' });
    held.release();
    await fake.until(() => fake.activities.length === 1);
  });

  test('is known to be taken where only the end of the answer is lost', async () => {
    fake.fault('activities', { reset: 'within' });
    await expect(send()).resolves.toEqual({ activityId: '' });
    expect(fake.activities[0]?.request.status).toBeUndefined();
  });

  test('is sent once more with a new token where the old one is no longer good', async () => {
    fake.revokeTokens();
    await expect(send()).resolves.toBeTruthy();
    expect([count('token'), count('activities'), fake.activities.length]).toEqual([2, 2, 1]);
  });

  test('is refused where a new token is no good either, which is not kept', async () => {
    fake.fault('activities', { ...withAnswer(401, 'Unauthorized', 'Authorization has been denied.'), times: 2 });
    expect(await outcome(send())).toMatchObject({ outcome: 'refused', code: 'Unauthorized' });
    expect(count('token')).toBe(2);
    await send();
    expect(count('token')).toBe(3);
  });
});

describe('a bot', () => {
  test('that is set up right passes, and nothing is changed', async () => {
    const checks = ['TOKEN', 'GRAPH', 'CONNECTOR'].map((step) => ({ step, passed: true }));
    await expect(microsoft.verifyBot(bot)).resolves.toEqual(checks);
    expect([fake.conversations.size, fake.activities.length]).toEqual([0, 0]);
  });

  test.each<[string, () => void, Record<string, string | RegExp>]>([
    [
      'its secret was withdrawn',
      () => {
        Object.assign(bot, { clientSecret: 'another' });
      },
      { TOKEN: /^AADSTS7000215/, GRAPH: /^AADSTS7000215/, CONNECTOR: /^AADSTS7000215/ },
    ],
    [
      'it lacks the permission',
      () => {
        bot.permissions = [];
      },
      { GRAPH: /^Insufficient privileges/ },
    ],
    [
      'it is not registered',
      () => {
        bot.registered = false;
      },
      { CONNECTOR: /^No registration found for this bot\.$/ },
    ],
    ['Graph fails', () => fake.fault('users', { answer: { status: 500 } }), { GRAPH: /answered 500/ }],
    ['the connector fails', () => fake.fault('members', { answer: { status: 503 } }), { CONNECTOR: /answered 503/ }],
    [
      'an admin has disabled it',
      () => fake.fault('members', withAnswer(403, 'BotDisabledByAdmin', 'Disabled.')),
      { CONNECTOR: /^Disabled\.$/ },
    ],
    ['the connection breaks', () => fake.fault('members', { reset: 'before' }), { CONNECTOR: /broke the connection/ }],
  ])('is told what is wrong where %s, even after it worked', async (_, arrange, expected) => {
    const credentials = { ...bot };
    await microsoft.verifyBot(credentials);
    arrange();
    const checks = await microsoft.verifyBot(credentials);
    expect(checks.map(({ step, passed }) => [step, passed])).toEqual(
      ['TOKEN', 'GRAPH', 'CONNECTOR'].map((step) => [step, !(step in expected)]),
    );
    for (const { step, message } of checks) if (expected[step]) expect(message).toMatch(expected[step]);
    expect(JSON.stringify(checks)).not.toContain(credentials.clientSecret);
  });
});

test('a default service that is not on the list of hosts is a mistake that is said at once', () => {
  expect(() => createHttpMicrosoft({ ...fake.settings, serviceHosts: ['smba.trafficmanager.net'], fetch })).toThrow(TypeError);
});
