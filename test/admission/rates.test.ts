import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { CHANGES } from '../../src/admission/fairness.ts';
import { createRateLimit, type RateLimit } from '../../src/admission/rate-limit.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { newMapping } from '../parity/faces.ts';
import { authorizationOf } from '../support/credentials.ts';
import type { Provider } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { createLiveGateway, createSender, type LiveGateway, type Sender } from '../support/live.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { restClient } from '../support/rest.ts';
import { graphqlWs, MESSAGE_EVENTS, transports } from '../support/transports.ts';

const PER_MINUTE = 5;
const SOCKETS = 2;
const SUBSCRIPTIONS = 3;
const log = pino({ level: 'silent' });

let gateway: LiveGateway;
/** Where a number's SMS is to be switched on, the platform answers only when it is let. */
let answersOfPlatform: Promise<void> = Promise.resolve();
/** How many have asked it. */
let atPlatform = 0;
let sender: Sender;
beforeAll(async () => {
  const restcomm = createEmbeddedRestcomm();
  const enableSms = async () => {
    atPlatform += 1;
    await answersOfPlatform;
  };
  gateway = await createLiveGateway({
    platforms: { restcomm: { ...restcomm, enableSms } },
    access: { limits: { socketsPerAccount: SOCKETS, subscriptionsPerAccount: SUBSCRIPTIONS } },
  });
  sender = await createSender(gateway, await gateway.provider());
});
afterAll(() => gateway.close());

function hang(): () => void {
  let answer = () => {};
  answersOfPlatform = new Promise((resolve) => {
    answer = resolve;
  });
  return () => answer();
}

const credentialsOf = ({ accountSid, authToken }: Provider) => ({ user: accountSid, password: authToken });
interface Login {
  readonly user: string;
  readonly password: string;
}

/** Makes an enterprise, and returns how its admin logs in. */
async function adminOf(provider: Provider): Promise<Login> {
  const email = `${randomBytes(6).toString('hex')}@customer.example`;
  const input = { name: email, enterpriseAdmin: { email, password: 'a-long-password' } };
  const { data } = await provider.graph(
    'mutation ($input: CreateEnterpriseInput!) { createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { admin { sid } } } } }',
    { input },
  );
  return { user: data.createEnterprise.enterprise.admin.sid, password: input.enterpriseAdmin.password };
}

const standInRequest = (provider: Provider, body: BodyInit) =>
  new Request('http://gateway.test/stand-in/sms', {
    method: 'POST',
    headers: { authorization: authorizationOf(credentialsOf(provider)) },
    body,
    duplex: 'half',
  } as RequestInit);
const NOBODY = `BE${'0'.repeat(32)}`;
const DELETE = 'mutation ($input: DeleteMappingInput!) { deleteMapping(input: $input) { __typename } }';
const CREATE = 'mutation ($input: CreateMappingInput!) { createMapping(input: $input) { __typename } }';

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

