import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, type SubscribePayload } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { FakeUser } from '../fakes/microsoft-state.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../fakes/webhook-receiver.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { AUTHORIZATION, GatewayProcess, SECRETS_KEY } from './gateway-process.ts';
import { createSurroundings, freePort, type Surroundings } from './traffic.ts';

// A started gateway between fake platforms, which sends its spans to a collector's double: OTLP over HTTP in JSON.

interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

const CANARY = 'canary text of a message';
const PHONE = '+49302221';
/** Trace ids of callers, one sampled and one not. */
const [SAMPLED, UNSAMPLED] = ['a'.repeat(32), 'b'.repeat(32)];

const bodies: string[] = [];
const spans = (): ReceivedSpan[] =>
  bodies.flatMap((body) =>
    JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: ReceivedSpan[] }[] }) =>
      scopeSpans.flatMap((scope) => scope.spans),
    ),
  );
const collector = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  if (request.url === '/v1/traces') bodies.push(body);
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
});

let place: TestPlace;
let surroundings: Surroundings;
let receiver: WebhookReceiver;
let gateway: GatewayProcess;
let url: string;
let user: FakeUser;
let number: string;

beforeAll(async () => {
  collector.listen(0, '127.0.0.1');
  [place, surroundings, receiver] = await Promise.all([
    ...([createTestPlace('migrated'), createSurroundings(), startWebhookReceiver()] as const),
    once(collector, 'listening'),
  ]);
  const { dataDir, databaseUrl } = place.settings;
  const port = await freePort();
  gateway = new GatewayProcess({
    ...surroundings.env,
    ...{ PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}`, LOG_LEVEL: 'debug', WEBHOOK_HOSTS: receiver.url },
    ...(databaseUrl === undefined ? { DATA_DIR: dataDir } : { DATABASE_URL: databaseUrl }),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_BSP_SCHEDULE_DELAY: '200',
  });
  url = await gateway.listening();
  await surroundings.populate(url, 1);
  user = surroundings.microsoft.users[0] as FakeUser;
  number = surroundings.restcomm.numbers[0]?.phoneNumber ?? '';
});
afterAll(async () => {
  if (gateway) expect(await gateway.end('SIGTERM')).toEqual({ code: 0, signal: null });
  collector.close();
  await Promise.all([surroundings?.close(), receiver?.close()]);
  await place?.remove();
});

/** The spans of one trace, once all of these names are among them. */
const traceWith = (names: readonly string[], isOf: (trace: readonly ReceivedSpan[]) => boolean = () => true) =>
  until(async () => {
    const all = spans();
    const traces = [...new Set(all.map(({ traceId }) => traceId))].map((id) => all.filter(({ traceId }) => traceId === id));
    return traces.find((trace) => names.every((name) => trace.some((span) => span.name === name)) && isOf(trace));
  });

const sentBy = async (traceparent: string | undefined, body: string) => {
  const activity = surroundings.microsoft.activityFrom(surroundings.bot, user, `${PHONE} ${body}`);
  const headers = {
    authorization: await surroundings.microsoft.signActivity(activity),
    'content-type': 'application/json',
    ...(traceparent && { traceparent, tracestate: 'vendor=opaque to others' }),
  };
  const response = await fetch(`${url}/api/messages`, { method: 'POST', headers, body: JSON.stringify(activity) });
  await response.text();
  expect(response.status).toBe(200);
  await until(async () => surroundings.restcomm.messages.some((message) => message.body === body && message.status === 'delivered'));
};

test('one trace leads from an activity to the platform’s answer and the status reports', async () => {
  await sentBy(`00-${SAMPLED}-1234567890abcdef-01`, CANARY);
  const trace = await traceWith(['POST teams', 'deliver to phone', 'POST restcomm', 'status report']);
  const of = (name: string) => trace.find((span) => span.name === name);
  expect(of('POST teams')).toMatchObject({ traceId: SAMPLED, parentSpanId: '1234567890abcdef' });
  expect(of('deliver to phone')?.parentSpanId).toBe(of('POST teams')?.spanId);
  expect(of('POST restcomm')?.parentSpanId).toBe(of('deliver to phone')?.spanId);
  expect(of('status report')?.parentSpanId).toBe(of('POST teams')?.spanId);
  const statements = trace.filter(({ name }) => /^(SELECT|INSERT|UPDATE|WITH)/.test(name));
  expect(statements.some(({ parentSpanId }) => parentSpanId === of('deliver to phone')?.spanId)).toBe(true);
  const sent = surroundings.restcomm.requests.find(
    ({ headers }) => headers.traceparent === `00-${SAMPLED}-${of('POST restcomm')?.spanId}-01`,
  );
  expect(sent?.headers.tracestate).toBe('vendor=opaque to others');
});

test('another leads from an SMS to Teams', async () => {
  await surroundings.restcomm.receiveSms({ from: '+49301111', to: number, body: CANARY });
  await traceWith(['POST restcomm', 'deliver to Teams', 'POST connector']);
});

test('requests to webhook endpoints carry the trace of their event’s message, and a test that of its request', async () => {
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
  const ask = async (query: string, more: object = {}) =>
    (await (await fetch(`${url}/graphql`, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify({ query }) })).json())
      .data;
  const { createWebhookEndpoint: made } = await ask(`mutation { createWebhookEndpoint(input: { url: "${receiver.url}/traced" }) {
    ... on CreateWebhookEndpointSuccess { secret webhookEndpoint { sid } } } }`);
  receiver.trust('/traced', made.secret);
  // Two messages, whose events may be sent in one turn.
  const traces = ['1'.repeat(32), '2'.repeat(32)];
  await Promise.all(traces.map((id) => sentBy(`00-${id}-1234567890abcdef-01`, `to an endpoint ${id}`)));
  await receiver.until(() => receiver.received('/traced').filter(({ type }) => type === 'message.delivered').length === 2, 20_000);
  const requests = receiver.requests.filter(({ path }) => path === '/traced');
  for (const id of traces) {
    const own = requests.filter(({ body }) => body.includes(`to an endpoint ${id}`));
    expect(own.map(({ headers: { traceparent } }) => String(traceparent).slice(3, 35))).toEqual(own.map(() => id));
    const trace = await traceWith(['POST teams', 'send to webhook endpoint', 'POST webhook'], ([span]) => span?.traceId === id);
    const posts = trace.filter(({ name }) => name === 'POST webhook').map(({ spanId }) => `00-${id}-${spanId}-01`);
    expect(posts).toContain(own[0]?.headers.traceparent);
  }
  const [before, traceparent] = [requests.length, `00-${'3'.repeat(32)}-1234567890abcdef-01`];
  const query = `mutation { testWebhookEndpoint(input: { sid: "${made.webhookEndpoint.sid}" }) { ... on TestWebhookEndpointSuccess { accepted } } }`;
  expect((await ask(query, { traceparent })).testWebhookEndpoint).toEqual({ accepted: true });
  const [test] = receiver.requests.filter(({ path }) => path === '/traced').slice(before);
  expect(test?.headers.traceparent).toMatch(new RegExp(`^00-${'3'.repeat(32)}-`));
});

test('statements are named by what they write, or else read', async () => {
  await traceWith(['POST teams', 'deliver to phone', 'INSERT message', 'DELETE outbox', 'UPDATE message']);
  const names = new Set(spans().map(({ name }) => name));
  expect([...names].filter((name) => /^(WITH|DISCARD)\b|\b(unnest|settings|given|lateral)$/i.test(name))).toEqual([]);
});

test('what the caller does not sample is not traced, nor what follows', async () => {
  await sentBy(`00-${UNSAMPLED}-1234567890abcdef-00`, 'not sampled');
  await sentBy(undefined, 'sampled');
  await traceWith(['POST teams', 'status report'], (trace) => trace.every(({ traceId }) => traceId !== SAMPLED));
  expect(spans().filter(({ traceId }) => traceId === UNSAMPLED)).toEqual([]);
});

test('lines of the log carry the ids of the trace', async () => {
  const traceparent = `00-${'c'.repeat(32)}-1234567890abcdef-01`;
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json', traceparent };
  await (await fetch(`${url}/graphql`, { method: 'POST', headers, body: '{"query":"{ enterprises(first: 1) { totalCount } }"}' })).text();
  const line = await until(async () =>
    gateway.stdout.split('\n').find((one) => one.includes('"msg":"operation"') && one.includes('c'.repeat(32))),
  );
  expect(JSON.parse(line)).toMatchObject({ trace_id: 'c'.repeat(32), span_id: expect.stringMatching(/^[0-9a-f]{16}$/) });
});

test('operations over a WebSocket continue the trace of their extensions, or of the connection, and a message carries it on', async () => {
  const [ofConnection, ofOperation] = ['d'.repeat(32), 'e'.repeat(32)];
  const traceparentOf = (traceId: string) => `00-${traceId}-1234567890abcdef-01`;
  const connectionParams = { authorization: AUTHORIZATION, traceparent: traceparentOf(ofConnection) };
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams });
  // biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
  const run = async (payload: SubscribePayload): Promise<any> => (await client.iterate(payload).next()).value?.data;
  const { mappings } = await run({ query: '{ mappings(first: 1) { nodes { sid } } }' });
  const query =
    'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { sid } } ... on Error { code } } }';
  const input = { mappingSid: mappings.nodes[0].sid, to: PHONE, body: CANARY };
  const { sendMessage } = await run({ query, variables: { input }, extensions: { traceparent: traceparentOf(ofOperation) } });
  expect(sendMessage.sentMessage.sid).toMatch(/^MS/);
  await client.dispose();
  const parent = { name: 'WebSocket graph', parentSpanId: '1234567890abcdef' };
  expect(await traceWith(['WebSocket graph'], ([span]) => span?.traceId === ofConnection)).toContainEqual(expect.objectContaining(parent));
  const names = ['WebSocket graph', 'deliver to phone', 'POST restcomm', 'status report'];
  const trace = await traceWith(names, ([span]) => span?.traceId === ofOperation);
  expect(trace).toContainEqual(expect.objectContaining(parent));
});

test('no text, number, address or secret is in a span', async () => {
  const { applicationId, clientSecret, tenantId } = surroundings.bot;
  await traceWith(['POST graph']);
  const sent = bodies.join('\n');
  expect(spans().length).toBeGreaterThan(20);
  const secrets = [CANARY, PHONE, PHONE.slice(1), '+49301111', number, number.slice(1), user.userPrincipalName, user.objectId];
  for (const secret of [...secrets, clientSecret, applicationId, tenantId, SECRETS_KEY, surroundings.restcomm.authToken, AUTHORIZATION])
    expect(sent.includes(secret) && secret).toBe(false);
});
