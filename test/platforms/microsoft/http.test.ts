import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpMicrosoft } from '../../../src/platforms/microsoft/http.ts';
import type { BotCredentials, Microsoft } from '../../../src/platforms/microsoft/microsoft.ts';
import type { Fault } from '../../fakes/fake-server.ts';
import { type FakeMicrosoft, startFakeMicrosoft } from '../../fakes/microsoft.ts';
import type { FakeBot, FakeUser, MicrosoftRoute } from '../../fakes/microsoft-state.ts';
import { failure, nobody, withAnswer } from './failures.ts';

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

describe('a user', () => {
  test('is found by UPN in any case, and by object id', async () => {
    const found = { objectId: user.objectId };
    await expect(microsoft.findUser(bot, 'adele.vance@CONTOSO.example')).resolves.toEqual(found);
    await expect(microsoft.findUser(bot, user.objectId)).resolves.toEqual(found);
    expect(last('user')?.path).toBe(`/v1.0/users/${user.objectId}?$select=id,accountEnabled`);
  });

  test.each([
    ['ann_fabrikam.example#EXT#@contoso.example', '/v1.0/users/ann_fabrikam.example%23EXT%23%40contoso.example?'],
    ["$o'neill@contoso.example", "/v1.0/users('%24o''neill%40contoso.example')?"],
    ["o'neill+a/b?@contoso.example", "/v1.0/users/o'neill%2Ba%2Fb%3F%40contoso.example?"],
    ['..', "/v1.0/users('..')?"],
  ])('may be called %s', async (userPrincipalName, path) => {
    const odd = fake.addUser({ tenantId: bot.tenantId, userPrincipalName });
    await expect(microsoft.findUser(bot, userPrincipalName)).resolves.toEqual({ objectId: odd.objectId });
    expect(last('user')?.path).toContain(path);
  });

  test("that is not in the tenant, is disabled there, or is another tenant's is not found", async () => {
    const disabled = fake.addUser({ tenantId: bot.tenantId, accountEnabled: false });
    const stranger = fake.addUser({ tenantId: fake.addBot().tenantId });
    for (const address of ['nobody@contoso.example', disabled.userPrincipalName, stranger.objectId])
      await expect(microsoft.findUser(bot, address)).resolves.toBeUndefined();
  });

  test('cannot be looked up without a permission, until it is granted', async () => {
    bot.permissions = [];
    const error = await failure(fake, microsoft.findUser(bot, user.objectId));
    expect(error).toMatchObject({ code: 'PLATFORM_ERROR', message: 'Insufficient privileges to complete the operation.' });
    bot.permissions = ['User.Read.All'];
    await expect(microsoft.findUser(bot, user.objectId)).resolves.toMatchObject({ objectId: user.objectId });
  });

  test('is looked up with a new token if the old one is no longer valid', async () => {
    await microsoft.findUser(bot, user.objectId);
    fake.revokeTokens();
    await expect(microsoft.findUser(bot, user.objectId)).resolves.toMatchObject({ objectId: user.objectId });
    expect(count('token')).toBe(2);
  });

  test.each<[string, Partial<BotCredentials>, RegExp]>([
    ['secret', { clientSecret: 'Wrong~Canary' }, /^AADSTS7000215: Invalid client secret provided for app '[-0-9a-f]+'\.$/],
    ['application', { applicationId: 'unknown' }, /^AADSTS700016: .* was not found in the directory '[-0-9a-f]+'\.$/],
    ['tenant', { tenantId: 'unknown' }, /^AADSTS90002: Tenant 'unknown' not found\. Check the tenant ID\.$/],
  ])("cannot be looked up with a wrong %s, in Microsoft's own words", async (_, change, words) => {
    const error = await failure(fake, microsoft.findUser({ ...bot, ...change }, user.objectId));
    expect(error).toMatchObject({ code: 'PLATFORM_ERROR', message: expect.stringMatching(words) });
    expect(inspect(error)).not.toContain('Wrong~Canary');
  });

  test.each<[string, MicrosoftRoute, Fault]>([
    ['login fails', 'token', { answer: { status: 500 } }],
    ['login breaks the connection', 'token', { reset: 'after' }],
    ['Graph fails', 'user', withAnswer(503, 'ServiceUnavailable', 'Try later.')],
    ['Graph accepts no token', 'user', { ...withAnswer(401, 'InvalidAuthenticationToken', 'Lifetime validation failed.'), times: 2 }],
    ['Graph breaks the connection', 'user', { reset: 'before' }],
    ['Graph truncates its response', 'user', { reset: 'within' }],
    ['Graph throttles', 'user', withAnswer(429, 'TooManyRequests', 'Too many requests.')],
    ['Graph returns another kind of 404', 'user', withAnswer(404, 'ResourceNotFound', 'No such service.')],
    ['Graph returns something else', 'user', { answer: { status: 200, body: ['nothing'] } }],
    ['Graph redirects', 'user', { answer: { status: 302, headers: { location: 'https://elsewhere.example/' } } }],
  ])('cannot be looked up if %s, which says nothing about the user', async (_, route, fault) => {
    fake.fault(route, fault);
    expect(await failure(fake, microsoft.findUser(bot, user.objectId))).toMatchObject({ code: 'PLATFORM_ERROR' });
  });

  test('cannot be looked up if Graph does not respond in time, or cannot be reached', async () => {
    const held = fake.hold('user');
    expect((await failure(fake, impatient().findUser(bot, user.objectId))).message).toMatch(/^127\.0\.0\.1:\d+ did not respond in time\.$/);
    held.release();
    const unreachable = createHttpMicrosoft({ ...fake.settings, graphUrl: await nobody(), fetch });
    expect((await failure(fake, unreachable.findUser(bot, user.objectId))).message).toMatch(/cannot be reached \(ECONNREFUSED\)/);
  });

  test("is never described in words that contain the bot's secret", async () => {
    fake.fault('user', withAnswer(400, 'BadRequest', `Did you mean ${bot.clientSecret}?`));
    expect((await failure(fake, microsoft.findUser(bot, user.objectId))).message).toBe('Did you mean ***?');
  });
});

