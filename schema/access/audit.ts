import { auditedBy, listAuditLog } from '../../src/domain/access/audit-log.ts';
import { type AuditAction, auditActions } from '../../src/domain/audit.ts';
import { AccountRef } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { EnterpriseAdminRef } from '../enterprises/enterprise.ts';
import { OrderDirectionEnum } from '../lists.ts';

const DESCRIPTIONS: Readonly<Record<AuditAction, string>> = {
  'enterprise.create': 'An enterprise was created.',
  'enterprise.update':
    'An enterprise or its admin was renamed, the enterprise activated or deactivated, or its admin given another e-mail address.',
  'enterprise.close': 'An enterprise was closed.',
  'enterprise.resetAdminPassword': "The password of an enterprise's admin was reset.",
  'mapping.create': 'A mapping was created.',
  'mapping.update': 'A mapping was updated.',
  'mapping.delete': 'A mapping was deleted, by `deleteMapping` or by `closeEnterprise`.',
  'bot.create': 'A bot was created.',
  'bot.update': 'A bot was updated.',
  'bot.delete': 'A bot was deleted.',
  'bot.verify': 'A bot was checked with Microsoft.',
  'bot.addCredential': 'A secret or certificate was added to a bot.',
  'bot.removeCredential': 'A secret or certificate of a bot was removed.',
  'bot.move': 'A bot was moved to the cloud GCC, since Teams said that its tenant is there. The gateway did it by itself.',
  'bot.clientSecret.read': 'The client secret of a bot was read.',
  'message.send': 'A message was sent with `sendMessage`.',
  'message.retry': 'A stuck or failed message was retried.',
  'accessToken.create': 'An access token was created.',
  'accessToken.revoke': 'An access token was revoked.',
  'admin.linkMicrosoftUser':
    "An enterprise's admin was linked with a user of Microsoft Entra, whose tokens are then credentials of the admin.",
  'admin.unlinkMicrosoftUser': "An enterprise's admin was unlinked from its user of Microsoft Entra.",
  'account.create': 'An account was created, by another one or by the operator.',
  'account.rotateToken': 'The auth token of an account was replaced.',
  'account.suspend': 'An account was suspended.',
  'account.activate': 'An account was activated.',
  'import.create': 'An import of mappings was prepared. Each mapping that it creates is recorded, too.',
  'import.run': 'An import of mappings was run.',
  'retention.set': 'The retention of messages was set, of the organization or of an enterprise: the target.',
  'person.erase': 'The erasure of a person was requested. The record does not say whose.',
  'webhook.create': 'A webhook endpoint was created.',
  'webhook.update': 'A webhook endpoint was changed, disabled or enabled by a mutation.',
  'webhook.delete': 'A webhook endpoint was deleted.',
  'webhook.rotateSecret': 'The secret of a webhook endpoint was replaced.',
  'webhook.replay': 'A webhook endpoint was moved to another place in the event log.',
  'webhook.test': 'A webhook endpoint was tested.',
  'webhook.disable': 'The gateway itself disabled a webhook endpoint: it was gone, or had failed for three days.',
  'export.create': 'A link to download messages or mappings was created.',
  'organization.update': 'The name, the branding or the features of the organization were changed.',
  'teamsApp.update': 'How the Teams app of the organization, or of an enterprise, looks was changed.',
};

/** `bot.clientSecret.read` → `BOT_CLIENT_SECRET_READ` */
const enumName = (action: AuditAction) => action.replace(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase();

const AuditActionEnum = builder.enumType('AuditAction', {
  description: 'The actions that the audit log records. Failed ones are not recorded.',
  values: Object.fromEntries(auditActions.map((value) => [enumName(value), { value, description: DESCRIPTIONS[value] }])),
});

const AuditRecordRef = builder.prismaNode('AuditLog', {
  name: 'AuditRecord',
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => auditedBy(caller, sid),
  nullable: true,
  description: 'A record of the audit log. It cannot be changed, and is kept for 365 days unless the operator sets another retention.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `AU` followed by 32 hex digits.' }),
    action: t.field({
      type: AuditActionEnum,
      description: 'The action that was performed.',
      resolve: ({ action }) => action as AuditAction,
    }),
    targetSid: t.exposeID('targetSid', { description: 'The sid of the object that the action was performed on. It may no longer exist.' }),
    accountSid: t.exposeID('accountSid', {
      nullable: true,
      description:
        "The account that performed the action; for an enterprise's admin, the account that created the enterprise. `null` for the operator, on the command line, and for the gateway itself.",
    }),
    account: t.field({
      type: AccountRef,
      nullable: true,
      description: 'The account in `accountSid`.',
      resolve: ({ accountSid }, _args, { loaders }) => (accountSid ? loaders.account.load(accountSid) : null),
    }),
    adminSid: t.exposeID('adminSid', {
      nullable: true,
      description: "The enterprise's admin who performed the action. `null` if somebody else did.",
    }),
    admin: t.field({
      type: EnterpriseAdminRef,
      nullable: true,
      description: 'The admin in `adminSid`.',
      resolve: ({ adminSid }, _args, { loaders }) => (adminSid ? loaders.admin.load(adminSid) : null),
    }),
    accessTokenSid: t.exposeID('accessTokenSid', {
      nullable: true,
      description: 'The access token of the request. `null` if it had none.',
    }),
    requestId: t.exposeID('requestId', {
      description: "The id of the request, as in the response header `x-request-id` and in the gateway's log.",
    }),
    remoteAddress: t.exposeString('remoteAddress', {
      nullable: true,
      description: 'The IP address of the client, as reported by trusted proxies if the gateway is behind any. `null` for the operator.',
    }),
    dateCreated: t.expose('occurredAt', { type: 'DateTime', description: 'The time when the action was performed.' }),
  }),
});

const AuditFilterInput = builder.inputType('AuditFilter', {
  description: 'A filter for audit records. All given conditions must hold.',
  fields: (t) => ({
    actions: t.field({ type: [AuditActionEnum], description: 'The action is one of these.' }),
    targetSid: t.id({ description: 'The action was performed on the object with this sid.' }),
    accountSid: t.id({
      description: 'The action was performed by the account with this sid, or by the admin of an enterprise that it created.',
    }),
    createdFrom: t.field({ type: 'DateTime', description: 'The action was performed at or after this time.' }),
    createdTo: t.field({ type: 'DateTime', description: 'The action was performed at or before this time.' }),
  }),
});

const AuditRecordOrderInput = builder.inputType('AuditRecordOrder', {
  description: 'A sort order of audit records. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('AuditRecordOrderField', {
        description: 'The fields by which audit records can be sorted.',
        values: { DATE_CREATED: { description: 'The time when the action was performed.' } } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.queryField('auditLog', (t) =>
  t.connection(
    {
      type: AuditRecordRef,
      nullable: true,
      description:
        'The audit log of your organization. Needs the permission `AUDIT` and credentials that are not restricted to an enterprise.',
      authScopes: { $all: { permission: 'audit', wholeOrganization: true } },
      args: {
        filter: t.arg({ type: AuditFilterInput, description: 'Returns only records that match this filter.' }),
        orderBy: t.arg({ type: AuditRecordOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, descending.' }),
      },
      resolve: (_root, { filter, orderBy, ...page }, { gateway, caller }) =>
        listAuditLog(gateway, caller, filter ?? {}, orderBy ?? undefined, page),
    },
    builder.connectionObject(
      { type: AuditRecordRef, name: 'AuditRecordConnection', description: 'A page of the audit log.' },
      { name: 'AuditRecordEdge', description: 'An audit record and its cursor.' },
    ),
  ),
);
