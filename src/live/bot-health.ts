import type { Logger } from 'pino';
import type { Bot, PrismaClient } from '../../prisma/client/client.ts';
import { isUnavailable } from '../database/unavailable.ts';
import {
  type BotReach,
  botReachOf,
  changedBots,
  type HealthReader,
  lastHealthChange,
  unhealthyBots,
} from '../domain/bots/health-changes.ts';
import type { Caller } from '../domain/caller.ts';
import { type BotHealthUpdate, type HealthFollower, type HealthWatch, startHealthWatch } from './health-watch.ts';
import { createSharedReads } from './shared-reads.ts';
import { createPolledUpdates, type Updates } from './updates.ts';

/** The health of bots, as it is followed on this instance. */
interface BotHealth {
  /**
   * Follows the bots within a caller's reach: first those that are unhealthy, then each that changes, and an update without bots while none changes.
   * @throws NotFoundError ENTERPRISE_NOT_FOUND
   */
  follow(caller: Caller, enterpriseSid?: string): Promise<Updates<BotHealthUpdate>>;
  /** Looks for changes in an organization now. */
  wake(organizationSid: string): void;
  /** Looks for changes in all organizations now. */
  wakeAll(): void;
}

interface BotHealthOptions {
  readonly prisma: PrismaClient;
  readonly sql: HealthReader;
  /** Reads in turn with the organization's other statements. */
  readonly inTurn: (organizationSid: string) => HealthReader;
  readonly log: Logger;
  /** How often to look without being woken, in ms. */
  readonly pollMs: number;
  /** An update without bots comes after this long without a change, in ms. */
  readonly idleMs: number;
  /** Aborted when all are to end. */
  readonly signal: AbortSignal;
}

/** How many bots an update has at most. */
const PAGE = 100;
/** The pause before a stream reads again while the database is unavailable, in ms. */
const OUTAGE_PAUSE_MS = 500;

/** Creates the streams of bots' health. Those of an organization share the reads of changes; those of equal reach, the first reads of unhealthy bots, too. */
export function createBotHealth({ prisma, sql, inTurn, log, pollMs, idleMs, signal }: BotHealthOptions): BotHealth {
  const watches = new Map<string, HealthWatch>();
  const shared = createSharedReads<Bot[]>();

  function watchOf(organizationSid: string): HealthWatch {
    const existing = watches.get(organizationSid);
    if (existing) return existing;
    const watch: HealthWatch = startHealthWatch({
      // Takes no turn, as tails' reads take none: otherwise an idle organization would count as active.
      last: () => lastHealthChange(sql, organizationSid),
      changed: (after) => changedBots(inTurn(organizationSid), organizationSid, after, PAGE),
      pageSize: PAGE,
      ended: () => {
        if (watches.get(organizationSid) === watch) watches.delete(organizationSid);
      },
      onError: (error) => log.error({ err: error, organizationSid }, "cannot look for changes of bots' health; retrying"),
      ...{ pollMs, signal },
    });
    watches.set(organizationSid, watch);
    return watch;
  }

  function unhealthy(reach: BotReach, after: string): Promise<Bot[]> {
    const { organizationSid, enterpriseSid = '' } = reach;
    return shared(`${organizationSid} ${enterpriseSid} ${after}`, () => unhealthyBots(inTurn(organizationSid), reach, after, PAGE + 1));
  }

  return {
    follow: async (caller, enterpriseSid) => {
      const reach = await botReachOf(prisma, caller, enterpriseSid);
      const follower = watchOf(reach.organizationSid).join((bot) => (reach.enterpriseSid ?? bot.enterpriseSid) === bot.enterpriseSid);
      const steps = stepsOf(follower, idleMs, (after) => unhealthy(reach, after));
      return createPolledUpdates(steps, follower.leave);
    },
    wake: (organizationSid) => watches.get(organizationSid)?.wake(),
    wakeAll: () => {
      for (const watch of watches.values()) watch.wake();
    },
  };
}

/** @param unhealthy reads the unhealthy bots after a sid, one more than an update contains */
async function* stepsOf(
  follower: HealthFollower,
  idleMs: number,
  unhealthy: (after: string) => Promise<Bot[]>,
): AsyncGenerator<BotHealthUpdate, undefined> {
  // Bots that change while the unhealthy ones are read are sent again.
  if (!(await follower.hasBegun())) return;
  for (let after = '', hasMore = true; hasMore; ) {
    const found = await retried(() => unhealthy(after), follower);
    if (!found) return;
    hasMore = found.length > PAGE;
    const bots = found.slice(0, PAGE);
    after = bots.at(-1)?.sid ?? after;
    yield { bots, hasMore };
  }
  for (;;) {
    const next = await follower.next(PAGE, idleMs);
    if (!next) return;
    yield next;
  }
}

/** Repeats a read while the database is unavailable; `undefined` once the follower has ended. */
async function retried<Result>(read: () => Promise<Result>, follower: HealthFollower): Promise<Result | undefined> {
  while (!follower.isEnded()) {
    try {
      return await read();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
    }
    await follower.pause(OUTAGE_PAUSE_MS);
  }
  return undefined;
}
