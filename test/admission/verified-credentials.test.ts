import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { followCredentialChanges } from '../../src/admission/credential-changes.ts';
import { createApp } from '../../src/app.ts';
import { activateAccount, rotateToken, suspendAccount } from '../../src/domain/access/accounts.ts';
import { createVerifiedCredentials } from '../../src/domain/caches/verified-credentials.ts';
import { done, newEnterprise } from '../parity/faces.ts';
import type { Credentials } from '../support/credentials.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';
import { costOf } from '../support/work.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => gateway.close());

const postgres = inject('postgres');
/** Whom it answers needs no statement, so that what a request costs is what its credentials do. */
const PERMISSIONS = '{ viewer { permissions } }';
const CREATE_TOKEN = `mutation { made: createAccessToken(input: { expiresIn: 3600, permissions: [READ] }) {
  ... on CreateAccessTokenSuccess { token accessToken { sid } }
} }`;
const SET_STATUS = `mutation ($sid: ID!, $status: OpenEnterpriseStatus!) { changed: updateEnterprise(input: { sid: $sid, status: $status }) { __typename } }`;
const CLOSE = 'mutation ($sid: ID!) { changed: closeEnterprise(input: { sid: $sid }) { __typename } }';

/** An instance on the same database, with credentials kept of its own. */
function createInstance() {
  const verified = createVerifiedCredentials({ hears: !postgres });
  const { log, prisma } = gateway.gateway;
  const databaseUrl = gateway.database.pool.options.connectionString;
  const following = postgres && databaseUrl ? followCredentialChanges({ databaseUrl, prisma, kept: [verified], log }) : undefined;
  const own = { ...gateway.gateway, verified };
  const app = createApp({
    ...{ gateway: own, live: gateway.live, statements: gateway.statements },
    ...{ contract: { restTimestamps: 'iso', restBotSecrets: 'plain' }, log },
    isReady: () => true,
  });
  return {
    gateway: own,
    verified,
    graph: (credentials: Credentials) => graphClient((request) => app.fetch(request), credentials),
    close: async () => {
      app.drain();
      await following?.close();
    },
  };
}

type Instance = ReturnType<typeof createInstance>;

const isCostless = async (graph: GraphClient) => (await costOf(() => graph(PERMISSIONS))).statements.length === 0;
const isKept = (graph: GraphClient) => expect.poll(() => isCostless(graph), { timeout: 5000 }).toBe(true);
const basic = ({ accountSid, authToken }: Provider) => ({ user: accountSid, password: authToken });

async function enterpriseWithAdmin(provider: Provider) {
  const enterprise = newEnterprise();
  const { sid, admin } = await done(provider, 'createEnterprise', enterprise);
  return { sid, credentials: { user: admin.sid as string, password: (enterprise.enterpriseAdmin as { password: string }).password } };
}

describe('verified credentials', () => {
  let one: Instance;
  beforeAll(() => {
    one = createInstance();
  });
  afterAll(() => one.close());

  test('cost no statement for a minute, and are then verified again', async () => {
    const graph = one.graph(basic(await gateway.provider()));
    await isKept(graph);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 59_000 });
    // What was kept the last time may be a second old.
    expect((await costOf(() => graph(PERMISSIONS))).statements.length).toBeLessThanOrEqual(1);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect(await isCostless(graph)).toBe(false);
    expect(await isCostless(graph)).toBe(true);
  });

  test('of an admin cost one scrypt a minute, even for many simultaneous requests', async () => {
    const { credentials } = await enterpriseWithAdmin(await gateway.provider());
    const graph = one.graph(credentials);
    const { scrypts } = await costOf(() => Promise.all(Array.from({ length: 20 }, () => graph(PERMISSIONS))));
    expect(scrypts).toBe(1);
    await isKept(graph);
    expect((await costOf(() => graph(PERMISSIONS))).scrypts).toBe(0);
  });

  test('are cached separately for another secret, name or scheme', async () => {
    const provider = await gateway.provider();
    await isKept(one.graph(basic(provider)));
    const { accountSid, authToken } = provider;
    for (const other of [
      { user: accountSid, password: `${authToken}0` },
      { user: accountSid, password: '' },
      { user: (await gateway.provider()).accountSid, password: authToken },
      { token: authToken },
    ]) {
      expect((await one.graph(other)(PERMISSIONS)).status).toBe(401);
    }
  });

  test('of an access token end with it, even within the minute', async () => {
    const provider = await gateway.provider();
    const { data } = await provider.graph(CREATE_TOKEN.replace('3600', '60'));
    const graph = one.graph({ token: data.made.token });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30_000 });
    await graph(PERMISSIONS);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
    expect((await graph(PERMISSIONS)).status).toBe(401);
  });

  test('are not cached if they changed during their verification', async () => {
    const { accountSid, organizationSid } = await gateway.provider();
    const credentials = { accountSid, organizationSid, permissions: new Set(['read' as const]) };
    const verified = createVerifiedCredentials({ hears: true });
    const [early, late] = [verified.begin('early'), verified.begin('late')];
    early.keep(credentials);
    verified.drop(accountSid);
    late.keep(credentials);
    expect([verified.get('early'), verified.get('late'), verified.isKnown('late')]).toEqual([undefined, undefined, false]);
    const [deaf, after] = [verified.begin('deaf'), verified.begin('after')];
    verified.hears(false);
    verified.hears(true);
    deaf.keep(credentials);
    expect(verified.get('deaf')).toBeUndefined();
    after.end();
    verified.begin('again').keep(credentials);
    expect(verified.get('again')).toBe(credentials);
  });
});

