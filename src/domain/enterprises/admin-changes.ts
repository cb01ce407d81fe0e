import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { Enterprise, EnterpriseAdmin } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { type Keyed, mandatory, mandatorySecret, parseInput } from '../input.ts';
import { hashPassword } from '../passwords.ts';
import { inTransactionWithPlatform, mayWaitForPlatform, type Transaction } from '../transaction.ts';
import { fold } from '../values/text.ts';
import { differs } from './changes.ts';
import { type AdminAccount, createAdminAccount, refuseTakenEmail, statusForOthers, takeAccount } from './enterprise-admins.ts';
import { lockOpenEnterprise, requireOpenEnterprise } from './enterprise-state.ts';
import { recordFormerAccount } from './former-accounts.ts';

// An enterprise's admin, changed after its creation. The platform identifies an account by its e-mail address, which never changes there. Its name and
// password change only if the gateway created it and nobody else uses it: any other is someone else's as well, and a provider must not take it over.

/** The result of changeAdmin. */
interface AdminChange {
  readonly changed: boolean;
  /** Suspends the account that the admin no longer has, if need be. Call it last: the platform does not take it back where a later step fails. */
  readonly leave?: () => Promise<void>;
}

/**
 * Changes an admin's name or e-mail address, and tells the platform. With another address, the admin gets the account that has it there, or a new one,
 * and an account that the gateway created for the former address is suspended if nobody else uses it. A new account gets a random password, since the
 * gateway does not know the admin's; `resetAdminPassword` sets one. Here, the password stays. The admin's streams and access tokens end, and so does
 * its single sign-on.
 * @param given receives the account as soon as it is created or linked
 * @throws ConflictError EMAIL_NOT_UNIQUE (4001); PlatformError (452)
 */
export async function changeAdmin(
  gateway: Gateway,
  tx: Transaction,
  { sid: enterpriseSid, status }: Enterprise,
  { email, name }: { readonly email?: string; readonly name?: string },
  given: (account: AdminAccount) => void,
): Promise<AdminChange> {
  const before = await tx.enterpriseAdmin.findUniqueOrThrow({ where: { enterpriseSid } });
  const change = { name, ...(email !== undefined && { email, emailFolded: fold(email) }) };
  if (!differs(before, change)) return { changed: false };
  const data = { ...change, dateUpdated: new Date() };
  if (email === undefined || fold(email) === before.emailFolded) {
    await tx.enterpriseAdmin.update({ where: { enterpriseSid }, data });
    if (name !== undefined && (await isOwnAccount(tx, before))) {
      await mayWaitForPlatform(tx);
      await gateway.restcomm.changeAccount(before.accountSid, { friendlyName: name });
    }
    return { changed: true };
  }
  await refuseTakenEmail(tx, before.organizationSid, email);
  await mayWaitForPlatform(tx);
  const password = randomBytes(24).toString('base64url');
  const account = await createAdminAccount(gateway, tx, before.organizationSid, { email, password, name: name ?? before.name ?? email });
  given(account);
  const { accountSid, accountCreated } = account;
  const admin = await tx.enterpriseAdmin.update({ where: { enterpriseSid }, data: { ...data, accountSid, accountCreated } });
  await revokeTokens(tx, admin.sid, data.dateUpdated);
  await takeAccount(gateway, tx, admin, status);
  return { changed: true, leave: () => leaveAccount(gateway, tx, before) };
}

const revokeTokens = (tx: Transaction, adminSid: string, dateRevoked: Date) =>
  tx.accessToken.updateMany({ where: { adminSid, dateRevoked: null }, data: { dateRevoked } });

/**
 * Records the account that an admin no longer has, and suspends it, unless it is someone else's, too. Suspended, not closed: the admin may get its
 * address back.
 */
async function leaveAccount({ restcomm }: Gateway, tx: Transaction, before: EnterpriseAdmin): Promise<void> {
  const { accountSid, organizationSid, accountCreated: created, status } = before;
  const isNeeded = (await statusForOthers(tx, before)) === 'ACTIVE';
  const suspends = created && !isNeeded;
  await recordFormerAccount(tx, { accountSid, organizationSid, created, suspended: suspends || (status === 'SUSPENDED' && !isNeeded) });
  if (!suspends) return;
  await mayWaitForPlatform(tx);
  await restcomm.setAccountStatus(accountSid, 'INACTIVE');
}

/** Whether an admin's account is its own alone: the gateway created it, and nobody else uses it, another tenant's admin for one. */
const isOwnAccount = async (tx: Transaction, admin: EnterpriseAdmin) =>
  admin.accountCreated && (await statusForOthers(tx, admin)) === undefined;

const resetInput = z.object({ enterpriseSid: mandatory(), password: mandatorySecret() });
type ResetAdminPasswordInput = z.input<typeof resetInput> & Keyed;

/**
 * Gives an enterprise's admin another password, here and, for an account of its own that the gateway created, on the platform. The streams and access
 * tokens that the former password opened end, and so does the single sign-on that it linked.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053); PlatformError (452)
 */
export function resetAdminPassword(gateway: Gateway, caller: Caller, input: ResetAdminPasswordInput): Promise<Enterprise> {
  return idempotently(gateway, caller, 'resetAdminPassword', input, async (remember) => {
    const { enterpriseSid, password } = parseInput(resetInput, input);
    await requireOpenEnterprise(gateway, caller, enterpriseSid);
    const passwordHash = await hashPassword(password);
    return inTransactionWithPlatform(gateway.prisma, caller.organizationSid, async (tx) => {
      const enterprise = await lockOpenEnterprise(tx, caller, enterpriseSid);
      const now = new Date();
      const admin = await tx.enterpriseAdmin.update({ where: { enterpriseSid }, data: { passwordHash, dateUpdated: now } });
      await revokeTokens(tx, admin.sid, now);
      await remember(tx, enterprise);
      if (!(await isOwnAccount(tx, admin))) return enterprise;
      await mayWaitForPlatform(tx);
      await gateway.restcomm.changeAccount(admin.accountSid, { password });
      return enterprise;
    }).finally(() => gateway.verified.drop(enterpriseSid));
  });
}
