import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccount, READ_ONLY_PERMISSIONS } from '../../src/domain/access/accounts.ts';
import { createVerifiedCredentials } from '../../src/domain/caches/verified-credentials.ts';
import { done, fresh, newEnterprise } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';

// An organization's accounts and settings, as its own accounts manage them.

let gateway: TestGateway;
let provider: Provider;
let stranger: Provider;

beforeAll(async () => {
  gateway = await createTestGateway();
  [provider, stranger] = [await gateway.provider(), await gateway.provider()];
});
afterAll(() => gateway.close());

const clientOf = (user: string, password: string) => graphClient(gateway.fetch, { user, password });

async function run(graph: GraphClient, mutation: string, input: Record<string, unknown>) {
  const type = mutation.replace(/^./, (letter) => letter.toUpperCase());
  const selected = mutation === 'updateOrganization' ? 'organization' : 'account';
  const shown = selected === 'account' ? '{ sid email friendlyName status permissions }' : `{ ${SETTINGS} }`;
  const token = /^(create|rotate)/.test(mutation) ? 'authToken' : '';
  const { data, errors } = await graph(
    `mutation ($input: ${type}Input!) { done: ${mutation}(input: $input) {
      __typename ... on ${type}Success { ${selected} ${shown} ${token} } ... on Error { code path value } } }`,
    { input },
  );
  return { ...data?.done, code: errors?.[0]?.extensions?.code ?? data?.done?.code };
}
const SETTINGS = 'name displayName accentColor logo features';

async function newAccount(permissions = ['READ', 'WRITE', 'SECRETS', 'AUDIT']) {
  const { account, authToken } = await run(provider.graph, 'createAccount', { email: fresh.email(), permissions });
  return { sid: account.sid as string, authToken: authToken as string, graph: clientOf(account.sid, authToken) };
}

async function accessToken(permissions: string[], enterpriseSid?: string): Promise<GraphClient> {
  const { data } = await provider.graph(
    'mutation ($input: CreateAccessTokenInput!) { made: createAccessToken(input: $input) { ... on CreateAccessTokenSuccess { token } } }',
    { input: { expiresIn: 600, permissions, enterpriseSid } },
  );
  return graphClient(gateway.fetch, { token: data.made.token });
}

const statusOf = async (graph: GraphClient) => (await graph('{ viewer { account { sid } } }')).status;

