import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { table } from '../../src/contract/operations/table.ts';
import { createAccessToken } from '../../src/domain/access/access-tokens.ts';
import { type Caller, permissions } from '../../src/domain/caller.ts';
import { done, newBot } from '../parity/faces.ts';
import { authorizationOf } from '../support/credentials.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { clientsOf, narrowedRoles, withoutSecrets } from './roles.ts';
import { difference, leaks, rowsOf, type StoredRow, stringsIn } from './rows.ts';
import { type Position, walk } from './walk.ts';
import { createWorld, documentOf, unknownSid, type World } from './world.ts';

// One organization of two enterprises: whose reach is the second must not see the first.

let gateway: TestGateway;
let world: World;
/** The sids of the first enterprise and what belongs to it, by their type, and of the second. */
let foreign: Record<string, string>;
let own: Record<string, string>;
/** Every text that is the first enterprise's, and no other row's. */
let canaries: string[];
let schema: GraphQLSchema;
let narrowed: Pick<Provider, 'graph' | 'rest'>;
let authorization: string;
let before: StoredRow[];

beforeAll(async () => {
  // A password takes a tenth of a second to verify, and an enterprise's admin asks hundreds of times.
  gateway = await createTestGateway({ isAlone: true });
  world = await createWorld(gateway);
  const { provider, sids } = world;
  const of = (index: number) => (type: string) => sids[type]?.[index] ?? '';
  const admins = await gateway.database.prisma.enterpriseAdmin.findMany({ where: { organizationSid: provider.organizationSid } });
  const adminOf = (enterpriseSid: string) => admins.find((admin) => admin.enterpriseSid === enterpriseSid)?.sid ?? '';
  const [first, second] = [of(0), of(1)];
  foreign = {
    ...{ Enterprise: first('Enterprise'), EnterpriseAdmin: adminOf(first('Enterprise')), Mapping: first('Mapping') },
    ...{ Bot: first('Bot'), Message: first('Message'), AccessToken: first('AccessToken') },
    WebhookEndpoint: first('WebhookEndpoint'),
    PersonErasure: first('PersonErasure'),
  };
  const bot = await done(provider, 'createBot', newBot(second('Enterprise')));
  const sent = await provider.graph(
    `mutation { sent: sendMessage(input: { mappingSid: "${second('Mapping')}", to: "15550100", body: "Hi" }) { ... on SendMessageSuccess { sentMessage { sid } } } }`,
  );
  const issued = await provider.graph(
    `mutation { issued: createAccessToken(input: { expiresIn: 3600, permissions: [READ, WRITE, SECRETS], enterpriseSid: "${second('Enterprise')}" }) {
      ... on CreateAccessTokenSuccess { accessToken { sid } }
    } }`,
  );
  own = {
    ...{ Account: provider.accountSid, Organization: provider.organizationSid, Enterprise: second('Enterprise') },
    ...{ EnterpriseAdmin: adminOf(second('Enterprise')), Mapping: second('Mapping'), Bot: bot.sid },
    ...{ Message: sent.data.sent.sentMessage.sid, AccessToken: issued.data.issued.accessToken.sid },
  };

  before = await rowsOf(gateway.database.pool);
  const textsOf = (rows: StoredRow[]) => rows.flatMap((row) => stringsIn(JSON.parse(row.text)));
  const others = new Set(textsOf(before.filter((row) => !isForeign(row))));
  const distinctive = textsOf(before.filter(isForeign)).filter(
    (text) => text.length >= 4 && !others.has(text) && !/^\d{4}-\d\d-\d\dT|^(create|erase)/.test(text),
  );
  canaries = [...new Set([...distinctive, ...world.secrets])];
  const { data } = await world.provider.graph<IntrospectionQuery>(getIntrospectionQuery());
  schema = buildClientSchema(data);
});
afterAll(() => gateway.close());

const isForeign = ({ text }: StoredRow) => Object.values(foreign).some((sid) => text.includes(sid));
const walked = () => walk(schema, (type) => own[type] ?? '');
const globalId = (type: string, sid: string) => Buffer.from(`${type}:${sid}`).toString('base64');

