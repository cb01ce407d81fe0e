import { randomBytes } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { activateAccount, createAccount, rotateToken, suspendAccount } from '../../src/domain/access/accounts.ts';
import { accountSid, newSid } from '../../src/domain/values/sid.ts';
import { createHttpRestcomm } from '../../src/platforms/restcomm/http.ts';
import { type FakeRestcomm, startFakeRestcomm } from '../fakes/restcomm.ts';
import type { FakeAccount } from '../fakes/restcomm-state.ts';
import { done, fresh, inContractNames, newEnterprise } from '../parity/faces.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import { restClient } from '../support/rest.ts';

let restcomm: FakeRestcomm;
let gateway: LiveGateway;

beforeAll(async () => {
  restcomm = await startFakeRestcomm();
  const { url, accountSid: sid, authToken } = restcomm;
  gateway = await createLiveGateway({
    platforms: { restcomm: createHttpRestcomm({ url, accountSid: sid, authToken, fetch, timeoutMs: 1000 }) },
  });
});
beforeEach(() => {
  restcomm.faults.clear();
  restcomm.requests.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(async () => {
  await gateway.close();
  await restcomm.close();
});

const VIEWER = '{ viewer { account { sid email friendlyName } organization { sid name } permissions } }';

/** An account that Restcomm has, and nobody else yet. */
function onPlatform(change: Partial<FakeAccount> = {}): FakeAccount {
  const email = `${randomBytes(6).toString('hex')}@restcomm.example`;
  const account: FakeAccount = {
    ...{ sid: accountSid(email), email, friendlyName: 'A provider of Restcomm’s', organizationSid: newSid('OR') },
    ...{ authToken: randomBytes(16).toString('hex'), status: 'active' },
    ...change,
  };
  restcomm.accounts.set(account.sid, account);
  return account;
}

const graphOf = ({ sid, authToken }: Pick<FakeAccount, 'sid' | 'authToken'>) =>
  graphClient(gateway.fetch, { user: sid, password: authToken });
const restOf = ({ sid, authToken }: Pick<FakeAccount, 'sid' | 'authToken'>) =>
  restClient(gateway.fetch, { user: sid, password: authToken });
const enterGraph = async (account: Pick<FakeAccount, 'sid' | 'authToken'>) => (await graphOf(account)(VIEWER)).status;
const checks = ({ sid }: Pick<FakeAccount, 'sid'>) => restcomm.requests.filter(({ user }) => user === sid).length;
const later = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });

