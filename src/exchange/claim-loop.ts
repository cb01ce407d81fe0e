import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createWakeUp } from '../wake-up.ts';
import { LEASE_MS } from './outbox/outbox.ts';

export interface ClaimLoop {
  /** Checks now: something may be due. */
  wake(): void;
  /**
   * Claims nothing more, and resolves when what is in progress has ended.
   * @returns false if claims may remain until their leases expire, since the database did not let them be released
   */
  stop(): Promise<boolean>;
}

interface ClaimLoopOptions<Claim> {
  readonly log: Logger;
  /** What is claimed, for log lines, as in `cannot read the outbox`. */
  readonly source: string;
  /** How many claims to work on at once. */
  readonly concurrency: number;
  /** How often to check without being woken, in ms. */
  readonly pollMs: number;
  /** The minimum interval between two checks, in ms: what wakes the loop is often not due. */
  readonly minIntervalMs: number;
  /**
   * Claims what is due, each for LEASE_MS.
   * @param free how many to claim at most
   * @param inProgress what is being worked on
   */
  readonly claim: (free: number, inProgress: Iterable<Claim>) => Promise<readonly Claim[]>;
  /** Whether something due may have been left because of what is in progress. */
  readonly isLimited?: (inProgress: Iterable<Claim>) => boolean;
  /** Extends the leases of these claims. */
  readonly renew: (inProgress: readonly Claim[]) => Promise<void>;
  /** What tells a claim from others in the log. */
  readonly logged: (claim: Claim) => object;
  /**
   * Works on a claim. Reports a failure itself, or leaves the claim to its lease.
   * @returns in how many ms to check again at the latest; 0 for at once; `undefined` if nothing follows from it
   */
  readonly work: (claim: Claim) => Promise<number | undefined>;
}

/** Claims what is due and works on it, until stopped. Several instances can do so side by side: a lease that is not renewed expires. */
export function startClaimLoop<Claim>(options: ClaimLoopOptions<Claim>): ClaimLoop {
  const { log, source, concurrency, pollMs, minIntervalMs } = options;
  const inProgress = new Map<Promise<void>, Claim>();
  const wakeUp = createWakeUp();
  let stopped = false;
  /** Whether the last check may have left something that is due. */
  let wasLimited = false;
  let isReleased = true;

  async function run(): Promise<void> {
    while (!stopped) {
      const checkedAt = performance.now();
      const claims = await claim();
      for (const claimed of claims) start(claimed);
      if (inProgress.size >= concurrency) wasLimited = true;
      if (claims.length === 0 || inProgress.size >= concurrency) await wakeUp.wait(pollMs);
      const early = checkedAt + minIntervalMs - performance.now();
      if (early > 0) await delay(early);
    }
    await Promise.all(inProgress.keys());
    clearInterval(renewing);
  }

  async function claim(): Promise<readonly Claim[]> {
    const free = concurrency - inProgress.size;
    wasLimited = free <= 0 || (options.isLimited?.(inProgress.values()) ?? false);
    if (free <= 0) return [];
    return options.claim(free, inProgress.values()).catch((error) => {
      log.error({ err: error }, `cannot read ${source}`);
      wasLimited = true;
      return [];
    });
  }

  function start(claim: Claim): void {
    const work = options
      .work(claim)
      .then((pauseMs) => {
        if (pauseMs === 0) wakeUp.wake();
        else if (pauseMs !== undefined && pauseMs < pollMs) setTimeout(() => wakeUp.wake(), pauseMs).unref();
      })
      .catch((error) => {
        if (stopped) isReleased = false;
        log.error({ err: error, ...options.logged(claim) }, `cannot work on ${source}; retrying when the lease expires`);
      })
      .finally(() => {
        inProgress.delete(work);
        if (wasLimited) wakeUp.wake();
      });
    inProgress.set(work, claim);
  }

  const renewing = setInterval(() => {
    if (inProgress.size === 0) return;
    options.renew([...inProgress.values()]).catch((error) => log.error({ err: error }, `cannot renew the leases of ${source}`));
  }, LEASE_MS / 3);
  const running = run();
  return {
    wake: () => wakeUp.wake(),
    stop: async () => {
      stopped = true;
      wakeUp.wake();
      await running;
      return isReleased;
    },
  };
}
