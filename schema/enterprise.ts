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
  description: 'The state of an enterprise: ACTIVE ⇄ INACTIVE → CLOSED.',
  values: {
    [EnterpriseStatus.ACTIVE]: { description: 'Its mappings are operational.' },
    [EnterpriseStatus.INACTIVE]: { description: 'Its mappings do not work; its admin is suspended.' },
    [EnterpriseStatus.CLOSED]: { description: 'Closed for good, and its admin too.' },
  } as const,
});

export const EnterpriseAdminRef = builder.prismaObject('EnterpriseAdmin', {
  description:
    "An enterprise's admin: a sub-account on the Restcomm platform. It may call the gateway by HTTP Basic with its sid or e-mail and its password, reads and changes what is its enterprise's, and sees no client secret.",
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'RCS and 32 hex digits.' }),
    accountSid: t.exposeID('accountSid', { description: 'The sub-account on the platform: AC and 32 hex digits.' }),
    email: t.exposeString('email', { description: 'The e-mail address.' }),
    name: t.exposeString('name', { nullable: true, description: 'The name for people.' }),
    status: t.expose('status', { type: AccountStatusEnum, description: 'The state; it follows the enterprise.' }),
  }),
});

export const EnterpriseRef = builder.prismaNode('Enterprise', {
  description: 'A Business Customer of the provider.',
  id: { field: 'sid' },
  interfaces: [ProvisionedInterface],
  findUnique: (sid, { caller }) => ({ sid, ...enterprises(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'EN and 32 hex digits.' }),
    name: t.exposeString('name', { description: 'Unique in your organization, case ignored, CLOSED enterprises not counted.' }),
    status: t.expose('status', { type: EnterpriseStatusEnum, description: 'The state.' }),
    admin: t.field({
      type: EnterpriseAdminRef,
      description: 'Its admin.',
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
  { name: 'EnterpriseEdge', description: 'An enterprise in its list.' },
);

const EnterpriseFilterInput = builder.inputType('EnterpriseFilter', {
  description: 'Which enterprises. All conditions hold together.',
  fields: (t) => ({
    name: t.string({ description: 'A part of the name, case ignored, taken literally.' }),
    statuses: t.field({ type: [EnterpriseStatusEnum], description: 'One of these states.' }),
    ...createdRange(t),
  }),
});

const EnterpriseOrderInput = builder.inputType('EnterpriseOrder', {
  description: 'The order of enterprises. Equal ones are in order of their sid.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('EnterpriseOrderField', {
        description: 'What enterprises are ordered by.',
        values: { DATE_CREATED: { description: 'Their creation.' }, NAME: { description: 'Their name, case ignored.' } } as const,
      }),
      required: true,
      description: 'What to order by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'Which way.' }),
  }),
});

builder.queryFields((t) => ({
  enterprise: t.field({
    type: EnterpriseRef,
    nullable: true,
    description: 'The enterprise with this sid, or null where your organization has none.',
    args: { sid: t.arg.id({ required: true, description: 'EN and 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findEnterprise(gateway, caller, sid),
  }),
  enterprises: t.connection(
    {
      type: EnterpriseRef,
      description: 'Your enterprises.',
      extensions: packable,
      args: {
        filter: t.arg({ type: EnterpriseFilterInput, description: 'Which ones.' }),
        orderBy: t.arg({ type: EnterpriseOrderInput, description: 'In which order; by creation where left out.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listEnterprises(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    EnterpriseConnection,
  ),
}));

const EnterpriseAdminInput = builder.inputType('EnterpriseAdminInput', {
  description: "The enterprise's admin, who becomes a sub-account on the Restcomm platform.",
  fields: (t) => ({
    emailId: t.string({ required: true, description: 'The e-mail address. An account that it already has on the platform is linked.' }),
    password: t.string({ required: true, description: 'The password of a new sub-account. A linked one keeps its own.' }),
    name: t.string({ description: 'The name for people.' }),
  }),
});

const CreateEnterpriseInput = builder.inputType('CreateEnterpriseInput', {
  description: 'A new enterprise.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Unique in your organization, case ignored.' }),
    status: t.field({ type: EnterpriseStatusEnum, description: 'ACTIVE (where left out) or INACTIVE.' }),
    enterpriseAdmin: t.field({ type: EnterpriseAdminInput, required: true, description: 'Its admin.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateEnterpriseInput = builder.inputType('UpdateEnterpriseInput', {
  description: 'A change of an enterprise. What is left out stays.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'EN and 32 hex digits.' }),
    name: t.string({ description: 'The new name.' }),
    status: t.field({ type: EnterpriseStatusEnum, description: 'ACTIVE or INACTIVE. CLOSED is reached by closeEnterprise.' }),
    ...idempotencyKey(t),
  }),
});

const CloseEnterpriseInput = builder.inputType('CloseEnterpriseInput', {
  description: 'An enterprise to close for good.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'EN and 32 hex digits.' }),
    deleteMappings: t.boolean({ description: 'Delete its mappings first. Otherwise an enterprise with mappings is refused.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  createEnterprise: t.field({
    type: EnterpriseRef,
    description:
      "Creates an enterprise and its admin's sub-account on the Restcomm platform. Not for credentials narrowed to an enterprise.",
    authScopes: { wholeOrganization: true },
    errors: resultUnion('CreateEnterpriseResult', 'new enterprise'),
    args: { input: t.arg({ type: CreateEnterpriseInput, required: true, description: 'The new enterprise.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createEnterprise(gateway, caller, input),
  }),
  updateEnterprise: t.field({
    type: EnterpriseRef,
    description: "Renames, activates or deactivates an enterprise. An enterprise's admin may rename it.",
    authScopes: (_root, { input }) => (input.status == null ? true : { provider: true }),
    errors: resultUnion('UpdateEnterpriseResult', 'changed enterprise'),
    args: { input: t.arg({ type: UpdateEnterpriseInput, required: true, description: 'The change.' }) },
    resolve: (_root, { input }, { gateway, caller }) => updateEnterprise(gateway, caller, input),
  }),
  closeEnterprise: t.field({
    type: EnterpriseRef,
    description: 'Closes an enterprise for good. Not for its admin.',
    authScopes: { provider: true },
    errors: resultUnion('CloseEnterpriseResult', 'closed enterprise'),
    args: { input: t.arg({ type: CloseEnterpriseInput, required: true, description: 'The enterprise.' }) },
    resolve: (_root, { input }, { gateway, caller }) => closeEnterprise(gateway, caller, input),
  }),
}));
