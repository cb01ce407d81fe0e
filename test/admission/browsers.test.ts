import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { authorizationOf } from '../support/credentials.ts';
import type { Provider } from '../support/gateway.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';

const ALLOWED = 'https://console.example';
const FOREIGN = 'https://elsewhere.example';
const OWN = 'http://gateway.test';

let gateway: LiveGateway;
let provider: Provider;
let basic: string;
/** Of an access token, as pages of other sites need one. */
let authorization: string;
/** The same without CORS_ORIGINS. */
let closed: (request: Request) => Promise<Response>;
beforeAll(async () => {
  gateway = await createLiveGateway({ access: { corsOrigins: [ALLOWED], embedded: { carrier: true, teams: true } } });
  closed = gateway.another({}).fetch;
  provider = await gateway.provider();
  basic = authorizationOf({ user: provider.accountSid, password: provider.authToken });
  const { data } = await provider.graph(
    'mutation { made: createAccessToken(input: { expiresIn: 3600, permissions: [READ, WRITE] }) { ... on CreateAccessTokenSuccess { token } } }',
  );
  authorization = `Bearer ${data.made.token}`;
});
afterAll(() => gateway.close());

const query = JSON.stringify({ query: '{ __typename }' });
const json = { 'content-type': 'application/json' };

/** What a page of either face's can ask for. */
const requests: readonly [string, string, RequestInit][] = [
  ['GraphQL', '/graphql', { method: 'POST', headers: json, body: query }],
  ['GraphQL by GET', '/graphql?query={__typename}', {}],
  ['server-sent events', '/graphql?query=subscription{messageEvents{__typename}}', { headers: { accept: 'text/event-stream' } }],
  ['REST', '/msteams/enterprises/search', {}],
];

async function ask(
  fetch: (request: Request) => Promise<Response>,
  path: string,
  init: RequestInit,
  headers: Record<string, string>,
): Promise<Response> {
  const aborting = new AbortController();
  const request = new Request(`${OWN}${path}`, {
    ...init,
    headers: { authorization, ...(init.headers as object), ...headers },
    signal: aborting.signal,
  });
  const response = await fetch(request);
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) aborting.abort();
  return response;
}

const corsHeaders = ({ headers }: Response) => [...headers.keys()].filter((name) => name.startsWith('access-control'));

describe.each(requests)('a page that uses %s', (_, path, init) => {
  test('of an allowed origin may read the response, its limits and its request id, without the browser’s own credentials', async () => {
    const response = await ask(gateway.fetch, path, init, { origin: ALLOWED, 'sec-fetch-site': 'cross-site' });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe(ALLOWED);
    expect(response.headers.get('access-control-expose-headers')?.split(', ')).toEqual(
      expect.arrayContaining(['x-request-id', 'ratelimit', 'ratelimit-policy', 'retry-after']),
    );
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    expect(response.headers.get('vary')).toMatch(/origin/i);
  });

  test('of an allowed origin may read a refusal', async () => {
    const response = await ask(gateway.fetch, path, init, { origin: ALLOWED, authorization: 'Bearer wrong' });
    expect(response.status).toBe(401);
    expect(response.headers.get('access-control-allow-origin')).toBe(ALLOWED);
  });

  test.each([FOREIGN, 'null', `${ALLOWED}.evil.example`, ALLOWED.toUpperCase()])('of the origin %s may read nothing', async (origin) => {
    expect(corsHeaders(await ask(gateway.fetch, path, init, { origin }))).toEqual([]);
  });

  test('of any origin may read nothing without CORS_ORIGINS', async () => {
    expect(corsHeaders(await ask(closed, path, init, { origin: ALLOWED }))).toEqual([]);
  });
});