describe('an account that Restcomm knows', () => {
  test('is accepted on both faces, as a provider’s in the organization that Restcomm names', async () => {
    const account = onPlatform();
    const { data } = await graphOf(account)(VIEWER);
    expect(data.viewer).toEqual({
      account: { sid: account.sid, email: account.email, friendlyName: account.friendlyName },
      organization: { sid: account.organizationSid, name: account.friendlyName },
      permissions: ['READ', 'WRITE', 'SECRETS', 'AUDIT'],
    });
    const { status } = await restOf(account).post('/msteams/enterprises', inContractNames(newEnterprise()));
    expect(status).toBe(201);
  });

  test('shares its organization with the other accounts that Restcomm has in it, and with nobody else', async () => {
    const [one, stranger] = [onPlatform(), onPlatform()];
    const colleague = onPlatform({ organizationSid: one.organizationSid });
    const { sid } = await done({ graph: graphOf(one) }, 'createEnterprise', newEnterprise());
    const query = `{ enterprise(sid: "${sid}") { accountEmail } }`;
    expect((await graphOf(colleague)(query)).data.enterprise).toEqual({ accountEmail: one.email });
    expect((await graphOf(stranger)(query)).data.enterprise).toBeNull();
  });

  test('gets an organization of its own if Restcomm names none', async () => {
    const [one, other] = [onPlatform({ organizationSid: undefined }), onPlatform({ organizationSid: undefined })];
    const organizations = await Promise.all(
      [one, other].map(async (account) => (await graphOf(account)(VIEWER)).data.viewer.organization.sid),
    );
    expect(new Set(organizations).size).toBe(2);
    expect(organizations).toEqual([expect.stringMatching(/^OR[0-9a-f]{32}$/), expect.stringMatching(/^OR[0-9a-f]{32}$/)]);
  });

  test('is imported once, and verified once, by simultaneous requests', async () => {
    const account = onPlatform();
    const statuses = await Promise.all(Array.from({ length: 8 }, () => enterGraph(account)));
    expect(statuses).toEqual(Array(8).fill(200));
    expect(checks(account)).toBe(1);
    expect(await gateway.database.prisma.account.count({ where: { sid: account.sid } })).toBe(1);
  });

  test('is verified once a minute', async () => {
    const account = onPlatform();
    await enterGraph(account);
    later(59_000);
    await restOf(account).get('/msteams/bots/search');
    expect(checks(account)).toBe(1);
    later(2000);
    await enterGraph(account);
    expect(checks(account)).toBe(2);
  });

  test('is refused within a minute after it is suspended there', async () => {
    const account = onPlatform();
    await enterGraph(account);
    account.status = 'suspended';
    later(61_000);
    expect(await enterGraph(account)).toBe(403);
    expect(await restOf(account).get('/msteams/mappings/search')).toMatchObject({ status: 403, body: { errorCode: '403' } });
  });

  test('is refused at once when it is suspended here, and verified again when it is activated', async () => {
    const account = onPlatform();
    await enterGraph(account);
    await suspendAccount(gateway.gateway, account.sid);
    expect(await enterGraph(account)).toBe(403);
    expect(await enterGraph({ ...account, authToken: 'wrong' })).toBe(401);
    await activateAccount(gateway.gateway, account.sid);
    const asked = checks(account);
    expect(await enterGraph(account)).toBe(200);
    expect(checks(account)).toBe(asked + 1);
  });

  test('loses its open streams within a minute after it is suspended there, but not because Restcomm does not respond', async () => {
    const account = onPlatform();
    const url = `http://gateway.test/graphql?${new URLSearchParams({ query: 'subscription { messageEvents { __typename } }' })}`;
    const authorization = `Basic ${Buffer.from(`${account.sid}:${account.authToken}`).toString('base64')}`;
    const answered = (await gateway.fetch(new Request(url, { headers: { accept: 'text/event-stream', authorization } }))).text();
    restcomm.faults.next('account', { status: 503 });
    later(61_000);
    await restcomm.until(() => checks(account) >= 2);
    account.status = 'suspended';
    expect(await answered).toMatch(/Bookmark[\s\S]*UNAUTHENTICATED/);
  });

  test('loses its open streams once it gets a token of its own here', async () => {
    const account = onPlatform();
    const url = `http://gateway.test/graphql?${new URLSearchParams({ query: 'subscription { messageEvents { __typename } }' })}`;
    const authorization = `Basic ${Buffer.from(`${account.sid}:${account.authToken}`).toString('base64')}`;
    const answered = (await gateway.fetch(new Request(url, { headers: { accept: 'text/event-stream', authorization } }))).text();
    await rotateToken(gateway.gateway, account.sid);
    expect(await answered).toMatch(/Bookmark[\s\S]*UNAUTHENTICATED/);
  });

  test('may create access tokens', async () => {
    const { data } = await graphOf(onPlatform())(
      'mutation { made: createAccessToken(input: { expiresIn: 60, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token } } }',
    );
    expect((await graphClient(gateway.fetch, { token: data.made.token })(VIEWER)).status).toBe(200);
  });

  test('can use only its token here once it has one', async () => {
    const account = onPlatform();
    await enterGraph(account);
    const { authToken } = await rotateToken(gateway.gateway, account.sid);
    expect(await enterGraph({ ...account, authToken })).toBe(200);
    expect(await enterGraph(account)).toBe(401);
  });
});

