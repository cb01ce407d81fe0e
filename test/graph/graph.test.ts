import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PrismaClient } from '../../prisma/client/client.ts';
import { MAX_BODY_BYTES } from '../../src/admission/limits.ts';
import { createApp } from '../../src/app.ts';
import { suspendAccount } from '../../src/domain/access/accounts.ts';
import { createVerifiedCredentials } from '../../src/domain/caches/verified-credentials.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

/** What a fault's own text must not carry outside. */
const INTERNALS = 'connect ECONNREFUSED 10.20.30.40:5432 as gateway/hunter2';

let gateway: TestGateway;
let provider: Provider;

beforeAll(async () => {
  const broken = {
    createSubAccount: async () => {
      throw new Error(INTERNALS);
    },
  };
  gateway = await createTestGateway({ platforms: { restcomm: { ...createEmbeddedRestcomm(), ...broken } } });
  provider = await gateway.provider();
});
afterAll(() => gateway.close());
afterEach(() => {
  vi.restoreAllMocks();
});

const authorization = ({ accountSid, authToken }: Provider) => `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;

/** Fetches /graphql as the provider. */
function fetchGraph(init: RequestInit, search = ''): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has('authorization')) headers.set('authorization', authorization(provider));
  return gateway.fetch(new Request(`http://gateway.test/graphql${search}`, { ...init, headers }));
}

const json = { 'content-type': 'application/json' };
const typename = JSON.stringify({ query: '{ __typename }' });
const createEnterprise = `mutation ($input: CreateEnterpriseInput!) {
  made: createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { sid } } ... on Error { code } }
}`;
const enterprise = { name: 'Kohl', enterpriseAdmin: { email: 'admin@kohl.example', password: 'a-long-password' } };

async function codeOf(response: Response): Promise<unknown> {
  const { errors, data } = (await response.json()) as { errors: { message: string; extensions: { code: string } }[]; data?: unknown };
  expect(data ?? null).toBeNull();
  expect(errors).toEqual([expect.objectContaining({ message: expect.any(String), extensions: { code: expect.any(String) } })]);
  return errors[0]?.extensions.code;
}