describe.each(['/graphql', '/msteams/enterprises', '/mxteams/teamsbot', '/stand-in/sms'])('a preflight for %s', (path) => {
  const preflight = (fetch: (request: Request) => Promise<Response>, origin: string) =>
    fetch(
      new Request(`${OWN}${path}`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
      }),
    );

  test('of an allowed origin gets a response without credentials', async () => {
    const { status, headers } = await preflight(gateway.fetch, ALLOWED);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(ALLOWED);
    expect(headers.get('access-control-allow-methods')?.split(', ')).toEqual(['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);
    expect(headers.get('access-control-allow-headers')?.split(', ')).toEqual(
      expect.arrayContaining([
        ...['authorization', 'content-type', 'idempotency-key', 'last-event-id', 'x-graphql-cost'],
        ...['traceparent', 'tracestate', 'baggage', 'apollographql-client-name', 'apollographql-client-version'],
        ...['x-requested-with', 'x-request-id', 'cache-control'],
      ]),
    );
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('of another origin, or without CORS_ORIGINS, allows nothing', async () => {
    for (const response of [await preflight(gateway.fetch, FOREIGN), await preflight(closed, ALLOWED)]) {
      expect(response.ok).toBe(false);
      expect(corsHeaders(response)).toEqual([]);
    }
  });
});

describe('a change requested by a page of another site, with the browser’s saved password', () => {
  const changes: readonly [string, string, RequestInit][] = [
    ['GraphQL', '/graphql', { method: 'POST', headers: json, body: query }],
    ['REST', '/msteams/enterprises', { method: 'POST' }],
    ['REST, by DELETE', `/msteams/mappings/BE${'0'.repeat(32)}`, { method: 'DELETE' }],
    ['the stand-in', '/stand-in/sms', { method: 'POST', body: '{}' }],
  ];
  const foreign: readonly Record<string, string>[] = [
    { origin: FOREIGN, 'sec-fetch-site': 'cross-site' },
    { origin: 'http://other.gateway.test', 'sec-fetch-site': 'same-site' },
    { origin: FOREIGN },
    { origin: 'null' },
    { origin: OWN, 'sec-fetch-site': 'cross-site' },
  ];

  test.each(changes)('is refused by %s in its own form', async (_, path, init) => {
    for (const headers of foreign) {
      const response = await ask(gateway.fetch, path, init, headers);
      expect(response.status).toBe(403);
      const body = (await response.json()) as { errors?: { extensions: object }[]; errorCode?: string };
      if (path === '/graphql') expect(body.errors?.[0]?.extensions).toEqual({ code: 'FORBIDDEN' });
      else if (path === '/stand-in/sms') expect(body).toEqual({ message: expect.any(String) });
      else expect(body).toEqual({ errorCode: '403', message: 'Forbidden' });
    }
  });

  test.each(changes)(
    'differs from requests of the gateway’s own pages, of allowed pages and of other programs, by %s',
    async (_, path, init) => {
      const own: Record<string, string>[] = [
        {},
        { origin: OWN },
        { origin: OWN, 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'none' },
        { origin: ALLOWED, 'sec-fetch-site': 'cross-site' },
      ];
      for (const headers of own) expect((await ask(gateway.fetch, path, init, headers)).status).not.toBe(403);
    },
  );

  test('is not read from a form, by REST either', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain']) {
      const response = await ask(
        gateway.fetch,
        '/msteams/enterprises',
        { method: 'POST', body: '{"name":"Kohl"}' },
        { 'content-type': type },
      );
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ errorCode: '415' });
    }
  });
});

describe('a WebSocket', () => {
  async function opens(headers: Record<string, string>): Promise<number | 'open'> {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    try {
      return await new Promise((resolve, reject) => {
        socket.on('open', () => resolve('open'));
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
        socket.on('error', reject);
      });
    } finally {
      socket.on('error', () => {});
      socket.terminate();
    }
  }

  test('is opened for the gateway’s own pages, for allowed origins, and for clients that are not browsers', async () => {
    for (const headers of [{}, { origin: gateway.url }, { origin: ALLOWED }] as Record<string, string>[])
      expect(await opens(headers)).toBe('open');
  });

  test('is refused with 403 for a page of another site', async () => {
    for (const origin of [FOREIGN, 'null', `${gateway.url}.evil.example`, 'http://127.0.0.1:1']) expect(await opens({ origin })).toBe(403);
  });

  test('of an allowed origin is not authenticated by the browser’s saved password', async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      headers: { origin: ALLOWED, authorization: basic },
    });
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    expect((await once(socket, 'close'))[0]).toBe(4403);
  });
});

