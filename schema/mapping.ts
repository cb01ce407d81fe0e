import { belonging } from '../src/domain/confinement.ts';
import { isOperational } from '../src/domain/enterprises/enterprise-state.ts';
import { createMapping, deleteMapping, updateMapping } from '../src/domain/enterprises/mapping-changes.ts';
import { findMapping, listMappings, listMappingsOf } from '../src/domain/enterprises/mappings.ts';
import { ProvisionedInterface, required } from './account.ts';
import { builder } from './builder.ts';
import { batchKey, needs, packable, shown } from './columns.ts';
import { EnterpriseRef } from './enterprise.ts';
import { resultUnion } from './errors.ts';
import { createdRange, idempotencyKey, OrderDirectionEnum, offset } from './lists.ts';

export const MappingRef = builder.prismaNode('Mapping', {
  description: 'A Teams user and the SMS-enabled number that is theirs.',
  id: { field: 'sid' },
  interfaces: [ProvisionedInterface],
  findUnique: (sid, { caller }) => ({ sid, ...belonging(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'BE and 32 hex digits.' }),
    name: t.exposeString('name', { description: 'The name for people; the Microsoft address where none was given.' }),
    microsoftAddress: t.exposeString('microsoftAddress', { description: 'The Teams user. One may have several numbers.' }),
    externalAddress: t.exposeString('externalAddress', {
      description: 'The number as it was given. It is mapped once in the whole system.',
    }),
    operational: t.boolean({
      description: 'Do messages pass? Not while the enterprise is INACTIVE.',
      extensions: needs('enterpriseSid'),
      resolve: async (mapping, _args, { loaders }) => isOperational(required(await loaders.enterprise.load(mapping.enterpriseSid))),
    }),
    enterpriseSid: t.exposeID('enterpriseSid', { description: 'The enterprise that it belongs to.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      description: 'The enterprise that it belongs to.',
      extensions: needs('enterpriseSid'),
      resolve: async (mapping, _args, { loaders }) => required(await loaders.enterprise.load(mapping.enterpriseSid)),
    }),
  }),
});

const MappingConnection = builder.connectionObject(
  { type: MappingRef, name: 'MappingConnection', description: 'A page of mappings.' },
  { name: 'MappingEdge', description: 'A mapping in its list.' },
);

const MappingFilterInput = builder.inputType('MappingFilter', {
  description: 'Which mappings. All conditions hold together.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'Of this enterprise.' }),
    name: t.string({ description: 'A part of the name, case ignored, taken literally.' }),
    microsoftAddress: t.string({ description: 'A part of the Microsoft address, case ignored, taken literally.' }),
    externalAddress: t.string({ description: 'A part of the number, taken literally.' }),
    ...createdRange(t),
  }),
});

const MappingOrderInput = builder.inputType('MappingOrder', {
  description: 'The order of mappings. Equal ones are in order of their sid.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('MappingOrderField', {
        description: 'What mappings are ordered by.',
        values: {
          DATE_CREATED: { description: 'Their creation.' },
          NAME: { description: 'Their name, case ignored.' },
          MICROSOFT_ADDRESS: { description: 'Their Microsoft address, case ignored.' },
          EXTERNAL_ADDRESS: { description: 'Their number as it was given.' },
          DOMAIN: { description: 'What follows the @ of their Microsoft address, case ignored.' },
        } as const,
      }),
      required: true,
      description: 'What to order by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'Which way.' }),
  }),
});

builder.prismaObjectFields(EnterpriseRef, (t) => ({
  mappings: t.connection(
    {
      type: MappingRef,
      description: 'Its mappings.',
      extensions: { ...needs(), ...packable },
      args: {
        filter: t.arg({ type: MappingFilterInput, description: 'Which ones.' }),
        orderBy: t.arg({ type: MappingOrderInput, description: 'In which order; by creation where left out.' }),
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
    description: 'How many mappings it has.',
    extensions: needs(),
    resolve: (enterprise, _args, { loaders }) => loaders.mappingCountOf.load(enterprise.sid),
  }),
}));

builder.queryFields((t) => ({
  mapping: t.field({
    type: MappingRef,
    nullable: true,
    description: 'The mapping with this sid, or null where your organization has none.',
    args: { sid: t.arg.id({ required: true, description: 'BE and 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findMapping(gateway, caller, sid),
  }),
  mappings: t.connection(
    {
      type: MappingRef,
      description: 'Your mappings.',
      extensions: packable,
      args: {
        filter: t.arg({ type: MappingFilterInput, description: 'Which ones.' }),
        orderBy: t.arg({ type: MappingOrderInput, description: 'In which order; by creation where left out.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listMappings(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    MappingConnection,
  ),
}));

const CreateMappingInput = builder.inputType('CreateMappingInput', {
  description: 'A new mapping. Its number is SMS-enabled on the Restcomm platform.',
  fields: (t) => ({
    name: t.string({ description: 'The name for people; the Microsoft address where left out.' }),
    microsoftAddress: t.string({ required: true, description: "The Teams user, of the tenant that the enterprise's bot belongs to." }),
    externalAddress: t.string({ required: true, description: '3 to 18 digits with an optional leading +.' }),
    enterpriseSid: t.id({ required: true, description: 'The enterprise that gets it.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateMappingInput = builder.inputType('UpdateMappingInput', {
  description: 'A change of a mapping. What is left out stays.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'BE and 32 hex digits.' }),
    name: t.string({ description: 'The new name; a blank one becomes the Microsoft address.' }),
    microsoftAddress: t.string({ description: 'Another Teams user.' }),
    externalAddress: t.string({ description: 'Another number. The old one is released.' }),
    enterpriseSid: t.id({ description: 'The enterprise that it moves to.' }),
    ...idempotencyKey(t),
  }),
});

const DeleteMappingInput = builder.inputType('DeleteMappingInput', {
  description: 'A mapping to delete.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'BE and 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  createMapping: t.field({
    type: MappingRef,
    description: 'Maps a Teams user to a number and SMS-enables the number.',
    errors: resultUnion('CreateMappingResult', 'new mapping'),
    args: { input: t.arg({ type: CreateMappingInput, required: true, description: 'The new mapping.' }) },
    resolve: (_root, { input }, { gateway, caller }) => createMapping(gateway, caller, input),
  }),
  updateMapping: t.field({
    type: MappingRef,
    description: 'Changes a mapping.',
    errors: resultUnion('UpdateMappingResult', 'changed mapping'),
    args: { input: t.arg({ type: UpdateMappingInput, required: true, description: 'The change.' }) },
    resolve: (_root, { input }, { gateway, caller }) => updateMapping(gateway, caller, input),
  }),
  deleteMapping: t.field({
    type: MappingRef,
    description: 'Deletes a mapping and releases its number. Its messages stay. Answers the mapping as it was.',
    errors: resultUnion('DeleteMappingResult', 'deleted mapping'),
    args: { input: t.arg({ type: DeleteMappingInput, required: true, description: 'The mapping.' }) },
    resolve: (_root, { input }, { gateway, caller }) => deleteMapping(gateway, caller, input),
  }),
}));
