import { encodeEventCursor } from '../domain/events/event-cursor.ts';
import { type LogReader, readEventsWithMessages } from '../domain/events/read-events.ts';
import type { EventWithMessage, LoggedEvent } from '../domain/logged-event.ts';
import { createWakeUp } from '../wake-up.ts';

/** An event with the cursor to continue after it. All followers get the same object, so that it is rendered once. */
export type LiveEvent = LoggedEvent & Partial<EventWithMessage> & { readonly cursor: string };

/** Receives a tail's events. */
export interface Follower {
  /** The seq of the last event that it has. It receives only later ones. */
  readonly position: bigint;
  push(events: readonly LiveEvent[]): void;
}

/** The only reader of an organization's log on this instance, on behalf of all followers. */
export interface Tail {
  /** The seq of the last event that it has read. */
  readonly position: bigint;
  /**
   * Adds a follower that has everything up to `position`. It receives every later event, once and in order.
   * @returns a function that removes it
   */
  join(follower: Follower): () => void;
  /** Reads the log now: it may have grown. */
  wake(): void;
  /** Takes an event that is committed. It need not be read, if it is the next. */
  offer(event: EventWithMessage): void;
  stop(): void;
}

const BATCH = 500;

interface TailOptions {
  readonly sql: LogReader;
  readonly organizationSid: string;
  readonly logId: string;
  /** The seq of the last event before those to read. */
  readonly from: bigint;
  /** How often to read without being woken, in ms. */
  readonly pollMs: number;
  /** Called when reading the log begins to fail. It is retried. */
  readonly onError: (error: unknown) => void;
}

/** Follows a log, in batches, until stopped. */
export function startTail({ sql, organizationSid, logId, from, pollMs, onError }: TailOptions): Tail {
  const followers = new Set<Follower>();
  const wakeUp = createWakeUp();
  let position = from;
  let stopped = false;
  let failing = false;
  /** Events after `position`, in order, that were offered in this turn of the event loop. */
  let offered: EventWithMessage[] = [];

  async function run(): Promise<void> {
    while (!stopped) {
      const events = await read();
      if (stopped) return;
      pushToFollowers(events);
      if (events.length < BATCH) await wakeUp.wait(pollMs);
    }
  }

  async function read(): Promise<EventWithMessage[]> {
    try {
      const events = await readEventsWithMessages(sql, organizationSid, position, BATCH);
      failing = false;
      return events;
    } catch (error) {
      if (!failing) onError(error);
      failing = true;
      return [];
    }
  }

  /** @param read consecutive events; those up to `position` are skipped, since followers may have got them meanwhile */
  function pushToFollowers(read: readonly EventWithMessage[]): void {
    const events = withCursors(
      logId,
      read.filter(({ seq }) => seq > position),
    );
    const last = events.at(-1);
    if (!last) return;
    position = last.seq;
    const first = events[0] as LiveEvent;
    for (const follower of followers) {
      const fresh = first.seq > follower.position ? events : events.filter((event) => event.seq > follower.position);
      if (fresh.length > 0) follower.push(fresh);
    }
  }

  function pushOffered(): void {
    const events = offered;
    offered = [];
    if (!stopped) pushToFollowers(events);
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
    offer: (event) => {
      if (event.seq !== (offered.at(-1)?.seq ?? position) + 1n) return wakeUp.wake();
      offered.push(event);
      // Together with the others of the same commit.
      if (offered.length === 1) queueMicrotask(pushOffered);
    },
    stop: () => {
      stopped = true;
      wakeUp.wake();
    },
  };
}

/** Adds to each event of a log the cursor to continue after it. */
export const withCursors = (logId: string, events: readonly EventWithMessage[]): LiveEvent[] =>
  events.map((event) => ({ ...event, cursor: encodeEventCursor(logId, event.seq) }));
