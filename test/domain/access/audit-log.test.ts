import type { GraphQLInputObjectType } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { schema } from '../../../schema/index.ts';
import { mutationActions } from '../../../src/domain/audit.ts';
import {
  done,
  fresh,
  type Input,
  inRest,
  type MutationName,
  mutations,
  newBot,
  newEnterprise,
  newMapping,
  unknownSid,
} from '../../parity/faces.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { insertCheckedImport } from '../../support/imports.ts';
import { createRecordingRestcomm } from '../../support/recording-restcomm.ts';

/** All except the mutation that needs an admin's password, which test/admission/single-sign-on.test.ts tests. */
type Mutation = Exclude<keyof typeof mutationActions, 'linkMicrosoftUser'>;

const restcomm = createRecordingRestcomm();
let gateway: TestGateway;
let provider: Provider;
let home: string;

beforeAll(async () => {
  gateway = await createTestGateway({ platforms: { restcomm } });
  provider = await gateway.provider();
  home = await enterprise();
});
afterAll(() => gateway.close());
beforeEach(() => restcomm.reset());

const enterprise = async () => (await done(provider, 'createEnterprise', newEnterprise())).sid as string;
const mapping = async (of = home) => (await done(provider, 'createMapping', newMapping(of))).sid as string;
const bot = async () => (await done(provider, 'createBot', newBot(await enterprise()))).sid as string;
const newMessage = async () => ({ mappingSid: await mapping(), to: fresh.number(), body: 'Hello' });
/** The one that retryMessages retries, which names none. */
let stuck = '';
const stuckMessage = async () => {
  const { sid } = await mutate('sendMessage', await newMessage());
  await gateway.gateway.prisma.outbox.deleteMany({ where: { messageSid: sid } });
  await gateway.gateway.prisma.message.update({ where: { sid }, data: { stuck: true } });
  return sid;
};
const accessToken = (permissions: string[] = ['READ'], enterpriseSid?: string) =>
  mutate('createAccessToken', { expiresIn: 600, permissions, enterpriseSid });

const newAccount = () => ({ email: fresh.email(), permissions: ['READ'] });
const account = async () => (await mutate('createAccount', newAccount())).sid;

const { certificate, privateKey } = makeCertificate();

