import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { schema } from '../../schema/index.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let provider: Provider;
/** One enterprise with five mappings, another with two. */
let enterprises: { id: string; sid: string }[];
const names = ['Anna', 'Berta', 'Cäsar', 'dora', 'Emil'];

beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  enterprises = await Promise.all(['Kohl', 'Lech'].map(createEnterprise));
  for (const [index, name] of names.entries()) await createMapping(0, name, `4930100${index}`);
  for (const [index, name] of ['Anna', 'Zoe'].entries()) await createMapping(1, name, `4930200${index}`);
});
afterAll(() => gateway.close());

async function createEnterprise(name: string): Promise<{ id: string; sid: string }> {
  const enterpriseAdmin = { email: `admin@${name}.example`, password: 'a-long-password' };
  const { data } = await provider.graph(
    'mutation ($input: CreateEnterpriseInput!) { made: createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { enterprise { id sid } } } }',
    { input: { name, enterpriseAdmin } },
  );
  return data.made.enterprise;
}

async function createMapping(enterprise: number, name: string, externalAddress: string): Promise<void> {
  const input = { name, externalAddress, microsoftAddress: `${externalAddress}@kohl.example`, enterpriseSid: enterprises[enterprise]?.sid };
  const { data } = await provider.graph('mutation ($input: CreateMappingInput!) { made: createMapping(input: $input) { __typename } }', {
    input,
  });
  expect(data.made.__typename).toBe('CreateMappingSuccess');
}

