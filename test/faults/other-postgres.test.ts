import pg from 'pg';
import { pino } from 'pino';
import { afterEach, expect, inject, test } from 'vitest';
import { connect } from '../../src/database/connect.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { watchClock } from '../../src/exchange/jobs/clock.ts';
import { type FaultProxy, startFaultProxy } from '../fakes/fault-proxy.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { createTestExchange, until } from '../support/exchange.ts';
import { expectAllArrived, type Place, sendDuring } from './acknowledged.ts';
import { SEND } from './doors.ts';

// A PostgreSQL of each test's own: its standby takes over, its connections are used up, clocks step. What was acknowledged is stored and arrives; nothing
// arrives twice without its mark.

const isOnPostgres = inject('postgres') !== undefined;
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startOwn(megabytes: number, options: Parameters<typeof startCluster>[1]): Promise<TestCluster | undefined> {
  const cluster = isOnPostgres ? await startCluster(megabytes, options) : undefined;
  if (cluster) cleanups.push(cluster.close);
  return cluster;
}

/** A gateway that moves messages, on the database at this address. */
async function placeAt(databaseUrl: string): Promise<Place> {
  const database = await connect({ dataDir: '', databaseUrl, log: pino({ level: 'silent' }), requestTimeoutMs: 3000 });
  await migrate(database.pool, MIGRATIONS);
  const exchange = await createTestExchange({ database, access: { limits: { requestTimeoutMs: 3000 } } });
  cleanups.push(exchange.close);
  return { exchange, customer: await exchange.customer() };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  return client;
}

test('while messages move, a synchronous standby takes over: none is lost, none arrives twice without its mark', {
  timeout: 90_000,
}, async ({ skip }) => {
  const cluster = await startOwn(400, {});
  if (!cluster) return skip();
  const standby = await cluster.standby();
  const admin = await connected(cluster.url);
  await admin.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
  await admin.query('SELECT pg_reload_conf()');
  await until(async () => {
    const { rows } = await admin.query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
    return rows.length > 0;
  });
  await admin.end();
  const proxy: FaultProxy = await startFaultProxy(cluster.url);
  cleanups.push(proxy.close);
  const place = await placeAt(proxy.url);
  const acknowledged = await sendDuring(place, 'standby', async () => {
    await cluster.crash();
    await standby.promote();
    proxy.moveTo(standby.url);
  });
  await expectAllArrived(place, 'standby', acknowledged);
});

test('a standby takes over that has not got the last events: streams end with CURSOR_INVALID, and former cursors are invalid', {
  timeout: 90_000,
}, async ({ skip }) => {
  const cluster = await startOwn(400, {});
  if (!cluster) return skip();
  const standby = await cluster.standby();
  const proxy: FaultProxy = await startFaultProxy(cluster.url);
  cleanups.push(proxy.close);
  const { exchange, customer } = await placeAt(proxy.url);
  const { graph, organizationSid, accountSid } = customer.provider;
  const send = () => graph(SEND, { input: { mappingSid: customer.mappingSid, to: '+49309', body: 'Lost?' } });
  await send();
  const log = async (after?: string) => {
    const { data, errors } = await graph('query ($after: String) { messageEvents(after: $after, first: 1) { pageInfo { endCursor } } }', {
      after,
    });
    return errors?.[0]?.extensions?.code ?? data?.messageEvents.pageInfo.endCursor;
  };
  const cursor = await log();
  const caller = { organizationSid, accountSid, permissions: new Set(['READ'] as const), requestId: 'test' } as unknown as Caller;
  const stream = await exchange.live.messageEvents(caller, {}, undefined);
  const ended = (async () => {
    for await (const _ of stream);
  })().catch((error) => error.code);
  await standby.stop();
  await send();
  await cluster.crash();
  await standby.start();
  await standby.promote();
  proxy.moveTo(standby.url);
  expect(await ended).toBe('CURSOR_INVALID');
  await until(async () => (await log(cursor)) === 'CURSOR_INVALID');
});

test('while messages move, the server has no connection left: none is lost, none arrives twice without its mark', {
  timeout: 60_000,
}, async ({ skip }) => {
  const cluster = await startOwn(220, { settings: ['max_connections=40', 'superuser_reserved_connections=0'] });
  if (!cluster) return skip();
  const place = await placeAt(cluster.url);
  const { provider, mappingSid } = place.customer;
  const acknowledged = await sendDuring(place, 'connections', async () => {
    const taken: pg.Client[] = [];
    const takeAll = async () => {
      for (;;) {
        const client = await connected(cluster.url).catch(({ code }) => code);
        if (client === '53300') return;
        taken.push(client);
      }
    };
    await takeAll();
    const sends = async () => (await provider.graph(SEND, { input: { mappingSid, to: '+49309', body: 'No connection' } })).status;
    await until(async () => {
      await taken[0]?.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'teams-sms-gateway'");
      await takeAll();
      return (await sends()) === 503;
    });
    for (const client of taken) await client.end();
  });
  await expectAllArrived(place, 'connections', acknowledged);
});

/** Steps this process's clock, but not its timers, which are monotonic. */
function stepOwnClock(seconds: number): void {
  const offset = seconds * 1000;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [RealDate.now() + offset] : args, newTarget),
    get: (target, property) => (property === 'now' ? () => RealDate.now() + offset : Reflect.get(target, property)),
  });
}
const RealDate = Date;
afterEach(() => {
  globalThis.Date = RealDate;
});

test.for<[string, 'database' | 'gateway', number]>([
  ['the database’s clock goes forward by an hour', 'database', 3600],
  ['the database’s clock goes back by an hour', 'database', -3600],
  ['the gateway’s clock goes forward by an hour', 'gateway', 3600],
  ['the gateway’s clock goes back by an hour', 'gateway', -3600],
])(
  'while messages move, %s: none is lost, none arrives twice without its mark',
  { timeout: 60_000 },
  async ([name, whose, seconds], { skip }) => {
    const cluster = await startOwn(220, { ownClock: true });
    if (!cluster) return skip();
    const place = await placeAt(cluster.url);
    const clockWatch = watchClock(place.exchange.gateway, 200);
    cleanups.push(clockWatch.stop);
    const acknowledged = await sendDuring(place, name, async () => {
      if (whose === 'gateway') return stepOwnClock(seconds);
      const client = await connected(cluster.url);
      const clock = async () => (await client.query<{ now: Date }>('SELECT clock_timestamp() AS now')).rows[0]?.now as Date;
      const before = await clock();
      await cluster.stepClock(seconds);
      await until(async () => Math.abs((await clock()).getTime() - before.getTime()) > 1800_000);
      await client.end();
    });
    expect(acknowledged.size).toBeGreaterThanOrEqual(40);
    await expectAllArrived(place, name, acknowledged);
  },
);
