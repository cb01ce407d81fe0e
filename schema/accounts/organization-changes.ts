import type { Organization } from '../../prisma/client/client.ts';
import { MAX_LOGO_LENGTH, updateOrganization } from '../../src/domain/access/organization.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { OrganizationFeatureEnum, OrganizationRef, required } from './account.ts';

builder.queryField('organization', (t) =>
  t.field({
    type: OrganizationRef,
    description: "The caller's organization, with its settings for the console.",
    resolve: async (_root, _args, { caller, loaders }) => required(await loaders.organization.load(caller.organizationSid)),
  }),
);

const UpdateOrganizationInput = builder.inputType('UpdateOrganizationInput', {
  description: "Changes to the caller's organization. Fields that are left out keep their value.",
  fields: (t) => ({
    name: t.string({ description: 'The new name, at most 255 characters; a blank one is refused.' }),
    displayName: t.string({ description: 'The name at the top of the console, at most 255 characters. If blank, it is removed.' }),
    accentColor: t.string({
      description: "The colour of the line below the console's header: `#` and six hex digits. If blank, it is removed.",
    }),
    logo: t.string({
      description: `The logo: an \`https:\` URL of at most 2048 characters, or a PNG, JPEG, WebP or SVG image as a base64 \`data:\` URL of at most ${MAX_LOGO_LENGTH} characters, which the console needs. If blank, it is removed.`,
    }),
    features: t.field({ type: [OrganizationFeatureEnum], description: 'All features to opt in to; the others are opted out of.' }),
    ...idempotencyKey(t),
  }),
});

const UpdateOrganizationSuccessRef = builder.objectRef<{ organization: Organization }>('UpdateOrganizationSuccess').implement({
  description: 'The success of `updateOrganization`.',
  fields: (t) => ({
    organization: t.expose('organization', { type: OrganizationRef, description: 'The updated organization.' }),
  }),
});

builder.mutationField('updateOrganization', (t) =>
  t.field({
    type: UpdateOrganizationSuccessRef,
    nullable: true,
    description:
      "Changes the organization's name, its branding and its features. Needs a provider's credentials that are not restricted to an enterprise.",
    authScopes: { $all: { provider: true, wholeOrganization: true } },
    errors: resultUnion('UpdateOrganizationResult', 'updated organization', []),
    args: { input: t.arg({ type: UpdateOrganizationInput, required: true, description: 'The new values.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ organization: await updateOrganization(gateway, caller, input) }),
  }),
);
