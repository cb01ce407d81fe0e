import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { connect, type Database } from '../../src/database/connect.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import type { ListRead } from '../../src/database/standby.ts';
import { createSecrets } from '../../src/domain/secrets.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { startFaultProxy } from '../fakes/fault-proxy.ts';
import { done, fresh, newEnterprise } from '../parity/faces.ts';
import { ACCOUNT_SID, AUTH_TOKEN, GatewayProcess, SECRETS_KEY } from '../process/gateway-process.ts';
import { startCluster, type TestCluster, type TestStandby } from '../support/cluster.ts';
import { authorizationOf } from '../support/credentials.ts';
import { until } from '../support/exchange.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { restClient } from '../support/rest.ts';

// Two instances on a PostgreSQL and a standby of it, made by pg_basebackup. Lists are read from the standby, and never show less than the primary's.

let cluster: TestCluster | undefined;
let standby: TestStandby;
let onPrimary: pg.Client;
let onStandby: pg.Client;
let here: TestGateway;
let there: TestGateway;
let provider: Provider;
/** The same account's clients on the other instance. */
let elsewhere: Pick<Provider, 'graph' | 'rest'>;
let enterpriseSid: string;
const metrics = createMetrics();
let reads: ListRead[] = [];
const log = { ...pino({ level: 'silent' }), warn: vi.fn(), info: vi.fn() };

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  return client;
}

const open = (replicaUrl: string, requestTimeoutMs?: number): Promise<Database> =>
  connect({
    ...{ dataDir: '', databaseUrl: cluster?.url, replicaUrl, requestTimeoutMs, log },
    observeListRead: (read) => {
      reads.push(read);
      metrics.observeListRead(read);
    },
  });

beforeAll(async () => {
  cluster = inject('postgres') ? await startCluster(400, { settings: ['max_standby_streaming_delay=0'] }) : undefined;
  if (!cluster) return;
  standby = await cluster.standby();
  const [one, other] = await Promise.all([open(standby.url), open(standby.url)]);
  await migrate(one.directPool, MIGRATIONS);
  here = await createTestGateway({ database: one, secrets: createSecrets(Buffer.from(SECRETS_KEY, 'base64')) });
  there = await createTestGateway({ database: other, secrets: here.gateway.secrets });
  [onPrimary, onStandby] = await Promise.all([connected(cluster.url), connected(standby.url)]);
  provider = await here.provider();
  const credentials = { user: provider.accountSid, password: provider.authToken };
  elsewhere = { graph: graphClient(there.fetch, credentials), rest: restClient(there.fetch, credentials) };
  enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
  await isBack();
});
afterAll(async () => {
  await Promise.all([onPrimary?.end(), onStandby?.end(), here?.close(), there?.close()]);
  metrics.close();
  await cluster?.close();
});
beforeEach(({ skip }) => {
  if (!cluster) return skip();
  reads = [];
  vi.clearAllMocks();
});

const mappingsOf = async ({ graph }: Pick<Provider, 'graph'>): Promise<string[]> =>
  (await graph('{ mappings(first: 100) { nodes { name } } }')).data.mappings.nodes.map(({ name }: { name: string }) => name);
/** Stores a mapping on one instance. @returns its name */
const add = async () => {
  const name = fresh.name();
  await done(provider, 'createMapping', { enterpriseSid, name, microsoftAddress: fresh.user(), externalAddress: fresh.number() });
  return name;
};
/** Waits until both instances read lists from the standby. */
const isBack = () => until(async () => [here, there].every(({ database }) => database.standbyAwayFor?.() === 0));
/** Does the work again until all of its lists were read from the standby: a machine under load may take too long for that. */
const byStandby = <Result>(work: () => Promise<Result>): Promise<Result> =>
  until(async () => {
    await isBack();
    reads = [];
    const result = await work();
    return reads.length > 0 && reads.every((read) => read === 'standby') && { result };
  }).then(({ result }) => result);

