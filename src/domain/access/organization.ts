import * as z from 'zod';
import type { Organization } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { differs } from '../enterprises/changes.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { changed, changedOrEmptied, type Keyed, parseInput } from '../input.ts';
import { inTransaction } from '../transaction.ts';

/**
 * What an organization can opt in to.
 * - `admin-import`: enterprises' admins may import mappings
 * - `admin-export`: enterprises' admins may download their enterprise's data
 */
export const organizationFeatures = ['admin-import', 'admin-export'] as const;
export type OrganizationFeature = (typeof organizationFeatures)[number];

/** The longest logo, in characters: an image of 48 kB as base64. */
export const MAX_LOGO_LENGTH = 65_536;

const updateInput = z.object({
  name: changed().refine((text) => !text || !/\p{Cc}/u.test(text), 'must not contain control characters'),
  displayName: changedOrEmptied().refine((text) => !text || !/\p{Cc}/u.test(text), 'must not contain control characters'),
  accentColor: changedOrEmptied()
    .refine((text) => !text || /^#[0-9a-f]{6}$/i.test(text), 'must be # and six hex digits')
    .transform((text) => text?.toLowerCase()),
  logo: changedOrEmptied(MAX_LOGO_LENGTH).refine(
    (text) => !text || isLogo(text),
    'must be an https: URL or a base64 data: URL of an image',
  ),
  features: z.array(z.enum(organizationFeatures)).nullish(),
});
type UpdateOrganizationInput = z.input<typeof updateInput> & Keyed;

/** Reads the features that an organization has opted in to; values that this gateway does not know are ignored. */
export const featuresOf = ({ features }: Pick<Organization, 'features'>): OrganizationFeature[] =>
  organizationFeatures.filter((feature) => features.includes(feature));

/** Whether the caller may use a feature: a provider always, an enterprise's admin if the organization has opted in. */
export async function mayUse({ prisma }: Pick<Gateway, 'prisma'>, caller: Caller, feature: OrganizationFeature): Promise<boolean> {
  if (!caller.adminSid) return true;
  return featuresOf(await prisma.organization.findUniqueOrThrow({ where: { sid: caller.organizationSid } })).includes(feature);
}

/**
 * Changes the settings of the caller's organization. A blank display name, colour or logo removes it.
 * @throws InvalidInputError
 */
export function updateOrganization(gateway: Gateway, caller: Caller, input: UpdateOrganizationInput): Promise<Organization> {
  return idempotently(gateway, caller, 'updateOrganization', input, async (remember) => {
    const { name, displayName, accentColor, logo, features } = parseInput(updateInput, input);
    const sid = caller.organizationSid;
    return inTransaction(gateway.prisma, async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM organization WHERE sid = ${sid} FOR NO KEY UPDATE`;
      const before = await tx.organization.findUniqueOrThrow({ where: { sid } });
      const shown = { name, displayName: emptied(displayName), accentColor: emptied(accentColor), logo: emptied(logo) };
      const chosen = features ? organizationFeatures.filter((feature) => features.includes(feature)) : featuresOf(before);
      const isChanged = differs(before, shown) || chosen.join() !== featuresOf(before).join();
      const data = { ...shown, ...(features && { features: chosen }), dateUpdated: new Date() };
      const organization = isChanged ? await tx.organization.update({ where: { sid }, data }) : before;
      await remember(tx, organization, { changed: isChanged });
      return organization;
    });
  });
}

/** An emptied text is stored as NULL; `undefined` leaves the stored one. */
const emptied = (text: string | undefined) => (text === '' ? null : text);

function isLogo(text: string): boolean {
  if (/^data:image\/(png|jpeg|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$/.test(text)) return true;
  if (!URL.canParse(text) || text.length > 2048) return false;
  const { protocol, username, password } = new URL(text);
  return protocol === 'https:' && !username && !password;
}
