import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { type Listener, listen } from '../../src/http/server.ts';
import { createLive } from '../../src/live/live.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { committed, createSender } from '../support/live.ts';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
if (!chromium) console.log('A real browser is not tested: there is no chromium here (apt-get install chromium)');

let gateway: TestGateway;
let profile: string;
let browser: ChildProcess | undefined;
beforeAll(async () => {
  gateway = await createTestGateway();
  profile = await mkdtemp(join(tmpdir(), 'gateway-browser-'));
});
afterAll(async () => {
  if (browser?.exitCode === null) browser.kill('SIGKILL');
  await gateway.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
});

/** All that a page needs: no line of it is about connecting again. */
const page = (token: string) => `<!doctype html><script>
  const query = 'subscription { messageEvents { __typename ... on Bookmark { cursor } ... on MessageEvent { cursor status message { sid } } } }';
  const source = new EventSource('/graphql?' + new URLSearchParams({ query, access_token: '${token}' }));
  source.addEventListener('next', ({ data }) => fetch('/received', { method: 'POST', body: data }));
</script>`;

/** One gateway process' live streams behind a port; the page and what it has received beside them. */
async function serve(port: number, token: string, received: string[]) {
  const live = createLive({ prisma: gateway.database.prisma, log: gateway.gateway.log, pollMs: 50 });
  const contract = { restTimestamps: 'iso', restBotSecrets: 'plain' } as const;
  const app = createApp({ gateway: gateway.gateway, live, contract, log: gateway.gateway.log, isReady: () => true });
  const lastEventIds: (string | null)[] = [];
  const listener: Listener = await listen(
    async (request, peer) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/page') return new Response(page(token), { headers: { 'content-type': 'text/html' } });
      if (pathname === '/received') {
        const { messageEvents } = JSON.parse(await request.text()).data;
        if (messageEvents.__typename === 'MessageEvent') received.push(`${messageEvents.message.sid} ${messageEvents.status}`);
        return new Response(null, { status: 204 });
      }
      if (pathname === '/graphql') lastEventIds.push(request.headers.get('last-event-id'));
      return app.fetch(request, peer);
    },
    { host: '127.0.0.1', port },
  );
  return { live, app, listener, lastEventIds };
}

it.runIf(chromium)('a browser’s EventSource connects again by itself when the gateway goes, and continues where it was', async () => {
  const from = await createSender(gateway, await gateway.provider());
  const { data } = await from.provider.graph(
    'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on IssuedAccessToken { token } ... on Error { message } } }',
  );
  const received: string[] = [];
  const first = await serve(0, data.made.token, received);
  browser = spawn(
    chromium as string,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${first.listener.port}/page`,
    ],
    { stdio: 'ignore' },
  );
  await expect.poll(() => first.live.streams, { timeout: 40_000 }).toBe(1);
  const sid = await from.send();
  await from.send();
  await expect.poll(() => received, { timeout: 10_000 }).toHaveLength(2);
  first.app.drain();
  await first.listener.drain(1000);
  // While the browser is away.
  await from.advance(sid, { status: 'SENDING' });
  await from.advance(sid, { status: 'SENT' });
  const second = await serve(first.listener.port, data.made.token, received);
  await expect.poll(() => second.live.streams, { timeout: 30_000 }).toBe(1);
  await from.advance(sid, { status: 'DELIVERED' });
  await expect.poll(() => received, { timeout: 10_000 }).toHaveLength(5);
  expect(received).toEqual(await committed(gateway, from.provider));
  expect(first.lastEventIds).toEqual([null]);
  expect(second.lastEventIds[0]).toEqual(expect.stringMatching(/^[\w-]{40,}$/));
  second.app.drain();
  await second.listener.drain(1000);
});
