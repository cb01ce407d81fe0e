import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createApp } from '../../src/app.ts';
import { createLive } from '../../src/live/live.ts';
import { listen } from '../../src/server/server.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { committed, createSender } from '../support/live.ts';
import type { Update } from '../support/reader.ts';
import { MESSAGE_EVENTS } from '../support/transports.ts';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
if (!chromium) console.log('A real browser is not tested: there is no chromium here (apt-get install chromium)');

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

/** A client, connected to `url` with the token until `close`. It hands over each answer. */
type Start = (url: string, token: string, received: (answer: unknown) => void) => { close: () => Promise<void> };

/** graphql-ws: its client connects again with the variables as they are then. */
const graphqlWsClient: Start = (url, token, received) => {
  const client = createWsClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 10_000,
    retryWait: () => delay(50),
    // Else it gives up where nobody listens for a moment.
    shouldRetry: () => true,
  });
  const variables: Record<string, unknown> = {};
  const sink = {
    next: (answer: unknown) => {
      variables.after = (answer as { data: { messageEvents: Update } }).data.messageEvents.cursor;
      received(answer);
    },
    error: () => {},
    complete: () => {},
  };
  client.subscribe({ query: MESSAGE_EVENTS, variables }, sink);
  return { close: async () => client.dispose() };
};

/** graphql-sse: its client connects again with the headers as they are then. */
const graphqlSseClient: Start = (url, token, received) => {
  let lastEventId: string | undefined;
  const client = createSseClient({
    url: `${url}/graphql`,
    headers: () => ({ authorization: `Bearer ${token}`, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) }),
    retryAttempts: 10_000,
    retry: () => delay(50),
  });
  const sink = {
    next: (answer: unknown) => {
      lastEventId = (answer as { data: { messageEvents: Update } }).data.messageEvents.cursor;
      received(answer);
    },
    error: () => {},
    complete: () => {},
  };
  client.subscribe({ query: MESSAGE_EVENTS }, sink);
  return { close: async () => client.dispose() };
};

/** All that a page needs: no line of it is about connecting again. */
const page = (token: string) => `<!doctype html><script>
  const source = new EventSource('/graphql?' + new URLSearchParams({ query: ${JSON.stringify(MESSAGE_EVENTS)}, access_token: '${token}' }));
  source.addEventListener('next', ({ data }) => fetch('/received', { method: 'POST', body: data }));
</script>`;

const browser: Start = (url) => {
  const profile = mkdtemp(join(tmpdir(), 'gateway-browser-'));
  const running = profile.then((directory) =>
    spawn(
      String(chromium),
      ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${directory}`, `${url}/page`],
      { stdio: 'ignore' },
    ),
  );
  return {
    close: async () => {
      const child = await running;
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await ended;
      await rm(await profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
};

/** One gateway's live streams behind a port, next to the page and the data it has received. */
async function serve(port: number, token: string, received: (answer: unknown) => void) {
  const { statements } = gateway;
  const { prisma, sql, log } = gateway.gateway;
  const live = createLive({ prisma, sql, inTurn: statements, log, pollMs: 50 });
  const contract = { restTimestamps: 'iso', restBotSecrets: 'plain' } as const;
  const app = createApp({ gateway: gateway.gateway, live, statements, contract, log, isReady: () => true });
  const listener = await listen(
    async (request, peer) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/page') return new Response(page(token), { headers: { 'content-type': 'text/html' } });
      if (pathname !== '/received') return app.fetch(request, peer);
      received(await request.json());
      return new Response(null, { status: 204 });
    },
    { host: '127.0.0.1', port },
  );
  const sockets = app.attach(listener.server);
  return {
    live,
    url: listener.url,
    port: listener.port,
    goes: async () => {
      sockets.goAway();
      app.drain();
      await listener.drain(1000);
      await sockets.dispose();
    },
  };
}

const clients: [string, Start][] = [
  ['the graphql-ws client', graphqlWsClient],
  ['the graphql-sse client', graphqlSseClient],
];
if (chromium) clients.push(['a browser’s EventSource', browser]);

test.each(clients)('%s reconnects by itself when the gateway stops, and continues where it was', async (_name, start) => {
  const from = await createSender(gateway, await gateway.provider());
  const { data } = await from.provider.graph(
    'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token } } }',
  );
  const { token } = data.made;
  const log: string[] = [];
  const received = (answer: unknown) => {
    const { __typename, message, status } = (answer as { data: { messageEvents: Update } }).data.messageEvents;
    if (__typename === 'MessageEvent') log.push(`${message.sid} ${status}`);
  };
  const first = await serve(0, token, received);
  const client = start(first.url, token, received);
  await expect.poll(() => first.live.streams, { timeout: 40_000 }).toBe(1);
  const sid = await from.send();
  await from.send();
  await expect.poll(() => log, { timeout: 10_000 }).toHaveLength(2);
  await first.goes();
  // While the client is away.
  await from.advance(sid, { status: 'SENDING' });
  await from.advance(sid, { status: 'SENT' });
  const second = await serve(first.port, token, received);
  await expect.poll(() => second.live.streams, { timeout: 30_000 }).toBe(1);
  await from.advance(sid, { status: 'DELIVERED' });
  await expect.poll(() => log, { timeout: 10_000 }).toHaveLength(5);
  expect(log).toEqual(await committed(gateway, from.provider));
  await client.close();
  await second.goes();
});
