import type { AccessToken } from '../../prisma/client/client.ts';
import {
  accessTokenEdge,
  createAccessToken,
  type IssuedAccessToken,
  LONGEST_LIFETIME,
  listAccessTokens,
  listedTo,
  revokeAccessToken,
  SHORTEST_LIFETIME,
} from '../../src/domain/access/access-tokens.ts';
import { permissionsOf } from '../../src/domain/access/accounts.ts';
import { AccountRef, PermissionEnum, required, ViewerRef } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { EnterpriseAdminRef, EnterpriseRef } from '../enterprises/enterprise.ts';
import { endedCredentials, resultUnion } from '../errors.ts';
import { idempotencyKey, OrderDirectionEnum, offset } from '../lists.ts';

const AccessTokenRef = builder.prismaNode('AccessToken', {
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => listedTo(caller, sid),
  nullable: true,
  description: 'A short-lived bearer token, e.g. for a browser. The token itself is returned by `createAccessToken` and never stored.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `AT` followed by 32 hex digits.' }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'The permissions of the token. A permission that its account or admin has lost no longer applies.',
      resolve: (token) => [...permissionsOf(token)],
    }),
    enterpriseSid: t.exposeID('enterpriseSid', {
      nullable: true,
      description: 'The sid of the enterprise that the token is restricted to. `null` if it covers the whole organization.',
    }),
    enterprise: t.field({
      type: EnterpriseRef,
      nullable: true,
      description: 'The enterprise that the token is restricted to. `null` if it covers the whole organization.',
      resolve: (token, _args, { loaders }) => (token.enterpriseSid ? loaders.enterprise.load(token.enterpriseSid) : null),
    }),
    accountSid: t.exposeID('accountSid', {
      description:
        "The account that created the token and that it acts for. If an enterprise's admin created it, the account that created the enterprise.",
    }),
    account: t.field({
      type: AccountRef,
      description: 'The account in `accountSid`.',
      resolve: async ({ accountSid }, _args, { loaders }) => required(await loaders.account.load(accountSid)),
    }),
    adminSid: t.exposeID('adminSid', {
      nullable: true,
      description: "The enterprise's admin who created the token and for whom it acts. `null` if an account created it.",
    }),
    admin: t.field({
      type: EnterpriseAdminRef,
      nullable: true,
      description: 'The admin in `adminSid`.',
      resolve: ({ adminSid }, _args, { loaders }) => (adminSid ? loaders.admin.load(adminSid) : null),
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'The time when the token was created.' }),
    dateExpires: t.expose('dateExpires', { type: 'DateTime', description: 'The time when the token expires.' }),
    dateRevoked: t.expose('dateRevoked', {
      type: 'DateTime',
      nullable: true,
      description: 'The time when the token was revoked. `null` if it was not.',
    }),
  }),
});

builder.objectField(ViewerRef, 'enterprise', (t) =>
  t.field({
    type: EnterpriseRef,
    nullable: true,
    description: 'The enterprise that the credentials are restricted to. `null` if they cover the whole organization.',
    resolve: (_viewer, _args, { caller, loaders }) => (caller.enterpriseSid ? loaders.enterprise.load(caller.enterpriseSid) : null),
  }),
);

builder.objectField(ViewerRef, 'admin', (t) =>
  t.field({
    type: EnterpriseAdminRef,
    nullable: true,
    description:
      'The calling admin of an enterprise, authenticated by a password, an auth token or an access token. `null` if an account is calling.',
    resolve: (_viewer, _args, { caller, loaders }) =>
      caller.adminSid && caller.enterpriseSid ? loaders.adminOf.load(caller.enterpriseSid) : null,
  }),
);

const AccessTokenEdge = builder.edgeObject({
  type: AccessTokenRef,
  name: 'AccessTokenEdge',
  description: 'An access token and its cursor.',
});

const AccessTokenConnection = builder.connectionObject(
  { type: AccessTokenRef, name: 'AccessTokenConnection', description: 'A page of access tokens.' },
  AccessTokenEdge,
);