const queries = Object.values(schema.getQueryType()?.getFields() ?? {});
const lists = queries.filter(({ args }) => args.some(({ name }) => name === 'offset')).map(({ name }) => name);
const parameters = '$first: Int, $after: String, $last: Int, $before: String, $offset: Int';
const arguments_ = 'first: $first, after: $after, last: $last, before: $before, offset: $offset';
const page = (list: string, order = '') => `query (${parameters}) {
  list: ${list}(${arguments_}${order && `, orderBy: { field: ${order} }`}) {
    totalCount
    edges { cursor node { sid } }
    nodes { sid }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

async function refusal(query: string, variables: Record<string, unknown>) {
  const { data, errors } = await provider.graph(query, variables);
  expect(Object.values(data ?? { list: null })).toEqual([null]);
  expect(errors).toHaveLength(1);
  const { message, extensions } = errors?.[0] ?? {};
  expect(extensions?.code).toBe('INVALID_PARAMETER');
  return { message, argument: extensions?.path };
}

describe.each(lists)('%s', (list) => {
  test.each([
    [{ first: 101 }, 'first', 'must be from 0 to 100'],
    [{ first: -1 }, 'first', 'must be from 0 to 100'],
    [{ last: 101 }, 'last', 'must be from 0 to 100'],
    [{ last: -1 }, 'last', 'must be from 0 to 100'],
    [{ offset: -1 }, 'offset', 'must not be negative'],
    [{ first: 1, last: 1 }, 'last', 'cannot be combined with first'],
    [{ offset: 1, last: 1 }, 'offset', 'cannot be combined with last, after or before'],
    [{ offset: 0, after: 'x' }, 'offset', 'cannot be combined with last, after or before'],
    [{ offset: 0, before: 'x' }, 'offset', 'cannot be combined with last, after or before'],
  ])('refuses %j with the reason', async (variables, argument, why) => {
    const refused = await refusal(page(list), variables);
    expect(refused.argument).toEqual([argument]);
    expect(refused.message).toContain(why);
  });

  test('returns an empty page for first: 0, for last: 0 and beyond its end, with the correct page info', async () => {
    const all = await provider.graph(page(list));
    const there = all.data.list.totalCount > 0;
    for (const variables of [{ first: 0 }, { last: 0 }, { offset: 2_147_483_647 }]) {
      const { data } = await provider.graph(page(list), variables);
      expect(data.list).toMatchObject({
        totalCount: all.data.list.totalCount,
        edges: [],
        nodes: [],
        pageInfo: { startCursor: null, endCursor: null },
      });
      if ('first' in variables) expect(data.list.pageInfo.hasNextPage).toBe(there);
      if ('last' in variables) expect(data.list.pageInfo.hasPreviousPage).toBe(there);
    }
  });
});

const encoded = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('a cursor', () => {
  async function cursorOf(list: string, order: string): Promise<string> {
    const { data } = await provider.graph(page(list, order));
    return data.list.pageInfo.endCursor;
  }
  const mappings = page('mappings', 'NAME');
  /** What a cursor of this order is made of, with one part replaced. */
  async function forged(index: number, part: unknown): Promise<string> {
    const parts = JSON.parse(Buffer.from(await cursorOf('mappings', 'NAME'), 'base64url').toString());
    return encoded(parts.with(index, part));
  }

  test('of another list or another order is refused, with that reason', async () => {
    expect(await refusal(mappings, { after: await cursorOf('enterprises', 'NAME') })).toEqual({
      message: 'Parameter after is invalid: is not a cursor of this list',
      argument: ['after'],
    });
    expect(await refusal(mappings, { last: 1, before: await cursorOf('mappings', 'DOMAIN') })).toEqual({
      message: 'Parameter before is invalid: is a cursor of the order DOMAIN, not NAME',
      argument: ['before'],
    });
  });

  test.each([
    '',
    'x',
    '%%%',
    '\0',
    encoded('\0'),
    encoded(''),
    encoded(null),
    encoded(1),
    encoded([]),
    encoded({ length: 4 }),
    encoded('{"__proto__":["mappings","NAME","a","b"]}'),
    encoded(['mappings', '__proto__', 'a', 'b']),
    encoded(['mappings', 'constructor', 'a', 'b']),
    encoded(['mappings', 'toString', 'a', 'b']),
    encoded(['__proto__', 'NAME', 'a', 'b']),
    encoded(['mappings', ['NAME'], 'a', 'b']),
    'A'.repeat(10_000),
  ])('that is invalid (%j) is refused', async (after) => {
    expect((await refusal(mappings, { after })).argument).toEqual(['after']);
  });

  test.each<[string, number, unknown]>([
    ['a NUL in its value', 2, 'a\0b'],
    ['a NUL in its sid', 3, 'BE\0'],
    ['half a character', 2, '\ud800'],
    ['a number instead of a text', 2, 1],
    ['an object instead of a text', 2, { contains: '' }],
    ['an object instead of a sid', 3, { not: '' }],
    ['null', 2, null],
  ])('with %s is refused', async (_, index, part) => {
    expect((await refusal(mappings, { after: await forged(index, part) })).argument).toEqual(['after']);
  });

  test.each([9e15, -9e15, 1e308, 1.5, '2026-11-24', '9'.repeat(400), null, [0]])('with the time %j is refused', async (time) => {
    const [list, field, , sid] = JSON.parse(Buffer.from(await cursorOf('mappings', 'DATE_CREATED'), 'base64url').toString());
    const after = encoded([list, field, time, sid]);
    expect((await refusal(page('mappings', 'DATE_CREATED'), { after })).argument).toEqual(['after']);
  });

  test('with any content is a position in the list or refused, never a fault', async () => {
    const log = vi.spyOn(gateway.gateway.log, 'error');
    const part = fc.oneof(
      fc.constantFrom('mappings', 'NAME', 'DATE_CREATED', '__proto__'),
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.double(),
      fc.anything(),
    );
    const content = fc.oneof(
      fc.string(),
      fc.tuple(part, part, part, part).map((parts) => encoded(parts)),
      fc.json().map(encoded),
    );
    await fc.assert(
      fc.asyncProperty(content, fc.constantFrom('NAME', 'DATE_CREATED'), async (after, order) => {
        const { errors } = await provider.graph(page('mappings', order), { after });
        expect(errors?.map(({ extensions }) => extensions?.code) ?? ['INVALID_PARAMETER']).toEqual(['INVALID_PARAMETER']);
      }),
      { numRuns: 50 },
    );
    expect(log).not.toHaveBeenCalled();
  });

  test('of texts that look like SQL or a pattern is a position like any other', async () => {
    for (const text of ["'; DROP TABLE mapping; --", '%', '_', '\\', '"', '{}']) {
      const { data, errors } = await provider.graph(mappings, { after: await forged(2, text) });
      expect(errors).toBeUndefined();
      expect(data.list.totalCount).toBe(7);
    }
  });
});

describe('a list inside an entity', () => {
  const nested = `query (${parameters}, $sid: ID!, $filter: MappingFilter) {
    enterprise(sid: $sid) {
      mappingCount
      mappings(${arguments_}, filter: $filter, orderBy: { field: NAME, direction: DESC }) {
        totalCount
        nodes { name enterprise { sid } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }`;
  const read = async (variables: Record<string, unknown>, enterprise = 0) => {
    const { data, errors } = await provider.graph(nested, { sid: enterprises[enterprise]?.sid, ...variables });
    expect(errors).toBeUndefined();
    const { mappings } = data.enterprise;
    return { ...mappings, names: mappings.nodes.map(({ name }: { name: string }) => name) };
  };

  test('pages through only its own rows, forward and back', async () => {
    const first = await read({ first: 2 });
    const second = await read({ first: 2, after: first.pageInfo.endCursor });
    const third = await read({ first: 2, after: second.pageInfo.endCursor });
    expect([first, second, third].map(({ names }) => names)).toEqual([['Emil', 'dora'], ['Cäsar', 'Berta'], ['Anna']]);
    expect([first, second, third].map(({ pageInfo }) => pageInfo.hasNextPage)).toEqual([true, true, false]);
    expect([first, second, third].map(({ totalCount }) => totalCount)).toEqual([5, 5, 5]);
    const back = await read({ last: 2, before: third.pageInfo.startCursor });
    expect(back.names).toEqual(second.names);
    expect(back.pageInfo.hasPreviousPage).toBe(true);
  });

  test('continues after a cursor of another entity in its own rows', async () => {
    const { pageInfo } = await read({ first: 3 });
    expect((await read({ after: pageInfo.endCursor }, 1)).names).toEqual(['Anna']);
  });

  test('is counted with its filter, and no filter leaves the entity', async () => {
    expect(await read({ filter: { name: 'ER' } })).toMatchObject({ totalCount: 1, names: ['Berta'] });
    expect(await read({ filter: { enterpriseSid: enterprises[1]?.sid } })).toMatchObject({ totalCount: 0, names: [] });
    expect(await read({ filter: { enterpriseSid: enterprises[0]?.sid } })).toMatchObject({ totalCount: 5 });
  });

  test('refuses the same arguments as a list outside, at its place in the response', async () => {
    const { data, errors } = await provider.graph(nested, { sid: enterprises[0]?.sid, first: 101 });
    expect(data).toEqual({ enterprise: null });
    expect(errors).toEqual([
      expect.objectContaining({ path: ['enterprise', 'mappings'], extensions: expect.objectContaining({ code: 'INVALID_PARAMETER' }) }),
    ]);
  });
});

describe('a global id', () => {
  const globalId = (text: string) => Buffer.from(text).toString('base64');
  const node = 'query ($id: ID!) { node(id: $id) { id } }';

  test('fetches its entity, and null if there is none', async () => {
    const { id, sid } = enterprises[0] as { id: string; sid: string };
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Enterprise { sid } } }';
    const { data, errors } = await provider.graph(query, { ids: [globalId('Bot:BE1'), id, globalId(`Enterprise:${sid}x`), id] });
    expect(errors).toBeUndefined();
    expect(data.nodes).toEqual([null, { id, sid }, null, { id, sid }]);
    expect((await provider.graph(node, { id: globalId('Message:MS1') })).data).toEqual({ node: null });
  });

  test.each([
    '',
    'x',
    'Enterprise',
    'Enterprise:',
    'Enterprise:EN\0',
    'Usage:1',
    'PageInfo:1',
    'Query:1',
    'Node:1',
    'String:1',
    'BotFilter:1',
    'constructor:1',
    'Nothing:1',
  ])('that is invalid (%j) is refused', async (text) => {
    const { data, errors } = await provider.graph(node, { id: globalId(text) });
    expect(data).toEqual({ node: null });
    expect(errors).toEqual([
      expect.objectContaining({ path: ['node'], extensions: expect.objectContaining({ code: 'INVALID_PARAMETER', path: ['id'] }) }),
    ]);
  });

  test('that is invalid among others is null in its place, with an error of its own', async () => {
    const { id } = enterprises[0] as { id: string };
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } viewer { account { sid } } }';
    const error = (place: number, value: string) =>
      expect.objectContaining({ path: ['nodes', place], extensions: { code: 'INVALID_PARAMETER', path: ['ids', `${place}`], value } });
    // From the second time on, the document is compiled.
    for (let time = 1; time <= 3; time += 1) {
      const { data, errors } = await provider.graph(query, { ids: ['x', id, globalId('Usage:1'), globalId('Bot:BE1')] });
      expect(data).toEqual({ nodes: [null, { id }, null, null], viewer: { account: { sid: provider.accountSid } } });
      expect(errors).toEqual([error(0, 'x'), error(2, globalId('Usage:1'))]);
    }
  });

  test('may be requested with 99 others, but no more', async () => {
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    const { data } = await provider.graph(query, { ids: Array(100).fill(globalId('Bot:BE1')) });
    expect(data.nodes).toEqual(Array(100).fill(null));
    expect((await refusal(query, { ids: Array(101).fill(globalId('Bot:BE1')) })).argument).toEqual(['ids']);
  });
});
