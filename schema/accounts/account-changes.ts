import {
  type AccountWithToken,
  accountEdge,
  activateOwnAccount,
  createOwnAccount,
  listOwnAccounts,
  rotateOwnAccountToken,
  suspendOwnAccount,
} from '../../src/domain/access/organization-accounts.ts';
import { builder } from '../builder.ts';
import { endedCredentials, resultUnion } from '../errors.ts';
import { idempotencyKey, OrderDirectionEnum, offset } from '../lists.ts';
import { AccountRef, AccountStatusEnum, PermissionEnum, required } from './account.ts';

/** Who manages accounts: an account itself. An access token from a browser must not turn into a permanent credential. */
const authScopes = { $all: { provider: true, wholeOrganization: true, ownCredentials: true } } as const;
const NEEDS = "Needs a provider's own credentials, not an access token.";

const AccountEdge = builder.edgeObject({ type: AccountRef, name: 'AccountEdge', description: 'An account and its cursor.' });

const AccountConnection = builder.connectionObject(
  { type: AccountRef, name: 'AccountConnection', description: 'A page of accounts.' },
  AccountEdge,
);

const AccountFilterInput = builder.inputType('AccountFilter', {
  description: 'A filter for accounts. All given conditions must hold.',
  fields: (t) => ({ statuses: t.field({ type: [AccountStatusEnum], description: 'The status is one of these.' }) }),
});

