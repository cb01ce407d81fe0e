import type { Account } from '../../../prisma/client/client.ts';
import type { PlatformAccount } from '../../platforms/restcomm/restcomm.ts';
import { ExpiringCache } from '../caches/expiring-cache.ts';
import type { Credentials } from '../caller.ts';
import { PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { inTransaction } from '../transaction.ts';
import { isSid } from '../values/sid.ts';
import { PROVIDER_PERMISSIONS, permissionsOf } from './accounts.ts';
import { credentialsOfAdmin, WITH_ENTERPRISE } from './admin-credentials.ts';

type PlatformAccountDeps = Pick<Gateway, 'prisma' | 'secrets' | 'restcomm' | 'log'>;
/** The platform's verdict on credentials: their account, or the reason for refusing them. */
type Verdict = PlatformAccount | 'inactive' | 'unknown';

/**
 * The reason for refusing credentials of the platform. `INACTIVE`: the account is not active there or here. `AMBIGUOUS`: it is the admin of several
 * providers' enterprises. `UNAVAILABLE`: the platform does not respond.
 */
export type PlatformRefusal = 'INACTIVE' | 'AMBIGUOUS' | 'UNAVAILABLE';

/** Valid credentials, and until when the platform's verdict on them is cached, in ms since 1970. */
export interface PlatformCredentials {
  readonly credentials: Credentials;
  readonly until: number;
}

interface PlatformAccounts {
  /**
   * Authenticates an account by its auth token on the platform. Only an account without a token here is looked up there. A new account is imported as a
   * provider's, unless it is or was an enterprise's admin.
   * @returns `undefined` if the platform does not know the credentials, or the account has a token here
   */
  authenticate(sid: string, authToken: string): Promise<PlatformCredentials | PlatformRefusal | undefined>;
}

/** Stored in place of a key's id for an account without a token here. It is no key's id, so no token matches. */
export const PLATFORM_KEY_ID = 'restcomm';

/** How long a verdict is cached, in ms. A refusal is cached only briefly: the account may be about to be created. */
const ACCEPTED_MS = 60_000;
const REFUSED_MS = 5_000;
const MAX_VERDICTS = 10_000;

/** A verdict, and until when it is cached, in ms since 1970. */
interface CachedVerdict {
  readonly value: Verdict;
  readonly until: number;
}

/**
 * Authenticates accounts that the Restcomm platform vouches for (docs/adr/0009). Its verdicts are cached by a keyed digest of the credentials, and
 * concurrent requests with the same credentials share one lookup.
 */
export function createPlatformAccounts(gateway: PlatformAccountDeps): PlatformAccounts {
  const { prisma, secrets, restcomm, log } = gateway;
  // Two caches, so that a flood of wrong credentials does not evict the right ones.
  const accepted = new ExpiringCache<Verdict>(MAX_VERDICTS);
  const refused = new ExpiringCache<Verdict>(MAX_VERDICTS);
  const lookups = new Map<string, Promise<CachedVerdict>>();

  async function lookUp(key: string, sid: string, authToken: string): Promise<CachedVerdict> {
    const verdict = await restcomm.checkCredentials(sid, authToken);
    const isRefused = typeof verdict === 'string';
    return (isRefused ? refused : accepted).set(key, verdict, Date.now() + (isRefused ? REFUSED_MS : ACCEPTED_MS));
  }

  function verdictOn(key: string, sid: string, authToken: string): Promise<CachedVerdict> | CachedVerdict {
    const cached = accepted.get(key) ?? refused.get(key);
    if (cached) return cached;
    const lookup = lookups.get(key) ?? lookUp(key, sid, authToken).finally(() => lookups.delete(key));
    lookups.set(key, lookup);
    return lookup;
  }

  const platformAccounts: PlatformAccounts = {
    authenticate: async (sid, authToken) => {
      if (!isSid('AC', sid)) return undefined;
      const account = await prisma.account.findUnique({ where: { sid } });
      // Asked in any case, so that the time does not tell whether there is such an account.
      const admin = await credentialsAsAdmin(prisma, sid);
      if (account && account.tokenKeyId !== PLATFORM_KEY_ID) return undefined;
      // A reset of an admin's password, here or on another instance, makes another key, so that the former verdict counts no longer.
      const digest = account ? '' : digestOf(admin);
      const key = Buffer.from(secrets.fingerprint(`${digest}:${sid}:${authToken}`)).toString('base64');
      let cached: CachedVerdict;
      try {
        cached = await verdictOn(key, sid, authToken);
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        log.warn({ err: error, accountSid: sid }, 'cannot verify the credentials of an account with Restcomm');
        return 'UNAVAILABLE';
      }
      const { value: verdict, until } = cached;
      if (verdict === 'unknown') return undefined;
      if (verdict === 'inactive') return 'INACTIVE';
      // Read again: it may have become an admin's while Restcomm was asked, and must not be imported then.
      const credentials = account
        ? credentialsOfAccount(account)
        : ((await credentialsAsAdmin(prisma, sid)) ?? credentialsOfAccount(await importAccount(gateway, sid, verdict)));
      if (typeof credentials === 'string') {
        accepted.delete(key);
        return credentials;
      }
      if (!account && digestOf(credentials) !== digest) return platformAccounts.authenticate(sid, authToken);
      const isStillValid = async () => {
        try {
          return typeof (await verdictOn(key, sid, authToken)).value !== 'string';
        } catch {
          return true;
        }
      };
      return { credentials: { ...credentials, isStillValid }, until };
    },
  };
  return platformAccounts;
}

const digestOf = (found: Credentials | string | undefined) => (typeof found === 'object' && found.credentialDigest) || '';

function credentialsOfAccount(account: Account): Credentials | 'INACTIVE' {
  if (account.status !== 'ACTIVE') return 'INACTIVE';
  return { organizationSid: account.organizationSid, accountSid: account.sid, permissions: permissionsOf(account) };
}

/**
 * Finds the credentials of an account that is an enterprise's admin. On the platform, such an account is in its provider's organization: if it were
 * imported, it would see all of the provider's customers.
 * @returns `undefined` for an account that never was an admin; `INACTIVE` also if all its enterprises are CLOSED, or it was an admin's and is no longer, or
 *   was to become one
 */
async function credentialsAsAdmin(
  prisma: PlatformAccountDeps['prisma'],
  accountSid: string,
): Promise<Credentials | 'INACTIVE' | 'AMBIGUOUS' | undefined> {
  // First, since a record is removed in the transaction that makes an admin.
  const wasAdmins = (await prisma.formerAdminAccount.count({ where: { accountSid } })) > 0;
  const admins = await prisma.enterpriseAdmin.findMany({ where: { accountSid }, include: WITH_ENTERPRISE });
  const open = admins.filter(({ status }) => status !== 'CLOSED');
  const admin = open[0] ?? admins[0];
  if (open.length > 1) return 'AMBIGUOUS';
  if (admin) return credentialsOfAdmin(admin);
  return wasAdmins ? 'INACTIVE' : undefined;
}

/** Imports an account of the platform, into the organization that the platform names, or into a new one. */
async function importAccount(
  { prisma, log }: PlatformAccountDeps,
  sid: string,
  { email, friendlyName, organizationSid }: PlatformAccount,
): Promise<Account> {
  const name = friendlyName ?? email;
  // Derived from the account's sid: instances that import the account at the same time all use one organization.
  const organization = organizationSid ?? `OR${sid.slice(2)}`;
  const account = await inTransaction(prisma, async (tx) => {
    await tx.organization.createMany({ data: [{ sid: organization, name }], skipDuplicates: true });
    const noToken = { tokenDigest: new Uint8Array(0), tokenKeyId: PLATFORM_KEY_ID };
    const data = { sid, organizationSid: organization, email, friendlyName: name, permissions: [...PROVIDER_PERMISSIONS], ...noToken };
    await tx.account.createMany({ data: [data], skipDuplicates: true });
    return tx.account.findUniqueOrThrow({ where: { sid } });
  });
  log.info({ accountSid: sid, organizationSid: account.organizationSid }, 'imported an account from Restcomm');
  return account;
}
