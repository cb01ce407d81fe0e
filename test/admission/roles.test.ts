import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccount, READ_ONLY_PERMISSIONS, rotateToken } from '../../src/domain/access/accounts.ts';
import { done, inContractNames, newBot, newEnterprise, newMapping } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { restClient } from '../support/rest.ts';

type Client = Pick<Provider, 'graph' | 'rest'>;

let gateway: TestGateway;
let provider: Provider;
let enterpriseSid: string;
let botSid: string;
let adminSid: string;
let admin: Client;
let readOnly: Client;

const clientOf = (user: string, password: string): Client => ({
  graph: graphClient(gateway.fetch, { user, password }),
  rest: restClient(gateway.fetch, { user, password }),
});

async function newAdmin() {
  const enterprise = newEnterprise();
  const made = await done(provider, 'createEnterprise', enterprise);
  const { email, password } = enterprise.enterpriseAdmin as { email: string; password: string };
  return { sid: made.sid as string, adminSid: made.admin.sid as string, email, password };
}

beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  const made = await newAdmin();
  enterpriseSid = made.sid;
  adminSid = made.adminSid;
  admin = clientOf(adminSid, made.password);
  botSid = (await done(provider, 'createBot', newBot(enterpriseSid))).sid;
  const { account, authToken } = await createAccount(gateway.gateway, {
    organization: { sid: provider.organizationSid },
    email: 'reader@provider.example',
    permissions: READ_ONLY_PERMISSIONS,
  });
  readOnly = clientOf(account.sid, authToken);
});
afterAll(() => gateway.close());

const VIEWER = '{ viewer { permissions account { sid } admin { sid email status } enterprise { sid } } }';
const SECRET = (sid: string) => `{ bot(sid: "${sid}") { applicationId clientSecret } }`;
const codes = async (client: Client, document: string, variables?: Record<string, unknown>) =>
  (await client.graph(document, variables)).errors?.map(({ extensions }) => extensions?.code);
const mutation = (field: string, input: string) =>
  `mutation { done: ${field}(input: { ${input} }) { __typename ... on Error { code message } } }`;
const outcome = async (client: Client, field: string, input: string) => {
  const { data, errors } = await client.graph(mutation(field, input));
  return errors?.[0]?.extensions?.code ?? data.done.code ?? data.done.__typename;
};

/** Everything that changes something, with inputs that would do. */
const everyMutation = (): (readonly [string, string])[] => [
  ['createEnterprise', 'name: "New", enterpriseAdmin: { email: "new@customer.example", password: "a-long-password" }'],
  ['updateEnterprise', `sid: "${enterpriseSid}", name: "Renamed"`],
  ['closeEnterprise', `sid: "${enterpriseSid}"`],
  ['createMapping', `enterpriseSid: "${enterpriseSid}", microsoftAddress: "a@customer.example", externalAddress: "4930111"`],
  ['createBot', `enterpriseSid: "${enterpriseSid}", applicationId: "a", tenantId: "b", clientSecret: "c", botAppId: "d"`],
  ['deleteBot', `sid: "${botSid}"`],
];

describe('a provider’s account', () => {
  test('has every permission, and viewer shows them', async () => {
    expect((await provider.graph(VIEWER)).data.viewer).toEqual({
      ...{ permissions: ['READ', 'WRITE', 'SECRETS', 'AUDIT'], account: { sid: provider.accountSid }, admin: null, enterprise: null },
    });
    const { __type } = (await provider.graph('{ __type(name: "Permission") { enumValues { name } } }')).data;
    expect(__type.enumValues).toEqual(['AUDIT', 'READ', 'SECRETS', 'WRITE'].map((name) => ({ name })));
    expect((await provider.graph(SECRET(botSid))).data.bot.clientSecret).toBe('a-client-secret');
  });
});

