import { type LinkedAdmin, linkMicrosoftUser, unlinkMicrosoftUser } from '../../src/domain/access/microsoft-users.ts';
import { required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { EnterpriseAdminRef } from '../enterprises/enterprise.ts';
import { endedCredentials, resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';

const successOf = (mutation: 'link' | 'unlink', description: string) => {
  const name = mutation === 'link' ? ('LinkMicrosoftUserSuccess' as const) : ('UnlinkMicrosoftUserSuccess' as const);
  return builder.objectRef<LinkedAdmin>(name).implement({
    description: `The success of \`${mutation}MicrosoftUser\`.`,
    fields: (t) => ({
      admin: t.field({
        type: EnterpriseAdminRef,
        description,
        resolve: async ({ enterpriseSid }, _args, { loaders }) => required(await loaders.adminOf.load(enterpriseSid)),
      }),
    }),
  });
};
const LinkMicrosoftUserSuccessRef = successOf('link', 'The admin, which is now linked with the user of the token.');
const UnlinkMicrosoftUserSuccessRef = successOf('unlink', 'The admin, which is no longer linked with a user.');

const LinkMicrosoftUserInput = builder.inputType('LinkMicrosoftUserInput', {
  description: 'The user of Microsoft Entra to link with the calling admin.',
  fields: (t) => ({
    token: t.string({
      required: true,
      description:
        "The token that `authentication.getAuthToken` of `@microsoft/teams-js` returns in the tab of the bot's app: from Microsoft Entra, for the bot's application and tenant, with the scope `access_as_user`.",
    }),
    ...idempotencyKey(t),
  }),
});

const UnlinkMicrosoftUserInput = builder.inputType('UnlinkMicrosoftUserInput', {
  description: 'The enterprise whose admin to unlink from its user of Microsoft Entra.',
  fields: (t) => ({
    enterpriseSid: t.id({ required: true, description: 'The sid of the enterprise: `EN` followed by 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  linkMicrosoftUser: t.field({
    type: LinkMicrosoftUserSuccessRef,
    nullable: true,
    description:
      "Links the calling admin of an enterprise with a user of Microsoft Entra, and replaces an existing link. From then on, the user's tokens for the bot's application are credentials of the admin: `Authorization: Bearer <token>`. Needs the admin's password as credentials. A change of the admin's password or e-mail address ends the link.",
    authScopes: { $all: { permission: 'write', adminPassword: true } },
    errors: resultUnion('LinkMicrosoftUserResult', 'linked admin', ['PLATFORM_ERROR']),
    args: { input: t.arg({ type: LinkMicrosoftUserInput, required: true, description: 'The user of Microsoft Entra.' }) },
    resolve: (_root, { input }, { gateway, caller }) => linkMicrosoftUser(gateway, caller, input).catch(endedCredentials),
  }),
  unlinkMicrosoftUser: t.field({
    type: UnlinkMicrosoftUserSuccessRef,
    nullable: true,
    description:
      "Ends the link of an enterprise's admin with a user of Microsoft Entra, and revokes the admin's access tokens, except the caller's own. Does nothing if there is no link.",
    errors: resultUnion('UnlinkMicrosoftUserResult', 'unlinked admin', ['ENTERPRISE_NOT_FOUND']),
    args: { input: t.arg({ type: UnlinkMicrosoftUserInput, required: true, description: 'The enterprise.' }) },
    resolve: (_root, { input }, { gateway, caller }) => unlinkMicrosoftUser(gateway, caller, input),
  }),
}));
