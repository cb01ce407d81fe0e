import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { connect, type Database } from '../../src/database/connect.ts';
import { migrate } from '../../src/database/migrations.ts';
import type { WebSockets } from '../../src/graph/streams/websocket.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { type FaultProxy, startFaultProxy } from '../fakes/fault-proxy.ts';
import { createTestDatabase, createTestPlace } from '../support/database.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';
import type { Reader } from '../support/reader.ts';
import { eventSource, graphqlWs, MESSAGE_EVENTS } from '../support/transports.ts';
import { type Answer, askEverywhere, COMMIT, type House, SEND } from './doors.ts';

/** REQUEST_TIMEOUT of these tests. */
const TIMEOUT_MS = 3000;
/** What a busy machine adds. */
const SLACK_MS = 2000;

describe.runIf(inject('postgres'))('while PostgreSQL', () => {
  let proxy: FaultProxy;
  let directUrl: string;
  let exchange: TestExchange;
  let customer: Customer;
  let listener: Listener;
  let sockets: WebSockets;
  let house: House;
  let streams: Reader[];

  beforeAll(async () => {
    const database: Database = await createTestDatabase({
      requestTimeoutMs: TIMEOUT_MS,
      reachedBy: async (url) => {
        directUrl = url;
        proxy = await startFaultProxy(url);
        return proxy.url;
      },
    });
    exchange = await createTestExchange({ database, access: { limits: { requestTimeoutMs: TIMEOUT_MS } } });
    customer = await exchange.customer();
    const { app } = exchange;
    listener = await listen(app.fetch, { host: '127.0.0.1', port: 0, direct: app.direct });
    sockets = app.attach(listener.server);
    house = { ...exchange, url: listener.url, customer };
    // Twice, so that documents are compiled.
    for (const _ of [1, 2]) await until(isWell);
    const place = { url: listener.url, provider: customer.provider };
    streams = [graphqlWs, eventSource].map((transport) => transport.subscribe(place, MESSAGE_EVENTS, {}));
    await Promise.all(streams.map((stream) => stream.until(({ updates }) => updates.length > 0)));
  }, 120_000);
  afterAll(async () => {
    await proxy.heal();
    for (const stream of streams) stream.close();
    await listener.drain(0);
    await sockets.dispose();
    await exchange.close();
    await proxy.close();
  });

  const health = async (which: 'ready' | 'live') => (await fetch(`${listener.url}/health/${which}`)).status;

  const toPhone = () => ({ mappingSid: customer.mappingSid, to: '+49304' });

  async function own(statement: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(directUrl);
    await client.connect();
    const { rows } = await client.query(statement);
    await client.end();
    return rows;
  }

  const isWell = async () =>
    (await health('ready')) === 200 && (await askEverywhere(house)).every(({ status, code }) => status === 200 && code === undefined);

  /** All is as if nothing had been, within `ms`, and the streams that were open go on. */
  async function expectRecovery(ms: number): Promise<void> {
    const began = performance.now();
    await until(isWell);
    expect(performance.now() - began).toBeLessThan(ms);
    const told = streams.map(({ events }) => events.length);
    const sid = await exchange.text(customer, customer, '+49309', 'Hello again');
    await exchange.ends(customer.provider, sid, 'DELIVERED');
    await Promise.all(streams.map((stream, index) => stream.hasEvents((told[index] ?? 0) + 2)));
    for (const stream of streams)
      expect([stream.ended, stream.errors, new Set(stream.log).size]).toEqual([undefined, [], stream.log.length]);
  }

  function expectUnavailable(answers: readonly Answer[]): void {
    for (const { door, status, code, retryAfter, ms } of answers) {
      expect([door, ms < TIMEOUT_MS + SLACK_MS ? 'in time' : ms]).toEqual([door, 'in time']);
      if (door === 'a WebSocket' || door === 'an SSE stream') {
        // Refused at the door (1013: try again later), or told by the operation's own error.
        expect(door === 'a WebSocket' ? [1013, 200] : [503, 200]).toContain(status);
        if (status !== 1013) expect([door, code]).toEqual([door, expect.stringMatching(/^(SERVICE_UNAVAILABLE|TIMEOUT)$/)]);
        continue;
      }
      expect([door, status]).toEqual([door, 503]);
      if (door.startsWith('a REST')) expect([door, code]).toEqual([door, '503']);
      else if (code !== undefined) expect(code).toMatch(/^(SERVICE_UNAVAILABLE|TIMEOUT)$/);
      if (code !== 'TIMEOUT' && code !== '503') expect([door, retryAfter]).toEqual([door, '5']);
    }
  }

  describe.each([
    ['whose credentials are not cached', false],
    ['whose credentials are cached', true],
  ])('is down, requests %s', (_, isKept) => {
    test('get a 503 from every entrance in its own form, with Retry-After, at once; readiness reports it; and everything recovers by itself', async () => {
      exchange.gateway.verified.hears(isKept);
      await askEverywhere(house);
      proxy.refuse();
      const answers = await askEverywhere(house);
      expectUnavailable(answers);
      for (const { door, status, retryAfter } of answers) if (status === 503) expect([door, retryAfter]).toEqual([door, '5']);
      expect([await health('ready'), await health('live')]).toEqual([503, 200]);
      await proxy.heal();
      exchange.gateway.verified.hears(false);
      await expectRecovery(5000);
    });
  });

  test('hangs, requests get a 503 from every entrance in time; its connections are closed; and everything recovers by itself', async () => {
    proxy.hang();
    expectUnavailable(await askEverywhere(house));
    expect(await health('live')).toBe(200);
    expect(await health('ready')).toBe(503);
    // What hung so long is not waited for any more.
    await until(async () => exchange.database.pool.totalCount < 10 && exchange.database.pool.waitingCount === 0);
    await proxy.heal();
    await expectRecovery(5000);
  });

  test('ends every connection and restarts (57P01), requests recover by themselves', async () => {
    await own('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()');
    const answers = await askEverywhere(house);
    for (const { status } of answers) expect([200, 503, 1013]).toContain(status);
    await expectRecovery(5000);
  });

  test('is slow, nothing fails; and if a statement takes too long, only its request gets a 503, in time', async () => {
    proxy.slow(20);
    await until(isWell);
    await proxy.heal();

    const client = new pg.Client(directUrl);
    await client.connect();
    await client.query('BEGIN; LOCK TABLE message IN ACCESS EXCLUSIVE MODE');
    const [blocked, other] = await Promise.all([
      customer.provider.graph('{ messages { nodes { sid } } }'),
      customer.provider.rest.get('/msteams/mappings/search'),
    ]);
    expect([blocked.status, blocked.errors?.[0]?.extensions?.code, other.status]).toEqual([503, 'SERVICE_UNAVAILABLE', 200]);
    expect(await health('ready')).toBe(200);
    await client.query('ROLLBACK');
    await client.end();
    await expectRecovery(5000);
  });

  test('goes down just when a message has been sent, it is delivered once, and not marked as duplicated', async () => {
    const held = exchange.microsoft.hold('activities');
    const sid = await exchange.text(customer, customer, '+49305', 'Once');
    await held.arrived;
    proxy.refuse();
    held.release();
    await until(async () => exchange.logged.some((line) => line.includes('cannot write to the outbox')));
    await proxy.heal();
    await until(isWell);
    const { possiblyDuplicated } = await exchange.ends(customer.provider, sid, 'DELIVERED');
    const texts = exchange.microsoft.activities.filter(({ text }) => String(text).endsWith('Once'));
    expect([possiblyDuplicated, texts.length]).toEqual([false, 1]);
  });

  test('ends a connection just as it is handed to a waiting request, only that request fails', async () => {
    const { pool, close } = await connect({ dataDir: '', databaseUrl: proxy.url, log: exchange.gateway.log });
    const all = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
    all.pop()?.release();
    proxy.holdAnswers();
    const answered = pool.query('SELECT 1 AS last');
    const waiting = pool.connect();
    // First its answer, then its end, both in one piece.
    const ended =
      "SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity WHERE query = 'SELECT 1 AS last' AND state = 'idle'";
    await until(async () => (await own(ended)).some((row) => row.ended));
    await proxy.heal();
    expect((await answered).rows).toEqual([{ last: 1 }]);
    const client = await waiting;
    await expect(client.query('SELECT 1')).rejects.toThrow();
    client.release();
    for (const other of all) other.release();
    await close();
  });

  test('takes longer for a migration than for any request, the migration completes', async () => {
    const place = await createTestPlace('empty');
    const database = await connect({ ...place.settings, log: exchange.gateway.log, requestTimeoutMs: 2000 });
    const directory = await mkdtemp(join(tmpdir(), 'gateway-test-'));
    await mkdir(join(directory, '1_slow'));
    await writeFile(join(directory, '1_slow', 'migration.sql'), 'SELECT pg_sleep(1.5)');
    expect(await migrate(database.pool, directory)).toEqual(['1_slow']);
    await expect(database.pool.query('SELECT pg_sleep(1.5)')).rejects.toThrow('statement timeout');
    await database.close();
    await Promise.all([place.remove(), rm(directory, { recursive: true })]);
  });

  test('commits and the acknowledgement is lost, the request gets a 503, and its repetition with the idempotency key does nothing again', async () => {
    await exchange.pause();
    const send = () => customer.provider.graph(SEND, { input: { ...toPhone(), body: 'Committed', idempotencyKey: 'committed' } });
    proxy.loseAnswerTo(COMMIT);
    const lost = await send();
    const again = await send();
    exchange.resume();
    expect([lost.status, again.status, again.data?.result?.__typename]).toEqual([503, 200, 'SendMessageSuccess']);
    expect((await exchange.messages(customer.provider, { direction: 'INBOUND' })).filter(({ body }) => body === 'Committed')).toHaveLength(
      1,
    );
  });
});
