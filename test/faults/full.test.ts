import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, type Database } from '../../src/database/connect.ts';
import { smsWebhook } from '../../src/domain/mappings/webhooks.ts';
import { authorizationOf } from '../support/credentials.ts';
import { createTestDatabase } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { createSender, type Sender } from '../support/live.ts';

const SEND =
  'mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { sid } } } }';

let directUrl: string | undefined;
let database: Database;
let gateway: TestGateway;
let provider: Provider;
let sender: Sender;
beforeAll(async () => {
  database = await createTestDatabase({
    reachedBy: async (url) => {
      directUrl = url;
      return url;
    },
  });
  gateway = await createTestGateway({ database });
  provider = await gateway.provider();
  sender = await createSender(gateway, provider);
});
afterAll(() => gateway.close());

const send = (idempotencyKey: string) =>
  provider.graph(SEND, { input: { mappingSid: sender.mappingSid, to: '+49301', body: 'Hello', idempotencyKey } });
const webhook = (sid: string) => {
  const body = new URLSearchParams({ SmsSid: sid, From: '+49302', To: '+49303', Body: 'Hello' });
  return gateway.fetch(new Request(smsWebhook(gateway.gateway, sender.mappingSid), { method: 'POST', body }));
};
const health = async ({ fetch }: Pick<TestGateway, 'fetch'>) => (await fetch(new Request('http://gateway.test/health/ready'))).status;

test('a full disk refuses writes with a 503 in each face’s form, and none of them is stored; reads work, and so does everything once there is room', async () => {
  await database.pool.query(`
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON message FOR EACH STATEMENT EXECUTE FUNCTION disk_full();
    CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON enterprise FOR EACH STATEMENT EXECUTE FUNCTION disk_full()`);
  const refused = await send('key');
  expect([refused.status, refused.headers.get('retry-after'), refused.errors?.[0]]).toMatchObject([
    503,
    '5',
    {
      message: 'The gateway cannot reach its database right now; try again later',
      extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 5 },
    },
  ]);
  const { status, headers, body } = await provider.rest.put(`/msteams/enterprises/${sender.enterpriseSid}`, { name: 'Other' });
  expect([status, headers.get('retry-after'), body]).toEqual([503, '5', { errorCode: '503', message: 'Service Unavailable' }]);
  expect((await webhook('SM1')).status).toBe(503);
  expect((await provider.rest.get<{ total: number }>('/msteams/messages/search')).body.data?.total).toBe(0);
  expect(await health(gateway)).toBe(200);

  await database.pool.query('DROP FUNCTION disk_full CASCADE');
  const { data, errors } = await send('key');
  expect([errors, (await send('key')).data]).toEqual([undefined, data]);
  expect((await webhook('SM1')).status).toBe(200);
  expect((await provider.rest.get<{ total: number }>('/msteams/messages/search')).body.data?.total).toBe(2);
});

test.runIf(inject('postgres'))('too many connections (53300) are a 503, and readiness reports it, until a connection is free', async () => {
  const admin = new pg.Client(directUrl);
  await admin.connect();
  const role = `gateway_full_${randomBytes(4).toString('hex')}`;
  // Limits of connections don't hold for superusers.
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}' CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`);
  const url = new URL(String(directUrl));
  url.username = url.password = role;
  const log = pino({ level: 'silent' });
  const limited = await connect({ dataDir: '', databaseUrl: url.href, log });
  const other = new pg.Client(url.href);
  try {
    const app = (await createTestGateway({ database: limited })).app;
    const headers = { authorization: authorizationOf({ user: provider.accountSid, password: provider.authToken }) };
    const ask = (path: string) => app.fetch(new Request(`http://gateway.test${path}`, { headers }));
    await limited.pool.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => {});
    await until(() => other.connect().then(() => true));
    expect([(await ask('/msteams/enterprises/search')).status, (await ask('/health/ready')).status]).toEqual([503, 503]);
    await other.end();
    await until(async () => (await ask('/health/ready')).status === 200);
  } finally {
    await other.end().catch(() => {});
    await limited.close();
    await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await admin.end();
  }
});