describe('an enterprise’s admin whose account is also in its provider’s organization', () => {
  const VIEWER_ADMIN = '{ viewer { permissions admin { sid } enterprise { sid } } enterprises { nodes { sid } } }';
  const setStatus = (graph: GraphClient, sid: string, status: string) =>
    graph(`mutation { updateEnterprise(input: { sid: "${sid}", status: ${status} }) { __typename } }`);

  async function adminOf(provider: FakeAccount, change: Record<string, unknown> = {}) {
    const enterprise = await done({ graph: graphOf(provider) }, 'createEnterprise', newEnterprise(change));
    const { accountSid: sid } = await gateway.database.prisma.enterpriseAdmin.findUniqueOrThrow({ where: { sid: enterprise.admin.sid } });
    return { enterprise, account: restcomm.accounts.get(sid) as FakeAccount };
  }

  test('is authenticated by its Restcomm credentials as the admin, not as a provider', async () => {
    const provider = onPlatform({ organizationSid: restcomm.organizationSid });
    const { enterprise, account } = await adminOf(provider);
    await adminOf(provider);
    expect(account).toMatchObject({ status: 'active', organizationSid: restcomm.organizationSid });
    expect((await graphOf(account)(VIEWER_ADMIN)).data).toEqual({
      viewer: { permissions: ['READ', 'WRITE'], admin: { sid: enterprise.admin.sid }, enterprise: { sid: enterprise.sid } },
      enterprises: { nodes: [{ sid: enterprise.sid }] },
    });
    expect(await restOf(account).post('/msteams/enterprises', inContractNames(newEnterprise()))).toMatchObject({
      status: 403,
      body: { errorCode: '403' },
    });
    expect(await gateway.database.prisma.account.count({ where: { sid: account.sid } })).toBe(0);
  });

  test('is refused while its enterprise is INACTIVE, and once it is CLOSED', async () => {
    const provider = onPlatform({ organizationSid: restcomm.organizationSid });
    const { enterprise, account } = await adminOf(provider);
    expect(await enterGraph(account)).toBe(200);
    await setStatus(graphOf(provider), enterprise.sid, 'INACTIVE');
    expect(await enterGraph(account)).toBe(403);
    await setStatus(graphOf(provider), enterprise.sid, 'ACTIVE');
    later(61_000);
    expect(await enterGraph(account)).toBe(200);
    expect((await restOf(provider).delete(`/msteams/enterprises/${enterprise.sid}`)).status).toBe(200);
    // As if the platform had not closed it.
    account.status = 'active';
    later(61_000);
    expect(await enterGraph(account)).toBe(403);
    expect(await gateway.database.prisma.account.count({ where: { sid: account.sid } })).toBe(0);
  });

  const listen = ({ sid, authToken }: FakeAccount) => {
    const url = `http://gateway.test/graphql?${new URLSearchParams({ query: 'subscription { messageEvents { __typename } }' })}`;
    const authorization = `Basic ${Buffer.from(`${sid}:${authToken}`).toString('base64')}`;
    return gateway.fetch(new Request(url, { headers: { accept: 'text/event-stream', authorization } }));
  };

  test('is refused with its former token, and loses its streams, as soon as its password is reset', async () => {
    const provider = onPlatform({ organizationSid: restcomm.organizationSid });
    const { enterprise, account } = await adminOf(provider, {
      enterpriseAdmin: { email: `${randomBytes(6).toString('hex')}@admin.example`, password: 'a-long-password' },
    });
    const former = { ...account };
    const answered = (await listen(former)).text();
    expect(await enterGraph(former)).toBe(200);
    await graphOf(provider)(
      `mutation { resetAdminPassword(input: { enterpriseSid: "${enterprise.sid}", password: "another-password" }) { __typename } }`,
    );
    expect(account.authToken).not.toBe(former.authToken);
    expect(await enterGraph(former)).toBe(401);
    expect(await enterGraph(account)).toBe(200);
    expect(await answered).toContain('UNAUTHENTICATED');
  });

  test('loses its streams and access tokens as soon as its enterprise has another admin', async () => {
    const provider = onPlatform({ organizationSid: restcomm.organizationSid });
    const { enterprise, account } = await adminOf(provider);
    const answered = (await listen(account)).text();
    const { data } = await graphOf(account)(
      'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token } } }',
    );
    const byToken = graphClient(gateway.fetch, { token: data.made.token });
    expect((await byToken(VIEWER_ADMIN)).status).toBe(200);
    await done({ graph: graphOf(provider) }, 'updateEnterprise', { sid: enterprise.sid, enterpriseAdmin: { email: fresh.email() } });
    expect(await answered).toContain('UNAUTHENTICATED');
    expect((await byToken(VIEWER_ADMIN)).status).toBe(401);
    expect(await enterGraph(account)).toBe(403);
  });

  test.each(['createEnterprise', 'updateEnterprise'] as const)(
    'is refused with 403 where %s got no response after it was created, until the repeated request gives it to the admin',
    async (name) => {
      const provider = onPlatform();
      const email = `${randomBytes(6).toString('hex')}@admin.example`;
      const former =
        name === 'updateEnterprise' ? await done({ graph: graphOf(provider) }, 'createEnterprise', newEnterprise()) : undefined;
      const input = former
        ? { sid: former.sid, enterpriseAdmin: { email } }
        : newEnterprise({ enterpriseAdmin: { email, password: 'a-long-password' } });
      const rest = restOf(provider);
      const request = () =>
        former
          ? rest.put(`/msteams/enterprises/${former.sid}`, { enterpriseAdmin: { emailId: email } })
          : rest.post('/msteams/enterprises', inContractNames(input));
      restcomm.faults.next('createAccount', { reset: 'after' });
      expect(await request()).toMatchObject({ status: 400, body: { errorCode: '452' } });
      const account = {
        ...(restcomm.accounts.get(accountSid(email)) as FakeAccount),
        organizationSid: provider.organizationSid,
      };
      restcomm.accounts.set(account.sid, account);
      expect(await enterGraph(account)).toBe(403);
      expect(await gateway.database.prisma.account.count({ where: { sid: account.sid } })).toBe(0);
      expect((await request()).status).toBe(former ? 200 : 201);
      const { data } = await graphOf(account)(VIEWER_ADMIN);
      expect(data.viewer).toMatchObject({ permissions: ['READ', 'WRITE'], admin: { sid: expect.stringMatching(/^RCS/) } });
    },
  );

  test.each(['created', 'linked'])('is refused with 403 once its enterprise has another admin: an account that was %s', async (how) => {
    const provider = onPlatform({ organizationSid: restcomm.organizationSid });
    const email = `${randomBytes(6).toString('hex')}@admin.example`;
    if (how === 'linked') onPlatform({ sid: accountSid(email), email, organizationSid: restcomm.organizationSid });
    const { enterprise, account } = await adminOf(provider, { enterpriseAdmin: { email, password: 'a-long-password' } });
    expect(await enterGraph(account)).toBe(200);
    await done({ graph: graphOf(provider) }, 'updateEnterprise', { sid: enterprise.sid, enterpriseAdmin: { email: fresh.email() } });
    expect(account.status).toBe(how === 'linked' ? 'active' : 'suspended');
    expect(await enterGraph(account)).toBe(403);
    // As if the platform's operator had activated it.
    account.status = 'active';
    later(61_000);
    expect(await enterGraph(account)).toBe(403);
    expect(await restOf(account).get('/msteams/enterprises/search')).toMatchObject({ status: 403, body: { errorCode: '403' } });
    expect(await gateway.database.prisma.account.count({ where: { sid: account.sid } })).toBe(0);
  });

  test('is refused with 403 if it is the admin of several providers’ enterprises, since nothing says which one is meant', async () => {
    const emailId = fresh.email();
    const enterpriseAdmin = { email: emailId, password: 'a-long-password' };
    const { account } = await adminOf(onPlatform(), { enterpriseAdmin });
    expect(await enterGraph(account)).toBe(200);
    await adminOf(onPlatform(), { enterpriseAdmin });
    later(61_000);
    const { status, errors } = await graphOf(account)(VIEWER_ADMIN);
    expect([status, errors?.[0]?.message]).toEqual([403, "The account is the admin of several providers' enterprises"]);
  });
});

