import type { EnterpriseStatus } from '../../../prisma/client/client.ts';
import { ACCOUNT_CLOSED, ConflictError, PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { hashPassword } from '../passwords.ts';
import { fold } from '../text.ts';
import { mayWaitForPlatform, type Transaction } from '../transaction.ts';
import { differs } from './changes.ts';

export const emailNotUnique = (email: string) =>
  new ConflictError('EMAIL_NOT_UNIQUE', 'Email not unique', { value: email, path: ['enterpriseAdmin', 'email'] });

/**
 * Refuses an e-mail address that belongs to the admin of another open enterprise of the organization. The unique index decides.
 * @throws ConflictError EMAIL_NOT_UNIQUE (4001)
 */
export async function refuseTakenEmail(
  client: Pick<Transaction, 'enterpriseAdmin'>,
  organizationSid: string,
  email: string,
): Promise<void> {
  const taken = await client.enterpriseAdmin.findFirst({
    where: { organizationSid, emailFolded: fold(email), status: { not: 'CLOSED' } },
    select: { sid: true },
  });
  if (taken) throw emailNotUnique(email);
}

/**
 * Creates the admin's sub-account on the platform, or links the account that the e-mail address already has there. A linked account keeps its password;
 * the given one may be another, so none is stored here. One that the gateway has closed has no use on the platform: then the given password is the
 * gateway's own.
 * @returns the columns of enterprise_admin
 * @throws PlatformError (452)
 */
export async function createAdminAccount(
  { restcomm, prisma }: Gateway,
  admin: { email: string; password: string; name: string | undefined },
) {
  const account = await restcomm.createSubAccount({
    email: admin.email,
    password: admin.password,
    friendlyName: admin.name ?? admin.email,
  });
  return {
    accountSid: account.sid,
    email: admin.email,
    emailFolded: fold(admin.email),
    name: admin.name ?? null,
    accountCreated: !account.existed,
    passwordHash: account.existed && !(await isClosedHere(prisma, account.sid)) ? null : await hashPassword(admin.password),
  };
}

/**
 * Gives an admin, and its account on the platform, the status of its enterprise (teams-sms-api.txt, Business Customer Status). CLOSED is final on the
 * platform, so it comes last in the transaction: its refusal rolls everything back.
 * @throws PlatformError (452)
 */
export async function setAdminStatus(gateway: Gateway, tx: Transaction, enterpriseSid: string, status: EnterpriseStatus): Promise<void> {
  const admin = await tx.enterpriseAdmin.findUniqueOrThrow({ where: { enterpriseSid } });
  const change = { status: status === 'INACTIVE' ? 'SUSPENDED' : status } as const;
  if (differs(admin, change)) await tx.enterpriseAdmin.update({ where: { enterpriseSid }, data: { ...change, dateUpdated: new Date() } });
  const neededStatus = await statusForOthers(tx, admin);
  if (neededStatus === 'ACTIVE' && status !== 'ACTIVE') return;
  await mayWaitForPlatform(tx);
  try {
    await gateway.restcomm.setAccountStatus(admin.accountSid, status === 'CLOSED' ? (neededStatus ?? status) : status);
  } catch (error) {
    const isClosed = error instanceof PlatformError && error.cause === ACCOUNT_CLOSED;
    if (!isClosed || !(await isClosedHere(tx, admin.accountSid))) throw error;
  }
}

/** Whether the gateway may have closed an account: it was the admin's of an enterprise that is CLOSED. */
async function isClosedHere(client: Pick<Transaction, 'enterpriseAdmin'>, accountSid: string): Promise<boolean> {
  return (await client.enterpriseAdmin.count({ where: { accountSid, status: 'CLOSED' } })) > 0;
}

/**
 * The status that other users of an admin's account need it to have. A linked account may also be a provider's own, or another enterprise's admin's, and
 * is not suspended or closed while one of them uses it.
 * @returns `undefined` where nobody else uses it
 */
export async function statusForOthers(
  tx: Transaction,
  admin: { accountSid: string; sid: string },
): Promise<'ACTIVE' | 'INACTIVE' | undefined> {
  const provider = await tx.account.count({ where: { sid: admin.accountSid, status: { not: 'CLOSED' } } });
  if (provider > 0) return 'ACTIVE';
  const others = await tx.enterpriseAdmin.findMany({
    where: { accountSid: admin.accountSid, sid: { not: admin.sid }, status: { not: 'CLOSED' } },
    select: { status: true },
  });
  if (others.length === 0) return undefined;
  return others.some(({ status }) => status === 'ACTIVE') ? 'ACTIVE' : 'INACTIVE';
}