function probes({ holds }: Position, sids: Record<string, string>): { value: string; unknown: string }[] {
  if (holds === 'cursor') return [];
  if (holds === 'text') return world.texts.map((value) => ({ value, unknown: value.replace(/[a-f\d]/g, '0') }));
  const types = typeof holds === 'object' ? [holds.sidOf] : Object.keys(sids);
  return types
    .filter((type) => sids[type])
    .map((type) => {
      const [value, unknown] = [sids[type] as string, unknownSid(type)];
      return holds === 'global id' ? { value: globalId(type, value), unknown: globalId(type, unknown) } : { value, unknown };
    });
}

async function ask(document: string, target: string) {
  const { status, data, errors } = await narrowed.graph(document, { target });
  return { answer: { data, errors }, text: JSON.stringify({ status, data, errors }).replaceAll(target, '<target>') };
}

describe.each(narrowedRoles)('to $name', ({ credentials, isAdmin }) => {
  beforeAll(async () => {
    const own = await credentials(world);
    const { graph, rest } = clientsOf(gateway, own);
    narrowed = { graph: (document, variables) => graph(isAdmin ? withoutSecrets(document) : document, variables), rest };
    authorization = authorizationOf(own);
  });

  test('the first enterprise has recognizable texts, its bot’s secret and its numbers among them', () => {
    expect(canaries).toEqual(expect.arrayContaining([foreign.Enterprise, ...world.texts, ...world.secrets]));
  });

  test('no query without mandatory arguments shows anything of another', async () => {
    for (const { name, document } of walked().openQueries) {
      const { data, errors } = await narrowed.graph(document);
      expect(leaks(canaries, document, { data, errors }), name).toEqual([]);
      expect(
        errors?.map(({ extensions }) => extensions?.code),
        name,
      ).toEqual((isAdmin ? ['accounts', 'auditLog'] : ['accessTokens', 'accounts', 'auditLog']).includes(name) ? ['FORBIDDEN'] : undefined);
    }
  });

  test('its own objects are found by sid and by global id, listed and counted', async () => {
    const { Enterprise, Mapping, Bot, Message } = own as Record<string, string>;
    const { data } = await narrowed.graph(
      `query ($ids: [ID!]!) {
        nodes(ids: $ids) { __typename }
        enterprise(sid: "${Enterprise}") { mappingCount messageCount accountEmail admin { sid } bot { sid clientSecret } }
        enterprises { totalCount nodes { sid } } mappings { totalCount nodes { sid } } bots { totalCount nodes { sid } }
        messages { totalCount nodes { sid } } messageEvents { totalCount nodes { message { sid } } }
        viewer { enterprise { sid } account { email } }
      }`,
      { ids: Object.entries({ Enterprise, Mapping, Bot, Message }).map(([type, sid]) => globalId(type, sid as string)) },
    );
    const only = (sid: string | undefined) => ({ totalCount: 1, nodes: [{ sid }] });
    expect(data).toEqual({
      nodes: ['Enterprise', 'Mapping', 'Bot', 'Message'].map((__typename) => ({ __typename })),
      enterprise: {
        ...{ mappingCount: 1, messageCount: 1, accountEmail: world.provider.email, admin: { sid: own.EnterpriseAdmin } },
        bot: { sid: Bot, ...(!isAdmin && { clientSecret: 'a-client-secret' }) },
      },
      ...{ enterprises: only(Enterprise), mappings: only(Mapping), bots: only(Bot), messages: only(Message) },
      messageEvents: { totalCount: 1, nodes: [{ message: { sid: Message } }] },
      viewer: { enterprise: { sid: Enterprise }, account: { email: world.provider.email } },
    });
  });

  test('another’s sid, global id or text has the same result as an unknown one, everywhere', async () => {
    const places = walked().positions.filter(
      ({ operation, holds }) => operation === 'query' || (operation === 'mutation' && typeof holds === 'object'),
    );
    for (const position of places) {
      for (const { value, unknown } of probes(position, foreign)) {
        const [one, other] = [await ask(position.document, value), await ask(position.document, unknown)];
        expect(leaks(canaries, value, one.answer), `${position.name} ${value}`).toEqual([]);
        expect(one.text, `${position.name} ${value}`).toBe(other.text);
      }
    }
  });

  test('no enterprise can be created, and its own objects cannot be moved to another', async () => {
    const enterprise = { name: 'Another', enterpriseAdmin: { email: 'another@customer.example', password: 'a-long-password' } };
    const created = await narrowed.graph('mutation ($input: CreateEnterpriseInput!) { createEnterprise(input: $input) { __typename } }', {
      input: enterprise,
    });
    expect(created.errors?.map(({ extensions }) => extensions?.code)).toEqual(['FORBIDDEN']);
    expect(await narrowed.rest.post('/msteams/enterprises', enterprise)).toMatchObject({ status: 403, body: { errorCode: '403' } });
    for (const [path, sid] of [
      ['mappings', own.Mapping],
      ['teamsbot', own.Bot],
    ]) {
      const moved = await narrowed.rest.put(`/msteams/${path}/${sid}`, { enterpriseSid: foreign.Enterprise });
      expect(moved).toMatchObject({ status: 409, body: { errorCode: '4051', data: foreign.Enterprise } });
    }
  });

  test('an idempotency key of its account counts as unused, whatever it was used for', async () => {
    for (const deed of world.deeds.filter(({ input }) => input.enterpriseSid !== own.Enterprise)) {
      const { data, errors } = await narrowed.graph(documentOf(deed), { input: deed.input });
      expect(leaks(canaries, deed.input, { data, errors }), deed.mutation).toEqual([]);
      const forbidden = [
        'createEnterprise',
        ...(isAdmin ? [] : ['createAccessToken']),
        'createWebhookEndpoint',
        ...(isAdmin ? [] : ['erasePerson']),
      ];
      if (forbidden.includes(deed.mutation)) expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
      else expect(data.made).toMatchObject({ __typename: 'NotFoundError', code: 'ENTERPRISE_NOT_FOUND' });
    }
  });

  test('a key that it uses remains unused for its account', async () => {
    const mutation = `mutation ($input: UpdateEnterpriseInput!) { updated: updateEnterprise(input: $input) {
      __typename ... on UpdateEnterpriseSuccess { enterprise { name } } ... on Error { code value }
    } }`;
    const input = { sid: own.Enterprise, name: 'Renamed', idempotencyKey: 'shared' };
    expect((await narrowed.graph(mutation, { input })).data.updated).toMatchObject({ enterprise: { name: 'Renamed' } });
    expect((await world.provider.graph(mutation, { input: { ...input, name: 'By its account' } })).data.updated).toMatchObject({
      enterprise: { name: 'By its account' },
    });
    expect((await narrowed.graph(mutation, { input })).data.updated).toMatchObject({ enterprise: { name: 'Renamed' } });
    expect((await narrowed.graph(mutation, { input: { ...input, name: 'Else' } })).data.updated).toEqual({
      ...{ __typename: 'ConflictError', code: 'IDEMPOTENCY_KEY_REUSED', value: 'shared' },
    });
  });

  test('REST shows and changes only its own objects', async () => {
    for (const [path, type, notFound] of [
      ['enterprises', 'Enterprise', '4051'],
      ['mappings', 'Mapping', '480'],
      ['teamsbot', 'Bot', '481'],
      ['messages', 'Message', '481'],
    ] as const) {
      const { body } = await narrowed.rest.get<{ total: number; result: { sid: string }[] }>(`/msteams/${path}/search`);
      expect([body.data?.total, body.data?.result.map(({ sid }) => sid)]).toEqual([1, [own[type]]]);
      expect((await narrowed.rest.get(`/msteams/${path}/search/${own[type]}`)).status).toBe(200);
      expect((await narrowed.rest.get(`/msteams/${path}/search/${foreign[type]}`)).body.errorCode).toBe(notFound);
      const deleted = isAdmin && path === 'enterprises' ? '403' : notFound;
      if (path !== 'messages') expect((await narrowed.rest.delete(`/msteams/${path}/${foreign[type]}`)).body.errorCode).toBe(deleted);
    }
  });

  test('streams send nothing about another', async () => {
    const open = async (subscription: string) => {
      const url = `http://gateway.test/graphql?${new URLSearchParams({ query: `subscription { ${subscription} }` })}`;
      return gateway.fetch(new Request(url, { headers: { accept: 'text/event-stream', authorization } }));
    };
    const status = (sid: string) => open(`messageStatus(sid: "${sid}") { message { sid } }`);
    expect(await (await status(foreign.Message ?? '')).text()).toContain('MESSAGE_NOT_FOUND');

    const beginning = (await world.provider.graph('{ messageEvents(first: 0) { pageInfo { endCursor } } }')).data.messageEvents.pageInfo
      .endCursor;
    const events = await open(`messageEvents(after: "${beginning}") { __typename ... on MessageEvent { message { sid } } }`);
    let received = '';
    for await (const chunk of events.body ?? []) {
      received += Buffer.from(chunk).toString();
      if (received.includes(own.Message ?? '')) break;
    }
    expect(leaks(canaries, '', received)).toEqual([]);
    expect(received).not.toContain(foreign.Message);
  });

  test('nothing of another changes', async () => {
    const changed = difference(before.filter(isForeign), (await rowsOf(gateway.database.pool)).filter(isForeign));
    // A key keeps the answer that it got, with the sid that was asked for.
    expect(changed.filter(({ table: name }) => name !== 'idempotency_key')).toEqual([]);
  });
});

