import { EnterpriseStatus } from '../prisma/client/enums.ts';
import { enterprises } from '../src/domain/confinement.ts';
import {
  closeEnterprise,
  createEnterprise,
  findEnterprise,
  listEnterprises,
  updateEnterprise,
} from '../src/domain/enterprises/enterprises.ts';
import { AccountStatusEnum, ProvisionedInterface, required } from './account.ts';
import { builder } from './builder.ts';
import { needs, packable, shown } from './columns.ts';
import { resultUnion } from './errors.ts';
import { createdRange, idempotencyKey, OrderDirectionEnum, offset } from './lists.ts';

const EnterpriseStatusEnum = builder.enumType('EnterpriseStatus', {
  description: 'The status of an enterprise: `ACTIVE` ⇄ `INACTIVE`, and either → `CLOSED`, which is final.',
  values: {
    [EnterpriseStatus.ACTIVE]: { description: 'Messages are delivered, and the admin can log in.' },
    [EnterpriseStatus.INACTIVE]: {
      description: '`sendMessage` is refused, messages from Teams and from phones wait, and the admin is suspended.',
    },
    [EnterpriseStatus.CLOSED]: {
      description: 'The enterprise has no mappings and can no longer be changed, and its admin can no longer log in.',
    },
  } as const,
});

export const EnterpriseAdminRef = builder.prismaObject('EnterpriseAdmin', {
  description:
    'The administrator of an enterprise, with an account on the Restcomm platform. Can call the gateway with HTTP Basic (its sid or e-mail address and its password, or its Restcomm account SID and auth token), restricted to its enterprise and to the permissions `READ` and `WRITE`.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `RCS` followed by 32 hex digits.' }),
    accountSid: t.exposeID('accountSid', { description: "The admin's account on the Restcomm platform: `AC` followed by 32 hex digits." }),
    email: t.exposeString('email', { description: 'The e-mail address, unique among the admins of the organization.' }),
    name: t.exposeString('name', { nullable: true, description: 'The display name. `null` if none was given.' }),
    status: t.expose('status', {
      type: AccountStatusEnum,
      description: 'The status of the admin, which follows the enterprise: `SUSPENDED` while that is `INACTIVE`.',
    }),
  }),
});

