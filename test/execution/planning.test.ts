import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import fc from 'fast-check';
import { type GraphQLObjectType, getNamedType, isLeafType, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import { planDocument } from '../../src/execution/planning.ts';
import { COLUMNS, LISTS, listDocument } from './list-documents.ts';

const plan = (query: string, operationName?: string) => {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  return planDocument(schema, document, operationName);
};

describe('a document is planned', () => {
  test('if it requests only lists whose rows show columns, in any form', () => {
    fc.assert(
      fc.property(listDocument, ({ query }) => {
        expect(plan(query)).toBeDefined();
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 200) },
    );
  });

  test('with the permission of Query, and no other', () => {
    const query = '{ messages { nodes { sid } } enterprises { nodes { mappings { nodes { messages { totalCount } } } } } }';
    expect(plan(query)?.permissions).toEqual(['read']);
  });

  test('for the selected operation', () => {
    const query =
      'query A { bots { nodes { sid } } } query B { bots { nodes { clientSecret } } } mutation C { revokeAccessToken(input: { sid: "" }) { __typename } }';
    expect(['A', 'B', 'C', undefined, 'D'].map((name) => plan(query, name) !== undefined)).toEqual([true, false, false, false, false]);
  });
});

describe.each(Object.entries(LISTS.Query))('of %s', (list, name) => {
  const type = schema.getType(name) as GraphQLObjectType;
  const selectable = Object.values(type.getFields()).map((field) => {
    const of = getNamedType(field.type);
    if (isLeafType(of)) return [field.name, field.name] as const;
    return [field.name, `${field.name} { ${of.name.endsWith('Connection') ? 'nodes { sid }' : '__typename'} }`] as const;
  });

  test('the columns, the global id and the lists are planned, but no field with a resolver or a permission', () => {
    const planned = selectable.filter(([, text]) => plan(`{ ${list} { nodes { sid ${text} } } }`)).map(([field]) => field);
    expect(planned.sort()).toEqual(['id', ...COLUMNS[name], ...Object.keys(LISTS[name])].sort());
  });

  test('nothing is planned if such a field is anywhere among the others', () => {
    const others = selectable.filter(([field]) => !['id', ...COLUMNS[name], ...Object.keys(LISTS[name])].includes(field));
    expect(others.length).toBeGreaterThan(0);
    for (const [, text] of others) {
      expect(plan(`{ ${list} { edges { node { sid ... on Node { id ... on ${name} { x: ${text} } } } } } }`)).toBeUndefined();
      expect(plan(`{ bots { totalCount } ${list} { nodes { sid ...F } } } fragment F on ${name} { ${text} }`)).toBeUndefined();
    }
  });
});

describe('a document is not planned', () => {
  test.each([
    ['a secret', '{ bots { nodes { clientSecret } } }'],
    ['a computed value', '{ mappings { nodes { operational } } }'],
    ['a message history', '{ messages { nodes { events { channelStatus } } } }'],
    ['an admin', '{ enterprises { nodes { admin { email } } } }'],
    ['a computed value within a list', '{ enterprises { nodes { mappings { nodes { operational } } } } }'],
    ['access tokens', '{ accessTokens { nodes { sid } } }'],
    ['access tokens next to a list', '{ messages { totalCount } accessTokens { totalCount } }'],
    ['the audit log', '{ auditLog { nodes { sid } } }'],
    ['one row', '{ message(sid: "MS1") { sid } }'],
    ['a node', '{ node(id: "x") { id } }'],
    ['the viewer', '{ viewer { account { sid } } messages { totalCount } }'],
    ['introspection', '{ messages { totalCount } __schema { queryType { name } } }'],
    ['the type of the query', '{ __typename messages { totalCount } }'],
    ['a list twice under one name', '{ messages { nodes { sid } } messages { totalCount } }'],
    ['nodes twice', '{ messages { nodes { sid } ... { nodes { body } } } }'],
    ['nodes and edges', '{ messages { nodes { sid } edges { cursor } } }'],
    ['a skipped column', '{ messages { nodes { sid body @skip(if: true) } } }'],
    ['an included page', '{ messages { nodes { sid } pageInfo @include(if: false) { endCursor } } }'],
    ['an included part of its page info', '{ messages { nodes { sid } pageInfo { endCursor @include(if: false) } } }'],
    ['a skipped list', '{ messages @skip(if: true) { totalCount } bots { totalCount } }'],
    ['a skipped spread', '{ messages { ...F @skip(if: true) totalCount } } fragment F on MessageConnection { nodes { sid } }'],
    ['a skipped inline fragment', '{ ... @skip(if: true) { messages { totalCount } } bots { totalCount } }'],
    ['a mutation', 'mutation { deleteMapping(input: { sid: "BE1" }) { __typename } }'],
    ['a subscription', 'subscription { messageEvents { __typename } }'],
  ])('if it requests %s', (_what, query) => {
    expect(plan(query)).toBeUndefined();
  });
});

describe('a permission is never bypassed', () => {
  interface Given {
    /** Of the list's row type, of one of its columns, of the list, of the type Query. */
    readonly type?: object | (() => boolean);
    readonly column?: object;
    readonly list?: object;
    readonly query?: object | (() => boolean);
  }
  const planned = ({ type, column, list, query }: Given) => {
    const builder = new SchemaBuilder<{ AuthScopes: { permission: string; other: boolean }; DefaultFieldNullability: false }>({
      plugins: [ScopeAuthPlugin, RelayPlugin],
      defaultFieldNullability: false,
      relay: {},
      scopeAuth: { authScopes: () => ({ permission: () => false, other: false }) },
      // Nothing is Prisma's here.
      prisma: {} as never,
    });
    const Row = builder.objectRef<{ sid: string }>('Row');
    Row.implement({
      ...(type ? { authScopes: type as { other: true } } : {}),
      fields: (t) => ({ sid: t.exposeString('sid', column ? { authScopes: column } : {}) }),
    });
    builder.queryType({ ...(query ? { authScopes: query as { other: true } } : {}) });
    builder.queryField('rows', (t) =>
      t.connection({
        type: Row,
        nullable: false,
        extensions: { packable: true },
        ...(list ? { authScopes: list } : {}),
        resolve: () => ({ edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false } }),
      }),
    );
    return planDocument(builder.toSchema(), parse('{ rows { edges { node { sid } } } }'))?.permissions;
  };

  test('that of Query is part of the plan, and none if there is none', () => {
    expect(planned({ query: { permission: 'read' } })).toEqual(['read']);
    expect(planned({})).toEqual([]);
  });

  test.each<[string, Given]>([
    ['a column', { column: { permission: 'secrets' } }],
    ['a column, in another form', { column: { other: true } }],
    ['the rows’ type', { type: { permission: 'secrets' } }],
    ['the rows’ type, as a function', { type: () => false }],
    ['the list', { list: { permission: 'secrets' } }],
    ['Query, in another form', { query: { other: true } }],
    ['Query, in several forms', { query: { permission: 'read', other: true } }],
    ['Query, in several forms as one', { query: { $all: { permission: 'read', other: true } } }],
    ['Query, as a function', { query: () => false }],
  ])('that of %s is left to the general path', (_of, given) => {
    expect(planned({ query: { permission: 'read' }, ...given })).toBeUndefined();
  });
});
