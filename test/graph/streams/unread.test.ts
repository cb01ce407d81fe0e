import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { authorizationOf } from '../../support/credentials.ts';
import type { Provider } from '../../support/gateway.ts';
import { createLiveGateway, type LiveGateway } from '../../support/live.ts';

let gateway: LiveGateway;
let provider: Provider;
beforeAll(async () => {
  gateway = await createLiveGateway();
  provider = await gateway.provider();
});
afterAll(() => gateway.close());

const MEGABYTE = 1024 * 1024;

/** A socket whose client reads nothing until it is resumed. */
async function unreading(isKnown: boolean): Promise<WebSocket> {
  const headers = { authorization: authorizationOf({ user: provider.accountSid, password: provider.authToken }) };
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
  await once(socket, 'open');
  if (isKnown) {
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
  }
  socket.pause();
  return socket;
}

/** Sends as long as it is taken. @returns how many bytes were */
async function sendWhileTaken(socket: WebSocket, message: string, most: number): Promise<number> {
  let taken = 0;
  while (taken < most) {
    const left = new Promise((resolve) => socket.send(message, (error) => resolve(!error)));
    // The kernel's buffers hold some megabytes of their own.
    if (!(await Promise.race([left, new Promise((resolve) => setTimeout(resolve, 500, false))]))) break;
    taken += message.length;
  }
  return taken;
}

test.each([
  ['has not sent connection_init', false],
  ['is authenticated', true],
])('from a client that %s and does not read its responses, nothing more is read', async (_who, isKnown) => {
  const socket = await unreading(isKnown);
  const ping = JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(60_000) } });
  expect(await sendWhileTaken(socket, ping, 64 * MEGABYTE)).toBeLessThan(32 * MEGABYTE);
  socket.terminate();
});

test('pings are answered, a few each second', async () => {
  const socket = await unreading(true);
  socket.resume();
  const pongs: string[] = [];
  socket.on('message', (data) => pongs.push(String(data)));
  const since = performance.now();
  for (let n = 0; n < 3; n += 1) socket.send(JSON.stringify({ type: 'ping', payload: { n } }));
  await expect.poll(() => pongs).toEqual([0, 1, 2].map((n) => `{"type":"pong","payload":{"n":${n}}}`));
  socket.send('{"type":"ping"}');
  await expect.poll(() => pongs.slice(3)).toEqual(['{"type":"pong"}']);
  // 60 KB each is about as much as is read at once.
  const large = JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(60_000) } });
  for (let n = 0; n < 60; n += 1) socket.send(large);
  await expect.poll(() => pongs, { timeout: 20_000 }).toHaveLength(64);
  expect(performance.now() - since).toBeGreaterThan(1000);
  socket.close();
});

test('a client that requests much and reads nothing is disconnected, and others continue', async () => {
  const socket = await unreading(true);
  const closed = once(socket, 'close');
  // Introspection's answer is the largest that needs no data.
  const query = `{ ${Array.from({ length: 8 }, (_, n) => `s${n}: __schema { types { description fields { description args { description } } } }`).join(' ')} }`;
  for (let n = 0; n < 200; n += 1) socket.send(JSON.stringify({ id: String(n), type: 'subscribe', payload: { query } }));
  const [other] = [await unreading(true)];
  other?.resume();
  other?.send('{"type":"ping"}');
  expect(String((await once(other as WebSocket, 'message'))[0])).toBe('{"type":"pong"}');
  socket.resume();
  const [code] = await closed;
  expect(code).toBe(1006);
  other?.close();
});