const AccessTokenOrderInput = builder.inputType('AccessTokenOrder', {
  description: 'A sort order of access tokens. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('AccessTokenOrderField', {
        description: 'The fields by which access tokens can be sorted.',
        values: { DATE_CREATED: { description: 'The time when the token was created.' } } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.queryField('accessTokens', (t) =>
  t.connection(
    {
      type: AccessTokenRef,
      nullable: true,
      description:
        'The access tokens that the calling account or admin created, including revoked ones, until a day after they expire. Not available to access tokens themselves.',
      authScopes: { ownCredentials: true },
      args: {
        orderBy: t.arg({ type: AccessTokenOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
        ...offset,
      },
      resolve: (_root, { orderBy, ...page }, { gateway, caller }) => listAccessTokens(gateway, caller, orderBy ?? undefined, page),
    },
    AccessTokenConnection,
  ),
);

const CreateAccessTokenSuccessRef = builder.objectRef<IssuedAccessToken>('CreateAccessTokenSuccess').implement({
  description: 'The success of `createAccessToken`. No other field returns the token itself.',
  fields: (t) => ({
    token: t.exposeString('token', {
      description:
        'The token. Send it to GraphQL and REST in the header `Authorization: Bearer <token>`, over WebSocket as `Authorization` in the payload of `connectionInit`, and from an `EventSource` as the query parameter `access_token`.',
    }),
    accessToken: t.field({
      type: AccessTokenRef,
      description: 'The stored record of the token.',
      resolve: ({ accessToken }) => accessToken,
    }),
    accessTokenEdge: t.field({
      type: AccessTokenEdge,
      description: 'The access token with its cursor in the default order of lists, for caches that add it to one.',
      resolve: ({ accessToken }) => accessTokenEdge(accessToken),
    }),
  }),
});

const RevokeAccessTokenSuccessRef = builder.objectRef<{ accessToken: AccessToken }>('RevokeAccessTokenSuccess').implement({
  description: 'The success of `revokeAccessToken`.',
  fields: (t) => ({
    accessToken: t.expose('accessToken', { type: AccessTokenRef, description: 'The revoked access token, which stays listed.' }),
  }),
});

const CreateAccessTokenInput = builder.inputType('CreateAccessTokenInput', {
  description: 'An access token to create. It never allows more than the credentials that create it.',
  fields: (t) => ({
    expiresIn: t.int({ required: true, description: `The lifetime in seconds, ${SHORTEST_LIFETIME} to ${LONGEST_LIFETIME}.` }),
    permissions: t.field({
      type: [PermissionEnum],
      required: true,
      description: "The permissions of the token: one or more of the caller's.",
    }),
    enterpriseSid: t.id({
      description: 'The sid of an enterprise to restrict the token to. By default, the token has the same restriction as the caller.',
    }),
    ...idempotencyKey(t),
  }),
});

const RevokeAccessTokenInput = builder.inputType('RevokeAccessTokenInput', {
  description: 'An access token to revoke.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the access token: `AT` followed by 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  createAccessToken: t.field({
    type: CreateAccessTokenSuccessRef,
    nullable: true,
    description:
      "Creates a short-lived bearer token, so that a frontend need not hold an account's auth token. Needs no permission but those of the token. Not available to access tokens themselves.",
    // A read-only account signs in to the console, too.
    skipTypeScopes: true,
    authScopes: { ownCredentials: true },
    errors: resultUnion('CreateAccessTokenResult', 'new access token', ['ENTERPRISE_NOT_FOUND']),
    args: { input: t.arg({ type: CreateAccessTokenInput, required: true, description: 'The access token to create.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createAccessToken(gateway, caller, input).catch(endedCredentials),
  }),
  revokeAccessToken: t.field({
    type: RevokeAccessTokenSuccessRef,
    nullable: true,
    description:
      'Revokes an access token of the calling account or admin, and ends its live streams. Does nothing if it is already revoked. Needs no permission. An access token can revoke only itself.',
    skipTypeScopes: true,
    authScopes: (_root, { input }, { caller }) => input.sid === caller.accessTokenSid || { ownCredentials: true },
    errors: resultUnion('RevokeAccessTokenResult', 'revoked access token', ['ACCESS_TOKEN_NOT_FOUND']),
    args: { input: t.arg({ type: RevokeAccessTokenInput, required: true, description: 'The access token to revoke.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ accessToken: await revokeAccessToken(gateway, caller, input) }),
  }),
}));
