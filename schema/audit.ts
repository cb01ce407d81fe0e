import { listAuditLog } from '../src/domain/access/audit-log.ts';
import { type AuditAction, auditActions } from '../src/domain/audit.ts';
import { builder } from './builder.ts';

const DONE: Readonly<Record<AuditAction, string>> = {
  'enterprise.create': 'An enterprise was created.',
  'enterprise.update': 'An enterprise was renamed, activated or deactivated.',
  'enterprise.close': 'An enterprise was closed.',
  'mapping.create': 'A mapping was created.',
  'mapping.update': 'A mapping was changed.',
  'mapping.delete': 'A mapping was deleted, by itself or with its enterprise.',
  'bot.create': 'A bot was created.',
  'bot.update': 'A bot was changed.',
  'bot.delete': 'A bot was deleted.',
  'bot.verify': 'A bot was tried out with Microsoft.',
  'bot.clientSecret.read': "A bot's client secret was shown.",
  'message.send': 'A message was sent.',
  'message.retry': 'A stuck message was enqueued again.',
  'accessToken.create': 'An access token was made.',
  'accessToken.revoke': 'An access token was revoked.',
  'account.create': 'An account was created.',
  'account.rotateToken': "An account's token was replaced.",
  'account.suspend': 'An account was suspended.',
  'account.activate': 'An account was activated.',
};

/** `bot.clientSecret.read` → `BOT_CLIENT_SECRET_READ` */
const nameOf = (action: AuditAction) => action.replace(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase();

const AuditActionEnum = builder.enumType('AuditAction', {
  description: 'What was done.',
  values: Object.fromEntries(auditActions.map((value) => [nameOf(value), { value, description: DONE[value] }])),
});

const AuditRecordRef = builder.prismaObject('AuditLog', {
  name: 'AuditRecord',
  description: 'Who did what to whom, and from where. Nobody changes or deletes it before its time is over.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'AU and 32 hex digits.' }),
    action: t.field({ type: AuditActionEnum, description: 'What was done.', resolve: ({ action }) => action as AuditAction }),
    targetSid: t.exposeID('targetSid', { description: 'The sid of what it was done to, whether or not that still exists.' }),
    accountSid: t.exposeID('accountSid', {
      nullable: true,
      description:
        "The account that did it; of an enterprise's admin, the provider's account. Null for the gateway's operator, at the command line.",
    }),
    enterpriseAdminSid: t.exposeID('adminSid', {
      nullable: true,
      description: "The enterprise's admin who did it; null where none did.",
    }),
    accessTokenSid: t.exposeID('accessTokenSid', {
      nullable: true,
      description: "The access token that was presented; null where the account's or admin's own credentials were.",
    }),
    requestId: t.exposeID('requestId', { description: "The request's id, as in its answer's `x-request-id` and in the gateway's log." }),
    remoteAddress: t.exposeString('remoteAddress', {
      nullable: true,
      description:
        'The IP address of the client, as far as the proxies in front of the gateway are trusted to tell it; null at the command line.',
    }),
    dateCreated: t.expose('occurredAt', { type: 'DateTime', description: 'When it was done.' }),
  }),
});

const AuditFilterInput = builder.inputType('AuditFilter', {
  description: 'Which records. All conditions hold together.',
  fields: (t) => ({
    actions: t.field({ type: [AuditActionEnum], description: 'One of these actions.' }),
    targetSid: t.id({ description: 'Done to what has, or had, this sid.' }),
    accountSid: t.id({ description: 'Done by this account.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Done at this instant or later.' }),
    createdTo: t.field({ type: 'DateTime', description: 'Done at this instant or earlier.' }),
  }),
});

builder.queryField('auditLog', (t) =>
  t.connection(
    {
      type: AuditRecordRef,
      description:
        'What was changed in your organization and whose secrets were read, the newest first. It takes the permission AUDIT, and is not for credentials that are narrowed to an enterprise.',
      authScopes: { $all: { permission: 'audit', wholeOrganization: true } },
      args: { filter: t.arg({ type: AuditFilterInput, description: 'Which records; all where left out.' }) },
      resolve: (_root, { filter, ...page }, { gateway, caller }) => listAuditLog(gateway, caller, filter ?? {}, page),
    },
    builder.connectionObject(
      { type: AuditRecordRef, name: 'AuditRecordConnection', description: 'A page of the audit log.' },
      { name: 'AuditRecordEdge', description: 'A record in the audit log.' },
    ),
  ),
);
