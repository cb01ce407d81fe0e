import type { Transaction } from '../transaction.ts';
import { accountSid as sidOf } from '../values/sid.ts';

// The platform's accounts that enterprises' admins have left. Such an account is still in its provider's organization there, so it must never be imported
// as a provider's (platform-accounts.ts), and the gateway must know what it did to it.

interface FormerAccount {
  readonly accountSid: string;
  readonly organizationSid: string;
  /** Whether the gateway created it. */
  readonly created: boolean;
  /** Whether the gateway suspended it. */
  readonly suspended: boolean;
}

type FormerAccounts = Pick<Transaction, 'formerAdminAccount'>;

/**
 * Records an account before the platform is asked for it. If the gateway crashes then, or the platform's response is lost, the account may exist without an
 * admin here, and its password would let its holder in as a provider.
 * @returns the account's sid, for `forgetAnnounced`; `undefined` if it was recorded before
 */
export async function announceAccount(client: FormerAccounts, organizationSid: string, email: string): Promise<string | undefined> {
  const accountSid = sidOf(email);
  const data = [{ accountSid, organizationSid, created: false, suspended: false }];
  const { count } = await client.formerAdminAccount.createMany({ data, skipDuplicates: true });
  return count > 0 ? accountSid : undefined;
}

/** Removes the record of `announceAccount`, once an admin has the account, or it is known not to have been created. */
export async function forgetAnnounced(client: FormerAccounts, accountSid: string | undefined): Promise<void> {
  if (accountSid !== undefined) await client.formerAdminAccount.deleteMany({ where: { accountSid, created: false, suspended: false } });
}

/** Records an account that no admin of the organization has any longer, or that was made for one who did not get it. */
export async function recordFormerAccount(
  client: FormerAccounts,
  { accountSid, organizationSid, created, suspended }: FormerAccount,
): Promise<void> {
  await client.formerAdminAccount.upsert({
    where: { accountSid },
    create: { accountSid, organizationSid, created, suspended },
    // An account that was linked keeps the record of the organization that it was made for.
    update: created ? { organizationSid, created, suspended } : { suspended },
  });
}

/** Whether the gateway created this account for an admin of the organization, who left it or did not get it. */
export async function wasCreatedFor(client: FormerAccounts, accountSid: string, organizationSid: string): Promise<boolean> {
  return (await client.formerAdminAccount.count({ where: { accountSid, organizationSid, created: true } })) > 0;
}

/**
 * Notes that an admin has the account now: from then on, the admin's status tells whether the gateway has suspended it.
 * @returns whether it was suspended, by the gateway itself and not by the platform's operator
 */
export async function takeFormerAccount(client: FormerAccounts, accountSid: string): Promise<boolean> {
  const { count } = await client.formerAdminAccount.updateMany({ where: { accountSid, suspended: true }, data: { suspended: false } });
  return count > 0;
}
