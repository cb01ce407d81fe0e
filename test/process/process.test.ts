import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { ADVISORY_LOCKS } from '../../src/database/advisory-locks.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { startRedis } from '../support/redis.ts';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess, SECRETS_KEY } from './gateway-process.ts';

let place: TestPlace;
const started: GatewayProcess[] = [];

beforeEach(async () => {
  place = await createTestPlace('empty');
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((gateway) => gateway.end('SIGKILL')));
  await place.remove();
});

function start(env: Record<string, string | undefined> = {}, command?: readonly string[]): GatewayProcess {
  const { dataDir, databaseUrl } = place.settings;
  const gateway = new GatewayProcess(
    {
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      SECRETS_KEY,
      BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID,
      BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN,
      ...env,
    },
    command,
  );
  started.push(gateway);
  return gateway;
}

/** Sends a GraphQL request but for its last byte, and waits until the gateway has begun to read it. */
async function beginRequest(url: string, authorization = AUTHORIZATION): Promise<{ socket: Socket; finish: () => Promise<string> }> {
  const body = JSON.stringify({ query: '{ __typename }' });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.setEncoding('utf8');
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  const head = ['POST /graphql HTTP/1.1', 'Host: gateway', `Authorization: ${authorization}`, 'Content-Type: application/json'];
  socket.write([...head, `Content-Length: ${body.length}`, 'Expect: 100-continue', '', ''].join('\r\n'));
  while (!answer.includes('100 Continue')) await once(socket, 'data');
  socket.write(body.slice(0, -1));
  const ended = once(socket, 'close');
  return {
    socket,
    finish: async () => {
      socket.write(body.slice(-1));
      await ended;
      return answer.slice(answer.indexOf('\r\n\r\n') + 4);
    },
  };
}

test('SIGTERM lets the request in flight finish, accepts no other, and exits with 0', async () => {
  const gateway = start();
  const url = await gateway.listening();
  expect(gateway.stdout).toContain(ACCOUNT_SID);
  expect(gateway.stdout).not.toContain(AUTH_TOKEN);
  const request = await beginRequest(url);
  gateway.child.kill('SIGTERM');
  await gateway.says('"msg":"draining"');
  await expect
    .poll(() =>
      fetch(`${url}/health/live`).then(
        () => 'answered',
        () => 'refused',
      ),
    )
    .toBe('refused');
  const answer = await request.finish();
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(answer).toContain('{"data":{"__typename":"Query"}}');
  expect(await gateway.exited).toEqual({ code: 0, signal: null });
});

test('SIGTERM to npm start ends the gateway as well', async () => {
  const gateway = start({}, ['npm', 'start']);
  const url = await gateway.listening();
  await gateway.end('SIGTERM');
  expect(gateway.stdout).toContain('"msg":"stopped"');
  await expect(fetch(`${url}/health/live`)).rejects.toThrow();
});

test('the first account of a new database is printed once, its credentials work, and a second signal ends the process at once', async () => {
  const unset = { BOOTSTRAP_ACCOUNT_SID: undefined, BOOTSTRAP_AUTH_TOKEN: '' };
  const gateway = start(unset);
  const url = await gateway.listening();
  const [, user, password, address] = /curl -u '(AC[0-9a-f]{32}):([0-9a-f]{32})' (\S+)/.exec(gateway.stdout) ?? [];
  expect(gateway.stdout).toContain(`GraphiQL      ${url}/graphql\n  Console       ${url}/console\n`);
  expect((await fetch(`${url}/console`)).status).toBe(200);
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  expect((await fetch(String(address), { headers: { authorization } })).status).toBe(200);
  // An idle keep-alive connection is left open by the request above.
  expect(await gateway.end('SIGINT')).toEqual({ code: 0, signal: null });

  const again = start(unset);
  const request = await beginRequest(await again.listening(), authorization);
  expect(again.stdout).not.toContain('curl');
  again.child.kill('SIGTERM');
  await again.says('"msg":"draining"');
  expect(await again.end('SIGTERM')).toEqual({ code: 1, signal: null });
  request.socket.destroy();
});

