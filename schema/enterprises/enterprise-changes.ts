import type { Enterprise } from '../../prisma/client/client.ts';
import { closeEnterprise, createEnterprise, enterpriseEdge, updateEnterprise } from '../../src/domain/enterprises/enterprises.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { EnterpriseEdge, EnterpriseRef, OpenEnterpriseStatusEnum } from './enterprise.ts';

const EnterpriseAdminInput = builder.inputType('EnterpriseAdminInput', {
  description: 'The administrator of a new enterprise, who gets an account on the Restcomm platform.',
  fields: (t) => ({
    email: t.string({
      required: true,
      description: 'The e-mail address, at most 320 characters. If the platform already has an account for it, that account is linked.',
    }),
    password: t.string({
      required: true,
      description:
        'The password for the platform and the gateway, at most 1024 characters, taken as it is. Ignored if an account is linked, which keeps its own.',
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
    status: t.field({ type: OpenEnterpriseStatusEnum, description: 'The initial status. Defaults to `ACTIVE`.' }),
    enterpriseAdmin: t.field({ type: EnterpriseAdminInput, required: true, description: 'The administrator of the enterprise.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateEnterpriseAdminInput = builder.inputType('UpdateEnterpriseAdminInput', {
  description:
    "Changes to an enterprise's administrator. Fields that are left out keep their value. `resetAdminPassword` changes the password.",
  fields: (t) => ({
    email: t.string({
      description:
        'The new e-mail address, at most 320 characters. Another address has another account on the platform: its own, which is linked, or a new one. The streams and access tokens of the administrator end.',
    }),
    name: t.string({ description: 'The new display name, at most 255 characters. Must not be blank.' }),
  }),
});

const UpdateEnterpriseInput = builder.inputType('UpdateEnterpriseInput', {
  description: 'Changes to an enterprise. Fields that are left out keep their value.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the enterprise: `EN` followed by 32 hex digits.' }),
    name: t.string({ description: 'The new name, with the limits of `CreateEnterpriseInput`. Must not be blank.' }),
    status: t.field({
      type: OpenEnterpriseStatusEnum,
      description: "The new status. Not available to the enterprise's admin.",
    }),
    enterpriseAdmin: t.field({
      type: UpdateEnterpriseAdminInput,
      description: "Changes to the enterprise's administrator. Not available to the administrator itself, nor to access tokens.",
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

const CreateEnterpriseSuccessRef = builder.objectRef<{ enterprise: Enterprise }>('CreateEnterpriseSuccess').implement({
  description: 'The success of `createEnterprise`.',
  fields: (t) => ({
    enterprise: t.expose('enterprise', { type: EnterpriseRef, description: 'The new enterprise.' }),
    enterpriseEdge: t.field({
      type: EnterpriseEdge,
      description: 'The enterprise with its cursor in the default order of lists, for caches that add it to one.',
      resolve: ({ enterprise }) => enterpriseEdge(enterprise),
    }),
  }),
});

const UpdateEnterpriseSuccessRef = builder.objectRef<{ enterprise: Enterprise }>('UpdateEnterpriseSuccess').implement({
  description: 'The success of `updateEnterprise`.',
  fields: (t) => ({
    enterprise: t.expose('enterprise', { type: EnterpriseRef, description: 'The updated enterprise.' }),
  }),
});

const CloseEnterpriseSuccessRef = builder.objectRef<{ enterprise: Enterprise }>('CloseEnterpriseSuccess').implement({
  description: 'The success of `closeEnterprise`.',
  fields: (t) => ({
    enterprise: t.expose('enterprise', { type: EnterpriseRef, description: 'The closed enterprise.' }),
  }),
});

builder.mutationFields((t) => ({
  createEnterprise: t.field({
    type: CreateEnterpriseSuccessRef,
    nullable: true,
    description:
      "Creates an enterprise and its admin's account on the Restcomm platform. Needs credentials that are not restricted to an enterprise.",
    authScopes: { wholeOrganization: true },
    errors: resultUnion('CreateEnterpriseResult', 'new enterprise', ['ENTERPRISE_NAME_NOT_UNIQUE', 'EMAIL_NOT_UNIQUE', 'PLATFORM_ERROR']),
    args: { input: t.arg({ type: CreateEnterpriseInput, required: true, description: 'The enterprise to create.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ enterprise: await createEnterprise(gateway, caller, input) }),
  }),
  updateEnterprise: t.field({
    type: UpdateEnterpriseSuccessRef,
    nullable: true,
    description:
      "Renames, activates or deactivates an enterprise, and changes its admin's name or e-mail address. The admin's account on the Restcomm platform follows.",
    // Naming the admin gives access, which an access token may not do, as with resetAdminPassword.
    authScopes: (_root, { input }) => {
      if (input.enterpriseAdmin != null) return { $all: { provider: true, ownCredentials: true } };
      return input.status == null || { provider: true };
    },
    errors: resultUnion('UpdateEnterpriseResult', 'updated enterprise', [
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'ENTERPRISE_NAME_NOT_UNIQUE',
      'EMAIL_NOT_UNIQUE',
      'PLATFORM_ERROR',
    ]),
    args: { input: t.arg({ type: UpdateEnterpriseInput, required: true, description: 'The enterprise to update and its new values.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ enterprise: await updateEnterprise(gateway, caller, input) }),
  }),
  closeEnterprise: t.field({
    type: CloseEnterpriseSuccessRef,
    nullable: true,
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
    resolve: async (_root, { input }, { gateway, caller }) => ({ enterprise: await closeEnterprise(gateway, caller, input) }),
  }),
}));
