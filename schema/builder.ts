import SchemaBuilder from '@pothos/core';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { GraphQLError, type GraphQLInterfaceType, type GraphQLSchema, isObjectType } from 'graphql';
import type PrismaTypes from '../prisma/client/pothos.ts';
import { getDatamodel } from '../prisma/client/pothos.ts';
import type { Permission } from '../src/domain/caller.ts';
import { invalidParameter } from '../src/domain/input.ts';
import type { GraphContext } from './context.ts';

/** The schema's one builder. Each entity's file adds its part to it; index.ts names them all. */
export const builder = new SchemaBuilder<{
  Context: GraphContext;
  PrismaTypes: PrismaTypes;
  AuthScopes: {
    permission: Permission;
    /** An account's own credentials, not an access token. */
    ownCredentials: boolean;
    /** Credentials for the whole organization, not narrowed to an enterprise. */
    wholeOrganization: boolean;
    /** A provider's credentials, not an enterprise's admin's. */
    provider: boolean;
  };
  Connection: { totalCount: () => Promise<number> };
  DefaultNodeNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultFieldNullability: false;
  Scalars: { DateTime: { Input: Date; Output: Date }; ID: { Input: string; Output: string } };
}>({
  plugins: [ErrorsPlugin, ScopeAuthPlugin, RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  errors: { directResult: true },
  scopeAuth: {
    authScopes: ({ caller }) => ({
      permission: (permission) => caller.permissions.has(permission),
      ownCredentials: caller.accessTokenSid === undefined,
      wholeOrganization: caller.enterpriseSid === undefined,
      provider: caller.adminSid === undefined,
    }),
    unauthorizedError: () => forbidden(),
    authorizeOnSubscribe: true,
  },
  prisma: { client: ({ gateway }) => gateway.prisma, dmmf: getDatamodel() },
  relay: {
    cursorType: 'String',
    nodesOnConnection: { description: 'The entities of this page, without their cursors.' },
    nodeTypeOptions: { description: 'An entity that can be fetched again by its global id.' },
    idFieldOptions: { description: 'The opaque global id, for `node` and client caches.' },
    nodeQueryOptions: {
      description: 'The entity with this global id, or null where your organization has none.',
      args: { id: { description: 'The global id.' } },
      resolve: (_root, { id }, _context, info, resolveNode) => {
        requireNode(info.schema, id);
        return resolveNode(id);
      },
    },
    nodesQueryOptions: {
      description: 'The entities with these global ids (at most 100), in their order, null where your organization has none.',
      args: { ids: { description: 'The global ids.' } },
      resolve: (_root, { ids }, _context, info, resolveNodes) => {
        if (ids.length > 100) throw invalidParameter(['ids'], 'must be at most 100', ids.length);
        for (const id of ids) requireNode(info.schema, id);
        return resolveNodes(ids);
      },
    },
    decodeGlobalID: (globalId) => {
      const [, typename, id] = /^([A-Za-z]+):([A-Za-z0-9]+)$/.exec(Buffer.from(globalId, 'base64').toString('latin1')) ?? [];
      if (!typename || !id) throw notGlobalId(globalId);
      return { typename, id };
    },
    pageInfoTypeOptions: { description: 'Where a page lies in its list.' },
    hasNextPageFieldOptions: { description: 'Is there more after this page? Paging backward, true wherever `before` was given.' },
    hasPreviousPageFieldOptions: { description: 'Is there more before this page? Paging forward, true wherever `after` was given.' },
    startCursorFieldOptions: { description: 'The cursor of the first entity, for `before`.' },
    endCursorFieldOptions: { description: 'The cursor of the last entity, for `after`.' },
    cursorFieldOptions: { description: 'The place of this entity in the list. It stays right when the entity is deleted.' },
    nodeFieldOptions: { description: 'The entity.', nullable: false },
    edgesFieldOptions: { description: 'The entities of this page with their cursors.', nullable: { list: false, items: false } },
    pageInfoFieldOptions: { description: 'Where this page lies in the list.' },
    firstArgOptions: {
      description: 'How many from the beginning, or after `after`: 0 to 100, 20 where neither `first` nor `last` is given.',
    },
    lastArgOptions: { description: 'How many from the end, or before `before`: 0 to 100.' },
    afterArgOptions: { description: 'Continue behind this cursor.' },
    beforeArgOptions: { description: 'Stop in front of this cursor.' },
  },
});

builder.queryType({ description: 'Reads. Everything is confined to your organization.', authScopes: { permission: 'read' } });
builder.mutationType({
  description: 'Changes. Each answers a union of its result and the errors that can be expected.',
  authScopes: { permission: 'write' },
});

/** The credentials do not allow this. */
export const forbidden = () => new GraphQLError('Your credentials do not permit this', { extensions: { code: 'FORBIDDEN' } });

const notGlobalId = (value: string) => invalidParameter(['id'], 'is not a global id of this graph', value);

/** Not every type has global ids, and one that has none can't be fetched by it. */
function requireNode(schema: GraphQLSchema, { typename, id }: { typename: string; id: unknown }): void {
  const type = schema.getType(typename);
  const node = schema.getType('Node') as GraphQLInterfaceType;
  if (isObjectType(type) && schema.isSubType(node, type)) return;
  throw notGlobalId(Buffer.from(`${typename}:${id}`).toString('base64'));
}