export const EnterpriseRef = builder.prismaNode('Enterprise', {
  description: 'A business customer of the communications provider. It has one admin, at most one bot, and any number of mappings.',
  id: { field: 'sid' },
  interfaces: [ProvisionedInterface],
  findUnique: (sid, { caller }) => ({ sid, ...enterprises(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `EN` followed by 32 hex digits.' }),
    name: t.exposeString('name', {
      description: 'The name, unique in the organization without regard to case, not counting `CLOSED` enterprises.',
    }),
    status: t.expose('status', {
      type: EnterpriseStatusEnum,
      description: 'The status of the enterprise, which decides whether its mappings are operational.',
    }),
    admin: t.field({
      type: EnterpriseAdminRef,
      description: 'The administrator, created together with the enterprise.',
      extensions: needs(),
      resolve: async (enterprise, _args, { loaders }) => required(await loaders.adminOf.load(enterprise.sid)),
    }),
  }),
});

const EnterpriseConnection = builder.connectionObject(
  {
    type: EnterpriseRef,
    name: 'EnterpriseConnection',
    description: 'A page of enterprises.',
  },
  { name: 'EnterpriseEdge', description: 'An enterprise and its cursor.' },
);

const EnterpriseFilterInput = builder.inputType('EnterpriseFilter', {
  description: 'A filter for enterprises. All given conditions must hold.',
  fields: (t) => ({
    name: t.string({ description: 'The name contains this text. Case-insensitive, without wildcards.' }),
    statuses: t.field({ type: [EnterpriseStatusEnum], description: 'The status is one of these.' }),
    ...createdRange(t),
  }),
});

const EnterpriseOrderInput = builder.inputType('EnterpriseOrder', {
  description: 'A sort order of enterprises. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('EnterpriseOrderField', {
        description: 'The fields by which enterprises can be sorted.',
        values: { DATE_CREATED: { description: 'The time of creation.' }, NAME: { description: 'The name, case-insensitive.' } } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.queryFields((t) => ({
  enterprise: t.field({
    type: EnterpriseRef,
    nullable: true,
    description: 'Looks up an enterprise by its sid. Returns `null` if there is none.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the enterprise: `EN` followed by 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findEnterprise(gateway, caller, sid),
  }),
  enterprises: t.connection(
    {
      type: EnterpriseRef,
      description: 'The enterprises of your organization, including `CLOSED` ones.',
      extensions: packable,
      args: {
        filter: t.arg({ type: EnterpriseFilterInput, description: 'Returns only enterprises that match this filter.' }),
        orderBy: t.arg({ type: EnterpriseOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listEnterprises(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    EnterpriseConnection,
  ),
}));

const EnterpriseAdminInput = builder.inputType('EnterpriseAdminInput', {
  description: 'The administrator of a new enterprise, who gets an account on the Restcomm platform.',
  fields: (t) => ({
    emailId: t.string({
      required: true,
      description: 'The e-mail address, at most 320 characters. If the platform already has an account for it, that account is linked.',
    }),
    password: t.string({
      required: true,
      description:
        'The password for the platform and the gateway, at most 1024 characters. Ignored if an account is linked, which keeps its own.',
    }),
    name: t.string({ description: 'The display name, at most 255 characters.' }),
  }),
});

const CreateEnterpriseInput = builder.inputType('CreateEnterpriseInput', {
  description: 'An enterprise to create.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'The name, at most 255 characters. Must be unique in the organization without regard to case, not counting `CLOSED` enterprises.',
    }),
    status: t.field({ type: EnterpriseStatusEnum, description: 'The initial status: `ACTIVE` or `INACTIVE`. Defaults to `ACTIVE`.' }),
    enterpriseAdmin: t.field({ type: EnterpriseAdminInput, required: true, description: 'The administrator of the enterprise.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateEnterpriseInput = builder.inputType('UpdateEnterpriseInput', {
  description: 'Changes to an enterprise. Fields that are left out keep their value.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the enterprise: `EN` followed by 32 hex digits.' }),
    name: t.string({ description: 'The new name, with the limits of `CreateEnterpriseInput`. Must not be blank.' }),
    status: t.field({
      type: EnterpriseStatusEnum,
      description:
        "The new status: `ACTIVE` or `INACTIVE`. Not available to the enterprise's admin. To close an enterprise, use `closeEnterprise`.",
    }),
    ...idempotencyKey(t),
  }),
});

const CloseEnterpriseInput = builder.inputType('CloseEnterpriseInput', {
  description: 'An enterprise to close.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the enterprise: `EN` followed by 32 hex digits.' }),
    deleteMappings: t.boolean({
      description:
        'Whether to delete its mappings first. Defaults to `false`: an enterprise with mappings is not closed. If the platform fails to release a number, the mappings deleted before it stay deleted.',
    }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  createEnterprise: t.field({
    type: EnterpriseRef,
    description:
      "Creates an enterprise and its admin's account on the Restcomm platform. Needs credentials that are not restricted to an enterprise.",
    authScopes: { wholeOrganization: true },
    errors: resultUnion('CreateEnterpriseResult', 'new enterprise', ['ENTERPRISE_NAME_NOT_UNIQUE', 'EMAIL_NOT_UNIQUE', 'PLATFORM_ERROR']),
    args: { input: t.arg({ type: CreateEnterpriseInput, required: true, description: 'The enterprise to create.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createEnterprise(gateway, caller, input),
  }),
  updateEnterprise: t.field({
    type: EnterpriseRef,
    description: "Renames, activates or deactivates an enterprise. Its admin's account on the Restcomm platform follows the status.",
    authScopes: (_root, { input }) => (input.status == null ? true : { provider: true }),
    errors: resultUnion('UpdateEnterpriseResult', 'updated enterprise', [
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'ENTERPRISE_NAME_NOT_UNIQUE',
      'PLATFORM_ERROR',
    ]),
    args: { input: t.arg({ type: UpdateEnterpriseInput, required: true, description: 'The enterprise to update and its new values.' }) },
    resolve: (_root, { input }, { gateway, caller }) => updateEnterprise(gateway, caller, input),
  }),
  closeEnterprise: t.field({
    type: EnterpriseRef,
    description:
      "Closes an enterprise permanently, and its admin's account on the Restcomm platform unless other enterprises or accounts use it. Not available to the enterprise's admin.",
    authScopes: { provider: true },
    errors: resultUnion('CloseEnterpriseResult', 'closed enterprise', [
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'ENTERPRISE_HAS_MAPPINGS',
      'PLATFORM_ERROR',
    ]),
    args: { input: t.arg({ type: CloseEnterpriseInput, required: true, description: 'The enterprise to close.' }) },
    resolve: (_root, { input }, { gateway, caller }) => closeEnterprise(gateway, caller, input),
  }),
}));
