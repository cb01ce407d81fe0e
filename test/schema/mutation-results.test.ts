import { isUnionType } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { done, fresh, type Input, newBot, newEnterprise, newMapping, unknownSid } from '../parity/faces.ts';
import { makeCertificate } from '../support/certificates.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { insertCheckedImport } from '../support/imports.ts';
import { createRecordingRestcomm } from '../support/recording-restcomm.ts';

const restcomm = createRecordingRestcomm();
let gateway: TestGateway;
let provider: Provider;

beforeAll(async () => {
  gateway = await createTestGateway({ platforms: { restcomm } });
  provider = await gateway.provider();
});
afterAll(() => gateway.close());
beforeEach(() => restcomm.reset());

const capitalized = (name: string) => name.replace(/^./, (letter) => letter.toUpperCase());
const enterprise = async () => (await done(provider, 'createEnterprise', newEnterprise())).sid as string;
const mapping = async () => (await done(provider, 'createMapping', newMapping(await enterprise()))).sid as string;
const bot = async () => (await done(provider, 'createBot', newBot(await enterprise()))).sid as string;

async function mutate(name: string, input: Input, selected = '') {
  const document = `mutation ($input: ${capitalized(name)}Input!) { result: ${name}(input: $input) { __typename ${selected} } }`;
  const { data, errors } = await provider.graph(document, { input });
  expect(errors).toBeUndefined();
  return data.result;
}

const { certificate, privateKey } = makeCertificate();

