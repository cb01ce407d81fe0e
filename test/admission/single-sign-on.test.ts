import { randomUUID } from 'node:crypto';
import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { applicationIdUri } from '../../src/domain/values/application-id-uri.ts';
import type { TokenOverrides } from '../fakes/bot-framework-signer.ts';
import type { FakeBot, FakeUser } from '../fakes/microsoft-state.ts';
import { done, fresh } from '../parity/faces.ts';
import { createTestExchange, type TestExchange } from '../support/exchange.ts';
import type { Provider } from '../support/gateway.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';

// Single sign-on of the console's tab in Teams: a token of Microsoft Entra is a credential of the admin that is linked with its user.

const PASSWORD = 'a-long-password';

let exchange: TestExchange;
let provider: Provider;
let admin: Admin;

interface Admin {
  readonly enterpriseSid: string;
  readonly sid: string;
  readonly bot: FakeBot;
  readonly user: FakeUser;
  /** The client with its password. */
  readonly graph: GraphClient;
}

/** A new enterprise with a bot, and its admin, who is a user of the bot's tenant. */
async function newAdmin(of: Provider = provider, bot = exchange.microsoft.addBot()): Promise<Admin> {
  const email = fresh.email();
  const { sid: enterpriseSid } = await done(of, 'createEnterprise', { name: email, enterpriseAdmin: { email, password: PASSWORD } });
  const { applicationId, tenantId, clientSecret, cloud } = bot;
  await done(of, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId: applicationId, ...(cloud && { cloud }) });
  const { data } = await of.graph('query ($sid: ID!) { enterprise(sid: $sid) { admin { sid } } }', { sid: enterpriseSid });
  const { sid } = data.enterprise.admin;
  const user = exchange.microsoft.addUser({ tenantId, userPrincipalName: email });
  return { enterpriseSid, sid, bot, user, graph: graphClient(exchange.fetch, { user: sid, password: PASSWORD }) };
}

const tokenOf = ({ bot, user }: Admin, more: TokenOverrides & { audience?: string } = {}) => exchange.microsoft.entra.sign(bot, user, more);
const as = (token: string) => graphClient(exchange.fetch, { token });

const LINK = `mutation ($input: LinkMicrosoftUserInput!) { linkMicrosoftUser(input: $input) {
  ... on LinkMicrosoftUserSuccess { admin { sid dateMicrosoftLinked } } ... on Error { code message path value } } }`;
const UNLINK = `mutation ($input: UnlinkMicrosoftUserInput!) { unlinkMicrosoftUser(input: $input) {
  ... on UnlinkMicrosoftUserSuccess { admin { sid dateMicrosoftLinked } } ... on Error { code } } }`;
const CREATE = `mutation { createAccessToken(input: { expiresIn: 28800, permissions: [READ, WRITE] }) {
  ... on CreateAccessTokenSuccess { token accessToken { sid adminSid dateExpires } } } }`;

const link = async (client: GraphClient, token: string) => {
  const { data, errors } = await client(LINK, { input: { token } });
  return data?.linkMicrosoftUser ?? errors?.[0]?.extensions;
};

/** The outcome of a request with a token: the admin and enterprise that it signs in, or the status and code of the refusal. */
async function outcome(token: string) {
  const { status, data, errors } = await as(token)('{ viewer { admin { sid } enterprise { sid } permissions dateExpires } }');
  return data?.viewer
    ? { admin: data.viewer.admin?.sid, enterprise: data.viewer.enterprise?.sid }
    : [status, errors?.[0]?.extensions?.code];
}
const REFUSED = [401, 'UNAUTHENTICATED'];
const UNLINKED = [403, 'MICROSOFT_USER_NOT_LINKED'];

beforeAll(async () => {
  exchange = await createTestExchange();
  provider = await exchange.provider();
});
afterAll(() => exchange.close());