/** A valid input of each mutation, and the records that it makes in addition to the mutation's own. */
const valid: Record<Mutation, () => Promise<Input>> = {
  createEnterprise: async () => newEnterprise(),
  updateEnterprise: async () => ({ sid: await enterprise(), status: 'INACTIVE' }),
  closeEnterprise: async () => ({ sid: await enterprise() }),
  resetAdminPassword: async () => ({ enterpriseSid: await enterprise(), password: 'a-new-password' }),
  createMapping: async () => newMapping(home),
  updateMapping: async () => ({ sid: await mapping(), name: 'Ann' }),
  deleteMapping: async () => ({ sid: await mapping() }),
  createBot: async () => newBot(await enterprise()),
  updateBot: async () => ({ sid: await bot(), tenantId: 'other' }),
  deleteBot: async () => ({ sid: await bot() }),
  verifyBot: async () => ({ sid: await bot() }),
  updateTeamsApp: async () => ({ enterpriseSid: await enterprise(), shortName: 'Texts' }),
  mappingsFromGroup: async () => {
    const enterpriseSid = await enterprise();
    await mutate('createBot', newBot(enterpriseSid));
    return { enterpriseSid, groupId: '02bd9fd6-8f93-4758-87c3-1fb73740a315' };
  },
  addBotSecret: async () => ({ sid: await bot(), secret: 'another-secret' }),
  addBotCertificate: async () => ({ sid: await bot(), certificate, privateKey }),
  removeBotCredential: async () => ({ sid: (await mutate('addBotSecret', { sid: await bot(), secret: 'another-secret' })).sid }),
  sendMessage: newMessage,
  retryMessage: async () => ({ sid: await stuckMessage() }),
  retryMessages: async () => {
    stuck = await stuckMessage();
    return { filter: { stuck: true } };
  },
  createAccessToken: async () => ({ expiresIn: 600, permissions: ['READ'] }),
  revokeAccessToken: async () => ({ sid: (await accessToken()).sid }),
  unlinkMicrosoftUser: async () => {
    const enterpriseSid = await enterprise();
    await gateway.gateway.prisma.enterpriseAdmin.update({ where: { enterpriseSid }, data: { microsoftObjectId: fresh.key() } });
    return { enterpriseSid };
  },
  createAccount: async () => newAccount(),
  rotateAccountToken: async () => ({ sid: await account() }),
  suspendAccount: async () => ({ sid: await account() }),
  activateAccount: async () => {
    const sid = await account();
    await mutate('suspendAccount', { sid });
    return { sid };
  },
  updateOrganization: async () => ({ displayName: fresh.name() }),
  importMappings: async () => ({ enterpriseSid: home }),
  runMappingImport: async () => ({
    sid: await insertCheckedImport(gateway, provider, home, { name: '', microsoftAddress: 'a@b.example', externalAddress: '4930123' }),
  }),
  exportMessages: async () => ({ filter: { enterpriseSid: home } }),
  exportMappings: async () => ({ filter: { enterpriseSid: home } }),
  exportUsage: async () => ({
    from: '2026-01-01T00:00:00Z',
    to: '2027-01-01T00:00:00Z',
    granularity: 'MONTH',
    filter: { enterpriseSid: home },
  }),
  exportPerson: async () => ({ phoneNumber: fresh.number(), enterpriseSid: home }),
  // What is set already is no change, and not recorded.
  setMessageRetention: async () => ({ enterpriseSid: home, days: nextDays() }),
  erasePerson: async () => ({ phoneNumber: fresh.number(), enterpriseSid: home }),
  createWebhookEndpoint: async () => newEndpoint(),
  updateWebhookEndpoint: async () => ({ sid: await endpoint(), enabled: false }),
  deleteWebhookEndpoint: async () => ({ sid: await endpoint() }),
  rotateWebhookEndpointSecret: async () => ({ sid: await endpoint() }),
  replayWebhookEndpoint: async () => ({ sid: await endpoint(), since: new Date() }),
  testWebhookEndpoint: async () => ({ sid: await endpoint() }),
};
let days = 364;
const nextDays = () => {
  days += 1;
  return days;
};
// Refused before a connection is made.
const newEndpoint = () => ({ url: 'https://example.com/hook' });
const endpoint = async () => (await mutate('createWebhookEndpoint', newEndpoint())).sid;
const names = Object.keys(valid) as Mutation[];

const selections: Partial<Record<Mutation, string>> = {
  createAccessToken: '... on CreateAccessTokenSuccess { token accessToken { sid } }',
  verifyBot: '... on VerifyBotSuccess { checks { step } }',
  retryMessages: '... on RetryMessagesSuccess { count }',
  exportMessages: '... on ExportMessagesSuccess { exportSid }',
  exportMappings: '... on ExportMappingsSuccess { exportSid }',
  exportUsage: '... on ExportUsageSuccess { exportSid }',
  exportPerson: '... on ExportPersonSuccess { exportSid }',
  deleteWebhookEndpoint: '... on DeleteWebhookEndpointSuccess { deletedId }',
  testWebhookEndpoint: '... on TestWebhookEndpointSuccess { webhookId }',
  updateTeamsApp: '... on UpdateTeamsAppSuccess { teamsApp { shortName } }',
};
/** The fields of successes that are not called as the entity is. */
const entities: Partial<Record<Mutation, string>> = {
  importMappings: 'mappingImport',
  setMessageRetention: 'enterprise',
  erasePerson: 'personErasure',
  createWebhookEndpoint: 'webhookEndpoint',
  updateWebhookEndpoint: 'webhookEndpoint',
  rotateWebhookEndpointSecret: 'webhookEndpoint',
  replayWebhookEndpoint: 'webhookEndpoint',
  runMappingImport: 'mappingImport',
  mappingsFromGroup: 'mappingImport',
  addBotSecret: 'credential',
  addBotCertificate: 'credential',
  removeBotCredential: 'credential',
  sendMessage: 'sentMessage',
  retryMessage: 'retriedMessage',
};
const capitalized = (name: string) => name.replace(/^./, (letter) => letter.toUpperCase());