test('a token created by a restricted caller is restricted too, and ends no later than the caller', async () => {
  const expires = new Date(Date.now() + 100_000);
  const caller: Caller = {
    ...{ organizationSid: world.provider.organizationSid, accountSid: world.provider.accountSid, permissions: new Set(permissions) },
    ...{ enterpriseSid: own.Enterprise, expires, requestId: 'test' },
  };
  const input = { expiresIn: 3600, permissions: ['read' as const] };
  const { accessToken } = await createAccessToken(gateway.gateway, caller, input);
  expect(accessToken).toMatchObject({ enterpriseSid: own.Enterprise, dateExpires: expires });
  await expect(createAccessToken(gateway.gateway, caller, { ...input, enterpriseSid: foreign.Enterprise })).rejects.toThrow(
    'Enterprise not found',
  );
});

describe('to a read-only access token', () => {
  let reader: Pick<Provider, 'graph' | 'rest'>;
  beforeAll(async () => {
    const { data } = await world.provider.graph(
      'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token } } }',
    );
    reader = clientsOf(gateway, { token: data.made.token });
    before = await rowsOf(gateway.database.pool);
  });

  test('every query and export is allowed and every other mutation forbidden', async () => {
    expect((await reader.graph('{ enterprises { totalCount } }')).data.enterprises.totalCount).toBe(2);
    const mutations = walked().positions.filter(({ operation }) => operation === 'mutation');
    expect(new Set(mutations.map(({ name }) => name.split('(')[0])).size).toBe(
      Object.keys(schema.getMutationType()?.getFields() ?? {}).length,
    );
    for (const { name, document } of mutations) {
      if (name.startsWith('Mutation.export')) continue;
      const { data, errors } = await reader.graph(document, { target: 'x' });
      expect([Object.values(data), errors?.map(({ extensions }) => extensions?.code)], name).toEqual([[null], ['FORBIDDEN']]);
    }
  });

  test('every operation of REST that changes something is refused with 403', async () => {
    const calls = table.flatMap(({ path, aliases, methods }) =>
      [path, ...aliases].flatMap((one) => methods.map((method) => ({ path: one, method }))),
    );
    for (const { path, method } of calls) {
      const url = path.replace('{sid}', own.Mapping ?? '');
      const { status } = await reader.rest.request(method, url, { body: method === 'GET' || method === 'DELETE' ? undefined : {} });
      if (method === 'GET') expect(status, `${method} ${path}`).not.toBe(403);
      else expect(status, `${method} ${path}`).toBe(403);
    }
  });

  test('nothing changes', async () => {
    expect(difference(before, await rowsOf(gateway.database.pool))).toEqual([]);
  });
});
