import { once } from 'node:events';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRateLimit, type RateLimit } from '../../src/admission/rate-limit.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { authorizationOf } from '../support/credentials.ts';
import { graphClient } from '../support/graph.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { restClient } from '../support/rest.ts';
import { graphqlWs, MESSAGE_EVENTS, transports } from '../support/transports.ts';
import { adminOf, credentialsOf, type Login, standInRequest } from './logins.ts';

const PER_MINUTE = 5;
const log = pino({ level: 'silent' });

let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await createLiveGateway();
});
afterAll(() => gateway.close());

describe('requests of one account above RATE_LIMIT', () => {
  let rateLimit: RateLimit;
  let fetch: (request: Request) => Promise<Response>;
  let listener: Listener;
  beforeAll(async () => {
    rateLimit = await createRateLimit({ perMinute: PER_MINUTE, log });
    const app = gateway.another({ rateLimit, embedded: { carrier: true, teams: true } });
    fetch = app.fetch;
    listener = await listen(fetch, { host: '127.0.0.1', port: 0 });
    app.attach(listener.server);
  });
  afterAll(() => listener.drain(0));

  test('are refused with 429 and the time to wait, by each face in its own form; other accounts’ requests are not', async () => {
    const provider = await gateway.provider();
    const graph = graphClient(fetch, credentialsOf(provider));
    const rest = restClient(fetch, credentialsOf(provider));
    const answers = [
      await graph('{ __typename }'),
      await rest.get('/msteams/enterprises/search'),
      await rest.get('/msteams/nothing'),
      await graph('{'),
      await graph('{ __typename }'),
    ];
    expect(answers.map(({ headers }) => headers.get('ratelimit-policy'))).toEqual(answers.map(() => '"account";q=5;w=60'));
    expect(answers.map(({ headers }) => headers.get('ratelimit'))).toEqual(
      [4, 3, 2, 1, 0].map((remaining) => expect.stringMatching(new RegExp(`^"account";r=${remaining};t=(60|5\\d)$`))),
    );

    const ofGraph = await graph('{ __typename }');
    expect([ofGraph.status, ofGraph.errors?.[0]?.extensions]).toEqual([429, { code: 'TOO_MANY_REQUESTS', retryAfter: expect.any(Number) }]);
    expect(String(ofGraph.errors?.[0]?.extensions?.retryAfter)).toBe(ofGraph.headers.get('retry-after'));
    const ofRest = await rest.get('/msteams/enterprises/search');
    expect([ofRest.status, ofRest.body]).toEqual([429, { errorCode: '429', message: 'Too Many Requests' }]);
    for (const { headers } of [ofGraph, ofRest]) {
      expect(headers.get('ratelimit')).toMatch(/^"account";r=0;t=\d+$/);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(50);
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }

    const other = await gateway.provider();
    expect((await graphClient(fetch, credentialsOf(other))('{ __typename }')).status).toBe(200);
  });

  test('of an account, its enterprises’ admins and the organization’s other accounts count together', async () => {
    const provider = await gateway.provider();
    const [one, two] = [await adminOf(provider), await adminOf(provider)];
    const { account, authToken } = await createAccount(gateway.gateway, {
      email: `second.${provider.email}`,
      organization: { sid: provider.organizationSid },
    });
    const askers = [credentialsOf(provider), one, two, { user: account.sid, password: authToken }];
    for (let n = 0; n < PER_MINUTE; n += 1) {
      const asker = askers[n % askers.length] as Login;
      const isGraph = n % 2 === 0;
      const { status, headers } = isGraph
        ? await graphClient(fetch, asker)('{ __typename }')
        : await restClient(fetch, asker).get('/msteams/messages/search');
      expect([status, headers.get('ratelimit')]).toEqual([200, expect.stringMatching(new RegExp(`r=${PER_MINUTE - 1 - n};`))]);
    }
    for (const asker of askers) {
      expect((await graphClient(fetch, asker)('{ __typename }')).status).toBe(429);
      expect((await restClient(fetch, asker).get('/msteams/messages/search')).status).toBe(429);
    }
  });

  test('of one enterprise’s admin and tokens are at most half of the organization’s, which has the rest for others', async () => {
    const provider = await gateway.provider();
    const admin = await adminOf(provider);
    const { viewer } = (await graphClient(gateway.fetch, admin)('{ viewer { enterprise { sid } } }')).data;
    const { data } = await provider.graph(
      'mutation ($input: CreateAccessTokenInput!) { createAccessToken(input: $input) { ... on CreateAccessTokenSuccess { token } } }',
      { input: { expiresIn: 600, permissions: ['READ'], enterpriseSid: viewer.enterprise.sid } },
    );
    const token = { token: data.createAccessToken.token };
    const statuses: number[] = [];
    for (const asker of [admin, token, admin, token, admin, token]) {
      const { status, headers, errors } = await graphClient(fetch, asker)('{ __typename }');
      statuses.push(status);
      if (status !== 429) continue;
      expect(headers.get('ratelimit')).toMatch(/^"account";r=0;t=\d+$/);
      expect(errors?.[0]?.extensions).toEqual({ code: 'TOO_MANY_REQUESTS', retryAfter: Number(headers.get('retry-after')) });
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429]);
    // Refused ones count for nobody else.
    expect((await graphClient(fetch, await adminOf(provider))('{ __typename }')).headers.get('ratelimit')).toMatch(/^"account";r=1;/);
    expect((await graphClient(fetch, credentialsOf(provider))('{ __typename }')).headers.get('ratelimit')).toMatch(/^"account";r=0;/);
    expect((await graphClient(fetch, credentialsOf(provider))('{ __typename }')).status).toBe(429);
  });

  test('also count at the stand-ins’ routes, and are refused there in their own form', async () => {
    const provider = await gateway.provider();
    const play = (body: string) => fetch(standInRequest(provider, body));
    for (let remaining = PER_MINUTE - 1; remaining >= 0; remaining -= 1) {
      const { status, headers } = await play('{}');
      expect([status, headers.get('ratelimit-policy')]).toEqual([400, '"account";q=5;w=60']);
      expect(headers.get('ratelimit')).toMatch(new RegExp(`^"account";r=${remaining};t=(60|5\\d)$`));
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
    const refused = await play('{}');
    expect([refused.status, await refused.json()]).toEqual([429, { message: expect.any(String) }]);
    expect(refused.headers.get('ratelimit')).toMatch(/^"account";r=0;t=\d+$/);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(refused.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect((await graphClient(fetch, credentialsOf(provider))('{ __typename }')).status).toBe(429);
  });

  test('also count over WebSocket, one for each operation, and so do streams', async () => {
    const provider = await gateway.provider();
    const place = { url: listener.url, provider };
    for (const { subscribe } of transports) {
      const reader = subscribe(place, MESSAGE_EVENTS, {});
      await reader.until(({ updates }) => updates.length > 0);
      reader.close();
    }
    await graphqlWs.subscribe(place, '{ __typename }', {}).hasEnded();
    await graphqlWs.subscribe(place, '{ __typename }', {}).hasEnded();
    const { errors } = await graphqlWs.subscribe(place, '{ __typename }', {}).hasEnded();
    expect(errors[0]?.extensions).toEqual({ code: 'TOO_MANY_REQUESTS', retryAfter: expect.any(Number) });
    // An EventSource could not read a refusal with another status.
    for (const { name, subscribe } of transports) {
      const refused = await subscribe(place, MESSAGE_EVENTS, {}).hasEnded();
      expect([name, refused.updates, refused.errors.map(({ extensions }) => extensions)]).toEqual([
        name,
        [],
        [{ code: 'TOO_MANY_REQUESTS', retryAfter: expect.any(Number) }],
      ]);
    }
    expect((await restClient(fetch, credentialsOf(provider)).get('/msteams/enterprises/search')).status).toBe(429);
  });

  test('are refused only after a delay, at most 500 a second, so that immediate retries do not slow down others', async () => {
    const provider = await gateway.provider();
    const graph = graphClient(fetch, credentialsOf(provider));
    for (let n = 0; n < PER_MINUTE; n += 1) await graph('{ __typename }');
    const since = performance.now();
    const told: number[] = [];
    const refused = Array.from({ length: 50 }, async () => {
      const { status } = await graph('{ __typename }');
      told.push(performance.now() - since);
      return status;
    });
    const other = graphClient(fetch, credentialsOf(await gateway.provider()));
    expect((await other('{ __typename }')).status).toBe(200);
    expect(new Set(await Promise.all(refused))).toEqual(new Set([429]));
    // Timers may be a millisecond early.
    expect(told[0]).toBeGreaterThan(98);
    expect(told.at(-1)).toBeGreaterThan(98 + 49 * 2);
  });

  test('pause reading from their socket meanwhile', async () => {
    const provider = await gateway.provider();
    const rest = restClient(fetch, credentialsOf(provider));
    for (let n = 0; n < PER_MINUTE; n += 1) await rest.get('/msteams/nothing');
    const headers = { authorization: authorizationOf(credentialsOf(provider)) };
    const socket = new WebSocket(`${listener.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    const since = performance.now();
    const answers: unknown[] = [];
    socket.on('message', (data) => answers.push(JSON.parse(String(data))));
    const OPERATIONS = 12;
    for (let n = 0; n < OPERATIONS; n += 1) {
      // 60 KiB each, which is about as much as is read at once.
      socket.send(JSON.stringify({ id: String(n), type: 'subscribe', payload: { query: `{ __typename ${' '.repeat(60_000)}}` } }));
    }
    await expect.poll(() => answers, { timeout: 20_000 }).toHaveLength(OPERATIONS);
    expect(answers).toEqual(
      Array.from({ length: OPERATIONS }, (_, n) => ({
        ...{ id: String(n), type: 'error' },
        payload: [{ message: expect.any(String), extensions: { code: 'TOO_MANY_REQUESTS', retryAfter: expect.any(Number) } }],
      })),
    );
    expect(performance.now() - since).toBeGreaterThan(700);
    socket.close();
  });

  test('count for an account only with its right token', async () => {
    const provider = await gateway.provider();
    const wrong = graphClient(fetch, { user: provider.accountSid, password: 'wrong' });
    for (let n = 0; n < PER_MINUTE + 1; n += 1) {
      const { status, headers } = await wrong('{ __typename }');
      expect(status).not.toBe(200);
      expect(headers.get('ratelimit')).toBeNull();
    }
    expect((await graphClient(fetch, credentialsOf(provider))('{ __typename }')).headers.get('ratelimit')).toMatch(/r=4;/);
  });

  describe('counted in Redis', () => {
    let redis: TestRedis | undefined;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(() => redis?.close());

    test('are those of all instances; while Redis is down, each instance counts for itself and responds at once', async ({ skip }) => {
      if (!redis) return skip();
      const instances = await Promise.all([1, 2].map(() => createRateLimit({ perMinute: PER_MINUTE, redisUrl: redis?.url, log })));
      const [one, two] = instances as [RateLimit, RateLimit];
      const remaining = async (limit: RateLimit) => Number(/r=(\d+)/.exec((await limit.take('AC1')).headers.ratelimit ?? '')?.[1]);
      // Until they are connected, they count for themselves.
      await expect.poll(async () => Math.min(await remaining(one), await remaining(two)), { timeout: 5000, interval: 20 }).toBe(0);
      const verdict = await two.take('AC1');
      expect(verdict.retryAfter).toBeGreaterThan(0);

      await redis.stop();
      const began = performance.now();
      expect(await remaining(one)).toBeGreaterThanOrEqual(0);
      for (let n = 0; n < PER_MINUTE; n += 1) await remaining(one);
      expect((await one.take('AC1')).retryAfter).toBeGreaterThan(0);
      expect(performance.now() - began).toBeLessThan(2000);

      await redis.start();
      // One's own count is used up, Redis' begins anew.
      await expect.poll(() => remaining(one), { timeout: 8000, interval: 100 }).toBeGreaterThan(0);
      await expect.poll(async () => (await two.take('AC1')).retryAfter ?? 0, { timeout: 8000, interval: 100 }).toBeGreaterThan(0);
      for (const limit of instances) limit.close();
    });
  });
});