describe('refused', () => {
  test('with 401: a wrong token and an unknown account', async () => {
    const account = onPlatform();
    for (const credentials of [
      { ...account, authToken: 'wrong' },
      { sid: accountSid('nobody@restcomm.example'), authToken: 'any' },
    ]) {
      expect(await enterGraph(credentials)).toBe(401);
      expect(await restOf(credentials).get('/msteams/enterprises/search')).toMatchObject({ status: 401, body: { errorCode: '401' } });
    }
    expect(await gateway.database.prisma.account.count({ where: { sid: account.sid } })).toBe(0);
  });

  test.each(['suspended', 'closed', 'uninitialized'] as const)('with 403: an account that is %s there', async (status) => {
    const account = onPlatform({ status });
    expect(await enterGraph(account)).toBe(403);
    expect(await gateway.database.prisma.account.count({ where: { sid: account.sid } })).toBe(0);
  });

  test('without asking Restcomm: an account with a token here that sends its Restcomm token', async () => {
    const account = onPlatform();
    await createAccount(gateway.gateway, { email: account.email, organization: { name: 'Here' } });
    expect(await enterGraph(account)).toBe(401);
    expect(checks(account)).toBe(0);
  });

  test.each(['someone', 'AC1', `AC${'A'.repeat(32)}`, 'admin@kohl.example'])(
    'without asking Restcomm: "%s", which is not a sid',
    async (sid) => {
      expect(await enterGraph({ sid, authToken: 'any' })).toBe(401);
      expect(restcomm.requests).toEqual([]);
    },
  );
});

