import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { trimEvents } from '../../src/domain/events/events.ts';
import { type FaultProxy, startFaultProxy } from '../fakes/fault-proxy.ts';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { createLiveGateway, createSender, type LiveGateway, type Sender } from '../support/live.ts';
import { Example } from './start-example.ts';

/** The pages' origins, added once they are served. */
const corsOrigins: string[] = [];
let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await createLiveGateway({ access: { corsOrigins } });
});
afterAll(() => gateway.close());

let proxy: FaultProxy;
let from: Sender;
let server: Example;
let url: string;
beforeEach(async () => {
  proxy = await startFaultProxy(gateway.url);
  from = await createSender(gateway, await gateway.provider());
  const { accountSid, authToken } = from.provider;
  server = new Example('event-source/serve.mjs', new URL(proxy.url).origin, { user: accountSid, password: authToken });
  await server.says(/Open \S+\n/);
  url = /Open (\S+)/.exec(server.stdout)?.[1] ?? '';
  corsOrigins.push(url);
});
afterEach(async () => {
  await server.end('SIGTERM');
  await proxy.close();
});

describe('examples/event-source/serve.mjs', () => {
  test('gives a read-only token to its own page only', async () => {
    const session = (headers: Record<string, string>) => fetch(`${url}/session`, { method: 'POST', headers });
    expect((await session({})).status).toBe(404);
    expect((await session({ 'sec-fetch-site': 'cross-site' })).status).toBe(404);
    const response = await session({ 'sec-fetch-site': 'same-origin' });
    const { gatewayUrl, token } = (await response.json()) as { gatewayUrl: string; token: string };
    const answer = await fetch(`${gatewayUrl}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ viewer { permissions } }' }),
    });
    expect(await answer.json()).toEqual({ data: { viewer: { permissions: ['READ'] } } });
  });

  test('serves only the page’s three files', async () => {
    for (const path of ['/', '/live-messages.js', '/style.css']) {
      const response = await fetch(`${url}${path}`);
      expect([response.status, response.headers.get('content-security-policy')]).toEqual([
        200,
        expect.stringContaining(`connect-src 'self' ${new URL(proxy.url).origin}`),
      ]);
      await response.text();
    }
    for (const path of ['/serve.mjs', '/..%2fenvironment.mjs', '/session', '/toString'])
      expect((await fetch(`${url}${path}`)).status).toBe(404);
  });
});

describe.skipIf(!chromiumPath)('examples/event-source in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  let page: Page;
  let complaints: string[];
  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    await page.locator('#connection', { hasText: /^Live$/ }).waitFor();
  });
  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const row = (sid: string) => page.locator(`tr[data-sid="${sid}"]`);
  const showsStatus = (sid: string, status: string) => page.locator(`tr[data-sid="${sid}"][data-status="${status}"]`).waitFor();
  const order = () => page.locator('#messages tr').evaluateAll((rows) => rows.map((shown) => shown.getAttribute('data-sid')));
  const isLive = (state: string) => page.locator(`#connection[data-state="${state}"]`).waitFor();

  test('shows each message in its row, as text, with its current status', async () => {
    await page.getByText('No messages yet').waitFor();
    const body = '<img src=x onerror=alert(1)>';
    const first = await from.send({ body });
    await row(first).waitFor();
    expect(await row(first).locator('.body').textContent()).toBe(body);
    const second = await from.send();
    await from.advance(first, { status: 'SENDING' });
    await from.advance(first, { status: 'FAILED', errorMessage: 'The number is unreachable' });
    await showsStatus(first, 'FAILED');
    await row(first).getByText('The number is unreachable').waitFor();
    expect(await order()).toEqual([second, first]);
    expect(await page.getByText('No messages yet').isVisible()).toBe(false);
    await page.reload();
    await showsStatus(first, 'FAILED');
    expect(await order()).toEqual([second, first]);
  });

  test('continues after a lost connection', async () => {
    const sid = await from.send();
    await showsStatus(sid, 'QUEUED');
    proxy.refuse();
    await isLive('connecting');
    await from.advance(sid, { status: 'SENDING' });
    await from.advance(sid, { status: 'SENT' });
    const second = await from.send();
    await proxy.heal();
    await showsStatus(sid, 'SENT');
    await row(second).waitFor();
    await isLive('live');
  });

  test('gets a new token when its token is revoked, and continues', async () => {
    const sid = await from.send();
    await showsStatus(sid, 'QUEUED');
    const { data } = await from.provider.graph('{ accessTokens(last: 1) { nodes { sid } } }');
    const session = page.waitForResponse(`${url}/session`);
    await from.provider.graph('mutation ($sid: ID!) { revokeAccessToken(input: { sid: $sid }) { __typename } }', {
      sid: data.accessTokens.nodes[0].sid,
    });
    await session;
    await from.advance(sid, { status: 'SENDING' });
    await showsStatus(sid, 'SENDING');
    await isLive('live');
  });

  test('starts over when its cursor has expired', async () => {
    const old = await from.send();
    await row(old).waitFor();
    proxy.refuse();
    await isLive('connecting');
    const missed = await from.send();
    await from.advance(old, { status: 'SENDING' });
    await trimEvents(gateway.database.prisma, 0);
    await proxy.heal();
    await row(missed).waitFor();
    await showsStatus(old, 'SENDING');
    expect(await order()).toEqual([missed, old]);
  });
});
