import { AccountStatus } from '../prisma/client/enums.ts';
import { permissions } from '../src/domain/caller.ts';
import { builder } from './builder.ts';
import { needs } from './columns.ts';

export const AccountStatusEnum = builder.enumType('AccountStatus', {
  description: 'The state of an account.',
  values: {
    [AccountStatus.ACTIVE]: { description: 'May be used.' },
    [AccountStatus.SUSPENDED]: { description: 'May not be used for now.' },
    [AccountStatus.CLOSED]: { description: 'May never be used again.' },
  } as const,
});

export const PermissionEnum = builder.enumType('Permission', {
  description: 'What credentials allow.',
  values: {
    READ: { value: permissions[0], description: 'Every query.' },
    WRITE: { value: permissions[1], description: 'Every mutation.' },
    SECRETS: { value: permissions[2], description: 'Bot.clientSecret.' },
    LARGE_PAGES: { value: permissions[3], description: 'Pages of up to 1000.' },
    AUDIT: { value: permissions[4], description: 'Query.auditLog.' },
  } as const,
});

export const OrganizationRef = builder.prismaObject('Organization', {
  description: 'A Communications Provider.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'OR and 32 hex digits.' }),
    name: t.exposeString('name', { description: "The provider's name." }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'When it was created.' }),
  }),
});

export const AccountRef = builder.prismaObject('Account', {
  description: "A provider's account, by which callers authenticate.",
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'AC and 32 hex digits. The user name of HTTP Basic.' }),
    email: t.exposeString('email', { description: 'Its e-mail address.' }),
    friendlyName: t.exposeString('friendlyName', { description: 'Its name for people.' }),
    status: t.expose('status', { type: AccountStatusEnum, description: 'Its state.' }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'When it was created.' }),
  }),
});

export const ViewerRef = builder.objectRef<object>('Viewer').implement({
  description: 'Who is calling.',
  fields: (t) => ({
    account: t.field({
      type: AccountRef,
      description: "The account of the credentials; of an enterprise's admin, the provider's account that the enterprise is under.",
      resolve: async (_viewer, _args, { loaders, caller }) => required(await loaders.account.load(caller.accountSid)),
    }),
    organization: t.field({
      type: OrganizationRef,
      description: "The account's organization, to which everything is confined.",
      resolve: async (_viewer, _args, { loaders, caller }) => required(await loaders.organization.load(caller.organizationSid)),
    }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'What the credentials allow.',
      resolve: (_viewer, _args, { caller }) => permissions.filter((permission) => caller.permissions.has(permission)),
    }),
    expires: t.field({
      type: 'DateTime',
      nullable: true,
      description: "When the credentials end: an access token's; null for an account's own.",
      resolve: (_viewer, _args, { caller }) => caller.expires,
    }),
  }),
});

builder.queryField('viewer', (t) => t.field({ type: ViewerRef, description: 'Who is calling.', resolve: () => ({}) }));

/** A relation that a foreign key guarantees. */
export function required<Row>(row: Row | undefined | null): Row {
  if (row === undefined || row === null) throw new Error('a row that a foreign key guarantees is missing');
  return row;
}

/** What every entity has that an account created. */
export const ProvisionedInterface = builder
  .interfaceRef<{ accountSid: string; dateCreated: Date; dateUpdated: Date }>('Provisioned')
  .implement({
    description: 'An entity that an account created.',
    fields: (t) => ({
      accountSid: t.exposeID('accountSid', {
        description: 'The account that created it, or that the enterprise is under whose admin did.',
      }),
      accountEmail: t.string({
        description: 'The e-mail address of that account.',
        extensions: needs('accountSid'),
        resolve: async ({ accountSid }, _args, { loaders }) => required(await loaders.account.load(accountSid)).email,
      }),
      dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'When it was created.' }),
      dateUpdated: t.expose('dateUpdated', { type: 'DateTime', description: 'When it last changed.' }),
    }),
  });
