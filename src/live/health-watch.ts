import type { Bot } from '../../prisma/client/client.ts';
import type { HealthHead } from '../domain/bots/health-changes.ts';
import { createWakeUp } from '../wake-up.ts';

/** Bots that are unhealthy, or whose health has changed. */
export interface BotHealthUpdate {
  readonly bots: readonly Bot[];
  /** Whether more of what is known now follows. */
  readonly hasMore: boolean;
}

/** Reads an organization's changes of bots' health again and again, once for all its followers. */
export interface HealthWatch {
  /** Adds a follower of the bots that pass. Without followers, nothing is read. */
  join(passes: (bot: Bot) => boolean): HealthFollower;
  /** Reads now. */
  wake(): void;
}

/** Receives the changes for one reader. */
export interface HealthFollower {
  /** Resolves to true once every later change will be noted, or to false once it has ended. */
  hasBegun(): Promise<boolean>;
  /** Waits for changes, at most `idleMs`, and returns at most `count` bots, each once and as last read; `undefined` once it has ended. */
  next(count: number, idleMs: number): Promise<BotHealthUpdate | undefined>;
  /** Waits, unless it ends. */
  pause(ms: number): Promise<void>;
  isEnded(): boolean;
  leave(): void;
}

interface HealthWatchOptions {
  /** Reads the last change. */
  readonly last: () => Promise<HealthHead>;
  /** Reads the bots that changed after the change `after`, in the order of the changes, at most `pageSize`. */
  readonly changed: (after: bigint) => Promise<Bot[]>;
  readonly pageSize: number;
  readonly ended: () => void;
  /** Called when reading begins to fail. */
  readonly onError: (error: unknown) => void;
  readonly pollMs: number;
  /** Aborted when it is to end. */
  readonly signal: AbortSignal;
}

/** The longest pause after a failed read, in ms. */
const RETRY_MS = 500;
/** The longest wait of a follower, in ms. It is woken by whatever it waits for. */
const LONG_MS = 3_600_000;
/** Less than the number of any bot, including one whose health has never changed. */
const BEFORE_ALL = -1n;

interface Member {
  /** Notes changed bots. */
  readonly note: (bots: readonly Bot[]) => void;
  /** Has it check what was noted, and whether it has ended. */
  readonly wake: () => void;
}

export function startHealthWatch({ last, changed, pageSize, ended, onError, pollMs, signal }: HealthWatchOptions): HealthWatch {
  const wakeUp = createWakeUp();
  const stopping = new AbortController();
  const stopped = AbortSignal.any([signal, stopping.signal]);
  stopped.addEventListener('abort', () => {
    wakeUp.wake();
    wakeMembers();
  });
  const members = new Set<Member>();
  /** Up to which number changes have been noted; `undefined` until it begins. */
  let position: bigint | undefined;
  /** Where they were read. */
  let source: string | undefined;

  function wakeMembers(): void {
    for (const { wake } of members) wake();
  }

  async function look(): Promise<void> {
    const { seq: head, source: readFrom } = await last();
    const isOther = source !== undefined && source !== readFrom;
    source = readFrom;
    if (position === undefined) {
      position = head;
      return wakeMembers();
    }
    // Numbers go back only if another database answers, after a restore or a failover that lost the last commits. It may have passed the position since.
    // Followers may have seen changes that this database does not have, so they get the present health of all bots.
    if (isOther || head < position) position = BEFORE_ALL;
    if (head === position) return;
    try {
      for (let isLast = false; !isLast; ) {
        const bots = await changed(position);
        for (const { note } of members) note(bots);
        position = bots.at(-1)?.healthSeq ?? position;
        isLast = bots.length < pageSize;
      }
      // Deleted bots, and those that changed again, have the numbers between.
      if (head > position) position = head;
    } finally {
      // Also if a later page failed: the next look may find nothing after the ones that were noted.
      wakeMembers();
    }
  }

  async function run(): Promise<void> {
    let failing = false;
    while (!stopped.aborted) {
      try {
        await look();
        failing = false;
      } catch (error) {
        if (!failing) onError(error);
        failing = true;
      }
      if (!stopped.aborted) await wakeUp.wait(failing ? Math.min(pollMs, RETRY_MS) : pollMs);
    }
  }

  void run().finally(() => {
    ended();
    wakeMembers();
  });
  return {
    join: (passes) => {
      const pending = new Map<string, Bot>();
      const news = createWakeUp();
      let hasLeft = false;
      const isEnded = () => hasLeft || stopped.aborted;
      const member: Member = {
        note: (bots) => {
          for (const bot of bots) {
            if (!passes(bot)) continue;
            // Moves it to the end, in the order of the changes.
            pending.delete(bot.sid);
            pending.set(bot.sid, bot);
          }
        },
        wake: news.wake,
      };
      members.add(member);
      return {
        hasBegun: async () => {
          while (position === undefined && !isEnded()) await news.wait(LONG_MS);
          return !isEnded();
        },
        next: async (count, idleMs) => {
          const until = performance.now() + idleMs;
          for (let left = idleMs; left > 0 && pending.size === 0 && !isEnded(); left = until - performance.now()) await news.wait(left);
          if (isEnded()) return undefined;
          const bots = [...pending.values()].slice(0, count);
          for (const { sid } of bots) pending.delete(sid);
          return { bots, hasMore: pending.size > 0 };
        },
        pause: news.wait,
        isEnded,
        leave: () => {
          hasLeft = true;
          members.delete(member);
          news.wake();
          if (members.size > 0) return;
          // The next follower starts another watch.
          ended();
          stopping.abort();
        },
      };
    },
    wake: wakeUp.wake,
  };
}
