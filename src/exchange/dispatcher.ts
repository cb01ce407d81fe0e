import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway } from '../domain/gateway.ts';
import { createWakeUp } from '../wake-up.ts';
import { RETRY_POLICY, type RetryPolicy } from './backoff.ts';
import { workOnLane } from './lane.ts';
import { type Claim, claimLanes, LEASE_MS, releaseClaims, renewLeases } from './outbox.ts';
import { retryUntilWritten } from './retry-until-written.ts';

export interface Dispatcher {
  /** Checks the outbox now: something may be due. */
  wake(): void;
  /** Claims no further lane, and resolves when those in progress are released. */
  stop(): Promise<void>;
}

export interface DispatcherOptions {
  /** How many lanes to work on at once. */
  readonly concurrency: number;
  /** How many of them may belong to one organization. */
  readonly perOrganization: number;
  /** How often to check the outbox without being woken, in ms. */
  readonly pollMs?: number;
  readonly retry?: Partial<RetryPolicy>;
}

/**
 * The minimum interval between two checks that find nothing, in ms: every accepted message wakes the dispatcher, even if its lane is not due.
 */
const MIN_INTERVAL_MS = 10;

/** Starts delivering messages from the outbox. Several instances share it (docs/adr/0007). */
export function startDispatcher(gateway: Gateway, { concurrency, perOrganization, pollMs = 1000, retry }: DispatcherOptions): Dispatcher {
  const { prisma, log } = gateway;
  const policy: RetryPolicy = { ...RETRY_POLICY, ...retry };
  const inProgress = new Map<Promise<void>, Claim>();
  const wakeUp = createWakeUp();
  let stopped = false;
  const isStopped = () => stopped;

  async function run(): Promise<void> {
    while (!stopped) {
      const checkedAt = performance.now();
      const claims = await claim().catch((error): Claim[] => {
        log.error({ err: error }, 'cannot read the outbox');
        return [];
      });
      for (const claimed of claims) start(claimed);
      if (claims.length === 0 || inProgress.size >= concurrency) await wakeUp.wait(pollMs);
      const early = checkedAt + MIN_INTERVAL_MS - performance.now();
      if (claims.length === 0 && early > 0) await delay(early);
    }
    await Promise.all(inProgress.keys());
    clearInterval(renewing);
  }

  async function claim(): Promise<Claim[]> {
    const free = concurrency - inProgress.size;
    if (free <= 0) return [];
    const busy = busyOrganizations(inProgress.values(), perOrganization);
    const holder = randomUUID();
    try {
      return await claimLanes(prisma, free, Math.max(1, Math.floor(perOrganization / 2)), busy, holder);
    } catch (error) {
      // The claims may have been committed: without this, nobody would work on those lanes until their leases expire.
      await retryUntilWritten(log, () => releaseClaims(prisma, holder), isStopped);
      throw error;
    }
  }

  function start(claim: Claim): void {
    const work = workOnLane(gateway, claim, policy, isStopped)
      .then((pauseMs) => {
        if (pauseMs > 0 && pauseMs < pollMs) setTimeout(() => wakeUp.wake(), pauseMs).unref();
      })
      .catch((error) => {
        log.error({ err: error, organizationSid: claim.organizationSid }, 'cannot work on a lane; retrying when its lease expires');
      })
      .finally(() => {
        inProgress.delete(work);
        wakeUp.wake();
      });
    inProgress.set(work, claim);
  }

  const renewing = setInterval(() => {
    if (inProgress.size === 0) return;
    renewLeases(prisma, [...inProgress.values()]).catch((error) => log.error({ err: error }, 'cannot renew the leases of lanes'));
  }, LEASE_MS / 3);
  const running = run();
  return {
    wake: () => wakeUp.wake(),
    stop: async () => {
      stopped = true;
      wakeUp.wake();
      await running;
    },
  };
}

/** The organizations that hold `perOrganization` claims or more. */
function busyOrganizations(claims: Iterable<Claim>, perOrganization: number): string[] {
  const counts = new Map<string, number>();
  for (const { organizationSid } of claims) counts.set(organizationSid, (counts.get(organizationSid) ?? 0) + 1);
  return [...counts].filter(([, count]) => count >= perOrganization).map(([organizationSid]) => organizationSid);
}