describe('a token of an admin’s user does not sign the admin in if it is', () => {
  beforeAll(async () => {
    admin = await newAdmin();
    await link(admin.graph, await tokenOf(admin));
  });

  test.each<[string, (right: Admin) => Promise<string>]>([
    ['for another application', (right) => tokenOf(right, { claims: { aud: randomUUID() } })],
    ['for Graph', (right) => tokenOf(right, { claims: { aud: '00000003-0000-0000-c000-000000000000' } })],
    ['for an API of another host', (right) => tokenOf(right, { claims: { aud: `api://evil.example/botid-${right.bot.applicationId}` } })],
    ['of another tenant', (right) => tokenOf({ ...right, bot: { ...right.bot, tenantId: randomUUID() } })],
    ['for the tenant, issued by another', (right) => tokenOf(right, { claims: { iss: `https://sts.windows.net/${randomUUID()}/` } })],
    ['signed by a key that Entra does not publish', async (right) => tokenOf(right, { key: (await generateKeyPair('RS256')).privateKey })],
    ['with the id of a key that Entra does not publish', (right) => tokenOf(right, { header: { kid: randomUUID() } })],
    ['without a key’s id', (right) => tokenOf(right, { header: { kid: undefined } })],
    ['not yet valid', (right) => tokenOf(right, { claims: { nbf: Math.floor(Date.now() / 1000) + 3600 } })],
    ['without an expiration time', (right) => tokenOf(right, { claims: { exp: undefined } })],
    ['without a user', (right) => tokenOf(right, { claims: { oid: undefined } })],
    ['of an application itself, which has roles', (right) => tokenOf(right, { claims: { scp: undefined, roles: ['access_as_user'] } })],
    ['that another application has got of the user', (right) => tokenOf(right, { claims: { azp: randomUUID() } })],
    [
      'of version 1 that another application has got of the user',
      (right) =>
        tokenOf(right, {
          audience: applicationIdUri(exchange.gateway.publicUrl, right.bot.applicationId),
          claims: { appid: randomUUID() },
        }),
    ],
    ['with another scope', (right) => tokenOf(right, { claims: { scp: 'User.Read access_as_user_too' } })],
    [
      'signed by HS256 with a secret',
      async ({ bot, user }) =>
        new SignJWT({ aud: bot.applicationId, tid: bot.tenantId, oid: user.objectId, scp: 'access_as_user' })
          .setProtectedHeader({ alg: 'HS256', kid: (await exchange.microsoft.entra.keys())[0]?.kid })
          .setExpirationTime('1h')
          .sign(Buffer.from(bot.clientSecret)),
    ],
  ])('%s', async (_what, token) => {
    expect(await outcome(await token(admin))).toEqual(REFUSED);
  });

  test('expired', async () => {
    const past = Math.floor(Date.now() / 1000) - 3600;
    expect(await outcome(await tokenOf(admin, { claims: { exp: past, nbf: past - 3600, iat: past - 3600 } }))).toEqual(REFUSED);
    expect(await outcome(await tokenOf(admin, { claims: { exp: Math.floor(Date.now() / 1000) - 60 } }))).toEqual(REFUSED);
  });
});

