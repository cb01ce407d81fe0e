import { hash } from 'node:crypto';
import type { Enterprise, EnterpriseAdmin } from '../../../prisma/client/client.ts';
import type { Credentials, Permission } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import { verifyInTurn } from '../passwords.ts';
import { isSid } from '../values/sid.ts';
import { fold, isEmail, MAX_EMAIL_LENGTH } from '../values/text.ts';

/** The permissions of an enterprise's admin, within its enterprise. */
export const ADMIN_PERMISSIONS: readonly Permission[] = ['read', 'write'];

/** The part of an admin's enterprise that credentialsOfAdmin needs, as Prisma's `include`. */
export const WITH_ENTERPRISE = { enterprise: { select: { accountSid: true } } } as const;

type Admin = EnterpriseAdmin & { enterprise: Pick<Enterprise, 'accountSid'> };

/** Of so many admins with one e-mail address the password is compared, those of the oldest: each comparison takes about 80 ms. */
const MAX_NAMESAKES = 4;

/** Whether a user name can be an admin's: its sid, or an e-mail address. */
export const isAdminName = (name: string): boolean => isSid('RCS', name) || (name.length <= MAX_EMAIL_LENGTH && isEmail(name));

/**
 * Authenticates an enterprise's admin, by its sid, or by its e-mail address: where admins of several providers have that, the password tells which one is
 * meant. An unknown name, and an admin whose password only Restcomm knows, cost the same work as a wrong password and have the same result.
 * @param origin the source of the attempt, as in Queue.run
 * @returns the admin's credentials; `INACTIVE` for the right password of an admin who is SUSPENDED or CLOSED; `undefined` for anything else
 * @throws QueueFullError
 */
export async function authenticateAdmin(
  { prisma }: Pick<Gateway, 'prisma'>,
  name: string,
  password: string,
  origin?: string,
): Promise<Credentials | 'INACTIVE' | undefined> {
  if (!isAdminName(name)) return undefined;
  const find = () =>
    prisma.enterpriseAdmin.findMany({
      where: isSid('RCS', name) ? { sid: name } : { emailFolded: fold(name), passwordHash: { not: null }, status: { not: 'CLOSED' } },
      include: WITH_ENTERPRISE,
      orderBy: [{ dateCreated: 'asc' }, { sid: 'asc' }],
      take: MAX_NAMESAKES,
    });
  const admin = await verifyInTurn(password, find, origin);
  return admin && credentialsOfAdmin(admin);
}

/**
 * A digest that changes when an admin's password is reset, its account on the platform is replaced, or its link with a user of Microsoft Entra is changed
 * or ended.
 */
export const adminDigest = ({ accountSid, passwordHash, microsoftObjectId }: DigestedAdmin): string =>
  // Without a user, the digest of earlier versions, which links to downloads and imports may have.
  hash('sha256', [accountSid, passwordHash ?? '', ...(microsoftObjectId === null ? [] : [microsoftObjectId])].join(':'), 'base64');

type DigestedAdmin = Pick<EnterpriseAdmin, 'accountSid' | 'passwordHash' | 'microsoftObjectId'>;

/**
 * Returns the credentials of an authenticated admin, restricted to its enterprise.
 * @returns `INACTIVE` unless the admin, whose status follows its enterprise's, is ACTIVE
 */
export function credentialsOfAdmin(admin: Admin): Credentials | 'INACTIVE' {
  if (admin.status !== 'ACTIVE') return 'INACTIVE';
  return {
    organizationSid: admin.organizationSid,
    accountSid: admin.enterprise.accountSid,
    adminSid: admin.sid,
    enterpriseSid: admin.enterpriseSid,
    permissions: new Set(ADMIN_PERMISSIONS),
    credentialDigest: adminDigest(admin),
  };
}
