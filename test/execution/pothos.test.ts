import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { describe, expect, test } from 'vitest';
import { builder } from '../../schema/builder.ts';
import { schema } from '../../schema/index.ts';
import { assertPlannable } from '../../src/execution/pothos.ts';

const plugins = builder.options.plugins as readonly string[];

interface Changes {
  /** Of the list. */
  readonly list?: object;
  /** Of the row's sid. */
  readonly sid?: object;
}

function built({ list = {}, sid = {} }: Changes) {
  const own = new SchemaBuilder<{ AuthScopes: { permission: string }; DefaultFieldNullability: false }>({
    plugins: [ScopeAuthPlugin, RelayPlugin],
    defaultFieldNullability: false,
    relay: {},
    scopeAuth: { authScopes: () => ({ permission: () => false }) },
    prisma: {} as never,
  });
  const Row = own.objectRef<{ sid: string }>('Row');
  Row.implement({ fields: (t) => ({ sid: t.exposeString('sid', sid) }) });
  own.queryType({ authScopes: { permission: 'read' } });
  own.queryField('rows', (t) =>
    t.connection({
      type: Row,
      nullable: false,
      extensions: { packable: true },
      ...list,
      resolve: () => ({ edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false } }),
    }),
  );
  return own.toSchema();
}

describe('what planned pages rely on in Pothos', () => {
  test('holds for the schema as it is', () => {
    expect(plugins).toEqual(['errors', 'scopeAuth', 'relay', 'prisma']);
    expect(() => assertPlannable(schema, plugins)).not.toThrow();
    expect(() => assertPlannable(built({}), plugins)).not.toThrow();
  });

  test.each<[string, () => void, RegExp]>([
    ['a plugin that may wrap resolvers is added', () => assertPlannable(schema, [...plugins, 'tracing']), /the plugin tracing may wrap/],
    ['no list is packable', () => assertPlannable(built({ list: { extensions: {} } }), plugins), /no list is marked/],
    [
      'a list has a permission of its own',
      () => assertPlannable(built({ list: { authScopes: { permission: 'x' } } }), plugins),
      /Query\.rows cannot be reached/,
    ],
    [
      'a column is wrapped',
      () => assertPlannable(built({ sid: { authScopes: { permission: 'x' } } }), plugins),
      /Row\.sid is not a column/,
    ],
  ])('fails loudly when %s', (_when, check, message) => {
    expect(check).toThrow(message);
  });
});
