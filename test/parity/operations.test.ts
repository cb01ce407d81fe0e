import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { table } from '../../src/contract/operations/table.ts';
import { createAccount, suspendAccount } from '../../src/domain/access/accounts.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { createRecordingRestcomm } from '../support/recording-restcomm.ts';
import { restClient } from '../support/rest.ts';
import {
  done,
  fresh,
  type Input,
  inGraph,
  inRest,
  type MutationName,
  mutations,
  newBot,
  newEnterprise,
  newMapping,
  refusals,
} from './faces.ts';

// A walk over all 17 operations of the contract and their counterparts in the graph, each as everybody who may ask.

let gateway: TestGateway;
let provider: Provider;
let stranger: Provider;
let home: string;
const anonymous = () => ({ graph: graphClient(gateway.fetch), rest: restClient(gateway.fetch) });

beforeAll(async () => {
  gateway = await createTestGateway({ platforms: { restcomm: createRecordingRestcomm() } });
  [provider, stranger] = [await gateway.provider(), await gateway.provider()];
  home = await enterprise();
});
afterAll(() => gateway.close());

const enterprise = async (owner = provider) => (await done(owner, 'createEnterprise', newEnterprise())).sid as string;
const mapping = async () => (await done(provider, 'createMapping', newMapping(home))).sid as string;
const bot = async () => (await done(provider, 'createBot', newBot(await enterprise()))).sid as string;

interface Walk {
  readonly operation: MutationName;
  /** Succeeds each time. */
  readonly valid: () => Promise<Input>;
  /** Absent where the input is a sid alone. */
  readonly invalid?: Input;
  /** The refusal of the valid input to another tenant; absent if the input refers to none of our objects. */
  readonly stranger?: 'ENTERPRISE_NOT_FOUND' | 'MAPPING_NOT_FOUND' | 'BOT_NOT_FOUND';
}
const long = 'x'.repeat(2000);
const walks: readonly Walk[] = [
  { operation: 'createEnterprise', valid: async () => newEnterprise(), invalid: newEnterprise({ name: long }) },
  {
    operation: 'updateEnterprise',
    valid: async () => ({ sid: await enterprise(), name: fresh.name(), status: 'INACTIVE' }),
    invalid: { name: long },
    stranger: 'ENTERPRISE_NOT_FOUND',
  },
  { operation: 'closeEnterprise', valid: async () => ({ sid: await enterprise() }), stranger: 'ENTERPRISE_NOT_FOUND' },
  {
    operation: 'createMapping',
    valid: async () => newMapping(home),
    invalid: newMapping('EN1', { name: long }),
    stranger: 'ENTERPRISE_NOT_FOUND',
  },
  {
    operation: 'updateMapping',
    valid: async () => ({ sid: await mapping(), name: 'Ann', microsoftAddress: fresh.user(), externalAddress: fresh.number() }),
    invalid: { externalAddress: long },
    stranger: 'MAPPING_NOT_FOUND',
  },
  { operation: 'deleteMapping', valid: async () => ({ sid: await mapping() }), stranger: 'MAPPING_NOT_FOUND' },
  {
    operation: 'createBot',
    valid: async () => newBot(await enterprise()),
    invalid: newBot('EN1', { tenantId: long }),
    stranger: 'ENTERPRISE_NOT_FOUND',
  },
  {
    operation: 'updateBot',
    valid: async () => ({ sid: await bot(), applicationId: '2', tenantId: '3', clientSecret: 'changed', botAppId: '4' }),
    invalid: { botAppId: long },
    stranger: 'BOT_NOT_FOUND',
  },
  { operation: 'deleteBot', valid: async () => ({ sid: await bot() }), stranger: 'BOT_NOT_FOUND' },
];

test('the walk and the lists below cover all operations of the contract', () => {
  expect(table).toHaveLength(17);
  expect(table.filter(({ methods }) => !methods.includes('GET'))).toHaveLength(walks.length);
  expect(walks.map(({ operation }) => operation)).toEqual(Object.keys(mutations));
});