test('lists of both faces and usage are read from the standby, and rows by their sids from the primary', async () => {
  const name = await add();
  expect(await byStandby(() => mappingsOf(provider))).toContain(name);
  expect((await byStandby(() => provider.rest.get('/msteams/mappings/search'))).status).toBe(200);
  const period = { from: new Date(Date.now() - 1000), to: new Date() };
  const { data } = await byStandby(() =>
    provider.graph(
      `query ($from: DateTime!, $to: DateTime!) {
        usage(from: $from, to: $to, granularity: HOUR) { messages } messages { totalCount } enterprises(first: 1) { nodes { mappings { totalCount } } }
        auditLog(first: 1) { nodes { action } } bots { totalCount } conversations { totalCount } }`,
      period,
    ),
  );
  expect(reads.length).toBeGreaterThanOrEqual(7);
  expect(data).toMatchObject({ usage: [], messages: { totalCount: 0 }, bots: { totalCount: 0 } });
  const { rows } = await onStandby.query("SELECT query FROM pg_stat_activity WHERE application_name = 'teams-sms-gateway'");
  expect(rows.map(({ query }) => query).join()).toMatch(/FROM (conversation|mapping|bot|enterprise)/);
  reads = [];
  expect((await provider.graph('query ($sid: ID!) { enterprise(sid: $sid) { sid } }', { sid: enterpriseSid })).data.enterprise).toEqual({
    sid: enterpriseSid,
  });
  expect(reads).toEqual([]);
});

test('what was just written on one instance is found at once on both', async () => {
  await isBack();
  reads = [];
  for (let n = 0; n < 30; n++) {
    const name = await add();
    const found = await Promise.all([mappingsOf(provider), mappingsOf(elsewhere)]);
    for (const names of found) expect(names).toContain(name);
  }
  expect(reads).toContain('standby');
});

test('while the standby does not replay, lists show what was written, read from the primary, and the log says so once', async () => {
  await isBack();
  vi.clearAllMocks();
  reads = [];
  await onStandby.query('SELECT pg_wal_replay_pause()');
  const names = [await add(), await add()];
  for (const client of [provider, elsewhere, provider]) expect(await mappingsOf(client)).toEqual(expect.arrayContaining(names));
  expect(reads).toEqual(['behind', 'behind', 'away']);
  expect(await here.database.ready()).toBe(true);
  await onStandby.query('SELECT pg_wal_replay_resume()');
  await isBack();
  for (const client of [provider, elsewhere]) expect(await byStandby(() => mappingsOf(client))).toEqual(expect.arrayContaining(names));
  // One line of each instance.
  expect(log.warn.mock.calls.filter(([, line]) => /read from the primary/.test(line)).length).toBeLessThanOrEqual(2);
});

test('while the standby is down, lists are read from the primary without an error, and from the standby when it is back', async () => {
  await isBack();
  await mappingsOf(provider);
  await standby.stop();
  reads = [];
  const name = await add();
  const found = await Promise.all(Array.from({ length: 20 }, (_, n) => mappingsOf(n % 2 ? provider : elsewhere)));
  for (const names of found) expect(names).toContain(name);
  expect(reads).not.toContain('standby');
  expect(await here.database.ready()).toBe(true);
  expect(here.database.standbyAwayFor?.()).toBeGreaterThan(0);
  await standby.start();
  onStandby = await connected(standby.url);
  expect(await byStandby(() => mappingsOf(provider))).toContain(name);
  expect(await metrics.text()).toMatch(/^gateway_list_reads_total\{outcome="(away|failed)"\} \d+$/m);
});

test('a standby that does not respond delays one round of reads, and no later ones', async () => {
  const proxy = await startFaultProxy(standby.url);
  const database = await open(proxy.url, 3000);
  const read = () => database.sql.lists?.query<{ one: number }>('SELECT 1 AS one', []);
  await until(async () => database.standbyAwayFor?.() === 0 && (await read()) && reads.at(-1) === 'standby');
  reads = [];
  proxy.hang();
  for (const one of await Promise.all([read(), read(), read()])) expect(one).toEqual([{ one: 1 }]);
  expect(await read()).toEqual([{ one: 1 }]);
  expect(reads[3]).toBe('away');
  expect(reads).not.toContain('standby');
  await proxy.heal();
  await until(async () => database.standbyAwayFor?.() === 0);
  await database.close();
  await proxy.close();
});