describe('open connections of one account', () => {
  test('above MAX_SOCKETS_PER_ACCOUNT are closed with 1013, until one closes', async () => {
    const provider = await gateway.provider();
    const open = async (by: Login) => {
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: authorizationOf(by) } }));
      const outcome = await Promise.race([
        once(socket, 'message').then(([data]) => JSON.parse(String(data)).type),
        once(socket, 'close').then(([code, reason]) => `${code} ${reason}`),
      ]);
      return { socket, outcome };
    };
    const own = credentialsOf(provider);
    const admin = await adminOf(provider);
    const first = await open(own);
    const second = await open(admin);
    expect([first.outcome, second.outcome]).toEqual(['connection_ack', 'connection_ack']);
    for (const login of [own, admin, await adminOf(provider)])
      expect((await open(login)).outcome).toBe('1013 This account already has 2 open WebSockets, the maximum');
    expect((await open(credentialsOf(await gateway.provider()))).outcome).toBe('connection_ack');
    first.socket.close();
    await expect.poll(async () => (await open(own)).outcome, { timeout: 5000 }).toBe('connection_ack');
    second.socket.terminate();
  });

  test('of one enterprise’s admin are at most half of them, and its account has the rest', async () => {
    const provider = await gateway.provider();
    const admin = await adminOf(provider);
    const open = async (by: Login) => {
      const headers = { authorization: authorizationOf(by) };
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
      await once(socket, 'open');
      socket.send('{"type":"connection_init"}');
      const closed = once(socket, 'close').then(([code, reason]) => `${code} ${reason}`);
      return { socket, outcome: await Promise.race([once(socket, 'message').then(() => 'acknowledged'), closed]) };
    };
    const first = await open(admin);
    expect([first.outcome, (await open(admin)).outcome]).toEqual([
      'acknowledged',
      '1013 This enterprise already has 1 open WebSockets, the maximum',
    ]);
    const own = await open(credentialsOf(provider));
    expect(own.outcome).toBe('acknowledged');
    first.socket.close();
    const again = async () => {
      const { socket, outcome } = await open(admin);
      socket.close();
      return outcome;
    };
    await expect.poll(again, { timeout: 5000 }).toBe('acknowledged');
    own.socket.terminate();

    const streams: Response[] = [];
    for (let n = 0; n < SUBSCRIPTIONS; n += 1) {
      const headers = { accept: 'text/event-stream', authorization: authorizationOf(admin) };
      streams.push(await globalThis.fetch(`${gateway.url}/graphql?${new URLSearchParams({ query: MESSAGE_EVENTS })}`, { headers }));
    }
    expect(await streams[2]?.text()).toContain('This enterprise already has 2 open subscriptions, the maximum');
    const reader = graphqlWs.subscribe({ url: gateway.url, provider }, MESSAGE_EVENTS, {});
    await reader.until(({ updates }) => updates.length > 0);
    reader.close();
    for (const stream of streams.slice(0, 2)) await stream.body?.cancel();
  });

  test('above MAX_SUBSCRIPTIONS_PER_ACCOUNT are refused over every transport, until one ends', async () => {
    const provider = await gateway.provider();
    const place = { url: gateway.url, provider };
    const begin = (index: number) =>
      (transports[index % transports.length] as (typeof transports)[number]).subscribe(place, MESSAGE_EVENTS, {});
    const open = await Promise.all([0, 1, 2].map((index) => begin(index).until(({ updates }) => updates.length > 0)));
    // Each socket of the graphql-ws client's is one; the account may have another.
    for (let index = 0; index < transports.length; index += 1) {
      const { errors, updates } = await begin(index).hasEnded();
      expect(updates).toEqual([]);
      expect(errors).toEqual([
        { message: 'This account already has 3 open subscriptions, the maximum', extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } },
      ]);
    }
    open[1]?.close();
    await expect
      .poll(
        async () => {
          const reader = await begin(2).until(({ ended, updates }) => ended !== undefined || updates.length > 0);
          reader.close();
          return reader.updates.length;
        },
        { timeout: 5000 },
      )
      .toBe(1);
    for (const reader of open) reader.close();
  });
});