describe('an admin that has signed in by password and linked its user of Entra', () => {
  beforeEach(async () => {
    admin = await newAdmin();
    expect(await link(admin.graph, await tokenOf(admin))).toEqual({ admin: { sid: admin.sid, dateMicrosoftLinked: expect.any(String) } });
  });
  const itself = () => ({ admin: admin.sid, enterprise: admin.enterpriseSid });

  test('signs in with the user’s tokens of both versions, and gets an access token that expires no later', async () => {
    const audience = applicationIdUri(exchange.gateway.publicUrl, admin.bot.applicationId);
    const exp = Math.floor(Date.now() / 1000) + 1800;
    expect(await outcome(await tokenOf(admin, { audience }))).toEqual(itself());
    const { data } = await as(await tokenOf(admin, { claims: { exp } }))(CREATE);
    const { token, accessToken } = data.createAccessToken;
    expect(accessToken).toMatchObject({ adminSid: admin.sid, dateExpires: new Date(exp * 1000).toISOString() });
    expect(await outcome(token)).toEqual(itself());
    const { prisma } = exchange.gateway;
    const rows = await prisma.auditLog.findMany({ where: { adminSid: admin.sid }, orderBy: { occurredAt: 'asc' } });
    expect(rows.map(({ action, targetSid }) => [action, targetSid])).toEqual([
      ['admin.linkMicrosoftUser', admin.sid],
      ['accessToken.create', accessToken.sid],
    ]);
  });

  test('is recognized by the object id alone: a user with the same names is not signed in, and a renamed user is', async () => {
    const other = exchange.microsoft.addUser({ tenantId: admin.bot.tenantId });
    const claims = {
      preferred_username: admin.user.userPrincipalName,
      upn: admin.user.userPrincipalName,
      email: admin.user.userPrincipalName,
    };
    expect(await outcome(await tokenOf({ ...admin, user: other }, { claims }))).toEqual(UNLINKED);
    expect(await outcome(await tokenOf(admin, { claims: { preferred_username: 'renamed@contoso.example' } }))).toEqual(itself());
  });

  test('is not signed in by a token for another enterprise’s app, or by the same object id in another tenant', async () => {
    const other = await newAdmin(await exchange.provider());
    const { objectId, userPrincipalName } = admin.user;
    exchange.microsoft.addUser({ tenantId: other.bot.tenantId, objectId, userPrincipalName });
    expect(await outcome(await exchange.microsoft.entra.sign(other.bot, admin.user))).toEqual(UNLINKED);
  });

  test('is not signed in while its enterprise is INACTIVE, or after it is CLOSED', async () => {
    const { enterpriseSid: sid } = admin;
    const token = await tokenOf(admin);
    expect(await outcome(token)).toEqual(itself());
    await done(provider, 'updateEnterprise', { sid, status: 'INACTIVE' });
    expect(await outcome(token)).toEqual([403, 'FORBIDDEN']);
    await done(provider, 'updateEnterprise', { sid, status: 'ACTIVE' });
    expect(await outcome(token)).toEqual(itself());
    await done(provider, 'closeEnterprise', { sid });
    expect(await outcome(token)).toEqual([403, 'FORBIDDEN']);
  });

  test('is no longer signed in after the provider resets the password, since somebody who knew it may have linked another user', async () => {
    const token = await tokenOf(admin);
    const { data } = await as(token)(CREATE);
    await provider.graph('mutation ($input: ResetAdminPasswordInput!) { resetAdminPassword(input: $input) { __typename } }', {
      input: { enterpriseSid: admin.enterpriseSid, password: 'another-long-password' },
    });
    expect(await outcome(token)).toEqual(UNLINKED);
    expect(await outcome(data.createAccessToken.token)).toEqual(REFUSED);
  });

  test('is signed in no longer once a gateway of an earlier version resets the password, which knows no links', async () => {
    const token = await tokenOf(admin);
    await exchange.gateway.prisma.$executeRaw`UPDATE enterprise_admin SET password_hash = 'another' WHERE sid = ${admin.sid}`;
    expect(await outcome(token)).toEqual(UNLINKED);
  });

  test('is no longer signed in after it or the provider ends the link, which revokes its other access tokens', async () => {
    const token = await tokenOf(admin);
    const { data } = await as(token)(CREATE);
    const input = { enterpriseSid: admin.enterpriseSid };
    const stranger = await newAdmin();
    expect((await stranger.graph(UNLINK, { input })).data.unlinkMicrosoftUser).toEqual({ code: 'ENTERPRISE_NOT_FOUND' });
    expect(await outcome(token)).toEqual(itself());
    const unlinked = { admin: { sid: admin.sid, dateMicrosoftLinked: null } };
    expect((await provider.graph(UNLINK, { input })).data.unlinkMicrosoftUser).toEqual(unlinked);
    expect([await outcome(token), await outcome(data.createAccessToken.token)]).toEqual([UNLINKED, REFUSED]);
    await link(admin.graph, token);
    const session = (await as(token)(CREATE)).data.createAccessToken.token;
    expect((await as(session)(UNLINK, { input })).data.unlinkMicrosoftUser).toEqual(unlinked);
    expect([await outcome(token), await outcome(session)]).toEqual([UNLINKED, itself()]);
  });

  test('cannot link another user with Entra’s token or an access token, only with the password', async () => {
    const token = await tokenOf(admin);
    const another = await tokenOf({ ...admin, user: exchange.microsoft.addUser({ tenantId: admin.bot.tenantId }) });
    const session = (await as(token)(CREATE)).data.createAccessToken.token;
    for (const client of [as(token), as(session), provider.graph]) expect(await link(client, another)).toEqual({ code: 'FORBIDDEN' });
    expect([await outcome(token), await outcome(another)]).toEqual([itself(), UNLINKED]);
    await link(admin.graph, another);
    expect([await outcome(token), await outcome(another), await outcome(session)]).toEqual([UNLINKED, itself(), REFUSED]);
  });
});

test('a user that is not linked is not signed in, even with an admin’s name, and does not count as a failed attempt', async () => {
  const strict = exchange.another({ failedAttempts: { perAddress: 2, perName: 2, maxDelayMs: 0 } });
  const { sid, bot, user } = await newAdmin();
  const ask = async (token: string) => {
    const client = graphClient((request) => strict.fetch(request, { remoteAddress: '192.0.2.1' }), { token });
    const { status, errors } = await client('{ viewer { admin { sid } } }');
    return [status, errors?.[0]?.extensions?.code];
  };
  for (let count = 0; count < 4; count++) expect([sid, await ask(await exchange.microsoft.entra.sign(bot, user))]).toEqual([sid, UNLINKED]);
  for (let count = 0; count < 2; count++)
    expect(await ask(await exchange.microsoft.entra.sign(bot, user, { claims: { aud: randomUUID() } }))).toEqual(REFUSED);
  expect(await ask(await exchange.microsoft.entra.sign(bot, user))).toEqual([429, 'TOO_MANY_REQUESTS']);
});

test('a token for another bot, an expired token, and a text that is not a token cannot link a user', async () => {
  const [one, other] = [await newAdmin(), await newAdmin()];
  const past = Math.floor(Date.now() / 1000) - 3600;
  for (const token of [await tokenOf(other), await tokenOf(one, { claims: { exp: past, nbf: past } }), 'none', 'x'.repeat(20_000)])
    expect(await link(one.graph, token)).toMatchObject({ code: 'INVALID_PARAMETER', path: ['token'], value: null });
});

