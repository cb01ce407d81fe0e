import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createLiveGateway, createSender, type LiveGateway, type Sender } from '../support/live.ts';
import { authorizationOf, eventSource, graphqlSse, graphqlWs, MESSAGE_EVENTS, transports } from '../support/transports.ts';

const BUFFER = 20;
let gateway: LiveGateway;
let from: Sender;
beforeAll(async () => {
  gateway = await createLiveGateway({ live: { pollMs: 200, bufferSize: BUFFER } });
  from = await createSender(gateway, await gateway.provider());
  for (let count = 0; count < 300; count += 1) await from.send();
});
afterAll(() => gateway.close());

const place = () => ({ url: gateway.url, provider: from.provider });
const port = () => Number(new URL(gateway.url).port);
const streamsAreGone = () => expect.poll(() => gateway.live.streams, { timeout: 3000 }).toBe(0);
const open: (Socket | WebSocket)[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) {
    if (socket instanceof WebSocket) socket.terminate();
    else socket.destroy();
  }
  await streamsAreGone();
});

async function beginning(): Promise<string> {
  const { logId } = await gateway.database.prisma.eventHead.findUniqueOrThrow({
    where: { organizationSid: from.provider.organizationSid },
  });
  return Buffer.from(`${logId}:0`).toString('base64url');
}

/** The bytes of a subscription over SSE. */
async function sseRequest(query = MESSAGE_EVENTS, variables: Record<string, unknown> = {}): Promise<Socket> {
  const socket = connect(port(), '127.0.0.1');
  open.push(socket);
  socket.on('error', () => {});
  const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  const head = ['Host: x', 'Accept: text/event-stream', `Authorization: ${authorizationOf(from.provider)}`];
  socket.write([`GET /graphql?${search} HTTP/1.1`, ...head, '', ''].join('\r\n'));
  return socket;
}

async function wsRequest(query = MESSAGE_EVENTS, variables: Record<string, unknown> = {}): Promise<WebSocket> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  open.push(socket);
  socket.on('error', () => {});
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: authorizationOf(from.provider) } }));
  await once(socket, 'message');
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }));
  return socket;
}

describe('a client that vanishes leaves nothing behind', () => {
  test.each([
    [
      'SSE',
      async () => sseRequest(MESSAGE_EVENTS, { after: await beginning() }),
      (socket: Socket | WebSocket) => (socket as Socket).destroy(),
    ],
    ['a WebSocket', () => wsRequest(), (socket: Socket | WebSocket) => (socket as WebSocket).terminate()],
  ])('over %s, at any moment', async (_name, request, vanish) => {
    for (let moment = 0; moment < 40; moment += 1) {
      const socket = await request();
      if (moment > 0) await delay(moment);
      vanish(socket);
    }
    await from.send();
    await streamsAreGone();
  });

  test.each(transports.map((transport) => [transport.name, transport] as const))(
    'over %s, while it waits and during a replay',
    async (_name, transport) => {
      const waiting = transport.subscribe(place(), MESSAGE_EVENTS, {});
      await waiting.until(({ updates }) => updates.length > 0);
      const replaying = transport.resume(place(), await beginning());
      await replaying.hasEvents(3);
      expect(gateway.live.streams).toBe(2);
      waiting.close();
      replaying.close();
      await streamsAreGone();
    },
  );
});

/** An answer of 48 kB, so that few fill what the network holds. */
const LARGE = `subscription ($after: String) { messageEvents(after: $after) { ... on Bookmark { cursor } ... on MessageEvent { cursor message { ${Array.from({ length: 30 }, (_, n) => `b${n}: body`).join(' ')} } } } }`;

describe('a client that does not read', () => {
  test.each([
    ['SSE', async () => sseRequest(LARGE)],
    ['a WebSocket', async () => wsRequest(LARGE)],
  ])('over %s gets STREAM_OVERFLOW when it reads again, and delays no others; memory does not grow', async (name, request) => {
    const socket = await request();
    const other = eventSource.subscribe(place(), MESSAGE_EVENTS, {});
    await other.until(({ updates }) => updates.length > 0);
    await expect.poll(() => gateway.live.streams).toBe(2);
    const raw = socket instanceof WebSocket ? (socket as unknown as { _socket: Socket })._socket : socket;
    raw.pause();
    const body = 'x'.repeat(1600);
    let memory = 0;
    for (let count = 0; count < 300; count += 1) {
      await from.send({ body });
      if (count === 150) memory = process.memoryUsage().rss;
    }
    await other.hasEvents(300);
    expect(process.memoryUsage().rss - memory).toBeLessThan(100e6);
    let text = '';
    const take = (data: unknown) => {
      text = (text + data).slice(-5000);
    };
    if (socket instanceof WebSocket) socket.on('message', take);
    else socket.on('data', take);
    raw.resume();
    await expect.poll(() => text, { timeout: 10_000 }).toContain('STREAM_OVERFLOW');
    if (name === 'SSE') expect(text).toContain('event: complete');
    else expect(text).toContain('"type":"error"');
    other.close();
    await streamsAreGone();
  });
});

describe('a subscription without a stream', () => {
  test.each(['text/event-stream;q=0, */*', 'application/json', 'multipart/mixed', 'application/graphql-response+json'])(
    'that accepts %s is refused with 406 and opens nothing',
    async (accept) => {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json', authorization: authorizationOf(from.provider) },
        body: JSON.stringify({ query: MESSAGE_EVENTS }),
      });
      expect([response.status, gateway.live.streams]).toEqual([406, 0]);
    },
  );

  test('that is larger than 1 MiB is refused with 413', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', authorization: authorizationOf(from.provider) },
      body: JSON.stringify({ query: MESSAGE_EVENTS, padding: 'x'.repeat(1024 * 1024) }),
    });
    expect(response.status).toBe(413);
  });
});

test('a draining gateway closes WebSockets with 1001, ends SSE without complete, and accepts no new ones, and its clients continue elsewhere', async () => {
  const leaving = await createLiveGateway();
  const elsewhere = await createSender(leaving, await leaving.provider());
  const at = { url: leaving.url, provider: elsewhere.provider };
  const readers = [graphqlWs, graphqlSse, eventSource].map((transport) => transport.subscribe(at, MESSAGE_EVENTS, {}));
  for (const reader of readers) await reader.until(({ updates }) => updates.length > 0);
  const silent = new WebSocket(`${leaving.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(silent, 'open');
  (silent as unknown as { _socket: Socket })._socket.pause();
  const began = performance.now();
  await leaving.drain();
  expect(performance.now() - began).toBeLessThan(5000);
  for (const reader of readers) await reader.hasEnded();
  expect(readers.map(({ ended, code, errors }) => [ended, code, errors])).toEqual([
    ['cut', 1001, []],
    ['cut', undefined, []],
    ['cut', undefined, []],
  ]);
  expect(leaving.live.streams).toBe(0);
  silent.terminate();
  await leaving.close();
});
