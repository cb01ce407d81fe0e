import { AccountStatus } from '../../prisma/client/enums.ts';
import { permissionsOf } from '../../src/domain/access/accounts.ts';
import { featuresOf, organizationFeatures } from '../../src/domain/access/organization.ts';
import { accountShownTo } from '../../src/domain/access/shown-accounts.ts';
import { actorOf, type Caller, permissions } from '../../src/domain/caller.ts';
import { builder } from '../builder.ts';
import { needs } from '../columns.ts';

export const AccountStatusEnum = builder.enumType('AccountStatus', {
  description: "The status of an account or of an enterprise's admin: `ACTIVE` ⇄ `SUSPENDED`, and either → `CLOSED`, which is final.",
  values: {
    [AccountStatus.ACTIVE]: { description: 'Its credentials are accepted.' },
    [AccountStatus.SUSPENDED]: { description: 'Its credentials are refused with HTTP status 403 until it is activated again.' },
    [AccountStatus.CLOSED]: { description: 'Its credentials are refused permanently.' },
  } as const,
});

export const PermissionEnum = builder.enumType('Permission', {
  description:
    "A permission of an account, an enterprise's admin or an access token. Operations that need a missing permission fail with the error code `FORBIDDEN`.",
  values: {
    READ: { value: permissions[0], description: 'Allows queries and subscriptions.' },
    WRITE: { value: permissions[1], description: 'Allows mutations.' },
    SECRETS: { value: permissions[2], description: 'Allows reading `Bot.clientSecret`.' },
    AUDIT: { value: permissions[3], description: 'Allows reading `Query.auditLog`.' },
  } as const,
});

export const OrganizationFeatureEnum = builder.enumType('OrganizationFeature', {
  description: 'What an organization can opt in to.',
  values: {
    ADMIN_IMPORT: { value: organizationFeatures[0], description: "Enterprises' admins may import mappings (`importMappings`)." },
    ADMIN_EXPORT: {
      value: organizationFeatures[1],
      description: "Enterprises' admins may download their enterprise's data (`exportMessages`, `exportMappings`, `exportUsage`).",
    },
  } as const,
});

export const OrganizationRef = builder.prismaNode('Organization', {
  description: 'A communications provider. Accounts, enterprises and everything in them belong to exactly one.',
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => ({ sid, AND: [{ sid: caller.organizationSid }] }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `OR` followed by 32 hex digits.' }),
    name: t.exposeString('name', { description: 'The name of the provider.' }),
    displayName: t.exposeString('displayName', {
      nullable: true,
      description: 'The name at the top of the console. If it is `null`, people of the enterprises see `name` there.',
    }),
    accentColor: t.exposeString('accentColor', {
      nullable: true,
      description: "The colour of the line below the console's header, as `#` and six lower-case hex digits. `null` for the console's own.",
    }),
    logo: t.exposeString('logo', {
      nullable: true,
      description:
        'The URL of the logo: `https:`, or a small image as `data:`. `null` if there is none. The console, which loads nothing from other hosts, shows a `data:` one.',
    }),
    features: t.field({
      type: [OrganizationFeatureEnum],
      description: 'The features that the organization has opted in to.',
      resolve: (organization) => featuresOf(organization),
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'The time when the organization was created.' }),
    dateUpdated: t.expose('dateUpdated', { type: 'DateTime', description: 'The time when the organization was last changed.' }),
  }),
});

export const AccountRef = builder.prismaNode('Account', {
  id: { field: 'sid' },
  findUnique: (sid, { gateway, caller }) => accountShownTo(gateway, caller, sid),
  nullable: true,
  description:
    "An account of a communications provider. Callers authenticate with its sid and auth token (HTTP Basic). Accounts are managed by mutations, on the gateway's command line, or by the Restcomm platform.",
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `AC` followed by 32 hex digits. It is the user name in HTTP Basic.' }),
    email: t.exposeString('email', { description: 'The e-mail address.' }),
    friendlyName: t.exposeString('friendlyName', { description: 'The display name. Defaults to the e-mail address.' }),
    status: t.expose('status', {
      type: AccountStatusEnum,
      description: 'The status of the account, which decides whether its credentials are accepted.',
    }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'The permissions of the account. A read-only one has `READ` alone.',
      resolve: (account) => [...permissionsOf(account)],
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'The time when the account was created.' }),
    dateUpdated: t.expose('dateUpdated', { type: 'DateTime', description: 'The time when the account was last changed.' }),
  }),
});

/** Whose credentials they are: other credentials of the same account may permit less. */
const viewerSid = ({ accessTokenSid, ...caller }: Caller) => accessTokenSid ?? actorOf(caller);

export const ViewerRef = builder.node(builder.objectRef<object>('Viewer'), {
  id: { resolve: (_viewer, _args, { caller }) => viewerSid(caller) },
  loadOne: (id, { caller }) => (id === viewerSid(caller) ? {} : null),
  description: 'The caller, identified by the credentials of the request.',
  fields: (t) => ({
    account: t.field({
      type: AccountRef,
      description: "The calling account. For an enterprise's admin, the account that created the enterprise.",
      resolve: async (_viewer, _args, { loaders, caller }) => required(await loaders.account.load(caller.accountSid)),
    }),
    organization: t.field({
      type: OrganizationRef,
      description: 'The organization of the account. Queries, mutations and subscriptions are confined to it.',
      resolve: async (_viewer, _args, { loaders, caller }) => required(await loaders.organization.load(caller.organizationSid)),
    }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'The permissions of the credentials. An access token has only those that its account or admin still has.',
      resolve: (_viewer, _args, { caller }) => permissions.filter((permission) => caller.permissions.has(permission)),
    }),
    dateExpires: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The time when the access token of the request expires. `null` if the request has no access token.',
      resolve: (_viewer, _args, { caller }) => caller.expires,
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({ type: ViewerRef, description: 'The caller: its account, organization and permissions.', resolve: () => ({}) }),
);

/** The row of a relation that a foreign key guarantees. */
export function required<Row>(row: Row | undefined | null): Row {
  if (row === undefined || row === null) throw new Error('a row that a foreign key guarantees is missing');
  return row;
}

/** The fields of every entity that an account creates. */
export const ProvisionedInterface = builder
  .interfaceRef<{ accountSid: string; dateCreated: Date; dateUpdated: Date }>('Provisioned')
  .implement({
    description:
      "An object that an account or an enterprise's admin created: an enterprise, a bot, a mapping, a message, an import or a webhook endpoint.",
    fields: (t) => ({
      accountSid: t.exposeID('accountSid', {
        description: "The account that created the object. If an enterprise's admin did, the account that created the enterprise.",
      }),
      account: t.field({
        type: AccountRef,
        description: 'The account in `accountSid`.',
        extensions: needs('accountSid'),
        resolve: async ({ accountSid }, _args, { loaders }) => required(await loaders.account.load(accountSid)),
      }),
      accountEmail: t.string({
        description: 'The e-mail address of the account in `accountSid`.',
        extensions: needs('accountSid'),
        resolve: async ({ accountSid }, _args, { loaders }) => required(await loaders.account.load(accountSid)).email,
      }),
      dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'The time when the object was created.' }),
      dateUpdated: t.expose('dateUpdated', { type: 'DateTime', description: 'The time when the object was last changed.' }),
    }),
  });
