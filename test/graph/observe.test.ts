import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { OperationReport } from '../../src/execution/operations.ts';
import type { WebSockets } from '../../src/graph/streams/websocket.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { authorizationOf } from '../support/credentials.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

/** Reports made since the last `taken`. */
const reports: OperationReport[] = [];

let gateway: TestGateway;
let provider: Provider;
let authorization: string;
let listener: Listener;
let sockets: WebSockets;
beforeAll(async () => {
  const createSubAccount = async () => {
    throw new Error('the platform is broken');
  };
  gateway = await createTestGateway({
    platforms: { restcomm: { ...createEmbeddedRestcomm(), createSubAccount } },
    access: { observe: (report) => void reports.push(report) },
  });
  provider = await gateway.provider();
  authorization = authorizationOf({ user: provider.accountSid, password: provider.authToken });
  listener = await listen(gateway.app.fetch, { host: '127.0.0.1', port: 0, direct: gateway.app.direct });
  sockets = gateway.app.attach(listener.server);
});
afterAll(async () => {
  sockets.goAway();
  gateway.app.drain();
  await listener.drain(1000);
  await sockets.dispose();
  await gateway.close();
});

/** The reports, each with its caller's account, and without its duration, which must be one. */
function taken() {
  return reports.splice(0).map(({ caller, durationMs, label: _, ...report }) => {
    expect(durationMs).toBeGreaterThanOrEqual(0);
    return { ...report, accountSid: caller.accountSid };
  });
}

/** The one report that there must be. */
const report = (report: Partial<OperationReport>) => [
  { face: 'graph', kind: 'query', outcome: 'OK', planned: false, ...report, accountSid: provider.accountSid },
];

async function post(query: string, variables: object = {}) {
  const headers = { authorization, 'content-type': 'application/json' };
  const response = await fetch(`${listener.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

async function rest(method: string, path: string): Promise<number> {
  return (await fetch(`${listener.url}${path}`, { method, headers: { authorization } })).status;
}

const NOBODY = `BE${'0'.repeat(32)}`;
const MAPPINGS = 'query Mappings { mappings(first: 3) { nodes { sid name } } }';
const VIEWER = 'query Permissions { viewer { permissions } }';
const TOO_MANY = 'query TooMany { bots(first: 101) { totalCount } }';
const DELETE = 'mutation Delete($input: DeleteMappingInput!) { deleteMapping(input: $input) { ... on Error { code } } }';
const CREATE = 'mutation Create($input: CreateEnterpriseInput!) { createEnterprise(input: $input) { ... on Error { code } } }';
const ENTERPRISE = { name: 'Kohl', enterpriseAdmin: { email: 'admin@kohl.example', password: 'a-long-password' } };
const EVENTS = 'subscription Events { messageEvents { __typename } }';

describe('each operation is reported once:', () => {
  test.each([
    ['that is planned, but not the first time', MAPPINGS, {}, { name: 'Mappings' }, { planned: true }],
    ['that is not planned', VIEWER, {}, { name: 'Permissions' }, {}],
    ['that fails', TOO_MANY, {}, { name: 'TooMany', outcome: 'INVALID_PARAMETER' }, {}],
    ['without a name', '{ __typename }', {}, { name: undefined }, { planned: false }],
    [
      'that answers an error as data',
      DELETE,
      { input: { sid: NOBODY } },
      { name: 'Delete', kind: 'mutation', outcome: 'MAPPING_NOT_FOUND' },
      {},
    ],
    ['that fails unexpectedly', CREATE, { input: ENTERPRISE }, { name: 'Create', kind: 'mutation', outcome: 'INTERNAL_SERVER_ERROR' }, {}],
  ] as const)('one %s, by Yoga and the fast path', async (_, query, variables, expected, expectedTheSecondTime) => {
    const first = await post(query, variables);
    expect(taken()).toEqual(report(expected));
    for (let time = 2; time <= 3; time += 1) {
      expect(await post(query, variables)).toEqual(first);
      expect(taken()).toEqual(report({ ...expected, ...expectedTheSecondTime }));
    }
  });

  test('one by GET', async () => {
    const response = await fetch(`${listener.url}/graphql?query=${encodeURIComponent(VIEWER)}`, { headers: { authorization } });
    expect(response.status).toBe(200);
    expect(taken()).toEqual(report({ name: 'Permissions' }));
  });

  test('one of REST, by its name in the contract, and whether it was planned', async () => {
    expect(await rest('GET', '/msteams/messages/search')).toBe(200);
    expect(taken()).toEqual(report({ face: 'contract', name: 'searchMessages', planned: true }));
    expect(await rest('HEAD', '/msteams/mappings/search')).toBe(200);
    expect(taken()).toEqual(report({ face: 'contract', name: 'searchMappings' }));
    expect(await rest('GET', `/msteams/mappings/search/${NOBODY}`)).toBe(409);
    expect(taken()).toEqual(report({ face: 'contract', name: 'getMapping', outcome: 'MAPPING_NOT_FOUND' }));
    expect(await rest('DELETE', `/msteams/mappings/${NOBODY}`)).toBe(409);
    expect(taken()).toEqual(report({ face: 'contract', name: 'deleteMapping', kind: 'mutation', outcome: 'MAPPING_NOT_FOUND' }));
  });

  test('a subscription over server-sent events, once it is open', async () => {
    const aborting = new AbortController();
    const response = await fetch(`${listener.url}/graphql?query=${encodeURIComponent(EVENTS)}`, {
      headers: { authorization, accept: 'text/event-stream' },
      signal: aborting.signal,
    });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(taken()).toEqual(report({ name: 'Events', kind: 'subscription' }));
    aborting.abort();
  });

  test('a query and a subscription over a WebSocket', async () => {
    const socket = new WebSocket(`${listener.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers: { authorization } });
    const messages: { id?: string; type: string }[] = [];
    socket.on('message', (data) => messages.push(JSON.parse(String(data))));
    const has = (type: string, id?: string) =>
      expect.poll(() => messages).toContainEqual(expect.objectContaining({ type, ...(id && { id }) }));
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await has('connection_ack');
    for (const [id, query, expected] of [
      ['1', VIEWER, { name: 'Permissions' }],
      ['2', TOO_MANY, { name: 'TooMany', outcome: 'INVALID_PARAMETER' }],
      [
        '3',
        DELETE.replace('($input: DeleteMappingInput!)', '').replace('$input', `{ sid: "${NOBODY}" }`),
        { name: 'Delete', kind: 'mutation', outcome: 'MAPPING_NOT_FOUND' },
      ],
      ['4', EVENTS, { name: 'Events', kind: 'subscription' }],
    ] as const) {
      socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query } }));
      await has('next', id);
      expect(taken()).toEqual(report(expected));
    }
    socket.close();
  });

  test('but none that was not run', async () => {
    await post('query Unknown { nothing }');
    await post('query Costly { enterprises(first: 100) { nodes { mappings(first: 100) { nodes { sid } } } } }');
    expect(await rest('GET', '/msteams/nothing')).toBe(404);
    expect(await rest('GET', '/msteams/mappings/search?page=-1')).toBe(400);
    expect((await fetch(`${listener.url}/graphql?query={__typename}`)).status).toBe(401);
    expect(taken()).toEqual([]);
  });
});
