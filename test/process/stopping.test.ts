import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect } from '../../src/database/connect.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../fakes/webhook-receiver.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { AUTHORIZATION, GatewayProcess } from './gateway-process.ts';
import { createSurroundings, freePort, type Surroundings } from './traffic.ts';

let place: TestPlace;
let surroundings: Surroundings;
let receiver: WebhookReceiver;
let gateway: GatewayProcess | undefined;
/** Accepts connections, and never answers. */
const silent = createServer(() => {});

beforeEach(async () => {
  silent.listen(0, '127.0.0.1');
  [place, surroundings, receiver] = await Promise.all([
    createTestPlace('migrated'),
    createSurroundings(),
    startWebhookReceiver(),
    once(silent, 'listening'),
  ]);
});
afterEach(async () => {
  await gateway?.end('SIGKILL');
  silent.closeAllConnections();
  silent.close();
  await Promise.all([surroundings.close(), receiver.close()]);
  await place.remove();
});

const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };

test('SIGTERM ends in time and releases everything, though Teams, an endpoint and the traces’ collector never answer', async () => {
  const { dataDir, databaseUrl } = place.settings;
  const port = await freePort();
  gateway = new GatewayProcess({
    ...surroundings.env,
    ...{ PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}`, WEBHOOK_HOSTS: receiver.url },
    ...(databaseUrl === undefined ? { DATA_DIR: dataDir } : { DATABASE_URL: databaseUrl }),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
  });
  const url = await gateway.listening();
  const ask = async (query: string) =>
    (await (await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })).json()).data;
  await surroundings.populate(url, 1);
  const { createWebhookEndpoint } = await ask(`mutation {
    createWebhookEndpoint(input: { url: "${receiver.url}/hook" }) { ... on CreateWebhookEndpointSuccess { webhookEndpoint { sid } } }
  }`);
  const { sid } = createWebhookEndpoint.webhookEndpoint;

  const [event, ping, activity] = [receiver.hold('hook'), receiver.hold('hook'), surroundings.microsoft.hold('activities')];
  await surroundings.restcomm.receiveSms({ from: '+49301111', to: '+49300001', body: 'on its way' });
  await Promise.all([event.arrived, activity.arrived]);
  const tested = ask(`mutation {
    testWebhookEndpoint(input: { sid: "${sid}" }) { ... on TestWebhookEndpointSuccess { accepted error } }
  }`);
  await ping.arrived;

  const signalled = performance.now();
  gateway.child.kill('SIGTERM');
  expect((await tested).testWebhookEndpoint).toEqual({ accepted: false, error: expect.stringMatching(/^The gateway stopped before /) });
  expect(await gateway.exited).toEqual({ code: 0, signal: null });
  expect(performance.now() - signalled).toBeLessThan(14_000);
  expect(gateway.stdout).toContain('"msg":"stopped"');
  expect(gateway.stdout).not.toContain('requests were cut off');

  const database = await connect({ dataDir, databaseUrl, log: pino({ level: 'silent' }) });
  const endpoint = await database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { sid } });
  const { rows: claimed } = await database.pool.query('SELECT lane FROM outbox_lane WHERE holder IS NOT NULL');
  await database.close();
  expect(endpoint).toMatchObject({ holder: null, position: 0n, failures: 0, failingSince: null });
  expect(endpoint.due.getTime()).toBeLessThanOrEqual(Date.now());
  expect(claimed).toEqual([]);
});
