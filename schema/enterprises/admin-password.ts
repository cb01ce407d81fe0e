import type { Enterprise } from '../../prisma/client/client.ts';
import { resetAdminPassword } from '../../src/domain/enterprises/admin-changes.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { EnterpriseRef } from './enterprise.ts';

const ResetAdminPasswordInput = builder.inputType('ResetAdminPasswordInput', {
  description: "A new password for an enterprise's administrator.",
  fields: (t) => ({
    enterpriseSid: t.id({ required: true, description: 'The sid of the enterprise: `EN` followed by 32 hex digits.' }),
    password: t.string({ required: true, description: 'The new password, at most 1024 characters, taken as it is.' }),
    ...idempotencyKey(t),
  }),
});

const ResetAdminPasswordSuccessRef = builder.objectRef<{ enterprise: Enterprise }>('ResetAdminPasswordSuccess').implement({
  description: 'The success of `resetAdminPassword`.',
  fields: (t) => ({
    enterprise: t.expose('enterprise', { type: EnterpriseRef, description: 'The enterprise whose administrator has the new password.' }),
  }),
});

builder.mutationField('resetAdminPassword', (t) =>
  t.field({
    type: ResetAdminPasswordSuccessRef,
    nullable: true,
    description:
      "Gives an enterprise's admin another password, and ends its streams and access tokens. Its account on the Restcomm platform gets the password, too, unless it was there before the enterprise or somebody else uses it. Needs the provider's own credentials, not an access token.",
    authScopes: { $all: { provider: true, ownCredentials: true } },
    errors: resultUnion('ResetAdminPasswordResult', 'enterprise', ['ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'PLATFORM_ERROR']),
    args: { input: t.arg({ type: ResetAdminPasswordInput, required: true, description: 'The enterprise, and the new password.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ enterprise: await resetAdminPassword(gateway, caller, input) }),
  }),
);
