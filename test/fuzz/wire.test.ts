import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { WebSockets } from '../../src/graph/streams/websocket.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { until } from '../support/exchange.ts';
import { type Dice, encodedText, hostileHeader, hostileJson, hostileText } from './hostile.ts';
import { INSIDE } from './judge.ts';
import { operationOver } from './operations.ts';
import { bytesOf, HOSTS, NOISE } from './request-bytes.ts';
import { graphRequest, restRequest } from './requests.ts';
import { fuzz, isLong, timeoutOf } from './runs.ts';
import { type End, sendRaw, statusesIn } from './wire.ts';
import { createFuzzWorld, type FuzzWorld } from './world.ts';

// What only a connection can carry: through the listener as src/run.ts sets it up.

let world: FuzzWorld;
let listener: Listener;
let sockets: WebSockets;
const complained = vi.spyOn(console, 'error').mockImplementation(() => {});

beforeAll(async () => {
  world = await createFuzzWorld();
  const { app } = world;
  const connectionLimits = { headersTimeout: 500, requestTimeout: 800, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 50 };
  listener = await listen(app.fetch, { host: '127.0.0.1', port: 0, connectionLimits, direct: app.direct });
  sockets = app.attach(listener.server, listener.addressOf);
});
afterAll(async () => {
  if (isLong) console.log(world.judge.report());
  await sockets.dispose();
  await listener.drain(0);
  await world.close();
});

/** Sends, and then makes sure that the gateway still serves: nothing has failed, and nothing was said to nobody. */
async function survives(told: string, send: () => Promise<void>): Promise<void> {
  await world.judge.calmly(told, async () => {
    await send();
    const after = await fetch(`${listener.url}/health/live`);
    expect([after.status, await after.text(), complained.mock.calls]).toEqual([200, '{"status":"live"}', []]);
  });
}

