import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { describe, expect, test } from 'vitest';
import { builder } from '../../schema/builder.ts';
import { schema } from '../../schema/index.ts';
import { assertPlannable } from '../../src/execution/pothos.ts';

const plugins = builder.options.plugins as readonly string[];

interface Changes {
  /** Of the type Query. */
  readonly query?: object;
  /** Of the list. */
  readonly list?: object;
  /** Of the list's connection. */
  readonly connection?: object;
  /** Of the connection's totalCount. */
  readonly totalCount?: object;
  /** Of the row. */
  readonly row?: object;
  /** Of the row's sid. */
  readonly sid?: object;
}

const GUARDED = { authScopes: { permission: 'x' } };

function built({ query = {}, list = {}, connection = {}, totalCount = {}, row = {}, sid = {} }: Changes) {
  const own = new SchemaBuilder<{ AuthScopes: { permission: string }; DefaultFieldNullability: false }>({
    plugins: [ScopeAuthPlugin, RelayPlugin],
    defaultFieldNullability: false,
    relay: {},
    scopeAuth: { authScopes: () => ({ permission: () => false }) },
    prisma: {} as never,
  });
  const Row = own.objectRef<{ sid: string }>('Row');
  Row.implement({ ...row, fields: (t) => ({ sid: t.exposeString('sid', sid) }) });
  own.queryType({ authScopes: { permission: 'read' }, ...query });
  own.globalConnectionField('totalCount', (t) => t.int({ ...totalCount, resolve: () => 0 }));
  own.queryField('rows', (t) =>
    t.connection(
      {
        type: Row,
        nullable: false,
        extensions: { packable: true },
        ...list,
        resolve: () => ({ edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false } }),
      },
      connection,
    ),
  );
  return own.toSchema();
}

describe('the assumptions of planned pages about Pothos', () => {
  test('hold for the current schema', () => {
    expect(plugins).toEqual(['errors', 'notedErrors', 'scopeAuth', 'relay', 'prisma']);
    expect(() => assertPlannable(schema, plugins)).not.toThrow();
    expect(() => assertPlannable(built({}), plugins)).not.toThrow();
  });

  test.each<[string, () => void, RegExp]>([
    ['a plugin that may wrap resolvers is added', () => assertPlannable(schema, [...plugins, 'tracing']), /the plugin tracing may wrap/],
    ['no list is packable', () => assertPlannable(built({ list: { extensions: {} } }), plugins), /no list is marked/],
    ['a list has a permission of its own', () => assertPlannable(built({ list: GUARDED }), plugins), /Query\.rows cannot be reached/],
    [
      'the permission of Query is not a name',
      () => assertPlannable(built({ query: { authScopes: { permission: ['read'] } } }), plugins),
      /Query\.rows cannot be reached/,
    ],
    [
      'a list is wrapped for a permission that is not known',
      () => assertPlannable(built({ query: { authScopes: undefined, grantScopes: () => ['x'] } }), plugins),
      /Query\.rows cannot be reached/,
    ],
    ['a column is wrapped', () => assertPlannable(built({ sid: GUARDED }), plugins), /Row\.sid is not a column/],
    ['a total has a permission', () => assertPlannable(built({ totalCount: GUARDED }), plugins), /Connection\.totalCount is wrapped/],
    ['a connection has a permission', () => assertPlannable(built({ connection: GUARDED }), plugins), /Connection requires a permission/],
    [
      'a row has a permission that no field checks',
      () => assertPlannable(built({ row: { ...GUARDED, runScopesOnType: true } }), plugins),
      /Row requires a permission/,
    ],
  ])('fail loudly if %s', (_when, check, message) => {
    expect(check).toThrow(message);
  });
});
