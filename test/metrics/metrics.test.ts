import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRateLimit } from '../../src/admission/rate-limit.ts';
import { erasePeople } from '../../src/domain/privacy/erase-people.ts';
import { type Backlog, readBacklog } from '../../src/exchange/outbox/backlog.ts';
import { metricsEndpoint } from '../../src/metrics/endpoint.ts';
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts';
import { authorizationOf } from '../support/credentials.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { createSender } from '../support/live.ts';

const TOKEN = 'a-token-for-metrics';
const TRUSTED = 'query TheTrusted { mappings(first: 1) { totalCount } }';

let metrics: Metrics;
let gateway: TestGateway;
let provider: Provider;
let directory: string;
let answer: () => Promise<Backlog>;
beforeAll(async () => {
  metrics = createMetrics();
  directory = await mkdtemp(join(tmpdir(), 'gateway-metrics-'));
  const file = join(directory, 'trusted.json');
  await writeFile(file, JSON.stringify({ one: TRUSTED }));
  const { observeOperation: observe, observeRequest, observeRefusal } = metrics;
  const rateLimit = await createRateLimit({ perMinute: 40, observeRefusal, log: pino({ level: 'silent' }) });
  gateway = await createTestGateway({
    access: {
      ...{ observe, observeRequest, observeRefusal, rateLimit, metrics: metricsEndpoint(metrics, TOKEN) },
      graph: { introspection: true, graphiql: false, trustedDocuments: { mode: 'prefer', file } },
      failedAttempts: { perAddress: 2, perName: 2, maxDelayMs: 0 },
    },
  });
  provider = await gateway.provider();
  answer = () => readBacklog(gateway.database.sql);
});
afterAll(async () => {
  metrics.close();
  await gateway.close();
  await rm(directory, { recursive: true });
});

test('are served on the gateway’s port with their token, and without one not there', async () => {
  const get = (authorization: string) => gateway.fetch(new Request('http://gateway.test/metrics', { headers: { authorization } }));
  const response = await get(`Bearer ${TOKEN}`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, metrics.contentType]);
  expect(await response.text()).toMatch(/# EOF\n$/);
  expect((await get(`Basic ${TOKEN}`)).status).toBe(401);
  expect((await gateway.another({}).fetch(new Request('http://gateway.test/metrics'))).status).toBe(404);
});

test('name trusted operations, and others by their first field, whatever clients call them', async () => {
  for (let index = 0; index < 5; index += 1)
    await provider.graph(`query Mine${index} { renamed: enterprises(first: 1) { nodes { sid } } }`);
  await provider.graph('query Guessed { enterprises(first: -1) { nodes { sid } } }');
  await provider.graph(TRUSTED);
  await provider.graph(TRUSTED);
  const text = await metrics.text();
  const operations = [...text.matchAll(/^gateway_operations_total\{face="graph",kind="query",(.*)\} (\d+)$/gm)];
  expect(operations.map(([, labels, count]) => `${labels} ${count}`).sort()).toEqual([
    'operation="TheTrusted",outcome="OK",way="general" 2',
    'operation="enterprises",outcome="INVALID_PARAMETER",way="general" 1',
    'operation="enterprises",outcome="OK",way="general" 5',
  ]);
});

test('count documents that are refused before their operation runs, however often they are sent', async () => {
  const deep = `{ ${'enterprises(first: 100) { nodes { mappings(first: 100) { nodes { messages(first: 100) { nodes { sid } } } } } }'} }`;
  for (const document of ['{ nonsense { x } }', '{ nonsense { x } }', '{ enterprises(', deep]) await provider.graph(document);
  // Of trusted documents, too, over any transport.
  const search = new URLSearchParams({ documentId: 'forgotten' });
  for (const accept of ['application/json', 'text/event-stream']) {
    const headers = { authorization: authorizationOf({ user: provider.accountSid, password: provider.authToken }), accept };
    await (await gateway.fetch(new Request(`http://gateway.test/graphql?${search}`, { headers }))).text();
  }
  const counts = [...(await metrics.text()).matchAll(/^gateway_documents_refused_total\{code="(\w+)"\} (\d)$/gm)];
  expect(counts.map(([, code, count]) => `${code} ${count}`).sort()).toEqual([
    'GRAPHQL_PARSE_FAILED 1',
    'GRAPHQL_VALIDATION_FAILED 2',
    'PERSISTED_QUERY_NOT_FOUND 2',
    'QUERY_LIMIT_EXCEEDED 1',
  ]);
});

test('count the records that a job could not handle, from 0 on, though its runs are done', async () => {
  const counts = async () =>
    [...(await metrics.text()).matchAll(/^gateway_job_records_failed_total\{job_name="([\w-]+)"\} (\d)$/gm)].flatMap(([, job, count]) =>
      count === '0' ? [] : [`${job} ${count}`],
    );
  expect(await counts()).toEqual([]);
  const erasure = '... on ErasePersonSuccess { personErasure { sid } }';
  await provider.graph(`mutation { erasePerson(input: { phoneNumber: "+15550177" }) { ${erasure} } }`);
  const { prisma } = gateway.gateway;
  const failing = new Proxy(prisma, {
    get: (target, name) =>
      name === 'usageFill' ? { findUnique: () => Promise.reject(new Error('no such table')) } : Reflect.get(target, name),
  });
  await erasePeople({ prisma: failing, log: pino({ level: 'silent' }) });
  expect(await counts()).toEqual(['erase-people 1']);
  await erasePeople(gateway.gateway);
});

