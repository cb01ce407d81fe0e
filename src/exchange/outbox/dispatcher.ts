import { randomUUID } from 'node:crypto';
import type { Gateway } from '../../domain/gateway.ts';
import type { Platform } from '../../domain/hints.ts';
import { RETRY_POLICY, type RetryPolicy } from '../backoff.ts';
import { type ClaimLoop, startClaimLoop } from '../claim-loop.ts';
import { retryUntilWritten } from '../retry-until-written.ts';
import { type ClaimedLane, claimLanes } from './claim-lanes.ts';
import { workOnLane } from './lane.ts';
import { LEASE_MS, releaseClaims, renewLeases } from './outbox.ts';

export interface DispatcherOptions {
  /** How many messages to deliver to each platform at once. */
  readonly concurrency: number;
  /** An organization with this many under way gets no further ones. One check may exceed it by half. */
  readonly perOrganization: number;
  /** How often to check the outbox without being woken, in ms. */
  readonly pollMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  /** Aborted when the process can wait no longer for the database to record what was delivered. Absent: it waits for ever. */
  readonly cutOff?: AbortSignal;
}

/** The minimum interval between two checks, in ms: every accepted message wakes the dispatcher, and lanes that are claimed together cost less. */
const MIN_INTERVAL_MS = 8;

interface Dispatcher {
  /**
   * Checks the outbox now.
   * @param platform where what may be due goes to; absent for both
   */
  wake(platform?: Platform): void;
  /**
   * Claims nothing more, and resolves when the lanes in progress are released.
   * @returns false if claims may remain until their leases expire, since the database did not let them be released
   */
  stop(): Promise<boolean>;
}

/**
 * Starts delivering messages from the outbox, to each platform by itself. Several instances share it (docs/adr/0007).
 */
export function startDispatcher(gateway: Gateway, options: DispatcherOptions): Dispatcher {
  const [teams, carrier] = [startPlatform(gateway, 'teams', options), startPlatform(gateway, 'carrier', options)];
  return {
    wake: (platform) => {
      if (platform !== 'carrier') teams.wake();
      if (platform !== 'teams') carrier.wake();
    },
    stop: async () => (await Promise.all([teams.stop(), carrier.stop()])).every((isReleased) => isReleased),
  };
}

function startPlatform(
  gateway: Gateway,
  platform: Platform,
  { concurrency, perOrganization, pollMs = 1000, retry, cutOff }: DispatcherOptions,
): ClaimLoop {
  const { prisma, sql, log } = gateway;
  const policy: RetryPolicy = { ...RETRY_POLICY, ...retry };
  const stopping = new AbortController();
  /** Until when claims may remain whose release failed, by the monotonic clock. */
  let mayHoldUntil = 0;

  async function claim(limit: number, inProgress: Iterable<ClaimedLane>): Promise<ClaimedLane[]> {
    const holder = randomUUID();
    const skippedOrganizations = busyOrganizations(inProgress, perOrganization);
    try {
      return await claimLanes(sql, { platform, limit, perOrganization: Math.ceil(perOrganization / 2), skippedOrganizations, holder });
    } catch (error) {
      // The claims may have been committed: without this, nobody would work on those lanes until their leases expire.
      const expiry = performance.now() + LEASE_MS;
      const release = async () => {
        const isMoot = stopping.signal.aborted && performance.now() >= expiry;
        if (!isMoot) await releaseClaims(prisma, holder);
      };
      await retryUntilWritten(log, release, cutOff).catch((failed) => {
        mayHoldUntil = expiry;
        throw failed;
      });
      throw error;
    }
  }

  const loop = startClaimLoop<ClaimedLane>({
    log,
    source: 'the outbox',
    concurrency,
    pollMs,
    minIntervalMs: MIN_INTERVAL_MS,
    claim,
    isLimited: (inProgress) => busyOrganizations(inProgress, perOrganization).length > 0,
    renew: (inProgress) => renewLeases(prisma, inProgress),
    work: (lane) => workOnLane(gateway, lane, policy, { stopping: stopping.signal, cutOff }),
    logged: ({ organizationSid }) => ({ organizationSid }),
  });
  return {
    wake: loop.wake,
    stop: async () => {
      stopping.abort();
      return (await loop.stop()) && performance.now() >= mayHoldUntil;
    },
  };
}

/** The organizations that hold `perOrganization` claims or more. */
function busyOrganizations(claims: Iterable<ClaimedLane>, perOrganization: number): string[] {
  const counts = new Map<string, number>();
  for (const { organizationSid } of claims) counts.set(organizationSid, (counts.get(organizationSid) ?? 0) + 1);
  return [...counts].filter(([, count]) => count >= perOrganization).map(([organizationSid]) => organizationSid);
}
