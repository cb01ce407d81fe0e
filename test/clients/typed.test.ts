import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ClientError, GraphQLClient } from 'graphql-request';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as codegen from './codegen/operations.ts';
import { CREATE, DELETE, LIST } from './documents.ts';
import { ClientsGateway, newMapping } from './gateway.ts';
import * as tada from './tada/operations.ts';

let gateway: ClientsGateway;
let client: GraphQLClient;
beforeAll(async () => {
  gateway = await ClientsGateway.start();
  client = new GraphQLClient(`${gateway.url}/graphql`, { headers: { authorization: gateway.authorization } });
});
afterAll(() => gateway.close());

test('the types of codegen’s client preset and of gql.tada are those that the files here expect, with scalars mapped', async () => {
  const tsc = new URL('node_modules/.bin/tsc', import.meta.url).pathname;
  const checked = promisify(execFile)(tsc, ['--noEmit', '--project', new URL('tsconfig.json', import.meta.url).pathname]);
  expect(await checked.catch(({ stdout }) => ({ stdout }))).toMatchObject({ stdout: '' });
});

describe.each([
  ['codegen’s client preset', codegen],
  ['gql.tada', tada],
] as const)('graphql-request with %s', (_title, { LIST, CREATE }) => {
  test('pages through a list', async () => {
    const names: string[] = [];
    for (let after: string | null | undefined, more = true; more; ) {
      const { mappings } = await client.request(LIST as typeof codegen.LIST, { first: 3, after, orderBy: { field: 'NAME' as never } });
      for (const { node } of mappings.edges) {
        // @ts-expect-error: a DateTime is a string
        const milliseconds: number = node.dateCreated;
        expect(new Date(milliseconds).getTime()).toBeGreaterThan(0);
        names.push(node.name);
      }
      more = mappings.pageInfo.hasNextPage;
      after = mappings.pageInfo.endCursor;
    }
    expect(names.slice(0, 7)).toEqual(['A', 'B', 'C', 'D', 'E', 'F', 'G']);
  });

  test('changes something, and sees each error’s fields by its type', async () => {
    const input = { enterpriseSid: gateway.enterpriseSid, name: 'Z', ...newMapping() };
    const { createMapping: created } = await client.request(CREATE as typeof codegen.CREATE, { input });
    if (created?.__typename !== 'CreateMappingSuccess') throw new Error(created?.message);
    expect(created.mapping.name).toBe('Z');
    const { createMapping: refused } = await client.request(CREATE as typeof codegen.CREATE, { input: { ...input, externalAddress: '?' } });
    if (refused?.__typename !== 'InvalidInputError') throw new Error(refused?.__typename);
    expect(refused.issues[0]?.path).toEqual(['externalAddress']);
  });
});

// The same, by gql.tada's types: the tests above run its documents.
export async function tadaTypes(): Promise<void> {
  const { mappings } = await client.request(tada.LIST, { first: 3, orderBy: { field: 'NAME', direction: 'ASC' } });
  const created: string | undefined = mappings.edges[0]?.node.dateCreated;
  // @ts-expect-error: a DateTime is a string
  const milliseconds: number | undefined = mappings.edges[0]?.node.dateCreated;
  // @ts-expect-error: no field to order by
  await client.request(tada.LIST, { orderBy: { field: 'nothing' } });
  const { createMapping } = await client.request(tada.CREATE, { input: { enterpriseSid: '', externalAddress: '', microsoftAddress: '' } });
  if (createMapping?.__typename === 'CreateMappingSuccess') createMapping.mapping.sid;
  else if (createMapping?.__typename === 'InvalidInputError') createMapping.issues[0]?.message;
  else if (createMapping?.code === 'EXTERNAL_ADDRESS_NOT_UNIQUE') [created, milliseconds].toString();
}

describe('graphql-request', () => {
  test('reads and changes by text', async () => {
    expect(await client.request(LIST, { first: 1 })).toMatchObject({ mappings: { edges: [{ node: { name: 'A' } }] } });
    const input = { enterpriseSid: gateway.enterpriseSid, name: 'Z2', ...newMapping() };
    const { createMapping } = await client.request<{ createMapping: { mappingEdge: { node: { sid: string; id: string } } } }>(CREATE, {
      input,
    });
    const { sid, id } = createMapping.mappingEdge.node;
    expect(await client.request(DELETE, { input: { sid } })).toMatchObject({ deleteMapping: { deletedId: id } });
    expect(await client.request(CREATE, { input: { ...input, enterpriseSid: 'EN0' } })).toMatchObject({
      createMapping: { code: expect.any(String), path: ['enterpriseSid'], value: 'EN0' },
    });
  });

  test('throws errors with their codes and the data that came along', async () => {
    const failed = client.request('query ($first: Int!) { mappings(first: $first) { totalCount } }', { first: 'many' });
    await expect(failed).rejects.toThrow(ClientError);
    await expect(failed).rejects.toMatchObject({ response: { errors: [{ extensions: { code: expect.any(String) } }] } });
  });
});