describe.each(walks)('$operation', ({ operation, valid, invalid, stranger: refusal }) => {
  test('succeeds, and returns what both faces then show', async () => {
    const asked = { graph: await valid(), rest: await valid() };
    const result = await inGraph(provider, operation, asked.graph);
    const { status, body } = await inRest(provider, operation, asked.rest);
    expect({ status, code: body.code, message: body.message }).toEqual({
      status: operation === 'createEnterprise' ? 201 : 200,
      code: 200,
      message: 'OK',
    });
    const { path, entity } = mutations[operation];
    const given = ({ enterpriseAdmin: _admin, ...rest }: Input) => rest;
    expect(result).toMatchObject(given(asked.graph));
    expect(body.data).toMatchObject(given(asked.rest));
    const sids = [String(result.sid), String(body.data?.sid)];
    const gone = operation === 'deleteMapping' || operation === 'deleteBot';
    for (const sid of sids) {
      const inContract = await provider.rest.get(`${path}/search/${sid}`);
      const field = entity.toLowerCase();
      const inTheGraph = await provider.graph(`{ ${field}(sid: "${sid}") { sid dateUpdated } }`);
      if (gone) {
        expect(inContract.status).toBe(409);
        expect(inTheGraph.data[field]).toBeNull();
      } else {
        expect(inContract.body.data).toMatchObject({ sid });
        expect(inTheGraph.data[field].sid).toBe(sid);
        if (sid === sids[1]) expect(inContract.body.data).toEqual(body.data);
        else expect(inTheGraph.data[field].dateUpdated).toBe(result.dateUpdated);
      }
    }
  });

  if (invalid)
    test('refuses invalid input', async () => {
      const sid = 'sid' in (await valid()) ? { sid: newSid('BE') } : {};
      const input = { ...sid, ...invalid };
      expect(await inGraph(provider, operation, input)).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_PARAMETER' });
      expect(await inRest(provider, operation, input)).toMatchObject({ status: 400, body: { errorCode: '450' } });
    });

  test('requires credentials', async () => {
    const input = await valid();
    await expect(inGraph(anonymous(), operation, input)).rejects.toThrow('UNAUTHENTICATED');
    const { status, body } = await inRest(anonymous(), operation, input);
    expect({ status, ...body }).toEqual({ status: 401, errorCode: '401', message: 'Unauthorized' });
    // Nothing was done: the same still succeeds.
    await done(provider, operation, input);
  });

  if (refusal)
    test("refuses another tenant's objects as unknown", async () => {
      const input = await valid();
      const { code, ...told } = await inGraph(stranger, operation, input);
      expect(code).toBe(refusal);
      const unknown: Input = 'sid' in input ? { ...input, sid: newSid('BE') } : { ...input, enterpriseSid: newSid('EN') };
      const { value, ...likewise } = await inGraph(stranger, operation, unknown);
      expect({ code, ...told, value: undefined }).toEqual({ ...likewise, value: undefined });
      expect(value).toBe(unknown.sid ?? unknown.enterpriseSid);
      const { status, body } = await inRest(stranger, operation, input);
      expect({ status, errorCode: body.errorCode }).toEqual({ status: 409, errorCode: refusals[code].errorCode });
      await done(provider, operation, input);
    });
});

