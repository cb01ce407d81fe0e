import type { Enterprise, EnterpriseAdmin } from '../../../prisma/client/client.ts';
import type { Credentials, Permission } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import { verifyInTurn } from '../passwords.ts';
import { fold } from '../text.ts';

/** What an enterprise's admin may do, within its enterprise. */
export const ADMIN_PERMISSIONS: readonly Permission[] = ['read', 'write'];

/** What of an admin's enterprise its credentials say. */
export const ofEnterprise = { enterprise: { select: { accountSid: true } } } as const;

type Admin = EnterpriseAdmin & { enterprise: Pick<Enterprise, 'accountSid'> };

/** Can this be the name of an admin: its sid, or an e-mail address? */
export const isAdminName = (name: string): boolean =>
  isAdminSid(name) || (name.length <= 320 && /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(name));

const isAdminSid = (name: string) => /^RCS[0-9a-f]{32}$/.test(name);

/**
 * Whose credentials these are: of an enterprise's admin, by its sid, or by its e-mail where one admin alone has it. An unknown name costs the same
 * work as a wrong password, and is not told apart from it; neither is an admin whose password is Restcomm's to know.
 * @param origin who asks, as Queue.run has it
 * @returns `INACTIVE` for the right password of an admin who is SUSPENDED or CLOSED, `undefined` for anything else that is not valid
 * @throws QueueFullError
 */
export async function authenticateAdmin(
  { prisma }: Pick<Gateway, 'prisma'>,
  name: string,
  password: string,
  origin?: string,
): Promise<Credentials | 'INACTIVE' | undefined> {
  if (!isAdminName(name)) return undefined;
  const find = async () => {
    const found = await prisma.enterpriseAdmin.findMany({
      where: isAdminSid(name) ? { sid: name } : { emailFolded: fold(name), passwordHash: { not: null }, status: { not: 'CLOSED' } },
      include: ofEnterprise,
      take: 2,
    });
    return found.length === 1 ? found[0] : undefined;
  };
  const admin = await verifyInTurn(password, find, origin);
  return admin && credentialsOfAdmin(admin);
}

/** What an admin who proved to be it may do. Its status follows its enterprise's. */
export function credentialsOfAdmin(admin: Admin): Credentials | 'INACTIVE' {
  if (admin.status !== 'ACTIVE') return 'INACTIVE';
  return {
    organizationSid: admin.organizationSid,
    accountSid: admin.enterprise.accountSid,
    adminSid: admin.sid,
    enterpriseSid: admin.enterpriseSid,
    permissions: new Set(ADMIN_PERMISSIONS),
  };
}