test('an idempotency key repeats the result of a link, and is a conflict with another user', async () => {
  const some = await newAdmin();
  const idempotencyKey = fresh.key();
  const run = async (token: string) => (await some.graph(LINK, { input: { token, idempotencyKey } })).data.linkMicrosoftUser;
  const token = await tokenOf(some);
  expect(await run(token)).toEqual(await run(token));
  const another = await tokenOf({ ...some, user: exchange.microsoft.addUser({ tenantId: some.bot.tenantId }) });
  expect(await run(another)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
});

test('a user that is linked with admins of two enterprises with the same application is signed in as the admin of the latest link', async () => {
  const bot = exchange.microsoft.addBot();
  const [first, second] = [await newAdmin(provider, bot), await newAdmin(provider, bot)];
  const token = await tokenOf(first);
  await link(second.graph, token);
  await link(first.graph, token);
  expect(await outcome(token)).toEqual({ admin: first.sid, enterprise: first.enterpriseSid });
  await done(provider, 'updateEnterprise', { sid: first.enterpriseSid, status: 'INACTIVE' });
  expect(await outcome(token)).toEqual({ admin: second.sid, enterprise: second.enterpriseSid });
});

test('a bot of GCC High accepts only tokens of its own cloud', async () => {
  const government = await newAdmin(provider, exchange.microsoft.addBot({ cloud: 'GCC_HIGH' }));
  const token = await tokenOf(government);
  expect(await link(government.graph, token)).toMatchObject({ admin: { sid: government.sid } });
  expect(await outcome(token)).toMatchObject({ admin: government.sid });
  const commercial = await tokenOf({ ...government, bot: { ...government.bot, cloud: 'COMMERCIAL' } });
  expect(await outcome(commercial)).toEqual(REFUSED);
});

test('a bot that somebody made before of the same application and tenant, in another cloud, keeps nobody out and lets nobody in', async () => {
  const bot = exchange.microsoft.addBot();
  const other = await newAdmin(await exchange.provider(), { ...bot, cloud: 'CHINA' });
  const own = await newAdmin(provider, bot);
  const token = await tokenOf(own);
  expect(await link(other.graph, token)).toMatchObject({ code: 'INVALID_PARAMETER' });
  expect(await link(own.graph, token)).toMatchObject({ admin: { sid: own.sid } });
  expect(await outcome(token)).toEqual({ admin: own.sid, enterprise: own.enterpriseSid });
});

test('whatever tokens come for a tenant that Entra does not know, it is asked three times, and then once in a while', async () => {
  const bot = { ...exchange.microsoft.addBot(), tenantId: randomUUID() };
  const some = await newAdmin(provider, bot);
  const outcomes = new Set<unknown>();
  for (let count = 0; count < 8; count++)
    outcomes.add(JSON.stringify(await outcome(await tokenOf(some, { claims: { jti: randomUUID() } }))));
  expect([...outcomes]).toEqual([JSON.stringify([503, 'SERVICE_UNAVAILABLE'])]);
  const asked = exchange.microsoft.requests.filter(({ route, path }) => route === 'tenant' && path.includes(bot.tenantId));
  expect(asked).toHaveLength(3);
});

test('the gateway fetches Entra’s keys once for all tokens of a tenant, and refuses tokens with 503 while it cannot fetch them', async () => {
  const some = await newAdmin();
  const { microsoft } = exchange;
  const asked = () => microsoft.requests.filter(({ route, path }) => route === 'tenant' && path.includes(some.bot.tenantId)).length;
  microsoft.fault('entraKeys', { times: 2, answer: { status: 500 } });
  expect(await outcome(await tokenOf(some))).toEqual([503, 'SERVICE_UNAVAILABLE']);
  expect(await link(some.graph, await tokenOf(some))).toMatchObject({ code: 'PLATFORM_ERROR' });
  expect(await link(some.graph, await tokenOf(some))).toMatchObject({ admin: { sid: some.sid } });
  const before = asked();
  for (let count = 0; count < 3; count++) expect(await outcome(await tokenOf(some))).toMatchObject({ admin: some.sid });
  expect(asked()).toBe(before);
});

test('the gateway fetches no keys for a tenant without a bot', async () => {
  const strange = exchange.microsoft.addBot();
  const { length } = exchange.microsoft.requests;
  expect(await outcome(await exchange.microsoft.entra.sign(strange, exchange.microsoft.addUser(strange)))).toEqual(REFUSED);
  expect(exchange.microsoft.requests.slice(length)).toEqual([]);
});
