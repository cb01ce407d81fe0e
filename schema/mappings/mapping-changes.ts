import type { Mapping } from '../../prisma/client/client.ts';
import { deleteMapping, updateMapping } from '../../src/domain/mappings/mapping-changes.ts';
import { mappingEdge } from '../../src/domain/mappings/mappings.ts';
import { createMapping } from '../../src/domain/mappings/new-mappings.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { MappingEdge, MappingRef } from './mapping.ts';

const CreateMappingInput = builder.inputType('CreateMappingInput', {
  description: 'A mapping to create.',
  fields: (t) => ({
    name: t.string({ description: 'The display name, at most 255 characters. Defaults to the Microsoft address.' }),
    microsoftAddress: t.string({
      required: true,
      description:
        "The Teams user, at most 320 characters: a user principal name, e.g. `anna@kohl.example`, or an object id. If the enterprise has a bot, the user must be enabled in the bot's tenant; otherwise only the format is checked.",
    }),
    externalAddress: t.string({
      required: true,
      description:
        'The phone number: 3 to 18 digits with an optional leading `+`. Spaces, dashes, dots and parentheses between them are kept but make no difference. It must not be mapped yet, in any organization.',
    }),
    enterpriseSid: t.id({ required: true, description: 'The sid of the enterprise that the mapping is for.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateMappingInput = builder.inputType('UpdateMappingInput', {
  description: 'Changes to a mapping. Fields that are left out keep their value; blank ones, except `name`, are refused.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the mapping: `BE` followed by 32 hex digits.' }),
    name: t.string({ description: 'The new display name, at most 255 characters. If blank, the Microsoft address is used.' }),
    microsoftAddress: t.string({
      description:
        'The new Teams user, with the limits of `CreateMappingInput`. The display name stays, even if it was the old Microsoft address.',
    }),
    externalAddress: t.string({
      description: 'The new phone number, with the limits of `CreateMappingInput`. It is enabled for SMS, and the old one is released.',
    }),
    enterpriseSid: t.id({
      description: "The sid of the enterprise to move the mapping to. If that has a bot, the user must be enabled in the bot's tenant.",
    }),
    ...idempotencyKey(t),
  }),
});

const DeleteMappingInput = builder.inputType('DeleteMappingInput', {
  description: 'A mapping to delete.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the mapping: `BE` followed by 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

const CreateMappingSuccessRef = builder.objectRef<{ mapping: Mapping }>('CreateMappingSuccess').implement({
  description: 'The success of `createMapping`.',
  fields: (t) => ({
    mapping: t.expose('mapping', { type: MappingRef, description: 'The new mapping.' }),
    mappingEdge: t.field({
      type: MappingEdge,
      description: 'The mapping with its cursor in the default order of lists, for caches that add it to one.',
      resolve: ({ mapping }) => mappingEdge(mapping),
    }),
  }),
});

const UpdateMappingSuccessRef = builder.objectRef<{ mapping: Mapping }>('UpdateMappingSuccess').implement({
  description: 'The success of `updateMapping`.',
  fields: (t) => ({
    mapping: t.expose('mapping', { type: MappingRef, description: 'The updated mapping.' }),
  }),
});

const DeleteMappingSuccessRef = builder.objectRef<{ mapping: Mapping }>('DeleteMappingSuccess').implement({
  description: 'The success of `deleteMapping`.',
  fields: (t) => ({
    deletedId: t.globalID({
      description: 'The global id that the mapping had, for caches that remove it.',
      resolve: ({ mapping }) => ({ type: MappingRef, id: mapping.sid }),
    }),
    mapping: t.expose('mapping', { type: MappingRef, description: 'The mapping as it was.' }),
  }),
});

builder.mutationFields((t) => ({
  createMapping: t.field({
    type: CreateMappingSuccessRef,
    nullable: true,
    description: 'Assigns a phone number to a Teams user and enables SMS for it on the Restcomm platform.',
    errors: resultUnion('CreateMappingResult', 'new mapping', [
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'EXTERNAL_ADDRESS_NOT_UNIQUE',
      'MICROSOFT_ADDRESS_INVALID',
      'PLATFORM_ERROR',
    ]),
    args: { input: t.arg({ type: CreateMappingInput, required: true, description: 'The mapping to create.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ mapping: await createMapping(gateway, caller, input) }),
  }),
  updateMapping: t.field({
    type: UpdateMappingSuccessRef,
    nullable: true,
    description: 'Updates a mapping: its name, Teams user, phone number or enterprise.',
    errors: resultUnion('UpdateMappingResult', 'updated mapping', [
      'MAPPING_NOT_FOUND',
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'EXTERNAL_ADDRESS_NOT_UNIQUE',
      'MICROSOFT_ADDRESS_INVALID',
      'PLATFORM_ERROR',
    ]),
    args: { input: t.arg({ type: UpdateMappingInput, required: true, description: 'The mapping to update and its new values.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ mapping: await updateMapping(gateway, caller, input) }),
  }),
  deleteMapping: t.field({
    type: DeleteMappingSuccessRef,
    nullable: true,
    description: 'Deletes a mapping, releases its phone number and returns the mapping as it was. Its messages are kept.',
    errors: resultUnion('DeleteMappingResult', 'deleted mapping', ['MAPPING_NOT_FOUND', 'PLATFORM_ERROR']),
    args: { input: t.arg({ type: DeleteMappingInput, required: true, description: 'The mapping to delete.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ mapping: await deleteMapping(gateway, caller, input) }),
  }),
}));