test('a first start that fails after creating its account has printed it, and its credentials work at the next start', async () => {
  const unset = { BOOTSTRAP_ACCOUNT_SID: undefined, BOOTSTRAP_AUTH_TOKEN: '' };
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const failed = start({ ...unset, HOST: '127.0.0.1', PORT: String((taken.address() as AddressInfo).port) });
  expect(await failed.exited).toEqual({ code: 1, signal: null });
  taken.close();
  const [, sid] = /account SID +(AC[0-9a-f]{32})/.exec(failed.stdout) ?? [];
  const [, token] = /auth token +([0-9a-f]{32})/.exec(failed.stdout) ?? [];
  const next = start(unset);
  const authorization = `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`;
  expect((await fetch(`${await next.listening()}/msteams/enterprises/search`, { headers: { authorization } })).status).toBe(200);
});

test.each([['is up'], ['is down']])('with a Redis that %s, the gateway starts, limits rates and is ready', async (what) => {
  const redis = what === 'is up' ? await startRedis() : undefined;
  const gateway = start({ REDIS_URL: redis?.url ?? 'redis://127.0.0.1:1', RATE_LIMIT: '7' });
  const answer = await fetch(`${await gateway.listening()}/msteams/enterprises/search`, { headers: { authorization: AUTHORIZATION } });
  expect([answer.status, answer.headers.get('ratelimit-policy')]).toEqual([200, '"account";q=7;w=60']);
  expect(await gateway.end('SIGTERM')).toEqual({ code: 0, signal: null });
  await redis?.close();
});

test('an unusable data directory is named, and the process exits with 1', async () => {
  const gateway = start({ DATABASE_URL: undefined, SECRETS_KEY: undefined, DATA_DIR: '/dev/null' });
  expect(await gateway.exited).toEqual({ code: 1, signal: null });
  expect(gateway.stderr).toMatch(/^Cannot use DATA_DIR \(\/dev\/null\): .*\n$/);
});

test('every invalid setting is named in a clear message, and the process exits with 1', async () => {
  const gateway = start({ PORT: 'http', REST_TIMESTAMPS: 'unix' });
  expect(await gateway.exited).toEqual({ code: 1, signal: null });
  expect(gateway.stderr).toBe(
    'PORT is invalid (http): expected a port from 0 to 65535\nREST_TIMESTAMPS is invalid (unix): expected iso or recorded\n',
  );
  expect(gateway.stdout).toBe('');
});

test.runIf(inject('postgres'))(
  'a signal ends a start that waits for another instance’s migration, in the database too, and the next one starts',
  async () => {
    const empty = await createTestPlace('empty');
    const DATABASE_URL = empty.settings.databaseUrl;
    const other = new pg.Client(DATABASE_URL);
    await other.connect();
    try {
      await other.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCKS.migrations]);
      const gateway = start({ DATABASE_URL });
      const waiting =
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()";
      await expect.poll(async () => (await other.query(waiting)).rows[0].count, { timeout: 20_000 }).toBe(1);
      expect(await gateway.end('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(gateway.stdout).toContain('stopped before it had started');
      await expect.poll(async () => (await other.query(waiting)).rows[0].count, { timeout: 5000 }).toBe(0);
      await other.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCKS.migrations]);
      const next = start({ DATABASE_URL });
      await next.listening();
      await next.end('SIGTERM');
    } finally {
      await other.end();
      await empty.remove();
    }
  },
);

test.runIf(inject('postgres'))('gateways that start at once on a new PostgreSQL database all serve, with one first account', async () => {
  const gateways = [start(), start(), start()];
  const urls = await Promise.all(gateways.map((gateway) => gateway.listening()));
  const answers = await Promise.all(
    urls.map((url) => fetch(`${url}/msteams/enterprises/search`, { headers: { authorization: AUTHORIZATION } })),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(gateways.filter(({ stdout }) => stdout.includes('first account'))).toHaveLength(1);
});
