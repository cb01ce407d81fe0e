import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Listener, listen } from '../../../src/server/server.ts';
import { authorizationOf } from '../../support/credentials.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { restClient } from '../../support/rest.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const VIEWER = 'query Viewer { viewer { account { sid } } }';
const DEEP = `query Deep { bots { nodes ${'{ enterprise { bot '.repeat(9)}{ sid }${' } }'.repeat(9)} } }`;
const PAGES = 'query Pages($n: Int) { enterprises(first: $n) { nodes { mappings(first: $n) { nodes { sid } } } } }';
const TYPES = 'query Types { __schema { queryType { name } } }';
const EVENTS = 'subscription Events { messageEvents { ... on Bookmark { cursor } } }';
const CREATE = 'mutation Create($input: CreateBotInput!) { createBot(input: $input) { __typename } }';
const OTHER = '{ __typename }';

let directory: string;
let gateway: TestGateway;
let provider: Provider;
let authorization: string;
let listener: Listener;
const fetches: Record<'off' | 'prefer' | 'only', (request: Request) => Promise<Response>> = {} as never;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gateway-trusted-'));
  gateway = await createTestGateway();
  provider = await gateway.provider();
  authorization = authorizationOf({ user: provider.accountSid, password: provider.authToken });
  const apollo = await manifest({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [VIEWER, DEEP, PAGES, TYPES, EVENTS, CREATE].map((body) => ({
      id: sha256(body),
      name: /\w+ (\w+)/.exec(body)?.[1],
      type: 'query',
      body,
    })),
  });
  const relay = await manifest({ 'relay-viewer': VIEWER });
  fetches.off = gateway.another({}).fetch;
  fetches.prefer = gateway.another({
    graph: { introspection: true, graphiql: true, trustedDocuments: { mode: 'prefer', file: relay } },
  }).fetch;
  const only = gateway.another({ graph: { introspection: false, graphiql: true, trustedDocuments: { mode: 'only', file: apollo } } });
  fetches.only = only.fetch;
  listener = await listen(only.fetch, { host: '127.0.0.1', port: 0 });
  only.attach(listener.server);
});
afterAll(async () => {
  await listener.drain(0);
  await gateway.close();
  await rm(directory, { recursive: true, force: true });
});

async function manifest(content: unknown): Promise<string> {
  const file = join(directory, `${sha256(JSON.stringify(content)).slice(0, 12)}.json`);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

type Way = (mode: keyof typeof fetches, said: Record<string, unknown>) => Promise<Answer & { status?: number }>;

const post: Way = async (mode, said) => {
  const headers = { authorization, 'content-type': 'application/json' };
  const response = await fetches[mode](new Request('http://gateway.test/graphql', { method: 'POST', headers, body: JSON.stringify(said) }));
  return { status: response.status, ...((await response.json()) as Answer) };
};
const search = (said: Record<string, unknown>) =>
  new URLSearchParams(Object.entries(said).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]));
const get: Way = async (mode, said) => {
  const response = await fetches[mode](new Request(`http://gateway.test/graphql?${search(said)}`, { headers: { authorization } }));
  return { status: response.status, ...((await response.json()) as Answer) };
};
/** The first frame. */
const firstFrame = async (response: Response): Promise<Answer> => {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const data = /event: next\ndata: (.*)\n\n/.exec(text)?.[1];
    if (data) return JSON.parse(data);
  }
  throw new Error(`No frame in ${text}`);
};
const streamed: Way = async (mode, said) =>
  firstFrame(
    await fetches[mode](
      new Request(`http://gateway.test/graphql?${search(said)}`, { headers: { authorization, accept: 'text/event-stream' } }),
    ),
  );
const streamedPost: Way = async (mode, said) =>
  firstFrame(
    await fetches[mode](
      new Request('http://gateway.test/graphql', {
        method: 'POST',
        headers: { authorization, accept: 'text/event-stream', 'content-type': 'application/json' },
        body: JSON.stringify(said),
      }),
    ),
  );
