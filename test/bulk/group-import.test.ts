import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImportRunner, startImports } from '../../src/bulk/import-runner.ts';
import { done } from '../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange } from '../support/exchange.ts';
import type { Provider } from '../support/gateway.ts';

// Members of a Microsoft Entra group as a source of mappings, by Graph over HTTP.

const GROUP = '02bd9fd6-8f93-4758-87c3-1fb73740a315';
let exchange: TestExchange;
let runner: ImportRunner;
let customer: Customer;

beforeAll(async () => {
  exchange = await createTestExchange();
  runner = startImports(exchange.gateway, { everyMs: 20 });
  const bot = exchange.microsoft.addBot({ permissions: ['User.Read.All', 'GroupMember.Read.All'] });
  customer = await exchange.customer({ bot });
  exchange.microsoft.membersPerPage = 2;
  const user = (name: string, accountEnabled = true) =>
    exchange.microsoft.addUser({ tenantId: bot.tenantId, userPrincipalName: `${name}@contoso.example`, accountEnabled });
  const member = (name: string, more: object) => {
    const { objectId: id, userPrincipalName } = user(name);
    return { id, userPrincipalName, displayName: name, accountEnabled: true, ...more };
  };
  exchange.microsoft.groups.set(GROUP, [
    member('anna', { mobilePhone: '+49 1511 2345601', businessPhones: ['+49 30 901820'] }),
    member('bert', { mobilePhone: null, businessPhones: ['030 901821'], usageLocation: 'DE' }),
    member('none', { mobilePhone: ' ', businessPhones: [] }),
    member('gone', { mobilePhone: '+4915112345602', accountEnabled: false }),
    member('cleo', { mobilePhone: 'ask me', businessPhones: [] }),
  ]);
  for (const number of ['4915112345601', '4930901821']) exchange.restcomm.addNumber(number);
});
afterAll(async () => {
  await runner.stop();
  await exchange.close();
});

async function fromGroup(input: object, { graph }: Pick<Provider, 'graph'> = customer.provider) {
  const { data, errors } = await graph(
    `mutation ($input: MappingsFromGroupInput!) { mappingsFromGroup(input: $input) {
      ... on MappingsFromGroupSuccess { mappingImport { sid rowCount } } ... on Error { code message path } } }`,
    { input },
  );
  return errors ? { code: errors[0]?.extensions?.code } : data.mappingsFromGroup;
}

const rowsOf = async (sid: string, status: string) => {
  const query = 'query ($sid: ID!) { mappingImport(sid: $sid) { status rows { name microsoftAddress externalAddress status } } }';
  const read = async () => (await customer.provider.graph(query, { sid })).data.mappingImport;
  await expect.poll(async () => (await read()).status, { timeout: 60_000, interval: 50 }).toBe(status);
  return (await read()).rows;
};

test('members with a number are checked first, and become mappings once the import is run', async () => {
  const { mappingImport } = await fromGroup({ enterpriseSid: customer.enterpriseSid, groupId: GROUP });
  expect(mappingImport.rowCount).toBe(3);
  const rows = (statuses: readonly string[]) => [
    { name: 'anna', microsoftAddress: 'anna@contoso.example', externalAddress: '+4915112345601', status: statuses[0] },
    { name: 'bert', microsoftAddress: 'bert@contoso.example', externalAddress: '+4930901821', status: statuses[1] },
    { name: 'cleo', microsoftAddress: 'cleo@contoso.example', externalAddress: 'ask me', status: statuses[2] },
  ];
  expect(await rowsOf(mappingImport.sid, 'CHECKED')).toEqual(rows(['VALID', 'VALID', 'INVALID']));
  expect(exchange.microsoft.requests.filter(({ route }) => route === 'group')).toHaveLength(3);
  const run = 'mutation ($input: RunMappingImportInput!) { runMappingImport(input: $input) { __typename } }';
  await customer.provider.graph(run, { input: { sid: mappingImport.sid, skipInvalid: true } });
  expect(await rowsOf(mappingImport.sid, 'COMPLETED')).toEqual(rows(['CREATED', 'CREATED', 'INVALID']));
});

test('says what is wrong: the group, its id, the permission, the bot, and whose enterprise it is', async () => {
  const { enterpriseSid } = customer;
  expect(await fromGroup({ enterpriseSid, groupId: 'people' })).toMatchObject({ code: 'INVALID_PARAMETER', path: ['groupId'] });
  expect(await fromGroup({ enterpriseSid, groupId: customer.bot.tenantId })).toMatchObject({ code: 'PLATFORM_ERROR' });
  exchange.microsoft.groups.set(customer.bot.applicationId, []);
  expect(await fromGroup({ enterpriseSid, groupId: customer.bot.applicationId })).toMatchObject({ code: 'INVALID_PARAMETER' });
  expect(await fromGroup({ enterpriseSid, groupId: GROUP }, await exchange.provider())).toMatchObject({ code: 'ENTERPRISE_NOT_FOUND' });
  const other = await exchange.customer({ provider: customer.provider });
  expect(await fromGroup({ enterpriseSid: other.enterpriseSid, groupId: GROUP })).toMatchObject({
    code: 'PLATFORM_ERROR',
    message: expect.stringContaining('GroupMember.Read.All'),
  });
  await done(other.provider, 'deleteBot', { sid: other.botSid });
  expect(await fromGroup({ enterpriseSid: other.enterpriseSid, groupId: GROUP })).toMatchObject({ code: 'BOT_NOT_FOUND' });
});
