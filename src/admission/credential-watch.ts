import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';
import { findValid } from '../domain/access/valid-credentials.ts';
import type { VerifiedCredentials } from '../domain/caches/verified-credentials.ts';
import type { Caller } from '../domain/caller.ts';

/** A stream or a socket that ends with its caller's credentials. */
export interface Watched {
  readonly caller: Caller;
  readonly end: () => void;
}

export interface CredentialWatch {
  /**
   * Calls `end` once, when the caller's credentials stop being valid: the account is suspended or its token rotated, the access token is revoked or
   * expired, the enterprise's admin is suspended or gets another password or e-mail address. For an account
   * that only Restcomm knows, Restcomm is asked, at most once a minute.
   */
  watch(watched: Watched): void;
  unwatch(watched: Watched): void;
  stop(): void;
}

/** Bounds how long a stream outlives its credentials if notifications of changes do not arrive: it must end within 5 s. */
const INTERVAL_MS = 2000;

interface CredentialWatchOptions {
  readonly prisma: PrismaClient;
  readonly verified: Pick<VerifiedCredentials, 'onDrop'>;
  readonly log: Logger;
}

/** Watches the credentials of open streams and sockets: every 2 s, and when any credentials change, by at most three statements for all of them. */
export function createCredentialWatch({ prisma, verified, log }: CredentialWatchOptions): CredentialWatch {
  const watched = new Set<Watched>();
  let isChecking = false;
  let isDueAgain = false;
  let isStopped = false;
  const timer = setInterval(tick, INTERVAL_MS).unref();
  verified.onDrop(tick);

  function tick(): void {
    if (watched.size === 0 || isStopped) return;
    if (isChecking) {
      isDueAgain = true;
      return;
    }
    isChecking = true;
    check()
      .catch((error) => log.error({ err: error }, 'cannot check the credentials of open streams'))
      .finally(() => {
        isChecking = false;
        if (isDueAgain) tick();
        isDueAgain = false;
      });
  }

  async function check(): Promise<void> {
    // Streams that open meanwhile wait for the next check: the statements do not ask about them.
    const entries = [...watched];
    const isValid = await findValid(
      prisma,
      entries.map(({ caller }) => caller),
    );
    for (const entry of entries) {
      if (!isValid(entry.caller)) end(entry);
      // Not awaited: a platform that responds slowly must not delay the end of other streams.
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
      isStopped = true;
      clearInterval(timer);
    },
  };
}