describe("GraphiQL's page", () => {
  test('is served to a browser without credentials, and loads nothing from another host', async () => {
    const response = await gateway.fetch(new Request('http://gateway.test/graphql', { headers: { accept: 'text/html,*/*;q=0.8' } }));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/html');
    const page = await response.text();
    expect(page).toContain('SMS for Microsoft Teams');
    const tags = page.match(/<(?:script|link|img|iframe|base)\b[^<>]*>/gi) ?? [];
    expect(tags).toContainEqual(expect.stringMatching(/^<script/));
    expect(tags.filter((tag) => /\b(?:src|href)\s*=\s*["']?(?:https?:)?\/\//i.test(tag))).toEqual([]);
  });

  test('is all that a browser gets without credentials: an operation in its URL is not run', async () => {
    const log = vi.spyOn(gateway.gateway.log, 'error');
    const response = await gateway.fetch(
      new Request('http://gateway.test/graphql?query={viewer{account{sid}}}', { headers: { accept: 'text/html' } }),
    );
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(log).not.toHaveBeenCalled();
  });
});

describe('credentials', () => {
  test.each([
    ['none', undefined, /^Basic realm=/],
    ['of an unknown account', `Basic ${Buffer.from(`AC${'0'.repeat(32)}:x`).toString('base64')}`, /^Basic realm=/],
    ['that are not an access token', 'Bearer x', /^Bearer realm=/],
    ['of another scheme', 'Digest x', /^Basic realm=/],
  ])('%s: 401 with a challenge and an error in the form of GraphQL', async (_, header, challenge) => {
    const response = await gateway.fetch(
      new Request('http://gateway.test/graphql', {
        method: 'POST',
        headers: { ...json, ...(header && { authorization: header }) },
        body: typename,
      }),
    );
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(challenge);
    expect(await codeOf(response)).toBe('UNAUTHENTICATED');
  });

  test('are refused in the requested media type', async () => {
    const accept = 'application/graphql-response+json';
    const response = await gateway.fetch(new Request('http://gateway.test/graphql?query={__typename}', { headers: { accept } }));
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
  });

  test('of a suspended account: 403', async () => {
    const suspended = await gateway.provider();
    await suspendAccount(gateway.gateway, suspended.accountSid);
    const response = await fetchGraph({ method: 'POST', headers: { ...json, authorization: authorization(suspended) }, body: typename });
    expect(response.status).toBe(403);
    expect(await codeOf(response)).toBe('FORBIDDEN');
  });

  test('are of no use to another site: no response has a CORS header, not even to a preflight', async () => {
    const origin = { origin: 'https://elsewhere.example' };
    const preflight = {
      ...origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const responses = await Promise.all([
      fetchGraph({ method: 'POST', headers: { ...json, ...origin }, body: typename }),
      fetchGraph({ method: 'OPTIONS', headers: preflight }),
      gateway.fetch(new Request('http://gateway.test/graphql', { method: 'OPTIONS', headers: preflight })),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([403, 405, 401]);
    for (const { headers } of responses) expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('a request', () => {
  test.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/graphql',
    'application/jsonp',
    '',
  ])('with a body of type "%s": 415, since a page of another site can send it', async (type) => {
    const body = new TextEncoder().encode(type.includes('urlencoded') ? 'query={__typename}' : typename);
    const response = await fetchGraph({ method: 'POST', headers: type ? { 'content-type': type } : {}, body });
    expect(response.status).toBe(415);
    expect(await codeOf(response)).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  test('by GET can run a query, but never a mutation', async () => {
    const query = await fetchGraph({}, '?query={__typename}');
    expect(await query.json()).toEqual({ data: { __typename: 'Query' } });
    const variables = encodeURIComponent(JSON.stringify({ input: enterprise }));
    const mutation = await fetchGraph({}, `?query=${encodeURIComponent(createEnterprise)}&variables=${variables}`);
    expect(mutation.status).toBe(405);
    expect(mutation.headers.get('allow')).toBe('POST');
    expect(await codeOf(mutation)).toBe('BAD_REQUEST');
    expect(await gateway.database.prisma.enterprise.count()).toBe(0);
  });

  test.each(['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])('by %s: 405 with the allowed methods', async (method) => {
    const response = await fetchGraph({ method, ...(method === 'PUT' && { headers: json, body: typename }) });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST');
  });

  test.each(['', '{', 'query'])('with a body that is not JSON: 400, without the parser’s words: %j', async (body) => {
    const response = await fetchGraph({ method: 'POST', headers: json, body });
    const { errors } = (await response.json()) as { errors: unknown };
    expect([response.status, errors]).toEqual([400, [{ message: 'POST body sent invalid JSON.', extensions: { code: 'BAD_REQUEST' } }]]);
  });

  test.each(['declared', 'streamed'])('with a %s body over the limit: 413', async (way) => {
    const body = JSON.stringify({ query: `{ __typename } #${' '.repeat(MAX_BODY_BYTES)}` });
    const response = await fetchGraph({
      method: 'POST',
      headers: { ...json, ...(way === 'declared' && { 'content-length': String(body.length) }) },
      body: way === 'declared' ? body : new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await codeOf(response)).toBe('REQUEST_ENTITY_TOO_LARGE');
  });

  test('with several operations at once: 400', async () => {
    const response = await fetchGraph({ method: 'POST', headers: json, body: `[${typename},${typename}]` });
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe('BAD_REQUEST');
  });

  test.each([
    ['a variable', 'query ($n: Int) { bots(first: $n) { totalCount } }', { n: 'many' }],
    [
      'a variable in an input',
      'query ($d: OrderDirection) { bots(orderBy: { field: DATE_CREATED, direction: $d }) { totalCount } }',
      { d: null },
    ],
    ['a custom scalar', 'query ($t: DateTime) { bots(filter: { createdFrom: $t }) { totalCount } }', { t: 'yesterday' }],
  ])('with %s that does not fit the schema gets an error, and nothing is logged', async (_, query, variables) => {
    const log = vi.spyOn(gateway.gateway.log, 'error');
    const { errors } = await provider.graph(query, variables);
    expect(errors).toEqual([expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })]);
    expect(log).not.toHaveBeenCalled();
  });
});

describe('an error', () => {
  test('that is expected has its place and reason, and is not logged', async () => {
    const log = vi.spyOn(gateway.gateway.log, 'error');
    const { errors, headers } = await provider.graph('{ many: bots(first: 101) { totalCount } }');
    expect(errors).toEqual([
      {
        message: 'Parameter first is invalid: must be from 0 to 100',
        path: ['many'],
        locations: [{ line: 1, column: 3 }],
        extensions: { code: 'INVALID_PARAMETER', path: ['first'], value: '101' },
      },
    ]);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(log).not.toHaveBeenCalled();
  });

  test('that is unexpected shows no internals, and is logged once, with the request id of the response', async () => {
    const log = vi.spyOn(gateway.gateway.log, 'error');
    const { status, headers, data, errors } = await provider.graph(createEnterprise, { input: enterprise });
    expect({ status, data }).toEqual({ status: 200, data: { made: null } });
    expect(errors).toEqual([
      {
        message: 'Internal server error',
        path: ['made'],
        locations: [{ line: 2, column: 3 }],
        extensions: { code: 'INTERNAL_SERVER_ERROR' },
      },
    ]);
    const requestId = headers.get('x-request-id');
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(log.mock.calls).toEqual([
      [{ err: expect.objectContaining({ message: INTERNALS }), path: ['made'], requestId }, 'unexpected error in the graph'],
    ]);
  });

  test('that occurs before any operation is shown and logged in the same way, with 500', async () => {
    const log = vi.spyOn(gateway.gateway.log, 'error');
    const prisma = { account: { findUnique: () => Promise.reject(new Error(INTERNALS)) } } as unknown as PrismaClient;
    const app = createApp({
      gateway: { ...gateway.gateway, prisma, verified: createVerifiedCredentials({ hears: false }) },
      live: gateway.live,
      statements: gateway.statements,
      contract: { restTimestamps: 'iso', restBotSecrets: 'plain' },
      log: gateway.gateway.log,
      isReady: () => true,
    });
    const response = await app.fetch(
      new Request('http://gateway.test/graphql', {
        method: 'POST',
        headers: { ...json, authorization: authorization(provider) },
        body: typename,
      }),
    );
    expect(response.status).toBe(500);
    expect(await response.clone().text()).not.toContain('hunter2');
    expect(await codeOf(response)).toBe('INTERNAL_SERVER_ERROR');
    const requestId = response.headers.get('x-request-id');
    expect(log.mock.calls).toEqual([
      [{ err: expect.objectContaining({ message: INTERNALS }), requestId }, 'unexpected error in the graph'],
    ]);
  });
});
