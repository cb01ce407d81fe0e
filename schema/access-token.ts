import {
  createAccessToken,
  type IssuedAccessToken,
  LONGEST_LIFETIME,
  listAccessTokens,
  revokeAccessToken,
  SHORTEST_LIFETIME,
} from '../src/domain/access/access-tokens.ts';
import { permissionsOf } from '../src/domain/access/accounts.ts';
import { PermissionEnum, ViewerRef } from './account.ts';
import { builder } from './builder.ts';
import { EnterpriseAdminRef, EnterpriseRef } from './enterprise.ts';
import { resultUnion } from './errors.ts';
import { idempotencyKey, OrderDirectionEnum, offset } from './lists.ts';

const AccessTokenRef = builder.prismaObject('AccessToken', {
  description: 'A short-lived bearer token for a browser. The token itself is told when it is made, and kept nowhere.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'AT and 32 hex digits.' }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'What it allows, as long as its account has it.',
      resolve: (token) => [...permissionsOf(token)],
    }),
    enterpriseSid: t.exposeID('enterpriseSid', {
      nullable: true,
      description: 'The enterprise that it is narrowed to; null where it is for the whole organization.',
    }),
    enterprise: t.field({
      type: EnterpriseRef,
      nullable: true,
      description: 'The enterprise that it is narrowed to; null where it is for the whole organization.',
      resolve: (token, _args, { loaders }) => (token.enterpriseSid ? loaders.enterprise.load(token.enterpriseSid) : null),
    }),
    accountSid: t.exposeID('accountSid', {
      description: "The account that it was made by and acts as; of an enterprise's admin, the one that the enterprise is under.",
    }),
    adminSid: t.exposeID('adminSid', {
      nullable: true,
      description: "The enterprise's admin that it was made by and acts as: RCS and 32 hex digits; null where it is an account's.",
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'When it was made.' }),
    dateExpires: t.expose('dateExpires', { type: 'DateTime', description: 'When it ends by itself.' }),
    dateRevoked: t.expose('dateRevoked', { type: 'DateTime', nullable: true, description: 'When it was revoked; null where it was not.' }),
  }),
});

builder.objectField(ViewerRef, 'enterprise', (t) =>
  t.field({
    type: EnterpriseRef,
    nullable: true,
    description: 'The one enterprise that the credentials are narrowed to; null where they are for the whole organization.',
    resolve: (_viewer, _args, { caller, loaders }) => (caller.enterpriseSid ? loaders.enterprise.load(caller.enterpriseSid) : null),
  }),
);

builder.objectField(ViewerRef, 'admin', (t) =>
  t.field({
    type: EnterpriseAdminRef,
    nullable: true,
    description: "The enterprise's admin who calls, or whose access token it is; null for a provider's account.",
    resolve: (_viewer, _args, { caller, loaders }) =>
      caller.adminSid && caller.enterpriseSid ? loaders.adminOf.load(caller.enterpriseSid) : null,
  }),
);

const AccessTokenConnection = builder.connectionObject(
  { type: AccessTokenRef, name: 'AccessTokenConnection', description: 'A page of access tokens.' },
  { name: 'AccessTokenEdge', description: 'An access token in its list.' },
);

const AccessTokenOrderInput = builder.inputType('AccessTokenOrder', {
  description: 'The order of access tokens. Equal ones are in order of their sid.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('AccessTokenOrderField', {
        description: 'What access tokens are ordered by.',
        values: { DATE_CREATED: { description: 'Their creation.' } } as const,
      }),
      required: true,
      description: 'What to order by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'Which way.' }),
  }),
});

builder.queryField('accessTokens', (t) =>
  t.connection(
    {
      type: AccessTokenRef,
      description:
        "Your account's access tokens, or yours as an enterprise's admin, those that ended within the last day included. Not for access tokens themselves.",
      authScopes: { ownCredentials: true },
      args: {
        orderBy: t.arg({ type: AccessTokenOrderInput, description: 'In which order; by creation where left out.' }),
        ...offset,
      },
      resolve: (_root, { orderBy, ...page }, { gateway, caller }) => listAccessTokens(gateway, caller, orderBy ?? undefined, page),
    },
    AccessTokenConnection,
  ),
);

const IssuedAccessTokenRef = builder.objectRef<IssuedAccessToken>('IssuedAccessToken').implement({
  description: 'A new access token.',
  fields: (t) => ({
    token: t.exposeString('token', {
      description:
        'The token: `Authorization: Bearer <token>` on both faces, the same in connectionInit, or `access_token` in the address of an EventSource.',
    }),
    accessToken: t.field({ type: AccessTokenRef, description: 'What is kept of it.', resolve: ({ accessToken }) => accessToken }),
  }),
});

const CreateAccessTokenInput = builder.inputType('CreateAccessTokenInput', {
  description: 'A new access token. It allows nothing that you may not do yourself.',
  fields: (t) => ({
    expiresIn: t.int({ required: true, description: `For how many seconds: ${SHORTEST_LIFETIME} to ${LONGEST_LIFETIME}.` }),
    permissions: t.field({ type: [PermissionEnum], required: true, description: 'What it allows: some of your own permissions.' }),
    enterpriseSid: t.id({ description: 'Narrows it to this enterprise and what belongs to it.' }),
    ...idempotencyKey(t),
  }),
});

const RevokeAccessTokenInput = builder.inputType('RevokeAccessTokenInput', {
  description: 'An access token to end.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'AT and 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  createAccessToken: t.field({
    type: IssuedAccessTokenRef,
    description: 'Makes a short-lived bearer token, so that no frontend carries the token of an account. Not for access tokens themselves.',
    authScopes: { ownCredentials: true },
    errors: resultUnion('CreateAccessTokenResult', 'new access token'),
    args: { input: t.arg({ type: CreateAccessTokenInput, required: true, description: 'The new access token.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createAccessToken(gateway, caller, input),
  }),
  revokeAccessToken: t.field({
    type: AccessTokenRef,
    description:
      'Ends an access token of your account: requests are refused at once, its live streams end. Not for access tokens themselves.',
    authScopes: { ownCredentials: true },
    errors: resultUnion('RevokeAccessTokenResult', 'revoked access token'),
    args: { input: t.arg({ type: RevokeAccessTokenInput, required: true, description: 'The access token.' }) },
    resolve: (_root, { input }, { gateway, caller }) => revokeAccessToken(gateway, caller, input),
  }),
}));
