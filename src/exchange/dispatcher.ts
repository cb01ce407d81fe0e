import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isUnavailable } from '../database/unavailable.ts';
import type { Gateway } from '../domain/gateway.ts';
import { createWakeUp } from '../wake-up.ts';
import { RETRY_POLICY, type RetryPolicy } from './backoff.ts';
import { deliverNext } from './delivery.ts';
import { type Claim, claimLanes, disclaim, LEASE_MS, releaseLane, renewLeases } from './outbox.ts';
import { untilReached } from './until-reached.ts';

export interface Dispatcher {
  /** Something may be due: look now. */
  wake(): void;
  /** Takes no more lanes, and resolves when those that are worked on are given back. */
  stop(): Promise<void>;
}

export interface DispatcherOptions {
  /** How many lanes at once, and how many of them one organization's. */
  readonly concurrency: number;
  readonly perOrganization: number;
  /** How often it looks without being woken, in ms. */
  readonly pollMs?: number;
  readonly retry?: Partial<RetryPolicy>;
}

/** How long a lane is kept while others may wait, in ms. */
const SLICE_MS = 500;
/** The least time from a look that found nothing to the next, in ms: each message that is accepted wakes it, also those whose lanes are not due. */
const APART_MS = 10;

/** Works on the outbox until stopped. Several instances share it. */
export function startDispatcher(gateway: Gateway, { concurrency, perOrganization, pollMs = 1000, retry }: DispatcherOptions): Dispatcher {
  const { prisma, log } = gateway;
  const policy: RetryPolicy = { ...RETRY_POLICY, ...retry };
  const working = new Map<Promise<void>, Claim>();
  let stopped = false;
  const isStopped = () => stopped;
  const wakeUp = createWakeUp();

  async function run(): Promise<void> {
    while (!stopped) {
      const lookedAt = performance.now();
      const claims = await claim().catch((error): Claim[] => {
        log.error({ err: error }, 'the outbox can not be read');
        return [];
      });
      for (const claimed of claims) start(claimed);
      if (claims.length === 0 || working.size >= concurrency) await wakeUp.wait(pollMs);
      const early = lookedAt + APART_MS - performance.now();
      if (claims.length === 0 && early > 0) await delay(early);
    }
    await Promise.all(working.keys());
    clearInterval(renewing);
  }

  async function claim(): Promise<Claim[]> {
    const free = concurrency - working.size;
    if (free <= 0) return [];
    const counts = new Map<string, number>();
    for (const { organizationSid } of working.values()) counts.set(organizationSid, (counts.get(organizationSid) ?? 0) + 1);
    const busy = [...counts].filter(([, count]) => count >= perOrganization).map(([organizationSid]) => organizationSid);
    const holder = randomUUID();
    try {
      return await claimLanes(prisma, free, Math.max(1, Math.floor(perOrganization / 2)), busy, holder);
    } catch (error) {
      // It may have come about, and its answer been lost: nobody would work on those lanes until their leases are over.
      await untilReached(log, () => disclaim(prisma, holder), isStopped);
      throw error;
    }
  }

  function start(claim: Claim): void {
    const work = workOn(claim)
      .catch((error) =>
        log.error(
          { err: error, organizationSid: claim.organizationSid },
          'a lane could not be worked on; it is tried again when its lease is over',
        ),
      )
      .finally(() => {
        working.delete(work);
        wakeUp.wake();
      });
    working.set(work, claim);
  }

  async function workOn(claim: Claim): Promise<void> {
    const until = Date.now() + SLICE_MS;
    let pauseMs = 0;
    try {
      while (!stopped && Date.now() < until) {
        const step = await deliverNext(gateway, claim, policy, isStopped);
        if (step === 'next') continue;
        if (step !== 'done') pauseMs = step.pauseMs;
        break;
      }
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      log.error({ err: error, organizationSid: claim.organizationSid }, 'a lane waits for the database');
    }
    await untilReached(log, () => releaseLane(prisma, claim, pauseMs), isStopped);
    if (pauseMs > 0 && pauseMs < pollMs) setTimeout(() => wakeUp.wake(), pauseMs).unref();
  }

  const renewing = setInterval(() => {
    if (working.size === 0) return;
    renewLeases(prisma, [...working.values()]).catch((error) => log.error({ err: error }, 'the leases can not be renewed'));
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