const AccountOrderInput = builder.inputType('AccountOrder', {
  description: 'A sort order of accounts. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('AccountOrderField', {
        description: 'The fields by which accounts can be sorted.',
        values: { DATE_CREATED: { description: 'The time when the account was created.' } } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.queryField('accounts', (t) =>
  t.connection(
    {
      type: AccountRef,
      nullable: true,
      description: "The accounts of your organization. Needs a provider's credentials that are not restricted to an enterprise.",
      authScopes: { $all: { provider: true, wholeOrganization: true } },
      args: {
        filter: t.arg({ type: AccountFilterInput, description: 'Returns only accounts that match this filter.' }),
        orderBy: t.arg({ type: AccountOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
        ...offset,
      },
      resolve: (_root, { filter, orderBy, ...page }, { gateway, caller }) =>
        listOwnAccounts(gateway, caller, filter ?? {}, orderBy ?? undefined, page),
    },
    AccountConnection,
  ),
);

const accountSid = (t: Parameters<typeof idempotencyKey>[0]) => ({
  sid: t.id({ required: true, description: 'The sid of the account: `AC` followed by 32 hex digits.' }),
});

const CreateAccountInput = builder.inputType('CreateAccountInput', {
  description: 'An account to create. It never has more permissions than the one that creates it.',
  fields: (t) => ({
    email: t.string({
      required: true,
      description: 'The e-mail address, at most 320 characters, which no other account of the organization has.',
    }),
    friendlyName: t.string({ description: 'The display name, at most 255 characters. Defaults to the e-mail address.' }),
    permissions: t.field({
      type: [PermissionEnum],
      required: true,
      description: "The permissions of the account: one or more of the caller's. `[READ]` makes it read-only.",
    }),
    ...idempotencyKey(t),
  }),
});

const RotateAccountTokenInput = builder.inputType('RotateAccountTokenInput', {
  description: 'An account that gets a new auth token.',
  fields: (t) => ({
    ...accountSid(t),
    own: t.boolean({ description: "Must be true if the account is the caller's own, whose credentials end with the request." }),
    ...idempotencyKey(t),
  }),
});

const SuspendAccountInput = builder.inputType('SuspendAccountInput', {
  description: 'An account to suspend.',
  fields: (t) => ({ ...accountSid(t), ...idempotencyKey(t) }),
});

const ActivateAccountInput = builder.inputType('ActivateAccountInput', {
  description: 'A suspended account to activate.',
  fields: (t) => ({ ...accountSid(t), ...idempotencyKey(t) }),
});

type AuthTokenFields = PothosSchemaTypes.ObjectFieldBuilder<(typeof builder)['$inferSchemaTypes'], AccountWithToken>;

const withToken = (t: AuthTokenFields) => ({
  account: t.field({
    type: AccountRef,
    description: 'The account.',
    resolve: async ({ account }, _args, { loaders }) => required(await loaders.account.load(account.sid)),
  }),
  authToken: t.exposeString('authToken', {
    nullable: true,
    description:
      'The auth token, which is the password in HTTP Basic. It is returned once and not stored: `null` in a repeated request with the same idempotency key.',
  }),
});

const CreateAccountSuccessRef = builder.objectRef<AccountWithToken>('CreateAccountSuccess').implement({
  description: 'The success of `createAccount`.',
  fields: (t) => ({
    ...withToken(t),
    accountEdge: t.field({
      type: AccountEdge,
      description: 'The account with its cursor in the default order of lists, for caches that add it to one.',
      resolve: async ({ account }, _args, { loaders }) => accountEdge(required(await loaders.account.load(account.sid))),
    }),
  }),
});

const RotateAccountTokenSuccessRef = builder.objectRef<AccountWithToken>('RotateAccountTokenSuccess').implement({
  description: 'The success of `rotateAccountToken`.',
  fields: (t) => withToken(t),
});

const changedAccount = (t: AuthTokenFields) => ({ account: withToken(t).account });

const SuspendAccountSuccessRef = builder.objectRef<AccountWithToken>('SuspendAccountSuccess').implement({
  description: 'The success of `suspendAccount`.',
  fields: changedAccount,
});

const ActivateAccountSuccessRef = builder.objectRef<AccountWithToken>('ActivateAccountSuccess').implement({
  description: 'The success of `activateAccount`.',
  fields: changedAccount,
});

builder.mutationFields((t) => ({
  createAccount: t.field({
    type: CreateAccountSuccessRef,
    nullable: true,
    description: `Creates an account in your organization, with an auth token that is shown once. ${NEEDS}`,
    authScopes,
    errors: resultUnion('CreateAccountResult', 'new account', ['ACCOUNT_EXISTS']),
    args: { input: t.arg({ type: CreateAccountInput, required: true, description: 'The account to create.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createOwnAccount(gateway, caller, input).catch(endedCredentials),
  }),
  rotateAccountToken: t.field({
    type: RotateAccountTokenSuccessRef,
    nullable: true,
    description: `Replaces an account's auth token. The old one stops working at once, and the account's streams and access tokens end. An account that the Restcomm platform authenticated no longer is. You need all of its permissions yourself. ${NEEDS}`,
    authScopes,
    errors: resultUnion('RotateAccountTokenResult', 'account and its new auth token', [
      'ACCOUNT_NOT_FOUND',
      'ACCOUNT_CLOSED',
      'OWN_ACCOUNT',
    ]),
    args: { input: t.arg({ type: RotateAccountTokenInput, required: true, description: 'The account.' }) },
    resolve: (_root, { input }, { gateway, caller }) => rotateOwnAccountToken(gateway, caller, input).catch(endedCredentials),
  }),
  suspendAccount: t.field({
    type: SuspendAccountSuccessRef,
    nullable: true,
    description: `Suspends an account: its credentials are refused until it is activated, and its streams end. An account cannot suspend itself. You need all of its permissions yourself. ${NEEDS}`,
    authScopes,
    errors: resultUnion('SuspendAccountResult', 'suspended account', ['ACCOUNT_NOT_FOUND', 'ACCOUNT_CLOSED', 'OWN_ACCOUNT']),
    args: { input: t.arg({ type: SuspendAccountInput, required: true, description: 'The account to suspend.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({
      account: await suspendOwnAccount(gateway, caller, input).catch(endedCredentials),
    }),
  }),
  activateAccount: t.field({
    type: ActivateAccountSuccessRef,
    nullable: true,
    description: `Activates a suspended account: its credentials are accepted again, and its waiting messages are delivered. You need all of its permissions yourself. ${NEEDS}`,
    authScopes,
    errors: resultUnion('ActivateAccountResult', 'activated account', ['ACCOUNT_NOT_FOUND', 'ACCOUNT_CLOSED']),
    args: { input: t.arg({ type: ActivateAccountInput, required: true, description: 'The account to activate.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({
      account: await activateOwnAccount(gateway, caller, input).catch(endedCredentials),
    }),
  }),
}));