describe('while Restcomm does not respond', () => {
  test.each([
    ['breaks the connection', { reset: 'before' }],
    ['fails', { status: 500 }],
    ['answers with something else', { status: 200, body: '<html>Maintenance</html>' }],
    ['takes too long', { delay: new Promise(() => {}) }],
  ] as const)('since it %s, its accounts get 503 from each face in its form, and are accepted afterwards', async (_, fault) => {
    const account = onPlatform();
    restcomm.faults.always('account', () => fault);
    const { status, errors } = await graphOf(account)(VIEWER);
    expect([status, errors?.[0]?.extensions?.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
    expect(await restOf(account).get('/msteams/enterprises/search')).toMatchObject({ status: 503, body: { errorCode: '503' } });
    restcomm.faults.clear();
    expect(await enterGraph(account)).toBe(200);
  });

  test('a WebSocket is closed with 1013, after which clients try again', async () => {
    const account = onPlatform();
    restcomm.faults.always('account', () => ({ status: 503 }));
    const Authorization = `Basic ${Buffer.from(`${account.sid}:${account.authToken}`).toString('base64')}`;
    const closed = new Promise((resolve) => {
      createClient({
        url: `${gateway.url.replace('http', 'ws')}/graphql`,
        ...{ webSocketImpl: WebSocket, connectionParams: { Authorization }, retryAttempts: 0, lazy: false, onNonLazyError: resolve },
      });
    });
    expect(await closed).toMatchObject({ code: 1013 });
  });

  test('an account with a token here is accepted as usual', async () => {
    restcomm.faults.always('account', () => ({ status: 503 }));
    const provider = await gateway.provider();
    expect((await provider.graph(VIEWER)).status).toBe(200);
    expect(await enterGraph({ sid: provider.accountSid, authToken: 'wrong' })).toBe(401);
  });
});
