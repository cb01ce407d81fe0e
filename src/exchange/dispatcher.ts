import { randomUUID } from 'node:crypto';
import type { Gateway } from '../domain/gateway.ts';
import { RETRY_POLICY, type RetryPolicy } from './backoff.ts';
import { type ClaimLoop, startClaimLoop } from './claim-loop.ts';
import { workOnLane } from './lane.ts';
import { type Claim, claimLanes, releaseClaims, renewLeases } from './outbox.ts';
import { retryUntilWritten } from './retry-until-written.ts';

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

/**
 * Starts delivering messages from the outbox. Several instances share it (docs/adr/0007).
 * @returns its `stop` resolves when the lanes in progress are released
 */
export function startDispatcher(gateway: Gateway, { concurrency, perOrganization, pollMs = 1000, retry }: DispatcherOptions): ClaimLoop {
  const { prisma, log } = gateway;
  const policy: RetryPolicy = { ...RETRY_POLICY, ...retry };
  let stopped = false;
  const isStopped = () => stopped;

  async function claim(free: number, inProgress: Iterable<Claim>): Promise<Claim[]> {
    const holder = randomUUID();
    const busy = busyOrganizations(inProgress, perOrganization);
    try {
      return await claimLanes(prisma, free, Math.max(1, Math.floor(perOrganization / 2)), busy, holder);
    } catch (error) {
      // The claims may have been committed: without this, nobody would work on those lanes until their leases expire.
      await retryUntilWritten(log, () => releaseClaims(prisma, holder), isStopped);
      throw error;
    }
  }

  const loop = startClaimLoop<Claim>({
    log,
    source: 'the outbox',
    concurrency,
    pollMs,
    minIntervalMs: MIN_INTERVAL_MS,
    claim,
    renew: (inProgress) => renewLeases(prisma, inProgress),
    work: (claimed) => workOnLane(gateway, claimed, policy, isStopped),
    logged: ({ organizationSid }) => ({ organizationSid }),
  });
  return {
    wake: loop.wake,
    stop: () => {
      stopped = true;
      return loop.stop();
    },
  };
}

/** The organizations that hold `perOrganization` claims or more. */
function busyOrganizations(claims: Iterable<Claim>, perOrganization: number): string[] {
  const counts = new Map<string, number>();
  for (const { organizationSid } of claims) counts.set(organizationSid, (counts.get(organizationSid) ?? 0) + 1);
  return [...counts].filter(([, count]) => count >= perOrganization).map(([organizationSid]) => organizationSid);
}
