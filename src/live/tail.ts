import type { ConflictError } from '../domain/errors.ts';
import { cursorInvalid, encodeEventCursor } from '../domain/events/event-cursor.ts';
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
  /** The tail has ended: no more events come. */
  fail(error: ConflictError): void;
}

/** The only reader of an organization's log on this instance, on behalf of all followers. */
export interface Tail {
  /** The seq of the last event that it has read. */
  readonly position: bigint;
  /**
   * Adds a follower that has everything up to `position`. It receives every later event, once and in order. If the tail has ended, it fails at once.
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
  /** Whether the log is still the one that the tail has read up to a position. If not, the tail ends. */
  readonly isSame: (position: bigint) => Promise<boolean>;
  /** Called when it has ended by itself. */
  readonly onEnd: () => void;
  /** Called when reading the log begins to fail. It is retried. */
  readonly onError: (error: unknown) => void;
}

/** Follows a log, in batches, until stopped. */
export function startTail({ sql, organizationSid, logId, from, pollMs, isSame, onEnd, onError }: TailOptions): Tail {
  const followers = new Set<Follower>();
  const wakeUp = createWakeUp();
  let position = from;
  let stopped = false;
  let failing = false;
  /** When the log was last found to be the same. An error may be another server's taking over. */
  let comparedAt = Number.NEGATIVE_INFINITY;
  let failure: ConflictError | undefined;
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
      if (performance.now() - comparedAt >= pollMs / 2) {
        if (!(await isSame(position))) {
          end();
          // The events may be those of another log.
          return [];
        }
        comparedAt = performance.now();
      }
      failing = false;
      return events;
    } catch (error) {
      if (!failing) onError(error);
      failing = true;
      comparedAt = Number.NEGATIVE_INFINITY;
      return [];
    }
  }

  /** Followers have seen events that the log no longer has: they must begin anew. */
  function end(): void {
    stopped = true;
    failure = cursorInvalid(encodeEventCursor(logId, position));
    onEnd();
    for (const follower of followers) follower.fail(failure);
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
      if (failure) follower.fail(failure);
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
