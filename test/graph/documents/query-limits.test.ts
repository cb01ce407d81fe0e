import { type GraphQLFormattedError, getIntrospectionQuery, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../../schema/index.ts';
import { costOf, MAX_COST } from '../../../src/graph/documents/cost.ts';
import { DOCUMENT_LIMITS } from '../../../src/graph/documents/shape.ts';
import { MAX_VALUES } from '../../../src/graph/documents/variable-count.ts';
import { examples } from '../../../src/graph/graphiql-examples.ts';
import type { Provider } from '../../support/gateway.ts';
import { createLiveGateway, type LiveGateway } from '../../support/live.ts';
import { eventSource, graphqlSse, graphqlWs } from '../../support/transports.ts';

let gateway: LiveGateway;
let provider: Provider;
beforeAll(async () => {
  gateway = await createLiveGateway();
  provider = await gateway.provider();
});
afterAll(() => gateway.close());

type Errors = readonly GraphQLFormattedError[] | undefined;

/** Each transport's way to the errors of an operation. */
const ways: readonly [string, (query: string, variables: Record<string, unknown>) => Promise<Errors>][] = [
  ['HTTP', async (query, variables) => (await provider.graph(query, variables)).errors],
  ...[graphqlWs, graphqlSse, eventSource].map(
    ({ name, subscribe }) =>
      [
        name,
        async (query: string, variables: Record<string, unknown>) =>
          (await subscribe({ url: gateway.url, provider }, query, variables).hasEnded()).errors,
      ] as [string, (query: string, variables: Record<string, unknown>) => Promise<Errors>],
  ),
];

const nested = (levels: number) => `{ bots(first: 1) { nodes ${'{ enterprise { bot '.repeat(levels)}{ sid }${' } }'.repeat(levels)} } }`;
const chain = (length: number, spread: (next: string) => string, last: string) =>
  Array.from({ length }, (_, n) => `fragment F${n} on Query { ${n === length - 1 ? last : spread(`...F${n + 1}`)} }`).join(' ');
const HUNDRED_IN_HUNDRED = 'query ($n: Int) { enterprises(first: $n) { nodes { mappings(last: $n) { nodes { sid } } } } }';

/** Operations that are too large, and what is found of the limit that they are above. */
const tooLarge: readonly [
  string,
  { query: string; variables?: Record<string, unknown>; limit: string; maximum: number; found?: number },
][] = [
  ['tokens', { query: `{ ${'a '.repeat(2000)} }`, limit: 'tokens', maximum: DOCUMENT_LIMITS.tokens }],
  ...(
    [
      ['lists, never closed', `{ enterprises(filter: ${'['.repeat(1900)}`],
      ['lists', `{ enterprises(filter: ${'['.repeat(900)}${']'.repeat(900)}) { totalCount } }`],
      ['objects, never closed', `{ enterprises(filter: ${'{a:'.repeat(1200)}`],
      ['selections, never closed', '{a'.repeat(1500)],
      ['inline fragments', `{ ${'... on Query { '.repeat(120)}`],
      ['types of a variable', `query ($a: ${'['.repeat(1900)}`],
      ['default values', `query ($a: Int = ${'['.repeat(1900)}`],
      ['arguments of directives', `{ a @include(if: ${'[{a:'.repeat(600)}`],
      ['brackets of a type definition', `type A { a(b: ${'['.repeat(1900)}`],
    ] as const
  ).map(
    ([what, query]) =>
      [`nested brackets: ${what}`, { query, limit: 'nesting', maximum: 100 }] as [
        string,
        { query: string; limit: string; maximum: number },
      ],
  ),
  ['levels', { query: nested(8), limit: 'depth', maximum: 16, found: 19 }],
  [
    'aliases',
    { query: `{ ${Array.from({ length: 31 }, (_, n) => `a${n}: __typename`).join(' ')} }`, limit: 'aliases', maximum: 30, found: 31 },
  ],
  [
    'aliases, by one fragment that is spread many times',
    {
      query: `{ ...F0 } ${chain(6, (next) => `a: __typename ${next} ${next}`, 'b: __typename')}`,
      limit: 'aliases',
      maximum: 30,
      found: 63,
    },
  ],
  ['directives', { query: `{ ${'__typename @include(if: true) '.repeat(51)} }`, limit: 'directives', maximum: 50, found: 51 }],
  [
    'fields, of fragments that double each other',
    { query: `{ ...F0 } ${chain(60, (next) => `${next} ${next}`, '__typename')}`, limit: 'fields', maximum: 2000, found: 2 ** 59 },
  ],
  [
    'objects: a page of 100 in each of 100',
    { query: HUNDRED_IN_HUNDRED, variables: { n: 100 }, limit: 'cost', maximum: 5000, found: 10_201 },
  ],
  [
    'objects, by a variable’s default',
    { query: HUNDRED_IN_HUNDRED.replace('$n: Int', '$n: Int = 100'), limit: 'cost', maximum: 5000, found: 10_201 },
  ],
  [
    'objects, inside fragments',
    {
      query: `{ enterprises(first: 100) { edges { node { ...E } } } }
        fragment E on Enterprise { mappings(first: 100) { ...M } } fragment M on MappingConnection { nodes { sid } }`,
      limit: 'cost',
      maximum: 5000,
      found: 10_301,
    },
  ],
  [
    'objects, of the same page under many names',
    {
      query: `{ ${Array.from({ length: 30 }, (_, n) => `a${n}: messages(first: 100) { nodes { events { channelStatus } } }`).join(' ')} }`,
      limit: 'cost',
      maximum: 5000,
      found: 30 * (1 + 100 * 11),
    },
  ],
  [
    'objects, next to a page of negative size',
    {
      query: `${HUNDRED_IN_HUNDRED.slice(0, -1)} x: enterprises(first: -2147483648) @skip(if: true) { nodes { sid } } }`,
      variables: { n: 100 },
      limit: 'cost',
      maximum: 5000,
      found: 10_202,
    },
  ],
  [
    'values in a list of its variables',
    {
      query: 'query ($s: [EnterpriseStatus!]) { enterprises(filter: { statuses: $s }) { totalCount } }',
      variables: { s: Array(2001).fill(1) },
      limit: 'values',
      maximum: MAX_VALUES,
    },
  ],
  [
    'values in an object of its variables',
    {
      query: 'query ($f: EnterpriseFilter) { enterprises(filter: $f) { totalCount } }',
      variables: { f: { statuses: Array(2000).fill(1) } },
      limit: 'values',
      maximum: MAX_VALUES,
    },
  ],
  [
    'introspection',
    {
      query: `{ ${Array.from({ length: 26 }, (_, n) => `a${n}: __schema { types { ${'name kind description isOneOf specifiedByURL '.repeat(4)} } }`).join(' ')} }`,
      limit: 'cost',
      maximum: 5000,
      found: 5460,
    },
  ],
];

describe.each(ways)('over %s', (_, errorsOf) => {
  test.each(tooLarge)(
    'an operation with too many %s is refused, with the limit and the number found',
    async (_what, { query, variables = {}, ...expected }) => {
      const errors = await errorsOf(query, variables);
      expect(errors).toHaveLength(1);
      expect(errors?.[0]?.extensions).toEqual({ code: 'QUERY_LIMIT_EXCEEDED', ...expected });
      expect(errors?.[0]?.message).toContain(`the limit is ${expected.maximum}`);
    },
  );
});

test.each([graphqlWs, graphqlSse, eventSource])('the cost of a subscription over $name is limited', async ({ subscribe }) => {
  const query = `subscription ($n: Int) { messageEvents { ... on MessageEvent { message { enterprise {
    mappings(first: $n) { nodes { messages(first: $n) { nodes { sid } } } } } } } } }`;
  const { errors, updates } = await subscribe({ url: gateway.url, provider }, query, { n: 100 }).hasEnded();
  expect(errors[0]?.extensions).toMatchObject({ code: 'QUERY_LIMIT_EXCEEDED', limit: 'cost' });
  expect(updates).toEqual([]);
});

test.each([graphqlWs, graphqlSse, eventSource])(
  'the cost of a subscription over $name is that of all the events that it begins with',
  async ({ subscribe }) => {
    const query = `subscription ($last: Int) { messageEvents(last: $last) { ... on MessageEvent { message { enterprise {
      mappings(first: 60) { nodes { sid } } } } } } }`;
    const { errors } = await subscribe({ url: gateway.url, provider }, query, { last: 100 }).hasEnded();
    expect(errors[0]?.extensions).toMatchObject({ code: 'QUERY_LIMIT_EXCEEDED', limit: 'cost' });
    const cost = (last?: number) => costOf(schema, parse(query), undefined, { last });
    expect([cost(), cost(1), cost(10)]).toEqual([64, 84, 660]);
  },
);

test.each([
  [
    'spread themselves',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A viewer { ...C } } fragment C on Viewer { ...C permissions }',
  ],
  ['do not exist', '{ ...Nowhere }'],
])('fragments that %s are refused as invalid', async (_what, query) => {
  const { errors } = await provider.graph(query);
  expect(errors?.[0]?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED');
});

test('introspection that recurses through lists is refused', async () => {
  const { errors } = await provider.graph(
    '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }',
  );
  expect(errors?.[0]?.message).toBe('Maximum introspection depth exceeded');
});

describe('a legitimate operation passes:', () => {
  test.each([
    [
      'a page of 100 with its relations and a page in each',
      `{ enterprises(first: 100) { totalCount pageInfo { endCursor } edges { cursor node { sid name mappingCount messageCount admin { email } bot { sid }
        mappings(first: 20) { totalCount nodes { sid name enterprise { name } } } } } } }`,
      {},
    ],
    [
      'a page of 100 messages with their events',
      '{ messages(first: 100) { nodes { sid mapping { name } enterprise { name } events { channelStatus } } } }',
      {},
    ],
    ['ten in each of ten', HUNDRED_IN_HUNDRED, { n: 10 }],
    [
      'introspection, as by common tools',
      getIntrospectionQuery({
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      }),
      {},
    ],
  ])('%s', async (_what, query, variables) => {
    const { status, errors } = await provider.graph(query, variables);
    expect({ status, errors }).toEqual({ status: 200, errors: undefined });
  });

  test.each(examples.filter(({ query }) => query.includes('query ')).map(({ query }) => [query.split('\n')[0], query]))(
    '%s',
    async (_what, query = '') => {
      expect((await provider.graph(query)).errors).toBeUndefined();
    },
  );
});

describe('the cost of an operation', () => {
  const cost = (query: string, variables?: Record<string, unknown>) => costOf(schema, parse(query), undefined, variables);
  test.each([
    ['is 0 for values that are not objects', '{ __typename }', 0],
    ['is one for each object', '{ viewer { account { sid } organization { sid } } }', 3],
    ['assumes 20 for a page without a size', '{ bots { nodes { sid } } }', 21],
    ['counts a list by its arguments', `{ nodes(ids: ["a", "b", "c"]) { id } }`, 3],
    [
      'counts a field once if fragments repeat it, as it is executed',
      '{ ...A ...B } fragment A on Query { bots(first: 9) { nodes { sid } } } fragment B on Query { bots(first: 9) { nodes { sid enterprise { sid } } totalCount } }',
      1 + 9 * 2,
    ],
    ['counts what a total of messages reads', '{ messages(first: 9) { totalCount nodes { sid } } }', 1 + 9 + 1],
    ['counts what an offset of messages skips', '{ messages(first: 9, offset: 20000) { nodes { sid } } }', 1 + 9 + 20],
    ['counts what a page of the event log looks at', '{ messageEvents(first: 9) { nodes { status } } }', 1 + 9 + 20],
    ['counts both nodes and edges of a page', '{ bots(first: 9) { nodes { sid } edges { node { sid } } } }', 1 + 9 + 9 * 2],
    [
      'is bounded for empty and huge pages',
      '{ a: bots(first: 0) { pageInfo { endCursor } } b: bots(first: 2000000000) { nodes { sid } } }',
      2 + 1001,
    ],
  ])('%s', (_what, query, expected) => {
    expect(cost(query)).toBe(expected);
  });

  test('is computed even for variables that do not fit the schema, which execution refuses', () => {
    expect([{ n: 'many' }, { n: null }, {}, undefined].map((variables) => cost(HUNDRED_IN_HUNDRED, variables as never))).toEqual(
      Array(4).fill(1 + 20 * (2 + 20)),
    );
    expect(cost(HUNDRED_IN_HUNDRED, JSON.parse('{"__proto__": {"n": 100}}'))).toBeLessThan(MAX_COST);
  });
});

test('a long name is shortened in the error', async () => {
  const { errors } = await provider.graph(`{ ${'a'.repeat(100_000)} }`);
  expect(errors?.[0]?.message.length).toBeLessThan(600);
  expect(errors?.[0]?.message).toMatch(/^Cannot query field "a+…$/);
});
