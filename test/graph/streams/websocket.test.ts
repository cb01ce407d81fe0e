import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createLiveGateway, createSender, type LiveGateway, type Sender } from '../../support/live.ts';
import { authorizationOf, MESSAGE_EVENTS } from '../../support/transports.ts';

let gateway: LiveGateway;
let from: Sender;
beforeAll(async () => {
  gateway = await createLiveGateway({ live: { pollMs: 200 } });
  from = await createSender(gateway, await gateway.provider());
});
afterAll(() => gateway.close());

const open: WebSocket[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate();
  await expect.poll(() => gateway.live.streams, { timeout: 2000 }).toBe(0);
});

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket that speaks the protocol word by word. */
class Socket {
  readonly messages: Message[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;

  constructor(headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    open.push(this.socket);
    this.socket.on('message', (data) => this.messages.push(JSON.parse(String(data))));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async has(type: string, count = 1): Promise<Message> {
    const found = () => this.messages.filter((message) => message.type === type)[count - 1];
    while (!found()) await once(this.socket, 'message');
    return found() as Message;
  }

  /** Connected, with credentials in the payload. */
  static async ready(): Promise<Socket> {
    const socket = new Socket();
    await once(socket.socket, 'open');
    socket.send({ type: 'connection_init', payload: { Authorization: authorizationOf(from.provider) } });
    await socket.has('connection_ack');
    return socket;
  }

  static async opened(headers?: Record<string, string>): Promise<Socket> {
    const socket = new Socket(headers);
    await once(socket.socket, 'open');
    return socket;
  }
}

const subscribe = (id: string, query = MESSAGE_EVENTS, variables = {}) => ({ id, type: 'subscribe', payload: { query, variables } });

describe('the cost of an operation', () => {
  const VIEWER = '{ enterprises(first: 10) { nodes { sid } } }';
  const cost = { requested: expect.any(Number), limit: 5000, rate: null };
  const first = async (parameters: object, extensions: object | undefined, query: string) => {
    const socket = await Socket.opened();
    // The names are those of headers, so their case does not matter.
    socket.send({ type: 'connection_init', payload: { AUTHORIZATION: authorizationOf(from.provider), ...parameters } });
    await socket.has('connection_ack');
    socket.send({ id: '1', type: 'subscribe', payload: { query, extensions } });
    return { socket, result: (await socket.has('next')).payload as { extensions?: object } };
  };

  test.each([
    ['the connection’s parameters', { 'X-GraphQL-Cost': 'include' }, undefined],
    ['the operation’s extensions', {}, { 'x-graphql-cost': 'include' }],
  ])('is in the extensions of a result if %s ask for it', async (_what, parameters, extensions) => {
    const { result } = await first(parameters, extensions, VIEWER);
    expect(result).toEqual({ data: { enterprises: { nodes: expect.any(Array) } }, extensions: { cost } });
    expect(result.extensions).toMatchObject({ cost: { requested: 11 } });
  });

  test('is in the first result of a stream only', async () => {
    const { socket, result } = await first({ 'x-graphql-cost': 'include' }, undefined, MESSAGE_EVENTS);
    expect(result).toEqual({ data: { messageEvents: expect.objectContaining({ __typename: 'Bookmark' }) }, extensions: { cost } });
    await from.send();
    expect((await socket.has('next', 2)).payload).not.toHaveProperty('extensions');
  });

  test.each([
    ['costs too much', '{ enterprises(first: 100) { nodes { mappings(first: 100) { nodes { sid } } } } }'],
    ['cannot begin', 'subscription { messageEvents(after: "x") { __typename } }'],
  ])('is in the extensions of each error of an operation that %s', async (_what, query) => {
    const errorsOf = async (parameters: object) => {
      const socket = await Socket.opened();
      socket.send({ type: 'connection_init', payload: { Authorization: authorizationOf(from.provider), ...parameters } });
      await socket.has('connection_ack');
      socket.send({ id: '1', type: 'subscribe', payload: { query } });
      return (await socket.has('error')).payload;
    };
    expect(await errorsOf({ 'x-graphql-cost': 'include' })).toEqual([
      expect.objectContaining({ extensions: expect.objectContaining({ code: expect.any(String), cost }) }),
    ]);
    expect(JSON.stringify(await errorsOf({}))).not.toContain('"cost":{');
  });

  test('is not told to others', async () => {
    for (const [parameters, extensions] of [
      [{}, undefined],
      [{ 'x-graphql-cost': 'no' }, { 'x-graphql-cost': 1 }],
    ] as const) {
      expect((await first(parameters, extensions, VIEWER)).result).not.toHaveProperty('extensions');
    }
  });
});

describe('a connection', () => {
  test('without connection_init is closed with 4408', async () => {
    expect(await (await Socket.opened()).closed).toBe(4408);
  });

  test('that subscribes before it is acknowledged is closed with 4401', async () => {
    const socket = await Socket.opened();
    socket.send(subscribe('1'));
    expect(await socket.closed).toBe(4401);
  });

  test('with a second connection_init is closed with 4429', async () => {
    const socket = await Socket.ready();
    socket.send({ type: 'connection_init' });
    expect(await socket.closed).toBe(4429);
  });

  test.each([
    ['without credentials', undefined],
    ['with wrong credentials', { Authorization: 'Basic QUM6eA==' }],
    ['with an invalid header', { Authorization: { toString: 1 } }],
  ])('%s is closed with 4403', async (_what, payload) => {
    const socket = await Socket.opened();
    socket.send({ type: 'connection_init', payload });
    expect(await socket.closed).toBe(4403);
  });

  test('whose upgrade a proxy has removed gets 426', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      headers: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' },
    });
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(await response.json()).toEqual({
      errors: [{ message: expect.stringMatching(/proxy/), extensions: { code: 'UPGRADE_REQUIRED' } }],
    });
  });

