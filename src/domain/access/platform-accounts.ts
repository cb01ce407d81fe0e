import type { Account } from '../../../prisma/client/client.ts';
import type { PlatformAccount } from '../../platforms/restcomm/restcomm.ts';
import type { Credentials } from '../caller.ts';
import { PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { inTransaction } from '../transaction.ts';
import { PROVIDER_PERMISSIONS, permissionsOf } from './accounts.ts';
import { credentialsOfAdmin, ofEnterprise } from './admin-credentials.ts';

type Deps = Pick<Gateway, 'prisma' | 'secrets' | 'restcomm' | 'log'>;
type Verdict = PlatformAccount | 'inactive' | 'unknown';

/**
 * Why credentials of the platform do not let anybody in. `INACTIVE`: the account is not active there or here. `AMBIGUOUS`: it is the admin of
 * several providers' enterprises. `UNAVAILABLE`: the platform does not answer.
 */
export type PlatformRefusal = 'INACTIVE' | 'AMBIGUOUS' | 'UNAVAILABLE';

/** Good credentials, and until when (ms since 1970) what the platform said of them holds. */
export interface Vouched {
  readonly credentials: Credentials;
  readonly until: number;
}

export interface PlatformAccounts {
  /**
   * Whose credentials these are. The platform is asked only for an account that has no token here; one that is new is taken in, as a provider's,
   * unless it is an enterprise's admin.
   * @returns `undefined` where the platform does not know them, or was not to be asked
   */
  authenticate(sid: string, authToken: string): Promise<Vouched | PlatformRefusal | undefined>;
}

/** Stands in the place of a key's id, and is none: no token has a digest under it. */
export const PLATFORM_KEY_ID = 'restcomm';

/** How long a verdict is kept, in ms. Bad ones for a moment only: an account may just be being made. */
const GOOD_MS = 60_000;
const BAD_MS = 5_000;
const KEPT = 10_000;

/** Accounts that the Restcomm platform vouches for. Its verdicts are kept for a moment, by a keyed digest; requests that ask the same share one answer. */
export function createPlatformAccounts(gateway: Deps): PlatformAccounts {
  const { prisma, secrets, restcomm, log } = gateway;
  const good = createVerdicts(GOOD_MS);
  const bad = createVerdicts(BAD_MS);
  const asked = new Map<string, Promise<Kept>>();

  async function ask(key: string, sid: string, authToken: string): Promise<Kept> {
    const verdict = await restcomm.checkCredentials(sid, authToken);
    return (typeof verdict === 'string' ? bad : good).keep(key, verdict);
  }

  function verdictOn(key: string, sid: string, authToken: string): Promise<Kept> | Kept {
    const known = good.get(key) ?? bad.get(key);
    if (known) return known;
    const pending = asked.get(key) ?? ask(key, sid, authToken).finally(() => asked.delete(key));
    asked.set(key, pending);
    return pending;
  }

  return {
    authenticate: async (sid, authToken) => {
      if (!/^AC[0-9a-f]{32}$/.test(sid)) return undefined;
      const known = await prisma.account.findUnique({ where: { sid } });
      if (known && known.tokenKeyId !== PLATFORM_KEY_ID) return undefined;
      const key = Buffer.from(secrets.fingerprint(`${sid}:${authToken}`)).toString('base64');
      let kept: Kept;
      try {
        kept = await verdictOn(key, sid, authToken);
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        log.warn({ err: error, accountSid: sid }, 'Restcomm can not be asked for the credentials of an account');
        return 'UNAVAILABLE';
      }
      const { verdict, until } = kept;
      if (verdict === 'unknown') return undefined;
      if (verdict === 'inactive') return 'INACTIVE';
      const credentials = known ? ofAccount(known) : ((await asAdmin(prisma, sid)) ?? ofAccount(await takeIn(gateway, sid, verdict)));
      if (typeof credentials === 'string') {
        good.forget(key);
        return credentials;
      }
      const isStillValid = async () => {
        try {
          return typeof (await verdictOn(key, sid, authToken)).verdict !== 'string';
        } catch {
          return true;
        }
      };
      return { credentials: { ...credentials, isStillValid }, until };
    },
  };
}

function ofAccount(account: Account): Credentials | 'INACTIVE' {
  if (account.status !== 'ACTIVE') return 'INACTIVE';
  return { organizationSid: account.organizationSid, accountSid: account.sid, permissions: permissionsOf(account) };
}

/**
 * An enterprise's admin has an account on the platform too, in its provider's organization: taken in, it would have all that the provider has.
 * @returns `undefined` for who is no admin. Whose enterprises are all CLOSED is one still, and INACTIVE
 */
async function asAdmin(prisma: Deps['prisma'], accountSid: string): Promise<Credentials | 'INACTIVE' | 'AMBIGUOUS' | undefined> {
  const admins = await prisma.enterpriseAdmin.findMany({ where: { accountSid }, include: ofEnterprise });
  const open = admins.filter(({ status }) => status !== 'CLOSED');
  const admin = open[0] ?? admins[0];
  if (open.length > 1) return 'AMBIGUOUS';
  return admin && credentialsOfAdmin(admin);
}

/** Makes the account of somebody who is new here, in the organization that the platform names, or in one of its own. */
async function takeIn({ prisma, log }: Deps, sid: string, { email, friendlyName, organizationSid }: PlatformAccount): Promise<Account> {
  const name = friendlyName ?? email;
  // Made of the account's: of instances that take it in at once, none makes an organization that nobody has.
  const organization = organizationSid ?? `OR${sid.slice(2)}`;
  const account = await inTransaction(prisma, async (tx) => {
    await tx.organization.createMany({ data: [{ sid: organization, name }], skipDuplicates: true });
    const unset = { tokenDigest: new Uint8Array(0), tokenKeyId: PLATFORM_KEY_ID };
    const data = { sid, organizationSid: organization, email, friendlyName: name, permissions: [...PROVIDER_PERMISSIONS], ...unset };
    await tx.account.createMany({ data: [data], skipDuplicates: true });
    return tx.account.findUniqueOrThrow({ where: { sid } });
  });
  log.info({ accountSid: sid, organizationSid: account.organizationSid }, 'an account of Restcomm was taken in');
  return account;
}

interface Kept {
  readonly verdict: Verdict;
  readonly until: number;
}

/** Verdicts for `lifetimeMs`, the newest KEPT. */
function createVerdicts(lifetimeMs: number) {
  const kept = new Map<string, Kept>();
  return {
    get: (key: string): Kept | undefined => {
      const found = kept.get(key);
      if (found && found.until > Date.now()) return found;
      kept.delete(key);
      return undefined;
    },
    keep: (key: string, verdict: Verdict): Kept => {
      const entry = { verdict, until: Date.now() + lifetimeMs };
      kept.delete(key);
      kept.set(key, entry);
      const [oldest] = kept.keys();
      if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
      return entry;
    },
    forget: (key: string) => kept.delete(key),
  };
}