describe.each([
  ['enterprise', 'enterprises', '/msteams/enterprises/search'],
  ['mapping', 'mappings', '/msteams/mappings/search'],
  ['bot', 'bots', '/msteams/teamsbot/search'],
  ['message', 'messages', '/msteams/messages/search'],
])('%s and %s', (one, many, path) => {
  let sid: string;
  beforeAll(async () => {
    if (one === 'message') {
      const enterpriseSid = await enterprise();
      const { accountSid, organizationSid } = provider;
      sid = newSid('MS');
      await gateway.gateway.prisma.message.create({
        data: {
          ...{ sid, accountSid, organizationSid, enterpriseSid, direction: 'INBOUND', channelStatus: 'SENT', statusRank: 2 },
          ...{ from: 'ann@kohl.example', fromFolded: 'ann@kohl.example', to: '+49301', toFolded: '+49301' },
        },
      });
    } else {
      sid = await (one === 'enterprise' ? enterprise() : one === 'mapping' ? mapping() : bot());
    }
  });

  test('are read on both faces', async () => {
    expect((await provider.graph(`{ ${one}(sid: "${sid}") { sid } }`)).data).toEqual({ [one]: { sid } });
    const { body } = await provider.rest.get(`${path}/${sid}`);
    expect(body).toMatchObject({ code: 200, message: 'OK', data: { sid } });
    const { data } = await provider.graph(`{ ${many}(last: 100) { totalCount nodes { sid } } }`);
    expect(data[many].nodes).toContainEqual({ sid });
    const list = await provider.rest.get<{ total: number; result: { sid: string }[] }>(`${path}?pageSize=1000`);
    expect(list.body.data?.result.find((row) => row.sid === sid)).toEqual(body.data);
    expect(list.body.data?.total).toBe(data[many].totalCount);
  });

  test('require credentials', async () => {
    for (const query of [`{ ${one}(sid: "${sid}") { sid } }`, `{ ${many} { nodes { sid } } }`]) {
      const { status, errors } = await anonymous().graph(query);
      expect({ status, code: errors?.[0]?.extensions?.code }).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    }
    for (const url of [`${path}/${sid}`, path]) {
      const { status, body, headers } = await anonymous().rest.get(url);
      expect({ status, ...body }).toEqual({ status: 401, errorCode: '401', message: 'Unauthorized' });
      expect(headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    }
  });

  test("do not show another tenant's objects", async () => {
    expect((await stranger.graph(`{ ${one}(sid: "${sid}") { sid } }`)).data).toEqual({ [one]: null });
    expect((await stranger.graph(`{ ${many} { nodes { sid } } }`)).data[many].nodes).not.toContainEqual({ sid });
    expect((await stranger.rest.get(`${path}/${sid}`)).status).toBe(409);
    const list = await stranger.rest.get<{ result: { sid: string }[] }>(`${path}?pageSize=1000`);
    expect(list.body.data?.result.map((row) => row.sid)).not.toContain(sid);
  });
});

describe('at the entrance', () => {
  const credentialed = (user: string, password: string) => ({
    graph: graphClient(gateway.fetch, { user, password }),
    rest: restClient(gateway.fetch, { user, password }),
  });
  const viewer = '{ viewer { account { sid } } }';

  test('401: a wrong token, an unknown account, and no credentials get the same response', async () => {
    for (const [user, password] of [
      [provider.accountSid, stranger.authToken],
      [`AC${'0'.repeat(32)}`, provider.authToken],
      ['admin', 'admin'],
      [`${provider.accountSid}\0`, provider.authToken],
    ] as const) {
      const client = credentialed(user, password);
      expect(await client.graph(viewer)).toMatchObject({ status: 401, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
      const { status, body } = await client.rest.get('/msteams/enterprises/search');
      expect({ status, ...body }).toEqual({ status: 401, errorCode: '401', message: 'Unauthorized' });
    }
  });

  test('spaces around the account sid are trimmed', async () => {
    const client = credentialed(` ${provider.accountSid} `, provider.authToken);
    expect((await client.graph(viewer)).data.viewer.account.sid).toBe(provider.accountSid);
    expect((await client.rest.get('/msteams/enterprises/search')).status).toBe(200);
  });

  test('403: a suspended account, with the right token only', async () => {
    const suspended = await gateway.provider();
    await suspendAccount(gateway.gateway, suspended.accountSid);
    expect(await suspended.graph(viewer)).toMatchObject({ status: 403, errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    const { status, body } = await suspended.rest.get('/msteams/enterprises/search');
    expect({ status, ...body }).toEqual({ status: 403, errorCode: '403', message: 'Forbidden' });
    expect((await credentialed(suspended.accountSid, 'wrong').graph(viewer)).status).toBe(401);
    expect((await credentialed(suspended.accountSid, 'wrong').rest.get('/msteams/enterprises/search')).status).toBe(401);
  });

  test('403: a read-only account', async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      email: `${randomBytes(6).toString('hex')}@provider.example`,
      organization: { sid: provider.organizationSid },
      permissions: ['read'],
    });
    const reader = credentialed(account.sid, authToken);
    const owned = await done(provider, 'createBot', newBot(await enterprise()));
    await expect(inGraph(reader, 'updateBot', { sid: owned.sid, tenantId: 'x' })).rejects.toThrow('FORBIDDEN');
    expect(await inRest(reader, 'updateBot', { sid: owned.sid, tenantId: 'x' })).toMatchObject({ status: 403, body: { errorCode: '403' } });
    // It reads bots, but not their secrets.
    expect((await reader.graph(`{ bot(sid: "${owned.sid}") { clientSecretHint } }`)).data.bot.clientSecretHint).toBe(
      owned.clientSecretHint,
    );
    expect((await reader.graph(`{ bot(sid: "${owned.sid}") { clientSecret } }`)).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
    const { body } = await reader.rest.get(`/msteams/teamsbot/search/${owned.sid}`);
    expect(body.data).toMatchObject({ clientSecret: '••••cret', clientsecret: '••••cret' });
  });

  test('404, 405, 413 and 415, each in an envelope', async () => {
    const { rest } = provider;
    expect(await rest.get('/msteams/nothing')).toMatchObject({ status: 404, body: { errorCode: '404', message: 'Not Found' } });
    const patched = await rest.request('PATCH', '/msteams/enterprises');
    expect(patched).toMatchObject({ status: 405, body: { errorCode: '405', message: 'Method Not Allowed' } });
    expect(patched.headers.get('allow')).toBe('POST');
    const large = { name: 'x'.repeat(1024 * 1024 + 1) };
    expect(await rest.post('/msteams/enterprises', large)).toMatchObject({ status: 413, body: { errorCode: '413' } });
    const text = { 'content-type': 'text/plain' };
    expect(await rest.post('/msteams/enterprises', '{}', text)).toMatchObject({ status: 415, body: { errorCode: '415' } });
  });

  test('the graph refuses the same requests in its own form', async () => {
    const authorization = `Basic ${Buffer.from(`${provider.accountSid}:${provider.authToken}`).toString('base64')}`;
    const status = async (init: RequestInit, path = '/graphql') =>
      (await gateway.fetch(new Request(`http://gateway.test${path}`, { ...init, headers: { authorization, ...init.headers } }))).status;
    const json = { 'content-type': 'application/json' };
    expect(await status({}, '/graphql/nothing')).toBe(404);
    expect(await status({ method: 'PUT', headers: json, body: JSON.stringify({ query: viewer }) })).toBe(405);
    expect(await status({ method: 'POST', headers: { 'content-type': 'text/plain' }, body: JSON.stringify({ query: viewer }) })).toBe(415);
    const large = JSON.stringify({ query: viewer, variables: { x: 'x'.repeat(1024 * 1024 + 1) } });
    expect(await status({ method: 'POST', headers: json, body: large })).toBe(413);
    // A link can't change anything.
    const link = `/graphql?query=${encodeURIComponent('mutation { deleteBot(input: { sid: "BE1" }) { __typename } }')}`;
    expect(await status({ method: 'GET' }, link)).toBe(405);
  });
});
