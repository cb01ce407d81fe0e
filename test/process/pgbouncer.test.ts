import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { connect } from '../../src/database/connect.ts';
import { LostInterestError } from '../../src/database/interest.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { isInstalled, replaced, sampleOf } from '../support/samples.ts';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess, SECRETS_KEY } from './gateway-process.ts';
import { freePort } from './traffic.ts';

// PgBouncer in transaction mode with the configuration in docs/operating.md, as it is but for addresses, authentication and three server connections,
// between a started gateway and its database. The embedded database needs no pooler.

const skipped = !isInstalled('pgbouncer') || !inject('postgres');
const SERVER_CONNECTIONS = 3;
const [USER, NUMBER, PHONE] = ['sunny@kohl.example', '+493023125042', '+4915112345671'];

interface Pooler {
  /** The address of a database by its name in the configuration. */
  urlOf(database: string): string;
  close(): Promise<void>;
}

/** @param databaseUrl the database behind `gateway`, and behind `bare`, which lacks a setting */
async function startPgBouncer(databaseUrl: string): Promise<Pooler> {
  const directory = await mkdtemp(join(tmpdir(), 'pgbouncer-'));
  const port = await freePort();
  const { hostname, port: serverPort, pathname, username } = new URL(databaseUrl);
  const server = `host=${hostname} port=${serverPort || 5432} dbname=${pathname.slice(1)} user=${username}`;
  const configuration = replaced(sampleOf('ini'), {
    'host=postgres.internal dbname=gateway': server,
    '[pgbouncer]': `bare = ${server} connect_query='SET jit = on'\n\n[pgbouncer]`,
    'listen_port = 6432': `listen_port = ${port}`,
    'auth_type = scram-sha-256\nauth_file = /etc/pgbouncer/userlist.txt': 'auth_type = any\nunix_socket_dir =',
    'default_pool_size = 20': `default_pool_size = ${SERVER_CONNECTIONS}`,
  });
  const file = join(directory, 'pgbouncer.ini');
  await writeFile(file, configuration);
  // It refuses to run as root.
  await chmod(directory, 0o755);
  const user = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
  const child: ChildProcess = spawn('pgbouncer', [...user, file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  child.stderr?.on('data', (data) => {
    printed += data;
  });
  const exited = once(child, 'exit').then(() => {
    throw new Error(`pgbouncer ended:\n${printed}`);
  });
  exited.catch(() => {});
  await Promise.race([exited, until(async () => /process up/.test(printed))]);
  return {
    urlOf: (database) => `postgresql://root@127.0.0.1:${port}/${database}`,
    close: async () => {
      child.kill('SIGKILL');
      await exited.catch(() => {});
      await rm(directory, { recursive: true });
    },
  };
}

/** Gives the role the settings in the documentation, for this database alone. */
async function alterRole(databaseUrl: string): Promise<void> {
  const { pathname, username } = new URL(databaseUrl);
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(
    replaced(sampleOf('sql', 'ALTER ROLE'), { 'gateway IN DATABASE gateway': `${username} IN DATABASE ${pathname.slice(1)}` }),
  );
  await client.end();
}

describe.skipIf(skipped)('through PgBouncer', () => {
  let place: TestPlace;
  let pooler: Pooler;
  let gateway: GatewayProcess;
  let url: string;
  let enterpriseSid: string;
  let mappingSid: string;

  beforeAll(async () => {
    // Empty: the start migrates it, and creates the account.
    place = await createTestPlace('empty');
    const { databaseUrl = '' } = place.settings;
    await alterRole(databaseUrl);
    pooler = await startPgBouncer(databaseUrl);
    gateway = new GatewayProcess({
      ...{ DATABASE_URL: databaseUrl, DATABASE_POOLER_URL: pooler.urlOf('gateway'), SECRETS_KEY },
      ...{ BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN },
    });
    url = await gateway.listening();
    const enterpriseAdmin = { emailId: 'admin@kohl.example', password: 'Secret-123' };
    enterpriseSid = (await rest('/msteams/enterprises', { name: 'Kohl', enterpriseAdmin })).sid;
    await rest('/msteams/teamsbot', { enterpriseSid, applicationId: 'app', tenantId: 'tenant', clientSecret: 'secret', botAppId: 'app' });
    mappingSid = (await rest('/msteams/mappings', { enterpriseSid, microsoftAddress: USER, externalAddress: NUMBER })).sid;
  });
  afterAll(async () => {
    await gateway?.end('SIGTERM');
    await pooler?.close();
    await place?.remove();
  });

  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
  // biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
  async function rest(path: string, body?: unknown): Promise<any> {
    const response = await fetch(`${url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const answer = (await response.json()) as { data?: unknown };
    expect(response.status, JSON.stringify(answer)).toBeLessThan(300);
    return answer.data;
  }
  // biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
  async function graph(query: string, variables?: object): Promise<any> {
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
    expect(errors).toBeUndefined();
    return data;
  }
  const delivered = (body: string) =>
    until(async () => {
      const { messages } = await graph('{ messages(first: 50) { totalCount nodes { body channelStatus } } }');
      return messages.nodes.some(
        (each: { body: string; channelStatus: string }) => each.body === body && each.channelStatus === 'DELIVERED',
      );
    });

  test('a start migrates an empty database over DATABASE_URL, and finds the settings that it needs', () => {
    expect(gateway.stdout).toContain('migration applied');
    expect(gateway.stdout).not.toContain('lack settings');
    expect(gateway.stdout).not.toContain('"level":40');
  });

  test('texts are delivered both ways and by sendMessage, and a subscription shows each step', async () => {
    const query = 'subscription { messageEvents { ... on MessageEvent { channelStatus message { body } } } }';
    const stream = await fetch(`${url}/graphql`, {
      ...{ method: 'POST', headers: { ...headers, accept: 'text/event-stream' } },
      body: JSON.stringify({ query }),
    });
    let seen = '';
    const streamed = (async () => {
      for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        seen += chunk;
        if ([...seen.matchAll(/"channelStatus":"DELIVERED"/g)].length === 3) return;
      }
    })();
    await rest('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'To Teams' });
    await delivered('To Teams');
    await rest('/stand-in/teams', { microsoftAddress: USER, text: 'Back to the phone' });
    const { sendMessage } = await graph(
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { body } } ... on Error { code } } }',
      { input: { mappingSid, to: PHONE, body: 'Sent by the graph' } },
    );
    expect(sendMessage).toEqual({ sentMessage: { body: 'Sent by the graph' } });
    await streamed;
    for (const body of ['To Teams', 'Back to the phone', 'Sent by the graph']) expect(seen).toContain(body);
  });

  test('usage counts them', async () => {
    const day = 24 * 60 * 60_000;
    const { usage } = await graph(
      'query ($from: DateTime!, $to: DateTime!) { usage(from: $from, to: $to, granularity: DAY) { messages } }',
      {
        from: new Date(Date.now() - day),
        to: new Date(Date.now() + day),
      },
    );
    expect(usage.reduce((sum: number, { messages }: { messages: number }) => sum + messages, 0)).toBe(3);
  });

  test('an import creates its mappings', async () => {
    const { importMappings } = await graph(
      'mutation ($sid: ID!) { importMappings(input: { enterpriseSid: $sid }) { ... on ImportMappingsSuccess { mappingImport { sid } uploadUrl } } }',
      { sid: enterpriseSid },
    );
    const row = (n: number) => `user${n}@kohl.example,+49301${100_000 + n}`;
    const body = ['microsoftAddress,externalAddress', ...Array.from({ length: 20 }, (_, n) => row(n))].join('\n');
    expect((await fetch(importMappings.uploadUrl, { method: 'PUT', body })).status).toBe(202);
    const { sid } = importMappings.mappingImport;
    const reaches = (status: string) =>
      until(
        async () => (await graph('query ($sid: ID!) { mappingImport(sid: $sid) { status } }', { sid })).mappingImport.status === status,
      );
    await reaches('CHECKED');
    await graph('mutation ($sid: ID!) { runMappingImport(input: { sid: $sid }) { __typename } }', { sid });
    await reaches('COMPLETED');
    expect((await graph('{ mappings { totalCount } }')).mappings.totalCount).toBe(21);
  });

  test('many callers share three server connections', async () => {
    const pages = Array.from({ length: 60 }, (_, n) =>
      n % 3 === 0
        ? rest('/msteams/enterprises/search')
        : graph(`{ mappings(first: ${n + 1}, filter: { microsoftAddress: "user" }) { nodes { sid } } }`),
    );
    await Promise.all(pages);
    const admin = new pg.Client(pooler.urlOf('pgbouncer'));
    await admin.connect();
    const { rows: clients } = await admin.query('SHOW CLIENTS');
    const { rows: servers } = await admin.query('SHOW SERVERS');
    await admin.end();
    const of = (rows: { database: string }[]) => rows.filter(({ database }) => database === 'gateway').length;
    expect(of(clients)).toBeGreaterThan(SERVER_CONNECTIONS);
    expect(of(servers)).toBeLessThanOrEqual(SERVER_CONNECTIONS);
  });

  describe('a database', () => {
    const log = { ...pino({ level: 'silent' }), warn: vi.fn() };
    const open = (database: string) =>
      connect({ dataDir: '', databaseUrl: place.settings.databaseUrl, poolerUrl: pooler.urlOf(database), log });

    test('runs what moves messages by its own settings, which no other statement gets, not even after a failure', async () => {
      const { sql, close } = await open('gateway');
      const settingOf = async (query: typeof sql.query) =>
        (await query<{ enable_seqscan: string }>('SHOW enable_seqscan', []))[0]?.enable_seqscan;
      const failing = Array.from({ length: 10 }, () => sql.queryAsWritten('SELECT 1 / 0', []).catch((error) => error.message));
      expect(new Set(await Promise.all(failing))).toEqual(new Set(['division by zero']));
      expect(await Promise.all(Array.from({ length: 10 }, () => settingOf(sql.queryAsWritten)))).toEqual(Array(10).fill('off'));
      expect(await Promise.all(Array.from({ length: 10 }, () => settingOf(sql.query)))).toEqual(Array(10).fill('on'));
      await close();
    });

    test('cancels a statement that nobody waits for any more', async () => {
      const { sql, directPool, close } = await open('gateway');
      const running = async () =>
        (await directPool.query("SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(61)%'")).rows.length;
      const listeners = new Set<() => void>();
      const interest = {
        isLost: () => false,
        onLost: (listener: () => void) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      };
      const slow = sql.query('SELECT pg_sleep(61)', [], interest);
      await until(async () => (await running()) === 1);
      for (const listener of listeners) listener();
      await expect(slow).rejects.toThrow(LostInterestError);
      await until(async () => (await running()) === 0);
      await close();
    });

    test('warns of settings that the pooler’s connections lack', async () => {
      log.warn.mockClear();
      await (await open('bare')).close();
      expect(log.warn.mock.calls).toEqual([
        [{ settings: [{ name: 'jit', is: 'on', shouldBe: 'off' }] }, expect.stringMatching(/lack settings/)],
      ]);
    });
  });
});