describe('a read-only account', () => {
  test('reads everything in its organization except secrets, and viewer shows its permissions', async () => {
    const { data } = await readOnly.graph(`{ viewer { permissions } enterprise(sid: "${enterpriseSid}") { sid bot { sid } } }`);
    expect(data).toEqual({ viewer: { permissions: ['READ'] }, enterprise: { sid: enterpriseSid, bot: { sid: botSid } } });
    expect(await codes(readOnly, SECRET(botSid))).toEqual(['FORBIDDEN']);
    const { body } = await readOnly.rest.get<{ clientSecret: string }>(`/msteams/teamsbot/search/${botSid}`);
    expect(body.data?.clientSecret).toMatch(/^••••.{4}$/);
  });

  test('changes nothing, on either face', async () => {
    for (const [field, input] of everyMutation()) expect(await outcome(readOnly, field, input), field).toBe('FORBIDDEN');
    expect(await readOnly.rest.post('/msteams/mappings', newMapping(enterpriseSid))).toMatchObject({
      ...{ status: 403, body: { errorCode: '403' } },
    });
    expect((await readOnly.rest.delete(`/msteams/teamsbot/${botSid}`)).status).toBe(403);
  });

  test('creates access tokens that may read, as a browser needs one, and revokes them', async () => {
    const issue = `mutation ($permissions: [Permission!]!) { made: createAccessToken(input: { expiresIn: 600, permissions: $permissions }) {
      ... on CreateAccessTokenSuccess { token accessToken { sid } } ... on Error { code path message }
    } }`;
    const { token, accessToken } = (await readOnly.graph(issue, { permissions: ['READ'] })).data.made;
    const byToken = { graph: graphClient(gateway.fetch, { token }), rest: restClient(gateway.fetch, { token }) };
    expect((await byToken.graph(VIEWER)).data.viewer.permissions).toEqual(['READ']);
    for (const [field, input] of everyMutation()) expect(await outcome(byToken, field, input), field).toBe('FORBIDDEN');
    for (const permission of ['WRITE', 'SECRETS', 'AUDIT']) {
      expect((await readOnly.graph(issue, { permissions: ['READ', permission] })).data.made).toEqual({
        code: 'INVALID_PARAMETER',
        path: ['permissions'],
        message: 'Parameter permissions is invalid: must be one of your own permissions',
      });
    }
    expect(await outcome(readOnly, 'revokeAccessToken', `sid: "${accessToken.sid}"`)).toBe('RevokeAccessTokenSuccess');
    expect((await byToken.graph(VIEWER)).status).toBe(401);
  });
});

