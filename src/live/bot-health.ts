import type { Logger } from 'pino';
import type { Bot, PrismaClient } from '../../prisma/client/client.ts';
import type { Caller } from '../domain/caller.ts';
import { type BotsInReach, botsInReach, lastHealthSeq } from '../domain/enterprises/health-changes.ts';
import { createWakeUp } from '../wake-up.ts';
import { createPolledUpdates, type Updates } from './updates.ts';

/** Bots that are unhealthy, or whose health has changed. */
export interface BotHealthUpdate {
  readonly bots: readonly Bot[];
  /** Whether more of what is known now follows. */
  readonly hasMore: boolean;
}

/** The health of bots, as it is followed on this instance. */
interface BotHealth {
  /**
   * Follows the bots within a caller's reach: first those that are unhealthy, then each that changes.
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
  readonly log: Logger;
  /** How often to look without being woken, in ms. */
  readonly pollMs: number;
  /** Aborted when all are to end. */
  readonly signal: AbortSignal;
}

/** How many bots an update has at most. */
const PAGE = 100;

/** Creates the streams of bots' health. All of an organization's share what looks for changes. */
export function createBotHealth({ prisma, log, pollMs, signal }: BotHealthOptions): BotHealth {
  const watches = new Map<string, Watch>();

  function watchOf(organizationSid: string): Watch {
    const existing = watches.get(organizationSid);
    if (existing) return existing;
    const watch: Watch = startWatch({
      read: () => lastHealthSeq(prisma, organizationSid),
      ended: () => {
        if (watches.get(organizationSid) === watch) watches.delete(organizationSid);
      },
      onError: (error) => log.error({ err: error, organizationSid }, "cannot look for changes of bots' health; retrying"),
      ...{ pollMs, signal },
    });
    watches.set(organizationSid, watch);
    return watch;
  }

  return {
    follow: async (caller, enterpriseSid) => {
      const { organizationSid } = caller;
      const bots = await botsInReach(prisma, caller, enterpriseSid);
      const watch = watchOf(organizationSid);
      const leaving = new AbortController();
      const leave = watch.join();
      const steps = stepsOf(
        bots,
        () => lastHealthSeq(prisma, organizationSid),
        (seq) => watch.beyond(seq, leaving.signal),
      );
      return createPolledUpdates(steps, leaving, leave, watch.announce);
    },
    wake: (organizationSid) => watches.get(organizationSid)?.wake(),
    wakeAll: () => {
      for (const watch of watches.values()) watch.wake();
    },
  };
}

/** @param beyond waits for a number greater than this one; `undefined` once there is none */
async function* stepsOf(
  bots: BotsInReach,
  lastSeq: () => Promise<bigint>,
  beyond: (seq: bigint) => Promise<bigint | undefined>,
): AsyncGenerator<BotHealthUpdate, undefined> {
  // Before the bots: what changes while they are read comes again.
  let seen = await lastSeq();
  for (let after = '', hasMore = true; hasMore; ) {
    const found = await bots.unhealthy(after, PAGE + 1);
    hasMore = found.length > PAGE;
    const page = found.slice(0, PAGE);
    after = page.at(-1)?.sid ?? after;
    yield { bots: page, hasMore };
  }
  for (;;) {
    const head = await beyond(seen);
    if (head === undefined) return;
    for (let hasMore = true; hasMore; ) {
      const found = await bots.changed(seen, PAGE + 1);
      hasMore = found.length > PAGE;
      const page = found.slice(0, PAGE);
      seen = page.at(-1)?.healthSeq ?? seen;
      if (page.length > 0) yield { bots: page, hasMore };
    }
    // Others' bots have the numbers between.
    if (head > seen) seen = head;
  }
}

/** Reads an organization's last number again and again, for all its followers. */
interface Watch {
  /** Adds a follower. @returns what removes it: without followers, nothing is read */
  join(): () => void;
  /** Waits for a number greater than `seq`; `undefined` once there is none, or `left` is aborted. */
  beyond(seq: bigint, left: AbortSignal): Promise<bigint | undefined>;
  /** Reads now. */
  wake(): void;
  /** Has all who wait look again. */
  announce(): void;
}

interface WatchOptions extends Pick<BotHealthOptions, 'pollMs' | 'signal'> {
  readonly read: () => Promise<bigint>;
  readonly ended: () => void;
  /** Called when reading begins to fail. */
  readonly onError: (error: unknown) => void;
}

function startWatch({ read, ended, onError, pollMs, signal }: WatchOptions): Watch {
  const wakeUp = createWakeUp();
  const stopping = new AbortController();
  const stopped = AbortSignal.any([signal, stopping.signal]);
  stopped.addEventListener('abort', wakeUp.wake);
  let followers = 0;
  let latest = -1n;
  let waiting: (() => void)[] = [];

  function announce(): void {
    const all = waiting;
    waiting = [];
    for (const look of all) look();
  }

  async function run(): Promise<void> {
    let failing = false;
    while (!stopped.aborted) {
      try {
        const seq = await read();
        failing = false;
        if (seq !== latest) {
          latest = seq;
          announce();
        }
      } catch (error) {
        if (!failing) onError(error);
        failing = true;
      }
      if (!stopped.aborted) await wakeUp.wait(pollMs);
    }
  }

  void run().finally(() => {
    ended();
    announce();
  });
  return {
    join: () => {
      followers += 1;
      return () => {
        followers -= 1;
        if (followers > 0) return;
        // Who comes now starts another one.
        ended();
        stopping.abort();
      };
    },
    beyond: async (seq, left) => {
      while (latest <= seq && !stopped.aborted && !left.aborted) await new Promise<void>((look) => waiting.push(look));
      return stopped.aborted || left.aborted ? undefined : latest;
    },
    wake: wakeUp.wake,
    announce,
  };
}
