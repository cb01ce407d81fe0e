import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';
import type { Caller } from '../domain/caller.ts';
import type { VerifiedCredentials } from '../domain/verified-credentials.ts';

/** Whoever is to end with a caller's credentials. */
export interface Watched {
  readonly caller: Caller;
  readonly end: () => void;
}

export interface CredentialWatch {
  /**
   * Calls `end` once when the caller's credentials stop being valid: the account suspended, its token rotated, the access token revoked or expired, the
   * enterprise's admin suspended;
   * for an account that only Restcomm knows, also within a minute of what happens there.
   */
  watch(watched: Watched): void;
  unwatch(watched: Watched): void;
  stop(): void;
}

/** Streams must end within 5 s of their credentials; where a change is heard of, they end at once. */
const INTERVAL_MS = 2000;

interface Options {
  readonly prisma: PrismaClient;
  readonly verified: Pick<VerifiedCredentials, 'onDrop'>;
  readonly log: Logger;
}

/** Looks after the credentials of open streams: three statements a look at most, however many there are. */
export function createCredentialWatch({ prisma, verified, log }: Options): CredentialWatch {
  const watched = new Set<Watched>();
  let looking = false;
  let again = false;
  let stopped = false;
  const timer = setInterval(begin, INTERVAL_MS).unref();
  verified.onDrop(begin);

  function begin(): void {
    if (watched.size === 0 || stopped) return;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    look()
      .catch((error) => log.error({ err: error }, 'the credentials of open streams can not be checked'))
      .finally(() => {
        looking = false;
        if (again) begin();
        again = false;
      });
  }

  async function look(): Promise<void> {
    // Those that join meanwhile are looked after the next time: nothing was asked about them.
    const entries = [...watched];
    const callers = entries.map(({ caller }) => caller);
    const accountSids = [...new Set(callers.flatMap(({ adminSid, accountSid }) => (adminSid ? [] : accountSid)))];
    const adminSids = [...new Set(callers.flatMap(({ adminSid }) => adminSid ?? []))];
    const tokenSids = [...new Set(callers.flatMap((caller) => caller.accessTokenSid ?? []))];
    const accounts = await prisma.account.findMany({
      where: { sid: { in: accountSids }, status: 'ACTIVE' },
      select: { sid: true, tokenDigest: true },
    });
    const tokens = tokenSids.length
      ? await prisma.accessToken.findMany({
          where: { sid: { in: tokenSids }, dateRevoked: null, dateExpires: { gt: new Date() } },
          select: { sid: true },
        })
      : [];
    const admins = adminSids.length
      ? await prisma.enterpriseAdmin.findMany({ where: { sid: { in: adminSids }, status: 'ACTIVE' }, select: { sid: true } })
      : [];
    const digests = new Map(accounts.map((account) => [account.sid, Buffer.from(account.tokenDigest).toString('base64')]));
    const valid = new Set([...tokens, ...admins].map(({ sid }) => sid));
    for (const entry of entries) {
      const { accountSid, adminSid, accessTokenSid, credentialDigest } = entry.caller;
      const digest = digests.get(accountSid);
      const isHeld = adminSid ? valid.has(adminSid) : digest !== undefined;
      const holds = isHeld && (accessTokenSid ? valid.has(accessTokenSid) : credentialDigest === undefined || credentialDigest === digest);
      if (!holds) end(entry);
      // Not waited for: a platform that is slow to answer holds up nobody else's end.
      else void entry.caller.isStillValid?.().then((valid) => valid || end(entry));
    }
  }

  function end(entry: Watched): void {
    if (watched.delete(entry)) entry.end();
  }

  return {
    watch: (entry) => void watched.add(entry),
    unwatch: (entry) => void watched.delete(entry),
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}
