import type { EnterpriseAdmin } from '../../../prisma/client/client.ts';
import type { Transaction } from '../transaction.ts';

/** The user of Microsoft Entra that an admin is linked with (src/domain/access/microsoft-users.ts), as columns of enterprise_admin. */
type LinkedUser = Pick<EnterpriseAdmin, 'microsoftTenantId' | 'microsoftObjectId' | 'dateMicrosoftLinked'>;

/**
 * The columns of an admin without a linked user. A trigger of the database sets them where the password or the e-mail address changes, so that it is so
 * whichever version changes it.
 */
export const NO_LINK: LinkedUser = { microsoftTenantId: null, microsoftObjectId: null, dateMicrosoftLinked: null };

/**
 * Changes the linked user. Revokes the access tokens that the former user may have created.
 * @param keptToken the sid of the one that is kept
 */
export async function setLink(
  tx: Transaction,
  { sid, microsoftObjectId }: Pick<EnterpriseAdmin, 'sid' | 'microsoftObjectId'>,
  link: LinkedUser,
  keptToken = '',
): Promise<void> {
  const now = new Date();
  await tx.enterpriseAdmin.update({ where: { sid }, data: { ...link, dateUpdated: now } });
  if (microsoftObjectId === null) return;
  await tx.accessToken.updateMany({ where: { adminSid: sid, dateRevoked: null, sid: { not: keptToken } }, data: { dateRevoked: now } });
}