test('any bytes over a connection get no 5xx, and the next client is served', {
  timeout: timeoutOf(0.55),
}, async () => {
  const { judge, refresh } = world;
  await fuzz({ short: 50, share: 0.55, between: refresh }, async (dice) => {
    const connections = Array.from({ length: 1 + dice.below(6) }, () => {
      const parts = Array.from({ length: 1 + dice.below(3) }, () => {
        if (dice.chance(0.1)) return dice.pick(NOISE);
        return bytesOf(listener.port, dice, dice.chance(0.5) ? graphRequest(world, dice) : restRequest(world, dice));
      });
      const end = dice.pick<End>(['wait', 'wait', 'end', 'destroy']);
      // A client that waits does so until the gateway closes: because of this request, or because it never sent a complete one.
      if (end === 'wait') parts.push('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      return { parts, end };
    });
    const told = connections.map(({ parts, end }) => `${end}: ${JSON.stringify(parts).slice(0, 1200)}`).join('\n');
    await survives(told, async () => {
      const answers = await Promise.all(connections.map(({ parts, end }) => sendRaw(listener.port, parts, end)));
      for (const answer of answers) {
        for (const status of statusesIn(answer)) {
          judge.count('wire', status);
          // 501: a method that nobody knows.
          if (status >= 500 && status !== 501) throw new Error(`${told}\nwas answered ${answer.slice(0, 3000)}`);
        }
        if (INSIDE.test(answer)) throw new Error(`${told}\nshows the inside: ${INSIDE.exec(answer)?.[0]} in ${answer.slice(0, 4000)}`);
      }
    });
  });
});

/** Of graphql-ws, RFC 6455 and our own limits; those that the specification has for a fault (1011, 4500) are not among them. */
const CLOSED_WITH = [1000, 1001, 1002, 1003, 1005, 1007, 1009, 4400, 4401, 4403, 4406, 4408, 4409, 4429];
const TYPES = ['connection_init', 'subscribe', 'complete', 'ping', 'pong', 'next', 'error', '__proto__', '', 'connection_ack'];

function messageOf(dice: Dice): string | Uint8Array {
  const { schema, own, authorizations } = world;
  const ids = ['"1"', '"2"', '"__proto__"', JSON.stringify('é'.repeat(20_000))];
  const id = () => (dice.chance(0.9) ? dice.pick(ids) : dice.draw(hostileJson));
  const kind = dice.below(20);
  if (kind < 3)
    return `{"type":"connection_init","payload":{"Authorization":${dice.chance(0.8) ? JSON.stringify(dice.pick(authorizations)) : dice.draw(hostileJson)}}}`;
  if (kind < 12) {
    const { query, variables } = operationOver(schema, own, dice);
    const payload = dice.chance(0.06)
      ? dice.draw(hostileJson)
      : `{"query":${dice.chance(0.04) ? dice.draw(hostileJson) : JSON.stringify(query)},"variables":${variables}${dice.chance(0.1) ? `,"extensions":${dice.draw(hostileJson)}` : ''}${dice.chance(0.1) ? `,"operationName":${dice.draw(hostileJson)}` : ''}}`;
    return `{"id":${id()},"type":"subscribe","payload":${payload}}`;
  }
  if (kind < 14) return `{"id":${id()},"type":"complete"}`;
  if (kind < 16) return `{"type":${JSON.stringify(dice.pick(TYPES))},"id":${id()},"payload":${dice.draw(hostileJson)}}`;
  if (kind < 17) return dice.pick(['', '{', 'null', '[]', '"ping"', '{"type":{}}', '{"__proto__":{"polluted":true}}', 'x'.repeat(70_000)]);
  if (kind < 18) return randomBytes(1 + dice.below(40));
  return '{"type":"ping"}';
}

test('any messages over a WebSocket get messages of the protocol, and no socket is closed for a fault', {
  timeout: timeoutOf(0.3),
}, async () => {
  const { judge, authorizations, refresh } = world;
  await fuzz({ short: 80, share: 0.3, between: refresh }, async (dice) => {
    const begins = dice.chance(0.8)
      ? [`{"type":"connection_init","payload":{"Authorization":${JSON.stringify(dice.pick(authorizations))}}}`]
      : [];
    const messages = Array.from({ length: 1 + dice.below(6) }, () => messageOf(dice));
    const told = [...begins, ...messages].map((message) => String(message).slice(0, 3000)).join('\n');
    await survives(told, async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/graphql`, dice.chance(0.95) ? 'graphql-transport-ws' : []);
      socket.on('error', () => {});
      const closed = once(socket, 'close');
      const received: string[] = [];
      const hasCome = (wanted: string) =>
        new Promise<void>((resolve) => {
          socket.on('message', (data) => String(data) === wanted && resolve());
        });
      socket.on('message', (data) => void received.push(String(data)));
      await Promise.race([once(socket, 'open'), closed]);
      for (const message of begins) {
        const acknowledged = hasCome('{"type":"connection_ack"}');
        socket.send(message);
        await Promise.race([acknowledged, closed]);
      }
      const answered = hasCome('{"type":"pong","payload":{"last":true}}');
      for (const message of [...messages, '{"type":"ping","payload":{"last":true}}']) {
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      }
      await Promise.race([answered, closed]);
      socket.close();
      const [code] = await closed;
      judge.count('websocket closed', code);
      if (!CLOSED_WITH.includes(code)) throw new Error(`${told}\nclosed the socket with ${code}: ${received.join('\n')}`);
      for (const text of received) {
        const { type, payload } = JSON.parse(text);
        judge.count('websocket', type);
        if (type === 'next') judge.result(told, payload);
        else if (type === 'error') judge.result(told, { errors: payload });
        else expect(['connection_ack', 'ping', 'pong', 'complete']).toContain(type);
      }
    });
  });
});

const FRAMES = [
  [0x81, 0x02, 0x68, 0x69], // not masked
  [0xff, 0x80, 0, 0, 0, 0], // reserved bits and opcode
  [0x83, 0x80, 0, 0, 0, 0],
  [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], // longer than anything
  [0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0],
  [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], // no UTF-8
  [0x80, 0x81, 0, 0, 0, 0, 0x61], // continues nothing
  [0x01, 0x81, 0, 0, 0, 0, 0x7b, 0x81, 0x81, 0, 0, 0, 0, 0x7d], // begins anew before the end
  [0x89, 0xfe, 0, 0x7e, 0, 0, 0, 0], // a ping that is too long
  [0x09, 0x80, 0, 0, 0, 0], // a ping in pieces
  [0x88, 0x81, 0, 0, 0, 0, 0x03], // half a close code
  [0x88, 0x82, 0, 0, 0, 0, 0xff, 0xff],
  [0xc1, 0x81, 0, 0, 0, 0, 0x61], // compressed, without leave
  [0x81],
];

test('any frames and handshakes for a WebSocket end with a closed connection, and the next client is served', {
  timeout: timeoutOf(0.15),
}, async () => {
  await fuzz({ short: 40, share: 0.15 }, async (dice) => {
    const lines = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Protocol: graphql-transport-ws',
    ].map((line) => (dice.chance(0.06) ? `${line.split(':')[0]}: ${dice.draw(hostileHeader)}` : line));
    if (dice.chance(0.15)) lines.push(`Origin: ${dice.pick(['null', 'https://other.example', 'http://[', '__proto__', '\xff'])}`);
    if (dice.chance(0.1))
      lines.push(
        `Sec-WebSocket-Extensions: ${dice.pick(['permessage-deflate; client_max_window_bits=99', ';;;', 'permessage-deflate; __proto__'])}`,
      );
    const path = dice.chance(0.15)
      ? dice.pick(['/', '/graphql?access_token=\xff', '//graphql', '*', `/graphql?${dice.draw(encodedText).slice(0, 3000)}`])
      : '/graphql';
    const head = `GET ${path} HTTP/1.1\r\nHost: ${dice.chance(0.1) ? dice.pick(HOSTS) : 'x'}\r\n${lines.join('\r\n')}\r\n\r\n`;
    const frames = Array.from({ length: 1 + dice.below(4) }, () =>
      dice.chance(0.7) ? Uint8Array.from(dice.pick(FRAMES)) : Buffer.from(dice.draw(hostileText)),
    );
    const told = JSON.stringify([head, ...frames.map((frame) => Buffer.from(frame).toString('hex').slice(0, 500))]);
    await survives(told, async () => {
      const answer = await sendRaw(listener.port, [head, ...frames], dice.chance(0.5) ? 'end' : 'destroy');
      for (const status of statusesIn(answer)) {
        world.judge.count('upgrade', status);
        if (status >= 500) throw new Error(`${told}\nwas answered ${answer}`);
      }
    });
  });
});

test('no connection stays open after its client has gone', async () => {
  const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  await Promise.all(Array.from({ length: 10 }, () => sendRaw(listener.port, [upgrade, 'x'.repeat(200_000)], 'end')));
  const open = () => new Promise<number>((resolve) => void listener.server.getConnections((_, count) => resolve(count)));
  // Those of the fetches, which are kept for the next.
  await until(async () => (await open()) <= 4, 20_000);
});