  test('may have its credentials in the upgrade’s headers, but not from another site’s page', async () => {
    const authorization = authorizationOf(from.provider);
    for (const headers of [{ authorization }, { authorization, origin: gateway.url }] as Record<string, string>[]) {
      const socket = await Socket.opened(headers);
      socket.send({ type: 'connection_init' });
      await socket.has('connection_ack');
    }
    for (const origin of ['https://evil.example', 'null']) {
      // Refused as it is upgraded.
      expect(await new Socket({ authorization, origin }).closed).toBe(1006);
    }
  });

  test('runs an operation with an empty name like one without a name', async () => {
    const socket = await Socket.ready();
    socket.send({ id: '1', type: 'subscribe', payload: { query: 'query Named { __typename }', operationName: '' } });
    expect(await socket.has('next')).toMatchObject({ id: '1', payload: { data: { __typename: 'Query' } } });
  });

  test('with an unknown message is closed with 4400, with a message above 64 KiB with 1009, with a repeated subscription id with 4409', async () => {
    const unknown = await Socket.ready();
    unknown.send('{"type":"nothing"}');
    expect(await unknown.closed).toBe(4400);
    const large = await Socket.ready();
    large.send({ ...subscribe('1'), padding: 'x'.repeat(64 * 1024) });
    expect(await large.closed).toBe(1009);
    const twice = await Socket.ready();
    twice.send(subscribe('1'));
    await twice.has('next');
    twice.send(subscribe('1'));
    expect(await twice.closed).toBe(4409);
  });

  test('answers a ping with its payload unchanged, whatever it contains', async () => {
    const socket = await Socket.ready();
    const payload = { $rendered: 1, payload: { $rendered: 2 } };
    socket.send({ type: 'ping', payload });
    expect((await socket.has('pong')).payload).toEqual(payload);
  });

  test('to another path or with a malformed one is refused, and the gateway keeps running', async () => {
    for (const target of ['/other', '//', '/graphql/x', 'http://[']) {
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
      const head = [
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ];
      socket.write([`GET ${target} HTTP/1.1`, ...head, '', ''].join('\r\n'));
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(/^HTTP\/1\.1 4/);
      socket.destroy();
    }
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
  });
});

