import type { PrismaClient } from '../../prisma/client/client.ts';
import { encodeEventCursor } from '../domain/messages/event-cursor.ts';
import { type LoggedEvent, readEvents } from '../domain/messages/events.ts';
import { createWakeUp } from '../wake-up.ts';

/** An event with the cursor behind it. The same object goes to every follower, so that what is made of it is made once. */
export type LiveEvent = LoggedEvent & { readonly cursor: string };

/** Takes events in order. */
export interface Follower {
  /** The number of the last event that it has; it is given only later ones. */
  readonly position: bigint;
  push(events: readonly LiveEvent[]): void;
}

/** The one reader of an organization's log, for all who follow it here. */
export interface Tail {
  /** The number of the last event that it has read. */
  readonly position: bigint;
  /**
   * Joins a follower that has everything up to `tail.position`: it gets every later event, once, in order.
   * @returns how to leave
   */
  join(follower: Follower): () => void;
  /** There may be more: look now. */
  wake(): void;
  stop(): void;
}

const BATCH = 500;

export interface TailOptions {
  readonly prisma: PrismaClient;
  readonly organizationSid: string;
  readonly logId: string;
  /** Where it begins to read. */
  readonly from: bigint;
  /** How often it looks without being woken, in ms. */
  readonly pollMs: number;
  /** The log can not be read, since just now. It is tried again. */
  readonly onError: (error: unknown) => void;
}

/**
 * Follows a log in batches until stopped. It is ready to be woken before its first read, so that nothing committed in between waits for the timer.
 */
export function startTail({ prisma, organizationSid, logId, from, pollMs, onError }: TailOptions): Tail {
  const followers = new Set<Follower>();
  const wakeUp = createWakeUp();
  let position = from;
  let stopped = false;
  let failing = false;

  async function run(): Promise<void> {
    while (!stopped) {
      const events = await read();
      if (stopped) return;
      hand(withCursors(logId, events));
      if (events.length < BATCH) await wakeUp.wait(pollMs);
    }
  }

  async function read(): Promise<LoggedEvent[]> {
    try {
      const events = await readEvents(prisma, organizationSid, position, BATCH);
      failing = false;
      return events;
    } catch (error) {
      if (!failing) onError(error);
      failing = true;
      return [];
    }
  }

  function hand(events: readonly LiveEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    position = last.seq;
    const first = events[0] as LiveEvent;
    for (const follower of followers) {
      const fresh = first.seq > follower.position ? events : events.filter((event) => event.seq > follower.position);
      if (fresh.length > 0) follower.push(fresh);
    }
  }

  void run();
  return {
    get position() {
      return position;
    },
    join: (follower) => {
      followers.add(follower);
      return () => followers.delete(follower);
    },
    wake: () => wakeUp.wake(),
    stop: () => {
      stopped = true;
      wakeUp.wake();
    },
  };
}

/** Events of a log, each with the cursor behind it. */
export const withCursors = (logId: string, events: readonly LoggedEvent[]): LiveEvent[] =>
  events.map((event) => ({ ...event, cursor: encodeEventCursor(logId, event.seq) }));
