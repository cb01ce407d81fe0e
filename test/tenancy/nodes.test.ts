import type { GraphQLInterfaceType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';
import { createWorld, type World } from './world.ts';

// Every object with a sid, and what has the id of one, by its global id: for whom it is there, and for whom it is null.

const NODE = 'query ($id: ID!) { node(id: $id) { __typename id } }';
const OWN = `query ($sid: ID!, $erasure: ID!) {
  viewer { id account { id } organization { id } }
  teamsApp { id }
  enterprise(sid: $sid) {
    id admin { id } bot { id credentials { id } health { id } appPackage { id } }
    mappings(first: 1) { nodes { id teams { id } } }
    messages(first: 1) { nodes { id events { id } conversation { id } } }
  }
  accessTokens(first: 1) { nodes { id } }
  auditLog(first: 1) { nodes { id } }
  mappingImports { id }
  webhookEndpoints(first: 1) { nodes { id } }
  personErasure(sid: $erasure) { id }
}`;

let gateway: TestGateway;
let world: World;
let stranger: Provider;
/** The global ids of the first enterprise and of what belongs to it, and of the rest of its organization, by type. */
let ids: Record<string, string>;

beforeAll(async () => {
  gateway = await createTestGateway();
  world = await createWorld(gateway);
  stranger = await gateway.provider();
  // Teams takes only apps of GUIDs.
  await gateway.database.prisma.bot.updateMany({ data: { applicationId: 'dc46be1e-fc19-428c-974d-cacc29308ec1' } });
  const { data, errors } = await world.provider.graph(OWN, { sid: world.sids.Enterprise?.[0], erasure: world.sids.PersonErasure?.[0] });
  expect(errors).toBeUndefined();
  const { viewer, teamsApp, enterprise, accessTokens, auditLog, mappingImports, webhookEndpoints, personErasure } = data;
  const [message] = enterprise.messages.nodes;
  ids = {
    ...{
      Account: viewer.account.id,
      Organization: viewer.organization.id,
      Enterprise: enterprise.id,
      EnterpriseAdmin: enterprise.admin.id,
    },
    ...{
      Bot: enterprise.bot.id,
      BotCredential: enterprise.bot.credentials[0].id,
      Mapping: enterprise.mappings.nodes[0].id,
      Message: message.id,
      MessageEvent: message.events[0].id,
    },
    Conversation: message.conversation.id,
    ...{ AccessToken: accessTokens.nodes[0].id, AuditRecord: auditLog.nodes[0].id, MappingImport: mappingImports[0].id },
    WebhookEndpoint: webhookEndpoints.nodes[0].id,
    PersonErasure: personErasure.id,
    ...{ Viewer: viewer.id, TeamsApp: teamsApp.id, MappingInTeams: enterprise.mappings.nodes[0].teams.id },
    ...{ BotHealth: enterprise.bot.health.id, AppPackage: enterprise.bot.appPackage.id },
  };
});
afterAll(() => gateway.close());

async function seen(graph: GraphClient): Promise<string[]> {
  const found: string[] = [];
  for (const [type, id] of Object.entries(ids)) {
    const { data, errors } = await graph(NODE, { id });
    expect(errors, type).toBeUndefined();
    if (data.node) expect(data.node).toEqual({ __typename: type, id });
    if (data.node) found.push(type);
  }
  return found.sort();
}

async function token(permissions: readonly string[], enterpriseSid?: string): Promise<GraphClient> {
  const { data } = await world.provider.graph(
    'mutation ($input: CreateAccessTokenInput!) { made: createAccessToken(input: $input) { ... on CreateAccessTokenSuccess { token } } }',
    { input: { expiresIn: 600, permissions, enterpriseSid } },
  );
  return graphClient(gateway.fetch, { token: data.made.token });
}

const found = async (graph: GraphClient, id: string) => (await graph(NODE, { id })).data.node?.id ?? null;

const all = () => Object.keys(ids).sort();

describe('a global id', () => {
  test('is that of every type with a sid, of message events, and of what belongs to one object with a sid', () => {
    const withSid = Object.values(schema.getTypeMap()).filter(
      (type) => 'getFields' in type && 'sid' in type.getFields() && 'getInterfaces' in type,
    );
    const ofOwner = ['Viewer', 'TeamsApp', 'MappingInTeams', 'BotHealth', 'AppPackage'];
    expect([...withSid.map(({ name }) => name), 'MessageEvent', ...ofOwner].sort()).toEqual(all());
    const nodes = schema.getPossibleTypes(schema.getType('Node') as GraphQLInterfaceType);
    expect(nodes.map(({ name }) => name).sort()).toEqual(all());
  });

  test('finds each for its own account', async () => {
    expect(await seen(world.provider.graph)).toEqual(all());
  });

  test('finds none for another organization', async () => {
    expect(await seen(stranger.graph)).toEqual([]);
  });

  test('finds access tokens and their account’s viewer for no access token, and audit records only with AUDIT', async () => {
    const without = (...types: string[]) => all().filter((type) => !types.includes(type));
    expect(await seen(await token(['READ', 'AUDIT']))).toEqual(without('AccessToken', 'Viewer'));
    expect(await seen(await token(['READ']))).toEqual(without('AccessToken', 'AuditRecord', 'Viewer'));
  });

  test('finds what belongs to the enterprise, and its account, for credentials that are restricted to it', async () => {
    const [first, second] = world.sids.Enterprise ?? [];
    const shared = ['Account', 'Organization'];
    const own = [
      'AppPackage',
      'Bot',
      'BotCredential',
      'BotHealth',
      'Conversation',
      'Enterprise',
      'EnterpriseAdmin',
      'Mapping',
      'MappingImport',
      'MappingInTeams',
      'Message',
      'MessageEvent',
      'PersonErasure',
      'WebhookEndpoint',
    ];
    expect(await seen(await token(['READ', 'AUDIT'], first))).toEqual([...shared, ...own].sort());
    expect(await seen(await token(['READ', 'AUDIT'], second))).toEqual(shared);
  });

  test('finds another account of the organization only for those who reach something that it created', async () => {
    const { gateway: deps } = gateway;
    const { account, authToken } = await createAccount(deps, {
      email: 'second@provider.example',
      organization: { sid: world.provider.organizationSid },
    });
    const id = Buffer.from(`Account:${account.sid}`).toString('base64');
    const restricted = await token(['READ'], world.sids.Enterprise?.[0]);
    expect([await found(world.provider.graph, id), await found(restricted, id)]).toEqual([id, null]);
    const colleague = graphClient(gateway.fetch, { user: account.sid, password: authToken });
    const input = { enterpriseSid: world.sids.Enterprise?.[0], microsoftAddress: 'new@user.example', externalAddress: '+4930777001' };
    const { data } = await colleague(
      'mutation ($input: CreateMappingInput!) { made: createMapping(input: $input) { ... on CreateMappingSuccess { mapping { account { id } } } } }',
      { input },
    );
    expect(data.made.mapping.account.id).toBe(id);
    expect(await found(restricted, id)).toBe(id);

    const other = await createAccount(deps, { email: 'third@provider.example', organization: { sid: world.provider.organizationSid } });
    const sender = graphClient(gateway.fetch, { user: other.account.sid, password: other.authToken });
    const sent = await sender(
      'mutation ($mappingSid: ID!) { sendMessage(input: { mappingSid: $mappingSid, to: "+4930123", body: "Hello" }) { ... on SendMessageSuccess { sentMessage { account { id } } } } }',
      { mappingSid: world.sids.Mapping?.[0] },
    );
    const senderId = sent.data.sendMessage.sentMessage.account.id;
    const elsewhere = await token(['READ'], world.sids.Enterprise?.[1]);
    expect(await Promise.all([restricted, elsewhere].map((graph) => found(graph, senderId)))).toEqual([senderId, null]);

    const hook = { url: 'https://hooks.example/third', eventTypes: ['MESSAGE_SENT'], enterpriseSid: world.sids.Enterprise?.[1] };
    const registered = await sender(
      'mutation ($input: CreateWebhookEndpointInput!) { made: createWebhookEndpoint(input: $input) { ... on CreateWebhookEndpointSuccess { webhookEndpoint { account { id } } } } }',
      { input: hook },
    );
    expect(registered.data.made.webhookEndpoint.account.id).toBe(senderId);
    expect(await found(elsewhere, senderId)).toBe(senderId);
  });

  test("finds the account of an enterprise's first message after any number of others", async () => {
    const { gateway: deps } = gateway;
    const { organizationSid } = world.provider;
    const { account } = await createAccount(deps, { email: 'early@provider.example', organization: { sid: organizationSid } });
    const early = Buffer.from(`Account:${account.sid}`).toString('base64');
    const store = (accountSid: string, prefix: string, count: number) => deps.prisma.$executeRaw`
      INSERT INTO message (sid, organization_sid, enterprise_sid, account_sid, direction, "from", from_folded, "to", to_folded, channel_status, status_rank)
      SELECT ${prefix} || n, ${organizationSid}, ${world.sids.Enterprise?.[0]}, ${accountSid}, 'INBOUND', 'a', 'a', 'b', 'b', 'DELIVERED', 3
      FROM generate_series(1, ${count}::int) n`;
    await store(account.sid, 'MS early ', 1);
    await store(world.provider.accountSid, 'MS late ', 10_000);
    expect(await found(await token(['READ'], world.sids.Enterprise?.[0]), early)).toBe(early);
    expect(await found(await token(['READ'], world.sids.Enterprise?.[1]), early)).toBeNull();
    await deps.prisma.message.deleteMany({ where: { sid: { startsWith: 'MS early ' } } });
    expect(await found(await token(['READ'], world.sids.Enterprise?.[0]), early)).toBe(early);
  });
});
