import { request as httpRequest } from 'node:http';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRateLimit, type RateLimit } from '../../src/admission/rate-limit.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { authorizationOf } from '../support/credentials.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let provider: Provider;
let rateLimit: RateLimit;
let listener: Listener;
beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  rateLimit = await createRateLimit({ perMinute: 10_000, log: pino({ level: 'silent' }) });
  const app = gateway.another({ rateLimit });
  listener = await listen(app.fetch, { host: '127.0.0.1', port: 0, direct: app.direct });
});
afterAll(async () => {
  await listener.drain(0);
  rateLimit.close();
  await gateway.close();
});

interface Answer {
  readonly status: number;
  readonly type: string;
  /** The media types that the response accepts, of a 415. */
  readonly accepts: string | undefined;
  readonly body: { data?: unknown; errors?: { extensions: Record<string, unknown> }[]; extensions?: Record<string, unknown> };
}

/** Sends a request over a connection. fetch would add Accept. */
async function ask(body: string | Buffer, headers: Record<string, string> = {}, path = '/graphql'): Promise<Answer> {
  const authorization = authorizationOf({ user: provider.accountSid, password: provider.authToken });
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      `${listener.url}${path}`,
      { method: 'POST', headers: { authorization, 'content-type': 'application/json', ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () =>
          resolve({
            ...{ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '' },
            ...{ accepts: response.headers.accept, body: JSON.parse(text) },
          }),
        );
      },
    );
    sent.on('error', reject).end(body);
  });
}

/** The second answer, which the fast path gives if the document allows it, must equal the first. */
async function twice(body: object, headers: Record<string, string> = {}): Promise<Answer> {
  const first = await ask(JSON.stringify(body), headers);
  for (let again = 0; again < 2; again += 1) expect(await ask(JSON.stringify(body), headers)).toEqual(first);
  return first;
}

const RESPONSE = 'application/graphql-response+json';
const COUNT = 'query ($n: Int!) { messages(first: $n) { totalCount } }';

describe('a response', () => {
  test.each<[string, object, number, number]>([
    ['a result', { query: COUNT, variables: { n: 5 } }, 200, 200],
    ['a variable of the wrong type', { query: COUNT, variables: { n: '5' } }, 400, 200],
    ['a variable that is null', { query: 'query ($id: ID!) { message(sid: $id) { sid } }', variables: { id: null } }, 400, 200],
    ['a missing variable', { query: COUNT }, 400, 200],
    ['an unknown field', { query: '{ nope }' }, 400, 200],
    ['a document that is not GraphQL', { query: '{' }, 400, 200],
    ['several operations without a name', { query: 'query A { __typename } query B { __typename }' }, 400, 200],
    ['a name that no operation has', { query: '{ __typename }', operationName: 'Nobody' }, 400, 200],
    ['fragments alone', { query: 'fragment F on Query { __typename }' }, 400, 200],
    ['an error with data', { query: '{ viewer { account { sid } } auditLog(first: 500) { totalCount } }' }, 200, 200],
    ['too many aliases', { query: `{ ${Array.from({ length: 31 }, (_, n) => `a${n}: __typename`).join(' ')} }` }, 400, 200],
    ['too many tokens', { query: `{ ${'a '.repeat(2000)} }` }, 400, 200],
    ['too many objects', { query: '{ enterprises(first: 100) { nodes { mappings(first: 100) { nodes { sid } } } } }' }, 400, 200],
    ['too many values', { query: COUNT, variables: { n: 1, m: Array(2001).fill(1) } }, 400, 200],
    ['no query', { query: null }, 400, 400],
    ['an unknown parameter', { query: COUNT, nothing: 1 }, 400, 400],
  ])('to %s has the status of its media type', async (_what, body, status, statusOfJson) => {
    for (const headers of [{ accept: RESPONSE }, {}] as Record<string, string>[]) {
      expect(await twice(body, headers)).toMatchObject({ status, type: `${RESPONSE}; charset=utf-8` });
    }
    for (const accept of ['application/json', '*/*']) {
      expect(await twice(body, { accept })).toMatchObject({ status: statusOfJson, type: 'application/json; charset=utf-8' });
    }
  });

  test('is refused with 406 to a request that accepts none of its media types', async () => {
    for (const accept of ['text/html', 'image/*', '*/*;q=0', 'application/json;q=0']) {
      const { status, body } = await twice({ query: COUNT, variables: { n: 1 } }, { accept });
      expect([status, body.errors?.[0]?.extensions]).toEqual([406, { code: 'NOT_ACCEPTABLE' }]);
    }
  });
});

