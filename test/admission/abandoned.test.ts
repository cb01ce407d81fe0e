import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import type { OperationReport } from '../../src/execution/operations.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { authorizationOf } from '../support/credentials.ts';
import { createTestDatabase } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

// Statements that wait for a lock, as they would for a disk, while their client goes away or loses its patience. PGlite's statements end by themselves only:
// they occupy the process.

const QUERY = '{ messages(first: 5, filter: { direction: INBOUND, type: MMS }) { totalCount nodes { sid } } }';
const SEARCH = '/msteams/messages/search?direction=inbound&type=mms';
/** REQUEST_TIMEOUT where it is awaited. That of a statement is longer. */
const TIMEOUT_MS = 1000;

describe.runIf(inject('postgres'))('a statement', () => {
  let gateway: TestGateway;
  let provider: Provider;
  let listener: Listener;
  let admin: pg.Client;
  const outcomes: string[] = [];
  const observe = ({ outcome }: OperationReport) => void outcomes.push(outcome);
  beforeAll(async () => {
    let url = '';
    const database = await createTestDatabase({
      reachedBy: async (direct) => {
        url = direct;
        return direct;
      },
    });
    gateway = await createTestGateway({ database, access: { observe } });
    provider = await gateway.provider();
    admin = new pg.Client(url);
    await admin.connect();
    listener = await serve(gateway.app);
    // Twice, so that the document is compiled.
    for (const _ of [1, 2]) await (await ask('POST')).text();
  });
  afterAll(async () => {
    await listener.drain(0);
    await admin.end();
    await gateway.close();
  });

  const serve = async (app: TestGateway['app']) => {
    const served = await listen(app.fetch, { host: '127.0.0.1', port: 0, direct: app.direct });
    const sockets = app.attach(served.server);
    return {
      ...served,
      drain: async (grace: number) => {
        await sockets.dispose();
        return served.drain(grace);
      },
    };
  };
  const authorization = () => authorizationOf({ user: provider.accountSid, password: provider.authToken });

  const ways = {
    POST: (url: string) => [
      `${url}/graphql`,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: QUERY }) },
    ],
    'POST of a new document': (url: string) => [
      `${url}/graphql`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: `query Q${Math.random().toString(36).slice(2)} ${QUERY}` }),
      },
    ],
    GET: (url: string) => [`${url}/graphql?query=${encodeURIComponent(QUERY)}`, {}],
    REST: (url: string) => [`${url}${SEARCH}`, {}],
  } as const satisfies Record<string, (url: string) => [string, RequestInit]>;

  function ask(way: keyof typeof ways, { signal, url = listener.url }: { signal?: AbortSignal; url?: string } = {}): Promise<Response> {
    const [target, init] = ways[way](url) as [string, RequestInit];
    return fetch(target, { ...init, signal, headers: { ...init.headers, authorization: authorization() } });
  }

  /** The statements of the gateway that wait for the lock. */
  async function blocked(): Promise<number> {
    const { rows } = await admin.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'teams-sms-gateway' AND wait_event_type = 'Lock'`,
    );
    return rows[0]?.count ?? 0;
  }

  /** While no message can be read. */
  async function whileLocked(happens: () => Promise<void>): Promise<void> {
    await admin.query('BEGIN; LOCK TABLE message IN ACCESS EXCLUSIVE MODE');
    try {
      await happens();
    } finally {
      await admin.query('ROLLBACK');
    }
  }

  test.each(Object.keys(ways) as (keyof typeof ways)[])('of a %s ends when the client goes away; others go on', async (way) => {
    await whileLocked(async () => {
      const leaving = new AbortController();
      const left = ask(way, { signal: leaving.signal }).catch(({ name }) => name);
      await until(async () => (await blocked()) > 0);
      leaving.abort();
      expect(await left).toBe('AbortError');
      await until(async () => (await blocked()) === 0, 5000);
      await until(async () => outcomes.splice(0).includes('ABANDONED'), 5000);
      const { status, body } = await provider.rest.get<{ total: number }>('/msteams/enterprises/search');
      expect([status, body.data?.total]).toEqual([200, 0]);
    });
    expect((await ask(way)).status).toBe(200);
  });

  test('of a query over a WebSocket ends when the socket closes', async () => {
    await whileLocked(async () => {
      const socket = new WebSocket(`${listener.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: authorization() } }));
      await once(socket, 'message');
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: QUERY } }));
      await until(async () => (await blocked()) > 0);
      socket.terminate();
      await until(async () => (await blocked()) === 0, 5000);
    });
  });

  test.each(Object.keys(ways) as (keyof typeof ways)[])('of a %s ends with its request, which gets its 503 in time', async (way) => {
    const hasty = await serve(gateway.another({ limits: { requestTimeoutMs: TIMEOUT_MS }, observe }));
    outcomes.length = 0;
    await whileLocked(async () => {
      expect((await ask(way, { url: hasty.url })).status).toBe(503);
      await until(async () => (await blocked()) === 0, 5000);
    });
    await hasty.drain(0);
    expect(outcomes).toEqual(['TIMEOUT']);
  });

  test('of a mutation goes on when the client goes away', async () => {
    const { data } = await provider.graph(
      'mutation { created: createEnterprise(input: { name: "Old", enterpriseAdmin: { email: "left@example.com", password: "a-long-password" } }) { ... on CreateEnterpriseSuccess { enterprise { sid } } } }',
    );
    const { sid } = data.created.enterprise;
    await admin.query('BEGIN');
    await admin.query('SELECT 1 FROM enterprise WHERE sid = $1 FOR UPDATE', [sid]);
    const leaving = new AbortController();
    const body = JSON.stringify({ name: 'New' });
    const headers = { authorization: authorization(), 'content-type': 'application/json' };
    const left = fetch(`${listener.url}/msteams/enterprises/${sid}`, { method: 'PUT', headers, body, signal: leaving.signal }).catch(
      ({ name }) => name,
    );
    await until(async () => (await blocked()) > 0);
    leaving.abort();
    expect(await left).toBe('AbortError');
    await admin.query('ROLLBACK');
    await until(async () => {
      const { rows } = await admin.query<{ name: string }>('SELECT name FROM enterprise WHERE sid = $1', [sid]);
      return rows[0]?.name === 'New';
    });
  });
});