describe('an operation that takes longer than REQUEST_TIMEOUT', () => {
  const TIMEOUT = { limits: { requestTimeoutMs: 500 } };

  test('gets a 503 in time from both faces, and its change takes effect once the platform has responded', async () => {
    const { fetch } = gateway.another(TIMEOUT);
    const credentials = credentialsOf(sender.provider);
    const answer = hang();
    const inputs = [newMapping(sender.enterpriseSid), newMapping(sender.enterpriseSid)] as const;
    const ofGraph = await graphClient(fetch, credentials)(CREATE, { input: inputs[0] });
    expect([ofGraph.status, ofGraph.data ?? null, ofGraph.errors]).toEqual([
      503,
      null,
      [{ message: expect.stringContaining('took longer than 0.5 s'), extensions: { code: 'TIMEOUT' } }],
    ]);
    const ofRest = await restClient(fetch, credentials).post('/msteams/mappings', inputs[1]);
    expect([ofRest.status, ofRest.body]).toEqual([503, { errorCode: '503', message: expect.stringContaining('took longer than 0.5 s') }]);
    for (const { headers } of [ofGraph, ofRest]) expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    answer();
    for (const { externalAddress } of inputs) {
      await expect
        .poll(() => gateway.database.prisma.mapping.count({ where: { externalAddress: String(externalAddress) } }), { timeout: 5000 })
        .toBe(1);
    }
  });

  test('gets a 503 in time from the stand-ins’ routes too', async () => {
    const { fetch } = gateway.another({ ...TIMEOUT, embedded: { carrier: true, teams: true } });
    const endless = new ReadableStream();
    const response = await fetch(standInRequest(sender.provider, endless));
    expect([response.status, await response.json()]).toEqual([503, { message: expect.stringContaining('took longer than 0.5 s') }]);
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('does not delay the next request of its connection, nor other operations of its WebSocket', async () => {
    const app = gateway.another(TIMEOUT);
    const listener = await listen(app.fetch, { host: '127.0.0.1', port: 0 });
    const sockets = app.attach(listener.server);
    const answer = hang();
    try {
      const body = JSON.stringify({ query: CREATE, variables: { input: newMapping(sender.enterpriseSid) } });
      const socket = connect(listener.port, '127.0.0.1');
      const authorization = authorizationOf(credentialsOf(sender.provider));
      socket.write(
        `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 503 /);
      socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
      let text = '';
      for await (const data of socket) {
        text += data;
        if (text.includes('{"status":"live"}')) break;
      }
      const place = { url: listener.url, provider: sender.provider };
      const { errors } = await graphqlWs.subscribe(place, CREATE, { input: newMapping(sender.enterpriseSid) }).hasEnded();
      expect(errors[0]?.extensions).toEqual({ code: 'TIMEOUT' });
    } finally {
      answer();
      sockets.goAway();
      await listener.drain(1000);
      await sockets.dispose();
    }
  });

  test('is allowed if it is a stream', async () => {
    const app = gateway.another(TIMEOUT);
    const listener = await listen(app.fetch, { host: '127.0.0.1', port: 0 });
    const sockets = app.attach(listener.server);
    try {
      const readers = await Promise.all(
        transports.map(({ subscribe }) =>
          subscribe({ url: listener.url, provider: sender.provider }, MESSAGE_EVENTS, {}).until(({ updates }) => updates.length > 0),
        ),
      );
      // As long as another operation takes until it is refused.
      const answer = hang();
      await graphClient(app.fetch, credentialsOf(sender.provider))(CREATE, { input: newMapping(sender.enterpriseSid) });
      answer();
      const sid = await sender.send();
      for (const reader of readers) {
        expect((await reader.hasEvents(1)).map(({ message }) => message.sid)).toContain(sid);
        reader.close();
      }
    } finally {
      sockets.goAway();
      await listener.drain(1000);
      await sockets.dispose();
    }
  });
});

describe('an account that sends more operations at once than may run', () => {
  test('waits in its own queue, for both faces together, while others are served; beyond the queue, it gets 429', async () => {
    const { fetch } = gateway.another({});
    const flooding = { graph: graphClient(fetch, credentialsOf(sender.provider)), rest: restClient(fetch, credentialsOf(sender.provider)) };
    const other = await gateway.provider();
    const others = { graph: graphClient(fetch, credentialsOf(other)), rest: restClient(fetch, credentialsOf(other)) };
    const answer = hang();
    atPlatform = 0;
    const slow = Array.from({ length: CHANGES.maxRunning }, (_, n) => {
      const input = newMapping(sender.enterpriseSid);
      return n % 2 ? flooding.graph(CREATE, { input }) : flooding.rest.post('/msteams/mappings', input);
    });
    await expect.poll(() => atPlatform, { timeout: 10_000 }).toBe(CHANGES.maxRunning);
    const settled: number[] = [];
    const further = Array.from({ length: CHANGES.maxWaiting + 2 }, async (_, n) => {
      const { status } = await (n % 50
        ? flooding.graph(DELETE, { input: { sid: NOBODY } })
        : flooding.rest.delete(`/msteams/mappings/${NOBODY}`));
      settled.push(status);
      return status;
    });
    await expect.poll(() => settled, { timeout: 20_000 }).toEqual([429, 429]);
    const refused = {
      graph: await flooding.graph(DELETE, { input: { sid: NOBODY } }),
      rest: await flooding.rest.delete(`/msteams/mappings/${NOBODY}`),
    };
    expect([refused.graph.status, refused.graph.errors?.[0]?.extensions]).toEqual([429, { code: 'TOO_MANY_REQUESTS', retryAfter: 1 }]);
    for (const { headers } of [refused.graph, refused.rest]) expect(headers.get('retry-after')).toBe('1');
    expect([refused.rest.status, refused.rest.body]).toEqual([429, { errorCode: '429', message: 'Too Many Requests' }]);
    expect((await flooding.graph('{ viewer { permissions } }')).status).toBe(200);
    for (const face of [others.graph(DELETE, { input: { sid: NOBODY } }), others.graph('{ viewer { permissions } }')])
      expect((await face).status).toBe(200);
    expect((await others.rest.delete(`/msteams/mappings/${NOBODY}`)).status).toBe(409);
    expect((await others.rest.get('/msteams/messages/search')).status).toBe(200);
    expect(settled).toHaveLength(2);
    answer();
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual(slow.map(() => 200));
    expect((await Promise.all(further)).filter((status) => status !== 429)).toHaveLength(CHANGES.maxWaiting);
  });
});
