import type { MappingInTeams } from '../../src/domain/bots/teams-installations.ts';
import { belonging } from '../../src/domain/confinement.ts';
import { isOperational } from '../../src/domain/enterprises/enterprise-state.ts';
import { findMapping, listMappings, listMappingsOf } from '../../src/domain/mappings/mappings.ts';
import { ProvisionedInterface, required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { batchKey, needs, packable, shown } from '../columns.ts';
import { EnterpriseRef } from '../enterprises/enterprise.ts';
import { OrderDirectionEnum, offset, timeRanges } from '../lists.ts';

const MappingInTeamsRef = builder.node(builder.objectRef<MappingInTeams>('MappingInTeams'), {
  id: { resolve: ({ sid }) => sid },
  loadOne: async (sid, { loaders }) => {
    const mapping = await loaders.mapping.load(sid);
    return mapping ? loaders.inTeams.load(mapping) : null;
  },
  description: "What is known of a mapping's user in Teams.",
  fields: (t) => ({
    installed: t.exposeBoolean('installed', {
      nullable: true,
      description: "Whether the user has the bot's app. `null` until that is known: the gateway installs it in the background.",
    }),
    conversationKnown: t.exposeBoolean('conversationKnown', { description: "Whether the bot's chat with the user is known." }),
    lastError: t.exposeString('lastError', {
      nullable: true,
      description:
        "Why messages to the user wait, or why the app is not installed, usually in Microsoft's words. `null` if nothing is wrong.",
    }),
  }),
});

export const MappingRef = builder.prismaNode('Mapping', {
  description: 'The assignment of an SMS-enabled phone number to a Teams user.',
  id: { field: 'sid' },
  interfaces: [ProvisionedInterface],
  findUnique: (sid, { caller }) => ({ sid, ...belonging(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `BE` followed by 32 hex digits.' }),
    name: t.exposeString('name', { description: 'The display name. Defaults to the Microsoft address.' }),
    microsoftAddress: t.exposeString('microsoftAddress', {
      description: 'The Teams user: a user principal name, e.g. `anna@kohl.example`, or an object id. A user can have several mappings.',
    }),
    externalAddress: t.exposeString('externalAddress', {
      description: 'The phone number as it was given. It is mapped at most once in the whole system, in any notation.',
    }),
    operational: t.boolean({
      description: 'Whether messages can be sent and received. `false` unless the enterprise is `ACTIVE`.',
      extensions: needs('enterpriseSid'),
      resolve: async (mapping, _args, { loaders }) => isOperational(required(await loaders.enterprise.load(mapping.enterpriseSid))),
    }),
    teams: t.field({
      type: MappingInTeamsRef,
      description: 'The user in Teams: whether the bot can write to them, and what last went wrong.',
      extensions: needs('enterpriseSid', 'microsoftObjectId'),
      resolve: (mapping, _args, { loaders }) => loaders.inTeams.load(mapping),
    }),
    enterpriseSid: t.exposeID('enterpriseSid', { description: 'The sid of the enterprise that the mapping belongs to.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      description: 'The enterprise that the mapping belongs to.',
      extensions: needs('enterpriseSid'),
      resolve: async (mapping, _args, { loaders }) => required(await loaders.enterprise.load(mapping.enterpriseSid)),
    }),
  }),
});

export const MappingEdge = builder.edgeObject({ type: MappingRef, name: 'MappingEdge', description: 'A mapping and its cursor.' });

const MappingConnection = builder.connectionObject(
  { type: MappingRef, name: 'MappingConnection', description: 'A page of mappings.' },
  MappingEdge,
);

const MappingFilterInput = builder.inputType('MappingFilter', {
  description: 'A filter for mappings. All given conditions must hold.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'The mapping belongs to the enterprise with this sid.' }),
    name: t.string({ description: 'The name contains this text. Case-insensitive, without wildcards.' }),
    microsoftAddress: t.string({ description: 'The Microsoft address contains this text. Case-insensitive, without wildcards.' }),
    externalAddress: t.string({
      description:
        'The phone number contains this text, in E.164 or as it was given. A text with a `+` or `00` is the beginning of the number. There are no wildcards.',
    }),
    domain: t.string({ description: 'The domain of the Microsoft address, the part after the `@`, is this one. Case-insensitive.' }),
    operational: t.boolean({ description: 'The mapping is operational (`true`), as its enterprise is `ACTIVE`, or not (`false`).' }),
    ...timeRanges(t),
  }),
});

const MappingOrderInput = builder.inputType('MappingOrder', {
  description: 'A sort order of mappings. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('MappingOrderField', {
        description: 'The fields by which mappings can be sorted.',
        values: {
          DATE_CREATED: { description: 'The time of creation.' },
          NAME: { description: 'The name, case-insensitive.' },
          MICROSOFT_ADDRESS: { description: 'The Microsoft address, case-insensitive.' },
          EXTERNAL_ADDRESS: { description: 'The phone number as it was given, compared as text: `+` comes before digits.' },
          DOMAIN: { description: 'The domain of the Microsoft address: the part after the `@`, case-insensitive.' },
        } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.prismaObjectFields(EnterpriseRef, (t) => ({
  mappings: t.connection(
    {
      type: MappingRef,
      description: 'The mappings of the enterprise.',
      extensions: { ...needs(), ...packable },
      args: {
        filter: t.arg({ type: MappingFilterInput, description: 'Returns only mappings that match this filter.' }),
        orderBy: t.arg({ type: MappingOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
        ...offset,
      },
      resolve: (enterprise, args, { gateway, caller, loaders, packed }, info) =>
        loaders
          .pagesOf(batchKey(info, packed), (sids) =>
            listMappingsOf(gateway, caller, sids, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
          )
          .load(enterprise.sid),
    },
    MappingConnection,
  ),
  mappingCount: t.int({
    description: 'The number of mappings of the enterprise.',
    extensions: needs(),
    resolve: (enterprise, _args, { loaders }) => loaders.mappingCountOf.load(enterprise.sid),
  }),
}));

builder.queryFields((t) => ({
  mapping: t.field({
    type: MappingRef,
    nullable: true,
    description: 'Looks up a mapping by its sid. Returns `null` if there is none.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the mapping: `BE` followed by 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findMapping(gateway, caller, sid),
  }),
  mappings: t.connection(
    {
      type: MappingRef,
      description: 'The mappings of your organization.',
      extensions: packable,
      args: {
        filter: t.arg({ type: MappingFilterInput, description: 'Returns only mappings that match this filter.' }),
        orderBy: t.arg({ type: MappingOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listMappings(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    MappingConnection,
  ),
}));