describe('createAccount', () => {
  test('creates an account that can log in, with the permissions that were asked for', async () => {
    const email = fresh.email();
    const made = await run(provider.graph, 'createAccount', { email, friendlyName: ' Finance ', permissions: ['AUDIT', 'READ'] });
    expect(made).toMatchObject({
      account: {
        sid: expect.stringMatching(/^AC[0-9a-f]{32}$/),
        email,
        friendlyName: 'Finance',
        status: 'ACTIVE',
        permissions: ['READ', 'AUDIT'],
      },
      authToken: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    const { data } = await clientOf(made.account.sid, made.authToken)('{ viewer { permissions organization { sid } } }');
    expect(data.viewer).toEqual({ permissions: ['READ', 'AUDIT'], organization: { sid: provider.organizationSid } });
  });

  test('shows the token once, and not to a repeated request', async () => {
    const input = { email: fresh.email(), permissions: ['READ'], idempotencyKey: fresh.key() };
    const first = await run(provider.graph, 'createAccount', input);
    const second = await run(provider.graph, 'createAccount', input);
    expect([second.account.sid, second.authToken]).toEqual([first.account.sid, null]);
    const stored = await gateway.database.prisma.idempotencyKey.findMany({ where: { key: input.idempotencyKey } });
    expect(JSON.stringify(stored)).not.toContain(first.authToken);
    expect(JSON.stringify(stored)).not.toContain('tokenDigest');
  });

  test('refuses an address that an account of the organization has, and not one of another’s', async () => {
    const taken = { email: provider.email.toUpperCase(), permissions: ['READ'] };
    expect(await run(provider.graph, 'createAccount', taken)).toMatchObject({ code: 'ACCOUNT_EXISTS', path: ['email'] });
    // Its sid is not the one that Restcomm would give the address, so that nobody else's login is taken.
    const made = await run(stranger.graph, 'createAccount', taken);
    expect(made.account.sid).not.toBe(provider.accountSid);
    expect(await statusOf(provider.graph)).toBe(200);
  });

  test.each([
    [{ email: ' ', permissions: ['READ'] }, 'MISSING_PARAMETER', ['email']],
    [{ email: 'nobody', permissions: ['READ'] }, 'INVALID_PARAMETER', ['email']],
    [{ email: 'a@b.example', permissions: [] }, 'INVALID_PARAMETER', ['permissions']],
    [{ email: 'a@b.example', friendlyName: 'a\u0007b', permissions: ['READ'] }, 'INVALID_PARAMETER', ['friendlyName']],
  ])('refuses %j', async (input, code, path) => {
    expect(await run(provider.graph, 'createAccount', input)).toMatchObject({ code, path });
  });

  test('gives no permission that the caller does not have', async () => {
    const writer = await newAccount(['READ', 'WRITE']);
    const made = await run(writer.graph, 'createAccount', { email: fresh.email(), permissions: ['READ', 'SECRETS'] });
    expect(made).toMatchObject({ code: 'INVALID_PARAMETER', path: ['permissions'], value: 'secrets' });
  });
});

describe('rotateAccountToken', () => {
  test('replaces the token of another account, which ends the old one and its access tokens', async () => {
    const { sid, authToken, graph } = await newAccount();
    const { data } = await graph(
      'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token } } }',
    );
    const rotated = await run(provider.graph, 'rotateAccountToken', { sid });
    expect(rotated.authToken).not.toBe(authToken);
    expect(await statusOf(graph)).toBe(401);
    expect(await statusOf(graphClient(gateway.fetch, { token: data.made.token }))).toBe(401);
    expect(await statusOf(clientOf(sid, rotated.authToken))).toBe(200);
  });

  test('replaces the caller’s own only if it says so', async () => {
    const { sid, graph } = await newAccount();
    expect(await run(graph, 'rotateAccountToken', { sid })).toMatchObject({ code: 'OWN_ACCOUNT', path: ['sid'], value: sid });
    expect(await statusOf(graph)).toBe(200);
    const { authToken } = await run(graph, 'rotateAccountToken', { sid, own: true });
    expect([await statusOf(graph), await statusOf(clientOf(sid, authToken))]).toEqual([401, 200]);
  });

  test('refuses an account with more permissions than the caller’s, whose token it would have', async () => {
    const writer = await newAccount(['READ', 'WRITE']);
    for (const mutation of ['rotateAccountToken', 'suspendAccount', 'activateAccount']) {
      expect(await run(writer.graph, mutation, { sid: provider.accountSid })).toMatchObject({ code: 'INVALID_PARAMETER', path: ['sid'] });
    }
    expect(await statusOf(provider.graph)).toBe(200);
  });
});

describe('suspendAccount and activateAccount', () => {
  test('refuse an account’s credentials, and accept them again', async () => {
    const { sid, graph } = await newAccount();
    expect(await statusOf(graph)).toBe(200);
    expect((await run(provider.graph, 'suspendAccount', { sid })).account).toMatchObject({ sid, status: 'SUSPENDED' });
    expect(await statusOf(graph)).toBe(403);
    expect((await run(provider.graph, 'activateAccount', { sid })).account).toMatchObject({ sid, status: 'ACTIVE' });
    expect(await statusOf(graph)).toBe(200);
  });

  test('a change that is none is not recorded', async () => {
    const { sid } = await newAccount();
    await run(provider.graph, 'activateAccount', { sid });
    for (const _ of [1, 2]) await run(provider.graph, 'suspendAccount', { sid });
    const records = await gateway.database.prisma.auditLog.findMany({ where: { targetSid: sid }, orderBy: { occurredAt: 'asc' } });
    expect(records.map(({ action, accountSid }) => [action, accountSid])).toEqual([
      ['account.create', provider.accountSid],
      ['account.suspend', provider.accountSid],
    ]);
  });

  test('an account cannot suspend itself, and two cannot suspend each other', async () => {
    expect(await run(provider.graph, 'suspendAccount', { sid: provider.accountSid })).toMatchObject({ code: 'OWN_ACCOUNT' });
    const [one, other] = [await newAccount(), await newAccount()];
    // Both are authenticated before either is suspended.
    const results = await Promise.all([
      run(one.graph, 'suspendAccount', { sid: other.sid }),
      run(other.graph, 'suspendAccount', { sid: one.sid }),
    ]);
    expect(results.filter(({ account }) => account)).toHaveLength(1);
    expect([await statusOf(one.graph), await statusOf(other.graph)].sort()).toEqual([200, 403]);
  });

  test('CLOSED is final', async () => {
    const { sid } = await newAccount();
    await gateway.database.prisma.account.update({ where: { sid }, data: { status: 'CLOSED' } });
    for (const mutation of ['rotateAccountToken', 'suspendAccount', 'activateAccount']) {
      expect(await run(provider.graph, mutation, { sid })).toMatchObject({ code: 'ACCOUNT_CLOSED', path: ['sid'] });
    }
  });
});

describe('accounts', () => {
  const LIST =
    'query ($first: Int, $after: String) { accounts(first: $first, after: $after) { totalCount nodes { sid } pageInfo { endCursor hasNextPage } } }';

  test('lists the organization’s own, page by page', async () => {
    const other = await gateway.provider();
    const { account } = await run(other.graph, 'createAccount', { email: fresh.email(), permissions: ['READ'] });
    const first = (await other.graph(LIST, { first: 1 })).data.accounts;
    expect(first).toMatchObject({ totalCount: 2, nodes: [{ sid: other.accountSid }], pageInfo: { hasNextPage: true } });
    const second = (await other.graph(LIST, { after: first.pageInfo.endCursor })).data.accounts;
    expect(second).toMatchObject({ nodes: [{ sid: account.sid }], pageInfo: { hasNextPage: false } });
  });
});

describe('accounts and settings are the provider’s alone', () => {
  const MUTATIONS = ['createAccount', 'rotateAccountToken', 'suspendAccount', 'activateAccount'];
  const inputOf = (mutation: string, sid: string) =>
    mutation === 'createAccount' ? { email: fresh.email(), permissions: ['READ'] } : mutation === 'updateOrganization' ? {} : { sid };
  let victim: string;
  beforeAll(async () => {
    victim = (await newAccount()).sid;
  });

  test.each(MUTATIONS.slice(1))('%s does not find another tenant’s account', async (mutation) => {
    expect(await run(stranger.graph, mutation, { sid: victim })).toMatchObject({ code: 'ACCOUNT_NOT_FOUND', value: victim });
  });

  test.each([...MUTATIONS, 'updateOrganization'])('%s needs credentials', async (mutation) => {
    const input = `${mutation.replace(/^./, (letter) => letter.toUpperCase())}Input`;
    const anonymous = await graphClient(gateway.fetch)(`mutation ($input: ${input}!) { ${mutation}(input: $input) { __typename } }`, {
      input: inputOf(mutation, victim),
    });
    expect(anonymous.status).toBe(401);
  });

  test.each(MUTATIONS)('%s is not for access tokens, admins and read-only accounts', async (mutation) => {
    const enterprise = newEnterprise();
    const { admin } = await done(provider, 'createEnterprise', enterprise);
    const reader = await createAccount(gateway.gateway, {
      organization: { sid: provider.organizationSid },
      email: fresh.email(),
      permissions: READ_ONLY_PERMISSIONS,
    });
    const others = [
      await accessToken(['READ', 'WRITE', 'SECRETS', 'AUDIT']),
      clientOf(admin.sid, (enterprise.enterpriseAdmin as { password: string }).password),
      clientOf(reader.account.sid, reader.authToken),
    ];
    for (const graph of others) expect((await run(graph, mutation, inputOf(mutation, victim))).code).toBe('FORBIDDEN');
  });

  test('updateOrganization and accounts are for access tokens, too, but for no enterprise’s credentials', async () => {
    const enterprise = newEnterprise();
    const { sid, admin } = await done(provider, 'createEnterprise', enterprise);
    const password = (enterprise.enterpriseAdmin as { password: string }).password;
    const whole = await accessToken(['READ', 'WRITE']);
    expect((await run(whole, 'updateOrganization', { accentColor: '#123456' })).code).toBeUndefined();
    expect((await whole('{ accounts { totalCount } }')).errors).toBeUndefined();
    for (const graph of [clientOf(admin.sid, password), await accessToken(['READ', 'WRITE'], sid)]) {
      expect((await run(graph, 'updateOrganization', { accentColor: '#123456' })).code).toBe('FORBIDDEN');
      expect((await graph('{ accounts { totalCount } }')).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
      expect((await graph(`{ organization { ${SETTINGS} } }`)).data.organization.accentColor).toBe('#123456');
    }
  });
});

describe('updateOrganization', () => {
  const LOGO = `data:image/png;base64,${Buffer.from('a picture').toString('base64')}`;

  test('changes what is given, removes what is blank, and is recorded once', async () => {
    const own = await gateway.provider();
    const made = await run(own.graph, 'updateOrganization', {
      ...{ name: 'Provider', displayName: ' Texts by Provider ', accentColor: '#AB12cd', logo: LOGO, features: ['ADMIN_EXPORT'] },
    });
    const settings = { name: 'Provider', displayName: 'Texts by Provider', accentColor: '#ab12cd', logo: LOGO, features: ['ADMIN_EXPORT'] };
    expect(made.organization).toEqual(settings);
    expect((await own.graph(`{ viewer { organization { ${SETTINGS} } } }`)).data.viewer.organization).toEqual(settings);
    await run(own.graph, 'updateOrganization', { accentColor: '#AB12CD' });
    const { organization } = await run(own.graph, 'updateOrganization', { displayName: '', logo: ' ', features: [] });
    expect(organization).toEqual({ ...settings, displayName: null, logo: null, features: [] });
    const records = await gateway.database.prisma.auditLog.findMany({ where: { targetSid: own.organizationSid } });
    expect(records.map(({ action }) => action)).toEqual(['organization.update', 'organization.update']);
    expect((await stranger.graph('{ organization { sid accentColor } }')).data.organization).toEqual({
      sid: stranger.organizationSid,
      accentColor: null,
    });
  });

  test.each([
    [{ name: ' ' }, 'name'],
    [{ accentColor: 'red' }, 'accentColor'],
    [{ accentColor: '#12345' }, 'accentColor'],
    [{ logo: 'http://logo.example/a.png' }, 'logo'],
    [{ logo: 'https://user:secret@logo.example/a.png' }, 'logo'],
    [{ logo: 'data:text/html;base64,PGI+' }, 'logo'],
    [{ logo: 'javascript:alert(1)' }, 'logo'],
    [{ logo: `data:image/png;base64,${'A'.repeat(65_536)}` }, 'logo'],
    [{ displayName: 'x'.repeat(256) }, 'displayName'],
  ])('refuses %j', async (input, field) => {
    expect(await run(provider.graph, 'updateOrganization', input)).toMatchObject({ code: 'INVALID_PARAMETER', path: [field] });
  });
});

test('another instance refuses a suspended account as soon as it hears of the change', async () => {
  const { sid, graph, authToken } = await newAccount();
  // An instance that keeps what it has verified, and hears of changes, as followCredentialChanges has it do.
  const verified = createVerifiedCredentials({ hears: true });
  const { createApp } = await import('../../src/app.ts');
  const app = createApp({
    gateway: { ...gateway.gateway, verified },
    live: gateway.live,
    statements: gateway.statements,
    contract: { restTimestamps: 'iso', restBotSecrets: 'plain' },
    log: gateway.gateway.log,
    isReady: () => true,
  });
  const elsewhere = graphClient((request) => app.fetch(request, { remoteAddress: '127.0.0.1' }), { user: sid, password: authToken });
  expect(await statusOf(elsewhere)).toBe(200);
  await run(provider.graph, 'suspendAccount', { sid });
  verified.drop(sid);
  expect([await statusOf(elsewhere), await statusOf(graph)]).toEqual([403, 403]);
  app.drain();
});