/** @returns what it is about, and the request's id */
async function mutate(name: Mutation, input: Input, { graph }: Pick<Provider, 'graph'> = provider) {
  const entity = entities[name] ?? mutationActions[name].split('.')[0];
  const selected = selections[name] ?? `... on ${capitalized(name)}Success { entity: ${entity} { sid } }`;
  const { data, headers, errors } = await graph(
    `mutation ($input: ${capitalized(name)}Input!) { made: ${name}(input: $input) { __typename ${selected} ... on Error { code } } }`,
    { input },
  );
  const made = data?.made;
  const sid: string =
    made?.entity?.sid ??
    made?.accessToken?.sid ??
    made?.exportSid ??
    input.sid ??
    (name === 'updateTeamsApp' ? input.enterpriseSid : stuck);
  return { sid, token: made?.token as string, code: made?.code ?? errors?.[0]?.extensions?.code, requestId: headers.get('x-request-id') };
}

const rows = () => gateway.gateway.prisma.auditLog.findMany({ orderBy: [{ occurredAt: 'asc' }, { sid: 'asc' }] });

/** What `work` adds to the audit log. */
async function recorded<Result>(work: () => Promise<Result>) {
  const before = new Set((await rows()).map(({ sid }) => sid));
  const result = await work();
  return { result, rows: (await rows()).filter(({ sid }) => !before.has(sid)) };
}

describe('every mutation of the graph is recorded once: who, what, to which sid, from where', () => {
  test('these are all mutations', () => {
    expect([...names, 'linkMicrosoftUser'].sort()).toEqual(Object.keys(schema.getMutationType()?.getFields() ?? {}).sort());
  });

  test.each(names)('%s', async (name) => {
    const input = await valid[name]();
    const before = Date.now();
    const { result, rows } = await recorded(() => mutate(name, input));
    expect(result.code).toBeUndefined();
    expect(rows).toEqual([
      {
        sid: expect.stringMatching(/^AU[0-9a-f]{32}$/),
        organizationSid: provider.organizationSid,
        accountSid: provider.accountSid,
        adminSid: null,
        accessTokenSid: null,
        action: mutationActions[name],
        targetSid: result.sid,
        requestId: result.requestId,
        remoteAddress: '127.0.0.1',
        occurredAt: expect.any(Date),
      },
    ]);
    expect(Math.abs((rows[0]?.occurredAt.getTime() ?? 0) - before)).toBeLessThan(60_000);
  });
});

describe('every operation of the contract that changes something is recorded like the graph’s', () => {
  test.each(Object.keys(mutations) as MutationName[])('%s', async (name) => {
    const input = await valid[name]();
    const { result, rows } = await recorded(() => inRest(provider, name, input));
    expect(result.status).toBeLessThan(300);
    const changes = rows.filter(({ action }) => action !== 'bot.clientSecret.read');
    expect(changes).toMatchObject([
      {
        ...{ action: mutationActions[name], targetSid: result.body.data?.sid, accountSid: provider.accountSid },
        ...{ requestId: result.headers.get('x-request-id'), remoteAddress: '127.0.0.1' },
      },
    ]);
  });
});

test('an access token is recorded with its own sid and its account’s', async () => {
  const { sid, token } = await accessToken(['READ', 'WRITE']);
  const { rows } = await recorded(() => mutate('createMapping', newMapping(home), { graph: graphClient(gateway.fetch, { token }) }));
  expect(rows).toMatchObject([{ accountSid: provider.accountSid, accessTokenSid: sid }]);
});

test('each mapping that is deleted with its enterprise is recorded', async () => {
  const sid = await enterprise();
  const mappings = [await mapping(sid), await mapping(sid)];
  const { rows } = await recorded(() => mutate('closeEnterprise', { sid, deleteMappings: true }));
  expect(rows.map(({ action, targetSid }) => [action, targetSid])).toEqual([
    ...mappings.map((mappingSid) => ['mapping.delete', mappingSid]),
    ['enterprise.close', sid],
  ]);
});