/** Inputs that succeed. */
const valid: Record<string, () => Promise<Input>> = {
  createEnterprise: async () => newEnterprise(),
  updateEnterprise: async () => ({ sid: await enterprise(), status: 'INACTIVE' }),
  closeEnterprise: async () => ({ sid: await enterprise() }),
  resetAdminPassword: async () => {
    // The gateway changes only those of the platform's accounts that it has created.
    const enterpriseAdmin = { email: `${fresh.key()}@created.example`, password: 'a-long-password' };
    const { sid } = await done(provider, 'createEnterprise', { ...newEnterprise(), enterpriseAdmin });
    return { enterpriseSid: sid, password: 'another-long-password' };
  },
  createMapping: async () => newMapping(await enterprise()),
  updateMapping: async () => ({ sid: await mapping(), externalAddress: fresh.number() }),
  deleteMapping: async () => ({ sid: await mapping() }),
  createBot: async () => newBot(await enterprise()),
  updateBot: async () => ({ sid: await bot(), tenantId: 'other' }),
  deleteBot: async () => ({ sid: await bot() }),
  verifyBot: async () => ({ sid: await bot() }),
  addBotSecret: async () => ({ sid: await bot(), secret: 'another-secret' }),
  addBotCertificate: async () => ({ sid: await bot(), certificate, privateKey }),
  removeBotCredential: async () => ({ sid: await credential() }),
  sendMessage: async () => ({ mappingSid: await mapping(), to: fresh.number(), body: 'Hello' }),
  retryMessage: async () => {
    const { sentMessage } = await mutate(
      'sendMessage',
      (await valid.sendMessage?.()) ?? {},
      '... on SendMessageSuccess { sentMessage { sid } }',
    );
    await gateway.gateway.prisma.outbox.deleteMany({ where: { messageSid: sentMessage.sid } });
    await gateway.gateway.prisma.message.update({ where: { sid: sentMessage.sid }, data: { stuck: true } });
    return { sid: sentMessage.sid };
  },
  retryMessages: async () => ({}),
  createAccessToken: async () => ({ expiresIn: 600, permissions: ['READ'] }),
  revokeAccessToken: async () => {
    const { accessToken } = await mutate(
      'createAccessToken',
      { expiresIn: 600, permissions: ['READ'] },
      '... on CreateAccessTokenSuccess { accessToken { sid } }',
    );
    return { sid: accessToken.sid };
  },
  unlinkMicrosoftUser: async () => ({ enterpriseSid: await enterprise() }),
  createAccount: async () => ({ email: fresh.email(), permissions: ['READ'] }),
  rotateAccountToken: async () => ({ sid: await account() }),
  suspendAccount: async () => ({ sid: await account() }),
  activateAccount: async () => ({ sid: await account() }),
  updateOrganization: async () => ({ accentColor: '#0078d4' }),
  updateTeamsApp: async () => ({ shortName: 'Texts' }),
  mappingsFromGroup: async () => {
    const enterpriseSid = await enterprise();
    await done(provider, 'createBot', newBot(enterpriseSid));
    return { enterpriseSid, groupId: '02bd9fd6-8f93-4758-87c3-1fb73740a315' };
  },
  importMappings: async () => ({ enterpriseSid: await enterprise() }),
  runMappingImport: async () => {
    const row = { name: '', microsoftAddress: 'a@b.example', externalAddress: '4930123' };
    return { sid: await insertCheckedImport(gateway, provider, await enterprise(), row) };
  },
  exportMessages: async () => ({}),
  exportMappings: async () => ({}),
  exportUsage: async () => USAGE,
  exportPerson: async () => ({ phoneNumber: fresh.number() }),
  setMessageRetention: async () => ({ days: 365 }),
  erasePerson: async () => ({ microsoftAddress: fresh.email() }),
  createWebhookEndpoint: async () => newEndpoint(),
  updateWebhookEndpoint: async () => ({ sid: await endpoint(), enabled: false }),
  deleteWebhookEndpoint: async () => ({ sid: await endpoint() }),
  rotateWebhookEndpointSecret: async () => ({ sid: await endpoint() }),
  replayWebhookEndpoint: async () => ({ sid: await endpoint(), since: new Date() }),
  testWebhookEndpoint: async () => ({ sid: await endpoint() }),
};
const USAGE = { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z', granularity: 'MONTH' };
// Refused before a connection is made.
const newEndpoint = () => ({ url: 'https://example.com/hook' });
const endpoint = async () =>
  (await mutate('createWebhookEndpoint', newEndpoint(), '... on CreateWebhookEndpointSuccess { webhookEndpoint { sid } }')).webhookEndpoint
    .sid as string;
const credential = async () =>
  (await mutate('addBotSecret', { sid: await bot(), secret: 'another-secret' }, '... on AddBotSecretSuccess { credential { sid } }'))
    .credential.sid as string;
const account = async () =>
  (await mutate('createAccount', { email: fresh.email(), permissions: ['READ'] }, '... on CreateAccountSuccess { account { sid } }'))
    .account.sid as string;

/** Inputs that are refused because there is no such object. */
const unknown: Record<string, () => Promise<Input>> = {
  resetAdminPassword: async () => ({ enterpriseSid: unknownSid('EN'), password: 'another-long-password' }),
  createMapping: async () => newMapping(unknownSid('EN')),
  createBot: async () => newBot(unknownSid('EN')),
  addBotSecret: async () => ({ sid: unknownSid('BE'), secret: 'another-secret' }),
  addBotCertificate: async () => ({ sid: unknownSid('BE'), certificate, privateKey }),
  sendMessage: async () => ({ mappingSid: unknownSid('BE'), to: fresh.number(), body: 'Hello' }),
  createAccessToken: async () => ({ expiresIn: 600, permissions: ['READ'], enterpriseSid: unknownSid('EN') }),
  revokeAccessToken: async () => ({ sid: newSid('AT') }),
  unlinkMicrosoftUser: async () => ({ enterpriseSid: unknownSid('EN') }),
  importMappings: async () => ({ enterpriseSid: unknownSid('EN') }),
  mappingsFromGroup: async () => ({ enterpriseSid: unknownSid('EN'), groupId: '02bd9fd6-8f93-4758-87c3-1fb73740a315' }),
  updateTeamsApp: async () => ({ enterpriseSid: unknownSid('EN') }),
  exportMessages: async () => ({ filter: { enterpriseSid: unknownSid('EN') } }),
  exportMappings: async () => ({ filter: { enterpriseSid: unknownSid('EN') } }),
  exportUsage: async () => ({ ...USAGE, filter: { enterpriseSid: unknownSid('EN') } }),
  exportPerson: async () => ({ phoneNumber: fresh.number(), enterpriseSid: unknownSid('EN') }),
  setMessageRetention: async () => ({ days: 1, enterpriseSid: unknownSid('EN') }),
  erasePerson: async () => ({ phoneNumber: fresh.number(), enterpriseSid: unknownSid('EN') }),
  createWebhookEndpoint: async () => ({ ...newEndpoint(), enterpriseSid: unknownSid('EN') }),
  replayWebhookEndpoint: async () => ({ sid: unknownSid('EN'), since: new Date() }),
};

const inputOf = async (name: string) => {
  const input = await valid[name]?.();
  if (!input) throw new Error(`no input for ${name}`);
  return input;
};

/** How each kind of error comes about. */
const provoke: Record<string, (name: string) => Promise<Input>> = {
  InvalidInputError: async (name) => ({ ...(await inputOf(name)), idempotencyKey: 'ä' }),
  NotFoundError: async (name) => unknown[name]?.() ?? { sid: unknownSid('EN') },
  ConflictError: async (name) => {
    const idempotencyKey = fresh.key();
    await mutate('updateBot', { sid: await bot(), tenantId: 'another', idempotencyKey });
    return { ...(await inputOf(name)), idempotencyKey };
  },
  PlatformError: async (name) => {
    const input = await inputOf(name);
    for (const call of ['createSubAccount', 'changeAccount', 'setAccountStatus', 'enableSms', 'disableSms'] as const) restcomm.refuse(call);
    return name === 'mappingsFromGroup' ? { ...input, groupId: '00000000-0000-0000-0000-000000000000' } : input;
  },
  SmsTooLongError: async (name) => ({ ...(await inputOf(name)), body: 'x'.repeat(1000) }),
};

/** Needs an admin's password: test/admission/single-sign-on.test.ts tests its results. */
const OF_ADMINS = 'linkMicrosoftUser';
const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})
  .filter(({ name }) => name !== OF_ADMINS)
  .map(({ name }) => {
    const union = schema.getType(`${capitalized(name)}Result`);
    return { name, members: isUnionType(union) ? union.getTypes().map((member) => member.name) : [] };
  });