describe('an enterprise’s admin', () => {
  test('appears in viewer as itself, with its enterprise and its permissions', async () => {
    const { permissions, account, admin: self, enterprise } = (await admin.graph(VIEWER)).data.viewer;
    expect([permissions, account.sid, self, enterprise.sid]).toEqual([
      ['READ', 'WRITE'],
      provider.accountSid,
      { sid: adminSid, email: expect.stringContaining('@'), status: 'ACTIVE' },
      enterpriseSid,
    ]);
  });

  test('creates and changes objects of its enterprise; the rows belong to the provider’s account, and the audit log names the admin', async () => {
    const made = await done(admin, 'createMapping', newMapping(enterpriseSid));
    expect(await outcome(admin, 'updateMapping', `sid: "${made.sid}", name: "Renamed"`)).toBe('UpdateMappingSuccess');
    expect(await outcome(admin, 'sendMessage', `mappingSid: "${made.sid}", to: "15550100", body: "Hi"`)).toBe('SendMessageSuccess');
    expect(await outcome(admin, 'updateEnterprise', `sid: "${enterpriseSid}", name: "By its admin"`)).toBe('UpdateEnterpriseSuccess');
    expect((await admin.rest.put(`/msteams/teamsbot/${botSid}`, { clientSecret: 'a-client-secret' })).status).toBe(200);
    const { prisma } = gateway.database;
    const [mapping, recorded] = await Promise.all([
      prisma.mapping.findUniqueOrThrow({ where: { sid: made.sid } }),
      prisma.auditLog.findMany({ where: { targetSid: made.sid }, select: { action: true, accountSid: true, adminSid: true } }),
    ]);
    expect(mapping.accountSid).toBe(provider.accountSid);
    expect(recorded).toEqual(['mapping.create', 'mapping.update'].map((action) => ({ action, accountSid: provider.accountSid, adminSid })));
  });

  test('sees no secrets, not even its own bot’s, and no audit log', async () => {
    expect(await codes(admin, SECRET(botSid))).toEqual(['FORBIDDEN']);
    const { body } = await admin.rest.get<{ clientSecret: string; clientsecret: string }>(`/msteams/teamsbot/search/${botSid}`);
    expect([body.data?.clientSecret, body.data?.clientsecret]).toEqual(['••••cret', '••••cret']);
    expect(await codes(admin, '{ auditLog { totalCount } }')).toEqual(['FORBIDDEN']);
    const beside = await admin.graph(
      `{ enterprises { totalCount } auditLog { totalCount } bot(sid: "${botSid}") { applicationId clientSecret } }`,
    );
    expect(beside.data).toEqual({ enterprises: { totalCount: 1 }, auditLog: null, bot: { applicationId: '12345', clientSecret: null } });
    const refused = ({ errors }: Pick<typeof beside, 'errors'>) =>
      errors?.map(({ path, message, extensions }) => [path?.join('.'), message, extensions?.permission]);
    expect(refused(beside)).toEqual([
      ['auditLog', 'Your credentials do not permit this: it needs credentials that are not restricted to an enterprise', undefined],
      ['bot.clientSecret', 'Your credentials do not permit this: it needs the permission SECRETS', 'SECRETS'],
    ]);
    const { data, errors } = await readOnly.graph('{ auditLog { totalCount } viewer { permissions } }');
    expect(data).toMatchObject({ auditLog: null, viewer: { permissions: ['READ'] } });
    expect(refused({ errors })).toEqual([['auditLog', 'Your credentials do not permit this: it needs the permission AUDIT', 'AUDIT']]);
  });

  test('cannot create or close an enterprise, or change its status: only the provider can', async () => {
    for (const [field, input] of [
      ['createEnterprise', 'name: "New", enterpriseAdmin: { email: "new@customer.example", password: "a-long-password" }'],
      ['closeEnterprise', `sid: "${enterpriseSid}"`],
      ['closeEnterprise', `sid: "${enterpriseSid}", deleteMappings: true`],
      ['updateEnterprise', `sid: "${enterpriseSid}", status: INACTIVE`],
      ['updateEnterprise', `sid: "${enterpriseSid}", name: "Both", status: ACTIVE`],
    ] as const) {
      expect(await outcome(admin, field, input), `${field} ${input}`).toBe('FORBIDDEN');
    }
    expect((await admin.rest.delete(`/msteams/enterprises/${enterpriseSid}`)).status).toBe(403);
    expect((await admin.rest.put(`/msteams/enterprises/${enterpriseSid}`, { status: 'INACTIVE' })).status).toBe(403);
    expect((await admin.rest.post('/msteams/enterprises', inContractNames(newEnterprise()))).status).toBe(403);
  });

  test('creates access tokens that allow no more than it may do in its enterprise, and sees no others', async () => {
    const query = '{ accessTokens { nodes { sid adminSid enterpriseSid } } }';
    const issue = `mutation ($permissions: [Permission!]!, $enterpriseSid: ID) {
      made: createAccessToken(input: { expiresIn: 600, permissions: $permissions, enterpriseSid: $enterpriseSid }) {
        ... on CreateAccessTokenSuccess { token accessToken { sid } } ... on Error { code path }
    } }`;
    const ofProvider = (await provider.graph(issue, { permissions: ['READ'] })).data.made.accessToken.sid;
    const { token, accessToken } = (await admin.graph(issue, { permissions: ['READ', 'WRITE'] })).data.made;
    for (const permission of ['SECRETS', 'AUDIT']) {
      expect((await admin.graph(issue, { permissions: [permission] })).data.made).toEqual({
        code: 'INVALID_PARAMETER',
        path: ['permissions'],
      });
    }
    const other = (await newAdmin()).sid;
    expect((await admin.graph(issue, { permissions: ['READ'], enterpriseSid: other })).data.made.code).toBe('ENTERPRISE_NOT_FOUND');
    expect((await admin.graph(query)).data.accessTokens.nodes).toEqual([{ sid: accessToken.sid, adminSid, enterpriseSid }]);
    expect((await provider.graph(query)).data.accessTokens.nodes).toEqual([{ sid: ofProvider, adminSid: null, enterpriseSid: null }]);
    expect(await outcome(admin, 'revokeAccessToken', `sid: "${ofProvider}"`)).toBe('ACCESS_TOKEN_NOT_FOUND');
    expect(await outcome(provider, 'revokeAccessToken', `sid: "${accessToken.sid}"`)).toBe('ACCESS_TOKEN_NOT_FOUND');

    const byToken = { graph: graphClient(gateway.fetch, { token }), rest: restClient(gateway.fetch, { token }) };
    const { viewer } = (await byToken.graph(VIEWER)).data;
    expect([viewer.permissions, viewer.admin.sid, viewer.enterprise.sid]).toEqual([['READ', 'WRITE'], adminSid, enterpriseSid]);
    expect(await outcome(byToken, 'closeEnterprise', `sid: "${enterpriseSid}"`)).toBe('FORBIDDEN');
    // It is not one that a holder of the account's token may have created.
    const { accountSid } = provider;
    const { authToken } = await rotateToken(gateway.gateway, accountSid);
    expect((await byToken.graph(VIEWER)).status).toBe(200);
    provider = { ...provider, authToken, ...clientOf(accountSid, authToken) };
    expect(await outcome(admin, 'revokeAccessToken', `sid: "${accessToken.sid}"`)).toBe('RevokeAccessTokenSuccess');
    expect((await byToken.graph(VIEWER)).status).toBe(401);
  });

  test('has idempotency keys of its own: an access token that its provider restricted to the enterprise gets other results', async () => {
    const { data } = await provider.graph(
      `mutation { made: createAccessToken(input: { expiresIn: 60, permissions: [READ, WRITE], enterpriseSid: "${enterpriseSid}" }) { ... on CreateAccessTokenSuccess { token } } }`,
    );
    const narrowed = {
      graph: graphClient(gateway.fetch, { token: data.made.token }),
      rest: restClient(gateway.fetch, { token: data.made.token }),
    };
    const rename = (client: Client, name: string) =>
      outcome(client, 'updateEnterprise', `sid: "${enterpriseSid}", name: "${name}", idempotencyKey: "same"`);
    expect(await rename(admin, 'One')).toBe('UpdateEnterpriseSuccess');
    expect(await rename(narrowed, 'Other')).toBe('UpdateEnterpriseSuccess');
    expect(await rename(admin, 'Other')).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('cannot log in by e-mail if another provider’s admin has the same e-mail and password', async () => {
    const { prisma } = gateway.database;
    const one = await newAdmin();
    const two = await newAdmin();
    const client = () => clientOf(one.email, one.password);
    expect((await client().graph(VIEWER)).status).toBe(200);
    const other = await gateway.provider();
    const elsewhere = await done(other, 'createEnterprise', newEnterprise());
    const { passwordHash } = await prisma.enterpriseAdmin.findUniqueOrThrow({ where: { sid: two.adminSid } });
    await prisma.enterpriseAdmin.update({
      where: { sid: elsewhere.admin.sid },
      data: { emailFolded: one.email.toLowerCase(), passwordHash },
    });
    gateway.gateway.verified.drop(one.adminSid);
    expect((await client().graph(VIEWER)).status).toBe(401);
    expect((await clientOf(one.adminSid, one.password).graph(VIEWER)).status).toBe(200);
  });

  test('can log in by e-mail where another provider’s admin has the same e-mail, each by its own password', async () => {
    const one = await newAdmin();
    const other = await gateway.provider();
    const input = newEnterprise({ enterpriseAdmin: { email: one.email, password: 'a-password-of-another' } });
    const elsewhere = await done(other, 'createEnterprise', input);
    // The account exists at Restcomm, so the password is that until it is reset.
    await other.graph('mutation ($input: ResetAdminPasswordInput!) { resetAdminPassword(input: $input) { __typename } }', {
      input: { enterpriseSid: elsewhere.sid, password: 'a-password-of-another' },
    });
    const enterpriseOf = async (password: string) => {
      const { status, data } = await clientOf(one.email, password).graph('{ viewer { enterprise { sid } } }');
      return status === 200 ? data.viewer.enterprise.sid : status;
    };
    expect(await enterpriseOf(one.password)).toBe(one.sid);
    expect(await enterpriseOf('a-password-of-another')).toBe(elsewhere.sid);
    expect(await enterpriseOf('a-password-of-nobody')).toBe(401);
  });

  test('loses its open streams when its enterprise becomes INACTIVE, and is refused until it is ACTIVE again', async () => {
    const made = await newAdmin();
    const client = clientOf(made.adminSid, made.password);
    const authorization = `Basic ${Buffer.from(`${made.adminSid}:${made.password}`).toString('base64')}`;
    const url = `http://gateway.test/graphql?${new URLSearchParams({ query: 'subscription { messageEvents { __typename } }' })}`;
    const answered = (await gateway.fetch(new Request(url, { headers: { accept: 'text/event-stream', authorization } }))).text();
    expect(await outcome(provider, 'updateEnterprise', `sid: "${made.sid}", status: INACTIVE`)).toBe('UpdateEnterpriseSuccess');
    expect(await answered).toContain('UNAUTHENTICATED');
    expect((await client.graph(VIEWER)).status).toBe(403);
    expect(await outcome(provider, 'updateEnterprise', `sid: "${made.sid}", status: ACTIVE`)).toBe('UpdateEnterpriseSuccess');
    expect((await client.graph(VIEWER)).status).toBe(200);
    expect(await outcome(provider, 'closeEnterprise', `sid: "${made.sid}"`)).toBe('CloseEnterpriseSuccess');
    expect((await client.graph(VIEWER)).status).toBe(403);
  });
});