interface Change {
  /** Whose credentials they are, and how they are taken back on an instance. */
  readonly make: () => Promise<{ credentials: Credentials; revoke: (at: Instance) => Promise<unknown>; status: 401 | 403 }>;
}

const changes: readonly (readonly [string, Change])[] = [
  [
    'an account’s token is rotated',
    {
      make: async () => {
        const provider = await gateway.provider();
        const revoke = (at: Instance) => rotateToken(at.gateway, provider.accountSid);
        return { credentials: basic(provider), revoke, status: 401 };
      },
    },
  ],
  [
    'an account is suspended',
    {
      make: async () => {
        const provider = await gateway.provider();
        const revoke = (at: Instance) => suspendAccount(at.gateway, provider.accountSid);
        return { credentials: basic(provider), revoke, status: 403 };
      },
    },
  ],
  [
    'the account of an access token is suspended',
    {
      make: async () => {
        const provider = await gateway.provider();
        const { data } = await provider.graph(CREATE_TOKEN);
        const revoke = (at: Instance) => suspendAccount(at.gateway, provider.accountSid);
        return { credentials: { token: data.made.token }, revoke, status: 403 };
      },
    },
  ],
  [
    'an access token is revoked',
    {
      make: async () => {
        const provider = await gateway.provider();
        const { token, accessToken } = (await provider.graph(CREATE_TOKEN)).data.made;
        const revoke = (at: Instance) =>
          at.graph(basic(provider))(`mutation { revokeAccessToken(input: { sid: "${accessToken.sid}" }) { __typename } }`);
        return { credentials: { token }, revoke, status: 401 };
      },
    },
  ],
  ...(['INACTIVE', 'CLOSED'] as const).map((status): readonly [string, Change] => [
    `an admin’s enterprise becomes ${status}`,
    {
      make: async () => {
        const provider = await gateway.provider();
        const { sid, credentials } = await enterpriseWithAdmin(provider);
        const revoke = (at: Instance) => at.graph(basic(provider))(status === 'CLOSED' ? CLOSE : SET_STATUS, { sid, status });
        return { credentials, revoke, status: 403 };
      },
    },
  ]),
  [
    'the enterprise of an admin’s access token becomes INACTIVE',
    {
      make: async () => {
        const provider = await gateway.provider();
        const { sid, credentials } = await enterpriseWithAdmin(provider);
        const { data } = await graphClient(gateway.fetch, credentials)(CREATE_TOKEN);
        const revoke = (at: Instance) => at.graph(basic(provider))(SET_STATUS, { sid, status: 'INACTIVE' });
        return { credentials: { token: data.made.token }, revoke, status: 403 };
      },
    },
  ],
];

describe.each(changes)('when %s', (_, { make }) => {
  test('the instance that makes the change refuses the credentials at the next request', async () => {
    const one = createInstance();
    const { credentials, revoke, status } = await make();
    const graph = one.graph(credentials);
    await isKept(graph);
    await revoke(one);
    expect((await graph(PERMISSIONS)).status).toBe(status);
    await one.close();
  });

  test.runIf(postgres)('every other instance refuses them at once too', async () => {
    const [one, two] = [createInstance(), createInstance()];
    const { credentials, revoke, status } = await make();
    const graph = two.graph(credentials);
    await isKept(graph);
    await revoke(one);
    // The time of a notification, in which none of ours can get in between.
    await expect.poll(async () => (await graph(PERMISSIONS)).status, { interval: 5, timeout: 1000 }).toBe(status);
    await Promise.all([one.close(), two.close()]);
  });
});

test('credentials that are invalidated and restored are valid again at once', async () => {
  const one = createInstance();
  const provider = await gateway.provider();
  const graph = one.graph(basic(provider));
  await isKept(graph);
  await suspendAccount(one.gateway, provider.accountSid);
  expect((await graph(PERMISSIONS)).status).toBe(403);
  await activateAccount(one.gateway, provider.accountSid);
  expect((await graph(PERMISSIONS)).status).toBe(200);
  await one.close();
});

describe.runIf(postgres)('on PostgreSQL', () => {
  test('an instance is notified of changes by another process: the command line, or SQL', async () => {
    const one = createInstance();
    const provider = await gateway.provider();
    const graph = one.graph(basic(provider));
    await isKept(graph);
    await rotateToken({ prisma: gateway.gateway.prisma, secrets: gateway.gateway.secrets }, provider.accountSid);
    await expect.poll(async () => (await graph(PERMISSIONS)).status, { interval: 5, timeout: 1000 }).toBe(401);

    const other = await gateway.provider();
    const otherGraph = one.graph(basic(other));
    await isKept(otherGraph);
    await gateway.database.pool.query(`UPDATE account SET permissions = '{}' WHERE sid = $1`, [other.accountSid]);
    await expect.poll(async () => (await otherGraph(PERMISSIONS)).errors, { interval: 5, timeout: 1000 }).toBeDefined();
    await one.close();
  });

  test('an instance that is not notified caches nothing, and later knows of changes made meanwhile', async () => {
    const one = createInstance();
    const provider = await gateway.provider();
    const graph = one.graph(basic(provider));
    await isKept(graph);
    const admin = new pg.Client(gateway.database.pool.options.connectionString);
    await admin.connect();
    const deaf = vi.spyOn(one.verified, 'hears');
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'teams-sms-gateway credentials'`);
    await expect.poll(() => deaf.mock.calls).toContainEqual([false]);
    await suspendAccount({ prisma: gateway.gateway.prisma }, provider.accountSid);
    expect((await graph(PERMISSIONS)).status).toBe(403);
    await activateAccount({ prisma: gateway.gateway.prisma }, provider.accountSid);
    await isKept(graph);
    await admin.end();
    await one.close();
  });
});
