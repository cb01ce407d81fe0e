import SchemaBuilder from '@pothos/core';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin, { type AuthFailure, type AuthScopeFailure, AuthScopeFailureType } from '@pothos/plugin-scope-auth';
import { GraphQLError, type GraphQLInterfaceType, type GraphQLSchema, isObjectType } from 'graphql';
import type PrismaTypes from '../prisma/client/pothos.ts';
import { getDatamodel } from '../prisma/client/pothos.ts';
import type { Permission } from '../src/domain/caller.ts';
import { invalidParameter } from '../src/domain/input.ts';
import type { GraphContext } from './context.ts';
import { notedErrors } from './noted-errors.ts';

/** The schema's only builder. Each entity's file adds its types and fields; index.ts imports them all. */
export const builder = new SchemaBuilder<{
  Context: GraphContext;
  PrismaTypes: PrismaTypes;
  AuthScopes: {
    permission: Permission;
    /** Credentials of an account or an enterprise's admin itself, not an access token. */
    ownCredentials: boolean;
    /** The password of an enterprise's admin, not a token that the admin has got with it. */
    adminPassword: boolean;
    /** Credentials for the whole organization, not restricted to an enterprise. */
    wholeOrganization: boolean;
    /** Credentials of a provider's account, not of an enterprise's admin. */
    provider: boolean;
  };
  Connection: { totalCount: () => Promise<number>; totalCountIsExact: () => Promise<boolean> };
  DefaultNodeNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultFieldNullability: false;
  Scalars: { DateTime: { Input: Date; Output: Date }; ID: { Input: string; Output: string } };
}>({
  plugins: [ErrorsPlugin, notedErrors, ScopeAuthPlugin, RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  errors: { directResult: true },
  scopeAuth: {
    authScopes: ({ caller }) => ({
      permission: (permission) => caller.permissions.has(permission),
      ownCredentials: caller.accessTokenSid === undefined,
      // Access tokens and tokens of Microsoft Entra expire.
      adminPassword: caller.adminSid !== undefined && caller.expires === undefined,
      wholeOrganization: caller.enterpriseSid === undefined,
      provider: caller.adminSid === undefined,
    }),
    unauthorizedError: (_parent, _context, _info, { failure }) => forbidden(failure),
    authorizeOnSubscribe: true,
  },
  prisma: { client: ({ gateway }) => gateway.prisma, dmmf: getDatamodel() },
  relay: {
    cursorType: 'String',
    nodesOnConnection: { description: 'The items of this page.' },
    nodeTypeOptions: { description: 'An object that `Query.node` can fetch by its global id.' },
    idFieldOptions: { description: 'The opaque global id, unique across all types, for `Query.node` and client-side caches.' },
    nodeQueryOptions: {
      description:
        'Fetches an object by its global id. Returns `null` if there is none that the credentials can see; text that is not a global id is an `INVALID_PARAMETER` error.',
      args: { id: { description: 'The global id, from the field `id`; not a sid.' } },
      resolve: (_root, { id }, _context, info, resolveNode) => {
        if (!isNode(info.schema, id)) throw notGlobalId(['id'], asGiven(id));
        return resolveNode(id);
      },
    },
    nodesQueryOptions: {
      description:
        'Fetches several objects by their global ids, in the order of the ids, with `null` for those that do not exist. Text that is not a global id is `null`, too, with an `INVALID_PARAMETER` error of its own.',
      args: { ids: { description: 'The global ids, at most 100.' } },
      resolve: async (_root, args, _context, info, resolveNodes) => {
        const { ids } = args;
        if (ids.length > 100) throw invalidParameter(['ids'], 'must be at most 100', ids.length);
        // Pothos fetches those of the arguments, whatever it is given, and leaves out null.
        Object.assign(args, { ids: ids.map((id) => (isNode(info.schema, id) ? id : null)) });
        const nodes = (await resolveNodes(ids)) as unknown[];
        return ids.map((id, place) => (isNode(info.schema, id) ? nodes[place] : notGlobalId(['ids', String(place)], asGiven(id)))) as never;
      },
    },
    decodeGlobalID: decodeGlobalId,
    pageInfoTypeOptions: { description: 'Information for requesting the next or previous page of a list.' },
    hasNextPageFieldOptions: { description: 'Whether items follow this page. When paging backward, `true` if `before` is given.' },
    hasPreviousPageFieldOptions: {
      description: 'Whether items precede this page. When paging forward, `true` if `after` or an `offset` above 0 is given.',
    },
    startCursorFieldOptions: {
      description: 'The cursor of the first item, to pass as `before`. `null` on an empty page, except in the event log.',
    },
    endCursorFieldOptions: {
      description: 'The cursor of the last item, to pass as `after`. `null` on an empty page, except in the event log.',
    },
    cursorFieldOptions: {
      description:
        'The opaque position of this item in its list, to pass as `after` or `before`. It stays valid when the item is deleted, except in the event log.',
    },
    nodeFieldOptions: { description: 'The item at this position.', nullable: false },
    edgesFieldOptions: { description: 'The items of this page, each with its cursor.', nullable: { list: false, items: false } },
    pageInfoFieldOptions: { description: 'Information for requesting the next or previous page.' },
    firstArgOptions: {
      description:
        'Returns at most this many items from the start of the list or after `after`: 0 to 100. Defaults to 20 without `last`, with which it cannot be combined.',
    },
    lastArgOptions: {
      description:
        'Returns at most this many items from the end of the list or before `before`, in the order of the list: 0 to 100. Cannot be combined with `first`.',
    },
    afterArgOptions: { description: 'Returns the items after this cursor, which must be from the same list, sorted by the same field.' },
    beforeArgOptions: { description: 'Returns the items before this cursor, which must be from the same list, sorted by the same field.' },
  },
});

builder.queryType({
  description:
    "The query root. Queries need the permission `READ` and see only your organization, or only one enterprise if your credentials are restricted to it. Errors are in the response's `errors`, with their code in `extensions.code`.",
  authScopes: { permission: 'read' },
});
builder.mutationType({
  description:
    'The mutation root. Mutations need the permission `WRITE`, exports only `READ`, access tokens none, and return a union of their success and the errors that they can answer. A mutation that the credentials do not permit, or that fails unexpectedly, is `null` with an error, and those after it still run. Common to all of them are `MISSING_PARAMETER`, `INVALID_PARAMETER` and, with an `idempotencyKey`, `IDEMPOTENCY_KEY_REUSED` and `IDEMPOTENCY_KEY_IN_PROGRESS`. Whitespace around texts is removed, except for passwords and secrets, and `null` is the same as leaving a field out.',
  authScopes: { permission: 'write' },
});

/** What credentials need for each scope, if a permission alone does not say it. */
const NEEDS: Readonly<Record<string, string>> = {
  ownCredentials: "the credentials of an account or an enterprise's admin, not an access token",
  adminPassword: "the password of an enterprise's admin",
  wholeOrganization: 'credentials that are not restricted to an enterprise',
  provider: "the credentials of a provider's account, not of an enterprise's admin",
};

/** The error for credentials that do not permit something. It names what they lack. */
function forbidden(failure: AuthFailure): GraphQLError {
  const lacking = lackingScope(failure);
  const permission = lacking?.scope === 'permission' ? String(lacking.parameter).toUpperCase() : undefined;
  const need = permission ? `the permission ${permission}` : NEEDS[lacking?.scope ?? ''];
  return new GraphQLError(`Your credentials do not permit this${need ? `: it needs ${need}` : ''}`, {
    extensions: { code: 'FORBIDDEN', ...(permission ? { permission } : {}) },
  });
}

/** The first scope that failed, perhaps as one of several. */
function lackingScope(failure: AuthFailure): AuthScopeFailure | undefined {
  if (failure.kind === AuthScopeFailureType.AuthScope) return failure;
  const isOfSeveral = failure.kind === AuthScopeFailureType.AllAuthScopes || failure.kind === AuthScopeFailureType.AnyAuthScopes;
  return isOfSeveral ? failure.failures.map(lackingScope).find((found) => found) : undefined;
}

const notGlobalId = (path: readonly string[], value: string) => invalidParameter(path, 'is not a global id of this graph', value);

/** Whether the type in the global id is one that `Query.node` can fetch. */
function isNode(schema: GraphQLSchema, { typename }: { typename: string }): boolean {
  const type = schema.getType(typename);
  return isObjectType(type) && schema.isSubType(schema.getType('Node') as GraphQLInterfaceType, type);
}

/** The text of an id that was decoded. */
const asGiven = ({ typename, id }: { typename: string; id: unknown }) =>
  typename === '' ? String(id) : Buffer.from(`${typename}:${id}`).toString('base64');

/** Text that is not a global id has no type, so that each resolver reports it in its place. */
function decodeGlobalId(globalId: string): { typename: string; id: string } {
  const [, typename, id] = /^([A-Za-z]+):([\w-]+)$/.exec(Buffer.from(globalId, 'base64').toString('latin1')) ?? [];
  return typename && id ? { typename, id } : { typename: '', id: globalId };
}
