import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway } from '../../domain/gateway.ts';
import { LEASE_MS } from '../outbox/outbox.ts';

/** How often the database's clock is looked at, in ms. */
const EVERY_MS = 10_000;
/** By how much it must have gone back, in ms. A standby that takes over has another clock, too. */
const STEP_MS = 5000;

interface ClockWatch {
  /** Resolves once it no longer uses the database. */
  stop(): Promise<void>;
}

/**
 * Watches the database's clock, by this process's own monotonic one. When something is due is stored as a time: after the clock has gone back by an hour,
 * all that was due would wait for an hour.
 */
export function watchClock({ prisma, log }: Pick<Gateway, 'prisma' | 'log'>, everyMs = EVERY_MS): ClockWatch {
  const stopping = new AbortController();
  const { signal } = stopping;
  let ahead: number | undefined;
  /** Until when due times are corrected, by performance.now(): the first time misses rows that are locked, or that a transaction from before stores later. */
  let correctsUntil = 0;

  async function look(): Promise<void> {
    const asked = performance.now();
    const [row] = await prisma.$queryRaw<{ ms: number }[]>`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`;
    // A look that had to wait for a connection says nothing.
    if (performance.now() - asked > STEP_MS / 2) return;
    const now = (row?.ms ?? 0) - asked;
    const back = ahead === undefined ? 0 : ahead - now;
    // The first time, too: it may have gone back while no instance ran.
    if (ahead === undefined || back > STEP_MS) correctsUntil = asked + LEASE_MS;
    if (asked <= correctsUntil) {
      const corrected = await correctDueTimes(prisma);
      if (back > STEP_MS) log.warn({ backMs: Math.round(back), corrected }, "the database's clock went back");
    }
    ahead = now;
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      // An outage is reported by those that have work to do.
      await look().catch((error) => log.debug({ err: error }, "cannot look at the database's clock"));
      await delay(everyMs, undefined, { signal }).catch(() => {});
    }
  }

  const watching = watch();
  return {
    stop: async () => {
      stopping.abort();
      await watching;
    },
  };
}

/** Due times this far ahead, in ms, are of nothing that was due at once when it was stored, and of no claim. */
const AHEAD_MS = 2 * LEASE_MS;

/**
 * Makes due what was so before the clock went back: lanes, notices and webhook endpoints that wait for nothing. A claim ends if its holder no longer renews it. What waits
 * after a failed attempt may wait longer, by as much as the clock went back.
 * @returns how many
 */
async function correctDueTimes(prisma: Gateway['prisma']): Promise<number> {
  const lanes = await prisma.$executeRaw`
    UPDATE outbox_lane SET due = CASE WHEN holder IS NULL THEN now() ELSE now() + ${LEASE_MS} * interval '1 millisecond' END
    WHERE lane IN (
      SELECT lane FROM outbox_lane l WHERE due > now() + ${AHEAD_MS} * interval '1 millisecond' AND due < 'infinity' AND (holder IS NOT NULL OR (
        NOT EXISTS (SELECT 1 FROM lane_hold h WHERE h.lane = l.lane)
        AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.lane = l.lane AND o.attempts > 0)))
      ORDER BY lane FOR UPDATE SKIP LOCKED)`;
  const notices = await prisma.$executeRaw`
    UPDATE notice SET due = now() WHERE ended IS NULL AND attempts = 0 AND due > now() + ${AHEAD_MS} * interval '1 millisecond'`;
  const endpoints = await prisma.$executeRaw`
    UPDATE webhook_endpoint SET due = now() WHERE status = 'ACTIVE' AND failures = 0 AND due > now() + ${AHEAD_MS} * interval '1 millisecond'`;
  return lanes + notices + endpoints;
}