describe('a body', () => {
  const SEND = JSON.stringify({ query: '{ viewer { organization { name } } }' });

  test('may begin with a byte order mark, over either API', async () => {
    expect(await ask(`\uFEFF${SEND}`)).toMatchObject({ status: 200, body: { data: {} } });
    const enterprise = JSON.stringify({ name: 'Bäcker', enterpriseAdmin: { emailId: 'a@baecker.example', password: 'a-long-password' } });
    expect((await ask(`\uFEFF${enterprise}`, {}, '/msteams/enterprises')).status).toBe(201);
  });

  test('that is not UTF-8 is refused, over either API', async () => {
    const latin1 = Buffer.from(
      JSON.stringify({ query: 'query ($t: ID!) { message(sid: $t) { sid } }', variables: { t: 'café' } }),
      'latin1',
    );
    for (const accept of [RESPONSE, 'application/json', 'text/event-stream, application/json']) {
      const { status, body } = await ask(latin1, { accept });
      expect([status, body.errors?.[0]?.extensions]).toEqual([400, { code: 'BAD_REQUEST' }]);
    }
    expect((await ask(Buffer.from('{"name":"café"}', 'latin1'), {}, '/msteams/enterprises')).status).toBe(400);
  });

  test('as a query string that is not UTF-8 is refused, over either API', async () => {
    const read = async (path: string, accept: string) => {
      const authorization = authorizationOf({ user: provider.accountSid, password: provider.authToken });
      const response = await fetch(`${listener.url}${path}`, { headers: { authorization, accept } });
      return [response.status, (await response.text()).includes('percent-encoded UTF-8')];
    };
    const filtered = (name: string) => `/graphql?query={enterprises(first:0,filter:{name:%22${name}%22}){totalCount}}`;
    for (const accept of [RESPONSE, 'application/json', 'text/event-stream']) {
      for (const latin1 of ['caf%E9', '%FF', '%C3', 'caf%c3%a9%e9']) expect(await read(filtered(latin1), accept)).toEqual([400, true]);
      for (const utf8 of ['caf%C3%A9', 'caf%c3%a9', '100%', '%25E9', '%+%zz'])
        expect(await read(filtered(utf8), accept)).toEqual([200, false]);
    }
    expect(await read('/msteams/enterprises/search?name=caf%E9', '*/*')).toEqual([400, true]);
  });

  test.each([
    ['application/json; charset=latin1', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
    ['text/plain', {}],
  ])('declared as %s %j is refused with 415, over either API', async (type, headers) => {
    const given = { 'content-type': type, ...headers };
    for (const path of ['/graphql', '/msteams/enterprises']) {
      const { status, accepts } = await ask(SEND, given, path);
      expect([status, accepts]).toEqual([415, 'application/json']);
    }
  });

  test('may be declared as JSON in any case, and as UTF-8', async () => {
    for (const type of ['Application/JSON', 'application/json;charset="UTF-8"', 'application/graphql+json']) {
      expect((await ask(SEND, { 'content-type': type })).status).toBe(200);
    }
  });
});

describe('the cost of an operation', () => {
  const ENTERPRISES = { query: '{ enterprises(first: 10) { nodes { mappings(first: 5) { nodes { sid } } } } }' };

  test('is in the extensions of a result whose request asks for it', async () => {
    const { body } = await ask(JSON.stringify(ENTERPRISES), { 'x-graphql-cost': 'include' });
    const first = body.extensions?.cost as { requested: number; rate: { remaining: number } };
    expect(body).toEqual({
      data: { enterprises: { nodes: expect.any(Array) } },
      extensions: {
        cost: { requested: 71, limit: 5000, rate: { limit: 10_000, remaining: expect.any(Number), resetAfter: expect.any(Number) } },
      },
    });
    const again = await ask(JSON.stringify(ENTERPRISES), { 'x-graphql-cost': 'include' });
    expect(again.body.extensions?.cost).toMatchObject({ rate: { remaining: first.rate.remaining - 1 } });
  });

  test('is also told if it is above the limit, and has no rate if requests are not counted', async () => {
    const tooMuch = { query: '{ enterprises(first: 100) { nodes { mappings(first: 100) { nodes { sid } } } } }' };
    const { status, body } = await ask(JSON.stringify(tooMuch), { 'x-graphql-cost': 'include' });
    expect([status, body.errors?.[0]?.extensions.code, body.extensions?.cost]).toMatchObject([
      400,
      'QUERY_LIMIT_EXCEEDED',
      { requested: body.errors?.[0]?.extensions.found, limit: 5000 },
    ]);
    const authorization = authorizationOf({ user: provider.accountSid, password: provider.authToken });
    const uncounted = await gateway.fetch(
      new Request('http://gateway.test/graphql', {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'x-graphql-cost': 'include' },
        body: JSON.stringify(ENTERPRISES),
      }),
    );
    expect(((await uncounted.json()) as Answer['body']).extensions?.cost).toMatchObject({ rate: null });
  });

  test('is not told to others', async () => {
    for (const headers of [{}, { 'x-graphql-cost': 'no' }] as Record<string, string>[]) {
      expect((await ask(JSON.stringify(ENTERPRISES), headers)).body).not.toHaveProperty('extensions');
    }
  });
});

