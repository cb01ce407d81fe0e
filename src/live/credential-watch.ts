import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';
import type { Caller } from '../domain/caller.ts';

export interface CredentialWatch {
  /**
   * Calls `end` once when the caller's credentials stop being valid: the account suspended, its token rotated, the access token revoked or expired;
   * for an account that only Restcomm knows, also within a minute of what happens there.
   * @returns how to stop watching
   */
  watch(caller: Caller, end: () => void): () => void;
  stop(): void;
}

/** Streams must end within 5 s of their credentials. */
const INTERVAL_MS = 2000;

interface Watched {
  readonly caller: Caller;
  readonly end: () => void;
}

/** Looks after the credentials of open streams: two statements a look, however many there are. */
export function createCredentialWatch({ prisma, log }: { prisma: PrismaClient; log: Logger }): CredentialWatch {
  const watched = new Set<Watched>();
  let looking = false;
  const timer = setInterval(() => {
    if (looking || watched.size === 0) return;
    looking = true;
    look()
      .catch((error) => log.error({ err: error }, 'the credentials of open streams can not be checked'))
      .finally(() => {
        looking = false;
      });
  }, INTERVAL_MS).unref();

  async function look(): Promise<void> {
    // Those that join meanwhile are looked after the next time: nothing was asked about them.
    const entries = [...watched];
    const callers = entries.map(({ caller }) => caller);
    const accountSids = [...new Set(callers.map((caller) => caller.accountSid))];
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
    const digests = new Map(accounts.map((account) => [account.sid, Buffer.from(account.tokenDigest).toString('base64')]));
    const valid = new Set(tokens.map((token) => token.sid));
    for (const entry of entries) {
      const { accountSid, accessTokenSid, credentialDigest } = entry.caller;
      const digest = digests.get(accountSid);
      const holds =
        digest !== undefined &&
        (accessTokenSid ? valid.has(accessTokenSid) : credentialDigest === undefined || credentialDigest === digest);
      if (!holds) end(entry);
      // Not waited for: a platform that is slow to answer holds up nobody else's end.
      else void entry.caller.isStillValid?.().then((valid) => valid || end(entry));
    }
  }

  function end(entry: Watched): void {
    if (watched.delete(entry)) entry.end();
  }

  return {
    watch: (caller, end) => {
      const entry = { caller, end };
      watched.add(entry);
      return () => watched.delete(entry);
    },
    stop: () => clearInterval(timer),
  };
}