test('count what is stuck and held, and how long the oldest waits that is not', async () => {
  const sender = await createSender(gateway, provider);
  const [old, stuck] = [
    await sender.send(),
    await sender.send({ lane: `teams:${sender.enterpriseSid}:stuck@user.example`, direction: 'OUTBOUND' }),
  ];
  const { prisma } = gateway.database;
  await prisma.message.update({ where: { sid: old }, data: { dateCreated: new Date(Date.now() - 3_600_000) } });
  const lane = `teams:${sender.enterpriseSid}:stuck@user.example`;
  await prisma.message.update({ where: { sid: stuck }, data: { stuck: true, dateCreated: new Date(0) } });
  await prisma.outboxLane.update({ where: { lane }, data: { held: true } });
  const { organizationSid, accountSid } = provider;
  const cause = { reason: 'APP_NOT_INSTALLED', code: 'x', message: 'x' } as const;
  await prisma.laneHold.create({ data: { lane, ...cause, organizationSid, accountSid, enterpriseSid: sender.enterpriseSid } });
  const behind = {
    organizationSid,
    accountSid,
    url: 'https://hooks.example',
    eventTypes: [],
    withBody: true,
    secret: new Uint8Array(),
    position: 0n,
  };
  for (const [sid, rest] of Object.entries({
    behind: {},
    failing: { failures: 1 },
    disabled: { status: 'DISABLED' },
    current: { position: 1000n },
  }))
    await prisma.webhookEndpoint.create({ data: { sid, ...behind, ...rest } });
  const backlog = await readBacklog(gateway.database.sql);
  expect(backlog).toEqual({
    platforms: [
      { platform: 'teams', depth: 1, oldestSeconds: 0 },
      { platform: 'carrier', depth: 1, oldestSeconds: expect.closeTo(3600, -2) },
    ],
    stuck: 1,
    held: [{ reason: 'APP_NOT_INSTALLED', lanes: 1 }],
    webhooks: expect.arrayContaining([
      { state: 'behind', endpoints: 1, behind: expect.any(Number) },
      { state: 'failing', endpoints: 1, behind: expect.any(Number) },
      { state: 'disabled', endpoints: 1, behind: expect.any(Number) },
      { state: 'current', endpoints: 1, behind: 0 },
    ]),
  });
  expect(backlog.webhooks.find(({ state }) => state === 'behind')?.behind).toBeGreaterThan(0);
  expect(await metrics.text()).toMatch(/^gateway_messages_total\{direction="OUTBOUND",status="QUEUED",reason=""\} 1$/m);
});

test('leave out what the database cannot say, and say so', async () => {
  metrics.measure({ connections: new Map(), streams: gateway.live, readBacklog: () => answer() });
  answer = () => Promise.reject(new Error('the database is away'));
  const text = await metrics.text();
  expect(text).toMatch(/^gateway_database_up 0$/m);
  expect(text).not.toMatch(/^gateway_(outbox|messages_stuck|lanes)\S* \d/m);
  expect(text).toMatch(/^gateway_streams 0$/m);
});

test('count requests to webhook endpoints by what became of them', async () => {
  const statuses = [204, 503, null];
  const client = metrics.countedWebhooks({ post: async () => ({ status: statuses.shift() ?? null }) });
  for (let index = 0; index < 3; index += 1) await client.post();
  const counts = [...(await metrics.text()).matchAll(/^gateway_webhook_requests_total\{status="(\w+)"\} (\d)$/gm)];
  expect(counts.map(([, status, count]) => `${status} ${count}`)).toEqual(['2xx 1', '5xx 1', 'none 1']);
});

test('count webhook endpoints that were disabled, from 0 on, so that the first one is an increase', async () => {
  const counts = async () =>
    [...(await metrics.text()).matchAll(/^gateway_webhook_endpoints_disabled_total\{reason="(\w+)"\} (\d)$/gm)].map(([, ...found]) =>
      found.join(' '),
    );
  expect(await counts()).toEqual(['FAILING 0', 'GONE 0']);
  metrics.observeEndpointDisabled('FAILING');
  expect(await counts()).toEqual(['FAILING 1', 'GONE 0']);
});

test('count refusals by their limits', async () => {
  const wrong = new Headers({ authorization: `Basic ${Buffer.from(`${provider.accountSid}:wrong`).toString('base64')}` });
  for (let index = 0; index < 4; index += 1)
    await gateway.fetch(new Request('http://gateway.test/graphql', { method: 'POST', headers: wrong }));
  while ((await provider.rest.get('/msteams/enterprises/search')).status !== 429);
  const text = await metrics.text();
  expect(text).toMatch(/^gateway_refused_total\{limit="rate"\} 1$/m);
  expect(text).toMatch(/^gateway_refused_total\{limit="failed-attempts"\} [1-9]$/m);
  expect(text).toMatch(/^gateway_request_duration_seconds_count\{face="contract",status="4xx"\} 1$/m);
});
