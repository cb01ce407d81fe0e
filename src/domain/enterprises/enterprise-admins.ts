import type { EnterpriseStatus } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { ConflictError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { hashPassword } from '../passwords.ts';
import { fold } from '../text.ts';
import type { Transaction } from '../transaction.ts';

export const emailNotUnique = (email: string) =>
  new ConflictError('EMAIL_NOT_UNIQUE', 'Email not unique', { value: email, path: ['enterpriseAdmin', 'emailId'] });

/** @throws ConflictError EMAIL_NOT_UNIQUE (4001): the e-mail is the admin of another enterprise of this organization, a CLOSED one included. */
export async function refuseTakenEmail({ prisma }: Gateway, caller: Caller, email: string): Promise<void> {
  const taken = await prisma.enterpriseAdmin.findFirst({
    where: { organizationSid: caller.organizationSid, emailFolded: fold(email) },
    select: { sid: true },
  });
  if (taken) throw emailNotUnique(email);
}

/**
 * Makes the admin's sub-account on the platform, or links the one that the e-mail has there: its password stays, and since the given
 * one may be wrong, none is kept.
 * @returns the columns of enterprise_admin that come of it
 */
export async function createAdminAccount({ restcomm }: Gateway, admin: { emailId: string; password: string; name: string | undefined }) {
  const account = await restcomm.createSubAccount({
    email: admin.emailId,
    password: admin.password,
    friendlyName: admin.name ?? admin.emailId,
  });
  return {
    accountSid: account.sid,
    email: admin.emailId,
    emailFolded: fold(admin.emailId),
    name: admin.name ?? null,
    passwordHash: account.existed ? null : await hashPassword(admin.password),
  };
}

/**
 * The admin follows its enterprise (teams-sms-api.txt, Business Customer Status). The platform's part comes last, so that its refusal takes
 * everything back; CLOSED is final there.
 */
export async function setAdminStatus(gateway: Gateway, tx: Transaction, enterpriseSid: string, status: EnterpriseStatus): Promise<void> {
  const admin = await tx.enterpriseAdmin.update({
    where: { enterpriseSid },
    data: { status: status === 'INACTIVE' ? 'SUSPENDED' : status, dateUpdated: new Date() },
  });
  const shared = await statusForOthers(tx, admin);
  if (shared === 'ACTIVE' && status !== 'ACTIVE') return;
  await gateway.restcomm.setAccountStatus(admin.accountSid, status === 'CLOSED' ? (shared ?? status) : status);
}

/**
 * A linked account may serve others too: a provider's own account, or another organization's admin. Nobody suspends or closes an account
 * that somebody else here still uses.
 * @returns what the others need the account to be, `undefined` where there are none
 */
async function statusForOthers(tx: Transaction, admin: { accountSid: string; sid: string }): Promise<'ACTIVE' | 'INACTIVE' | undefined> {
  const provider = await tx.account.count({ where: { sid: admin.accountSid, status: { not: 'CLOSED' } } });
  if (provider > 0) return 'ACTIVE';
  const others = await tx.enterpriseAdmin.findMany({
    where: { accountSid: admin.accountSid, sid: { not: admin.sid }, status: { not: 'CLOSED' } },
    select: { status: true },
  });
  if (others.length === 0) return undefined;
  return others.some(({ status }) => status === 'ACTIVE') ? 'ACTIVE' : 'INACTIVE';
}