describe('a script of another site’s page that sends HTTP Basic', () => {
  test.each(requests)('is refused with a challenge for an access token by %s, even if its origin is allowed', async (_, path, init) => {
    for (const origin of [ALLOWED, FOREIGN, 'null']) {
      const response = await ask(gateway.fetch, path, init, { origin, authorization: basic });
      // A change by a page that is not allowed is refused before.
      expect(response.status).toBe(init.method === 'POST' && origin !== ALLOWED ? 403 : 401);
      if (origin === ALLOWED) expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
    }
  });

  test.each(requests)('differs from the gateway’s own pages and other programs, by %s', async (_, path, init) => {
    for (const headers of [{}, { origin: OWN }, { origin: OWN, 'sec-fetch-site': 'same-origin' }] as Record<string, string>[]) {
      expect((await ask(gateway.fetch, path, init, { authorization: basic, ...headers })).status).toBe(200);
    }
  });

  test('is refused over WebSocket; an access token is not', async () => {
    const answerTo = async (given: string) => {
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
        headers: { origin: ALLOWED },
      });
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: given } }));
      const answer = await Promise.race([once(socket, 'close').then(([code]) => code), once(socket, 'message').then(() => 'ack')]);
      socket.terminate();
      return answer;
    };
    expect([await answerTo(basic), await answerTo(authorization)]).toEqual([4403, 'ack']);
  });
});

describe('security headers', () => {
  test('of every response forbid sniffing, framing, referrers and storing', async () => {
    const responses = await Promise.all([
      ...requests.map(([, path, init]) => ask(gateway.fetch, path, init, {})),
      ...['/msteams/openapi.json', '/graphql', '/msteams/nothing', '/health/live', '/nothing'].map((path) =>
        gateway.fetch(new Request(`${OWN}${path}`)),
      ),
    ]);
    for (const { headers } of responses) {
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      });
    }
  });

  test('of GraphiQL allow only its one script and connections to the gateway', async () => {
    const response = await gateway.fetch(new Request(`${OWN}/graphql`, { headers: { accept: 'text/html' } }));
    const policy = new Map(
      (response.headers.get('content-security-policy') ?? '').split('; ').map((line) => line.split(/ (.*)/, 2) as [string, string]),
    );
    const page = await response.text();
    const scripts = [...page.matchAll(/\n {6}<script>(.*)\n {6}<\/script>/gs)];
    expect(scripts).toHaveLength(1);
    const hash = createHash('sha256').update(`${scripts[0]?.[1]}\n      `).digest('base64');
    expect(policy.get('script-src')).toBe(`'sha256-${hash}'`);
    expect(Object.fromEntries(policy)).toMatchObject({
      'default-src': "'none'",
      'connect-src': "'self'",
      'worker-src': 'blob:',
      'frame-ancestors': "'none'",
      'base-uri': "'none'",
      'form-action': "'none'",
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    });
  });
});

test('a refused upgrade gets an HTTP response, and the gateway keeps running', async () => {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  const head = [
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Origin: ${FOREIGN}`,
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  socket.write(['GET /graphql HTTP/1.1', ...head, '', ''].join('\r\n'));
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  await once(socket, 'close');
});

test.each([
  ['/msteams/enterprises/search', 200, { code: 200 }],
  ['http://x/msteams/nothing', 404, { errorCode: '404', message: 'Not Found' }],
  ['/msteams/enterprises/search?page=x', 400, { errorCode: '450', data: 'x' }],
])('an upgrade to WebSocket of %s, where there is none, is answered as a request without it', async (target, status, body) => {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  const head = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', `Authorization: ${basic}`];
  socket.write([`GET ${target} HTTP/1.1`, ...head, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', ''].join('\r\n'));
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  await once(socket, 'close');
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1))).toMatchObject(body);
});

test.each(['/graphql?a=b', 'http://x/graphql', '/%67raphql'])('a WebSocket opens at %s', async (target) => {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  const head = [
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: graphql-transport-ws',
  ];
  socket.write([`GET ${target} HTTP/1.1`, ...head, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', ''].join('\r\n'));
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 101 /);
  socket.destroy();
});