describe('operations', () => {
  test('queries and mutations get one result each, and complete', async () => {
    const socket = await Socket.ready();
    socket.send(subscribe('q', '{ viewer { account { sid } } }'));
    expect(await socket.has('next')).toMatchObject({
      id: 'q',
      payload: { data: { viewer: { account: { sid: from.provider.accountSid } } } },
    });
    await socket.has('complete');
    socket.send(
      subscribe('m', 'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename ... on Error { code } } }', {
        input: { mappingSid: 'BE00000000000000000000000000000000', to: '+15550100', body: 'x' },
      }),
    );
    expect(await socket.has('next', 2)).toMatchObject({ id: 'm', payload: { data: { sendMessage: { code: 'MAPPING_NOT_FOUND' } } } });
    await socket.has('complete', 2);
  });

  test('an operation that cannot be run gets an error message, and the connection stays open', async () => {
    const socket = await Socket.ready();
    for (const query of [
      '{',
      '{ nothing }',
      'subscription { messageEvents(after: "x") { __typename } }',
      'query a { viewer { account { sid } } } query b { __typename }',
    ]) {
      const count = socket.messages.filter(({ type }) => type === 'error').length;
      socket.send(subscribe(String(count), query));
      expect(await socket.has('error', count + 1)).toMatchObject({ id: String(count), payload: [{ message: expect.any(String) }] });
    }
    // Where in the document, as over the other transports.
    expect(socket.messages.filter(({ type }) => type === 'error')[2]?.payload).toMatchObject([
      { locations: [{ line: 1, column: 16 }], path: ['messageEvents'], extensions: { code: 'CURSOR_INVALID' } },
    ]);
    socket.send({ type: 'ping' });
    await socket.has('pong');
  });

  test('a result is sent with the client’s id, whatever characters it has', async () => {
    const socket = await Socket.ready();
    const id = '"}\n{"type":"next",\u2028\\';
    socket.send(subscribe(id));
    expect((await socket.has('next')).id).toBe(id);
  });

  test('events are sent with each subscription’s own id, in order, on many sockets and several times on one', async () => {
    const ids = ['1', '2', 'a "longer" one', 'ключ'];
    const sockets = await Promise.all([Socket.ready(), Socket.ready(), Socket.ready()]);
    for (const socket of sockets) for (const id of ids) socket.send(subscribe(id));
    for (const socket of sockets) await socket.has('next', ids.length);
    const sids: string[] = [];
    for (let count = 0; count < 5; count += 1) sids.push(await from.send());
    for (const socket of sockets) {
      await socket.has('next', ids.length * (1 + sids.length));
      for (const id of ids) {
        const payloads = socket.messages.filter((message) => message.id === id).map(({ payload }) => payload);
        expect(payloads.slice(1)).toMatchObject(sids.map((sid) => ({ data: { messageEvents: { message: { sid } } } })));
      }
    }
    // One of them ends, and the others go on.
    const socket = sockets[0] as Socket;
    socket.send({ id: '1', type: 'complete' });
    await expect.poll(() => gateway.live.streams).toBe(sockets.length * ids.length - 1);
    await from.send();
    await socket.has('next', ids.length * (1 + sids.length) + ids.length - 1);
    expect(socket.messages.filter(({ id }) => id === '1')).toHaveLength(1 + sids.length);
  });

  test('a completed subscription’s stream ends at once, even if another took its id before it had begun', async () => {
    const socket = await Socket.ready();
    socket.send(subscribe('1'));
    await socket.has('next');
    expect(gateway.live.streams).toBe(1);
    socket.send({ id: '1', type: 'complete' });
    await expect.poll(() => gateway.live.streams).toBe(0);
    for (let count = 0; count < 5; count += 1) {
      socket.send(subscribe('2'));
      socket.send({ id: '2', type: 'complete' });
    }
    socket.send(subscribe('2'));
    await socket.has('next', 2);
  });

  test('an unexpected failure is masked', async () => {
    const { prisma } = gateway.gateway;
    const socket = await Socket.ready();
    const lost = Object.assign(Object.create(prisma), { account: { findMany: () => Promise.reject(new Error('secret of the database')) } });
    Object.assign(gateway.gateway, { prisma: lost });
    socket.send(subscribe('1', '{ viewer { account { sid } } }'));
    const message = await Promise.race([socket.has('next'), socket.has('error')]);
    Object.assign(gateway.gateway, { prisma });
    expect(JSON.stringify(message)).toContain('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(message)).not.toContain('secret');
  });
});