describe('a bot', () => {
  test('that is set up correctly passes, and nothing is changed', async () => {
    const checks = ['IDS', 'TOKEN', 'GRAPH', 'CONNECTOR'].map((step) => ({ step, passed: true }));
    await expect(microsoft.verifyBot(bot)).resolves.toMatchObject(checks);
    expect([fake.conversations.size, fake.activities.length]).toEqual([0, 0]);
  });

  test.each<[string, () => void, Record<string, string | RegExp>]>([
    [
      'its secret was revoked',
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
    ['Graph fails', () => fake.fault('users', { answer: { status: 500 } }), { GRAPH: /status 500/ }],
    ['the connector fails', () => fake.fault('members', { answer: { status: 503 } }), { CONNECTOR: /status 503/ }],
    [
      'an admin has disabled it',
      () => fake.fault('members', withAnswer(403, 'BotDisabledByAdmin', 'Disabled.')),
      { CONNECTOR: /^Disabled\.$/ },
    ],
    ['the connection breaks', () => fake.fault('members', { reset: 'before' }), { CONNECTOR: /broke the connection/ }],
  ])('fails with the reason if %s, even after it worked', async (_, arrange, expected) => {
    const credentials = { ...bot };
    await microsoft.verifyBot(credentials);
    arrange();
    const checks = await microsoft.verifyBot(credentials);
    expect(checks.map(({ step, passed }) => [step, passed])).toEqual(
      ['IDS', 'TOKEN', 'GRAPH', 'CONNECTOR'].map((step) => [step, !(step in expected)]),
    );
    for (const { step, message } of checks) if (expected[step]) expect(message).toMatch(expected[step]);
    expect(JSON.stringify(checks)).not.toContain(credentials.clientSecret);
  });
});

test('a default service that is not in the list of hosts is reported at once', () => {
  expect(() => createHttpMicrosoft({ ...fake.settings, serviceHosts: ['smba.trafficmanager.net'], fetch })).toThrow(TypeError);
});