test('lists that take long do not delay the looks at what the standby has', async () => {
  const slow = () =>
    here.database.sql.lists?.readTogether({
      text: 'SELECT pg_sleep(1)::text AS slept',
      values: [],
      types: [],
      order: undefined,
      maxRows: 1,
    });
  const quick = () => here.database.sql.lists?.query('SELECT 1', []);
  const duringSlow = async () => {
    await isBack();
    const slept = [slow()];
    // Another batch.
    await new Promise(setImmediate);
    slept.push(slow());
    const isRunning = "SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1)%' AND wait_event = 'PgSleep'";
    await until(async () => (await onStandby.query(isRunning)).rows.length === 2);
    // So that there is something to wait for.
    await add();
    reads = [];
    await quick();
    const [read] = reads;
    await Promise.all(slept);
    return read === 'standby';
  };
  // A machine under load may take longer than a list waits.
  expect((await duringSlow()) || (await duringSlow()) || (await duringSlow())).toBe(true);
});

test('a primary that is down is not taken for a standby that is', async () => {
  const proxy = await startFaultProxy(cluster?.url ?? '');
  const database = await connect({
    ...{ dataDir: '', databaseUrl: proxy.url, replicaUrl: standby.url, log },
    observeListRead: (read) => reads.push(read),
  });
  const read = () => database.sql.lists?.query<{ one: number }>('SELECT 1 AS one', []);
  await until(async () => database.standbyAwayFor?.() === 0 && (await read()) && reads.at(-1) === 'standby');
  reads = [];
  vi.clearAllMocks();
  proxy.refuse();
  await expect(read()).rejects.toThrow();
  expect(reads).toEqual(['unknown']);
  expect(database.standbyAwayFor?.()).toBe(0);
  expect(log.warn.mock.calls.filter(([, line]) => /read from the primary/.test(line))).toEqual([]);
  await proxy.heal();
  await until(async () => (await read()) && reads.at(-1) === 'standby');
  await database.close();
  await proxy.close();
});

test('a statement that the standby cancels, since the primary removed what it reads, is run on the primary', async () => {
  const held = () =>
    here.database.sql.lists?.query<{ standby: boolean }>(
      'SELECT pg_is_in_recovery() AS standby, CASE WHEN pg_is_in_recovery() THEN pg_sleep(30)::text END, (SELECT count(*) FROM mapping)',
      [],
    );
  const isHeld = async () =>
    (await onStandby.query("SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND wait_event = 'PgSleep'")).rows.length > 0;
  const { running } = await until(async () => {
    await isBack();
    reads = [];
    const running = held();
    return (await until(async () => reads.length > 0 || (await isHeld()))) && reads.length === 0 && { running };
  });
  await onPrimary.query('CREATE TABLE removed AS SELECT generate_series(1, 1000)');
  await onPrimary.query('DELETE FROM removed');
  await onPrimary.query('VACUUM removed');
  expect(await running).toMatchObject([{ standby: false }]);
  expect(reads).toEqual(['conflict']);
  expect(here.database.standbyAwayFor?.()).toBe(0);
});

test('a server that is no standby of the database is not read from, and the log says why', async () => {
  const database = await open(cluster?.url ?? '');
  const line = () => log.warn.mock.calls.find(([, text]) => /read from the primary/.test(text))?.[0];
  await until(async () => line());
  expect(line().err.message).toBe('it is no standby that follows the primary');
  reads = [];
  await database.sql.lists?.query('SELECT 1', []);
  expect(reads).toEqual(['away']);
  await database.close();
});

test('a started gateway reads lists from the standby in its settings, and its metrics say so', async () => {
  const gateway = new GatewayProcess({
    ...{ DATABASE_URL: cluster?.url, DATABASE_REPLICA_URL: standby.url, SECRETS_KEY, METRICS_TOKEN: 'a-token-for-metrics' },
    ...{ BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN },
  });
  const url = await gateway.listening();
  await gateway.says('lists are read from the standby');
  const headers = { authorization: authorizationOf({ user: provider.accountSid, password: provider.authToken }) };
  const outcome = await until(async () => {
    expect((await fetch(`${url}/msteams/enterprises/search`, { headers })).status).toBe(200);
    const text = await (await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer a-token-for-metrics' } })).text();
    return /^gateway_list_reads_total\{outcome="standby"\} [1-9]/m.test(text) && /^gateway_standby_away_seconds 0$/m.test(text);
  });
  expect(outcome).toBe(true);
  await gateway.end('SIGTERM');
});