/** The protocol wants a `query`, so it is empty. Over the gateway with `only`. */
const webSocket: Way = async (_mode, said) => {
  const socket = new WebSocket(`${listener.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers: { authorization } });
  try {
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '', ...said } }));
    const { type, payload } = JSON.parse(String((await once(socket, 'message'))[0]));
    return type === 'error' ? { errors: payload } : payload;
  } finally {
    socket.terminate();
  }
};

const byHash = (text: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: sha256(text) } } });

describe.each([
  ['POST', post],
  ['GET', get],
  ['WebSocket', webSocket],
])('a trusted query over %s', (_, way) => {
  test.each([
    ['documentId', { documentId: sha256(VIEWER) }],
    ['documentId with its algorithm', { documentId: `sha256:${sha256(VIEWER)}` }],
    ['APQ’s hash', byHash(VIEWER)],
    ['its exact text', { query: VIEWER }],
  ])('is run by %s', async (_how, said) => {
    expect((await way('only', said)).data).toEqual({ viewer: { account: { sid: provider.accountSid } } });
  });

  test('may have any shape and query the schema, which are not allowed for others', async () => {
    expect((await way('only', { documentId: sha256(DEEP) })).errors).toBeUndefined();
    expect((await way('only', { documentId: sha256(TYPES) })).data).toEqual({ __schema: { queryType: { name: 'Query' } } });
  });

  test('is limited in the cost that its variables cause', async () => {
    expect((await way('only', { documentId: sha256(PAGES), variables: { n: 5 } })).errors).toBeUndefined();
    const { errors } = await way('only', { documentId: sha256(PAGES), variables: { n: 100 } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'QUERY_LIMIT_EXCEEDED', limit: 'cost' });
  });

  test.each([
    ['another text', { query: OTHER }, 'PERSISTED_QUERY_ONLY'],
    ['a text with an unknown id', { query: OTHER, documentId: 'unknown' }, 'PERSISTED_QUERY_NOT_FOUND'],
    ['a text that APQ would store', { query: OTHER, ...byHash(OTHER) }, 'PERSISTED_QUERY_NOT_FOUND'],
    ['an unknown id', { documentId: 'unknown' }, 'PERSISTED_QUERY_NOT_FOUND'],
    ['an unknown hash', byHash(OTHER), 'PERSISTED_QUERY_NOT_FOUND'],
    ['the name of an object member', { documentId: 'constructor' }, 'PERSISTED_QUERY_NOT_FOUND'],
  ])('is the only one that `only` allows: %s is refused', async (_what, said, code) => {
    const { data, errors } = await way('only', said);
    expect([data ?? null, errors?.[0]?.extensions]).toEqual([null, { code }]);
    if (code === 'PERSISTED_QUERY_NOT_FOUND') expect(errors?.[0]?.message).toBe('PersistedQueryNotFound');
    // It was not stored.
    expect((await way('only', byHash(OTHER))).errors?.[0]?.extensions).toEqual({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });
});

describe.each([
  ['GET', streamed],
  ['POST', streamedPost],
  ['WebSocket', webSocket],
])('a trusted subscription over %s', (_, way) => {
  test.each([
    ['documentId', { documentId: sha256(EVENTS) }],
    ['APQ’s hash', byHash(EVENTS)],
  ])('is opened by %s', async (_how, said) => {
    expect((await way('only', said)).data).toEqual({ messageEvents: { cursor: expect.any(String) } });
  });

  test('is the only one that `only` allows', async () => {
    expect((await way('only', { query: 'subscription { messageEvents { __typename } }' })).errors?.[0]?.extensions).toEqual({
      code: 'PERSISTED_QUERY_ONLY',
    });
    expect((await way('only', { documentId: 'unknown' })).errors?.[0]?.extensions).toEqual({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });
});

test('a trusted mutation is not run by GET', async () => {
  const { status, errors } = await get('only', { documentId: sha256(CREATE), variables: { input: {} } });
  expect([status, errors?.[0]?.extensions.code]).toEqual([405, 'BAD_REQUEST']);
});

test('with `prefer`, trusted documents of a manifest in Relay’s form are run by id, and other texts too', async () => {
  expect((await post('prefer', { documentId: 'relay-viewer' })).data).toEqual({ viewer: { account: { sid: provider.accountSid } } });
  expect((await post('prefer', { query: OTHER })).data).toEqual({ __typename: 'Query' });
  expect((await post('prefer', { query: OTHER, ...byHash(OTHER) })).data).toEqual({ __typename: 'Query' });
  // APQ's clients then stop asking by hash: no request adds a document.
  expect((await post('prefer', byHash(OTHER))).errors?.[0]?.extensions).toEqual({ code: 'PERSISTED_QUERY_NOT_SUPPORTED' });
  expect((await post('prefer', { documentId: 'nothing' })).errors?.[0]?.extensions).toEqual({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  expect((await post('prefer', { query: DEEP })).errors?.[0]?.extensions.code).toBe('QUERY_LIMIT_EXCEEDED');
});

test('without trusted documents, an APQ client learns that they are not supported, sends the text, and it is run', async () => {
  expect((await post('off', byHash(OTHER))).errors).toEqual([
    { message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } },
  ]);
  expect((await post('off', { query: OTHER, ...byHash(OTHER) })).data).toEqual({ __typename: 'Query' });
});

test.each([
  [{ documentId: 7 }],
  [{ documentId: null }],
  [{ documentId: {} }],
  [{ extensions: { persistedQuery: 'x' } }],
  [{ extensions: { persistedQuery: { version: 2, sha256Hash: sha256(VIEWER) } } }],
  [{}],
])('a reference that names nothing is a malformed request: %j', async (said) => {
  for (const mode of ['off', 'prefer', 'only'] as const) {
    const { data, errors } = await post(mode, said);
    expect([data, errors?.[0]?.extensions.code]).toEqual([undefined, 'BAD_REQUEST']);
  }
});

test('the contract and GraphiQL’s page are not affected', async () => {
  const rest = restClient(fetches.only, { user: provider.accountSid, password: provider.authToken });
  expect((await rest.get('/msteams/enterprises/search')).status).toBe(200);
  const page = await fetches.only(new Request('http://gateway.test/graphql', { headers: { accept: 'text/html' } }));
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
});

describe('an invalid manifest stops the start, with the reason:', () => {
  const start = (file: string) =>
    gateway.another({ graph: { introspection: true, graphiql: true, trustedDocuments: { mode: 'only', file } } });
  test.each([
    ['input that is not JSON', 'nothing', 'it is not JSON'],
    ['another form', [VIEWER], 'it must have Relay’s form'],
    ['another form inside', { id: { text: VIEWER } }, 'it must have Relay’s form'],
    ['another version', { format: 'apollo-persisted-query-manifest', version: 2, operations: [] }, 'it must have Relay’s form'],
    [
      'an operation without a body',
      { format: 'apollo-persisted-query-manifest', version: 1, operations: [{ id: 'x' }] },
      'it must have Relay’s form',
    ],
    [
      'a document of another schema',
      { good: VIEWER, stale: '{ viewer { shoeSize } }' },
      'document stale is not valid against the schema: Cannot query field "shoeSize"',
    ],
    ['an invalid document', { torn: '{ viewer {' }, 'document torn is not valid against the schema: Syntax Error'],
  ])('%s', async (_what, content, why) => {
    const file = await manifest(content);
    const expected = `TRUSTED_DOCUMENTS_FILE is invalid (${file}): ${why.replace('’', "'")}`;
    expect(() => start(file)).toThrow(expect.objectContaining({ name: 'SettingsError', message: expect.stringContaining(expected) }));
  });

  test('no file', () => {
    expect(() => start(join(directory, 'none.json'))).toThrow(
      /^TRUSTED_DOCUMENTS_FILE is invalid \(.*none\.json\): it cannot be read: ENOENT/,
    );
  });
});

describe('with introspection and GraphiQL off, as in production', () => {
  const production = () => gateway.another({ graph: { introspection: false, graphiql: false } }).fetch;
  const graph = () => graphClient(production(), { user: provider.accountSid, password: provider.authToken });

  test.each([
    '{ __schema { queryType { name } } }',
    '{ __type(name: "Query") { name } }',
    '{ ...F } fragment F on Query { a: __schema { description } }',
  ])('the schema is not revealed: %s', async (query) => {
    const { status, data, errors } = await graph()(query);
    expect([status, data ?? null, errors?.[0]?.extensions]).toEqual([400, null, { code: 'INTROSPECTION_OFF' }]);
  });

  test.each([
    ['application/json', 200],
    ['application/graphql-response+json', 400],
  ])('that it is not revealed has the status of its media type: %s', async (accept, status) => {
    const headers = { authorization, accept, 'content-type': 'application/json' };
    const body = JSON.stringify({ query: '{ __schema { queryType { name } } }' });
    const request = () => new Request('http://gateway.test/graphql', { method: 'POST', headers, body });
    expect((await production()(request())).status).toBe(status);
    expect((await fetches.only(request())).status).toBe(status);
  });

  test('__typename works', async () => {
    expect((await graph()('{ __typename viewer { __typename } }')).data).toEqual({ __typename: 'Query', viewer: { __typename: 'Viewer' } });
  });

  test.each([
    ['a field', '{ viewr { permissions } }', {}, 'Cannot query field "viewr" on type "Query".'],
    ['an argument', '{ bots(frst: 1) { totalCount } }', {}, 'Unknown argument "frst" on field "Query.bots".'],
    ['a type', 'query ($order: BotOrde) { bots(orderBy: $order) { totalCount } }', {}, 'Unknown type "BotOrde".'],
    [
      'a value',
      '{ bots(orderBy: { field: DATE_CREATE }) { totalCount } }',
      {},
      'Value "DATE_CREATE" does not exist in "BotOrderField" enum.',
    ],
    [
      'a variable’s value',
      'query ($order: BotOrder) { bots(orderBy: $order) { totalCount } }',
      { order: { field: 'DATE_CREATE' } },
      'Value "DATE_CREATE" does not exist in "BotOrderField" enum.',
    ],
    [
      'a variable’s field',
      'query ($order: BotOrder) { bots(orderBy: $order) { totalCount } }',
      { order: { feld: 'DATE_CREATED', field: 'DATE_CREATED' } },
      'Field "feld" is not defined by type "BotOrder".',
    ],
  ])('an error about %s suggests no name', async (_what, query, variables, message) => {
    const { errors } = await graph()(query, variables);
    expect(errors?.map((error) => error.message).join()).toContain(message);
    expect(JSON.stringify(errors)).not.toContain('Did you mean');
    // Where introspection is on, it does.
    expect(JSON.stringify((await provider.graph(query, variables)).errors)).toContain('Did you mean');
  });

  test('GraphiQL is not served, and the graph is', async () => {
    const page = await production()(new Request('http://gateway.test/graphql', { headers: { accept: 'text/html' } }));
    expect([page.status, page.headers.get('content-type')]).toEqual([401, 'application/json; charset=utf-8']);
    expect((await production()(new Request('http://gateway.test/'))).status).toBe(404);
    expect((await graph()('{ __typename }')).data).toEqual({ __typename: 'Query' });
  });
});