describe('the schema’s files', () => {
  const get = (path: string, fetch = gateway.fetch) => fetch(new Request(`http://gateway.test${path}`));

  test('are served without credentials where introspection is on', async () => {
    const sdl = await get('/graphql/schema.graphql');
    expect([sdl.status, sdl.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(await sdl.text()).toContain('type Query {');
    const types = (await (await get('/graphql/possibleTypes.json')).json()) as Record<string, string[]>;
    expect(types.MessageEventUpdate).toEqual(['Bookmark', 'MessageEvent']);
    expect((await get('/%67raphql/schema%2Egraphql')).status).toBe(200);
  });

  test('are not found elsewhere, nor where it is off', async () => {
    const { fetch } = gateway.another({ graph: { introspection: false, graphiql: false } });
    for (const path of ['/graphql/schema.graphql', '/graphql/possibleTypes.json']) expect((await get(path, fetch)).status).toBe(404);
    for (const path of ['/graphql/', '/graphql/nothing', '/graphql/schema.graphql/x']) expect((await get(path)).status).toBe(404);
    const posted = await gateway.fetch(new Request('http://gateway.test/graphql/schema.graphql', { method: 'POST' }));
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

test('a method that nobody knows gets 501, with encoded letters in the path or without', async () => {
  for (const path of ['/graphql', '/%67raphql', '/msteams/enterprises', '/nothing']) {
    const { status } = await gateway.fetch(new Request(`http://gateway.test${path}`, { method: 'BREW' }));
    expect([path, status]).toEqual([path, 501]);
  }
  const authorization = authorizationOf({ user: provider.accountSid, password: provider.authToken });
  for (const path of ['/%67raphql?query=%7B__typename%7D', '/msteams/enterpr%69ses/se%61rch']) {
    const { status } = await gateway.fetch(new Request(`http://gateway.test${path}`, { headers: { authorization } }));
    expect([path, status]).toEqual([path, 200]);
  }
});
