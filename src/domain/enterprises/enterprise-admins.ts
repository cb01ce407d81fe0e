import type { EnterpriseStatus } from '../../../prisma/client/client.ts';
import { ACCOUNT_CLOSED, ConflictError, PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { hashPassword } from '../passwords.ts';
import { mayWaitForPlatform, type Transaction } from '../transaction.ts';
import { fold } from '../values/text.ts';
import { differs } from './changes.ts';
import { forgetAnnounced, recordFormerAccount, takeFormerAccount, wasCreatedFor } from './former-accounts.ts';

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

/** An account that was created or linked on the platform. */
export interface AdminAccount {
  readonly accountSid: string;
  /** Whether the gateway created it for this organization, now or before. */
  readonly accountCreated: boolean;
  /** Whether it was there before this request. */
  readonly existed: boolean;
}

/**
 * Creates an admin's sub-account on the platform, or links the account that the e-mail address already has there.
 * @throws PlatformError (452)
 */
export async function createAdminAccount(
  { restcomm }: Pick<Gateway, 'restcomm'>,
  client: Pick<Transaction, 'enterpriseAdmin' | 'formerAdminAccount'>,
  organizationSid: string,
  admin: { email: string; password: string; name: string | undefined },
): Promise<AdminAccount> {
  const { email, password, name } = admin;
  const { sid: accountSid, existed } = await restcomm.createSubAccount({ email, password, friendlyName: name ?? email });
  // The platform changes nothing about an account that is closed.
  const isOwn = !existed || ((await wasCreatedFor(client, accountSid, organizationSid)) && !(await isClosedHere(client, accountSid)));
  return { accountSid, existed, accountCreated: isOwn };
}

/**
 * Returns the columns of enterprise_admin for a new admin. A linked account keeps its password; the given one may be another, so none is stored here.
 * One that the gateway has closed has no use on the platform: then the given password is the gateway's own.
 */
export async function newAdmin(
  { prisma }: Gateway,
  { accountSid, accountCreated, existed }: AdminAccount,
  { email, password, name }: { email: string; password: string; name: string | undefined },
) {
  const isLinked = existed && !(await isClosedHere(prisma, accountSid));
  const passwordHash = isLinked ? null : await hashPassword(password);
  return { accountSid, email, emailFolded: fold(email), name: name ?? null, accountCreated, passwordHash };
}

interface FailedRequest {
  readonly error: unknown;
  /** The account that the platform has told, if it has. */
  readonly account: AdminAccount | undefined;
  /** What `announceAccount` returned. */
  readonly announced: string | undefined;
}

/**
 * Records an account that was created for an admin who did not get it, because the request failed. The repeated request then knows it as its own, and it
 * is no provider's. One whose creation the platform has refused, or not answered, stays announced. A failure is only logged: the request has one already.
 */
export async function keepUnusedAccount(
  { prisma, log }: Gateway,
  organizationSid: string,
  { error: failure, account, announced }: FailedRequest,
): Promise<void> {
  try {
    if (account?.existed === false) {
      await recordFormerAccount(prisma, { accountSid: account.accountSid, organizationSid, created: true, suspended: false });
    } else if (account || !(failure instanceof PlatformError)) await forgetAnnounced(prisma, announced);
  } catch (error) {
    const accountSid = account?.accountSid ?? announced;
    log.error({ err: error, accountSid }, 'cannot record an account that was created on Restcomm for a request that failed');
  }
}

/**
 * Gives the account that an admin was linked to the status of its enterprise. It is activated only if the gateway has suspended it: what the platform's
 * operator suspended stays so.
 * @throws PlatformError (452)
 */
export async function takeAccount(
  gateway: Gateway,
  tx: Transaction,
  admin: { accountSid: string; sid: string; enterpriseSid: string },
  status: EnterpriseStatus,
): Promise<void> {
  const wasSuspended = (await takeFormerAccount(tx, admin.accountSid)) || (await statusForOthers(tx, admin)) === 'INACTIVE';
  if (status === 'INACTIVE' || wasSuspended) await setAdminStatus(gateway, tx, admin.enterpriseSid, status);
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
