import type { DataExport, PersonErasure } from '../../prisma/client/client.ts';
import { exportPerson } from '../../src/domain/bulk/exports.ts';
import { erasePerson, erasureOf, findErasure } from '../../src/domain/privacy/erasures.ts';
import { MAX_RETENTION_DAYS, setMessageRetention } from '../../src/domain/privacy/retention.ts';
import { OrganizationRef, required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { EnterpriseRef } from '../enterprises/enterprise.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { download, forbidUnlessOptedIn } from './export.ts';

builder.objectField(OrganizationRef, 'messageRetentionDays', (t) =>
  t.exposeInt('messageRetentionDays', {
    nullable: true,
    description: "How many days messages are kept, unless their enterprise has a retention of its own. `null` for the gateway's setting.",
  }),
);
builder.objectField(EnterpriseRef, 'messageRetentionDays', (t) =>
  t.exposeInt('messageRetentionDays', {
    nullable: true,
    description: "How many days the enterprise's messages are kept. `null` for the organization's retention.",
  }),
);

const PersonErasureRef = builder.prismaNode('PersonErasure', {
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => erasureOf(caller, sid),
  nullable: true,
  description: 'The erasure of a person. Who it is is forgotten once it is completed.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `ER` followed by 32 hex digits, as in the audit log.' }),
    enterpriseSid: t.exposeID('enterpriseSid', {
      nullable: true,
      description: 'The sid of the only enterprise in which the person is erased. `null` for the whole organization.',
    }),
    messages: t.exposeInt('messages', { description: 'How many messages were erased so far.' }),
    waiting: t.exposeInt('waiting', {
      description:
        'How many messages were still under way at the last look. They are erased once they have ended, e.g. when a stuck one was retried.',
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'The time when it was requested.' }),
    dateCompleted: t.expose('dateCompleted', {
      type: 'DateTime',
      nullable: true,
      description: 'The time when nothing of the person was left. `null` until then.',
    }),
  }),
});

builder.queryField('personErasure', (t) =>
  t.field({
    type: PersonErasureRef,
    nullable: true,
    description: 'Finds the erasure of a person by its sid. Returns `null` if there is none that the credentials can see.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the erasure: `ER` followed by 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }): Promise<PersonErasure | null> => findErasure(gateway, caller, sid),
  }),
);

type InputFields = Parameters<typeof idempotencyKey>[0];

const person = (t: InputFields) => ({
  phoneNumber: t.string({ description: 'The phone number of the person, in any notation. Either this, or a Teams user.' }),
  microsoftAddress: t.string({ description: 'The user principal name of the Teams user, as mappings had it.' }),
  microsoftObjectId: t.string({
    description:
      'The object id of the Teams user, by which the bot knows them. Messages have it only if their mapping had it for an address: give the address, too.',
  }),
});

const ErasePersonInput = builder.inputType('ErasePersonInput', {
  description: 'A person to erase: a phone number or a Teams user.',
  fields: (t) => ({
    ...person(t),
    enterpriseSid: t.id({
      description: 'The sid of the only enterprise in which to erase them. By default, all that the credentials reach.',
    }),
    ...idempotencyKey(t),
  }),
});

const ExportPersonInput = builder.inputType('ExportPersonInput', {
  description: 'A person whose data to download: a phone number or a Teams user.',
  fields: (t) => ({
    ...person(t),
    enterpriseSid: t.id({
      description: 'The sid of the only enterprise whose data the file has. By default, all that the credentials reach.',
    }),
    ...idempotencyKey(t),
  }),
});

const SetMessageRetentionInput = builder.inputType('SetMessageRetentionInput', {
  description: 'How long messages are kept.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'The sid of the enterprise whose messages are meant. By default, the whole organization.' }),
    days: t.int({
      description: `How many days after their acceptance messages are deleted, 1 to ${MAX_RETENTION_DAYS}. If left out, the organization's retention holds, or the gateway's setting.`,
    }),
    ...idempotencyKey(t),
  }),
});

const ErasePersonSuccessRef = builder.objectRef<{ erasure: PersonErasure }>('ErasePersonSuccess').implement({
  description: 'The success of `erasePerson`: the erasure begins within seconds.',
  fields: (t) => ({ personErasure: t.expose('erasure', { type: PersonErasureRef, description: 'The erasure, to follow its progress.' }) }),
});

const ExportPersonSuccessRef = builder.objectRef<DataExport>('ExportPersonSuccess').implement({
  description: 'The success of `exportPerson`.',
  fields: download,
});

const SetMessageRetentionSuccessRef = builder.objectRef<{ sid: string }>('SetMessageRetentionSuccess').implement({
  description: 'The success of `setMessageRetention`.',
  fields: (t) => ({
    organization: t.field({
      type: OrganizationRef,
      description: 'The organization, with its retention.',
      resolve: async (_set, _args, { caller, loaders }) => required(await loaders.organization.load(caller.organizationSid)),
    }),
    enterprise: t.field({
      type: EnterpriseRef,
      nullable: true,
      description: 'The enterprise, with its retention. `null` if that of the organization was set.',
      resolve: ({ sid }, _args, { caller, loaders }) => (sid === caller.organizationSid ? null : loaders.enterprise.load(sid)),
    }),
  }),
});

builder.mutationFields((t) => ({
  setMessageRetention: t.field({
    type: SetMessageRetentionSuccessRef,
    nullable: true,
    description:
      "Sets how long messages are kept. Their texts and media are deleted first, the messages themselves once the event log has no events of them; usage stays. Needs a provider's credentials that are not restricted to an enterprise.",
    authScopes: { $all: { provider: true, wholeOrganization: true } },
    errors: resultUnion('SetMessageRetentionResult', 'organization and enterprise', ['ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED']),
    args: { input: t.arg({ type: SetMessageRetentionInput, required: true, description: 'The retention.' }) },
    resolve: (_root, { input }, { gateway, caller }) => setMessageRetention(gateway, caller, input),
  }),
  erasePerson: t.field({
    type: ErasePersonSuccessRef,
    nullable: true,
    description:
      "Erases a person: the messages with them, their conversations, and what the bot knows of them. It cannot be undone. The audit log keeps that it was requested, and not whose. A provider erases in its organization, an enterprise's admin in its enterprise. Not available to access tokens.",
    authScopes: { ownCredentials: true },
    errors: resultUnion('ErasePersonResult', 'erasure', ['ENTERPRISE_NOT_FOUND', 'PERSON_HAS_MAPPINGS']),
    args: { input: t.arg({ type: ErasePersonInput, required: true, description: 'Who, and where.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ erasure: await erasePerson(gateway, caller, input) }),
  }),
  exportPerson: t.field({
    type: ExportPersonSuccessRef,
    nullable: true,
    description:
      "Creates a link to download a person's messages, conversations, mappings, rows of imports and what the bot remembers of them, as JSON lines. Needs the permission `READ`; an enterprise's admin needs the organization's feature `ADMIN_EXPORT`, too.",
    skipTypeScopes: true,
    authScopes: { permission: 'read' },
    errors: resultUnion('ExportPersonResult', 'link', ['ENTERPRISE_NOT_FOUND']),
    args: {
      input: t.arg({
        type: ExportPersonInput,
        required: true,
        description: 'The person, and optionally the only enterprise to export from.',
      }),
    },
    resolve: (_root, { input }, { gateway, caller }) => exportPerson(gateway, caller, input).catch(forbidUnlessOptedIn),
  }),
}));
