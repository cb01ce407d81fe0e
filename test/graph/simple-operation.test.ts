import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { told } from '../execution/both-ways.ts';
import { done, fresh, newBot } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

// One gateway on two ports: on one, common requests take the short way; on the other, all take the general one.

let gateway: TestGateway;
let provider: Provider;
let short: Listener;
let general: Listener;
let mappingSid: string;

beforeAll(async () => {
  const broken = {
    createSubAccount: async () => {
      throw new Error('the inside of it');
    },
  };
  gateway = await createTestGateway();
  provider = await gateway.provider();
  const { app } = gateway;
  const { sid: enterpriseSid } = await done(provider, 'createEnterprise', {
    name: 'Kohl & Söhne 😀 \u2028',
    enterpriseAdmin: { email: fresh.email(), password: 'a-long-password' },
  });
  await done(provider, 'createBot', newBot(enterpriseSid));
  const mapping = { enterpriseSid, microsoftAddress: 'a@kohl.example', externalAddress: fresh.number() };
  ({ sid: mappingSid } = await done(provider, 'createMapping', mapping));
  Object.assign(gateway.gateway.restcomm, { ...createEmbeddedRestcomm(), ...broken });
  short = await listen(app.fetch, { host: '127.0.0.1', port: 0, direct: app.direct });
  general = await listen(app.fetch, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await Promise.all([short.drain(1000), general.drain(1000)]);
  await gateway.close();
});

interface Sent extends RequestInit {
  readonly path?: string;
}

async function answer(listener: Listener, { path = '/graphql', ...init }: Sent) {
  const headers = new Headers(init.headers);
  if (!headers.has('authorization')) {
    headers.set('authorization', `Basic ${Buffer.from(`${provider.accountSid}:${provider.authToken}`).toString('base64')}`);
  }
  return told(await fetch(`${listener.url}${path}`, { ...init, headers }));
}

/** The general answer, with the short way's held against it: at its first time, and where its document is known. */
async function same(sent: Sent) {
  const expected = await answer(general, sent);
  for (let time = 1; time <= 3; time += 1) expect(await answer(short, sent)).toEqual(expected);
  return expected;
}

const post = (body: unknown, headers: Record<string, string> = {}): Sent => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const PAGE = 'query Page($first: Int) { messages(first: $first) { totalCount nodes { sid } pageInfo { hasNextPage } } }';

describe('the fast path’s response equals the general one, byte for byte,', () => {
  test.each<[string, unknown, number]>([
    ['a query', { query: '{ enterprises { nodes { id sid name status admin { email } mappings { nodes { name operational } } } } }' }, 200],
    ['a query with variables', { query: PAGE, variables: { first: 2 } }, 200],
    ['one of several operations', { query: `${PAGE} query Other { __typename }`, operationName: 'Other' }, 200],
    ['null for an optional value', { query: PAGE, variables: null, operationName: null }, 200],
    ['introspection', { query: '{ __schema { queryType { name } } __type(name: "Message") { description } }' }, 200],
    [
      'skipped and included fields',
      { query: 'query ($no: Boolean = false) { viewer { account { sid @skip(if: $no) email @include(if: $no) } } }' },
      200,
    ],
    [
      'a skipped field that is selected again',
      { query: '{ enterprises(first: 1) { nodes @skip(if: true) { ...F } nodes { sid } } } fragment F on Enterprise { name }' },
      200,
    ],
    [
      'an included field that is selected again',
      {
        query:
          'query ($b: Boolean = false) { viewer @include(if: $b) { ...F } viewer { account { sid } } } fragment F on Viewer { permissions }',
      },
      200,
    ],
    ['fields in order after skipping', { query: '{ viewer { account { email @skip(if: true) sid email } } }' }, 200],
    [
      'a key that is an object member',
      { query: '{ __proto__: viewer { constructor: account { __proto__: sid } } viewer { permissions } }' },
      200,
    ],
    [
      'many wrong values',
      {
        query: 'query ($f: EnterpriseFilter) { enterprises(filter: $f) { totalCount } }',
        variables: { f: Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`k${n}`, 1])) },
      },
      200,
    ],
    [
      'too many values',
      {
        query: 'query ($f: EnterpriseFilter) { enterprises(filter: $f) { totalCount } }',
        variables: { f: { statuses: Array(100_000).fill('x') } },
      },
      200,
    ],
    ['a variable of the wrong type', { query: PAGE, variables: { first: 'two' } }, 200],
    ['a missing variable', { query: 'query ($sid: ID!) { message(sid: $sid) { sid } }' }, 200],
    ['a value that the domain refuses', { query: PAGE, variables: { first: 1000 } }, 200],
    ['errors with data', { query: '{ a: messages(first: 101) { totalCount } b: enterprise(sid: "EN1") { sid } }' }, 200],
    ['an unknown field', { query: '{ nothing }' }, 200],
    [
      'unknown fields of any length',
      { query: `{ ${'a'.repeat(100_000)} ...${'b'.repeat(100_000)} ... on ${'c'.repeat(9000)} { d } }` },
      200,
    ],
    ['an invalid document', { query: '{ ' }, 200],
    ['an empty document', { query: '' }, 200],
    ['an unknown operation', { query: PAGE, operationName: 'Nobody' }, 200],
    ['several operations without an operation name', { query: `${PAGE} query Other { __typename }` }, 200],
    ['a subscription', { query: 'subscription { messageEvents { __typename } }' }, 406],
    ['a query that is too costly', { query: '{ enterprises(first: 100) { nodes { mappings(first: 100) { nodes { sid } } } } }' }, 200],
    ['variables that are not an object', { query: PAGE, variables: [1] }, 400],
    ['a query that is not a string', { query: 7 }, 400],
    ['an unknown parameter', { query: PAGE, nothing: true }, 400],
    ['an unknown persisted query', { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }, 200],
    ['an array', [{ query: '{ __typename }' }], 400],
    ['no JSON', '{"query":', 400],
    ['nothing', '', 400],
    ['JSON that is not an object', 'null', 400],
  ])('to %s', async (_what, body, status) => {
    expect((await same(post(body, { accept: 'application/json' }))).status).toBe(status);
  });

  test('to a mutation, which is run only once', async () => {
    const query =
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename ... on SendMessageSuccess { sentMessage { body to } } ... on Error { code message path } } }';
    const send = (to: string) => same(post({ query, variables: { input: { mappingSid, to, body: 'Hello' } } }));
    expect((await send('+4930123')).body).toContain('"body":"Hello"');
    expect(await gateway.gateway.prisma.message.count()).toBe(4);
    expect((await send('nobody')).body).toContain('INVALID_PARAMETER');
    expect(await gateway.gateway.prisma.message.count()).toBe(4);
  });

  test('to a query that fails in part, whose reading of a secret is recorded only once', async () => {
    const query = '{ bots { nodes { clientSecret } } nodes(ids: ["nothing"]) { id } }';
    const readings = () => gateway.gateway.prisma.auditLog.count({ where: { action: 'bot.clientSecret.read' } });
    const before = await readings();
    const { body } = await same(post({ query }));
    expect(JSON.parse(body).errors).toHaveLength(1);
    expect((await readings()) - before).toBe(4);
  });

  test('to a query with a field that the caller must not read, beside one that it may', async () => {
    const { createAccessToken } = (
      await provider.graph(
        'mutation { createAccessToken(input: { expiresIn: 3600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token } } }',
      )
    ).data;
    const query = '{ bots { nodes { sid clientSecret } } auditLog { totalCount } }';
    const { body } = await same(post({ query }, { authorization: `Bearer ${createAccessToken.token}` }));
    expect(JSON.parse(body)).toMatchObject({
      data: { bots: { nodes: [{ clientSecret: null }] }, auditLog: null },
      errors: [{ extensions: { permission: 'AUDIT' } }, { extensions: { permission: 'SECRETS' } }],
    });
  });

  test('to a text and an operation’s name that are together like another text', async () => {
    const text = '{ viewer { account { sid } } }';
    expect((await same(post({ query: `query\n${text}` }))).body).toContain(provider.accountSid);
    expect((await same(post({ query: text, operationName: 'query' }))).body).not.toContain(provider.accountSid);
    expect((await same(post({ query: text }))).body).toContain(provider.accountSid);
    // An empty name counts as absent.
    expect((await same(post({ query: text, operationName: '' }))).body).toContain(provider.accountSid);
  });

  test('to a mutation that fails unexpectedly', async () => {
    const query =
      'mutation ($input: CreateEnterpriseInput!) { viewer: createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { sid } } ... on Error { code } } }';
    const input = { name: 'Other', enterpriseAdmin: { email: fresh.email(), password: 'a-long-password' } };
    const { body } = await same(post({ query, variables: { input } }));
    expect(JSON.parse(body).errors[0].extensions.code).toBe('INTERNAL_SERVER_ERROR');
    expect(body).not.toContain('inside');
  });

  test.each<[string, Sent]>([
    ['a body that is too large', post({ query: `{ __typename } # ${'x'.repeat(1024 * 1024)}` })],
    ['other credentials', post({ query: PAGE }, { authorization: 'Basic bm9ib2R5OmF0IGFsbA==' })],
    ['invalid credentials', post({ query: PAGE }, { authorization: 'nothing' })],
    ['a page of another site', post({ query: PAGE }, { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' })],
    ['plain text', post({ query: PAGE }, { 'content-type': 'text/plain' })],
    ['another charset', post({ query: PAGE }, { 'content-type': 'application/json; charset=latin1' })],
    ['application/graphql-response+json', post({ query: PAGE }, { accept: 'application/graphql-response+json' })],
    ['any media type', post({ query: PAGE }, { accept: '*/*' })],
    ['an unknown media type', post({ query: PAGE }, { accept: 'image/png' })],
    ['a browser that opens GraphiQL', { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }],
    ['a URL with a query string', { ...post({ query: PAGE }), path: '/graphql?x=1' }],
    ['a list of the contract', { path: '/msteams/enterprises/search?pageSize=2&name=kohl' }],
    ['a list requested by HEAD', { path: '/msteams/messages/search', method: 'HEAD' }],
    ['an unknown sid of the contract', { path: '/msteams/messages/search/MSnothing' }],
    ['an unknown path of the contract', { path: '/msteams/nothing' }],
    ['another method of the contract', { path: '/msteams/enterprises/search', method: 'DELETE' }],
    ['an invalid body of the contract', { ...post('{', {}), path: '/msteams/mappings' }],
    ['a body of the contract that is too large', { ...post('x'.repeat(1024 * 1024 + 1)), path: '/msteams/mappings' }],
    ['the description of the contract', { path: '/msteams/openapi.json' }],
  ])('to %s', async (_what, sent) => {
    const { status } = await same(sent);
    expect(status).toBeLessThan(500);
  });

  test('to any selection of any list, in any order and page', async () => {
    const fields = {
      messages: 'sid type body dateCreated mapping{name} events{status}',
      mappings: 'id sid name operational accountEmail',
      enterprises: 'sid name mappingCount messageCount bot{sid}',
    };
    const order = { messages: ['DATE_CREATED', 'FROM', 'TO'], mappings: ['NAME', 'DOMAIN'], enterprises: ['NAME', 'DATE_CREATED'] };
    const asked = fc.constantFrom('messages' as const, 'mappings' as const, 'enterprises' as const).chain((list) =>
      fc.record({
        list: fc.constant(list),
        selected: fc.subarray(fields[list].split(' '), { minLength: 1 }),
        field: fc.constantFrom(...order[list]),
        direction: fc.constantFrom('ASC', 'DESC'),
        page: fc.constantFrom(
          'first: 1',
          'last: 2',
          'first: 0',
          'offset: 1',
          'first: 3, after: "nothing"',
          'first: -1',
          'first: 1, last: 1',
        ),
        wrap: fc.constantFrom(
          (part: string) => `nodes { ${part} }`,
          (part: string) => `edges { cursor node { ${part} } } pageInfo { startCursor hasPreviousPage }`,
          (_part: string) => 'totalCount nodes { ...F }',
        ),
      }),
    );
    const types = { messages: 'Message', mappings: 'Mapping', enterprises: 'Enterprise' };
    await fc.assert(
      fc.asyncProperty(asked, async ({ list, selected, field, direction, page, wrap }) => {
        const inner = wrap(selected.join(' '));
        const fragment = inner.includes('...F') ? ` fragment F on ${types[list]} { ${selected.join(' ')} }` : '';
        await same(post({ query: `{ ${list}(${page}, orderBy: { field: ${field}, direction: ${direction} }) { ${inner} } }${fragment}` }));
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 30) },
    );
  });
});

test('a browser is served GraphiQL over a connection', async () => {
  const response = await fetch(`${short.url}/graphql`, { headers: { accept: 'text/html,*/*;q=0.8' } });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/html');
  expect(await response.text()).toContain('SMS for Microsoft Teams');
});

test('documents that are never used again do not evict those of other accounts', async () => {
  const other = await gateway.provider();
  const known = post({ query: '{ viewer { account { sid } } }' });
  const expected = await same(known);
  for (let number = 0; number < 150; number += 1) {
    const { data } = await other.graph(`{ a${number}: __typename }`, {});
    expect(data).toEqual({ [`a${number}`]: 'Query' });
  }
  expect(await answer(short, known)).toEqual(expected);
});
