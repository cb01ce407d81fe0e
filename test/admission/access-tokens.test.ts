import { randomBytes } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthentication } from '../../src/admission/authentication.ts';
import { purgeAccessTokens } from '../../src/domain/access/access-tokens.ts';
import { activateAccount, rotateToken, suspendAccount } from '../../src/domain/access/accounts.ts';
import { createVerifiedCredentials } from '../../src/domain/caches/verified-credentials.ts';
import { createSecrets } from '../../src/domain/secrets.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { done, fresh, newBot, newEnterprise } from '../parity/faces.ts';
import type { Provider } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import { restClient } from '../support/rest.ts';

let gateway: LiveGateway;
let provider: Provider;
let enterpriseSid: string;
const logged: string[] = [];

beforeAll(async () => {
  const log = pino({ level: 'trace' }, { write: (line) => void logged.push(line) });
  gateway = await createLiveGateway({ log });
  provider = await gateway.provider();
  enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => gateway.close());

const CREATE = `mutation ($input: CreateAccessTokenInput!) { made: createAccessToken(input: $input) {
  __typename
  ... on CreateAccessTokenSuccess { token accessToken { sid permissions enterpriseSid accountSid dateCreated dateExpires dateRevoked } }
  ... on Error { code message path value }
} }`;
const REVOKE = `mutation ($sid: ID!) { revoked: revokeAccessToken(input: { sid: $sid }) {
  __typename ... on RevokeAccessTokenSuccess { accessToken { sid dateRevoked } } ... on Error { code message path value }
} }`;
const VIEWER = '{ viewer { account { sid } permissions enterprise { sid } dateExpires } }';
const STREAM = 'subscription { messageEvents { __typename ... on Bookmark { cursor } } }';

async function create(input: Record<string, unknown> = {}, as = provider) {
  const { data } = await as.graph(CREATE, { input: { expiresIn: 3600, permissions: ['READ', 'WRITE'], ...input } });
  return data.made;
}
const graphBy = (token: string) => graphClient(gateway.fetch, { token });
const restBy = (token: string) => restClient(gateway.fetch, { token });

/** The statuses with which both faces let this token in, or not. */
const statuses = async (token: string) => [
  (await graphBy(token)(VIEWER)).status,
  (await restBy(token).get('/msteams/enterprises/search')).status,
];

function stream(token: string, { accept = 'text/event-stream', method = 'GET', path = '/graphql', authorization = '' } = {}) {
  const url = `http://gateway.test${path}?${new URLSearchParams({ query: STREAM, access_token: token })}`;
  const headers = { ...(accept && { accept }), ...(authorization && { authorization }) };
  return gateway.fetch(new Request(url, { method, headers: { ...headers, 'content-type': 'application/json' } }));
}

describe('an access token', () => {
  test('authenticates on both faces, with its own permissions, and viewer shows them', async () => {
    const { token, accessToken } = await create({ enterpriseSid });
    expect(accessToken).toMatchObject({
      sid: expect.stringMatching(/^AT[0-9a-f]{32}$/),
      permissions: ['READ', 'WRITE'],
      enterpriseSid,
      accountSid: provider.accountSid,
      dateRevoked: null,
    });
    expect(Date.parse(accessToken.dateExpires) - Date.parse(accessToken.dateCreated)).toBe(3_600_000);
    const { data } = await graphBy(token)(VIEWER);
    expect(data.viewer).toEqual({
      account: { sid: provider.accountSid },
      permissions: ['READ', 'WRITE'],
      enterprise: { sid: enterpriseSid },
      dateExpires: accessToken.dateExpires,
    });
    expect(await statuses(token)).toEqual([200, 200]);
  });

  test('covers the whole organization if it is not restricted, and an account’s own credentials never expire', async () => {
    const { token } = await create();
    expect((await graphBy(token)(VIEWER)).data.viewer.enterprise).toBeNull();
    expect((await provider.graph(VIEWER)).data.viewer).toMatchObject({ enterprise: null, dateExpires: null });
  });

  const connect = (query: string, connectionParams: Record<string, unknown>, retryAttempts = 0) => {
    const url = `${gateway.url.replace('http', 'ws')}/graphql${query}`;
    const client = createClient({ url, webSocketImpl: WebSocket, connectionParams, retryAttempts, onNonLazyError: () => {} });
    return new Promise((resolve, reject) => {
      client.subscribe({ query: VIEWER }, { next: resolve, error: reject, complete: () => void client.dispose() });
    });
  };

  test('authenticates a WebSocket by connectionInit, but not by its URL', async () => {
    const { token } = await create();
    expect(await connect('', { Authorization: `Bearer ${token}` })).toMatchObject({
      data: { viewer: { account: { sid: provider.accountSid } } },
    });
    await expect(connect(`?access_token=${token}`, {})).rejects.toMatchObject({ code: 4403 });
  });

  test('that has ended closes a WebSocket with 4401 at once, after which graphql-ws does not try it again', async () => {
    const { token, accessToken } = await create();
    await provider.graph(REVOKE, { sid: accessToken.sid });
    const { token: expired } = await create({ expiresIn: 60 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    for (const ended of [token, expired]) {
      await expect(connect('', { authorization: `Bearer ${ended}` }, 5)).rejects.toMatchObject({ code: 4401 });
    }
    await expect(connect('', { authorization: `Bearer ${token}x` })).rejects.toMatchObject({ code: 4403 });
  });

  test('authenticates an EventSource by its URL', async () => {
    const { token } = await create({ permissions: ['READ'] });
    const response = await stream(token);
    expect(response.status).toBe(200);
    let received = '';
    for await (const chunk of response.body ?? []) {
      received += Buffer.from(chunk).toString();
      if (received.includes('Bookmark')) break;
    }
    expect(received).toContain('Bookmark');
  });

  test('takes precedence over the password that a browser adds', async () => {
    const { token } = await create({ permissions: ['READ'] });
    const basic = `Basic ${Buffer.from(`${provider.accountSid}:${provider.authToken}`).toString('base64')}`;
    const response = await stream(token, { authorization: basic, accept: 'Text/Event-Stream' });
    expect(response.status).toBe(200);
    await response.body?.cancel();
    expect((await stream(`${token}x`, { authorization: basic })).status).toBe(401);
  });

  test.each([
    ['a request that accepts no stream', { accept: 'application/json' }],
    ['a POST', { method: 'POST' }],
    ['the contract', { path: '/msteams/enterprises/search' }],
  ])('is ignored in the URL of %s', async (_, where) => {
    const { token } = await create();
    expect((await stream(token, where)).status).toBe(401);
  });

  test('is never logged', async () => {
    const { token, accessToken } = await create();
    await (await stream(token)).body?.cancel();
    await stream(`${token}x`);
    expect((await gateway.fetch(new Request(`http://gateway.test/graphql?access_token=${token}&query=%7B`))).status).toBe(401);
    expect(logged.join('')).not.toContain(token);
    expect(JSON.stringify(await gateway.database.prisma.accessToken.findMany())).not.toContain(token);
    const records = await gateway.database.prisma.auditLog.findMany({ where: { targetSid: accessToken.sid } });
    expect(records.map(({ action }) => action)).toEqual(['accessToken.create']);
  });

  test('is refused once it has expired', async () => {
    const { token } = await create({ expiresIn: 60 });
    const later = Date.now() + 61_000;
    expect(await statuses(token)).toEqual([200, 200]);
    vi.useFakeTimers({ toFake: ['Date'], now: later });
    expect(await statuses(token)).toEqual([401, 401]);
  });

  test('is refused once it is revoked, and revoking it again changes nothing', async () => {
    const { token, accessToken } = await create();
    const first = (await provider.graph(REVOKE, { sid: accessToken.sid })).data.revoked;
    expect(first).toMatchObject({ __typename: 'RevokeAccessTokenSuccess', accessToken: { dateRevoked: expect.any(String) } });
    expect(await statuses(token)).toEqual([401, 401]);
    expect((await provider.graph(REVOKE, { sid: accessToken.sid })).data.revoked).toEqual(first);
  });

  test('is refused with 403 while its account is suspended', async () => {
    const other = await gateway.provider();
    const { token } = await create({}, other);
    await suspendAccount(gateway.gateway, other.accountSid);
    expect(await statuses(token)).toEqual([403, 403]);
    await activateAccount(gateway.gateway, other.accountSid);
    expect(await statuses(token)).toEqual([200, 200]);
  });

  test("ends when its account's own token is rotated", async () => {
    const other = await gateway.provider();
    const { token } = await create({}, other);
    await rotateToken(gateway.gateway, other.accountSid);
    expect(await statuses(token)).toEqual([401, 401]);
  });

  test('allows no more than its account currently allows', async () => {
    const other = await gateway.provider();
    const { token } = await create({ permissions: ['READ', 'SECRETS'] }, other);
    await gateway.database.prisma.account.update({ where: { sid: other.accountSid }, data: { permissions: ['read', 'write'] } });
    expect((await graphBy(token)(VIEWER)).data.viewer.permissions).toEqual(['READ']);
  });

  test('shows no client secret on either face without the permission', async () => {
    const bot = await done(provider, 'createBot', newBot(enterpriseSid, { clientSecret: 'a-client-secret-of-many-letters' }));
    const [without, having] = [await create({ enterpriseSid }), await create({ enterpriseSid, permissions: ['READ', 'SECRETS'] })];
    const query = `{ bot(sid: "${bot.sid}") { clientSecret } }`;
    expect((await graphBy(without.token)(query)).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    expect((await graphBy(having.token)(query)).data.bot.clientSecret).toBe('a-client-secret-of-many-letters');
    const { body } = await restBy(without.token).get<{ clientSecret: string }>(`/msteams/teamsbot/search/${bot.sid}`);
    expect(body.data?.clientSecret).toBe('••••ters');
  });

  test('cannot create, list or revoke access tokens, except to revoke itself', async () => {
    const other = await create({ permissions: ['READ'] });
    const { token, accessToken } = await create({ permissions: ['READ', 'WRITE', 'SECRETS'] });
    const graph = graphBy(token);
    for (const answer of [
      await graph(CREATE, { input: { expiresIn: 60, permissions: ['READ'] } }),
      await graph(REVOKE, { sid: other.accessToken.sid }),
      await graph('{ accessTokens { nodes { sid } } }'),
    ]) {
      expect(answer.errors?.map(({ extensions }) => extensions?.code)).toEqual(['FORBIDDEN']);
      expect(Object.values(answer.data)).toEqual([null]);
    }
    expect(await statuses(other.token)).toEqual([200, 200]);
    for (const { token: own, accessToken: itself } of [{ token, accessToken }, await create({ permissions: ['AUDIT'], enterpriseSid })]) {
      expect((await graphBy(own)(REVOKE, { sid: itself.sid })).data.revoked.__typename).toBe('RevokeAccessTokenSuccess');
      expect(await statuses(own)).toEqual([401, 401]);
    }
  });

  test.each([
    ['revoked', (sid: string) => provider.graph(REVOKE, { sid })],
    ['expired', (sid: string) => gateway.database.prisma.accessToken.update({ where: { sid }, data: { dateExpires: new Date() } })],
  ])('ends its streams when it is %s', async (_, end) => {
    const { token, accessToken } = await create({ permissions: ['READ'] });
    const answered = (await stream(token)).text();
    await end(accessToken.sid);
    expect(await answered).toMatch(/UNAUTHENTICATED.*\n\nevent: complete/);
  });

  test('is deleted a day after it expires', async () => {
    const { accessToken } = await create();
    const { prisma } = gateway.database;
    const endedBefore = (hours: number) =>
      prisma.accessToken.update({ where: { sid: accessToken.sid }, data: { dateExpires: new Date(Date.now() - hours * 3_600_000) } });
    await endedBefore(23);
    await purgeAccessTokens(prisma);
    expect(await prisma.accessToken.count({ where: { sid: accessToken.sid } })).toBe(1);
    await endedBefore(25);
    expect(await purgeAccessTokens(prisma)).toBe(1);
  });
});

describe('an invalid access token', () => {
  const claims = async (change: Record<string, unknown> = {}) => {
    const { accessToken } = await create();
    return {
      aud: 'teams-sms-gateway',
      jti: accessToken.sid,
      sub: provider.accountSid,
      exp: Math.floor(Date.now() / 1000) + 600,
      ...change,
    };
  };
  const { signing } = createSecrets(randomBytes(32));
  const ours = () => gateway.gateway.secrets.signing;
  const signed = async (payload: Record<string, unknown>, { kid = ours().keyId, key = ours().key, alg = 'HS256' } = {}) =>
    new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(key);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test.each<[string, () => Promise<string>]>([
    ['one signed with another key', async () => signed(await claims(), { key: signing.key })],
    ['one that names another key', async () => signed(await claims(), { key: signing.key, kid: signing.keyId })],
    ['one with another algorithm', async () => signed(await claims(), { alg: 'HS512', key: randomBytes(64) })],
    ['one without a signature', async () => `${part({ alg: 'none' })}.${part(await claims())}.`],
    ['one for another audience', async () => signed(await claims({ aud: 'another-gateway' }))],
    ['one without an expiry', async () => signed(await claims({ exp: undefined }))],
    ['one whose row was deleted', async () => signed(await claims({ jti: newSid('AT') }))],
    ['one whose payload was changed', async () => (await create()).token.replace(/\.[^.]+\./, `.${part(await claims())}.`)],
    ['one that was truncated', async () => (await create()).token.slice(0, -2)],
    ['an account’s own token', async () => provider.authToken],
  ])('is refused without asking for a password: %s', async (_, forge) => {
    const token = await forge();
    expect(await statuses(token)).toEqual([401, 401]);
    expect((await graphBy(token)(VIEWER)).headers.get('www-authenticate')).toBe('Bearer realm="teams-sms-gateway", error="invalid_token"');
  });

  test('differs from a token that a retired key signed, which is accepted', async () => {
    const [former, present] = [randomBytes(32), randomBytes(32)];
    const authenticate = (...keys: [Uint8Array, ...Uint8Array[]]) =>
      createAuthentication({ ...gateway.gateway, secrets: createSecrets(...keys), verified: createVerifiedCredentials({ hears: true }) });
    const { signing: retired } = createSecrets(former);
    const token = await signed(await claims(), { kid: retired.keyId, key: retired.key });
    const request = { headers: new Headers({ authorization: `Bearer ${token}` }) };
    expect(await authenticate(present, former)(request)).toMatchObject({ accountSid: provider.accountSid });
    expect(await authenticate(present)(request)).toMatchObject({ status: 401 });
  });
});

describe('createAccessToken', () => {
  const invalid = (path: string, message: string, value: string | null) => ({
    ...{ __typename: 'InvalidInputError', code: 'INVALID_PARAMETER', path: [path] },
    ...{ message: `Parameter ${path} is invalid: ${message}`, value },
  });

  test('refuses a lifetime out of bounds, and no permissions', async () => {
    for (const expiresIn of [59, 86_401, -1]) {
      expect(await create({ expiresIn })).toEqual(invalid('expiresIn', 'must be from 60 to 86400 seconds', String(expiresIn)));
    }
    expect(await create({ permissions: [] })).toEqual(invalid('permissions', 'must not be empty', null));
  });

  test.each([
    ['unknown', async () => newSid('EN')],
    ['another organization’s', async () => (await done(await gateway.provider(), 'createEnterprise', newEnterprise())).sid],
    ['blank', async () => ' '],
  ])('refuses an enterprise that is %s', async (_, sid) => {
    expect(await create({ enterpriseSid: await sid() })).toMatchObject({ code: 'ENTERPRISE_NOT_FOUND', path: ['enterpriseSid'] });
  });

  test('returns the same token for the same idempotency key, and never stores it', async () => {
    const input = { idempotencyKey: fresh.key(), expiresIn: 600 };
    const first = await create(input);
    expect(await create(input)).toEqual(first);
    expect(await create({ ...input, expiresIn: 601 })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    const kept = await gateway.database.prisma.idempotencyKey.findFirstOrThrow({ where: { key: input.idempotencyKey } });
    expect(JSON.stringify(kept.answer)).toContain(first.accessToken.sid);
    expect(JSON.stringify(kept.answer)).not.toContain(first.token.split('.')[2]);
  });
});

test("revokeAccessToken finds only its own account's tokens", async () => {
  const { accessToken } = await create({}, await gateway.provider());
  for (const sid of [accessToken.sid, newSid('AT'), '', '\0']) {
    expect((await provider.graph(REVOKE, { sid })).data.revoked).toMatchObject({
      __typename: 'NotFoundError',
      code: 'ACCESS_TOKEN_NOT_FOUND',
      path: ['sid'],
    });
  }
});

test('accessTokens lists the tokens of the account, page by page', async () => {
  const other = await gateway.provider();
  const made = [];
  for (const expiresIn of [60, 120, 180]) made.push((await create({ expiresIn }, other)).accessToken.sid);
  const page = (after: string | null) =>
    other.graph('query ($after: String) { accessTokens(first: 2, after: $after) { totalCount nodes { sid } pageInfo { endCursor } } }', {
      after,
    });
  const first = (await page(null)).data.accessTokens;
  const second = (await page(first.pageInfo.endCursor)).data.accessTokens;
  expect(first.totalCount).toBe(3);
  expect([...first.nodes, ...second.nodes].map(({ sid }) => sid)).toEqual(made);
});
