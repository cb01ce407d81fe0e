import type { EnterpriseAdmin } from '../../../prisma/client/client.ts';

/** The user of Microsoft Entra that an admin is linked with (src/domain/access/microsoft-users.ts), as columns of enterprise_admin. */
export type LinkedUser = Pick<EnterpriseAdmin, 'microsoftTenantId' | 'microsoftObjectId' | 'dateMicrosoftLinked'>;

/** The columns of an admin without a linked user. */
export const NO_LINK: LinkedUser = { microsoftTenantId: null, microsoftObjectId: null, dateMicrosoftLinked: null };