describe('nothing is recorded', () => {
  test.each(names)('for an idempotent repetition of %s', async (name) => {
    if (name === 'verifyBot') return;
    const input = { ...(await valid[name]()), idempotencyKey: fresh.key() };
    const first = await mutate(name, input);
    const { result, rows } = await recorded(() => mutate(name, input));
    expect(result.sid).toBe(first.sid);
    expect(rows).toEqual([]);
  });

  test.each(names)('for %s with an unknown sid, or without permission', async (name) => {
    const input = await valid[name]();
    const lost = Object.hasOwn(input, 'sid')
      ? { sid: unknownSid('BE') }
      : { enterpriseSid: unknownSid('EN'), mappingSid: unknownSid('BE'), filter: { enterpriseSid: unknownSid('EN') } };
    const fields = (schema.getType(`${capitalized(name)}Input`) as GraphQLInputObjectType).getFields();
    const unknown = Object.fromEntries(Object.entries({ ...input, ...lost }).filter(([field]) => fields[field]));
    const { token } = await accessToken(['READ']);
    const { rows } = await recorded(async () => {
      const namesNothing = ['createEnterprise', 'createAccount', 'updateOrganization'].includes(name);
      const { code } = namesNothing ? {} : await mutate(name, unknown);
      // What names nothing retries nothing.
      if (!namesNothing) expect(code ?? 'none').toMatch(name === 'retryMessages' ? /^none$/ : /_NOT_FOUND$/);
      const reader = { graph: graphClient(gateway.fetch, { token }) };
      // Who reads may export.
      if (!name.startsWith('export')) expect((await mutate(name, input, reader)).code).toBe('FORBIDDEN');
    });
    expect(rows).toEqual([]);
  });

  test('for a conflict with stored data', async () => {
    const taken = newMapping(home);
    await done(provider, 'createMapping', taken);
    const conflict = await recorded(() => mutate('createMapping', taken));
    expect([conflict.result.code, conflict.rows]).toEqual(['EXTERNAL_ADDRESS_NOT_UNIQUE', []]);
  });

  test('for a change that the platform refuses halfway', async () => {
    restcomm.refuse('setAccountStatus');
    const sid = await enterprise();
    const { result, rows } = await recorded(() => mutate('updateEnterprise', { sid, name: fresh.name(), status: 'INACTIVE' }));
    expect([result.code, rows]).toEqual(['PLATFORM_ERROR', []]);
  });

  test('for an access token that was already revoked', async () => {
    const { sid } = await accessToken();
    await mutate('revokeAccessToken', { sid });
    expect((await recorded(() => mutate('revokeAccessToken', { sid }))).rows).toEqual([]);
  });
});

test.each(names)('%s does nothing if it cannot be recorded', async (name) => {
  const { prisma } = gateway.gateway;
  const input = await valid[name]();
  const state = async () =>
    JSON.stringify(
      await Promise.all([
        ...[prisma.enterprise.findMany(), prisma.enterpriseAdmin.findMany(), prisma.mapping.findMany()],
        prisma.bot.findMany({ orderBy: { sid: 'asc' } }),
        ...[prisma.message.findMany(), prisma.outbox.count(), prisma.accessToken.findMany(), prisma.releasedMapping.findMany()],
        ...[prisma.account.findMany(), prisma.organization.findMany(), prisma.dataExport.count(), prisma.mappingImport.findMany()],
      ]),
      // When a bot's health is checked next is no change of the bot.
      (key, value) => (typeof value === 'bigint' ? String(value) : key === 'healthChecked' ? undefined : value),
    );
  await prisma.$executeRaw`ALTER TABLE audit_log ADD CONSTRAINT full_up CHECK (false) NOT VALID`;
  try {
    const before = await state();
    expect((await mutate(name, input)).code).toBe('INTERNAL_SERVER_ERROR');
    expect(await state()).toBe(before);
  } finally {
    await prisma.$executeRaw`ALTER TABLE audit_log DROP CONSTRAINT full_up`;
  }
});