describe.each(mutations)('$name', ({ name, members }) => {
  test('succeeds with a type of its own', async () => {
    expect((await mutate(name, await inputOf(name))).__typename).toBe(`${capitalized(name)}Success`);
  });

  test.each(members.filter((member) => member.endsWith('Error')))('can answer the %s of its union', async (member) => {
    const input = await provoke[member]?.(name);
    expect((await mutate(name, input ?? {})).__typename).toBe(member);
  });
});

describe('what a mutation changes fits into a cache', () => {
  const created = [
    ['createEnterprise', 'enterpriseEdge', 'enterprises'],
    ['createMapping', 'mappingEdge', 'mappings'],
    ['createBot', 'botEdge', 'bots'],
    ['sendMessage', 'sentMessageEdge', 'messages'],
    ['createAccessToken', 'accessTokenEdge', 'accessTokens'],
    ['createAccount', 'accountEdge', 'accounts'],
    ['createWebhookEndpoint', 'webhookEndpointEdge', 'webhookEndpoints'],
  ] as const;

  test.each(created)('%s returns the edge that the list in its default order has', async (name, edge, list) => {
    const result = await mutate(name, await inputOf(name), `... on ${capitalized(name)}Success { edge: ${edge} { cursor node { sid } } }`);
    const { data } = await provider.graph(
      `query ($after: String) { list: ${list}(last: 1) { edges { cursor node { sid } } } rest: ${list}(after: $after) { nodes { sid } } }`,
      { after: result.edge.cursor },
    );
    expect(data).toEqual({ list: { edges: [result.edge] }, rest: { nodes: [] } });
  });

  test.each([
    ['deleteMapping', 'mapping'],
    ['deleteBot', 'bot'],
    ['deleteWebhookEndpoint', 'webhookEndpoint'],
  ])('%s returns the global id that is gone', async (name, entity) => {
    const input = await inputOf(name);
    const { data: before } = await provider.graph(`query ($sid: ID!) { ${entity}(sid: $sid) { id } }`, input);
    const result = await mutate(name, input, `... on ${capitalized(name)}Success { deletedId ${entity} { id sid } }`);
    const { id } = before[entity];
    expect(result).toMatchObject({ deletedId: id, [entity]: { id, sid: input.sid } });
    expect((await provider.graph('query ($id: ID!) { node(id: $id) { id } }', { id })).data).toEqual({ node: null });
  });

  test('removeBotCredential returns the global id that is gone, and the bot without it', async () => {
    const added = await mutate(
      'addBotSecret',
      { sid: await bot(), secret: 'another-secret' },
      '... on AddBotSecretSuccess { credential { id sid } bot { id credentials { id } } }',
    );
    const { id, sid } = added.credential;
    expect(added.bot.credentials).toEqual([{ id }]);
    const removed = await mutate(
      'removeBotCredential',
      { sid },
      '... on RemoveBotCredentialSuccess { deletedId bot { id credentials { id } } }',
    );
    expect(removed).toMatchObject({ deletedId: id, bot: { id: added.bot.id, credentials: [] } });
    expect((await provider.graph('query ($id: ID!) { node(id: $id) { id } }', { id })).data).toEqual({ node: null });
  });
});
