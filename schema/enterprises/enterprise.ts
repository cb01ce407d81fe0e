import { EnterpriseStatus } from '../../prisma/client/enums.ts';
import { belonging, enterprises } from '../../src/domain/confinement.ts';
import { findEnterprise, listEnterprises } from '../../src/domain/enterprises/enterprises.ts';
import { AccountStatusEnum, ProvisionedInterface, required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { needs, packable, shown } from '../columns.ts';
import { OrderDirectionEnum, offset, timeRanges } from '../lists.ts';

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

/** The statuses that can be given: only `closeEnterprise` closes an enterprise. */
export const OpenEnterpriseStatusEnum = builder.enumType('OpenEnterpriseStatus', {
  description: 'The statuses of an enterprise that can be set. To close one, use `closeEnterprise`.',
  values: {
    [EnterpriseStatus.ACTIVE]: { description: 'Messages are delivered, and the admin can log in.' },
    [EnterpriseStatus.INACTIVE]: {
      description: '`sendMessage` is refused, messages from Teams and from phones wait, and the admin is suspended.',
    },
  } as const,
});

export const EnterpriseAdminRef = builder.prismaNode('EnterpriseAdmin', {
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => ({ sid, ...belonging(caller) }),
  nullable: true,
  description:
    'The administrator of an enterprise, with an account on the Restcomm platform. Can call the gateway with HTTP Basic (its sid or e-mail address and its password, or its Restcomm account SID and auth token), restricted to its enterprise and to the permissions `READ` and `WRITE`.',
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `RCS` followed by 32 hex digits.' }),
    restcommAccountSid: t.exposeID('accountSid', {
      description: "The admin's own account on the Restcomm platform, not an `Account`: `AC` followed by 32 hex digits.",
    }),
    email: t.exposeString('email', { description: "The e-mail address, unique among the admins of the organization's open enterprises." }),
    name: t.exposeString('name', { nullable: true, description: 'The display name. `null` if none was given.' }),
    status: t.expose('status', {
      type: AccountStatusEnum,
      description: 'The status of the admin, which follows the enterprise: `SUSPENDED` while that is `INACTIVE`.',
    }),
    dateMicrosoftLinked: t.expose('dateMicrosoftLinked', {
      type: 'DateTime',
      nullable: true,
      description:
        'The time when the admin was linked with a user of Microsoft Entra, whom Teams signs in as the admin. `null` if it is not linked.',
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

export const EnterpriseEdge = builder.edgeObject({
  type: EnterpriseRef,
  name: 'EnterpriseEdge',
  description: 'An enterprise and its cursor.',
});

const EnterpriseConnection = builder.connectionObject(
  {
    type: EnterpriseRef,
    name: 'EnterpriseConnection',
    description: 'A page of enterprises.',
  },
  EnterpriseEdge,
);

const EnterpriseFilterInput = builder.inputType('EnterpriseFilter', {
  description: 'A filter for enterprises. All given conditions must hold.',
  fields: (t) => ({
    name: t.string({ description: 'The name contains this text. Case-insensitive, without wildcards.' }),
    statuses: t.field({ type: [EnterpriseStatusEnum], description: 'The status is one of these.' }),
    ...timeRanges(t),
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
